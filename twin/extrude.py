"""Solids from footprints: a flat top, or a pitched roof where the footprint is nearly a rectangle.

Every solid is closed and its polygons face outward (counter-clockwise as seen from outside).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.polygons import Bools, Floats, Ints

RECTANGULAR = 0.9
"""A four-sided footprint gets a pitched roof if it covers this share of the smallest rectangle around it."""
SAME_LINE_M = 0.01
"""Corners that stand out less than this from the line of their neighbours are none."""
FORMS = {
    "gable": "gable", "half_hip": "hip", "hip": "hip", "pyramid": "pyramid", "pent": "pent", "shed": "pent",
    "mansard": "gable",
}  # fmt: skip
"""The form that is built for a roof type; all others are flat."""
MEAN_RISE = {"gable": 0.5, "hip": 0.45, "pyramid": 1 / 3, "pent": 0.5}
"""Mean height of a form's roof over the eaves, as a share of its rise."""


@dataclass(frozen=True)
class Extrusion:
    """Polygons of extruded solids.

    geometry : polygons with heights.  owner : row of the footprint each belongs to.
    kind : GroundSurface, WallSurface or RoofSurface.
    """

    geometry: NDArray[np.object_]
    owner: Ints
    kind: NDArray[np.object_]


def extrude(
    footprint: NDArray[np.object_],
    base_m: Floats,
    eaves_m: Floats,
    rise_m: Floats,
    roof_type: NDArray[np.object_],
) -> Extrusion:
    """Closed solids over footprints, ordered by footprint: ground, walls, roof.

    A footprint that cannot carry its pitched roof (not four-sided, or less rectangular than `RECTANGULAR`)
    gets a flat top at the roof's mean height, so that the volume is right.

    Parameters
    ----------
    footprint : polygons or multipolygons, valid, with or without holes, shape (n,).
    base_m : height of the ground, shape (n,).  eaves_m : height of the walls over it.
    rise_m : height of the ridge over the eaves; without meaning for flat roofs.
    roof_type : as in the table buildings, missing for flat.
    """
    form = np.array([FORMS.get(kind, "flat") for kind in roof_type], object)
    corners, fits = _corners(footprint)
    pitched = fits & (form != "flat") & (rise_m > 0.05)
    share = np.array([MEAN_RISE.get(kind, 0.0) for kind in form])
    top = base_m + eaves_m + np.where(pitched, 0.0, share * np.maximum(rise_m, 0.0))
    flat = np.flatnonzero(~pitched)
    pieces = [_boxes(footprint[flat], base_m[flat], top[flat], flat)]
    for kind, build in _ROOFS.items():
        rows = np.flatnonzero(pitched & (form == kind))
        if len(rows):
            pieces.append(build(corners[rows], base_m[rows], top[rows], (top + rise_m)[rows], rows))
    geometry, owner, kinds = (
        np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("geometry", "owner", "kind")
    )
    order = np.lexsort((np.select([kinds == "GroundSurface", kinds == "WallSurface"], [0, 1], 2), owner))
    return Extrusion(geometry[order], owner[order].astype(np.int64), kinds[order])


def short_side_m(footprint: NDArray[np.object_]) -> Floats:
    """Shorter side of the smallest rectangle around each footprint. [m]"""
    ring = shapely.get_exterior_ring(shapely.oriented_envelope(footprint))
    sides = np.full((len(footprint), 2), np.nan)
    for side in (0, 1):
        a, b = shapely.get_point(ring, side), shapely.get_point(ring, side + 1)
        sides[:, side] = shapely.distance(a, b)
    return np.asarray(np.nan_to_num(sides.min(axis=1)), np.float64)


def _corners(footprint: NDArray[np.object_]) -> tuple[Floats, Bools]:
    """Corners of four-sided footprints, counter-clockwise, the first side a long one, shape (n, 4, 2)."""
    single = np.where(shapely.get_num_geometries(footprint) == 1, shapely.get_geometry(footprint, 0), None)
    plain = shapely.simplify(single, SAME_LINE_M)
    fits = (shapely.get_num_interior_rings(plain) == 0) & (shapely.get_num_coordinates(plain) == 5)
    box = shapely.area(shapely.oriented_envelope(plain))
    fits &= shapely.area(plain) >= RECTANGULAR * np.where(box > 0, box, np.inf)
    corners = np.zeros((len(footprint), 4, 2))
    rows = np.flatnonzero(fits)
    corners[rows] = shapely.get_coordinates(shapely.orient_polygons(plain[rows])).reshape(-1, 5, 2)[:, :4]
    length = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
    turn = length[:, 0] + length[:, 2] < length[:, 1] + length[:, 3]
    corners[turn] = np.roll(corners[turn], -1, axis=1)
    return corners, fits


def _boxes(footprint: NDArray[np.object_], base: Floats, top: Floats, rows: Ints) -> Extrusion:
    parts, of = shapely.get_parts(footprint, return_index=True)
    parts = shapely.orient_polygons(shapely.force_2d(parts))
    rings = shapely.get_rings(parts)
    counts = shapely.get_num_coordinates(rings)
    xy = shapely.get_coordinates(rings)
    owner = np.repeat(np.repeat(of, shapely.get_num_interior_rings(parts) + 1), counts)
    side = np.ones(len(xy), bool)
    side[np.cumsum(counts) - 1] = False
    at = np.flatnonzero(side)
    a, b, of_wall = xy[at], xy[np.minimum(at + 1, len(xy) - 1)], owner[at]
    low, high = base[of_wall], top[of_wall]
    walls = _polygons([_at(a, low), _at(b, low), _at(b, high), _at(a, high)])
    ground = shapely.force_3d(shapely.reverse(parts), base[of])
    roof = shapely.force_3d(parts, top[of])
    return Extrusion(
        np.concatenate([ground, walls, roof]),
        rows[np.concatenate([of, of_wall, of])],
        _kinds(len(parts), len(walls), len(parts)),
    )


def _gable(corners: Floats, base: Floats, eaves: Floats, ridge: Floats, rows: Ints) -> Extrusion:
    low, up = _rings(corners, base), _rings(corners, eaves)
    r1, r3 = _ridge(corners, ridge, 0.0)
    walls = [
        [low[0], low[1], up[1], up[0]],
        [low[2], low[3], up[3], up[2]],
        [low[1], low[2], up[2], r1, up[1]],
        [low[3], low[0], up[0], r3, up[3]],
    ]
    return _solid(low, walls, [[up[0], up[1], r1, r3], [up[2], up[3], r3, r1]], rows)


def _hip(corners: Floats, base: Floats, eaves: Floats, ridge: Floats, rows: Ints) -> Extrusion:
    low, up = _rings(corners, base), _rings(corners, eaves)
    length = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
    width = np.linalg.norm(corners[:, 2] - corners[:, 1], axis=1)
    r1, r3 = _ridge(corners, ridge, np.minimum(0.5 * width / length, 0.45))
    roofs = [[up[0], up[1], r1, r3], [up[2], up[3], r3, r1], [up[1], up[2], r1], [up[3], up[0], r3]]
    return _solid(low, _straight_walls(low, up), roofs, rows)


def _pyramid(corners: Floats, base: Floats, eaves: Floats, ridge: Floats, rows: Ints) -> Extrusion:
    low, up = _rings(corners, base), _rings(corners, eaves)
    apex = _at(corners.mean(axis=1), ridge)
    roofs = [[up[side], up[(side + 1) % 4], apex] for side in range(4)]
    return _solid(low, _straight_walls(low, up), roofs, rows)


def _pent(corners: Floats, base: Floats, eaves: Floats, ridge: Floats, rows: Ints) -> Extrusion:
    south = corners[:, :2, 1].mean(axis=1) <= corners[:, 2:, 1].mean(axis=1)
    corners = np.where(
        south[:, None, None], corners, np.roll(corners, 2, axis=1)
    )  # the low eaves to the south
    low, up = _rings(corners, base), _rings(corners, eaves)
    up[2], up[3] = _at(corners[:, 2], ridge), _at(corners[:, 3], ridge)
    return _solid(low, _straight_walls(low, up), [[up[0], up[1], up[2], up[3]]], rows)


_ROOFS = {"gable": _gable, "hip": _hip, "pyramid": _pyramid, "pent": _pent}


def _ridge(corners: Floats, height: Floats, inset: Floats | float) -> tuple[Floats, Floats]:
    """The ridge's ends, each moved inward by `inset` of the ridge's length."""
    end1, end3 = corners[:, 1:3].mean(axis=1), corners[:, [3, 0]].mean(axis=1)
    step = (end3 - end1) * np.broadcast_to(np.asarray(inset, float), len(corners))[:, None]
    return _at(end1 + step, height), _at(end3 - step, height)


def _straight_walls(low: list[Floats], up: list[Floats]) -> list[list[Floats]]:
    return [[low[s], low[(s + 1) % 4], up[(s + 1) % 4], up[s]] for s in range(4)]


def _solid(low: list[Floats], walls: list[list[Floats]], roofs: list[list[Floats]], rows: Ints) -> Extrusion:
    pieces = [_polygons(low[::-1]), *map(_polygons, walls), *map(_polygons, roofs)]
    n = len(rows)
    return Extrusion(
        np.concatenate(pieces), np.tile(rows, len(pieces)), _kinds(n, n * len(walls), n * len(roofs))
    )


def _kinds(ground: int, walls: int, roofs: int) -> NDArray[np.object_]:
    names = np.array(["GroundSurface", "WallSurface", "RoofSurface"], object)
    return np.repeat(names, [ground, walls, roofs])


def _rings(corners: Floats, height: Floats) -> list[Floats]:
    return [_at(corners[:, corner], height) for corner in range(4)]


def _at(xy: Floats, height: Floats) -> Floats:
    return np.column_stack([xy, height])


def _polygons(corners: list[Floats]) -> NDArray[np.object_]:
    ring = np.stack([*corners, corners[0]], axis=1)
    return np.atleast_1d(shapely.polygons(ring))
