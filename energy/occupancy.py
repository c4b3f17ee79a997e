"""Use over the year: hourly shapes of presence, gains, electricity and hot water in local time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.parameters import DAYS, HOUR_COLUMNS, Parameters

Array = npt.NDArray[np.float64]
LOCAL_TIME = "Europe/Berlin"


@dataclass(frozen=True)
class Schedule:
    """Hourly course of one use over the simulated hours; shape (time,) each.

    set_heating_c, set_cooling_c : set-points of the air temperature. [°C]
    occupied : whether the ventilation of the time of use runs.
    gains : of the mean internal gains, mean 1. [-]
    electricity, hot_water : of the year's sum, sum 1 over a year of 8,760 h. [-]
    """

    set_heating_c: Array
    set_cooling_c: Array
    occupied: npt.NDArray[np.bool_]
    gains: Array
    electricity: Array
    hot_water: Array


@lru_cache(maxsize=64)
def _hour_index(start: int, count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    times = pd.date_range(pd.Timestamp(start, tz="UTC"), periods=count, freq="h").tz_convert(LOCAL_TIME)
    weekday = times.dayofweek.to_numpy()
    return np.clip(weekday - 4, 0, 2).astype(np.intp), times.hour.to_numpy().astype(np.intp)


def schedule(function: str, times: pd.DatetimeIndex, parameters: Parameters) -> Schedule:
    """The course of `function` (as in the table use) over `times` (UTC hours).

    Weeks as they are; public holidays count as their weekday. Set-back holds outside the occupied hours.
    Shapes refer to a whole year also where `times` is shorter.
    """
    use = parameters.use.loc[function]
    day, hour = _hour_index(int(times.as_unit("ns").asi8[0]), len(times))
    course = {quantity: _week(function, quantity, parameters) for quantity in ("occupied", "gains")}
    occupied = course["occupied"][day, hour] > 0
    gains = course["gains"][day, hour]
    return Schedule(
        set_heating_c=np.where(occupied, float(use["set_heating_c"]), float(use["set_back_c"])),
        set_cooling_c=np.full(len(times), float(use["set_cooling_c"]) if use["cooled"] else 1000.0),
        occupied=occupied,
        gains=gains / _weekly_mean(course["gains"]),
        electricity=_year_share(function, "electricity", day, hour, parameters),
        hot_water=_year_share(function, "hot_water", day, hour, parameters),
    )


def _week(function: str, quantity: str, parameters: Parameters) -> Array:
    """Shape (3, 24): workday, Saturday, Sunday."""
    rows = [parameters.schedules.loc[(function, day, quantity), list(HOUR_COLUMNS)] for day in DAYS]
    return np.array([row.to_numpy("float64") for row in rows])


def _weekly_mean(week: Array) -> float:
    mean = float((5 * week[0].mean() + week[1].mean() + week[2].mean()) / 7)
    return mean if mean > 0 else 1.0


def _year_share(
    function: str,
    quantity: str,
    day: npt.NDArray[np.intp],
    hour: npt.NDArray[np.intp],
    parameters: Parameters,
) -> Array:
    week = _week(function, quantity, parameters)
    course = week[day, hour]
    total = float(course.sum()) if len(course) >= 8760 else 8760 * _weekly_mean(week)
    return course / total
