"""The chain: need → use → delivered → primary energy, CO2 and cost, for all buildings at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energy import (
    grid_exchange,
    heat_balance,
    heat_supply,
    heat_year,
    node_zones,
    occupancy,
    results,
    supply,
    weighting,
    zone,
)
from energy.case import Case
from energy.columns import Columns
from energy.lanes import LANES, width
from energy.weather import Weather
from energy.weighting import LARGEST_PAID_KWP
from energy.zone_kernel import CHUNK_H
from twin.compute import Same
from twin.district import District
from twin.errors import CallError
from twin.sources.base import no_progress

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]
Resolution = Literal["hour", "month", "year"]
Progress = Callable[[str, float], None]
METHODS = {
    "rc5": "ISO 13790:2008 Annex C, simple hourly method (5R1C)",
    "nodes": "elements of nodes by layers, in the manner of EN ISO 52016-1:2017",
}
RESOLUTIONS = ("hour", "month", "year")
_FLOW = "supply_temperature_c"


def simulate(
    case: Case | District,
    weather: Weather | None = None,
    *,
    outputs: Sequence[str] | None = None,
    resolution: Resolution = "hour",
    buildings: Iterable[str] | None = None,
    method: str = "rc5",
    progress: Progress | None = None,
) -> xr.Dataset:
    """Energy and temperatures of buildings over the weather's year.

    Parameters
    ----------
    case : a case, or a district (with `weather`, and the default parameters).
    outputs : names of variables (see `energy.results.VARIABLES`); all without it.
    resolution : length of the intervals: "hour", "month" or "year" (UTC).
    buildings : ids; all without it.
    method : "rc5", or "nodes": slower, by the layers of each component.
    progress : called with a text and the share done, 0 to 1.

    Returns
    -------
    Dataset, dimensions (building_id, time), `delivered_kwh` also carrier; energy per interval in kWh, starts
    of the intervals in UTC; every variable has `units` and `long_name`. Buildings that are not conditioned
    have zero need and no temperatures (nan).

    Raises
    ------
    CallError : an unknown output, resolution, method or building, or a building that cannot be simulated.

    Examples
    --------
    >>> district = twin.open("lobeda")
    >>> results = energy.simulate(district, energy.weather.sample(), outputs=["co2_kg"], resolution="month")
    >>> results.co2_kg.sizes["time"], results.co2_kg.units
    (12, 'kg')
    """
    whole = as_case(case, weather)
    names = results.checked(outputs)
    _check(resolution, method)
    rows = selected(whole, buildings)
    report = progress or no_progress
    report("simulate", 0.0)
    arrays = chain(whole, rows, bins_of(whole.weather, resolution), names, method)
    report("simulate", 1.0)
    ids = whole.envelope.index[rows]
    return results.dataset(whole, ids, starts_of(whole.weather, resolution), arrays, METHODS[method])


def chain(
    case: Case,
    rows: Rows,
    bins: Rows,
    outputs: Sequence[str],
    method: str = "rc5",
    buildings: Columns | None = None,
    supplied: supply.Supply | None = None,
) -> dict[str, Array]:
    """All `outputs` of the buildings `rows` of the envelope, shape (building, bin), from need to cost.

    buildings : the figures of `rows` where they differ from the case's (method rc5): a row may stand there
        several times, as in a fit.
    supplied : `supply_of` them, where it is known already.
    """
    buildings = case.columns.take(rows) if buildings is None else buildings
    supplied = supplied or supply.supply_of(buildings, case.parameters)
    states = any(name in results.STATES for name in outputs)
    plants = heat_supply.plants_of(buildings, case.parameters, supplied)
    heating, cooling, air, operative, flows = _heat_needs(
        case, buildings, rows, bins, states, supplied, plants, method
    )
    hot_water = _shaped(case, buildings, supplied.hot_water_kwh_a, "hot_water", bins)
    electricity = _shaped(case, buildings, supplied.electricity_kwh_a, "electricity", bins)
    found = heat_year.heat(
        plants, case.weather, case.parameters, heating, hot_water, bins, temperatures=_FLOW in outputs
    )
    heat = found.delivered_kwh
    power = supply.electricity_delivered(supplied, electricity, cooling, found.auxiliary_kwh)
    grid = _exchange(case, rows, bins, supplied, plants, heat, power, flows)
    ready: dict[str, Callable[[], Array]] = {
        "heating_need_kwh": lambda: heating,
        "cooling_need_kwh": lambda: cooling,
        "hot_water_need_kwh": lambda: hot_water,
        "electricity_use_kwh": lambda: electricity,
        "heating_delivered_kwh": lambda: heat,
        "auxiliary_electricity_kwh": lambda: found.auxiliary_kwh,
        _FLOW: lambda: found.flow_temperature_c,
        "delivered_kwh": lambda: supply.by_carrier(supplied, grid.heat, grid.power),
        "pv_generation_kwh": lambda: grid.generation,
        "grid_import_kwh": lambda: grid.bought,
        "grid_export_kwh": lambda: grid.sold,
        "air_temperature_c": lambda: air,
        "operative_temperature_c": lambda: operative,
    }
    ready["feed_in_revenue_eur"] = lambda: weighting.feed_in_revenue(
        grid.sold, np.minimum(case.pv_power.peak_kwp(rows), LARGEST_PAID_KWP), case.parameters
    ).astype(grid.sold.dtype)
    for quantity in weighting.FACTORS:
        ready[quantity] = lambda q=quantity: weighting.weighted(  # type: ignore[misc]
            q, supplied, grid.heat, grid.power, case.parameters, grid.sold
        )
    return {name: ready[name]() for name in outputs}


def _heat_needs(
    case: Case,
    every: Columns,
    rows: Rows,
    bins: Rows,
    states: bool,
    supplied: supply.Supply,
    plants: heat_supply.Plants,
    method: str,
) -> tuple[Array, Array, Array, Array, Array]:
    """Heating and cooling need [kWh], air and operative temperature [°C]; shape (building, bin) each.

    The last are the meters' flows, shape (4, building, bin), empty where no building has modules.
    """
    shape = (len(rows), int(bins.max()) + 1)
    need = [np.zeros(shape, np.float32) for _ in range(2)]
    temperature = [np.full(shape if states else (len(rows), 0), np.nan, np.float32) for _ in range(2)]
    sunny = case.has_systems(rows)
    flows = np.zeros((4, *shape) if sunny.any() else (4, 0, 0), np.float32)
    heated = np.flatnonzero(every.conditioned)
    buildings = every.take(heated)
    zones = heat_balance.zones(buildings, case.parameters, shading=case.shading)
    groups, meters, planes = [], [], case.planes
    for mine, plan in _by_use(case, buildings):
        there = heated[mine]
        sun = case.window_sun(rows[there], zones.solar_area_m2[mine])
        meter = _meter(case, rows, there, bins, supplied, plants, plan) if sunny[there].any() else None
        measure = None if meter is None else meter.block
        meters.append((there, meter))
        groups.append((mine, zone.Drive(case.weather.temp_air, planes, plan, bins, sun.block, measure)))
    done: list[tuple[Rows, zone.Loads | node_zones.NodeLoads]] = []
    if method == "nodes":
        done = [(mine, node_zones.simulate_nodes(case, rows[heated[mine]], zones.take(mine), drive))
                for mine, drive in groups]  # fmt: skip
    elif heated.size:
        together = zone.simulate_groups(zones, groups, temperatures=states)
        zone.check_balance(together.imbalance, case.envelope.index, rows[heated])
        done = [(np.arange(len(heated)), together)]
    for mine, loads in done:
        need[0][heated[mine]], need[1][heated[mine]] = loads.heating, loads.cooling
        if states:
            temperature[0][heated[mine]] = loads.air_temperature_c
            temperature[1][heated[mine]] = loads.operative_temperature_c
    for there, meter in meters:
        if meter is not None:
            flows[:, there] = meter.flows
    for watts in need:
        watts *= np.float32(0.001)
    return need[0], need[1], temperature[0], temperature[1], flows


def _by_use(case: Case, buildings: Columns) -> list[tuple[Rows, occupancy.Schedule]]:
    """Rows of the buildings of each use, and its schedule."""
    plans = occupancy.of_uses(case.weather, case.parameters)
    order = np.argsort(buildings.function, kind="stable")
    function = buildings.function[order]
    starts = np.flatnonzero(np.diff(function, prepend=-2))
    parts = np.split(order, starts[1:])
    return [(rows, plans(function[start])) for start, rows in zip(starts, parts, strict=False)]


def _shaped(case: Case, buildings: Columns, kwh_a: Array, quantity: str, bins: Rows) -> Array:
    """Annual amounts spread over the bins by the schedule of each use; shape (building, bin). [kWh]"""
    uses, number = np.unique(buildings.function, return_inverse=True)
    plans = occupancy.of_uses(case.weather, case.parameters)
    courses = np.zeros((len(uses), int(bins.max()) + 1), np.float32)
    for row, use in enumerate(uses):
        courses[row] = _course(quantity, Same(plans(use)), Same(bins))
    return np.asarray(kwh_a[:, None].astype(np.float32) * courses[number])


@lru_cache(maxsize=128)
def _course(quantity: str, plan: Same[occupancy.Schedule], bins: Same[Rows]) -> Array:
    """Share of a year's `quantity` in each bin, shape (bin,). [-]"""
    return np.bincount(bins.it, getattr(plan.it, quantity)).astype(np.float32)


def _meter(
    case: Case, rows: Rows, mine: Rows, bins: Rows, supplied: supply.Supply, plants: heat_supply.Plants,
    plan: occupancy.Schedule,
) -> grid_exchange.Meter:  # fmt: skip
    """The meter of the buildings `mine` of `rows`, all of one use."""
    electric = (supplied.carrier == supplied.electricity)[mine]
    per_heat, per_water = heat_year.mean_ratios(plants, case.weather, case.parameters)
    load = grid_exchange.Load(
        electricity_kwh_a=supplied.electricity_kwh_a[mine],
        hot_water_kwh_a=supplied.hot_water_kwh_a[mine],
        heating_power=electric * per_heat[mine],
        hot_water_power=electric * per_water[mine],
        cooling_power=1 / supplied.seer,
        electricity=plan.electricity,
        hot_water=plan.hot_water,
    )
    return grid_exchange.Meter(load, *case.pv_power.of(rows[mine]), bins)


def _exchange(
    case: Case, rows: Rows, bins: Rows, supplied: supply.Supply, plants: heat_supply.Plants, heat: Array,
    power: Array, flows: Array,
) -> grid_exchange.Exchange:  # fmt: skip
    """What the buildings take from the grid and give to it; photovoltaics meet the load hour by hour."""
    electric = supplied.carrier == supplied.electricity
    sunny = np.flatnonzero(case.has_systems(rows))
    if not sunny.size:
        return grid_exchange.without_sun(electric, heat, power)
    cold = sunny[~case.columns.conditioned[rows[sunny]]]
    function = case.columns.function[rows[cold]]
    plans = occupancy.of_uses(case.weather, case.parameters)
    for number in np.unique(function):  # no zone has taken their hours
        mine = cold[function == number]
        plan = plans(number)
        meter = _meter(case, rows, mine, bins, supplied, plants, plan)
        for first in range(0, len(mine), LANES):
            take = meter.block(first)
            still = np.zeros((CHUNK_H, width(first, len(mine))), np.float32)
            for a in range(0, len(case.weather), CHUNK_H):
                b = min(a + CHUNK_H, len(case.weather))
                take(a, b, still[: b - a], still[: b - a])
        flows[:, mine] = meter.flows
    return grid_exchange.with_sun(electric, heat, power, sunny, flows[:, sunny])


def as_case(case: Case | District, weather: Weather | None) -> Case:
    """The case itself, or one of the district and the weather with default parameters."""
    if isinstance(case, Case):
        if weather is not None:
            raise CallError("the case has its weather already", "simulate", "Use case.replace(weather=…)")
        return case
    if weather is None:
        raise CallError(
            "a district needs a weather", "simulate", "Use simulate(district, energy.weather.sample())"
        )
    return Case(case, weather)


def selected(case: Case, buildings: Iterable[str] | None) -> Rows:
    """Rows of the chosen buildings in the envelope, in the order asked for."""
    if buildings is None:
        return np.arange(len(case.envelope), dtype=np.intp)
    ids = pd.Index(list(buildings), name="building_id")
    rows = np.asarray(case.envelope.index.get_indexer(ids), np.intp)
    if (lost := ids[rows < 0]).size:
        raise CallError(
            f"there is no building {lost[0]!r}", case.district.name, "See district.buildings.index"
        )
    return rows


@lru_cache(maxsize=16)
def bins_of(weather: Weather, resolution: str) -> npt.NDArray[np.intp]:
    """Number of the interval that each hour belongs to, kept, not to be changed; shape (time,)."""
    if resolution == "hour":
        return np.arange(len(weather), dtype=np.intp)
    if resolution == "year":
        return np.zeros(len(weather), np.intp)
    months = weather.times.year.to_numpy() * 12 + weather.times.month.to_numpy()
    return np.asarray(months - months[0], np.intp)


def starts_of(weather: Weather, resolution: str) -> npt.NDArray[np.datetime64]:
    """Starts of the intervals in UTC, without a time zone as xarray wants them; shape (interval,)."""
    times = weather.times.tz_localize(None).to_numpy("datetime64[ns]")
    _, first = np.unique(bins_of(weather, resolution), return_index=True)
    return times[first]


def _check(resolution: str, method: str) -> None:
    if resolution not in RESOLUTIONS:
        raise CallError(f"there is no resolution {resolution!r}", "simulate", f"Use {', '.join(RESOLUTIONS)}")
    if method not in METHODS:
        raise CallError(f"there is no method {method!r}", "simulate", f"Use {', '.join(METHODS)}")
