"""ISO 8601 times as SensorThings writes them: instants, intervals, durations; inside µs since 1970 in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from sensors.times import from_us, to_us

SECOND = 1_000_000
DAY = 86_400 * SECOND
# What datetime holds, a day inside its ends so that every zone's offset stays within.
EARLIEST = to_us(datetime(1, 1, 2, tzinfo=UTC))
LATEST = to_us(datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC))

DATE = r"\d{4}-\d{2}-\d{2}"
# A plus sign that was not escaped in a URL arrives as a space.
INSTANT = rf"{DATE}[Tt]\d{{2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d{{1,12}})?)?(?:[Zz]|[+\- ]\d{{2}}(?::?\d{{2}})?)?"
DURATION = r"-?P(?=[\dT])(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
_INSTANT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?"
    r"(?:([Zz])|([+\- ])(\d{2})(?::?(\d{2}))?)?"
)
_DURATION = re.compile(r"(-?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def parse_instant(text: str) -> int:
    """Microseconds of an instant; without a zone it is taken as UTC, digits beyond microseconds are cut.

    Raises
    ------
    ValueError : it is no ISO 8601 instant, or none that the calendar has.
    """
    if len(text) in (20, 24) and text[-1] == "Z" and text[10] == "T":  # what most clients send
        try:
            quick = to_us(datetime.fromisoformat(text))
        except ValueError:
            quick = LATEST + 1
        if EARLIEST <= quick <= LATEST:
            return quick
    found = _INSTANT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:60]!r} is no ISO 8601 time")
    year, month, day, hour, minute, second, fraction, zulu, sign, off_hour, off_minute = found.groups()
    zone: timezone = UTC
    if zulu is None and off_hour is not None:
        offset = timedelta(hours=int(off_hour), minutes=int(off_minute or 0))
        if offset >= timedelta(hours=24):
            raise ValueError(f"{text[:60]!r} has no valid zone")
        zone = timezone(-offset if sign == "-" else offset)
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    # The 24:00 of ISO 8601 and leap seconds are the start of what follows.
    extra = timedelta()
    hours, seconds = int(hour), int(second or 0)
    if hours == 24 and not (int(minute) or seconds or micros):
        hours, extra = 0, timedelta(days=1)
    if seconds == 60:
        seconds, extra = 59, timedelta(seconds=1)
    try:
        moment = datetime(int(year), int(month), int(day), hours, int(minute), seconds, micros, tzinfo=zone)
        value = to_us(moment + extra)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:60]!r} is no time of the calendar") from None
    if not EARLIEST <= value <= LATEST:
        raise ValueError(f"{text[:60]!r} is out of range")
    return value


def parse_date(text: str) -> int:
    """Microseconds of a date's midnight in UTC.

    Raises
    ------
    ValueError : there is no such date.
    """
    day = date.fromisoformat(text)
    return to_us(datetime(day.year, day.month, day.day, tzinfo=UTC))


def parse_duration(text: str) -> int:
    """Microseconds of a duration of weeks, days, hours, minutes and seconds.

    Raises
    ------
    ValueError : it is no duration, or one in months or years, which have no fixed length.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()[1:]):
        raise ValueError(f"{text[:60]!r} is no ISO 8601 duration of weeks, days, hours, minutes or seconds")
    sign, weeks, days, hours, minutes, seconds = found.groups()
    whole = (int(weeks or 0) * 7 + int(days or 0)) * DAY
    whole += (int(hours or 0) * 3600 + int(minutes or 0) * 60) * SECOND
    whole += round(float(seconds or 0) * SECOND)
    if whole > 10_000 * 366 * DAY:
        raise ValueError(f"{text[:60]!r} is too long")
    return -whole if sign else whole


def parse_time(text: str) -> tuple[int, int | None]:
    """Start and end of an interval (start/end, start/duration, duration/end), or an instant and None.

    Raises
    ------
    ValueError : it is neither, or it ends before it starts.
    """
    head, slash, tail = text.strip().partition("/")
    if not slash:
        return parse_instant(head), None
    if head.lstrip("-").startswith("P"):
        end = parse_instant(tail)
        start = end - parse_duration(head)
    else:
        start = parse_instant(head)
        end = start + parse_duration(tail) if tail.lstrip("-").startswith("P") else parse_instant(tail)
    if end < start:
        raise ValueError(f"{text[:80]!r} ends before it starts")
    return start, end


def format_instant(microseconds: int) -> str:
    """ISO 8601 with Z; to the millisecond, or to the microsecond where there is a part of one."""
    precision = "microseconds" if microseconds % 1000 else "milliseconds"
    return from_us(microseconds).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def format_time(start: int, end: int | None) -> str:
    """An instant, or an interval as start/end."""
    return format_instant(start) if end is None else f"{format_instant(start)}/{format_instant(end)}"
