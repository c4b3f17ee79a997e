"""Use over the year: hourly courses of presence, gains, electricity and hot water in local time.

Days are those of the weather's own dates: workdays, Saturdays, Sundays and public holidays; schools rest in
their holidays too. Electricity follows the standard load profile of the use where it names one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import load_profiles
from energy.calendar_days import LOCAL_TIME, kinds_of_day
from energy.parameters import DAYS, HOUR_COLUMNS, Parameters
from energy.weather import Weather
from twin.compute import Same

Array = npt.NDArray[np.floating[Any]]
NO_COOLING_C = 1000.0  # a set-point that no building reaches: it floats
_WHOLE_YEARS = (8760, 8784)


@dataclass(frozen=True)
class Schedule:
    """Hourly course of one use over the simulated hours; shape (time,) each.

    set_heating_c, set_cooling_c : set-points of the air temperature. [°C]
    occupied : whether the ventilation of the time of use runs.
    gains : of the mean internal gains, mean 1 over a week without holidays. [-]
    electricity, hot_water : of a year's sum, sum 1 over a year. [-]
    """

    set_heating_c: Array
    set_cooling_c: Array
    occupied: npt.NDArray[np.bool_]
    gains: Array
    electricity: Array
    hot_water: Array


_CALENDAR = ("holidays", "vacations")
_TABLES = ("use", "schedules", *_CALENDAR, "load_profiles")


def schedule(function: str, weather: Weather, parameters: Parameters) -> Schedule:
    """The course of `function` (as in the table use) over the weather's hours.

    Set-back holds outside the occupied hours, and in part where a share of the rooms is occupied. A weather
    of one year has a year's electricity and hot water, a shorter or longer one as much as its hours have in
    their calendar years.
    """
    return _schedule(function, weather, parameters.part(*_TABLES))


@lru_cache(maxsize=64)
def of_uses(weather: Weather, parameters: Parameters) -> Callable[[int], Schedule]:
    """Gives the course of the use in a row of the table use."""
    names = [str(name) for name in parameters.use.index]
    return cache(lambda number: schedule(names[number], weather, parameters))


@lru_cache(maxsize=64)
def _schedule(function: str, weather: Weather, parameters: Parameters) -> Schedule:
    use = parameters.use.loc[function].to_dict()
    rests = bool(use["vacations"])
    local = _local(Same(weather.times))
    day, hour = _kinds(Same(local), rests, parameters.part(*_CALENDAR)), local.hour.to_numpy()
    heated = _week(function, "occupied", parameters)[day, hour]
    gains = _week(function, "gains", parameters)
    cool_to = float(use["set_cooling_c"]) if use["cooled"] else NO_COOLING_C

    def shape(quantity: str) -> Array:
        week = _week(function, quantity, parameters)

        def course(times: pd.DatetimeIndex) -> Array:
            kinds = day if times is local else kinds_of_day(times, rests, parameters)
            return np.asarray(week[kinds, times.hour.to_numpy()])

        return share_of_year(course, local)

    profile = use["electricity_profile"]
    if isinstance(profile, str):
        electricity = _by_profile(profile, Same(local), rests, parameters.part("load_profiles", *_CALENDAR))
    else:
        electricity = shape("electricity")
    return Schedule(
        set_heating_c=heated * float(use["set_heating_c"]) + (1 - heated) * float(use["set_back_c"]),
        set_cooling_c=np.full(len(weather), cool_to),
        occupied=heated > 0,
        gains=gains[day, hour] / _weekly_mean(gains),
        electricity=electricity,
        hot_water=shape("hot_water"),
    )


@lru_cache(maxsize=4)
def _local(times: Same[pd.DatetimeIndex]) -> pd.DatetimeIndex:
    return times.it.tz_convert(LOCAL_TIME)


@lru_cache(maxsize=16)
def _kinds(local: Same[pd.DatetimeIndex], rests: bool, parameters: Parameters) -> npt.NDArray[np.intp]:
    """Kept: set-points that a slider moves leave the calendar as it is."""
    return kinds_of_day(local.it, rests, parameters)


@lru_cache(maxsize=64)
def _by_profile(profile: str, local: Same[pd.DatetimeIndex], rests: bool, parameters: Parameters) -> Array:
    """A load profile as shares of its year's sum, kept as `_kinds`."""
    return share_of_year(lambda times: load_profiles.course(profile, times, rests, parameters), local.it)


def share_of_year(course: Callable[[pd.DatetimeIndex], Array], local: pd.DatetimeIndex) -> Array:
    """A course at local times as shares of its year's sum; shape (time,).

    A series of one year sums to 1, whatever its hours are called; otherwise each hour counts over the sum of
    its calendar year in local time (8,760 or 8,784 hours with both clock changes).
    """
    values = course(local)
    if len(local) in _WHOLE_YEARS:
        return values / _sum(values)
    years = local.year.to_numpy()
    total = np.ones(len(local))
    for year in np.unique(years):
        whole = pd.date_range(f"{year}-01-01", f"{year + 1}-01-01", freq="h", inclusive="left", tz=local.tz)
        total[years == year] = _sum(course(whole))
    return values / total


def _sum(values: Array) -> float:
    total = float(values.sum())
    return total if total > 0 else 1.0


def _week(function: str, quantity: str, parameters: Parameters) -> Array:
    """Shape (3, 24): workday, Saturday, Sunday."""
    rows, hours = _weeks(Same(parameters.schedules))
    return np.asarray(hours[[rows[function, day, quantity] for day in DAYS]])


@lru_cache(maxsize=16)
def _weeks(schedules: Same[pd.DataFrame]) -> tuple[dict[tuple[str, str, str], int], Array]:
    """Row of each (function, day, quantity) of the table schedules, and its hours, shape (row, 24)."""
    table = schedules.it
    hours = table[list(HOUR_COLUMNS)].to_numpy("float64")
    return {key: row for row, key in enumerate(table.index)}, hours


def _weekly_mean(week: Array) -> float:
    mean = float((5 * week[0].mean() + week[1].mean() + week[2].mean()) / 7)
    return mean if mean > 0 else 1.0
