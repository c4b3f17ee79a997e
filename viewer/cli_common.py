"""What the commands share: the progress bar and the languages."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from twin.sources.base import Progress as Report
from twin.sources.base import no_progress


class Language(StrEnum):
    """Languages of the texts on the terminal."""

    de = "de"
    en = "en"


@contextmanager
def progress_bar() -> Iterator[Report]:
    """A progress bar on a terminal's stderr; silent elsewhere."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("", total=None)

        def report(text: str, share: float) -> None:
            known = not math.isnan(share)
            bar.update(task, description=text, total=1.0 if known else None, completed=share if known else 0)

        yield report
