"""Hours of sun on the ground: walls, a courtyard and a slope by pvlib's sun and trigonometry."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pvlib
import pyproj
import pytest

from energy import sun_ground
from tests.twin.scenes import ORIGIN, flat, scene, town, wall
from twin import visibility
from twin.errors import CallError
from twin.terrain import Terrain

DAY = pd.date_range("2026-09-22", periods=24 * 12, freq="5min", tz="UTC") + pd.Timedelta(minutes=2.5)
LONGITUDE, LATITUDE = pyproj.Transformer.from_crs(25832, 4326, always_xy=True).transform(*ORIGIN[:2])
SUN = pvlib.solarposition.get_solarposition(DAY, LATITUDE, LONGITUDE, 0.0)
ELEVATION = 90 - SUN["apparent_zenith"].to_numpy()
CONVERGENCE = pyproj.Proj(25832).get_factors(LONGITUDE, LATITUDE).meridian_convergence
AZIMUTH = SUN["azimuth"].to_numpy() - CONVERGENCE  # from the map's north
RISE = np.tan(np.radians(ELEVATION))
EAST, NORTH = np.sin(np.radians(AZIMUTH)), np.cos(np.radians(AZIMUTH))
UP = ELEVATION > 0


def hours(frame, points):
    weight = np.full(len(DAY), 5 / 60)
    return sun_ground.lit_hours(frame, np.array(points, float) + ORIGIN, DAY, weight)


def test_shadow_of_a_wall_is_as_long_as_its_height_over_the_tangent():
    """West of a wall 10 m high, with the sun in the south-east, shade reaches h / tan(elevation) along the
    sun's way, of which |sin(azimuth)| lies across the wall."""
    when = np.flatnonzero(pd.Timestamp("2026-09-22T09:00Z") <= DAY)[:1]
    length = 10.0 / RISE[when[0]] * abs(EAST[when[0]])
    points = [(-away, 0, 0.0) for away in (length - 0.05, length + 0.05)]
    frame = scene(wall(0.0, 10.0))
    found = sun_ground.lit_hours(frame, np.array(points) + ORIGIN, DAY[when], np.ones(1))
    assert 5 < length < 20
    assert found.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("away", [3.0, 15.0, 40.0])
def test_a_single_wall_takes_the_morning(away):
    behind = (EAST > 0) & (10.0 * EAST / away > RISE)
    by_hand = (UP & ~behind).sum() * 5 / 60
    assert hours(scene(wall(away, 10.0)), [(0, 0, 0)])[0] == pytest.approx(by_hand, abs=5 / 60 + 1e-6)


def test_a_courtyard_has_sun_while_it_clears_the_walls():
    """Court of 30 m by 30 m with walls of 12 m: the wall in a direction lies 15 m / max(|sin|, |cos|) off."""
    sides = [((-15, -15), (15, -15)), ((15, -15), (15, 15)), ((15, 15), (-15, 15)), ((-15, 15), (-15, -15))]
    ring = [((*a, 0), (*b, 0), (*b, 12), (*a, 12)) for a, b in sides]
    clear = 12 / (15 / np.maximum(np.abs(EAST), abs(NORTH))) < RISE
    by_hand = (UP & clear).sum() * 5 / 60
    assert 1 < by_hand < 9
    assert hours(scene(*ring), [(0, 0, 0)])[0] == pytest.approx(by_hand, abs=5 / 60 + 1e-6)


@pytest.mark.parametrize("north_rise", [0.5, -0.5])
def test_a_slope_has_sun_while_that_stands_before_it(north_rise):
    """Ground that rises to the north by 1:2 or falls: sun where its normal and the sun meet at under 90°."""
    count, cell = 200, 20.0
    y = (count / 2 - np.arange(count) - 0.5) * cell
    slope = np.tile((2000.0 + north_rise * y)[:, None], (1, count)).astype(np.float32)
    hill = Terrain(slope, ORIGIN[0] - count * cell / 2, ORIGIN[1] + count * cell / 2, cell)
    frame = visibility.scene(np.zeros((0, 3)), np.zeros((0, 3), int), terrain=hill, origin=ORIGIN)
    before = UP & (RISE - north_rise * NORTH > 0)
    found = hours(frame, [(0, 0, 2000.1)])[0]
    # The relief lies 0.5 m deeper than the ground and is coarse: it hides suns that graze it a little later.
    assert found == pytest.approx(before.sum() * 5 / 60, abs=0.35)
    assert before.sum() > UP.sum() - 6 or north_rise < 0


def test_the_raster_of_a_house_at_noon_and_in_the_year():
    """North of a house the ground lies in its shade; a house's own ground has no hours."""
    place = town([(-10, -10, 10, 10, 12)], terrain=flat())
    found = sun_ground.sun_hours_ground(place, "day", datetime.date(2026, 12, 21), cell_m=4.0)
    level = (
        UP.sum() * 5 / 60,
        sun_ground.sun_hours_ground(place, "day", datetime.date(2026, 9, 22)).possible_h,
    )
    assert level[0] == pytest.approx(level[1], abs=0.3)

    def at(x, y):
        return float(found.hours.sample(ORIGIN[0] + x, ORIGIN[1] + y))

    assert np.isnan(at(0, 0))
    assert at(0, 14) == pytest.approx(0, abs=0.01)
    assert at(0, -30) == pytest.approx(found.possible_h, abs=0.3)
    parts = [sun_ground.sun_hours_ground(place, part, cell_m=10.0) for part in ("summer", "winter", "year")]
    summer, winter, year = (part.possible_h for part in parts)
    assert winter < year < summer
    assert year == pytest.approx((183 * summer + 182 * winter) / 365, abs=0.01)
    assert year == pytest.approx(12.3, abs=0.2)  # half of all hours and a little more, by refraction


def test_trees_of_a_proposal_take_sun():
    bare = town([(0, 0, 20, 20, 3)], terrain=flat())
    shady = town([(0, 0, 20, 20, 3)], [(10, -12, 16, 14, "Tilia")], terrain=flat())
    summer = datetime.date(2026, 6, 21)
    before, after = (sun_ground.sun_hours_ground(place, "day", summer) for place in (bare, shady))
    with np.errstate(invalid="ignore"):
        assert not (after.hours.heights_m > before.hours.heights_m + 1e-6).any()
    assert 0 < sun_ground.shaded_share(before, after) < 0.2
    assert sun_ground.shaded_share(before, before) == 0.0


def test_classes_and_what_is_refused():
    classes = sun_ground.colours_of([np.nan, 0.0, 0.99, 1.0, 7.5, 30.0], [0, 1, 2, 4, 8])
    assert classes.tolist() == [0, 1, 1, 2, 4, 5]
    with pytest.raises(CallError, match="2 to 20"):
        sun_ground.sun_hours_ground(town([(0, 0, 9, 9, 3)]), cell_m=0.5)
    with pytest.raises(CallError, match="no period"):
        sun_ground.days_of("week", datetime.date(2026, 1, 1))  # type: ignore[arg-type]
