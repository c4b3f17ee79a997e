"""The relief: a smooth surface through hand-set heights, with the Saale's bed and the A4's cut and cover."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from twin.sample import inputs
from twin.terrain import Terrain

CELL_M = 10.0
_BED_M, _BED_REACH_M = 2.5, 20.0
_CUT_M, _COVER_M, _MOTORWAY_REACH_M, _PORTAL_REACH_M = 4.0, 2.5, 32.0, 420.0


def build(streets: gpd.GeoDataFrame) -> Terrain:
    """Terrain of the sample, cells of 10 m, heights DHHN2016 to the decimetre (an estimate)."""
    west, south, east, north = inputs.BOUNDS
    x, y = np.meshgrid(
        np.arange(west + CELL_M / 2, east, CELL_M), np.arange(north - CELL_M / 2, south, -CELL_M)
    )
    height = _surface(x, y)
    points = shapely.points(x, y)
    height -= _BED_M * _bump(points, streets[streets["kind"] == "river"], _BED_REACH_M)
    tunnel = streets[streets["kind"] == "tunnel"]
    portals = shapely.multipoints([line.coords[k] for line in tunnel.geometry for k in (0, -1)])
    near_portal = np.exp(-shapely.distance(points, portals) / _PORTAL_REACH_M)
    height -= _CUT_M * near_portal * _bump(points, streets[streets["kind"] == "motorway"], _MOTORWAY_REACH_M)
    height += _COVER_M * _bump(points, tunnel, 2 * _MOTORWAY_REACH_M)
    return Terrain(np.round(height, 1).astype("float32"), west, north, CELL_M)


def _surface(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thin-plate spline through `relief.csv`. [m]"""
    control = inputs.read("relief")
    spline = RBFInterpolator(
        control[["easting", "northing"]].to_numpy(float) / 1000 - (684.0, 5640.0),
        control["height_m"].to_numpy(float),
        smoothing=1e-3,
        kernel="thin_plate_spline",
    )
    places = np.column_stack([x.ravel(), y.ravel()]) / 1000 - (684.0, 5640.0)
    heights: NDArray[np.float64] = spline(places).reshape(x.shape)
    return heights


def _bump(points: NDArray[np.object_], lines: gpd.GeoDataFrame, reach_m: float) -> NDArray[np.float64]:
    """1 on the lines, falling to 0 beyond about twice `reach_m` from them. [-]"""
    distance = shapely.distance(points, shapely.union_all(lines.geometry.to_numpy()))
    bump: NDArray[np.float64] = np.exp(-((distance / reach_m) ** 4))
    return bump
