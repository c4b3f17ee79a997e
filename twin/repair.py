"""Footprints and surfaces that cannot be worked with: repaired where possible, else left out, and said."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin import polygons, schema
from twin.polygons import Bools, Floats
from twin.sources.base import Finding

LEAST_FOOTPRINT_M2 = 0.1
LEAST_SURFACE_M2 = 1e-6
_OF_BUILDINGS = ("surfaces", "parts", "systems", "usage", "pv", "substations")
_POSITIVE = {"measured_height_m": "m", "storeys_above_ground": "storeys"}

Tables = dict[str, pd.DataFrame]


def clean(tables: Tables) -> tuple[Tables, list[Finding]]:
    """Tables whose footprints and surfaces are finite, valid and of some size.

    Footprints are 2D, counter-clockwise and valid; a missing one is taken from the building's surfaces.
    Self-intersecting ones are repaired. Those without area are left out with all rows of their building.
    Surfaces without area or with coordinates that are no numbers are left out.
    """
    surfaces, found = _surfaces(tables["surfaces"])
    buildings = tables["buildings"].copy()
    geometry = _with_own(buildings, surfaces)
    geometry, repaired, lost = valid_polygons(geometry)
    buildings = buildings.assign(geometry=gpd.GeoSeries(geometry, buildings.index, crs=schema.CRS))
    found += _said("repaired", buildings[repaired], "the footprint crosses itself; made valid")
    found += _said("left_out", buildings[lost], "the footprint is empty, has no area or is not finite")
    found += _numbers(buildings)
    tables = {**tables, "buildings": buildings, "surfaces": surfaces}
    return (_without(tables, buildings.index[lost]) if lost.any() else tables), found


def valid_polygons(geometry: NDArray[np.object_]) -> tuple[NDArray[np.object_], Bools, Bools]:
    """Flat valid polygons and multipolygons; which were repaired; which have no area (given as None)."""
    geometry = np.array(shapely.force_2d(geometry), object)
    lost = shapely.is_missing(geometry) | shapely.is_empty(geometry) | ~_finite(geometry)
    geometry[lost] = None
    crossing = ~lost & ~shapely.is_valid(geometry)
    mended = [_areas_of(shape) for shape in shapely.make_valid(geometry[crossing])]
    geometry[crossing] = np.array([*mended, None], object)[:-1]  # the None keeps numpy from unpacking
    lost |= ~(shapely.area(geometry) >= LEAST_FOOTPRINT_M2)
    geometry[lost] = None
    return shapely.orient_polygons(geometry), crossing & ~lost, lost


def _areas_of(shape: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a shape as one geometry."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])


def _finite(geometry: NDArray[np.object_], heights: bool = False) -> Bools:
    xyz, of = shapely.get_coordinates(geometry, include_z=heights, return_index=True)
    finite = np.ones(len(geometry), bool)
    finite[of[~np.isfinite(xyz).all(axis=1)]] = False
    return finite


def _with_own(buildings: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Footprints; where missing, what the ground surfaces cover, or all surfaces if there are none."""
    geometry = np.array(buildings.geometry, object)
    lacking = buildings.index[shapely.is_missing(geometry) | shapely.is_empty(geometry)]
    if not len(lacking):
        return geometry
    own = surfaces[surfaces["building_id"].isin(lacking)]
    for chosen in (own[own["surface_type"] == "GroundSurface"], own):
        covered = cover(chosen.geometry.to_numpy(), chosen["building_id"].to_numpy())
        rows = buildings.index.get_indexer(covered.index)
        free = shapely.is_missing(geometry[rows]) | shapely.is_empty(geometry[rows])
        geometry[rows[free]] = covered.to_numpy()[free]
    return geometry


def cover(geometry: NDArray[np.object_], group: NDArray[np.object_]) -> pd.Series:
    """What the polygons of each group cover on the map, index group; groups without area are missing."""
    flat = shapely.force_2d(geometry)
    flat = np.where(shapely.is_valid(flat), flat, None)
    use = shapely.area(flat) > LEAST_SURFACE_M2
    shapes = pd.Series(flat[use], dtype=object).groupby(np.asarray(group, object)[use])
    return shapes.agg(lambda own: own.iloc[0] if len(own) == 1 else shapely.union_all(own.to_numpy()))


def _surfaces(surfaces: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    geometry = surfaces.geometry.to_numpy().astype(object)
    lost = shapely.is_missing(geometry) | shapely.is_empty(geometry) | ~_finite(geometry, heights=True)
    geometry[lost] = None
    area = np.linalg.norm(polygons.area_vectors(polygons.flatten(geometry)), axis=1)
    lost |= ~(area >= LEAST_SURFACE_M2)
    if not lost.any():
        return surfaces, []
    return surfaces[~lost], [
        Finding("left_out", "", f"{surface} of {building}", "the surface has no area or is not finite")
        for surface, building in zip(surfaces.index[lost], surfaces["building_id"][lost], strict=True)
    ]


def _numbers(buildings: gpd.GeoDataFrame) -> list[Finding]:
    """Heights and storeys that cannot be are taken as missing (in place, on our own copy)."""
    found: list[Finding] = []
    for column, unit in _POSITIVE.items():
        values = buildings[column].to_numpy("float64")
        wrong = ~np.isnan(values) & ~((values > 0) & np.isfinite(values))
        if wrong.any():
            texts = [f"{column} is {value:g} {unit}; taken as missing" for value in values[wrong]]
            found += _said("repaired", buildings[wrong], texts)
            buildings.loc[wrong, column] = np.nan
    buildings["ground_height_m"] = _only_finite(buildings["ground_height_m"].to_numpy("float64"))
    return found


def _only_finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _said(kind: str, rows: pd.DataFrame, message: str | list[str]) -> list[Finding]:
    texts = [message] * len(rows) if isinstance(message, str) else message
    sources = rows["source"].fillna("")
    return [
        Finding(kind, source, str(record), text)  # type: ignore[arg-type]
        for record, source, text in zip(rows.index, sources, texts, strict=True)
    ]


def _without(tables: Tables, lost: pd.Index) -> Tables:
    kept = {
        table: frame[~frame["building_id"].isin(lost)]
        for table, frame in tables.items()
        if table in _OF_BUILDINGS
    }
    return {**tables, **kept, "buildings": tables["buildings"].drop(lost)}
