"""Long-wave sky radiation, cloud cover and humidity: published figures, and a test year's own column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy import radiation, sky, weather

EPW = "weather/DEU_TH_Erfurt.Binderslebn.AP.105540_TMYx.2007-2021.epw"


def test_saturation_pressure_of_the_tables():
    """0.01 °C: 6.11 hPa; 20 °C: 23.4 hPa; 40 °C: 73.8 hPa (steam tables, e.g. DIN EN ISO 13788, Annex E)."""
    pressure = sky.saturation_pressure_hpa(np.array([0.01, 20.0, 40.0]))
    np.testing.assert_allclose(pressure, [6.11, 23.4, 73.8], rtol=0.004)


@settings(max_examples=30)
@given(st.floats(-30, 40), st.floats(5, 100))
def test_dew_point_and_humidity_are_inverse(temperature, humidity):
    air = np.array([temperature])
    dew = sky.dew_point_c(air, np.array([humidity]))
    assert dew[0] <= temperature + 1e-9
    np.testing.assert_allclose(sky.humidity_percent(air, dew), humidity, rtol=1e-9)


def test_long_wave_by_hand():
    """20 °C, dew point 10 °C, half covered: emissivity (0.787 + 0.764 ln(283.15/273)) = 0.81489; clouds
    1 + 0.112 − 0.0875 + 0.035 = 1.0595; σ·293.15⁴ = 418.74 W/m²; together 361.5 W/m²."""
    radiation = sky.long_wave(np.array([20.0]), np.array([10.0]), np.array([0.5]))
    np.testing.assert_allclose(radiation, 361.5, atol=0.2)


def test_long_wave_rises_with_clouds_and_stays_below_a_black_body():
    cover = np.linspace(0, 1, 11)
    radiation = sky.long_wave(np.full(11, 15.0), np.full(11, 8.0), cover)
    assert (np.diff(radiation) > 0).all()
    assert radiation[-1] < sky.STEFAN_BOLTZMANN * 288.15**4


def test_cloud_cover_from_clearness_by_hand():
    """Kasten & Czeplak: a sky of four eighths passes 1 − 0.75·0.5^3.4 = 0.929 of the clear sky."""
    times = pd.date_range("2025-06-21", periods=48, freq="h", tz="UTC")
    sine = radiation.sine_of_sun(times + pd.Timedelta(minutes=30), 50.9, 11.6)
    clear = np.maximum(910 * sine - 30, 0)
    np.testing.assert_allclose(sky.cloud_cover(clear * (1 - 0.75 * 0.5**3.4), times, 50.9, 11.6), 0.5)
    np.testing.assert_allclose(sky.cloud_cover(clear, times, 50.9, 11.6), 0.0, atol=1e-6)
    np.testing.assert_allclose(sky.cloud_cover(clear * 0, times, 50.9, 11.6), 1.0)


def test_a_polar_night_is_half_covered():
    times = pd.date_range("2025-12-15", periods=48, freq="h", tz="UTC")
    np.testing.assert_array_equal(sky.cloud_cover(np.zeros(48), times, 78.0, 15.0), 0.5)


def test_modelled_long_wave_agrees_with_a_file_that_has_it(shared_data):
    """Against the Erfurt file's own column (ERA5): the year within 15 W/m², hours within 35 W/m² r.m.s."""
    given_year = weather.read(shared_data / EPW)
    names = [name for name in weather.LIMITS if name != "ir_horizontal"]
    modelled = weather.Weather(
        given_year.times,
        **{name: getattr(given_year, name) for name in names},
        latitude=given_year.latitude,
        longitude=given_year.longitude,
        altitude_m=given_year.altitude_m,
        name="x",
        source="x",
    )
    assert "Clark" in modelled.metadata["ir_horizontal"]
    assert "ir_horizontal" not in given_year.metadata
    difference = modelled.ir_horizontal - given_year.ir_horizontal
    assert abs(difference.mean()) < 15
    assert np.sqrt((difference**2).mean()) < 35
    assert np.corrcoef(modelled.ir_horizontal, given_year.ir_horizontal)[0, 1] > 0.8
    assert weather.sample().ir_horizontal.mean() == pytest.approx(given_year.ir_horizontal.mean(), abs=20)
