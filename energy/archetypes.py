"""Fills what nobody measured: each building gets a type, and from it U-values, windows, leakage and mass.

Types are TABULA/EPISCOPE's German ones: residential buildings by year, storeys, size and industrial series;
other uses take the U-values of the apartment block of their year (an estimate, said so in the sources).
Facts of the district win; what is filled says so in the `…_source` columns.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from energy.parameters import COMPONENTS, Parameters
from energy.solar import SECTORS, sector_weights
from twin import schema
from twin.district import District

Array = npt.NDArray[np.float64]
WINDOW_COLUMNS = tuple(f"window_{sector}_m2" for sector in SECTORS)
_HEATED = "district_heating"


def fill(district: District, parameters: Parameters) -> pd.DataFrame:
    """The envelope of every building, index building_id in the district's order.

    Columns: archetype, function, conditioned, a_use_m2; areas wall_area_m2 (opaque), roof_area_m2,
    floor_area_m2, door_area_m2, window_area_m2 and window_{n,ne,e,se,s,sw,w,nw}_m2; u_{wall,roof,floor,
    window,door}_w_m2k of the components themselves; r_unheated_{roof,floor}_m2k_w of an unheated space behind
    them; b_roof, b_floor; g_window; delta_u_thermal_bridge_w_m2k; infiltration_1_h, ventilation_1_h,
    ventilation_off_1_h; heat_capacity_wh_m2k; setpoint_offset_k; heating; dwellings; and `…_source` columns
    ("given:…", "derived:…", "guessed:…").
    """
    buildings = district.buildings
    facts = _facts(buildings, parameters)
    code, kind_source = _archetype(buildings, facts, parameters)
    types = parameters.typology.loc[list(code)]
    envelope = pd.DataFrame(index=buildings.index)
    envelope["archetype"], envelope["archetype_source"] = code, kind_source
    for name in ("function", "function_source", "conditioned", "a_use_m2", "a_use_source", "dwellings"):
        envelope[name] = facts[name]
    envelope["year_of_construction"], envelope["year_source"] = facts["year"], facts["year_source"]
    _areas(envelope, district, facts, types, parameters)
    _transmittances(envelope, buildings, types, parameters)
    use = parameters.use.loc[envelope["function"]]
    envelope["delta_u_thermal_bridge_w_m2k"] = types["delta_u_thermal_bridge_w_m2k"].to_numpy()
    envelope["infiltration_1_h"] = types["infiltration_1_h"].to_numpy()
    envelope["ventilation_1_h"] = use["ventilation_1_h"].to_numpy()
    envelope["ventilation_off_1_h"] = use["ventilation_off_1_h"].to_numpy()
    envelope["heat_capacity_wh_m2k"] = parameters.constant("heat_capacity_wh_m2k")
    envelope["setpoint_offset_k"] = 0.0
    envelope["heating"], envelope["heating_source"] = _heating(buildings, types, parameters)
    envelope["conditioned"] &= (envelope["heating"] != "none").to_numpy()
    return envelope


def _facts(buildings: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Use, storeys, floor area, year and dwellings of each building, guessed where the district is silent."""
    facts = pd.DataFrame(index=buildings.index)
    function = buildings["function"].astype("object").to_numpy()
    known = np.isin(function, parameters.use.index.to_numpy())
    facts["function"] = np.where(known, function, np.where(pd.isna(function), "residential", "other"))
    facts["function_source"] = _source(
        buildings["function_source"], known, "given:district", "guessed:default residential or other"
    )
    height = buildings["measured_height_m"].to_numpy()
    storeys = buildings["storeys_above_ground"].to_numpy()
    from_height = np.maximum(np.round(height / parameters.constant("storey_height_m")), 1)
    facts["storeys"] = np.where(storeys > 0, storeys, np.where(np.isfinite(from_height), from_height, 2))
    footprint = buildings["footprint_area_m2"].to_numpy()
    footprint = np.where(footprint > 0, footprint, shapely.area(buildings.geometry.to_numpy()))
    facts["footprint_m2"] = np.nan_to_num(footprint)
    gross = buildings["gross_floor_area_m2"].to_numpy()
    gross = np.where(gross > 0, gross, facts["footprint_m2"] * facts["storeys"])
    given = buildings["a_use_m2"].to_numpy()
    facts["a_use_m2"] = np.where(given > 0, given, gross * parameters.constant("use_area_share"))
    facts["a_use_source"] = _source(
        buildings["a_use_source"], given > 0, "given:district", "guessed:share of gross floor area"
    )
    facts["dwellings"] = _dwellings(buildings, facts, parameters)
    facts["series"] = buildings["construction_series"].astype("object").to_numpy()
    facts["year"], facts["year_source"] = _year(buildings, facts, parameters)
    walls = buildings[["wall_area_m2", "party_wall_area_m2"]].fillna(0.0)
    total = walls.sum(axis=1)
    facts["attached"] = (walls["party_wall_area_m2"] / total.where(total > 0)).fillna(0.0)
    used = parameters.use.loc[facts["function"], "conditioned"].to_numpy(bool)
    facts["conditioned"] = used & (facts["a_use_m2"] > 1.0)
    return facts


def _source(
    column: pd.Series, known: npt.NDArray[np.bool_], default: str, guess: str
) -> npt.NDArray[np.object_]:
    own = column.astype("object").to_numpy()
    return np.where(known, np.where(pd.isna(own), default, own), guess)


def _dwellings(buildings: pd.DataFrame, facts: pd.DataFrame, parameters: Parameters) -> Array:
    given = buildings["dwellings"].to_numpy()
    estimate = np.maximum(np.round(facts["a_use_m2"] / parameters.constant("dwelling_area_m2")), 1)
    home = (facts["function"] == "residential").to_numpy()
    return np.where(np.isfinite(given), given, np.where(home, estimate, 0.0))


def _year(
    buildings: pd.DataFrame, facts: pd.DataFrame, parameters: Parameters
) -> tuple[Array, npt.NDArray[np.object_]]:
    given = buildings["year_of_construction"].to_numpy()
    by_series = facts["series"].map(parameters.series["year_default"]).to_numpy("float64")
    block = (facts["storeys"] >= parameters.constant("block_storeys")).to_numpy()
    default = np.where(
        block, parameters.constant("year_default_block"), parameters.constant("year_default_house")
    )
    year = np.where(given > 0, given, np.where(np.isfinite(by_series), by_series, default))
    guess = np.where(np.isfinite(by_series), "guessed:construction series", "guessed:default year")
    own = buildings["year_source"].astype("object").to_numpy()
    return year, np.where(given > 0, np.where(pd.isna(own), "given:district", own), guess)


def _archetype(
    buildings: gpd.GeoDataFrame, facts: pd.DataFrame, parameters: Parameters
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """TABULA code of each building and how it was chosen.

    East German types stand for industrial series and for larger houses of 1949 to 1994 in the former GDR.
    """
    storeys, year = facts["storeys"].to_numpy(), facts["year"].to_numpy()
    home = (facts["function"] == "residential").to_numpy()
    industrial = home & (facts["series"].map(parameters.series["region"]) == "east").to_numpy()
    size = _size_class(facts, home, parameters)
    size = np.where(industrial & (year >= 1969), "AB", size)
    eastern = home & np.isin(size, ["AB", "MFH"]) & (year >= 1949) & (year <= 1994)
    eastern = industrial | eastern & _inside("east", buildings, parameters)
    tower = storeys >= parameters.constant("tower_storeys")
    code = _nearest_types(eastern, size, tower, year, parameters.typology)
    how = np.where(
        home,
        np.where(industrial, "guessed:TABULA by series and year", "guessed:TABULA by year and size"),
        "guessed:TABULA apartment block of the year for another use (estimate)",
    )
    return code, how


def _size_class(
    facts: pd.DataFrame, home: npt.NDArray[np.bool_], parameters: Parameters
) -> npt.NDArray[np.str_]:
    """TABULA's size classes: single-family, terraced, multi-family house, apartment block."""
    storeys, dwellings = facts["storeys"].to_numpy(), facts["dwellings"].to_numpy()
    tall = storeys >= parameters.constant("block_storeys")
    small = np.where(facts["attached"] >= parameters.constant("attached_share"), "TH", "SFH")
    block = ~home | tall | ((storeys >= 4) & (dwellings > 12))
    return np.where(block, "AB", np.where(dwellings > 2, "MFH", small))


def _inside(region: str, buildings: gpd.GeoDataFrame, parameters: Parameters) -> npt.NDArray[np.bool_]:
    outline = parameters.regions.loc[[region]]
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", schema.CRS, always_xy=True)
    ring = np.column_stack(
        to_metres.transform(outline["longitude"].to_numpy(), outline["latitude"].to_numpy())
    )
    centres = shapely.centroid(buildings.geometry.to_numpy())
    return np.asarray(shapely.contains(shapely.Polygon(ring), centres))


_SIMILAR = {"AB": "MFH", "MFH": "AB", "TH": "SFH", "SFH": "TH"}
_NEVER = 1e6


def _nearest_types(
    eastern: npt.NDArray[np.bool_],
    size: npt.NDArray[np.str_],
    tower: npt.NDArray[np.bool_],
    year: Array,
    typology: pd.DataFrame,
) -> npt.NDArray[np.object_]:
    """The type of the region and size whose years hold each year, else the nearest in years and size."""
    usable = typology["region"].isin(["east", "national"]) & (typology["variant"] != "LightFrame")
    types = typology[usable]
    first, last = types["year_from"].to_numpy(), types["year_to"].to_numpy()
    away = np.maximum(first - year[:, None], 0) + np.maximum(year[:, None] - last, 0)
    of_east = (types["region"] == "east").to_numpy()
    region = np.where(eastern[:, None], np.where(of_east, 0.0, 5.0), np.where(of_east, _NEVER, 0.0))
    kind = types["size_class"].to_numpy("str")
    similar = np.array([_SIMILAR[name] for name in size])
    form = np.where(kind == size[:, None], 0.0, np.where(kind == similar[:, None], 3.0, _NEVER))
    high = (types["variant"] == "HR").to_numpy() != tower[:, None]
    best = np.argmin(10.0 * away + region + form + high, axis=1)
    return np.asarray(types.index.to_numpy("object")[best])


def _areas(
    envelope: pd.DataFrame,
    district: District,
    facts: pd.DataFrame,
    types: pd.DataFrame,
    parameters: Parameters,
) -> None:
    buildings = district.buildings
    facing = _wall_area_by_sector(district)
    walls = facing.sum(axis=1)
    share = _window_share(facts, types, parameters)
    windows = facing * share[:, None]
    roof = buildings["roof_area_m2"].to_numpy()
    pitched = (types["a_roof_1_m2"] > types["a_roof_2_m2"]).to_numpy()
    envelope["roof_area_m2"] = np.where(pitched & (roof > 0), roof, facts["footprint_m2"])
    envelope["floor_area_m2"] = facts["footprint_m2"]
    door = np.minimum(types["a_door_m2"].clip(upper=2.0).to_numpy(), 0.05 * walls)
    envelope["door_area_m2"] = door
    envelope["wall_area_m2"] = walls - windows.sum(axis=1) - door
    envelope["window_area_m2"] = windows.sum(axis=1)
    for number, column in enumerate(WINDOW_COLUMNS):
        envelope[column] = windows[:, number]
    home = (facts["function"] == "residential").to_numpy()
    guess = np.where(home, "TABULA " + envelope["archetype"], "share by use (estimate)")
    envelope["window_area_source"] = [f"guessed:{text}" for text in guess]


def _window_share(facts: pd.DataFrame, types: pd.DataFrame, parameters: Parameters) -> Array:
    """Windows over outer walls with windows. [-]"""
    opaque = types["a_wall_1_m2"] + types["a_wall_2_m2"] + types["a_door_m2"]
    of_type = (types["a_window_m2"] / (types["a_window_m2"] + opaque)).to_numpy()
    of_use = parameters.use.loc[facts["function"], "window_share"].to_numpy("float64")
    return np.where(np.isfinite(of_use), of_use, of_type)


def _wall_area_by_sector(district: District) -> Array:
    """Outer wall area without party walls, shape (building, 8). [m²]

    From the wall surfaces; buildings without any take the edges of their footprint times their height.
    """
    buildings = district.buildings
    walls = district.surfaces[district.surfaces["surface_type"] == "WallSurface"]
    free = (walls["area_m2"] - walls["party_area_m2"].fillna(0.0)).clip(lower=0.0).fillna(0.0).to_numpy()
    rows = buildings.index.get_indexer(walls["building_id"])
    area = np.zeros((len(buildings), len(SECTORS)))
    np.add.at(area, rows, free[:, None] * sector_weights(walls["azimuth_deg"].to_numpy()))
    empty = np.flatnonzero(area.sum(axis=1) <= 0)
    if empty.size:
        area[empty] = _edges_by_sector(buildings.iloc[empty])
    return area


def _edges_by_sector(buildings: pd.DataFrame) -> Array:
    outlines = shapely.get_parts(shapely.normalize(buildings.geometry.to_numpy()), return_index=True)
    rings = shapely.get_exterior_ring(outlines[0])
    points, ring = shapely.get_coordinates(rings, return_index=True)
    step = np.diff(points, axis=0)
    same = ring[1:] == ring[:-1]
    step, ring = step[same], ring[:-1][same]
    clockwise = ~shapely.is_ccw(rings)[ring]
    # The outward normal lies right of a counter-clockwise edge, left of a clockwise one.
    sign = np.where(clockwise, -1.0, 1.0)
    azimuth = np.degrees(np.arctan2(step[:, 1] * sign, -step[:, 0] * sign))
    height = buildings["measured_height_m"].fillna(buildings["storeys_above_ground"] * 3.0).fillna(6.0)
    row = outlines[1][ring]
    area = np.zeros((len(buildings), len(SECTORS)))
    np.add.at(area, row, (np.hypot(*step.T) * height.to_numpy()[row])[:, None] * sector_weights(azimuth))
    known = buildings["wall_area_m2"].to_numpy()
    total = area.sum(axis=1)
    scale = np.where((known > 0) & (total > 0), known / np.where(total > 0, total, 1.0), 1.0)
    return area * scale[:, None]


def _transmittances(
    envelope: pd.DataFrame, buildings: pd.DataFrame, types: pd.DataFrame, parameters: Parameters
) -> None:
    pitched = (types["a_roof_1_m2"] > types["a_roof_2_m2"]).to_numpy()
    ground = (types["a_floor_2_m2"] > types["a_floor_1_m2"]).to_numpy()
    original = {
        "wall": types["u_wall_1_w_m2k"].to_numpy(),
        "roof": np.where(pitched, types["u_roof_1_w_m2k"], types["u_roof_2_w_m2k"]),
        "floor": np.where(ground, types["u_floor_2_w_m2k"], types["u_floor_1_w_m2k"]),
        "window": types["u_window_w_m2k"].to_numpy(),
    }
    state = buildings["refurbishment"].astype("object").to_numpy()
    state_source = buildings["refurbishment_source"].astype("object").to_numpy()
    envelope["refurbishment"] = np.where(pd.isna(state), "none", state)
    envelope["refurbishment_source"] = np.where(
        pd.isna(state),
        "guessed:existing state",
        np.where(pd.isna(state_source), "given:district", state_source),
    )
    envelope["g_window"] = types["g_window"].to_numpy()
    for component in COMPONENTS:
        value = original[component].astype("float64")
        source = ("guessed:TABULA " + envelope["archetype"]).to_numpy("object")
        own_state = buildings[f"refurbishment_{component}"].astype("object").to_numpy()
        component_state = np.where(pd.isna(own_state), state, own_state)
        for standard in parameters.standards:
            target = parameters.refurbishment_standard(standard, component)
            better = (component_state == standard) & (value > target.u_value_w_m2k)
            value = np.where(better, target.u_value_w_m2k, value)
            source = np.where(better, f"guessed:refurbishment standard {standard} (own calculation)", source)
            if component == "window":
                g = envelope["g_window"].to_numpy()
                envelope["g_window"] = np.where(better, np.minimum(g, target.g_value), g)
        known = buildings[f"u_{component}_w_m2k"].to_numpy()
        own = np.isfinite(known) & (known > 0)
        envelope[f"u_{component}_w_m2k"] = np.where(own, known, value)
        envelope[f"u_{component}_source"] = np.where(own, "given:district", source)
    envelope["u_door_w_m2k"] = types["u_door_w_m2k"].to_numpy()
    envelope["r_unheated_roof_m2k_w"] = np.where(
        pitched, types["r_unheated_roof_1_m2k_w"], types["r_unheated_roof_2_m2k_w"]
    ).astype("float64")
    envelope["r_unheated_floor_m2k_w"] = np.where(
        ground, types["r_unheated_floor_2_m2k_w"], types["r_unheated_floor_1_m2k_w"]
    ).astype("float64")
    envelope["b_roof"] = 1.0
    envelope["b_floor"] = parameters.constant("b_floor")


def _heating(
    buildings: pd.DataFrame, types: pd.DataFrame, parameters: Parameters
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    given = buildings["heating"].astype("object").to_numpy()
    own = buildings["heating_source"].astype("object").to_numpy()
    block = types["size_class"].eq("AB").to_numpy()
    guess = np.where(block, _HEATED, "gas")
    known = np.isin(given, parameters.systems.index.to_numpy())
    source = np.where(pd.isna(own), "given:district", own)
    return np.where(known, given, guess), np.where(known, source, "guessed:block or small house")
