"""`lobeda scenario`: run scenarios and compare them.

Libraries are loaded by the commands that use them, so that `--help` answers at once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.errors import CallError
from viewer.cli_common import WEATHER_HELP, Language, progress_bar, year_of
from viewer.spreadsheets import cells

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(help="What-if: run scenarios and compare them.")


_FILES = typer.Argument(metavar="FILE…", help="Scenario files, or library/… for shipped ones.")
_DISTRICT = typer.Option(help="A district folder, or `lobeda`.")
_WEATHER = typer.Option(help=WEATHER_HELP)
_JSON = typer.Option("--json", help="Print JSON.")
_CODE = typer.Option("--allow-code", help="Let files run functions of their own (module:function).")


@app.command(epilog="Example: lobeda scenario run library/retrofit-wbs70.yaml")
def run(
    files: Annotated[list[str], _FILES],
    district: Annotated[str, _DISTRICT] = "lobeda",
    weather: Annotated[Path | None, _WEATHER] = None,
    as_json: Annotated[bool, _JSON] = False,
    csv: Annotated[Path | None, typer.Option(help="Also as CSV.")] = None,
    allow_code: Annotated[bool, _CODE] = False,
) -> None:
    """The district's year as it is and after each scenario."""
    import scenarios
    import twin

    place = twin.open(district)
    read = [scenarios.load(file, allow_code=allow_code, district=place) for file in files]
    chosen = [scenarios.BASELINE, *read]
    results = scenarios.run(chosen, place, year_of(weather, place), resolution="year")
    _show(scenarios.indicators(results), as_json, csv)


@app.command(epilog="Example: lobeda scenario compare library/roof-pv.yaml library/smart-heating.yaml")
def compare(
    files: Annotated[list[str], _FILES],
    district: Annotated[str, _DISTRICT] = "lobeda",
    weather: Annotated[Path | None, _WEATHER] = None,
    level: Annotated[str, typer.Option(help="For --csv: district, block or building.")] = "district",
    draws: Annotated[
        int, typer.Option(help="Draws of the uncertain inputs for the bands; 0: none.", min=0)
    ] = 16,
    network: Annotated[
        bool, typer.Option("--network/--no-network", help="Simulate the heat network in all of them.")
    ] = True,
    details: Annotated[
        str,
        typer.Option(help="Also peak loads (hours), over-temperature (rooms), sun: some of them, or none."),
    ] = "hours,rooms,sun",
    drivers: Annotated[
        bool, typer.Option("--drivers", help="Which inputs drive each figure's spread (Morris, by SALib).")
    ] = False,
    until: Annotated[int, typer.Option(help="Last year of the printed table by year.")] = 2045,
    as_json: Annotated[bool, _JSON] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Indicators as CSV; FILE-years.csv beside by year.")
    ] = None,
    allow_code: Annotated[bool, _CODE] = False,
    language: Annotated[Language, typer.Option("--lang", help="Language of the text.")] = Language.en,
) -> None:
    """Scenarios against the district as it is: energy, CO2, costs by year, rent, heat network, with bands.

    A figure is called better only with the share of draws in which it is.
    """
    import energy
    import scenarios
    import twin
    from scenarios.compare import LEVELS
    from scenarios.drivers import TRAJECTORIES
    from viewer import comparison_text

    if level not in LEVELS:
        raise CallError(f"there is no level {level!r}", "--level", "Use building, block or district")
    kinds = () if details == "none" else tuple(details.split(","))
    place = twin.open(district)
    chosen = [scenarios.load(file, allow_code=allow_code, district=place) for file in files]
    case = energy.Case(place, year_of(weather, place))
    with progress_bar() as progress:
        case.look(progress)
        found = scenarios.comparison(
            chosen, case, network=network, draws=draws, details=kinds,
            trajectories=TRAJECTORIES if drivers else 0, progress=progress,
        )  # fmt: skip
    if csv:
        write_csv(found.indicators(level), csv)  # type: ignore[arg-type]
        write_csv(found.years, csv.with_name(f"{csv.stem}-years{csv.suffix}"))
    if as_json:
        typer.echo(json.dumps(comparison_text.plain(found), ensure_ascii=False))
        return
    typer.echo("\n".join(comparison_text.lines(found, language.value, until)))


@app.command(epilog="Example: lobeda scenario explain library/roof-pv.yaml co2_kg --building ID")
def explain(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A scenario file, or library/…")],
    indicator: Annotated[str, typer.Argument(help="Such as co2_kg; see `compare --json`.")],
    building: Annotated[str | None, typer.Option(help="Of this building; else of the district.")] = None,
    block: Annotated[str | None, typer.Option(help="Of this block.")] = None,
    base: Annotated[bool, typer.Option("--base", help="Of the district as it is.")] = False,
    district: Annotated[str, _DISTRICT] = "lobeda",
    weather: Annotated[Path | None, _WEATHER] = None,
    network: Annotated[bool, typer.Option("--network/--no-network", help="With the heat network.")] = True,
    as_json: Annotated[bool, _JSON] = False,
    allow_code: Annotated[bool, _CODE] = False,
    language: Annotated[Language, typer.Option("--lang", help="Language of the text.")] = Language.en,
) -> None:
    """How a figure follows: formula, inputs with sources, which are estimates, down to the tables."""
    import energy
    import scenarios
    import twin
    from scenarios import derivation
    from scenarios.compare import INDICATORS

    if building is not None and block is not None:
        raise CallError("a building and a block are named", "--building, --block", "Name one of them")
    place = twin.open(district)
    scenario = scenarios.load(file, allow_code=allow_code, district=place)
    case = energy.Case(place, year_of(weather, place))
    shown = INDICATORS.get(indicator)
    needed = network and shown is not None and (shown.network or shown.stage == 2)
    derivation.check(indicator)
    with progress_bar() as progress:
        case.look(progress)
        found = scenarios.comparison([scenario], case, network=needed, draws=0, details=(), progress=progress)
    name = found.base.name if base else scenario.name
    derived = derivation.derive(indicator, found, building or block or "district", name)
    if as_json:
        typer.echo(json.dumps(derived.to_dict(), ensure_ascii=False))
    else:
        typer.echo("\n".join(derivation.text(derived, language.value)))


def _plain(table: pd.DataFrame) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(table.to_json(orient="index"))
    return held


@app.command(epilog="Example: lobeda scenario ensemble library/roof-pv.yaml --out e --vary 1.share=0:1")
def ensemble(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A scenario file, or library/…")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an interrupted one goes on there.")],
    count: Annotated[int, typer.Option("--n", help="Variants; with sobol the base number.", min=2)] = 1000,
    vary: Annotated[
        list[str] | None, typer.Option(help="Range of a measure's parameter: 1.share=0:1 of the first.")
    ] = None,
    sampling: Annotated[str, typer.Option(help="lhs, or sobol (for sensitivity indices).")] = "lhs",
    seed: Annotated[int, typer.Option(help="The same seed gives the same variants.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler, tcp://host:port; without it, local workers.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Local worker processes; without it, one a core.", min=1)
    ] = None,
    district: Annotated[str, _DISTRICT] = "lobeda",
    weather: Annotated[Path | None, _WEATHER] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Thousands of variants of a scenario: uncertain inputs and parameters drawn together.

    The folder holds the district's figures as Parquet and those of each building as Zarr.
    """
    import energy
    import scenarios
    import twin
    from scenarios import ensemble as many
    from scenarios import ensemble_run as runs
    from twin.compute import available_cores

    place = twin.open(district)
    case = energy.Case(place, year_of(weather, place))
    ranges = tuple(many.Vary.parse(text) for text in vary or ())
    drawn = many.Ensemble(scenarios.load(file, district=place), case, ranges, count, sampling, seed)
    with progress_bar() as progress:
        case.look(progress)
        with runs.cluster(scheduler, workers or available_cores()) as client:
            table = runs.run(drawn, out, client=client, progress=progress)
            held = {"here": runs.peak_memory_mb(), "largest_worker": runs.workers_peak_mb(client)}
    quantiles = table.drop(columns=list(drawn.inputs)).quantile([0.05, 0.5, 0.95])
    drivers = many.drivers(table, drawn.inputs, "co2_horizon_kg") if sampling == "sobol" else None
    if as_json:
        said = {"variants": len(table), "quantiles": _plain(quantiles), "peak_memory_mb": held}
        typer.echo(json.dumps(said if drivers is None else {**said, "drivers_co2": _plain(drivers)}))
        return
    typer.echo(f"{out}: {len(table)} variants")
    typer.echo(quantiles.T.to_string(float_format="{:,.1f}".format))
    if drivers is not None:
        typer.echo("what drives the CO2 of the horizon (Sobol indices)")
        typer.echo(drivers.to_string(float_format="{:.3f}".format))
    typer.echo(f"most memory: {held['here']:,.0f} MB here, {held['largest_worker']:,.0f} MB a worker")


@app.command(epilog="Example: lobeda scenario measures")
def measures(
    as_json: Annotated[bool, _JSON] = False,
    language: Annotated[Language, typer.Option("--lang", help="Language of the text.")] = Language.en,
) -> None:
    """The measures with their parameters: unit, range, default and its source."""
    from dataclasses import asdict

    from scenarios.measures import MEASURES

    if as_json:
        rows = {
            name: {
                "title": m.TITLE,
                "stage": m.STAGE,
                "parameters": [_finite(asdict(p)) for p in m.PARAMETERS],
            }
            for name, m in MEASURES.items()
        }
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for name, measure in MEASURES.items():
        typer.echo(f"{name}: {measure.TITLE[language.value]}. {measure.DESCRIPTION[language.value]}")
        for p in measure.PARAMETERS:
            limits = f" {p.low:g} to {p.high:g}" if isinstance(p.default, (int, float)) else ""
            default = ", ".join(p.default) if isinstance(p.default, tuple) else p.default
            typer.echo(
                f"  {p.name} [{p.unit}]{limits}, default {default}: {p.title[language.value]} ({p.source})"
            )


def _finite(parameter: dict[str, Any]) -> dict[str, Any]:
    """Without limits that are none: JSON has no infinity."""
    return {key: value for key, value in parameter.items() if value not in (float("inf"), float("-inf"))}


@app.command(epilog="Example: lobeda scenario schema > scenario.schema.json")
def schema() -> None:
    """The JSON Schema of scenario files, for editors and other programs."""
    from scenarios.json_schema import json_schema

    typer.echo(json.dumps(json_schema(), ensure_ascii=False, indent=1))


def _show(table: pd.DataFrame, as_json: bool, csv: Path | None) -> None:
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
    """Write a table beside `file`, then rename, so that nothing half-written stays; no cell is a formula.

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
        cells(table).to_csv(beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
