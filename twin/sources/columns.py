"""What a column of somebody else's table means and holds: names in German and English, numbers, records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.sources.base import Finding

LISTED = 100  # records of one kind that are listed by name; the rest is counted
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_TAIL = {
    "m",
    "cm",
    "mm",
    "km",
    "in",
    "meter",
    "metre",
    "metres",
    "meters",
    "inferred",
    "a",
    "nr",
    "wert",
    "utm",
}
_SHAPEFILE_NAME = 10  # dBase cuts field names there
# The text comes stripped: with room for spaces at its ends too, long blank cells took time by their cube.
_NUMBER = re.compile(r"([+-]?[\d.,'’\s]*\d[.,]?)\s*(m|cm|ft|feet|'|′|jahre?|a|stk\.?)?\.?", re.IGNORECASE)


def plain(name: object) -> str:
    """A column name without case, umlauts, punctuation, unit and EPSG code: ``Höhe [m]`` → ``hoehe``."""
    text = str(name).translate(_UMLAUTS).casefold().translate(_UMLAUTS)
    words = [word for word in re.split(r"[^a-z0-9]+", text) if word]
    while len(words) > 1 and (words[-1] in _TAIL or re.fullmatch(r"\d{4,5}", words[-1])):
        words.pop()
    return "".join(words)


def find(names: Iterable[object], synonyms: Sequence[str]) -> list[str]:
    """The columns that one of `synonyms` (in `plain` form) names, in the synonyms' order.

    A name of ten letters that begins a synonym counts too: shapefiles cut names there.
    """
    known = [(str(name), plain(name)) for name in names]
    found: list[str] = []
    for synonym in synonyms:
        for name, short in known:
            cut = len(name) == _SHAPEFILE_NAME and len(short) >= 8 and synonym.startswith(short)
            if (short == synonym or cut) and name not in found:
                found.append(name)
    return found


def first(names: Iterable[object], synonyms: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The first matching column of each role of `synonyms`; no column serves two roles."""
    listed = [str(name) for name in names]
    chosen: dict[str, str] = {}
    for role, words in synonyms.items():
        free = [name for name in find(listed, words) if name not in chosen.values()]
        if free:
            chosen[role] = free[0]
    return chosen


def numbers(values: pd.Series) -> NDArray[np.float64]:
    """Numbers of a column, nan for what is none; decimal comma or point, thousands marks, metres, feet.

    A mark that stands twice divides thousands; of two kinds the last is the decimal mark.
    """
    if pd.api.types.is_bool_dtype(values):
        return np.full(len(values), np.nan)
    if pd.api.types.is_numeric_dtype(values):
        out = values.to_numpy("float64", na_value=np.nan, copy=True)
    else:
        direct = pd.to_numeric(values, errors="coerce").to_numpy("float64", na_value=np.nan, copy=True)
        rest = np.isnan(direct) & values.notna().to_numpy()
        distinct = {text: _number(text) for text in values[rest].astype(str).unique()}
        direct[rest] = values[rest].astype(str).map(distinct).to_numpy("float64")
        out = direct
    return np.where(np.isfinite(out), out, np.nan)


def _number(text: str) -> float:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return np.nan
    digits = re.sub(r"[\s'’]", "", match[1])
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        thousands = "," if point > comma else "."
        digits = digits.replace(thousands, "")
    for mark in ",.":
        if digits.count(mark) > 1:
            digits = digits.replace(mark, "")
    digits = digits.replace(",", ".")
    factor = {"cm": 0.01, "ft": 0.3048, "feet": 0.3048, "'": 0.3048, "′": 0.3048}
    try:
        return float(digits) * factor.get((match[2] or "").casefold(), 1.0)
    except ValueError:
        return np.nan


def within(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """`values`, nan where they are not in [low, high]."""
    with np.errstate(invalid="ignore"):
        return np.where((values >= low) & (values <= high), values, np.nan)


def years(values: pd.Series) -> NDArray[np.float64]:
    """Years 1000 to 2100 of a column of numbers, dates or texts that hold one ("um 1978", "1978-05-01")."""
    found = within(numbers(values), 1000, 2100)
    lost = np.isnan(found) & values.notna().to_numpy()
    if lost.any():
        texts = values[lost].astype(str).str.extract(r"(?<!\d)(1\d{3}|20\d{2}|2100)(?!\d)", expand=False)
        found[lost] = pd.to_numeric(texts, errors="coerce").to_numpy("float64", na_value=np.nan)
    return np.floor(found)


def texts(values: pd.Series) -> pd.Series:
    """Stripped texts, missing where empty; whole numbers without their ``.0``."""
    if pd.api.types.is_float_dtype(values):
        whole = values.dropna()
        if (whole == whole.round()).all():
            values = values.round().astype("Int64")
    out = values.astype("object").where(values.notna(), None)
    out = out.map(lambda value: str(value).strip() or None if value is not None else None)
    return pd.Series(out, index=values.index, dtype="object")


def listed(
    kind: Literal["repaired", "left_out", "note"], file: str, records: Iterable[object], message: str
) -> list[Finding]:
    """One finding a record, up to `LISTED`; one more says how many there are beyond."""
    names = [str(record) for record in records]
    found = [Finding(kind, file, name, message) for name in names[:LISTED]]
    if len(names) > LISTED:
        found.append(Finding(kind, file, f"{len(names) - LISTED} more", message))
    return found
