"""Any valid table survives the disk, bit by bit."""

from __future__ import annotations

import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from twin import District, schema

coordinates = st.floats(-1e7, 1e7)
texts = st.none() | st.text(max_size=12)
numbers = st.none() | st.floats(allow_nan=True, allow_infinity=True)
counts = st.none() | st.integers(-(2**31) + 1, 2**31 - 1)


def _polygon(heights: bool) -> st.SearchStrategy[shapely.Geometry]:
    def build(east: float, north: float, size: float, height: float) -> shapely.Geometry:
        ring = shapely.box(east, north, east + size, north + size)
        return shapely.force_3d(ring, height) if heights else ring

    return st.builds(build, coordinates, coordinates, st.floats(0.1, 100), st.floats(-100, 4000))


GEOMETRY = {
    "polygon": _polygon(False) | st.builds(lambda a: shapely.MultiPolygon([a]), _polygon(False)),
    "polygon_z": _polygon(True),
    "point": st.builds(shapely.Point, coordinates, coordinates),
    "line": st.builds(lambda a, b: shapely.LineString([(a, b), (b, a + 1)]), coordinates, coordinates),
    "geometry": st.builds(shapely.Point, coordinates, coordinates) | _polygon(False),
}
VALUES = {"str": texts, "float": numbers, "count": counts, "bool": st.none() | st.booleans()} | {
    kind: st.none() | shape for kind, shape in GEOMETRY.items()
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, pd.DataFrame]:
    """Buildings and one more table, each column filled at random."""
    ids = draw(st.lists(st.text(min_size=1, max_size=10), min_size=1, max_size=4, unique=True))
    other = draw(st.sampled_from([table for table in schema.TABLES if table not in ("buildings", "blocks")]))
    made = {"buildings": _table(draw, "buildings", ids), other: _table(draw, other, ids)}
    if "building_id" in made[other].columns:
        made[other]["building_id"] = draw(
            st.lists(st.sampled_from(ids), min_size=len(ids), max_size=len(ids))
        )
    made["buildings"]["block_id"] = None
    return made


def _table(draw: st.DrawFn, table: str, ids: list[str]) -> pd.DataFrame:
    index, *columns = schema.columns(table).values()
    values: dict[str, object] = {index.column: ids}
    chosen = draw(st.lists(st.sampled_from(columns), max_size=8, unique_by=lambda column: column.column))
    for column in columns:
        if column.required or column in chosen or column.column == "building_id":
            values[column.column] = draw(st.lists(VALUES[column.dtype], min_size=len(ids), max_size=len(ids)))
    if schema.has_geometry(table):
        shapes = values.pop("geometry", [None] * len(ids))
        return gpd.GeoDataFrame(values, geometry=shapes, crs=25832)
    return pd.DataFrame(values)


@settings(max_examples=8, deadline=None)
@given(tables(), st.text(max_size=20))
def test_save_and_open_give_the_same(given_tables: dict[str, pd.DataFrame], name: str) -> None:
    district = District.from_tables(name, given_tables, derive=False)
    with tempfile.TemporaryDirectory() as folder:
        again = twin.open(district.save(Path(folder) / "out"))
    assert again.digest() == district.digest()
    assert again.name == name
    for table, frame in district.tables().items():
        pd.testing.assert_frame_equal(pd.DataFrame(getattr(again, table)), pd.DataFrame(frame))


@settings(max_examples=8, deadline=None)
@given(tables())
def test_conform_is_idempotent(given_tables: dict[str, pd.DataFrame]) -> None:
    for table, frame in given_tables.items():
        once = schema.conform(table, frame)
        pd.testing.assert_frame_equal(pd.DataFrame(schema.conform(table, once)), pd.DataFrame(once))


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.floats(-1e5, 1e5, width=32), min_size=4, max_size=4),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_terrain_lies_between_its_cells(heights: list[float], place: tuple[float, float]) -> None:
    terrain = twin.terrain.Terrain(np.array(heights, np.float32).reshape(2, 2), 0.0, 2.0, 1.0)
    found = float(terrain.sample(2 * place[0], 2 * place[1]))
    slack = 1e-6 * max(map(abs, heights))
    assert min(heights) - slack <= found <= max(heights) + slack
