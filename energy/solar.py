"""Irradiance on surfaces and windows, shaded by what `twin.visibility` found, and on plain planes (pvlib).

The Perez sky's parts (`energy.perez`) are shaded each by its own view: beam and glow by the mask of the sun's
position, the dome by the view of the sky, the band at the horizon by the view of the lowest 12°. The ground
reflects as if it lay open; what hides sky and ground reflects a little too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import perez, window_glass
from energy.solar_kernel import glazed_year, surfaces_year, windows_year
from energy.weather import Weather
from energy.window_glass import Glass
from twin.compute import run_all
from twin.district import District
from twin.errors import CallError
from twin.party_walls import free_area_m2
from twin.visibility import Visibility, leaf_share, patches
from twin.visibility.directions import nearest, turned, vectors
from twin.visibility.figures import figures
from twin.visibility.result import LIT

Array = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
SECTORS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
SECTOR_WIDTH_DEG = 45.0
PLANES = (*SECTORS, "horizontal")
BRIGHT_DNI = 120.0  # sunshine by WMO-No. 8 (Guide to Instruments), 8.1.1. [W/m²]
_BLOCK = 2048  # surfaces that one thread takes at a time
WALL_TILT_DEG = (60.0, 120.0)


@lru_cache(maxsize=16)
def plane_irradiance(weather: Weather, albedo: float = 0.2) -> Array:
    """Global irradiance on eight facades and the horizontal, shape (time, 9). [W/m²]

    Perez sky (pvlib, coefficients "allsitescomposite1990"), isotropic ground; unshaded. Columns as in
    `PLANES`. While the sun is down at the middle of the hour, its beam counts as diffuse.
    """
    light = perez.sky(weather)
    planes = np.empty((len(weather), len(PLANES)))
    facing = vectors(np.arange(len(SECTORS)) * SECTOR_WIDTH_DEG, 0.0)
    cosine = np.maximum(light.sun @ facing.T, 0.0)
    diffuse = np.maximum((0.5 * light.dome + light.band)[:, None] + light.glow[:, None] * cosine, 0.0)
    planes[:, :-1] = diffuse + light.beam[:, None] * cosine + (weather.ghi * albedo * 0.5)[:, None]
    planes[:, -1] = weather.ghi
    return planes


def sector_weights(azimuth_deg: npt.ArrayLike) -> Array:
    """Shares of the eight facade sectors that a wall counts to, shape (wall, 8). [-]

    A wall between two sectors belongs to both in proportion, so that turning a building never makes a jump.
    A missing azimuth counts evenly to all.
    """
    azimuth = np.asarray(azimuth_deg, "float64")
    position = np.mod(azimuth, 360.0) / SECTOR_WIDTH_DEG
    lower = np.floor(position)
    upper_share = position - lower
    weights = np.zeros((azimuth.size, len(SECTORS)))
    rows = np.flatnonzero(np.isfinite(azimuth))
    first = lower[rows].astype(int) % len(SECTORS)
    weights[rows, first] = 1 - upper_share[rows]
    weights[rows, (first + 1) % len(SECTORS)] += upper_share[rows]
    weights[~np.isfinite(azimuth)] = 1 / len(SECTORS)
    return weights


def surface_irradiance(
    weather: Weather,
    visibility: Visibility,
    *,
    albedo: float = 0.2,
    obstacle_albedo: float | None = None,
    rows: slice | None = None,
    out: Singles | None = None,
    workers: int | None = None,
) -> Singles:
    """Mean irradiance on surfaces hour by hour, shape (time, surface), float32. [W/m²]

    Parameters
    ----------
    albedo : reflectance of the ground.
    obstacle_albedo : of what hides sky and ground; assets/parameters/shading.csv without it.
    rows : of the visibility, without a step; all without it (4 bytes × 8,760 × surfaces: see
        `irradiance_blocks`).
    out : zeros in dark hours, C order, to write to, shape (time, surface).
    workers : threads; all cores of the process without it.
    """
    start, stop, _ = (rows or slice(None)).indices(len(visibility))
    result = np.zeros((len(weather), stop - start), np.float32) if out is None else out
    drive, views = _drive(weather, visibility), _views(visibility, albedo, obstacle_albedo)

    def block(first: int) -> None:
        surfaces_year(*drive, drive[0], False, *views, first, min(first + _BLOCK, stop), result, start)

    run_all(block, range(start, stop, _BLOCK), workers)
    return result


def irradiance_blocks(
    weather: Weather,
    visibility: Visibility,
    *,
    size: int = 2 * _BLOCK,
    albedo: float = 0.2,
    obstacle_albedo: float | None = None,
    workers: int | None = None,
) -> Iterator[tuple[slice, Singles]]:
    """`surface_irradiance` piece by piece: rows of the visibility and their irradiance, (time, piece).

    The same memory holds each piece: what a caller keeps of it has to be copied.
    """
    drive, views = _drive(weather, visibility), _views(visibility, albedo, obstacle_albedo)
    room = np.zeros((len(weather), min(size, len(visibility))), np.float32)
    for start in range(0, len(visibility), size):
        stop = min(start + size, len(visibility))
        if stop - start < room.shape[1]:
            room = np.zeros((len(weather), stop - start), np.float32)

        def block(first: int, start: int = start, stop: int = stop, room: Singles = room) -> None:
            surfaces_year(*drive, drive[0], False, *views, first, min(first + _BLOCK, stop), room, start)

        run_all(block, range(start, stop, _BLOCK), workers)
        yield slice(start, stop), room


def irradiation(
    weather: Weather,
    visibility: Visibility,
    bins: npt.ArrayLike | None = None,
    *,
    albedo: float = 0.2,
    obstacle_albedo: float | None = None,
    workers: int | None = None,
) -> Array:
    """Sums of the irradiance on surfaces, shape (bin, surface). [kWh/m²]

    bins : number of each hour's bin, from 0, shape (time,); one for the whole year without it.
    """
    bin_of = np.zeros(len(weather), np.intp) if bins is None else np.asarray(bins, np.intp)
    if bin_of.shape != (len(weather),) or bin_of.min(initial=0) < 0:
        raise CallError(
            "the bins are not one number from 0 for each hour", "irradiation", "Check their shape"
        )
    months = np.arange(len(weather)) // 730  # parts of the year keep float32 sums exact to 1e-6
    part, part_of = np.unique(bin_of * (months.max() + 1) + months, return_inverse=True)
    drive, views = _drive(weather, visibility), _views(visibility, albedo, obstacle_albedo)
    target = part_of.reshape(-1)[drive[0]].astype(np.intp)
    total = np.zeros((int(bin_of.max()) + 1, len(visibility)))

    def block(first: int) -> None:
        span = slice(first, min(first + _BLOCK, len(visibility)))
        sums = np.zeros((len(part), span.stop - span.start), np.float32)
        surfaces_year(*drive, target, True, *views, span.start, span.stop, sums, span.start)
        np.add.at(total[:, span], part // (months.max() + 1), sums / 1000.0)

    run_all(block, range(0, len(visibility), _BLOCK), workers)
    return total


@dataclass(frozen=True, eq=False)
class Facades:
    """Walls of buildings: rows of a visibility with their building and weight.

    rows, building : in the order of the buildings, shape (wall,).  weight : sums to 1 per building. [-]
    count : number of buildings.
    """

    rows: Rows
    building: Rows
    weight: Array
    count: int

    @cached_property
    def _start(self) -> Rows:
        """Where each building's walls begin, and where all end, shape (building + 1,)."""
        return np.searchsorted(self.building, np.arange(self.count + 1))

    def take(self, buildings: npt.ArrayLike) -> Facades:
        """The walls of some of the buildings, by their numbers, in that order."""
        chosen, start = np.asarray(buildings, np.intp), self._start
        each = start[chosen + 1] - start[chosen]
        first = np.concatenate([[0], np.cumsum(each)[:-1]]) if len(chosen) else each
        walls = np.repeat(start[chosen] - first, each) + np.arange(each.sum())
        return Facades(
            self.rows[walls], np.repeat(np.arange(len(chosen)), each), self.weight[walls], len(chosen)
        )


def facades(district: District, visibility: Visibility, building_ids: npt.ArrayLike | None = None) -> Facades:
    """The walls (tilted 60° to 120°) of buildings, weighted by the area that is exposed.

    building_ids : in the order wanted; all of the district without it.
    """
    ids = district.buildings.index if building_ids is None else pd.Index(np.asarray(building_ids, object))
    surfaces = district.surfaces
    rows = visibility.rows_of(surfaces.index)
    building = ids.get_indexer(pd.Index(surfaces["building_id"]))
    free = free_area_m2(surfaces).fillna(0.0).to_numpy("float64")
    low, high = WALL_TILT_DEG
    tilt = visibility.tilt_deg[rows] if len(visibility) else np.zeros(len(rows))
    chosen = np.flatnonzero((rows >= 0) & (building >= 0) & (free > 0) & (tilt >= low) & (tilt <= high))
    chosen = chosen[visibility.exposed[rows[chosen]] > 0]
    chosen = chosen[np.argsort(building[chosen], kind="stable")]
    total = np.bincount(building[chosen], free[chosen], len(ids))
    weight = free[chosen] / total[building[chosen]]
    return Facades(rows[chosen], building[chosen].astype(np.intp), weight, len(ids))


def window_irradiance(
    weather: Weather,
    visibility: Visibility,
    walls: Facades,
    *,
    albedo: float = 0.2,
    obstacle_albedo: float | None = None,
    glass: Glass | None = None,
    workers: int | None = None,
) -> Singles:
    """Mean irradiance on each building's windows, spread over its walls, shape (time, building). [W/m²]

    glass : of the buildings: the irradiance counts as the glass lets it in by its angle, over g.

    A building without walls gets the mean of eight open facades.
    """
    result = np.zeros((len(weather), walls.count), np.float32)
    lanes = visibility.take(walls.rows)
    drive, views = _drive(weather, lanes), _views(lanes, albedo, obstacle_albedo)
    weight = walls.weight.astype(np.float32)
    start = np.searchsorted(walls.building, np.arange(walls.count + 1)).astype(np.intp)
    size = max(1, _BLOCK * walls.count // max(len(lanes), 1))

    def block(first: int) -> None:
        last = min(first + size, walls.count)
        if glass is not None:
            curves = glass.curve.astype(np.float32), glass.kind
            glazed_year(*drive, *views, *curves, weight, start, first, last, result)
            return
        span = slice(start[first], start[last])
        each = np.zeros((1, span.stop - span.start), np.float32)
        windows_year(*drive, *views, span.start, span.stop, each, weight, start, first, last, result)

    run_all(block, range(0, walls.count, size), workers)
    bare = np.diff(start) == 0
    if bare.any():
        open_air = plane_irradiance(weather, albedo)[:, :-1].mean(axis=1)[:, None]
        if glass is not None:
            open_air = window_glass.planes(weather, albedo, glass).mean(axis=2)[glass.kind[bare]].T
        result[:, bare] = open_air
    return result


def sun_hours(
    visibility: Visibility,
    times: pd.DatetimeIndex,
    latitude: float,
    longitude: float,
    *,
    altitude_m: float = 0.0,
    bright: npt.ArrayLike | None = None,
    bins: npt.ArrayLike | None = None,
) -> Array:
    """Hours of direct sun on surfaces or points, shape (bin, surface). [h]

    Parameters
    ----------
    times : starts of equal intervals, UTC; the sun is taken at their middles.
    bright : whether the sun shines, shape (time,), such as ``weather.dni >= BRIGHT_DNI``; all the time (the
        astronomically possible hours) without it.
    bins : number of each interval's bin, such as of its day; one without it.
    """
    if len(times) < 2:
        raise CallError("there are fewer than two times", "sun hours", "Give equal intervals")
    step = times[1] - times[0]
    zenith, azimuth = perez.sun_angles(times + step / 2, latitude, longitude, altitude_m)
    shines = np.ones(len(times), bool) if bright is None else np.asarray(bright, bool)
    bin_of = np.zeros(len(times), np.intp) if bins is None else np.asarray(bins, np.intp)
    total = np.zeros((int(bin_of.max()) + 1, len(visibility)))
    sun = vectors(azimuth, 90.0 - zenith)
    rows = np.flatnonzero(shines & (zenith < 90.0))
    position = nearest(turned(sun[rows], -visibility.convergence_deg), visibility.sun_directions)
    leaves = leaf_share(times.day_of_year.to_numpy()[rows], latitude)
    cosine_of = visibility.normal.T
    for row, at, leaf in zip(rows, position, leaves, strict=True):
        mask = visibility.beam[0, at] * (1.0 - leaf) + visibility.beam[-1, at] * leaf
        faces = turned(sun[row], -visibility.convergence_deg) @ cosine_of > 0
        total[bin_of[row]] += mask * faces / LIT
    return total * (step / pd.Timedelta(hours=1))


def _drive(weather: Weather, visibility: Visibility) -> tuple[npt.NDArray[Any], ...]:
    """What all surfaces share, by lit hour: hour, parts of the sky, leaves, sun and its position's number."""
    light = perez.sky(weather)
    lit = light.lit
    sun = turned(light.sun[lit], -visibility.convergence_deg)
    middle = weather.times + pd.Timedelta(minutes=30)
    leaves = leaf_share(middle.day_of_year.to_numpy()[lit], weather.latitude)
    shares = (light.beam, light.glow, light.dome, light.band, light.ghi)
    parts = np.stack([*(values[lit] for values in shares), leaves, *sun.T], axis=1).astype(np.float32)
    return lit, parts, nearest(sun, visibility.sun_directions)


def _views(
    visibility: Visibility, albedo: float, obstacle_albedo: float | None
) -> tuple[npt.NDArray[Any], ...]:
    """What the surfaces see: sky, horizon and reflections, shape (season, surface), normals, sun masks."""
    known = figures()
    reflectance = known["obstacle_albedo"] if obstacle_albedo is None else obstacle_albedo
    sky_view = visibility.sky_view.sum(axis=1, dtype="float64")
    hidden = np.maximum(1.0 - sky_view - visibility.ground_view, 0.0) * (visibility.exposed > 0)
    reflected = albedo * visibility.ground_view + reflectance * known["obstacle_light_share"] * hidden
    singles = (values.astype(np.float32) for values in (sky_view, _band_view(visibility), reflected))
    facing = np.ascontiguousarray(visibility.normal.T, np.float32)
    return (*singles, facing, visibility.beam)


def _band_view(visibility: Visibility) -> Array:
    """View of the horizon's band, shape (season, surface): sin(tilt) where nothing stands in the way. [-]

    The band fills the lowest 12° of patches; each counts by the cosine between its azimuth and the plane's.
    """
    dome = patches(visibility.open_view.shape[0])
    low = np.flatnonzero(dome.lowest)
    whole = visibility.open_view[low].astype(float)
    across = vectors(dome.azimuth_deg[low], 0.0)[:, :2] @ vectors(visibility.azimuth_deg, 0.0)[:, :2].T
    weight = np.maximum(across, 0.0) * (whole > 0)
    total = weight.sum(axis=0)
    weight /= np.where(total > 0, total, 1.0)
    seen = visibility.sky_view[:, low].astype(float)
    share = np.divide(seen, whole, out=np.zeros_like(seen), where=whole > 0)
    return np.asarray(np.sin(np.radians(visibility.tilt_deg)) * (share * weight).sum(axis=1))
