"""Simulated heat of metered units over their readings' periods, for many factors at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array

from energy import Case, pv_potential
from energy.calendar_days import LOCAL_TIME
from energy.simulate import bins_of, chain
from scenarios.baseline import factors

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]
HEAT = "heating_delivered_kwh"
_HOURS_AT_ONCE = 16_000_000  # 64 MB for each of the chain's quantities
_DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, eq=False)
class Units:
    """The buildings of metered units: their rows in the envelope, and the number of each one's unit.

    with_hot_water : whether the meter counts the heat of hot water, shape (unit,).
    """

    rows: Rows
    unit: Rows
    with_hot_water: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.with_hot_water)


@dataclass(frozen=True, eq=False)
class Model:
    """The simulation of some units of a case in its weather, which may be longer than a year."""

    case: Case
    units: Units

    @cached_property
    def _plain(self) -> Case:
        """Without photovoltaics, which change nothing in the heat delivered."""
        return self.case.replace(pv=pv_potential.nothing())

    @cached_property
    def _days(self) -> tuple[Rows, npt.NDArray[np.int64]]:
        """Number of each hour's local day; moments (ns, UTC) at which days begin and the last ends."""
        times = self.case.weather.times
        number = times.tz_convert(LOCAL_TIME).normalize()
        first = np.flatnonzero(np.r_[True, number.asi8[1:] != number.asi8[:-1]])
        bins = np.zeros(len(times), np.intp)
        bins[first[1:]] = 1
        starts = times.as_unit("ns").asi8
        return np.cumsum(bins), np.r_[starts[first], starts[-1] + 3_600_000_000_000]

    @cached_property
    def _columns(self) -> Any:
        """Figures of the metered buildings; without the hot water that their meter does not count."""
        columns = self.case.columns.take(self.units.rows)
        water = np.where(self.units.with_hot_water[self.units.unit], columns["hot_water_factor"], 0.0)
        return columns.with_figures(hot_water_factor=water)

    def span(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First and last moment of the weather."""
        times = self.case.weather.times
        return times[0], times[-1] + pd.Timedelta(hours=1)

    def energies(
        self, values: Array, unit: Rows, start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
    ) -> Array:
        """Heat of periods, shape (variant, reading), for factors of shape (variant, unit, factor). [kWh]

        unit, start, end : of each reading; moments in ns, UTC, within the weather. Within a day heat is taken
        as even.
        """
        total = np.concatenate([self._by_day(part) for part in self._parts(values)])
        total = np.concatenate([np.zeros((*total.shape[:2], 1)), total.cumsum(axis=2)], axis=2)
        edges = self._days[1]
        return self._until(total, edges, unit, end) - self._until(total, edges, unit, start)

    def _parts(self, values: Array) -> list[Array]:
        """Variants in parts whose buildings fit into memory."""
        hours = len(self.units.rows) * len(self.case.weather)
        step = max(1, _HOURS_AT_ONCE // max(hours, 1))
        return [values[first : first + step] for first in range(0, len(values), step)]

    def _until(
        self, total: Array, edges: npt.NDArray[np.int64], unit: Rows, moment: npt.NDArray[np.int64]
    ) -> Array:
        day = np.clip(np.searchsorted(edges, moment, "right") - 1, 0, len(edges) - 2)
        share = (moment - edges[day]) / (edges[day + 1] - edges[day])
        before, after = total[:, unit, day], total[:, unit, day + 1]
        return np.asarray(before + share * (after - before))

    def _by_day(self, values: Array) -> Array:
        """By local day, added up from hours: monthly mean ratios of the supply would be off by a per cent."""
        days = self._days[0]
        first = np.flatnonzero(np.r_[True, days[1:] != days[:-1]])
        hourly = self._heat(values, bins_of(self.case.weather, "hour"))
        return np.asarray(np.add.reduceat(hourly, first, axis=2, dtype="float64"))

    def hours(self, values: Array, mine: npt.NDArray[np.bool_]) -> Array:
        """Heat of each hour of the units chosen by `mine`, shape (unit, time). [kWh]

        values : factors, shape (unit, factor) for all units.
        """
        chosen = np.flatnonzero(mine)
        number = np.full(len(self.units), -1)
        number[chosen] = np.arange(len(chosen))
        keep = np.flatnonzero(mine[self.units.unit])
        part = Units(self.units.rows[keep], number[self.units.unit[keep]], self.units.with_hot_water[chosen])
        bins = bins_of(self.case.weather, "hour")
        return np.asarray(Model(self._plain, part)._heat(values[None, chosen], bins)[0])

    def _heat(self, values: Array, bins: Rows) -> Array:
        """Delivered heat by bin, shape (variant, unit, bin), of all variants in one simulation. [kWh]"""
        variants, count = len(values), len(self.units.rows)
        every = np.tile(np.arange(count), variants)
        of_building = values[:, self.units.unit].reshape(variants * count, -1)
        columns = factors.scaled(self._columns.take(every), of_building)
        heat = chain(self._plain, self.units.rows[every], bins, [HEAT], buildings=columns)[HEAT]
        number = (np.arange(variants)[:, None] * len(self.units) + self.units.unit).ravel()
        shape = variants * len(self.units), variants * count
        sums = coo_array((np.ones(len(number), heat.dtype), (number, np.arange(len(number)))), shape).tocsr()
        return np.asarray(sums @ heat).reshape(variants, len(self.units), -1)
