"""What a request for features asks: read from its parameters, then answered with the rows that match."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from viewer.api.ogc import cql
from viewer.api.ogc import crs as systems
from viewer.api.ogc.collections import FIRST_YEAR, LAST_YEAR, Collection, Property
from viewer.api.ogc.cql_text import FilterError
from viewer.api.ogc.crs import CRS84, Crs

LIMIT, MAX_LIMIT = 100, 10_000
_MAX_OFFSET = 2**31 - 1
COMMON = ("f", "lang")
PAGING = ("limit", "offset", "bbox", "bbox-crs", "datetime", "crs", "filter", "filter-lang", "filter-crs")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.IGNORECASE | re.ASCII
)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)


class BadRequestError(ValueError):
    """A parameter is unknown or cannot be read; the text says which and what it may be."""


@dataclass(frozen=True)
class Query:
    """A request for features.

    years : the years, first and last, that features must be in; None: any.
    equals : values that properties must have.
    condition : the tree of a filter (`viewer.api.ogc.cql`), its geometries in `condition_crs`; None: none.
    """

    limit: int = LIMIT
    offset: int = 0
    area: shapely.Geometry | None = None
    area_crs: Crs = CRS84
    years: tuple[int, int] | None = None
    crs: Crs = CRS84
    equals: Mapping[str, str | float | bool] = field(default_factory=dict)
    condition: Any = None
    condition_crs: Crs = CRS84


def single(pairs: Sequence[tuple[str, str]], allowed: Sequence[str]) -> dict[str, str]:
    """The parameters by name.

    Raises
    ------
    BadRequestError : one is not `allowed`, or stands twice.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            raise BadRequestError(f"there is no parameter {name!r} here; known are {', '.join(allowed)}")
        if name in found:
            raise BadRequestError(f"the parameter {name} stands twice")
        found[name] = value
    return found


def read(parameters: Mapping[str, str], collection: Collection) -> Query:
    """The request that parameters mean.

    Raises
    ------
    BadRequestError : a value cannot be read.
    """
    area_crs = crs_of(parameters.get("bbox-crs"), "bbox-crs")
    return Query(
        limit=min(whole(parameters.get("limit", str(LIMIT)), "limit", 1), MAX_LIMIT),
        offset=whole(parameters.get("offset", "0"), "offset", 0),
        area=_area(parameters["bbox"], area_crs) if "bbox" in parameters else None,
        area_crs=area_crs,
        years=years(parameters["datetime"]) if "datetime" in parameters else None,
        crs=crs_of(parameters.get("crs"), "crs"),
        equals={
            name: _value(collection.known[name], text)
            for name, text in parameters.items()
            if name in collection.known
        },
        condition=_condition(parameters),
        condition_crs=crs_of(parameters.get("filter-crs"), "filter-crs"),
    )


def rows(collection: Collection, query: Query) -> NDArray[np.intp]:
    """Positions of all features that match, in the table's order.

    Raises
    ------
    BadRequestError : the condition asks for what there is not, or compares what cannot be compared.
    """
    keep = np.ones(len(collection.table), bool)
    if query.area is not None:
        keep &= shapely.intersects(query.area, collection.shapes(query.area_crs))
    if query.years is not None and collection.year in collection.known:
        began, unknown = collection.published(collection.year)
        keep &= unknown | (began <= query.years[1])
    for name, wanted in query.equals.items():
        values, missing = collection.published(name)
        keep &= (values == wanted) & ~missing
    if query.condition is not None:
        try:
            keep &= cql.keeps(query.condition, collection, query.condition_crs)
        except FilterError as error:
            raise BadRequestError(f"filter: {error}") from None
    return np.flatnonzero(keep)


def _condition(parameters: Mapping[str, str]) -> Any:
    """The tree of the filter; None: there is none."""
    language = parameters.get("filter-lang", cql.LANGUAGES[0])
    if language not in cql.LANGUAGES:
        raise BadRequestError(f"filter-lang: {language!r} is neither {' nor '.join(cql.LANGUAGES)}")
    if "filter" not in parameters:
        return None
    try:
        return cql.read(parameters["filter"], language)
    except FilterError as error:
        raise BadRequestError(f"filter: {error}") from None


def crs_of(uri: str | None, parameter: str) -> Crs:
    """The reference system named by its URI; CRS84 without one.

    Raises
    ------
    BadRequestError : it is not supported.
    """
    if uri is None:
        return CRS84
    known = systems.ALL.get(uri.removeprefix("[").removesuffix("]"))
    if known is None:
        raise BadRequestError(f"{parameter}: {uri!r} is not supported; use one of {', '.join(systems.ALL)}")
    return known


def years(text: str) -> tuple[int, int]:
    """First and last year of an instant or an interval; ``..`` or nothing leaves an end open.

    Raises
    ------
    BadRequestError : neither, or the end lies before the start.
    """
    start, slash, end = text.partition("/")
    if not slash:
        year = _moment(start, text).year
        return year, year
    if start in ("", "..") and end in ("", ".."):
        raise BadRequestError(f"datetime: {text!r} has no end at all")
    first = None if start in ("", "..") else _moment(start, text)
    last = None if end in ("", "..") else _moment(end, text)
    if first is not None and last is not None and first > last:
        raise BadRequestError(f"datetime: {text!r} ends before it starts")
    return first.year if first else FIRST_YEAR, last.year if last else LAST_YEAR


def _moment(text: str, whole: str) -> datetime:
    """A date, or a date with time and offset (RFC 3339)."""
    try:
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(f"{text}T00:00:00+00:00")
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text.upper())
    except ValueError:
        pass
    raise BadRequestError(f"datetime: {whole!r} is no instant or interval such as 1975-01-01T00:00:00Z/..")


def _area(text: str, crs: Crs) -> shapely.Geometry:
    numbers = tuple(_number(part, "bbox") for part in text.split(","))
    if len(numbers) not in (4, 6):
        raise BadRequestError("bbox: four or six numbers are needed")
    flat = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])  # heights bound nothing here
    try:
        return systems.box(flat, crs)
    except ValueError as error:
        raise BadRequestError(f"bbox: {error}") from None


def whole(text: str, name: str, least: int) -> int:
    """The number that a parameter gives.

    Raises
    ------
    BadRequestError : it is none, or less than `least`.
    """
    if not (text.isascii() and text.isdigit()) or int(text[:12]) < least:
        raise BadRequestError(f"{name}: {text[:40]!r} is no whole number of {least} or more")
    return min(int(text[:12]), _MAX_OFFSET)


def _value(known: Property, text: str) -> str | float | bool:
    if known.kind == "bool":
        if text not in ("true", "false"):
            raise BadRequestError(f"{known.name}: {text!r} is neither true nor false")
        return text == "true"
    if known.kind in ("float", "count"):
        return _number(text, known.name)
    return text


def _number(text: str, name: str) -> float:
    """A number as JSON and XML have it; Python would take "1_0", "inf" and digits of other scripts too."""
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise BadRequestError(f"{name}: {text[:40]!r} is no finite number")
    return number
