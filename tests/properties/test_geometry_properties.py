"""Laws of geometry that hold for any footprint."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from twin import blocks, extrude, geometry, polygons, schema, solids

FORMS = ["flat", "gable", "hip", "pyramid", "pent", None, "dome"]
sizes = st.floats(2.0, 60.0)
few = settings(max_examples=8, deadline=None)
many = settings(max_examples=40, deadline=None)


@st.composite
def stars(draw: st.DrawFn) -> Polygon:
    """Simple polygons, convex or not, sometimes with a hole."""
    radii = draw(st.lists(st.floats(3.0, 30.0), min_size=3, max_size=12))
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    outer = np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])
    holes = [outer[::-1] * draw(st.floats(0.2, 0.6))] if draw(st.booleans()) else []
    return Polygon(outer, holes)


@st.composite
def rectangles(draw: st.DrawFn) -> Polygon:
    shape = shapely.box(0, 0, draw(sizes), draw(sizes))
    return shapely.affinity.rotate(shape, draw(st.floats(0, 360)))


shapes = st.one_of(stars(), rectangles())


def built(shape: Polygon, height: float, rise: float = 0.0, form: str | None = None) -> extrude.Extrusion:
    values = (np.array([100.0]), np.array([height]), np.array([rise]), np.array([form], object))
    return extrude.extrude(np.array([shape], object), *values)


def measured(made: extrude.Extrusion) -> tuple[polygons.Faces, np.ndarray, np.ndarray]:
    faces = polygons.flatten(made.geometry)
    return faces, polygons.area_vectors(faces), np.zeros(faces.count, np.int64)


@many
@given(shapes, st.floats(0.5, 90.0))
def test_volume_of_an_extrusion_is_area_times_height(shape: Polygon, height: float) -> None:
    faces, _, solid = measured(built(shape, height))
    assert solids.closed_solids(solids.edges(faces, solid), solid).all()
    volume = solids.volumes(faces, polygons.ring_vectors(faces), solid)[0]
    assert volume == pytest.approx(shape.area * height, rel=1e-9)


@many
@given(shapes, st.floats(2.0, 30.0), st.floats(0.1, 10.0), st.sampled_from(FORMS))
def test_area_vectors_of_a_closed_solid_sum_to_zero(
    shape: Polygon, height: float, rise: float, form: str
) -> None:
    faces, vector, solid = measured(built(shape, height, rise, form))
    assert solids.closed_solids(solids.edges(faces, solid), solid).all()
    assert vector.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-6)
    assert solids.volumes(faces, polygons.ring_vectors(faces), solid)[0] >= shape.area * height * 0.999


@many
@given(shapes, st.floats(-180, 180), st.tuples(st.floats(-7e5, 7e5), st.floats(-6e6, 6e6)))
def test_areas_do_not_change_by_moving_and_turning(
    shape: Polygon, angle: float, move: tuple[float, float]
) -> None:
    before = np.linalg.norm(measured(built(shape, 9.0))[1], axis=1)
    moved = shapely.affinity.translate(shapely.affinity.rotate(shape, angle, origin=(0, 0)), *move)
    after = np.linalg.norm(measured(built(moved, 9.0))[1], axis=1)
    assert np.sort(after) == pytest.approx(np.sort(before), rel=1e-5)


@many
@given(shapes, st.floats(3.0, 30.0), st.data())
def test_any_mix_of_turned_polygons_is_put_right(shape: Polygon, height: float, data: st.DataObject) -> None:
    made = built(shape, height)
    turned = np.array(data.draw(st.lists(st.booleans(), min_size=len(made.kind), max_size=len(made.kind))))
    wrong = made.geometry.copy()
    wrong[turned] = shapely.reverse(wrong[turned])
    faces = polygons.flatten(wrong)
    solid, ring = np.zeros(faces.count, np.int64), polygons.ring_vectors(faces)
    footprint = np.array([shape], object)
    found = solids.inward(faces, ring, polygons.area_vectors(faces), solid, made.kind, footprint)
    assert found.tolist() == turned.tolist()


@st.composite
def districts(draw: st.DrawFn) -> gpd.GeoDataFrame:
    """A few buildings side by side, with whatever is known of them."""
    count = draw(st.integers(1, 4))
    width = draw(st.floats(5, 20))
    rows = [
        shapely.box(684_000 + i * width, 5_640_000, 684_000 + (i + 1) * width, 5_640_012)
        for i in range(count)
    ]

    def known(values: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(st.none() | values, min_size=count, max_size=count))

    frame = gpd.GeoDataFrame(
        {
            "building_id": [f"b{i}" for i in range(count)],
            "measured_height_m": known(st.floats(2.5, 60.0)),
            "storeys_above_ground": known(st.integers(1, 16)),
            "roof_type": known(st.sampled_from(FORMS[:5])),
            "function": known(st.sampled_from(["residential", "school", "garage"])),
            "street": known(st.sampled_from(["A", "B"])),
            "house_number": known(st.sampled_from(["1", "2a", "3-5"])),
            "year_of_construction": known(st.integers(1850, 2025)),
            "dwellings": known(st.integers(0, 90)),
            "block_id": known(st.sampled_from(["x", "y"])),
            "ground_height_m": known(st.floats(0, 400)),
        },
        geometry=rows,
        crs=25832,
    )
    return schema.conform("buildings", frame)


@few
@given(districts())
def test_derive_is_idempotent_and_keeps_what_is_given(frame: gpd.GeoDataFrame) -> None:
    once, _ = geometry.derive({"buildings": frame})
    twice, findings = geometry.derive(once)
    assert findings == []
    for table in schema.TABLES:
        pd.testing.assert_frame_equal(pd.DataFrame(twice[table]), pd.DataFrame(once[table]))
    for column in frame.columns.drop("geometry"):
        given_rows = frame[column].notna()
        assert once["buildings"].loc[given_rows, column].equals(frame.loc[given_rows, column])


@few
@given(districts())
def test_what_is_derived_is_complete_and_plausible(frame: gpd.GeoDataFrame) -> None:
    out, _ = geometry.derive({"buildings": frame})
    table, faces = out["buildings"], out["surfaces"]
    assert table.watertight.all()
    for column in ("volume_m3", "roof_area_m2", "a_use_m2", "storeys_above_ground", "measured_height_m"):
        assert (table[column] > 0).all()
        source = geometry.SOURCE_OF.get(column)
        assert source is None or table[source].str.split(":").str[0].isin(schema.SOURCE_KINDS).all()
    assert (faces.party_area_m2 <= faces.area_m2 + 1e-9).all()
    party = faces.party_area_m2.groupby(faces.building_id).sum()
    assert party.sum() == pytest.approx(table.party_wall_area_m2.sum())
    assert set(table.block_id) == set(out["blocks"].index)
    assert out["blocks"].buildings.sum() == len(table)


@many
@given(st.lists(st.none() | st.text(max_size=8) | st.integers(1, 200).map(str), max_size=12))
def test_house_number_ranges_never_fail(numbers: list[str | None]) -> None:
    text = blocks.house_number_range(numbers)
    assert text == "" or text[0].isdigit()
    assert blocks.house_number_range(reversed(numbers)) == text
