"""Footprints out of the polygons of 3D buildings, all at once."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.sources.store import FOOTPRINT, TYPE_NUMBER, Arrays

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

WALL_SINE = np.sin(np.radians(10))
"""Surfaces within 10° of the vertical are walls."""
GRID_M = 0.001
"""Footprints made of several polygons are joined on this grid, which closes seams of rounding. [m]"""
SMALL_M2 = 0.01
"""Footprints up to this size are none. [m²]"""


def outlines(
    shapes: NDArray[np.object_], polygons: Arrays, normal: Floats, owner: Ints, count: int
) -> tuple[NDArray[np.object_], Bools]:
    """Footprint of each owner (building or part) and whether a repair was needed.

    The union of the ground surfaces; where there are none, of outlines (LoD0); else of all that is no wall.

    Parameters
    ----------
    shapes, owner : of each polygon; owner -1 for none.
    """
    size = np.linalg.norm(normal, axis=1)
    lying = np.abs(normal[:, 2]) > WALL_SINE * size
    result = np.full(count, None, object)
    repaired = np.zeros(count, bool)
    open_ = np.ones(count, bool)
    ground = polygons.type == TYPE_NUMBER["GroundSurface"]
    outline = polygons.type == FOOTPRINT
    for mask, stated in ((ground, True), (outline, True), (lying & ~ground, False)):
        chosen = np.flatnonzero(mask & (owner >= 0) & open_[owner])
        if not len(chosen):
            continue
        flat = shapely.force_2d(shapes[chosen])
        bad = ~shapely.is_valid(flat)
        flat[bad] = shapely.make_valid(flat[bad], method="structure", keep_collapsed=False)
        repaired[owner[chosen[bad]]] |= stated
        joined = _joined(flat, owner[chosen], count)
        found = shapely.area(joined) > SMALL_M2
        result[found] = joined[found]
        repaired |= open_ & ~found & (np.bincount(owner[chosen], minlength=count) > 0)
        open_ &= ~found
    return result, repaired & ~shapely.is_missing(result)


def _joined(flat: NDArray[np.object_], owner: Ints, count: int) -> NDArray[np.object_]:
    """Union of the polygons of each owner; None where it has none."""
    result = np.full(count, None, object)
    parts, index = shapely.get_parts(flat, return_index=True)
    owner = owner[index]
    keep = shapely.area(parts) > 0
    parts, owner = parts[keep], owner[keep]
    number = np.bincount(owner, minlength=count)
    single = number[owner] == 1
    result[owner[single]] = parts[single]
    if not single.all():
        several, where = parts[~single], owner[~single]
        order = np.argsort(where, kind="stable")
        rows, index = np.unique(where[order], return_inverse=True)
        groups = shapely.multipolygons(several[order], indices=index)
        result[rows] = shapely.union_all(groups[:, np.newaxis], grid_size=GRID_M, axis=1)
    return result
