"""How long the record and closed accounts are kept: by rule, and that something was removed is an entry."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from sensors.repeating import Repeating
from sensors.steady import Steady
from sensors.store import schema
from sensors.times import from_us, now_us, to_us
from twin.errors import CallError
from viewer.accounts import audit, tables
from viewer.accounts.store import SPACE, Accounts

LOG = logging.getLogger(__name__)
MONTHS, MONTHS_MIN = 24, 4
"""Kept without a rule, and at least: the database itself keeps three months against anybody."""
TOKEN_DAYS = 30
"""How long a token or a resident's link stands in the list after its end. [d]"""
ACTOR = "retention"
LOOK_S = 3600.0
_MONTH = timedelta(days=30.44)


def shorten(accounts: Accounts, months: int, *, now: int) -> int:
    """Remove entries that are `months` old or older; how many.

    Raises
    ------
    CallError : fewer months than must be kept.
    """
    if months < MONTHS_MIN:
        raise CallError(
            f"the record is kept for {MONTHS_MIN} months at least", "--keep-record-months", "Name more"
        )
    end = from_us(now) - months * _MONTH
    with accounts.transaction() as connection:
        old = tables.audit.delete().where(tables.audit.c.made_at <= to_us(end))
        gone = connection.execute(old).rowcount
        if gone:
            audit.note(connection, ACTOR, "record.shorten", f"{gone} entries until {end:%Y-%m-%d}", now)
    return gone


def forget(accounts: Accounts, months: int, *, now: int) -> int:
    """Remove tokens and links `TOKEN_DAYS` after their end, and accounts disabled `months` ago; how many.

    months : as the record is kept, which goes on naming them until then.
    """
    ended = tables.tokens.c.ends_at <= to_us(from_us(now) - timedelta(days=TOKEN_DAYS))
    left = tables.accounts.c.disabled_at <= to_us(from_us(now) - months * _MONTH)
    with accounts.transaction() as connection:
        gone = sa.select(tables.accounts.c.id).where(left)
        for table in (tables.sessions, tables.tokens):
            connection.execute(table.delete().where(table.c.account_id.in_(gone)))
        count = connection.execute(tables.tokens.delete().where(ended)).rowcount
        count += connection.execute(tables.accounts.delete().where(left)).rowcount
        if count:
            audit.note(connection, ACTOR, "accounts.forget", f"{count} ended tokens and accounts", now)
    return int(count)


class RecordKeeper(Repeating):
    """Keeps to the rule while the server runs; waits where the clock has jumped (`sensors.steady`)."""

    def __init__(
        self,
        accounts: Accounts,
        months: int = MONTHS,
        clock: Callable[[], int] = now_us,
        steady: Steady | None = None,
    ) -> None:
        watched = steady or Steady(clock)

        def work() -> None:
            if watched.believed(_newest(accounts), "shortening the record"):
                forget(accounts, months, now=clock())
                schema.forget_copies(accounts.engine, from_us(clock()), SPACE)
                shorten(accounts, months, now=clock())

        super().__init__(
            "record", work, every_s=LOOK_S, failed=lambda error: LOG.warning("the record waits: %s", error)
        )


def _newest(accounts: Accounts) -> int | None:
    query = sa.select(tables.audit.c.made_at).order_by(tables.audit.c.id.desc()).limit(1)
    with accounts.connect() as connection:
        found: int | None = connection.execute(query).scalar()
    return found
