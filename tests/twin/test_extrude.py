"""Extruded solids: volumes and areas by hand for each roof form."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box

from twin import extrude, polygons, solids


def built(
    shape: shapely.Geometry, roof: str | None, eaves: float = 6.0, rise: float = 4.0
) -> extrude.Extrusion:
    return extrude.extrude(
        np.array([shape], object),
        np.array([100.0]),
        np.array([eaves]),
        np.array([rise]),
        np.array([roof], object),
    )


def volume(made: extrude.Extrusion) -> float:
    faces = polygons.flatten(made.geometry)
    solid = np.zeros(faces.count, np.int64)
    assert solids.closed_solids(solids.edges(faces, solid), solid).all()
    return float(solids.volumes(faces, polygons.ring_vectors(faces), solid)[0])


def roof_areas(made: extrude.Extrusion) -> list[float]:
    faces = polygons.flatten(made.geometry[made.kind == "RoofSurface"])
    return np.linalg.norm(polygons.area_vectors(faces), axis=1).tolist()


@pytest.mark.parametrize(
    ("roof", "expected"),
    [
        (None, 12 * 8 * 6),
        ("flat", 12 * 8 * 6),
        ("gable", 12 * 8 * (6 + 2)),
        ("pent", 12 * 8 * (6 + 2)),
        ("pyramid", 12 * 8 * (6 + 4 / 3)),
        ("hip", 12 * 8 * 6 + 4 * (8 * 4 / 2 + 8 * 8 / 3)),
    ],
)
def test_volume_of_each_form(roof: str | None, expected: float) -> None:
    """12 × 8 m, eaves 6 m, rise 4 m. Hip: a prism over the ridge of 12 − 8 m and two half pyramids."""
    assert volume(built(box(0, 0, 12, 8), roof)) == pytest.approx(expected)


def test_roof_areas_by_hand() -> None:
    """Gable: 2 · 12 · √(4² + 4²); hip: all four planes at 45°, so 96 m² · √2."""
    assert sum(roof_areas(built(box(0, 0, 12, 8), "gable"))) == pytest.approx(24 * np.sqrt(32))
    assert sum(roof_areas(built(box(0, 0, 12, 8), "hip"))) == pytest.approx(96 * np.sqrt(2))


@pytest.mark.parametrize("shape", [box(0, 0, 8, 12), shapely.affinity.rotate(box(0, 0, 12, 8), 33)])
def test_the_ridge_runs_along_the_long_side(shape: Polygon) -> None:
    assert sorted(roof_areas(built(shape, "gable"))) == pytest.approx([12 * np.sqrt(32)] * 2)


def test_a_pent_roof_falls_to_the_south() -> None:
    made = built(box(0, 0, 12, 8), "pent")
    vector = polygons.area_vectors(polygons.flatten(made.geometry[made.kind == "RoofSurface"]))
    assert polygons.azimuth_deg(vector) == pytest.approx([180])


def test_corners_on_a_straight_line_do_not_count() -> None:
    shape = Polygon([(0, 0), (5, 0), (12, 0), (12, 8), (3, 8), (0, 8)])
    assert len(roof_areas(built(shape, "gable"))) == 2


@pytest.mark.parametrize(
    "shape",
    [
        Polygon([(0, 0), (12, 0), (12, 8), (6, 8), (6, 4), (0, 4)]),
        Point(0, 0).buffer(5),
        box(0, 0, 12, 8).difference(box(3, 3, 5, 5)),
        MultiPolygon([box(0, 0, 5, 5), box(10, 0, 15, 5)]),
        Polygon([(0, 0), (12, 0), (3, 4), (0, 4)]),
    ],
    ids=["L", "round", "hole", "two", "skewed"],
)
def test_other_footprints_are_flat_at_the_mean_height_of_the_roof(shape: shapely.Geometry) -> None:
    made = built(shape, "gable")
    assert volume(made) == pytest.approx(shape.area * (6 + 2))
    assert set(polygons.tilt_deg(polygons.area_vectors(polygons.flatten(made.geometry)))) == {
        0.0,
        90.0,
        180.0,
    }


def test_clockwise_footprints_and_holes_face_outward() -> None:
    shape = shapely.reverse(box(0, 0, 10, 10).difference(box(2, 2, 4, 4)))
    made = built(shape, None, eaves=5)
    assert volume(made) == pytest.approx(96 * 5)
    vectors = polygons.area_vectors(polygons.flatten(made.geometry))
    assert vectors[made.kind == "GroundSurface", 2] == pytest.approx(-96)
    assert vectors[made.kind == "RoofSurface", 2] == pytest.approx(96)
    assert (made.kind == "WallSurface").sum() == 8


def test_many_keep_their_owner_in_order() -> None:
    shapes = np.array([box(0, 0, 12, 8), Point(50, 0).buffer(4), box(90, 0, 99, 7)], object)
    made = extrude.extrude(
        shapes, np.zeros(3), np.full(3, 5.0), np.full(3, 2.0), np.array(["gable", "gable", None], object)
    )
    assert (np.diff(made.owner) >= 0).all()
    assert set(made.owner) == {0, 1, 2}
    for row in range(3):
        covered = shapely.union_all(
            shapely.force_2d(made.geometry[(made.owner == row) & (made.kind == "RoofSurface")])
        )
        assert covered.symmetric_difference(shapes[row]).area == pytest.approx(0, abs=1e-9)


def test_short_side() -> None:
    shapes = np.array([box(0, 0, 12, 8), shapely.affinity.rotate(box(0, 0, 3, 20), 17)], object)
    assert extrude.short_side_m(shapes) == pytest.approx([8, 3])
