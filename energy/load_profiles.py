"""Standard load profiles of electricity.

VDEW 1999: H0, G0 to G6, L0 to L2; BDEW 2025: H25, G25, L25, and P25, S25 with photovoltaics. A profile is a
day's course by kind of day and by season (1999) or month (2025); those of households are smoothed over the
year by the dynamisation of VDEW M-05/2000. The figures lie in the table load_profiles, so that they can be
replaced and count in the digest; demandlib, from which they come, is the check in the tests.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.calendar_days import kinds_of_day
from energy.parameters import DAYS, HOUR_COLUMNS, Parameters
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
# Coefficients of F(t) over the day of the year, from the fourth power down; VDEW M-05/2000, step 4b.
DYNAMISATION = (-3.92e-10, 3.2e-7, -7.02e-5, 2.1e-3, 1.24)
SEASONS = ("winter", "summer", "transition")
_MONTHS = tuple(str(month) for month in range(1, 13))


def dynamisation(day_of_year: Array) -> Array:
    """Factor on a household's profile by the day of the year, 1 to 366. [-]"""
    return np.asarray(np.polyval(DYNAMISATION, day_of_year))


def season(local: pd.DatetimeIndex) -> npt.NDArray[np.intp]:
    """Season of each time as a row of `SEASONS`: winter 1 Nov to 20 Mar, summer 15 May to 14 Sep."""
    month_day = local.month.to_numpy() * 100 + local.day.to_numpy()
    summer = (month_day >= 515) & (month_day <= 914)
    winter = (month_day >= 1101) | (month_day <= 320)
    return np.where(winter, 0, np.where(summer, 1, 2)).astype(np.intp)


def profiles(parameters: Parameters) -> tuple[str, ...]:
    """Names of the profiles in the table load_profiles."""
    return tuple(parameters.load_profiles.index.get_level_values("profile").unique())


@lru_cache(maxsize=64)
def _courses(profile: str, parameters: Parameters) -> tuple[bool, bool, Array]:
    """Whether the profile goes by months, whether it is dynamic, and its days, shape (period, day, 24)."""
    table = parameters.load_profiles
    if profile not in profiles(parameters):
        raise CallError(
            f"there is no load profile {profile!r}", "parameters", f"Use {', '.join(profiles(parameters))}"
        )
    mine = table.xs(profile, level="profile")
    monthly = "1" in mine.index.get_level_values("period")
    wanted = pd.MultiIndex.from_product([_MONTHS if monthly else SEASONS, DAYS])
    hours = mine[list(HOUR_COLUMNS)].reindex(wanted).to_numpy("float64")
    if not np.isfinite(hours).all():
        raise CallError(
            f"the load profile {profile!r} lacks a day or an hour",
            "table load_profiles",
            "Give every period (seasons or months) a workday, a Saturday and a Sunday",
        )
    return monthly, bool(mine["dynamic"].to_numpy(bool)[0]), hours.reshape(-1, len(DAYS), 24)


def course(profile: str, local: pd.DatetimeIndex, vacations: bool, parameters: Parameters) -> Array:
    """Course of a profile at local times, not normalised; shape (time,).

    vacations : school holidays count as Sundays.

    Raises
    ------
    CallError : no such profile, or it has gaps.
    """
    monthly, dynamic, days = _courses(profile, parameters)
    period = local.month.to_numpy() - 1 if monthly else season(local)
    values = days[period, kinds_of_day(local, vacations, parameters), local.hour.to_numpy()]
    if dynamic:
        values = values * dynamisation(local.dayofyear.to_numpy("float64"))
    return np.asarray(values)
