"""Lists of meters in the forms that owners have; expected values by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.local_time import BERLIN
from sensors.protocols import meter_files
from sensors.protocols.file_content import FileContent
from sensors.protocols.meter_map import MeterMap, read_map
from sensors.protocols.meter_units import header_unit, ucum
from sensors.protocols.moments import parse_moment
from sensors.times import from_us, to_us
from twin.errors import SourceError

NOW = to_us(datetime(2026, 1, 1, tzinfo=UTC))
HOUR = 3_600_000_000


def read(
    tmp_path: Path, text: str, map_text: str = "", encoding: str = "utf-8", name: str = "m.csv"
) -> FileContent:
    (tmp_path / name).write_bytes(text.encode(encoding))
    meter_map = None
    if map_text:
        (tmp_path / "map.toml").write_text(map_text, "utf-8")
        meter_map = read_map(tmp_path / "map.toml")
    return meter_files.read(tmp_path / name, meter_map, now=NOW)


def local(time: int | None) -> str:
    assert time is not None
    return from_us(time).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M")


def spans(content: FileContent) -> list[tuple[str, str, str, float]]:
    return [(r.thing, local(r.time), local(r.end), r.value) for r in content.readings]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_annual_bills_with_arbitrary_periods(tmp_path: Path, encoding: str) -> None:
    content = read(
        tmp_path,
        "Zählernummer;Straße;Hausnummer;Von;Bis;Wärmeverbrauch [MWh]\r\n"
        "4711;Ziegesarstraße;9;01.01.2022;31.12.2022;1.234,5\r\n"
        "4711;Ziegesarstraße;9;01.01.2023;14.02.2024;1.300\r\n",
        encoding=encoding,
    )
    assert spans(content) == [
        ("4711", "2022-01-01 00:00", "2023-01-01 00:00", 1234.5),
        ("4711", "2023-01-01 00:00", "2024-02-15 00:00", 1300.0),
    ]
    (thing,) = content.things
    assert (thing.kind, thing.streams[0].unit.ucum) == ("heat_meter", "MW.h")
    assert thing.streams[0].properties["reading"] == "consumption"
    assert thing.properties["street"] == "Ziegesarstraße"


def test_ends_on_which_the_next_period_begins_do_not_belong_to_it(tmp_path: Path) -> None:
    content = read(tmp_path, "Zähler;Von;Bis;Verbrauch kWh\n1;1.4.2022;3.4.2023;10\n1;3.4.2023;2.4.2024;20\n")
    assert [local(r.end) for r in content.readings] == ["2023-04-03 00:00", "2024-04-03 00:00"]


def test_readings_of_a_counter(tmp_path: Path) -> None:
    content = read(
        tmp_path,
        "Zähler,Ablesedatum,Zählerstand (kWh)\n1,2024-01-01,100.5\n1,2024-02-01,150.25\n2,2024-01-01,7.125\n",
    )
    assert [(r.thing, local(r.time), r.end, r.value) for r in content.readings] == [
        ("1", "2024-01-01 00:00", None, 100.5),
        ("1", "2024-02-01 00:00", None, 150.25),
        ("2", "2024-01-01 00:00", None, 7.125),
    ]
    assert content.things[0].streams[0].properties["reading"] == "cumulative"


def test_wide_by_meter_through_the_doubled_hour(tmp_path: Path) -> None:
    content = read(
        tmp_path,
        "Zeitstempel;WMZ Nord [kWh];WMZ Süd [kWh]\n"
        "27.10.2024 01:00;1,0;5\n27.10.2024 02:00;2,0;6\n27.10.2024 02:00;3,0;7\n27.10.2024 03:00;4,0;8\n",
        'reading = "consumption"',
    )
    north = [r for r in content.readings if r.thing == "WMZ Nord"]
    first = to_us(datetime(2024, 10, 26, 23, tzinfo=UTC))
    assert [(r.time - first) // HOUR for r in north] == [0, 1, 2, 3]
    assert all(r.end == r.time + HOUR for r in content.readings)
    assert {thing.kind for thing in content.things} == {"heat_meter"}


def test_the_hour_left_out_in_spring_is_refused_with_a_remedy(tmp_path: Path) -> None:
    text = "Datum;Uhrzeit;Leistung kW\n31.03.2024;01:30;1\n31.03.2024;02:30;2\n31.03.2024;03:30;3\n"
    content = read(tmp_path, text)
    assert [r.value for r in content.readings] == [1, 3]
    (refused,) = content.refused
    assert (refused.row, "MEZ" in refused.remedy) == (3, True)
    whole = read(tmp_path, text, 'time_zone = "MEZ"')
    assert len(whole.readings) == 3
    assert not whole.refused


def test_quarter_hours_of_a_day_of_the_clock_change(tmp_path: Path) -> None:
    """The 25-hour day as German loggers write it, with 2A and 2B."""
    rows = [f"27.10.2024 {hour:02d}:{m:02d}" for hour in (0, 1) for m in (0, 15, 30, 45)]
    rows += [f"27.10.2024 2{mark}:{m:02d}" for mark in "AB" for m in (0, 15, 30, 45)]
    content = read(
        tmp_path, "Zeit;Strom kWh\n" + "".join(f"{row};1\n" for row in rows), 'reading = "consumption"'
    )
    times = [r.time for r in content.readings]
    assert [b - a for a, b in pairwise(times)] == [HOUR // 4] * 15


def test_rows_are_meters_and_columns_are_months(tmp_path: Path) -> None:
    content = read(
        tmp_path,
        "Block;Adresse;Einheit;Jan 2024;Feb 2024;März 2024\n"
        "B1;Ziegesarstr. 9;MWh;10,5;9;\nB2;Karl-Marx-Allee 1;kWh;1;2;3\n",
    )
    assert spans(content)[:2] == [
        ("B1", "2024-01-01 00:00", "2024-02-01 00:00", 10.5),
        ("B1", "2024-02-01 00:00", "2024-03-01 00:00", 9.0),
    ]
    assert len(content.readings) == 5
    assert {t.key: t.streams[0].unit.ucum for t in content.things} == {"B1": "MW.h", "B2": "kW.h"}


def test_year_and_month_in_columns_of_their_own(tmp_path: Path) -> None:
    content = read(tmp_path, "Zähler;Jahr;Monat;Verbrauch kWh\n1;2023;12;5\n1;2024;Januar;6\n")
    assert [local(r.time) for r in content.readings] == ["2023-12-01 00:00", "2024-01-01 00:00"]
    assert local(content.readings[0].end) == "2024-01-01 00:00"


def test_daily_consumption_keeps_the_days_of_the_clock_changes(tmp_path: Path) -> None:
    content = read(tmp_path, "Zähler;Datum;Verbrauch kWh\n1;30.03.2024;5\n1;31.03.2024;6\n1;01.04.2024;6\n")
    hours = [(r.end - r.time) // HOUR for r in content.readings if r.end]
    assert hours == [24, 23, 24]


def test_stamps_at_the_end(tmp_path: Path) -> None:
    content = read(
        tmp_path,
        "Bis;Verbrauch kWh\n01.01.2024 01:00;1\n01.01.2024 02:00;2\n01.01.2024 03:00;2\n01.01.2024 06:00;3\n",
    )
    assert [(local(r.time)[-5:], local(r.end)[-5:]) for r in content.readings] == [
        ("00:00", "01:00"),
        ("01:00", "02:00"),
        ("02:00", "03:00"),
        ("05:00", "06:00"),
    ]


def test_several_quantities_of_a_heat_meter(tmp_path: Path) -> None:
    content = read(
        tmp_path,
        "Zähler;Zeitstempel;Energie [MWh];Volumen [m³];Vorlauf [°C];Rücklauf [°C]\n"
        "1;01.01.2024 00:00;10,0;100;90;55\n1;01.01.2024 01:00;10,2;101;91;56\n"
        "1;01.01.2024 02:00;10,4;102;91;57\n",
    )
    (thing,) = content.things
    assert {(s.unit.ucum, s.properties["reading"]) for s in thing.streams} == {
        ("MW.h", "cumulative"), ("m3", "cumulative"), ("Cel", "instant"),
    }  # fmt: skip
    assert len(thing.streams) == 4
    assert len(content.readings) == 12


def test_xlsx_with_title_rows_dates_and_a_map(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    sheet = book.create_sheet("Abrechnung")
    sheet.append(["Wärmeabrechnung 2023"])
    sheet.append([])
    sheet.append(["Nr. des Zählers", "ab", "bis", "Arbeit"])
    sheet.append([4711.0, datetime(2023, 1, 1), datetime(2023, 12, 31), 812.5])
    sheet.append([4712.0, datetime(2023, 1, 1), datetime(2023, 12, 31), "n/a"])
    book.save(tmp_path / "bills.xlsx")
    (tmp_path / "map.toml").write_text(
        'unit = "MWh"\nkind = "heat_meter"\nhot_water = true\n[columns]\nmeter = "Nr. des Zählers"\n'
        '[meters."4711"]\nbuilding_ids = ["a", "b"]\nname = "Block 1"\n',
        "utf-8",
    )
    content = meter_files.read(tmp_path / "bills.xlsx", read_map(tmp_path / "map.toml"), now=NOW)
    (thing,) = content.things
    assert (thing.key, thing.name, thing.properties["building_ids"]) == ("4711", "Block 1", ["a", "b"])
    assert thing.streams[0].properties == {"reading": "consumption", "hot_water": True}
    assert len(content.readings) == 1


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("1;01.01.2024;01.02.2024;zehn", "is no number"),
        ("1;01.01.2024;01.02.2024;inf", "is no number"),
        ("1;31.02.2024;01.03.2024;5", "no day of the calendar"),
        ("1;01.01.2124;01.02.2124;5", "in the future"),
        ("1;01.01.1024;01.02.1024;5", "before 1950"),
        ("1;01.03.2024;01.02.2024;5", "end is not after"),
        ("1;;;5", "no time"),
        ("1;01.01.2024;01.02.2024;5 Bananen", "is no number"),
    ],
)
def test_a_bad_row_is_refused_alone(tmp_path: Path, row: str, what: str) -> None:
    content = read(tmp_path, f"Zähler;Von;Bis;Verbrauch kWh\n{row}\n2;01.01.2024;31.01.2024;5\n")
    assert [r.thing for r in content.readings] == ["2"]
    (refused,) = content.refused
    assert refused.row == 2
    assert what in refused.what
    assert refused.line().startswith("m.csv, row 2: ")


def test_nan_and_empty_cells_are_no_values(tmp_path: Path) -> None:
    content = read(tmp_path, "Zähler;Datum;Verbrauch kWh\n1;01.01.2024;NaN\n1;02.01.2024;\n1;03.01.2024;5\n")
    assert [r.value for r in content.readings] == [5.0]


def test_units_that_are_none_are_refused(tmp_path: Path) -> None:
    content = read(tmp_path, "Zähler;Datum;Wert;Einheit\n1;01.01.2024;5;Bananen\n1;02.01.2024;5;kWh\n")
    assert "'Bananen'" in content.refused[0].what
    with pytest.raises(SourceError, match="no unit is named"):
        read(tmp_path, "Zähler;Datum;Wert\n1;01.01.2024;5\n")


def test_two_values_for_one_time_are_told(tmp_path: Path) -> None:
    content = read(tmp_path, "Zähler;Datum;Stand kWh\n1;01.01.2024;5\n1;01.01.2024;5\n1;01.01.2024;6\n")
    assert len(content.readings) == 1
    assert [(r.row, "row 2" in r.what) for r in content.refused] == [(4, True)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a;b;c\n1;2;3\n", "no header row"),
        ("Zähler;Von;Bis;Verbrauch kWh\n1;x;y;z\n", "no row can be used"),
        ("Zähler;Von;Bis;Verbrauch kWh\n", "no rows below the header"),
        ("", "empty"),
    ],
)
def test_files_that_hold_nothing_say_what_to_do(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(SourceError, match=what) as caught:
        read(tmp_path, text)
    assert "m.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('uint = "kWh"', "Did you mean 'unit'"),
        ('unit = "Bananen"', "unit 'Bananen'"),
        ('reading = "sum"', "reading is 'sum'"),
        ('time_zone = "Jena"', "no time zone"),
        ("[columns]\nmetre = 1", "unknown key 'metre'"),
        ('[columns]\nvalue = "Stand"', "no column is called 'Stand'"),
        ('register_size = "many"', "register_size"),
        ("unit = ", "cannot be read"),
        ("header_row = -1", "header_row"),
    ],
)
def test_maps_that_are_wrong_say_what_to_do(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(SourceError, match=what):
        read(tmp_path, "Zähler;Von;Bis;Verbrauch kWh\n1;01.01.2024;31.01.2024;5\n", text)


@pytest.mark.parametrize(
    ("cell", "local_time", "length"),
    [
        ("31.12.2023 24:00", datetime(2024, 1, 1), "instant"),
        ("1.2.24", datetime(2024, 2, 1), "day"),
        ("2022/03/28", datetime(2022, 3, 28), "day"),
        ("20240131", datetime(2024, 1, 31), "day"),
        ("Jan 2024", datetime(2024, 1, 1), "month"),
        ("März 24", datetime(2024, 3, 1), "month"),
        ("12.2023", datetime(2023, 12, 1), "month"),
        ("2. Quartal 2023", datetime(2023, 4, 1), "quarter"),
        (2023, datetime(2023, 1, 1), "year"),
        (45292.5, datetime(2024, 1, 1, 12), "instant"),
        (1704067200, datetime(2024, 1, 1), "instant"),
    ],
)
def test_times_as_people_write_them(cell: str | float, local_time: datetime, length: str) -> None:
    moment = parse_moment(cell)
    assert (moment.local, moment.length) == (local_time, length)


@pytest.mark.parametrize(
    "cell", ["", "gestern", "25:00", "31.02.2024", "01.01.2024 25:00", "1.5", True, None, "13/2024"]
)
def test_what_is_no_time_is_refused(cell: str | bool | None) -> None:
    with pytest.raises(ValueError, match="is no"):
        parse_moment(cell)


def test_units_of_headers() -> None:
    found = [
        header_unit(text) for text in ("Verbrauch [MWh]", "Energie in GJ", "Wert kWh", "Zähler 4711", "A")
    ]
    assert found == ["MW.h", "GJ", "kW.h", None, None]
    assert (ucum("m³"), ucum("°C"), ucum("MW"), ucum("mW")) == ("m3", "Cel", "MW", "mW")


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.floats(0, 1e6).map(lambda v: round(v, 3)), min_size=2, max_size=30),
    start=st.datetimes(datetime(2010, 1, 1), datetime(2025, 1, 1)),
    style=st.sampled_from(
        [("%d.%m.%Y %H:%M", ";", ","), ("%Y-%m-%dT%H:%M:%S", ",", "."), ("%Y-%m-%d %H:%M", "\t", ",")]
    ),
    falling=st.booleans(),
)
def test_hourly_series_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    start: datetime,
    style: tuple[str, str, str],
    falling: bool,
) -> None:
    """Written on Berlin's clock in any usual style, either way round, through the clock changes."""
    pattern, separator, decimal = style
    first = to_us(start.replace(minute=0, second=0, microsecond=0, tzinfo=UTC))
    times = [first + n * HOUR for n in range(len(values))]
    rows = [
        f"{from_us(time).astimezone(BERLIN).strftime(pattern)}{separator}"
        + f"{value:.3f}".replace(".", decimal)
        for time, value in zip(times, values, strict=True)
    ]
    path = tmp_path_factory.mktemp("meter") / "hours.csv"
    header = f"Zeitstempel{separator}Leistung [kW]\n"
    path.write_text(header + "\n".join(reversed(rows) if falling else rows) + "\n", "utf-8")
    content = meter_files.read(path, MeterMap(decimal=decimal), now=NOW)
    found = {reading.time: reading.value for reading in content.readings}
    # Only a file that begins in the second of the doubled hours does not say so.
    assert sorted(found.items())[1:] == list(zip(times, values, strict=True))[1:]
