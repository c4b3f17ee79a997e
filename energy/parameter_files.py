"""The user's own figures over the shipped ones: CSV files named as the tables, with the rows to change.

A file needs the table's index columns and the columns to change; what it leaves out keeps its value. Rows
with a new name must give every figure that the shipped rows all have. Each row that is touched says where it
comes from, so that no shipped source stands beside a figure of the user's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from energy.parameters import FLAGS, INDEX, Parameters, check
from twin.errors import CallError, SourceError

_YES_NO = {"yes": True, "no": False}
_HEADER_LINES = 1
_NOT_BY_ROW = ("regions",)  # outlines: points in order, replaced as a whole


def overlaid(folder: str | os.PathLike[str], base: Parameters) -> Parameters:
    """`base` with the rows of the CSV files in `folder`.

    Raises
    ------
    CallError : there is no such folder, or no table in it.
    SourceError : a file that is no table of ours, or a column, a number or a name in it that does not fit;
        the message names file, line and column.
    """
    path = Path(folder)
    if not path.is_dir():
        raise CallError("there is no such folder", path, "Give a folder with CSV files named as the tables")
    files = sorted(path.glob("*.csv"))
    if not files:
        raise CallError("there is no CSV file", path, f"Name files as the tables: {_names()}")
    for file in files:
        if file.stem not in INDEX:
            raise SourceError("there is no table of this name", file, f"Use one of {_names()}")
    for file in files:
        base = _merged(base, file.stem, _read(file), file)
    return base


def with_table(parameters: Parameters, name: str, rows: pd.DataFrame) -> Parameters:
    """`parameters` with rows of the table `name` changed or added.

    rows : the table's index (as index or as columns) and the columns to change.

    Raises
    ------
    CallError : there is no such table.
    SourceError : a column, a number or a name that does not fit.
    """
    if name not in INDEX:
        raise CallError(f"there is no table {name!r}", "parameters", f"Use one of {_names()}")
    flat = rows.reset_index() if set(rows.index.names) - {None} else rows
    text = flat.map(lambda value: "" if pd.isna(value) else _text(value)).reset_index(drop=True)
    return _merged(parameters, name, text, Path("with_table"))


def _text(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return str(value)


def _names() -> str:
    return ", ".join(sorted(INDEX))


def _read(file: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SourceError(
            f"the file is no table: {error}", file, "Save it as CSV with commas, in UTF-8"
        ) from error


def _merged(base: Parameters, name: str, rows: pd.DataFrame, file: Path) -> Parameters:
    shipped: pd.DataFrame = getattr(base, name)
    flat = shipped.reset_index()
    _check_columns(rows, flat, name, file)
    if name in _NOT_BY_ROW:
        merged = _typed(rows, flat, file).set_index(INDEX[name])
    else:
        merged = _by_row(_typed(rows, flat, file), rows, shipped, name, file)
    result = base.replace(**{name: merged})
    try:
        check({field.name: getattr(result, field.name) for field in fields(result)})
    except SourceError as error:
        raise SourceError(error.what, file, "Correct the name, or give the other table too") from error
    return result


def _check_columns(rows: pd.DataFrame, flat: pd.DataFrame, name: str, file: Path) -> None:
    if lost := [column for column in INDEX[name] if column not in rows]:
        raise SourceError(f"the column {lost[0]!r} is missing", file, f"It names the rows of {name}")
    if odd := [column for column in rows if column not in flat]:
        raise SourceError(
            f"there is no column {odd[0]!r} in the table {name}", file, f"Use {', '.join(flat.columns)}"
        )
    twice = rows.duplicated(INDEX[name])
    if name not in _NOT_BY_ROW and twice.any():
        line = int(np.flatnonzero(twice)[0])
        raise SourceError("the row stands twice", _where(file, line), "Keep one of them")


def _typed(rows: pd.DataFrame, flat: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Texts as the shipped columns' types; empty cells stay missing."""
    typed = {}
    for column in map(str, rows):
        texts = rows[column].str.strip()
        if column in FLAGS:
            typed[column] = _flags(texts, file)
        elif pd.api.types.is_numeric_dtype(flat[column]):
            typed[column] = _numbers(texts, flat[column], file)
        else:
            typed[column] = texts.where(texts != "", None)
    return pd.DataFrame(typed)


def _flags(texts: pd.Series, file: Path) -> pd.Series:
    bad = ~texts.isin([*_YES_NO, ""])
    if bad.any():
        line = int(np.flatnonzero(bad)[0])
        raise SourceError(f"{texts.name} is {texts.iloc[line]!r}", _where(file, line), "Write yes or no")
    return texts.map(_YES_NO)


def _numbers(texts: pd.Series, shipped: pd.Series, file: Path) -> pd.Series:
    """Numbers, finite, and not negative where no shipped figure of the column is."""
    values = pd.to_numeric(texts.where(texts != "", None), errors="coerce")
    given = (texts != "").to_numpy(bool)
    bad = given & ~np.isfinite(values.to_numpy("float64"))
    if bad.any():
        line = int(np.flatnonzero(bad)[0])
        raise SourceError(
            f"{texts.name} is {texts.iloc[line]!r}, not a number",
            _where(file, line),
            "Write numbers with a decimal point and no unit",
        )
    if not (shipped < 0).any() and (values < 0).any():
        line = int(np.flatnonzero((values < 0).to_numpy(bool))[0])
        raise SourceError(
            f"{texts.name} is {values.iloc[line]:g}", _where(file, line), "It cannot be negative"
        )
    return values


def _where(file: Path, line: int) -> str:
    return f"{file}, line {line + 1 + _HEADER_LINES}"


def _by_row(
    typed: pd.DataFrame, texts: pd.DataFrame, shipped: pd.DataFrame, name: str, file: Path
) -> pd.DataFrame:
    """`shipped` with the rows of `typed`; sources of touched rows are the user's."""
    keys = INDEX[name]
    records: dict[tuple[object, ...], dict[Any, Any]] = {
        _key(row, keys): row for row in shipped.reset_index().to_dict("records")
    }
    sources = [column for column in shipped.columns if column.endswith("source")]
    for line, row in enumerate(typed.to_dict("records")):
        key = _key(row, keys)
        given = {column: value for column, value in row.items() if texts[column].iloc[line].strip()}
        if key not in records:
            _check_new(given, shipped, name, _where(file, line))
        said: dict[Any, Any] = dict.fromkeys(sources, f"set by the user ({file.name})")
        records[key] = {**records.get(key, {}), **said, **given}
    merged = pd.DataFrame(list(records.values()), columns=[*keys, *shipped.columns])
    for column in shipped.columns:
        if column in FLAGS:
            merged[column] = merged[column].fillna(False).astype(bool)
        elif pd.api.types.is_numeric_dtype(shipped[column]):
            merged[column] = pd.to_numeric(merged[column]).astype("float64")
    return merged.set_index(keys)


def _key(row: Mapping[Any, Any], keys: list[str]) -> tuple[object, ...]:
    return tuple(row[key] for key in keys)


def _check_new(given: Mapping[Any, Any], shipped: pd.DataFrame, name: str, where: str) -> None:
    """A new row needs every figure that all shipped rows have."""
    for column in shipped.columns:
        free = column == "is_estimate" or column.endswith("source")
        if column not in given and not free and shipped[column].notna().all():
            raise SourceError(
                f"the row is not in the shipped table {name}, and {column} is empty",
                where,
                "Correct the row's name, or give every figure of a new row",
            )
