"""GeoPackage of all tables and GeoParquet of the buildings."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from twin.district import District


def write_gpkg(district: District, file: Path, attributes: pd.DataFrame) -> None:
    """A layer for each table with rows and geometry; that of the buildings has `attributes`."""
    for table, frame in district.tables().items():
        if isinstance(frame, gpd.GeoDataFrame) and len(frame):
            drawn = buildings(district, attributes) if table == "buildings" else frame
            drawn.to_file(file, layer=table, driver="GPKG", engine="pyogrio")


def write_parquet(district: District, file: Path, attributes: pd.DataFrame) -> None:
    """The buildings with `attributes` as GeoParquet 1.1."""
    buildings(district, attributes).to_parquet(file, schema_version="1.1.0", write_covering_bbox=False)


def buildings(district: District, attributes: pd.DataFrame) -> gpd.GeoDataFrame:
    """The footprints with `attributes`, index building_id."""
    own = district.buildings
    return gpd.GeoDataFrame(attributes.reindex(own.index), geometry=own.geometry, crs=own.crs)
