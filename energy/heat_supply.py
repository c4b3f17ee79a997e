"""Heat supply of buildings: emission, pipes, hot water store, generator; from need to delivered energy.

Need for heating → emission and control losses → pipes outside the heated rooms → generator; need for hot
water → circulation and store → generator. Generators: substation, boilers by return temperature and part
load, heat pumps by source and flow temperature with a backup heater above their power, direct electric heat.
Buildings whose plants work alike share their hourly courses, so that the kernel only multiplies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import heat_balance, heat_pump
from energy.columns import Columns
from energy.heat_supply_kernel import (
    COURSE_COLUMNS,
    LANE_ROWS,
    SUM_ROWS,
    deliver,
    mixed_temperatures,
)
from energy.heating_curve import heating_curve, load_share
from energy.lanes import LANES
from energy.parameters import Parameters
from energy.supply import ELECTRICITY, Supply, supply_of
from energy.weather import Weather
from energy.zone_kernel import CHUNK_H
from twin.compute import run_all
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
_UNLIMITED_W = 1e12
TABLES = ("plants", "constants", "supply")  # what the courses of plants follow from


@dataclass(frozen=True)
class Plants:
    """Heat supply of buildings, structure of arrays.

    carriers : names.  carrier : number of each building's heat carrier, −1 without one; shape (building,).
    kinds : names of the kinds of plant in use (rows of the table plants).
    kind : number of each building's kind, shape (building,).
    from_environment : whether a kind takes heat from air or ground; one for each of `kinds`.
    lanes : figures of each building, shape (row, building), rows `LANE_ROWS` of `energy.heat_supply_kernel`.
    hot_water_w : mean need for hot water over the year, shape (building,). [W]
    """

    carriers: tuple[str, ...]
    carrier: npt.NDArray[np.intp]
    kinds: tuple[str, ...]
    kind: npt.NDArray[np.intp]
    from_environment: tuple[bool, ...]
    lanes: Array
    hot_water_w: Array

    @property
    def electricity(self) -> int:
        """Number of the carrier electricity."""
        return self.carriers.index(ELECTRICITY)

    def __len__(self) -> int:
        return len(self.kind)

    def figure(self, name: str) -> Array:
        """One of the `LANE_ROWS`; shape (building,)."""
        return np.asarray(self.lanes[LANE_ROWS.index(name)])


@dataclass(frozen=True)
class Courses:
    """What plants of one kind share.

    hours : by `COURSE_COLUMNS` of `energy.heat_supply_kernel`, shape (time, kind, column).
    hot_water_flow_c, hot_water_return_c : temperatures while hot water is heated. [°C]
    """

    hours: Array
    hot_water_flow_c: float
    hot_water_return_c: float

    def take(self, name: str) -> Array:
        """One of the `COURSE_COLUMNS`; shape (time, kind)."""
        return np.asarray(self.hours[..., COURSE_COLUMNS.index(name)])


@dataclass(frozen=True)
class Delivered:
    """Hourly supply of buildings; shape (building, time).

    delivered_w : energy of each building's carrier for heat.  auxiliary_w : electricity of pumps. [W]
    flow_temperature_c, return_temperature_c : at the generator; shape (building, 0) where not asked for.
    sums_wh : over all hours, by name; shape (building,) each: heating_need, hot_water_need, emission_loss,
        pipe_loss, hot_water_loss (pipes, store), generator_loss (below zero where a boiler condenses: energy
        counts by the lower heating value), environment, delivered, backup, auxiliary.
    stored_wh : gain of the hot water store, shape (building,).
    """

    delivered_w: Array
    auxiliary_w: Array
    flow_temperature_c: Array
    return_temperature_c: Array
    sums_wh: dict[str, Array]
    stored_wh: Array


def plants_of(buildings: Columns, parameters: Parameters, demand: Supply | None = None) -> Plants:
    """The plants of buildings (with the figures of `energy.heat_balance.NUMBERS`).

    Power follows from the heat load of the design: transmission and ventilation in use at the design's
    outdoor temperature, for air-source heat pumps at the bivalence point.

    demand : `supply_of` the same buildings, where it is known already.
    """
    demand = demand or supply_of(buildings, parameters)
    found, kind = np.unique(buildings.heating, return_inverse=True)
    names = tuple(str(name) for name in parameters.systems.index[found])
    of_kind = _kinds(names, parameters)
    works = of_kind.works[kind]
    water_w = demand.hot_water_kwh_a / 8.76 * works
    lanes = _lanes(buildings, parameters, of_kind, kind, buildings.conditioned & works, water_w)
    pumps = tuple(bool(pump) for pump in of_kind.pump)
    return Plants(demand.carriers, demand.carrier, names, kind.astype(np.intp), pumps, lanes, water_w)


@dataclass(frozen=True)
class _Kinds:
    """Figures of kinds of plant, shape (kind,): whether there is a generator (works), central, a heat pump;
    its size over the design's load, and its power for rooms over it (`power_share`)."""

    works: npt.NDArray[np.bool_]
    central: npt.NDArray[np.bool_]
    pump: npt.NDArray[np.bool_]
    sizing: Array
    power: Array


@lru_cache(maxsize=64)
def _kinds(names: tuple[str, ...], parameters: Parameters) -> _Kinds:
    table = parameters.plants.loc[list(names)]
    generator = table["generator"].to_numpy(object)
    return _Kinds(
        generator != "none",
        table["central"].to_numpy(bool),
        generator == "heat_pump",
        table["sizing"].to_numpy("float64"),
        power_share(table, parameters),
    )


def _lanes(
    buildings: Columns,
    parameters: Parameters,
    kinds: _Kinds,
    kind: npt.NDArray[np.intp],
    active: npt.NDArray[np.bool_],
    water_w: Array,
) -> Array:
    constant = parameters.constant
    area, central = np.nan_to_num(buildings["a_use_m2"]), kinds.central[kind]
    piped = area * central * active
    tapped = piped * (water_w > 0)
    store_loss = constant("store_loss_w_m2k") * (constant("hot_water_c") - constant("cellar_c"))
    circulation = constant("circulation_loss_w_m2k") * (constant("circulation_c") - constant("design_room_c"))
    hot_water_loss = tapped * (store_loss + circulation)
    stored = tapped > 0
    charge = np.where(stored, constant("charge_factor") * water_w + hot_water_loss, _UNLIMITED_W)
    load = design_load_w(buildings, parameters)
    nominal = kinds.sizing[kind] * load + np.where(stored, charge, constant("charge_factor") * water_w)
    limited = np.where(kinds.pump[kind], kinds.power[kind] * load + charge, _UNLIMITED_W)
    rows = {
        "active": active,
        "use_per_need": 1 + constant("emission_share") * active,
        "pipe_loss_w_k": constant("pipe_loss_w_m2k") * piped,
        "hot_water_loss_w": hot_water_loss,
        "store_wh": np.where(stored, 24 * constant("store_share_of_day") * water_w, 0.0),
        "charge_w": charge,
        "power_w": limited,  # only heat pumps have a limit
        "per_nominal_power": 1 / np.maximum(nominal, 1.0),
        "pump_share": constant("pump_share") * central * active,
        "circulation_pump_w": constant("circulation_pump_w_m2") * tapped,
    }
    return np.array([rows[name] for name in LANE_ROWS], "float64")


def design_load_w(buildings: heat_balance.Envelope, parameters: Parameters) -> Array:
    """Heat load at the design's outdoor temperature, without gains; shape (building,). [W]"""
    conductance = (
        heat_balance.opaque_transmission(buildings, parameters)
        + heat_balance.window_transmission(buildings)
        + heat_balance.ventilation(buildings, "ventilation_1_h", parameters)
    )
    span = parameters.constant("design_room_c") - parameters.constant("design_outdoor_c")
    return np.asarray(np.nan_to_num(conductance) * span)


def power_share(plant: pd.DataFrame, parameters: Parameters) -> Array:
    """Power for rooms over the design's load, of air-source heat pumps at the bivalence point. [-]"""
    room = parameters.constant("design_room_c")
    at_bivalence = (room - parameters.constant("bivalence_c")) / (
        room - parameters.constant("design_outdoor_c")
    )
    share = np.where(plant["source_side"].to_numpy() == "air", at_bivalence, 1.0)
    return np.asarray(plant["sizing"].to_numpy("float64") * share)


def courses(kinds: tuple[str, ...], weather: Weather, parameters: Parameters) -> Courses:
    """Temperatures and efficiencies by hour of kinds of plant (`Plants.kinds`)."""
    return _courses(kinds, weather, parameters.part(*TABLES))


@lru_cache(maxsize=16)
def _courses(kinds: tuple[str, ...], weather: Weather, parameters: Parameters) -> Courses:
    room, outdoor = parameters.constant("design_room_c"), parameters.constant("design_outdoor_c")
    hot, cold = parameters.constant("hot_water_c"), parameters.constant("hot_water_return_c")
    table = parameters.plants.loc[list(kinds)]
    design = [table[n].to_numpy("float64") for n in ("flow_design_c", "return_design_c", "emitter_exponent")]
    share = load_share(weather.temp_air, room, outdoor)[:, None]
    flow, back = heating_curve(share, design[0], design[1], design[2], room)
    hours = np.zeros((len(weather), len(kinds), len(COURSE_COLUMNS)))
    column = {name: hours[..., number] for number, name in enumerate(COURSE_COLUMNS)}
    column["flow_c"][:], column["return_c"][:] = flow, back
    excess = 0.5 * (flow + back) - parameters.constant("cellar_c")
    column["pipe_excess_k"][:] = np.maximum(excess, 0.0)
    column["capacity"][:] = 1.0
    _boilers(column, table, back, cold)
    _heat_pumps(column, table, flow, weather, parameters)
    return Courses(hours, hot, cold)


def boiler_efficiency(plant: pd.DataFrame, part_load: Array, return_c: Array) -> Array:
    """Heat over delivered energy (lower heating value) by part load x and return temperature y. [-]

    EnergyPlus' biquadratic form times the nominal efficiency: c0 + c_x x + c_xx x² + c_yy y² + c_xy x y.
    """
    c = {name: plant[name].to_numpy("float64") for name in plant.columns if name.startswith("curve_")}
    x, y = np.asarray(part_load), np.asarray(return_c)
    shape = (
        c["curve_0"] + (c["curve_x"] + c["curve_xy"] * y) * x + c["curve_xx"] * x**2 + c["curve_yy"] * y**2
    )
    return np.asarray(plant["efficiency"].to_numpy("float64") * shape)


def _boilers(
    column: Mapping[str, Array], table: pd.DataFrame, back: Array, hot_water_return_c: float
) -> None:
    """Efficiency as a parabola over the part load; hot water at three tenths of the power (an estimate)."""
    c = {name: table[name].to_numpy("float64") for name in table.columns if name.startswith("curve_")}
    nominal = table["efficiency"].to_numpy("float64")
    column["efficiency_0"][:] = nominal * (c["curve_0"] + c["curve_yy"] * back**2)
    column["efficiency_x"][:] = nominal * (c["curve_x"] + c["curve_xy"] * back)
    column["efficiency_xx"][:] = nominal * c["curve_xx"]
    column["per_hot_water"][:] = 1 / boiler_efficiency(table, np.array(0.3), np.array(hot_water_return_c))


def _heat_pumps(
    column: Mapping[str, Array], table: pd.DataFrame, flow: Array, weather: Weather, parameters: Parameters
) -> None:
    for number in np.flatnonzero((table["generator"] == "heat_pump").to_numpy()):
        plant = table.iloc[number]
        air = plant["source_side"] == "air"
        source = (
            weather.temp_air
            if air
            else heat_pump.ground_temperature(weather, parameters)
            - parameters.constant("source_difference_k")
        )
        coefficients = plant[["cop_0", "cop_1", "cop_2"]].to_numpy("float64")
        factor = np.full(len(weather), float(plant["field_factor"]))
        if plant["frosting"]:
            factor *= 1 - heat_pump.frosting(weather.temp_air)
        for_water = np.full(len(weather), parameters.constant("hot_water_c"))
        column["efficiency_0"][:, number] = heat_pump.cop(
            source, flow[:, number], coefficients, factor, parameters
        )
        column["efficiency_x"][:, number] = column["efficiency_xx"][:, number] = 0.0
        column["per_hot_water"][:, number] = 1 / heat_pump.cop(
            source, for_water, coefficients, factor, parameters
        )
        if air:
            column["capacity"][:, number] = heat_pump.capacity(weather.temp_air, parameters)


def deliver_all(
    plants: Plants,
    shared: Courses,
    heating_w: Array,
    hot_water_w: Array,
    *,
    temperatures: bool = False,
    dtype: type[np.floating[Any]] = np.float64,
    workers: int | None = None,
) -> Delivered:
    """Hourly supply of all buildings for their need; the store starts full.

    Parameters
    ----------
    heating_w, hot_water_w : need, shape (building, time). [W]
    temperatures : flow and return temperature too.

    Raises
    ------
    CallError : shapes that do not fit, negative or missing need.
    """
    _check_needs(plants, shared, heating_w, hot_water_w)
    count, hours = heating_w.shape
    out = [np.empty((count, n), dtype) for n in (hours, hours, *(hours * temperatures,) * 2)]
    sums, gained = np.zeros((len(SUM_ROWS), count)), np.zeros(count)
    course = np.ascontiguousarray(shared.hours, dtype)

    def block(first: int) -> None:
        here = slice(first, min(first + LANES, count))
        lanes, kind = (
            np.ascontiguousarray(plants.lanes[:, here], dtype),
            np.ascontiguousarray(plants.kind[here]),
        )
        full = plants.figure("store_wh")[here]
        level = full.astype(dtype)
        for start in range(0, hours, CHUNK_H):
            end = min(start + CHUNK_H, hours)
            need = [np.ascontiguousarray(w[here, start:end].T, dtype) for w in (heating_w, hot_water_w)]
            results = [np.empty_like(need[0]) for _ in range(2)]
            heat = [np.empty(((end - start) * temperatures, len(kind)), dtype) for _ in range(2)]
            part = np.zeros((len(SUM_ROWS), len(kind)), dtype)
            deliver(lanes, kind, course, *need, start, end, level, *results, *heat, part)
            if temperatures:
                results += [np.empty_like(need[0]) for _ in range(2)]
                hot, cold = shared.hot_water_flow_c, shared.hot_water_return_c
                mixed_temperatures(kind, course, hot, cold, start, end, *heat, *results[2:])
            for target, values in zip(out, results, strict=False):
                target[here, start:end] = values.T
            sums[:, here] += part
        gained[here] = level - full

    run_all(block, range(0, count, LANES), workers)
    return Delivered(out[0], out[1], out[2], out[3], all_sums(plants, sums, hours), gained)


def all_sums(plants: Plants, sums_wh: Array, hours: int) -> dict[str, Array]:
    """What `Delivered.sums_wh` holds, from the kernel's sums, shape (row, building), over `hours`. [Wh]"""
    sums = {name: np.asarray(sums_wh[number], "float64") for number, name in enumerate(SUM_ROWS)}
    conversion = sums.pop("conversion")
    pumps = np.isin(plants.kind, [n for n, source in enumerate(plants.from_environment) if source])
    environment = np.where(pumps, conversion, 0.0)
    sums["emission_loss"] = (plants.figure("use_per_need") - 1) * sums["heating_need"]
    sums["hot_water_loss"] = plants.figure("hot_water_loss_w") * hours
    sums["environment"] = environment
    sums["generator_loss"] = environment - conversion
    heat = sums["delivered"] + conversion
    sums["auxiliary"] = plants.figure("pump_share") * heat + plants.figure("circulation_pump_w") * hours
    return sums


def _check_needs(plants: Plants, shared: Courses, heating_w: Array, hot_water_w: Array) -> None:
    expected = (len(plants), len(shared.hours))
    if heating_w.shape != expected or hot_water_w.shape != expected:
        raise CallError(
            f"need of shapes {heating_w.shape} and {hot_water_w.shape} for {expected}",
            "heat supply",
            "Give a building a row and an hour a column",
        )
    if not (np.all(heating_w >= 0) and np.all(hot_water_w >= 0)):
        raise CallError("a need is negative or missing", "heat supply", "Check the series")


def imbalance(result: Delivered) -> Array:
    """What comes in less what goes out and is stored, over what comes in; shape (building,). [-]"""
    coming = result.sums_wh["delivered"] + result.sums_wh["environment"]
    names = (
        "heating_need", "hot_water_need", "emission_loss", "pipe_loss", "hot_water_loss", "generator_loss",
    )  # fmt: skip
    going = np.sum([result.sums_wh[name] for name in names], axis=0) + result.stored_wh
    return np.asarray((coming - going) / np.maximum(coming, 1.0))


def seasonal_performance(result: Delivered) -> Array:
    """Need for heating and hot water over delivered and auxiliary energy; nan without either. [-]"""
    need = result.sums_wh["heating_need"] + result.sums_wh["hot_water_need"]
    paid = result.sums_wh["delivered"] + result.sums_wh["auxiliary"]
    return np.asarray(np.divide(need, paid, out=np.full(len(need), np.nan), where=paid > 0))
