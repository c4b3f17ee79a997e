"""A made-up owner's list of 30 addresses against a small district; each row's outcome is stated here."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from twin import facts, match
from twin.district import District
from twin.facts import FactsList

DATA = Path(__file__).parent.parent / "data" / "facts"
E, N = 683_000.0, 5_639_000.0


def box(x: float, y: float, width: float = 15.0, depth: float = 12.0) -> shapely.Polygon:
    return shapely.box(E + x, N + y, E + x + width, N + y + depth)


def row(
    prefix: str, street: str, numbers: list[str], x: float, y: float, gap: float = 0.0, **values: object
) -> list[dict[str, object]]:
    """Houses of 15 m × 12 m from west to east; `gap` 0 makes them touch."""
    return [
        {
            "building_id": f"{prefix}{number}",
            "geometry": box(x + i * (15 + gap), y),
            "street": street,
            "house_number": number,
            "postcode": "07747",
            "city": "Jena",
            "gross_floor_area_m2": 1000.0,
            **values,
        }
        for i, number in enumerate(numbers)
    ]


def town() -> District:
    """Rows on one side of a street, rows numbered through, letters, names alike, houses without address."""
    houses = [
        *row("Z", "Ziegesarstraße", ["1", "3", "5", "7"], 0, 0, gap=5),
        *row("Z", "Ziegesarstraße", ["9", "11", "13", "15", "17", "19"], 100, 0, block_id="old"),
        *row("Z", "Ziegesarstraße", ["21"], 190, 0, block_id="old"),
        *row("Z", "Ziegesarstraße", ["10", "12", "14", "16", "18"], 100, 40),
        *row("K", "Karl-Marx-Allee", ["2", "12", "12a", "12b", "14", "16"], 0, 100, gap=5),
        *row("U", "Kurt-Marx-Allee", ["2"], 200, 100),
        *row("W", "Emil-Wölk-Straße", ["1", "3", "5", "7"], 0, 200),
        *row("W", "Emil-Wölk-Straße", ["9;11"], 100, 200),
        *row("S", "Salvador-Allende-Platz", ["9", "10", "11", "12", "13", "14", "15", "16"], 0, 300),
        *row("L", "Lindenstraße", ["1", "3"], 0, 400, gap=5),
        *row("M", "Lindenweg", ["1", "3"], 100, 400, gap=5),
        *row("A", "Alte Straße", ["5"], 0, 500),
        *row("B", "Alte Straße", ["5"], 900, 900, postcode="07751"),
        *row("N", "", ["east", "west"], 400, 800, gap=3),
        *row("G", "Lindenstraße", ["1"], 0, 425, function="garage"),
    ]
    frame = gpd.GeoDataFrame(houses, crs="EPSG:25832")
    frame.loc[frame["street"] == "", ["street", "house_number", "postcode"]] = None
    wide = frame["building_id"].isin(["Z9", "Z11", "Z17", "Z19"])
    frame["gross_floor_area_m2"] = np.where(wide, 4000.0, 1000.0)
    frame.loc[frame["building_id"].isin(["Z13", "Z15"]), "gross_floor_area_m2"] = 3000.0
    frame["storeys_above_ground"] = 5.0
    frame["year_of_construction"] = np.where(frame["building_id"] == "L1", 1920.0, np.nan)
    frame["year_source"] = np.where(frame["building_id"] == "L1", "given:citygml", None)
    frame["dwellings"] = 9.0
    frame["dwellings_source"] = "guessed:floor area"
    old = frame[frame["block_id"] == "old"]
    blocks = gpd.GeoDataFrame(
        {"block_id": ["old"], "name": ["Ziegesarstraße 9–21"], "buildings": [7.0], "source": ["touching"]},
        geometry=[old.geometry.union_all()],
        crs="EPSG:25832",
    )
    return District.from_tables("town", {"buildings": frame, "blocks": blocks}, derive=False)


LIST_ROW = {number: number + 4 for number in range(1, 31)}  # three lines and the header stand above

MATCHED = {
    # number in the list: (buildings, how, detail)
    1: ("Z9 Z11 Z13 Z15 Z17 Z19", "address", "exact"),  # 9–19: one side of the street
    2: ("Z1", "address", "exact"),
    3: ("Z3", "address", "typing error"),  # Zigesarstraße
    4: ("Z5 Z7", "address", "exact"),  # ZIEGESARSTRASSE 5-7
    5: ("Z10 Z12 Z14", "address", "exact"),  # Ziegesar-Str. 10 bis 14
    6: ("Z16 Z18", "address", "exact"),
    7: ("K12a", "address", "exact"),  # 12 a
    8: ("K12b", "address", "typing error"),  # Karl Marx Alle 12B
    9: ("K14 K16", "address", "exact"),  # 14/16
    11: ("W1", "address", "abbreviation"),  # E.-Wölk-Str.
    12: ("W3 W5", "address", "exact"),  # Emil-Woelk-Strasse 3 u. 5
    13: ("W9;11", "address", "exact"),
    14: ("W9;11", "address", "exact"),
    15: ("S9 S10 S11 S12 S13 S14 S15", "address", "exact"),  # numbered through around the square
    16: ("S16", "address", "abbreviation"),  # Salv.-Allende-Pl.
    17: ("L1", "address", "exact"),  # without the garage, not Lindenweg
    18: ("M3", "address", "typing error"),  # Lindnweg
    21: ("B5", "address", "exact"),  # told by the postcode, whose zero was lost
    27: ("Neast", "place", "inside"),
    28: ("Nwest", "place", "4 m beside"),
    30: ("K12", "address", "exact"),
}
AMBIGUOUS = {
    10: "may mean 'Karl-Marx-Allee' or 'Kurt-Marx-Allee'",
    19: "may mean 'Lindenstraße' or 'Lindenweg'",
    20: "Alte Straße 5 is carried by 2 buildings far apart",
    25: "it stands in row 30 too, with another year_of_construction; neither is applied",
    26: "it stands in row 29 too, with another year_of_construction; neither is applied",
}
UNMATCHED = {
    22: "there is no street 'Goethestr.'",
    23: "Ziegesarstraße has no 99; near are 17, 19, 21",
}
DUPLICATES = [(24, 2, True), (26, 25, False)]


@pytest.fixture(scope="module")
def owners_list() -> FactsList:
    return facts.read(DATA / "bestand.csv", DATA / "bestand.toml")


@pytest.fixture(scope="module")
def result(owners_list: FactsList) -> match.MatchResult:
    return match.match(town().buildings, owners_list)


@pytest.fixture(scope="module")
def applied(result: match.MatchResult) -> District:
    return match.apply(town(), result)


def test_thirty_rows_end_as_stated(result: match.MatchResult) -> None:
    outcome = set(MATCHED) | set(AMBIGUOUS) | set(UNMATCHED) | {24, 29}
    assert outcome == set(range(1, 31))


@pytest.mark.parametrize("number", MATCHED)
def test_row_is_matched(result: match.MatchResult, number: int) -> None:
    ids, how, detail = MATCHED[number]
    found = result.assignments[result.assignments["row"] == LIST_ROW[number]]
    assert sorted(found["building_id"]) == sorted(ids.split())
    assert set(found["how"]) == {how}
    assert set(found["detail"]) == {detail}


def test_no_other_row_is_matched(result: match.MatchResult) -> None:
    assert set(result.assignments["row"]) == {LIST_ROW[number] for number in MATCHED}


def test_ambiguous_rows_are_listed_with_their_reason(result: match.MatchResult) -> None:
    assert list(result.ambiguous["row"]) == [LIST_ROW[number] for number in AMBIGUOUS]
    for reason, expected in zip(result.ambiguous["reason"], AMBIGUOUS.values(), strict=True):
        assert expected in reason
    assert result.ambiguous["candidates"].iloc[0] == "K2, U2"


def test_unmatched_rows_are_listed_with_their_reason(result: match.MatchResult) -> None:
    assert list(result.unmatched["row"]) == [LIST_ROW[number] for number in UNMATCHED]
    for reason, expected in zip(result.unmatched["reason"], UNMATCHED.values(), strict=True):
        assert expected in reason


def test_duplicates_are_listed(result: match.MatchResult) -> None:
    found = list(result.duplicates[["row", "first_row", "same"]].itertuples(index=False, name=None))
    assert found == [(LIST_ROW[a], LIST_ROW[b], same) for a, b, same in DUPLICATES]


def test_bad_rows_and_cells_are_listed_with_row_number(owners_list: FactsList) -> None:
    listed = [(f.file, f.record, f.message) for f in owners_list.findings]
    assert listed == [
        (
            "bestand.csv",
            "row 8",
            "refurbishment: 'teilsaniert' does not say which parts of the envelope were refurbished; "
            "the value is left out",
        ),
        ("bestand.csv", "row 33", "house number '19-9' runs backwards; write it as 9, 9–19 or 12a"),
        (
            "bestand.csv",
            "row 34",
            "year_of_construction: 'neunzehnhundert' is no year; the value is left out",
        ),
        ("bestand.csv", "row 35", "the row has not an address and no place"),
    ]


def test_sums_are_split_by_floor_area_and_add_up(applied: District) -> None:
    b = applied.buildings
    # 250 × 4000/22000 = 45.45, × 3000/22000 = 34.09; the two left over go to the largest remainders
    assert list(b.loc[["Z9", "Z11", "Z13", "Z15", "Z17", "Z19"], "dwellings"]) == [46, 46, 34, 34, 45, 45]
    assert set(b.loc[["Z9", "Z13"], "dwellings_source"]) == {"derived:facts split"}
    # 81 dwellings in two equal houses
    assert list(b.loc[["Z5", "Z7"], "dwellings"]) == [41, 40]
    # living area 14,000 m² × 1.1 (TABULA) = 15,400 m², × 4000/22000
    assert b.loc["Z9", "a_use_m2"] == pytest.approx(2800)
    assert b.loc["Z1", "a_use_m2"] == pytest.approx(2312.5 * 1.1)
    assert b.loc["Z1", "a_use_source"] == "derived:facts living area × 1.1 (TABULA)"


def test_properties_are_copied_to_every_house_of_a_row(applied: District) -> None:
    b = applied.buildings.loc[["Z9", "Z11", "Z13", "Z15", "Z17", "Z19"]]
    assert set(b["construction_series"]) == {"WBS 70"}
    assert set(b["year_of_construction"]) == {1983.0}
    assert set(b["refurbishment"]) == {"usual"}
    assert set(b["refurbishment_window"]) == {"usual"}
    assert set(b["refurbishment_year"]) == {2006.0}
    assert set(b["heating"]) == {"district_heating"}
    assert set(b["year_source"]) == {"given:facts"}
    assert set(b["cost_centre"]) == {"4711"}
    assert set(b["owner"]) == {"Wohnungsbau Musterstadt eG"}


def test_several_rows_of_one_building_are_added_up(applied: District) -> None:
    house = applied.buildings.loc["W9;11"]
    assert house["dwellings"] == 22
    assert house["dwellings_source"] == "derived:facts sum"
    assert house["year_of_construction"] == 1974


def test_contradicting_duplicates_change_nothing(applied: District) -> None:
    house = applied.buildings.loc["W7"]
    assert np.isnan(house["year_of_construction"])
    assert house["dwellings"] == 9
    assert house["dwellings_source"] == "guessed:floor area"


def test_given_value_is_replaced_and_listed(applied: District) -> None:
    assert applied.buildings.loc["L1", "year_of_construction"] == 1936
    assert [f.message for f in applied.findings if f.record == "building L1"] == [
        "year_of_construction: the list says 1936, citygml said 1920; the list counts"
    ]


def test_entrances_of_a_row_form_one_block(applied: District) -> None:
    ids = applied.buildings.loc[["Z9", "Z11", "Z13", "Z15", "Z17", "Z19"], "block_id"].unique()
    assert list(ids) == ["block-ziegesarstrasse-9-19"]
    block = applied.blocks.loc[ids[0]]
    assert block["name"] == "Ziegesarstraße 9–19"
    assert block["dwellings"] == 250
    assert block["buildings"] == 6
    assert block["construction_series"] == "WBS 70"
    assert block["source"] == "facts"
    assert block.geometry.area == pytest.approx(6 * 15 * 12)
    rest = applied.blocks.loc["old"]
    assert (rest["name"], rest["buildings"], rest["dwellings"]) == ("Ziegesarstraße 21", 1, 9)
    assert rest.geometry.area == pytest.approx(15 * 12)


def test_block_name_of_the_owner_gathers_rows(applied: District) -> None:
    members = applied.buildings[applied.buildings["block_id"] == "block-sternhof"]
    assert sorted(members.index) == ["K12", "K12a", "K12b"]
    assert applied.blocks.loc["block-sternhof", "name"] == "Sternhof"


def test_numbers_through_a_square_make_one_block(applied: District) -> None:
    assert applied.blocks.loc["block-salvador-allende-platz-9-15", "name"] == "Salvador-Allende-Platz 9–15"


def test_house_matched_by_place_gets_the_address(applied: District) -> None:
    house = applied.buildings.loc["Neast"]
    assert (house["street"], house["house_number"]) == ("Neuer Hof", "1")


def test_provenance_names_file_and_checksum(applied: District, owners_list: FactsList) -> None:
    record = applied.provenance[-1]
    assert (record.source, record.origin, record.table) == ("facts", "bestand.csv", "buildings")
    assert record.sha256 == owners_list.sha256
    assert len(record.sha256) == 64
    assert "not for publication" in record.licence
    assert not record.is_public and record.attribution == ""  # owners' names are no attribution


def test_findings_name_file_row_and_reason(applied: District) -> None:
    finding = next(f for f in applied.findings if f.record == "row 26, Goethestr. 4")
    assert (finding.kind, finding.file) == ("left_out", "bestand.csv")
    assert finding.message.startswith("not matched, there is no street 'Goethestr.'")


def test_district_survives_the_disk(applied: District, tmp_path: Path) -> None:
    import twin

    again = twin.open(applied.save(tmp_path / "town"))
    assert again.digest() == applied.digest()
    assert again.findings == applied.findings
