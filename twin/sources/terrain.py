"""Terrain from GeoTIFF and XYZ tiles: one raster of heights without gaps in EPSG:25832.

Tiles on one grid are copied, others resampled (bilinear, or means where the target is coarser).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject

from twin.errors import SourceError
from twin.schema import CRS
from twin.sources import crs as crs_names
from twin.sources import gaps, rasterfiles, xyz
from twin.sources.archive import Member
from twin.sources.base import Finding, Progress, Provenance, SourceData, no_progress
from twin.sources.rasterfiles import PathLike
from twin.terrain import Terrain

LICENCE = "as the file's owner says"
TABLES = ("terrain",)
NODATA = -9999.0
MAX_CELLS = 64_000_000
_PLAUSIBLE_M = (-500.0, 9000.0)
_ALIGNED = 0.01  # part of a cell
_RASTERS = ("tiff", "asc", "img")

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Tile:
    """One file: where it lies in its own CRS and in EPSG:25832; XYZ with its heights, a raster without."""

    member: Member
    crs: pyproj.CRS
    transform: Affine
    placed: Affine
    placed_shape: tuple[int, int]
    heights: Floats | None = None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        return rasterfiles.box(self.placed, self.placed_shape)

    @property
    def cell_m(self) -> float:
        return float(min(abs(self.placed.a), abs(self.placed.e)))


def read(
    paths: PathLike | Iterable[PathLike],
    *,
    crs: str | None = None,
    max_cells: int = MAX_CELLS,
    progress: Progress = no_progress,
) -> SourceData:
    """One terrain from one or more files, folders or archives.

    Understood: GeoTIFF, ASCII grid, and text with x, y, z on a regular grid (any separator and order); of a
    tile that stands there as GeoTIFF and as text, the GeoTIFF is taken. Tiles of several cell sizes are
    resampled to the finest; NoData and gaps between tiles are interpolated.

    Parameters
    ----------
    crs : for files that name none (text never does).
    max_cells : beyond, the cells are made larger.

    Returns
    -------
    SourceData with `terrain`; the share of interpolated cells as a finding.

    Raises
    ------
    SourceError : no terrain in the files, unreadable, no CRS, no regular grid, or no heights.
    """
    tiles = []
    chosen = _chosen(rasterfiles.members(paths))
    for number, (member, form) in enumerate(chosen):
        progress(f"terrain: {member.stem}", 0.5 * number / len(chosen))
        tiles.append(_raster_tile(member, crs) if form is None else _text_tile(member, form, crs))
    west, north, cell, rows, columns, findings = _common_grid(tiles, max_cells)
    heights = np.full((rows, columns), np.nan, np.float32)
    for number, tile in enumerate(tiles):
        progress(f"terrain: {tile.member.stem}", 0.5 + 0.4 * number / len(tiles))
        _place(tile, heights, Affine(cell, 0, west, 0, -cell, north))
    findings += _gap_findings(heights, tiles)
    progress("terrain: gaps", 0.9)
    terrain = Terrain(gaps.fill(heights), west, north, cell)
    names = sorted({tile.member.path.name for tile in tiles})
    changes = "; ".join(finding.message for finding in findings)
    record = Provenance("terrain", "terrain", ", ".join(names), LICENCE, changes=changes)
    progress("terrain", 1.0)
    return SourceData(terrain=terrain, findings=findings, provenance=[record])


def _chosen(members: list[Member]) -> list[tuple[Member, xyz.Format | None]]:
    """The members with terrain, text ones with their format; of twins the GeoTIFF."""
    rasters: list[tuple[Member, xyz.Format | None]] = []
    texts: list[tuple[Member, xyz.Format | None]] = []
    for member in members:
        head = member.head(8192)
        if rasterfiles.kind(head) in _RASTERS:
            rasters.append((member, None))
        elif (form := xyz.sniff(head)) is not None:
            texts.append((member, form))
    twins = {member.stem.lower() for member, _ in rasters}
    found = rasters + [(member, form) for member, form in texts if member.stem.lower() not in twins]
    if not found:
        where = ", ".join(sorted({member.path.name for member in members})) or "the folder"
        raise SourceError("there is no terrain in it", where, "Pass GeoTIFF or XYZ (also zipped)")
    return found


def _raster_tile(member: Member, told: str | None) -> _Tile:
    with rasterfiles.opened(member) as raster:
        found = rasterfiles.crs_of(raster, told, member)
        if raster.count != 1 or np.dtype(raster.dtypes[0]).kind not in "fiu":
            raise SourceError(
                f"the raster has {raster.count} bands of {raster.dtypes[0]}, not one of heights",
                member.label,
                "Pass an image with --ortho",
            )
        transform = rasterfiles.without_zone(raster.transform, found)
        placed, shape = rasterfiles.in_district(transform, raster.shape, found, member.label)
    return _Tile(member, found, transform, placed, shape)


def _text_tile(member: Member, form: xyz.Format, told: str | None) -> _Tile:
    found = crs_names.choose(None, told, member.label)
    grid, points = xyz.survey(member, form, digits=2 if found.is_projected else 9)
    if found.is_projected and max(abs(grid.west), abs(grid.north)) <= 180:
        raise SourceError(
            f"the coordinates ({grid.west:.4f}, {grid.north:.4f}) are degrees, but "
            f"{crs_names.label(found)} is in metres",
            member.label,
            "Name the CRS of the coordinates with --crs, for degrees EPSG:4326",
        )
    blocks = xyz.chunks(member, form) if points is None else [points]
    heights = _plausible(xyz.rasterise(blocks, grid))
    transform = Affine(grid.cell_x, 0, grid.west, 0, -grid.cell_y, grid.north)
    transform = rasterfiles.without_zone(transform, found)
    placed, shape = rasterfiles.in_district(transform, heights.shape, found, member.label)
    return _Tile(member, found, transform, placed, shape, heights)


def _common_grid(tiles: list[_Tile], max_cells: int) -> tuple[float, float, float, int, int, list[Finding]]:
    """West, north, cell, rows and columns around all tiles, on the grid of the first of the finest."""
    anchor = min(tiles, key=lambda tile: round(tile.cell_m, 6))
    cell = round(anchor.cell_m, 9)
    findings = []
    cells = {round(tile.cell_m, 3) for tile in tiles}
    if len(cells) > 1:
        sizes = ", ".join(f"{size:g} m" for size in sorted(cells))
        text = f"tiles with cells of {sizes} were resampled to {cell:g} m"
        findings.append(Finding("note", anchor.member.path.name, "terrain", text))
    west, south, east, north = rasterfiles.union([tile.bounds for tile in tiles])
    if (factor := math.ceil(math.sqrt((east - west) * (north - south) / cell**2 / max_cells))) > 1:
        cell *= factor
        text = f"the terrain is large: cells were made {cell:g} m"
        findings.append(Finding("note", anchor.member.path.name, "terrain", text))
    west = anchor.bounds[0] - math.ceil((anchor.bounds[0] - west) / cell - _ALIGNED) * cell
    north = anchor.bounds[3] + math.ceil((north - anchor.bounds[3]) / cell - _ALIGNED) * cell
    columns = max(1, math.ceil((east - west) / cell - _ALIGNED))
    rows = max(1, math.ceil((north - south) / cell - _ALIGNED))
    return west, north, cell, rows, columns, findings


def _place(tile: _Tile, heights: Floats, target: Affine) -> None:
    """Write the tile's heights into `heights` where nothing stands yet."""
    west, south, east, north = tile.bounds
    r0, c0 = (north - target.f) / target.e, (west - target.c) / target.a
    r1, c1 = (south - target.f) / target.e, (east - target.c) / target.a
    same_cell = abs(tile.placed.a - target.a) + abs(tile.placed.e - target.e) < 1e-6 * target.a
    aligned = same_cell and abs(r0 - round(r0)) < _ALIGNED and abs(c0 - round(c0)) < _ALIGNED
    rows = slice(*_clip(r0, r1, heights.shape[0], aligned))
    columns = slice(*_clip(c0, c1, heights.shape[1], aligned))
    here = heights[rows, columns]
    if not here.size:
        return
    if aligned and tile.transform == tile.placed:
        found = _own_heights(tile)[: here.shape[0], : here.shape[1]]
    else:
        window = target @ Affine.translation(columns.start, rows.start)
        found = _resampled(tile, here.shape, window)
    free = np.isnan(here)
    here[free] = found[free]


def _clip(start: float, stop: float, size: int, aligned: bool) -> tuple[int, int]:
    first = round(start) if aligned else math.floor(start + _ALIGNED)
    last = round(stop) if aligned else math.ceil(stop - _ALIGNED)
    return max(first, 0), min(last, size)


def _own_heights(tile: _Tile) -> Floats:
    if tile.heights is not None:
        return tile.heights
    with rasterfiles.opened(tile.member) as raster:
        values = raster.read(1).astype(np.float32)
        return _scaled(np.where(_is_nodata(values, raster.nodata), np.nan, values), raster)


def _resampled(tile: _Tile, shape: tuple[int, int], target: Affine) -> Floats:
    """The tile's heights on the cells of `target`."""
    out = np.full(shape, np.nan, np.float32)
    coarser = target.a > 1.5 * tile.cell_m
    method = Resampling.average if coarser else Resampling.bilinear
    options = {
        "src_transform": tile.transform, "src_crs": tile.crs, "dst_transform": target, "dst_crs": CRS,
        "dst_nodata": np.nan, "resampling": method,
    }  # fmt: skip
    if tile.heights is not None:
        reproject(tile.heights, out, src_nodata=np.nan, **options)
        return out
    with rasterfiles.opened(tile.member) as raster:
        nodata = NODATA if raster.nodata is None else raster.nodata
        reproject(rasterio.band(raster, 1), out, src_nodata=nodata, **options)
        return _scaled(out, raster)


def _scaled(values: Floats, raster: rasterio.DatasetReader) -> Floats:
    """Metres of stored values (scale and offset of the file), nan for what cannot be a height."""
    return _plausible((values * raster.scales[0] + raster.offsets[0]).astype(np.float32))


def _is_nodata(values: Floats, nodata: float | None) -> NDArray[np.bool_]:
    told = NODATA if nodata is None else nodata
    found: NDArray[np.bool_] = np.isclose(values, told) | (values == np.float32(NODATA))
    return found


def _plausible(values: Floats) -> Floats:
    low, high = _PLAUSIBLE_M
    with np.errstate(invalid="ignore"):
        return np.where((values >= low) & (values <= high), values, np.float32(np.nan))


def _gap_findings(heights: Floats, tiles: list[_Tile]) -> list[Finding]:
    """How much of the raster is about to be interpolated.

    Raises
    ------
    SourceError : there is no height at all.
    """
    missing = int(np.isnan(heights).sum())
    file = tiles[0].member.path.name
    if missing == heights.size:
        raise SourceError("there are no heights in it, only NoData", file, "Check the file")
    if not missing:
        return []
    share = 100 * missing / heights.size
    said = f"{share:.1f} % of the cells" if share >= 0.1 else f"{missing} cells"
    text = f"{said} of the terrain had no height (NoData or between tiles) and were interpolated"
    return [Finding("repaired", file, "terrain", text)]
