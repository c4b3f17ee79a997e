"""`lobeda sensors import`: meters, sensor sites, uplinks and weather from files into the store."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.errors import CallError
from viewer.cli_common import progress_bar

if TYPE_CHECKING:
    from sensors.imports import Report
    from sensors.store import Store


def _weather(store: Store, file: Path) -> Report:
    """A station file or forecast of the German weather service, whose parser is `energy`'s."""
    from scenarios import weather_import
    from sensors.imports import Report

    done = weather_import.import_file(store, file)
    new, corrected, known = (
        sum(one.new for one in done), sum(one.corrected for one in done), sum(one.known for one in done),
    )  # fmt: skip
    return Report(
        file.name, "weather", len(done), used=new + corrected + known, new=new, corrected=corrected,
        notes=tuple(one.thing for one in done),
    )  # fmt: skip


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="CSV, XLSX, KML, JSON or DWD files, told by content."),
    ],
    meter_map: Annotated[
        Path | None,
        typer.Option("--map", help="Which column of a list of meters is what (TOML, YAML, JSON)."),
    ] = None,
    crs: Annotated[str | None, typer.Option(help="CRS of coordinates in metres, such as EPSG:25832.")] = None,
    district: Annotated[
        str, typer.Option(help="District whose addresses meters are matched with; `lobeda` is the sample.")
    ] = "lobeda",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import measurements and sensor sites from files; what stands in the store already is not added again.

    Example: lobeda sensors import bills.xlsx --map bills.toml
    """
    import twin
    from sensors import imports
    from sensors.store import Store
    from viewer.accounts import recording

    if crs is not None and not re.fullmatch(r"(?i)epsg:\d{4,6}", crs):
        raise CallError(f"--crs is {crs!r}", remedy="Write it as EPSG:25832")
    recording.note("sensors.import", ", ".join(map(str, files)))
    reports: list[imports.Report] = []
    with Store.open() as store, progress_bar() as progress:
        for file in files:
            if imports.told(file) == "weather":
                reports.append(_weather(store, file))
                continue
            report = imports.import_file(
                store,
                file,
                meter_map=meter_map,
                crs=crs,
                district=lambda: twin.open(district),
                progress=progress,
            )
            reports.append(report)
    if as_json:
        typer.echo(json.dumps([report.to_dict() for report in reports], ensure_ascii=False, indent=1))
        return
    for report in reports:
        for line in imports.lines(report):
            typer.echo(line)
