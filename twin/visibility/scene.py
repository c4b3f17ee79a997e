"""What casts shadows: solids and relief as triangles for embree, tree crowns, and a horizon beyond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from twin import mesh
from twin.terrain import Terrain
from twin.visibility.crowns import EVERGREEN, Crowns, crowns
from twin.visibility.directions import vectors
from twin.visibility.figures import figures

if TYPE_CHECKING:
    from twin.district import District

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
_BEYOND_M = 1e6
_ORIGIN_M = 1000.0  # the frame's origin keeps to whole kilometres, so that one building less does not move it
_RELIEF_CELL_M = 20.0
_RELIEF_TRIANGLES = 400_000
_RELIEF_DROP_M = 0.5  # coarse cells must not bury the feet of facades


@dataclass(frozen=True, eq=False)
class Scene:
    """Obstacles around a district.

    origin : easting, northing, height of the frame's origin; all else is relative to it, shape (3,). [m]
    solids : number of triangles that are not relief; `Scene.first_hit` gives their numbers first.
    crowns : trees.
    horizon_deg : elevation of the horizon in equal steps of azimuth from north, shape (step,); empty: flat.
    """

    origin: Floats
    solids: int
    triangles: int
    crowns: Crowns
    horizon_deg: Floats
    _engine: Any
    _keep: Any

    def blocked(self, origins: Singles, directions: Singles) -> NDArray[np.bool_]:
        """Whether a solid or the relief stands in each ray's way, shape (ray,).

        origins : shape (ray, 3), in the scene's frame.  directions : shape (ray, 3), or (1, 3) for all.
        """
        if not self.triangles or not len(origins):
            return np.zeros(len(origins), bool)
        hits = self._engine.run(origins, directions, query="OCCLUDED")
        return np.asarray(hits != -1)

    def first_hit(self, origins: Singles, directions: Singles) -> NDArray[np.int32]:
        """Number of the triangle that each ray meets first, or -1; shape (ray,)."""
        if not self.triangles or not len(origins):
            return np.full(len(origins), -1, np.int32)
        return np.asarray(self._engine.run(origins, directions, query="INTERSECT"), np.int32)

    def reach(
        self, origins: Singles, directions: Singles, length_m: ArrayLike = np.inf
    ) -> tuple[Floats, NDArray[np.int32]]:
        """How far each ray goes before it meets a solid or the relief, and which triangle that is (-1: none).

        directions : unit, shape (ray, 3).  length_m : where the rays end, shape (ray,) or one for all.
        Returns two of shape (ray,); a ray that meets nothing goes its whole length.
        """
        count = len(origins)
        ends = np.broadcast_to(np.asarray(length_m, float), count)
        if not self.triangles or not count:
            return ends.copy(), np.full(count, -1, np.int32)
        limit = np.minimum(ends, _BEYOND_M).astype(np.float32)
        found = self._engine.run(origins, directions, dists=limit, output=True)
        triangle = np.asarray(found["primID"], np.int32)
        return np.where(triangle < 0, ends, found["tfar"]), triangle

    def below_horizon(self, directions: ArrayLike) -> NDArray[np.bool_]:
        """Whether directions lie below the far horizon, shape (…,)."""
        way = np.asarray(directions, float)
        if not len(self.horizon_deg):
            return np.zeros(way.shape[:-1], bool)
        azimuth = np.degrees(np.arctan2(way[..., 0], way[..., 1]))
        step = np.arange(len(self.horizon_deg)) * 360.0 / len(self.horizon_deg)
        edge = np.interp(azimuth, step, self.horizon_deg, period=360.0)
        return np.asarray(np.degrees(np.arcsin(np.clip(way[..., 2], -1, 1))) < edge)

    def local(self, points: ArrayLike) -> Floats:
        """Points (easting, northing, height) in the scene's frame, shape (…, 3). [m]"""
        return np.asarray(points, float) - self.origin


def scene(
    vertices: ArrayLike,
    faces: ArrayLike,
    *,
    terrain: Terrain | None = None,
    trees: Crowns | None = None,
    horizon_deg: ArrayLike = (),
    origin: ArrayLike | None = None,
) -> Scene:
    """A scene from triangles, terrain, crowns (relative to `origin`) and a far horizon.

    Parameters
    ----------
    vertices : easting, northing, height, shape (vertex, 3). [m]
    faces : indices into vertices, shape (face, 3).
    origin : of the frame; the whole kilometre nearest to the middle of the vertices without it.
    """
    points = np.asarray(vertices, float).reshape(-1, 3)
    sides = np.asarray(faces, np.int64).reshape(-1, 3)
    here = origin_of(points) if origin is None else np.asarray(origin, float)
    relief_points, relief_sides = relief(terrain)
    solids = len(sides)
    sides = np.concatenate([sides, relief_sides + len(points)])
    local = (np.concatenate([points, relief_points]) - here).astype(np.float32)
    engine = EmbreeScene(robust=True)
    keep = TriangleMesh(engine, local, sides.astype(np.int32)) if len(sides) else None
    if len(sides):  # the first call builds the tree of boxes: here, not in a thread
        engine.run(np.zeros((1, 3), np.float32), np.array([[0, 0, 1]], np.float32), query="OCCLUDED")
    edge = np.asarray(horizon_deg, float).reshape(-1)
    return Scene(here, solids, len(sides), trees or crowns(np.zeros((0, 5)), []), edge, engine, keep)


def of_district(district: District, horizon_deg: ArrayLike = (), found: mesh.Mesh | None = None) -> Scene:
    """The district's buildings, trees and terrain.

    found : the mesh of the district where the caller has it.
    """
    triangles = mesh.of_district(district) if found is None else found
    here = origin_of(triangles.vertices)
    return scene(
        triangles.vertices, triangles.faces, terrain=district.terrain,
        trees=crowns_of(district, here), horizon_deg=horizon_deg, origin=here,
    )  # fmt: skip


def origin_of(points: Floats) -> Floats:
    """Origin of the frame for points, shape (3,): whole kilometres, height 0. [m]"""
    if not len(points):
        return np.zeros(3)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    return np.array([*np.round(middle[:2] / _ORIGIN_M) * _ORIGIN_M, 0.0])


def relief(terrain: Terrain | None) -> tuple[Floats, NDArray[np.int64]]:
    """The terrain as triangles over cells of at least 20 m, set 0.5 m lower; points and faces."""
    if terrain is None or min(terrain.heights_m.shape) < 2:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    coarse = coarse_relief(terrain)
    heights = coarse.heights_m
    rows, columns = heights.shape
    x = coarse.west_m + (np.arange(columns) + 0.5) * coarse.cell_m
    y = coarse.north_m - (np.arange(rows) + 0.5) * coarse.cell_m
    points = np.column_stack([np.tile(x, rows), np.repeat(y, columns), heights.ravel() - _RELIEF_DROP_M])
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel()
    c, d = corner[1:, :-1].ravel(), corner[1:, 1:].ravel()
    return points, np.concatenate([np.column_stack([a, c, b]), np.column_stack([b, c, d])])


def coarse_relief(terrain: Terrain) -> Terrain:
    """The terrain in the cells in which it blocks: means over blocks; the last blocks repeat the edge."""
    rows, columns = terrain.heights_m.shape
    by_size = int(np.ceil(_RELIEF_CELL_M / terrain.cell_m - 1e-9))
    by_count = int(np.ceil(np.sqrt(2.0 * rows * columns / _RELIEF_TRIANGLES)))
    block = max(1, min(max(by_size, by_count), min(rows, columns) // 2))
    padded = np.pad(terrain.heights_m, ((0, -rows % block), (0, -columns % block)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // block, block, padded.shape[1] // block, block)
    means = blocks.mean(axis=(1, 3), dtype="float64").astype(np.float32)
    return Terrain(means, terrain.west_m, terrain.north_m, terrain.cell_m * block)


def crowns_of(district: District, origin: Floats) -> Crowns:
    """The trees' crowns in the frame of `origin`; heights and diameters that lack are estimated."""
    trees = district.trees
    if not len(trees):
        return crowns(np.zeros((0, 5)), [])
    known = figures()
    place = shapely.get_coordinates(trees.geometry.to_numpy())
    width, height = (trees[name].to_numpy("float64") for name in ("crown_diameter_m", "height_m"))
    height = np.where(height > 0, height, width / known["crown_width_per_height"])
    height = np.where(height > 0, height, known["tree_height_m"])
    width = np.where(width > 0, width, known["crown_width_per_height"] * height)
    half = height * (1 - known["crown_base_share"]) / 2
    middle = _ground(district, place) + height - half
    body = np.column_stack([np.column_stack([place, middle]) - origin, width / 2, half])
    genus = trees["genus"].astype("object").to_numpy()
    return crowns(body, [name in EVERGREEN for name in genus])


def _ground(district: District, place: Floats) -> Floats:
    """Height of the ground at places: of the terrain, else of the nearest building; shape (place,). [m]"""
    inside = np.full(len(place), np.nan)
    if district.terrain is not None:
        inside = district.terrain.sample(place[:, 0], place[:, 1])
    buildings = district.buildings
    ground = buildings["ground_height_m"].to_numpy("float64")
    shape = buildings.geometry.to_numpy()
    good = np.isfinite(ground) & ~pd.isna(shape)
    if np.isnan(inside).any() and good.any():
        near = cKDTree(shapely.get_coordinates(shapely.centroid(shape[good]))).query(place)[1]
        inside = np.where(np.isnan(inside), ground[good][near], inside)
    return np.asarray(np.nan_to_num(inside))


def horizon_of(terrain: Terrain, x_m: float, y_m: float, height_m: float, steps: int = 72) -> Floats:
    """Elevation of the horizon that a terrain makes around a point, never below 0, shape (step,). [°]

    For what lies beyond a district's own terrain; the Earth's curvature is left out (under 0.1° at 20 km).
    """
    west, south, east, north = terrain.bounds
    reach = np.hypot(max(x_m - west, east - x_m), max(y_m - south, north - y_m))
    away = np.arange(1, int(reach / terrain.cell_m) + 2) * terrain.cell_m
    way = vectors(np.arange(steps) * 360.0 / steps, 0.0)
    x, y = x_m + way[:, :1] * away, y_m + way[:, 1:2] * away
    rise = np.arctan2(np.nan_to_num(terrain.sample(x, y), nan=-1e9) - height_m, away)
    return np.asarray(np.maximum(np.degrees(rise).max(axis=1), 0.0))
