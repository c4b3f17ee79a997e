"""Series of meters before the fit: what stands still is set aside, and hours add up to days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.calendar_days import LOCAL_TIME

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
STILL_H, ZERO_H = 48.0, 96.0
STILL_READINGS = 5
IDLE_SHARE = 0.2
"""Zeros are a fault where the model, before the fit, expects more than this share of its mean power."""
_WHOLE = 0.99
_NS_H = 3_600_000_000_000


@dataclass(frozen=True)
class Run:
    """Readings that stand still: first and last number, the value, and how long. [h]"""

    first: int
    last: int
    kwh: float
    hours: float


def still(unit: Rows, kwh: Array, hours: Array, expected: Array) -> list[Run]:
    """Runs of equal readings of series that no building makes; arrays by reading, by unit and time.

    expected : simulated energy of the readings before the fit. [kWh]
    """
    if not len(kwh):
        return []
    changed = np.r_[True, (unit[1:] != unit[:-1]) | (kwh[1:] != kwh[:-1])]
    first = np.flatnonzero(changed)
    last = np.r_[first[1:], len(kwh)] - 1
    long = np.add.reduceat(hours, first)
    mean = np.bincount(unit, expected) / np.bincount(unit, hours)
    awaited = np.add.reduceat(expected, first) / long > IDLE_SHARE * mean[unit[first]]
    zero = kwh[first] == 0
    enough = last - first + 1 >= STILL_READINGS
    stuck = enough & np.where(zero, (long >= ZERO_H) & awaited, long >= STILL_H)
    return [
        Run(int(first[n]), int(last[n]), float(kwh[first[n]]), float(long[n])) for n in np.flatnonzero(stuck)
    ]


@dataclass(frozen=True)
class Sums:
    """Energy of whole local days (or hours, months): unit, start and end (ns, UTC), kwh."""

    unit: Rows
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    kwh: Array


def summed(
    unit: Rows, start: npt.NDArray[np.int64], end: npt.NDArray[np.int64], kwh: Array, step: str
) -> Sums:
    """Readings of series added up by local day ("D"), by hour ("h"); only what is whole counts.

    kwh : nan where there is none. Readings do not reach over the end of a step.
    """
    begin = _floor(start, step)
    known = np.isfinite(kwh)
    table = pd.DataFrame({"unit": unit, "begin": begin, "hours": (end - start) * known / _NS_H})
    table["kwh"] = np.where(known, kwh, 0.0)
    sums = table.groupby(["unit", "begin"], sort=True).sum()
    at = sums.index.get_level_values("begin").to_numpy("int64")
    stop = _next(at, step)
    whole = sums["hours"].to_numpy() >= _WHOLE * (stop - at) / _NS_H
    return Sums(
        sums.index.get_level_values("unit").to_numpy(np.intp)[whole],
        at[whole],
        stop[whole],
        sums["kwh"].to_numpy("float64")[whole],
    )


def _floor(moment: npt.NDArray[np.int64], step: str) -> npt.NDArray[np.int64]:
    if step == "h":
        return moment - moment % _NS_H
    return np.asarray(_local(moment).normalize().tz_convert("UTC").as_unit("ns").asi8)


def _next(moment: npt.NDArray[np.int64], step: str) -> npt.NDArray[np.int64]:
    if step == "h":
        return moment + _NS_H
    return np.asarray((_local(moment) + pd.DateOffset(days=1)).tz_convert("UTC").as_unit("ns").asi8)


def _local(moment: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(moment.astype("datetime64[ns]")).tz_localize("UTC").tz_convert(LOCAL_TIME)


def months(moment: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Number of the local month of moments (ns, UTC)."""
    local = _local(moment)
    return np.asarray(local.year * 12 + local.month - 1, "int64")
