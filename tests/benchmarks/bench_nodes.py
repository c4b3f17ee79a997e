"""The element-node kernel against EnergyPlus: boxes of the same figures, one year each.

Run by `make bench`. EnergyPlus' time is that of its process, start and files included; ours is from the
elements' factors to the hourly results, weather and sun prepared once for all boxes of a place.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from energy import case_zones, nodes, thermal_cases, weather
from energy.weather import Weather
from tests.benchmarks.bench_simulation import best_of
from tests.long import energyplus
from tests.long.test_energyplus import box

BLOCKS = 8  # of 64 zones each


def block(
    year: Weather, lanes: int, random: np.random.Generator
) -> tuple[list[list[nodes.Element]], nodes.Hours]:
    """Zones of one shape whose layers differ in thickness, and the hours that drive them."""
    document = box(random)
    case = thermal_cases.merged(document, "box")
    film = nodes.wind_film(year, case["height_m"] / 2, nodes.ROUGH)
    walls = case_zones.opaque_elements(document, case, film)
    zones = [
        [
            replace(e, resistance_m2k_w=e.resistance_m2k_w * scale, capacity_j_m2k=e.capacity_j_m2k * scale)
            for e in walls
        ]
        for scale in random.uniform(0.7, 1.3, lanes)
    ]
    outside, sun = nodes.outer_drive(walls, year, 0.2)
    count = len(year)
    entering = np.zeros((2, count, lanes))
    beam, diffuse = nodes.irradiance(year, 90.0, 180.0, 0.2)
    entering[0], entering[1] = 8.0 * beam[:, None], 8.0 * diffuse.sum(axis=0)[:, None]
    gains = np.full((2, count, lanes), 3.0)
    hours = nodes.Hours(
        outside, sun, np.zeros_like(sun), entering, year.temp_air, gains, np.full(count, 20.0),
        np.full(count, 26.0), np.zeros(count, np.intp),
    )  # fmt: skip
    return zones, hours


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=int, default=20, help="building-years of the slow peer")
    parser.add_argument("--epw", type=Path, help="weather of EnergyPlus' runs; the wheel's own without it")
    options = parser.parse_args()
    if importlib.util.find_spec("pyenergyplus") is None:
        print("skipped: nodes against EnergyPlus: pyenergyplus-lbnl is not installed")
        return
    import pyenergyplus

    folder = Path(str(pyenergyplus.__file__)).parent / "data" / "weather"
    epw = options.epw or next(iter(sorted(folder.glob("*.epw"))))
    year = weather.read(epw)
    random = np.random.default_rng(1)
    zones, hours = block(year, 64, random)
    elements = len(zones[0])

    def ours() -> None:
        made = nodes.tables(
            zones, air_j_k=np.full(64, 1e5), ventilation_w_k=np.full((3, 64), 20.0),
            light=np.full((2, 64, elements), 1 / elements), limits_w=np.full((2, 64), 1e6), lanes=64,
            dtype=np.float32,
        )  # fmt: skip
        for _ in range(BLOCKS):
            nodes.run(made, hours)

    ours()
    fast = best_of(3, ours) / (64 * BLOCKS)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        for number in range(options.peer):
            document = box(random)
            energyplus.simulate(
                document, thermal_cases.merged(document, "box"), epw, Path(place) / str(number)
            )
    slow = (time.perf_counter() - start) / options.peer
    print(f"\nelement-node model, 8,760 h in half hours + {nodes.WARM_UP_H} h warm-up, one core")
    print(f"{'nodes, float32, blocks of 64 zones':58s}{fast * 1e3:14.3f} ms/building-year")
    print(f"{f'EnergyPlus, {options.peer} building-years':58s}{slow * 1e3:14.1f} ms/building-year")
    print(f"ratio {slow / fast:,.0f} ×")


if __name__ == "__main__":
    main()
