"""Shaded irradiance: against pvlib where nothing shades, against sums and hand calculation elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from energy import perez, solar, weather
from tests.twin.scenes import ORIGIN, look, scene, town, wall
from twin import visibility
from twin.errors import CallError
from twin.visibility import directions, store

YEAR = weather.sample()
MIDDLE = YEAR.times + pd.Timedelta(minutes=30)
SUN = pvlib.solarposition.get_solarposition(MIDDLE, YEAR.latitude, YEAR.longitude, YEAR.altitude_m)
UP = np.cos(np.radians(SUN["apparent_zenith"].to_numpy())) > perez.LOW_SUN


def by_pvlib(tilt: float, azimuth: float, albedo: float) -> np.ndarray:
    """`pvlib.irradiance.get_total_irradiance` with the Perez sky, shape (time,); nan where pvlib has none."""
    zenith = SUN["apparent_zenith"].to_numpy()
    total = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, zenith, SUN["azimuth"].to_numpy(), YEAR.dni, YEAR.ghi, YEAR.dhi,
        dni_extra=pvlib.irradiance.get_extra_radiation(MIDDLE.day_of_year.to_numpy()),
        airmass=pvlib.atmosphere.get_relative_airmass(zenith), albedo=albedo, model="perez",
    )  # fmt: skip
    return np.asarray(total["poa_global"])


# Up to 175°: the patches' rays miss the sliver of sky that a plane still sees which faces the ground.
@given(st.floats(0, 175), st.floats(0, 360), st.floats(0, 0.8))
@settings(max_examples=12, deadline=None)
def test_open_planes_equal_pvlib(tilt, azimuth, albedo):
    """Each hour with the sun up, to 0.001 W/m² (float32); pvlib gives nan where there is no diffuse light."""
    ours = solar.surface_irradiance(YEAR, visibility.unobstructed(tilt, azimuth), albedo=albedo)[:, 0]
    theirs = by_pvlib(tilt, azimuth, albedo)
    known = UP & np.isfinite(theirs)
    assert known.sum() > 3500
    np.testing.assert_allclose(ours[known], theirs[known], atol=1e-3)
    assert np.isfinite(ours).all()


def test_parts_of_the_sky_add_up_on_the_level():
    """Diffuse light on the level is the weather's own, but for suns within 5° of the horizon (Perez)."""
    light = perez.sky(YEAR)
    diffuse = light.dome + light.glow * light.sun[:, 2]
    high = light.sun[:, 2] > np.cos(np.radians(85.0))
    np.testing.assert_allclose(diffuse[high], YEAR.dhi[high], atol=1e-9)
    np.testing.assert_array_equal(light.beam, np.where(UP, YEAR.dni, 0.0))
    np.testing.assert_allclose(light.sun, directions.vectors(SUN["azimuth"], 90 - SUN["apparent_zenith"]))
    assert (light.ghi[np.setdiff1d(np.arange(len(YEAR)), light.lit)] == 0).all()


def test_shaded_irradiance_by_hand():
    """One hour of a west facade before a wall: each part of the Perez sky times its own view."""
    seen = look(scene(wall(-8.0, 9.0)), (0.0, 0.0, 2.0), (-1.0, 0.0, 0.0))
    light = perez.sky(YEAR)
    ours = solar.surface_irradiance(YEAR, seen, albedo=0.3, obstacle_albedo=0.1)[:, 0]
    sun = directions.turned(light.sun, -seen.convergence_deg)
    position = directions.nearest(sun, seen.sun_directions)
    mask = seen.beam[0, position, 0] / 255
    cosine = np.maximum(-sun[:, 0], 0.0) * mask
    sky_view = seen.sky_view_factor()[0]
    dome = visibility.patches()
    low = dome.lowest
    weight = np.maximum(-np.sin(np.radians(dome.azimuth_deg[low])), 0.0) * (seen.open_view[low, 0] > 0)
    share = np.divide(seen.sky_view[0, low, 0], seen.open_view[low, 0], out=np.zeros(low.sum()),
                      where=seen.open_view[low, 0] > 0)  # fmt: skip
    band = (share * weight).sum() / weight.sum()
    diffuse = np.maximum(light.dome * sky_view + light.band * band + light.glow * cosine, 0.0)
    reflected = 0.3 * seen.ground_view[0] + 0.1 * 0.5 * (1 - sky_view - seen.ground_view[0])
    expected = diffuse + light.beam * cosine + light.ghi * reflected
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-3)
    assert (mask == 0).any()
    assert (mask == 1).any()


@pytest.fixture(scope="module")
def lobeda():
    """Forty sections of the sample with their trees, and what they see."""
    whole = twin.open("lobeda")
    district = whole.select(list(whole.buildings.index[:40]))
    return district, visibility.of_district(district)


def test_pieces_rows_and_threads_give_the_same(lobeda):
    _, seen = lobeda
    whole = solar.surface_irradiance(YEAR, seen)
    assert whole.shape == (8760, len(seen))
    assert whole.dtype == np.float32
    assert (whole >= 0).all()
    np.testing.assert_array_equal(whole, solar.surface_irradiance(YEAR, seen, workers=1))
    np.testing.assert_array_equal(whole[:, 7:30], solar.surface_irradiance(YEAR, seen, rows=slice(7, 30)))
    for rows, piece in solar.irradiance_blocks(YEAR, seen, size=50):
        np.testing.assert_array_equal(whole[:, rows], piece)
    order = np.random.default_rng(1).permutation(len(seen))
    np.testing.assert_allclose(whole[:, order], solar.surface_irradiance(YEAR, seen.take(order)), rtol=1e-6)


def test_sums_are_those_of_the_hours(lobeda):
    _, seen = lobeda
    hours = solar.surface_irradiance(YEAR, seen).astype(float)
    months = YEAR.times.month.to_numpy() - 1
    monthly = solar.irradiation(YEAR, seen, months)
    expected = np.stack([hours[months == month].sum(axis=0) for month in range(12)]) / 1000
    np.testing.assert_allclose(monthly, expected, rtol=2e-6)
    np.testing.assert_allclose(solar.irradiation(YEAR, seen)[0], monthly.sum(axis=0), rtol=2e-6)
    with pytest.raises(CallError, match="bins"):
        solar.irradiation(YEAR, seen, [0, 1])


def test_shade_takes_and_never_gives(lobeda):
    """Without reflecting obstacles, each shaded surface gets less each hour than the same plane in the open.

    The horizon's band may be negative (dark); where it is hidden a surface gains at most that.
    """
    _, seen = lobeda
    rows = np.arange(0, len(seen), 5)
    open_planes = visibility.unobstructed(seen.tilt_deg[rows], seen.azimuth_deg[rows])
    open_planes = twin.visibility.result.replace(open_planes, convergence_deg=seen.convergence_deg)
    shaded = solar.surface_irradiance(YEAR, seen.take(rows), obstacle_albedo=0.0)
    free = solar.surface_irradiance(YEAR, open_planes, obstacle_albedo=0.0)
    dark = np.maximum(-perez.sky(YEAR).band, 0.0)[:, None]
    assert (shaded <= free + dark + 0.01).all()
    assert shaded.sum() < 0.95 * free.sum()


def test_north_gets_less_than_south_in_the_sample(lobeda):
    _, seen = lobeda
    annual = solar.irradiation(YEAR, seen)[0]
    facade = (np.abs(seen.tilt_deg - 90) < 1) & (seen.exposed > 0)
    away = np.abs((seen.azimuth_deg + 180) % 360 - 180)  # from north
    north, south = annual[facade & (away < 50)], annual[facade & (away > 130)]
    assert north.mean() < 0.6 * south.mean()
    assert north.max() < south.max()
    assert annual[seen.exposed == 0].max() == 0
    roof = seen.tilt_deg < 10
    assert 0.8 * YEAR.ghi.sum() / 1000 < annual[roof].mean() < YEAR.ghi.sum() / 1000


def test_windows_get_the_weighted_mean_of_their_walls(lobeda):
    district, seen = lobeda
    ids = [*district.buildings.index[[3, 17, 0]]]
    walls = solar.facades(district, seen, ids)
    np.testing.assert_allclose(np.bincount(walls.building, walls.weight), 1.0)
    ours = solar.window_irradiance(YEAR, seen, walls)
    assert ours.shape == (8760, 3)
    hours = solar.surface_irradiance(YEAR, seen)
    surfaces = district.surfaces
    for number, building in enumerate(ids):
        own = surfaces[(surfaces["building_id"] == building) & (surfaces["surface_type"] == "WallSurface")]
        area = (own["area_m2"] - own["party_area_m2"]).to_numpy()
        rows = seen.rows_of(own.index)
        area = np.where(seen.exposed[rows] > 0, area, 0.0)
        np.testing.assert_allclose(ours[:, number], hours[:, rows] @ area / area.sum(), rtol=1e-4, atol=1e-3)
    all_walls = solar.facades(district, seen)
    some = all_walls.take([3, 17, 0])  # as if only these had been looked for
    assert some.count == 3
    for name in ("rows", "building", "weight"):
        np.testing.assert_array_equal(getattr(some, name), getattr(walls, name))
    assert all_walls.take([]).count == len(all_walls.take([]).rows) == 0
    everyone = solar.window_irradiance(YEAR, seen, all_walls, workers=1)
    np.testing.assert_array_equal(everyone[:, [3, 17, 0]], ours)


def test_a_building_without_walls_gets_open_facades(lobeda):
    district, seen = lobeda
    bare = district.replace(surfaces=district.surfaces.iloc[:0])
    ours = solar.window_irradiance(YEAR, seen, solar.facades(bare, seen))
    expected = solar.plane_irradiance(YEAR)[:, :-1].mean(axis=1)
    np.testing.assert_allclose(ours, np.repeat(expected[:, None], 40, axis=1), rtol=1e-6)


def test_positions_of_the_grid_stand_for_the_suns_of_the_year():
    """A street of two rows: annual beam by the grid against rays to each hour's own sun, within 2 %."""
    district = town([(0, 0, 60, 12, 15), (0, 30, 60, 42, 12), (70, 0, 82, 42, 20)])
    frame = visibility.scene_of_district(district)
    across = np.linspace(5, 55, 6)
    spots = [(x, y, z) for y in (-0.05, 12.05) for x in across for z in (2.0, 6.0, 12.0)]
    spots += [(x, y, 0.0) for x in across for y in (16.0, 21.0, 27.0)]
    points = np.array(spots) + ORIGIN
    normals = np.repeat([(0.0, -1.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)], 18, axis=0)
    light = perez.sky(YEAR)
    rows = np.flatnonzero(light.beam > 0)
    grid = visibility.of_points(points, normals, frame)
    sun = directions.turned(light.sun[rows], -grid.convergence_deg)
    exact = visibility.of_points(points, normals, frame, suns=sun)
    power = light.beam[rows, None] * np.maximum(sun @ normals.T, 0.0)
    by_grid = (power * grid.beam[0, directions.nearest(sun, grid.sun_directions)] / 255).sum(axis=0)
    by_hour = (power * exact.beam[0] / 255).sum(axis=0)
    np.testing.assert_allclose(by_grid.sum(), by_hour.sum(), rtol=0.01)
    np.testing.assert_allclose(by_grid, by_hour, rtol=0.12, atol=5000.0)


def test_sun_hours_in_the_open_are_the_days_length():
    """Equinox and solstices in Jena: 12.2, 16.5 and 8.0 h from sunrise to sunset (almanac, to 0.2 h)."""
    days = pd.DatetimeIndex(["2021-03-20", "2021-06-21", "2021-12-21"], tz="UTC")
    times = days.repeat(288) + pd.to_timedelta(np.tile(np.arange(288) * 5, 3), unit="min")
    seen = look(scene(), (0.0, 0.0, 0.0))
    hours = [
        solar.sun_hours(seen, times[day * 288 : (day + 1) * 288], YEAR.latitude, YEAR.longitude)[0, 0]
        for day in range(3)
    ]
    np.testing.assert_allclose(hours, [12.2, 16.5, 8.0], atol=0.2)


def test_sun_hours_by_weather_and_day():
    seen = visibility.unobstructed([0.0, 90.0], [0.0, 0.0])
    bright = YEAR.dni >= solar.BRIGHT_DNI
    day = YEAR.times.day_of_year.to_numpy() - 1
    daily = solar.sun_hours(seen, YEAR.times, YEAR.latitude, YEAR.longitude, bright=bright, bins=day)
    assert daily.shape == (365, 2)
    up = SUN["apparent_zenith"].to_numpy() < 90
    np.testing.assert_allclose(daily[:, 0], np.bincount(day, bright & up))
    assert daily[:, 1].sum() < 0.35 * daily[:, 0].sum()
    behind = look(scene(wall(0.0, 500.0), wall(0.2, 500.0)), (0.1, 0.0, 0.0))
    assert solar.sun_hours(behind, YEAR.times, YEAR.latitude, YEAR.longitude)[0, 0] < 50
    with pytest.raises(CallError, match="two times"):
        solar.sun_hours(seen, YEAR.times[:1], 50.0, 11.0)


def test_leaves_matter_in_summer():
    """South wall behind a tree: less than bare in June, as bare in January."""
    district = town([(0, 0, 20, 10, 9)], [(10, -5, 12, 9, "Tilia")])
    store.forget()
    seen = visibility.of_district(district)
    alone = visibility.of_district(district.replace(trees=district.trees.iloc[:0]))
    south = int(np.flatnonzero((np.abs(seen.azimuth_deg - 180) < 1) & (seen.tilt_deg > 80))[0])
    months = YEAR.times.month.to_numpy() - 1
    with_tree = solar.irradiation(YEAR, seen.take([south]), months)[:, 0]
    without = solar.irradiation(YEAR, alone.take([south]), months)[:, 0]
    share = with_tree / without
    assert share[5] < share[0] - 0.05
    assert (share < 1.0).all()
