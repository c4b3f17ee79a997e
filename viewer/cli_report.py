"""`lobeda report`: a scenario's report as PDF, workbook or GeoPackage.

Libraries are loaded by the command, so that `--help` answers at once.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from twin.errors import CallError
from viewer.cli_common import WEATHER_HELP, Language, progress_bar, year_of

EXAMPLE = "Example: lobeda report library/retrofit-wbs70-advanced.yaml --to report.pdf --language de"
SUFFIXES = (".pdf", ".xlsx", ".gpkg")


def report(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario file, or library/… for a shipped one.")
    ],
    district: Annotated[str, typer.Option(help="A district folder, or `lobeda`.")] = "lobeda",
    to: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="By suffix: .pdf, .xlsx or .gpkg; may be given more than once. Without it, a PDF of the "
            "scenario's name.",
        ),
    ] = None,
    language: Annotated[Language, typer.Option("--language", "--lang", help="Language.")] = Language.de,
    weather: Annotated[Path | None, typer.Option(help=WEATHER_HELP)] = None,
    draws: Annotated[
        int, typer.Option(help="Draws of the uncertain inputs for the bands; 0: none.", min=0)
    ] = 16,
    seed: Annotated[int, typer.Option(help="The same seed gives the same draws.", min=0)] = 1,
    network: Annotated[
        bool, typer.Option("--network/--no-network", help="Simulate the heat network, where there is one.")
    ] = True,
    no_maps: Annotated[
        bool, typer.Option("--no-maps", help="Without 3D maps: a PDF that colours no single building.")
    ] = False,
    public: Annotated[
        bool,
        typer.Option(
            "--public",
            help="For everybody: maps and tables of groups of five dwellings or more, as on the public site. "
            "Without it, the files hold figures of single buildings and are internal.",
        ),
    ] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the file run functions of its own (module:function).")
    ] = False,
) -> None:
    """A report of a scenario for the council (PDF), as a workbook, or as a map layer (GeoPackage).

    Internal, unless made with --public.
    """
    import energy
    import scenarios
    import twin
    from scenarios import report as reports
    from viewer import public_report, shown
    from viewer.accounts import recording

    place = twin.open(district)
    chosen = scenarios.load(scenario, allow_code=allow_code, district=place)
    files = [Path(file) for file in to or [Path(f"{chosen.name}.pdf")]]
    _check(files, with_maps=not no_maps)
    recording.note("report", f"{scenario} of {district} to {', '.join(map(str, files))}")
    case = energy.Case(place, year_of(weather, place))
    with progress_bar() as progress:
        case.look(progress)
        groups = public_report.groups(chosen, case, shown.memory(place)) if public else None
        found = reports.study(chosen, case, network=network, draws=draws, seed=seed, progress=progress)
        again = _command(scenario, district, weather, draws, seed) + (" --no-network" if not network else "")
        again += " --public" if public else ""
        for file in files:
            options = reports.Options(language.value, date.today(), not no_maps, again, groups)
            reports.write(found, file, options, progress=progress)
    for file in files:
        typer.echo(f"{file}: written, {file.stat().st_size / 1e6:.1f} MB")


def _check(files: list[Path], *, with_maps: bool) -> None:
    """Refuse what would fail after minutes of simulation.

    Raises
    ------
    CallError : another suffix, no such folder, or maps where the machine cannot draw them.
    """
    for file in files:
        if file.suffix.lower() not in SUFFIXES:
            raise CallError(
                f"there is no report as {file.suffix or file.name}", "--to", f"Use {', '.join(SUFFIXES)}"
            )
        if not file.resolve().parent.is_dir():
            raise CallError(
                "there is no such folder", file.resolve().parent, "Make it, or name another file for --to"
            )
    if with_maps and any(file.suffix.lower() == ".pdf" for file in files):
        from twin import picture

        try:
            picture.require_graphics()
        except CallError as error:
            raise CallError(error.what, "report", f"{error.remedy.split(',')[0]}, or use --no-maps") from None


def _command(scenario: str, district: str, weather: Path | None, draws: int, seed: int) -> str:
    words = ["lobeda report", scenario, "--district", district, "--draws", str(draws), "--seed", str(seed)]
    return " ".join(words + (["--weather", str(weather)] if weather else []))
