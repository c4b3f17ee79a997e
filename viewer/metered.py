"""Measured against simulated for the chart of a heat meter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from energy import Case
from scenarios import meters
from scenarios.baseline.comparison import compare
from sensors import units
from sensors.store import Store
from twin.district import District
from viewer.board import Device, Reading


def is_heat(device: Device, reading: Reading) -> bool:
    """Whether a stream is the energy of a heat meter."""
    return device.kind == "heat_meter" and units.converts(reading.unit, "kW.h")


def buildings_of(device: Device, district: District) -> list[str]:
    """The buildings of the district behind a meter."""
    named = meters.buildings_of(device.properties, device.building_id, district)
    return [name for name in named if name in district.buildings.index]


def hot_water(store: Store, device: Device) -> bool:
    """Whether a meter counts the heat of hot water, as its Thing or its datastreams say."""
    found = (meter for meter in meters.meters(store, device.kind) if meter.id == device.thing_id)
    return next((meter.hot_water for meter in found), True)


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
