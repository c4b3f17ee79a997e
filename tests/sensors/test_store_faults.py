"""Nothing acknowledged is lost: killed writers, a server that comes and goes, a full disk, many writers."""

from __future__ import annotations

import signal
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from sensors.errors import StoreError
from sensors.store import Store, writer
from sensors.store.tables import observations
from sensors.things import NewObservation
from tests.sensors import crash, model
from tests.sensors.postgres import Postgres
from tests.sensors.things import station


def test_what_was_acknowledged_survives_a_kill(store_url: str, tmp_path: Path) -> None:
    acknowledged = tmp_path / "acknowledged"
    for run in ("first", "second"):
        crash.kill_in_the_middle(store_url, acknowledged, run, 6_000)
        with Store.open(store_url) as store:
            count, missing = crash.lost(store, acknowledged)
            assert count > 300 and missing == 0
    with Store.open(store_url) as store:
        model.require_consistent(store)


def test_the_writer_goes_on_when_the_server_comes_back(
    postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    acknowledged = tmp_path / "acknowledged"
    running = crash.start(postgres_url, acknowledged, "run")
    try:
        for how in (signal.SIGINT, signal.SIGQUIT):  # told to end; then a crash
            crash.wait_for(
                acknowledged, acknowledged.stat().st_size + 2000 if acknowledged.exists() else 1, running
            )
            postgres.stop(how)
            size = acknowledged.stat().st_size
            postgres.start()
            crash.wait_for(acknowledged, size + 2000, running)
    finally:
        running.kill()
    with Store.open(postgres_url) as store:
        assert crash.lost(store, acknowledged)[1] == 0
        model.require_consistent(store)


def test_a_server_that_is_gone_is_said_in_one_line(postgres: Postgres, postgres_url: str) -> None:
    with Store.open(postgres_url) as store:
        stream = store.ensure(station())["t"]
        postgres.stop()
        try:
            with pytest.raises(StoreError, match="cannot be used") as error:
                store.append([NewObservation(stream, 0, 1.0)])
            assert "\n" not in str(error.value)
            with pytest.raises(StoreError):
                store.streams()
            with pytest.raises(StoreError):
                Store.open(postgres_url)
        finally:
            postgres.start()
        store.append([NewObservation(stream, 0, 2.0)])
        assert list(store.series(stream)["result"]) == [2.0]


def test_a_connection_that_dies_is_logged_in_one_line(
    postgres: Postgres, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The pool takes it back and finds that it is dead: what is expected then is no traceback."""
    with Store.open(postgres_url) as store, pytest.raises(StoreError), store.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        postgres.stop(signal.SIGQUIT)
        try:
            connection.execute(sa.text("SELECT 1"))
        finally:
            postgres.start()
    lines = caplog.text.splitlines()
    assert lines and all("WARNING" in line and "database broke: " in line for line in lines), caplog.text


def batch(stream: int, first: int, count: int) -> list[NewObservation]:
    return [
        NewObservation(stream, i * 1_000_000, float(i), source_key=str(i))
        for i in range(first, first + count)
    ]


def fill(store: Store, stream: int) -> int:
    """Appends until the database is full; how many were acknowledged."""
    done = 0
    with pytest.raises(StoreError, match="full"):
        while done < 200_000:
            done += len(store.append(batch(stream, done, 2000)))
    return done


def test_a_full_sqlite_takes_no_half_batches_and_goes_on(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        stream = store.ensure(station())["t"]
        pages = [250]

        @sa.event.listens_for(store.engine, "checkout")
        def limit(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count={pages[0]}")

        done = fill(store, stream)
        assert 0 < done == len(model.require_consistent(store))
        pages[0] = 100_000
        store.append(batch(stream, done, 500))
        assert len(model.require_consistent(store)) == done + 500


def test_a_full_disk_takes_no_half_batches_and_goes_on(small_disk: Path) -> None:
    with Store.open(f"sqlite:///{small_disk / 'sensors.sqlite'}") as store:
        stream = store.ensure(station())["t"]
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(1_000_000))
        done = fill(store, stream)
        assert 0 < done == len(model.require_consistent(store))
        ballast.unlink()
        store.append(batch(stream, done, 500))
        assert len(model.require_consistent(store)) == done + 500


def test_a_full_disk_of_postgresql_is_told_and_survived(
    postgres: Postgres, postgres_url: str, small_disk: Path
) -> None:
    with Store.open(postgres_url) as store:
        stream = store.ensure(station())["t"]
        postgres.own(small_disk)
        postgres.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
        database = postgres_url.rpartition("/")[2]
        try:
            postgres.execute("ALTER TABLE observations SET TABLESPACE small", database)
            done = fill(store, stream)
            assert 0 < done == len(model.require_consistent(store))
            postgres.execute("ALTER TABLE observations SET TABLESPACE pg_default", database)
            store.append(batch(stream, done, 500))
            assert len(model.require_consistent(store)) == done + 500
        finally:
            postgres.execute("ALTER TABLE observations SET TABLESPACE pg_default", database)
            postgres.execute("DROP TABLESPACE small")


def test_writers_of_several_threads_and_connections_share_one_store(store_url: str) -> None:
    """Two stores stand for two processes; duplicates are told across them."""
    with Store.open(store_url) as first, Store.open(store_url) as second:
        stream = first.ensure(station())["t"]
        new: list[int] = []

        def work(store: Store, start: int) -> None:
            stored = [one for i in range(20) for one in store.append(batch(stream, start + i * 10, 20))]
            new.append(sum(one.new for one in stored))

        threads = [
            threading.Thread(target=work, args=(store, start))
            for store in (first, second)
            for start in (0, 100)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(new) == 310  # keys 0 to 309
        assert len(model.require_consistent(first)) == 310


def test_a_flood_waits_instead_of_filling_the_memory(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WAITING", 100)
    with Store.open(sqlite_url) as store:
        stream = store.ensure(station())["t"]
        flooded = threading.Event()
        futures = []

        def flood() -> None:
            futures.extend([store.submit(batch(stream, i * 10, 10)) for i in range(50)])
            flooded.set()

        with store.transaction():  # nobody writes meanwhile
            thread = threading.Thread(target=flood)
            thread.start()
            assert not flooded.wait(0.2)
            assert store.waiting <= 100
        thread.join()
        assert sum(len(future.result()) for future in futures) == 500
    with Store.open(sqlite_url) as store, store.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(observations)).scalar() == 500


def test_a_closed_store_writes_what_waits_and_takes_no_more(sqlite_url: str) -> None:
    store = Store.open(sqlite_url)
    stream = store.ensure(station())["t"]
    futures = [store.submit(batch(stream, i, 1)) for i in range(100)]
    store.close()
    assert all(future.result()[0].new for future in futures)
    with pytest.raises(StoreError, match="closed"):
        store.append(batch(stream, 0, 1))
