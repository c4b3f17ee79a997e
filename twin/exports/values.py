"""Attributes as plain values, the same in every format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from twin import schema
from twin.district import District
from twin.sources.base import Provenance

DIGITS = 6  # significant


def is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def is_count(name: str) -> bool:
    """Whether the schema of the buildings says that a column counts."""
    known = schema.columns("buildings").get(name)
    return known is not None and known.dtype == "count"


def plain(column: pd.Series[Any]) -> list[Any]:
    """A column's values as JSON has them; what is missing is None."""
    if pd.api.types.is_bool_dtype(column):
        return [None if pd.isna(value) else bool(value) for value in column]
    if not is_number(column):
        return [None if pd.isna(value) else str(value) for value in column]
    numbers = column.to_numpy("float64", na_value=np.nan)
    if is_count(str(column.name)):
        return [int(value) if np.isfinite(value) else None for value in numbers]
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in numbers]


DERIVED = ("blocks", "parts", "surfaces")
"""Tables that follow from the buildings where no source gave them."""


def origin(records: Iterable[Provenance], table: str) -> tuple[Provenance, ...]:
    """What is known of a table's origin; that of the buildings for what was derived from them."""
    known = tuple(records)
    own = tuple(record for record in known if record.table == table)
    return own or (origin(known, "buildings") if table in DERIVED else ())


def credit(records: Iterable[Provenance], *tables: str) -> str:
    """Whom the sources of the tables want named, with the licences."""
    known = tuple(records)
    found = [record for table in tables for record in origin(known, table)]
    return " · ".join(dict.fromkeys(f"{one.attribution or one.source} ({one.licence})" for one in found))


def credit_of_solids(district: District) -> str:
    """The credit of buildings with all that they consist of."""
    return credit(district.provenance, "buildings", "parts", "surfaces")
