"""The network's year as a Dataset and as a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from energy.network.solver import NetworkYear
from energy.parameters import Parameters
from energy.results import written_beside

_PIPE = ("pipe_id", "time")
_STATION = ("substation_id", "time")


def dataset(found: NetworkYear, parameters: Parameters) -> xr.Dataset:
    """Dimensions (substation_id, pipe_id, time); hours in UTC by their start; each variable with its unit.

    Flow and temperatures of pipes are those at the end away from the plant. Attributes name the plant, what
    was estimated (`notes`) and the worst substation.
    """
    net, at = found.network, found.network.station_node
    pipes, stations = found.pipes(parameters), found.substations()
    hourly: dict[str, tuple[tuple[str, ...], Any, str, str]] = {
        "plant_heat_kwh": (("time",), found.plant_kwh, "kWh", "Heat of the plant"),
        "plant_supply_temperature_c": (
            ("time",), found.plant_supply_c, "degC", "Supply temperature at the plant",
        ),
        "supply_loss_kwh": (("time",), found.supply_loss_kwh, "kWh", "Heat lost by the supply pipes"),
        "return_loss_kwh": (("time",), found.return_loss_kwh, "kWh", "Heat lost by the return pipes"),
        "pump_electricity_kwh": (("time",), found.pump_kwh, "kWh", "Electricity of the pump"),
        "pump_head_pa": (("time",), found.head_pa, "Pa", "Difference of pressure at the pump"),
        "heat_asked_kwh": (_STATION, found.asked_kwh, "kWh", "Heat asked by the substation"),
        "heat_served_kwh": (_STATION, found.served_kwh, "kWh", "Heat delivered to the substation"),
        "station_supply_temperature_c": (_STATION, found.supply_c[at], "degC", "Temperature that arrives"),
        "pressure_difference_pa": (
            _STATION, found.station_drop_pa, "Pa", "Difference of pressure left for the substation",
        ),
        "flow_kg_s": (_PIPE, found.flow_kg_s[1:], "kg/s", "Flow in the supply, away from the plant"),
        "pipe_supply_temperature_c": (_PIPE, found.supply_c[1:], "degC", "Temperature of the supply"),
        "pipe_return_temperature_c": (_PIPE, found.return_c[1:], "degC", "Temperature of the return"),
    }  # fmt: skip
    yearly = {
        "unserved_kwh": ("substation_id", stations["unserved_kwh"], "kWh", "Heat that did not arrive"),
        "short_h": ("substation_id", stations["short_h"], "h", "Hours with less heat than asked"),
        "cold_h": ("substation_id", stations["cold_h"], "h", "Hours with a supply below what is needed"),
        "low_pressure_h": (
            "substation_id",
            stations["low_pressure_h"],
            "h",
            "Hours with too little pressure",
        ),
        "power_kw": ("substation_id", net.power_kw, "kW", "Design power"),
        "length_m": ("pipe_id", net.length_m, "m", "Length"),
        "inner_diameter_mm": ("pipe_id", net.inner_diameter_mm, "mm", "Inner diameter"),
        "overloaded_h": ("pipe_id", pipes["overloaded_h"], "h", "Hours above the limits of flow"),
        "pipe_loss_kwh": ("pipe_id", pipes["loss_kwh"], "kWh", "Heat lost by the pair of pipes in the year"),
    }
    variables = {
        name: (dims, np.asarray(values, "float32"), {"units": unit, "long_name": label})
        for name, (dims, values, unit, label) in (hourly | yearly).items()
    }
    coords = {
        "time": found.times.tz_localize(None).to_numpy("datetime64[ns]"),
        "substation_id": net.substation_id.to_numpy(object),
        "pipe_id": net.pipe_id.to_numpy(object),
    }
    attributes = {
        "plant": net.plant_name,
        "notes": "; ".join(net.notes),
        "method": "quasi-steady tree, Newton's method by hour, Colebrook friction",
        "loss_share": found.loss_share,
        "pump_share": found.pump_share,
        "worst_substation": found.worst_substation,
    }
    return xr.Dataset(variables, coords=coords, attrs=attributes)


def write(found: NetworkYear, parameters: Parameters, path: str | os.PathLike[str]) -> Path:
    """The network's year as NetCDF, complete or not at all.

    Raises
    ------
    CallError : the folder of `path` does not exist.
    """
    target = Path(path)
    made = dataset(found, parameters)
    packed = {"zlib": True, "complevel": 1, "shuffle": True}
    with written_beside(target) as file:
        made.to_netcdf(
            file,
            engine="netcdf4",
            encoding={name: packed for name in made.data_vars if "time" in made[name].dims},
        )
    return target
