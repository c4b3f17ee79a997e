"""The process that carries out one order of OGC API – Processes; see `viewer.api.ogc.jobs`.

It reads order.json, and scenario.yaml where there is one, from its folder and writes progress.json and, once
whole, result.json. It ends with its server.
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twin.errors import TwinError
from viewer import children, memory

_TELL_S = 0.1
"""How often progress is written at most."""
Progress = Callable[[str, float], None]


class Told:
    """Writes how far the work is: a share that only grows. Safe in any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._share, self._at = 0.0, -math.inf

    def part(self, start: float, length: float) -> Progress:
        """Takes the progress of a part of the whole that begins at `start`."""

        def tell(_text: str, share: float) -> None:
            with self._lock:
                now = time.monotonic()
                known = 0.0 if math.isnan(share) else min(max(share, 0.0), 1.0)
                self._share = max(self._share, start + length * known)
                if now - self._at >= _TELL_S:
                    self._at = now
                    children.tell(self._folder, {"share": self._share})

        return tell

    def fail(self, error: str, *, wrong_input: bool = False) -> int:
        """Say why nothing came of it, and whether what was ordered is the reason; the exit code."""
        with self._lock:
            told = {"share": self._share, "error": error, "wrong_input": wrong_input}
            children.tell(self._folder, told)
        return 1


def main(folder: Path) -> int:
    """Carry out the order of `folder`; the exit code."""
    children.end_with_server()
    memory.go_first()
    told = Told(folder)
    order = json.loads((folder / "order.json").read_text("utf-8"))
    import scenarios  # noqa: F401 - what it takes to load is no order's fault

    memory.limit(order["memory"])
    try:
        found = {"simulate": _simulated, "run-scenario": _compared}[order["process"]](folder, order, told)
        (single,) = found.values() if order["raw"] else (found,)
        children.write(folder / "result.json", finite(single))
    except TwinError as error:
        return told.fail(error.told("en"), wrong_input=True)
    except MemoryError:
        return told.fail(f"it needs more than {order['memory'] // 2**20} MB of memory.")
    return 0


def _simulated(folder: Path, order: dict[str, Any], told: Told) -> dict[str, Any]:
    """The year as `lobeda simulate` gives it: `--csv`, and the sums of `--json`."""
    import energy
    import scenarios
    from viewer import simulated
    from viewer.cli_scenario import totals

    case = before = _case(order, told)
    if (folder / "scenario.yaml").is_file():
        case = scenarios.load(folder / "scenario.yaml", district=case.district).apply(case)
    case.look(told.part(0.1, 0.3))
    piped = None
    if order["inputs"]["network"]:  # pipes stay as they are laid for the state before any measure
        laid = energy.network.of_case(before)
        piped = energy.network.simulate_network(case, laid, progress=told.part(0.4, 0.4))
        case = energy.network.with_losses(case, piped)
    told.part(0.8, 0.0)("simulate", 0.0)
    year = energy.annual(case)
    told.part(0.9, 0.0)("simulate", 1.0)
    found: dict[str, Any] = {}
    if "buildings" in order["outputs"]:
        table = year.join(simulated.overheating(case)).rename_axis("building_id")
        found["buildings"] = table.reset_index().to_dict("records")
    if "district" in order["outputs"]:
        pipes = {} if piped is None else {"network": simulated.network_totals(piped)}
        found["district"] = {"buildings": len(year), "hours": 8760, **totals(year), **pipes}
    return found


def _compared(folder: Path, order: dict[str, Any], told: Told) -> dict[str, Any]:
    """The scenario against the district as it is: `lobeda scenario run --json` and `compare --json`."""
    import scenarios
    from viewer import comparison_text

    case, inputs = _case(order, told), order["inputs"]
    scenario = scenarios.load(folder / "scenario.yaml", district=case.district)
    scenario.apply(case)  # refuses what contradicts itself before minutes pass
    case.look(told.part(0.1, 0.1))
    found: dict[str, Any] = {}
    if "indicators" in order["outputs"]:
        results = scenarios.run(
            [scenarios.BASELINE, scenario], case.district, case.weather, resolution="year",
            progress=told.part(0.2, 0.1),
        )  # fmt: skip
        found["indicators"] = scenarios.indicators(results).to_dict("index")
    if "comparison" in order["outputs"]:
        compared = scenarios.comparison(
            [scenario], case, network=inputs["network"], draws=inputs["draws"], details=inputs["details"],
            progress=told.part(0.3, 0.65),
        )  # fmt: skip
        found["comparison"] = comparison_text.plain(compared)
    return found


def _case(order: dict[str, Any], told: Told) -> Any:
    told.part(0.02, 0.0)("begin", 0.0)
    import energy
    import twin

    case = energy.Case(twin.open(order["district"]), energy.weather.sample())
    told.part(0.1, 0.0)("read", 0.0)
    return case


def finite(found: Any) -> Any:
    """As JSON has it: what is not defined is null, and keys are text."""
    if isinstance(found, dict):
        return {str(name): finite(value) for name, value in found.items()}
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [finite(one) for one in found]
    if isinstance(found, float):
        return float(found) if math.isfinite(found) else None
    return found


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
