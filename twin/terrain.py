"""Rasters of the district: the terrain's heights and the ground image, in EPSG:25832 (heights DHHN2016)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Terrain:
    """Heights at the centres of square cells, north at row 0.

    heights_m : float32, shape (rows, columns); no gaps.
    west_m, north_m : outer edge of the upper left cell, EPSG:25832.
    cell_m : size of a cell.
    """

    heights_m: NDArray[np.float32]
    west_m: float
    north_m: float
    cell_m: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north. [m]"""
        rows, columns = self.heights_m.shape
        return (
            self.west_m,
            self.north_m - rows * self.cell_m,
            self.west_m + columns * self.cell_m,
            self.north_m,
        )

    def sample(self, x_m: ArrayLike, y_m: ArrayLike) -> NDArray[np.float64]:
        """Height at points, bilinear between cell centres; nan outside the raster. [m]"""
        x, y = np.asarray(x_m, float), np.asarray(y_m, float)
        rows, columns = self.heights_m.shape
        west, south, east, north = self.bounds
        column = np.clip((x - self.west_m) / self.cell_m - 0.5, 0, columns - 1)
        row = np.clip((self.north_m - y) / self.cell_m - 0.5, 0, rows - 1)
        inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        c0 = np.minimum(np.nan_to_num(column).astype(int), max(columns - 2, 0))
        r0 = np.minimum(np.nan_to_num(row).astype(int), max(rows - 2, 0))
        c1, r1 = np.minimum(c0 + 1, columns - 1), np.minimum(r0 + 1, rows - 1)
        fc, fr = column - c0, row - r0
        h = self.heights_m
        upper = h[r0, c0] * (1 - fc) + h[r0, c1] * fc
        lower = h[r1, c0] * (1 - fc) + h[r1, c1] * fc
        return np.where(inside, upper * (1 - fr) + lower * fr, np.nan)


@dataclass(frozen=True)
class Orthophoto:
    """Ground image: uint8, shape (rows, columns, 3), north at row 0; cells may be oblong.

    bounds : west, south, east, north of the outer edges, EPSG:25832. [m]
    """

    pixels: NDArray[np.uint8]
    bounds: tuple[float, float, float, float]
