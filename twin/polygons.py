"""Polygons in space as flat arrays: area, normal, tilt and azimuth of any number of them at once.

The area vector of a polygon points along its normal and is as long as its area (Newell's method: half the
sum of the cross products of consecutive vertices; F. Tampieri in Graphics Gems III, 1992). It is exact for
plane polygons, convex or not, and the best fit for slightly warped ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEVEL_TILT_DEG = 0.1
"""Below this tilt a surface is level and its azimuth says nothing: it is given as 0."""


@dataclass(frozen=True)
class Faces:
    """Polygons with heights as closed rings, one after the other.

    xyz : shape (vertex, 3); the last vertex of a ring repeats its first. [m]
    ring_start : shape (ring + 1,); where each ring begins, and the end.
    ring_face : shape (ring,); the polygon of each ring.
    is_hole : shape (ring,); whether the ring is an interior one.
    count : number of polygons.
    """

    xyz: Floats
    ring_start: Ints
    ring_face: Ints
    is_hole: Bools
    count: int

    @property
    def vertex_ring(self) -> Ints:
        """The ring of each vertex, shape (vertex,)."""
        return np.repeat(np.arange(len(self.ring_face)), np.diff(self.ring_start))

    @property
    def vertex_face(self) -> Ints:
        """The polygon of each vertex, shape (vertex,)."""
        return np.repeat(self.ring_face, np.diff(self.ring_start))


def flatten(geometry: NDArray[np.object_]) -> Faces:
    """Polygons as flat arrays; polygons without heights get nan heights, empty ones no ring."""
    rings, face = shapely.get_rings(geometry, return_index=True)
    xyz = shapely.get_coordinates(rings, include_z=True)
    ring_start = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(rings))]).astype(np.int64)
    is_hole = np.concatenate([[False], face[1:] == face[:-1]]) if len(face) else np.zeros(0, bool)
    return Faces(xyz, ring_start, face.astype(np.int64), is_hole, len(geometry))


def ring_vectors(faces: Faces) -> Floats:
    """Area vector of each ring by the right-hand rule, shape (ring, 3). [m²]"""
    if not len(faces.ring_face):
        return np.zeros((0, 3))
    start = faces.ring_start[:-1]
    p = faces.xyz - np.repeat(faces.xyz[start], np.diff(faces.ring_start), axis=0)
    x, y, z = p.T
    cross = np.zeros_like(p)
    cross[:-1, 0] = y[:-1] * z[1:] - z[:-1] * y[1:]
    cross[:-1, 1] = z[:-1] * x[1:] - x[:-1] * z[1:]
    cross[:-1, 2] = x[:-1] * y[1:] - y[:-1] * x[1:]
    cross[faces.ring_start[1:] - 1] = 0.0  # from one ring's end to the next ring's start is no edge
    return 0.5 * np.add.reduceat(cross, start, axis=0)


def area_vectors(faces: Faces) -> Floats:
    """Area vector of each polygon, holes subtracted however they run, shape (polygon, 3). [m²]"""
    vectors = signed_ring_vectors(faces)
    return np.stack([sum_by(faces.ring_face, axis, faces.count) for axis in vectors.T], axis=1)


def signed_ring_vectors(faces: Faces) -> Floats:
    """Area vector of each ring, those of holes turned against their polygon's, shape (ring, 3). [m²]"""
    vectors = ring_vectors(faces)
    vectors[wrong_holes(faces, vectors)] *= -1.0
    return vectors


def wrong_holes(faces: Faces, vectors: Floats) -> Bools:
    """Whether a ring is a hole that runs the same way as its polygon's outline, shape (ring,)."""
    outline = np.zeros((faces.count, 3))
    outline[faces.ring_face[~faces.is_hole]] = vectors[~faces.is_hole]
    return faces.is_hole & (dot(vectors, outline[faces.ring_face]) > 0)


def turn_wrong_holes(geometry: NDArray[np.object_], faces: Faces) -> NDArray[np.object_]:
    """`geometry` with holes running against their outlines, as the right-hand rule asks."""
    wrong = wrong_holes(faces, ring_vectors(faces))
    if not wrong.any():
        return geometry
    geometry = geometry.copy()
    for face in np.unique(faces.ring_face[wrong]):  # rare, so one by one
        turn = wrong[faces.ring_face == face][1:]
        lines = shapely.get_rings(geometry[face])[1:]
        lines[turn] = shapely.reverse(lines[turn])
        geometry[face] = shapely.polygons(geometry[face].exterior, lines)
    return geometry


def tilt_deg(vectors: Floats) -> Floats:
    """Angle of the normal from the zenith: 0 roof, 90 wall, 180 ground; nan without area. [°]"""
    horizontal = np.hypot(vectors[:, 0], vectors[:, 1])
    tilt = np.degrees(np.arctan2(horizontal, vectors[:, 2]))
    return np.where(np.linalg.norm(vectors, axis=1) > 0, tilt, np.nan)


def azimuth_deg(vectors: Floats) -> Floats:
    """Direction of the normal clockwise from north, 0 to 360; 0 for level surfaces; nan without area. [°]"""
    tilt = tilt_deg(vectors)
    azimuth = np.degrees(np.arctan2(vectors[:, 0], vectors[:, 1])) % 360.0
    level = (tilt < LEVEL_TILT_DEG) | (tilt > 180.0 - LEVEL_TILT_DEG)
    return np.where(np.isnan(tilt), np.nan, np.where(level, 0.0, azimuth % 360.0))


def lowest_and_highest(faces: Faces) -> tuple[Floats, Floats]:
    """Lowest and highest vertex of each polygon; nan for polygons without vertices. [m]"""
    low, high = np.full(faces.count, np.inf), np.full(faces.count, -np.inf)
    if len(faces.ring_face):
        start = faces.ring_start[:-1]
        np.minimum.at(low, faces.ring_face, np.minimum.reduceat(faces.xyz[:, 2], start))
        np.maximum.at(high, faces.ring_face, np.maximum.reduceat(faces.xyz[:, 2], start))
    return np.where(np.isfinite(low), low, np.nan), np.where(np.isfinite(high), high, np.nan)


def dot(a: Floats, b: Floats) -> Floats:
    """Scalar product of each pair of rows, shape (n,)."""
    return np.asarray(np.einsum("ij,ij->i", a, b), np.float64)


def sum_by(group: Ints, values: Floats | Bools, count: int) -> Floats:
    """Sum of the values of each group 0..count-1, shape (count,)."""
    return np.asarray(np.bincount(group, values, count), np.float64)
