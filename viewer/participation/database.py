"""The comments' own database: a SQLite file beside the sensors', or a schema of its own in PostgreSQL.

What is deleted is gone from the file: SQLite writes zeros over it (`secure_delete`), and `wipe` takes it out
of the write-ahead log too. No copy is made before a migration, since a copy would outlive deletions; a
migration is whole or not at all anyway.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import URL

from sensors.store import schema
from sensors.store.database import create_engine, database_url
from viewer.participation.migrations import HEAD
from viewer.participation.tables import metadata

SPACE = "participation"
"""Name of the file and of the PostgreSQL schema."""
_WAIT_MS = 30_000
_STEPS = Path(__file__).parent / "migrations"


def address(url: str | None = None, space: str = SPACE) -> URL:
    """Where the comments stand: beside the sensors' database that `url` or LOBEDA_DATABASE_URL names.

    ``folder/sensors.sqlite`` has them in ``folder/participation.sqlite``.

    Raises
    ------
    CallError : no address of SQLite or PostgreSQL.
    """
    found = database_url(url)
    if found.get_backend_name() != "sqlite":
        return found
    return found.set(database=str(Path(str(found.database)).with_name(f"{space}.sqlite")))


def open_engine(url: URL, space: str = SPACE) -> Engine:
    """An engine on the tables, made or brought up to this version where needed.

    Raises
    ------
    StoreError : the database is of a newer version, or holds tables of another program.
    """
    engine = create_engine(url)
    statement = "PRAGMA secure_delete=ON" if _is_sqlite(engine) else f"SET search_path TO {space}"

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        if not _is_sqlite(engine):
            connection.commit()

    try:
        _ready(engine, space)
    except BaseException:
        engine.dispose()
        raise
    return engine


def wipe(engine: Engine) -> bool:
    """Takes what was deleted out of SQLite's log and of pages that once held it; whether all of it.

    False: somebody was reading or writing; the next time takes it. PostgreSQL frees the rows; its own log and
    backups go by the settings of its administrator.
    """
    connection = engine.raw_connection()
    driver: Any = connection.driver_connection
    try:
        if not _is_sqlite(engine):
            driver.autocommit = True
            try:
                driver.cursor().execute("VACUUM comments, votes, decisions")
            finally:
                driver.autocommit = False
            return True
        driver.execute("PRAGMA busy_timeout=2000")
        try:
            driver.execute("VACUUM")
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            driver.execute(f"PRAGMA busy_timeout={_WAIT_MS}")
        return not busy
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()


def _ready(engine: Engine, space: str) -> None:
    with engine.connect() as connection:
        if schema.version(connection) == HEAD:
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if not _is_sqlite(engine):
            connection.execute(sa.schema.CreateSchema(space, if_not_exists=True))
        found = schema.version(connection)  # another process may have been faster
        if found != HEAD:
            schema.require_known(connection, found, HEAD, metadata)
            schema.upgrade(connection, steps=_STEPS)


def _is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"
