"""Solids made of polygons: which are closed, which way their polygons face, and what they hold.

A solid is closed when each of its edges belongs to two polygons, or to four where two of its bodies touch in
an edge, and is run through as often each way (ISO 19107 without the demand for one body). This is judged by
edges alone: a vertex in the middle of another polygon's edge leaves a solid open. Vertices within
`TOLERANCE_M` are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from twin.polygons import Bools, Faces, Floats, Ints, dot, sum_by

TOLERANCE_M = 0.01
_PROBE_M = 0.1
"""How far before and behind a wall the footprint is looked up to tell outside from inside."""


@dataclass(frozen=True)
class Edges:
    """Half-edges: each side of each polygon once, without those of no length.

    face : polygon of the half-edge.  key : number of the edge, the same for both directions.
    forward : the direction.  uses : how many half-edges the edge has.
    """

    face: Ints
    key: Ints
    forward: Bools
    uses: Ints


def edges(faces: Faces, solid: Ints) -> Edges:
    """Half-edges of all polygons; only polygons of the same solid share edges.

    Parameters
    ----------
    solid : shape (polygon,); the solid of each polygon, 0, 1, ...
    """
    return _edges(faces, solid, _vertex_numbers(faces, solid))


def _vertex_numbers(faces: Faces, solid: Ints) -> Ints:
    """Number of each vertex, equal for vertices of one solid that lie within a millimetre's grid or 1 cm."""
    grid = np.rint(faces.xyz * 1000.0).astype(np.int64)
    key = _mix(_mix(_mix(solid[faces.vertex_face], grid[:, 0]), grid[:, 1]), grid[:, 2])
    number = np.unique(key, return_inverse=True)[1].astype(np.int64)
    open_face = ~closed_solids(_edges(faces, solid, number), solid)[solid]
    doubtful = np.flatnonzero(open_face[faces.vertex_face])
    if len(doubtful):
        number[doubtful] = _merged(faces.xyz[doubtful], solid[faces.vertex_face[doubtful]]) + len(number)
    return number


def _merged(xyz: Floats, solid: Ints) -> Ints:
    """Number of each vertex, equal for those within the tolerance and of one solid."""
    solid = np.unique(solid, return_inverse=True)[1]
    apart = solid * (100.0 * TOLERANCE_M)  # a fourth coordinate keeps the solids apart
    pairs = cKDTree(np.column_stack([xyz, apart])).query_pairs(TOLERANCE_M, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(xyz), len(xyz)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _mix(a: Ints, b: Ints) -> Ints:
    """One 64-bit number for two (splitmix64), so that rows can be compared as numbers."""
    with np.errstate(over="ignore"):
        x = a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + b.astype(np.uint64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return (x ^ (x >> np.uint64(31))).view(np.int64)


def _edges(faces: Faces, solid: Ints, number: Ints) -> Edges:
    if not len(number):
        none = np.zeros(0, np.int64)
        return Edges(none, none, none.astype(bool), none)
    side = np.ones(len(number), bool)
    side[faces.ring_start[1:] - 1] = False  # the closing vertex begins no side
    side[:-1] &= number[1:] != number[:-1]
    at = np.flatnonzero(side)
    a, b = number[at], number[at + 1]
    key = _mix(np.minimum(a, b), np.maximum(a, b))
    _, key, uses = np.unique(key, return_inverse=True, return_counts=True)
    return Edges(faces.vertex_face[at], key.astype(np.int64), a < b, uses[key].astype(np.int64))


def closed_solids(edge: Edges, solid: Ints) -> Bools:
    """Whether each edge of a solid has an even number of polygons, shape (solid,)."""
    count = int(solid.max()) + 1 if len(solid) else 0
    closed = np.zeros(count, bool)
    closed[solid[edge.face]] = True
    closed[solid[edge.face[edge.uses % 2 == 1]]] = False
    return closed


def volumes(faces: Faces, ring_vector: Floats, solid: Ints) -> Floats:
    """Signed volume of each solid by the divergence theorem, shape (solid,): V = 1/3 Σ p·A. [m³]

    Positive where the polygons face outward. Means something for closed solids only.
    """
    return sum_by(solid[faces.ring_face], _ring_volumes(faces, ring_vector, solid), _count(solid))


def _ring_volumes(faces: Faces, ring_vector: Floats, solid: Ints) -> Floats:
    """Volume of the cone from the solid's first vertex over each ring, shape (ring,). [m³]"""
    of_ring = solid[faces.ring_face]
    first = np.zeros(_count(solid), np.int64)
    first[of_ring[::-1]] = faces.ring_start[:-1][::-1]
    inner = np.ones(len(faces.xyz))
    inner[faces.ring_start[1:] - 1] = 0.0  # the mean of the vertices, the closing one not twice
    if not len(of_ring):
        return np.zeros(0)
    start = faces.ring_start[:-1]
    middle = np.add.reduceat(faces.xyz * inner[:, None], start, axis=0)
    middle /= np.add.reduceat(inner, start)[:, None]
    return dot(middle - faces.xyz[first[of_ring]], ring_vector) / 3.0


def inward(
    faces: Faces,
    ring_vector: Floats,
    vector: Floats,
    solid: Ints,
    kind: NDArray[np.object_],
    footprint: NDArray[np.object_],
) -> Bools:
    """Which polygons face inward and must be turned, shape (polygon,).

    Closed solids whose polygons agree are judged by the sign of their volume. Else polygons that share an
    edge are made to agree, and each group of them is judged by its volume where it is closed, and otherwise
    by what is known of its polygons: roofs face up, the ground faces down, walls face out of the footprint.

    Parameters
    ----------
    ring_vector, vector : area vectors of rings and of polygons. [m²]
    solid : shape (polygon,); the solid of each polygon.
    kind : shape (polygon,); surface types.
    footprint : shape (solid,); the footprint of each solid's building.
    """
    edge = edges(faces, solid)
    closed, agree = closed_solids(edge, solid), _agree(edge, solid)
    turn = (closed & agree & (volumes(faces, ring_vector, solid) < 0.0))[solid]
    doubtful = ~(closed & agree)[solid]
    if not doubtful.any():
        return turn
    group, turned = _two_colours(edge, doubtful, faces.count)
    sign = np.where(turned, -1.0, 1.0)
    ring_volume = _ring_volumes(faces, ring_vector, solid)
    volume = np.bincount(faces.ring_face, ring_volume, faces.count)
    told = np.where(closed[solid], volume, _evidence(faces, vector, kind, doubtful, solid, footprint))
    score = np.bincount(group, sign * told, faces.count)
    return np.where(doubtful, turned ^ (score[group] < 0.0), turn)


def _agree(edge: Edges, solid: Ints) -> Bools:
    """Whether the polygons of each edge run it through as often in each direction, shape (solid,)."""
    agree = np.ones(_count(solid), bool)
    forward = sum_by(edge.key, edge.forward, int(edge.key.max(initial=-1)) + 1)
    agree[solid[edge.face[2 * forward[edge.key] != edge.uses]]] = False
    return agree


def _two_colours(edge: Edges, chosen: Bools, count: int) -> tuple[Ints, Bools]:
    """Group of each polygon, and whether to turn it so that its group agrees.

    Each polygon is two nodes, as it is and turned; edges join the nodes that agree. The polygons of one
    component then agree with each other.
    """
    used = np.flatnonzero((edge.uses == 2) & chosen[edge.face])
    one, two = used[np.argsort(edge.key[used], kind="stable")].reshape(-1, 2).T
    a, b = edge.face[one], edge.face[two]
    differ = edge.forward[one] != edge.forward[two]
    other = np.where(differ, 0, count)
    rows = np.concatenate([a, a + count])
    columns = np.concatenate([b + other, b + count - other])
    graph = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(2 * count, 2 * count))
    label = connected_components(graph, directed=False)[1]
    as_is, turned = label[:count], label[count:]
    group = np.unique(np.minimum(as_is, turned), return_inverse=True)[1]
    return group.astype(np.int64), as_is > turned


def _evidence(
    faces: Faces,
    vector: Floats,
    kind: NDArray[np.object_],
    chosen: Bools,
    solid: Ints,
    footprint: NDArray[np.object_],
) -> Floats:
    """Positive where a polygon seems to face outward, negative where inward, 0 unknown, shape (polygon,)."""
    told = np.zeros(faces.count)
    up = np.isin(kind, ("RoofSurface", "OuterFloorSurface"))
    down = np.isin(kind, ("GroundSurface", "OuterCeilingSurface"))
    told[up], told[down] = vector[up, 2], -vector[down, 2]
    wall = np.flatnonzero(chosen & ~up & ~down)
    horizontal = np.hypot(vector[wall, 0], vector[wall, 1])
    wall, horizontal = wall[horizontal > 0], horizontal[horizontal > 0]
    if not len(wall):
        return told
    total = np.bincount(faces.vertex_face, minlength=faces.count)[wall]
    middle = [
        np.bincount(faces.vertex_face, faces.xyz[:, axis], faces.count)[wall] / total for axis in (0, 1)
    ]
    step = vector[wall, :2] / horizontal[:, None] * _PROBE_M
    base = footprint[solid[wall]]
    before = shapely.contains_xy(base, middle[0] + step[:, 0], middle[1] + step[:, 1])
    behind = shapely.contains_xy(base, middle[0] - step[:, 0], middle[1] - step[:, 1])
    told[wall] = horizontal * (behind.astype(float) - before.astype(float))
    return told


def _count(solid: Ints) -> int:
    return int(solid.max()) + 1 if len(solid) else 0
