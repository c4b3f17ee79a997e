"""How long values are kept: observations as they came, then their hours and days only, then nothing.

Of the rules that fit a datastream the most particular holds: one that names its kind and property goes before
one that names the property alone, then the kind alone, then none. Without a rule everything is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.store.calendar import day_start
from sensors.store.purge import purge
from sensors.store.rollups import LIVE, latest_again
from sensors.store.store import Store
from sensors.store.tables import (
    daily,
    datastreams,
    findings,
    hourly,
    observations,
    observed_properties,
    retention_rules,
    things,
)
from sensors.times import from_us, now_us, to_us
from twin.errors import CallError

_ROWS = 20_000


@dataclass(frozen=True)
class Kept:
    """What a run of the rules removed: rows of observations (all versions), of hours and days, and Things."""

    observations: int = 0
    rolled_up: int = 0
    things: int = 0


def rules(store: Store) -> pd.DataFrame:
    """The rules; index id."""
    with store.connect() as connection:
        found = connection.execute(sa.select(retention_rules).order_by(retention_rules.c.id))
        return pd.DataFrame(found.all(), columns=list(found.keys())).set_index("id")


def set_rule(
    store: Store,
    keep_raw_days: int | None,
    keep_days: int | None,
    *,
    kind: str = "",
    observed_property: str = "",
) -> None:
    """Sets the rule for a kind of Things and an observed property; empty: any. None: for ever.

    Raises
    ------
    CallError : the days are not possible.
    """
    if any(days is not None and days < 1 for days in (keep_raw_days, keep_days)):
        raise CallError("a rule keeps at least one day", "retention", "Name 1 day or more")
    if keep_days is not None and (keep_raw_days is None or keep_raw_days > keep_days):
        keep_raw_days = keep_days
    own = sa.and_(retention_rules.c.kind == kind, retention_rules.c.observed_property == observed_property)
    with store.transaction() as connection:
        connection.execute(retention_rules.delete().where(own))
        connection.execute(
            retention_rules.insert().values(
                kind=kind,
                observed_property=observed_property,
                keep_raw_days=keep_raw_days,
                keep_days=keep_days,
            )
        )


def drop_rule(store: Store, rule_id: int) -> None:
    """Removes a rule.

    Raises
    ------
    CallError : there is no such rule.
    """
    with store.transaction() as connection:
        done = connection.execute(retention_rules.delete().where(retention_rules.c.id == rule_id))
    if not done.rowcount:
        raise CallError("there is no such rule", f"retention rule {rule_id}", "See: lobeda sensors retention")


def apply(store: Store, *, now: int | None = None) -> Kept:
    """Removes what the rules do not keep, in many short transactions, so that feeds go on.

    Cut off in the middle it goes on the next time.
    """
    now = now_us() if now is None else now
    raw_rows = rolled = gone = 0
    for stream, raw_days, days in _datastreams(store):
        if days is not None:
            rolled += _drop_rolled_up(store, stream, _before(now, days))
        if raw_days is not None:
            raw_rows += _drop_raw(store, stream, _before(now, raw_days))
    for thing_id, days in _deleted_things(store):
        with store.connect() as connection:
            changed = connection.execute(
                sa.select(things.c.changed_at).where(things.c.id == thing_id)
            ).scalar()
        if days is not None and changed is not None and changed < _before(now, days):
            removed = purge(store, thing_id, wipe=False)
            raw_rows += removed.observations
            gone += 1
    return Kept(raw_rows, rolled, gone)


def _before(now: int, days: int) -> int:
    """Start of the Berlin day, `days` ago: hours and days are dropped whole."""
    return day_start(to_us(from_us(now) - timedelta(days=days)))


_RULE = sa.select(
    retention_rules.c.kind,
    retention_rules.c.observed_property,
    retention_rules.c.keep_raw_days,
    retention_rules.c.keep_days,
)


def _fitting(connection: Connection) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    return {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(_RULE)}


def _datastreams(store: Store) -> list[tuple[int, int | None, int | None]]:
    """Datastreams with their rule's days for observations and for everything."""
    with store.connect() as connection:
        fitting = _fitting(connection)
        rows = connection.execute(
            sa.select(datastreams.c.id, things.c.kind, observed_properties.c.name)
            .join(things, things.c.id == datastreams.c.thing_id)
            .join(observed_properties, observed_properties.c.id == datastreams.c.observed_property_id)
            .order_by(datastreams.c.id)
        ).all()
    found = []
    for stream, kind, name in rows:
        for key in ((kind, name), ("", name), (kind, ""), ("", "")):
            if key in fitting:
                found.append((int(stream), *fitting[key]))
                break
    return found


def _deleted_things(store: Store) -> list[tuple[int, int | None]]:
    """Deleted Things and how many days their tombstones are kept."""
    with store.connect() as connection:
        fitting = _fitting(connection)
        rows = connection.execute(sa.select(things.c.id, things.c.kind).where(things.c.deleted)).all()
    none = (None, None)
    return [(int(row[0]), fitting.get((row[1], ""), fitting.get(("", ""), none))[1]) for row in rows]


def _drop_rolled_up(store: Store, stream: int, before: int) -> int:
    with store.transaction() as connection:
        connection.execute(
            findings.delete().where(findings.c.datastream_id == stream, findings.c.end < before)
        )
        return sum(
            connection.execute(
                table.delete().where(table.c.datastream_id == stream, table.c.start < before)
            ).rowcount
            for table in (hourly, daily)
        )


def _drop_raw(store: Store, stream: int, before: int) -> int:
    """Freezes the roll-ups, then removes observations with all their versions, some thousand at a time."""
    o = observations.c
    with store.transaction() as connection:
        for table in (hourly, daily):
            connection.execute(
                table.update()
                .where(table.c.datastream_id == stream, table.c.start < before, sa.not_(table.c.frozen))
                .values(frozen=True)
            )
        # Tombstones first: they are in no index, so one pass takes all of them.
        dead = sa.select(o.id).where(o.datastream_id == stream, o.deleted, o.phenomenon_time < before)
        gone = connection.execute(observations.delete().where(o.id.in_(dead))).rowcount
    while True:
        with store.transaction() as connection:
            page = (
                sa.select(o.id)
                .where(LIVE, o.datastream_id == stream, o.phenomenon_time < before)
                .order_by(o.phenomenon_time)
                .limit(_ROWS)
            )
            ids = page.subquery()
            done = connection.execute(observations.delete().where(o.id.in_(sa.select(ids.c.id)))).rowcount
            latest_again(connection, [stream] if done else [])
        gone += done
        if not done:
            return gone
