"""Small pitched-roof houses along the lanes of Lobeda-Altstadt and Drackendorf, and rows of garages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from twin import schema
from twin.sample import inputs, slabs
from twin.sample.streets import smooth

_ROOF_PITCH = np.tan(np.radians(42))
_BEHIND_M = 17.0
_BOX_WIDTH_M, _BOX_DEPTH_M, GARAGE_HEIGHT_M = 3.0, 6.0, 2.6


def houses(blocked: BaseGeometry, seed: int) -> gpd.GeoDataFrame:
    """Houses on both sides of the lanes in `house_lanes.csv`, some behind others; none in `blocked`."""
    lanes = inputs.read("house_lanes")
    rng = np.random.default_rng([seed, 7])
    records: list[dict[str, object]] = []
    footprints: list[shapely.Polygon] = []
    shapely.prepare(blocked)
    for lane in inputs.records(lanes):
        for house, record in _candidates(lane, rng):
            near = shapely.STRtree(footprints).query(house, "dwithin", distance=2.0)
            if not len(near) and not shapely.intersects(blocked, house):
                footprints.append(house)
                records.append(record)
    return gpd.GeoDataFrame(pd.DataFrame(records), geometry=footprints, crs=schema.CRS)


def _candidates(lane: Any, rng: np.random.Generator) -> Iterator[tuple[shapely.Polygon, dict[str, object]]]:
    """Houses along a lane, front row first, wherever there may be room."""
    line = shapely.LineString(smooth(shapely.get_coordinates(lane.geometry)))
    for behind in (0.0, _BEHIND_M):
        for side in (-1, 1):
            station = lane.spacing_m * rng.uniform(0.3, 0.8)
            while station < line.length - 4:
                house, width = _house(line, station, side, lane.setback_m + behind, rng)
                record = _record(lane, width, rng)
                if not behind or rng.random() < lane.second_row_share:
                    yield house, record
                station += lane.spacing_m * rng.uniform(0.9, 1.35)


def _house(
    line: shapely.LineString, station: float, side: int, setback: float, rng: np.random.Generator
) -> tuple[shapely.Polygon, float]:
    """Footprint beside the lane, turned with it, and the shorter side that the roof spans. [m]"""
    here, ahead = line.interpolate(station), line.interpolate(station + 1)
    bearing = np.degrees(np.arctan2(ahead.x - here.x, ahead.y - here.y)) + rng.normal(0, 3)
    length, depth = rng.uniform(9, 14), rng.uniform(7.5, 10)
    if rng.random() < 0.3:  # gable end to the lane
        length, depth = depth, length
    reach = 3.0 + setback + rng.uniform(0, 2.5) + depth / 2
    centre = np.array([here.x, here.y]) + side * reach * inputs.direction(bearing + 90)
    return inputs.rectangle((centre[0], centre[1]), bearing, length, depth), min(length, depth)


def _record(lane: Any, width: float, rng: np.random.Generator) -> dict[str, object]:
    storeys = int(rng.choice([1, 2], p=[0.35, 0.65]))
    return {
        "quarter": lane.quarter,
        "street": lane.street,
        "storeys": storeys,
        "height_m": round(storeys * slabs.STOREY_M + width / 2 * _ROOF_PITCH, 1),
        "roof_type": str(rng.choice(["gable", "hip"], p=[0.85, 0.15])),
        "dwellings": int(rng.choice([1, 2], p=[0.7, 0.3])),
        "year": int(rng.integers(lane.year_from, lane.year_to + 1)),
    }


def garages(blocked: BaseGeometry) -> gpd.GeoDataFrame:
    """One building for each row of garage boxes of `garages.csv`, where there is room."""
    records, footprints = [], []
    for site in inputs.records(inputs.read("garages")):
        for n in range(int(site.rows)):
            across = inputs.direction(site.bearing_deg + 90) * n * (_BOX_DEPTH_M + site.gap_m)
            corner = np.array([site.start_e, site.start_n]) + across
            length = site.boxes * _BOX_WIDTH_M
            body = slabs.sections(corner, site.bearing_deg, length, _BOX_DEPTH_M, 1)[0]
            if not shapely.intersects(blocked, body):
                footprints.append(body)
                records.append({"name": f"{site.name}, Reihe {n + 1}", "quarter": site.quarter})
    return gpd.GeoDataFrame(pd.DataFrame(records), geometry=footprints, crs=schema.CRS)
