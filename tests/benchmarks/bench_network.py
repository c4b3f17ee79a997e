"""A heat network's year (400 nodes), from loads to flow, temperature and pressure, against pandapipes.

Usage: python -m tests.benchmarks.bench_network [--nodes 400] [--states 50]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from energy import weather
from tests.benchmarks.closing_table import record
from tests.energy.network.trees import pandapipes, random_tree, run

HOURS = 8760


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--nodes", type=int, default=400)
    options.add_argument("--states", type=int, default=50)
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    net = random_tree(1, given.nodes)
    outdoor = weather.sample().temp_air
    rng = np.random.default_rng(1)
    share = np.clip((20 - outdoor) / 34, 0.08, 1.0)
    heat = net.power_kw[:, None] * share * rng.uniform(0.9, 1.1, (len(net.power_kw), HOURS))

    best = {}
    for workers in (1, 2):
        seconds = []
        for _ in range(given.runs + 1):  # the first compiles
            start = time.perf_counter()
            year = run(net, heat, outdoor, workers=workers)
            seconds.append(time.perf_counter() - start)
        best[workers] = min(seconds[1:])
    hours = np.linspace(0, HOURS - 1, given.states).astype(int)
    sample = run(net, np.ascontiguousarray(heat[:, hours]), outdoor[hours])
    peer = pandapipes(net, sample, "colebrook")
    ours = run(net, np.ascontiguousarray(heat[:, hours]), outdoor[hours], water=peer.water)
    done = np.isfinite(peer.seconds)
    each = float(np.nanmin(peer.seconds))
    print(f"network year, {len(net)} nodes, {len(net.power_kw)} substations, pressure by Colebrook")
    print(f"  ours        {best[1]:8.2f} s on one core, {best[2]:.2f} s on two")
    print(
        f"              {year.sweeps.mean():.1f} sweeps an hour, residual at most {year.residual.max():.0e}"
    )
    print(
        f"  pandapipes  {each * HOURS:8.0f} s ({peer.version}; best of {given.states} states, scaled; "
        f"{int((~done).sum())} did not converge there)"
    )
    record("network", each * HOURS / best[1])
    print(f"  ratio       {each * HOURS / best[1]:8.0f} on one core, {each * HOURS / best[2]:.0f} on two")
    apart = np.nanmax(np.abs(ours.supply_c - peer.supply_c)), np.nanmax(np.abs(ours.return_c - peer.return_c))
    flows = np.nanmax(np.abs(peer.flow_kg_s[1:] / ours.flow_kg_s[1:] - 1))
    print(f"  apart       {max(apart):.4f} K, {flows:.3%} of the flow")


if __name__ == "__main__":
    main()
