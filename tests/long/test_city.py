"""A city of 1,500, 10,000, 30,000 and, given the memory, 100,000 buildings: import, simulate, vary, serve.

A real tile is repeated until it has as many buildings as all of Jena (about 30,000). Each step runs in a
process of its own, as a user runs it; printed are its processor time and peak memory, by building, and how
fast both grow: n to the power of so much. To vary is to draw scenarios on two workers of Dask: the memory is
that of the largest process. LOBEDA_CITY names other sizes (``1500,10000``).
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import twin
from tests.benchmarks.citygml_copies import repeat
from tests.conftest import REPOSITORY
from tests.long.opened import opened

pytestmark = pytest.mark.long
TILE_BUILDINGS = 117  # of EssenExample.gml
SIZES = tuple(int(size) for size in os.environ.get("LOBEDA_CITY", "1500,10000,30000,100000").split(","))
MEMORY_PER_BUILDING = 150_000  # bytes; a size is left out where the machine has less than that
SIMULATE = (
    "import sys, energy, twin; r = energy.simulate(twin.open(sys.argv[1]), energy.weather.sample(), "
    "resolution='year'); print(float(r.heating_need_kwh.sum()) / r.sizes['building_id'])"
)
VARIANTS = 16
GROWTH_MAX = 1.3
"""More than in proportion by little: what is looked up grows with the logarithm."""


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds of processor and of clock, and peak memory. [MB]"""

    cpu_s: float
    wall_s: float
    memory_mb: float
    said: str


def measured(*command: str) -> Cost:
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *command], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        said = output.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    cpu_s, memory_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6
    return Cost(cpu_s, time.monotonic() - began, memory_mb, said)


def served(district: Path) -> Cost:
    """Until both apps have answered."""
    began = time.monotonic()
    with opened(str(district)) as server, httpx.Client(timeout=600) as client:
        assert client.get(server.address).status_code == 200
        assert client.get(server.link).status_code == 200
        assert client.get(f"{server.address}/manage").status_code == 200
        assert client.get(f"{server.address}/api/ogc/collections/buildings/items?limit=10").status_code == 200
        wall_s = time.monotonic() - began
        folder = Path(f"/proc/{server.process.pid}")  # the server ends with the block
        user, system = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
        peak = re.search(r"VmHWM:\s+(\d+) kB", (folder / "status").read_text())
    assert peak is not None
    cpu_s = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return Cost(cpu_s, wall_s, int(peak[1]) * 1024 / 1e6, server.said)


def steps(tile: Path, district: Path) -> dict[str, Callable[[], Cost]]:
    """What is measured, in order."""
    command = ("-m", "viewer.cli", "import", str(district), "--buildings", str(tile))
    vary = ("-m", "viewer.cli", "scenario", "ensemble", "library/roof-pv.yaml")
    folder = district.with_name(f"{district.name}-varied")
    options = ("--district", str(district), "--out", str(folder), "--n", str(VARIANTS), "--workers", "2")
    return {
        "import": lambda: measured(*command),
        "simulate": lambda: measured("-c", SIMULATE, str(district)),
        "vary": lambda: measured(*vary, *options),
        "serve": lambda: served(district),
    }


def free_bytes() -> int:
    """Memory that the machine has left."""
    found = re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())
    return int(found[1]) * 1024 if found else 0


def growth(costs: dict[int, Cost], what: str) -> float:
    """The power of the number of buildings by which a cost grows, between the two largest sizes."""
    few, many = sorted(costs)[-2:]
    ratio = getattr(costs[many], what) / getattr(costs[few], what)
    return math.log(ratio) / math.log(many / few)


def test_a_city_grows_in_proportion(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LOBEDA_CACHE", str(tmp_path / "cache"))
    source = shared_data / "citygml" / "EssenExample.gml"
    costs: dict[str, dict[int, Cost]] = {}
    for size in SIZES:
        if free_bytes() < size * MEMORY_PER_BUILDING:
            print(f"\n{size} buildings: left out, the machine has too little memory")
            continue
        tile, district = tmp_path / "city.gml", tmp_path / f"city-{size}"
        repeat(source, tile, round(source.stat().st_size * size / TILE_BUILDINGS))
        count = None
        print()
        for name, run in steps(tile, district).items():
            cost = run()
            count = count or len(twin.open(district).buildings)
            costs.setdefault(name, {})[count] = cost
            print(
                f"{count:7d} buildings {name:9s} {cost.cpu_s:7.1f} s of processor ({cost.wall_s:.0f} s), "
                f"{1e3 * cost.cpu_s / count:6.2f} ms and {1e3 * cost.memory_mb / count:6.1f} kB each, "
                f"peak {cost.memory_mb:.0f} MB"
            )
        tile.unlink()
    for name, found in costs.items():
        if len(found) > 1:
            powers = {what: growth(found, what) for what in ("cpu_s", "memory_mb")}
            print(
                f"{name}: processor grows by n^{powers['cpu_s']:.2f}, memory by n^{powers['memory_mb']:.2f}"
            )
            assert max(powers.values()) < GROWTH_MAX, name
