"""The sun on critical rooms: open planes, a street's other side by trigonometry, trees before or below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import energy
from energy import Case, room_sun, rooms, solar
from scenarios.measures import trees
from tests.twin.scenes import town
from twin import District, visibility

YEAR = energy.weather.sample()
S, W, E, N = (solar.SECTORS.index(name) for name in ("s", "w", "e", "n"))
HOUSE = (0.0, 0.0, 20.0, 12.0, 6.0)
TALL = (0.0, 0.0, 40.0, 12.0, 15.0)


def homes(*boxes: tuple[float, float, float, float, float], rows: Any = ()) -> District:
    """Heated houses of the 1950s in the open, a storey each 3 m."""
    place = town(boxes, rows)
    table = place.buildings.assign(
        function="residential",
        year_of_construction=1955.0,
        storeys_above_ground=[round(box[4] / 3) for box in boxes],
        heating="gas_boiler",
    )
    return place.replace(buildings=table)


def over_kh(case: Case) -> float:
    """Of the first building."""
    table = rooms.overheating(case.envelope, case.weather, case.room_sun, case.parameters)
    return float(table["over_temperature_kh"].iloc[0])


def test_a_house_in_the_open_has_the_sun_of_open_planes() -> None:
    """Only the map's north, 0.6° off the true one here, and the sun's grid of 5° stand between them."""
    case = Case(homes(HOUSE), YEAR)
    room = rooms.critical_rooms(case.envelope, case.parameters)
    shaded, plain = case.room_sun.facades(room), room_sun.OpenSun(case.planes).facades(room)
    assert tuple(room.facing[0]) == (S, W)
    np.testing.assert_allclose(shaded.sum(axis=0), plain.sum(axis=0), rtol=0.02)
    np.testing.assert_array_equal(case.room_sun.level(), YEAR.ghi)
    without_geometry = Case(homes(HOUSE), YEAR, shading="tabula")
    assert isinstance(without_geometry.room_sun, room_sun.OpenSun)
    assert over_kh(case) == pytest.approx(over_kh(without_geometry), rel=0.05)


@pytest.mark.parametrize(("height", "distance"), [(20.0, 10.0), (16.0, 30.0)])
def test_the_other_side_of_a_street_by_hand(height: float, distance: float) -> None:
    """Of a wall whose opposite side, without end, stands up by γ, the sky has (1 − sin γ) / 2.

    Seen from 1.25 m under the upper edge, not from the middle of the wall.
    """
    street = homes(HOUSE, (-2000.0, -distance - 10.0, 2000.0, -distance, height))
    walls = room_sun.walls_of(street, street.buildings.index, np.array([[S, -1], [-1, -1]]))
    assert (walls >= 0).tolist() == [[True, False], [False, False]]
    seen = visibility.of_top_storey(street, walls[0, :1], 1.25)
    angle = np.arctan2(height - (HOUSE[4] - 1.25), distance)
    assert seen.sky_view_factor()[0] == pytest.approx((1 - np.sin(angle)) / 2, abs=0.01)
    whole = visibility.of_district(street)
    foot = whole.sky_view_factor()[whole.rows_of(street.surfaces.index[walls[0, :1]])[0]]
    assert foot < seen.sky_view_factor()[0]


def test_a_high_neighbour_keeps_a_room_cool() -> None:
    alone, beside = Case(homes(HOUSE), YEAR), Case(homes(HOUSE, (-20.0, -18.0, 40.0, -8.0, 25.0)), YEAR)
    assert over_kh(beside) < 0.8 * over_kh(alone)


def test_of_the_walls_of_a_sector_the_largest_free_one_counts() -> None:
    """An L: the south is 30 m of the one part and 10 m of the other; a neighbour covers the first's east."""
    place = homes((0, 0, 30, 10, 6), (30, 0, 40, 10, 6))
    surfaces = place.surfaces
    facing = np.array([[S, E], [S, W]])
    walls = room_sun.walls_of(place, place.buildings.index, facing)
    assert surfaces["area_m2"].to_numpy()[walls[:, 0]] == pytest.approx([180.0, 60.0])
    assert (walls[:, 1] == -1).all()  # what touches is no facade


def test_trees_cool_rooms_that_they_reach() -> None:
    """Spruces of 12 m stand before a room at 5 m, and under one at 14 m."""
    row = [(x, -6.0, 12.0, 6.0, "Picea") for x in range(-5, 50, 5)]
    row += [(-6.0, y, 12.0, 6.0, "Picea") for y in range(-5, 20, 5)]
    low, high = (over_kh(Case(homes(box), YEAR)) for box in (HOUSE, TALL))
    low_shaded, high_shaded = (over_kh(Case(homes(box, rows=row), YEAR)) for box in (HOUSE, TALL))
    assert low_shaded < 0.7 * low
    assert high_shaded == pytest.approx(high, rel=0.01)


def test_the_measure_trees_cools_low_houses() -> None:
    case = Case(homes(HOUSE), YEAR)
    planted = trees.apply(case)
    assert len(planted.district.trees) > 0
    assert over_kh(planted) < 0.9 * over_kh(case)


def test_buildings_without_shape_or_in_part() -> None:
    """Rooms of an envelope that the 3D model does not know have open facades."""
    case = Case(homes(HOUSE), YEAR)
    bare = case.replace(district=case.district.replace(surfaces=case.district.surfaces.iloc[:0]),
                        envelope=case.envelope)  # fmt: skip
    room = rooms.critical_rooms(bare.envelope, bare.parameters)
    np.testing.assert_array_equal(bare.room_sun.facades(room), room_sun.OpenSun(bare.planes).facades(room))
