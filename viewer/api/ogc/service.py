"""The service of a running twin: its tables and results as they are, its sensors as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from sensors.errors import StoreError
from sensors.store import Store, tables
from viewer import pages, privacy, publish
from viewer.api.ogc import collections as offered
from viewer.api.ogc.collections import Collection
from viewer.api.ogc.crs import CRS84, STORAGE
from viewer.api.ogc.routes import Service
from viewer.impact import TODAY
from viewer.privacy import Released
from viewer.state import Twin


def service(twin: Twin, store: Store | None) -> Service:
    """What is served of `twin`, with the public sensors of `store`.

    Raises
    ------
    StoreError : the store cannot be reached at the beginning; later what was there last is served.
    """
    fixed = offered.collections(twin.district, groups(twin))
    placed = None if store is None else things(store)

    def found() -> Mapping[str, Collection]:
        nonlocal placed
        if store is None or placed is None:
            return fixed
        with suppress(StoreError):  # while it is away, where the sensors stood last
            placed = things(store)
        here = offered.sensors(privacy.released_things(placed), twin.district)
        return {**fixed, here.id: here} if len(here.table) else fixed

    return Service(partial(pages.district_title, twin.district), found)


def groups(twin: Twin) -> Released:
    """Today's modelled year, summed over whole privacy groups."""
    table = publish.group_table(twin, {TODAY: twin.public_annual})
    values = table.rename(columns={f"{name}_{TODAY}": name for name in ("heating_need_kwh", "co2_kg")})
    whole = ["a_use_m2", "heating_need_kwh", "co2_kg"]
    values[whole] = values[whole].round()
    return privacy.released_groups(twin.district.buildings, twin.group, values)


def things(store: Store) -> gpd.GeoDataFrame:
    """All things that have a place, with the columns that `privacy.released_things` decides by.

    Raises
    ------
    StoreError : the database cannot be reached.
    """
    known, at, where = tables.things, tables.thing_locations, tables.locations
    columns = [known.c[name] for name in (*privacy.THING_COLUMNS, "public")]
    query = (
        sa.select(known.c.id, *columns, where.c.location)
        .join_from(known, at, at.c.thing_id == known.c.id)
        .join(where, where.c.id == at.c.location_id)
        .where(sa.not_(known.c.deleted), sa.not_(where.c.deleted))
        .order_by(known.c.id, where.c.id.desc())
    )
    with store.connect() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    names = ["thing_id", *privacy.THING_COLUMNS, "public"]
    table = pd.DataFrame([[row["id"], *(row[n] for n in names[1:])] for row in rows], columns=names)
    shapes = gpd.GeoSeries([_shape(row["location"]) for row in rows], crs=CRS84.code)
    placed = gpd.GeoDataFrame(table, geometry=shapes).dropna(subset="geometry")
    return placed.drop_duplicates("thing_id").set_index("thing_id").to_crs(STORAGE.code)


def _shape(location: object) -> BaseGeometry | None:
    """The geometry of a Location; None where it is of another encoding."""
    if not isinstance(location, Mapping):
        return None
    geometry = location.get("geometry") if location.get("type") == "Feature" else location
    try:
        found: BaseGeometry = shape(geometry)
    except (ShapelyError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return None if found.is_empty else found
