"""Points that stand for surfaces: spread evenly over each area, just in front of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.mesh import Mesh
from twin.terrain import Terrain
from twin.visibility.scene import Scene

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
AREA_M2, FEWEST, MOST = 50.0, 4, 12
_OFFSET_M = 0.05
_OVER_GROUND_M = 0.1
_GOLDEN = 0.6180339887498949
_SHIFT = 0.41421356
_STEPS = (0.7548776662466927, 0.5698402909980532)


@dataclass(frozen=True, eq=False)
class Samples:
    """Points in the scene's frame, in the order of their surfaces.

    position : shape (sample, 3), float32. [m]
    surface : row of the surface that each stands for, shape (sample,).
    number : of the sample within its surface, from 0, shape (sample,).
    normal : of each surface, shape (surface, 3), float64.
    """

    position: NDArray[np.float32]
    surface: Ints
    number: Ints
    normal: Floats

    def count(self) -> Ints:
        """Samples of each surface, shape (surface,)."""
        return np.bincount(self.surface, minlength=len(self.normal)).astype(np.intp)

    def bits(self) -> NDArray[np.uint16]:
        """The numbers of each surface's samples as bits, shape (surface,)."""
        return np.bincount(self.surface, 2.0**self.number, minlength=len(self.normal)).astype(np.uint16)

    def take(self, chosen: NDArray[np.bool_]) -> Samples:
        """Some of the samples; `number` stays."""
        return Samples(self.position[chosen], self.surface[chosen], self.number[chosen], self.normal)


def on_surfaces(mesh: Mesh, rows: Ints, scene: Scene, terrain: Terrain | None = None) -> Samples:
    """Samples of the surfaces `rows` (of `Mesh.polygon`), one per 50 m², at least 4 and at most 12.

    A parallelogram takes a Fibonacci lattice; other shapes are filled along their triangles, by area. Each
    surface's samples follow from its own shape alone. A surface without triangles has none.
    """
    number_of = np.full(int(max(mesh.polygon.max(initial=-1), rows.max(initial=-1))) + 1, -1, np.intp)
    number_of[rows] = np.arange(len(rows))
    face_row = number_of[mesh.polygon[mesh.faces[:, 0]]].astype(np.intp)
    order = np.flatnonzero(face_row >= 0)
    order = order[np.argsort(face_row[order], kind="stable")]
    faces, face_row = mesh.faces[order], face_row[order].astype(np.intp)
    corner = mesh.vertices[faces]
    sides = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    area: Floats = np.linalg.norm(sides, axis=1) / 2
    total = np.asarray(np.bincount(face_row, area, len(rows)), float)
    normal = np.zeros((len(rows), 3))
    normal[face_row] = mesh.normals[faces[:, 0]]
    count = np.clip(np.ceil(total / AREA_M2 - 1e-9), FEWEST, MOST).astype(np.intp) * (total > 0)
    surface = np.repeat(np.arange(len(rows)), count)
    number = np.arange(len(surface)) - np.repeat(np.cumsum(count) - count, count)
    points = _by_triangles(corner, area, face_row, total, count, surface, number)
    _lattice(mesh, rows, count, surface, number, points)
    points += _OFFSET_M * normal[surface]
    if terrain is not None and len(points):
        ground = np.nan_to_num(terrain.sample(points[:, 0], points[:, 1]), nan=-1e9)
        points[:, 2] = np.maximum(points[:, 2], ground + _OVER_GROUND_M)
    return Samples(scene.local(points).astype(np.float32), surface, number, normal)


def at_points(points: Floats, normals: Floats, scene: Scene) -> Samples:
    """One sample each at points (easting, northing, height) that face along normals, shape (point, 3)."""
    count = len(points)
    place = scene.local(points) + _OFFSET_M * normals
    return Samples(place.astype(np.float32), np.arange(count), np.zeros(count, np.intp), normals)


def covered(samples: Samples, scene: Scene, normal_of_triangle: Floats) -> NDArray[np.bool_]:
    """Whether samples lie inside a solid, shape (sample,): the first triangle is met from behind.

    Two of four rays must say so: where two neighbours' walls share a plane, the ray straight outward may
    meet either, and a sheet of roof that juts out is seen from behind by the rising ray alone.

    normal_of_triangle : outward normals of the scene's solid triangles, shape (solid, 3).
    """
    out = samples.normal[samples.surface]
    aside = np.cross(out, np.where(np.abs(out[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]]))
    rising = np.cross(aside, out)
    votes = np.zeros(len(out), np.intp)
    for way in (out, out + 3 * rising, out + 3 * aside, out - 3 * aside):
        hit = scene.first_hit(samples.position, way.astype(np.float32))
        solid = np.flatnonzero((hit >= 0) & (hit < scene.solids))
        votes[solid] += (normal_of_triangle[hit[solid]] * way[solid]).sum(axis=1) > 1e-6
    return votes >= 2


def _by_triangles(
    corner: Floats, area: Floats, face_row: Ints, total: Floats, count: Ints, surface: Ints, number: Ints
) -> Floats:
    """Equal steps along the triangles' areas; within a triangle a sequence of low discrepancy."""
    if not len(surface):
        return np.zeros((0, 3))
    before = np.concatenate([[0.0], np.cumsum(area)])[np.searchsorted(face_row, face_row, side="left")]
    share = (np.cumsum(area) - before) / total[face_row]  # of each triangle's end in its surface
    # No end lies within rounding of a target, so that other surfaces never change what is taken
    target = surface + (number + _SHIFT) / count[surface]
    face = np.searchsorted(face_row + np.minimum(share, 1.0), target, side="left")
    last = np.searchsorted(face_row, surface, side="right") - 1
    face = np.minimum(face, last)
    u, v = (np.mod(0.5 + number * step, 1.0) for step in _STEPS)
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    a, b, c = corner[face, 0], corner[face, 1], corner[face, 2]
    points: Floats = a + u[:, None] * (b - a) + v[:, None] * (c - a)
    return points


def _lattice(mesh: Mesh, rows: Ints, count: Ints, surface: Ints, number: Ints, points: Floats) -> None:
    """Put the samples of parallelograms onto a Fibonacci lattice, in place."""
    most = int(mesh.polygon.max(initial=-1)) + 1
    corners = np.bincount(mesh.polygon, minlength=most)
    first = np.full(most, -1, np.intp)
    first[mesh.polygon[::-1]] = np.arange(len(mesh.polygon))[::-1]
    if not most:
        return
    four = np.flatnonzero((rows < most) & (corners[np.minimum(rows, most - 1)] == 4) & (count > 0))
    start = first[rows[four]]
    a, b, c, d = (mesh.vertices[start + step] for step in range(4))
    even = np.linalg.norm(a - b + c - d, axis=1) < 0.02 * np.linalg.norm(c - a, axis=1)
    chosen = np.full(len(rows), -1, np.intp)
    chosen[four[even]] = np.flatnonzero(even)
    which = np.flatnonzero(chosen[surface] >= 0)
    quad, of, step = chosen[surface[which]], surface[which], number[which]
    u = (step + 0.5) / count[of]
    v = np.mod(step * _GOLDEN + 0.5, 1.0)
    points[which] = a[quad] + u[:, None] * (b - a)[quad] + v[:, None] * (d - a)[quad]
