"""The tables' columns: one CSV a table, read by the check, the documents and the viewer.

dtype is one of ``str float count bool polygon polygon_z point line geometry``. A ``count`` is a whole
number that may be missing: float64 with nan in memory, a nullable integer on disk.

A ``*_source`` column says where a value comes from, as ``kind:detail``. The kinds are
``given`` (a source states it), ``derived`` (computed from given data, such as storeys from the height)
and ``guessed`` (a default, an archetype or a prior).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from twin.errors import SchemaError

CRS = "EPSG:25832"
TABLES = (
    "buildings", "surfaces", "parts", "blocks", "systems", "pv", "network_pipes",
    "substations", "usage", "trees", "streets", "places", "hazard_areas",
)  # fmt: skip
SOURCE_KINDS = ("given", "derived", "guessed")
_LARGEST_COUNT = 2**31 - 1
_GEOMETRY_TYPES = {
    "polygon": {"Polygon", "MultiPolygon"},
    "polygon_z": {"Polygon"},
    "point": {"Point"},
    "line": {"LineString", "MultiLineString"},
    "geometry": None,
}


@dataclass(frozen=True)
class Column:
    """One row of a table's schema."""

    column: str
    dtype: str
    unit: str
    required: bool
    standard_term: str
    meaning: str
    label_de: str
    label_en: str

    @property
    def is_geometry(self) -> bool:
        return self.dtype in _GEOMETRY_TYPES

    def label(self, language: Literal["de", "en"]) -> str:
        return self.label_de if language == "de" else self.label_en


@cache
def columns(table: str) -> dict[str, Column]:
    """The columns of `table`, in order; the first one is the index."""
    if table not in TABLES:
        raise SchemaError(f"there is no table '{table}'", remedy=f"Tables are {', '.join(TABLES)}")
    text = (files("twin.schema") / f"{table}.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["column"]: Column(**{**row, "required": row["required"] == "yes"})  # type: ignore[arg-type]
        for row in rows
    }


def index_name(table: str) -> str:
    """Name of the index column of `table`."""
    return next(iter(columns(table)))


def has_geometry(table: str) -> bool:
    return any(column.is_geometry for column in columns(table).values())


def empty(table: str) -> pd.DataFrame:
    """`table` without rows, with all columns."""
    return _empty(table).copy()


@cache
def _empty(table: str) -> pd.DataFrame:
    return _conformed(table, pd.DataFrame({name: [] for name in columns(table)}))


def conform(table: str, frame: pd.DataFrame | None) -> pd.DataFrame:
    """A copy of `frame` with the schema's columns, order and dtypes; absent optional columns are missing.

    Columns that the schema does not know are kept, behind the others.

    Raises
    ------
    SchemaError : a required column is absent, a value does not fit its dtype, an id is missing or double,
        or the geometry has another CRS or type.
    """
    if frame is None:
        return empty(table)
    index = index_name(table)
    if frame.index.name == index and index not in frame.columns:
        frame = frame.reset_index()
    return _conformed(table, frame)


def _conformed(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    spec = columns(table)
    index = index_name(table)
    if missing := [c.column for c in spec.values() if c.required and c.column not in frame.columns]:
        raise SchemaError(f"column {', '.join(missing)} is missing", f"table {table}")
    out: dict[str, object] = {}
    for name, column in spec.items():
        values = frame[name] if name in frame.columns else None
        out[name] = _cast(table, column, values, len(frame))
    for name in frame.columns:
        if name not in spec:
            out[str(name)] = frame[name].to_numpy()
    if has_geometry(table):
        _check_crs(table, frame)
        result: pd.DataFrame = gpd.GeoDataFrame(out, geometry="geometry", crs=CRS)
    else:
        result = pd.DataFrame(out)
    ids = result[index]
    if ids.isna().any() or (ids == "").any():
        raise SchemaError(
            f"{index} is empty in {int((ids.isna() | (ids == '')).sum())} rows", f"table {table}"
        )
    if (double := ids[ids.duplicated()]).size:
        raise SchemaError(f"{index} {double.iloc[0]!r} stands twice", f"table {table}")
    return result.set_index(index)


def _check_crs(table: str, frame: pd.DataFrame) -> None:
    crs = frame.crs if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name else None
    if crs is not None and not crs.equals(CRS) and crs.to_epsg() != 25832:
        raise SchemaError(f"the CRS is {crs.to_string()}, not {CRS}", f"table {table}", "Use .to_crs(25832)")


def _cast(table: str, column: Column, values: pd.Series | None, rows: int) -> object:
    if column.is_geometry:
        geometry = np.full(rows, None, object) if values is None else np.array(values, object)
        geometry[pd.isna(geometry)] = None
        _check_geometry(table, column, geometry)
        return geometry
    if column.dtype == "str":
        if values is None:
            return pd.array([None] * rows, dtype="str")
        return values.astype("object").where(values.notna(), None).astype("str").array
    if column.dtype == "bool":
        if values is None:
            return pd.array([None] * rows, dtype="boolean")
        try:
            return values.astype("boolean").array
        except (TypeError, ValueError):
            raise SchemaError(
                f"column {column.column} holds a value that is no bool", f"table {table}"
            ) from None
    if values is None:
        return np.full(rows, np.nan)
    try:
        numbers = pd.to_numeric(values).astype("float64").to_numpy("float64", na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"column {column.column} holds a value that is no number: {error}", f"table {table}"
        ) from None
    if column.dtype != "count":
        return numbers
    if (np.abs(numbers) > _LARGEST_COUNT).any():
        raise SchemaError(f"column {column.column} holds a number that is too large", f"table {table}")
    return np.rint(numbers) + 0.0  # whole, and no negative zero, as on disk


def _check_geometry(table: str, column: Column, geometry: np.ndarray) -> None:
    allowed = _GEOMETRY_TYPES[column.dtype]
    if not (shapely.is_geometry(geometry) | shapely.is_missing(geometry)).all():
        raise SchemaError(f"column {column.column} holds a value that is no geometry", f"table {table}")
    if allowed is None or not len(geometry):
        return
    types = np.unique(shapely.get_type_id(geometry))
    names = {_TYPE_NAMES[shapely.GeometryType(kind).name] for kind in types if kind >= 0}
    if bad := names - allowed:
        raise SchemaError(
            f"geometry is {', '.join(sorted(bad))}, not {' or '.join(sorted(allowed))}", f"table {table}"
        )


_TYPE_NAMES = {
    "POINT": "Point", "LINESTRING": "LineString", "LINEARRING": "LinearRing", "POLYGON": "Polygon",
    "MULTIPOINT": "MultiPoint", "MULTILINESTRING": "MultiLineString", "MULTIPOLYGON": "MultiPolygon",
    "GEOMETRYCOLLECTION": "GeometryCollection",
}  # fmt: skip
