"""The sample year on the calendar: typical weather for any hours, and rain for it.

Each hour takes the values of its month, day and hour in the sample year, 29 February those of the 28th. The
sample year has no rain: hours that are moist and dull get some, up to monthly sums that are estimates
(assets/sensors/replay.csv). It is a model, not a measurement.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import weather
from energy.weather import Weather
from scenarios.baseline.weather_span import on_calendar, rows_of
from scenarios.replay import noise
from sensors import evapotranspiration
from sensors.figures import figure

Array = npt.NDArray[np.float64]
_RAIN_SEED = 1


def between(start: pd.Timestamp, hours: int) -> Weather:
    """Typical weather of `hours` hours from `start` (UTC, on the hour)."""
    times = pd.date_range(start, periods=hours, freq="h", name="time", unit="ns")
    found = on_calendar(weather.sample(), times)
    span = f"{times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}"
    return replace(
        found, name="Jena, sample year on the calendar", metadata={**found.metadata, "calendar": span}
    )


def rain(times: pd.DatetimeIndex) -> Array:
    """Rain of hours in the sample year. [mm]"""
    return _sample_rain()[rows_of(weather.sample().times, times)]


def daily_forcing(weather: Weather, rain_mm: Array) -> tuple[pd.DatetimeIndex, Array, Array]:
    """Days (UTC), and their rain and reference evapotranspiration. [mm]"""
    et0 = evapotranspiration.hourly(
        weather.temp_air,
        weather.relative_humidity,
        np.asarray(evapotranspiration.wind_at_2_m(weather.wind_speed)),
        weather.ghi * 0.0036,
        weather.times,
        weather.latitude,
        weather.longitude,
        weather.altitude_m,
    )
    table = pd.DataFrame({"rain": rain_mm, "et0": et0}, index=weather.times).resample("D").sum()
    return pd.DatetimeIndex(table.index), table["rain"].to_numpy(), table["et0"].to_numpy()


@cache
def _sample_rain() -> Array:
    sample = weather.sample()
    hours = np.arange(len(sample))
    month = sample.times.month.to_numpy() - 1
    moist = pd.Series(sample.relative_humidity).rolling(5, center=True, min_periods=1).mean().to_numpy()
    dull = 1 - sample.ghi / np.maximum(pd.Series(sample.ghi).rolling(24, min_periods=1).max().to_numpy(), 50)
    score = moist + 10 * dull + 12 * noise.normal(_RAIN_SEED, "rain", hours // 3)
    amount = (-np.log(noise.uniform(_RAIN_SEED, "amount", hours))) ** 1.3
    found = np.zeros(len(sample))
    for number in range(12):
        mine = np.flatnonzero(month == number)
        wet = mine[np.argsort(score[mine])[-round(figure("wet_hours_share", "replay") * len(mine)) :]]
        found[wet] = amount[wet] * figure(f"rain_{number + 1:02d}", "replay") / amount[wet].sum()
    return found.round(1)
