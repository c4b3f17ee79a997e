"""A report onto disk, by the file's suffix; nothing half-written stays."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from energy.results import written_beside
from scenarios.report import words
from scenarios.report.study import Study
from twin.errors import CallError
from twin.sources.base import Progress


@dataclass(frozen=True)
class Options:
    """How a report is written.

    made : day on the title page.  again : command that makes it again, for the last page.
    groups : group of each building, index building_id; with it, the report is for the public and tells of
        whole groups alone (`grouping`).
    """

    language: str
    made: date
    with_maps: bool = True
    again: str = ""
    groups: pd.Series | None = field(default=None, compare=False)


def write(
    study: Study, path: str | os.PathLike[str], options: Options, *, progress: Progress | None = None
) -> Path:
    """Write the report as PDF, workbook or GeoPackage; an existing file is replaced once it is complete.

    Raises
    ------
    CallError : another suffix, no such folder or language, or maps where the machine cannot draw.
    """
    target, said = Path(path), words.of(options.language)
    with written_beside(target) as beside:
        match target.suffix.lower():
            case ".pdf":
                from scenarios.report import pdf

                pdf.write(study, said, beside, options, progress=progress)
            case ".xlsx":
                from scenarios.report import workbook

                workbook.write(study, said, beside, options.groups)
            case ".gpkg":
                from scenarios.report import geopackage

                geopackage.write(study, said, beside, options.groups)
            case other:
                raise CallError(f"there is no report as {other!r}", target, "Use .pdf, .xlsx or .gpkg")
    return target
