"""Photovoltaic power of a district's systems hour by hour: sun on each, shade, modules, sum per building.

A system lies in the plane of its surface and gets the sun that `twin.visibility` leaves there; where its
plane is another one (rows on a flat roof, modules at a balcony, stated angles), it gets the light of its own
plane in the open, less what the surface loses to its surroundings. A system without a surface stands in the
open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import pv, pv_rows, solar
from energy.parameters import Parameters
from energy.weather import Weather
from twin.visibility import Visibility, unobstructed

Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
_AT_ONCE = 512  # systems: their year of irradiance takes 18 MB
_SAME_PLANE_DEG = 1.0
_SUFFIX = "-balconies"


@dataclass(frozen=True)
class Site:
    """What all systems share: weather, what surfaces see, the ground's reflectance and figures.

    visibility : None where nothing is known of the surroundings: all stand in the open.
    """

    weather: Weather
    visibility: Visibility | None
    parameters: Parameters

    @property
    def albedo(self) -> float:
        return self.parameters.constant("albedo")


def power(site: Site, systems: pd.DataFrame, owner: npt.ArrayLike, owners: int) -> Singles:
    """Power fed to the building after the inverter, summed per owner, shape (time, owner). [W]

    Parameters
    ----------
    systems : columns of `energy.pv_potential.potential`.
    owner : number of each system's building, from 0, shape (system,).
    owners : how many buildings.
    """
    numbers = np.asarray(owner, np.intp)
    total = np.zeros((len(site.weather), owners), np.float32)
    for part, watts in _blocks(site, systems):
        for column, number in enumerate(numbers[part]):
            total[:, number] += watts[:, column]
    return total


def annual_yield(site: Site, systems: pd.DataFrame) -> pd.Series[float]:
    """Electricity of each system in the weather's year, index as `systems`. [kWh]"""
    total = np.zeros(len(systems))
    for part, watts in _blocks(site, systems):
        total[part] = watts.sum(axis=0, dtype="float64") / 1000.0
    return pd.Series(total, index=systems.index, name="annual_yield_kwh")


def _blocks(site: Site, systems: pd.DataFrame) -> Any:
    for first in range(0, len(systems), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        some = systems.iloc[part]
        sun = irradiance(site, some)
        modules = pv.modules(some, site.parameters)
        yield part, pv.power(sun, site.weather.temp_air, site.weather.wind_speed, modules)


def irradiance(site: Site, systems: pd.DataFrame) -> Singles:
    """Irradiance on the modules of each system, shaded, shape (time, system). [W/m²]"""
    tilt, azimuth, flat = _planes(systems)
    rows = _surface_rows(site, systems)
    sun = np.empty((len(site.weather), len(systems)), np.float32)
    placed = np.flatnonzero(rows >= 0)
    if placed.size and site.visibility is not None:
        seen = site.visibility.take(rows[placed])
        on_surface = solar.surface_irradiance(site.weather, seen, albedo=site.albedo)
        sun[:, placed] = on_surface
        other = ~flat[placed] & ~_parallel(seen, tilt[placed], azimuth[placed])
        if other.any():
            turned = placed[other]
            ratio = _of_the_open(site, seen.take(np.flatnonzero(other)), on_surface[:, other])
            sun[:, turned] = _in_the_open(site, tilt[turned], azimuth[turned]) * ratio
        on_rows = flat[placed]
        for columns, light in _rows(site, placed[on_rows], tilt, azimuth):
            sun[:, columns] = pv_rows.on_roofs(light, sun[:, columns], site.weather.ghi)
    free = np.flatnonzero((rows < 0) & ~flat)
    if free.size:
        sun[:, free] = _in_the_open(site, tilt[free], azimuth[free])
    for columns, light in _rows(site, np.flatnonzero((rows < 0) & flat), tilt, azimuth):
        sun[:, columns] = light[:, None]
    return sun


def _planes(systems: pd.DataFrame) -> tuple[Any, Any, npt.NDArray[np.bool_]]:
    tilt = systems["surface_tilt"].to_numpy("float64")
    azimuth = systems["surface_azimuth"].to_numpy("float64")
    return tilt, azimuth, (systems["kind"] == "flat").to_numpy(bool)


def _surface_rows(site: Site, systems: pd.DataFrame) -> Rows:
    """Rows of the visibility where the systems lie; -1 where they have no surface in it."""
    if site.visibility is None:
        return np.full(len(systems), -1, np.intp)
    names = systems.index.astype(str).str.removesuffix(_SUFFIX)
    rows = site.visibility.rows_of(names)
    exposed = site.visibility.exposed[np.maximum(rows, 0)] > 0 if len(site.visibility) else False
    return np.where((rows >= 0) & exposed, rows, -1)


def _parallel(seen: Visibility, tilt: Any, azimuth: Any) -> npt.NDArray[np.bool_]:
    turned = np.abs((seen.azimuth_deg - azimuth + 180.0) % 360.0 - 180.0) * np.sin(np.radians(tilt))
    return np.asarray((np.abs(seen.tilt_deg - tilt) < _SAME_PLANE_DEG) & (turned < _SAME_PLANE_DEG))


def _in_the_open(site: Site, tilt: Any, azimuth: Any) -> Singles:
    return solar.surface_irradiance(site.weather, unobstructed(tilt, azimuth), albedo=site.albedo)


def _of_the_open(site: Site, seen: Visibility, on_surface: Singles) -> Singles:
    """Share of the open plane's light that the surfaces get, shape (time, surface). [-]"""
    whole = _in_the_open(site, seen.tilt_deg, seen.azimuth_deg)
    share = np.divide(on_surface, whole, out=np.ones_like(whole), where=whole > 0)
    return np.minimum(share, np.float32(1.0))


def _rows(site: Site, columns: Rows, tilt: Any, azimuth: Any) -> Any:
    """Columns of systems in rows of one orientation, and the light on such rows on an open roof."""
    for plane in {(tilt[c], azimuth[c]) for c in columns}:
        mine = columns[(tilt[columns] == plane[0]) & (azimuth[columns] == plane[1])]
        light = pv_rows.irradiance(
            site.weather,
            *plane,
            ground_cover=pv.value(site.parameters, "flat_ground_cover"),
            blocks=int(pv.value(site.parameters, "row_blocks")),
            albedo=site.albedo,
        )
        yield mine, light
