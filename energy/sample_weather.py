"""Generates the sample year: days that belong together, held to documented monthly figures.

Method: each day draws a clearness (autocorrelated); hourly cloudiness follows it and scales the Ineichen
clear sky of pvlib. Day temperatures follow the monthly course plus an autocorrelated anomaly that knows the
clearness (clear summer days are warm, clear winter days cold); the daily range grows with the clearness.
An exponent on the cloudiness brings each month's global radiation, one on the diffuse share its diffuse
radiation, a smooth shift and stretch its temperature to the targets. Wind and humidity follow.

Targets: monthly figures of the Erfurt test year 2007–2021 (own calculation from public data). The result is a
model year, not a measurement. Run ``python -m energy.sample_weather FILE`` to write it.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

from energy.weather import SAMPLE_ALTITUDE_M, SAMPLE_LATITUDE, SAMPLE_LONGITUDE

Array = npt.NDArray[np.float64]
SEED = 134
YEAR = 2025
TEMPERATURE_C = (0.3, 2.5, 4.6, 9.1, 13.3, 17.5, 18.0, 18.2, 14.2, 9.1, 4.7, 3.0)
GLOBAL_KWH_M2 = (27, 47, 89, 145, 154, 161, 166, 140, 99, 55, 30, 19)
DIFFUSE_KWH_M2 = (16, 22, 39, 46, 68, 67, 70, 54, 40, 27, 18, 13)
TEMPERATURE_RANGE_C = (-17.0, 29.0)
WIND_M_S = 3.9  # open field, 10 m
LINKE_TURBIDITY = (2.6, 2.8, 3.2, 3.5, 3.7, 3.8, 3.9, 3.8, 3.5, 3.1, 2.8, 2.6)  # estimate, Central Europe
_SUB_HOURS = 12


def generate(seed: int = SEED) -> pd.DataFrame:
    """The year as a table, index time (UTC, start of the hour), columns as in `energy.weather.Weather`."""
    random = np.random.default_rng(seed)
    times = pd.date_range(f"{YEAR}-01-01", periods=8760, freq="h", tz="UTC", name="time")
    month = times.month.to_numpy() - 1
    clear, cos_middle = _clear_sky(times, month)
    clearness = _clearness(random, 365)
    ghi = _to_monthly(_hourly_index(random, clearness), clear, month)
    dhi = _diffuse(ghi, clear, cos_middle, month)
    dni = np.divide(ghi - dhi, cos_middle, out=np.zeros_like(ghi), where=ghi > dhi)
    day_share = _day_share(ghi, clear)
    temperature = _temperature(random, day_share, month)
    return pd.DataFrame(
        {
            "temp_air": temperature.round(1),
            "ghi": ghi.round(1),
            "dni": dni.round(1),
            "dhi": dhi.round(1),
            "wind_speed": _wind(random, temperature, day_share).round(1),
            "relative_humidity": _humidity(random, temperature, day_share).round(0),
        },
        index=times,
    )


def _clear_sky(times: pd.DatetimeIndex, month: npt.NDArray[np.int64]) -> tuple[Array, Array]:
    """Hourly means of clear-sky global radiation, and the cosine of the zenith in the hour's middle."""
    step = pd.Timedelta(hours=1) / _SUB_HOURS
    fine = pd.date_range(times[0] + step / 2, periods=len(times) * _SUB_HOURS, freq=step)
    sun = pvlib.solarposition.get_solarposition(fine, SAMPLE_LATITUDE, SAMPLE_LONGITUDE, SAMPLE_ALTITUDE_M)
    zenith = np.minimum(sun["apparent_zenith"].to_numpy(), 89.9)
    airmass = pvlib.atmosphere.get_absolute_airmass(pvlib.atmosphere.get_relative_airmass(zenith))
    turbidity = np.repeat(np.array(LINKE_TURBIDITY)[month], _SUB_HOURS)
    sky = pvlib.clearsky.ineichen(zenith, airmass, turbidity, altitude=SAMPLE_ALTITUDE_M)
    up = sun["apparent_zenith"].to_numpy() < 90
    ghi = np.where(up, np.asarray(sky["ghi"]), 0.0).reshape(-1, _SUB_HOURS).mean(axis=1)
    middle = pvlib.solarposition.get_solarposition(
        times + pd.Timedelta(minutes=30), SAMPLE_LATITUDE, SAMPLE_LONGITUDE, SAMPLE_ALTITUDE_M
    )
    return ghi, np.maximum(np.cos(np.radians(middle["apparent_zenith"].to_numpy())), 0.0)


def _autocorrelated(random: np.random.Generator, count: int, memory: float) -> Array:
    """Standard normal series whose neighbours correlate by `memory`."""
    noise = random.standard_normal(count + 50)
    series = np.zeros(count + 50)
    for step in range(1, count + 50):
        series[step] = memory * series[step - 1] + np.sqrt(1 - memory**2) * noise[step]
    return np.asarray(series[50:])


def _clearness(random: np.random.Generator, days: int) -> Array:
    """Share of the clear sky that each day gets, 0 to 1, in spells of a few days."""
    uniform = 0.5 + 0.5 * np.tanh(0.9 * _autocorrelated(random, days, 0.55))
    return np.clip(1.15 * uniform, 0.06, 1.0)


def _hourly_index(random: np.random.Generator, clearness: Array) -> Array:
    """Clear-sky index of the hours: calm on clear and on overcast days, lively between."""
    lively = 0.9 * clearness * (1 - clearness)
    hourly = np.repeat(clearness, 24) + np.repeat(lively, 24) * _autocorrelated(random, 8760, 0.5)
    return np.clip(hourly, 0.05, 0.99)


def _bisect(total: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Root of a falling function of one exponent."""
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if total(middle) > target else (low, middle)
    return float(np.sqrt(low * high))


def _to_monthly(index: Array, clear: Array, month: npt.NDArray[np.int64]) -> Array:
    """Global radiation with each month's sum on target: the index raised to one power a month."""
    ghi = np.zeros_like(clear)
    for number, target in enumerate(GLOBAL_KWH_M2):
        here = month == number
        sky, cloud = clear[here], index[here]
        power = _bisect(lambda p, s=sky, c=cloud: float((s * c**p).sum()), target * 1000, 0.02, 50)  # type: ignore[misc]
        ghi[here] = sky * cloud**power
    return ghi


def _diffuse(ghi: Array, clear: Array, cos_middle: Array, month: npt.NDArray[np.int64]) -> Array:
    """Diffuse part: all of it under cloud, a clear-sky share at full sun; the month's sum on target."""
    index = np.divide(ghi, clear, out=np.zeros_like(ghi), where=clear > 0)
    dhi = ghi.copy()
    for number, target in enumerate(DIFFUSE_KWH_M2):
        here = (month == number) & (cos_middle > 0.06)
        low = ghi[(month == number) & (cos_middle <= 0.06)].sum()
        sun, part = ghi[here], index[here]
        floor = 0.09 + 0.10 * np.exp(-cos_middle[here] / 0.25)

        def share(power: float, part: Array = part, floor: Array = floor) -> Array:
            return floor + (1 - floor) * (1 - part**2) ** power

        power = _bisect(lambda p, s=sun, f=share, n=low: float((s * f(p)).sum() + n), target * 1000, 0.01, 50)  # type: ignore[misc]
        dhi[here] = sun * share(power)
    return np.minimum(dhi, ghi)


def _day_share(ghi: Array, clear: Array) -> Array:
    """Share of the clear sky's radiation per day; shape (365,)."""
    return np.asarray(ghi.reshape(365, 24).sum(axis=1) / clear.reshape(365, 24).sum(axis=1))


def _yearly(values: Array, hours: Array) -> Array:
    """Monthly figures as a smooth periodic course over the year's hours."""
    middles = (np.arange(-1, 13) + 0.5) * 730
    padded = np.concatenate([values[-1:], values, values[:1]])
    return np.asarray(np.interp(hours, middles, padded))


def _temperature(random: np.random.Generator, share: Array, month: npt.NDArray[np.int64]) -> Array:
    hours = np.arange(8760.0)
    season = -np.cos(2 * np.pi * (np.arange(365) - 17) / 365)  # −1 in January, 1 in July
    anomaly = 3.4 * _autocorrelated(random, 365, 0.82) * (1 - 0.15 * season)
    anomaly += (share - share.mean()) * (3.0 + 9.0 * season)
    day = np.interp(hours, np.arange(365) * 24 + 12.0, anomaly)
    half_range = 0.8 + share * (3.6 + 2.1 * season)
    swing = np.interp(hours, np.arange(365) * 24 + 12.0, half_range) * _daily_wave(hours)
    shape = day + swing + 0.25 * _autocorrelated(random, 8760, 0.7)
    return _to_targets(shape, hours, month)


def _daily_wave(hours: Array) -> Array:
    """Course of a day, −1 to 1: coldest about 5 h, warmest about 14.5 h UTC."""
    hour = hours % 24
    rising = -np.cos(np.pi * (hour - 4.5) / 9.5)
    falling = np.cos(np.pi * ((hour - 14.0) % 24) / 14.5)
    return np.where((hour >= 4.5) & (hour < 14.0), rising, falling)


def _to_targets(shape: Array, hours: Array, month: npt.NDArray[np.int64]) -> Array:
    """Shift and stretch `shape` smoothly until the monthly means and the year's extremes are met."""
    targets = np.array(TEMPERATURE_C)
    low, high = TEMPERATURE_RANGE_C
    shift, stretch = targets.copy(), np.ones(12)
    for _ in range(200):
        course = _yearly(shift, hours) + _yearly(stretch, hours) * shape
        means = np.bincount(month, course) / np.bincount(month)
        shift += targets - means
        coldest, warmest = int(np.argmin(course)), int(np.argmax(course))
        stretch[month[coldest]] *= 1 + 0.1 * np.clip((course[coldest] - low) / 20, -0.5, 0.5)
        stretch[month[warmest]] *= 1 + 0.1 * np.clip((high - course[warmest]) / 20, -0.5, 0.5)
    return np.clip(course, low, high)


def _wind(random: np.random.Generator, temperature: Array, share: Array) -> Array:
    """Wind at 10 m: spells, stronger in winter, on cloudy days and at noon."""
    hours = np.arange(8760.0)
    spells = np.interp(hours, np.arange(365) * 24 + 12.0, _autocorrelated(random, 365, 0.5))
    winter = 1 + 0.18 * np.cos(2 * np.pi * (hours - 360) / 8760)
    noon = 1 + 0.16 * np.cos(2 * np.pi * ((hours % 24) - 13) / 24)
    cloudy = 1.12 - 0.25 * np.repeat(share, 24)
    speed = np.exp(0.42 * spells + 0.22 * _autocorrelated(random, 8760, 0.85)) * winter * noon * cloudy
    return np.asarray(speed * WIND_M_S / float(speed.mean()))


def _humidity(random: np.random.Generator, temperature: Array, share: Array) -> Array:
    """Relative humidity [%] from a dew point near the night's lowest temperature (Magnus formula)."""
    days = temperature.reshape(365, 24)
    dew = days.min(axis=1) + 0.9 - 1.8 * share + 0.8 * _autocorrelated(random, 365, 0.5)
    hourly = np.interp(np.arange(8760.0), np.arange(365) * 24 + 12.0, dew)
    hourly = np.minimum(hourly, temperature)

    def pressure(celsius: Array) -> Array:
        return np.exp(17.62 * celsius / (243.12 + celsius))

    return np.clip(100 * pressure(hourly) / pressure(temperature), 15, 100)


def write(path: str | Path) -> None:
    """Write the sample year as a compressed table with its licence on top; equal bytes for equal figures."""
    head = (
        "# Sample year for Jena: generated from documented monthly figures, not measured. Apache-2.0.\n"
        "# Hours in UTC by their start; degrees C, W/m2 (mean over the hour), m/s at 10 m, percent.\n"
    )
    table = generate()
    table.index = pd.DatetimeIndex(table.index).strftime("%Y-%m-%dT%H:%MZ")
    body = head + table.to_csv(lineterminator="\n")
    with Path(path).open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(body.encode())


if __name__ == "__main__":
    write(sys.argv[1])
