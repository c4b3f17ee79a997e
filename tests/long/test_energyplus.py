"""Random boxes in EnergyPlus and in the element-node model: annual heating, cooling and the hours' course.

LOBEDA_SEED chooses other boxes, LOBEDA_BOXES how many.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from energy import thermal_cases, weather
from tests.conftest import skip_or_fail
from tests.long import energyplus

pytestmark = pytest.mark.long

MATERIALS = {
    # thickness is drawn; conductivity [W/(mK)], density [kg/m³], specific heat [J/(kgK)]
    "concrete": (2.0, 2400, 950), "brick": (0.7, 1500, 900), "light_concrete": (0.35, 900, 1000),
    "timber": (0.14, 600, 1600), "mineral_wool": (0.04, 30, 840), "polystyrene": (0.035, 20, 1400),
    "plaster": (0.7, 1400, 1000), "gypsum": (0.25, 900, 1000), "screed": (1.4, 2000, 1000),
}  # fmt: skip
# Kind of wall, roof and floor from outside to inside, with the range of each layer's thickness. [m]
FABRICS: dict[str, dict[str, tuple[tuple[str, float, float], ...]]] = {
    "slab": {  # panels with a thin core, as in Lobeda
        "wall": (("concrete", 0.05, 0.07), ("polystyrene", 0.03, 0.08), ("concrete", 0.12, 0.16)),
        "roof": (("mineral_wool", 0.05, 0.12), ("concrete", 0.12, 0.16)),
        "floor": (("polystyrene", 0.02, 0.06), ("concrete", 0.12, 0.16), ("screed", 0.03, 0.05)),
    },
    "insulated": {
        "wall": (("plaster", 0.01, 0.02), ("polystyrene", 0.12, 0.25), ("brick", 0.15, 0.3)),
        "roof": (("mineral_wool", 0.15, 0.35), ("concrete", 0.12, 0.2)),
        "floor": (("polystyrene", 0.08, 0.15), ("concrete", 0.12, 0.2), ("screed", 0.04, 0.07)),
    },
    "old": {
        "wall": (("plaster", 0.01, 0.02), ("brick", 0.24, 0.5), ("plaster", 0.01, 0.02)),
        "roof": (("timber", 0.02, 0.03), ("mineral_wool", 0.03, 0.1), ("gypsum", 0.01, 0.02)),
        "floor": (("light_concrete", 0.1, 0.2), ("screed", 0.04, 0.06)),
    },
    "light": {
        "wall": (("timber", 0.01, 0.02), ("mineral_wool", 0.06, 0.2), ("gypsum", 0.01, 0.025)),
        "roof": (("timber", 0.015, 0.03), ("mineral_wool", 0.1, 0.3), ("gypsum", 0.01, 0.025)),
        "floor": (("polystyrene", 0.05, 0.15), ("timber", 0.02, 0.04)),
    },
}
PANES = {"single": 1, "double": 2, "triple": 3}


def box(random: np.random.Generator) -> dict[str, Any]:
    """A document with one random case, `box`."""
    fabric = str(random.choice(list(FABRICS)))
    materials: dict[str, dict[str, float]] = {}
    constructions: dict[str, list[str]] = {}
    for part, layers in FABRICS[fabric].items():
        constructions[part] = []
        for number, (name, thin, thick) in enumerate(layers):
            conducts, density, heat = MATERIALS[name]
            key = f"{part}{number}"
            constructions[part].append(key)
            materials[key] = {
                "thickness_m": float(random.uniform(thin, thick)), "conductivity_w_mk": conducts,
                "density_kg_m3": density, "specific_heat_j_kgk": heat,
            }  # fmt: skip
    width, depth = (float(v) for v in random.uniform(5, 25, 2))
    height = float(random.uniform(2.5, 6.0))
    windows = []
    for side, length in (("S", width), ("N", width), ("E", depth), ("W", depth)):
        share = float(random.choice([0.0, random.uniform(0.1, 0.5)]))
        if share > 0:
            across = 0.9 * length
            windows.append({
                "orientation": side, "width_m": across, "height_m": share * height / 0.9,
                "sill_m": 0.2, "left_edge_m": 0.05 * length,
            })  # fmt: skip
    heat_to = float(random.uniform(19, 22))
    back = float(random.choice([heat_to, heat_to - 4]))
    day = [back] * 6 + [heat_to] * 16 + [back] * 2
    glazing = {
        name: {
            "panes": count, "pane_thickness_m": 0.004, "pane_conductivity_w_mk": 1.0,
            "pane_solar_transmittance_normal": 0.83, "pane_solar_reflectance_normal": 0.075,
            "pane_emissivity": 0.84, "gap_m": 0.014, "gap_gas": "air",
        }
        for name, count in PANES.items()
    }  # fmt: skip
    return {
        "format": "thermal-case/1",
        "defaults": {
            "width_m": width, "depth_m": depth, "height_m": height, "width_axis": "east-west",
            "infiltration_ach": float(random.uniform(0.2, 1.0)),
            "internal_gain_w": float(random.uniform(1, 8)) * width * depth,
            "internal_gain_radiant_fraction": 0.5, "ground_temperature_c": 10.0, "ground_reflectance": 0.2,
            "solar_absorptance_exterior": float(random.uniform(0.3, 0.8)),
            "solar_absorptance_interior": 0.6, "emissivity_exterior": 0.9, "emissivity_interior": 0.9,
            "glazing": str(random.choice(list(PANES))),
        },
        "materials": materials,
        "constructions_outside_to_inside": constructions,
        "mass": {fabric: {part: part for part in constructions}},
        "glazings": glazing,
        "cases": {
            "box": {
                "mass": fabric, "windows": windows, "heating_setpoint_c": day,
                "cooling_setpoint_c": [float(random.uniform(25, 28))] * 24,
            }
        },
    }  # fmt: skip


def test_random_boxes_agree_with_energyplus(shared_data: Path, tmp_path: Path) -> None:
    """Annual heating: median difference at most 10 %, 95th percentile 20 %; hourly correlation 0.95."""
    if importlib.util.find_spec("pyenergyplus") is None:
        skip_or_fail("pyenergyplus-lbnl is not installed (extra bench)")
    files = sorted(shared_data.rglob("*.epw"))
    if not files:
        skip_or_fail("there is no EPW file")
    seed, count = int(os.environ.get("LOBEDA_SEED", "1")), int(os.environ.get("LOBEDA_BOXES", "30"))
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        document = box(random)
        epw = files[number % len(files)]
        year = weather.read(epw)
        ours = thermal_cases.run(document, year)["box"]
        case = thermal_cases.merged(document, "box")
        heating, cooling, _ = energyplus.simulate(document, case, epw, tmp_path / str(number))
        # The file's hours are of its own time zone, ours UTC.
        local = np.roll(ours.heating_w, round(year.longitude / 15.0))
        together = np.corrcoef(local, heating)[0, 1] if heating.any() else 1.0
        floor = case["width_m"] * case["depth_m"]
        rows.append(
            (case["mass"], case["glazing"], epw.name, *(v.sum() / 1000 / floor for v in (
                ours.heating_w, heating, ours.cooling_w, cooling)), together)
        )  # fmt: skip
    print(f"\nseed {seed}: kWh/(m²a) of nodes and EnergyPlus, hourly correlation of the heating")
    for fabric, glass, name, *figures in rows:
        told = "".join(f"{figure:9.2f}" for figure in figures[:4])
        print(f"{fabric:10s}{glass:8s}{name[:10]:12s}{told}{figures[4]:9.4f}")
    mine, theirs, hours = (np.array([row[k] for row in rows]) for k in (3, 4, 7))
    large = theirs > 5.0  # below, a relative difference says little
    apart = np.abs(mine[large] / theirs[large] - 1)
    print(
        f"heating: median {np.median(apart):.1%}, 95th percentile {np.percentile(apart, 95):.1%}, "
        f"least correlation {hours[large].min():.4f}; {int(large.sum())} boxes"
    )
    assert np.median(apart) <= 0.10 and np.percentile(apart, 95) <= 0.20
    assert hours[large].min() >= 0.95
