"""Databases of other versions: made anew, brought forward with a backup, refused."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sensors.errors import StoreError
from sensors.keeping import Keeper
from sensors.store import Store, schema
from sensors.store.database import create_engine, database_url
from sensors.store.migrations import HEAD
from sensors.store.tables import metadata
from sensors.times import to_us
from tests.sensors.things import station, value


def test_the_program_works_with_the_newest_schema() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == HEAD


def definitions(engine: sa.Engine) -> set[tuple[str, ...]]:
    """Everything that a database says of its schema, but for the order of columns."""
    if engine.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(query).all()
        return {
            (name, *sorted(" ".join(sql.replace("\n)", "").split()).split(", "))) for name, sql in rows if sql
        }
    queries = (
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT table_name, column_name, data_type, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace",
    )
    with engine.connect() as connection:
        return {tuple(map(str, row)) for query in queries for row in connection.exec_driver_sql(query)}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_migrations_give_exactly_the_tables(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if database == "sqlite":
        addresses = [f"sqlite:///{tmp_path / name}.sqlite" for name in "ab"]
    else:
        addresses = [request.getfixturevalue(name) for name in ("postgres_url", "new_postgres_url")]
    migrated, made = (create_engine(database_url(address)) for address in addresses)
    schema.ready(migrated)
    metadata.create_all(made)
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = [
            one for one in compare_metadata(context, metadata) if "alembic_version" not in str(one)
        ]
    assert differences == []
    ours = {row for row in definitions(migrated) if row[0] != "alembic_version"}
    assert ours == definitions(made)
    migrated.dispose()
    made.dispose()


def test_a_newer_database_is_refused(store_url: str) -> None:
    with Store.open(store_url) as store, store.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    try:
        with pytest.raises(StoreError, match=r"newer version of this program \(schema 9999"):
            Store.open(store_url)
    finally:
        engine = create_engine(database_url(store_url))
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{HEAD}'")
        engine.dispose()


def test_an_older_database_is_brought_forward_with_a_backup(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(sqlite_url) as store:
        stream = store.ensure(station())["t"]
        store.append([value(stream, "2026-05-01T12:00", 1.0)])
    seen = []

    def upgrade(connection: sa.Connection) -> None:
        seen.append(schema.version(connection))
        connection.exec_driver_sql("ALTER TABLE things ADD COLUMN colour TEXT")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0099'")

    monkeypatch.setattr(schema, "HEAD", "0099")
    monkeypatch.setattr(schema, "upgrade", upgrade)
    with Store.open(sqlite_url) as store:
        assert list(store.series(stream)["result"]) == [1.0]
    assert seen == [HEAD]
    (backup,) = tmp_path.glob("*.before-0099-*")
    with closing(sqlite3.connect(backup)) as old:
        assert old.execute("SELECT count(*) FROM observations").fetchone() == (1,)
        assert old.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
        assert "colour" not in [row[1] for row in old.execute("PRAGMA table_info(things)")]


def test_the_backup_of_a_migration_ends(sqlite_url: str, tmp_path: Path) -> None:
    """It holds what is deleted later."""
    now = datetime(2026, 11, 27, tzinfo=UTC)
    with Store.open(sqlite_url) as store:
        path = Path(str(store.engine.url.database))
        for days in (29, 31):
            copy = path.with_name(f"{path.name}.before-0099-from-{days}")
            copy.write_bytes(b"x")
            os.utime(copy, ((now - timedelta(days=days)).timestamp(),) * 2)
        with Keeper(store, every_s=0.01, clock=lambda: to_us(now)):
            deadline = time.monotonic() + 10
            while len(list(tmp_path.glob("*.before-*"))) == 2 and time.monotonic() < deadline:
                time.sleep(0.01)
        assert [one.name for one in tmp_path.glob("*.before-*")] == [f"{path.name}.before-0099-from-29"]
        assert path.is_file()


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(store_url).close()

    def upgrade(connection: sa.Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE things ADD COLUMN colour TEXT")
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(schema, "HEAD", "0099")
        patch.setattr(schema, "upgrade", upgrade)
        with pytest.raises(StoreError, match="power cut"):
            Store.open(store_url)
    with Store.open(store_url) as store, store.connect() as connection:
        assert "colour" not in [column["name"] for column in sa.inspect(connection).get_columns("things")]


def test_other_programs_databases_and_files_are_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.sqlite"
    with closing(sqlite3.connect(foreign)) as other:
        other.execute("CREATE TABLE things (x)")
    with pytest.raises(StoreError, match="did not make"):
        Store.open(f"sqlite:///{foreign}")
    text = tmp_path / "text.sqlite"
    text.write_text("no database " * 100, "utf-8")
    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{text}")
    assert text.read_text("utf-8") == "no database " * 100


def test_many_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    stores: list[Store] = []
    url = f"sqlite:///{tmp_path / 'new' / 'sensors.sqlite'}"
    threads = [threading.Thread(target=lambda: stores.append(Store.open(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stores) == 4
    for store in stores:
        store.close()
