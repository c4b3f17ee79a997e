"""Walls that touch: which part of a wall stands against another building, or another part of its own.

Two walls touch where they face each other, no farther apart than `GAP_M` and parallel within `ANGLE_DEG`;
the area is that of the overlap of both in the plane of the wall. LoD1 and LoD2 models leave slight gaps
between neighbours, hence the distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin.polygons import Bools, Faces, Floats, Ints, dot

GAP_M = 0.25
ANGLE_DEG = 3.0
WALL_LEAN_DEG = 5.0
"""A wall leans no more than this from the plumb line."""
LEAST_AREA_M2 = 0.01


def free_area_m2(surfaces: pd.DataFrame) -> pd.Series:
    """Area of surfaces without what touches another building or part; nan where it is not known. [m²]"""
    area: pd.Series = surfaces["area_m2"] - surfaces["party_area_m2"].fillna(0.0)
    return area


@dataclass(frozen=True)
class Contact:
    """Touching area of each wall, shape (polygon,). [m²]

    other : with other buildings.  own : with other parts of the same building.
    """

    other: Floats
    own: Floats


def contact(faces: Faces, vector: Floats, building: Ints, solid: Ints) -> Contact:
    """Area of each polygon that stands against another building, and against its own building's parts.

    Neither is more than the polygon's area, nor their sum. Polygons that are no walls have none.

    Parameters
    ----------
    vector : outward area vectors, shape (polygon, 3). [m²]
    building, solid : building and solid (part) of each polygon, shape (polygon,).
    """
    area = np.linalg.norm(vector, axis=1)
    wall = np.flatnonzero(
        (np.abs(vector[:, 2]) <= np.sin(np.radians(WALL_LEAN_DEG)) * area) & (area > LEAST_AREA_M2)
    )
    frames = _frames(faces, vector, wall)
    a, b = _facing(frames, solid[wall])
    overlap = _overlap(faces, frames, wall, a, b)
    same = building[wall[a]] == building[wall[b]]
    other, own = (
        np.bincount(wall[a[rows]], overlap[rows], faces.count)
        + np.bincount(wall[b[rows]], overlap[rows], faces.count)
        for rows in (~same, same)
    )
    other = np.minimum(other, area)
    return Contact(other, np.minimum(own, area - other))


@dataclass(frozen=True)
class _Frames:
    """Upright planes: a point, the horizontal normal, and the wall's extent to the normal's left. [m]"""

    origin: Floats
    normal: Floats
    left: Floats
    start: Floats
    end: Floats
    low: Floats
    high: Floats


def _frames(faces: Faces, vector: Floats, wall: Ints) -> _Frames:
    normal = vector[wall, :2] / np.linalg.norm(vector[wall, :2], axis=1)[:, None]
    left = np.column_stack([-normal[:, 1], normal[:, 0]])
    vertex, of = _vertices(faces, wall)
    first = np.searchsorted(of, np.arange(len(wall)))
    xy, z = faces.xyz[vertex, :2], faces.xyz[vertex, 2]
    origin = xy[first]
    along = dot(xy - origin[of], left[of])
    if not len(wall):
        return _Frames(origin, normal, left, *(np.zeros(0) for _ in range(4)))
    return _Frames(
        origin, normal, left,
        np.minimum.reduceat(along, first), np.maximum.reduceat(along, first),
        np.minimum.reduceat(z, first), np.maximum.reduceat(z, first),
    )  # fmt: skip


def _vertices(faces: Faces, chosen: Ints) -> tuple[Ints, Ints]:
    """Vertices of the chosen polygons' outlines, and the place of their polygon in `chosen`."""
    outline = np.zeros(faces.count, np.int64)
    rings = np.flatnonzero(~faces.is_hole)
    outline[faces.ring_face[rings]] = rings
    ring = outline[chosen]
    counts = faces.ring_start[ring + 1] - faces.ring_start[ring]
    of = np.repeat(np.arange(len(chosen)), counts)
    offset = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    return faces.ring_start[ring][of] + offset, of


def _facing(frames: _Frames, solid: Ints) -> tuple[Ints, Ints]:
    """Pairs of walls of different solids that face each other near by."""
    ends = [frames.origin + frames.left * along[:, None] for along in (frames.start, frames.end)]
    line = shapely.linestrings(np.stack(ends, axis=1)) if len(solid) else np.zeros(0, object)
    a, b = shapely.STRtree(line).query(line, predicate="dwithin", distance=GAP_M)
    keep = (a < b) & (solid[a] != solid[b])
    a, b = a[keep], b[keep]
    facing = dot(frames.normal[a], frames.normal[b]) < -np.cos(np.radians(ANGLE_DEG))
    tall = np.minimum(frames.high[a], frames.high[b]) > np.maximum(frames.low[a], frames.low[b])
    a, b = a[facing & tall], b[facing & tall]
    close = _close(frames, a, b)
    return a[close], b[close]


def _close(frames: _Frames, a: Ints, b: Ints) -> Bools:
    """Whether wall b is within the gap of wall a's plane all along the stretch that they share."""
    reach = [
        dot(
            frames.origin[b] + frames.left[b] * along[b][:, None] - frames.origin[a],
            frames.left[a],
        )
        for along in (frames.start, frames.end)
    ]
    start = np.maximum(frames.start[a], np.minimum(*reach))
    end = np.minimum(frames.end[a], np.maximum(*reach))
    gap = np.zeros(len(a))
    for along in (start, end):
        point = frames.origin[a] + frames.left[a] * along[:, None] - frames.origin[b]
        gap = np.maximum(gap, np.abs(dot(point, frames.normal[b])))
    return np.asarray((end > start) & (gap <= GAP_M), bool)


def _overlap(faces: Faces, frames: _Frames, wall: Ints, a: Ints, b: Ints) -> Floats:
    """Area that both walls of each pair cover in the plane of the first, shape (pair,). [m²]"""
    if not len(a):
        return np.zeros(0)
    first, second = (_drawn(faces, frames, wall, drawn, a) for drawn in (a, b))
    return np.asarray(shapely.area(shapely.intersection(first, second)), float)


def _drawn(faces: Faces, frames: _Frames, wall: Ints, drawn: Ints, plane: Ints) -> NDArray[np.object_]:
    """Walls as flat polygons in the planes given, without their holes (windows, say)."""
    vertex, of = _vertices(faces, wall[drawn])
    away = faces.xyz[vertex, :2] - frames.origin[plane][of]
    along = dot(away, frames.left[plane][of])
    up = faces.xyz[vertex, 2] - frames.low[plane][of]
    polygon = np.atleast_1d(shapely.polygons(shapely.linearrings(along, up, indices=of)))
    bad = ~shapely.is_valid(polygon)
    polygon[bad] = shapely.make_valid(polygon[bad])
    return polygon
