"""A year of hourly data of 400 streams through the checks of one series, against bare ioos_qc.

Usage: python -m tests.benchmarks.bench_quality [--streams 400] [--peer 20]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from ioos_qc import qartod

from sensors.quality import check_series, rules_for
from sensors.quality.check import findings

HOUR_US = 3_600_000_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--streams", type=int, default=400)
    options.add_argument("--peer", type=int, default=20, help="streams that ioos_qc does; its loop is slow")
    given = options.parse_args()
    rules = rules_for("air temperature", "Cel")
    assert rules is not None and rules.spike and rules.rate and rules.flat_h
    rng = np.random.default_rng(1)
    times = 1_704_067_200_000_000 + np.arange(8760, dtype=np.int64) * HOUR_US
    values = 10 + np.cumsum(rng.normal(0, 0.4, (given.streams, len(times))), axis=1) * 0.1
    values[:, 4000:4030] = 3.0  # stuck
    values[:, 100] = 90.0

    start = time.process_time()
    ours = []
    for row in values:
        checked = check_series(times, row, rules)
        findings(times, row, checked, rules)
        ours.append(checked.flags)
    seconds = (time.process_time() - start) / given.streams

    stamps = times.astype("datetime64[us]")
    start = time.process_time()
    for row, flags in zip(values[: given.peer], ours, strict=False):
        peer = [
            qartod.gross_range_test(row, rules.fail, rules.suspect),
            qartod.spike_test(row, *rules.spike),
            qartod.rate_of_change_test(row, stamps, rules.rate[0] / 3600),
            qartod.flat_line_test(
                row, stamps, rules.flat_h[0] * 3600, rules.flat_h[1] * 3600, rules.flat_tolerance
            ),
        ]  # fmt: skip
        assert np.array_equal(qartod.qartod_compare(peer), flags), "the flags differ"
    bare = (time.process_time() - start) / given.peer
    total = seconds * given.streams
    total = seconds * given.streams
    total = seconds * given.streams
    print(
        f"quality, a year of hours of {given.streams} streams, checks and findings: {total:.2f} s of a core"
    )
    print(
        f"  per stream {seconds * 1e3:.1f} ms, ioos_qc alone {bare * 1e3:.1f} ms: {bare / seconds:.1f} times"
    )
    print(f"  the same flags on {given.peer} streams")


if __name__ == "__main__":
    main()
