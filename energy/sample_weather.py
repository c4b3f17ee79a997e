"""Generates the sample year: days that belong together, held to documented monthly figures.

Method: a multivariate generator of days after Matalas 1967 and Richardson 1981 (Water Resources Research
17, 182–190): normal scores of clearness, temperature, wind and dew-point depression follow
``z(t) = A z(t−1) + B e(t)``, ``A = M1 M0⁻¹`` and ``B Bᵀ = M0 − A M1ᵀ``, where M0 and M1 are the matrices of
correlation on the same and on successive days, by half-year. So warm winter days are windy, clear summer
days warm and dry, and fronts last some days. Hours follow from the days: cloudiness scales the Ineichen clear
sky of pvlib; the daily range of temperature grows with the clearness; a noise of hours lies over temperature,
wind and dew point. Of the seeds 1 to 60 the one whose statistics come nearest to the source's was taken.

An exponent on the cloudiness brings each month's global radiation, one on the diffuse share its diffuse
radiation, a smooth shift and stretch its temperature to the targets.

Targets and statistics: monthly figures and correlations of days in the Erfurt test year 2007–2021 (own
calculation from public data). The result is a model year, not a measurement. Run
``python -m energy.sample_weather FILE`` to write it.
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
from scipy.special import erf

from energy.sky import humidity_percent
from energy.weather import SAMPLE_ALTITUDE_M, SAMPLE_LATITUDE, SAMPLE_LONGITUDE

Array = npt.NDArray[np.float64]
SEED = 57
YEAR = 2025
TEMPERATURE_C = (0.3, 2.5, 4.6, 9.1, 13.3, 17.5, 18.0, 18.2, 14.2, 9.1, 4.7, 3.0)
GLOBAL_KWH_M2 = (27, 47, 89, 145, 154, 161, 166, 140, 99, 55, 30, 19)
DIFFUSE_KWH_M2 = (16, 22, 39, 46, 68, 67, 70, 54, 40, 27, 18, 13)
TEMPERATURE_RANGE_C = (-17.0, 29.0)
WIND_M_S, WIND_MOST_M_S = 3.9, 17.5  # open field, 10 m
LINKE_TURBIDITY = (2.6, 2.8, 3.2, 3.5, 3.7, 3.8, 3.9, 3.8, 3.5, 3.1, 2.8, 2.6)  # estimate, Central Europe
# Correlation of the days' normal scores of clearness, temperature, wind and dew-point depression, on the same
# day and of a day (row) with the day before (column); October to March, April to September.
CORRELATION = np.array(
    [
        [[1, -0.10, -0.02, 0.44], [-0.10, 1, 0.38, 0.39], [-0.02, 0.38, 1, 0.50], [0.44, 0.39, 0.50, 1]],
        [[1, 0.37, -0.27, 0.78], [0.37, 1, -0.28, 0.42], [-0.27, -0.28, 1, -0.12], [0.78, 0.42, -0.12, 1]],
    ]
)
CORRELATION_NEXT_DAY = np.array(
    [
        [
            [0.20, -0.12, -0.01, 0.01],
            [-0.02, 0.73, 0.25, 0.29],
            [-0.03, 0.31, 0.58, 0.33],
            [0.12, 0.26, 0.38, 0.53],
        ],
        [
            [0.31, 0.10, -0.07, 0.26],
            [0.33, 0.68, -0.33, 0.30],
            [-0.13, -0.10, 0.46, 0.00],
            [0.38, 0.19, 0.06, 0.49],
        ],
    ]
)
CLEARNESS_QUANTILES = ((0.02, 0.14, 0.22), (0.1, 0.31, 0.40), (0.25, 0.48, 0.56), (0.5, 0.67, 0.69),
                       (0.75, 0.86, 0.81), (0.9, 1.0, 0.94), (0.98, 1.0, 1.0))  # fmt: skip
TEMPERATURE_SPREAD_C = (3.5, 3.0)  # standard deviation of days about the season, by half-year
WIND_SPREAD = (0.49, 0.33)  # of the logarithm of the days' means
DEPRESSION_C, DEPRESSION_SPREAD = (
    (4.0, 2.2),
    0.5,
)  # of the dew point: year and seasonal swing; of its logarithm
_SUB_HOURS = 12
_HALF_YEAR = 182.5


def generate(seed: int = SEED) -> pd.DataFrame:
    """The year as a table, index time (UTC, start of the hour), columns as in `energy.weather.Weather`."""
    random = np.random.default_rng(seed)
    times = pd.date_range(f"{YEAR}-01-01", periods=8760, freq="h", tz="UTC", name="time")
    month = times.month.to_numpy() - 1
    clear, cos_middle = _clear_sky(times, month)
    scores = _scores(random)
    clearness = _clearness(scores[:, 0])
    ghi = _to_monthly(_hourly_index(random, clearness), clear, month)
    dhi = _diffuse(ghi, clear, cos_middle, month)
    dni = np.divide(ghi - dhi, cos_middle, out=np.zeros_like(ghi), where=ghi > dhi)
    day_share = _day_share(ghi, clear)
    temperature = _temperature(random, scores[:, 1], day_share, month)
    return pd.DataFrame(
        {
            "temp_air": temperature.round(1),
            "ghi": ghi.round(1),
            "dni": dni.round(1),
            "dhi": dhi.round(1),
            "wind_speed": _wind(random, scores[:, 2]).round(1),
            "relative_humidity": _humidity(random, temperature, scores[:, 3]).round(0),
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


def _summer_half() -> npt.NDArray[np.intp]:
    """1 for the days from April to September, else 0; shape (365,)."""
    months = pd.date_range(f"{YEAR}-01-01", periods=365).month.to_numpy()
    return np.asarray((months >= 4) & (months <= 9), np.intp)


def _season() -> Array:
    """−1 in mid-January to 1 in mid-July; shape (365,)."""
    return np.asarray(-np.cos(np.pi * (np.arange(365) - 17) / _HALF_YEAR))


def _scores(random: np.random.Generator) -> Array:
    """Normal scores of the days' clearness, temperature, wind and dew-point depression, shape (365, 4)."""
    memory, shock = [], []
    for same, after in zip(CORRELATION, CORRELATION_NEXT_DAY, strict=True):
        memory.append(after @ np.linalg.inv(same))
        shock.append(np.linalg.cholesky(same - memory[-1] @ after.T))
    half = np.concatenate([np.zeros(50, np.intp), _summer_half()])
    noise = random.standard_normal((len(half), 4))
    scores = np.zeros((len(half), 4))
    for day in range(1, len(half)):
        scores[day] = memory[half[day]] @ scores[day - 1] + shock[half[day]] @ noise[day]
    return scores[50:]


def _clearness(scores: Array) -> Array:
    """Share of the clear sky that each day gets, with the quantiles of its half-year; shape (365,)."""
    below = 0.5 * (1 + erf(scores / np.sqrt(2)))
    quantiles = np.array(CLEARNESS_QUANTILES).T
    halves = [np.interp(below, quantiles[0], quantiles[1 + half]) for half in (0, 1)]
    return np.asarray(np.clip(np.where(_summer_half() == 1, halves[1], halves[0]), 0.06, 1.0))


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


def _over_hours(days: Array) -> Array:
    """Values of days as a course over the hours, through the days' noons."""
    return np.asarray(np.interp(np.arange(8760.0), np.arange(365) * 24 + 12.0, days))


def _temperature(
    random: np.random.Generator, scores: Array, share: Array, month: npt.NDArray[np.int64]
) -> Array:
    anomaly = scores * np.array(TEMPERATURE_SPREAD_C)[_summer_half()]
    half_range = 0.9 + share * (3.6 + 2.2 * _season())
    swing = _over_hours(half_range) * _daily_wave(np.arange(8760.0))
    within_days = swing + 0.5 * _autocorrelated(random, 8760, 0.8)
    return _to_targets(_over_hours(anomaly), within_days, month)


def _daily_wave(hours: Array) -> Array:
    """Course of a day, −1 to 1: coldest about 5 h, warmest about 14.5 h UTC."""
    hour = hours % 24
    rising = -np.cos(np.pi * (hour - 4.5) / 9.5)
    falling = np.cos(np.pi * ((hour - 14.0) % 24) / 14.5)
    return np.where((hour >= 4.5) & (hour < 14.0), rising, falling)


def _to_targets(between_days: Array, within_days: Array, month: npt.NDArray[np.int64]) -> Array:
    """Shift the course, and stretch what differs between days, until months and extremes are met."""
    targets, hours = np.array(TEMPERATURE_C), np.arange(8760.0)
    low, high = TEMPERATURE_RANGE_C
    shift, stretch = targets.copy(), np.ones(12)
    for _ in range(200):
        course = _yearly(shift, hours) + _yearly(stretch, hours) * between_days + within_days
        means = np.bincount(month, course) / np.bincount(month)
        shift += targets - means
        coldest, warmest = int(np.argmin(course)), int(np.argmax(course))
        stretch[month[coldest]] *= 1 + 0.1 * np.clip((course[coldest] - low) / 20, -0.5, 0.5)
        stretch[month[warmest]] *= 1 + 0.1 * np.clip((high - course[warmest]) / 20, -0.5, 0.5)
    return np.clip(course, low, high)


def _wind(random: np.random.Generator, scores: Array) -> Array:
    """Wind at 10 m: spells of days, a little stronger in winter and about noon."""
    hours = np.arange(8760.0)
    spells = _over_hours(scores * np.array(WIND_SPREAD)[_summer_half()])
    winter = 1 - 0.07 * np.repeat(_season(), 24)
    noon = 1 + 0.16 * np.cos(2 * np.pi * ((hours % 24) - 13) / 24)
    speed = np.exp(spells + 0.3 * _autocorrelated(random, 8760, 0.75)) * winter * noon
    return np.asarray(np.minimum(speed * WIND_M_S / float(speed.mean()), WIND_MOST_M_S))


def _humidity(random: np.random.Generator, temperature: Array, scores: Array) -> Array:
    """Relative humidity [%] from the days' dew-point depression; dew forms where the night meets it."""
    year, swing = DEPRESSION_C
    depression = (year + swing * _season()) * np.exp(DEPRESSION_SPREAD * scores - DEPRESSION_SPREAD**2 / 2)
    mean = temperature.reshape(365, 24).mean(axis=1)
    dew = _over_hours(mean - depression) + 1.5 * _autocorrelated(random, 8760, 0.9)
    return np.clip(humidity_percent(temperature, np.minimum(dew, temperature)), 15, 100)


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
