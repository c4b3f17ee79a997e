"""Spatial functions without PostGIS: a table has few geometries, so shapely computes them and SQL gets ids.

Distances and lengths are in degrees, the unit of the coordinates, as in other services.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa

from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.model import ENTITIES, live
from viewer.api.sensorthings.sql import Dialect, Expression, Postgres
from viewer.api.sensorthings.values import Number, Shape, Truth

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "geo.intersects": shapely.intersects,
    "st_equals": shapely.equals,
    "st_disjoint": shapely.disjoint,
    "st_touches": shapely.touches,
    "st_within": shapely.within,
    "st_overlaps": shapely.overlaps,
    "st_crosses": shapely.crosses,
    "st_intersects": shapely.intersects,
    "st_contains": shapely.contains,
}
FUNCTIONS = frozenset((*_RELATIONS, "geo.distance", "geo.length", "st_relate"))
_TABLES = {entity.table.name: entity for entity in ENTITIES.values()}


def literal(text: str, where: str) -> Any:
    """The geometry of well-known text.

    Raises
    ------
    BadRequestError : it is none.
    """
    plain = re.sub(r"^\s*SRID=4326;", "", text, flags=re.IGNORECASE)
    try:
        geometry = shapely.from_wkt(plain)
    except (shapely.errors.GEOSException, ValueError, TypeError):
        geometry = None
    if geometry is None:
        raise BadRequestError(f"{text[:60]!r} is no well-known text of a geometry", where)
    return geometry


def call(
    connection: sa.Connection, dialect: Dialect, name: str, shapes: list[Shape], pattern: str, where: str
) -> Truth | Number:
    """A spatial function of geometry literals, of which one may be a property.

    Raises
    ------
    BadRequestError : two are properties, or a literal is none.
    """
    sources = [shape for shape in shapes if shape.source is not None]
    if len(sources) > 1:
        raise BadRequestError(f"{name} takes one geometry property at the most", where)
    source = sources[0] if sources else Shape()
    ids, geometries = _column(connection, source) if sources else (None, None)
    arguments = [geometries if s is source else literal(s.text, where) for s in shapes]
    try:
        values = _apply(name, arguments, pattern)
    except shapely.errors.GEOSException as error:
        raise BadRequestError(f"{name} cannot be computed: {error}", where) from None
    if source.source is None:
        if values.dtype == bool:
            return Truth(sa.true() if values.item() else sa.false())
        return Number(sa.literal(values.item()))
    if values.dtype == bool:
        return Truth(_condition(source.source, ids, values))
    return Number(_lookup(dialect, source.source, ids, values))


def _column(connection: sa.Connection, shape: Shape) -> tuple[Any, Any]:
    """Ids and geometries of all rows of a table that have one."""
    assert shape.source is not None
    entity = _TABLES[_table_name(shape.source)]
    table = entity.table
    column = table.c[shape.column]
    query = sa.select(table.c.id, sa.cast(column, sa.Text)).where(live(table, entity), column.is_not(None))
    rows = connection.execute(query).all()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    geometries = np.array([_geometry(row[1]) for row in rows], dtype=object)
    known = np.array([g is not None for g in geometries], dtype=bool)
    return ids[known], geometries[known]


def _geometry(text: str) -> Any:
    geometry = shapely.from_geojson(text, on_invalid="ignore")
    return None if geometry is None or shapely.is_empty(geometry) else geometry


def _table_name(source: sa.FromClause) -> str:
    element = getattr(source, "element", source)
    assert isinstance(element, sa.Table)
    return element.name


def _apply(name: str, arguments: list[Any], pattern: str) -> Any:
    if name == "geo.length":
        # Of lines; the outline of an area does not count.
        lengths = shapely.length(arguments[0])
        return np.where(np.isin(shapely.get_type_id(arguments[0]), (1, 2, 5)), lengths, 0.0)
    if name == "geo.distance":
        return np.asarray(shapely.distance(*arguments), dtype=float)
    if name == "st_relate":
        return np.asarray(shapely.relate_pattern(*arguments, pattern), dtype=bool)
    return np.asarray(_RELATIONS[name](*arguments), dtype=bool)


def _condition(source: sa.FromClause, ids: Any, values: Any) -> Expression:
    """True and false by id, null for rows without a geometry."""
    true, false = ([int(i) for i in ids[values == wanted]] for wanted in (True, False))
    return sa.case((_among(source, true), sa.true()), (_among(source, false), sa.false()))


def _among(source: sa.FromClause, ids: list[int]) -> Expression:
    return source.c.id.in_(sa.bindparam(None, ids, expanding=True, literal_execute=True))


def _lookup(dialect: Dialect, source: sa.FromClause, ids: Any, values: Any) -> Expression:
    document = json.dumps({str(int(i)): float(v) for i, v in zip(ids, values, strict=True)})
    key = sa.cast(source.c.id, sa.Text)
    if isinstance(dialect, Postgres):
        from sqlalchemy.dialects.postgresql import JSONB

        found: Expression = sa.cast(sa.literal(document, sa.Text), JSONB).op("->>", return_type=sa.Text())(
            key
        )
    else:
        found = sa.func.json_extract(document, sa.literal('$."') + key + sa.literal('"'))
    return sa.cast(found, sa.Double)
