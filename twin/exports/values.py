"""Attributes as plain values, the same in every format."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from twin import schema
from twin.district import District

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


def credit(district: District) -> str:
    """Whom the sources of the buildings want named, with the licences."""
    records = [p for p in district.provenance if p.table == "buildings"]
    return " · ".join(dict.fromkeys(f"{p.attribution or p.source} ({p.licence})" for p in records))
