"""Raster files of any packing: found, opened safely by GDAL, and placed in EPSG:25832."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import Affine
from rasterio.warp import calculate_default_transform

from twin import gdal
from twin.errors import SourceError
from twin.schema import CRS
from twin.sources import archive
from twin.sources import crs as crs_names
from twin.sources.archive import Member
from twin.sources.xyz import FARTHEST

PathLike = str | os.PathLike[str]
# No driver that opens further files or addresses that a raster may name (VRT, WMS, ...).
_DRIVERS = {
    "tiff": "GTiff", "jpeg": "JPEG", "png": "PNG", "jp2": "JP2OpenJPEG", "img": "HFA", "asc": "AAIGrid",
}  # fmt: skip
_MAGIC = {
    b"II*\x00": "tiff", b"MM\x00*": "tiff", b"II+\x00": "tiff", b"MM\x00+": "tiff",
    b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n\x1a\n": "png", b"\x00\x00\x00\x0cjP  ": "jp2",
    b"EHFA_HEADER_TAG": "img",
}  # fmt: skip
_FAR = 5_000_000.0


def kind(head: bytes) -> str | None:
    """``tiff``, ``jpeg``, ``png``, ``jp2``, ``img`` or ``asc`` by the first bytes; None where it is none."""
    found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    if found is None and head[:200].lstrip().lower().startswith(b"ncols"):
        return "asc"
    return found


def members(paths: PathLike | Iterable[PathLike]) -> list[Member]:
    """All files in files, folders and archives.

    Raises
    ------
    SourceError : one is missing, empty, or an unsafe archive.
    """
    listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: list[Member] = []
    for path in map(Path, listed):
        if path.is_file() and path.stat().st_size == 0:
            raise SourceError("the file is empty", path, "Download or export it again")
        found += archive.members(path)
    return found


def gdal_name(member: Member) -> str:
    """What GDAL opens."""
    path = member.path.absolute()  # a bare name may read as an address: "zip:x"
    if member.name is not None:
        return f"/vsizip/{{{path}}}/{member.name}"
    return f"/vsigzip/{path}" if member.packed else str(path)


@contextmanager
def opened(member: Member) -> Iterator[rasterio.DatasetReader]:
    """The raster, opened with plain formats only; what goes wrong inside is said in one line.

    Raises
    ------
    SourceError : it cannot be opened or read, or is too large for the memory.
    """
    driver = _DRIVERS.get(kind(member.head(200)) or "", "GTiff")
    try:
        with warnings.catch_warnings(), gdal.rasters():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(gdal_name(member), driver=driver) as raster:
                _refuse_elsewhere(raster, member)
                try:
                    yield raster
                except MemoryError:
                    raise SourceError(
                        f"out of memory: the raster has {raster.width} by {raster.height} cells",
                        member.label,
                        "Pass smaller tiles, or use a machine with more memory; or export it again",
                    ) from None
    except RasterioError as error:
        cause = str(error.__cause__ or error).replace(gdal_name(member), member.label)
        raise SourceError(
            f"the raster cannot be read: {cause}", member.label, "Download or export it again"
        ) from None


def _refuse_elsewhere(raster: rasterio.DatasetReader, member: Member) -> None:
    """Overviews that a file names may be any file or address, opened by any driver."""
    if "OVERVIEW_FILE" in raster.tags(ns="OVERVIEWS"):
        raise SourceError(
            "the raster points to another file for its overviews",
            member.label,
            "Delete the .aux.xml beside it, or export it again with its overviews inside",
        )


def crs_of(raster: rasterio.DatasetReader, told: str | None, member: Member) -> pyproj.CRS:
    """The raster's CRS, else the one that the user names.

    Raises
    ------
    SourceError : it has no place on the ground, no CRS, or degrees where the CRS says metres.
    """
    transform = raster.transform
    if transform == Affine.identity() or not _has_area(transform, raster.shape):
        raise SourceError(
            "the raster has no place on the ground",
            member.label,
            "Put its world file beside it (.tfw, .jgw, .pgw) or pass a GeoTIFF",
        )
    found = crs_names.choose(raster.crs.to_wkt() if raster.crs else None, told, member.label)
    far = max(abs(transform.c), abs(transform.f), abs(transform.c + raster.width * transform.a))
    if found.is_projected and far <= 180:
        raise SourceError(
            f"the coordinates ({transform.c:.4f}, {transform.f:.4f}) are degrees, but "
            f"{crs_names.label(found)} is in metres",
            member.label,
            "Correct the CRS; that of degrees is EPSG:4326",
        )
    if found.is_geographic and far > 360:
        raise SourceError(
            f"the coordinates ({transform.c:.0f}, {transform.f:.0f}) are no degrees, but "
            f"{crs_names.label(found)} is in degrees",
            member.label,
            "Correct the CRS in the file, or export it again",
        )
    return found


def _has_area(transform: Affine, shape: tuple[int, int]) -> bool:
    """Whether cells differ in place: a damaged header may give them no size, or none beside the numbers'."""
    rows, columns = shape
    first = np.array(transform @ (0, 0))
    across, down = (np.array(transform @ corner) - first for corner in ((columns, 0), (0, rows)))
    near = np.abs([*first, *across, *down]).max() < FARTHEST
    return bool(near and across[0] * down[1] - across[1] * down[0])


def without_zone(transform: Affine, crs: pyproj.CRS) -> Affine:
    """UTM eastings without the zone that some states write in front of them (32682000 → 682000)."""
    zone = int(transform.c // 1_000_000)
    if crs.to_epsg() in (25831, 25832, 25833) and zone == int(str(crs.to_epsg())[-2:]):
        return Affine.translation(-zone * 1_000_000, 0) @ transform
    return transform


def in_district(
    transform: Affine, shape: tuple[int, int], crs: pyproj.CRS, where: str
) -> tuple[Affine, tuple[int, int]]:
    """Transform and shape that the raster has in EPSG:25832, north up.

    Raises
    ------
    SourceError : its place cannot be computed in EPSG:25832.
    """
    rows, columns = shape
    upright = transform.b == 0 and transform.d == 0 and transform.a > 0 and transform.e < 0
    if crs.to_epsg() == 25832 and upright:
        return transform, shape
    corners = np.array([transform @ corner for corner in ((0, 0), (columns, 0), (0, rows), (columns, rows))])
    (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
    try:
        moved, width, height = calculate_default_transform(crs, CRS, columns, rows, west, south, east, north)
    except (RasterioError, ValueError):
        moved, width, height = Affine.identity(), 0, 0
    if not width or not np.isfinite([moved.c, moved.f]).all() or abs(moved.c) > _FAR:
        raise SourceError(
            f"its place cannot be computed in {CRS} when read as {crs_names.label(crs)}",
            where,
            "Check the CRS",
        )
    return moved, (height, width)


def union(boxes: Sequence[tuple[float, float, float, float]]) -> tuple[float, float, float, float]:
    """West, south, east, north around all."""
    array: NDArray[np.float64] = np.array(boxes)
    west, south = array[:, :2].min(axis=0)
    east, north = array[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)


def box(transform: Affine, shape: tuple[int, int]) -> tuple[float, float, float, float]:
    """West, south, east, north of an upright raster."""
    rows, columns = shape
    return transform.c, transform.f + rows * transform.e, transform.c + columns * transform.a, transform.f
