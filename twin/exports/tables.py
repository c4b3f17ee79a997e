"""GeoPackage of all tables and GeoParquet of the buildings."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq

from twin.district import District
from twin.exports import values


def write_gpkg(district: District, file: Path, attributes: pd.DataFrame) -> None:
    """A layer for each table with rows and geometry; that of the buildings has `attributes`.

    Each layer, and the file for all, names its sources with their licences.
    """
    found = drawn(district)
    whole = values.credit(district.provenance, *found)
    for table, frame in found.items():
        shown = buildings(district, attributes) if table == "buildings" else frame
        own = values.credit(district.provenance, table)
        shown.to_file(
            file, layer=table, driver="GPKG", engine="pyogrio", layer_options={"DESCRIPTION": own},
            layer_metadata={"credit": own}, dataset_metadata={"credit": whole},
        )  # fmt: skip


def drawn(district: District) -> dict[str, gpd.GeoDataFrame]:
    """The tables of a GeoPackage."""
    tables = district.tables().items()
    return {name: one for name, one in tables if isinstance(one, gpd.GeoDataFrame) and len(one)}


def write_parquet(district: District, file: Path, attributes: pd.DataFrame) -> None:
    """The buildings with `attributes` as GeoParquet 1.1, with a key ``credit`` in the file's metadata."""
    buildings(district, attributes).to_parquet(file, schema_version="1.1.0", write_covering_bbox=False)
    table = pq.read_table(file)
    credit = values.credit(district.provenance, "buildings").encode()
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), b"credit": credit}), file)


def buildings(district: District, attributes: pd.DataFrame) -> gpd.GeoDataFrame:
    """The footprints with `attributes`, index building_id."""
    own = district.buildings
    return gpd.GeoDataFrame(attributes.reindex(own.index), geometry=own.geometry, crs=own.crs)
