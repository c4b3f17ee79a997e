"""Terrain and ground image on disk: cloud-optimised GeoTIFF in EPSG:25832."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.shutil import copy as copy_raster
from rasterio.transform import from_bounds, from_origin

from twin import gdal
from twin.errors import DistrictError
from twin.terrain import Orthophoto, Terrain

NODATA = -9999.0


def write_terrain(terrain: Terrain, file: Path) -> None:
    """Heights as a cloud-optimised GeoTIFF, float32, lossless."""
    rows, columns = terrain.heights_m.shape
    profile = {
        "driver": "GTiff", "width": columns, "height": rows, "count": 1, "dtype": "float32",
        "crs": "EPSG:25832", "nodata": NODATA,
        "transform": from_origin(terrain.west_m, terrain.north_m, terrain.cell_m, terrain.cell_m),
    }  # fmt: skip
    options = {"driver": "COG", "compress": "DEFLATE", "predictor": "YES", "overviews": "AUTO"}
    _write_cog(file, profile, terrain.heights_m[np.newaxis], options)


def write_ortho(ortho: Orthophoto, file: Path) -> None:
    """Image as a cloud-optimised GeoTIFF, JPEG inside."""
    rows, columns, _ = ortho.pixels.shape
    profile = {
        "driver": "GTiff", "width": columns, "height": rows, "count": 3, "dtype": "uint8",
        "crs": "EPSG:25832", "transform": from_bounds(*ortho.bounds, columns, rows),
    }  # fmt: skip
    options = {"driver": "COG", "compress": "JPEG", "quality": 85, "overviews": "AUTO"}
    _write_cog(file, profile, np.moveaxis(ortho.pixels, 2, 0), options)


def _write_cog(
    file: Path, profile: dict[str, object], bands: np.ndarray, options: Mapping[str, object]
) -> None:
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as plain:
            plain.write(bands)
        with memory.open() as plain:
            copy_raster(plain, str(file), **options)


def read_terrain(file: Path) -> Terrain:
    """Read a terrain written by `write_terrain`."""
    try:
        with gdal.rasters(), rasterio.open(file.absolute(), driver="GTiff") as raster:
            heights = raster.read(1)
            transform = raster.transform
    except RasterioError as error:
        raise DistrictError(
            f"the terrain cannot be read: {error}", file, "Import the district again"
        ) from None
    return Terrain(heights.astype("float32"), transform.c, transform.f, transform.a)


def read_ortho(file: Path) -> Orthophoto:
    """Read an image written by `write_ortho`."""
    try:
        with gdal.rasters(), rasterio.open(file.absolute(), driver="GTiff") as raster:
            pixels = np.moveaxis(raster.read(), 0, 2)
            bounds = raster.bounds
    except RasterioError as error:
        raise DistrictError(f"the image cannot be read: {error}", file, "Import the district again") from None
    return Orthophoto(np.ascontiguousarray(pixels), (bounds.left, bounds.bottom, bounds.right, bounds.top))
