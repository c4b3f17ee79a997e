"""The closing table of `make bench`: each asked ratio beside the one that this run measured.

A benchmark leaves its figures in one file by `record`; the last line of `make bench` prints them.
"""

from __future__ import annotations

import json
from pathlib import Path

FILE = Path(__file__).parents[2] / "build" / "bench.json"
RATIO, MEMORY = "×", "MiB"
# What is asked: its meaning, the limit (a ratio at least, memory at most) and the unit.
ASKED = {
    "rc5": ("rc5 end to end against RC_BuildingSimulator, one core", 5_000, RATIO),
    "nodes_package": ("nodes against the package iso52016", 2_000, RATIO),
    "nodes_energyplus": ("nodes against EnergyPlus", 1_000, RATIO),
    "chain": ("chain without network against NumPy, one core", 8, RATIO),
    "network": ("network year, 400 nodes, against pandapipes, one core", 1_000, RATIO),
    "sun_cached": ("20,000 surfaces' shaded year against pvlib's loop, cached", 150, RATIO),
    "sun_cold": ("20,000 surfaces' shaded year against pvlib's loop, with rays", 15, RATIO),
    "incremental": ("one measure on 200 buildings against all, with PV, one core", 4, RATIO),
    "incremental_bare": ("one measure on 200 buildings against all, without PV, one core", 4, RATIO),
    "memory": ("memory of 1,500 buildings, annual and monthly", 2_048, MEMORY),
}


def record(what: str, measured: float, file: Path = FILE) -> None:
    """Keep a figure of this run for the table."""
    if what not in ASKED:
        raise KeyError(what)
    file.parent.mkdir(exist_ok=True)
    known = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps({**known, what: measured}))


def lines(measured: dict[str, float]) -> list[str]:
    """The table, a line a row."""
    rows = [f"\n{'what':66s}{'asked':>14s}{'measured':>12s}"]
    for key, (what, limit, unit) in ASKED.items():
        asked = f"{'≤' if unit == MEMORY else '≥'} {limit:,} {unit}"
        if (found := measured.get(key)) is None:
            rows.append(f"{what:66s}{asked:>14s}{'not run':>12s}")
            continue
        met = found <= limit if unit == MEMORY else found >= limit
        figure = f"{found:,.1f}" if found < 100 else f"{found:,.0f}"
        rows.append(f"{what:66s}{asked:>14s}{figure:>12s}  {'met' if met else 'MISSED'}")
    return rows


if __name__ == "__main__":
    print("\n".join(lines(json.loads(FILE.read_text()) if FILE.is_file() else {})))
