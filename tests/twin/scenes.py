"""Walls and slabs as triangles, for the tests of visibility."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from twin import District, visibility
from twin.terrain import Terrain

ORIGIN = np.array([683000.0, 5640000.0, 0.0])
FAR_M = 4000.0
Quad = Sequence[Sequence[float]]


def scene(*quads: Quad, **options: Any) -> visibility.Scene:
    """Obstacles from rectangles of four corners around `ORIGIN`, seen alike from both sides."""
    corners = np.array(quads, float).reshape(-1, 3)
    faces = [[4 * n + i for i in side] for n in range(len(quads)) for side in ((0, 1, 2), (0, 2, 3))]
    return visibility.scene(corners + ORIGIN, np.array(faces).reshape(-1, 3), origin=ORIGIN, **options)


def wall(x: float, height: float, *, base: float = 0.0) -> Quad:
    """A wall from south to north without end at `x`."""
    return ((x, -FAR_M, base), (x, FAR_M, base), (x, FAR_M, height), (x, -FAR_M, height))


def look(
    frame: visibility.Scene, points: Any, normals: Any = (0.0, 0.0, 1.0), **options: Any
) -> visibility.Visibility:
    """What points around `ORIGIN` see."""
    return visibility.of_points(np.atleast_2d(points) + ORIGIN, normals, frame, **options)


def flat(height_m: float = 0.0, size_m: float = 400.0, cell_m: float = 20.0) -> Terrain:
    """Level ground around `ORIGIN`."""
    count = int(size_m / cell_m)
    heights = np.full((count, count), height_m, np.float32)
    return Terrain(heights, ORIGIN[0] - size_m / 2, ORIGIN[1] + size_m / 2, cell_m)


def town(
    boxes: Sequence[tuple[float, float, float, float, float]],
    trees: Sequence[tuple[float, float, float, float, str]] = (),
    **options: Any,
) -> District:
    """Buildings (west, south, east, north, height) named b0, b1, …; trees (x, y, height, width, genus)."""
    buildings = gpd.GeoDataFrame(
        {
            "building_id": [f"b{number}" for number in range(len(boxes))],
            "measured_height_m": [box[4] for box in boxes],
            "ground_height_m": 0.0,
            "roof_type": "flat",
        },
        geometry=[shapely.box(*(np.array(box[:4]) + np.tile(ORIGIN[:2], 2))) for box in boxes],
        crs=25832,
    )
    tables: dict[str, Any] = {"buildings": buildings}
    if trees:
        tables["trees"] = gpd.GeoDataFrame(
            {
                "tree_id": [f"t{number}" for number in range(len(trees))],
                "height_m": [tree[2] for tree in trees],
                "crown_diameter_m": [tree[3] for tree in trees],
                "genus": [tree[4] for tree in trees],
            },
            geometry=[shapely.Point(*(np.array(tree[:2]) + ORIGIN[:2])) for tree in trees],
            crs=25832,
        )
    return District.from_tables("town", tables, **options)
