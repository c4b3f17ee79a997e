"""Weather for the periods of readings: measured, or a typical year put in the place of each."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.calendar_days import LOCAL_TIME
from energy.weather import LIMITS, Weather
from twin.errors import SourceError


def typical(year: Weather, start: pd.Timestamp, end: pd.Timestamp) -> Weather:
    """A typical year's weather for each hour from `start` to `end`, by month, day and hour (UTC).

    29 February takes the 28th where the year has none. Starts and ends at local midnights.

    Raises
    ------
    SourceError : `year` is no whole year.
    """
    if len(year) not in (8760, 8784):
        raise SourceError(
            f"it holds {len(year)} hours, not a year",
            f"weather {year.name}",
            "Give the weather of a whole year",
        )
    first = start.tz_convert(LOCAL_TIME).normalize().tz_convert("UTC")
    last = end.tz_convert(LOCAL_TIME).ceil("D").tz_convert("UTC")
    times = pd.date_range(first, last, freq="h", inclusive="left", name="time", unit="ns")
    return dataclasses.replace(on_calendar(year, times), name=f"{year.name}, for each of the years")


def on_calendar(year: Weather, times: pd.DatetimeIndex) -> Weather:
    """The weather of a year at other hours (UTC), by `rows_of`."""
    rows = rows_of(year.times, times)
    return dataclasses.replace(year, times=times, **{name: getattr(year, name)[rows] for name in LIMITS})


def rows_of(year: pd.DatetimeIndex, times: pd.DatetimeIndex) -> npt.NDArray[np.intp]:
    """The hours of a year that stand for `times`, by month, day and hour (UTC); 29 February by the 28th."""
    known = pd.Series(np.arange(len(year)), _key(year))
    known = known[~known.index.duplicated()]
    key = _key(times)
    rows = known.reindex(np.where(np.isin(key, known.index), key, key - 100)).to_numpy("float64")
    return pd.Series(rows).ffill().bfill().to_numpy(np.intp)


def _key(times: pd.DatetimeIndex) -> np.ndarray:
    """Month, day and hour as one number: 22923 is 29 February, 23 h."""
    return np.asarray(times.month * 10_000 + times.day * 100 + times.hour)


def extended(weather: Weather) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last moment that a measured weather covers.

    Hours are UTC, a year's file starts an hour late or ends an hour early for local time: as much counts as
    covered.
    """
    hour = pd.Timedelta(hours=1)
    return weather.times[0] - hour, weather.times[-1] + 2 * hour
