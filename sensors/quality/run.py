"""Checking what is in the store, as it comes: only what is new and what that touches is judged again.

Flags come out the same however the observations were cut into parts and in whatever order they came: a run
begins before the earliest new observation, at the one before it and at the stretch found there, and looks as
far back as its checks do. Values never change, nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from sensors.quality import checks
from sensors.quality.check import Finding, Model, check_series
from sensors.quality.check import findings as found_in
from sensors.quality.checks import HOUR_US, Flags, Times, Values
from sensors.quality.rules import Rules, rules_for
from sensors.store import Store
from sensors.store.tables import datastreams
from sensors.store.tables import findings as findings_table
from sensors.store.tables import observations as o
from sensors.times import now_us
from twin.sources.base import Progress, no_progress

FEED = "quality"
TOGETHER_US = HOUR_US // 2
"""Observations of neighbours so near in time are of the same time."""
_OVERLAP_US = 60_000_000
"""On PostgreSQL rows of the last minute are read again, since transactions side by side end in any order."""
_EARTH_M = 6_371_000.0
_LIVE = sa.and_(o.c.current, sa.not_(o.c.deleted))

ModelOf = Callable[[int, Times], Model | None]
"""Datastream id and times → what a model says, or None."""


@dataclass(frozen=True)
class Stream:
    """A datastream to be judged."""

    id: int
    rules: Rules | None
    neighbours: tuple[int, ...] = ()
    interval_us: float = float("nan")


@dataclass(frozen=True)
class Summary:
    """What a run did: streams looked at, observations judged, flags that changed."""

    streams: int = 0
    observations: int = 0
    changed: int = 0


@dataclass(frozen=True)
class _Loaded:
    ids: NDArray[np.int64]
    times: Times
    values: Values
    flags: Flags


def check(
    store: Store, *, now: int | None = None, model: ModelOf | None = None, progress: Progress = no_progress
) -> Summary:
    """Judge what came since the last run, and what it touches.

    now : µs; when the findings were found. model : what to hold the values against, where there is a model.
    """
    now = now_us() if now is None else now
    marks = store.state(FEED, "rows") or []
    # SQLite has one writer, so that no row can come below the last one seen.
    overlap = 0 if store.engine.dialect.name == "sqlite" else _OVERLAP_US
    from_row = max((row for time, row in marks if time <= now - overlap), default=0)
    touched, last_row = _touched(store, from_row)
    streams = _streams(store)
    starts = _starts(touched, streams)
    done = Summary()
    for number, (stream_id, start) in enumerate(starts.items()):
        progress("checking", number / len(starts))
        judged, changed = _check_stream(store, streams[stream_id], start, now, model)
        done = Summary(done.streams + 1, done.observations + judged, done.changed + changed)
    if last_row:
        recent = [mark for mark in marks if overlap and now - 2 * overlap < mark[0] < now]
        store.put_state(FEED, "rows", [[0, from_row], *recent, [now, last_row]])
    return done


def _touched(store: Store, from_row: int) -> tuple[dict[int, int], int]:
    """Datastream → earliest time of what is new, changed or deleted; and the last row seen."""
    query = (
        sa.select(o.c.datastream_id, sa.func.min(o.c.phenomenon_time), sa.func.max(o.c.row_id))
        .where(o.c.row_id > from_row)
        .group_by(o.c.datastream_id)
    )
    with store.connect() as connection:
        rows = connection.execute(query).all()
    return {int(row[0]): int(row[1]) for row in rows}, max((int(row[2]) for row in rows), default=0)


def _streams(store: Store) -> dict[int, Stream]:
    table = store.streams()
    with store.connect() as connection:
        properties: dict[int, Mapping[str, Any]] = {
            int(row[0]): row[1] or {}
            for row in connection.execute(sa.select(datastreams.c.id, datastreams.c.properties))
        }
    rules = {
        stream_id: None  # a forecast is no measurement
        if properties[stream_id].get("forecast")
        else rules_for(name, unit or "", kind, is_counter(properties[stream_id]))
        for stream_id, name, unit, kind in zip(
            table.index.tolist(), table["property"], table["unit_symbol"], table["kind"], strict=True
        )
    }
    near = _neighbours(table, rules)
    return {
        stream_id: Stream(
            stream_id, rules[stream_id], near.get(stream_id, ()), interval_us(properties[stream_id])
        )
        for stream_id in rules
    }


def is_counter(properties: Mapping[str, Any]) -> bool:
    """Whether a stream holds readings of a counter, as its properties say."""
    return properties.get("reading") == "cumulative"


def interval_us(properties: Mapping[str, Any]) -> float:
    """The interval at which a stream is said to send, nan where nothing is said. [µs]"""
    given = properties.get("interval_s")
    return float(given) * 1e6 if isinstance(given, int | float) and given > 0 else float("nan")


def _neighbours(table: pd.DataFrame, rules: Mapping[int, Rules | None]) -> dict[int, tuple[int, ...]]:
    """Streams of other Things near by that measure the same in the same unit."""
    by_kind: dict[tuple[str, str, str], list[int]] = {}
    for stream_id, rule in rules.items():
        if rule is not None and rule.neighbour_m is not None:
            kind = str(table.loc[stream_id, "kind"])  # the air of rooms is not that outside
            by_kind.setdefault((rule.name, rule.unit, kind), []).append(stream_id)
    out: dict[int, tuple[int, ...]] = {}
    for members in by_kind.values():
        part = table.loc[members]
        lon, lat = (np.radians(part[name].to_numpy(float)) for name in ("longitude", "latitude"))
        x = _EARTH_M * lon * np.cos(np.nanmean(lat) if np.isfinite(lat).any() else 0.0)
        thing = part["thing_id"].to_numpy()
        for position, stream_id in enumerate(members):
            rule = rules[stream_id]
            assert rule is not None and rule.neighbour_m is not None
            distance = np.hypot(x - x[position], _EARTH_M * (lat - lat[position]))
            near = (distance <= rule.neighbour_m) & (thing != thing[position])
            out[stream_id] = tuple(np.array(members)[near].tolist())
    return out


def _starts(touched: Mapping[int, int], streams: Mapping[int, Stream]) -> dict[int, int]:
    """Where each stream is to be judged from: its own new observations, or those of its neighbours."""
    starts: dict[int, int] = {}
    for stream_id, stream in streams.items():
        times = [touched[stream_id]] if stream_id in touched else []
        times += [touched[near] - TOGETHER_US for near in stream.neighbours if near in touched]
        if times:
            starts[stream_id] = min(times)
    return starts


def _check_stream(
    store: Store, stream: Stream, start: int, now: int, model: ModelOf | None
) -> tuple[int, int]:
    """Judge one stream from `start` on; observations judged and flags changed."""
    with store.connect() as connection:
        since = _begin(connection, stream.id, start)
        loaded = _load(connection, stream.id, _context(connection, stream, since))
        others = _others(connection, stream.neighbours, loaded.times)
    if not len(loaded.times):
        return 0, 0
    checked = check_series(
        loaded.times,
        loaded.values,
        stream.rules,
        others=others,
        model=model(stream.id, loaded.times) if model else None,
    )
    found = found_in(
        loaded.times, loaded.values, checked, stream.rules, expected_us=stream.interval_us, since=since
    )
    part = loaded.times >= since
    changed = part & (loaded.flags != checked.flags) if checked.by_check else np.zeros(len(part), bool)
    flags = dict(zip(loaded.ids[changed].tolist(), checked.flags[changed].tolist(), strict=True))
    with store.transaction() as connection:
        if flags:
            store.set_flags(stream.id, flags, connection=connection)
        _replace(connection, stream.id, since, found, now)
    return int(part.sum()), len(flags)


def _begin(connection: Connection, stream_id: int, start: int) -> int:
    """The observation before `start`, and the beginning of what was found there."""
    before = connection.execute(
        sa.select(sa.func.max(o.c.phenomenon_time)).where(
            _LIVE, o.c.datastream_id == stream_id, o.c.phenomenon_time < start
        )
    ).scalar()
    since = start if before is None else int(before)
    f = findings_table.c
    while True:
        earliest = connection.execute(
            sa.select(sa.func.min(f.start)).where(f.datastream_id == stream_id, f.end >= since)
        ).scalar()
        if earliest is None or earliest >= since:
            return since
        since = int(earliest)


def _context(connection: Connection, stream: Stream, since: int) -> int:
    """From when on observations are read: as far as the checks look back, and one more."""
    live = sa.and_(_LIVE, o.c.datastream_id == stream.id)
    learn = connection.execute(
        sa.select(o.c.phenomenon_time)
        .where(live, o.c.phenomenon_time < since)
        .order_by(o.c.phenomenon_time.desc())
        .offset(checks.LEARN + 1)
        .limit(1)
    ).scalar()
    back = since - int((stream.rules.context_h if stream.rules else 0) * HOUR_US)
    one_more = connection.execute(
        sa.select(sa.func.max(o.c.phenomenon_time)).where(live, o.c.phenomenon_time < back)
    ).scalar()
    first = back if one_more is None else int(one_more)
    return first if learn is None else min(first, int(learn))


def _load(connection: Connection, stream_id: int, start: int, end: int | None = None) -> _Loaded:
    query = (
        sa.select(o.c.id, o.c.phenomenon_time, o.c.result, o.c.flag)
        .where(_LIVE, o.c.datastream_id == stream_id, o.c.phenomenon_time >= start)
        .where(sa.or_(o.c.result.is_not(None), o.c.result_json.is_(None)))  # texts are not judged
        .order_by(o.c.phenomenon_time, o.c.id)
    )
    if end is not None:
        query = query.where(o.c.phenomenon_time <= end)
    rows = connection.execute(query).all()
    ids, times, values, flags = zip(*rows, strict=True) if rows else ((), (), (), ())
    return _Loaded(
        np.array(ids, np.int64),
        np.array(times, np.int64),
        np.array(values, np.float64),
        np.array(flags, np.uint8),
    )


def _others(connection: Connection, neighbours: tuple[int, ...], times: Times) -> NDArray[np.float64] | None:
    if not neighbours or not len(times):
        return None
    start, end = int(times[0]) - TOGETHER_US, int(times[-1]) + TOGETHER_US
    near = [_load(connection, stream_id, start, end) for stream_id in neighbours]
    return np.array([at_times(other.times, other.values, times) for other in near])


def at_times(times: Times, values: Values, wanted: Times, within_us: int = TOGETHER_US) -> Values:
    """The value nearest in time to each of `wanted`, nan where there is none near enough; `times` rising."""
    if not len(times):
        return np.full(len(wanted), np.nan)
    after = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    after = np.minimum(after, len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.where(np.abs(wanted - times[before]) <= np.abs(times[after] - wanted), before, after)
    return np.where(np.abs(times[nearer] - wanted) <= within_us, values[nearer], np.nan)


def _replace(connection: Connection, stream_id: int, since: int, found: list[Finding], now: int) -> None:
    f = findings_table.c
    connection.execute(findings_table.delete().where(f.datastream_id == stream_id, f.end >= since))
    if found:
        connection.execute(
            findings_table.insert(),
            [
                {
                    "datastream_id": stream_id, "check": one.check, "flag": one.flag, "start": one.start,
                    "end": one.end, "count": one.count, "figures": dict(one.figures), "found_at": now,
                }
                for one in found
            ],
        )  # fmt: skip


def findings(store: Store, *, thing_id: int | None = None, since: int | None = None) -> pd.DataFrame:
    """What was found, newest first; stretches that go on from month to month are one.

    since : only what ended later than this. [µs]

    Returns
    -------
    columns : datastream_id thing_id thing stream property unit check flag start end (UTC) count figures.
    """
    f = findings_table.c
    query = sa.select(f.datastream_id, f.check, f.flag, f.start, f.end, f["count"], f.figures)
    if since is not None:
        query = query.where(f.end >= since)
    with store.connect() as connection:
        rows = connection.execute(query.order_by(f.datastream_id, f.check, f.start)).all()
    streams = store.streams()
    names = ("datastream_id", "check", "flag", "start", "end", "count", "figures")
    merged = _across_months([dict(zip(names, row, strict=True)) for row in rows])
    table = pd.DataFrame(merged, columns=list(names))
    of_stream = streams.rename(columns={"name": "stream", "unit_symbol": "unit"})[
        ["thing_id", "thing", "stream", "property", "unit"]
    ].rename_axis(None)
    table = table.join(of_stream, on="datastream_id", how="inner")
    if thing_id is not None:
        table = table[table["thing_id"] == thing_id]
    for column in ("start", "end"):
        table[column] = pd.to_datetime(table[column].astype("int64"), unit="us", utc=True)
    return table.sort_values(["end", "datastream_id"], ascending=[False, True]).reset_index(drop=True)


def _across_months(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Joins a stretch that was cut at a month's end with what goes on within a day."""
    out: list[dict[str, Any]] = []
    for row in rows:
        last = out[-1] if out else None
        if (
            last is not None
            and row["check"] != "gap"
            and all(last[key] == row[key] for key in ("datastream_id", "check", "flag"))
            and _month(last["end"]) + 1 == _month(row["start"])
            and row["start"] - last["end"] <= 24 * HOUR_US
        ):
            figures = dict(last["figures"] or {})
            for key, better in (("low", min), ("high", max), ("model_low", min), ("model_high", max)):
                if key in figures and key in (row["figures"] or {}):
                    figures[key] = better(figures[key], row["figures"][key])
            last.update(end=row["end"], count=last["count"] + row["count"], figures=figures)
        else:
            out.append(dict(row))
    return out


def _month(time_us: int) -> int:
    return int(np.datetime64(time_us, "us").astype("datetime64[M]").astype(np.int64))
