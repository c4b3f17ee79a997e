"""The schema's CSVs and what `conform` makes of a frame."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, Polygon, box

from twin import SchemaError, schema
from twin.geometry import SOURCE_OF

DTYPES = {"str", "float", "count", "bool", "polygon", "polygon_z", "point", "line", "geometry"}


@pytest.mark.parametrize("table", schema.TABLES)
def test_each_table_is_documented(table: str) -> None:
    columns = schema.columns(table)
    first = next(iter(columns.values()))
    assert first.required
    assert first.dtype == "str"
    for column in columns.values():
        assert column.dtype in DTYPES
        assert column.meaning and column.label_de and column.label_en
        assert not column.is_geometry or column.column == "geometry"


@pytest.mark.parametrize("table", schema.TABLES)
def test_columns_end_in_their_unit(table: str) -> None:
    """A physical quantity's column says its unit; counts, shares and years need none."""
    ends = {
        "m": "_m",
        "m²": "_m2",
        "m³": "_m3",
        "deg": "_deg",
        "kW": "_kw",
        "kWp": "_kwp",
        "mm": "_mm",
        "cm": "_cm",
    }
    for name, column in schema.columns(table).items():
        if column.unit in ends:
            assert name.endswith(ends[column.unit])


def test_each_source_column_belongs_to_a_value() -> None:
    known = schema.columns("buildings")
    assert set(SOURCE_OF) | set(SOURCE_OF.values()) <= set(known)
    assert {name for name in known if name.endswith("_source")} == set(SOURCE_OF.values())


@pytest.mark.parametrize("table", schema.TABLES)
def test_an_empty_table_has_all_columns_and_conforms(table: str) -> None:
    frame = schema.empty(table)
    assert frame.index.name == schema.index_name(table)
    assert [frame.index.name, *frame.columns] == list(schema.columns(table))
    pd.testing.assert_frame_equal(pd.DataFrame(schema.conform(table, frame)), pd.DataFrame(frame))


def test_an_empty_table_is_ones_own() -> None:
    mine = schema.empty("systems")
    mine["more"] = 1
    assert "more" not in schema.empty("systems").columns


def one(**columns: object) -> gpd.GeoDataFrame:
    values = {"building_id": ["a"], "geometry": [box(0, 0, 1, 1)]} | {k: [v] for k, v in columns.items()}
    return gpd.GeoDataFrame(values, geometry="geometry", crs=25832)


def test_dtypes_and_order() -> None:
    frame = schema.conform(
        "buildings", one(extra=5, storeys_above_ground="11", measured_height_m=np.float32(9))
    )
    assert frame.index.to_list() == ["a"]
    assert frame.columns[-1] == "extra"
    assert (frame.storeys_above_ground.dtype, frame.storeys_above_ground.iloc[0]) == (np.float64, 11)
    assert frame.measured_height_m.dtype == np.float64
    assert frame.watertight.dtype == "boolean"
    assert frame.crs.to_epsg() == 25832


def test_counts_are_whole() -> None:
    assert schema.conform("buildings", one(storeys_above_ground=2.6)).storeys_above_ground.iloc[0] == 3


def test_conform_leaves_its_argument_alone() -> None:
    frame = one(street=5)
    schema.conform("buildings", frame)
    assert frame.street.to_list() == [5]
    assert "building_id" in frame.columns


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (one(measured_height_m="high"), "no number"),
        (one(storeys_above_ground=np.inf), "too large"),
        (one(watertight="maybe"), "no bool"),
        (one().drop(columns="building_id"), "building_id is missing"),
        (pd.concat([one(), one()]), "stands twice"),
        (one().assign(building_id=""), "empty in 1 rows"),
        (one().assign(building_id=None), "empty in 1 rows"),
        (one().to_crs(4326), "the CRS is EPSG:4326"),
        (one().set_geometry([Point(0, 0)], crs=25832), "geometry is Point"),
        (pd.DataFrame({"building_id": ["a"], "geometry": ["POLYGON EMPTY"]}), "no geometry"),
    ],
)
def test_what_does_not_fit_is_said(frame: pd.DataFrame, what: str) -> None:
    with pytest.raises(SchemaError, match=what):
        schema.conform("buildings", frame)


def test_missing_geometry_may_be_nan_or_none() -> None:
    frame = pd.DataFrame({"block_id": ["a", "b", "c"], "geometry": [np.nan, None, Polygon()]})
    assert schema.conform("blocks", frame).geometry.isna().to_list() == [True, True, False]


def test_unknown_tables_are_said() -> None:
    with pytest.raises(SchemaError, match="no table 'cars'"):
        schema.columns("cars")


def test_labels_in_both_languages() -> None:
    column = schema.columns("buildings")["volume_m3"]
    assert (column.label("de"), column.label("en")) == ("Bruttorauminhalt", "Gross volume")
