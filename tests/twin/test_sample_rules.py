"""The rules behind the sample: rows, streets, numbers."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin import schema
from twin.errors import SourceError
from twin.sample import infill, inputs, numbering, slabs, streets
from twin.sample.__main__ import main


def test_a_row_along_the_east_has_its_depth_to_the_south():
    first, second = slabs.sections(np.array([100.0, 200.0]), 90.0, 30.0, 12.0, 2)
    assert first.bounds == pytest.approx((100, 188, 115, 200))
    assert second.bounds == pytest.approx((115, 188, 130, 200))
    assert first.exterior.is_ccw


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 360), st.integers(2, 8), st.floats(12, 24))
def test_sections_share_their_wall_to_the_bit(bearing, count, length):
    row = slabs.sections(np.array([684000.0, 5640000.0]), bearing, length * count, 12.0, count)
    for left, right in pairwise(row):
        shared = set(left.exterior.coords) & set(right.exterior.coords)
        assert len(shared) == 2
        assert shapely.area(shapely.intersection(left, right)) == 0


def test_corner_cutting_keeps_the_ends_and_the_length_shorter():
    corner = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 100.0]])
    smooth = streets.smooth(corner)
    assert smooth[0].tolist() == [0, 0] and smooth[-1].tolist() == [100, 100]
    assert 141 < shapely.LineString(smooth).length < 200


def test_infill_keeps_inside_and_apart():
    area = shapely.box(0, 0, 300, 200)
    blocked = shapely.box(120, 80, 180, 120)
    estates = gpd.GeoDataFrame(
        {
            "estate_id": ["e"], "quarter": ["Lobeda-Ost"], "bearing_deg": [100.0],
            "construction_series": ["P2"],
            "year_from": [1972], "year_to": [1975], "storeys": [5], "section_length_m": [15.0],
            "dwellings_per_section": [10], "gap_m": [30.0], "sections_per_row": [5],
        },
        geometry=[area], crs=schema.CRS,
    )  # fmt: skip
    filled = infill.fill(estates, blocked, seed=1)
    assert len(filled) > 20
    assert filled.geometry.within(area.buffer(0.01)).all()
    assert not filled.geometry.intersects(blocked).any()
    rows = filled.dissolve("row").geometry.to_numpy()
    near, _ = shapely.STRtree(rows).query(rows, "dwithin", distance=5.0)
    assert len(near) == len(rows)  # each only near itself
    assert filled.groupby("row")["year"].nunique().eq(1).all()


def test_trimming_meets_the_target_from_below_and_keeps_what_is_near_a_street():
    sections = gpd.GeoDataFrame(
        {"row": [f"r{n}" for n in range(10)], "quarter": "Lobeda-Ost", "dwellings": 10},
        geometry=[shapely.box(0, 200 * n, 15, 200 * n + 12) for n in range(10)],
        crs=schema.CRS,
    )
    street = shapely.LineString([(-10, 0), (30, 0)])
    left = infill.trim(sections, {"Lobeda-Ost": 45.0}, street, seed=1)
    assert left["row"].tolist() == ["r0", "r1", "r2", "r3", "r4"]


def test_numbers_are_odd_on_the_left_even_on_the_right_and_skip_what_is_taken():
    axes = gpd.GeoDataFrame(
        {"name": ["Weg"]}, geometry=[shapely.LineString([(0, 0), (100, 0)])], crs=schema.CRS
    )
    buildings = gpd.GeoDataFrame(
        {
            "row": ["a", "a", "b", "c", "d"],
            "street": [None, None, None, None, "Weg"],
            "house_number": pd.Series([None, None, None, None, "2"], dtype=object),
        },
        geometry=[
            shapely.box(x, y, x + 10, y + 5) for x, y in [(10, 5), (20, 5), (50, 5), (10, -10), (80, -10)]
        ],
        crs=schema.CRS,
    )
    numbered = numbering.number(buildings, axes)
    assert numbered["house_number"].tolist() == ["1", "3", "5", "4", "2"]
    assert set(numbered["street"]) == {"Weg"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Emil-Wölk-Straße 11", "emil-woelk-strasse-11"), ("Ziegesarstraße 9–19", "ziegesarstrasse-9-19")],
)
def test_slug(text, expected):
    assert inputs.slug(text) == expected


def test_a_missing_plan_file_is_named():
    with pytest.raises(SourceError, match=r"nowhere\.csv.*missing"):
        inputs.read("nowhere")


def test_the_plan_names_its_sources():
    for name, column in [
        ("streets", "note"),
        ("estates", "note"),
        ("special_buildings", "source"),
        ("places", "source"),
    ]:
        assert (inputs.read(name)[column] != "").all(), name


def test_the_command_refuses_a_call_without_a_folder(capsys):
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
