"""Cells of the files that people open in spreadsheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose texts (cells, index and names of columns) no spreadsheet takes for formulas."""

    def plain(value: object) -> object:
        return cell(value) if isinstance(value, str) else value

    return table.map(plain).rename(index=plain, columns=plain)
