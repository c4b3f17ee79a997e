"""What buildings need besides heating, and by which carrier: hot water, electricity, carrier of the heat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

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


def supply_of(envelope: pd.DataFrame, parameters: Parameters) -> Supply:
    """The supply of the buildings of `envelope`.

    Homes use electricity by the size of their households, all others by floor area; buildings that are not
    conditioned need no hot water.
    """
    use = parameters.use.loc[envelope["function"]]
    area, dwellings = (_known(envelope[name].to_numpy("float64")) for name in ("a_use_m2", "dwellings"))
    heated = envelope["conditioned"].to_numpy(bool)
    by_dwelling = use["by_household"].to_numpy(bool) & (dwellings > 0)
    dwelling_area = np.divide(area, dwellings, out=np.ones_like(area), where=by_dwelling)
    systems = parameters.systems.loc[envelope["heating"]]
    carriers = tuple(parameters.carriers.index)
    return Supply(
        carriers=carriers,
        hot_water_kwh_a=np.where(heated, use["hot_water_kwh_m2a"].to_numpy("float64") * area, 0.0),
        electricity_kwh_a=np.where(
            by_dwelling,
            electricity_per_dwelling(dwelling_area, parameters) * dwellings,
            use["electricity_kwh_m2a"].to_numpy("float64") * area,
        ),
        carrier=np.array([carriers.index(c) if c in carriers else -1 for c in systems["carrier"]], np.intp),
        seer=parameters.constant("cooling_seer"),
    )


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
