"""Rows of industrial housing: entrance sections side by side, sharing their party walls."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin import schema
from twin.sample import inputs

STOREY_M = 2.8


def sections(
    corner: NDArray[np.float64], bearing_deg: float, length_m: float, depth_m: float, count: int
) -> list[shapely.Polygon]:
    """Footprints of `count` equal sections, from `corner` along the bearing, their depth to its right.

    Neighbours share the two corners of their wall to the bit (EPSG:25832, rounded to millimetres).
    """
    steps = np.linspace(0, length_m, count + 1)[:, None] * inputs.direction(bearing_deg)
    front = np.round(corner + steps, 3)
    back = np.round(corner + steps + depth_m * inputs.direction(bearing_deg + 90), 3)
    return [shapely.Polygon([front[i], back[i], back[i + 1], front[i + 1]]) for i in range(count)]


def hand_set() -> gpd.GeoDataFrame:
    """The rows of `rows.csv` as sections, with row, address, storeys, dwellings and facts."""
    records: list[dict[str, object]] = []
    footprints: list[shapely.Polygon] = []
    for number, row in enumerate(inputs.records(inputs.read("rows"))):
        corner = np.array([row.corner_e, row.corner_n])
        footprints += sections(corner, row.bearing_deg, row.length_m, row.depth_m, int(row.entrances))
        records += _records(f"hand-{number:03d}", row)
    return gpd.GeoDataFrame(pd.DataFrame(records), geometry=footprints, crs=schema.CRS)


def _records(name: str, row: Any) -> list[dict[str, object]]:
    count = int(row.entrances)
    dwellings, years = _spread(str(row.dwellings_per_section), count), _spread(str(row.year), count)
    same = {
        "row": name,
        "block_id": row.block_id or None,
        "block_name": row.name or None,
        "quarter": row.quarter,
        "street": row.street,
        "storeys": int(row.storeys),
        "series": row.construction_series,
        "refurbishment": row.refurbishment or None,
        "facts": row.facts or None,
        "documented": row.documented,
    }
    return [
        {
            **same,
            "house_number": str(int(row.first_number) + i * int(row.number_step)),
            "dwellings": dwellings[i],
            "year": years[i],
        }
        for i in range(count)
    ]


def _spread(text: str, count: int) -> list[int]:
    """One number for all, or several by ``/``, each for an equal share of the sections."""
    values = [int(float(value)) for value in text.split("/")]
    return [values[i * len(values) // count] for i in range(count)]
