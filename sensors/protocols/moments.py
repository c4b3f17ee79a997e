"""Times as lists write them: "31.12.2023 24:00", "27.10.2024 02A:15", "Jan 2024", "2023"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

from sensors.local_time import zone
from twin.addresses import fold
from twin.spreadsheet import Cell

Length = Literal["instant", "day", "month", "quarter", "year"]
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januar jan january jaenner",
            "februar feb february",
            "maerz mrz mar march mae",
            "april apr",
            "mai may",
            "juni jun june",
            "juli jul july",
            "august aug",
            "september sep sept",
            "oktober okt october oct",
            "november nov",
            "dezember dez december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?P<mark>[abAB])?[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<part>\d{1,6})\d*)?)?"
    r"\s*(?:Uhr|h)?\s*(?P<zone>MESZ|MEZ|CEST|CET|UTC|GMT|Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_DAY = (
    re.compile(r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4}|\d{2})"),
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"),
    re.compile(r"(?P<d>\d{1,2})[/-](?P<m>\d{1,2})[/-](?P<y>\d{4})"),
    re.compile(r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})"),
)
_EXCEL_DAYS = (20_000, 80_000)  # 1954 to 2119
_EXCEL_EPOCH = datetime(1899, 12, 30)


@dataclass(frozen=True)
class Moment:
    """A time on a clock, or a stretch of the calendar that begins there.

    local : without a zone. zone : the one that the text itself names. length : how much of the calendar it
        means. fold : which of the doubled hour, where the text says so (2A is the first, 2B the second).
    """

    local: datetime
    zone: tzinfo | None = None
    length: Length = "instant"
    fold: int | None = None


def parse_moment(cell: Cell) -> Moment:
    """A cell as a moment.

    Raises
    ------
    ValueError : it is none; the message fits behind the cell's text.
    """
    if isinstance(cell, datetime):
        return Moment(cell.replace(tzinfo=None), cell.tzinfo)
    if isinstance(cell, date):
        return Moment(datetime(cell.year, cell.month, cell.day), length="day")
    if isinstance(cell, bool) or cell is None:
        raise ValueError("is no time")
    if isinstance(cell, int | float):
        return _number(float(cell))
    return _text(" ".join(cell.split()))


def _number(number: float) -> Moment:
    """A year, a date of a spreadsheet, or seconds (milli-, microseconds) since 1970."""
    if number != number:
        raise ValueError("is no time")
    if number.is_integer() and 1900 <= number <= 2200:
        return Moment(datetime(int(number), 1, 1), length="year")
    if _EXCEL_DAYS[0] <= number < _EXCEL_DAYS[1]:
        time = _EXCEL_EPOCH + timedelta(seconds=round(number * 86_400))
        return Moment(time, length="day" if number.is_integer() else "instant")
    for scale in (1, 1_000, 1_000_000):
        if 1e8 * scale <= number < 1e10 * scale:
            return Moment(datetime.fromtimestamp(number / scale, UTC).replace(tzinfo=None), UTC)
    raise ValueError("is no time")


@lru_cache(maxsize=100_000)
def _text(text: str) -> Moment:
    if re.fullmatch(r"\d+(\.\d+)?", text) and not re.fullmatch(r"(19|20)\d{6}(\d{4}|\d{6})?", text):
        if (found := re.fullmatch(r"(\d{1,2})\.(\d{4})", text)) is None:
            return _number(float(text))
        return _month(int(found[2]), int(found[1]))
    if (calendar := _calendar(fold(text))) is not None:
        return calendar
    if found := re.fullmatch(r"((?:19|20)\d{6})(\d{2})(\d{2})(\d{2})?", text):
        text = f"{found[1]} {found[2]}:{found[3]}:{found[4] or '00'}"
    for form in _DAY:
        if found := form.match(text):
            return _with_clock(_day(found), text[found.end() :].strip(" ,;T_-"))
    raise ValueError("is no time that is known here")


def _calendar(text: str) -> Moment | None:
    """A year, quarter or month in words or figures; None: it is something else."""
    if found := re.fullmatch(r"(?:jahr |year )?((?:19|20)\d{2})", text):
        return Moment(datetime(int(found[1]), 1, 1), length="year")
    if found := re.fullmatch(r"(?:q([1-4])|([1-4])\. ?quartal)[ /]*((?:19|20)\d{2})", text):
        return Moment(datetime(int(found[3]), 3 * int(found[1] or found[2]) - 2, 1), length="quarter")
    if found := re.fullmatch(r"(\d{1,2})[/.-]((?:19|20)\d{2})", text):
        return _month(int(found[2]), int(found[1]))
    if found := re.fullmatch(r"((?:19|20)\d{2})[/.-](\d{1,2})", text):
        return _month(int(found[1]), int(found[2]))
    if (found := re.fullmatch(r"([a-z]+)\.?[ '’/-]*(\d{4}|\d{2})", text)) and found[1] in _MONTHS:
        return _month(_year(found[2]), _MONTHS[found[1]])
    return None


def _month(year: int, month: int) -> Moment:
    if not 1 <= month <= 12:
        raise ValueError("is no month")
    return Moment(datetime(year, month, 1), length="month")


def _year(text: str) -> int:
    """Of two figures those of 1970 to 2069."""
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year >= 70 else 2000)


def _day(found: re.Match[str]) -> datetime:
    try:
        return datetime(_year(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        raise ValueError("is no day of the calendar (the day comes before the month)") from None


def _with_clock(day: datetime, rest: str) -> Moment:
    if not rest:
        return Moment(day, length="day")
    found = _CLOCK.fullmatch(rest)
    if not found:
        raise ValueError("is no time that is known here")
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if not (hour < 24 and minute < 60 and second < 60) and (hour, minute, second) != (24, 0, 0):
        raise ValueError("is no time of the clock")
    part = timedelta(microseconds=int((found["part"] or "0").ljust(6, "0")))
    mark = (found["mark"] or "").lower()
    return Moment(
        day + timedelta(hours=hour, minutes=minute, seconds=second) + part,
        zone(found["zone"]) if found["zone"] else None,
        fold={"a": 0, "b": 1}.get(mark),
    )
