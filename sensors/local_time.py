"""Local clock times of files and loggers → UTC, through both clock changes.

In autumn an hour stands twice on the clock: which of the two is meant follows from the order of the times of
one meter, from a mark (2A and 2B, MESZ and MEZ) or from an offset. In spring an hour is left out: such a time
cannot be, and says that the logger's clock stays on standard time all year.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from sensors.times import from_us, to_us

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
_FIXED = {
    "mez": timezone(timedelta(hours=1)), "cet": timezone(timedelta(hours=1)), "utc": UTC, "z": UTC,
    "gmt": UTC, "mesz": timezone(timedelta(hours=2)), "cest": timezone(timedelta(hours=2)),
}  # fmt: skip


def zone(text: str) -> tzinfo:
    """The zone of a name: "Europe/Berlin", "UTC", "MEZ" (standard time all year), "+01:00".

    Raises
    ------
    ValueError : there is no such zone.
    """
    name = text.strip()
    if (fixed := _FIXED.get(name.casefold())) is not None:
        return fixed
    if found := re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?", name, re.IGNORECASE):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        if offset < timedelta(hours=15):
            return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name with odd signs is looked for as a file
        raise ValueError(f"{text!r} is no time zone") from None


def utc_us(local: datetime, where: tzinfo) -> int:
    """Microseconds of a local time without a zone; its `fold` chooses in the doubled hour.

    Raises
    ------
    ValueError : the clock change of spring left that time out.
    """
    aware = local.replace(tzinfo=where)
    if aware.astimezone(UTC).astimezone(where).replace(tzinfo=None) != local.replace(fold=0):
        raise ValueError("this time was left out by the clock change")
    return to_us(aware)


def is_doubled(local: datetime, where: tzinfo) -> bool:
    """Whether the time stands twice on the clock of that day."""
    first, second = (local.replace(tzinfo=where, fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second


def ordered_us(
    local: Sequence[datetime], where: tzinfo, folds: Sequence[int | None] | None = None
) -> list[int | None]:
    """UTC of the times of one meter in the order of the file, rising or falling; None: there is no such time.

    folds : 0 or 1 where the file itself says which of the doubled hour is meant.

    In the doubled hour a time is the second one when it does not come after the time before it. A file that
    has the hour once only is taken to mean the first.
    """
    said = list(folds) if folds is not None else [None] * len(local)
    steps = [(b > a) - (b < a) for a, b in pairwise(local)]
    falling = sum(steps) < 0
    order = range(len(local) - 1, -1, -1) if falling else range(len(local))
    out: list[int | None] = [None] * len(local)
    before: int | None = None
    for position in order:
        time, fold = local[position], said[position]
        try:
            value = utc_us(time.replace(fold=fold or 0), where)
        except ValueError:
            continue
        if fold is None and before is not None and value <= before and is_doubled(time, where):
            second = utc_us(time.replace(fold=1), where)
            # A repeated row far behind is a repeated row, not the second hour.
            value = second if second > before else value
        out[position] = value
        before = value if before is None else max(before, value)
    return out


def calendar_edges(start_us: int, end_us: int, step: str, where: ZoneInfo = BERLIN) -> NDArray[np.int64]:
    """Edges of the local days, months or years that touch [start, end). [µs]

    A day of a clock change has 23 or 25 hours.
    """
    local = from_us(start_us).astimezone(where)
    edge = datetime(local.year, local.month if step != "year" else 1, local.day if step == "day" else 1)
    edges = [to_us(edge.replace(tzinfo=where))]
    while edges[-1] < end_us:
        edge = after(edge, step)
        edges.append(to_us(edge.replace(tzinfo=where)))
    return np.array(edges, np.int64)


def after(local: datetime, step: str) -> datetime:
    """The same clock time a day, month or year on; the first of the month where `step` is longer."""
    if step == "day":
        return local + timedelta(days=1)
    months = {"month": 1, "quarter": 3, "year": 12}[step]
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    return local.replace(year=year, month=month + 1)
