"""Blocks: which buildings are one, what they are called, and that ids do not wander."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from twin import blocks, schema


def row(count: int = 3, gap: float = 0.0, **columns: list[object]) -> gpd.GeoDataFrame:
    """A row of entrance sections of 15 × 12 m."""
    shapes = [box((15 + gap) * i, 0, (15 + gap) * i + 15, 12) for i in range(count)]
    values = {"function": ["residential"] * count, "measured_height_m": [16.0] * count} | columns
    frame = gpd.GeoDataFrame(
        {"building_id": [f"b{i}" for i in range(count)], **values}, geometry=shapes, crs=25832
    )
    return schema.conform("buildings", frame)


def sizes(frame: gpd.GeoDataFrame) -> list[int]:
    return sorted(blocks.group(frame)[0].value_counts().to_list())


def test_a_row_of_sections_is_one_block() -> None:
    table = row(6, street=["Ziegesarstraße"] * 6, house_number=["9", "11", "13", "15", "17", "19"])
    table["dwellings"] = [40.0, 40, 40, 40, 40, np.nan]
    table["year_of_construction"] = 1983.0
    ids, found = blocks.group(table)
    assert ids.nunique() == 1
    assert found.index.to_list() == [ids.iloc[0]]
    block = found.iloc[0]
    assert (block["name"], block.dwellings, block.buildings, block.source) == (
        "Ziegesarstraße 9–19",
        200,
        6,
        "touching",
    )
    assert block.year_of_construction == 1983
    assert block.geometry.area == pytest.approx(6 * 15 * 12)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, [3]),
        ({"street": ["A", "A", "B"]}, [1, 2]),
        ({"street": ["A", None, "A"]}, [3]),
        ({"measured_height_m": [16, 16, 33]}, [1, 2]),
        ({"year_of_construction": [1970, 1983, 1984]}, [1, 2]),
        ({"year_of_construction": [np.nan, 1983, 1984]}, [3]),
        ({"construction_series": ["P2", "P2", "WBS 70"]}, [1, 2]),
        ({"function": ["residential", "retail", "residential"]}, [1, 1, 1]),
    ],
)
def test_only_alike_neighbours_join(change: dict[str, list[object]], expected: list[int]) -> None:
    assert sizes(row(3, **change)) == expected


def test_gaps_and_short_contacts_divide() -> None:
    assert sizes(row(3, gap=0.2)) == [3]
    assert sizes(row(3, gap=1.0)) == [1, 1, 1]
    table = row(2)
    table["geometry"] = [box(0, 0, 15, 12), box(15, 10, 30, 22)]  # 2 m of common wall
    assert sizes(table) == [1, 1]


def test_ids_follow_from_the_members_alone() -> None:
    table = row(4)
    ids = blocks.group(table)[0]
    again = blocks.group(table.iloc[::-1].assign(dwellings=5.0))[0]
    assert ids.to_dict() == again.to_dict()


def test_a_given_block_wins_and_is_completed() -> None:
    table = row(4, block_id=["mine", "mine", None, None], dwellings=[10, 12, 3, 4])
    known = schema.conform(
        "blocks",
        gpd.GeoDataFrame({"block_id": ["mine", "empty"], "name": ["Our row", None], "geometry": None}),
    )
    ids, found = blocks.group(table, known)
    assert ids.to_list()[:2] == ["mine", "mine"]
    assert ids.iloc[2] == ids.iloc[3] != "mine"
    assert found.loc["mine", "name"] == "Our row"
    assert (found.loc["mine", "dwellings"], found.loc["mine", "buildings"], found.loc["mine", "source"]) == (
        22,
        2,
        "facts",
    )
    assert found.loc["mine"].geometry.area == pytest.approx(360)
    assert "empty" in found.index


def test_grouping_again_changes_nothing() -> None:
    ids, found = blocks.group(row(3, street=["A"] * 3, house_number=["1", "3", "5"]))
    table = row(3, street=["A"] * 3, house_number=["1", "3", "5"]).assign(block_id=ids)
    again, same = blocks.group(table, found)
    assert again.to_list() == ids.to_list()
    assert same.equals(found)


def test_a_corner_block_names_both_streets() -> None:
    table = row(3, block_id=["x"] * 3, street=["B", "A", "A"], house_number=["2", "7", "5"])
    assert blocks.group(table)[1]["name"].to_list() == ["A 5–7, B 2"]


def test_without_streets_the_common_name_or_none() -> None:
    assert blocks.group(row(1, name=["Schule"]))[1]["name"].to_list() == ["Schule"]
    assert blocks.group(row(1, name=["b0"]))[1]["name"].to_list() == [""]  # the id again is no name
    assert blocks.group(row(1))[1]["name"].to_list() == [""]


def test_differing_years_leave_the_blocks_year_open() -> None:
    found = blocks.group(
        row(2, block_id=["x", "x"], year_of_construction=[1970, 1980], quarter=["West", "West"])
    )[1]
    assert np.isnan(found.year_of_construction.iloc[0])
    assert found.quarter.iloc[0] == "West"


def test_no_buildings() -> None:
    ids, found = blocks.group(schema.empty("buildings"))
    assert len(ids) == len(found) == 0


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["9", "11", "13", "19"], "9–19"),
        (["19", "9", "9"], "9–19"),
        (["12a"], "12a"),
        (["12 A", "12"], "12–12a"),
        (["9-11", "13"], "9–13"),
        (["3", "10", "7"], "3–10"),
        ([None, np.nan, ""], ""),
        (["o. Nr."], ""),
        ([], ""),
    ],
)
def test_house_number_range(numbers: list[object], expected: str) -> None:
    assert blocks.house_number_range(numbers) == expected
