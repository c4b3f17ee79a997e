"""What the top storey sees through chosen walls: the foot of a wall is shaded far more than its top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin import mesh
from twin.mesh import Mesh
from twin.sources.base import Progress
from twin.visibility import samples as sampling
from twin.visibility.district import looked
from twin.visibility.result import Visibility
from twin.visibility.samples import Samples
from twin.visibility.scene import of_district as scene_of_district

if TYPE_CHECKING:
    from twin.district import District

_MOST = 4  # samples of a wall


def of_top_storey(
    district: District,
    rows: ArrayLike,
    below_m: float,
    *,
    sky_patches: int = 145,
    progress: Progress | None = None,
) -> Visibility:
    """What walls see at their upper edge, with all solids, trees and the terrain in the way.

    Parameters
    ----------
    rows : of `district.surfaces`, one or more times each, shape (wall,).
    below_m : height under a wall's highest point in which the samples lie, side by side. [m]
    sky_patches : 145 or 577.

    Returns
    -------
    Visibility, in the order of `rows`; `exposed` is 0 where a wall has no shape, or something stands against
    it up there.
    """
    chosen = np.asarray(rows, np.intp)
    frame, triangles = scene_of_district(district), mesh.of_district(district)
    once, back = np.unique(chosen, return_inverse=True)
    found = sampling.on_surfaces(triangles, once, frame, district.terrain)
    found = _raised(found, triangles, once, below_m, float(frame.origin[2]))
    normal_of = triangles.normals[triangles.faces[:, 0]]
    found = found.take(~sampling.covered(found, frame, normal_of))
    seen = looked(frame, found, found.bits(), sky_patches, False, progress=progress)
    return seen.take(back.reshape(-1))


def _raised(
    samples: Samples, triangles: Mesh, rows: NDArray[np.intp], below_m: float, base_m: float
) -> Samples:
    """At most four samples of each surface, lifted to `below_m` under its highest point."""
    every = -(-samples.count() // _MOST)[samples.surface]
    few = samples.take(samples.number % np.maximum(every, 1) == 0)
    top = np.full(int(max(triangles.polygon.max(initial=-1), rows.max(initial=-1))) + 1, -np.inf)
    np.maximum.at(top, triangles.polygon, triangles.vertices[:, 2])
    position = few.position.copy()
    height = (top[rows] - base_m - below_m)[few.surface]
    position[:, 2] = np.maximum(position[:, 2], height.astype(np.float32))
    return Samples(position, few.surface, few.number, few.normal)
