"""Coordinate reference systems of the service, each with its own order of axes (18-058r1)."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray


@dataclass(frozen=True)
class Crs:
    """A reference system.

    code : as pyproj knows it, with easting or longitude first.
    swapped : whether the system's own order is northing (latitude) first.
    digits : decimals of coordinates; about a centimetre.
    """

    uri: str
    code: str
    swapped: bool
    digits: int


CRS84 = Crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC:CRS84", False, 7)
UTM32 = Crs("http://www.opengis.net/def/crs/EPSG/0/25832", "EPSG:25832", False, 2)
WGS84 = Crs("http://www.opengis.net/def/crs/EPSG/0/4326", "EPSG:4326", True, 7)
WEB = Crs("http://www.opengis.net/def/crs/EPSG/0/3857", "EPSG:3857", False, 2)
STORAGE = UTM32
ALL = {crs.uri: crs for crs in (CRS84, UTM32, WGS84, WEB)}


def projected(shapes: gpd.GeoSeries, crs: Crs) -> NDArray[np.object_]:
    """`shapes` in `crs` without heights, easting or longitude first, rounded to its digits; shape (N,)."""
    flat = shapely.force_2d(shapes.to_crs(crs.code).to_numpy())
    return np.asarray(shapely.transform(flat, lambda points: np.round(points, crs.digits)), object)


def in_order(shapes: NDArray[np.object_], crs: Crs) -> NDArray[np.object_]:
    """`shapes` with the axes in the order that `crs` prescribes."""
    if not crs.swapped:
        return shapes
    return np.asarray(shapely.transform(shapes, lambda points: points[:, ::-1]), object)


def box(numbers: tuple[float, ...], crs: Crs) -> shapely.Geometry:
    """The area of a bbox of four numbers in the axis order of `crs`, easting or longitude first.

    In degrees, a western edge east of the eastern one means across the date line.

    Raises
    ------
    ValueError : the lower corner is not below the upper one.
    """
    a, b, c, d = numbers
    west, south, east, north = (b, a, d, c) if crs.swapped else (a, b, c, d)
    if south > north:
        raise ValueError("the lower corner lies above the upper one")
    if west <= east:
        return shapely.box(west, south, east, north)
    if crs.digits != CRS84.digits:
        raise ValueError("the lower corner lies right of the upper one")
    return shapely.union(shapely.box(west, south, 180, north), shapely.box(-180, south, east, north))
