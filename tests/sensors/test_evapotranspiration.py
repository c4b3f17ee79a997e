"""Reference evapotranspiration against the worked examples of FAO-56 (Allen et al. 1998)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sensors import evapotranspiration as et


def test_table_2_3_saturation_vapour_pressure() -> None:
    # FAO-56, Annex 2, Table 2.3: 1, 20 and 35 °C; Table 2.4: the slope at 20 °C.
    found = [et.saturation_vapour_pressure(temp) for temp in (1.0, 20.0, 35.0)]
    assert found == pytest.approx([0.657, 2.338, 5.623], abs=6e-4)
    assert et.slope(20.0) == pytest.approx(0.145, abs=5e-4)


def test_example_2_psychrometric_constant_at_1800_m() -> None:
    assert et.psychrometric(1800) == pytest.approx(0.054, abs=5e-4)


def test_example_14_wind_at_2_m() -> None:
    assert et.wind_at_2_m(3.2, 10) == pytest.approx(2.4, abs=0.05)


def test_example_8_radiation_outside_the_atmosphere() -> None:
    assert et.extraterrestrial_day(-20.0, 246) == pytest.approx(32.2, abs=0.05)


def test_example_9_daylight_hours() -> None:
    assert et.daylight_hours(-20.0, 246) == pytest.approx(11.7, abs=0.05)


def test_example_10_solar_radiation_from_sunshine() -> None:
    assert et.solar_from_sunshine(220 / 31, -22.9, 135) == pytest.approx(14.5, abs=0.1)


def test_example_17_month_in_bangkok() -> None:
    latitude, day = 13 + 44 / 60, 105  # 15 April
    solar = et.solar_from_sunshine(8.5, latitude, day)
    assert solar == pytest.approx(22.65, abs=0.05)
    assert et.daily(34.8, 25.6, 2.85, 2.0, solar, latitude, 2, day, 0.14) == pytest.approx(5.72, abs=0.01)


def test_example_18_day_in_uccle() -> None:
    latitude, day = 50 + 48 / 60, 187  # 6 July
    vapour = (
        et.saturation_vapour_pressure(12.3) * 0.84 + et.saturation_vapour_pressure(21.5) * 0.63
    ) / 2  # equation 17
    assert vapour == pytest.approx(1.409, abs=1e-3)
    wind = et.wind_at_2_m(10 / 3.6)
    assert wind == pytest.approx(2.078, abs=1e-3)
    solar = et.solar_from_sunshine(9.25, latitude, day)
    assert solar == pytest.approx(22.07, abs=0.05)
    assert et.daily(21.5, 12.3, vapour, wind, solar, latitude, 100, day) == pytest.approx(3.9, abs=0.05)


def test_example_19_hours_in_n_diaye() -> None:
    # 1 October, 16°13' N, 16°15' W, 8 m; hours 02-03 and 14-15 of the zone one hour behind UTC.
    times = pd.DatetimeIndex(["1998-10-01 03:00", "1998-10-01 15:00"], tz="UTC")
    outside, _ = et.extraterrestrial_hour(16 + 13 / 60, -16.25, times)
    assert outside == pytest.approx([0.0, 3.543], abs=0.01)
    found = et.hourly(
        np.array([28.0, 38.0]), np.array([90.0, 52.0]), np.array([1.9, 3.3]), np.array([0.0, 2.45]), times,
        16 + 13 / 60, -16.25, 8, clearness=np.array([0.8, 2.45 / 2.658]),
    )  # fmt: skip
    assert found == pytest.approx([0.0, 0.63], abs=0.005)


def test_hours_add_up_to_the_day() -> None:
    """A clear summer day with a sine of temperature: the hours' sum is near the day's figure.

    FAO-56 names no tolerance; both are the same equation, whose terms are not linear: 10 %.
    """
    times = pd.date_range("2023-07-06", periods=24, freq="h", tz="UTC")
    outside, _ = et.extraterrestrial_hour(50.8, 4.35, times)
    solar = 0.7 * outside
    temp = 16.9 - 4.6 * np.cos(2 * np.pi * (times.hour.to_numpy() - 3) / 24)
    humidity = 100 * 1.409 / np.asarray(et.saturation_vapour_pressure(temp))
    hours = et.hourly(temp, humidity, np.full(24, 2.078), solar, times, 50.8, 4.35, 100)
    day = et.daily(21.5, 12.3, 1.409, 2.078, solar.sum(), 50.8, 100, 187)
    assert solar.sum() / 0.7 == pytest.approx(et.extraterrestrial_day(50.8, 187), rel=0.005)
    assert hours.sum() == pytest.approx(day, rel=0.1)
