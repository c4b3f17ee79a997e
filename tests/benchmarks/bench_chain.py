"""The whole chain but the network: against hour-by-hour NumPy, one measure against all, memory and growth.

Run by `make bench`; both sides take the same zones, schedules and cached sun and give the same figures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd

import energy
import twin
from energy import pv_potential
from tests.benchmarks import numpy_chain
from tests.benchmarks.bench_simulation import best_of, cores
from tests.benchmarks.closing_table import record
from viewer import whatif
from viewer.state import Twin

GROWTH = (150, 1_500, 15_000, 50_000)
GROWTH_SCRIPT = """
import json, sys, time
import numpy as np
import energy
from tests.energy.districts import slabs
count = int(sys.argv[1])
spread = np.random.default_rng(1).uniform(0.5, 2.0, count)
district = slabs(count, a_use_m2=2304 * spread, year_of_construction=1970.0 + np.arange(count) % 20)
case = energy.Case(district, energy.weather.sample(), shading="tabula")
energy.annual(case, buildings=case.envelope.index[:1])
def peak_mib():
    status = open("/proc/self/status").read().split("VmHWM:")[1]
    return int(status.split()[0]) / 1024
before = peak_mib()
start = time.perf_counter()
energy.annual(case)
energy.simulate(case, resolution="month")
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "before_mib": before, "peak_mib": peak_mib()}))
"""


def chain(case: energy.Case, runs: int) -> None:
    """The chain with photovoltaics on every roof against NumPy over the building axis."""
    given = numpy_chain.inputs(case)
    ours = energy.annual(case)[case.envelope["conditioned"]]
    slow = best_of(1, lambda: numpy_chain.annual(given, case))
    theirs = numpy_chain.annual(given, case)
    apart = {
        column: abs(ours[column].sum() / theirs[name].sum() - 1)
        for column, name in (("heating_need_kwh", "heating"), ("energy_cost_eur", "energy_cost_eur"))
    }
    print(f"\nneed, cached sun, PV on all roofs, supply, weighting; {len(given.use):,} buildings, 8,760 h")
    print(f"{'NumPy, hour by hour over the building axis':58s}{slow * 1e3:14.0f} ms")
    for number in (1, 2):
        if number <= len(os.sched_getaffinity(0)):
            with cores(number):
                fast = best_of(runs, lambda: energy.annual(case))
            if number == 1:
                record("chain", slow / fast)
            print(
                f"{f'energy.annual, {number} core(s)':58s}{fast * 1e3:14.0f} ms   ratio {slow / fast:,.0f} ×"
            )
    print("difference of the district's sums: " + ", ".join(f"{k} {v:.0e}" for k, v in apart.items()))


def incremental(case: energy.Case, count: int, runs: int, what: str, key: str) -> None:
    """A retrofit of some buildings: all results again, against the whole district; in turn, best of each."""
    known = energy.annual(case)
    heated = np.flatnonzero(case.envelope["conditioned"].to_numpy(bool))
    chosen = case.envelope.index[heated[np.linspace(0, len(heated) - 1, count).astype(int)]]
    variants = []
    for number in range(runs + 1):
        envelope = case.envelope.copy()
        envelope.loc[chosen, "u_wall_w_m2k"] *= 0.5 - 0.01 * number
        variants.append(case.replace(envelope=envelope))
    print(f"\none measure on {count} of {len(heated):,} buildings, all results again, {what}")
    for number in (1, 2):
        if number <= len(os.sched_getaffinity(0)):
            with cores(number):
                whole, part = _in_turn(case, known, variants)
            print(f"{f'all buildings, {number} core(s)':58s}{whole * 1e3:14.1f} ms")
            print(f"{'what the measure touches':58s}{part * 1e3:14.1f} ms   ratio {whole / part:.1f} ×")
            if number == 1:
                record(key, whole / part)
    np.testing.assert_array_equal(energy.annual(variants[0], since=(case, known)), energy.annual(variants[0]))


def _in_turn(case: energy.Case, known: pd.DataFrame, variants: list[energy.Case]) -> tuple[float, float]:
    """Shortest seconds of all buildings, and of what differs from `case`, whose sums are `known`."""
    part = whole = np.inf
    for variant in variants:
        # Envelopes of their own: what one run reads of a case is not ready for the next.
        fresh, alone = (variant.replace(envelope=variant.envelope.copy()) for _ in range(2))
        part = min(part, best_of(1, lambda: energy.annual(fresh, since=(case, known))))  # noqa: B023
        whole = min(whole, best_of(1, lambda: energy.annual(alone)))  # noqa: B023
    return whole, part


def slider(case: energy.Case, runs: int) -> None:
    """From the manager's slider to its figures: the retrofit's case and what it changes, all in Python."""
    twin_of = Twin(case.district, case, energy.annual(case))
    print("\nslider to figures (viewer.state.Twin.run): a retrofit of the worst blocks, each share once")
    for share in (0.1, 0.5, 1.0):
        shares = share - np.linspace(0, 0.05, 2 * runs)
        took = min(twin_of.run(whatif.retrofit(float(one))).milliseconds for one in shares)
        print(f"{f'{share:.0%} of the floor area':58s}{took:14.1f} ms")


def growth() -> None:
    """Time and memory by the number of buildings, a process each; exponents of the last steps."""
    print(f"\n{'buildings':>10s}{'s':>10s}{'MiB before':>12s}{'MiB peak':>10s}   annual and monthly outputs")
    rows = []
    for count in GROWTH:
        run = [sys.executable, "-W", "ignore", "-c", GROWTH_SCRIPT, str(count)]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        row = json.loads(done.stdout)
        rows.append((count, row["seconds"], row["peak_mib"]))
        if count == 1_500:
            record("memory", row["peak_mib"])
        print(f"{count:10,d}{row['seconds']:10.2f}{row['before_mib']:12.0f}{row['peak_mib']:10.0f}")
    n, seconds, memory = np.log(np.array(rows)).T
    print(f"exponent of time {np.polyfit(n, seconds, 1)[0]:.2f}, of memory {np.polyfit(n, memory, 1)[0]:.2f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    weather = energy.weather.sample()
    case = energy.Case(twin.open("lobeda"), weather)
    sunny = case.replace(pv=pv_potential.potential(case.district, case.parameters))
    energy.annual(case), energy.annual(sunny)
    chain(sunny, options.runs)
    incremental(sunny, 200, 2 * options.runs, "with PV on all roofs", "incremental")
    incremental(case, 200, 2 * options.runs, "without PV", "incremental_bare")
    slider(case, options.runs)
    growth()


if __name__ == "__main__":
    main()
