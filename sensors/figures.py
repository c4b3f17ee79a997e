"""Single figures with their sources: the tables in assets/sensors."""

from __future__ import annotations

from functools import cache

import pandas as pd

from twin import assets
from twin.errors import CallError, SourceError


@cache
def table(name: str, index: str = "name") -> pd.DataFrame:
    """A table of assets/sensors with its sources; column `is_estimate` as truth value.

    Raises
    ------
    SourceError : the table is missing.
    """
    file = assets.path("sensors", f"{name}.csv")
    if not file.is_file():
        raise SourceError("the table is missing", file, "Install the software again")
    rows = pd.read_csv(file, keep_default_na=False)
    rows["is_estimate"] = rows["is_estimate"] == "yes"
    return rows.set_index(index)


def figure(name: str, of: str = "green_care") -> float:
    """A single figure of the table `of`, in the unit that stands there."""
    rows = table(of)
    if name not in rows.index:
        raise CallError(f"there is no figure {name!r}", f"table {of}", "See assets/sensors")
    return float(rows["value"].to_dict()[name])
