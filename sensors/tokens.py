"""Tokens of programs that may read or write; the database keeps only their digests."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sensors.iso8601 import DAY
from sensors.store import Store
from sensors.store.tables import tokens
from sensors.times import from_us, now_us
from twin.errors import CallError

SENSORTHINGS_READ = "sensorthings:read"
SENSORTHINGS_WRITE = "sensorthings:write"
UPLINKS_WRITE = "uplinks:write"
SCOPES = (SENSORTHINGS_READ, SENSORTHINGS_WRITE, UPLINKS_WRITE)
DAYS, DAYS_MAX = 365, 1096
"""How long a token lasts where nothing is said, and at most: three years."""


def create(store: Store, name: str, scopes: Collection[str], days: int = DAYS) -> str:
    """A new token, which nobody can read again.

    Parameters
    ----------
    name : says whose it is; unique.
    scopes : what it is good for, of `SCOPES`.
    days : how long.

    Raises
    ------
    CallError : the name is taken or empty, a scope is unknown, or it would last too long.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        wanted = f"there is no scope {unknown[0]}" if unknown else "a token needs a scope"
        raise CallError(wanted, "--scope", f"Use {' or '.join(SCOPES)}")
    if not 1 <= days <= DAYS_MAX:
        raise CallError(f"{days} days is no life of a token", "--days", f"Use 1 to {DAYS_MAX}")
    if not name.strip():
        raise CallError("a token needs a name", "token")
    token = secrets.token_urlsafe(32)
    now = now_us()
    with store.transaction() as connection:
        if connection.execute(sa.select(tokens.c.id).where(tokens.c.name == name)).first() is not None:
            raise CallError(f"there is a token {name} already", "token", "Revoke it, or take another name")
        connection.execute(
            tokens.insert().values(
                name=name,
                digest=digest(token),
                scope=" ".join(sorted(set(scopes))),
                created_at=now,
                ends_at=now + days * DAY,
            )
        )
    return token


@dataclass(frozen=True)
class Holder:
    """Who shows a token: its name, and what it is good for."""

    name: str
    scopes: frozenset[str]


NOBODY = Holder("", frozenset())


def holder(store: Store, token: str) -> Holder:
    """Whose token it is; `NOBODY`: it is none, or no longer."""
    wanted = digest(token)
    with store.connect() as connection:
        row = connection.execute(sa.select(tokens).where(tokens.c.digest == wanted)).first()
    if row is None or not hmac.compare_digest(row.digest, wanted):
        return NOBODY
    if row.ends_at is not None and row.ends_at <= now_us():
        return NOBODY
    return Holder(row.name, frozenset(row.scope.split()))


def revoke(store: Store, name: str) -> None:
    """Make a token worthless.

    Raises
    ------
    CallError : there is none of this name.
    """
    with store.transaction() as connection:
        if connection.execute(tokens.delete().where(tokens.c.name == name)).rowcount == 0:
            raise CallError(f"there is no token {name}", "token", "`lobeda sensors token list` shows them")


@dataclass(frozen=True)
class Listed:
    """What is known of a token; `ends_at` None: until it is revoked, as those of older versions were."""

    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    ends_at: datetime | None


def listed(store: Store) -> list[Listed]:
    """All tokens by name, never themselves."""
    with store.connect() as connection:
        rows = connection.execute(sa.select(tokens).order_by(tokens.c.name)).all()
    return [
        Listed(
            row.name,
            tuple(row.scope.split()),
            from_us(row.created_at),
            None if row.ends_at is None else from_us(row.ends_at),
        )
        for row in rows
    ]


def digest(token: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
