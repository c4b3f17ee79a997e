"""Which cells of an earlier visibility a change of buildings or trees can touch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.compute import compiled
from twin.mesh import Mesh
from twin.visibility.crowns import Crowns
from twin.visibility.directions import Patches, ground_directions
from twin.visibility.samples import Samples

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
State = tuple[Mesh, pd.DataFrame, NDArray[np.object_], Crowns, Floats]
"""Mesh, surfaces, digest of each surface's shape, crowns, and the frame's origin."""
_SLIDE_DEG = 5.0  # a sun just behind a plane is cast along it: up to this far from its own direction


def changed_obstacles(before: State, after: State) -> Floats:
    """Spheres around every building and crown that is only in one of two states or differs.

    Shape (sphere, 4): centre in the frame and radius. [m]
    """
    one, two = (_by_building(surfaces, digest) for _, surfaces, digest, _, _ in (before, after))
    both = one.index.intersection(two.index)
    same = both[(one[both] == two[both]).to_numpy(bool)] if len(both) else both
    spheres = [_spheres(state, same) for state in (before, after)]
    crowns_before, crowns_after = (_crown_rows(state[3]) for state in (before, after))
    for mine, others in ((crowns_before, crowns_after), (crowns_after, crowns_before)):
        gone = [np.frombuffer(row, float) for row in mine - others]
        if gone:
            body = np.array(gone)
            spheres.append(np.column_stack([body[:, :3], body[:, 3:5].max(axis=1)]))
    return np.concatenate(spheres)


def cells_in_sight(
    spheres: Floats, samples: Samples, patches: Patches, suns: Floats
) -> tuple[Bools, Bools, Bools]:
    """Cells with a ray that may pass a sphere: of sky, ground and sun.

    Shapes (patch, surface), (surface,) and (position, surface).

    Too many rather than too few: the samples of a surface are taken as a ball, and the sphere grown by it.
    """
    count = len(samples.normal)
    middle, radius = _balls(samples, count)
    rays = patches.rays
    sky = np.zeros((len(patches), count), bool)
    sun = np.zeros((len(suns), count), bool)
    below = np.zeros((1, count), bool)
    down = ground_directions().reshape(1, -1, 3)
    for ways, pad, cells in (
        (np.ascontiguousarray(rays.transpose(1, 0, 2)), 0.0, sky),
        (np.ascontiguousarray(down), 0.0, below),
        (np.ascontiguousarray(suns[:, None, :]), np.radians(_SLIDE_DEG), sun),
    ):
        _mark(ways, middle, radius, spheres, pad, cells)
    return sky, below[0], sun


def _cones(ways: Any, middle: Any, radius: Any, spheres: Any, pad: float, cells: Any) -> None:
    """Mark cells with a direction inside the cone from the surface's middle around a grown sphere."""
    for of in range(len(middle)):
        if radius[of] < 0:
            continue
        for one in range(len(spheres)):
            x, y = spheres[one, 0] - middle[of, 0], spheres[one, 1] - middle[of, 1]
            z = spheres[one, 2] - middle[of, 2]
            reach = spheres[one, 3] + radius[of]
            away = np.sqrt(x * x + y * y + z * z)
            least = -1e30
            if away > reach:
                angle = np.arcsin(reach / away) + pad + 1e-4
                least = away * np.cos(min(angle, np.pi))
            for cell in range(ways.shape[0]):
                if cells[cell, of]:
                    continue
                for ray in range(ways.shape[1]):
                    if ways[cell, ray, 0] * x + ways[cell, ray, 1] * y + ways[cell, ray, 2] * z >= least:
                        cells[cell, of] = True
                        break


_mark = compiled(_cones)


def _balls(samples: Samples, count: int) -> tuple[Floats, Floats]:
    """Middle and radius of each surface's samples; radius -1 without any."""
    number = np.bincount(samples.surface, minlength=count)
    place = samples.position.astype(float)
    total = np.column_stack([np.bincount(samples.surface, place[:, axis], count) for axis in range(3)])
    middle = total / np.maximum(number, 1)[:, None]
    away = np.linalg.norm(place - middle[samples.surface], axis=1)
    radius = np.where(number > 0, 0.0, -1.0)
    np.maximum.at(radius, samples.surface, away + 0.01)
    return middle, radius


def _by_building(surfaces: pd.DataFrame, digest: NDArray[np.object_]) -> pd.Series:
    """All shapes of each building as one text, index building_id."""
    shapes = pd.Series(digest, index=surfaces["building_id"].to_numpy(object)).sort_values(kind="stable")
    return shapes.groupby(level=0, sort=True).agg("".join)


def _spheres(state: State, same: pd.Index) -> Floats:
    mesh, surfaces, _, _, origin = state
    changed = ~surfaces["building_id"].isin(same).to_numpy(bool)
    chosen = changed[mesh.polygon] if len(mesh.polygon) else np.zeros(0, bool)
    if not chosen.any():
        return np.zeros((0, 4))
    points = pd.DataFrame(mesh.vertices[chosen] - origin)
    groups = points.groupby(mesh.building[chosen])
    low, high = groups.min().to_numpy(), groups.max().to_numpy()
    return np.column_stack([(low + high) / 2, np.linalg.norm(high - low, axis=1) / 2])


def _crown_rows(crowns: Crowns) -> set[bytes]:
    rows = np.column_stack([crowns.shape, crowns.evergreen.astype(float)])
    return {row.tobytes() for row in rows}
