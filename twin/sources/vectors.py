"""Layers of any vector file that GDAL reads, brought to EPSG:25832 with the doubtful refused."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray

from twin import gdal
from twin.errors import SourceError
from twin.schema import CRS
from twin.sources import crs as crs_names
from twin.sources import vectorfiles
from twin.sources.base import Finding
from twin.sources.columns import listed

_EUROPE = (-1.5e6, 3.8e6, 2.5e6, 8.5e6)  # west, south, east, north in EPSG:25832


def layers(
    path: Path, *, bounds: tuple[float, float, float, float] | None = None
) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    """Every layer with geometry of `path`: its name (unique in the file) and its rows, in the file's CRS.

    Parameters
    ----------
    bounds : west, south, east, north in EPSG:25832; only what touches it is read.
    """
    with vectorfiles.opened(path) as datasets:
        for dataset in datasets:
            with _gdal_errors(path, dataset.path):
                names = vectorfiles.layers(dataset, path)
            for name, kind in names:
                if kind is None:
                    continue
                with _gdal_errors(path, dataset.path), gdal.vectors():
                    area = None if bounds is None else _in_crs_of(dataset.path, name, bounds)
                    frame = pyogrio.read_dataframe(
                        dataset.path, layer=name, on_invalid="ignore", bbox=area, fid_as_index=True
                    )
                yield name, frame


class _gdal_errors:  # noqa: N801 - reads as a clause: with _gdal_errors(path)
    """What GDAL says of a broken file, as one line; its warnings are not ours to print."""

    def __init__(self, path: Path, opened: Path) -> None:
        self.path, self.opened = path, opened

    def __enter__(self) -> None:
        self._quiet = warnings.catch_warnings()
        self._quiet.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._quiet.__exit__(None, None, None)
        expected = (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            pyogrio.errors.CRSError,
            pyogrio.errors.FeatureError,
            pyogrio.errors.GeometryError,
            shapely.errors.ShapelyError,
            UnicodeDecodeError,
        )
        if isinstance(error, expected):
            message = str(error).replace(str(self.opened), self.opened.name).split("; ")[0]
            raise SourceError(
                f"the file cannot be read as vector data: {message}", self.path, "Check or export it again"
            ) from None


def _in_crs_of(
    dataset: Path, layer: str, bounds: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    crs = pyogrio.read_info(dataset, layer=layer)["crs"]
    if crs is None:
        return bounds
    west, south, east, north = pyproj.Transformer.from_crs(CRS, crs, always_xy=True).transform_bounds(*bounds)
    return west, south, east, north


def to_25832(frame: gpd.GeoDataFrame, path: Path, crs: str | None) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """`frame` in EPSG:25832, flat; `crs` serves where the file names none, or wrongly says degrees.

    Raises
    ------
    SourceError : no CRS, degrees where the CRS says metres or the reverse, or a place outside Europe.
    """
    geometry = shapely.force_2d(frame.geometry.to_numpy())
    stated = None if frame.crs is None else frame.crs.to_wkt()
    extent = _extent(geometry)
    metres = extent is not None and np.abs(extent).max() > 400
    if metres and stated is not None and frame.crs.is_geographic and crs is not None:
        stated = None  # GeoJSON without a CRS is WGS84 by its standard; many write metres all the same
    found = crs_names.choose(stated, crs, path)
    if extent is not None:
        refuse_degrees(extent, found, path)
    usable = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    xy, notes = crs_names.to_district(shapely.get_coordinates(geometry[usable]), found, path)
    if len(xy):
        _refuse_elsewhere(xy, found, path)
        geometry[usable] = shapely.set_coordinates(geometry[usable], xy)
    findings = [Finding("note", path.name, "CRS", note) for note in notes]
    return frame.set_geometry(geometry, crs=None).set_crs(CRS, allow_override=True), findings


def refuse_degrees(extent: NDArray[np.float64], crs: pyproj.CRS, path: Path) -> None:
    """Refuse coordinates that are degrees where `crs` says metres.

    Parameters
    ----------
    extent : west, south, east, north of the coordinates.
    """
    if crs.is_projected and np.abs(extent).max() <= 180:
        raise SourceError(
            f"the coordinates ({extent[0]:.4f}, {extent[1]:.4f}) are degrees, but "
            f"{crs_names.label(crs)} is in metres",
            path,
            "Correct the CRS; that of degrees is EPSG:4326",
        )


def _extent(geometry: NDArray[np.object_]) -> NDArray[np.float64] | None:
    """West, south, east, north of what is finite; None where nothing is."""
    bounds = shapely.bounds(geometry).reshape(-1, 4)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(bounds):
        return None
    return np.concatenate([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])


def _refuse_elsewhere(xy: NDArray[np.float64], crs: pyproj.CRS, path: Path) -> None:
    west, south, east, north = _EUROPE
    x, y = np.median(xy, axis=0)
    if not (west <= x <= east and south <= y <= north):
        raise SourceError(
            f"the data lie outside central Europe when read as {crs_names.label(crs)}",
            path,
            "Check the CRS; the twin works in EPSG:25832, which serves Germany and its neighbours",
        )


def polygons(
    frame: gpd.GeoDataFrame, file: str, records: NDArray[np.object_]
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """The rows of `frame` that are areas: repaired where self-intersecting, left out where none; both listed.

    Parameters
    ----------
    records : what to call each row in a finding, shape (row,).
    """
    geometry = frame.geometry.to_numpy()
    kinds = shapely.get_type_id(geometry)
    empty = (kinds < 0) | shapely.is_empty(geometry)
    finite = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    collection = kinds == shapely.GeometryType.GEOMETRYCOLLECTION
    area = np.isin(kinds, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)) | collection
    findings = listed("left_out", file, records[empty], "no geometry, or one that cannot be read")
    findings += listed("left_out", file, records[~empty & ~finite], "coordinates that are no numbers")
    findings += listed("left_out", file, records[~empty & finite & ~area], "a point or line, not an area")
    keep = ~empty & finite & area
    fixed = geometry[keep]
    broken = ~shapely.is_valid(fixed)
    fixed[broken | collection[keep]] = only_areas(fixed[broken | collection[keep]])
    sized = shapely.area(fixed) >= MIN_AREA_M2
    names = records[keep]
    findings += listed("left_out", file, names[~sized], "the footprint has no area")
    findings += listed("repaired", file, names[broken & sized], "the footprint crossed itself")
    rows = np.flatnonzero(keep)[sized]
    return frame.iloc[rows].set_geometry(fixed[sized], crs=frame.crs), findings


MIN_AREA_M2 = 0.5


def only_areas(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Valid polygons or multipolygons of broken ones (shapely's make_valid); empty where no area is left."""
    valid = shapely.make_valid(geometry)
    parts, of = shapely.get_parts(valid, return_index=True)
    inner, inner_of = shapely.get_parts(parts, return_index=True)  # collections hold multipolygons
    of = of[inner_of]
    flat = shapely.get_type_id(inner) == shapely.GeometryType.POLYGON
    inner, of = inner[flat], of[flat]
    out = np.full(len(geometry), shapely.Polygon(), object)
    for row in np.unique(of):
        mine = inner[of == row]
        out[row] = mine[0] if len(mine) == 1 else shapely.union_all(mine)
    return out
