"""Metered districts whose true figures are known: the model with other factors, other weather and noise."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import energy
from energy.weather import Weather, sample
from scenarios.baseline import Readings, factors
from scenarios.baseline.forward import Model, Units
from scenarios.baseline.readings import checked
from scenarios.baseline.weather_span import typical
from tests.energy.districts import slabs

Array = npt.NDArray[np.floating[Any]]
BERLIN = "Europe/Berlin"


def case_of(count: int, **columns: Any) -> energy.Case:
    """Slabs of different size and year in the sample's weather, with open facades."""
    number = np.arange(count)
    area = 1200.0 + 240.0 * (number % 7)
    given: dict[str, Any] = {
        "a_use_m2": area,
        "gross_floor_area_m2": area / 0.8,
        "year_of_construction": np.array([1965.0, 1972.0, 1980.0, 1987.0])[number % 4],
        **columns,
    }
    return energy.Case(slabs(count, **given), sample(), shading="tabula")


def years(first: str, last: str, seed: int = 1) -> Weather:
    """Measured weather: the sample year with a spell of each week and an offset of each year."""
    base = typical(sample(), pd.Timestamp(first, tz=BERLIN), pd.Timestamp(last, tz=BERLIN))
    rng = np.random.default_rng(seed)
    year, week = base.times.year - base.times.year.min(), np.arange(len(base)) // 168
    shift = rng.normal(0, 0.8, 20)[year] + rng.normal(0, 2.0, week.max() + 1)[week]
    sun = np.clip(1 + rng.normal(0, 0.15, week.max() + 1)[week], 0.5, 1.3)
    changed = {name: np.minimum(getattr(base, name) * sun, 900.0) for name in ("ghi", "dni", "dhi")}
    return dataclasses.replace(
        base, temp_air=np.clip(base.temp_air + shift, -25, 38), name="measured", source="test", **changed
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Truth:
    """x and factors that made the readings; shape (unit, factor)."""

    x: Array
    values: Array
    heat_kwh_a: Array


def truth(case: energy.Case, units: Units, rng: np.random.Generator) -> Truth:
    """True factors drawn from the prior, and the heat of the reference year."""
    prior = factors.priors(case.envelope.iloc[units.rows], units.unit, case.parameters)
    x = np.clip(rng.standard_normal(prior.low.shape), prior.low, prior.high)
    values = prior.values(x)
    model = Model(case, units)
    first, last = (np.full(len(units), moment.value) for moment in model.span())
    return Truth(x, values, model.energies(values[None], np.arange(len(units)), first, last)[0])


def alone(count: int, *, hot_water: bool = True) -> Units:
    """Each building with a meter of its own."""
    return Units(np.arange(count), np.arange(count), np.full(count, hot_water))


def bills(
    case: energy.Case,
    weather: Weather,
    units: Units,
    known: Truth,
    edges: list[str],
    rng: np.random.Generator,
    noise: float = 0.03,
    level: float = 0.03,
) -> Readings:
    """Readings between the local dates `edges`, with errors of each reading and of each meter."""
    moments = pd.DatetimeIndex(edges).tz_localize(BERLIN).tz_convert("UTC").as_unit("ns")
    count, periods = len(units), len(edges) - 1
    unit = np.repeat(np.arange(count), periods)
    start, end = np.tile(moments[:-1].asi8, count), np.tile(moments[1:].asi8, count)
    heat = Model(case.replace(weather=weather), units).energies(known.values[None], unit, start, end)[0]
    heat *= 1 + level * rng.standard_normal(count)[unit]
    heat *= np.maximum(1 + noise * rng.standard_normal(len(heat)), 0.0)
    return readings(case, units, unit, start, end, heat)


def hours(
    case: energy.Case,
    weather: Weather,
    units: Units,
    known: Truth,
    rng: np.random.Generator,
    noise: float = 0.15,
    by_day: float = 0.06,
) -> Array:
    """Hourly heat of each unit over the weather, shape (unit, time), with errors of hours and days. [kWh]"""
    heat = Model(case.replace(weather=weather), units).hours(known.values, np.ones(len(units), bool))
    heat *= 1 + 0.03 * rng.standard_normal(len(units))[:, None]
    day = np.arange(heat.shape[1]) // 24
    heat *= 1 + by_day * rng.standard_normal((len(units), day.max() + 1))[:, day]
    return np.asarray(heat * np.maximum(1 + noise * rng.standard_normal(heat.shape), 0.0))


def of_hours(case: energy.Case, weather: Weather, units: Units, heat: Array) -> Readings:
    """Hourly readings, nan where there is none."""
    unit = np.repeat(np.arange(len(units)), heat.shape[1])
    start = np.tile(weather.times.as_unit("ns").asi8, len(units))
    return readings(case, units, unit, start, start + 3_600_000_000_000, heat.ravel())


def readings(case: energy.Case, units: Units, unit: Array, start: Array, end: Array, heat: Array) -> Readings:
    """Readings as the list of an owner gives them; meters are called m0, m1, …"""
    names = [f"m{number}" for number in range(len(units))]
    ids = case.envelope.index
    table = pd.DataFrame(
        {
            "buildings": [tuple(ids[units.rows[units.unit == number]]) for number in range(len(units))],
            "carrier": "district_heating",
            "includes_hot_water": units.with_hot_water,
        },
        index=pd.Index(names, name="meter"),
    )
    values = pd.DataFrame(
        {
            "meter": np.array(names, object)[unit],
            "start": pd.DatetimeIndex(start.astype("datetime64[ns]")).tz_localize("UTC"),
            "end": pd.DatetimeIndex(end.astype("datetime64[ns]")).tz_localize("UTC"),
            "kwh": heat,
            "where": "",
        }
    )
    return checked(table, values, ids, "test")
