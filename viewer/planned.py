"""A building that somebody plans: footprints of a layer of one's own, raised to a height, as obstacles."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from twin import mesh
from twin.errors import CallError
from twin.terrain import Terrain

MOST_POINTS = 2_000
HEIGHTS_M = (1.0, 300.0)
_FOOT_M = 2.0  # below the ground at its middle, so that no gap is seen on a slope


def mesh_beside(found: mesh.Mesh, plan: Mapping[str, Any], ground: Terrain) -> mesh.Mesh:
    """The triangles `found`, and behind them those of what is planned, which belong to no building.

    Parameters
    ----------
    plan : ``areas``, each a list of rings, the outer one first, of easting and northing; ``height_m`` of the
        flat roofs above the ground at the middle of each area.

    Raises
    ------
    CallError : no area, too many points, a height out of range, or a ring that is none.
    """
    height = float(plan["height_m"])
    if not HEIGHTS_M[0] <= height <= HEIGHTS_M[1]:
        raise CallError("a height is out of range", "planned building", "Give 1 to 300 m")
    faces = [face for area in _areas(plan["areas"]) for face in _prism(area, height, ground)]
    added = mesh.triangulate(faces, np.full(len(faces), -1))
    shift, polygon = len(found.vertices), (int(found.polygon.max()) + 1 if len(found.polygon) else 0)
    return mesh.Mesh(
        np.concatenate([found.vertices, added.vertices]),
        np.concatenate([found.normals, added.normals]),
        np.concatenate([found.faces, added.faces + shift]),
        np.concatenate([found.outline, added.outline + shift]),
        np.concatenate([found.polygon, added.polygon + polygon]),
        np.concatenate([found.building, added.building]),
    )


def _areas(given: Sequence[Sequence[Sequence[Sequence[float]]]]) -> list[shapely.Polygon]:
    if sum(len(ring) for rings in given for ring in rings) > MOST_POINTS:
        raise CallError("the plan has too many points", "planned building", f"Give {MOST_POINTS:,} at most")
    areas = []
    for outer, *holes in given:
        if any(len(ring) < 3 or not np.isfinite(np.asarray(ring, float)).all() for ring in (outer, *holes)):
            raise CallError("a ring has fewer than three points", "planned building")
        area = shapely.normalize(shapely.Polygon(outer, holes))
        if area.is_valid and area.area > 0:
            areas.append(area)
    if not areas:
        raise CallError("there is no area in the plan", "planned building", "Draw its footprint as a polygon")
    return areas


def _prism(area: shapely.Polygon, height_m: float, ground: Terrain) -> list[shapely.Polygon]:
    """Walls and roof."""
    middle = area.representative_point()
    level = float(np.atleast_1d(ground.sample([middle.x], [middle.y]))[0])
    low, high = level - _FOOT_M, level + height_m
    rings = [np.asarray(ring.coords)[:, :2] for ring in (area.exterior, *area.interiors)]
    walls = [
        shapely.Polygon([(*a, low), (*b, low), (*b, high), (*a, high)])
        for ring in rings
        for a, b in itertools.pairwise(ring)
    ]
    outer, *holes = (np.column_stack([ring, np.full(len(ring), high)]) for ring in rings)
    return [*walls, shapely.Polygon(outer, holes)]
