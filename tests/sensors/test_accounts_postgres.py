"""Accounts in PostgreSQL, beside the sensors' tables; here, since this folder starts its server."""

from __future__ import annotations

import gc
import socket
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sensors import tokens
from sensors.errors import StoreError
from sensors.store import Store, schema
from sensors.store import database as database_module
from sensors.store.database import create_engine, database_url
from tests.sensors.postgres import Postgres
from tests.viewer.accounts import PASSWORD, cheap, keeps_its_record
from tests.viewer.test_backup import filled, rows
from twin.errors import CallError
from viewer import backup
from viewer.accounts import store as store_module
from viewer.accounts.store import Accounts, Refused
from viewer.participation.store import Comments


def test_accounts_stand_in_a_schema_of_their_own(new_postgres_url: str) -> None:
    with Accounts.open(new_postgres_url, passwords=cheap()) as accounts:
        accounts.add("erika", ["manager"], PASSWORD, "test")
        with pytest.raises(Refused):
            accounts.log_in("erika", "wrong")
        cookie = accounts.log_in("erika", PASSWORD)
        keeps_its_record(accounts)
    with Accounts.open(new_postgres_url) as again:
        person = again.who(cookie)
        assert person and person.name == "erika"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_copy_is_kept_before_accounts_and_comments_are_brought_forward(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in PostgreSQL, where it stands in a schema of its own; one copy, the latest, is kept."""
    url = str(request.getfixturevalue("new_postgres_url" if kind == "postgresql" else "sqlite_url"))
    with Accounts.open(url, passwords=cheap()) as accounts:
        accounts.add("erika", ["manager"], PASSWORD, "test")
    head = store_module.HEAD

    def upgrade(connection: sa.Connection, *, steps: Path) -> None:
        version = store_module.TABLES.head
        connection.exec_driver_sql(f"ALTER TABLE accounts ADD COLUMN colour{version} TEXT")
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")

    monkeypatch.setattr(schema, "upgrade", upgrade)
    for version in ("0098", "0099"):
        newer = replace(store_module.TABLES, head=version)
        monkeypatch.setattr(store_module, "TABLES", newer)
        with Accounts.open(url, passwords=cheap()) as accounts:
            assert [one.name for one in accounts.listed()] == ["erika"]
    if kind == "sqlite":
        kept = sorted(tmp_path.glob("accounts.sqlite.before-*"))
        assert [one.name for one in kept] == [
            f"accounts.sqlite.before-0098-from-{head}", "accounts.sqlite.before-0099-from-0098"
        ]  # fmt: skip
        assert all(one.stat().st_mode & 0o777 == 0o600 for one in kept)
        with closing(sqlite3.connect(kept[-1])) as old:
            assert old.execute("SELECT name FROM accounts").fetchall() == [("erika",)]
            assert "colour0099" not in [row[1] for row in old.execute("PRAGMA table_info(accounts)")]
        return
    engine = create_engine(database_url(url))
    try:
        inspector = sa.inspect(engine)
        copies = [name for name in inspector.get_schema_names() if "_before_" in name]
        assert copies == ["accounts_before_0099_from_0098"]
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(f"SELECT name FROM {copies[0]}.accounts").all()
        assert [row[0] for row in rows] == ["erika"]
        columns = {one["name"] for one in inspector.get_columns("accounts", schema=copies[0])}
        assert "colour0098" in columns and "colour0099" not in columns
        now = datetime.now(UTC)
        for days, left in ((29, copies), (31, [])):  # it holds what is deleted later
            schema.forget_copies(engine, now + timedelta(days=days), "accounts")
            names = sa.inspect(engine).get_schema_names()
            assert [name for name in names if "_before_" in name] == left
        assert "accounts" in names
    finally:
        engine.dispose()


def test_the_servers_own_socket_is_taken_where_no_host_is_named(
    postgres: Postgres, new_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `postgresql://user@/database` means it to PostgreSQL's own programs."""
    database = new_postgres_url.rpartition("/")[2]
    named = f"postgresql://lobeda@:{postgres.port}/{database}"
    with Accounts.open(f"{named}?host={postgres.folder}", passwords=cheap()) as accounts:
        accounts.add("erika", ["manager"], PASSWORD, "test")
        with accounts.connect() as connection:
            where = connection.exec_driver_sql("SELECT inet_server_addr()").scalar()
        assert where is None  # by no network
    monkeypatch.setattr(database_module, "_SOCKETS", str(postgres.folder))
    with Accounts.open(named) as again:
        assert [one.name for one in again.listed()] == ["erika"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the driver leaves its socket
def test_a_server_that_says_nothing_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection, and that is all."""
    monkeypatch.setattr(database_module, "_CONNECT_S", 0.3)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"postgresql://lobeda@127.0.0.1:{silent.getsockname()[1]}/lobeda"
        with pytest.raises(StoreError, match="cannot be used"):
            Accounts.open(url)
        gc.collect()


def test_work_may_take_longer_than_finding_the_server(
    new_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_CONNECT_S", 0.5)
    with Accounts.open(new_postgres_url) as accounts, accounts.connect() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(1)")


def test_a_backup_moves_to_postgresql_and_back(
    new_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All in one transaction: where something is in the way, nothing arrives."""
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "data"))
    cookie = filled()
    file, again = tmp_path / "all.lobeda", tmp_path / "again.lobeda"
    backup.backup(file)
    monkeypatch.setenv("LOBEDA_DATABASE_URL", new_postgres_url)
    backup.restore(file, tmp_path / "restored")
    assert list((tmp_path / "restored").iterdir()) == []
    with pytest.raises(CallError, match="already"):
        backup.restore(file, tmp_path / "twice")
    assert not (tmp_path / "twice").exists()
    assert set(backup.backup(again)["files"]) == set(backup.backup(file)["files"])
    with Accounts.open() as accounts, Comments.open() as comments, Store.open() as store:
        assert accounts.who(cookie) is None and accounts.log_in("erika", PASSWORD)
        keeps_its_record(accounts)  # and numbers go on after those that were restored
        assert comments.counts()["trees"]["shown"] == 1
        assert [one.name for one in tokens.listed(store)] == ["station"]
    monkeypatch.delenv("LOBEDA_DATABASE_URL")
    backup.restore(again, tmp_path / "back")
    for name in ("sensors", "participation", "accounts"):
        back, first = (rows(tmp_path / folder / f"{name}.sqlite") for folder in ("back", "data"))
        if name == "accounts":
            restored = [back["audit"].pop() for _ in range(2)]
            assert all("'restore'" in entry for entry in restored)
        assert back == first, name


def test_an_empty_postgresql_gives_no_backup(
    new_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOBEDA_DATABASE_URL", new_postgres_url)
    for _ in range(2):  # looking makes no tables either
        with pytest.raises(StoreError, match="no database"):
            backup.backup(tmp_path / "all.lobeda")
