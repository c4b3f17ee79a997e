"""When the values of a list of meters were measured: its clock times and periods → UTC."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from sensors.local_time import DAY_US, after, ordered_us, utc_us
from sensors.protocols.file_content import Collector, Reading
from sensors.protocols.meter_map import MeterMap, Mode
from sensors.protocols.moments import Moment
from sensors.times import to_us

OLDEST = datetime(1950, 1, 1)


@dataclass(frozen=True)
class Entry:
    """A value as it stands in the file: of which meter, when (at, or from start to end), in which unit."""

    row: int
    meter: str
    label: str
    value: float
    unit: str
    at: Moment | None = None
    start: Moment | None = None
    end: Moment | None = None


def timed(
    members: list[Entry], mode: Mode, stream: str, meter_map: MeterMap, now: int, said: Collector
) -> list[Reading]:
    """Entries of one stream with their times in UTC; those that cannot be are refused."""
    if mode == "consumption":
        spans = _spans(members, meter_map)
    else:
        spans = [
            (at, None)
            for at in _instants([entry.at or entry.end or entry.start for entry in members], meter_map)
        ]
    out = []
    for entry, (start, end) in zip(members, spans, strict=True):
        what = _impossible(start, end, now, mode)
        if what is None and start is not None:
            out.append(Reading(entry.meter, stream, entry.row, start, entry.value, end))
        else:
            said.refuse(entry.row, *(what or ("it has no time", "")))
    return out


def _impossible(start: int | None, end: int | None, now: int, mode: Mode) -> tuple[str, str] | None:
    """What is wrong with a time, and what to do; None: nothing."""
    if start is None:
        return (
            "the clock change leaves this time out",
            'Write time_zone = "MEZ" into a map where the logger stays on standard time',
        )
    if mode == "consumption" and end is None:
        return "it is not known how long the consumption lasted", "Give start and end, or more than one row"
    if end is not None and end <= start:
        return "the end is not after the start", "Check both times"
    if max(start, end or start) > now + DAY_US:
        return "the time lies in the future", "Check the year, and the order of day and month"
    if start < to_us(OLDEST.replace(tzinfo=UTC)):
        return f"the time lies before {OLDEST.year}", "Check the year"
    return None


def _instants(moments: Sequence[Moment | None], meter_map: MeterMap) -> list[int | None]:
    """UTC of moments in the file's order."""
    out: list[int | None] = [None] * len(moments)
    own: list[tuple[int, Moment]] = []
    for n, moment in enumerate(moments):
        if moment is not None and moment.zone is not None:
            out[n] = utc_us(moment.local, moment.zone)
        elif moment is not None:
            own.append((n, moment))
    local, folds = [moment.local for _, moment in own], [moment.fold for _, moment in own]
    for (n, _), time in zip(own, ordered_us(local, meter_map.where, folds), strict=True):
        out[n] = time
    return out


def _spans(members: list[Entry], meter_map: MeterMap) -> list[tuple[int | None, int | None]]:
    """Start and end of consumptions: both given, a stretch of the calendar, or as far as the next value."""
    out: list[tuple[int | None, int | None]] = [(None, None)] * len(members)
    given = [n for n, entry in enumerate(members) if entry.start and entry.end]
    begins = {members[n].start.local for n in given}  # type: ignore[union-attr]
    ends = [_inclusive(members[n].start, members[n].end, begins) for n in given]
    starts_us = _instants([members[n].start for n in given], meter_map)
    for n, start, end in zip(given, starts_us, _instants(ends, meter_map), strict=True):
        out[n] = (start, end)
    calendar = [
        n for n, entry in enumerate(members) if entry.at and entry.at.length in ("month", "quarter", "year")
    ]
    for n in calendar:
        at = members[n].at
        assert at is not None
        out[n] = (utc_us(at.local, meter_map.where), utc_us(after(at.local, at.length), meter_map.where))
    single = [n for n in range(len(members)) if n not in set(given) | set(calendar)]
    for n, span in zip(single, _by_spacing([members[n] for n in single], meter_map), strict=True):
        out[n] = span
    return out


def _inclusive(start: Moment | None, end: Moment | None, begins: set[datetime]) -> Moment | None:
    """The end of a period: a day without a clock is its last day, unless the next period begins on it.

    "01.01.2023–31.12.2023" ends with the year, and so does "01.01.2023–01.01.2024".
    """
    if start is None or end is None or end.length == "instant":
        return end
    if end.length != "day":  # "Jan 2023 – Dez 2023"
        return Moment(after(end.local, end.length), end.zone)
    same_day = (start.local.day, start.local.month) == (
        end.local.day,
        end.local.month,
    ) and end.local > start.local
    if (end.local in begins and end.local != start.local) or same_day:
        return end
    return Moment(end.local + timedelta(days=1), end.zone)


def _by_spacing(members: list[Entry], meter_map: MeterMap) -> list[tuple[int | None, int | None]]:
    """Consumptions with one time each: as long as values usually lie apart, at most to the next one.

    Days, months and years are those of the calendar: 23 or 25 hours at the clock changes.
    """
    if not members:
        return []
    at_end = meter_map.stamp == "end" or all(entry.at is None and entry.start is None for entry in members)
    marks = [entry.at or entry.start or _next_day(entry.end) for entry in members]
    times = _instants(marks, meter_map)
    known = sorted({time for time in times if time is not None})
    gap = float(np.median(np.diff(known))) if len(known) > 1 else math.nan
    step = _calendar_step(marks, gap)
    if step is not None:
        return [
            (None, None) if time is None or mark is None else _stretch(time, mark, step, at_end, meter_map)
            for time, mark in zip(times, marks, strict=True)
        ]
    if not gap > 0:
        return [(time, None) for time in times]
    place = {time: n for n, time in enumerate(known)}
    out: list[tuple[int | None, int | None]] = []
    for time in times:
        if time is None:
            out.append((None, None))
            continue
        n = place[time] + (-1 if at_end else 1)
        other = known[n] if 0 <= n < len(known) else None
        if other is None or abs(other - time) > 1.5 * gap:  # beside a gap
            other = time - int(gap) if at_end else time + int(gap)
        out.append((min(time, other), max(time, other)))
    return out


def _next_day(end: Moment | None) -> Moment | None:
    """The end of a period that is named by its last day."""
    return Moment(end.local + timedelta(days=1), end.zone) if end is not None and end.length == "day" else end


def _calendar_step(marks: Sequence[Moment | None], gap: float) -> str | None:
    """Whether values stand for days, months or years of the calendar; None: for something else."""
    local = [mark.local for mark in marks if mark is not None]
    if any(time.time() != datetime.min.time() for time in local):
        return None
    dated = all(mark is None or mark.length == "day" for mark in marks)
    days = gap / DAY_US
    if (math.isnan(days) and dated) or abs(days - 1) < 0.1:
        return "day"
    if all(time.day == 1 for time in local) and 27.5 < days < 31.5:
        return "month"
    return "year" if len({(time.month, time.day) for time in local}) == 1 and 364 < days < 367 else None


def _stretch(time: int, mark: Moment, step: str, at_end: bool, meter_map: MeterMap) -> tuple[int, int]:
    """From a time one step of the calendar on, or back where it is the end."""
    where = mark.zone or meter_map.where
    if not at_end:
        return time, utc_us(after(mark.local, step), where)
    if step == "day":
        return utc_us(mark.local - timedelta(days=1), where), time
    months = mark.local.year * 12 + mark.local.month - 1 - (12 if step == "year" else 1)
    return utc_us(mark.local.replace(year=months // 12, month=months % 12 + 1), where), time
