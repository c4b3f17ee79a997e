"""The heat supply as the chain takes it: by hour through the kernel, or by month and year by mean ratios.

A year by months must come within the time of a mouse move, so its needs are known by month only. Each kind of
plant then has a mean ratio of delivered energy to heat in a month: that of the hours, weighted by the load
below the heating limit. `tests/energy/test_heat_year.py` holds it to the sum of the hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from energy import heat_supply
from energy.heat_supply import Plants
from energy.heat_supply_kernel import PART_LOAD_LEAST
from energy.heating_curve import load_share
from energy.parameters import Parameters
from energy.weather import Weather
from twin.compute import Same

Array = npt.NDArray[np.floating[Any]]
Bins = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Heat:
    """Heat supply of buildings; shape (building, bin) each.

    delivered_kwh : energy of each building's carrier for heat.  auxiliary_kwh : electricity of pumps.
    flow_temperature_c : at the generator, nan without one; shape (building, 0) where not asked for.
    """

    delivered_kwh: Array
    auxiliary_kwh: Array
    flow_temperature_c: Array


@dataclass(frozen=True)
class Ratios:
    """Means of the hours for each bin and building; shape (building, bin) each.

    per_heat, per_water : delivered energy over the generator's heat for rooms and hot water. [-]
    pipe_loss_kwh, pipe_delivered_kwh : heat lost by heating pipes, and what is delivered for it.
    hot_water_loss_kwh : heat lost by circulation and store.
    flow_c : flow temperature of the heating curve. [°C]
    """

    per_heat: Array
    per_water: Array
    pipe_loss_kwh: Array
    pipe_delivered_kwh: Array
    hot_water_loss_kwh: Array
    flow_c: Array


def heat(
    plants: Plants,
    weather: Weather,
    parameters: Parameters,
    heating_kwh: Array,
    hot_water_kwh: Array,
    bins: Bins,
    *,
    temperatures: bool = False,
) -> Heat:
    """Delivered energy for needs by bin, shape (building, bin); where bins are hours, by the hourly kernel.

    bins : number of the bin of each of the weather's hours.

    Raises
    ------
    CallError : as `energy.heat_supply.deliver_all`.
    """
    if heating_kwh.shape[1] == len(weather):
        return _by_hour(plants, weather, parameters, heating_kwh, hot_water_kwh, temperatures)
    ratio = ratios(plants, weather, parameters, heating_kwh, bins)
    active = plants.figure("active")[:, None]
    space = heating_kwh * (active * plants.figure("use_per_need")[:, None])
    water = hot_water_kwh * active + ratio.hot_water_loss_kwh
    delivered = space * ratio.per_heat + ratio.pipe_delivered_kwh + water * ratio.per_water
    hours = np.bincount(bins)
    auxiliary = plants.figure("pump_share")[:, None] * (space + ratio.pipe_loss_kwh + water)
    auxiliary = auxiliary + plants.figure("circulation_pump_w")[:, None] * (hours / 1000)
    flow = ratio.flow_c if temperatures else np.empty((len(plants), 0))
    kind = heating_kwh.dtype
    return Heat(delivered.astype(kind), auxiliary.astype(kind), _where_active(plants, flow).astype(kind))


def _by_hour(
    plants: Plants,
    weather: Weather,
    parameters: Parameters,
    heating_kwh: Array,
    hot_water_kwh: Array,
    temperatures: bool,
) -> Heat:
    shared = heat_supply.courses(plants.kinds, weather, parameters)
    kilo, kind = heating_kwh.dtype.type(1000), heating_kwh.dtype
    found = heat_supply.deliver_all(
        plants,
        shared,
        heating_kwh * kilo,
        hot_water_kwh * kilo,
        temperatures=temperatures,
        dtype=kind.type,
    )
    flow = _where_active(plants, found.flow_temperature_c)
    return Heat(found.delivered_w / kilo, found.auxiliary_w / kilo, flow.astype(kind))


def _where_active(plants: Plants, flow: Array) -> Array:
    return np.where(plants.figure("active")[:, None] > 0, flow, np.nan)


def mean_ratios(plants: Plants, weather: Weather, parameters: Parameters) -> tuple[Array, Array]:
    """Delivered energy over the need for rooms and for hot water in the year's mean, (building,) each. [-]"""
    year = _totals(plants.kinds, weather, parameters.part(*heat_supply.TABLES), Same(_whole(weather)))
    per_heat, per_water = year.per_heat[:, 0], year.per_water[:, 0]
    return per_heat[plants.kind] * plants.figure("use_per_need"), per_water[plants.kind]


@lru_cache(maxsize=16)
def _whole(weather: Weather) -> Bins:
    return np.zeros(len(weather), np.intp)


def ratios(
    plants: Plants, weather: Weather, parameters: Parameters, heating_kwh: Array, bins: Bins
) -> Ratios:
    """Mean ratios of the bins for each building; pipes are warm in bins with a need, below the limit."""
    of_kind = _totals(plants.kinds, weather, parameters.part(*heat_supply.TABLES), Same(bins))
    warm = (heating_kwh > 0) * plants.figure("pipe_loss_w_k")[:, None] / 1000
    return Ratios(
        per_heat=of_kind.per_heat[plants.kind],
        per_water=of_kind.per_water[plants.kind],
        pipe_loss_kwh=warm * of_kind.pipe_loss_k_h[plants.kind],
        pipe_delivered_kwh=warm * of_kind.pipe_delivered_k_h[plants.kind],
        hot_water_loss_kwh=plants.figure("hot_water_loss_w")[:, None] * np.bincount(bins) / 1000,
        flow_c=of_kind.flow_c[plants.kind],
    )


@dataclass(frozen=True)
class _Totals:
    """As `Ratios`, but of kinds of plant, shape (kind, bin), and per W/K of pipes [K h]."""

    per_heat: Array
    per_water: Array
    pipe_loss_k_h: Array
    pipe_delivered_k_h: Array
    flow_c: Array


@lru_cache(maxsize=32)
def _totals(kinds: tuple[str, ...], weather: Weather, parameters: Parameters, bins: Same[Bins]) -> _Totals:
    """Kept, as measures on buildings leave them: they follow from weather and plants alone."""
    hourly, load = _hourly(kinds, weather, parameters)
    count, hours = int(bins.it.max()) + 1, np.bincount(bins.it).astype("float64")

    def total(values: Array) -> Array:
        sums = [np.bincount(bins.it, column, count) for column in values.T]
        return np.array(sums, "float64").reshape(values.shape[1], count)

    weight = np.bincount(bins.it, load, count)
    weighted = total(hourly["per_heat"] * load[:, None]) / np.where(weight > 0, weight, 1.0)
    warm = (load > 0)[:, None]
    return _Totals(
        per_heat=np.where(weight > 0, weighted, total(hourly["per_heat"]) / hours),
        per_water=total(hourly["per_water"]) / hours,
        pipe_loss_k_h=total(hourly["pipe_excess_k"] * warm),
        pipe_delivered_k_h=total(hourly["pipe_excess_k"] * hourly["per_heat"] * warm),
        flow_c=total(hourly["flow_c"]) / hours,
    )


@lru_cache(maxsize=16)
def _hourly(
    kinds: tuple[str, ...], weather: Weather, parameters: Parameters
) -> tuple[dict[str, Array], Array]:
    """Hourly ratios of kinds of plant, shape (time, kind), and the load over the design's, shape (time,)."""
    shared = heat_supply.courses(kinds, weather, parameters)
    table = parameters.plants.loc[list(kinds)]
    room, outdoor = parameters.constant("design_room_c"), parameters.constant("design_outdoor_c")
    limit = parameters.constant("heating_limit_c")
    load = load_share(weather.temp_air, limit, outdoor) * (limit - outdoor) / (room - outdoor)
    share = load[:, None]
    pump = (table["generator"] == "heat_pump").to_numpy(bool)
    power = np.where(pump, heat_supply.power_share(table, parameters), np.inf) * shared.take("capacity")
    main = np.minimum(power / np.maximum(share, 1e-9), 1.0)
    part = np.clip(share / table["sizing"].to_numpy("float64"), PART_LOAD_LEAST, 1.0)
    slope = shared.take("efficiency_x") + part * shared.take("efficiency_xx")
    efficiency = shared.take("efficiency_0") + part * slope
    ratio = {
        "per_heat": main / efficiency + 1 - main,
        "per_water": main * shared.take("per_hot_water") + 1 - main,
        "pipe_excess_k": shared.take("pipe_excess_k"),
        "flow_c": shared.take("flow_c"),
    }
    return ratio, load
