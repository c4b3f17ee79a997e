"""The `lobeda` command.

Exit codes: 0 done, 1 the data are at fault, 2 the call is at fault. An error is one line on stderr:
what, where, what to do. Ctrl-C leaves nothing half-written.
"""

from __future__ import annotations

import json
import logging
import sys
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import typer

from twin.errors import CallError, TwinError
from viewer import (
    cli_accounts,
    cli_backup,
    cli_calibrate,
    cli_import,
    cli_optimise,
    cli_participation,
    cli_publish,
    cli_report,
    cli_scenario,
    cli_sensors,
    cli_validate,
    simulated,
)
from viewer.accounts import begun
from viewer.cli_common import WEATHER_HELP, Language, progress_bar, year_of

# Typer carries a click of its own; of its exceptions only the leaves are public.
_ClickException: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="lobeda",
    help="Digital twin of a district: geodata in, a simulated and clickable 3D district out.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("import")(cli_import.import_district)
app.command("fetch")(cli_import.fetch_district)
app.command("calibrate", epilog=cli_calibrate.EXAMPLE)(cli_calibrate.calibrate)
app.command("backup", epilog=cli_backup.BACKUP_EXAMPLE)(cli_backup.backup)
app.command("restore", epilog=cli_backup.RESTORE_EXAMPLE)(cli_backup.restore)
app.command("publish", epilog=cli_publish.EXAMPLE)(cli_publish.publish)
app.command("report", epilog=cli_report.EXAMPLE)(cli_report.report)
cli_scenario.app.command(epilog=cli_optimise.EXAMPLE)(cli_optimise.optimise)
app.add_typer(cli_accounts.app, name="accounts")
app.add_typer(cli_participation.app, name="participation")
app.add_typer(cli_scenario.app, name="scenario")
app.add_typer(cli_sensors.app, name="sensors")
app.add_typer(cli_validate.app, name="validate")

DistrictArgument = Annotated[
    str, typer.Argument(metavar="DISTRICT", help="A district folder, or `lobeda` for the sample.")
]


@app.command(epilog="Example: lobeda serve out --port 5007")
def serve(
    district: DistrictArgument = "lobeda",
    port: Annotated[
        int, typer.Option(help="Port on this machine; 0 takes a free one.", min=0, max=65535)
    ] = 5006,
    host: Annotated[
        str, typer.Option(help="Address to listen on; another than this machine's own needs --url.")
    ] = "127.0.0.1",
    url: Annotated[
        str,
        typer.Option(
            envvar="LOBEDA_URL",
            help="https://… under which a proxy lets people in; needs an administrator's account.",
        ),
    ] = "",
    content: Annotated[
        Path | None,
        typer.Option(
            envvar="LOBEDA_CONTENT", help="Folder with proposals, stories and legal.yaml: docs/publish.md."
        ),
    ] = None,
    public_only: Annotated[
        bool, typer.Option("--public-only", help="Only the residents' page, no manager's app.")
    ] = False,
    no_replay: Annotated[
        bool, typer.Option("--no-replay", help="Without the simulated feed of the sample district.")
    ] = False,
    open_sensorthings: Annotated[
        bool,
        typer.Option(
            "--open-sensorthings",
            help="For trials: an empty sensor store that all on this machine may read and write.",
        ),
    ] = False,
    site_origin: Annotated[
        list[str] | None,
        typer.Option(
            envvar="LOBEDA_SITE_ORIGIN",
            help="Site (https://host) that may send comments; repeatable.",
        ),
    ] = None,
    moderation: Annotated[
        str,
        typer.Option(envvar="LOBEDA_MODERATION", help="Comments: before they show, or after."),
    ] = "before",
    openid: Annotated[
        Path | None,
        typer.Option(envvar="LOBEDA_OPENID", help="Settings of an OpenID provider; docs/administration.md."),
    ] = None,
    log_json: Annotated[
        bool,
        typer.Option("--log-json", envvar="LOBEDA_LOG_JSON", help="Say everything as JSON lines on stderr."),
    ] = False,
    comments_by_link: Annotated[
        bool, typer.Option("--comments-by-link", help="Comments only by links of `lobeda accounts link`.")
    ] = False,
    keep_comments_months: Annotated[
        int, typer.Option(min=0, envvar="LOBEDA_KEEP_COMMENTS_MONTHS", help="After their proposal has ended.")
    ] = 12,
    keep_record_months: Annotated[
        int, typer.Option(min=4, envvar="LOBEDA_KEEP_RECORD_MONTHS", help="The record of who did what.")
    ] = 24,
    processes: Annotated[
        int,
        typer.Option(
            "--workers", envvar="LOBEDA_WORKERS",
            help="Processes, on ports from --port on, behind a proxy; docs/administration.md.",
        ),
    ] = 1,
) -> None:  # fmt: skip
    """Open the web app: the public page at / and the manager's app at /manage."""
    import twin
    from viewer import logs, server, workers
    from viewer.accounts.openid import Settings as OpenID
    from viewer.participation.service import Settings

    worker = workers.Worker.here()
    if processes != 1 and worker.of == 1:
        ports = workers.ports_of(port, processes)
        server.ready_for_several(twin.open(district), url.rstrip("/"), content)
        # The last of a repeated option counts.
        again = [sys.executable, "-m", "viewer.cli", *sys.argv[1:], "--port"]
        if log_json:
            logs.as_json()
        say = logging.getLogger("lobeda").warning if log_json else partial(typer.echo, err=True)
        code = workers.supervise([[*again, str(own)] for own in ports], say)
        raise typer.Exit(code)
    settings = Settings(moderation, tuple(site_origin or ()), keep_comments_months)
    server.serve(
        twin.open(district),
        host=host,
        port=port,
        public_only=public_only,
        replay="" if no_replay else district,
        open_sensorthings=open_sensorthings,
        settings=settings,
        url=url.rstrip("/"),
        comments_by_link=comments_by_link,
        log_json=log_json,
        openid=None if openid is None else OpenID.read(openid),
        content=content,
        worker=worker,
        keep_record_months=keep_record_months,
    )


@app.command(epilog="Example: lobeda info lobeda --json")
def info(
    district: DistrictArgument = "lobeda",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    language: Annotated[Language, typer.Option("--lang", help="Language of the text.")] = Language.en,
) -> None:
    """Counts, coverage, quality findings, provenance and licences of a district."""
    import twin
    from twin.info import info as describe

    facts = describe(twin.open(district))
    if as_json:
        typer.echo(json.dumps(facts.to_dict(), ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(facts.lines(language.value)))


@app.command(epilog="Example: lobeda simulate out --out r.nc --csv year.csv")
def simulate(
    district: DistrictArgument,
    out: Annotated[Path | None, typer.Option(help="NetCDF file for the hourly results.")] = None,
    weather: Annotated[Path | None, typer.Option(help=WEATHER_HELP)] = None,
    scenario: Annotated[
        str | None, typer.Option(help="Scenario file (YAML), or library/… for a shipped one.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="Figures fitted to meters: a file of lobeda calibrate --out.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also the year per building as CSV.")] = None,
    trace: Annotated[
        str | None, typer.Option(metavar="BUILDING", help="Explain one building's year figure by figure.")
    ] = None,
    parameters: Annotated[
        Path | None, typer.Option(help="Folder with your own figures: CSV files named as assets/parameters.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="For --out: rc5 (ISO 13790), or nodes (by layers, slower).")
    ] = "rc5",
    network: Annotated[
        Path | None,
        typer.Option(
            metavar="N.nc", help="Simulate the heat network too, into this file; its losses count in the CO2."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the district's year as JSON.")] = False,
    language: Annotated[Language, typer.Option("--lang", help="Language of the explanation.")] = Language.en,
) -> None:
    """Simulate the year of every building, hour by hour; or explain the year of one."""
    import energy
    import scenarios
    import twin
    from energy.parameters import Parameters

    if out is None and trace is None and csv is None and network is None:
        raise CallError(
            "there is nothing to write",
            "simulate",
            "Name --out R.nc, --csv F, --network N.nc or --trace BUILDING",
        )
    for option, file in (("--out", out), ("--network", network)):
        if file is not None and not file.resolve().parent.is_dir():
            raise CallError(
                "there is no such folder",
                file.resolve().parent,
                f"Make it, or name another file for {option}",
            )
    chosen = twin.open(district)
    figures = Parameters.from_folder(parameters) if parameters else Parameters.default()
    case = energy.Case(chosen, year_of(weather, chosen), figures)
    if calibration is not None:
        from scenarios import baseline

        case = baseline.load(calibration)(case)
    before = case
    if scenario:
        case = scenarios.load(scenario, district=chosen).apply(case)
    with progress_bar() as progress:
        case.look(progress)
    piped = None
    if network is not None:
        with progress_bar() as progress:  # pipes stay as they are laid for the state before any measure
            piped = energy.network.simulate_network(case, energy.network.of_case(before), progress=progress)
        energy.network.write(piped, case.parameters, network)
        case = energy.network.with_losses(case, piped)
    if trace is not None:
        _explain(case, trace, as_json, language.value, piped)
        if out is None and csv is None and network is None:
            return
    if out is not None:
        with progress_bar() as progress:
            energy.simulate_to_file(case, out, method=method, progress=progress)
    year = energy.annual(case) if method == "rc5" else _year_in(out)
    if csv:
        cli_scenario.write_csv(year.join(simulated.overheating(case)), csv)
    if trace is not None:
        return
    totals = cli_scenario.totals(year)
    pipes = {} if piped is None else simulated.network_totals(piped)
    if as_json:
        known = {"network": pipes} if pipes else {}
        typer.echo(json.dumps({"buildings": len(year), "hours": 8760, **totals, **known}))
        return
    typer.echo(f"{out or csv or chosen.name}: {len(year)} buildings, 8760 hours each")
    for name, value in totals.items():
        typer.echo(f"  {name:24s} {value:16,.0f}")
    if pipes:
        typer.echo(f"{network}: heat network, {pipes['trench_km']:g} km, {pipes['substations']} substations")
        for name in ("heat_delivered_kwh", "heat_lost_kwh", "pump_electricity_kwh", "unserved_kwh"):
            typer.echo(f"  {name:24s} {pipes[name]:16,.0f}")
        short = pipes["under_supplied"]
        first = f", first {short[0]}" if short else ""
        typer.echo(f"  {len(short)} substations lack heat or pressure in some hours{first}")
        for note in pipes["notes"]:
            typer.echo(f"  {note}")


def _year_in(file: Path | None) -> Any:
    """Annual sums per building of a written file, as `energy.annual` gives them."""
    import xarray as xr

    from energy.results import ANNUAL

    if file is None:
        raise CallError("another method than rc5 needs --out", "simulate", "Name --out R.nc too")
    with xr.open_dataset(file) as results:
        return results[list(ANNUAL)].sum("time").to_dataframe()


def _explain(case: Any, building_id: str, as_json: bool, language: str, network: Any = None) -> None:
    """Print the building's figures; those of its substation too where the heat network was simulated."""
    from energy import derivation
    from energy.network import trace

    steps = derivation.trace(case, building_id)
    if network is not None:
        steps += trace.explain(network, case, building_id)
    if as_json:
        typer.echo(json.dumps([step.to_dict() for step in steps], ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(derivation.lines(steps, language)))


@app.command(epilog="Example: lobeda export out --to out.city.json --public")
def export(
    district: DistrictArgument,
    to: Annotated[
        Path,
        typer.Option(
            help="File; by suffix: .city.json, .city.jsonl (CityJSONSeq), .gpkg, .parquet or .glb; "
            "or a folder for 3D Tiles."
        ),
    ],
    public: Annotated[bool, typer.Option("--public", help="Only what everybody may read.")] = False,
    results: Annotated[
        Path | None, typer.Option(help="Results of `lobeda simulate`; their annual sums travel along.")
    ] = None,
    undulation: Annotated[
        float, typer.Option(help="3D Tiles: height of the quasigeoid above the ellipsoid (GCG2016). [m]")
    ] = 0.0,
) -> None:
    """Write the district in another format."""
    import twin
    from viewer import cli_export
    from viewer.accounts import recording

    annual = None if results is None else cli_export.annual(results)
    recording.note("export", f"{district} to {to}")
    cli_export.write(twin.open(district), to, public=public, results=annual, undulation_m=undulation)
    typer.echo(f"{to}: written")


def main(arguments: list[str] | None = None) -> None:
    """Run the command and end the process with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run the command; the exit code. What broke off stands in the record as failed."""
    begun.NOTED.clear()
    try:
        result = _command().main(args=arguments or ["--help"], prog_name="lobeda", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except CallError as error:
        return _fail(str(error), 2)
    except TwinError as error:
        return _fail(str(error), 1)
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return _fail("stopped; nothing was changed.", 130)
    except MemoryError:
        return _fail("out of memory. Import fewer files at once, or use a machine with more memory.", 1)
    except _ClickException as error:
        said = getattr(error, "format_message", error.__str__)()
        return _fail(f"{said} Try --help.", 2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}. Check the path, the rights and the free space.", 1)


@cache
def _command() -> Any:
    return typer.main.get_command(app)


def _fail(message: str, code: int) -> int:
    if begun.NOTED:
        from viewer.accounts import recording

        recording.failed(code)
    typer.echo(f"lobeda: {' '.join(message.split())}", err=True)
    return code


if __name__ == "__main__":
    main()
