"""`lobeda validate`: the thermal kernels against published cases."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.errors import CallError

if TYPE_CHECKING:
    from energy.thermal_report import Row

CASES, RESULTS = "ashrae140_cases.json", "ashrae140_2020_cases.csv"
app = typer.Typer(help="The simulation against published test cases.")


@app.callback()
def group() -> None:
    """The simulation against published test cases."""


@app.command(epilog="Example: lobeda validate ashrae140 --cases ashrae140_cases.json")
def ashrae140(
    cases: Annotated[
        Path | None,
        typer.Option(help="Cases in the format thermal-case/1; their weather and results lie beside it."),
    ] = None,
    weather: Annotated[Path | None, typer.Option(help="Weather; the one that the cases name.")] = None,
    results: Annotated[Path | None, typer.Option(help="Published results (CSV).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Thermal-fabric cases of ANSI/ASHRAE 140-2020: ours, the limits, in or out."""
    from energy import thermal_cases, thermal_report
    from energy import weather as weathers

    file = cases or _found(CASES)
    document = thermal_cases.read(file)
    named = weather or file.parent / str(document.get("weather", ""))
    if not named.is_file():
        raise CallError("there is no such weather file", named, "Name one with --weather")
    year = weathers.read(named)
    weathers.require_year(year)
    table = results or file.parent / RESULTS
    published = thermal_report.read_published(table) if results or table.is_file() else {}
    rows: list[Row] = []
    for method in thermal_cases.METHODS:
        rows += thermal_report.compare(thermal_cases.run(document, year, method), method, published)
    counts = thermal_report.summary(rows)
    if as_json:
        typer.echo(json.dumps({"rows": [row.to_dict() for row in rows], "within": counts}, indent=1))
        return
    typer.echo(f"{file.name}: {len(document['cases'])} cases, weather {named.name}")
    typer.echo(f"{'case':8s}{'quantity':20s}{'kernel':8s}{'ours':>9s}   {'published':20s}")
    for row in rows:
        span = f"{row.low:8.3f} to {row.high:8.3f} ({row.kind})" if row.kind else "not in the results file"
        verdict = {True: "in", False: "OUT", None: ""}[row.inside]
        typer.echo(f"{row.case:8s}{row.quantity:20s}{row.method:8s}{row.ours:9.3f}   {span:32s}{verdict}")
    for name, (within, total) in counts.items():
        typer.echo(f"{name}: {within} of {total} in")
    typer.echo("limits: of the standard; range: of the programs' results, widened by 5 %")


def _found(name: str) -> Path:
    """A file of the validation data: in LOBEDA_TEST_DATA, or in shared/data beside the checkout."""
    checkout = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("LOBEDA_TEST_DATA", checkout.parent / "shared" / "data"))
    file = folder / "validation" / name
    if not file.is_file():
        raise CallError(
            "the test cases are not there (they do not ship with the program)",
            file,
            "Name them with --cases FILE",
        )
    return file
