"""Accounts in PostgreSQL, beside the sensors' tables; here, since this folder starts its server."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensors import tokens
from sensors.store import Store
from tests.viewer.accounts import PASSWORD, cheap, keeps_its_record
from tests.viewer.test_backup import filled, rows
from twin.errors import CallError
from viewer import backup
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
        assert rows(tmp_path / "back" / f"{name}.sqlite") == rows(tmp_path / "data" / f"{name}.sqlite"), name
