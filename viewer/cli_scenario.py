"""`lobeda scenario`: run scenarios and compare them.

Libraries are loaded by the commands that use them, so that `--help` answers at once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.errors import CallError
from viewer.cli_common import WEATHER_HELP, year_of

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(help="What-if: run scenarios and compare them.")


@app.command(epilog="Example: lobeda scenario run library/retrofit-wbs70.yaml")
def run(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Scenario files, or library/… for shipped ones.")
    ],
    district: Annotated[str, typer.Option(help="A district folder, or `lobeda`.")] = "lobeda",
    weather: Annotated[Path | None, typer.Option(help=WEATHER_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Also as CSV.")] = None,
) -> None:
    """The district's year as it is and after each scenario."""
    import scenarios
    import twin

    chosen = [scenarios.BASELINE, *(scenarios.load(file) for file in files)]
    place = twin.open(district)
    results = scenarios.run(chosen, place, year_of(weather, place), resolution="year")
    table = scenarios.indicators(results)
    if csv:
        write_csv(table, csv)
    typer.echo(
        json.dumps(table.to_dict("index")) if as_json else table.T.to_string(float_format="{:,.0f}".format)
    )


def totals(year: pd.DataFrame) -> dict[str, float]:
    """The district's sums of the year per building."""
    from scenarios.indicators import ENERGY

    return {name: float(year[name].sum()) for name in ENERGY if name in year}


def write_csv(table: pd.DataFrame, file: Path) -> None:
    """Write a table beside `file`, then rename, so that nothing half-written stays.

    Raises
    ------
    CallError : the folder does not exist.
    """
    if not file.resolve().parent.is_dir():
        raise CallError(
            "there is no such folder", file.resolve().parent, "Make it, or name another file for --csv"
        )
    beside = file.with_name(f".{file.name}.part")
    try:
        table.to_csv(beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
