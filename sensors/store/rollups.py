"""Hourly and daily figures and the table of latest values, kept in the commit that writes the observations.

An observation that arrives adds to its hour and day, in whatever order: sums add, extremes compare, and the
last value is that of the latest time, at equal times of the later id. What a correction, deletion or new flag
touches is computed again, day by day, from the observations that count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.store.calendar import HOUR, day_of_hour, day_start, next_day
from sensors.store.sql import Rows, chosen, insert
from sensors.store.tables import daily, hourly, latest, observations

BAD = (4, 9)


# The columns of an observation that roll-ups and latest values need, in this order.
VALUE = (
    "row_id", "id", "datastream_id", "phenomenon_time", "phenomenon_end", "result_time", "result",
    "result_json", "flag", "received_at",
)  # fmt: skip
Value = tuple[Any, ...]
# Number, min, max, sum, last, last_time, worst_flag; None where there is no number yet.
Figures = list[Any]
_NOTHING = (0, None, None, None, None, None)


def figures(values: Iterable[Value]) -> dict[tuple[int, int], Figures]:
    """The figures of each (datastream, hour) among `values`; of numbers neither bad nor missing."""
    found: dict[tuple[int, int], Figures] = {}
    for _, _, stream, time, _, _, result, _, flag, _ in values:
        if result is None:
            continue
        key = (stream, time - time % HOUR)
        known = found.get(key)
        if known is None:
            own = _NOTHING if flag in BAD else (1, result, result, result, result, time)
            found[key] = [*own, flag]
        elif flag in BAD:
            known[6] = max(known[6], flag)
        else:
            _take_in(known, 1, result, result, result, result, time, flag)
    return found


def _take_in(
    known: Figures, number: int, low: float, high: float, total: float, last: float, time: int, flag: int
) -> None:
    """Adds figures to others; at equal times the last value is that of the new ones."""
    if flag > known[6]:
        known[6] = flag
    if not known[0]:
        known[:6] = (number, low, high, total, last, time)
        return
    known[0] += number
    if low < known[1]:
        known[1] = low
    if high > known[2]:
        known[2] = high
    known[3] += total
    if time >= known[5]:
        known[4], known[5] = last, time


def days(hours: dict[tuple[int, int], Figures]) -> dict[tuple[int, int], Figures]:
    """The figures of Berlin days from those of their hours."""
    found: dict[tuple[int, int], Figures] = {}
    for (datastream, hour), new in hours.items():
        key = (datastream, day_of_hour(hour))
        known = found.get(key)
        if known is None:
            found[key] = list(new)
        elif new[0]:
            _take_in(known, *new)
        else:
            known[6] = max(known[6], new[6])
    return found


def add(connection: Connection, values: Sequence[Value]) -> None:
    """Adds observations that have just been written, in the order of their ids."""
    if values:
        insert(connection, *parts(connection, values))


def parts(connection: Connection, values: Sequence[Value]) -> list[Rows]:
    """What `add` writes."""
    return [*_rolled_up(connection, figures(values)), _newest(connection, values)]


_COLUMNS = (
    "datastream_id", "start", "count", "mean", "min", "max", "sum", "last", "last_time", "worst_flag",
)  # fmt: skip


@lru_cache(maxsize=8)
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


def _rolled_up(connection: Connection, hours: dict[tuple[int, int], Figures]) -> list[Rows]:
    """What to write into `hourly` and `daily`."""
    if not hours:
        return []
    return [_merged(connection, hourly, hours), _merged(connection, daily, days(hours))]


def _merged(connection: Connection, table: sa.Table, found: dict[tuple[int, int], Figures]) -> Rows:
    rows = [
        (*key, number, total / number if number else None, low, high, total, last, time, flag)
        for key, (number, low, high, total, last, time, flag) in sorted(found.items())
    ]
    return Rows(table, _COLUMNS, rows, _merge_statement(table.name, *_extremes(connection)))


def _extremes(connection: Connection) -> tuple[str, str]:
    """The names of the functions for the greatest and least of two values."""
    return ("greatest", "least") if connection.dialect.name == "postgresql" else ("max", "min")


_LATEST_COLUMNS = (
    "datastream_id", "row_id", "phenomenon_time", "result", "result_json", "flag", "received_at", "count",
    "phenomenon_min", "phenomenon_max", "result_time_min", "result_time_max",
)  # fmt: skip


@lru_cache(maxsize=2)
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


def _newest(connection: Connection, values: Sequence[Value]) -> Rows:
    """What to write into `latest`."""
    rows: dict[int, list[Any]] = {}
    for row_id, _, stream, time, ends, result_time, result, structure, flag, received_at in values:
        end = time if ends is None else ends
        row = rows.get(stream)
        if row is None:
            shown = (row_id, time, result, structure, flag, received_at)
            rows[stream] = [stream, *shown, 1, time, end, result_time, result_time]
            continue
        if time >= row[2]:
            row[1:7] = (row_id, time, result, structure, flag, received_at)
        row[7] += 1
        if time < row[8]:
            row[8] = time
        if end > row[9]:
            row[9] = end
        if result_time is not None:
            row[10] = result_time if row[10] is None else min(row[10], result_time)
            row[11] = result_time if row[11] is None else max(row[11], result_time)
    ordered = [tuple(rows[key]) for key in sorted(rows)]
    return Rows(latest, _LATEST_COLUMNS, ordered, _latest_conflict(*_extremes(connection)))


LIVE = sa.and_(observations.c.current, sa.not_(observations.c.deleted))
_VALUE = sa.select(
    *(sa.cast(column, sa.Text) if column.name == "result_json" else column
      for column in (observations.c[name] for name in VALUE))
)  # fmt: skip


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
    parts = _rolled_up(connection, figures([tuple(row) for row in rows]))
    if parts:
        insert(connection, *parts)


def latest_again(connection: Connection, datastreams: Iterable[int]) -> None:
    """Computes the latest value of `datastreams` again from the observations that count."""
    time, row = observations.c.phenomenon_time, observations.c
    for datastream in sorted(set(datastreams)):
        connection.execute(latest.delete().where(latest.c.datastream_id == datastream))
        own = sa.and_(LIVE, row.datastream_id == datastream)
        newest = connection.execute(_VALUE.where(own).order_by(time.desc(), row.id.desc()).limit(1)).first()
        if newest is None:
            continue
        row_id, _, _, at, _, _, result, structure, flag, received_at = newest
        span = connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.min(time),
                sa.func.max(sa.func.coalesce(row.phenomenon_end, time)),
                sa.func.min(row.result_time),
                sa.func.max(row.result_time),
            ).where(own)
        ).one()
        shown = (datastream, row_id, at, result, structure, flag, received_at)
        insert(connection, Rows(latest, _LATEST_COLUMNS, [(*shown, *span)]))
