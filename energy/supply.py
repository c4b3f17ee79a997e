"""What buildings need besides heating, and by which carrier: hot water, electricity, carrier of the heat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from energy.columns import Columns
from energy.parameters import Parameters
from energy.people import electricity_per_dwelling

Array = npt.NDArray[np.floating[Any]]
ELECTRICITY = "electricity"


@dataclass(frozen=True)
class Supply:
    """How buildings are supplied; shape (building,) each.

    hot_water_kwh_a, electricity_kwh_a : need and use of a year. [kWh/a]
    carrier : number of the heat's carrier in `carriers`, −1 without heat supply.
    seer : cooling need over electricity. [-]
    """

    carriers: tuple[str, ...]
    hot_water_kwh_a: Array
    electricity_kwh_a: Array
    carrier: npt.NDArray[np.intp]
    seer: float

    @property
    def electricity(self) -> int:
        """Number of the carrier electricity."""
        return self.carriers.index(ELECTRICITY)


def supply_of(buildings: Columns, parameters: Parameters) -> Supply:
    """The supply of buildings (with the figures a_use_m2, dwellings and hot_water_factor).

    Homes use electricity by the size of their households, all others by floor area; buildings that are not
    conditioned need no hot water.
    """
    tables = _tables(parameters)
    of_use = {name: values[buildings.function] for name, values in tables.use.items()}
    area, dwellings = (_known(buildings[name]) for name in ("a_use_m2", "dwellings"))
    by_dwelling = (of_use["by_household"] > 0) & (dwellings > 0)
    dwelling_area = np.divide(area, dwellings, out=np.ones_like(area), where=by_dwelling)
    hot_water = of_use["hot_water_kwh_m2a"] * area * _known(buildings["hot_water_factor"])
    return Supply(
        carriers=tables.carriers,
        hot_water_kwh_a=np.where(buildings.conditioned, hot_water, 0.0),
        electricity_kwh_a=np.where(
            by_dwelling,
            electricity_per_dwelling(dwelling_area, parameters) * dwellings,
            of_use["electricity_kwh_m2a"] * area,
        ),
        carrier=tables.of_heat[buildings.heating],
        seer=parameters.constant("cooling_seer"),
    )


@dataclass(frozen=True)
class _Tables:
    """Names of carriers, the number of each heat supply's carrier, and columns of the table use."""

    carriers: tuple[str, ...]
    of_heat: npt.NDArray[np.intp]
    use: dict[str, Array]


@lru_cache(maxsize=32)
def _tables(parameters: Parameters) -> _Tables:
    carriers = tuple(parameters.carriers.index)
    of_heat = [carriers.index(c) if c in carriers else -1 for c in parameters.systems["carrier"]]
    columns = ("by_household", "hot_water_kwh_m2a", "electricity_kwh_m2a")
    use = {name: parameters.use[name].to_numpy("float64") for name in columns}
    return _Tables(carriers, np.array(of_heat, np.intp), use)


def _known(values: Array) -> Array:
    return np.where(np.isfinite(values), values, 0.0)


def electricity_delivered(supply: Supply, electricity: Array, cooling: Array, auxiliary: Array) -> Array:
    """Electricity for appliances, light, cooling and pumps, without heat; shape (building, time). [kWh]"""
    return electricity + cooling / electricity.dtype.type(supply.seer) + auxiliary


def by_carrier(supply: Supply, heat: Array, electricity: Array) -> Array:
    """Delivered energy by carrier; shape (carrier, building, time). [kWh]"""
    delivered = np.zeros((len(supply.carriers), *heat.shape), heat.dtype)
    delivered[supply.electricity] = electricity
    for number in range(len(supply.carriers)):
        mine = supply.carrier == number
        delivered[number, mine] += heat[mine]
    return delivered
