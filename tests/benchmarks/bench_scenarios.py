"""Variants of an ensemble per minute beside a bare loop of `energy.simulate`, and what incremental runs save.

Run by ``make bench`` or ``python -m tests.benchmarks.bench_scenarios [--variants 96]``. The ensemble goes the
whole way: drawn inputs, costs to the horizon, Dask workers of one core each, Parquet and Zarr on disk. The
bare loop simulates one case again and again, on as many cores. The workers' start is not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

import energy
import scenarios
import twin
from energy import Case
from scenarios.ensemble import Ensemble, Vary
from scenarios.ensemble_run import cluster, peak_memory_mb, run, workers_peak_mb
from scenarios.measures import envelope_retrofit, roof_pv, set_points
from scenarios.measures.base import homes
from tests.benchmarks.bench_simulation import best_of, cores

OUTPUTS = ["heating_need_kwh", "delivered_kwh", "feed_in_revenue_eur"]
KINDS = {
    "envelope": partial(envelope_retrofit.apply, standard="advanced"),
    "set-points": set_points.apply,
    "roof modules": roof_pv.apply,
}


def ensembles(case: Case, count: int, core_count: int) -> None:
    """Variants per minute of two ensembles, beside the bare loop."""
    with cores(core_count):
        bare = best_of(8, lambda: energy.simulate(case, resolution="year", outputs=OUTPUTS))
        for title, vary in (("inputs drawn", ()), ("inputs and a measure's share", ("1.share=0:1",))):
            scenario = scenarios.load("library/retrofit-wbs70.yaml")
            ranges = tuple(Vary.parse(text) for text in vary)
            with tempfile.TemporaryDirectory() as folder, cluster(None, core_count) as client:
                warm = Ensemble(scenario, case, ranges, 32)
                run(warm, Path(folder) / "warm", client=client)
                many = Ensemble(scenario, case, ranges, count)
                started = time.perf_counter()
                run(many, Path(folder) / "many", client=client)
                taken = time.perf_counter() - started
                held = workers_peak_mb(client)
            print(
                f"{core_count} core(s), {title}: {60 * count / taken:,.0f} district-years a minute, "
                f"bare loop {60 / bare:,.0f}: ratio {bare * count / taken:.2f}; "
                f"most memory {held:,.0f} MB a worker, {peak_memory_mb():,.0f} MB here"
            )


def incremental(case: Case) -> None:
    """A measure on a block of homes: what it touches against everything, equal building by building."""
    base = energy.annual(case)
    blocks = case.district.buildings["block_id"][homes(case)]
    block = blocks.value_counts().index[0]
    ids = list(blocks.index[blocks == block])
    for title, apply in KINDS.items():
        after = apply(case, buildings=ids)
        part, full = energy.annual(after, since=(case, base)), energy.annual(after)
        assert not full.equals(base), f"{title} touches nothing"
        apart = np.nanmax(np.abs(part.to_numpy() / full.where(full != 0).to_numpy() - 1))
        fast = best_of(8, lambda after=after: energy.annual(after, since=(case, base)))
        slow = best_of(8, lambda after=after: energy.annual(after))
        print(
            f"{title} on {len(ids)} of {len(base)} buildings: incremental {fast * 1e3:.1f} ms, "
            f"full {slow * 1e3:.1f} ms: ratio {slow / fast:.1f}; largest difference {apart:.1e}"
        )
        assert apart < 1e-9, f"{title}: incremental and full differ by {apart:g}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--variants", type=int, default=96)
    count = parser.parse_args().variants
    case = Case(twin.open("lobeda"), energy.weather.sample())
    case.look(lambda _text, _share: None)
    for core_count in (1, 2):
        ensembles(case, count, core_count)
    incremental(case)


if __name__ == "__main__":
    main()
