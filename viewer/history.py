"""A datastream's history as its chart needs it: a few hundred points, whatever the range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from sensors.store import Store
from twin.errors import CallError

Range = Literal["day", "week", "month", "year"]
LENGTH: Mapping[str, timedelta] = {
    "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31),
    "year": timedelta(days=366),
}  # fmt: skip
# A year by hours would be 8,784 points on 300 pixels.
STEP: Mapping[str, Literal["raw", "hour", "day"]] = {
    "day": "raw", "week": "hour", "month": "hour", "year": "day",
}  # fmt: skip
MOST_POINTS = 720
# Points farther apart than this many of the series' usual intervals are not joined by a line.
GAP = 2.5
_STEP_S: Mapping[str, int] = {"raw": 1, "hour": 3_600, "day": 86_400}
_AROUND = 3
_FLAGS = (3, 4, 9)


def chart_data(store: Store, datastream_id: int, range_: str, end: datetime, *, sums: bool) -> dict[str, Any]:
    """The history of a datastream in the `range_` before `end`.

    sums : whether its values add up (energy, rain), so that hours and days are shown as sums.

    Returns
    -------
    range, from and to [s since 1970]; step: raw, hour or day; t [s], v, and for values that do not add up the
    least and greatest within each point, low and high; flags: [index, flag, value] of those that are 3, 4 or
    9, with the value that was called bad (else None); breaks: indices of the points that no line joins to the
    one before.
    Missing values are None.

    Raises
    ------
    CallError : there is no such range.
    """
    if range_ not in LENGTH:
        raise CallError(f"there is no range {range_!r}", "history", f"Use {', '.join(LENGTH)}")
    start = end - LENGTH[range_]
    step = STEP[range_]
    table = store.series(datastream_id, start, end, step=step)
    points = _raw(table, start, end) if step == "raw" else _rolled(table, sums)
    time = pd.DatetimeIndex(points.index).as_unit("us").asi8
    seconds = time // 1_000_000
    return {
        "stream": datastream_id,
        "range": range_,
        "from": _seconds(start),
        "to": _seconds(end),
        "step": step,
        "sums": sums and step != "raw",
        "t": seconds.tolist(),
        "v": _plain(points["value"]),
        "low": _plain(points["low"]),
        "high": _plain(points["high"]),
        "flags": [
            [i, int(flag), bad]
            for i, (flag, bad) in enumerate(zip(points["flag"], _plain(points["bad"]), strict=True))
            if flag in _FLAGS
        ],
        "breaks": breaks(seconds, _STEP_S[step]),
    }


def breaks(seconds: npt.NDArray[np.int64], step_s: int) -> list[int]:
    """Indices of points that come unusually long after the one before.

    Usual is the greater of the median interval of the series and of that around the gap, since a stream may
    begin with a value every six hours and go on with one a minute; never less than `step_s`. [s]
    """
    gaps = np.diff(seconds)
    if not len(gaps):
        return []
    overall = max(_upper_median(gaps), step_s)
    around = (gaps[max(0, i - _AROUND) : i + _AROUND + 1] for i in range(len(gaps)))
    usual = np.array([max(_upper_median(near), overall) for near in around])
    return [int(i) + 1 for i in np.flatnonzero(gaps > GAP * usual)]


def _upper_median(gaps: npt.NDArray[np.int64]) -> int:
    return int(np.sort(gaps)[len(gaps) // 2])


def _rolled(table: pd.DataFrame, sums: bool) -> pd.DataFrame:
    value = table["sum"] if sums else table["mean"]
    low, high = (value, value) if sums else (table["min"], table["max"])
    columns = {"value": value, "low": low, "high": high, "flag": table["worst_flag"], "bad": np.nan}
    return pd.DataFrame(columns, index=table.index)


def _raw(table: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    """Observations, those of a dense stream in bins of equal length: mean, least, greatest, worst flag."""
    value = pd.to_numeric(table["result"], errors="coerce").astype("float64")
    good = value.where(~table["flag"].isin((4, 9)))
    # A value known to be bad is a mark where it is, to which no line leads.
    bad = value.where(table["flag"] == 4)
    points = pd.DataFrame({"value": good, "low": good, "high": good, "flag": table["flag"], "bad": bad})
    if len(points) <= MOST_POINTS:
        return points
    width = max((end - start) / MOST_POINTS, timedelta(seconds=1))
    binned = points.resample(width).agg(
        {"value": "mean", "low": "min", "high": "max", "flag": "max", "bad": "max"}
    )
    return binned[binned["flag"].notna()]


def _plain(values: pd.Series) -> list[float | None]:
    numbers: npt.NDArray[np.float64] = values.to_numpy("float64")
    return [_rounded(value) if math.isfinite(value) else None for value in numbers]


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def _seconds(time: datetime) -> int:
    return int(time.astimezone(UTC).timestamp())
