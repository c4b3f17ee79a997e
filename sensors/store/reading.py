"""Reading: datastreams with their latest values, and series as tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
import sqlalchemy as sa
from shapely.errors import ShapelyError
from shapely.geometry import shape
from sqlalchemy.engine import Connection

from sensors.store.rollups import LIVE
from sensors.store.tables import (
    daily,
    datastreams,
    hourly,
    latest,
    locations,
    observations,
    observed_properties,
    thing_locations,
    things,
)
from sensors.times import to_us

Step = Literal["raw", "hour", "day"]
_FIGURES = ("count", "mean", "min", "max", "sum", "last", "worst_flag")


def streams(
    connection: Connection, *, kind: str | None, building_id: str | None, public_only: bool
) -> pd.DataFrame:
    """One row a datastream, with its Thing, place, unit and latest value; index datastream_id.

    Texts that are not known are None, not nan, so that ``text or ""`` means what it says.
    """
    d, t, o, v = datastreams.c, things.c, observed_properties.c, latest.c
    query = (
        sa.select(
            d.id.label("datastream_id"), d.thing_id, t.name.label("thing"), t.kind, t.building_id, t.tree_id,
            t.street, t.simulated, t.public, d.name, o.name.label("property"), d.unit_name, d.unit_symbol,
            v.phenomenon_time, v.result, v.result_json, v.flag, v.count.label("count"),
        )
        .join(things, t.id == d.thing_id)
        .join(observed_properties, o.id == d.observed_property_id)
        .join(latest, v.datastream_id == d.id, isouter=True)
        .where(sa.not_(d.deleted), sa.not_(t.deleted))
        .order_by(d.id)
    )  # fmt: skip
    if kind is not None:
        query = query.where(t.kind == kind)
    if building_id is not None:
        query = query.where(t.building_id == building_id)
    if public_only:
        query = query.where(t.public)
    found = connection.execute(query)
    table = pd.DataFrame(found.all(), columns=list(found.keys())).set_index("datastream_id")
    for name in ("building_id", "tree_id", "street", "unit_name", "unit_symbol"):
        texts = table[name].astype(object)
        table[name] = texts.where(texts.notna(), None)
    places = _places(connection)
    at = [places.get(thing, (np.nan, np.nan)) for thing in table["thing_id"]]
    table["longitude"] = np.array([place[0] for place in at], float)
    table["latitude"] = np.array([place[1] for place in at], float)
    table["latest_time"] = pd.to_datetime(table.pop("phenomenon_time").astype("Int64"), unit="us", utc=True)
    number, other = table.pop("result"), table.pop("result_json")
    table["latest_result"] = number.where(other.isna(), other)
    table["latest_flag"] = table.pop("flag").astype("Int64")
    table["count"] = table.pop("count").fillna(0).astype("int64")
    return table


def _places(connection: Connection) -> dict[int, tuple[float, float]]:
    """Longitude and latitude of each Thing that has a Location; of an area its middle."""
    rows = connection.execute(
        sa.select(thing_locations.c.thing_id, locations.c.location)
        .join(locations, locations.c.id == thing_locations.c.location_id)
        .where(sa.not_(locations.c.deleted))
        .order_by(locations.c.id.desc())
    )
    found = {}
    for thing_id, location in rows:
        point = _point(location)
        if point is not None:
            found[int(thing_id)] = point
    return found


def _point(location: Any) -> tuple[float, float] | None:
    if not isinstance(location, Mapping):
        return None
    geometry = location.get("geometry") if location.get("type") == "Feature" else location
    try:
        middle = shape(geometry).centroid
    except (ShapelyError, AttributeError, KeyError, TypeError, ValueError):
        return None  # a Location of another encoding, or one that the service took as it came
    return None if middle.is_empty else (middle.x, middle.y)


def series(
    connection: Connection, datastream_id: int, start: datetime | None, end: datetime | None, step: Step
) -> pd.DataFrame:
    """The series of a datastream from `start` until before `end`; UTC index.

    Raw: id, result, flag. Else: count, mean, min, max, sum, last (of numbers that are neither bad nor
    missing) and worst_flag (of all), by the hour or by the Berlin day, named by its start.
    """
    if step == "raw":
        return _raw(connection, datastream_id, start, end)
    table = hourly if step == "hour" else daily
    query = sa.select(table.c.start, *(table.c[name] for name in _FIGURES)).where(
        table.c.datastream_id == datastream_id, *_between(table.c.start, start, end)
    )
    rows = connection.execute(query.order_by(table.c.start)).all()
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) or [()] * 8
    integers = {"count": np.int64, "worst_flag": np.int64}
    return pd.DataFrame(
        {
            name: np.array(values, integers.get(name, np.float64))
            for name, values in zip(_FIGURES, columns[1:], strict=True)
        },
        index=_index(columns[0], "start"),
    )


def _raw(
    connection: Connection, datastream_id: int, start: datetime | None, end: datetime | None
) -> pd.DataFrame:
    o = observations.c
    query = (
        sa.select(o.phenomenon_time, o.id, o.result, o.flag, o.result_json)
        .where(LIVE, o.datastream_id == datastream_id, *_between(o.phenomenon_time, start, end))
        .order_by(o.phenomenon_time, o.id)
    )
    rows = connection.execute(query).all()
    time, ids, result, flag, structure = list(zip(*rows, strict=True)) or [()] * 5
    numbers = np.array(result, np.float64)
    values: np.ndarray[Any, Any] = numbers
    if any(value is not None for value in structure):
        values = np.array([None] * len(rows), object)
        values[:] = [
            number if other is None else other for number, other in zip(result, structure, strict=True)
        ]
    return pd.DataFrame(
        {"id": np.array(ids, np.int64), "result": values, "flag": np.array(flag, np.int64)},
        index=_index(time, "time"),
    )


def _between(
    column: sa.Column[Any], start: datetime | None, end: datetime | None
) -> list[sa.ColumnElement[bool]]:
    return ([column >= to_us(start)] if start is not None else []) + (
        [column < to_us(end)] if end is not None else []
    )


def _index(times: tuple[int, ...], name: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.array(times, np.int64).astype("datetime64[us]"), name=name).tz_localize("UTC")
