"""Backup, restore and export: whole, consistent while others write, from either database into either."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from sensors.errors import StoreError
from sensors.store import Store
from sensors.store.backup import backup, restore
from sensors.store.export import export
from sensors.store.tables import metadata
from sensors.things import NewObservation
from tests.sensors import model
from tests.sensors.postgres import Postgres
from tests.sensors.things import station, value
from twin.errors import CallError, SourceError


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    """A store with something in each corner: versions, tombstones, texts, features, states."""
    place = {"type": "Point", "coordinates": [11.6, 50.88]}
    ids = store.ensure(station(streams=("t", "u"), location=place, properties={"ä": ["\U0001f321", None]}))
    stored = store.append(
        [value(ids["t"], f"2026-05-01T12:{m:02}", m / 3, source_key=str(m)) for m in range(60)]
    )
    store.correct(stored[3].id, {"result": 1e199, "parameters": {"why": "typo"}})
    store.remove([stored[4].id])
    store.set_flags(ids["t"], {stored[5].id: 4})
    with store.transaction() as connection:
        feature = store.insert(connection, "FeaturesOfInterest", {"name": "soil", "encoding_type": "x"})
    store.append([value(ids["u"], "2026-05-01T12:00", "open", feature_id=feature)])
    store.ensure(station(streams=("t", "u"), location={"type": "Point", "coordinates": [11.7, 50.9]}))
    store.put_state("feed", "next", {"link": 1})
    store.count("feed", {"received": 3})
    store.set_aside("feed", "dev", "unknown", '{"ü": 1}')
    yield store


def content(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_restores_into_either_database(
    filled: Store, target: str, tmp_path: Path, request: pytest.FixtureRequest, postgres: Postgres
) -> None:
    file, before = tmp_path / "backup.sqlite", content(filled)
    assert backup(filled, file) == file.stat().st_size > 0
    if target == "sqlite":
        url = f"sqlite:///{tmp_path / 'new' / 'restored.sqlite'}"
    else:
        url = str(request.getfixturevalue("new_postgres_url"))
    restore(file, url)
    with Store.open(url) as restored:
        assert content(restored) == before
        model.require_consistent(restored)
        again = restored.append(
            [NewObservation(1, 0, 1.0), value(1, "2026-05-01T12:07", 0.0, source_key="7")]
        )
        highest = max(int(str(row[1])) for row in before["observations"])
        assert again[0].new and again[0].id > highest and not again[1].new
        assert restored.ensure(station("b"))["t"] == 3  # ids go on where they were
        with pytest.raises(CallError, match="holds things"):
            restore(file, url)
        restore(file, url, force=True)
        assert content(restored) == before
    assert list(tmp_path.glob(".*part*")) == []


def test_a_backup_shows_one_moment_while_feeds_write(store: Store, tmp_path: Path) -> None:
    """Pairs are written together; no backup may hold half of one."""
    stream = store.ensure(station())["t"]
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            store.append([NewObservation(stream, number, 1.0), NewObservation(stream, number, 2.0)])
            number += 1_000_000

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(3):
            backup(store, tmp_path / f"{number}.sqlite")
    finally:
        stop.set()
        thread.join()
    for number in range(3):
        restored = f"sqlite:///{tmp_path / f'restored-{number}.sqlite'}"
        restore(tmp_path / f"{number}.sqlite", restored)
        with Store.open(restored) as copy:
            raw = model.require_consistent(copy)
            assert len(raw) % 2 == 0


def test_what_is_no_backup_is_refused_and_nothing_changes(
    filled: Store, store_url: str, tmp_path: Path
) -> None:
    before = content(filled)
    text = tmp_path / "text.sqlite"
    text.write_text("no backup", "utf-8")
    newer = tmp_path / "newer.sqlite"
    backup(filled, newer)
    cut = tmp_path / "cut.sqlite"
    cut.write_bytes(newer.read_bytes()[: newer.stat().st_size // 2])
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for file, reason in ((text, "no backup"), (newer, "newer version"), (cut, "damaged|no backup")):
        with pytest.raises(StoreError, match=reason):
            restore(file, store_url, force=True)
    with pytest.raises(SourceError, match="no such file"):
        restore(tmp_path / "none", store_url, force=True)
    with pytest.raises(CallError, match="no backup"):
        backup(filled, text)
    with pytest.raises(CallError, match="no such folder"):
        backup(filled, tmp_path / "none" / "backup.sqlite")
    assert content(filled) == before


def test_a_backup_that_finds_no_space_leaves_the_old_one(sqlite_url: str, small_disk: Path) -> None:
    with Store.open(sqlite_url) as store:
        stream = store.ensure(station())["t"]
        file = small_disk / "backup.sqlite"
        backup(store, file)
        before = file.read_bytes()
        (small_disk / "ballast").write_bytes(bytes(3_000_000))
        store.append([NewObservation(stream, i, float(i), source_key=str(i)) for i in range(10_000)])
        with pytest.raises(StoreError, match="cannot be written"):
            backup(store, file)
        assert file.read_bytes() == before
        assert sorted(one.name for one in small_disk.iterdir()) == ["backup.sqlite", "ballast"]


def test_parquet_holds_the_series_with_their_names(filled: Store, tmp_path: Path) -> None:
    file = tmp_path / "out.parquet"
    assert export(filled, file) == 60
    table = pq.read_table(file).to_pandas()
    own = table[table["datastream_id"] == 1]
    raw = filled.series(1)
    assert own["result"].tolist() == raw["result"].tolist() and own["id"].tolist() == raw["id"].tolist()
    assert own["time"].tolist() == raw.index.tolist() and set(own["unit"]) == {"Cel"}
    assert table["result_json"].dropna().tolist() == ['"open"']
    assert not table["simulated"].any()
    assert export(filled, file, raw.index[10], raw.index[20]) == 10
    assert export(filled, file, step="hour") == 1
    hour = pq.read_table(file).to_pandas().iloc[0]
    assert hour["count"] == 58 and hour["worst_flag"] == 4
    with pytest.raises(CallError, match="no such folder"):
        export(filled, tmp_path / "none" / "out.parquet")
