"""The comments' own database: a SQLite file beside the sensors', or a schema of its own in PostgreSQL.

What is deleted is gone from the file: SQLite writes zeros over it (`secure_delete`), and `wipe` takes it out
of the write-ahead log too. The copy that a migration makes outlives deletions; it goes by its own time
(`sensors.store.schema.COPY_DAYS`).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import URL

from viewer import spaces
from viewer.participation.migrations import HEAD
from viewer.participation.tables import metadata

SPACE = "participation"
"""Name of the file and of the PostgreSQL schema."""
TABLES = spaces.Tables(metadata, HEAD, Path(__file__).parent / "migrations")
_WAIT_MS = 30_000


def address(url: str | None = None, space: str = SPACE) -> URL:
    """Where the comments stand, as `spaces.address` says."""
    return spaces.address(url, space)


def open_engine(url: URL, space: str = SPACE) -> Engine:
    """An engine on the comments' tables, as `spaces.open_engine` gives it."""
    return spaces.open_engine(url, space, TABLES)


def wipe(engine: Engine) -> bool:
    """Takes what was deleted out of SQLite's log and of pages that once held it; whether all of it.

    False: somebody was reading or writing; the next time takes it. PostgreSQL frees the rows; its own log and
    backups go by the settings of its administrator.
    """
    connection = engine.raw_connection()
    driver: Any = connection.driver_connection
    try:
        if not spaces.is_sqlite(engine):
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
