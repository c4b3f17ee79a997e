"""Irradiance on facades against closed forms, and the split of walls to sectors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy import solar, weather


def test_horizontal_is_the_global_radiation():
    year = weather.sample()
    np.testing.assert_array_equal(solar.plane_irradiance(year)[:, -1], year.ghi)


def test_year_sums_rank_as_the_sun_does():
    """South beats east and west, these beat north; east and west are alike within 5 % in the sample year."""
    sums = dict(zip(solar.PLANES, solar.plane_irradiance(weather.sample()).sum(axis=0) / 1000, strict=True))
    assert sums["s"] > sums["e"] > sums["n"]
    assert sums["se"] > sums["e"]
    assert sums["e"] == pytest.approx(sums["w"], rel=0.05)


def test_south_facade_equals_pvlib_alone():
    """The same Perez sky in one call of pvlib's `get_total_irradiance`, for hours with the sun well up."""
    year = weather.sample()
    middle = year.times + pd.Timedelta(minutes=30)
    sun = pvlib.solarposition.get_solarposition(middle, year.latitude, year.longitude, year.altitude_m)
    zenith = sun["apparent_zenith"].to_numpy()
    up = zenith < 85
    total = pvlib.irradiance.get_total_irradiance(
        90, 180, zenith[up], sun["azimuth"].to_numpy()[up], year.dni[up], year.ghi[up], year.dhi[up],
        dni_extra=pvlib.irradiance.get_extra_radiation(middle).to_numpy()[up],
        airmass=pvlib.atmosphere.get_relative_airmass(zenith[up]), albedo=0.2, model="perez",
    )  # fmt: skip
    ours = solar.plane_irradiance(year, 0.2)[up, solar.PLANES.index("s")]
    theirs = np.asarray(total["poa_global"])
    known = np.isfinite(theirs)  # pvlib gives nan where there is no diffuse light at all
    assert (year.dhi[up][~known] == 0).all()
    np.testing.assert_allclose(ours[known], theirs[known], rtol=1e-3, atol=0.05)


def test_beam_alone_follows_the_cosine():
    """Without diffuse sky and ground: I = DNI cos(incidence), from the angles by hand."""
    year = weather.sample()
    zeros = np.zeros(len(year))
    values = {**{name: getattr(year, name) for name in weather.LIMITS}, "dhi": zeros, "ghi": zeros}
    beam = weather.Weather(year.times, **values, latitude=50.884, longitude=11.618, altitude_m=170,
                           name="beam", source="test")  # fmt: skip
    sun = pvlib.solarposition.get_solarposition(year.times + pd.Timedelta(minutes=30), 50.884, 11.618, 170)
    zenith, azimuth = np.radians(sun["apparent_zenith"]), np.radians(sun["azimuth"])
    east = np.maximum(np.sin(zenith) * np.sin(azimuth), 0) * year.dni
    rows = (np.cos(zenith) > 0.1).to_numpy()
    ours = solar.plane_irradiance(beam)[:, solar.PLANES.index("e")]
    np.testing.assert_allclose(ours[rows], east.to_numpy()[rows], atol=1e-6)


def test_irradiance_is_finite_and_never_negative():
    planes = solar.plane_irradiance(weather.sample())
    assert np.isfinite(planes).all()
    assert (planes >= 0).all()


@given(st.lists(st.floats(-720, 720), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_sectors_share_each_wall_wholly(azimuths):
    weights = solar.sector_weights(azimuths)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert (weights >= 0).all()


def test_sectors_by_hand():
    weights = solar.sector_weights([0, 90, 202.5, 359.999999, np.nan])
    assert weights[0, 0] == 1
    assert weights[1, 2] == 1
    np.testing.assert_allclose(weights[2, [4, 5]], 0.5)
    assert weights[3, 0] == pytest.approx(1)
    np.testing.assert_allclose(weights[4], 1 / 8)
