"""What is seen from where: lines of sight, the ground in view of a point, and a view all around.

Solids and the relief block; crowns of trees dim, each season by its own share. Rays keep `_CLEARANCE_M` from
both ends, so that a point on a facade or on the ground is not hidden by what it lies on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.errors import CallError
from twin.terrain import Terrain
from twin.visibility.crowns import light
from twin.visibility.directions import vectors
from twin.visibility.scene import Scene, coarse_relief

Floats = NDArray[np.float64]
_CLEARANCE_M = 0.05
SKY, LAND, SOLID = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Sightlines:
    """Lines from eyes to targets; all arrays of shape (line,) but `light`.

    length_m : from eye to target.  free_m : from the eye to the first solid or relief, at most `length_m`.
    triangle : number of the scene's triangle that blocks, or -1; below `Scene.solids` it is a solid.
    light : what the crowns between the eye and there let through in winter and summer, shape (2, line).
    """

    length_m: Floats
    free_m: Floats
    triangle: NDArray[np.int32]
    light: Floats

    @property
    def clear(self) -> NDArray[np.bool_]:
        """Whether no solid and no relief stands between eye and target, shape (line,)."""
        return np.asarray(self.triangle < 0)


def sightlines(frame: Scene, eyes: ArrayLike, targets: ArrayLike) -> Sightlines:
    """Lines from each eye to its target.

    eyes, targets : easting, northing, height in the district's frame, shape (line, 3), or (3,) for all. [m]

    Raises
    ------
    CallError : where an eye or a target is no number.
    """
    start, end = np.broadcast_arrays(*(np.atleast_2d(frame.local(points)) for points in (eyes, targets)))
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        raise CallError(
            "lines of sight: a point is not finite; give easting, northing and height as numbers, EPSG:25832"
        )
    way = end - start
    length = np.linalg.norm(way, axis=1)
    unit = way / np.maximum(length, 1e-12)[:, None]
    gap = np.minimum(_CLEARANCE_M, length / 2)
    origins = (start + unit * gap[:, None]).astype(np.float32)
    singles = unit.astype(np.float32)
    reach, triangle = frame.reach(origins, singles, np.maximum(length - 2 * gap, 1e-6))
    free = np.where(triangle < 0, length, reach + gap)
    passed = light(frame.crowns, origins, singles, free - gap) if len(unit) else np.ones((2, 0))
    return Sightlines(length, free, triangle, passed)


def viewshed(
    frame: Scene, eye: ArrayLike, terrain: Terrain, *, cell_m: float = 5.0, above_m: float = 0.0
) -> tuple[Terrain, Sightlines]:
    """The part of the ground, or of what stands `above_m` over it, that an eye sees.

    Parameters
    ----------
    eye : easting, northing, height, shape (3,). [m]
    terrain : the ground; its extent is what is looked at.
    cell_m : of the raster that results.
    above_m : height over ground of what is looked for: 1.6 for the face of a person. [m]

    Returns the raster whose cells are 1 where seen and 0 where hidden (as ground under a building is), and
    the lines to the cells in its order, row by row from the north.

    Raises
    ------
    CallError : where the eye is no number or `cell_m` is not positive.
    """
    if not cell_m > 0:
        raise CallError(f"viewshed: cell_m is {cell_m:g}; give the size of a cell in metres, such as 5")
    west, south, east, north = terrain.bounds
    rows, columns = (max(1, round(size / cell_m)) for size in (north - south, east - west))
    x = np.tile(west + (np.arange(columns) + 0.5) * cell_m, rows)
    y = np.repeat(north - (np.arange(rows) + 0.5) * cell_m, columns)
    # The relief that blocks is coarser than the terrain: what it buries is taken to lie on it
    ground = np.fmax(terrain.sample(x, y), coarse_relief(terrain).sample(x, y))
    lines = sightlines(frame, eye, np.column_stack([x, y, np.nan_to_num(ground) + above_m]))
    seen = (lines.clear & np.isfinite(ground)).reshape(rows, columns).astype(np.float32)
    return Terrain(seen, west, north, cell_m), lines


@dataclass(frozen=True, eq=False)
class Panorama:
    """A view all around from one eye, in cells of equal solid angle, shape (elevation, azimuth).

    kind : SKY, LAND (relief, or beyond the model below the horizon) or SOLID (buildings).
    distance_m : to what is seen there; infinite for the sky and beyond the model.
    light : what crowns let through in winter and summer, shape (2, elevation, azimuth).
    """

    kind: NDArray[np.uint8]
    distance_m: Floats
    light: Floats

    @property
    def cell_sr(self) -> float:
        """Solid angle of each cell. [sr]"""
        return float(4 * np.pi / self.kind.size)

    def solid_angle_sr(self, kind: int) -> float:
        """Solid angle in which SKY, LAND or SOLID is seen; all three make 4 π. [sr]"""
        return float(np.count_nonzero(self.kind == kind) * self.cell_sr)


def panorama(frame: Scene, eye: ArrayLike, *, step_deg: float = 1.0) -> Panorama:
    """The view from an eye: easting, northing, height, shape (3,). [m]

    step_deg : of azimuth; elevations are as many as make the cells square on the horizon.

    Raises
    ------
    CallError : where the eye is no number or the step does not lie within 0.05° to 30°.
    """
    if not 0.05 <= step_deg <= 30:
        raise CallError(f"panorama: step_deg is {step_deg:g}; give 0.05 to 30 degrees")
    place = np.asarray(eye, float).reshape(-1)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise CallError("panorama: give the eye's easting, northing and height as three numbers, EPSG:25832")
    turns = round(360 / step_deg)
    levels = 2 * max(1, round(1 / np.radians(step_deg)))
    sine = -1 + (np.arange(levels) + 0.5) * 2 / levels  # equal steps of the sine: equal solid angles
    azimuth = (np.arange(turns) + 0.5) * 360 / turns
    ways = vectors(np.tile(azimuth, levels), np.repeat(np.degrees(np.arcsin(sine)), turns))
    origins = np.tile(frame.local(place), (len(ways), 1)).astype(np.float32)
    singles = ways.astype(np.float32)
    distance, triangle = frame.reach(origins, singles)
    land = (triangle >= frame.solids) | ((triangle < 0) & ((ways[:, 2] < 0) | frame.below_horizon(ways)))
    kind = np.where((triangle >= 0) & (triangle < frame.solids), SOLID, np.where(land, LAND, SKY))
    passed = light(frame.crowns, origins, singles, np.minimum(distance, 1e9))
    shape = (levels, turns)
    return Panorama(kind.astype(np.uint8).reshape(shape), distance.reshape(shape), passed.reshape(2, *shape))


def taken(before: Panorama, after: Panorama) -> dict[str, float]:
    """What a change takes from a view, by what was seen there before: ``sky_sr`` and ``land_sr``.

    Where a building was seen before it takes nothing: another building hides no view. [sr]

    Raises
    ------
    CallError : where the two views are not of one size.
    """
    if before.kind.shape != after.kind.shape:
        raise CallError("views of two sizes cannot be compared: make both with the same step_deg")
    hidden = (after.kind == SOLID) & (before.kind != SOLID)
    return {
        name: float(np.count_nonzero(hidden & (before.kind == kind)) * before.cell_sr)
        for name, kind in (("sky_sr", SKY), ("land_sr", LAND))
    }
