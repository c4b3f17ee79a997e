"""Lists of readings as owners keep them, and what is refused in one line with file, row and remedy."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import baseline
from scenarios.baseline.meter_periods import moment
from tests.energy.districts import slabs
from twin import District
from twin.errors import SourceError


@pytest.fixture(scope="module")
def district() -> District:
    """Three sections: Ziegesarstraße 9 and 11 are block A, 13 is block B."""
    own = slabs(3, street="Ziegesarstraße", house_number=["9", "11", "13"])
    own = own.buildings.reset_index().assign(block_id=["A", "A", "B"])
    blocks = gpd.GeoDataFrame(
        {"block_id": ["A", "B"], "geometry": [None, None]}, geometry="geometry", crs=25832
    )
    tables = {"buildings": own, "blocks": blocks}
    return District.from_tables("three", tables, derive=False)


def read(tmp_path: Path, district: District, text: str, encoding: str = "utf-8"):
    file = tmp_path / "bills.csv"
    file.write_bytes(text.encode(encoding))
    return baseline.read(file, district)


def local(times):
    return [f"{time:%Y-%m-%d %H:%M}" for time in pd.DatetimeIndex(times).tz_convert("Europe/Berlin")]


def test_a_german_list(tmp_path, district):
    """Semicolons, decimal comma, Windows-1252, MWh in the header, days that both count."""
    found = read(
        tmp_path, district,
        "Abrechnung der Wärme\n\nZähler;Straße;Hausnummer;von;bis;Verbrauch [MWh];Energieträger;Warmwasser\n"
        "WÜ 1;Ziegesarstr.;9–11;01.01.2022;31.12.2022;1.234,5;Fernwärme;ja\n"
        "WÜ 1;Ziegesarstr.;9–11;01.01.2023;31.12.2023;1.180,0;Fernwärme;ja\n"
        ";Ziegesarstraße;13;1.5.23;30.4.24;80,25;Fernwärme;nein\n",
        "cp1252",
    )  # fmt: skip
    assert list(found.units.index) == ["WÜ 1", "Ziegesarstraße 13"]
    assert found.units["buildings"].tolist() == [("b0", "b1"), ("b2",)]
    assert found.units["includes_hot_water"].tolist() == [True, False]
    assert found.units["carrier"].tolist() == ["district_heating"] * 2
    assert found.values["kwh"].tolist() == [1_234_500, 1_180_000, 80_250]
    assert local(found.values["start"]) == ["2022-01-01 00:00", "2023-01-01 00:00", "2023-05-01 00:00"]
    assert local(found.values["end"]) == ["2023-01-01 00:00", "2024-01-01 00:00", "2024-05-01 00:00"]
    assert found.findings == ()


def test_an_english_list_without_hot_water(tmp_path, district):
    """Where a reading starts on the day on which the last ended, that day counts once."""
    found = read(
        tmp_path, district,
        "meter,building,from,to,kWh\nx,b0;b1,2022-03-15,2023-03-20,90000.5\nx,b0;b1,2023-03-20,2024-03-11,91000\n",
    )  # fmt: skip
    assert local(found.values["end"]) == ["2023-03-20 00:00", "2024-03-11 00:00"]
    assert found.values["kwh"].tolist() == [90_000.5, 91_000]
    assert found.units["carrier"].tolist() == [""]
    assert "hot water is taken as included" in found.findings[0].message


def test_blocks_years_and_months(tmp_path, district):
    years = read(tmp_path, district, "Block;Jahr;Verbrauch kWh\nA;2022;100000\nA;2023;99000\n")
    assert years.units["buildings"].tolist() == [("b0", "b1")]
    assert local(years.values["end"]) == ["2023-01-01 00:00", "2024-01-01 00:00"]
    months = read(tmp_path, district, "Block;Monat;kWh\nB;2023-01;100\nB;2023-02;90\nB;2023-03;80\n")
    assert local(months.values["end"])[-1] == "2023-04-01 00:00"


def test_xlsx_with_dates_as_dates(tmp_path, district):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Zähler", "Gebäude", "von", "bis", "kWh"])
    sheet.append(["m", "b0", datetime(2022, 1, 1), datetime(2022, 12, 31), 100_000])
    book.save(tmp_path / "bills.xlsx")
    found = baseline.read(tmp_path / "bills.xlsx", district)
    assert local(found.values["end"]) == ["2023-01-01 00:00"]


def test_hours_through_both_clock_changes(tmp_path, district):
    """Local hours of 26 March (02:00 left out) and 29 October 2023 (02:00 twice) follow without a gap."""
    rows = []
    for day in ("2023-03-26", "2023-10-29"):
        hours = pd.date_range(day, periods=25, freq="h", tz="Europe/Berlin")
        rows += [f"m;b0;{time:%d.%m.%Y %H:%M};{n},5" for n, time in enumerate(hours)]
    found = read(tmp_path, district, "Zähler;Gebäude;Zeit;kWh\n" + "\n".join(rows) + "\n")
    start = pd.DatetimeIndex(found.values["start"])
    assert (np.diff(start[:25].asi8) == np.diff(start[25:].asi8)).all()
    assert (found.hours[:24] == 1).all()
    assert start[0] == pd.Timestamp("2023-03-25 23:00", tz="UTC")
    assert start[25] == pd.Timestamp("2023-10-28 22:00", tz="UTC")


HEAD = "Zähler;Gebäude;von;bis;kWh;Warmwasser\n"
GOOD = "m;b0;01.01.2022;31.12.2022;100000;ja\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HEAD + GOOD + "m;b0;01.12.2022;31.12.2023;90000;ja\n",
            r"row 3, meter m: the period from 2022-12-01 over.*row 2",
        ),
        (HEAD + "m;b0;31.12.2022;01.01.2022;100000;ja\n", "row 2, meter m: it ends on 2022-01-01, not after"),
        (HEAD + "m;b7;01.01.2022;31.12.2022;100000;ja\n", "row 2: there is no building 'b7'"),
        (HEAD + "m;b0;01.01.2022;31.12.2022;-5;ja\n", "row 2, meter m: kWh is -5. Give the heat"),
        (HEAD + "m;b0;01.01.2022;31.12.2022;;ja\n", "row 2, meter m: kWh is missing"),
        (HEAD + "m;b0;01.01.2022;31.12.2022;viel;ja\n", "row 2: 'viel' is no energy"),
        (HEAD + "m;b0;32.01.2022;31.12.2022;5;ja\n", "row 2: '32.01.2022' is no date. Write 31.12.2023"),
        (HEAD + "m;b0;01.01.2022;31.12.2022;5;vielleicht\n", "row 2: hot water is 'vielleicht'"),
        (HEAD + GOOD + "n;b0;01.01.2023;31.12.2023;5;ja\n", "meter n: building b0 stands with meter m too"),
        (
            HEAD + GOOD + "m;b1;01.01.2023;31.12.2023;5;ja\n",
            "row 3, meter m: other buildings than in the meter's first",
        ),
        ("Zähler;Gebäude;von;bis;Gas [m³]\nm;b0;01.01.2022;31.12.2022;5\n", "'Gas .m³.' is a volume"),
        ("Zähler;Gebäude;von;bis;Zählerstand kWh\nm;b0;01.01.2022;31.12.2022;5\n", "what the counter shows"),
        (
            "Zähler;Gebäude;von;bis;Verbrauch;Einheit\nm;b0;01.01.2022;31.12.2022;5;m3\n",
            "'m3' is no unit of energy",
        ),
        (
            "Zähler;Gebäude;Zeit;kWh\nm;b0;26.03.2023 02:30;5\n",
            "row 2: 2023-03-26 02:30:00 is left out by the clock",
        ),
        ("a;b\n1;2\n", "no header row names kwh and from and building_id"),
        (
            "Zähler;Straße;Hausnummer;von;bis;kWh\nm;Ziegesarstraße;99;01.01.2022;31.12.2022;5\n",
            "row 2: Ziegesarstraße has no 99",
        ),
        (HEAD, "no rows below its header"),
    ],
)
def test_bad_lists_are_refused_in_one_line(tmp_path, district, text, said):
    with pytest.raises(SourceError, match=said) as error:
        read(tmp_path, district, text)
    assert "\n" not in str(error.value)
    assert "bills.csv" in str(error.value)


def test_negative_and_missing_hours_are_gaps(district):
    series = pd.Series([1.0, -1.0, np.nan, 2.0], pd.date_range("2023-01-01", periods=4, freq="h", tz="UTC"))
    found = baseline.from_series("m", ["b0"], series, district.buildings.index)
    assert np.isnan(found.values["kwh"]).tolist() == [False, True, True, False]
    assert {f.message for f in found.findings} == {"1 negative readings", "2 of 4 hours have no reading"}


@settings(max_examples=60, deadline=None)
@given(st.datetimes(datetime(1991, 1, 1), datetime(2099, 12, 31)))
def test_moments_as_people_write_them(time):
    time = time.replace(second=0, microsecond=0)
    for text in (f"{time:%d.%m.%Y %H:%M}", f"{time:%Y-%m-%d %H:%M}", f"{time:%Y-%m-%dT%H:%M}", time):
        found, whole, month = moment(text, "row")
        assert found == time
        assert not month
        assert whole == (isinstance(text, datetime) and time.hour == time.minute == 0)
    assert moment(f"{time:%d.%m.%Y}", "row")[:2] == (pd.Timestamp(time).normalize(), True)
