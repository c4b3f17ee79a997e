"""The report as a tagged PDF (PDF/UA-1), set by Typst, which refuses what a screen reader could not read."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, date, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

from scenarios.report.blocks import Document
from scenarios.report.content import document, pictures
from scenarios.report.output import Options
from scenarios.report.study import Study
from scenarios.report.words import Words
from twin import assets
from twin.sources.base import Progress

STANDARDS = ("ua-1", "a-2a")  # readable by screen readers, and fit for archives


def write(
    study: Study,
    words: Words,
    path: str | os.PathLike[str],
    options: Options,
    *,
    progress: Progress | None = None,
) -> Path:
    """Write the report; the caller sees to that nothing half-written stays.

    Raises
    ------
    CallError : maps are wanted where the machine cannot draw.
    """
    drawn: dict[str, bytes] = {}
    count = 6 + 4 * options.with_maps
    for number, (name, content) in enumerate(pictures(study, words, options)):
        if progress is not None:
            progress("pictures", number / count)
        drawn[name] = content
    Path(path).write_bytes(set_pdf(document(study, words, options), drawn, options.made))
    return Path(path)


def set_pdf(text: Document, drawn: dict[str, bytes], made: date) -> bytes:
    """The document with its pictures, set; the same content and day give the same file."""
    setter: Any = typst.compile  # its types leave no room for a plain list of standards
    day = datetime.combine(made, time(12), UTC)
    with tempfile.TemporaryDirectory(prefix="lobeda-report-") as name:
        folder = Path(name)
        for file, content in drawn.items():
            (folder / file).write_bytes(content)
        (folder / "content.json").write_text(json.dumps(text.to_dict(), ensure_ascii=False), "utf-8")
        source = folder / "report.typ"
        source.write_bytes((files("scenarios.report") / "template.typ").read_bytes())
        pdf: bytes = setter(
            str(source), root=str(folder), font_paths=[str(assets.path("fonts"))], ignore_system_fonts=True,
            format="pdf", pdf_standards=list(STANDARDS), timestamp=day,
        )  # fmt: skip
    return pdf
