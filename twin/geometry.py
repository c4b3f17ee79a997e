"""Everything that follows from the buildings' geometry, for all buildings at once.

Given values are never overwritten: a value is computed where it is missing, and the `*_source` column
beside it says how. Lengths in m, areas in m², volumes in m³; EPSG:25832, heights DHHN2016.
"""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from twin import blocks, estimates, extrude, party_walls, polygons, repair, schema, solids
from twin.polygons import Bools, Floats, Ints
from twin.sources.base import Finding, Progress, no_progress
from twin.terrain import Terrain

SOURCE_OF = {
    "function": "function_source",
    "roof_type": "roof_type_source",
    "measured_height_m": "measured_height_source",
    "ground_height_m": "ground_height_source",
    "storeys_above_ground": "storeys_source",
    "year_of_construction": "year_source",
    "construction_series": "series_source",
    "dwellings": "dwellings_source",
    "refurbishment": "refurbishment_source",
    "heating": "heating_source",
    "a_use_m2": "a_use_source",
    "volume_m3": "volume_source",
}
"""The column that says where each column comes from."""
ROOF_TILT_DEG, GROUND_TILT_DEG = 80.0, 100.0
"""A surface of unknown type is a roof below the first tilt, ground above the second, and else a wall."""
_UNEXPOSED = ("ClosureSurface", "InteriorWallSurface")


def derive(
    tables: Mapping[str, pd.DataFrame], terrain: Terrain | None = None, progress: Progress = no_progress
) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Tables with everything that follows from geometry, and what was repaired or left out.

    Buildings without surfaces are extruded; each surface gets area, tilt, azimuth and the area that touches
    a neighbour, each building heights, volume, envelope, storeys, floor areas, use, dwellings and its block.
    Running it again changes nothing.

    Parameters
    ----------
    tables : tables of a district by name, as `twin.schema.conform` gives them; absent ones are empty.
    terrain : where buildings without a height of their ground stand.
    progress : called with a text and the share done.

    Raises
    ------
    SchemaError : a table does not keep its schema.
    """
    full = {table: schema.conform(table, tables.get(table)) for table in schema.TABLES}
    progress("footprints", 0.0)
    full, findings = repair.clean(full)
    full["buildings"] = _given(full["buildings"])
    progress("heights", 0.1)
    full, lifted = _on_terrain(full, terrain)
    full["buildings"] = _heights(full["buildings"], full["surfaces"], terrain)
    progress("solids", 0.2)
    full["surfaces"] = _with_extruded(full["buildings"], full["surfaces"])
    full = _measured(full, progress)
    progress("storeys and floor areas", 0.8)
    full["buildings"] = _inside(full["buildings"], full["surfaces"])
    progress("blocks", 0.9)
    block_id, full["blocks"] = blocks.group(full["buildings"], full["blocks"])
    full["buildings"] = full["buildings"].assign(block_id=block_id)
    progress("geometry", 1.0)
    for table in ("buildings", "surfaces", "parts"):
        full[table] = schema.conform(table, full[table])
    return full, findings + lifted


def fill(frame: pd.DataFrame, column: str, values: object, label: str | NDArray[np.object_] = "") -> None:
    """Set `values` where `column` is missing, in place, and say so in its source column."""
    filled = pd.Series(np.broadcast_to(np.asarray(values), len(frame)), frame.index)
    new = frame[column].isna() & filled.notna()
    if not new.any():
        return
    frame[column] = frame[column].where(~new, filled.astype(frame[column].dtype))
    if SOURCE_OF.get(column) in frame.columns:
        labels = pd.Series(np.broadcast_to(np.asarray(label, object), len(frame)), frame.index)
        source = SOURCE_OF[column]
        frame[source] = frame[source].where(~new, labels.astype("str"))


def _given(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Values that a source gave without saying so are labelled as given."""
    buildings = buildings.copy()
    label = "given:" + buildings["source"].fillna("input").astype(object)
    for column, source in SOURCE_OF.items():
        unsaid = buildings[column].notna() & buildings[source].isna()
        buildings[source] = buildings[source].where(~unsaid, label.astype("str"))
    return buildings


def _on_terrain(
    tables: dict[str, pd.DataFrame], terrain: Terrain | None
) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Solids that stand on height 0 exactly have no base height: they are lifted onto the terrain."""
    buildings, surfaces = tables["buildings"], tables["surfaces"]
    if terrain is None or not len(surfaces):
        return tables, []
    low, _ = polygons.lowest_and_highest(polygons.flatten(surfaces.geometry.to_numpy()))
    base = pd.Series(low).groupby(surfaces["building_id"].to_numpy()).min().reindex(buildings.index)
    ground = estimates.terrain_height(buildings.geometry.to_numpy(), terrain.sample)
    lift = np.where((base.to_numpy() == 0.0) & (np.abs(ground) > 0.5), ground, np.nan)
    rows = np.flatnonzero(np.isfinite(lift))
    if not len(rows):
        return tables, []
    by_surface = pd.Series(lift, buildings.index).reindex(surfaces["building_id"]).fillna(0.0).to_numpy()
    geometry = surfaces.geometry.to_numpy()
    counts = shapely.get_num_coordinates(geometry)
    xyz = shapely.get_coordinates(geometry, include_z=True)
    xyz[:, 2] += np.repeat(by_surface, counts)
    moved = gpd.GeoSeries(shapely.set_coordinates(geometry.copy(), xyz), surfaces.index, crs=schema.CRS)
    ids = buildings.index[rows]
    buildings.loc[ids, "ground_height_m"] = lift[rows]
    buildings.loc[ids, "ground_height_source"] = "derived:terrain"
    found = [
        Finding("repaired", "", str(one), "the solid stood on height 0; set on the terrain") for one in ids
    ]
    return {**tables, "buildings": buildings, "surfaces": surfaces.assign(geometry=moved)}, found


def _heights(
    buildings: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame, terrain: Terrain | None
) -> gpd.GeoDataFrame:
    """Height of the ground, height over it, and use, from the surfaces, the terrain or the storeys."""
    buildings = buildings.copy()
    if len(surfaces):
        _heights_of_surfaces(buildings, surfaces)
    _ground(buildings, terrain)
    footprint = buildings.geometry.to_numpy()
    area = shapely.area(footprint)
    use = estimates.use_by_size(area, buildings["measured_height_m"].to_numpy())
    fill(buildings, "function", use, "guessed:size")
    storey = _storey_height(buildings)
    rise = estimates.roof_rise_m(footprint, _objects(buildings["roof_type"]))
    storeys = buildings["storeys_above_ground"].to_numpy()
    height = estimates.height_from_storeys(storeys, storey, rise)
    fill(buildings, "measured_height_m", height, "derived:storeys")
    default = np.where(buildings["function"] == "garage", 1.0, estimates.DEFAULT_STOREYS)
    height = estimates.height_from_storeys(default, storey, rise)
    labels = np.where(default == 1.0, "guessed:default 1 storey", "guessed:default 2 storeys")
    fill(buildings, "measured_height_m", height, labels.astype(object))
    return buildings


def _heights_of_surfaces(buildings: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame) -> None:
    low, high = polygons.lowest_and_highest(polygons.flatten(surfaces.geometry.to_numpy()))
    of = surfaces["building_id"].to_numpy()
    ground = (surfaces["surface_type"] == "GroundSurface").to_numpy(bool)
    given = pd.Series(low[ground]).groupby(of[ground]).min().reindex(buildings.index)
    fill(buildings, "ground_height_m", given.to_numpy(), "given:geometry")
    lowest = pd.Series(low).groupby(of).min().reindex(buildings.index)
    fill(buildings, "ground_height_m", lowest.to_numpy(), "derived:geometry")
    top = pd.Series(high).groupby(of).max().reindex(buildings.index)
    height = (top - buildings["ground_height_m"]).to_numpy()
    fill(buildings, "measured_height_m", np.where(height > 0, height, np.nan), "derived:geometry")


def _ground(buildings: gpd.GeoDataFrame, terrain: Terrain | None) -> None:
    """Ground from the terrain; outside of it from the nearest building that has one; else 0."""
    footprint = buildings.geometry.to_numpy()
    if terrain is not None and buildings["ground_height_m"].isna().any():
        height = estimates.terrain_height(footprint, terrain.sample)
        fill(buildings, "ground_height_m", height, "derived:terrain")
    known = buildings["ground_height_m"].notna().to_numpy()
    if known.any() and not known.all():
        middle = shapely.get_coordinates(shapely.centroid(footprint))
        nearest = cKDTree(middle[known]).query(middle)[1]
        heights = buildings["ground_height_m"].to_numpy()[known][nearest]
        fill(buildings, "ground_height_m", heights, "guessed:nearest building")
    fill(buildings, "ground_height_m", 0.0, "guessed:no terrain")


def _with_extruded(buildings: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Surfaces, with those of buildings that had none extruded from the footprint."""
    bare = buildings[~buildings.index.isin(surfaces["building_id"])]
    if bare.empty:
        return surfaces
    footprint, roof_type = bare.geometry.to_numpy(), _objects(bare["roof_type"])
    height, storeys = bare["measured_height_m"].to_numpy(), bare["storeys_above_ground"].to_numpy()
    rise = estimates.rise_within(
        height, estimates.roof_rise_m(footprint, roof_type), storeys, _storey_height(bare),
        extrude.short_side_m(footprint),
    )  # fmt: skip
    made = extrude.extrude(footprint, bare["ground_height_m"].to_numpy(), height - rise, rise, roof_type)
    building = bare.index.to_numpy(object)[made.owner]
    number = pd.Series(made.owner).groupby(made.owner).cumcount().astype(str).to_numpy(object)
    new = gpd.GeoDataFrame(
        {
            "surface_id": _unused(building + "_s" + number, surfaces.index),
            "building_id": building,
            "surface_type": made.kind,
            "surface_type_source": "derived:extruded",
        },
        geometry=made.geometry,
        crs=schema.CRS,
    )
    new = schema.conform("surfaces", new)
    return new if surfaces.empty else pd.concat([surfaces, new])


def _unused(ids: NDArray[np.object_], taken: pd.Index) -> NDArray[np.object_]:
    while np.isin(ids, taken.to_numpy(object)).any():
        ids = ids + "_x"
    return ids


def _measured(tables: dict[str, pd.DataFrame], progress: Progress) -> dict[str, pd.DataFrame]:
    """Measures of the surfaces, and of the buildings what follows from them."""
    buildings, surfaces = tables["buildings"].copy(), tables["surfaces"].copy()
    fill(buildings, "footprint_area_m2", shapely.area(buildings.geometry.to_numpy()))
    if not _lacking(buildings, surfaces):
        return {**tables, "buildings": buildings}
    building = buildings.index.get_indexer(pd.Index(surfaces["building_id"])).astype(np.int64)
    part = pd.factorize(surfaces["part_id"], use_na_sentinel=True)[0].astype(np.int64)
    solid = pd.factorize(building * (part.max(initial=0) + 2) + part)[0].astype(np.int64)
    faces, vector = _facing_outward(buildings, surfaces, building, solid)
    _measure_surfaces(surfaces, vector)
    progress("party walls", 0.5)
    touching = party_walls.contact(faces, vector, building, solid)
    fill(surfaces, "party_area_m2", touching.other + touching.own)
    fill(surfaces, "inner_area_m2", touching.own)
    progress("volumes", 0.7)
    _volume(buildings, surfaces, faces, building, solid)
    _envelope(buildings, surfaces, building)
    parts = _parts(tables["parts"], surfaces, faces, tables["buildings"])
    return {**tables, "buildings": buildings, "surfaces": surfaces, "parts": parts}


def _lacking(buildings: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame) -> bool:
    measures = surfaces[["area_m2", "tilt_deg", "azimuth_deg", "party_area_m2", "inner_area_m2"]]
    results = buildings[["watertight", "volume_m3", "wall_area_m2", "party_wall_area_m2", "roof_area_m2"]]
    return bool(measures.isna().any(axis=None) or results.isna().any(axis=None))


def _facing_outward(
    buildings: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame, building: Ints, solid: Ints
) -> tuple[polygons.Faces, Floats]:
    """Flat arrays and area vectors of the surfaces, which are turned in place where they face inward."""
    geometry = surfaces.geometry.to_numpy().astype(object)
    geometry = polygons.turn_wrong_holes(geometry, polygons.flatten(geometry))
    faces = polygons.flatten(geometry)
    ring, vector = polygons.ring_vectors(faces), polygons.area_vectors(faces)
    footprint = buildings.geometry.to_numpy()[building[np.unique(solid, return_index=True)[1]]]
    turn = solids.inward(faces, ring, vector, solid, _objects(surfaces["surface_type"]), footprint)
    if turn.any():
        geometry[turn] = shapely.reverse(geometry[turn])
        surfaces["geometry"] = gpd.GeoSeries(geometry, surfaces.index, crs=schema.CRS)
        faces = polygons.flatten(geometry)
    return faces, np.where(turn[:, None], -vector, vector)


def _measure_surfaces(surfaces: gpd.GeoDataFrame, vector: Floats) -> None:
    tilt = polygons.tilt_deg(vector)
    fill(surfaces, "area_m2", np.linalg.norm(vector, axis=1))
    fill(surfaces, "tilt_deg", tilt)
    fill(surfaces, "azimuth_deg", polygons.azimuth_deg(vector))
    untyped = surfaces["surface_type"].isna()
    kinds = [tilt < ROOF_TILT_DEG, tilt > GROUND_TILT_DEG]
    fill(surfaces, "surface_type", np.select(kinds, ["RoofSurface", "GroundSurface"], "WallSurface"))
    surfaces["surface_type_source"] = surfaces["surface_type_source"].mask(untyped, "derived:tilt")


def _volume(
    buildings: gpd.GeoDataFrame,
    surfaces: gpd.GeoDataFrame,
    faces: polygons.Faces,
    building: Ints,
    solid: Ints,
) -> None:
    """Volume of closed solids, summed over the parts; else footprint × mean height of the roofs."""
    n = len(buildings)
    closed = solids.closed_solids(solids.edges(faces, solid), solid)
    volume = np.abs(solids.volumes(faces, polygons.ring_vectors(faces), solid))
    owner = building[np.unique(solid, return_index=True)[1]]
    shut = (np.bincount(owner, ~closed, n) == 0) & (np.bincount(owner, minlength=n) > 0)
    fill(buildings, "watertight", shut)
    total = np.bincount(owner, volume, n)
    fill(buildings, "volume_m3", np.where(shut & (total > 0), total, np.nan), "derived:solid")
    low, high = polygons.lowest_and_highest(faces)
    mean, _ = _over_roofs(buildings, surfaces, (low + high) / 2)
    height = np.fmax(mean - buildings["ground_height_m"].to_numpy(), 0.0)
    height = np.where(height > 0, height, buildings["measured_height_m"].to_numpy())
    area = buildings["footprint_area_m2"].to_numpy()
    fill(buildings, "volume_m3", area * height, "derived:footprint × mean height")


def _over_roofs(
    buildings: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame, values: Floats
) -> tuple[Floats, Floats]:
    """Mean of a value over each building's roofs by area on the map, and that area; nan without roof."""
    building = buildings.index.get_indexer(surfaces["building_id"])
    up = np.cos(np.radians(surfaces["tilt_deg"].to_numpy())) * surfaces["area_m2"].to_numpy()
    up = np.where(surfaces["surface_type"] == "RoofSurface", np.maximum(up, 0.0), 0.0)
    area = polygons.sum_by(building, up, len(buildings))
    total = polygons.sum_by(building, up * np.nan_to_num(values), len(buildings))
    return np.divide(total, area, out=np.full(len(buildings), np.nan), where=area > 0), area


def _envelope(buildings: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame, building: Ints) -> None:
    """Areas of roof, outer wall, party wall and of the whole outside."""
    kind = _objects(surfaces["surface_type"])
    area, party = surfaces["area_m2"].to_numpy(), surfaces["party_area_m2"].to_numpy()

    def total(values: Floats, chosen: Bools) -> Floats:
        return polygons.sum_by(building[chosen], values[chosen], len(buildings))

    wall = kind == "WallSurface"
    exposed = ~np.isin(kind, _UNEXPOSED)
    ground = total(area, kind == "GroundSurface")
    fill(buildings, "roof_area_m2", total(area, kind == "RoofSurface"))
    fill(buildings, "wall_area_m2", total(area - party, wall))
    fill(buildings, "party_wall_area_m2", total(party - surfaces["inner_area_m2"].to_numpy(), wall))
    bare = np.where(ground > 0, 0.0, buildings["footprint_area_m2"].to_numpy())
    fill(buildings, "envelope_area_m2", total(area - party, exposed) + bare)


def _parts(
    parts: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame, faces: polygons.Faces, buildings: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Parts with their footprint and height from their surfaces, where missing."""
    bare = parts.index[parts.geometry.isna() | parts["measured_height_m"].isna()]
    own = surfaces["part_id"].isin(bare).to_numpy(bool)
    if not own.any():
        return parts
    parts = parts.copy()
    of = surfaces["part_id"].to_numpy(object)
    base = own & (surfaces["surface_type"] == "GroundSurface").to_numpy(bool)
    covered = repair.cover(surfaces.geometry.to_numpy()[base], of[base]).reindex(parts.index)
    shape = np.where(parts.geometry.isna(), covered.to_numpy(), parts.geometry.to_numpy())
    parts["geometry"] = gpd.GeoSeries(shapely.orient_polygons(shape), parts.index, crs=schema.CRS)
    top = pd.Series(polygons.lowest_and_highest(faces)[1][own]).groupby(of[own]).max().reindex(parts.index)
    ground = buildings["ground_height_m"].reindex(parts["building_id"]).to_numpy()
    fill(parts, "measured_height_m", top.to_numpy() - ground)
    return parts


def _inside(buildings: gpd.GeoDataFrame, surfaces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Storeys, floor areas and dwellings."""
    buildings = buildings.copy()
    low, high = polygons.lowest_and_highest(polygons.flatten(surfaces.geometry.to_numpy()))
    eaves = _over_roofs(buildings, surfaces, low)[0] - buildings["ground_height_m"].to_numpy()
    eaves = np.where(np.isnan(eaves), buildings["measured_height_m"].to_numpy(), eaves)
    rise = np.nan_to_num(_over_roofs(buildings, surfaces, high - low)[0])
    storeys = estimates.storeys_from_height(eaves, _storey_height(buildings))
    fill(buildings, "storeys_above_ground", storeys, "derived:height")
    storeys = buildings["storeys_above_ground"].to_numpy()
    housing = (buildings["function"] == "residential").to_numpy(bool)
    area, volume = buildings["footprint_area_m2"].to_numpy(), buildings["volume_m3"].to_numpy()
    gross = estimates.gross_floor_area_m2(area, storeys, rise, housing, volume)
    fill(buildings, "gross_floor_area_m2", gross)
    net = estimates.NET_TO_GROSS * buildings["gross_floor_area_m2"].to_numpy()
    fill(buildings, "a_use_m2", net, f"derived:{estimates.NET_TO_GROSS} × gross floor area")
    dwellings = estimates.dwellings(buildings["a_use_m2"].to_numpy(), storeys, housing)
    fill(buildings, "dwellings", dwellings, "guessed:65 m² per dwelling")
    return buildings


def _storey_height(buildings: gpd.GeoDataFrame) -> Floats:
    year = buildings["year_of_construction"].to_numpy("float64")
    return estimates.storey_height_m(_objects(buildings["function"]), year)


def _objects(column: pd.Series) -> NDArray[np.object_]:
    return column.to_numpy(object)
