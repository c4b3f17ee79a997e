"""Photovoltaic power of many surfaces and hours: cell temperature, modules, losses, inverter.

Equations: Faiman 2008 (cell temperature), PVWatts Version 5 (Dobos 2014, NREL/TP-6A20-62641: modules,
losses, inverter), the same as `pvlib.temperature.faiman`, `pvlib.pvsystem.pvwatts_dc`,
`pvlib.pvsystem.pvwatts_losses` and `pvlib.inverter.pvwatts`. The irradiance on the modules is given, with its
shade; for rows on flat roofs see `energy.pv_rows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.parameters import Parameters
from twin.compute import compiled
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
FREE = ("flat",)  # kinds whose modules have air on both sides
_REFERENCE_EFFICIENCY = 0.9637  # of the inverter curve, PVWatts Version 5


@dataclass(frozen=True)
class Modules:
    """Modules and inverters, one per surface; shape (surface,) each.

    peak_power_w : power at 1 kW/m² and 25 °C.  temperature_coefficient : of the power. [1/K]
    losses : share lost before the inverter, all but temperature. [-]
    u0 [W/(m²K)], u1 [W s/(m³K)] : Faiman's heat losses.
    inverter_w : rated input of the inverter.  limit_w : most that may leave it.
    inverter_efficiency : nominal. [-]
    """

    peak_power_w: Array
    temperature_coefficient: Array
    losses: Array
    u0: Array
    u1: Array
    inverter_w: Array
    limit_w: Array
    inverter_efficiency: Array

    def __len__(self) -> int:
        return len(self.peak_power_w)

    def table(self, dtype: type[np.floating[Any]] = np.float64) -> Array:
        """The figures as rows for `power_block`, shape (8, surface)."""
        rows = (
            self.peak_power_w,
            self.temperature_coefficient,
            1.0 - self.losses,
            self.u0,
            self.u1,
            self.inverter_w,
            self.limit_w,
            self.inverter_efficiency,
        )
        return np.ascontiguousarray(rows, dtype)


@lru_cache(maxsize=256)
def value(parameters: Parameters, name: str) -> float:
    """A figure of the table pv, in the unit that stands there."""
    if name not in parameters.pv.index:
        raise CallError(f"there is no figure {name!r}", "parameters.pv", "See assets/parameters/pv.csv")
    return float(parameters.pv["value"].to_dict()[name])


def total_losses(parameters: Parameters) -> float:
    """All losses before the inverter together, 1 − Π(1 − loss) (PVWatts Version 5). [-]"""
    table = parameters.pv["value"]
    shares = table[table.index.str.startswith("loss_")].to_numpy("float64")
    return float(1.0 - np.prod(1.0 - shares))


def modules(systems: pd.DataFrame, parameters: Parameters) -> Modules:
    """Modules of the systems of `energy.pv_potential.potential`: columns peak_power_kwp, kind.

    Plug-in sets at balconies (kind balcony, column sets: how many) are limited to what each may feed in.
    """
    peak = systems["peak_power_kwp"].to_numpy("float64") * 1000.0
    kind = systems["kind"].to_numpy(object)
    free = np.isin(kind, FREE)
    limit = np.full(len(systems), np.inf)
    plugged = kind == "balcony"
    if plugged.any():
        limit[plugged] = systems["sets"].to_numpy("float64")[plugged] * value(parameters, "balcony_limit_w")

    def same(number: float) -> Array:
        return np.full(len(systems), number)

    return Modules(
        peak_power_w=peak,
        temperature_coefficient=same(value(parameters, "temperature_coefficient")),
        losses=same(total_losses(parameters)),
        u0=np.where(free, *(value(parameters, f"heat_loss_{how}_w_m2k") for how in ("rows", "close"))),
        u1=np.where(free, *(value(parameters, f"heat_loss_{how}_wind") for how in ("rows", "close"))),
        inverter_w=peak / value(parameters, "dc_ac_ratio"),
        limit_w=limit,
        inverter_efficiency=same(value(parameters, "inverter_efficiency")),
    )


def power(poa_global: Array, temp_air: Array, wind_speed: Array, systems: Modules) -> Array:
    """Power after the inverter of each surface and hour, shape (time, surface), dtype of `poa_global`. [W]

    poa_global : irradiance on the modules, shaded, shape (time, surface). [W/m²]
    temp_air [°C], wind_speed [m/s] : shape (time,).
    """
    if poa_global.shape != (len(temp_air), len(systems)):
        raise CallError(
            f"poa_global has shape {poa_global.shape}, not ({len(temp_air)}, {len(systems)})",
            "pv.power",
            "Give an hour a row and a surface a column",
        )
    dtype = np.float32 if poa_global.dtype == np.float32 else np.float64
    sun = np.ascontiguousarray(poa_global, dtype)
    result = np.empty_like(sun)
    air, wind = (np.ascontiguousarray(values, dtype) for values in (temp_air, wind_speed))
    power_block(systems.table(dtype), sun, air, wind, 0, len(sun), result)
    return result


@compiled
def power_block(
    table: Array, sun: Array, temp_air: Array, wind_speed: Array, first: int, last: int, result: Array
) -> None:
    """Hours `first` to `last` of one block of surfaces; the power of hour t goes to row t − first. [W]

    table : `Modules.table`, shape (8, lane).  sun : shape (time, lane). [W/m²]
    temp_air [°C], wind_speed [m/s] : shape (time,).  result : shape (last − first, lane).
    """
    lanes = sun.shape[1]
    zero = table[0, 0] - table[0, 0]  # of the arrays' own type: a float would widen float32
    one = zero + 1
    kilo, standard = zero + 1000, zero + 25
    slope, standby, top = zero + 0.0162, zero + 0.0059, zero + 0.9858
    reference = zero + _REFERENCE_EFFICIENCY
    for hour in range(first, last):
        for lane in range(lanes):
            light = sun[hour, lane]
            cell = temp_air[hour] + light / (table[3, lane] + table[4, lane] * wind_speed[hour])
            direct = (
                light / kilo * table[0, lane] * (one + table[1, lane] * (cell - standard)) * table[2, lane]
            )
            rated = table[5, lane]
            load = direct / rated if rated > zero else zero
            # efficiency · direct, written without a division by the load
            out = table[7, lane] / reference * ((top - slope * load) * direct - standby * rated)
            out = min(out, table[7, lane] * rated, table[6, lane])
            result[hour - first, lane] = max(out, zero) if direct > zero else zero
