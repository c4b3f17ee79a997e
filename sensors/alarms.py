"""Alarms: a sensor that went silent, a battery that runs low, a weak signal, values that fail the checks.

What is the matter now is a pure function of what is known of the streams and of the time (`standing`);
`watch` holds it against the table of alarms: raised once, ended when it is over, acknowledged by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors import units
from sensors.quality.rules import words_of
from sensors.quality.run import interval_us
from sensors.series import usual_interval_us
from sensors.store import Store
from sensors.store.tables import alarms as alarms_table
from sensors.store.tables import datastreams, latest, things
from sensors.store.tables import observations as o
from sensors.times import from_us, now_us
from twin import assets
from twin.errors import CallError

AlarmKind = Literal["silent", "battery", "signal", "quality"]
KINDS: tuple[AlarmKind, ...] = ("silent", "battery", "signal", "quality")

RECENT = 30
"""Observations of each stream that are looked at."""
MISSED = 3.0
"""Usual intervals without a word after which a sensor is silent."""
LEAST_SILENCE_US = 30_000_000
"""However often a sensor sends, it is not called silent sooner."""
LIVE_US = 26 * 3_600_000_000
"""Observations that come later than this after their time are a file's history, whose end is no silence."""
FAILING = (0.5, 0.2)
"""Share of bad values in the recent ones that raises the alarm of quality, and that ends it."""
FEWEST = 6
"""Recent values that a share is reckoned from."""
_LOW_OF = 3
"""Recent values whose median is held against the limits of battery and signal."""


@dataclass(frozen=True)
class StreamState:
    """What is known of a datastream. Times in µs; recent values oldest first.

    expected_us : interval at which it should send; nan: learnt from `times`.
    received : when the latest one came in.
    """

    datastream_id: int
    thing_id: int
    property: str
    unit: str
    times: Sequence[int]
    values: Sequence[float] = ()
    flags: Sequence[int] = ()
    expected_us: float = float("nan")
    received: int | None = None


@dataclass(frozen=True)
class Alarm:
    """Something the matter with a Thing, or with one of its streams where `datastream_id` is set."""

    kind: AlarmKind
    thing_id: int
    datastream_id: int | None
    began_at: int
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int, int | None]:
        """What makes it the same alarm."""
        return self.kind, self.thing_id, self.datastream_id


@dataclass(frozen=True)
class Changes:
    """Alarms that a look raised, and keys of those it ended."""

    raised: tuple[Alarm, ...] = ()
    ended: tuple[tuple[str, int, int | None], ...] = ()


def standing(
    streams: Iterable[StreamState], now: int, open_keys: frozenset[tuple[str, int, int | None]] = frozenset()
) -> list[Alarm]:
    """What is the matter at the time `now`.

    open_keys : alarms raised before; they stand until their end is clear: a charged battery, no lucky value.
    """
    by_thing: dict[int, list[StreamState]] = {}
    for stream in streams:
        by_thing.setdefault(stream.thing_id, []).append(stream)
    found: list[Alarm] = []
    for thing_id, members in by_thing.items():
        found += _silent(thing_id, members, now, open_keys)
        for stream in members:
            found += [alarm for alarm in (_low(stream, open_keys), _failing(stream, open_keys)) if alarm]
    return found


def expected_us(stream: StreamState) -> float:
    """The interval at which a stream should send: as given, else learnt; nan where neither is known. [µs]"""
    return stream.expected_us if stream.expected_us > 0 else usual_interval_us(stream.times)


def _silent(
    thing_id: int, members: Sequence[StreamState], now: int, open_keys: frozenset[tuple[str, int, int | None]]
) -> list[Alarm]:
    """A Thing of which nothing comes any more; else those of its streams that fell silent alone."""
    watched = [(stream, _patience_us(stream)) for stream in members if _is_live(stream)]
    watched = [(stream, patience) for stream, patience in watched if math.isfinite(patience)]
    if not watched:
        return []
    last = max(stream.times[-1] for stream, _ in watched)
    patience = min(patience for _, patience in watched)
    if now - last > patience:
        alarms = [_silence(thing_id, None, last, patience)]
        # A stream that was silent before the whole Thing was, stays so.
        late = [(s, p) for s, p in watched if ("silent", thing_id, s.datastream_id) in open_keys]
        return alarms + [
            _silence(thing_id, s.datastream_id, s.times[-1], p) for s, p in late if s.times[-1] < last
        ]
    return [
        _silence(thing_id, stream.datastream_id, stream.times[-1], patience)
        for stream, patience in watched
        if last - stream.times[-1] > patience
    ]


def _is_live(stream: StreamState) -> bool:
    """Whether its values come as they are measured, and not from a file long after."""
    return bool(stream.times) and (stream.received is None or stream.received - stream.times[-1] <= LIVE_US)


def _patience_us(stream: StreamState) -> float:
    return max(MISSED * expected_us(stream), LEAST_SILENCE_US) if expected_us(stream) > 0 else math.nan


def _silence(thing_id: int, stream_id: int | None, last: int, patience: float) -> Alarm:
    figures = {"last": from_us(last).isoformat(), "expected_s": round(patience / MISSED / 1e6, 1)}
    return Alarm("silent", thing_id, stream_id, last + int(patience), figures)


def _low(stream: StreamState, open_keys: frozenset[tuple[str, int, int | None]]) -> Alarm | None:
    """Battery or signal below its limit; an open alarm stands until the value is above the higher one."""
    limit = _limit(words_of(stream.property), stream.unit)
    recent = [value for value in stream.values if math.isfinite(value)][-_LOW_OF:]
    if limit is None or not recent:
        return None
    kind, below, above = limit
    value = float(np.median(recent))
    bound = above if (kind, stream.thing_id, stream.datastream_id) in open_keys else below
    if value >= bound:
        return None
    figures = {"value": value, "limit": below, "unit": stream.unit}
    return Alarm(kind, stream.thing_id, stream.datastream_id, stream.times[-1], figures)


@cache
def _limit(words: str, unit: str) -> tuple[AlarmKind, float, float] | None:
    """Kind of the alarm, value that raises and value that ends it, in the stream's unit."""
    rows = pd.read_csv(assets.path("sensors", "alarms.csv"))
    for row in rows.to_dict("records"):
        known = [words_of(word) for word in str(row["words"]).split("|")]
        if any(f" {word} " in f" {words} " for word in known) and units.converts(str(row["unit"]), unit):
            below, above = (
                float(units.convert(row[column], str(row["unit"]), unit))
                for column in ("raise_below", "end_above")
            )
            return ("battery" if str(row["name"]).startswith("battery") else "signal", below, above)
    return None


def _failing(stream: StreamState, open_keys: frozenset[tuple[str, int, int | None]]) -> Alarm | None:
    """Many of the recent values are bad."""
    if len(stream.flags) < FEWEST:
        return None
    share = sum(flag == 4 for flag in stream.flags) / len(stream.flags)
    is_open = ("quality", stream.thing_id, stream.datastream_id) in open_keys
    if share < FAILING[0] and not (is_open and share > FAILING[1]):
        return None
    figures = {"share": round(share, 3), "count": len(stream.flags)}
    return Alarm("quality", stream.thing_id, stream.datastream_id, stream.times[-1], figures)


# ----------------------------------------------------------------------------------------- persistence
def watch(store: Store, *, now: int | None = None) -> Changes:
    """Raise what is the matter and has not been raised, end what is over.

    now : µs; of a replay with a clock of its own, that clock.
    """
    now = now_us() if now is None else now
    with store.connect() as connection:
        states = _states(connection)
        open_rows = _open(connection)
    alarms = {alarm.key: alarm for alarm in standing(states, now, frozenset(open_rows))}
    raised = tuple(alarm for key, alarm in alarms.items() if key not in open_rows)
    ended = tuple(key for key in open_rows if key not in alarms)
    if raised or ended:
        with store.transaction() as connection:
            open_rows = _open(connection)  # another process may have been here first
            _raise(connection, [alarm for alarm in raised if alarm.key not in open_rows], now)
            over = [open_rows[key] for key in ended if key in open_rows]
            if over:
                connection.execute(
                    alarms_table.update().where(alarms_table.c.id.in_(over)).values(ended_at=now)
                )
    return Changes(raised, ended)


def _open(connection: Connection) -> dict[tuple[str, int, int | None], int]:
    a = alarms_table.c
    rows = connection.execute(
        sa.select(a.kind, a.thing_id, a.datastream_id, a.id).where(a.ended_at.is_(None))
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def _raise(connection: Connection, raised: Sequence[Alarm], now: int) -> None:
    if raised:
        connection.execute(
            alarms_table.insert(),
            [
                {
                    "thing_id": alarm.thing_id, "datastream_id": alarm.datastream_id, "kind": alarm.kind,
                    "figures": dict(alarm.figures), "began_at": min(alarm.began_at, now),
                }
                for alarm in raised
            ],
        )  # fmt: skip


def _states(connection: Connection) -> list[StreamState]:
    """What is known of all streams that have values, from their latest observations."""
    d, observed = datastreams.c, sa.table("observed_properties", sa.column("id"), sa.column("name"))
    rows = connection.execute(
        sa.select(d.id, d.thing_id, observed.c.name, d.unit_symbol, d.properties, latest.c.received_at)
        .join(latest, latest.c.datastream_id == d.id)
        .join(observed, observed.c.id == d.observed_property_id)
        .join(things, things.c.id == d.thing_id)
        .where(sa.not_(d.deleted), sa.not_(things.c.deleted))
    ).all()
    recent = (
        sa.select(o.c.phenomenon_time, o.c.result, o.c.flag, o.c.phenomenon_end)
        .where(o.c.datastream_id == sa.bindparam("stream"), o.c.current, sa.not_(o.c.deleted))
        .order_by(o.c.phenomenon_time.desc())
        .limit(RECENT)
    )
    states = []
    for stream_id, thing_id, name, unit, properties, received in rows:
        observed_rows = connection.execute(recent, {"stream": stream_id}).all()[::-1]
        states.append(
            StreamState(
                stream_id,
                thing_id,
                name,
                unit or "",
                [row[0] if row[3] is None else row[3] for row in observed_rows],
                [math.nan if row[1] is None else row[1] for row in observed_rows],
                [row[2] for row in observed_rows],
                interval_us(properties or {}),
                received,
            )
        )
    return states


def alarms(store: Store, *, all_: bool = False) -> pd.DataFrame:
    """Alarms, newest first; those that ended only with `all_`.

    Returns
    -------
    index alarm_id. columns : kind thing_id thing thing_kind building_id simulated datastream_id stream
        figures began_at ended_at acknowledged_at (UTC) acknowledged_by.
    """
    a = alarms_table.c
    query = (
        sa.select(
            a.id.label("alarm_id"), a.kind, a.thing_id, things.c.name.label("thing"),
            things.c.kind.label("thing_kind"), things.c.building_id, things.c.simulated, a.datastream_id,
            datastreams.c.name.label("stream"), a.figures, a.began_at, a.ended_at, a.acknowledged_at,
            a.acknowledged_by,
        )
        .join(things, things.c.id == a.thing_id)
        .join(datastreams, datastreams.c.id == a.datastream_id, isouter=True)
        .order_by(a.began_at.desc(), a.id.desc())
    )  # fmt: skip
    if not all_:
        query = query.where(a.ended_at.is_(None))
    with store.connect() as connection:
        found = connection.execute(query)
        table = pd.DataFrame(found.all(), columns=list(found.keys())).set_index("alarm_id")
    for column in ("began_at", "ended_at", "acknowledged_at"):
        table[column] = pd.to_datetime(table[column].astype("Int64"), unit="us", utc=True)
    table["datastream_id"] = table["datastream_id"].astype("Int64")
    return table


def acknowledge_all(store: Store, by: str, *, now: int | None = None) -> list[int]:
    """Note that a person has seen all open alarms that nobody has; their numbers, for `withdraw`.

    Raises
    ------
    CallError : `by` names nobody.
    """
    a = alarms_table.c
    name = _named(by, "alarms")
    with store.transaction() as connection:
        waiting = sa.and_(a.ended_at.is_(None), a.acknowledged_by.is_(None))
        found = [int(number) for number in connection.execute(sa.select(a.id).where(waiting)).scalars()]
        connection.execute(
            alarms_table.update()
            .where(a.id.in_(found))
            .values(acknowledged_at=now_us() if now is None else now, acknowledged_by=name)
        )
    return found


def withdraw(store: Store, alarm_ids: Iterable[int]) -> int:
    """Take back that alarms were acknowledged; how many were."""
    a = alarms_table.c
    with store.transaction() as connection:
        done = connection.execute(
            alarms_table.update()
            .where(a.id.in_([int(number) for number in alarm_ids]), a.acknowledged_by.is_not(None))
            .values(acknowledged_at=None, acknowledged_by=None)
        )
    return int(done.rowcount)


def _named(by: str, where: str) -> str:
    name = " ".join(by.split())
    if not name:
        raise CallError("nobody is named", where, "Say who has seen it, with --by NAME")
    return name


def acknowledge(store: Store, alarm_id: int, by: str, *, now: int | None = None) -> None:
    """Note that a person has seen an alarm; it stands until it is over.

    Raises
    ------
    CallError : there is no such alarm, somebody acknowledged it before, or `by` names nobody.
    """
    name = _named(by, f"alarm {alarm_id}")
    a = alarms_table.c
    with store.transaction() as connection:
        row = connection.execute(sa.select(a.acknowledged_by).where(a.id == alarm_id)).one_or_none()
        if row is None:
            raise CallError(
                "there is no such alarm", f"alarm {alarm_id}", "See `lobeda sensors alarms --all`"
            )
        if row[0] is not None:
            raise CallError(f"{row[0]} has acknowledged it before", f"alarm {alarm_id}")
        connection.execute(
            alarms_table.update()
            .where(a.id == alarm_id)
            .values(acknowledged_at=now_us() if now is None else now, acknowledged_by=name)
        )
