"""Small districts with hand-set figures for the tests of the energy path."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from twin import District


def slabs(count: int = 3, *, surfaces: bool = False, **columns: Any) -> District:
    """`count` WBS 70 sections of 40 m by 12 m by 17 m from 1980, long sides to the north and south."""
    table: dict[str, Any] = {
        "building_id": [f"b{number}" for number in range(count)],
        "function": "residential",
        "measured_height_m": 17.0,
        "storeys_above_ground": 6.0,
        "year_of_construction": 1980.0,
        "construction_series": "WBS 70",
        "dwellings": 24.0,
        "footprint_area_m2": 480.0,
        "gross_floor_area_m2": 2880.0,
        "a_use_m2": 2304.0,
        "heating": "district_heating",
        **columns,
    }
    footprints = [shapely.box(x, 0.0, x + 40.0, 12.0) for x in range(0, 100 * count, 100)]
    buildings = gpd.GeoDataFrame(table, geometry=footprints, crs=25832)
    tables = {"buildings": buildings}
    if surfaces:
        tables["surfaces"] = _walls(count)
    return District.from_tables("slabs", tables, derive=False)


def with_flat_roofs(district: District) -> District:
    """The slabs with a flat roof of 40 m by 12 m at 17 m on each."""
    outlines = district.buildings.geometry
    roofs = gpd.GeoDataFrame(
        {
            "surface_id": [f"r{number}" for number in range(len(outlines))],
            "building_id": list(outlines.index),
            "surface_type": "RoofSurface",
            "area_m2": outlines.area.to_numpy(),
            "tilt_deg": 0.0,
            "azimuth_deg": np.nan,
            "party_area_m2": 0.0,
        },
        geometry=list(shapely.force_3d(outlines.to_numpy(), 17.0)),
        crs=25832,
    ).set_index("surface_id")
    surfaces = gpd.GeoDataFrame(pd.concat([district.surfaces, roofs]), crs=25832)
    return district.replace(surfaces=surfaces)


def _walls(count: int) -> gpd.GeoDataFrame:
    """North and south walls of 680 m²; the east wall of 204 m² touches a neighbour with half of it."""
    rows = [
        (f"s{number}-{azimuth}", f"b{number}", "WallSurface", area, 90.0, azimuth, party)
        for number in range(count)
        for azimuth, area, party in ((0.0, 680.0, 0.0), (180.0, 680.0, 0.0), (90.0, 204.0, 102.0))
    ]
    names = (
        "surface_id",
        "building_id",
        "surface_type",
        "area_m2",
        "tilt_deg",
        "azimuth_deg",
        "party_area_m2",
    )
    wall = shapely.Polygon([(0, 0, 0), (1, 0, 0), (1, 0, 1)])
    columns = {name: [row[number] for row in rows] for number, name in enumerate(names)}
    return gpd.GeoDataFrame(columns, geometry=[wall] * len(rows), crs=25832)
