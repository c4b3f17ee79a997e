"""Single cases of matching and applying that the list of thirty rows does not hold."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from twin import facts, facts_map, match
from twin.district import District
from twin.facts_apply import block_name, split

E, N = 683_000.0, 5_639_000.0


def houses(*rows: dict[str, object]) -> District:
    """Houses of 10 m × 10 m; `x` from the west, touching where 10 m apart."""
    frame = pd.DataFrame(list(rows))
    shapes = [shapely.box(E + x, N, E + x + 10, N + 10) for x in frame.pop("x")]
    blocks = frame["block_id"].dropna().unique() if "block_id" in frame else []
    return District.from_tables(
        "cases",
        {
            "buildings": gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:25832"),
            "blocks": pd.DataFrame({"block_id": blocks, "source": "touching"}).pipe(
                lambda table: gpd.GeoDataFrame(table, geometry=[None] * len(table), crs="EPSG:25832")
            ),
        },
        derive=False,
    )


def house(building_id: str, number: str | None, x: float, **values: object) -> dict[str, object]:
    name = "Am Weg" if number else None
    return {"building_id": building_id, "street": name, "house_number": number, "x": x, **values}


def told(*rows: dict[str, object]) -> facts.FactsList:
    """A list with these cells; row numbers count from 2, as under a header."""
    cells = pd.DataFrame(list(rows), index=range(2, len(rows) + 2), dtype=object)
    return facts.clean(cells, file="list.csv")


def way(number: object, **cells: object) -> dict[str, object]:
    return {"street": "Am Weg", "house_number": number, **cells}


def matched(result: match.MatchResult) -> dict[int, str]:
    return {
        int(row): " ".join(sorted(group["building_id"])) for row, group in result.assignments.groupby("row")
    }


def test_building_id_comes_before_the_address() -> None:
    district = houses(house("a", "1", 0), house("b", "3", 50))
    result = match.match(district.buildings, told(way("1", building_id="b"), way("1", building_id="lost")))
    assert matched(result) == {2: "b", 3: "a"}
    assert list(result.assignments["how"]) == ["id", "address"]


def test_both_sides_where_the_row_is_numbered_through() -> None:
    through = houses(*(house(str(n), str(n), 10 * n) for n in range(1, 6)))
    opposite = houses(*(house(str(n), str(n), 10 * n if n % 2 else 10 * n + 500) for n in range(1, 6)))
    assert matched(match.match(through.buildings, told(way("1–5")))) == {2: "1 2 3 4 5"}
    assert matched(match.match(opposite.buildings, told(way("1–5")))) == {2: "1 3 5"}
    assert matched(match.match(through.buildings, told(way("1–5 (ungerade)")))) == {2: "1 3 5"}


def test_missing_end_of_a_range_is_listed_and_the_rest_matched() -> None:
    district = houses(house("a", "1", 0), house("b", "3", 50))
    result = match.match(district.buildings, told(way("1–7")))
    assert matched(result) == {2: "a b"}
    assert "Am Weg 7 is not among the buildings" in list(result.notes["message"])


def test_number_without_letter_where_only_letters_stand_is_ambiguous() -> None:
    district = houses(house("a", "12a", 0), house("b", "12b", 50))
    result = match.match(district.buildings, told(way("12")))
    assert list(result.ambiguous["reason"]) == ["Am Weg has no 12, but 12a, 12b"]
    assert list(result.ambiguous["candidates"]) == ["a, b"]


def test_annex_with_the_same_address_belongs_to_it() -> None:
    district = houses(
        house("a", "1", 0, gross_floor_area_m2=300.0), house("b", "1", 10, gross_floor_area_m2=100.0)
    )
    applied = match.apply(district, match.match(district.buildings, told(way("1", dwellings=8))))
    assert list(applied.buildings["dwellings"]) == [6, 2]


def test_same_address_far_apart_is_told_by_the_place() -> None:
    district = houses(house("a", "1", 0), house("b", "1", 900))
    result = match.match(district.buildings, told(way("1"), way("1", x=E + 905, y=N + 5)))
    assert matched(result) == {3: "b"}
    assert list(result.ambiguous["row"]) == [2]


def test_place_far_from_its_address_is_noted() -> None:
    district = houses(house("a", "1", 0))
    result = match.match(district.buildings, told(way("1", x=E + 410, y=N + 5)))
    assert matched(result) == {2: "a"}
    assert list(result.notes["message"]) == [
        "the place is 400 m from the buildings of this address, which was followed"
    ]


@pytest.mark.parametrize(("members", "met"), [(3, {2: "h0 h1 h2"}), (4, {})])
def test_range_by_place_means_the_row_if_it_has_as_many_houses(members: int, met: dict[int, str]) -> None:
    district = houses(*(house(f"h{i}", None, 10 * i, block_id="row") for i in range(members)))
    result = match.match(district.buildings, told(way("1–5", x=E + 5, y=N + 5)))
    assert matched(result) == met
    if not met:
        assert "a row of 4 buildings, the list means 3" in result.ambiguous["reason"].iloc[0]


def test_place_between_two_houses_is_ambiguous_and_one_in_the_field_unmatched() -> None:
    district = houses(house("a", None, 0), house("b", None, 20))
    result = match.match(
        district.buildings,
        told({"x": E + 15, "y": N + 5}, {"x": E + 300, "y": N + 5}, {"x": E + 12, "y": N + 5}),
    )
    assert matched(result) == {4: "a"}
    assert list(result.ambiguous["row"]) == [2]
    assert list(result.unmatched["reason"]) == [f"no building within 15 m of {E + 300:.0f}, {N + 5:.0f}"]


def test_duplicates_that_complete_each_other_are_merged() -> None:
    district = houses(house("a", "1", 0))
    result = match.match(
        district.buildings, told(way("1", dwellings=8), way("1", series="x", dwellings=8, owner="WG"))
    )
    applied = match.apply(district, result)
    assert applied.buildings.loc["a", "dwellings"] == 8  # once, not twice
    assert applied.buildings.loc["a", "owner"] == "WG"
    assert list(result.duplicates["same"]) == [True]


def test_overlapping_rows_with_two_sums_contradict() -> None:
    district = houses(house("a", "1", 0), house("b", "3", 10))
    result = match.match(district.buildings, told(way("1–3", dwellings=20), way("3", dwellings=8)))
    assert matched(result) == {}
    assert list(result.ambiguous["row"]) == [2, 3]


def test_overlapping_rows_that_agree_are_both_applied() -> None:
    district = houses(house("a", "1", 0), house("b", "3", 10))
    rows = told(
        way("1–3", year_of_construction=1980, dwellings=20), way("3", year_of_construction=1980, owner="WG")
    )
    applied = match.apply(district, match.match(district.buildings, rows))
    assert list(applied.buildings["year_of_construction"]) == [1980, 1980]
    assert list(applied.buildings["dwellings"]) == [10, 10]
    assert list(applied.buildings["owner"].fillna("")) == ["", "WG"]


def test_sum_of_one_entrance_is_not_taken_for_the_whole_building() -> None:
    district = houses(house("a", "1, 3, 5", 0, dwellings=30.0, dwellings_source="guessed:x"))
    result = match.match(district.buildings, told(way("3", dwellings=10, year_of_construction=1980)))
    applied = match.apply(district, result)
    assert applied.buildings.loc["a", "dwellings"] == 30
    assert applied.buildings.loc["a", "year_of_construction"] == 1980
    assert any("only some of the building's house numbers" in f.message for f in applied.findings)


def test_entrances_of_one_building_that_disagree_leave_the_column() -> None:
    district = houses(house("a", "1, 3", 0))
    rows = told(
        way("1", year_of_construction=1980, dwellings=4), way("3", year_of_construction=1985, dwellings=5)
    )
    applied = match.apply(district, match.match(district.buildings, rows))
    assert np.isnan(applied.buildings.loc["a", "year_of_construction"])
    assert applied.buildings.loc["a", "dwellings"] == 9
    assert "rows disagree, 1980 (row 2), 1985 (row 3)" in applied.findings[-1].message


def test_block_names_of_two_owners_stay_apart() -> None:
    district = houses(*(house(f"h{n}", str(n), 10 * n) for n in (1, 3, 5, 7)))
    rows = told(
        *(way(str(n), owner="A", block_name="Hof") for n in (1, 3)),
        *(way(str(n), owner="B", block_name="Hof") for n in (5, 7)),
    )
    applied = match.apply(district, match.match(district.buildings, rows))
    assert list(applied.buildings["block_id"]) == ["block-hof", "block-hof", "block-hof-2", "block-hof-2"]
    assert list(applied.blocks["name"]) == ["Hof", "Hof"]


def test_own_block_id_is_kept() -> None:
    district = houses(house("a", "1", 0), house("b", "3", 10))
    rows = told(way("1", block_id="0815"), way("3", block_id="0815"))
    applied = match.apply(district, match.match(district.buildings, rows))
    assert list(applied.blocks.index) == ["0815"]
    assert applied.blocks.loc["0815", "name"] == "Am Weg 1, 3"


def test_nothing_matched_changes_nothing_but_is_said() -> None:
    district = houses(house("a", "1", 0))
    applied = match.apply(district, match.match(district.buildings, told(way("99", dwellings=5))))
    assert applied.digest() == district.digest()
    assert len(applied.findings) == 1


def test_district_without_addresses_matches_by_place_alone() -> None:
    district = houses(house("a", None, 0))
    result = match.match(district.buildings, told(way("1"), way("3", x=E + 5, y=N + 5)))
    assert matched(result) == {3: "a"}
    assert list(result.unmatched["reason"]) == ["there is no street 'Am Weg'"]


def test_input_is_left_as_it_was() -> None:
    district = houses(house("a", "1", 0))
    rows = told(way("1", dwellings=8), way("1", dwellings=8))
    before, digest = rows.rows.copy(), district.digest()
    match.apply(district, match.match(district.buildings, rows))
    assert district.digest() == digest
    pd.testing.assert_frame_equal(rows.rows, before)


def test_name_of_a_block_with_two_streets() -> None:
    members = pd.DataFrame(
        {"street": ["B-Weg", "A-Str.", "A-Straße", None], "house_number": ["2", "1", "3", None]}
    )
    assert block_name(members) == "A-Str. 1, 3, B-Weg 2"


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [(10, [1, 1, 1], [4, 3, 3]), (0, [1, 2], [0, 0]), (5, [0, 0], [3, 2]), (7, [1, 6], [1, 6])],
)
def test_split_by_largest_remainder(total: float, weights: list[float], parts: list[float]) -> None:
    assert list(split(total, weights, whole=True)) == parts


def test_map_words_translate_values_before_our_rules() -> None:
    cells = pd.DataFrame([way("1", heating="Netz 3")], index=[2], dtype=object)
    mapping = facts_map.FactsMap(values={"heating": {"netz 3": "gas"}})
    assert list(facts.clean(cells, mapping).rows["heating"]) == ["gas"]
