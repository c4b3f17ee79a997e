"""Figures of trees and obstacles that nobody measured on the spot: assets/parameters/shading.csv."""

from __future__ import annotations

from functools import cache

import pandas as pd

from twin import assets
from twin.errors import SourceError


@cache
def figures() -> dict[str, float]:
    """The figures by name; each has its source in the table.

    Raises
    ------
    SourceError : the table is missing.
    """
    file = assets.path("parameters", "shading.csv")
    if not file.is_file():
        raise SourceError("the parameter table is missing", file, "Install the software again")
    table = pd.read_csv(file, index_col="name")
    return {str(name): float(value) for name, value in table["value"].items()}
