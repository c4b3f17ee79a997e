"""Pages that stay the same while others write: a page begins behind the last row of the one before."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.sql import Dialect, Expression, Postgres


@dataclass(frozen=True)
class Term:
    """What rows are sorted by. Null is less than all else."""

    sql: Expression
    descending: bool
    nullable: bool


def sorted_by(dialect: Dialect, term: Term) -> Any:
    """A term for ORDER BY."""
    ordered = term.sql.desc() if term.descending else term.sql.asc()
    if not term.nullable or not isinstance(dialect, Postgres):
        return ordered  # SQLite takes null as the least by itself
    return ordered.nulls_last() if term.descending else ordered.nulls_first()


def after(terms: Sequence[Term], values: Sequence[Any]) -> Expression:
    """Whether a row comes behind the one that had these values."""
    options = []
    for index, (term, value) in enumerate(zip(terms, values, strict=True)):
        same = [_same(t, v) for t, v in zip(terms[:index], values[:index], strict=True)]
        options.append(sa.and_(*same, _behind(term, value)))
    return sa.or_(*options)


def _same(term: Term, value: Any) -> Expression:
    return term.sql.is_(None) if value is None else term.sql == _literal(value)


def _behind(term: Term, value: Any) -> Expression:
    if value is None:
        return sa.false() if term.descending else term.sql.is_not(None)
    if not term.descending:
        return term.sql > _literal(value)
    less = term.sql < _literal(value)
    return sa.or_(less, term.sql.is_(None)) if term.nullable else less


def _literal(value: Any) -> Expression:
    if isinstance(value, bool):
        return sa.literal(value, sa.Boolean)
    if isinstance(value, int):
        return sa.literal(value, sa.BigInteger)
    return sa.literal(value, sa.Double if isinstance(value, float) else sa.Text)


def write_token(values: Sequence[Any]) -> str:
    """The values of the last row of a page, for the link to the next."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def read_token(token: str, count: int) -> list[Any]:
    """The values of a token.

    Raises
    ------
    BadRequestError : it is none, or belongs to another order.
    """
    try:
        values = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or len(values) != count or not all(map(_is_plain, values)):
        raise BadRequestError("$skiptoken is none of this set's links")
    return values


def _is_plain(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**63
    return value is None or isinstance(value, bool | float | str)
