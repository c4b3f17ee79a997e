"""How the database is reached: SQLite in a file by default, PostgreSQL by address."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InvalidatePoolError,
    NoSuchModuleError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from sensors.errors import ObservationError, StoreError
from twin.errors import CallError

# One writer at a time on PostgreSQL too: the number of an advisory lock.
WRITER_LOCK = int.from_bytes(b"lobeda", "big")
_WAIT_SECONDS = 30
_CONNECT_S = 5.0  # a machine that swallows what it is sent would hold a thread for minutes
_SOCKETS = "/var/run/postgresql"  # Debian's folder for them
_TRUSTED_S = 2.0  # a connection that was used so lately is taken for alive
_FULL = ("database or disk is full", "disk I/O error", "No space left", "53100", "53200")
_NOT_OURS = ("file is not a database", "file is encrypted", "malformed")


def database_url(url: str | None = None) -> URL:
    """The address to use: `url`, else LOBEDA_DATABASE_URL, else a file in the data folder.

    Raises
    ------
    CallError : no address of SQLite or PostgreSQL.
    """
    named = url or os.environ.get("LOBEDA_DATABASE_URL")
    if not named:
        return URL.create("sqlite", database=str(data_folder() / "sensors.sqlite"))
    try:
        parsed = make_url(named)
    except ArgumentError:
        raise _no_address("the database's address cannot be read") from None
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+pg8000")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise _no_address(f"{parsed.drivername} is not a database that the store knows")
    if parsed.database in (None, "", ":memory:"):
        raise _no_address("a database in memory loses what it acknowledged")
    return parsed


def _no_address(what: str) -> CallError:
    return CallError(
        what, "LOBEDA_DATABASE_URL", "Name sqlite:////folder/file.sqlite or postgresql://user@host/database"
    )


def data_folder() -> Path:
    """Where the store's file stands: LOBEDA_DATA, else the user's data folder."""
    named = os.environ.get("LOBEDA_DATA")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "lobeda"


def shown(url: URL) -> str:
    """The address without its password, for messages."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.render_as_string(hide_password=True)


def create_engine(url: URL) -> Engine:
    """An engine whose commits are on the disk when they return, and whose transactions begin as asked for.

    Raises
    ------
    CallError : the driver of the address is not installed.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    ways = {"timeout": _CONNECT_S} | _socket(url)
    plain = url.difference_update_query(["host"])
    try:
        engine = sa.create_engine(
            plain, connect_args=ways, pool_size=10, max_overflow=20, pool_timeout=30, hide_parameters=True
        )
    except NoSuchModuleError:
        raise _no_address(f"{url.drivername} is not installed") from None
    if isinstance(engine.pool.logger, logging.Logger):
        engine.pool.logger.addFilter(_in_one_line)  # once, however many engines

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _record: Any) -> None:
        connection._usock.settimeout(None)  # the limit is on finding the server, not on its work
        cursor = connection.cursor()
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.close()
        connection.commit()

    @event.listens_for(engine, "checkin")
    def used(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def alive(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        # Asking each time would be a third of a single observation's time.
        if time.monotonic() - record.info.get("used", -math.inf) < _TRUSTED_S:
            return
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT 1")
            cursor.close()
            connection.rollback()
        except Exception as error:  # whatever the driver says: another connection is tried
            raise InvalidatePoolError from error

    @event.listens_for(engine, "handle_error")
    def ended(context: sa.engine.ExceptionContext) -> None:
        error = context.original_exception
        said = error.args[0] if error.args else None
        if isinstance(said, dict) and str(said.get("C", "")).startswith("57P"):
            context.is_disconnect = True  # the server was told to end; it says so before it hangs up

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    return engine


def _in_one_line(record: logging.LogRecord) -> bool:
    """What the pool says of a dead connection, which it only throws away, without its traceback."""
    error = record.exc_info[1] if record.exc_info else None
    known = ("pg8000.", "sqlalchemy.exc")
    if isinstance(error, Exception) and (
        isinstance(error, OSError) or type(error).__module__.startswith(known)
    ):
        record.msg, record.args = f"a connection to the database broke: {_said(error).splitlines()[0]}", ()
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True


def _socket(url: URL) -> dict[str, str]:
    """The server's socket on this machine, where the address names no host, or a folder as host.

    So do PostgreSQL's own programs; Debian's server lets people of this machine in by it without a password.
    """
    folder = url.query.get("host", "")
    if url.host or not isinstance(folder, str):
        return {}
    return {"unix_sock": f"{folder or _SOCKETS}/.s.PGSQL.{url.port or 5432}"}


def _sqlite_engine(url: URL) -> Engine:
    """SQLite in WAL mode with `synchronous=FULL`: what is committed survives a power cut."""
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    options = {"timeout": _WAIT_SECONDS, "cached_statements": 256}
    engine = sa.create_engine(url, connect_args=options, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where the event below says, not by guessing
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-32768",
            "mmap_size=268435456",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def reported(url: URL) -> Iterator[None]:
    """Turns the drivers' errors into one line; a broken rule of the data stays what it is.

    Raises
    ------
    StoreError : the database cannot be reached, is full, or is not one of this program's.
    ObservationError : the database cannot hold a value.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, sa.exc.TimeoutError, OSError) as error:
        code = postgres_code(error)
        if code.startswith("22"):
            raise ObservationError(_said(error), shown(url), "Correct the value") from error
        if code.startswith("23"):  # pg8000 has an error of its own for duplicates only
            raise IntegrityError(error.statement, error.params, error.orig) from error  # type: ignore
        raise as_store_error(error, url) from error


class Opened:
    """A database that is open until `close`, and the ways into it that all stores share."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def close(self) -> None:
        """Lets the database go."""
        self.engine.dispose()

    def answers(self) -> bool:
        """Whether the database does, asked now."""
        try:
            with self.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except StoreError:
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection for reading: one state of the database from its first query on."""
        with reported(self.engine.url), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection for writing, committed at the end and rolled back on an error."""
        with self.connect() as connection:
            writing = connection.execution_options(writes=True)
            with writing.begin():
                yield writing


def postgres_code(error: Exception) -> str:
    """PostgreSQL's SQLSTATE of a driver's error; empty: it has none."""
    said = error.orig.args if isinstance(error, DBAPIError) and error.orig is not None else ()
    return str(said[0].get("C", "")) if said and isinstance(said[0], dict) else ""


def _said(error: Exception) -> str:
    """The driver's message; PostgreSQL's without the places in its source."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first = origin.args[0] if origin.args else ""
    return f"{first['M']} ({first['C']})" if isinstance(first, dict) and "M" in first else str(origin)


def as_store_error(error: Exception, url: URL) -> StoreError:
    """What a driver's error means for the user."""
    said = _said(error)
    if any(word in said for word in _FULL):
        return StoreError("the database's disk is full", shown(url), "Free space; nothing is lost meanwhile")
    if any(word in said for word in _NOT_OURS):
        return StoreError("this is not a database, or it is damaged", shown(url), "Restore a backup")
    if isinstance(error, FileExistsError | NotADirectoryError):
        return StoreError("the folder of data is a file", error.filename, "Name a folder as LOBEDA_DATA")
    if "locked" in said:
        return StoreError("another program keeps the database locked", shown(url), "End it, or wait")
    return StoreError(
        f"the database cannot be used: {said.splitlines()[0][:200] if said else type(error).__name__}",
        shown(url),
        "Look whether it runs and may be written",
    )
