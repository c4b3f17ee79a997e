"""Whatever stands in the cells of a list: it is read, matched and applied, or listed; never a traceback."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import pandas as pd
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin import facts, match
from twin.district import District
from twin.facts_map import COLUMNS

CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.integers(-(10**9), 10**9),
    st.floats(),
    st.booleans(),
    st.datetimes(),
    st.sampled_from(
        ["Am Weg", "1", "1–5", "3 a", "1983", "WBS 70", "Fernwärme", "saniert 1998", "12,5", "07747"]
    ),
)
ROWS = st.lists(st.dictionaries(st.sampled_from(sorted(COLUMNS)), CELLS), min_size=1, max_size=6)
ADDRESSED = st.lists(
    st.fixed_dictionaries(
        {"street": st.just("Am Weg"), "house_number": st.sampled_from(["1", "3", "1–5", "3, 5", "5"])},
        optional={
            "dwellings": st.integers(0, 500),
            "year_of_construction": st.sampled_from([1975, 1980]),
            "block_name": st.sampled_from(["A", "B"]),
        },
    ),
    min_size=1,
    max_size=6,
)


@cache
def district() -> District:
    frame = gpd.GeoDataFrame(
        {"building_id": ["a", "b", "c"], "street": "Am Weg", "house_number": ["1", "3", "5"]},
        geometry=[shapely.box(683_000 + 10 * i, 5_639_000, 683_010 + 10 * i, 5_639_010) for i in range(3)],
        crs="EPSG:25832",
    )
    return District.from_tables("small", {"buildings": frame}, derive=False)


@settings(max_examples=15, deadline=None)
@given(ROWS)
def test_any_cells_are_read_or_listed(rows: list[dict[str, object]]) -> None:
    cells = pd.DataFrame(rows, index=range(2, len(rows) + 2), dtype=object)
    found = facts.clean(cells, file="list.csv")
    left_out = {finding.record for finding in found.findings if finding.kind == "left_out"}
    for row in set(cells.index) - set(found.rows.index):
        assert f"row {row}" in left_out
    match.apply(district(), match.match(district().buildings, found))


@settings(max_examples=15, deadline=None)
@given(ADDRESSED)
def test_every_row_ends_in_one_place_and_sums_are_kept(rows: list[dict[str, object]]) -> None:
    cells = pd.DataFrame(rows, index=range(2, len(rows) + 2), dtype=object)
    result = match.match(district().buildings, facts.clean(cells, file="list.csv"))
    matched, ambiguous = set(result.assignments["row"]), set(result.ambiguous["row"])
    doubles = set(result.duplicates.loc[result.duplicates["same"], "row"])
    assert not matched & ambiguous
    assert matched | ambiguous | doubles | set(result.unmatched["row"]) == set(cells.index)
    applied = match.apply(district(), result)
    stated = result.facts.rows.loc[sorted(matched), "dwellings"]
    assert applied.buildings["dwellings"].sum() == stated.sum()
    members = applied.buildings["block_id"].dropna()
    assert set(members) == set(applied.blocks.index)
