"""Use over the year: hourly shapes of presence, gains, electricity and hot water in local time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.parameters import DAYS, HOUR_COLUMNS, Parameters
from energy.weather import Weather

Array = npt.NDArray[np.float64]
LOCAL_TIME = "Europe/Berlin"
NO_COOLING_C = 1000.0  # a set-point that no building reaches: it floats


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


@lru_cache(maxsize=8)
def _hour_index(weather: Weather) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Kind of day (row of `DAYS`) and hour of each hour in local time."""
    times = weather.times.tz_convert(LOCAL_TIME)
    weekday = times.dayofweek.to_numpy()
    return np.clip(weekday - 4, 0, 2).astype(np.intp), times.hour.to_numpy().astype(np.intp)


@lru_cache(maxsize=64)
def schedule(function: str, weather: Weather, parameters: Parameters) -> Schedule:
    """The course of `function` (as in the table use) over the weather's hours.

    Weeks as they are; public holidays count as their weekday. Set-back holds outside the occupied hours.
    Shapes refer to a whole year also where the weather is shorter.
    """
    use = parameters.use.loc[function].to_dict()
    day, hour = _hour_index(weather)
    occupied = _week(function, "occupied", parameters)[day, hour] > 0
    gains = _week(function, "gains", parameters)
    cool_to = float(use["set_cooling_c"]) if use["cooled"] else NO_COOLING_C
    return Schedule(
        set_heating_c=np.where(occupied, float(use["set_heating_c"]), float(use["set_back_c"])),
        set_cooling_c=np.full(len(weather), cool_to),
        occupied=occupied,
        gains=gains[day, hour] / _weekly_mean(gains),
        electricity=_year_share(_week(function, "electricity", parameters), day, hour),
        hot_water=_year_share(_week(function, "hot_water", parameters), day, hour),
    )


def _week(function: str, quantity: str, parameters: Parameters) -> Array:
    """Shape (3, 24): workday, Saturday, Sunday."""
    hours = parameters.schedules[list(HOUR_COLUMNS)]
    rows = hours.index.get_indexer(pd.MultiIndex.from_tuples([(function, day, quantity) for day in DAYS]))
    return hours.to_numpy("float64")[rows]


def _weekly_mean(week: Array) -> float:
    mean = float((5 * week[0].mean() + week[1].mean() + week[2].mean()) / 7)
    return mean if mean > 0 else 1.0


def _year_share(week: Array, day: npt.NDArray[np.intp], hour: npt.NDArray[np.intp]) -> Array:
    course = week[day, hour]
    return course / (float(course.sum()) if len(course) >= 8760 else 8760 * _weekly_mean(week))
