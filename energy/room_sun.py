"""The sun on critical rooms: on open planes, or with neighbours, trees and terrain in its way.

A room lies under the roof, so that it counts what stands before the upper edge of its walls: the tree that
shades a ground floor leaves the fifth one in the sun.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import solar
from energy.rooms import Rooms, facing_of
from energy.weather import Weather
from twin.compute import Same
from twin.district import District
from twin.party_walls import free_area_m2
from twin.visibility import Visibility, of_top_storey
from twin.visibility.district import HIDDEN_TYPES

Array = npt.NDArray[np.floating[Any]]
_HALF_STOREY_M = 1.25  # the middle of a room's window under the upper edge of the wall; own estimate


@dataclass(frozen=True, eq=False)
class OpenSun:
    """Facades of the eight sectors without anything before them.

    planes : irradiance on the planes of `energy.solar.PLANES`, shape (time, 9). [W/m²]
    """

    planes: Array

    def facades(self, rooms: Rooms) -> Array:
        """On the two facades of each room, shape (time, room, 2); 0 where it has none. [W/m²]"""
        return np.where(rooms.facing >= 0, self.planes[:, rooms.facing], 0.0)

    def level(self) -> Array:
        """On the roofs, shape (time,). [W/m²]"""
        return np.asarray(self.planes[:, -1])


@dataclass(frozen=True, eq=False)
class ShadedSun(OpenSun):
    """Facades as they see sun and sky; where the 3D model has no such wall, it lies open. Roofs lie open.

    weather, albedo : of the planes.
    envelope : of all buildings, so that the walls of all rooms are looked at together.
    """

    weather: Weather
    albedo: float
    district: District
    envelope: pd.DataFrame

    def facades(self, rooms: Rooms) -> Array:
        """On the two facades of each room, shape (time, room, 2); 0 where it has none. [W/m²]"""
        found = super().facades(rooms)
        views = _views(Same(self.district), Same(self.envelope))
        row = views.row_of(rooms)
        room, side = np.nonzero(row >= 0)
        if len(room):
            lanes = views.seen.take(row[room, side])
            found[:, room, side] = solar.surface_irradiance(
                self.weather, lanes, albedo=self.albedo, workers=1
            )
        return found


@dataclass(frozen=True, eq=False)
class _Views:
    """What the walls of critical rooms see.

    row : of `seen` for each building and sector, -1 for none, shape (building, 8).
    """

    buildings: pd.Index
    row: npt.NDArray[np.intp]
    seen: Visibility

    def row_of(self, rooms: Rooms) -> npt.NDArray[np.intp]:
        """Row of `seen` for each facade of the rooms, shape (room, 2)."""
        place = self.buildings.get_indexer(pd.Index(rooms.building_id))
        there = (place[:, None] >= 0) & (rooms.facing >= 0)
        return np.where(there, self.row[place[:, None], rooms.facing], -1)


@lru_cache(maxsize=8)
def _views(district: Same[District], envelope: Same[pd.DataFrame]) -> _Views:
    """Kept also where measures give an envelope of the same facades."""
    table = envelope.it
    facing = facing_of(table)
    facing[~table["conditioned"].to_numpy(bool)] = -1
    return _of_facing(district, Same(table.index), facing.tobytes())


@lru_cache(maxsize=3)
def _of_facing(district: Same[District], index: Same[pd.Index], facing: bytes) -> _Views:
    pairs = np.frombuffer(facing, np.intp).reshape(-1, 2)
    walls = walls_of(district.it, index.it, pairs)
    building, side = np.nonzero(walls >= 0)
    seen = of_top_storey(district.it, walls[building, side], _HALF_STOREY_M)
    row = np.full((len(index.it), len(solar.SECTORS)), -1, np.intp)
    row[building, pairs[building, side]] = np.where(seen.exposed > 0, np.arange(len(seen)), -1)
    return _Views(index.it, row, seen)


def walls_of(district: District, buildings: pd.Index, facing: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The wall that stands for each facade: of those that count to its sector, the one with most free area.

    facing : sectors, -1 for none, shape (building, 2).  Returns rows of `district.surfaces`, -1 for none.
    """
    surfaces = district.surfaces
    found = np.full(facing.shape, -1, np.intp)
    free = free_area_m2(surfaces).fillna(0.0).to_numpy("float64")
    tilt = surfaces["tilt_deg"].to_numpy("float64")
    low, high = solar.WALL_TILT_DEG
    upright = (tilt >= low) & (tilt <= high)
    upright &= ~surfaces["surface_type"].isin(HIDDEN_TYPES).to_numpy(bool)
    owner = buildings.get_indexer(pd.Index(surfaces["building_id"]))
    rows = np.flatnonzero(upright & (free > 0) & (owner >= 0))
    share = solar.sector_weights(surfaces["azimuth_deg"].to_numpy("float64")[rows]) * free[rows, None]
    for side in range(facing.shape[1]):
        sector = facing[owner[rows], side]
        mine = np.where(sector >= 0, share[np.arange(len(rows)), sector], 0.0)
        order = np.argsort(mine, kind="stable")  # the largest is written last
        order = order[mine[order] > 0]
        found[owner[rows[order]], side] = rows[order]
    return found
