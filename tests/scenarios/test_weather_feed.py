"""DWD's files as observations: idempotent, corrected, fetched from a server with bad days, one weather."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from energy.weather_formats import dwd_places
from scenarios import recent_weather, weather_feed, weather_import
from scenarios.weather_feed import Options, WeatherFeed
from scenarios.weather_import import import_file
from sensors.errors import StoreError
from sensors.protocols import Counters, FeedError
from sensors.store import Store
from tests.twin import geoserver
from tests.twin.geoserver import GeoServer, Handler
from twin.errors import SourceError

GEOGRAPHY = (
    "Stations_id;Stationshoehe;Geogr.Breite;Geogr.Laenge;von_datum;bis_datum;Stationsname\n"
    "  2444; 155.00; 50.9251; 11.5830;19000101;        ;Jena (Sternwarte)\n"
)
MUNSTER = (51.96, 7.63)


def station_zip(short: str, columns: str, rows: list[str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("Metadaten_Geographie_02444.txt", GEOGRAPHY)
        head = f"STATIONS_ID;MESS_DATUM;QN_9;{columns};eor\n"
        text = head + "".join(f"       2444;{row};eor\n" for row in rows)
        archive.writestr(f"produkt_{short}_stunde_20250101_20250102_02444.txt", text)
    return out.getvalue()


def temperatures(*values: float) -> bytes:
    rows = [f"20250101{hour:02d};    3; {value:5.1f}; 80.0" for hour, value in enumerate(values)]
    return station_zip("tu", "TT_TU;RF_TU", rows)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'a.db'}") as opened:
        yield opened


def test_station_file_becomes_a_thing_with_its_stamps(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "stundenwerte_TU_02444_akt.zip"
    file.write_bytes(temperatures(1.0, 2.0, -999.0, 4.0))
    (done,) = import_file(store, file)
    assert (done.thing, done.new, done.corrected, done.known) == ("DWD Jena (Sternwarte)", 7, 0, 0)
    table = store.streams()
    stream = table.index[table["property"] == "air temperature"][0]
    series = store.series(stream)
    assert series["result"].tolist() == [1.0, 2.0, 4.0]
    assert series.index[-1] == pd.Timestamp("2025-01-01T03:00Z")  # DWD's stamps are UTC
    assert table["longitude"].iloc[0] == pytest.approx(11.5830)
    assert not table["simulated"].any()


def test_again_nothing_is_doubled_and_a_changed_value_is_corrected(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "stundenwerte_TU_02444_akt.zip"
    file.write_bytes(temperatures(1.0, 2.0))
    import_file(store, file)
    file.write_bytes(temperatures(1.0, 2.5, 3.0))
    (done,) = import_file(store, file)
    assert (done.new, done.corrected, done.known) == (2, 1, 3)
    table = store.streams()
    stream = table.index[table["property"] == "air temperature"][0]
    assert store.series(stream)["result"].tolist() == [1.0, 2.5, 3.0]
    assert store.series(stream, step="hour")["mean"].tolist() == [1.0, 2.5, 3.0]


def test_a_file_comes_whole_or_not_at_all(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that gives up in the middle leaves nothing of a file: no things and no hours."""
    file = tmp_path / "stundenwerte_TU_02444_akt.zip"
    file.write_bytes(temperatures(1.0, 2.0, 3.0))
    append, calls = Store.append, iter([True, False])

    def failing(self: Store, new: Any, **more: Any) -> Any:
        if not next(calls):
            raise StoreError("the disk is full", "test")
        return append(self, new, **more)

    monkeypatch.setattr(weather_import, "_PART", 1)
    monkeypatch.setattr(Store, "append", failing)
    with pytest.raises(StoreError):
        import_file(store, file)
    assert store.streams().empty
    monkeypatch.undo()
    import_file(store, file)
    assert not store.streams().empty


def test_sums_belong_to_the_hour_before_the_stamp(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "rr.zip"
    file.write_bytes(station_zip("rr", "  R1;RS_IND", ["2025010106;   1.2;   1"]))
    import_file(store, file)
    (stream,) = store.streams().index
    assert store.series(stream).index[0] == pd.Timestamp("2025-01-01T05:00Z")


def test_all_shared_files_import_twice_alike(store: Store, shared_data: Path) -> None:
    files = sorted((shared_data / "dwd").iterdir(), key=lambda path: path.suffix != ".html")
    first = [import_file(store, file) for file in files]
    assert sum(one.new for done in first for one in done) > 1900
    again = [import_file(store, file) for file in files]
    assert sum(one.new + one.corrected for done in again for one in done) == 0
    # Münster's ten-minute file names no place; the list of stations does.
    table = store.streams()
    assert table["longitude"].notna().all()


def test_list_of_stations(shared_data: Path) -> None:
    text = (shared_data / "dwd" / "station_list.html").read_text("latin-1")
    assert dwd_places.parse(text)["3"] == ("Aachen", 50.7827, 6.0941, 202.0)


def test_other_files_are_refused_by_name(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear all")
    with pytest.raises(SourceError, match=r"letter\.txt"):
        import_file(store, file)
    with pytest.raises(SourceError, match="no such file"):
        import_file(store, tmp_path / "gone.zip")


def test_forecast_and_sample_year_make_one_weather(store: Store, shared_data: Path) -> None:
    import_file(store, shared_data / "dwd" / "MOSMIX_L_LATEST.kmz")
    now = pd.Timestamp("2023-04-12T10:00Z")
    found = recent_weather.this_year(store, now, place=MUNSTER)
    counts = found.origin["temp_air"].value_counts()
    # 247 stamps give 246 whole hours; 1 January to 22 April are 112 days.
    assert counts.to_dict() == {"sample year": 112 * 24 - 246, "forecast": 246}
    # The file's first stamps: RR1c 1.2 mm at 10, 0.6 at 11 UTC: sums of the hour before.
    assert found.rain_mm[found.origin.index.get_loc(pd.Timestamp("2023-04-12T10:00Z"))] == 0.6
    # Rad1h 540 kJ/m² at 11 UTC is 150 W/m² in the hour before it.
    assert found.weather.ghi[found.origin.index.get_loc(pd.Timestamp("2023-04-12T10:00Z"))] == pytest.approx(
        150
    )
    assert "246 h forecast" in found.weather.source
    assert (recent_weather.this_year(store, now).origin == "sample year").all(
        axis=None
    )  # Jena is far from there


def test_measured_hours_win_and_are_not_known_beforehand(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "tu.zip"
    file.write_bytes(temperatures(*np.arange(6.0)))
    import_file(store, file)
    start, end = pd.Timestamp("2025-01-01", tz="UTC"), pd.Timestamp("2025-01-03", tz="UTC")
    found = recent_weather.recent(store, start, end, pd.Timestamp("2025-01-01T12:00Z"))
    # Stamps on the hour: the hour's mean is that of its two ends.
    assert found.weather.temp_air[:5] == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5])
    assert found.origin["temp_air"].tolist()[:6] == ["measured"] * 5 + ["sample year"]
    assert (found.origin["ghi"] == "sample year").all()
    early = recent_weather.recent(store, start, end, pd.Timestamp("2025-01-01T03:00Z"))
    assert early.origin["temp_air"].tolist().count("measured") == 3


def path_of(short: str, folder: str) -> str:
    base = "/climate_environment/CDC/observations_germany/climate/hourly"
    return f"{base}/{folder}/recent/stundenwerte_{short}_02444_akt.zip"


TU = path_of("TU", "air_temperature")


def conditional(handler: Handler, state: GeoServer) -> None:
    """Nothing new for who has the file."""
    if handler.headers.get("If-None-Match"):
        state.ranges.append((handler.key(), "unchanged"))
        handler.reply(304, b"")
    else:
        handler.send_file(state)


def options(address: str, **more: object) -> Options:
    values = {"protocol": "dwd", "base_url": address, "forecast": "", "backoff_s": 0.01, **more}
    return Options.model_validate(values)


def fetch_once(server: GeoServer, store: Store, **more: object) -> Counters:
    counters = Counters()
    WeatherFeed("dwd", options(server.address, **more)).once(store, counters, threading.Event())
    return counters


def test_feed_takes_what_is_there_and_leaves_out_what_is_not(store: Store) -> None:
    state = GeoServer(files={TU: temperatures(1.0, 2.0)}, always={TU: conditional})
    with geoserver.serving(state) as server:
        first = fetch_once(server, store)
        again = fetch_once(server, store)
    assert first.totals() == {"received": 1, "stored": 4}
    assert again.totals() == {}
    assert state.ranges == [(TU, "unchanged")]


def test_feed_resumes_and_tries_again(store: Store) -> None:
    content = temperatures(*np.linspace(0, 20, 24))
    state = GeoServer(files={TU: content})
    state.fail_once(TU, geoserver.status(503), geoserver.truncated, geoserver.cut_off(200))
    with geoserver.serving(state) as server:
        totals = fetch_once(server, store).totals()
    assert totals == {"received": 1, "stored": 48}
    assert (TU, "bytes=200-") in state.ranges


def test_a_page_instead_of_a_file_leaves_the_other_files(store: Store) -> None:
    rain = path_of("RR", "precipitation")
    files = {TU: temperatures(1.0), rain: station_zip("rr", "  R1", ["2025010106;    3;   1.2"])}
    state = GeoServer(files=files, always={TU: geoserver.page})
    with geoserver.serving(state) as server, pytest.raises(FeedError, match="no ZIP"):
        fetch_once(server, store)
    assert store.streams()["property"].tolist() == ["precipitation"]


def test_a_server_that_is_gone_is_said(store: Store) -> None:
    with pytest.raises(FeedError, match="no file came"):
        WeatherFeed("dwd", options("http://127.0.0.1:9")).once(store, Counters(), threading.Event())


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="station"):
        options("http://127.0.0.1", station="Jena")
    feed = weather_feed.feed("dwd", options("http://127.0.0.1", forecast="10567"))
    assert feed.paths()[-1].endswith("10567/kml/MOSMIX_L_LATEST_10567.kmz")
    assert "solar/stundenwerte_ST_02444_row.zip" in feed.paths()[-2]
