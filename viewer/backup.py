"""One file with everything that a server keeps: district, sensors, comments, accounts, scenarios, content.

The file is a zip: ``manifest.json`` with the SHA-256 of every part, ``databases/*.sqlite`` from either kind
of database, ``scenarios/…``, ``content/…``, ``shown/…`` (groups that the public has seen) and ``district/…``.
Each database shows one moment, while the server goes on. Backup and restore are whole or leave nothing; open
sessions are not restored.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.url import URL

from sensors.errors import StoreError
from sensors.store import Store, schema
from sensors.store import backup as sensor_backup
from sensors.store.database import create_engine, data_folder, database_url, reported, shown
from sensors.store.tables import metadata as sensor_tables
from twin.errors import CallError, SourceError
from viewer import deletions, spaces
from viewer import shown as shown_groups
from viewer.accounts import audit
from viewer.accounts.store import SPACE as ACCOUNTS
from viewer.accounts.store import TABLES as ACCOUNT_TABLES
from viewer.accounts.tables import sessions
from viewer.participation.database import SPACE as COMMENTS
from viewer.participation.database import TABLES as COMMENT_TABLES

Progress = Callable[[str, float], None]
FORMAT = 1
SENSORS = "sensors"
SPACES = {ACCOUNTS: ACCOUNT_TABLES, COMMENTS: COMMENT_TABLES, f"{COMMENTS}_sample": COMMENT_TABLES}
"""Databases beside the sensors', with their tables."""
MANIFEST = "manifest.json"
_FOLDERS = ("databases", "scenarios", "content", shown_groups.FOLDER, "district")
_EXPECTED = (SENSORS, ACCOUNTS, COMMENTS)
_MANIFEST_BYTES_MAX = 64 * 2**20
_PIECE = 2**20


def backup(
    file: Path,
    district: Path | None = None,
    content: Path | None = None,
    *,
    progress: Progress = lambda _text, _share: None,
) -> dict[str, Any]:
    """Writes everything into `file`; gives its manifest. A file that is there gives way if it is a backup.

    district : folder of the district; None: it is the sample, or is kept elsewhere.
    content : folder of the residents' pages' content; None: ``content`` in the data folder, if it is there.

    Raises
    ------
    CallError : there is no such folder, or `file` is something else than a backup.
    StoreError : a database cannot be read, or none is there: most likely the settings of another user count.
    """
    parent = file.resolve().parent
    if not parent.is_dir():
        raise CallError("there is no such folder", parent, "Make it, or name another file")
    if file.exists() and not _is_backup(file):
        raise CallError("it is there already and no backup", file, "Name another file")
    if district is not None and not (district / "district.json").is_file():
        raise CallError("this is no folder of a district", district, "Name one that holds a district.json")
    if content is not None and not content.is_dir():
        raise CallError("there is no such folder", content, "Name the one that `lobeda serve --content` has")
    with tempfile.TemporaryDirectory(prefix=".lobeda-backup-", dir=parent) as name:
        folder = Path(name)
        parts = dict(_databases(folder, progress))
        if not parts:
            raise StoreError(
                "there is no database to back up", shown(database_url()),
                "Set LOBEDA_DATA and LOBEDA_DATABASE_URL as the server has them",
            )  # fmt: skip
        roots = {
            "scenarios": data_folder() / "scenarios",
            "content": content or data_folder() / "content",
            shown_groups.FOLDER: data_folder() / shown_groups.FOLDER,
            "district": district,
        }
        for title, root in roots.items():
            if root is not None and root.is_dir():
                parts |= {f"{title}/{one.relative_to(root).as_posix()}": one for one in _files(root)}
        whole = folder / "whole.zip"
        manifest = _pack(whole, parts, district, progress)
        whole.chmod(0o600)  # it holds hashes of passwords and what residents wrote
        with whole.open("rb+") as handle:
            os.fsync(handle.fileno())
        whole.replace(file)
    return manifest


def restore(
    file: Path,
    into: Path,
    actor: str = "cli",
    *,
    deleted_in: Path | None = None,
    progress: Progress = lambda _text, _share: None,
) -> dict[str, Any]:
    """Puts a backup into the folder `into`, for LOBEDA_DATA; gives its manifest.

    deleted_in : the folder of databases that the backup stands in for, as far as it can be read: what was
        deleted there since is deleted again, and counted in the manifest's ``deleted_again``.

    Where LOBEDA_DATABASE_URL names PostgreSQL, the databases go there, in one transaction. Databases of an
    older version are brought forward.

    actor : who does it, for the record of the accounts that are restored.

    Raises
    ------
    CallError : there is something in the folder or in PostgreSQL already.
    SourceError : the file is no backup, or damaged.
    StoreError : it is of a newer version, or the database cannot be written.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise CallError("there is something already", into, "Name a folder that is empty or not there yet")
    if not into.resolve().parent.is_dir():
        raise CallError("there is no such folder", into.resolve().parent, "Make it, or name another")
    part = into.with_name(f".{into.name}.{os.getpid()}.part")
    try:
        with _opened(file) as (archive, manifest):
            _unpack(archive, manifest, part, file, progress)
        _settle(part, file, actor)
        if deleted_in is not None:
            manifest["deleted_again"] = deletions.repeat(part, deleted_in)
        url = database_url()
        if url.get_backend_name() != "sqlite":
            _to_postgresql(part, url)
        if into.exists():
            into.rmdir()
        part.replace(into)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _databases(folder: Path, progress: Progress) -> Iterator[tuple[str, Path]]:
    """Copies of the databases that are there."""
    url = database_url()
    for name in (SENSORS, *SPACES):
        progress(f"database {name}", float("nan"))
        copy = folder / f"{name}.sqlite"
        if url.get_backend_name() != "sqlite":
            if not _is_there(url, name):
                continue
            if name == SENSORS:
                with Store.open() as store:
                    sensor_backup.backup(store, copy)
            else:
                _dump_space(url, name, copy)
        else:
            own = url.database if name == SENSORS else spaces.address(None, name).database
            if not Path(str(own)).is_file():
                continue
            with reported(url):
                sensor_backup.copy_sqlite(Path(str(own)), copy)
        yield f"databases/{name}.sqlite", copy


def _is_there(url: URL, name: str) -> bool:
    """Whether PostgreSQL holds the tables of a database; looking must not make them."""
    home = "public" if name == SENSORS else name
    with reported(url), _let_go(create_engine(url)) as plain:
        known = sa.inspect(plain)
        return known.has_schema(home) and known.has_table(schema.VERSION_TABLE, schema=home)


def _dump_space(url: URL, space: str, copy: Path) -> None:
    """Reads a space of PostgreSQL into a SQLite file."""
    tables = SPACES[space]
    with (
        reported(url),
        _let_go(spaces.open_engine(url, space, tables)) as source,
        _let_go(spaces.open_engine(URL.create("sqlite", database=str(copy)), space, tables)) as target,
        source.connect().execution_options(isolation_level="REPEATABLE READ") as old,
        target.connect().execution_options(writes=True) as new,
        old.begin(),
        new.begin(),
    ):
        new.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        sensor_backup.copy_tables(old, new, tables.metadata.sorted_tables)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


@contextlib.contextmanager
def _let_go(engine: sa.Engine) -> Iterator[sa.Engine]:
    """The engine, let go at the end."""
    try:
        yield engine
    finally:
        engine.dispose()


def _files(root: Path) -> list[Path]:
    return sorted(one for one in root.rglob("*") if one.is_file() and not one.is_symlink())


def _pack(whole: Path, parts: dict[str, Path], district: Path | None, progress: Progress) -> dict[str, Any]:
    listed: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, (name, path) in enumerate(parts.items()):
            progress(name, number / len(parts))
            digest, size = hashlib.sha256(), 0
            with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as target:
                while piece := source.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
                    target.write(piece)
            listed[name] = {"bytes": size, "sha256": digest.hexdigest()}
        manifest = {
            "format": FORMAT,
            "software": version("lobeda"),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "district": None if district is None else district.resolve().name,
            "files": listed,
            "missing": [name for name in _EXPECTED if f"databases/{name}.sqlite" not in listed],
        }
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
    return manifest


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    """The archive and its manifest, whose names lead nowhere else than into its folders.

    Raises
    ------
    SourceError : it is no backup, or damaged.
    """
    if not file.is_file():
        raise SourceError("there is no such file", file, "Name a backup")
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo(MANIFEST).file_size > _MANIFEST_BYTES_MAX:
                raise ValueError("manifest")
            if any(info.header_offset < 0 for info in archive.infolist()):  # bytes are lost before it
                raise ValueError("offsets")
            manifest = json.loads(archive.read(MANIFEST))
            names = set(archive.namelist()) - {MANIFEST}
            if manifest["format"] != FORMAT:
                raise StoreError("it is from a newer version of this program", file, "Update the program")
            if names != set(manifest["files"]) or not all(map(_is_inside, names)):
                raise ValueError("names")
            yield archive, manifest
    except (
        zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, EOFError, RuntimeError,
    ) as error:  # fmt: skip
        raise SourceError("this is no backup, or it is damaged", file, "Take another one") from error


def _is_backup(file: Path) -> bool:
    try:
        with _opened(file):
            return True
    except SourceError:
        return False


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    plain = not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name
    return plain and len(path.parts) > 1 and path.parts[0] in _FOLDERS


def _unpack(
    archive: zipfile.ZipFile, manifest: dict[str, Any], part: Path, file: Path, progress: Progress
) -> None:
    """Writes the files, none longer than the manifest says and each with its digest."""
    total = sum(int(one["bytes"]) for one in manifest["files"].values())
    part.mkdir(mode=0o700)
    if total > shutil.disk_usage(part).free:
        raise StoreError(f"the disk lacks room for {total / 1e6:.0f} MB", part.parent, "Free space")
    for number, (name, told) in enumerate(manifest["files"].items()):
        progress(name, number / len(manifest["files"]))
        place = part.joinpath(*PurePosixPath(name.removeprefix("databases/")).parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        digest, left = hashlib.sha256(), int(told["bytes"])
        with archive.open(name) as source, place.open("xb") as target:
            while piece := source.read(min(_PIECE, left + 1)):
                left -= len(piece)
                if left < 0:
                    break
                digest.update(piece)
                target.write(piece)
        if left or digest.hexdigest() != told["sha256"]:
            raise SourceError("the backup is damaged", f"{file}: {name}", "Take another one")


def _settle(part: Path, file: Path, actor: str) -> None:
    """Brings the databases forward to this version, ends open sessions, and notes who did it."""
    for name in (SENSORS, *SPACES):
        path = part / f"{name}.sqlite"
        if not path.is_file():
            continue
        address = f"sqlite:///{path}"
        try:
            with closing(sqlite3.connect(path)) as connection:
                sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        except sqlite3.Error:
            sound = False
        if not sound:
            raise SourceError("a database in the backup is damaged", f"{file}: {name}", "Take another one")
        if name == SENSORS:
            Store.open(address).close()
            continue
        url = URL.create("sqlite", database=str(path))
        with reported(url), _let_go(spaces.open_engine(url, name, SPACES[name])) as engine:
            if name == ACCOUNTS:
                with engine.connect().execution_options(writes=True) as writing, writing.begin():
                    writing.execute(sessions.delete())
                    audit.note(writing, actor, "restore", str(file))
    for copy in part.glob("*.sqlite.before-*"):  # the backup itself is one
        copy.unlink()


def _to_postgresql(part: Path, url: URL) -> None:
    """Moves the databases of `part` into PostgreSQL, all in one transaction.

    Raises
    ------
    CallError : one of them holds something there already.
    """
    files = {name: part / f"{name}.sqlite" for name in (SENSORS, *SPACES)}
    files = {name: path for name, path in files.items() if path.is_file()}
    tables = {SENSORS: sensor_tables, **{name: known.metadata for name, known in SPACES.items()}}
    Store.open().close()  # makes the tables
    for name in set(files) - {SENSORS}:
        spaces.open_engine(url, name, SPACES[name]).dispose()
    with (
        reported(url),
        _let_go(create_engine(url)) as engine,
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        for name, path in files.items():
            home = "public" if name == SENSORS else name
            connection.exec_driver_sql(f"SET LOCAL search_path TO {home}")
            for table in tables[name].sorted_tables:
                if table.name != "keys" and _filled(connection, table):
                    raise CallError(
                        f"the database holds {table.name} already", name, "Name an empty database"
                    )
            old_url = URL.create("sqlite", database=str(path))
            with _let_go(create_engine(old_url)) as old, old.connect() as source:
                sensor_backup.copy_tables(source, connection, tables[name].sorted_tables)
            sensor_backup.continue_sequences(connection, tables[name].sorted_tables)
    for path in files.values():
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()


def _filled(connection: sa.Connection, table: sa.Table) -> bool:
    return connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None
