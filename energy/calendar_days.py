"""Kinds of day in local time: workdays, Saturdays, Sundays with Thuringia's public holidays, school holidays.

Holidays follow rules (the table holidays), not lists, so that any weather year has its own. Christmas Eve and
New Year's Eve count as Saturdays, as the standard load profiles want it.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.parameters import Parameters

WORKDAY, SATURDAY, SUNDAY = 0, 1, 2  # rows of `energy.parameters.DAYS`
LOCAL_TIME = "Europe/Berlin"
_LIKE_SATURDAY = ((12, 24), (12, 31))  # VDEW M-05/2000, BDEW 2025


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8)."""
    century, of_century = divmod(year, 100)
    skipped, leap = divmod(century, 4)
    moon = (19 * (year % 19) + century - skipped - (8 * century + 13) // 25 + 15) % 30
    fours, rest = divmod(of_century, 4)
    weekday = (32 + 2 * leap + 2 * fours - moon - rest) % 7
    shift = (year % 19 + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=64)
def holidays(year: int, parameters: Parameters) -> frozenset[date]:
    """Public holidays of a year by the rules of the table holidays."""
    found = set()
    for row in parameters.holidays.to_dict("records"):
        if not np.isnan(row["first_year"]) and year < row["first_year"]:
            continue
        if isinstance(row["month_day"], str):
            found.add(date.fromisoformat(f"{year}-{row['month_day']}"))
        else:
            found.add(easter(year) + timedelta(days=int(row["days_after_easter"])))
    return frozenset(found)


def is_vacation(day: date, parameters: Parameters) -> bool:
    """Whether schools are closed for holidays, by the table vacations."""
    month_day = f"{day:%m-%d}"
    table = parameters.vacations
    return bool(((table["first_day"] <= month_day) & (month_day <= table["last_day"])).any())


@lru_cache(maxsize=512)
def kind_of_day(day: date, vacations: bool, parameters: Parameters) -> int:
    """WORKDAY, SATURDAY or SUNDAY (and public holidays); with `vacations` school holidays are Sundays too."""
    if day.weekday() == 6 or day in holidays(day.year, parameters):
        return SUNDAY
    if vacations and is_vacation(day, parameters):
        return SUNDAY
    if day.weekday() == 5 or (day.month, day.day) in _LIKE_SATURDAY:
        return SATURDAY
    return WORKDAY


def kinds_of_day(local: pd.DatetimeIndex, vacations: bool, parameters: Parameters) -> npt.NDArray[np.intp]:
    """Kind of the day of each local time; shape (time,)."""
    number, days = pd.factorize(local.date)
    kinds = [kind_of_day(day, vacations, parameters) for day in days]
    return np.array(kinds, np.intp)[number]
