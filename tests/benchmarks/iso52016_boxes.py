"""The bench's random boxes as the package iso52016 takes them, run in the environment of the peers."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from energy import case_zones, constructions, nodes, thermal_cases
from energy.weather import Weather
from tests.energy.network.trees import PEER, REPOSITORY

_LAYER = ("thickness_m", "conductivity_w_mk", "density_kg_m3", "specific_heat_j_kgk")
SCRIPT = REPOSITORY / "tests" / "reference" / "iso52016_peer.py"


def compare(documents: list[dict[str, Any]], year: Weather, python: Path = PEER) -> dict[str, Any]:
    """What the package finds: version, heating_kwh and seconds of each box; same layers, sun and courses.

    Left to the package: its films, its five nodes by mass class, a sky 11 K colder than the air, and windows
    by U and g (at normal incidence) where ours go by panes and angle.
    """
    courses = {"outdoor": year.temp_air, "wind": year.wind_speed}
    boxes = [_box(document, year, courses, number) for number, document in enumerate(documents)]
    with tempfile.TemporaryDirectory() as place:
        figures, arrays = Path(place) / "boxes.json", Path(place) / "courses.npz"
        figures.write_text(json.dumps(boxes))
        np.savez(arrays, **courses)
        done = subprocess.run([python, SCRIPT, figures, arrays], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _box(document: dict[str, Any], year: Weather, courses: dict[str, Any], number: int) -> dict[str, Any]:
    case = thermal_cases.merged(document, "box")
    parts = ["wall"] * 4 + ["roof", "floor"]
    elements = []
    for count, element in enumerate(case_zones.opaque_elements(document, case, 20.0)):
        beam, diffuse = nodes.irradiance(
            year, element.tilt_deg, element.azimuth_deg, case["ground_reflectance"]
        )
        lit = element.outer == "outside"
        courses[f"sun_{number}_{count}"] = np.stack([beam, diffuse.sum(axis=0)]) * lit
        named = document["mass"][case["mass"]][parts[count]]
        rows = [document["materials"][name] for name in document["constructions_outside_to_inside"][named]]
        elements.append({
            "area_m2": element.area_m2, "tilt_deg": element.tilt_deg,
            "held_c": element.held_c if element.outer == "held" else None,
            "layers": [
                [row[name] for name in _LAYER] for row in rows[::-1]  # the package counts from inside
            ],
            "windows": [
                _window(document, case, window)
                for window in case.get("windows", [])
                if parts[count] == "wall"
                and case_zones.AZIMUTH_DEG[window["orientation"]] == element.azimuth_deg
            ],
        })  # fmt: skip
    hour = case_zones.local_hour(year)
    courses[f"low_{number}"] = np.array(case["heating_setpoint_c"], "float64")[hour]
    courses[f"high_{number}"] = np.array(case["cooling_setpoint_c"], "float64")[hour]
    floor = case["width_m"] * case["depth_m"]
    return {
        "elements": elements, "absorptance": case["solar_absorptance_exterior"], "floor_m2": floor,
        "air_m3_h": case["infiltration_ach"] * floor * case["height_m"], "gains_w": case["internal_gain_w"],
    }  # fmt: skip


def _window(document: dict[str, Any], case: dict[str, Any], window: dict[str, Any]) -> dict[str, float]:
    panes = case_zones.glazing(document["glazings"][window.get("glazing", case["glazing"])])
    before, whole = panes.resistance_m2k_w(constructions.R_OUTSIDE)
    whole += constructions.R_INSIDE["wall"]
    through, held = panes.at(np.ones(1))
    g = float(through[0] + (held[:, 0] * before / whole).sum())
    return {"area_m2": window["width_m"] * window["height_m"], "u_w_m2k": float(1 / whole), "g": g}
