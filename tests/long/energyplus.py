"""A thermal case as an EnergyPlus model, run by the wheel `pyenergyplus-lbnl`."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from energy.case_zones import AZIMUTH_DEG

RUN = """
import sys
from pyenergyplus.api import EnergyPlusAPI
api = EnergyPlusAPI()
state = api.state_manager.new_state()
api.runtime.set_console_output_status(state, False)
sys.exit(api.runtime.run_energyplus(state, sys.argv[1:]))
"""
_NEVER = {"heating_setpoint_c": -100.0, "cooling_setpoint_c": 200.0}


def model(document: Mapping[str, Any], case: Mapping[str, Any]) -> str:
    """The input file of one case: a box, ideal loads, hourly output."""
    parts = [
        "Version,25.2;",
        "Timestep,6;",
        "SimulationControl,No,No,No,No,Yes;",
        "Building,Box,0,Country,0.01,0.01,FullExteriorWithReflections,25,6;",
        "SurfaceConvectionAlgorithm:Inside,TARP;",
        "SurfaceConvectionAlgorithm:Outside,DOE-2;",
        "GlobalGeometryRules,LowerLeftCorner,Counterclockwise,Relative;",
        "RunPeriod,Year,1,1,,12,31,,Monday,No,No,No,Yes,Yes;",
        "Site:GroundReflectance," + ",".join([str(case["ground_reflectance"])] * 12) + ";",
        "Site:GroundTemperature:BuildingSurface," + ",".join([str(case["ground_temperature_c"])] * 12) + ";",
        "ScheduleTypeLimits,Any;",
        "Schedule:Constant,Always,Any,1;",
        "Schedule:Constant,Dual,Any,4;",
        "Zone,Z,0,0,0,0,1,1,autocalculate,autocalculate;",
        "ZoneInfiltration:DesignFlowRate,Leak,Z,Always,AirChanges/Hour,,,,"
        f"{case['infiltration_ach']},1,0,0,0;",
        "OtherEquipment,Gains,None,Z,Always,EquipmentLevel,"
        f"{case['internal_gain_w']},,,0,{case['internal_gain_radiant_fraction']},0;",
        "ZoneControl:Thermostat,T,Z,Dual,ThermostatSetpoint:DualSetpoint,S;",
        "ThermostatSetpoint:DualSetpoint,S,heating_setpoint_c,cooling_setpoint_c;",
        "ZoneHVAC:EquipmentConnections,Z,E,N,,A,R;",
        "ZoneHVAC:EquipmentList,E,SequentialLoad,ZoneHVAC:IdealLoadsAirSystem,I,1,1,,;",
        "ZoneHVAC:IdealLoadsAirSystem,I,,N,,,60,5,0.02,0.008,NoLimit,,,NoLimit,,,,,ConstantSupplyHumidityRatio,"
        ",ConstantSupplyHumidityRatio,,,,,,;",
        "NodeList,N,Inlet;",
        "Output:Variable,*,Zone Air System Sensible Heating Energy,Hourly;",
        "Output:Variable,*,Zone Air System Sensible Cooling Energy,Hourly;",
        "Output:Variable,*,Zone Mean Air Temperature,Hourly;",
        "OutputControl:Files,Yes,No,No,No,No,No,No,No,No,Yes,No,No,No,No,No,No,No,No,No,No,No,No,No,No,No,"
        "No,No,No,No,No,No;",
    ]
    for name in ("heating_setpoint_c", "cooling_setpoint_c"):
        values = case.get(name) or [_NEVER[name]] * 24
        parts.append(_day(name, [_NEVER[name] if v is None else v for v in values]))
    if case.get("ventilation_m3_h"):
        parts.append(_day("vent", [v / 3600 for v in case["ventilation_m3_h"]]))
        parts.append("ZoneVentilation:DesignFlowRate,V,Z,vent,Flow/Zone,1,,,,Natural,0,1,1,0,0,0;")
    parts += [*_constructions(document, case), *_surfaces(document, case)]
    return "\n".join(parts)


def _day(name: str, values: list[float]) -> str:
    hours = ",".join(f"Until: {hour + 1}:00,{value}" for hour, value in enumerate(values))
    return f"Schedule:Compact,{name},Any,Through: 12/31,For: AllDays,{hours};"


def _constructions(document: Mapping[str, Any], case: Mapping[str, Any]) -> list[str]:
    out = []
    absorbs = (case["solar_absorptance_exterior"], case["solar_absorptance_interior"])
    for part in ("wall", "roof", "floor"):
        names = document["constructions_outside_to_inside"][document["mass"][case["mass"]][part]]
        for number, name in enumerate(names):
            figures = document["materials"][name]
            side = absorbs[0] if number == 0 else absorbs[1]
            emits = case["emissivity_exterior"] if number == 0 else case["emissivity_interior"]
            surface = f"{emits},{side},{side}"
            if "resistance_m2k_w" in figures:
                out.append(f"Material:NoMass,{part}-{name},Rough,{figures['resistance_m2k_w']},{surface};")
            else:
                out.append(
                    f"Material,{part}-{name},MediumRough,{figures['thickness_m']},"
                    f"{figures['conductivity_w_mk']},{figures['density_kg_m3']},"
                    f"{figures['specific_heat_j_kgk']},{surface};"
                )
        out.append(f"Construction,{part}," + ",".join(f"{part}-{name}" for name in names) + ";")
    glass = document["glazings"][case["glazing"]]
    t, r, e = (
        glass[f"pane_{name}"]
        for name in ("solar_transmittance_normal", "solar_reflectance_normal", "emissivity")
    )
    out.append(
        f"WindowMaterial:Glazing,pane,SpectralAverage,,{glass['pane_thickness_m']},{t},{r},{r},{t},{r},{r},0,"
        f"{e},{e},{glass['pane_conductivity_w_mk']};"
    )
    out.append(f"WindowMaterial:Gas,gap,{glass['gap_gas'].capitalize()},{glass['gap_m']};")
    layers = ["pane"] + ["gap", "pane"] * (glass["panes"] - 1)
    out.append("Construction,glass," + ",".join(layers) + ";")
    return out


def _surfaces(document: Mapping[str, Any], case: Mapping[str, Any]) -> list[str]:
    wide, deep = case["width_m"], case["depth_m"]
    if case["width_axis"] != "east-west":
        wide, deep = deep, wide
    high = case["height_m"]
    corners = {
        "S": ((0, 0), (wide, 0)), "E": ((wide, 0), (wide, deep)),
        "N": ((wide, deep), (0, deep)), "W": ((0, deep), (0, 0)),
    }  # fmt: skip
    out = []
    for side in AZIMUTH_DEG:
        (x0, y0), (x1, y1) = corners[side]
        points = [(x0, y0, 0), (x1, y1, 0), (x1, y1, high), (x0, y0, high)]
        out.append(_surface(side, "Wall", "wall", "Outdoors", "SunExposed,WindExposed", points))
        length = float(np.hypot(x1 - x0, y1 - y0))
        for number, window in enumerate(w for w in case.get("windows", []) if w["orientation"] == side):
            a = window["left_edge_m"] / length
            b = (window["left_edge_m"] + window["width_m"]) / length
            low, top = window["sill_m"], window["sill_m"] + window["height_m"]
            ends = [(x0 + (x1 - x0) * f, y0 + (y1 - y0) * f) for f in (a, b)]
            points = [(*ends[0], low), (*ends[1], low), (*ends[1], top), (*ends[0], top)]
            flat = ",".join(f"{v:.4f}" for point in points for v in point)
            out.append(f"FenestrationSurface:Detailed,{side}{number},Window,glass,{side},,,,1,4,{flat};")
    roof = [(0, 0, high), (wide, 0, high), (wide, deep, high), (0, deep, high)]
    floor = [(0, deep, 0), (wide, deep, 0), (wide, 0, 0), (0, 0, 0)]
    out.append(_surface("R", "Roof", "roof", "Outdoors", "SunExposed,WindExposed", roof))
    out.append(_surface("F", "Floor", "floor", "Ground", "NoSun,NoWind", floor))
    return out


def _surface(name: str, kind: str, construction: str, outside: str, exposed: str, points: Any) -> str:
    flat = ",".join(f"{v:.4f}" for point in points for v in point)
    return f"BuildingSurface:Detailed,{name},{kind},{construction},Z,,{outside},,{exposed},,4,{flat};"


def simulate(document: Mapping[str, Any], case: Mapping[str, Any], epw: Path, folder: Path) -> Any:
    """Heating, cooling [W] and air temperature [°C] by hour, shape (3, 8760).

    Raises
    ------
    RuntimeError : EnergyPlus stops; with the end of its messages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "in.idf"
    file.write_text(model(document, case), "utf-8")
    command = [sys.executable, "-c", RUN, "-w", str(epw), "-d", str(folder), "-r", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    table = folder / "eplusout.csv"
    if done.returncode or not table.is_file():
        errors = folder / "eplusout.err"
        said = errors.read_text("utf-8", "replace") if errors.is_file() else done.stderr
        raise RuntimeError(f"EnergyPlus: {said[-2000:]}")
    with table.open(encoding="utf-8") as opened:
        head, *rows = list(csv.reader(opened))
    columns = [
        next(number for number, name in enumerate(head) if words in name)
        for words in ("Sensible Heating", "Sensible Cooling", "Mean Air Temperature")
    ]
    values = np.array([[float(row[column]) for column in columns] for row in rows]).T
    values[:2] /= 3600.0
    return values
