"""Databases beside the sensors': a SQLite file of their own each, or a schema of its own in PostgreSQL.

``folder/sensors.sqlite`` has the space "accounts" in ``folder/accounts.sqlite``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import URL

from sensors.store import schema
from sensors.store.database import create_engine, database_url


@dataclass(frozen=True)
class Tables:
    """The tables of a space: their newest version and the alembic steps that lead there."""

    metadata: sa.MetaData
    head: str
    steps: Path


def address(url: str | None, space: str) -> URL:
    """Where the space stands: beside the sensors' database that `url` or LOBEDA_DATABASE_URL names.

    Raises
    ------
    CallError : no address of SQLite or PostgreSQL.
    """
    found = database_url(url)
    if found.get_backend_name() != "sqlite":
        return found
    return found.set(database=str(Path(str(found.database)).with_name(f"{space}.sqlite")))


def exists(url: URL, space: str) -> bool:
    """Whether the space is there; looking makes none."""
    if url.get_backend_name() == "sqlite":
        return Path(str(url.database)).is_file()
    engine = create_engine(url)
    try:
        return sa.inspect(engine).has_schema(space)
    finally:
        engine.dispose()


def open_engine(url: URL, space: str, tables: Tables) -> Engine:
    """An engine on the space's tables, made or brought up to this version where needed.

    Raises
    ------
    StoreError : the database is of a newer version, or holds tables of another program.
    """
    engine = create_engine(url)
    statement = "PRAGMA secure_delete=ON" if is_sqlite(engine) else f"SET search_path TO {space}"

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        if not is_sqlite(engine):
            connection.commit()

    try:
        _ready(engine, space, tables)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _ready(engine: Engine, space: str, tables: Tables) -> None:
    with engine.connect() as connection:
        if schema.version(connection) == tables.head:
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if not is_sqlite(engine):
            connection.execute(sa.schema.CreateSchema(space, if_not_exists=True))
        found = schema.version(connection)  # another process may have been faster
        if found != tables.head:
            schema.require_known(connection, found, tables.head, tables.metadata)
            if found is not None:
                schema.keep_copy(connection, tables.head, found, space)
            schema.upgrade(connection, steps=tables.steps)


def is_sqlite(engine: Engine) -> bool:
    """Whether the engine is SQLite's, else it is PostgreSQL's."""
    return engine.dialect.name == "sqlite"
