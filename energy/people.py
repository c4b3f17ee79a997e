"""People in dwellings and the electricity that households use by their size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energy.parameters import Parameters

Array = npt.NDArray[np.floating[Any]]


def persons_per_dwelling(area_m2: Array, parameters: Parameters) -> Array:
    """Mean people in a dwelling by its floor area; at least one. Shape as `area_m2`.

    The mean of the district at its mean area (constants persons_per_dwelling, dwelling_area_m2), growing with
    a power of the area (persons_area_exponent, an estimate).
    """
    ratio = np.asarray(area_m2, "float64") / parameters.constant("dwelling_area_m2")
    grown = parameters.constant("persons_per_dwelling") * ratio ** parameters.constant(
        "persons_area_exponent"
    )
    return np.asarray(np.maximum(grown, 1.0))


def household_sizes(mean_persons: Array, most: int) -> Array:
    """Shares of households of 1, 2, … `most` and more people; shape (…, most).

    Geometric distribution about the mean: the share of one-person households is 1/mean. For Jena's mean of
    1.75 it gives 57 %, where the micro-census of 2005 counted 55.4 % (TLS, press release 012/2007).
    """
    alone = 1 / np.asarray(mean_persons, "float64")[..., None]
    shares = alone * (1 - alone) ** np.arange(most)
    shares[..., -1] = 1 - shares[..., :-1].sum(axis=-1)
    return np.asarray(shares)


def electricity_per_dwelling(area_m2: Array, parameters: Parameters) -> Array:
    """Mean electricity of a dwelling for appliances and light by its floor area. [kWh/a]

    Expectation over household sizes, so that the one-person households' larger share counts.
    """
    table = parameters.households
    shares = household_sizes(persons_per_dwelling(area_m2, parameters), len(table))
    return np.asarray(shares @ table["electricity_kwh_a"].to_numpy("float64"))
