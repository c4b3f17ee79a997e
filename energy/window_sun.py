"""Irradiance on the windows of zones in the kernel's layout, kept while geometry and weather stay.

A measure on walls, glass or heating leaves the sun on the windows as it was: the live loop finds it here.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from energy import solar
from energy.weather import Weather
from energy.zone_kernel import LANES, collect_sun, width
from twin.compute import Same
from twin.district import District
from twin.visibility import Visibility

Array = npt.NDArray[np.floating[Any]]
KEPT_BYTES = 384 << 20  # the year of 10,000 buildings; larger districts' is computed as it is needed


class Blocks:
    """Hourly values of zones, shape (time, zone), given out in the kernel's blocks.

    compute : the values of the zones of a block, shape (time, lane), float32.
    """

    def __init__(self, hours: int, zones: int, compute: Callable[[int], Array]) -> None:
        self._compute = compute
        blocks = -(-zones // LANES)
        self.bytes = blocks * hours * LANES * 4
        self._blocks: dict[int, Array] = {}

    def block(self, first: int) -> Array:
        """Values of the block of zones that starts at `first`, shape (time, lane)."""
        if (known := self._blocks.get(first)) is not None:
            return known
        values = self._compute(first)
        if self.bytes <= KEPT_BYTES:
            self._blocks[first] = values
        return values


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


def from_walls(
    weather: Weather,
    district: District,
    visibility: Visibility,
    albedo: float,
    rows: npt.NDArray[np.intp],
) -> Blocks:
    """Sun on windows, spread over each building's exposed walls with the shade that falls on them.

    rows : of the district's buildings, one per zone.
    """
    hours, whole = len(weather), len(district.buildings) * len(weather) * 4 <= KEPT_BYTES

    def compute(first: int) -> Array:
        sun = np.zeros((hours, width(first, len(rows))), np.float32)
        mine = rows[first : first + LANES]
        if whole:
            sun[:, : len(mine)] = _on_walls(weather, Same(district), visibility, albedo)[mine].T
        else:
            ids = district.buildings.index[mine]
            walls = solar.facades(district, visibility, ids)
            sun[:, : len(mine)] = solar.window_irradiance(
                weather, visibility, walls, albedo=albedo, workers=1
            )
        return sun

    key = (id(visibility) ^ id(weather), f"{albedo} {digest(rows)}")
    return kept(key, (visibility, weather), lambda: Blocks(hours, len(rows), compute))


@lru_cache(maxsize=2)
def _on_walls(weather: Weather, district: Same[District], visibility: Visibility, albedo: float) -> Array:
    """Irradiance on the windows of all buildings, shape (building, time): a zone's year lies in one piece."""
    walls = solar.facades(district.it, visibility)
    return np.ascontiguousarray(solar.window_irradiance(weather, visibility, walls, albedo=albedo).T)


_known: OrderedDict[tuple[int, str], tuple[object, Blocks]] = OrderedDict()
_lock = Lock()


def kept(key: tuple[int, str], source: object, make: Callable[[], Blocks]) -> Blocks:
    """The one of `key`, made if it is not known; `source` is held so that its id stays its own."""
    with _lock:
        if key not in _known:
            _known[key] = (source, make())
            while len(_known) > 1 and sum(sun.bytes for _, sun in _known.values()) > KEPT_BYTES:
                _known.popitem(last=False)
        _known.move_to_end(key)
        return _known[key][1]


def digest(values: npt.NDArray[Any]) -> str:
    """A short name of an array's content."""
    return hashlib.sha1(np.ascontiguousarray(values).tobytes(), usedforsecurity=False).hexdigest()
