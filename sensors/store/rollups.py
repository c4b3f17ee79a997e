"""Hourly and daily figures and the table of latest values, kept in the commit that writes the observations.

An observation that arrives adds to its hour and day, in whatever order: sums add, extremes compare, and the
last value is that of the latest time, at equal times of the later id. What a correction, deletion or new flag
touches is computed again, day by day, from the observations that count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.store.calendar import day_of_hour, day_start, hour_start, next_day
from sensors.store.sql import chosen, many
from sensors.store.tables import daily, hourly, latest, observations

BAD = (4, 9)


class Value(NamedTuple):
    """One observation that counts, as far as roll-ups and latest values need it."""

    row_id: int
    id: int
    datastream_id: int
    time: int
    end: int | None
    result_time: int | None
    result: float | None
    result_json: str | None
    flag: int
    received_at: int


class Figures(NamedTuple):
    """A row of `hourly` or `daily`, without its key."""

    number: int
    min: float | None
    max: float | None
    sum: float | None
    last: float | None
    last_time: int | None
    worst_flag: int


def figures(values: Sequence[Value]) -> dict[tuple[int, int], Figures]:
    """The figures of each (datastream, hour) among `values`; of numbers neither bad nor missing."""
    found: dict[tuple[int, int], Figures] = {}
    for value in values:
        result = value.result
        if result is None:
            continue
        key = (value.datastream_id, hour_start(value.time))
        new = (
            Figures(0, None, None, None, None, None, value.flag)
            if value.flag in BAD
            else Figures(1, result, result, result, result, value.time, value.flag)
        )
        known = found.get(key)
        found[key] = new if known is None else merged(known, new)
    return found


def merged(first: Figures, second: Figures) -> Figures:
    """Both stretches as one; at equal times the last value is the second's."""
    worst = max(first.worst_flag, second.worst_flag)
    if not first.number or not second.number:
        return (first if first.number else second)._replace(worst_flag=worst)
    later = second if second.last_time >= first.last_time else first  # type: ignore[operator]
    return Figures(
        first.number + second.number,
        min(first.min, second.min),  # type: ignore[type-var]
        max(first.max, second.max),  # type: ignore[type-var]
        first.sum + second.sum,  # type: ignore[operator]
        later.last,
        later.last_time,
        worst,
    )


def days(hours: dict[tuple[int, int], Figures]) -> dict[tuple[int, int], Figures]:
    """The figures of Berlin days from those of their hours."""
    found: dict[tuple[int, int], Figures] = {}
    for (datastream, hour), new in hours.items():
        key = (datastream, day_of_hour(hour))
        known = found.get(key)
        found[key] = new if known is None else merged(known, new)
    return found


def add(connection: Connection, values: Sequence[Value]) -> None:
    """Adds observations that have just been written, in the order of their ids."""
    if not values:
        return
    hours = figures(values)
    if hours:
        _merge(connection, hourly, hours)
        _merge(connection, daily, days(hours))
    _merge_latest(connection, values)


_COLUMNS = (
    "datastream_id", "start", "count", "mean", "min", "max", "sum", "last", "last_time", "worst_flag",
)  # fmt: skip


def _merge_statement(table: str, greatest: str, least: str) -> str:
    later = f"excluded.last_time >= {table}.last_time OR {table}.last_time IS NULL"
    total = f"coalesce({table}.sum + excluded.sum, excluded.sum, {table}.sum)"
    count = f"({table}.count + excluded.count)"
    return (
        f"ON CONFLICT (datastream_id, start) DO UPDATE SET "
        f'count = {count}, mean = {total} / nullif({count}, 0), "sum" = {total}, '
        f'"min" = coalesce({least}({table}.min, excluded.min), excluded.min, {table}.min), '
        f'"max" = coalesce({greatest}({table}.max, excluded.max), excluded.max, {table}.max), '
        f'"last" = CASE WHEN {later} THEN excluded.last ELSE {table}.last END, '
        f"last_time = CASE WHEN {later} THEN excluded.last_time ELSE {table}.last_time END, "
        f"worst_flag = {greatest}({table}.worst_flag, excluded.worst_flag)"
    )


def _merge(connection: Connection, table: sa.Table, found: dict[tuple[int, int], Figures]) -> None:
    rows = [
        (datastream, start, new.number, None if new.sum is None else new.sum / new.number, new.min, new.max,
         new.sum, new.last, new.last_time, new.worst_flag)
        for (datastream, start), new in sorted(found.items())
    ]  # fmt: skip
    postgres = connection.dialect.name == "postgresql"
    conflict = _merge_statement(table.name, *(("greatest", "least") if postgres else ("max", "min")))
    many(connection, table, _COLUMNS, rows, conflict)


_LATEST_COLUMNS = (
    "datastream_id", "row_id", "phenomenon_time", "result", "result_json", "flag", "received_at", "count",
    "phenomenon_min", "phenomenon_max", "result_time_min", "result_time_max",
)  # fmt: skip


def _latest_conflict(greatest: str, least: str) -> str:
    newer = "excluded.phenomenon_time >= latest.phenomenon_time"
    replaced = ", ".join(
        f"{name} = CASE WHEN {newer} THEN excluded.{name} ELSE latest.{name} END"
        for name in ("row_id", "result", "result_json", "flag", "received_at", "phenomenon_time")
    )

    def both(function: str, name: str) -> str:
        pair = f"{function}(latest.{name}, excluded.{name})"
        return f"{name} = coalesce({pair}, excluded.{name}, latest.{name})"

    return (
        f"ON CONFLICT (datastream_id) DO UPDATE SET {replaced}, count = latest.count + excluded.count, "
        + ", ".join(
            both(least if name.endswith("min") else greatest, name)
            for name in ("phenomenon_min", "phenomenon_max", "result_time_min", "result_time_max")
        )
    )


def _merge_latest(connection: Connection, values: Sequence[Value]) -> None:
    rows: dict[int, list[Any]] = {}
    for value in values:
        end = value.time if value.end is None else value.end
        row = rows.get(value.datastream_id)
        shown = [value.row_id, value.time, value.result, value.result_json, value.flag, value.received_at]
        if row is None:
            rows[value.datastream_id] = [
                value.datastream_id, *shown, 1, value.time, end, value.result_time, value.result_time,
            ]  # fmt: skip
            continue
        if value.time >= row[2]:
            row[1:7] = shown
        row[7] += 1
        row[8] = min(row[8], value.time)
        row[9] = max(row[9], end)
        if value.result_time is not None:
            row[10] = value.result_time if row[10] is None else min(row[10], value.result_time)
            row[11] = value.result_time if row[11] is None else max(row[11], value.result_time)
    postgres = connection.dialect.name == "postgresql"
    conflict = _latest_conflict(*(("greatest", "least") if postgres else ("max", "min")))
    many(connection, latest, _LATEST_COLUMNS, [tuple(rows[key]) for key in sorted(rows)], conflict)


LIVE = sa.and_(observations.c.current, sa.not_(observations.c.deleted))
_VALUE = sa.select(
    observations.c.row_id,
    observations.c.id,
    observations.c.datastream_id,
    observations.c.phenomenon_time,
    observations.c.phenomenon_end,
    observations.c.result_time,
    observations.c.result,
    sa.cast(observations.c.result_json, sa.Text),
    observations.c.flag,
    observations.c.received_at,
)


def again(connection: Connection, touched: Iterable[tuple[int, int]]) -> None:
    """Computes again the hours and days of `touched` (datastream, time), but for the frozen ones."""
    wanted: dict[int, set[int]] = {}
    for datastream, time in touched:
        wanted.setdefault(datastream, set()).add(day_start(time))
    for datastream, starts in wanted.items():
        frozen = connection.execute(
            sa.select(daily.c.start).where(
                daily.c.datastream_id == datastream,
                daily.c.frozen,
                daily.c.start.in_(chosen(connection, starts)),
            )
        ).scalars()
        for start, end in _stretches(starts - set(frozen)):
            _stretch_again(connection, datastream, start, end)


def _stretches(starts: set[int]) -> Iterable[tuple[int, int]]:
    """Days that follow each other as one stretch of at most a month."""
    begin = end = None
    for day in sorted(starts):
        if begin is not None and end is not None and day == end and end - begin < 31 * 24 * 3_600_000_000:
            end = next_day(day)
            continue
        if begin is not None and end is not None:
            yield begin, end
        begin, end = day, next_day(day)
    if begin is not None and end is not None:
        yield begin, end


def _stretch_again(connection: Connection, datastream: int, start: int, end: int) -> None:
    for table in (hourly, daily):
        connection.execute(
            table.delete().where(
                table.c.datastream_id == datastream, table.c.start >= start, table.c.start < end
            )
        )
    time = observations.c.phenomenon_time
    rows = connection.execute(
        _VALUE.where(LIVE, observations.c.datastream_id == datastream, time >= start, time < end).order_by(
            time, observations.c.id
        )
    )
    hours = figures([Value(*row) for row in rows])
    if hours:
        _merge(connection, hourly, hours)
        _merge(connection, daily, days(hours))


def latest_again(connection: Connection, datastreams: Iterable[int]) -> None:
    """Computes the latest value of `datastreams` again from the observations that count."""
    time, row = observations.c.phenomenon_time, observations.c
    for datastream in sorted(set(datastreams)):
        connection.execute(latest.delete().where(latest.c.datastream_id == datastream))
        own = sa.and_(LIVE, row.datastream_id == datastream)
        newest = connection.execute(_VALUE.where(own).order_by(time.desc(), row.id.desc()).limit(1)).first()
        if newest is None:
            continue
        value = Value(*newest)
        span = connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.min(time),
                sa.func.max(sa.func.coalesce(row.phenomenon_end, time)),
                sa.func.min(row.result_time),
                sa.func.max(row.result_time),
            ).where(own)
        ).one()
        shown = (value.row_id, value.time, value.result, value.result_json, value.flag, value.received_at)
        many(connection, latest, _LATEST_COLUMNS, [(datastream, *shown, *span)], "")
