"""The element-node kernel against EnergyPlus and the package iso52016: boxes of the same figures.

Run by `make bench`. EnergyPlus' time is that of its process, start and files included; ours is from the
elements' factors to the hourly results, weather and sun prepared once for all boxes of a place, as for
iso52016, which runs in the environment of the peers (`make bench` makes it).
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
from tests.benchmarks import iso52016_boxes
from tests.benchmarks.bench_simulation import best_of
from tests.benchmarks.closing_table import record
from tests.energy.network.trees import PEER
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
    entering = np.zeros((2, count, lanes), np.float32)
    beam, diffuse = nodes.irradiance(year, 90.0, 180.0, 0.2)
    entering[0], entering[1] = 8.0 * beam[:, None], 8.0 * diffuse.sum(axis=0)[:, None]
    gains = np.full((2, count, lanes), np.float32(3.0))
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
    parser.add_argument("--peer-python", type=Path, default=PEER, help="Python that has iso52016")
    options = parser.parse_args()
    if options.epw is None and importlib.util.find_spec("pyenergyplus") is None:
        print("skipped: nodes against its peers: pyenergyplus-lbnl is not installed, or give --epw")
        return
    epw = options.epw or _shipped()
    year = weather.read(epw)
    random = np.random.default_rng(1)
    fast = ours(year, random)
    print(f"\nelement-node model, 8,760 h in half hours + {nodes.WARM_UP_H} h warm-up, one core")
    print(f"{'nodes, float32, blocks of 64 zones':58s}{fast * 1e3:14.3f} ms/building-year")
    against_package(year, options.peer, options.peer_python, fast)
    if importlib.util.find_spec("pyenergyplus") is not None:
        against_energyplus(epw, options.peer, random, fast)


def _shipped() -> Path:
    import pyenergyplus

    folder = Path(str(pyenergyplus.__file__)).parent / "data" / "weather"
    return next(iter(sorted(folder.glob("*.epw"))))


def ours(year: Weather, random: np.random.Generator) -> float:
    """Seconds of a building-year."""
    zones, hours = block(year, 64, random)
    elements = len(zones[0])

    def run() -> None:
        made = nodes.tables(
            zones, air_j_k=np.full(64, 1e5), ventilation_w_k=np.full((3, 64), 20.0),
            light=np.full((2, 64, elements), 1 / elements), limits_w=np.full((2, 64), 1e6), lanes=64,
            dtype=np.float32,
        )  # fmt: skip
        for _ in range(BLOCKS):
            nodes.run(made, hours)

    run()
    return best_of(3, run) / (64 * BLOCKS)


def against_package(year: Weather, count: int, python: Path, fast: float) -> None:
    """The package iso52016 on random boxes of its own, whose need is held beside ours."""
    if not python.is_file():
        print("skipped: nodes against iso52016: make bench makes the environment of the peers")
        return
    random = np.random.default_rng(2)
    documents = [box(random) for _ in range(count)]
    found = iso52016_boxes.compare(documents, year, python)
    needs = [
        case_zones.by_nodes(document, thermal_cases.merged(document, "box"), year)[0].sum() / 1000
        for document in documents
    ]
    apart = np.median(np.array(found["heating_kwh"]) / needs - 1)
    slow = min(found["seconds"])
    label = f"iso52016 {found['version']}, best of {count} building-years"
    print(f"{label:58s}{slow * 1e3:14.1f} ms/building-year")
    record("nodes_package", slow / fast)
    print(f"ratio {slow / fast:,.0f} ×; its heating need {apart:+.1%} beside ours in the median")


def against_energyplus(epw: Path, count: int, random: np.random.Generator, fast: float) -> None:
    """EnergyPlus' process on random boxes."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        for number in range(count):
            document = box(random)
            energyplus.simulate(
                document, thermal_cases.merged(document, "box"), epw, Path(place) / str(number)
            )
    slow = (time.perf_counter() - start) / count
    print(f"{f'EnergyPlus, {count} building-years':58s}{slow * 1e3:14.1f} ms/building-year")
    record("nodes_energyplus", slow / fast)
    print(f"ratio {slow / fast:,.0f} ×")


if __name__ == "__main__":
    main()
