"""Areas of the envelope from the 3D model: walls and windows by orientation, roof, floor, party walls."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from energy.parameters import Parameters
from energy.solar import SECTORS, sector_weights
from twin.district import District
from twin.party_walls import free_area_m2

Array = npt.NDArray[np.float64]
WINDOW_COLUMNS = tuple(f"window_{sector}_m2" for sector in SECTORS)
WALL_COLUMNS = tuple(f"wall_{sector}_m2" for sector in SECTORS)
STOREY_M, UNKNOWN_HEIGHT_M = 3.0, 6.0
_REACH_M = 0.3  # footprints of adjoining buildings are drawn this close, or closer


def add_areas(
    envelope: pd.DataFrame,
    district: District,
    facts: pd.DataFrame,
    types: pd.DataFrame,
    parameters: Parameters,
) -> None:
    """Add the areas of walls, roof, floor, windows and doors with their sources to the envelope. [m²]

    Windows take TABULA's share (other uses: the use's share) of every facade that is no party wall. Missing
    roofs and walls come from the footprint.
    """
    buildings = district.buildings
    facing, drawn = _wall_area_by_sector(district)
    walls = facing.sum(axis=1)
    share = _window_share(facts, types, parameters)
    windows = facing * share[:, None]
    roof = buildings["roof_area_m2"].to_numpy()
    pitched = (types["a_roof_1_m2"] > types["a_roof_2_m2"]).to_numpy()
    own_roof = pitched & (roof > 0)
    door = np.minimum(types["a_door_m2"].clip(upper=2.0).to_numpy(), 0.05 * walls)
    opaque = walls - windows.sum(axis=1) - door
    envelope["pitched_roof"] = pitched
    envelope["roof_area_m2"] = np.where(own_roof, roof, facts["footprint_m2"])
    envelope["roof_area_source"] = np.where(own_roof, "derived:roof surfaces", "derived:footprint")
    envelope["floor_area_m2"] = facts["footprint_m2"]
    envelope["floor_area_source"] = "derived:footprint"
    envelope["door_area_m2"] = door
    envelope["door_area_source"] = "guessed:TABULA " + envelope["archetype"]
    envelope["wall_area_m2"] = opaque
    envelope["wall_area_source"] = np.where(drawn, "derived:wall surfaces", "guessed:footprint times height")
    envelope["window_area_m2"] = windows.sum(axis=1)
    scale = opaque / np.where(walls > 0, walls, 1.0)
    for number, (window, wall) in enumerate(zip(WINDOW_COLUMNS, WALL_COLUMNS, strict=True)):
        envelope[window] = windows[:, number]
        envelope[wall] = facing[:, number] * scale
    home = (facts["function"] == "residential").to_numpy()
    guess = np.where(home, "TABULA " + envelope["archetype"], "share by use (estimate)")
    envelope["window_area_source"] = [f"guessed:{text}" for text in guess]


def _window_share(facts: pd.DataFrame, types: pd.DataFrame, parameters: Parameters) -> Array:
    """Windows over outer walls with windows. [-]"""
    opaque = types["a_wall_1_m2"] + types["a_wall_2_m2"] + types["a_door_m2"]
    of_type = (types["a_window_m2"] / (types["a_window_m2"] + opaque)).to_numpy()
    of_use = parameters.use.loc[facts["function"], "window_share"].to_numpy("float64")
    return np.where(np.isfinite(of_use), of_use, of_type)


def _wall_area_by_sector(district: District) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Outer wall area without party walls, shape (building, 8) [m²], and whether it comes from surfaces.

    Buildings without wall surfaces take the edges of their footprint times their height.
    """
    buildings = district.buildings
    walls = district.surfaces[district.surfaces["surface_type"] == "WallSurface"]
    free = free_area_m2(walls).clip(lower=0.0).fillna(0.0).to_numpy()
    rows = buildings.index.get_indexer(walls["building_id"])
    area = np.zeros((len(buildings), len(SECTORS)))
    np.add.at(area, rows, free[:, None] * sector_weights(walls["azimuth_deg"].to_numpy()))
    drawn = area.sum(axis=1) > 0
    if not drawn.all():
        area[~drawn] = _edges_by_sector(buildings[~drawn])
    return area, drawn


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
    row = outlines[1][ring]
    area = np.zeros((len(buildings), len(SECTORS)))
    size = np.hypot(*step.T) * heights_m(buildings)[row]
    np.add.at(area, row, size[:, None] * sector_weights(azimuth))
    known = buildings["wall_area_m2"].to_numpy()
    total = area.sum(axis=1)
    scale = np.where((known > 0) & (total > 0), known / np.where(total > 0, total, 1.0), 1.0)
    return np.asarray(area * scale[:, None])


def heights_m(buildings: pd.DataFrame) -> Array:
    """Height of each building, by its storeys where it is unknown; shape (building,). [m]"""
    by_storeys = buildings["storeys_above_ground"] * STOREY_M
    height = buildings["measured_height_m"].fillna(by_storeys).fillna(UNKNOWN_HEIGHT_M)
    return height.to_numpy("float64")


def party_unheated_m2(buildings: pd.DataFrame, heated: npt.NDArray[np.bool_]) -> Array:
    """Party walls of heated buildings to unheated neighbours (garages, sheds); shape (building,). [m²]

    Length of the common border times the lower height, at most the building's party walls.
    """
    area = np.zeros(len(buildings))
    warm, cold = np.flatnonzero(heated), np.flatnonzero(~heated)
    outlines = buildings.geometry.to_numpy()
    if not (warm.size and cold.size):
        return area
    tree = shapely.STRtree(outlines[warm])
    of_cold, of_warm = tree.query(outlines[cold], predicate="dwithin", distance=_REACH_M)
    first, second = warm[of_warm], cold[of_cold]
    near = shapely.intersection(
        shapely.boundary(outlines[first]), shapely.buffer(outlines[second], _REACH_M, cap_style="flat")
    )
    # What only turns the corner into the neighbour's reach is no common border.
    length = np.maximum(shapely.length(near) - 2 * _REACH_M, 0.0)
    height = heights_m(buildings)
    np.add.at(area, first, length * np.minimum(height[first], height[second]))
    party = np.nan_to_num(buildings["party_wall_area_m2"].to_numpy("float64"))
    return np.asarray(np.minimum(area, party))
