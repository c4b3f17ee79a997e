"""Hours of sun on facades: one block, one before another, a court, by pvlib's sun and trigonometry."""

from __future__ import annotations

import datetime

import numpy as np
import pvlib
import pytest

from energy import sun_facades, sun_ground
from energy.sun_facades import SunFacades, sun_hours_facades
from tests.energy.test_sun_ground import CONVERGENCE, LATITUDE, LONGITUDE
from tests.twin.scenes import ORIGIN, town
from twin.errors import CallError

DATE = datetime.date(2026, 6, 21)
STEP = 10
DAY, _ = sun_ground.steps_of(sun_ground.days_of("day", DATE), STEP, LONGITUDE)
SUN = pvlib.solarposition.get_solarposition(DAY, LATITUDE, LONGITUDE, 0.0)
RISE = np.tan(np.radians(90 - SUN["apparent_zenith"].to_numpy()))
UP = SUN["apparent_zenith"].to_numpy() < 90
BEARING = np.radians(SUN["azimuth"].to_numpy() - CONVERGENCE)  # from the map's north
EAST, NORTH = np.sin(BEARING), np.cos(BEARING)
SIDE = {"north": NORTH, "east": EAST, "south": -NORTH, "west": -EAST}
WITHIN = 2 * STEP / 60  # steps with the sun along the wall or at the horizon may fall on either side


def by_hand(lit: np.ndarray) -> float:
    return float((UP & lit).sum()) * STEP / 60


def of(district, **options) -> SunFacades:
    return sun_hours_facades(district, "day", DATE, step_min=STEP, **options)


def test_a_block_alone_has_sun_while_it_stands_before_the_wall():
    found = of(town([(0, 0, 20, 12, 9)]))
    assert len(found.walls) == 4
    for side, ahead in SIDE.items():
        assert found.by_side()[side] == pytest.approx(by_hand(ahead > 0), abs=WITHIN), side
    assert found.possible_h == pytest.approx(by_hand(UP), abs=WITHIN)
    # A wall and the one behind it share the day between them.
    sides = found.by_side()
    assert sides["east"] + sides["west"] == pytest.approx(found.possible_h, abs=WITHIN)
    assert sides["south"] > sides["north"] > 0  # in June the sun rises and sets in the north


def test_a_long_block_before_a_wall_hides_what_stands_below_its_edge():
    """A point at height z behind a block of 15 m at 10 m: free while 10 m / sin(bearing) clears 15 m - z."""
    found = of(town([(0, -3, 10, 3, 9), (20, -500, 30, 500, 15)]), buildings=["b0"])
    east = found.walls[found.walls["azimuth_deg"].round() == 90].iloc[0]
    heights = np.linspace(0, 9, 181)[1::2]
    each = [by_hand((EAST > 0) & (RISE * 10 / np.maximum(EAST, 1e-9) > 15 - z)) for z in heights]
    assert east["hours"] == pytest.approx(np.mean(each), abs=0.35)
    assert east["hours"] < by_hand(EAST > 0) - 1
    alone = of(town([(0, -3, 10, 3, 9)]))
    assert found.by_side()["west"] == pytest.approx(alone.by_side()["west"], abs=1e-9)


def test_the_walls_of_a_court_see_less_than_those_outside():
    """Four blocks around a court of 20 m: its south-facing wall has the sun while it clears those."""
    ring = town(
        [(-40, 10, 40, 20, 12), (-40, -20, 40, -10, 12), (-40, -10, -10, 10, 12), (10, -10, 40, 10, 12)]
    )
    walls = of(ring, buildings=["b0"]).walls
    south = walls[walls["azimuth_deg"].round() == 180]
    inside = south[np.abs(south["y_m"] - (ORIGIN[1] + 10)) < 0.5]
    outside = of(town([(-40, 10, 40, 20, 12)])).by_side()["south"]
    assert len(inside) and (inside["hours"] < outside - 1).all()
    # The long block of 80 m covers the court's side by 20 m alone; what of it touches others is not exposed.
    heights = np.linspace(0, 12, 121)[1::2]
    court = []
    for x in np.linspace(-10, 10, 21)[1::2]:
        way = np.minimum(
            20 / np.maximum(-NORTH, 1e-9), np.where(EAST > 0, 10 - x, x + 10) / np.maximum(np.abs(EAST), 1e-9)
        )
        court += [by_hand((-NORTH > 0) & (RISE * way > 12 - z)) for z in heights]
    mean = np.average(inside["hours"], weights=inside["area_m2"])
    assert mean == pytest.approx(np.mean(court), abs=0.6)


def test_buildings_have_the_mean_of_their_walls_by_area():
    district = town([(0, 0, 20, 12, 9), (100, 0, 104, 4, 3)])
    found = of(district)
    walls = found.walls[found.walls["building_id"] == "b0"]
    by_area = np.average(walls["hours"], weights=walls["area_m2"])
    assert found.by_building(district.buildings.index)["b0"] == pytest.approx(by_area)
    assert walls["area_m2"].sum() == pytest.approx(2 * (20 + 12) * 9)
    few = of(district, buildings=["b1"])
    assert np.isnan(few.by_building(district.buildings.index)["b0"])


def test_trees_take_some_and_winter_has_less():
    boxes = [(0, 0, 20, 12, 9)]
    bare = sun_hours_facades(town(boxes), "summer", DATE, step_min=30)
    planted = sun_hours_facades(
        town(boxes, [(x, -5, 12, 8, "Tilia") for x in (3, 10, 17)]), "summer", DATE, step_min=30
    )
    assert planted.by_side()["south"] < bare.by_side()["south"] - 0.5
    assert planted.by_side()["north"] == pytest.approx(bare.by_side()["north"], abs=0.01)
    assert sun_hours_facades(town(boxes), "winter", DATE, step_min=30).mean_h < bare.mean_h


def test_what_makes_no_sense_is_refused():
    with pytest.raises(CallError, match="1 to 60 minutes"):
        sun_hours_facades(town([(0, 0, 20, 12, 9)]), step_min=0)
    with pytest.raises(CallError, match="no period"):
        sun_hours_facades(town([(0, 0, 20, 12, 9)]), "night")  # type: ignore[arg-type]
    nobody = of(town([(0, 0, 20, 12, 9)]), buildings=[])
    assert len(nobody.walls) == 0 and np.isnan(nobody.mean_h) and nobody.possible_h > 10
    assert list(nobody.by_side()) == list(sun_facades.SIDES)
