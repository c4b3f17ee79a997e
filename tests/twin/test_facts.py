"""Owner's lists in the shapes that offices keep them; expected readings by hand."""

from __future__ import annotations

import gc
import json
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from sensors.protocols.meter_units import header_unit
from twin import facts, facts_map
from twin import facts_values as values
from twin.errors import SourceError
from twin.spreadsheet import decode, guess_separator, read_sheets

DATA = Path(__file__).parent.parent / "data" / "facts"


def written(tmp_path: Path, text: str, name: str = "list.csv", encoding: str = "utf-8") -> Path:
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


# ------------------------------------------------------------------------------------------------ files
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_csv_of_any_separator_and_encoding(tmp_path: Path, separator: str, encoding: str) -> None:
    lines = [["Straße", "Hausnummer", "Baujahr"], ["Fürstenstraße", "12 a", "1975"], ["Am Weg", "3", "1980"]]
    file = written(tmp_path, "\r\n".join(separator.join(line) for line in lines), encoding=encoding)
    rows = facts.read(file).rows
    assert list(rows["street"]) == ["Fürstenstraße", "Am Weg"]
    assert list(rows["year_of_construction"]) == [1975, 1980]
    assert list(rows.index) == [2, 3]  # the lines of the file


def test_decimal_commas_do_not_pass_for_separators() -> None:
    assert guess_separator("a;b\n1,5;2,5\n3,5;4,5\n") == ";"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(SourceError, match="neither XLSX nor text"):
        decode(b"\x00\x01\x02\xff\x00", Path("x.csv"))


def test_map_and_words_read_the_same(tmp_path: Path) -> None:
    by_words = facts.read(DATA / "bestand.csv").rows
    by_map = facts.read(DATA / "bestand.csv", DATA / "bestand.toml").rows
    for column in (
        "street",
        "year_of_construction",
        "dwellings",
        "a_use_m2",
        "x",
        "cost_centre",
        "block_name",
    ):
        pd.testing.assert_series_equal(by_words[column], by_map[column])


def workbook(tmp_path: Path, rows: list[list[object]], title: str = "Bestand") -> Path:
    book = openpyxl.Workbook()
    cover = book.active
    assert cover is not None
    cover.title = "Deckblatt"
    cover.append(["Wohnungsbau Musterstadt eG", "Straße der Gesellschaft"])
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(row)
    file = tmp_path / "list.xlsx"
    book.save(file)
    book.close()
    return file


def test_xlsx_with_cover_title_lines_and_figures(tmp_path: Path) -> None:
    file = workbook(
        tmp_path,
        [
            ["Liste der Häuser"],
            [],
            [
                "Straße",
                "Hausnr. von",
                "Zusatz",
                "bis",
                "PLZ",
                "Baujahr",
                "Anzahl WE",
                "Wohnfläche in m²",
                "KST",
            ],
            ["Ziegesarstr.", 9, None, 19, 7747, 1983, 250, 14000.5, 4711.0],
            ["Ziegesarstr.", 12, "a", None, 7747, datetime(1984, 5, 1), 10, 600, "04711"],
            [None, None, None, None, None, None, 260, None, None],
        ],
    )
    found = facts.read(file)
    rows = found.rows
    assert [str(numbers) for numbers in rows["numbers"]] == ["9–19", "12a"]
    assert list(rows["postcode"]) == ["07747", "07747"]
    assert list(rows["year_of_construction"]) == [1983, 1984]
    assert list(rows["dwellings"]) == [250, 10]
    assert list(rows["a_use_m2"]) == pytest.approx([14000.5 * 1.1, 660])
    assert list(rows["cost_centre"]) == ["4711", "04711"]
    assert list(rows.index) == [4, 5]
    assert [(f.record, f.message) for f in found.findings] == [
        ("row 6", "the row has not an address and no place")
    ]


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        (datetime(2026, 11, 9), "9-11"),  # German Excel makes 9 November of "9-11"
        (datetime(2026, 9, 11), "9-11"),  # an English one 11 September
        ("09. Nov", "9-11"),
        ("11. Sep", "9-11"),
        ("Nov 09", "9-11"),
        ("05. Mrz", "3-5"),
        ("1. Mai", "1-5"),
        ("9-11", None),
        ("12 a", None),
        ("12. abc", None),
    ],
)
def test_range_that_became_a_date_is_mended(cell: object, numbers: str | None) -> None:
    assert facts.undated(cell) == numbers  # type: ignore[arg-type]


def test_mended_date_is_listed(tmp_path: Path) -> None:
    file = workbook(tmp_path, [["Straße", "Hausnummer"], ["Am Weg", datetime(2026, 11, 9)]])
    found = facts.read(file)
    assert str(found.rows["numbers"].iloc[0]) == "9–11"
    assert found.findings[0].kind == "repaired"


def test_address_in_one_cell(tmp_path: Path) -> None:
    file = written(tmp_path, "Anschrift;WE\nZiegesarstr. 9-19, 07747 Jena;250\nAm Weg 3;12\n")
    rows = facts.read(file).rows
    assert list(rows["street"]) == ["Ziegesarstr.", "Am Weg"]
    assert list(rows["house_number"]) == ["9-19", "3"]
    assert list(rows["postcode"].fillna("")) == ["07747", ""]
    assert list(rows["city"].fillna("")) == ["Jena", ""]


def test_number_in_the_column_of_streets(tmp_path: Path) -> None:
    rows = facts.read(written(tmp_path, "Straße;Baujahr\nZiegesarstr. 9-19;1983\n")).rows
    assert (rows["street"].iloc[0], rows["house_number"].iloc[0]) == ("Ziegesarstr.", "9-19")


def test_empty_cells_that_mean_as_above(tmp_path: Path) -> None:
    mapping = written(tmp_path, 'fill_down = ["street"]\n[columns]\nstreet = "Straße"\n', "m.toml")
    rows = facts.read(written(tmp_path, "Straße;Nr.\nAm Weg;1\n;3\n;5\nAm Hof;2\n"), mapping).rows
    assert list(rows["street"]) == ["Am Weg", "Am Weg", "Am Weg", "Am Hof"]


# ------------------------------------------------------------------------------------------------- maps
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.toml", '[columns]\nstreet = "A"\nhouse_number = ["B", "C"]\nseries = "D"\n'
                   '[constants]\nowner = "WG"\n'),
        ("m.yaml", "columns: {street: A, house_number: [B, C], series: D}\nconstants: {owner: WG}\n"),
        ("m.json", json.dumps({"columns": {"street": "A", "house_number": ["B", "C"], "series": "D"},
                               "constants": {"owner": "WG"}})),
    ],
)  # fmt: skip
def test_map_in_three_formats(tmp_path: Path, name: str, text: str) -> None:
    rows = facts.read(written(tmp_path, "A;B;C;D\nAm Weg;12;a;P2\n"), written(tmp_path, text, name)).rows
    assert str(rows["numbers"].iloc[0]) == "12a"
    assert list(rows["construction_series"]) == ["P2"]
    assert list(rows["owner"]) == ["WG"]


def test_plain_map_without_headings(tmp_path: Path) -> None:
    mapping = written(tmp_path, 'street = "A"\nhouse_number = "B"\n', "m.toml")
    assert len(facts.read(written(tmp_path, "A;B\nAm Weg;12\n"), mapping)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[columns]\nstret = "A"\n', "unknown column 'stret'.*street"),
        ('[columns]\nstreet = "Z"\n', "no column is called 'Z' .street."),
        ('[colums]\nstreet = "A"\n[columns]\n', "unknown key 'colums'"),
        ("[columns\n", "the map cannot be read"),
        ('decimal = ";"\n', 'Write "," or "."'),
        ("header_row = -1\n", "no row number"),
        ('[values]\nheating = "x"\n', r"Write \[values.heating\]"),
        ("columns = 3\n", "no table"),
        (f'crs = "EPSG:{"9" * 400}"\n', "crs is .* no known one.*EPSG:25832"),
    ],
)
def test_wrong_map_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    mapping = written(tmp_path, text, "m.toml")
    with pytest.raises(SourceError, match=said) as raised:
        facts.read(written(tmp_path, "Straße;A;B\nAm Weg;1;2\n"), mapping)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"PK\x03\x04broken", "broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"old Excel file"),
        (b"%PDF-1.7", "PDF"),
        (b"one;two\n1;2\n", "no header row"),
        ("Straße;Nr.\n".encode(), "no row has an address"),
        ("Straße;Nr.\n;\nxy;\n".encode(), "no row has an address"),
    ],
)
def test_file_that_is_no_list_is_refused_in_one_line(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "list.xlsx"
    file.write_bytes(data)
    with pytest.raises(SourceError, match=said) as raised:
        facts.read(file)
    assert "list.xlsx" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_broken_list_is_closed_again(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.active.append(["Straße", "Nr."])
    made.save(tmp_path / "whole.xlsx")
    broken = tmp_path / "list.xlsx"
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"<" if name == "xl/workbook.xml" else old.read(name))
    with pytest.raises(SourceError, match=r"list\.xlsx: the XLSX file is broken"):
        facts.read(broken)
    gc.collect()  # a file that is open still fails the test here, as a warning of Python's


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        facts.read(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="folder"):
        facts.read(tmp_path)


def test_unknown_sheet_names_those_that_are_there(tmp_path: Path) -> None:
    file = workbook(tmp_path, [["Straße", "Nr."], ["Am Weg", 1]])
    assert [sheet.name for sheet in read_sheets(file)] == ["Deckblatt", "Bestand"]
    with pytest.raises(SourceError, match="Deckblatt, Bestand"):
        facts.read(file, written(tmp_path, 'sheet = "2025"\n', "m.toml"))


@pytest.mark.parametrize(
    "header", ["Wohnfläche [m²]", "Wohnfläche (m²)", "WOHNFLÄCHE in m²", "Wohnflaeche qm"]
)
def test_header_words_without_units(header: str) -> None:
    assert facts_map.header_word(header) == "wohnflaeche"


def test_a_file_that_became_one_cell_is_no_header() -> None:
    """Looking for the end of each bracket would take hours."""
    assert facts_map.header_word("(" * 300_000) == ""
    assert header_unit("[ " * 300_000) is None


def test_header_words_mean_one_column_each() -> None:
    words = [word for signs in facts_map.COLUMNS.values() for word in signs]
    assert len(words) == len(set(words))
    assert all(word == facts_map.header_word(word) for word in words)


# ----------------------------------------------------------------------------------------------- values
@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.234,5", "12,0"], [1234.5, 12.0]),
        (["1,234.5", "12.0"], [1234.5, 12.0]),
        (["1.234", "560"], [1234.0, 560.0]),  # nothing tells: German thousands
        (["1.234", "560,5"], [1234.0, 560.5]),
        (["1 234,5 m²", "560 qm"], [1234.5, 560.0]),
        (["1'234.5"], [1234.5]),
        ([1234.5, "560,5"], [1234.5, 560.5]),
    ],
)
def test_decimal_sign_is_told_by_the_column(cells: list[values.Cell], expected: list[float]) -> None:
    sign = values.decimal_sign(cells)
    assert [values.parse_number(cell, sign) for cell in cells] == expected


@pytest.mark.parametrize("cell", [None, "", " ", "-", "–", "k. A.", "unbekannt", "#NV", float("nan")])
def test_cells_that_say_nothing(cell: values.Cell) -> None:
    assert values.is_empty(cell)
    assert values.parse_number(cell) is None
    assert values.parse_year(cell) is None
    assert values.parse_heating(cell) is None
    assert values.parse_refurbishment(cell) is None


@pytest.mark.parametrize(
    ("cell", "year"),
    [
        (1979, 1979), (1979.0, 1979), ("1979", 1979), ("ca. 1975", 1975), ("1982/83", 1983),
        ("1979–83", 1983),
        ("1979-1983", 1983), ("07/1979", 1979), ("01.05.1979", 1979), ("2005-07-01", 2005),
        (datetime(1984, 5, 1), 1984),
    ],
)  # fmt: skip
def test_years(cell: values.Cell, year: int) -> None:
    assert values.parse_year(cell) == year


@pytest.mark.parametrize("cell", ["83", "alt", "12345", 0, 99999])
def test_what_is_no_year(cell: values.Cell) -> None:
    with pytest.raises(ValueError, match="is no year"):
        values.parse_year(cell)


@pytest.mark.parametrize(
    "cell",
    [-1, 2.5, "viele", True, 1e9, pytest.param("9" * 400, id="huge text"), pytest.param(10**400, id="huge")],
)
def test_what_is_no_count(cell: values.Cell) -> None:
    with pytest.raises(ValueError, match="is no"):
        values.parse_count(cell)


@pytest.mark.parametrize(
    ("cell", "series"),
    [
        ("WBS70", "WBS 70"), ("WBS 70/11", "WBS 70"), ("wbs-70", "WBS 70"), ("Typ WBS 70", "WBS 70"),
        ("P 2", "P2"), ("P2.12", "P2"), ("Typ M 10", "M10"), ("PH16", "PH16"), ("Mauerwerk", "Mauerwerk"),
    ],
)  # fmt: skip
def test_series(cell: str, series: str) -> None:
    assert values.parse_series(cell) == series


@pytest.mark.parametrize(
    ("cell", "heating"),
    [
        ("Fernwärme", "district_heating"), ("FW", "district_heating"),
        ("Fernwaerme (Gas-BHKW)", "district_heating"),
        ("Gaszentralheizung", "gas"), ("Erdgas", "gas"), ("Heizöl", "oil"), ("Holzpellets", "wood"),
        ("Luft-Wasser-Wärmepumpe", "heat_pump"), ("WP", "heat_pump"), ("Gaswärmepumpe", "heat_pump"),
        ("Nachtspeicher", "electric"), ("unbeheizt", "none"), ("none", "none"),
        ("district_heating", "district_heating"),
    ],
)  # fmt: skip
def test_heating(cell: str, heating: str) -> None:
    assert values.parse_heating(cell) == heating


@pytest.mark.parametrize(
    ("text", "state", "components", "year"),
    [
        ("saniert 1996", "usual", {}, 1996),
        ("unsaniert", "none", {}, None),
        ("Originalzustand", "none", {}, None),
        ("nein", "none", {}, None),
        ("ja", "usual", {}, None),
        ("Vollsanierung 1999/2000", "usual", {}, 2000),
        ("KfW 55 (2019)", "advanced", {}, 2019),
        ("Fassade und Dach gedämmt 1998, Fenster 1995", "usual",
         {"wall": "usual", "roof": "usual", "window": "usual"}, 1998),
        ("WDVS 14 cm 2004", "usual", {"wall": "usual"}, 2004),
        ("Fassade 20 cm, Dach 18 cm", "advanced", {"wall": "advanced", "roof": "usual"}, None),
        ("Dach, Fassade nicht saniert", "none", {"wall": "none", "roof": "none"}, None),
        ("Dach gedämmt; Fassade nicht", "none", {"roof": "usual", "wall": "none"}, None),
        ("teilsaniert (Fenster 1994)", "none", {"window": "usual"}, 1994),
        ("Dreifachverglasung 2015", "none", {"window": "advanced"}, 2015),
        ("Strangsanierung 2005, Aufzug 2010", None, {}, None),  # says nothing about the envelope
        ("usual", "usual", {}, None),
        ("none", "none", {}, None),
        ("advanced", "advanced", {}, None),
    ],
)  # fmt: skip
def test_refurbishment(text: str, state: str | None, components: dict[str, str], year: int | None) -> None:
    assert values.parse_refurbishment(text) == values.Refurbishment(state, components, year)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["teilsaniert", "siehe Akte", "2. Bauabschnitt"])
def test_refurbishment_that_a_person_must_decide(text: str) -> None:
    with pytest.raises(ValueError, match="does not say which parts"):
        values.parse_refurbishment(text)


@pytest.mark.parametrize(
    ("how", "when", "state", "year"),
    [
        ("", "2006", "usual", 2006),  # only a year: usual work
        ("", "0", "none", None),
        ("unsaniert", "", "none", None),
        ("Fassade gedämmt", "2006", "usual", 2006),
        ("KfW 55", "2019", "advanced", 2019),
    ],
)
def test_how_and_when_together(tmp_path: Path, how: str, when: str, state: str, year: float | None) -> None:
    file = written(tmp_path, f"Straße;Nr.;Sanierung;Sanierungsjahr\nAm Weg;1;{how};{when}\n")
    row = facts.read(file).rows.iloc[0]
    assert row["refurbishment"] == state
    assert row["refurbishment_year"] == year or (year is None and np.isnan(row["refurbishment_year"]))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (11.6203, 50.8829),  # WGS84
        (50.8829, 11.6203),  # the axes swapped
        (684_325.0, 5_640_054.0),
        (32_684_325.0, 5_640_054.0),  # with the zone in front
        (5_640_054.0, 684_325.0),
    ],
)
def test_places_in_the_systems_that_lists_use(x: float, y: float) -> None:
    found_x, found_y = facts.places(np.array([x]), np.array([y]))
    # Ernst-Schneller-Straße, whose trees have their median at 50.8829 N, 11.6203 E and their axis from
    # 684289, 5640135 to 684362, 5639974 (two figures of one source, told to four digits and to the street)
    assert (found_x[0], found_y[0]) == pytest.approx((684_325.0, 5_640_054.0), abs=25)


def test_places_elsewhere_are_missing() -> None:
    found_x, found_y = facts.places(np.array([0.0, np.nan, 11.6]), np.array([0.0, 50.9, np.nan]))
    assert np.isnan(found_x).all() and np.isnan(found_y).all()


def test_a_map_with_a_number_without_end_is_refused(tmp_path: Path) -> None:
    mapping = written(tmp_path, f"header_row = {'9' * 5000}\n", "m.toml")
    with pytest.raises(SourceError, match=r"m\.toml: the map cannot be read"):
        facts.read(written(tmp_path, "Straße;A\nAm Weg;1\n"), mapping)
