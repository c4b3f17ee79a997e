"""Files into the store: told by content, whole or not at all, once however often they are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

import twin
from sensors import imports
from sensors.errors import StoreError
from sensors.store import Store
from sensors.store.tables import datastreams, locations, observations, things
from sensors.times import to_us
from twin.errors import SourceError
from viewer import cli

NOW = to_us(datetime(2026, 1, 1, tzinfo=UTC))
BILLS = "Zähler;Von;Bis;Verbrauch kWh\n1;01.01.2023;31.12.2023;100\n1;01.01.2024;31.12.2024;110\n"


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """A store on SQLite; test_quality_postgres.py has the other."""
    with Store.open(sqlite_url) as opened:
        yield opened


def count(store: Store, table: sa.Table) -> int:
    with store.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def written(tmp_path: Path, text: str, name: str = "bills.csv") -> Path:
    (tmp_path / name).write_text(text, "utf-8")
    return tmp_path / name


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [
        ("sensoren.kml", "sites", (41, 79)),
        ("refflaechen_smartcity.kml", "sites", (16, 0)),
        ("reference_areas.json", "sites", (12, 0)),
        ("teros_sensors_and_ref_areas.kml", "sites", (45, 31)),
        ("sensorthings_datastreams.json", "sensorthings", (1, 99)),
    ],
)
def test_jenas_sites_areas_and_datastreams(
    store: Store, shared_data: Path, name: str, kind: str, number: tuple[int, int]
) -> None:
    report = imports.import_file(store, shared_data / "jena-udp" / name, now=NOW)
    assert (report.kind, report.refused) == (kind, ())
    assert (report.things, report.streams) == number
    assert (count(store, things), count(store, datastreams)) == number


@pytest.mark.parametrize("number", ["", "2", "3", "4", "5"])
def test_jenas_uplinks(store: Store, shared_data: Path, number: str) -> None:
    file = shared_data / "jena-udp" / "chirpstack" / f"example{number}.json"
    report = imports.import_file(store, file, now=NOW)
    assert (report.kind, report.used) == ("uplinks", 1)
    assert report.new > 3
    assert imports.import_file(store, file, now=NOW).new == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_json_in_the_encodings_of_windows(
    store: Store, shared_data: Path, tmp_path: Path, encoding: str
) -> None:
    text = (shared_data / "jena-udp" / "chirpstack" / "example.json").read_text("utf-8")
    (tmp_path / "uplink.json").write_bytes(text.encode(encoding))
    report = imports.import_file(store, tmp_path / "uplink.json", now=NOW)
    assert (report.kind, report.used) == ("uplinks", 1)


def test_hackathons_sites_and_values(store: Store, shared_data: Path) -> None:
    folder = shared_data / "jena-hackathon"
    sites = imports.import_file(store, folder / "Sensorstandorte.csv", now=NOW)
    values = imports.import_file(store, folder / "Sensormesswerte.csv", now=NOW)
    assert (sites.used, values.used, values.new) == (0, 1730, 1730)
    assert (count(store, things), count(store, datastreams), count(store, locations)) == (173, 173, 173)
    streams = store.streams()
    # The list itself gives 11,63013150296 and 50,8874860247989 beside the EPSG:25832 coordinates.
    off = np.hypot(
        streams["longitude"].to_numpy() - 11.63013150296, streams["latitude"].to_numpy() - 50.8874860247989
    )
    assert off.min() < 1e-7
    assert streams["thing"].iloc[int(off.argmin())] == "Drackendorfer Park"
    assert streams["count"].sum() == 1730
    day = store.series(int(streams.index[0]))
    assert day.index[0].isoformat() == "2023-05-31T22:00:00+00:00"  # 1 June in Jena


@pytest.mark.parametrize("first", ["sites", "values"])
def test_sites_and_their_values_in_any_order(store: Store, tmp_path: Path, first: str) -> None:
    files = {
        "sites": written(tmp_path, "gid;strasse;lon_4326;lat_4326\n7;Am Park;11,61;50,88\n", "sites.csv"),
        "values": written(tmp_path, "gid;Datum;Wert\n7;01.06.2023;12,5\n", "values.csv"),
    }
    for name in sorted(files, key=lambda name: name != first):
        imports.import_file(store, files[name], now=NOW)
    (row,) = store.streams().to_dict("records")
    assert (row["thing"], row["longitude"], row["latest_result"]) == ("Am Park", 11.61, 12.5)


def test_sites_and_values_as_other_programs_write_them(store: Store, tmp_path: Path) -> None:
    sites = written(tmp_path, "GID,Strasse,GISID,Lon_4326,Lat_4326\n7,Am Park,1_1,11.61,50.88\n", "sites.csv")
    imports.import_file(store, sites, now=NOW)
    rows = "7,01.06.2023,12.5,0\n7,02.06.2023,13.125,0\n7,01.06.1023,3,0\n7,03.06.2023,x,0\n"
    values = written(tmp_path, "GID,Datum,Wert,Ausschluss\n" + rows, "values.csv")
    report = imports.import_file(store, values, now=NOW)
    assert [one.what for one in report.refused] == ["the time lies before 1950", "wert: 'x' is no number"]
    (row,) = store.streams().to_dict("records")
    assert (row["thing"], row["longitude"], row["latest_result"]) == ("Am Park", 11.61, 13.125)


def test_entities_of_a_service_without_its_answer_around_them(store: Store, tmp_path: Path) -> None:
    stream = {"@iot.id": 1, "name": "t", "observationType": "x", "unitOfMeasurement": {"symbol": "°C"}}
    for content in (stream, [stream]):
        report = imports.import_file(store, written(tmp_path, json.dumps(content), "answer.json"), now=NOW)
        assert (report.kind, report.streams) == ("sensorthings", 1)


def test_secrets_of_devices_are_left_out(store: Store, tmp_path: Path) -> None:
    mark = (
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><ExtendedData>'
        '<Data name="key"><value>SECRET</value></Data>'
        '<Data name="was"><value>Bodenfeuchte</value></Data></ExtendedData>'
        "<Point><coordinates>11.6,50.9,0</coordinates></Point></Placemark></kml>"
    )
    imports.import_file(store, written(tmp_path, mark, "s.kml"), now=NOW)
    with store.connect() as connection:
        rows = [row for table in (things, datastreams) for row in connection.execute(sa.select(table))]
    assert len(rows) == 2
    assert "SECRET" not in str(rows)


def test_read_again_it_adds_nothing_and_corrects_what_changed(store: Store, tmp_path: Path) -> None:
    first = imports.import_file(store, written(tmp_path, BILLS), now=NOW)
    again = imports.import_file(store, written(tmp_path, BILLS), now=NOW)
    assert ((first.new, first.corrected), (again.new, again.corrected)) == ((2, 0), (0, 0))
    changed = imports.import_file(store, written(tmp_path, BILLS.replace(";110", ";120")), now=NOW)
    assert (changed.used, changed.new, changed.corrected) == (2, 0, 1)
    assert store.series(1)["result"].tolist() == [100.0, 120.0]
    assert count(store, observations) == 3  # the old value stays as a former version


def test_a_failure_in_the_middle_leaves_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_TOGETHER", 1)
    append, calls = store.append, []

    def failing(*arguments: object, **more: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise StoreError("the disk is full", "store")
        return append(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "append", failing)
    with pytest.raises(StoreError):
        imports.import_file(store, written(tmp_path, BILLS), now=NOW)
    assert [count(store, table) for table in (things, datastreams, observations)] == [0, 0, 0]


def test_meters_by_address_belong_to_their_buildings(store: Store, tmp_path: Path) -> None:
    district = twin.open("lobeda")
    one = district.buildings.dropna(subset=["street", "house_number"]).iloc[0]
    text = (
        "Zähler;Adresse;Von;Bis;Verbrauch kWh\n"
        f"1;{one['street']} {one['house_number']};01.01.2023;31.12.2023;100\n"
        "2;Nirgendweg 1;01.01.2023;31.12.2023;5\n"
    )
    report = imports.import_file(store, written(tmp_path, text), district=lambda: district, now=NOW)
    streams = store.streams()
    assert streams["building_id"].fillna("").tolist() == [one.name, ""]
    assert any("Nirgendweg" in note for note in report.notes)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.json", '{"features": 3', "cannot be read"),
        ("a.json", '{"features": []}', "no sensor sites"),
        ("a.json", '{"value": []}', "no Datastreams"),
        ("a.json", "[" * 100_000, "nested|read"),
        ("a.json", '{"deduplicationId": 5}', "no message can be used"),
        ("a.kml", "<kml><Placemark>", "cannot be read"),
        ("a.kml", "<kml></kml>", "no sensor sites"),
        ("a.csv", "gid;Datum;Wert\n1;01.01.2124;5\n", "no row can be used"),
        ("a.csv", "gid;rechtswert;hochwert\n1;x;y\n", "no site has a place"),
        ("a.csv", "gid;rechtswert;hochwert\n1;9e99;9e99\n", "no coordinate|coordinates"),
        ("a.txt", "", "empty"),
        ("a.html", "<html></html>", "nothing that holds sensors"),
    ],
)
def test_broken_files_are_refused_whole(
    store: Store, tmp_path: Path, name: str, text: str, what: str
) -> None:
    with pytest.raises(SourceError, match=what) as caught:
        imports.import_file(store, written(tmp_path, text, name), now=NOW)
    assert name in str(caught.value)
    assert count(store, things) == 0


def test_a_kml_does_not_read_other_files(store: Store, tmp_path: Path) -> None:
    secret = written(tmp_path, "SECRET", "secret.txt")
    attack = (
        f'<!DOCTYPE kml [<!ENTITY x SYSTEM "file://{secret}">]><kml xmlns="http://www.opengis.net/kml/2.2"><Placemark>'
        "<name>&x;</name><Point><coordinates>11.6,50.9</coordinates></Point></Placemark></kml>"
    )
    imports.import_file(store, written(tmp_path, attack, "a.kml"), now=NOW)
    assert "SECRET" not in str(store.streams()) and count(store, things) == 1
    with store.connect() as connection:
        assert "SECRET" not in str(connection.execute(sa.select(things)).all())


def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOBEDA_DATABASE_URL", f"sqlite:///{tmp_path / 's.sqlite'}")
    file = written(tmp_path, BILLS + "1;01.01.2025;x;1\n")
    assert cli.run(["sensors", "import", str(file)]) == 0
    out = capsys.readouterr().out
    assert "2 values used (2 new, 0 corrected), 1 rows refused" in out
    assert "bills.csv, row 4: the time 'x'" in out
    assert cli.run(["sensors", "import", str(file), "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["used"], report["new"], report["refused"][0]["row"]) == (2, 0, 4)
    assert cli.run(["sensors", "import", str(file), "--crs", "25832"]) == 2
    assert cli.run(["sensors", "import", str(tmp_path / "none.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err


def test_every_dwd_file_on_the_command_line(
    shared_data: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOBEDA_DATABASE_URL", sqlite_url)
    files = sorted((shared_data / "dwd").iterdir())
    assert cli.run(["sensors", "import", *map(str, files), "--json"]) == 0
    reports = json.loads(capsys.readouterr().out)
    assert [report["kind"] for report in reports] == ["weather"] * len(files)
    assert sum(report["new"] for report in reports) > 1000
    assert all(report["things"] for report in reports)
