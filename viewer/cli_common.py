"""What the commands share: the progress bar and the languages."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from energy.weather import Weather
    from twin.district import District
    from twin.sources.base import Progress as Report

WEATHER_HELP = (
    "Weather of a year: EPW, DWD test reference year, DWD station file or folder, PVGIS or Open-Meteo "
    "answer; without it the sample year."
)


class Language(StrEnum):
    """Languages of the texts on the terminal."""

    de = "de"
    en = "en"


@contextmanager
def progress_bar() -> Iterator[Report]:
    """A progress bar on a terminal's stderr; silent elsewhere."""
    if not sys.stderr.isatty():
        yield lambda text, share: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("", total=None)

        def report(text: str, share: float) -> None:
            known = not math.isnan(share)
            bar.update(task, description=text, total=1.0 if known else None, completed=share if known else 0)

        yield report


def year_of(weather: Path | None, district: District) -> Weather:
    """The weather's year for a simulation of `district`, the sample year without a file.

    Says on stderr when it was measured far away.

    Raises
    ------
    SourceError : no weather, less than a year of it, or that of another part of the world.
    """
    import pyproj

    import energy
    from twin import schema

    if weather is None:
        return energy.weather.sample()
    year = energy.weather.read(weather)
    energy.weather.require_year(year)
    west, south, east, north = district.buildings.total_bounds
    to_degrees = pyproj.Transformer.from_crs(schema.CRS, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform((west + east) / 2, (south + north) / 2)
    if note := energy.weather.check_place(year, latitude, longitude):
        sys.stderr.write(f"lobeda: note: {note}.\n")
    return year
