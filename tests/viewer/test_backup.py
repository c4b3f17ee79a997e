"""A backup of everything, restored and compared; what is damaged, foreign or in the way is refused."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from scenarios.scenario import Scenario
from scenarios.shelf import Shelf
from sensors import tokens
from sensors.errors import StoreError
from sensors.store import Store, schema
from sensors.store.purge import purge
from sensors.store.tables import things
from tests.sensors.things import station
from tests.viewer.accounts import PASSWORD, cheap
from twin.errors import CallError, SourceError
from viewer import backup, cli
from viewer.accounts.store import Accounts
from viewer.participation.store import Comments, Topic


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder with something in every store, and a district's folder beside it."""
    folder = tmp_path / "data"
    monkeypatch.setenv("LOBEDA_DATA", str(folder))
    filled()
    Shelf(folder / "scenarios" / "town").save(Scenario(name="warm", title={"de": "Warm"}), None)
    (folder / "content" / "proposals").mkdir(parents=True)
    (folder / "content" / "legal.yaml").write_text("operator: {name: Stadt}")
    (folder / "content" / "proposals" / "trees.yaml").write_text("title: {de: Bäume}")
    district = tmp_path / "town"
    district.mkdir()
    (district / "district.json").write_text(json.dumps({"name": "town"}))
    (district / "terrain.tif").write_bytes(bytes(range(256)) * 5000)
    yield folder


def filled() -> str:
    """Something in every store that the environment names; the cookie of an open session."""
    with Store.open() as store:
        tokens.create(store, "station", [tokens.UPLINKS_WRITE])
    with Comments.open() as comments:
        comments.sync([Topic("trees", {"de": "Bäume"})])
        comments.add("trees", "Mehr Linden", None, shown=True, fingerprint="a")
    with Accounts.open(passwords=cheap()) as accounts:
        accounts.add("erika", ["administrator"], PASSWORD, "test")
        accounts.add_token("lab", "erika", ["metrics:read"], 5, "test")
        return accounts.log_in("erika", PASSWORD)


def rows(file: Path) -> dict[str, list[Any]]:
    """All rows of all tables but the sessions."""
    with closing(sqlite3.connect(file)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))
            for name in names
            if name not in ("sessions", "sqlite_sequence")
        }


def test_restored_is_what_was_backed_up(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, into = tmp_path / "all.lobeda", tmp_path / "restored"
    manifest = backup.backup(file, tmp_path / "town")
    assert file.stat().st_mode & 0o077 == 0
    assert backup.restore(file, into, "cli:root") == manifest
    for name in ("sensors", "participation", "accounts"):
        before, after = rows(data / f"{name}.sqlite"), rows(into / f"{name}.sqlite")
        if name == "accounts":  # who put it back stands in the record that goes on
            assert f"'cli:root', 'restore', '{file}'" in after["audit"].pop()
        assert before == after and sum(map(len, before.values())) > 1, name
    kept = [(tmp_path / "town", into / "district")]
    kept += [(data / name, into / name) for name in ("scenarios", "content")]
    for root, copy in kept:
        files = {one.relative_to(root): one.read_bytes() for one in root.rglob("*") if one.is_file()}
        assert files == {one.relative_to(copy): one.read_bytes() for one in copy.rglob("*") if one.is_file()}
        assert files
    monkeypatch.setenv("LOBEDA_DATA", str(into))
    with Accounts.open() as accounts, accounts.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar() == 0
        assert accounts.log_in("erika", PASSWORD)
    backup.backup(file, tmp_path / "town")  # over the old one, from the restored


def test_an_older_backup_is_brought_forward_without_copies(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would hold what is deleted later, or at restore."""
    backup.backup(tmp_path / "all.lobeda")

    def upgrade(connection: sa.Connection, *, steps: Path) -> None:
        connection.exec_driver_sql("ALTER TABLE comments ADD COLUMN colour TEXT")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0099'")

    monkeypatch.setattr(schema, "upgrade", upgrade)
    newer = replace(backup.SPACES["participation"], head="0099")
    monkeypatch.setitem(backup.SPACES, "participation", newer)
    backup.restore(tmp_path / "all.lobeda", tmp_path / "restored")
    names = {one.name.removesuffix("-shm").removesuffix("-wal") for one in (tmp_path / "restored").iterdir()}
    databases = {"accounts.sqlite", "participation.sqlite", "sensors.sqlite"}
    assert names == {*databases, "scenarios", "content"}


def test_nothing_is_left_of_a_restore_that_fails(data: Path, tmp_path: Path) -> None:
    file, into = tmp_path / "all.lobeda", tmp_path / "restored"
    backup.backup(file, tmp_path / "town")

    def changed(**files: bytes) -> Path:
        """The backup with other contents, or with more files."""
        new = tmp_path / f"changed-{len(list(tmp_path.iterdir()))}.lobeda"
        with zipfile.ZipFile(file) as old, zipfile.ZipFile(new, "w") as archive:
            for name in old.namelist():
                archive.writestr(name, files.pop(name, old.read(name)))
            for name, content in files.items():
                archive.writestr(name, content)
        return new

    with zipfile.ZipFile(file) as archive:
        told = json.loads(archive.read(backup.MANIFEST))
    name = "../outside"
    beyond = {**told, "files": {**told["files"], name: {"bytes": 1, "sha256": "0"}}}
    longer = json.loads(json.dumps(told))
    longer["files"]["district/terrain.tif"]["bytes"] = 10
    newer = {**told, "format": 99}
    begun = tmp_path / "begun.lobeda"
    begun.write_bytes(b"PK\x03\x04" + file.read_bytes()[9:])
    for bad, what in (
        (changed(**{"district/terrain.tif": b"x"}), "is damaged"),
        (changed(**{"databases/accounts.sqlite": b"x" * 100}), "is damaged"),
        (changed(**{"district/more": b"x"}), "no backup"),
        (changed(**{backup.MANIFEST: json.dumps(beyond).encode(), name: b"x"}), "no backup"),
        (changed(**{backup.MANIFEST: json.dumps(longer).encode()}), "is damaged"),
        (changed(**{backup.MANIFEST: json.dumps(newer).encode()}), "newer version"),
        (tmp_path / "town" / "terrain.tif", "no backup"),
        (changed(**{backup.MANIFEST: b"[" * 5000}), "no backup"),
        (begun, "no backup"),
        (tmp_path / "nothing", "no such file"),
    ):
        with pytest.raises((SourceError, StoreError), match=what):
            backup.restore(bad, into)
        assert not into.exists() and not list(tmp_path.glob(".restored*")), what
    assert not (tmp_path.parent / "outside").exists()


def test_nothing_is_written_over(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("dear reader")
    with pytest.raises(CallError, match="no backup"):
        backup.backup(other)
    assert other.read_text() == "dear reader"
    with pytest.raises(CallError, match="no folder of a district"):
        backup.backup(tmp_path / "x", tmp_path)
    file = tmp_path / "all.lobeda"
    assert cli.run(["backup", str(file)]) == 0
    assert "accounts.sqlite" in capsys.readouterr().out
    with pytest.raises(CallError, match="something already"):
        backup.restore(file, data)
    assert cli.run(["restore", str(file), str(tmp_path / "new"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["district"] is None
    assert list(tmp_path.glob(".*")) == []
    with Accounts.open() as accounts:
        from viewer.accounts.audit import entries

        assert entries(accounts, 1)[0].action == "backup"


def test_what_was_deleted_since_is_deleted_again(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open() as store, Comments.open() as comments, Accounts.open(passwords=cheap()) as accounts:
        for key in ("flat-4711", "street"):
            store.ensure(station(key=key))
        number, code = comments.add("trees", "Frau Müller war es", None, shown=True, fingerprint="b")
        accounts.add("otto", ["moderator"], PASSWORD, "test")
        file = tmp_path / "all.lobeda"
        backup.backup(file)
        assert comments.delete_by_code(code) == number
        purge(store, only_thing(store, "flat-4711"))
        accounts.disable("otto", "test")
        accounts.revoke_token("lab", "test")
        tokens.revoke(store, "station")
        comments.add("trees", "Später", None, shown=True, fingerprint="c")
        store.ensure(station(key="later"))
    assert cli.run(["restore", str(file), str(tmp_path / "plain")]) == 0
    assert "is there again" in capsys.readouterr().out
    asked = ["restore", str(file), str(tmp_path / "again"), "--deleted-in", str(data), "--json"]
    assert cli.run(asked) == 0
    told = json.loads(capsys.readouterr().out)["deleted_again"]
    assert told == {"comments": 1, "things": 1, "accounts": 1, "tokens": 2}
    for name, secret in (("participation", "Frau Müller"), ("sensors", "flat-4711")):
        assert secret.encode() in (tmp_path / "plain" / f"{name}.sqlite").read_bytes()
        for left in (tmp_path / "again").glob(f"{name}.sqlite*"):
            assert secret.encode() not in left.read_bytes(), left
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "again"))
    with Store.open() as store, Comments.open() as comments, Accounts.open() as accounts:
        assert only_thing(store, "street") and tokens.listed(store) == []
        assert comments.counts()["trees"]["shown"] == 1  # the other one
        assert {one.name: one.disabled for one in accounts.listed()} == {"erika": False, "otto": True}
        assert accounts.listed_tokens() == []
    with pytest.raises(CallError, match="no database"):
        backup.restore(file, tmp_path / "new", deleted_in=tmp_path / "town")
    assert not (tmp_path / "new").exists()


def only_thing(store: Store, key: str) -> int:
    """The number of the Thing with this key of its source."""
    with store.connect() as connection:
        found: int = connection.execute(sa.select(things.c.id).where(things.c.source_key == key)).scalar_one()
    return found


def test_without_a_database_there_is_no_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where the command has other settings than the server: an empty file would pass for a backup."""
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "other"))
    assert cli.run(["backup", str(tmp_path / "all.lobeda"), "--json"]) == 1
    assert "there is no database" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_a_backup_names_the_databases_that_were_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "data"))
    with Store.open():
        pass
    assert cli.run(["backup", str(tmp_path / "all.lobeda"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["files"]) == ["databases/sensors.sqlite"]
    assert told["missing"] == ["accounts", "participation"]
    assert cli.run(["backup", str(tmp_path / "all.lobeda")]) == 0
    assert "Without accounts, participation" in capsys.readouterr().out
