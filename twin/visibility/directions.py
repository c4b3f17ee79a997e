"""Directions that rays are cast in: patches of the sky, positions of the sun, and the ground.

Vectors point east, north and up; azimuths count clockwise from north. Sky patches are those of P. R. Tregenza
(Subdivision of the sky hemisphere for luminance measurements, Lighting Research & Technology 19, 1987): 145,
or 577 when each is cut in four (C. F. Reinhart's subdivision, MF:2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from twin.errors import CallError

Floats = NDArray[np.float64]
ROWS = (30, 30, 24, 24, 18, 12, 6)  # patches in each row of 12°, from the horizon up; one more at the zenith
ROW_DEG = 12.0
SUBDIVISIONS = {145: 1, 577: 2}
OBLIQUITY_DEG = 23.44
SUN_STEP_DEG = 5.0
LOWEST_SUN_DEG = 1.0
GROUND_RAYS = 48
GROUPS = 16  # different rays per patch
_ACROSS = (1, 14, 10, 5, 12, 3, 8, 7, 4, 11, 0, 15, 6, 9, 13, 2)
_UP = (6, 9, 2, 13, 4, 11, 7, 8, 0, 15, 5, 10, 3, 12, 1, 14)
_TURN, _TURN_BY_GROUP = (
    0.7548776662466927,
    0.5698402909980532,
)  # of a circle: low discrepancy (plastic number)


@dataclass(frozen=True, eq=False)
class Patches:
    """Patches of the sky, from the horizon up.

    low_deg, high_deg : elevations.  west_deg, east_deg : azimuths; west may be negative.  shape (patch,)
    row : 0 at the horizon, shape (patch,).
    """

    low_deg: Floats
    high_deg: Floats
    west_deg: Floats
    east_deg: Floats
    row: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.low_deg)

    @property
    def solid_angle(self) -> Floats:
        """Shape (patch,); the sum is 2π. [sr]"""
        height = np.sin(np.radians(self.high_deg)) - np.sin(np.radians(self.low_deg))
        return np.asarray(np.radians(self.east_deg - self.west_deg) * height)

    @property
    def lowest(self) -> NDArray[np.bool_]:
        """Patches of the lowest 12°, shape (patch,)."""
        return self.high_deg <= ROW_DEG + 1e-9

    @property
    def azimuth_deg(self) -> Floats:
        """Azimuth of the middles, shape (patch,)."""
        return (self.west_deg + self.east_deg) / 2

    @property
    def middles(self) -> Floats:
        """Direction of each patch's middle, shape (patch, 3)."""
        middle = np.array([0.5])
        return self._at(middle, middle).reshape(-1, 3)

    @property
    def rays(self) -> Floats:
        """Sixteen directions in each patch, shape (16, patch, 3), evenly over azimuth and sine of elevation.

        In pairs on both sides of the middle and the first four in four quarters, so that few do well too.
        """
        return self._at((np.array(_ACROSS) + 0.5) / GROUPS, (np.array(_UP) + 0.5) / GROUPS)

    def _at(self, across: Floats, up: Floats) -> Floats:
        low, high = np.sin(np.radians(self.low_deg)), np.sin(np.radians(self.high_deg))
        elevation = np.degrees(np.arcsin(low + up[:, None] * (high - low)))
        return vectors(self.west_deg + across[:, None] * (self.east_deg - self.west_deg), elevation)


@lru_cache(maxsize=4)
def patches(count: int = 145) -> Patches:
    """The sky in 145 (Tregenza) or 577 patches (each but the zenith's cut in four).

    Raises
    ------
    CallError : another count.
    """
    if count not in SUBDIVISIONS:
        raise CallError(f"there is no sky of {count} patches", "visibility", "Take 145 or 577")
    cut = SUBDIVISIONS[count]
    number = np.append(np.repeat(ROWS, cut) * cut, 1)  # patches in each row; the zenith is one
    height = np.append(np.full(len(number) - 1, ROW_DEG / cut), 90.0 - ROW_DEG * len(ROWS))
    row = np.repeat(np.arange(len(number)), number)
    low = (np.cumsum(height) - height)[row]
    width = (360.0 / number)[row]
    west = (np.arange(count) - (np.cumsum(number) - number)[row] - 0.5) * width
    return Patches(low, low + height[row], west, west + width, row)


def vectors(azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> Floats:
    """Unit vectors (east, north, up), shape (…, 3)."""
    azimuth, elevation = np.broadcast_arrays(np.radians(azimuth_deg), np.radians(elevation_deg))
    level = np.cos(elevation)
    return np.stack([np.sin(azimuth) * level, np.cos(azimuth) * level, np.sin(elevation)], axis=-1)


def normals(tilt_deg: ArrayLike, azimuth_deg: ArrayLike) -> Floats:
    """Unit normals of planes, shape (…, 3); a level plane has any azimuth (also nan)."""
    tilt, azimuth = np.asarray(tilt_deg, float), np.nan_to_num(np.asarray(azimuth_deg, float))
    return vectors(azimuth, 90.0 - tilt)


def sun_grid(latitude: float, step_deg: float = SUN_STEP_DEG) -> Floats:
    """Positions that the sun takes in the course of the years at a latitude, shape (position, 3).

    A staggered grid over declination and hour angle, so that no position of the sun above 1° is further
    than about 0.6 steps from one of the grid. Lower suns belong to the nearest position of the grid.
    """
    rows = int(np.ceil(2 * OBLIQUITY_DEG / step_deg)) + 1
    columns = int(np.ceil(360.0 / step_deg))
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    declination = np.radians(-OBLIQUITY_DEG + row * 2 * OBLIQUITY_DEG / (rows - 1))
    hour = np.radians(-180.0 + (column + 0.5 * (row % 2)) * 360.0 / columns)
    phi = np.radians(latitude)
    up = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(hour)
    found = np.stack([-np.cos(declination) * np.sin(hour), north, up], axis=-1).reshape(-1, 3)
    above: Floats = found[found[:, 2] >= np.sin(np.radians(LOWEST_SUN_DEG))]
    return above


def nearest(directions: ArrayLike, grid: Floats) -> NDArray[np.intp]:
    """Row of the grid's direction nearest to each direction, shape (direction,)."""
    return np.asarray(cKDTree(grid).query(np.asarray(directions, float))[1], np.intp)


def turned(directions: Floats, angle_deg: float) -> Floats:
    """Directions turned clockwise about the vertical, shape (…, 3)."""
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    east, north = directions[..., 0], directions[..., 1]
    return np.stack([cos * east + sin * north, cos * north - sin * east, directions[..., 2]], axis=-1)


def ground_directions() -> Floats:
    """Directions over the lower half, evenly over the solid angle, shape (group, ray, 3)."""
    step = np.arange(GROUND_RAYS)
    down = -np.degrees(np.arcsin((step + 0.5) / GROUND_RAYS))
    azimuth = 360.0 * (step * _TURN + np.arange(GROUPS)[:, None] * _TURN_BY_GROUP)
    return vectors(azimuth, down)
