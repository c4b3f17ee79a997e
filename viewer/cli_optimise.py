"""`lobeda scenario optimise`: which measures on which blocks, cost against CO2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from viewer.cli_common import WEATHER_HELP, progress_bar, year_of
from viewer.cli_scenario import write_csv

EXAMPLE = "Example: lobeda scenario optimise library/retrofit-wbs70.yaml --budget 50e6 --out front"


def optimise(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A scenario whose measures are the options.")],
    budget: Annotated[float, typer.Option(help="Most to be invested, less subsidies [€].", min=0.0)] = float(
        "inf"
    ),
    points: Annotated[int, typer.Option(help="Savings that are asked for.", min=2)] = 10,
    by: Annotated[str, typer.Option(help="What takes a measure as a whole: block or building.")] = "block",
    out: Annotated[
        Path | None, typer.Option(help="Folder for front.csv and a scenario of each point.")
    ] = None,
    district: Annotated[str, typer.Option(help="A district folder, or `lobeda`.")] = "lobeda",
    weather: Annotated[Path | None, typer.Option(help=WEATHER_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Which measures on which blocks save CO2 at the least cost, beside the cheapest tonne next."""
    import energy
    import scenarios
    import twin
    from scenarios.optimise import optimise as front_of
    from scenarios.shelf import as_yaml

    place = twin.open(district)
    case = energy.Case(place, year_of(weather, place))
    with progress_bar() as progress:
        case.look(progress)
        options = scenarios.load(file, district=place)
        front = front_of(options, case, budget_eur=budget, points=points, by=by, progress=progress)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for scenario in front.scenarios():
            (out / f"{scenario.name}.yaml").write_text(as_yaml(scenario), "utf-8")
        write_csv(front.points, out / "front.csv")
    if as_json:
        tables = {"front": front.points, "heuristic": front.heuristic}
        typer.echo(json.dumps({name: table.to_dict("records") for name, table in tables.items()}))
        return
    typer.echo(
        "front: extra net present cost [€] and CO2 saved over the horizon [kg], invested less subsidies [€]"
    )
    typer.echo(front.points.to_string(float_format="{:,.0f}".format))
    typer.echo("the cheapest tonne next")
    typer.echo(front.heuristic.to_string(float_format="{:,.0f}".format))
