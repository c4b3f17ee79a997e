"""Building-years by the package iso52016, in the environment of the peers.

Usage: iso52016_peer.py BOXES.json COURSES.npz. Prints each box's heating need and seconds as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from iso52016 import Building, Layer, Material, OpaqueElement, Orientation, Ventilation, Weather, Window, Zone

HOURS = 8760


def year(box: dict, weather: Weather, courses: dict[str, np.ndarray], number: int) -> tuple[float, float]:
    """Heating need [kWh] and seconds of one box, its elements' making included."""
    start = time.perf_counter()
    elements = []
    for count, part in enumerate(box["elements"]):
        layers = [
            Layer(d, Material(density, heat, conducts)) for d, conducts, density, heat in part["layers"]
        ]
        windows = [
            Window(area=w["area_m2"], u_value=w["u_w_m2k"], g_value=w["g"], frame_fraction=0.0)
            for w in part["windows"]
        ]
        element = OpaqueElement(
            area=part["area_m2"], orientation=Orientation(180.0 - part["tilt_deg"], 0.0), layers=layers,
            windows=windows,
        )  # fmt: skip
        direct, diffuse = courses[f"sun_{number}_{count}"]
        element.set_solar_irradiation(direct, diffuse, box["absorptance"])
        if part["held_c"] is not None:
            element.external_temperature = np.full(HOURS, part["held_c"])
        elements.append(element)
    zone = Zone(
        opaque_elements=elements, usable_floor_area=box["floor_m2"], ventilation=[
            Ventilation(np.full(HOURS, box["air_m3_h"]), 0.0, weather.t_air)
        ],
        internal_gains=[np.full(HOURS, box["gains_w"])], lower_temperature_limit=courses[f"low_{number}"],
        upper_temperature_limit=courses[f"high_{number}"],
    )  # fmt: skip
    Building(weather=weather, zones=zone).calculate()
    return float(zone.heat_load.sum()) / 1000, time.perf_counter() - start


def main() -> None:
    boxes = json.loads(Path(sys.argv[1]).read_text())
    courses = dict(np.load(sys.argv[2]))
    weather = Weather(courses["outdoor"], courses["wind"])
    done = [year(box, weather, courses, number) for number, box in enumerate(boxes)]
    heating, seconds = zip(*done, strict=True)
    print(json.dumps({"version": version("iso52016"), "heating_kwh": heating, "seconds": seconds}))


if __name__ == "__main__":
    main()
