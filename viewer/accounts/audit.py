"""The record of who did what and when. It is only ever added to; the database refuses anything else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.times import from_us, now_us
from viewer.accounts.tables import audit

if TYPE_CHECKING:
    from viewer.accounts.store import Accounts

_LENGTH_MAX = 300


@dataclass(frozen=True)
class Entry:
    """Who did what to which thing, and when."""

    at: datetime
    actor: str
    action: str
    object: str


def note(connection: Connection, actor: str, action: str, thing: str, now: int | None = None) -> None:
    """Adds an entry, in the connection's transaction: what is done to accounts is recorded, or not done.

    What is done elsewhere is noted before it is done (`viewer.accounts.requests`, `.recording`).

    actor : an account's name, ``ACCOUNT/TOKEN``, ``link:NAME``, ``token:NAME`` of a sensor token,
        ``cli:USER``, ``terminal`` or ``retention``.
    thing : what it was done to; never a secret.
    """
    connection.execute(
        audit.insert().values(
            made_at=now_us() if now is None else now,
            actor=actor[:_LENGTH_MAX],
            action=action,
            object=thing[:_LENGTH_MAX],
        )
    )


def entries(accounts: Accounts, limit: int = 100, since: datetime | None = None) -> list[Entry]:
    """The newest entries, newest first."""
    query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(audit.c.made_at >= round(since.timestamp() * 1e6))
    with accounts.connect() as connection:
        rows = connection.execute(query).all()
    return [Entry(from_us(row.made_at), row.actor, row.action, row.object) for row in rows]
