"""Surfaces → triangles: one merged mesh with a building index per vertex, and its closedness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mapbox_earcut
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from twin.district import District

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Mesh:
    """Triangles of many surfaces, flat-shaded: vertices are shared inside a surface, never between two.

    vertices : shape (V, 3), easting, northing, height. [m]
    normals : shape (V, 3), unit, outward.
    faces : shape (F, 3), indices into vertices, counter-clockwise seen from outside.
    outline : shape (E, 2), indices into vertices: the edges of the surfaces' rings.
    polygon : shape (V,), row of the surface that the vertex belongs to.
    building : shape (V,), row of the building in `District.buildings`, or -1.
    """

    vertices: Floats
    normals: Floats
    faces: Ints
    outline: Ints
    polygon: Ints
    building: Ints


@dataclass(frozen=True)
class _Rings:
    """All rings of all polygons, each without its closing point."""

    points: Floats  # (V, 3)
    following: Ints  # (V,) the next point of the ring
    ring: Ints  # (V,)
    first: Ints  # (R,) first point of each ring
    size: Ints  # (R,)
    polygon: Ints  # (R,) polygon of each ring
    exterior: NDArray[np.bool_]  # (R,)


def triangulate(polygons: ArrayLike, building: ArrayLike | None = None) -> Mesh:
    """Triangles of 3D polygons with holes; a polygon without area or with a height that is nan gives none.

    Convex polygons become fans, all at once; the others are cut by ears (mapbox_earcut) on the plane of two
    axes in which they appear largest.

    Parameters
    ----------
    polygons : shapely polygons with heights, shape (N,).
    building : row of the building of each polygon, shape (N,); 0..N-1 without it.
    """
    array = np.asarray(polygons, dtype=object)
    owner = np.arange(len(array)) if building is None else np.asarray(building, dtype=np.int64)
    rings = _rings(array)
    if not len(rings.points):
        none = np.zeros((0, 3))
        return Mesh(
            none, none, np.zeros((0, 3), int), np.zeros((0, 2), int), np.zeros(0, int), np.zeros(0, int)
        )
    normal, area = _polygon_normals(rings, len(array))
    flat = _flattened(rings, normal)
    faces = np.concatenate([*_fans_and_ears(rings, flat, area, len(array))])
    polygon = rings.polygon[rings.ring]
    faces = _turned_outward(rings.points, faces, normal[polygon[faces[:, 0]]])
    outline = np.column_stack([np.arange(len(rings.points)), rings.following])
    drawn = area[polygon] > 0
    mesh = Mesh(rings.points, normal[polygon], faces, outline[drawn], polygon, owner[polygon])
    return _compact(mesh, drawn)


def of_district(district: District, surface_types: Sequence[str] | None = None) -> Mesh:
    """The mesh of the district's surfaces, in the order of the buildings.

    Parameters
    ----------
    surface_types : the types to take, such as ``["RoofSurface", "WallSurface"]``; all without it.
        `Mesh.polygon` is a row of `district.surfaces` in either case.
    """
    surfaces = district.surfaces
    rows = district.buildings.index.get_indexer(surfaces["building_id"])
    chosen = np.ones(len(surfaces), bool)
    if surface_types is not None:
        chosen = surfaces["surface_type"].isin(list(surface_types)).to_numpy()
    order = np.flatnonzero(chosen)
    order = order[np.argsort(rows[order], kind="stable")]
    mesh = triangulate(surfaces.geometry.to_numpy()[order], rows[order])
    return Mesh(mesh.vertices, mesh.normals, mesh.faces, mesh.outline, order[mesh.polygon], mesh.building)


def watertight(
    polygons: ArrayLike, building: ArrayLike, count: int, tolerance_m: float = 0.001
) -> NDArray[np.bool_]:
    """Whether each building's surfaces close: every edge is shared by an even number of surfaces.

    Points of an edge that lie on another point within the tolerance are one; a building without surfaces
    is not closed.

    Parameters
    ----------
    polygons : shapely polygons with heights, shape (N,).
    building : row of the building of each polygon, shape (N,), 0 to count - 1.
    count : number of buildings.
    """
    owner = np.asarray(building, dtype=np.int64)
    closed = np.zeros(count, bool)
    closed[owner[owner >= 0]] = True
    rings = _rings(np.asarray(polygons, dtype=object))
    if not len(rings.points):
        return np.zeros(count, bool)
    of_point = owner[rings.polygon[rings.ring]]
    point = _same_points(rings.points, of_point, tolerance_m)
    start, end = point, point[rings.following]
    real = start != end
    low, high = np.minimum(start, end)[real], np.maximum(start, end)[real]
    _, where, uses = np.unique((low << 32) | high, return_index=True, return_counts=True)
    open_buildings = of_point[real][where[uses % 2 == 1]]
    closed[open_buildings[open_buildings >= 0]] = False
    lost = np.flatnonzero(~np.isfinite(rings.points).all(axis=1))
    closed[of_point[lost]] = False
    return closed


def watertight_share(district: District) -> float:
    """Share of the buildings with surfaces whose surfaces close; nan without surfaces. [-]"""
    rows = district.buildings.index.get_indexer(district.surfaces["building_id"])
    present = np.unique(rows)
    if not len(present):
        return float("nan")
    closed = watertight(district.surfaces.geometry.to_numpy(), rows, len(district.buildings))
    return float(closed[present].mean())


def to_y_up(points: ArrayLike) -> Floats:
    """(east, north, up) → glTF's (east, up, south), shape (N, 3)."""
    xyz = np.asarray(points, float)
    return np.column_stack([xyz[:, 0], xyz[:, 2], -xyz[:, 1]])


def _rings(polygons: NDArray[Any]) -> _Rings:
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, include_z=True, return_index=True)
    ends = np.flatnonzero(np.append(ring[1:] != ring[:-1], True)) if len(ring) else np.zeros(0, int)
    keep = np.ones(len(ring), bool)
    keep[ends] = False
    points, ring = points[keep], ring[keep].astype(np.int64)
    size = np.bincount(ring, minlength=len(rings)).astype(np.int64)
    first = np.cumsum(size) - size
    following = np.arange(1, len(points) + 1)
    following[first[size > 0] + size[size > 0] - 1] = first[size > 0]
    polygon = polygon.astype(np.int64)
    exterior = np.append(True, polygon[1:] != polygon[:-1]) if len(polygon) else np.zeros(0, bool)
    return _Rings(points, following, ring, first, size, polygon, exterior)


def _polygon_normals(rings: _Rings, count: int) -> tuple[Floats, Floats]:
    """Unit normals and areas by Newell's method; area 0 where the polygon is degenerate. [-], [m²]"""
    local = rings.points - rings.points[rings.first[rings.ring]]
    cross = np.cross(local, local[rings.following])
    outer = rings.exterior[rings.ring]
    polygon = rings.polygon[rings.ring[outer]]
    total = (
        np.column_stack([np.bincount(polygon, cross[outer, axis], minlength=count) for axis in range(3)]) / 2
    )
    area = np.linalg.norm(total, axis=1)
    area = np.where(np.isfinite(area) & (area > 1e-6), area, 0.0)
    with np.errstate(invalid="ignore"):
        normal = np.where(area[:, np.newaxis] > 0, total / np.where(area > 0, area, 1)[:, np.newaxis], 0.0)
    return normal, area


def _flattened(rings: _Rings, normal: Floats) -> Floats:
    """Points on the two axes in which their polygon appears largest, counter-clockwise, shape (V, 2)."""
    polygon = rings.polygon[rings.ring]
    local = rings.points - rings.points[rings.first[rings.ring[0]]]
    axis = np.argmax(np.abs(normal), axis=1)[polygon]
    rows = np.arange(len(local))
    u, v = local[rows, (axis + 1) % 3], local[rows, (axis + 2) % 3]
    backwards = normal[polygon, axis] < 0
    return np.column_stack([np.where(backwards, v, u), np.where(backwards, u, v)])


def _fans_and_ears(rings: _Rings, flat: Floats, area: Floats, count: int) -> tuple[Ints, Ints]:
    edge = flat[rings.following] - flat
    after = edge[rings.following]
    turn = edge[:, 0] * after[:, 1] - edge[:, 1] * after[:, 0]
    reflex = np.bincount(rings.polygon[rings.ring], turn < -1e-9, minlength=count)
    ring_count = np.bincount(rings.polygon, minlength=count)
    drawn = area > 0
    convex = drawn & (ring_count == 1) & (reflex == 0)
    fans = np.flatnonzero(convex[rings.polygon])
    ears = np.flatnonzero((drawn & ~convex)[rings.polygon])
    return _fans(rings.first[fans], rings.size[fans]), _ears(rings, flat, ears)


def _fans(first: Ints, size: Ints) -> Ints:
    triangles = np.maximum(size - 2, 0)
    apex = np.repeat(first, triangles)
    step = np.arange(len(apex)) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    return np.column_stack([apex, apex + step + 1, apex + step + 2])


def _ears(rings: _Rings, flat: Floats, chosen: Ints) -> Ints:
    parts = [np.zeros((0, 3), np.int64)]
    cuts = np.flatnonzero(np.diff(rings.polygon[chosen])) + 1
    for group in np.split(chosen, cuts) if len(chosen) else []:
        first = rings.first[group[0]]
        ends = np.cumsum(rings.size[group])
        found = mapbox_earcut.triangulate_float64(flat[first : first + ends[-1]], ends.astype(np.uint32))
        parts.append(found.reshape(-1, 3).astype(np.int64) + first)
    return np.concatenate(parts)


def _turned_outward(points: Floats, faces: Ints, normal: Floats) -> Ints:
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), normal) < 0
    return np.where(inward[:, np.newaxis], faces[:, [0, 2, 1]], faces)


def _compact(mesh: Mesh, drawn: NDArray[np.bool_]) -> Mesh:
    if drawn.all():
        return mesh
    number = np.cumsum(drawn) - 1
    return Mesh(
        mesh.vertices[drawn], mesh.normals[drawn], number[mesh.faces], number[mesh.outline],
        mesh.polygon[drawn], mesh.building[drawn],
    )  # fmt: skip


def _same_points(points: Floats, owner: Ints, tolerance_m: float) -> Ints:
    """A number for each place of each owner, equal for points that round to the same place, shape (V,)."""
    finite = np.nan_to_num(points - np.nanmin(points, axis=0), nan=0.0, posinf=0.0, neginf=0.0)
    grid = np.round(finite / tolerance_m).astype(np.int64)
    _, number = np.unique((grid[:, 0] << 32) | grid[:, 1], return_inverse=True)
    for key in (grid[:, 2], owner + 1):
        _, number = np.unique((number.astype(np.int64) << 32) | key, return_inverse=True)
    return number.astype(np.int64)


def crease_edges(mesh: Mesh, angle_deg: float = 20.0, tolerance_m: float = 0.01) -> Ints:
    """The outline's edges that show, each once: not those between nearly coplanar surfaces, shape (E, 2)."""
    point = _same_points(mesh.vertices, mesh.building, tolerance_m)
    start, end = point[mesh.outline[:, 0]], point[mesh.outline[:, 1]]
    key = (np.minimum(start, end) << 32) | np.maximum(start, end)
    frame = pd.DataFrame(mesh.normals[mesh.outline[:, 0]], columns=["x", "y", "z"])
    mean = frame.groupby(key).transform("mean").to_numpy()
    bent = np.linalg.norm(mean, axis=1) < np.cos(np.radians(angle_deg / 2))
    _, once, where, uses = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    shown = (bent | (uses[where] == 1)) & (start != end)
    edges: Ints = mesh.outline[once[shown[once]]]
    return edges
