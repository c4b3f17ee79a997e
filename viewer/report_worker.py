"""The process that makes one report for the manager's app; see `viewer.report_jobs`.

It reads scenario.yaml and options.json from its folder and writes progress.json and, once whole, report.pdf.
It ends with its server.
"""

from __future__ import annotations

import json
import math
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

from twin.errors import CallError, TwinError
from viewer import children, memory

# Share of the whole after which a part begins, and its length: about what each takes.
_PARTS = {"drivers": (0.6, 0.28), "hours": (0.88, 0.0), "pictures": (0.9, 0.1)}


def main(folder: Path) -> int:
    """Make the report of `folder`; the exit code."""
    children.end_with_server()
    memory.go_first()
    told, turn = {"share": 0.0}, threading.Lock()

    def progress(text: str, share: float) -> None:
        start, length = _PARTS.get(text, (0.0, 0.6))
        with turn:  # the network's hours are solved, and told of, in several threads
            told["share"] = max(told["share"], start + length * (0.0 if math.isnan(share) else share))
            children.tell(folder, told)

    try:
        _report(folder, progress)
    except TwinError as error:
        children.tell(folder, {"error": error.told("en")})
        return 1
    return 0


def _report(folder: Path, progress: Any) -> None:
    import energy
    import scenarios
    import twin
    from scenarios import report
    from twin import picture
    from viewer import public_report, report_jobs, texts

    options = json.loads((folder / report_jobs.OPTIONS).read_text("utf-8"))
    with_maps = True
    try:
        picture.require_graphics()
    except TwinError:  # the report says that it has no maps
        with_maps = False
    case = energy.Case(twin.open(options["district"]), energy.weather.sample())
    scenario = scenarios.load(folder / report_jobs.SCENARIO)
    scenario.apply(case)  # refuses what contradicts itself before minutes pass
    groups = None
    if options["public"]:
        memory = None if options["memory"] is None else Path(options["memory"])
        try:
            groups = public_report.groups(scenario, case, memory)
        except CallError as error:  # its remedy is that of the command
            raise CallError(texts.text(options["language"], "report.not_public")) from error
    study = report.study(scenario, case, draws=options["draws"], progress=progress)
    written = report.Options(options["language"], date.today(), with_maps, groups=groups)
    report.write(study, folder / report_jobs.RESULT, written, progress=progress)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
