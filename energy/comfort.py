"""Comfort in summer: over-temperature degree-hours by DIN 4108-2:2013, 8.4."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.parameters import Parameters
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]


def reference_temperature_c(parameters: Parameters, region: str | None = None) -> float:
    """Reference operative temperature of a summer climate region (A, B, C), or the default one. [°C]

    Raises
    ------
    CallError : there is no such region.
    """
    table = parameters.summer_regions
    name = region if region is not None else str(table.index[table["is_default"]][0])
    if name not in table.index:
        raise CallError(
            f"there is no summer climate region {name!r}",
            "DIN 4108-2",
            f"Use {', '.join(str(known) for known in table.index)}",
        )
    return float(table["reference_c"].to_dict()[name])


def over_temperature_kh(
    operative_temperature_c: Array, limit_c: float | Array, occupied: Flags | None = None
) -> Array:
    """Over-temperature degree-hours: excess over the limit, summed over the hours that count. [Kh]

    Parameters
    ----------
    operative_temperature_c : hourly means, shape (time, lane). [°C]
    limit_c : reference temperature, one or shape (lane,). [°C]
    occupied : hours that count, shape (time,) or (time, lane); all without it.

    Returns
    -------
    Array, shape (lane,), float64. DIN 4108-2:2013, 8.4: for a whole year.

    Raises
    ------
    CallError : a temperature that is no number.
    """
    total = np.zeros(operative_temperature_c.shape[1])
    for hour, row in enumerate(operative_temperature_c):
        excess = np.maximum(row - limit_c, 0.0)
        total += excess if occupied is None else excess * occupied[hour]
    if not np.isfinite(total).all():
        lane = int(np.flatnonzero(~np.isfinite(total))[0])
        raise CallError(f"lane {lane} has hours without temperature", "over-temperature degree-hours")
    return total


def summer_comfort(
    operative_temperature_c: Array,
    functions: pd.Series,
    occupied: Flags,
    parameters: Parameters,
    *,
    region: str | None = None,
) -> pd.DataFrame:
    """Over-temperature of each critical room against DIN 4108-2:2013's requirement; index as `functions`.

    Parameters
    ----------
    operative_temperature_c : hourly means of a year, shape (time, room). [°C]
    functions : use of each room's building (as in the table rooms), index building_id.
    occupied : hours of use, shape (time, room); homes count always.
    region : summer climate region, A, B or C; the default's without it.

    Returns
    -------
    DataFrame, columns over_temperature_kh, allowed_kh, meets_requirement, reference_c, hours_above_h (that
    count), highest_c.
    """
    rooms = parameters.rooms.loc[functions]
    reference = reference_temperature_c(parameters, region)
    counts = occupied | rooms["counts_always"].to_numpy(bool)
    excess = over_temperature_kh(operative_temperature_c, reference, counts)
    allowed = rooms["limit_kh"].to_numpy("float64")
    return pd.DataFrame(
        {
            "over_temperature_kh": excess,
            "allowed_kh": allowed,
            "meets_requirement": excess <= allowed,
            "reference_c": reference,
            "hours_above_h": np.count_nonzero((operative_temperature_c > reference) & counts, axis=0),
            "highest_c": operative_temperature_c.max(axis=0).astype("float64"),
        },
        index=functions.index,
    )
