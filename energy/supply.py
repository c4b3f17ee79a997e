"""Need → use → delivered energy: hot water, electricity and the heat supply of each building."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from energy.columns import Columns
from energy.parameters import Parameters

Array = npt.NDArray[np.floating[Any]]
ELECTRICITY = "electricity"


@dataclass(frozen=True)
class Supply:
    """How buildings are supplied; shape (building,) each.

    hot_water_kwh_a, electricity_kwh_a : need and use of a year. [kWh/a]
    carrier : number of the heat's carrier in `carriers`, −1 without heat supply.
    efficiency_heating, efficiency_hot_water : need over delivered energy, with distribution. [-]
    seer : cooling need over electricity. [-]
    """

    carriers: tuple[str, ...]
    hot_water_kwh_a: Array
    electricity_kwh_a: Array
    carrier: npt.NDArray[np.intp]
    efficiency_heating: Array
    efficiency_hot_water: Array
    seer: float

    @property
    def electricity(self) -> int:
        """Number of the carrier electricity."""
        return self.carriers.index(ELECTRICITY)


def supply_of(buildings: Columns, parameters: Parameters) -> Supply:
    """The supply of buildings (with the figures a_use_m2 and dwellings).

    Homes use electricity by dwelling, all others by floor area; buildings that are not conditioned need no
    hot water.
    """
    use, systems = parameters.use, parameters.systems

    def of_use(name: str) -> Array:
        return use[name].to_numpy("float64")[buildings.function]

    def of_system(name: str) -> Array:
        return systems[name].to_numpy("float64")[buildings.heating]

    area, dwellings = (_known(buildings[name]) for name in ("a_use_m2", "dwellings"))
    per_dwelling = of_use("electricity_kwh_dwelling_a")
    by_dwelling = np.isfinite(per_dwelling) & (dwellings > 0)
    carriers = tuple(parameters.carriers.index)
    of_heat = np.array([carriers.index(c) if c in carriers else -1 for c in systems["carrier"]], np.intp)
    return Supply(
        carriers=carriers,
        hot_water_kwh_a=np.where(buildings.conditioned, of_use("hot_water_kwh_m2a") * area, 0.0),
        electricity_kwh_a=np.where(
            by_dwelling, _known(per_dwelling) * dwellings, of_use("electricity_kwh_m2a") * area
        ),
        carrier=of_heat[buildings.heating],
        efficiency_heating=of_system("efficiency_heating"),
        efficiency_hot_water=of_system("efficiency_hot_water"),
        seer=parameters.constant("cooling_seer"),
    )


def _known(values: Array) -> Array:
    return np.where(np.isfinite(values), values, 0.0)


def heat_delivered(supply: Supply, heating: Array, hot_water: Array) -> Array:
    """Energy delivered for heating and hot water; shape (building, time). [kWh]"""
    some = (supply.carrier >= 0)[:, None]
    kind = heating.dtype
    of_heating = (1 / supply.efficiency_heating[:, None]).astype(kind)
    of_water = (1 / supply.efficiency_hot_water[:, None]).astype(kind)
    return np.where(some, heating * of_heating + hot_water * of_water, kind.type(0))


def electricity_delivered(supply: Supply, electricity: Array, cooling: Array) -> Array:
    """Electricity for appliances, light and cooling, without heat; shape (building, time). [kWh]"""
    return electricity + cooling / electricity.dtype.type(supply.seer)


def by_carrier(supply: Supply, heat: Array, electricity: Array) -> Array:
    """Delivered energy by carrier; shape (carrier, building, time). [kWh]"""
    delivered = np.zeros((len(supply.carriers), *heat.shape), heat.dtype)
    delivered[supply.electricity] = electricity
    for number in range(len(supply.carriers)):
        mine = supply.carrier == number
        delivered[number, mine] += heat[mine]
    return delivered
