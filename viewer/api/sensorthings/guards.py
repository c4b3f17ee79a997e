"""Guards of the database against questions that are too much for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

SECONDS = 20.0
# How often SQLite asks whether to go on, in steps of its virtual machine.
_STEPS = 200_000
# What SQLite says where an expression, not the database, is at fault.
_OF_EXPRESSION = (
    "integer overflow", "tree is too large", "parser stack overflow", "json path", "malformed json",
    "too many", "too big", "too large",
)  # fmt: skip


@contextmanager
def limited(connection: sa.Connection) -> Iterator[None]:
    """Limits the time of what is read inside; lets SQLite know capitals beyond ASCII."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(SECONDS * 1000)}")
        yield
        return
    raw: Any = connection.connection.dbapi_connection
    if not connection.info.get("sensorthings"):
        raw.create_function("lower", 1, _lower, deterministic=True)
        raw.create_function("upper", 1, _upper, deterministic=True)
        connection.info["sensorthings"] = True
    end = time.monotonic() + SECONDS
    raw.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)  # whoever gets the connection next has no limit


def blame(error: DBAPIError, code: str) -> str | None:
    """What a request did wrong, in one sentence; None: it did nothing wrong.

    code : PostgreSQL's SQLSTATE, or empty.
    """
    said = str(error.orig).lower()
    if code == "57014" or said == "interrupted":
        return f"the answer takes longer than {SECONDS:.0f} s; ask for less, or filter by time"
    if code.startswith(("22", "54")) or (not code and any(part in said for part in _OF_EXPRESSION)):
        return "the expression cannot be computed: a number is out of range, or there are too many parts"
    return None


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _upper(text: Any) -> Any:
    return text.upper() if isinstance(text, str) else text
