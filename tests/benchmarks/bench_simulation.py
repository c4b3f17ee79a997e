"""Building-years per second of the hourly simulation, on one core and two, beside RC_BuildingSimulator.

Run by ``make bench`` or ``python -m tests.benchmarks.bench_simulation [--buildings 1500] [--peer 20]``.
Both get the same zones, gains, sun, weather and set-point; the peer (PyPI rcbsim, MIT) is installed into a
throw-away folder and skipped with a reason where that fails. Best of n for ours, one pass for the peer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import energy
from energy import heat_balance, occupancy, solar, zone
from energy.simulate import bins_of
from tests.benchmarks.closing_table import record
from tests.energy.districts import slabs

PEER = "rcbsim==0.3b0"
PEER_SCRIPT = """
import sys, time
import numpy as np
from rcbsim import building_physics, emission_system, supply_system
data = np.load(sys.argv[1])
needs, temp_air = [], data["temp_air"].tolist()
started = time.perf_counter()
for row in range(len(data["h_tr_em"])):
    home = building_physics.Zone(
        heating_supply_system=supply_system.DirectHeater, cooling_supply_system=supply_system.DirectCooler,
        heating_emission_system=emission_system.OldRadiators, t_set_heating=20.0, t_set_cooling=1000.0,
        floor_area=float(data["floor"][row]), total_internal_area=float(data["a_tot"][row]),
    )
    home.mass_area = float(data["a_m"][row])
    home.h_tr_ms = 9.1 * home.mass_area
    home.h_tr_em, home.h_tr_w = float(data["h_tr_em"][row]), float(data["h_tr_w"][row])
    home.h_ve_adj, home.c_m = float(data["h_ve"][row]), float(data["c_m"][row]) * 3600
    gains, sun = data["gains"][row].tolist(), data["sun"][row].tolist()
    mass, need = 20.0, 0.0
    for hour in range(len(temp_air)):
        home.solve_energy(gains[hour], sun[hour], temp_air[hour], mass)
        mass = home.t_m_next
        need += home.heating_demand
    needs.append(need)
print(time.perf_counter() - started, *needs)
"""


def best_of(times: int, work: Callable[[], object]) -> float:
    """Shortest time of `work`. [s]"""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


@contextmanager
def cores(count: int):
    """This process on `count` cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def peer(zones: zone.Zones, drive: zone.Drive, count: int) -> tuple[float, np.ndarray] | str:
    """Seconds per building-year and annual needs [Wh] of RC_BuildingSimulator, or why there are none."""
    few = zones.take(np.arange(count))
    mass = zone.H_MS * few.a_m_m2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--target",
            str(folder / "peer"),
            PEER,
        ]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"pip could not install {PEER}: {done.stderr.strip().splitlines()[-1:]}"
        np.savez(
            folder / "inputs.npz", temp_air=drive.temp_air, h_tr_em=1 / (1 / few.h_tr_op_w_k - 1 / mass),
            h_tr_w=few.h_tr_w_w_k, h_ve=few.h_ve_on_w_k, c_m=few.c_m_wh_k, a_m=few.a_m_m2, a_tot=few.a_tot_m2,
            floor=few.a_m_m2 / 2.5, sun=few.solar_area_m2 @ drive.planes.T,
            gains=few.gains_w[:, None] * drive.schedule.gains,
        )  # fmt: skip
        (folder / "run.py").write_text(PEER_SCRIPT)
        run = [sys.executable, "-W", "ignore", str(folder / "run.py"), str(folder / "inputs.npz")]
        environment = {**os.environ, "PYTHONPATH": str(folder / "peer")}
        done = subprocess.run(run, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            return f"the peer did not run: {done.stderr.strip().splitlines()[-1:]}"
        seconds, *needs = (float(value) for value in done.stdout.split())
        return seconds / count, np.array(needs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--buildings", type=int, default=1500)
    parser.add_argument("--peer", type=int, default=20, help="building-years of the slow peer")
    options = parser.parse_args()
    count = options.buildings
    spread = np.random.default_rng(1).uniform(0.5, 2.0, count)
    district = slabs(count, a_use_m2=2304 * spread, year_of_construction=1970.0 + np.arange(count) % 20)
    weather = energy.weather.sample()
    case = energy.Case(district, weather)
    zones = heat_balance.zones(case.envelope, case.parameters)
    drive = zone.Drive(
        weather.temp_air, solar.plane_irradiance(weather),
        occupancy.schedule("residential", weather, case.parameters), bins_of(weather, "month"),
    )  # fmt: skip
    zone.simulate_zones(zones, drive, temperatures=False)  # compiled before the clock runs
    zone.simulate_zones(zones.take(np.arange(1)), drive)
    available = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    print(f"\n5R1C simulation, {count:,} buildings, 8,760 h + {zone.WARM_UP_H} h warm-up, load {load:.1f}")
    print(f"{'what':58s}{'cores':>6s}{'ms/building-year':>18s}{'building-years/s':>18s}")
    fast = {}
    for number in (1, 2):
        if number > available:
            print(f"skipped: {number} cores (this machine has {available})")
            continue
        with cores(number):
            rows = {
                "kernel, float32, monthly sums": lambda: zone.simulate_zones(
                    zones, drive, temperatures=False
                ),
                "kernel, float64, monthly sums": lambda: zone.simulate_zones(
                    zones, drive, temperatures=False, dtype=np.float64
                ),
                "energy.annual: need to cost, per building": lambda: energy.annual(case),
                "energy.simulate: all variables, all hours": lambda: energy.simulate(case),
            }
            for name, work in rows.items():
                seconds = best_of(2 if "all hours" in name else 7, work) / count
                fast[name, number] = seconds
                print(f"{name:58s}{number:6d}{seconds * 1e3:18.4f}{1 / seconds:18,.0f}")
    answer = peer(zones, drive, options.peer)
    if isinstance(answer, str):
        print(f"skipped: RC_BuildingSimulator: {answer}")
        return
    seconds, needs = answer
    label = f"RC_BuildingSimulator, {options.peer} building-years"
    print(f"{label:58s}{1:6d}{seconds * 1e3:18.4f}{1 / seconds:18,.1f}")
    ours = zone.simulate_zones(
        zones.take(np.arange(options.peer)), drive, temperatures=False, dtype=np.float64, warm_up_h=0
    )
    difference = np.abs(ours.heating.sum(axis=1) / needs - 1).max()
    print(f"same inputs, largest difference of the annual need: {difference:.1e}")
    for name in ("kernel, float32, monthly sums", "energy.annual: need to cost, per building"):
        for number in (1, 2):
            if (name, number) in fast:
                print(f"ratio to {name} on {number} core(s): {seconds / fast[name, number]:,.0f} ×")
    record("rc5", seconds / fast["energy.annual: need to cost, per building", 1])


if __name__ == "__main__":
    main()
