"""Observations → regular series.

Times are microseconds since 1970 in UTC; intervals are named by their start. Days, months and years are those
of Europe/Berlin, so that the days of the clock changes have 23 and 25 hours. Where nothing usable was
measured a value is nan and `gap` says so: nothing is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sensors.local_time import HOUR_US, calendar_edges

Step = Literal["10min", "15min", "hour", "day", "month", "year"]
How = Literal["mean", "sum", "last", "min", "max"]
USABLE = (1, 2, 3)
"""Flags of values that a series takes: good, not evaluated, suspect; bad (4) and missing (9) are left out."""

_SHORT = {"10min": HOUR_US // 6, "15min": HOUR_US // 4, "hour": HOUR_US}
_FUNCTIONS = {"sum": np.add, "min": np.minimum, "max": np.maximum}


def edges(start_us: int, end_us: int, step: Step) -> NDArray[np.int64]:
    """Edges of the intervals that touch [start, end). [µs]"""
    if (length := _SHORT.get(step)) is None:
        return calendar_edges(start_us, end_us, step)
    first = start_us // length * length
    count = max(-(-(end_us - first) // length), 1)
    return first + length * np.arange(count + 1, dtype=np.int64)


def regular(
    times: ArrayLike,
    values: ArrayLike,
    bounds: NDArray[np.int64],
    *,
    how: How = "mean",
    flags: ArrayLike | None = None,
    usable: tuple[int, ...] = USABLE,
) -> pd.DataFrame:
    """Values by interval.

    Parameters
    ----------
    times, values, flags : shape (observation,), in any order. [µs, stream's unit, -]
    bounds : edges, shape (interval + 1,), rising. [µs]
    how : what stands for an interval; `last` is the latest one in it.

    Returns
    -------
    index : start of the interval, UTC. columns : value, count (of usable observations), gap.
    """
    time, value = np.asarray(times, np.int64), np.asarray(values, np.float64)
    keep = np.isfinite(value) & (time >= bounds[0]) & (time < bounds[-1])
    if flags is not None:
        keep &= np.isin(np.asarray(flags), usable)
    time, value = time[keep], value[keep]
    order = np.argsort(time, kind="stable")
    time, value = time[order], value[order]
    starts = np.searchsorted(time, bounds)
    count = np.diff(starts)
    out = np.full(len(count), np.nan)
    full = count > 0
    if full.any():
        first, last = starts[:-1][full], starts[1:][full]
        if how == "last":
            out[full] = value[last - 1]
        else:
            # Intervals without values share their start with the next one, so that the slices stay whole.
            reduced = _FUNCTIONS.get(how, np.add).reduceat(value, first)
            out[full] = reduced / count[full] if how == "mean" else reduced
    return _frame(bounds, out, count=count, gap=~full)


@dataclass(frozen=True)
class Amounts:
    """Consumption between readings: `amount[i]` from `start[i]` to `end[i]`, nan where it is not known.

    start, end : [µs]. event : "" or "overflow" (the register went past its end) or "reset" (the meter was
        changed or set back).
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    amount: NDArray[np.float64]
    event: NDArray[np.object_]


def consumption(
    times: ArrayLike,
    readings: ArrayLike,
    *,
    register_size: float | None = None,
    from_zero: bool = False,
) -> Amounts:
    """Consumption from the readings of a counter.

    Parameters
    ----------
    times, readings : shape (reading,), in any order; not finite ones are left out. [µs, unit of the register]
    register_size : what the register can count before it stands at 0 again (100000 for five figures).
    from_zero : whether a counter that was set back began at 0, so that its reading is consumption.

    A reading below the one before it is an overflow where less than half a register passed; else the counter
    was set back or changed, and what passed in between is not known.
    """
    time, reading = np.asarray(times, np.int64), np.asarray(readings, np.float64)
    keep = np.isfinite(reading)
    time, reading = time[keep], reading[keep]
    order = np.argsort(time, kind="stable")
    time, reading = time[order], reading[order]
    once = np.append(np.diff(time) > 0, True) if len(time) else np.zeros(0, bool)
    time, reading = time[once], reading[once]  # of several at one time the last one holds
    amount = np.diff(reading)
    event = np.full(len(amount), "", object)
    back = amount < 0
    event[back] = "reset"
    if register_size is not None:
        over = back & (amount + register_size < register_size / 2)
        amount[over] += register_size
        event[over] = "overflow"
    reset = event == "reset"
    amount[reset] = reading[1:][reset] if from_zero else np.nan
    return Amounts(time[:-1], time[1:], amount, event)


def spread(
    start: ArrayLike,
    end: ArrayLike,
    amount: ArrayLike,
    bounds: NDArray[np.int64],
    *,
    longest_us: int | None = None,
) -> pd.DataFrame:
    """Amounts over arbitrary periods → amounts by interval, evenly over each period.

    Parameters
    ----------
    start, end, amount : shape (period,); periods do not overlap. [µs, µs, unit]
    bounds : edges, shape (interval + 1,). [µs]
    longest_us : a longer period is not spread, but a gap.

    Returns
    -------
    index : start of the interval, UTC. columns : value (nan unless known for the whole interval), covered
        (share of the interval that is known), gap.

    Raises
    ------
    ValueError : periods overlap or end before they start.
    """
    begin, stop = np.asarray(start, np.int64), np.asarray(end, np.int64)
    value = np.asarray(amount, np.float64)
    order = np.argsort(begin, kind="stable")
    begin, stop, value = begin[order], stop[order], value[order]
    if (stop <= begin).any() or (begin[1:] < stop[:-1]).any():
        raise ValueError("periods overlap or end before they start")
    known = np.isfinite(value)
    if longest_us is not None:
        known &= stop - begin <= longest_us
    begin, stop, value = begin[known], stop[known], value[known]
    if not len(begin):
        nothing = np.zeros(len(bounds) - 1)
        return _frame(bounds, nothing * np.nan, covered=nothing, gap=nothing == 0)
    knots = np.column_stack([begin, stop]).ravel()
    origin = knots[0]  # floats hold microseconds of centuries from here
    passed = np.column_stack([np.append(0.0, np.cumsum(value)[:-1]), np.cumsum(value)]).ravel()
    length = (stop - begin).astype(np.float64)
    lit = np.column_stack([np.append(0.0, np.cumsum(length)[:-1]), np.cumsum(length)]).ravel()
    at, x = (bounds - origin).astype(np.float64), (knots - origin).astype(np.float64)
    covered = np.diff(np.interp(at, x, lit)) / np.diff(bounds)
    whole = covered > 1 - 1e-9
    return _frame(
        bounds, np.where(whole, np.diff(np.interp(at, x, passed)), np.nan), covered=covered, gap=~whole
    )


def usual_interval_us(times: ArrayLike) -> float:
    """The interval at which a sensor sends: the median between distinct times; nan for fewer than 3. [µs]"""
    time = np.unique(np.asarray(times, np.int64))
    return float(np.median(np.diff(time))) if len(time) >= 3 else float("nan")


def _frame(
    bounds: NDArray[np.int64], value: NDArray[np.float64], **more: NDArray[np.generic]
) -> pd.DataFrame:
    index = pd.DatetimeIndex(bounds[:-1].astype("datetime64[us]"), tz="UTC", name="time")
    return pd.DataFrame({"value": value, **more}, index=index)
