"""Degree days (Gradtagzahl G20/15) and weather-normalised consumption, VDI 3807 Blatt 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.calendar_days import LOCAL_TIME
from energy.parameters import Parameters
from energy.weather import Weather

Array = npt.NDArray[np.floating[Any]]


def daily_degree_days(mean_c: Array, parameters: Parameters) -> Array:
    """Degree days of days by their mean outdoor temperature, as `mean_c`. [K d]

    20 °C less the mean on days below 15 °C, else none (VDI 3807 Blatt 1).
    """
    limit, room = (parameters.constant(f"{name}_degree_days_c") for name in ("heating_limit", "room"))
    return np.asarray(np.where(mean_c < limit, room - mean_c, 0.0))


def degree_days(weather: Weather, parameters: Parameters) -> pd.Series:
    """Degree days of each local day, index the day's start (Europe/Berlin); whole days only. [K d]"""
    local = weather.times.tz_convert(LOCAL_TIME)
    days = pd.Series(weather.temp_air, local).groupby(local.normalize())
    mean = days.mean()[days.size() >= 23]
    return pd.Series(daily_degree_days(mean.to_numpy(), parameters), mean.index, name="degree_days_kd")


def normalised(heating_kwh: Array, of_period: Array, of_reference_year: float) -> Array:
    """Heating of a reference year from that of periods with their degree days; nan without any. [kWh/a]"""
    return np.asarray(
        np.divide(
            heating_kwh * of_reference_year,
            of_period,
            out=np.full(len(of_period), np.nan),
            where=of_period > 0,
        )
    )
