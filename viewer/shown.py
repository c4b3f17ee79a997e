"""Which groups of buildings the public has ever seen of a district, and what lay behind their latest figures.

Whoever saved an older page or answer can hold it against a newer one: what is shown next must be such that no
difference tells of fewer than five households (`viewer.privacy.beside`). So pages, tables and files of a
district share one memory, over restarts and updates. A model's houses are nobody's: it needs none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from sensors.store.database import data_folder
from twin.district import District
from twin.errors import SourceError
from twin.sample.inputs import slug
from viewer import privacy

FOLDER = "shown"


def memory(district: District) -> Path | None:
    """The file of a district's groups, which may not be there yet; None of a model."""
    if district.is_model:
        return None
    return data_folder() / FOLDER / f"{slug(district.name) or 'district'}.json"


def read(file: Path | None) -> privacy.Earlier:
    """The groups that were shown, the latest first; none where there is no file.

    Raises
    ------
    SourceError : the file is damaged: without it, what is shown could tell of single households.
    """
    if file is None or not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text("utf-8"))
        return {
            str(name): {str(one): float(units) for one, units in members.items()}
            for name, members in found.items()
        }
    except (ValueError, AttributeError, TypeError) as error:
        what = "what has been shown of the district cannot be read"
        raise SourceError(what, file, "Take it from a backup") from error


def figures(file: Path | None) -> pd.DataFrame | None:
    """Figures of the buildings behind what was shown last, index building_id; None: there are none.

    Raises
    ------
    SourceError : they are damaged.
    """
    beside = None if file is None else _beside(file)
    if beside is None or not beside.is_file():
        return None
    try:
        return pd.read_parquet(beside)
    except (OSError, ValueError) as error:
        what = "what lay behind the figures that were shown last cannot be read"
        raise SourceError(what, beside, "Take it from a backup") from error


def write(
    file: Path | None, groups: Mapping[str, Mapping[str, float]], values: pd.DataFrame | None = None
) -> None:
    """Keep the groups and the figures behind them, each whole or not at all, before anybody sees them."""
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if values is not None:
        _replaced(_beside(file), lambda part: values.to_parquet(part))
    _replaced(file, lambda part: part.write_text(json.dumps(groups, ensure_ascii=False), "utf-8"))


def _beside(file: Path) -> Path:
    return file.with_suffix(".parquet")


def _replaced(file: Path, write_to: Callable[[Path], object]) -> None:
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.touch(mode=0o600)  # figures of single buildings
        write_to(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
