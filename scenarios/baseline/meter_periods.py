"""The periods of meter lists: dates and moments as people write them, to UTC."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from energy.calendar_days import LOCAL_TIME
from twin.errors import SourceError
from twin.facts_values import is_empty
from twin.spreadsheet import Cell

_GERMAN = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})(?:[ ,T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?(?: *Uhr)?"
)
_MONTH = re.compile(r"(?:(\d{4})-(\d{1,2})|(\d{1,2})[./](\d{4}))")
_FAR = (1990, 2100)


def periods(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Starts and ends (UTC) of rows with the cells from, to, year and where; columns start and end.

    Raises
    ------
    SourceError : a cell that is no date, or an hour that the clock change leaves out; names the row.
    """
    parsed = [
        _row(*cells) for cells in zip(*(table[c] for c in ("from", "to", "year", "where")), strict=True)
    ]
    found = pd.DataFrame(parsed, columns=["start", "end", "whole"], index=table.index)
    found["meter"] = table["meter"]
    found["end"] = _included(found)
    start = _to_utc(found["start"], found["meter"], table["where"])
    end = _to_utc(found["end"], found["meter"], table["where"])
    return pd.DataFrame({"start": start, "end": _until_next(start, end, found["meter"])})


def _row(begin: Cell, end: Cell, year: Cell, where: str) -> tuple[pd.Timestamp, pd.Timestamp | None, bool]:
    """Start, end (None where it is not given) and whether the end is a day that counts in whole."""
    if is_empty(begin):
        number = moment(str(year).split(".")[0] + "-01-01", where)[0]
        return number, number + pd.DateOffset(years=1), False
    start, _, month = moment(begin, where)
    if is_empty(end):
        return start, (start + pd.DateOffset(months=1) if month else None), False
    stop, whole, month = moment(end, where)
    return start, stop + pd.DateOffset(months=1) if month else stop, whole and not month


def moment(cell: Cell, where: str) -> tuple[pd.Timestamp, bool, bool]:
    """A moment (naive: local time), whether it is a date without a time, and whether it is a month."""
    try:
        time, whole, month = _moment(cell if isinstance(cell, datetime | date) else str(cell).strip())
        if not _FAR[0] <= time.year <= _FAR[1]:
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        raise SourceError(
            f"{cell!r} is no date" if not isinstance(cell, datetime) else f"{cell} is no date of a reading",
            where,
            "Write 31.12.2023, 2023-12-31 or 2023-12-31 14:00",
        ) from None
    return time, whole, month


@lru_cache(maxsize=1 << 17)
def _moment(cell: str | datetime | date) -> tuple[pd.Timestamp, bool, bool]:
    if isinstance(cell, datetime | date):
        time = pd.Timestamp(cell)
        return time, time.tzinfo is None and time == time.normalize(), False
    if found := _GERMAN.fullmatch(cell):
        day, month, year, hour, minute, second = (int(part or 0) for part in found.groups())
        return pd.Timestamp(year + 2000 * (year < 100), month, day, hour, minute, second), not found[4], False
    if found := _MONTH.fullmatch(cell):
        year, month = int(found[1] or found[4]), int(found[2] or found[3])
        return pd.Timestamp(year, month, 1), True, True
    if not re.match(r"\d{4}-\d{2}-\d{2}", cell):
        raise ValueError(cell)
    return pd.Timestamp(cell), len(cell) == 10, False


def _included(found: pd.DataFrame) -> pd.Series:
    """Ends that are dates count in whole, unless readings of the meter follow on the very day."""
    end = found["end"].astype(object)
    for _, mine in found[found["whole"]].groupby("meter"):
        starts = set(found.loc[found["meter"] == mine["meter"].iloc[0], "start"])
        if not any(
            stop in starts and begin != stop for begin, stop in zip(mine["start"], mine["end"], strict=True)
        ):
            end.loc[mine.index] = [stop + pd.DateOffset(days=1) for stop in mine["end"]]
    return end


def _to_utc(times: pd.Series, meter: pd.Series, where: pd.Series) -> pd.Series:
    """UTC of local times (NaT stays); an hour that comes twice is first the one of summer time."""
    known = [not pd.isna(time) for time in times]
    aware = np.array([ok and time.tzinfo is not None for time, ok in zip(times, known, strict=True)])
    out = pd.Series(pd.NaT, index=times.index, dtype="datetime64[ns, UTC]")
    if aware.any():
        out[aware] = pd.to_datetime([time.tz_convert("UTC") for time in times[aware]]).as_unit("ns")
    local = np.array(known) & ~aware
    if local.any():
        naive = pd.DatetimeIndex(times[local].to_list()).as_unit("ns")
        first = ~pd.DataFrame({"meter": meter[local].to_numpy(), "time": naive}).duplicated().to_numpy()
        put = naive.tz_localize(LOCAL_TIME, ambiguous=first, nonexistent="NaT")
        if (lost := np.flatnonzero(put.isna())).size:
            raise SourceError(
                f"{naive[lost[0]]} is left out by the clock change",
                where[local].iloc[lost[0]],
                "Give local times of Europe/Berlin, or times with their offset",
            )
        out[local] = put.tz_convert("UTC")
    return out


def _until_next(start: pd.Series, end: pd.Series, meter: pd.Series) -> pd.Series:
    """Ends, where they are missing the next start; the last reading is as long as the usual one."""
    if end.notna().all():
        return end
    order = start.sort_values(kind="stable").index
    following = start[order].groupby(meter[order]).shift(-1).reindex(start.index)
    usual = (following - start).groupby(meter).transform("median").fillna(pd.Timedelta(hours=1))
    return end.fillna(following).fillna(start + usual)
