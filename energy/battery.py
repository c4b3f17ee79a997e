"""Batteries with simple dispatch: charge what is left over, give back what is missing; and who uses the sun.

Each hour: a surplus of photovoltaic power over the load charges the battery as far as its power and room
allow, a deficit discharges it; the grid takes and gives the rest. Losses lie in equal parts on charging and
discharging. All in kWh per hour, so that kW and kWh are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from energy.parameters import Parameters
from energy.pv import value
from twin.compute import compiled, copied
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Battery:
    """Batteries, one per building; shape (building,) each.

    capacity_kwh : usable.  power_kw : most that it takes or gives at its terminals.
    charging, discharging : efficiencies. [-]
    """

    capacity_kwh: Array
    power_kw: Array
    charging: Array
    discharging: Array

    def table(self, dtype: type[np.floating[Any]] = np.float64) -> Array:
        """The figures as rows for `dispatch_block`, shape (4, building)."""
        return np.ascontiguousarray(
            (self.capacity_kwh, self.power_kw, self.charging, self.discharging), dtype
        )


@dataclass(frozen=True)
class Flows:
    """Energy in each hour, shape (time, building). [kWh]

    grid_import, grid_export : from and to the grid.  stored : in the battery at the hour's end.
    """

    grid_import: Array
    grid_export: Array
    stored: Array


@dataclass(frozen=True)
class Use:
    """Who uses the sun; shape (building,), or one figure of the district. [-]

    self_consumption : share of the generation that does not go to the grid.
    autarky : share of the load that does not come from it. Both nan where there is nothing to share.
    """

    self_consumption: Array
    autarky: Array


def of_capacity(capacity_kwh: Array, parameters: Parameters) -> Battery:
    """Batteries of usable capacities, with the power and efficiency of the table pv."""
    capacity = np.asarray(capacity_kwh, "float64")
    one_way = np.full(len(capacity), np.sqrt(value(parameters, "battery_efficiency")))
    return Battery(capacity, capacity * value(parameters, "battery_power_per_kwh"), one_way, one_way)


def sized(peak_power_kwp: Array, parameters: Parameters, kwh_per_kwp: float | None = None) -> Battery:
    """Batteries sized by the peak power of each building's modules."""
    ratio = value(parameters, "battery_kwh_per_kwp") if kwh_per_kwp is None else kwh_per_kwp
    return of_capacity(np.asarray(peak_power_kwp, "float64") * ratio, parameters)


def dispatch(
    generation_kwh: Array, load_kwh: Array, battery: Battery, stored_kwh: Array | None = None
) -> Flows:
    """Flows of all hours; shape (time, building), dtype of `generation_kwh`.

    generation_kwh, load_kwh : energy in each hour, shape (time, building).
    stored_kwh : in the batteries at the start, shape (building,); empty where not given.

    Raises
    ------
    CallError : shapes that differ, negative or missing energy.
    """
    if generation_kwh.shape != load_kwh.shape or generation_kwh.shape[1:] != battery.capacity_kwh.shape:
        raise CallError(
            f"generation {generation_kwh.shape}, load {load_kwh.shape} "
            f"and {len(battery.capacity_kwh)} batteries do not fit",
            "battery.dispatch",
            "Give an hour a row and a building a column",
        )
    if not (np.all(generation_kwh >= 0) and np.all(load_kwh >= 0)):
        raise CallError("generation or load is negative or missing", "battery.dispatch", "Check the series")
    dtype = np.float32 if generation_kwh.dtype == np.float32 else np.float64
    made, used = (np.ascontiguousarray(values, dtype) for values in (generation_kwh, load_kwh))
    start = np.zeros(made.shape[1]) if stored_kwh is None else stored_kwh
    level = np.minimum(start, battery.capacity_kwh).astype(dtype)
    bought, sold, stored = np.empty_like(made), np.empty_like(made), np.empty_like(made)
    dispatch_block(battery.table(dtype), made, used, 0, len(made), level, bought, sold, stored)
    return Flows(bought, sold, stored)


def use(generation_kwh: Array, load_kwh: Array, flows: Flows) -> Use:
    """Self-consumption and autarky of each building over all hours; shape (building,)."""
    made, used = generation_kwh.sum(axis=0, dtype="float64"), load_kwh.sum(axis=0, dtype="float64")
    sold = flows.grid_export.sum(axis=0, dtype="float64")
    bought = flows.grid_import.sum(axis=0, dtype="float64")
    return Use(_share(made - sold, made), _share(used - bought, used))


def use_of_district(generation_kwh: Array, load_kwh: Array, flows: Flows) -> Use:
    """Self-consumption and autarky of all buildings together, hour by hour; single figures, shape ().

    What one building feeds in another takes in the same hour: the balance is drawn over the sum.
    """
    net = flows.grid_import.sum(axis=1, dtype="float64") - flows.grid_export.sum(axis=1, dtype="float64")
    made, used = generation_kwh.sum(dtype="float64"), load_kwh.sum(dtype="float64")
    sold, bought = np.maximum(-net, 0.0).sum(), np.maximum(net, 0.0).sum()
    return Use(_share(made - sold, made), _share(used - bought, used))


def _share(part: Array, whole: Array) -> Array:
    part, whole = np.asarray(part, "float64"), np.asarray(whole, "float64")
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0))


@copied
def hour_of(
    net: Any, level: Any, capacity: Any, power: Any, taken: Any, given: Any, zero: Any
) -> tuple[Any, Any, Any]:
    """Stored after an hour, bought and sold [kWh], for the generation less load `net` of one building.

    taken, given : efficiency of charging and discharging. [-]  zero : of the figures' own type.
    """
    charge = max(min(min(net, power), (capacity - level) / taken), zero)
    give = max(min(min(-net, power), level * given), zero)
    after = max(level + charge * taken - give / given, zero)
    return after, max(-net - give, zero), max(net - charge, zero)


@compiled
def dispatch_block(
    table: Array,
    generation: Array,
    load: Array,
    first: int,
    last: int,
    level: Array,
    bought: Array,
    sold: Array,
    stored: Array,
) -> None:
    """Hours `first` to `last` of one block of buildings; hour t goes to row t − first of the results. [kWh]

    table : `Battery.table`, shape (4, lane).  generation, load : shape (time, lane).
    level : stored at the hour's start, shape (lane,), left as it is at the end.
    bought, sold, stored : shape (last − first, lane).
    """
    lanes = level.shape[0]
    zero = table[0, 0] - table[0, 0]  # of the arrays' own type: a float would widen float32
    for hour in range(first, last):
        row = hour - first
        for lane in range(lanes):
            net = generation[hour, lane] - load[hour, lane]
            level[lane], bought[row, lane], sold[row, lane] = hour_of(
                net, level[lane], table[0, lane], table[1, lane], table[2, lane], table[3, lane], zero
            )
            stored[row, lane] = level[lane]
