"""Orthophoto from GeoTIFF, JPEG 2000, or JPEG and PNG with a world file: one image in EPSG:25832."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject

from twin.errors import SourceError
from twin.schema import CRS
from twin.sources import rasterfiles
from twin.sources.archive import Member
from twin.sources.base import Finding, Progress, Provenance, SourceData, no_progress
from twin.sources.rasterfiles import PathLike
from twin.terrain import Orthophoto

LICENCE = "as the file's owner says"
TABLES = ("ortho",)
MAX_PIXELS = 8192
GROUND = (206, 210, 200)
"""Colour of what no tile covers: a quiet grey green."""
_IMAGES = ("tiff", "jpeg", "png", "jp2", "img")

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class _Tile:
    member: Member
    crs: pyproj.CRS
    transform: Affine
    placed: Affine
    bounds: tuple[float, float, float, float]


def read(
    paths: PathLike | Iterable[PathLike],
    *,
    crs: str | None = None,
    max_pixels: int = MAX_PIXELS,
    progress: Progress = no_progress,
) -> SourceData:
    """One ground image from one or more files, folders or archives.

    Parameters
    ----------
    crs : for images whose file names none (a world file never does).
    max_pixels : longest side; what is larger is averaged down.

    Returns
    -------
    SourceData with `ortho`; what no tile covers is coloured `GROUND`, its share a finding.

    Raises
    ------
    SourceError : no image in the files, unreadable, no place on the ground, or no CRS.
    """
    listed = rasterfiles.members(paths)
    chosen = [member for member in listed if rasterfiles.kind(member.head(64)) in _IMAGES]
    if not chosen:
        where = ", ".join(sorted({member.path.name for member in listed})) or "the folder"
        raise SourceError("there is no image in it", where, "Pass GeoTIFF, or JPEG or PNG with a world file")
    tiles = [_tile(member, crs) for member in chosen]
    west, south, east, north = rasterfiles.union([tile.bounds for tile in tiles])
    pixel = min(min(abs(tile.placed.a), abs(tile.placed.e)) for tile in tiles)
    pixel = max(pixel, (east - west) / max_pixels, (north - south) / max_pixels)
    columns = max(1, min(max_pixels, round((east - west) / pixel)))
    rows = max(1, min(max_pixels, round((north - south) / pixel)))
    target = Affine((east - west) / columns, 0, west, 0, (south - north) / rows, north)
    image = np.empty((3, rows, columns), np.uint8)
    image[:] = np.array(GROUND, np.uint8)[:, None, None]
    covered = np.zeros((rows, columns), bool)
    for number, tile in enumerate(tiles):
        progress(f"orthophoto: {tile.member.stem}", number / len(tiles))
        _place(tile, image, covered, target)
    progress("orthophoto", 1.0)
    ortho = Orthophoto(np.ascontiguousarray(np.moveaxis(image, 0, 2)), (west, south, east, north))
    names = ", ".join(sorted({tile.member.path.name for tile in tiles}))
    findings = _gap_findings(covered, tiles[0].member.path.name)
    changes = f"resampled to {pixel:.2f} m"
    record = Provenance("ortho", "orthophoto", names, LICENCE, changes=changes)
    return SourceData(ortho=ortho, findings=findings, provenance=[record])


def _tile(member: Member, told: str | None) -> _Tile:
    with rasterfiles.opened(member) as raster:
        found = rasterfiles.crs_of(raster, told, member)
        transform = rasterfiles.without_zone(raster.transform, found)
        placed, shape = rasterfiles.in_district(transform, raster.shape, found, member.label)
        if np.dtype(raster.dtypes[0]).kind != "u":
            raise SourceError(
                f"the raster holds {raster.dtypes[0]}, no colours",
                member.label,
                "Pass heights with --terrain",
            )
    return _Tile(member, found, transform, placed, rasterfiles.box(placed, shape))


def _place(tile: _Tile, image: Bytes, covered: NDArray[np.bool_], target: Affine) -> None:
    """Draw the tile into `image` where nothing is drawn yet."""
    west, south, east, north = tile.bounds
    rows = _span((north - target.f) / target.e, (south - target.f) / target.e, covered.shape[0])
    columns = _span((west - target.c) / target.a, (east - target.c) / target.a, covered.shape[1])
    window = target @ Affine.translation(columns.start, rows.start)
    shape = covered[rows, columns].shape
    colours, alpha = np.zeros((3, *shape), np.uint8), np.zeros(shape, np.uint8)
    with rasterfiles.opened(tile.member) as raster:
        pixels, mask, transform = _decimated(raster, tile.transform, tile.placed, window)
    options = {"src_crs": tile.crs, "dst_crs": CRS, "src_transform": transform, "dst_transform": window}
    reproject(pixels, colours, resampling=Resampling.bilinear, **options)
    reproject(mask, alpha, resampling=Resampling.nearest, **options)
    free = (alpha > 0) & ~covered[rows, columns]
    image[:, rows, columns][:, free] = colours[:, free]
    covered[rows, columns] |= alpha > 0


def _span(start: float, stop: float, size: int) -> slice:
    first = min(max(int(np.floor(start + 1e-6)), 0), size - 1)
    return slice(first, max(min(int(np.ceil(stop - 1e-6)), size), first + 1))


def _decimated(
    raster: rasterio.DatasetReader, transform: Affine, placed: Affine, target: Affine
) -> tuple[Bytes, Bytes, Affine]:
    """Colours, mask and transform, read at about the target's resolution (overviews used)."""
    factor = max(1.0, min(target.a / abs(placed.a), abs(target.e / placed.e)))
    rows, columns = max(1, round(raster.height / factor)), max(1, round(raster.width / factor))
    palette = raster.colorinterp[0] == ColorInterp.palette
    method = Resampling.nearest if palette else Resampling.average
    bands = [1, 2, 3] if raster.count >= 3 else [1]
    values = raster.read(bands, out_shape=(len(bands), rows, columns), resampling=method)
    mask = raster.dataset_mask(out_shape=(rows, columns))
    if palette:
        table = np.zeros((256, 3), np.uint8)
        for index, colour in raster.colormap(1).items():
            table[index] = colour[:3]
        values = np.moveaxis(table[values[0]], 2, 0)
    elif len(bands) == 1:
        values = np.repeat(values, 3, axis=0)
    scale = Affine.scale(raster.width / columns, raster.height / rows)
    return _eight_bits(values), mask, transform @ scale


def _eight_bits(values: NDArray[np.unsignedinteger]) -> Bytes:
    """Colours of 10 to 16 bits as 8, by the fewest bits that hold the brightest."""
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values, np.uint8)
    bits = max(8, int(values.max()).bit_length())
    return (values >> (bits - 8)).astype(np.uint8)


def _gap_findings(covered: NDArray[np.bool_], file: str) -> list[Finding]:
    share = 100 * (1 - covered.mean())
    if share < 0.05:
        return []
    return [Finding("note", file, "orthophoto", f"{share:.1f} % of the image is covered by no tile")]
