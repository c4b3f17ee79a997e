"""Writing many rows at once, and choosing by many ids, as fast as each database can."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, OperationalError


class Rows(NamedTuple):
    """Rows to insert: JSON columns are given as text; `conflict` is an ON CONFLICT clause, or nothing."""

    table: sa.Table
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    conflict: str = ""


def insert(connection: Connection, *parts: Rows) -> None:
    """Inserts into several tables, with as few round trips as the database allows.

    SQLite's driver is called directly: SQLAlchemy's own accounts take longer there than the statements.
    """
    if connection.dialect.name == "sqlite":
        for part in parts:
            statement = _sqlite_insert(part.table.name, part.columns) + part.conflict
            with _sqlite(connection, statement) as driver:
                driver.executemany(statement, part.rows)
        return
    statements = [_postgres_insert(part.table, part.columns) + part.conflict for part in parts]
    before = ", ".join(f"part{number} AS ({one})" for number, one in enumerate(statements[:-1]))
    arrays = [array(column) for part in parts for column in zip(*part.rows, strict=True)]
    connection.exec_driver_sql((f"WITH {before} " if before else "") + statements[-1], tuple(arrays))


def ask(connection: Connection, sqlite: str, postgres: str, *given: Any) -> Sequence[Any]:
    """The rows of a query, worded for each database."""
    if connection.dialect.name != "sqlite":
        return connection.exec_driver_sql(postgres, given).all()
    with _sqlite(connection, sqlite) as driver:
        return list(driver.execute(sqlite, given).fetchall())


@contextmanager
def _sqlite(connection: Connection, statement: str) -> Iterator[sqlite3.Connection]:
    """The driver's connection; its errors as SQLAlchemy would give them."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    try:
        yield driver
    except sqlite3.IntegrityError as error:
        raise IntegrityError(statement, None, error) from error
    except sqlite3.DatabaseError as error:
        raise OperationalError(statement, None, error) from error


@lru_cache(maxsize=64)
def _sqlite_insert(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))}) "


@lru_cache(maxsize=64)
def _postgres_insert(table: sa.Table, columns: tuple[str, ...]) -> str:
    """All rows in one statement, an array a column; the driver has no other way to send many at once."""
    names = ", ".join(f'"{name}"' for name in columns)
    arrays = ", ".join(f"CAST(%s AS {_postgres_type(table.c[name])}[])" for name in columns)
    values = ", ".join(
        f'"{name}"::json' if isinstance(table.c[name].type, sa.JSON) else f'"{name}"' for name in columns
    )
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM unnest({arrays}) AS r({names}) "


def _postgres_type(column: sa.Column[Any]) -> str:
    if isinstance(column.type, sa.Double):
        return "double precision"
    if isinstance(column.type, sa.Boolean):
        return "boolean"
    return "bigint" if isinstance(column.type, sa.Integer) else "text"  # JSON too: it arrives as text


def array(values: Sequence[Any]) -> str:
    """The text of a PostgreSQL array; the driver would go through its elements one by one in Python."""
    if any(isinstance(value, str) for value in values):
        return "{" + ",".join("NULL" if value is None else _quoted(value) for value in values) + "}"
    return "{" + ",".join(map(str, values)).replace("None", "NULL") + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def chosen(connection: Connection, values: Iterable[int]) -> sa.TextClause:
    """Any number of whole numbers as a subquery for `.in_()`, in one parameter."""
    text = (
        "SELECT value FROM json_each(:chosen)"
        if connection.dialect.name == "sqlite"
        else "SELECT value::bigint FROM json_array_elements_text(CAST(:chosen AS json))"
    )
    value: sa.BindParameter[str] = sa.bindparam("chosen", json.dumps(sorted(values)), unique=True)
    return sa.text(text.replace("::", r"\:\:")).bindparams(value)
