"""Irradiance on the windows of zones in the kernel's layout, kept while geometry and weather stay.

A measure on walls, glass or heating leaves the sun on the windows as it was: the live loop finds it here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from energy import solar, window_glass
from energy.blocks import KEPT_BYTES, Blocks, digest, kept
from energy.lanes import LANES, width
from energy.weather import Weather
from energy.window_glass import Glass
from energy.zone_kernel import collect_sun
from twin.compute import Same
from twin.district import District
from twin.visibility import Visibility

Array = npt.NDArray[np.floating[Any]]


def from_planes(planes: Array, solar_area_m2: Array) -> Blocks:
    """Sun on windows from the irradiance on planes, shape (time, plane), by their areas, (zone, plane)."""
    total = solar_area_m2.sum(axis=1, keepdims=True)
    share = solar_area_m2 / np.where(total > 0, total, 1.0)
    key = (id(planes), digest(share))

    def compute(first: int) -> Array:
        wide = width(first, len(share))
        weights = np.zeros((share.shape[1], wide), np.float32)
        part = share[first : first + wide]
        weights[:, : len(part)] = part.T
        sun = np.empty((len(planes), wide), np.float32)
        collect_sun(planes.astype(np.float32), weights, sun)
        return sun

    return kept(key, planes, lambda: Blocks(len(planes), len(share), compute))


def glazed_planes(weather: Weather, albedo: float, solar_area_m2: Array, glass: Glass) -> Blocks:
    """As `from_planes`, as the zones' glass lets the sun in."""
    total = solar_area_m2.sum(axis=1, keepdims=True)
    share = (solar_area_m2 / np.where(total > 0, total, 1.0))[:, :-1]
    key = (id(weather), albedo, digest(share), digest(glass.curve), digest(glass.kind))

    def compute(first: int) -> Array:
        mine = slice(first, min(first + LANES, len(share)))
        kinds, number = np.unique(glass.kind[mine], return_inverse=True)
        passed = window_glass.planes(weather, albedo, Glass(glass.curve[kinds], kinds))
        sun = np.zeros((len(weather), width(first, len(share))), np.float32)
        for lane, kind in enumerate(number.reshape(-1)):
            sun[:, lane] = passed[kind] @ share[first + lane]
        return sun

    return kept(key, weather, lambda: Blocks(len(weather), len(share), compute))


def from_walls(
    weather: Weather,
    district: District,
    visibility: Visibility,
    albedo: float,
    rows: npt.NDArray[np.intp],
    glass: Glass | None = None,
) -> Blocks:
    """Sun on windows, spread over each building's exposed walls with the shade that falls on them.

    rows : of the district's buildings, one per zone.
    glass : of the zones: the sun counts as it lets it in by its angle, over g.
    """
    hours = len(weather)
    whole = glass is None and len(district.buildings) * hours * 4 <= KEPT_BYTES

    def compute(first: int) -> Array:
        sun = np.zeros((hours, width(first, len(rows))), np.float32)
        mine = rows[first : first + LANES]
        if whole:
            sun[:, : len(mine)] = _on_walls(weather, Same(district), visibility, albedo)[mine].T
        else:
            walls = _walls(Same(district), visibility).take(mine)
            behind = None if glass is None else glass.of(slice(first, first + LANES))
            sun[:, : len(mine)] = solar.window_irradiance(
                weather, visibility, walls, albedo=albedo, glass=behind, workers=1
            )
        return sun

    seen = "" if glass is None else digest(glass.curve) + digest(glass.kind)
    key = (id(visibility), id(weather), albedo, digest(rows), seen)
    return kept(key, (visibility, weather), lambda: Blocks(hours, len(rows), compute))


@lru_cache(maxsize=2)
def _walls(district: Same[District], visibility: Visibility) -> solar.Facades:
    """Of all buildings: to look for those of some of them is as much work."""
    return solar.facades(district.it, visibility)


@lru_cache(maxsize=2)
def _on_walls(weather: Weather, district: Same[District], visibility: Visibility, albedo: float) -> Array:
    """Irradiance on the windows of all buildings, shape (building, time): a zone's year lies in one piece."""
    walls = _walls(district, visibility)
    return np.ascontiguousarray(solar.window_irradiance(weather, visibility, walls, albedo=albedo).T)
