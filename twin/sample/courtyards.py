"""What lies between the rows: entrance paths, parking bays and playgrounds."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from twin.sample.streets import carriageways

_PATH_OFFSET_M, _PATH_WIDTH_M = 4.5, 2.4
_PARKING_OFFSET_M, _PARKING_DEPTH_M, _BAY_M = 8.0, 5.2, 2.6


@dataclass(frozen=True)
class Courtyards:
    """Areas in EPSG:25832; `bays` are the lines between parking places."""

    paths: BaseGeometry
    parking: BaseGeometry
    bays: BaseGeometry
    playgrounds: BaseGeometry


def plan(
    buildings: gpd.GeoDataFrame, estates: gpd.GeoDataFrame, axes: gpd.GeoDataFrame, rng: np.random.Generator
) -> Courtyards:
    """Paths along the entrances of each row, parking beside every second one, playgrounds in the open."""
    slabs = buildings[buildings["construction_series"].notna()]
    sides = [_long_sides(group.to_numpy()) for _, group in slabs.geometry.groupby(slabs["block_id"])]
    built = shapely.union_all(buildings.geometry.to_numpy())
    roads = carriageways(axes, 2.4)
    estate = shapely.union_all(estates.geometry.to_numpy())
    entrance = [side[int(i)] for side, i in zip(sides, rng.integers(0, 2, len(sides)), strict=True)]
    lines = [_offset(side, _PATH_OFFSET_M) for side in entrance]
    paths = shapely.union_all(
        [*(shapely.buffer(line, _PATH_WIDTH_M / 2) for line in lines), *_doors(slabs, lines)]
    )
    parked = [_offset(side, _PARKING_OFFSET_M + _PARKING_DEPTH_M / 2) for side in entrance[::2]]
    clear = shapely.union(shapely.buffer(built, 3.0), roads)
    parking = shapely.union_all(
        [shapely.buffer(line, _PARKING_DEPTH_M / 2, cap_style="flat") for line in parked]
    )
    parking = shapely.intersection(shapely.difference(parking, clear), estate)
    bays = shapely.intersection(_bays(parked), parking)
    paths = shapely.difference(paths, built)
    playgrounds = _playgrounds(
        estate, shapely.union_all([shapely.buffer(built, 9), clear, parking, paths]), rng
    )
    return Courtyards(paths, parking, bays, playgrounds)


def _long_sides(footprints: NDArray[np.object_]) -> list[shapely.LineString]:
    """The two long sides of a row, both with the row on their right."""
    box = shapely.minimum_rotated_rectangle(shapely.union_all(footprints))
    ring = shapely.get_coordinates(shapely.orient_polygons(box, exterior_cw=True))
    edges = [shapely.LineString(ring[k : k + 2]) for k in range(4)]
    return sorted(edges, key=lambda edge: -edge.length)[:2]


def _offset(side: shapely.LineString, distance_m: float) -> shapely.LineString:
    """`side` moved away from the row."""
    return side.offset_curve(distance_m)


def _doors(slabs: gpd.GeoDataFrame, lines: list[shapely.LineString]) -> list[BaseGeometry]:
    """Short paths from each section's middle to its row's entrance path."""
    order = {block: k for k, (block, _) in enumerate(slabs.groupby("block_id"))}
    line = np.array(lines, object)[slabs["block_id"].map(order).to_numpy(int)]
    middle = shapely.centroid(slabs.geometry.to_numpy())
    foot = shapely.line_interpolate_point(line, shapely.line_locate_point(line, middle))
    ends = np.stack([shapely.get_coordinates(middle), shapely.get_coordinates(foot)], axis=1)
    return list(shapely.buffer(shapely.linestrings(ends), 0.9))


def _bays(lines: list[shapely.LineString]) -> BaseGeometry:
    marks = []
    for line in lines:
        stations = np.arange(_BAY_M, line.length, _BAY_M)
        (x0, y0), (x1, y1) = line.coords
        across = np.array([-(y1 - y0), x1 - x0]) / line.length * _PARKING_DEPTH_M / 2
        at = shapely.get_coordinates(shapely.line_interpolate_point(line, stations))
        marks.append(shapely.buffer(shapely.linestrings(np.stack([at - across, at + across], axis=1)), 0.22))
    return shapely.union_all(np.concatenate(marks))


def _playgrounds(estate: BaseGeometry, blocked: BaseGeometry, rng: np.random.Generator) -> BaseGeometry:
    """Sandy ovals in the middle of open courts."""
    free = shapely.difference(estate, blocked)
    west, south, east, north = free.bounds
    x, y = np.meshgrid(np.arange(west, east, 85.0), np.arange(south, north, 85.0))
    x, y = x + rng.uniform(0, 60, x.shape), y + rng.uniform(0, 60, y.shape)
    ovals = shapely.buffer(shapely.points(x.ravel(), y.ravel()), rng.uniform(4, 7.5, x.size))
    return shapely.union_all(pd.Series(ovals)[shapely.contains(free, ovals)].to_numpy())
