"""Heat pumps: coefficient of performance by source and flow temperature, frosting, heat source, capacity.

COP: quadratic regression over the temperature lift by Ruhnau, Hirth and Praktiknjo 2019 (When2Heat,
doi 10.1038/s41597-019-0199-y): air 6.08 − 0.09 ΔT + 0.0005 ΔT², ground 10.29 − 0.21 ΔT + 0.0012 ΔT², with a
field factor of 0.85 on both. Manufacturers' curves hide when frost costs most; of the air's 0.85 the part
that frosting takes is therefore given to the hours with frost (Wetter and Afjei 1997), so that the year's
mean stays about Ruhnau's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.parameters import Parameters
from energy.weather import Weather

Array = npt.NDArray[np.floating[Any]]
# Wetter, Afjei 1997: share of the COP lost, 0.03 − 0.004 θ (not below 0) and a bell about 0.89 °C.
FROST_OFFSET, FROST_SLOPE = 0.03, -0.004
FROST_BELL, FROST_CENTRE_C, FROST_WIDTH_K2 = 0.1534, 0.8869, 26.06
_YEAR_H, _YEAR_D = 8766, 365.25


def frosting(temp_air: Array) -> Array:
    """Share of the COP lost to ice and defrosting by the outdoor temperature, Wetter and Afjei 1997. [-]"""
    outdoor = np.asarray(temp_air, "float64")
    bell = FROST_BELL * np.exp(-((outdoor - FROST_CENTRE_C) ** 2) / FROST_WIDTH_K2)
    return np.asarray(np.maximum(FROST_OFFSET + FROST_SLOPE * outdoor, 0.0) + bell)


def cop(
    source_c: Array, flow_c: Array, coefficients: Array, field_factor: Array, parameters: Parameters
) -> Array:
    """Coefficient of performance, at least 1; arrays broadcast. [-]

    Parameters
    ----------
    source_c, flow_c : temperature of the source (air, brine) and of the flow. [°C]
    coefficients : of the lift's powers 0, 1 and 2, shape (3, …).
    field_factor : real operation over the test bench. [-]

    The lift is held within the range in which the regression falls (15 to 85 K).
    """
    lift = np.clip(
        np.asarray(flow_c) - source_c, parameters.constant("lift_least_k"), parameters.constant("lift_most_k")
    )
    bench = coefficients[0] + coefficients[1] * lift + coefficients[2] * lift**2
    return np.asarray(np.maximum(field_factor * bench, 1.0))


def capacity(temp_air: Array, parameters: Parameters) -> Array:
    """Largest heating power of an air-source heat pump over that at the bivalence point; not below 0. [-]"""
    warmer = np.asarray(temp_air) - parameters.constant("bivalence_c")
    return np.asarray(np.maximum(1 + parameters.constant("capacity_per_k") * warmer, 0.0))


def ground_temperature(weather: Weather, parameters: Parameters) -> Array:
    """Undisturbed temperature of the ground at the probes' depth; shape (time,). [°C]

    The outdoor temperature's yearly wave, damped and late by depth (Kusuda and Achenbach 1965):
    T = T_mean + A exp(−d) cos(ω (t − t_warmest) − d), d = z √(ω / 2a). A weather shorter than a year tells no
    yearly wave: the annual mean of the table supply stands for it.
    """
    if len(weather) < 0.95 * _YEAR_H:
        return np.full(len(weather), parameters.constant("annual_mean_c"))
    hours = _hours_of_era(weather.times)
    angle = 2 * np.pi * hours / _YEAR_H
    waves = np.stack([np.ones(len(angle)), np.cos(angle), np.sin(angle)], axis=1)
    mean, along, across = np.linalg.lstsq(waves, weather.temp_air, rcond=None)[0]
    omega = 2 * np.pi / _YEAR_D
    damping = parameters.constant("ground_depth_m") * np.sqrt(
        omega / (2 * parameters.constant("ground_diffusivity_m2_d"))
    )
    late = angle - damping
    return np.asarray(mean + np.exp(-damping) * (along * np.cos(late) + across * np.sin(late)))


def _hours_of_era(times: pd.DatetimeIndex) -> Array:
    return np.asarray((times - times[0]) / pd.Timedelta(hours=1), "float64")
