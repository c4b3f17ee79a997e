"""Touching areas by hand: boxes beside each other, with offsets, gaps, angles and T-junctions."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon, box

from twin import extrude, party_walls, polygons


def contact(
    *boxes: tuple[Polygon, float, float], building: list[int] | None = None, turn: float = 0.0
) -> tuple[list[float], list[float]]:
    """Touching area with others and within, per box of (footprint, base, height)."""
    shapes = np.array([shapely.affinity.rotate(shape, turn, origin=(0, 0)) for shape, _, _ in boxes], object)
    shapes = np.array([shapely.affinity.translate(shape, 684_000, 5_640_000) for shape in shapes], object)
    base, height = (np.array([one[value] for one in boxes], float) for value in (1, 2))
    none = np.full(len(boxes), None, object)
    made = extrude.extrude(shapes, base, height, np.zeros(len(boxes)), none)
    faces = polygons.flatten(made.geometry)
    owner = np.arange(len(boxes)) if building is None else np.array(building)
    found = party_walls.contact(faces, polygons.area_vectors(faces), owner[made.owner], made.owner)
    return tuple(np.bincount(made.owner, area, len(boxes)).tolist() for area in (found.other, found.own))


@pytest.mark.parametrize("turn", [0.0, 17.0, 45.0, 121.0])
def test_two_boxes_of_different_height(turn: float) -> None:
    """10 m of common wall, 6 and 9 m high: 60 m² each."""
    other, own = contact((box(0, 0, 10, 10), 0, 6), (box(10, 0, 20, 10), 0, 9), turn=turn)
    assert other == pytest.approx([60, 60])
    assert own == [0, 0]


def test_offset_along_the_wall_and_in_height() -> None:
    """Common from 4 to 10 m along and from 2 to 6 m up: 6 · 4 = 24 m²."""
    other, _ = contact((box(0, 0, 10, 10), 0, 6), (box(10, 4, 20, 14), 2, 9))
    assert other == pytest.approx([24, 24])


@pytest.mark.parametrize(("gap", "touching"), [(0.0, 60.0), (0.2, 60.0), (0.3, 0.0), (-0.2, 60.0)])
def test_slight_gaps_and_overlaps_count(gap: float, touching: float) -> None:
    other, _ = contact((box(0, 0, 10, 10), 0, 6), (box(10 + gap, 0, 20, 10), 0, 6))
    assert other == pytest.approx([touching, touching])


@pytest.mark.parametrize(("angle", "touches"), [(1.0, True), (10.0, False)])
def test_only_parallel_walls_touch(angle: float, touches: bool) -> None:
    turned = shapely.affinity.rotate(box(10.01, 0, 20, 10), -angle, origin=(10.01, 0))
    other, _ = contact((box(0, 0, 10, 10), 0, 6), (turned, 0, 6))
    assert (other[0] > 50) is touches


def test_t_junction() -> None:
    """A narrow house against the long side of a slab: 8 m wide, 5 m high."""
    other, _ = contact((box(0, 0, 40, 12), 0, 16), (box(10, 12, 18, 30), 0, 5))
    assert other == pytest.approx([40, 40])


def test_a_row_has_two_party_walls_in_the_middle() -> None:
    other, _ = contact(*[(box(15 * i, 0, 15 * i + 15, 12), 0, 16) for i in range(3)])
    assert other == pytest.approx([192, 384, 192])


def test_one_wall_against_two_neighbours() -> None:
    """4 · 3 and 6 · 6 m² against the first box, and 10 · 3 m² between the neighbours."""
    other, _ = contact((box(0, 0, 10, 10), 0, 6), (box(10, 0, 20, 4), 0, 3), (box(10, 4, 20, 10), 0, 9))
    assert other == pytest.approx([12 + 36, 12 + 30, 36 + 30])


def test_corner_contact_is_none() -> None:
    other, _ = contact((box(0, 0, 10, 10), 0, 6), (box(10, 10, 20, 20), 0, 6))
    assert other == [0, 0]


def test_walls_within_a_building_are_no_party_walls() -> None:
    other, own = contact(
        (box(0, 0, 10, 10), 0, 6), (box(10, 0, 20, 10), 0, 9), (box(20, 0, 30, 10), 0, 4), building=[0, 0, 1]
    )
    assert other == pytest.approx([0, 40, 40])
    assert own == pytest.approx([60, 60, 0])


def test_the_same_building_twice_is_not_its_own_neighbour() -> None:
    other, _ = contact((box(0, 0, 10, 10), 0, 6), (box(0, 0, 10, 10), 0, 6))
    assert other == [0, 0]


def test_never_more_than_the_wall() -> None:
    """Two overlapping neighbours against the same wall: 60 m², not 120."""
    other, _ = contact((box(0, 0, 10, 10), 0, 6), (box(10, 0, 20, 10), 0, 6), (box(10.1, 0, 21, 10), 0, 6))
    assert other[0] == pytest.approx(60)


def test_gables_overlap_in_their_common_shape() -> None:
    """Equal houses with their gables together: the whole pentagon, 8·6 + 8·4/2 = 64 m²."""
    shapes = np.array([box(0, 0, 12, 8), box(12, 0, 24, 8)], object)
    made = extrude.extrude(
        shapes, np.zeros(2), np.full(2, 6.0), np.full(2, 4.0), np.array(["gable"] * 2, object)
    )
    faces = polygons.flatten(made.geometry)
    found = party_walls.contact(faces, polygons.area_vectors(faces), made.owner, made.owner)
    assert found.other.sum() == pytest.approx(128)


def test_nothing_at_all() -> None:
    faces = polygons.flatten(np.zeros(0, object))
    none = np.zeros(0, np.int64)
    assert party_walls.contact(faces, np.zeros((0, 3)), none, none).other.size == 0
