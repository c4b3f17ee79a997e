"""Future climate: the weather's temperatures shifted by month, after Belcher, Hacker, Powell (2005)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from energy import Case
from energy.weather import Weather
from scenarios.measures import base
from scenarios.measures.base import Parameter

TITLE = {"de": "Künftiges Klima", "en": "Future climate"}
DESCRIPTION = {
    "de": "Jede Stunde wird wärmer, im Sommer um einen anderen Betrag als im Winter; Sonne, Wind und "
    "relative Feuchte bleiben.",
    "en": "Every hour gets warmer, in summer by another amount than in winter; sun, wind and relative "
    "humidity stay.",
}
STAGE = 1
EXCLUDES: tuple[str, ...] = ()
BEFORE: tuple[str, ...] = ()
_ESTIMATE = "estimate, to be confirmed by the user: no downscaled climate run for Jena at hand"
PARAMETERS = (
    Parameter(
        "winter_k", {"de": "Erwärmung im Winter", "en": "Warming in winter"}, 1.5, "K", -2.0, 6.0,
        source=_ESTIMATE, is_estimate=True,
    ),
    Parameter(
        "summer_k", {"de": "Erwärmung im Sommer", "en": "Warming in summer"}, 1.5, "K", -2.0, 6.0,
        source=_ESTIMATE, is_estimate=True,
    ),
)  # fmt: skip
_KELVIN = 273.15
_WARMEST_MONTH = 7


def apply(case: Case, *, winter_k: float = 1.5, summer_k: float = 1.5) -> Case:
    """The case in a warmer (or colder) climate.

    The method's "shift" (Building Services Engineering Research and Technology 26, 49–61): a monthly amount
    is added to each hour. Here it goes from January's to July's along a cosine over the year. The sky's
    long-wave radiation keeps its ratio to that of a black body at air temperature.

    Raises
    ------
    CallError : a warming out of range.
    """
    base.check("climate", PARAMETERS, {"winter_k": winter_k, "summer_k": summer_k})
    if winter_k == 0 and summer_k == 0:
        return case
    return case.replace(weather=shifted(case.weather, winter_k, summer_k))


def shifted(weather: Weather, winter_k: float, summer_k: float) -> Weather:
    """The weather with each hour warmer by `winter_k` in mid-January to `summer_k` in mid-July."""
    month = weather.times.month.to_numpy() + weather.times.day.to_numpy() / 31 - 0.5
    share = (1 + np.cos(2 * np.pi * (month - _WARMEST_MONTH) / 12)) / 2
    warmer = weather.temp_air + winter_k + (summer_k - winter_k) * share
    ratio = ((warmer + _KELVIN) / (weather.temp_air + _KELVIN)) ** 4
    note = f"shifted by {winter_k:+g} K in winter, {summer_k:+g} K in summer (Belcher et al. 2005)"
    return replace(
        weather,
        temp_air=warmer,
        ir_horizontal=weather.ir_horizontal * ratio,
        name=f"{weather.name}, {note}",
        metadata={**weather.metadata, "morphed": note},
    )
