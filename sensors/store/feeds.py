"""What feeds keep: messages set aside, counters, and where they stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from sensors.store.tables import feed_counters, feed_state, set_aside
from sensors.times import now_us

BEAT = "beat"
"""The key under which a feed of `lobeda sensors ingest` says now and then how it is."""


def put_aside(connection: Connection, feed: str, device: str, reason: str, payload: str) -> None:
    """Keeps a message whole that nobody can store yet."""
    connection.execute(
        set_aside.insert().values(
            feed=feed, device=device, reason=reason, payload=payload.replace("\0", "�"), received_at=now_us()
        )
    )


def count(connection: Connection, feed: str, increments: Mapping[str, int]) -> None:
    """Adds to the counters of a feed."""
    for counter, increment in sorted(increments.items()):
        new = _insert(connection, feed_counters).values(feed=feed, counter=counter, value=increment)
        connection.execute(
            new.on_conflict_do_update(
                index_elements=["feed", "counter"],
                set_={"value": feed_counters.c.value + new.excluded.value},
            )
        )


def counters(connection: Connection) -> pd.DataFrame:
    """All counters: feed, counter, value."""
    rows = connection.execute(
        sa.select(feed_counters).order_by(feed_counters.c.feed, feed_counters.c.counter)
    )
    return pd.DataFrame(rows.all(), columns=["feed", "counter", "value"])


def state(connection: Connection, feed: str, key: str) -> Any | None:
    """What a feed noted under `key`; None: nothing."""
    own = sa.and_(feed_state.c.feed == feed, feed_state.c.key == key)
    return connection.execute(sa.select(feed_state.c.value).where(own)).scalar()


def put_state(connection: Connection, feed: str, key: str, value: Any) -> None:
    """Notes `value` (any JSON) under `key`, in place of what stood there; None clears it."""
    own = sa.and_(feed_state.c.feed == feed, feed_state.c.key == key)
    connection.execute(feed_state.delete().where(own))
    if value is not None:
        connection.execute(feed_state.insert().values(feed=feed, key=key, value=value, changed_at=now_us()))


def beats(connection: Connection) -> pd.DataFrame:
    """The feeds that another process runs, as they said last: feed, state, age in seconds."""
    query = sa.select(feed_state.c.feed, feed_state.c.value, feed_state.c.changed_at)
    rows = connection.execute(query.where(feed_state.c.key == BEAT).order_by(feed_state.c.feed)).all()
    now = now_us()
    told = [(row.feed, str(row.value), (now - row.changed_at) / 1e6) for row in rows]
    return pd.DataFrame(told, columns=["feed", "state", "age_s"])


def _insert(connection: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
