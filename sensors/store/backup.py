"""Backup and restore. A backup is a SQLite database of the same tables, from either database and for either.

It shows one moment of the store, while feeds go on writing: SQLite copies under one read transaction,
PostgreSQL is read in one repeatable-read transaction. A backup and a restore are whole or leave things as
they were.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.url import URL

from sensors.errors import StoreError
from sensors.store import schema
from sensors.store.database import create_engine, database_url, reported, shown
from sensors.store.migrations import HEAD
from sensors.store.sql import Rows, insert
from sensors.store.store import Store
from sensors.store.tables import metadata
from twin.errors import CallError, SourceError

Progress = Callable[[str, float], None]
_ROWS = 10_000


def backup(store: Store, file: Path, *, progress: Progress = lambda _text, _share: None) -> int:
    """Writes the whole store into `file`; gives its size in bytes.

    Raises
    ------
    CallError : there is no such folder, or `file` is something else than a backup.
    StoreError : the database cannot be read, or the file not be written.
    """
    if not file.resolve().parent.is_dir():
        raise CallError("there is no such folder", file.resolve().parent, "Make it, or name another file")
    if file.exists() and _version(file) is None:
        raise CallError("it is there already and no backup", file, "Name another file")
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with reported(store.engine.url):
            if store.engine.dialect.name == "sqlite":
                copy_sqlite(Path(str(store.engine.url.database)), part)
            else:
                _dump(store.engine, part, progress)
        _to_disk(part)
        part.replace(file)
    except sqlite3.Error as error:
        raise StoreError(
            f"the backup cannot be written: {error}", file, "Look for space and rights"
        ) from error
    finally:
        for left in (part, part.with_name(part.name + "-journal"), part.with_name(part.name + "-wal")):
            left.unlink(missing_ok=True)
    return file.stat().st_size


def restore(
    file: Path,
    url: str | None = None,
    *,
    force: bool = False,
    progress: Progress = lambda _text, _share: None,
) -> None:
    """Puts a backup in place of the store at `url` (None: as in `Store.open`).

    force : also where the store holds something, which is then gone.

    Raises
    ------
    CallError : the store holds something and `force` is not set.
    SourceError : there is no such file.
    StoreError : the file is no backup, or of a newer version; the database cannot be written.
    """
    target = database_url(url)
    _require_backup(file)
    with tempfile.TemporaryDirectory(prefix="lobeda-restore-") as folder:
        source = Path(folder) / "backup.sqlite"
        shutil.copyfile(file, source)
        with Store.open(f"sqlite:///{source}"):
            pass  # brought forward to this version
        with Store.open(url) as store:
            if not force and _holds_something(store):
                raise CallError(
                    "the store holds things or messages already",
                    shown(target),
                    "Back it up, then say --force",
                )
        with reported(target):
            _put(source, target, progress)


def _put(source: Path, target: URL, progress: Progress) -> None:
    if target.get_backend_name() == "sqlite":
        try:
            with (
                closing(sqlite3.connect(source)) as old,
                closing(sqlite3.connect(str(target.database))) as new,
            ):
                new.execute("PRAGMA synchronous=FULL")
                old.backup(new)
        except sqlite3.Error as error:
            raise StoreError(
                f"the backup cannot be put in place: {error}",
                shown(target),
                "End what uses it, and try again",
            ) from error
        return
    engine = create_engine(target)
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            _load(connection, source, progress)
    finally:
        engine.dispose()


def copy_sqlite(database: Path, part: Path) -> None:
    """One moment of a SQLite database, as a file without a log beside it."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")


def _dump(engine: Engine, part: Path, progress: Progress) -> None:
    """Reads PostgreSQL table by table into a new SQLite database."""
    target = create_engine(URL.create("sqlite", database=str(part)))
    try:
        schema.ready(target)
        with (
            engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
            target.connect().execution_options(writes=True) as new,
            connection.begin(),
            new.begin(),
        ):
            new.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for number, table in enumerate(metadata.sorted_tables):
                progress(table.name, number / len(metadata.sorted_tables))
                _copy_table(connection, new, table)
        with target.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA journal_mode=DELETE")  # type: ignore
    finally:
        target.dispose()


def _copy_table(source: Connection, target: Connection, table: sa.Table) -> None:
    """All rows of a table in pages by its key, so that memory does not grow with them."""
    columns = tuple(column.name for column in table.columns)
    shown_columns = [
        sa.cast(column, sa.Text) if isinstance(column.type, sa.JSON) else column for column in table.columns
    ]
    key = list(table.primary_key.columns)
    places = [columns.index(column.name) for column in key]
    query = sa.select(*shown_columns).order_by(*key).limit(_ROWS)
    last: tuple[Any, ...] | None = None
    while True:
        page = query if last is None else query.where(sa.tuple_(*key) > sa.tuple_(*map(_literal, key, last)))
        rows = [tuple(row) for row in source.execute(page)]
        if rows:
            insert(target, Rows(table, columns, rows))
        if len(rows) < _ROWS:
            return
        last = tuple(rows[-1][place] for place in places)


def _literal(column: sa.Column[Any], value: Any) -> sa.ColumnElement[Any]:
    return sa.literal(value, column.type)


def _load(connection: Connection, source: Path, progress: Progress) -> None:
    """Puts a SQLite backup's rows in place of PostgreSQL's, in the connection's transaction."""
    tables = metadata.sorted_tables
    for table in reversed(tables):
        connection.execute(table.delete())
    old_engine = create_engine(URL.create("sqlite", database=str(source)))
    try:
        with old_engine.connect() as old:
            for number, table in enumerate(tables):
                progress(table.name, number / len(tables))
                _copy_table(old, connection, table)
    finally:
        old_engine.dispose()
    continue_sequences(connection, tables)


def copy_tables(source: Connection, target: Connection, tables: Sequence[sa.Table]) -> None:
    """All rows of tables that refer to none behind them."""
    for table in tables:
        _copy_table(source, target, table)


def continue_sequences(connection: Connection, tables: Sequence[sa.Table]) -> None:
    """Lets PostgreSQL go on numbering after the highest number that is there."""
    for table in tables:
        column = table.autoincrement_column
        if column is not None and column.name in ("id", "row_id"):
            name = f"{table.name}_{column.name}_seq"
            highest = sa.select(sa.func.max(column)).scalar_subquery()
            connection.execute(
                sa.select(sa.func.setval(name, sa.func.coalesce(highest, 1), highest.is_not(None)))
            )


def _version(file: Path) -> str | None:
    """The schema version of a backup; None: it is none."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None


def _require_backup(file: Path) -> None:
    if not file.is_file():
        raise SourceError("there is no such file", file, "Name a backup")
    found = _version(file)
    if found is None:
        raise StoreError("this is no backup of the sensors' store", file, "Name another file")
    if not found.isdigit() or int(found) > int(HEAD):
        raise StoreError(f"it is from a newer version of this program (schema {found})", file, "Update it")
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            state = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        state = str(error)
    if state != "ok":
        raise StoreError(f"the backup is damaged: {state}", file, "Take another one")


def _holds_something(store: Store) -> bool:
    with store.connect() as connection:
        return any(
            connection.execute(sa.select(sa.literal(1)).select_from(metadata.tables[name]).limit(1)).first()
            for name in ("things", "locations", "sensors", "observed_properties", "observations", "set_aside")
        )


def _to_disk(file: Path) -> None:
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())
