"""Measured against simulated for the chart of a heat meter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from energy import Case
from scenarios.baseline.comparison import compare
from sensors import units
from twin.district import District
from viewer.board import Device, Reading


def is_heat(device: Device, reading: Reading) -> bool:
    """Whether a stream is the energy of a heat meter."""
    return device.kind == "heat_meter" and units.converts(reading.unit, "kW.h")


def buildings_of(device: Device, district: District) -> list[str]:
    """The buildings behind a meter: those it names, else the block of the building it stands in."""
    table = district.buildings
    named = device.properties.get("building_ids")
    if isinstance(named, Sequence) and not isinstance(named, str):
        return [str(name) for name in named if str(name) in table.index]
    if device.building_id is None or device.building_id not in table.index:
        return []
    block = table["block_id"].loc[device.building_id]
    return [device.building_id] if pd.isna(block) else list(table.index[table["block_id"] == block])


def modelled(
    case: Case, buildings: Sequence[str], data: Mapping[str, Any], unit: str, *, hot_water: bool
) -> dict[str, Any]:
    """What the model says for the points of `data` (see `viewer.history.chart_data`), in their unit.

    Returns
    -------
    model : like the points; agreement : CV(RMSE) and NMBE by ASHRAE Guideline 14; typical_weather : whether a
    typical year stands for the weather.
    """
    times = pd.to_datetime(np.asarray(data["t"], "int64"), unit="s", utc=True)
    values = np.array([np.nan if v is None else v for v in data["v"]], "float64")
    series = pd.Series(units.convert(values, unit, "kW.h"), index=times)
    found = compare(case, buildings, series, step=data["step"], includes_hot_water=hot_water)
    simulated = found.values["simulated_kwh"].reindex(times).to_numpy("float64")
    shown = units.convert(simulated, "kW.h", unit)
    return {
        "model": [float(f"{value:.5g}") if np.isfinite(value) else None for value in shown],
        "agreement": found.agreement.to_dict(),
        "typical_weather": found.typical_weather,
    }
