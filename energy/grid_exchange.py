"""What buildings take from the electricity grid and give to it, with photovoltaics and batteries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import battery, generation
from energy.battery import Battery
from energy.blocks import Blocks, digest, kept
from energy.generation import Site
from energy.lanes import LANES, width
from energy.meter_kernel import meter
from energy.parameters import Parameters
from energy.weather import Weather
from twin.compute import Same
from twin.visibility import Visibility

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Exchange:
    """Energy over the building's border, shape (building, bin). [kWh]

    heat : delivered for heat by carriers other than electricity.
    power : all electricity from the grid; the same as `bought`.
    generation : of photovoltaics.  sold : to the grid.
    """

    heat: Array
    power: Array
    generation: Array
    sold: Array

    @property
    def bought(self) -> Array:
        return self.power


def without_sun(electric: npt.NDArray[np.bool_], heat: Array, power: Array) -> Exchange:
    """Buildings without photovoltaics: all electricity comes from the grid.

    electric : whether the heat supply runs on electricity, shape (building,).
    heat, power : delivered for heat and for all else, shape (building, bin). [kWh]
    """
    zero = heat.dtype.type(0)
    none = np.broadcast_to(zero, heat.shape)
    if not electric.any():
        return Exchange(heat, power, none, none)
    of_power = electric[:, None]
    return Exchange(np.where(of_power, zero, heat), power + np.where(of_power, heat, zero), none, none)


def with_sun(
    electric: npt.NDArray[np.bool_], heat: Array, power: Array, sunny: Rows, flows: Array
) -> Exchange:
    """`without_sun`, but with the flows of the buildings `sunny`: generation, bought, sold, metered load.

    What the load is above the metered one (auxiliary energy, and heat by its hourly efficiency) is bought.
    """
    plain = without_sun(electric, heat, power)
    made, bought, sold = (np.array(values) for values in (plain.generation, plain.power, plain.generation))
    made[sunny], sold[sunny] = flows[0], flows[2]
    bought[sunny] = np.maximum(flows[1] + plain.power[sunny] - flows[3], 0)
    return Exchange(plain.heat, bought, made, sold)


@dataclass(frozen=True, eq=False)
class Load:
    """Electricity that buildings of one use take; shape (building,) unless said otherwise.

    electricity_kwh_a, hot_water_kwh_a : of a year.
    heating_power, hot_water_power : electricity per heat, 0 where it comes from another carrier. [-]
    cooling_power : electricity per cooling need, one figure. [-]
    electricity, hot_water : share of the year's sum in each hour, shape (time,). [-]
    """

    electricity_kwh_a: Array
    hot_water_kwh_a: Array
    heating_power: Array
    hot_water_power: Array
    cooling_power: float
    electricity: Array
    hot_water: Array


class Meter:
    """Balances photovoltaics, battery, load and grid of buildings while their hours are simulated.

    Parameters
    ----------
    load : of the buildings.  made_kwh : generation in each hour, in blocks, shape (time, lane).
    store : batteries, empty at the start.  bins : number of each hour's bin, from 0.
    """

    def __init__(self, load: Load, made_kwh: Blocks, store: Battery, bins: Rows) -> None:
        self._load, self._made, self._bins = load, made_kwh, np.ascontiguousarray(bins, np.intp)
        self._store = store.table(np.float32)
        self.flows = np.zeros((4, len(store.capacity_kwh), int(bins.max()) + 1), np.float32)

    def block(self, first: int) -> MeterBlock:
        """What takes the hours of the block of buildings that starts at `first`."""
        load, wide = self._load, width(first, self.flows.shape[1])
        used = min(LANES, self.flows.shape[1] - first)
        here = slice(first, first + used)
        figures = np.zeros((4, wide), np.float32)
        parts = (load.electricity_kwh_a, load.hot_water_kwh_a * load.hot_water_power, load.heating_power)
        for row, values in zip(figures, parts, strict=False):
            row[:used] = values[here]
        figures[3] = load.cooling_power
        store = np.ones((4, wide), np.float32)
        store[:2] = 0.0
        store[:, :used] = self._store[:, here]
        made = self._made.block(first)
        level, binned = np.zeros(wide, np.float32), np.zeros((4, self.flows.shape[2], wide))
        courses = _courses(Same(load.electricity), Same(load.hot_water))
        return MeterBlock((figures, store, courses, made), self._bins, level, binned, self.flows[:, here])


@lru_cache(maxsize=64)
def _courses(electricity: Same[Array], hot_water: Same[Array]) -> Array:
    return np.stack([electricity.it, hot_water.it], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class MeterBlock:
    """One block of a meter; fields as the arguments of `energy.meter_kernel.meter`.

    figures : what stays the same all year: figures, store, courses, generation.
    flows : where the sums go, shape (4, building, bin).
    """

    figures: tuple[Array, Array, Array, Array]
    bins: Rows
    level: Array
    binned: Array
    flows: Array

    def __call__(self, first: int, last: int, heating: Array, cooling: Array) -> None:
        """Take the hours `first` to `last` in their order: heating and cooling need [W], (hour, lane)."""
        meter(*self.figures, heating, cooling, self.bins, first, last, self.level, self.binned)
        if last == len(self.figures[3]):
            self.close()

    def close(self) -> None:
        """Write the sums after the last hour."""
        self.flows[:] = self.binned[:, :, : self.flows.shape[1]].transpose(0, 2, 1)


class PvPower:
    """Hourly power of a case's systems by building, made when it is first asked for.

    Parameters
    ----------
    systems : as `energy.pv_potential.potential`.  ids : the envelope's buildings.
    visibility : gives what surfaces see; None: all stand in the open.
    """

    def __init__(
        self,
        systems: pd.DataFrame,
        ids: pd.Index[Any],
        weather: Weather,
        parameters: Parameters,
        visibility: Callable[[], Visibility | None],
    ) -> None:
        self._systems, self._weather, self._parameters = systems, weather, parameters
        self._visibility = visibility
        owner = ids.get_indexer(pd.Index(systems["building_id"])) if len(systems) else np.zeros(0, np.intp)
        self._known = np.asarray(owner, np.intp)
        self._owners, numbers = np.unique(self._known[self._known >= 0], return_inverse=True)
        self._number = numbers.reshape(-1)
        self._of_row = np.full(len(ids), -1, np.intp)
        self._of_row[self._owners] = np.arange(len(self._owners))

    def has_systems(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Whether the buildings `rows` of the envelope carry modules."""
        return np.asarray(self._of_row[rows] >= 0)

    def peak_kwp(self, rows: Rows) -> Array:
        """Peak power of each building's modules together, shape (building,). [kWp]"""
        mine = self._of_row[rows]
        return np.where(mine >= 0, np.append(self._sums("peak_power_kwp"), 0.0)[mine], 0.0)

    def of(self, rows: Rows) -> tuple[Blocks, Battery]:
        """Electricity in each hour [kWh], in blocks, and batteries of buildings; none without modules."""
        mine = self._of_row[rows]
        there = mine >= 0
        capacity = np.where(there, self._battery_kwh[mine], 0.0)

        def compute(first: int) -> Array:
            here = mine[first : first + LANES]
            made = np.zeros((self._hourly.shape[1], width(first, len(mine))), np.float32)
            made[:, np.flatnonzero(here >= 0)] = self._hourly[here[here >= 0]].T
            return made

        key = (id(self._hourly), digest(mine))
        blocks = kept(key, self._hourly, lambda: Blocks(len(self._weather), len(mine), compute))
        return blocks, battery.of_capacity(capacity, self._parameters)

    @cached_property
    def _battery_kwh(self) -> Array:
        return self._sums("battery_kwh")

    def _sums(self, column: str) -> Array:
        there = self._systems[column].to_numpy("float64")[self._known >= 0]
        return np.bincount(self._number, there, len(self._owners)).astype("float64")

    @cached_property
    def _hourly(self) -> Array:
        number = np.full(len(self._systems), -1, np.intp)
        number[self._known >= 0] = self._number
        site = Site(self._weather, self._visibility(), self._parameters)
        return _kept(site, Same(self._systems), tuple(number.tolist()))


@lru_cache(maxsize=4)
def _kept(site: Site, systems: Same[pd.DataFrame], number: tuple[int, ...]) -> Array:
    owner = np.array(number, np.intp)
    there = owner >= 0
    watts = generation.power(site, systems.it[there], owner[there], int(owner.max(initial=-1)) + 1)
    return np.ascontiguousarray(watts.T) * np.float32(0.001)
