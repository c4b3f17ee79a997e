"""Hourly electricity of buildings, some at a time: what photovoltaics and batteries are weighed against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import supply
from energy.case import Case
from energy.simulate import bins_of, chain
from energy.zone_kernel import LANES

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Electricity:
    """Hourly electricity of some buildings; shape (building, time). [kWh]

    building_id : which.  total_kwh : all that the meter would count without photovoltaics.
    heat_kwh : the share of heat pumps and direct electric heat in it.
    """

    building_id: pd.Index
    total_kwh: Array
    heat_kwh: Array


def electricity_blocks(
    case: Case, ids: pd.Index | None = None, *, buildings_at_once: int = 4 * LANES
) -> Iterator[Electricity]:
    """Hourly electricity of the buildings `ids` (all without it), `buildings_at_once` at a time.

    Raises
    ------
    CallError : as `energy.simulate`.
    """
    chosen = case.envelope.index if ids is None else ids
    hours = bins_of(case.weather, "hour")
    number = case.parameters.carriers.index.get_loc(supply.ELECTRICITY)
    for start in range(0, len(chosen), buildings_at_once):
        some = chosen[start : start + buildings_at_once]
        found = chain(case, some, hours, ("delivered_kwh", "heating_delivered_kwh"))
        carrier = supply.supply_of(case.envelope.loc[some], case.parameters).carrier
        electric = (carrier == number)[:, None]
        heat = np.where(electric, found["heating_delivered_kwh"], np.float32(0))
        yield Electricity(some, found["delivered_kwh"][number], heat)
