"""Delivered energy → primary energy, CO2 and cost, by the factors of the table carriers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energy.parameters import Parameters
from energy.supply import Supply

Array = npt.NDArray[np.floating[Any]]
FACTORS = {
    "primary_energy_kwh": "primary_energy_factor",
    "co2_kg": "co2_kg_kwh",
    "energy_cost_eur": "price_eur_kwh",
}


def weighted(quantity: str, supply: Supply, heat: Array, electricity: Array, parameters: Parameters) -> Array:
    """Primary energy [kWh], CO2 [kg] or cost [€] of the delivered energy; shape (building, time).

    Parameters
    ----------
    quantity : a key of `FACTORS`.
    heat, electricity : delivered for heat by each building's carrier, and electricity for all else. [kWh]
    """
    factors = parameters.carriers[FACTORS[quantity]].to_numpy("float64")
    of_heat = np.where(supply.carrier >= 0, factors[supply.carrier], 0.0).astype(heat.dtype)
    return heat * of_heat[:, None] + electricity * heat.dtype.type(factors[supply.electricity])
