"""Hours of sun on the ground of a district: a raster for a day, a season or the year, under a clear sky.

The sun is pvlib's at the middle of each step; solids and relief block it, crowns of trees dim it by season
(`twin.visibility`). The 15th of each month, weighted by the month's days, stands for a
season and the year.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from energy import perez
from twin.compute import run_all
from twin.district import District
from twin.errors import CallError
from twin.sources.base import Progress, no_progress
from twin.terrain import Terrain
from twin.visibility import Scene, leaf_share, scene, scene_of_district
from twin.visibility.crowns import light
from twin.visibility.directions import turned, vectors
from twin.visibility.district import place_of
from twin.visibility.scene import coarse_relief

Array = npt.NDArray[np.float64]
Period = Literal["day", "summer", "winter", "year"]
CELL_M, STEP_MIN, MARGIN_M = 4.0, 15, 60.0
MOST_CELLS = 160_000
_MONTHS = {"summer": range(4, 10), "winter": (10, 11, 12, 1, 2, 3), "year": range(1, 13)}
_ABOVE_M = 0.1  # so that the ground does not shade itself
_BLOCK = 16_384


@dataclass(frozen=True, eq=False)
class SunGround:
    """Hours of sun on the ground in a mean day.

    hours : a raster; nan where a building stands. [h/d]
    possible_h : on open, level ground. [h/d]
    """

    hours: Terrain
    possible_h: float


def days_of(period: Period, day: datetime.date) -> pd.DataFrame:
    """The days that stand for a period, in the year of `day`: index date, column weight (1 in sum).

    Raises
    ------
    CallError : another period.
    """
    if period == "day":
        return pd.DataFrame({"weight": [1.0]}, index=pd.DatetimeIndex([day]))
    if period not in _MONTHS:
        raise CallError(f"there is no period {period!r}", "hours of sun", f"Use day, {', '.join(_MONTHS)}")
    months = sorted(_MONTHS[period])
    lengths = np.array([calendar.monthrange(day.year, month)[1] for month in months], float)
    dates = pd.DatetimeIndex([datetime.date(day.year, month, 15) for month in months])
    return pd.DataFrame({"weight": lengths / lengths.sum()}, index=dates)


def sun_hours_ground(
    district: District,
    period: Period = "day",
    day: datetime.date = datetime.date(2026, 6, 21),
    *,
    cell_m: float = CELL_M,
    step_min: int = STEP_MIN,
    bounds: tuple[float, float, float, float] | None = None,
    frame: Scene | None = None,
    progress: Progress = no_progress,
) -> SunGround:
    """Hours of sun on the ground around a district's buildings.

    Parameters
    ----------
    day : for ``day``; of the others its year.
    cell_m : of the raster, 2 to 20; coarser where there would be more than `MOST_CELLS`.
    bounds : west, south, east, north of the raster; all buildings with 60 m around without it. [m]
    frame : the obstacles; the district's own without it. With other trees it says what those take.

    Raises
    ------
    CallError : a cell or a step out of range, or a period that is none.
    """
    if not 2 <= cell_m <= 20 or not 1 <= step_min <= 60:
        raise CallError("give a cell of 2 to 20 m and a step of 1 to 60 minutes", "hours of sun")
    obstacles = scene_of_district(district) if frame is None else frame
    grid = _grid(district, cell_m, bounds)
    x, y = _middles(grid)
    ground = _ground(district, x, y)
    free = np.isfinite(ground) & ~_built(district, x, y)
    points = np.column_stack([x, y, ground + _ABOVE_M])[free]
    days = days_of(period, day)
    times, weight = steps_of(days, step_min, place_of(obstacles.origin)[1])
    hours = np.full(len(x), np.nan)
    hours[free] = lit_hours(obstacles, points, times, weight, progress=progress)
    shape = grid.heights_m.shape
    return SunGround(
        Terrain(hours.reshape(shape).astype(np.float32), grid.west_m, grid.north_m, grid.cell_m),
        open_hours(obstacles, times, weight),
    )


def lit_hours(
    frame: Scene,
    points: npt.ArrayLike,
    times: pd.DatetimeIndex,
    weight_h: npt.ArrayLike,
    *,
    progress: Progress = no_progress,
) -> Array:
    """Sum of the weights of the times at which the sun reaches points, dimmed by crowns, shape (point,).

    points : easting, northing, height, shape (point, 3). [m]  times : UTC, shape (time,).  weight_h : alike.
    """
    local = frame.local(points).astype(np.float32)
    latitude, longitude, convergence = place_of(frame.origin)
    zenith, azimuth = perez.sun_angles(times, latitude, longitude, 0.0)
    up = np.flatnonzero(zenith < 90.0)
    ways = turned(vectors(azimuth[up], 90.0 - zenith[up]), -convergence)
    above = ~frame.below_horizon(ways)
    up, ways = up[above], ways[above].astype(np.float32)
    leaves = leaf_share(times.day_of_year.to_numpy()[up], latitude)
    weights = np.asarray(weight_h, float)[up]
    total = np.zeros(len(local))
    lock, done = Lock(), [0]

    def one(number: int) -> None:
        start = number * _BLOCK
        block = local[start : start + _BLOCK]
        lit = np.zeros(len(block))
        for way, leaf, hours in zip(ways, leaves, weights, strict=True):
            seen = np.flatnonzero(~frame.blocked(block, way[None]))
            if len(frame.crowns):
                bare, leafy = light(frame.crowns, block[seen], way[None])
                lit[seen] += hours * (bare * (1 - leaf) + leafy * leaf)
            else:
                lit[seen] += hours
        total[start : start + _BLOCK] = lit
        with lock:
            done[0] += len(block)
            progress("sun", done[0] / len(local))

    run_all(one, range(-(-len(local) // _BLOCK)), None)
    return total


def shaded_share(before: SunGround, after: SunGround, least_h: float = 0.5) -> float:
    """Share of the open ground that loses at least `least_h` of sun a day, as by a proposal's trees. [-]"""
    known = np.isfinite(before.hours.heights_m) & np.isfinite(after.hours.heights_m)
    lost = (before.hours.heights_m - after.hours.heights_m)[known]
    return float((lost >= least_h).mean()) if len(lost) else 0.0


def open_hours(frame: Scene, times: pd.DatetimeIndex, weight_h: npt.ArrayLike) -> float:
    """Hours of sun on open, level ground at the same place."""
    nothing = scene(np.zeros((0, 3)), np.zeros((0, 3), int), origin=frame.origin)
    return float(lit_hours(nothing, frame.origin[None, :], times, weight_h)[0])


def steps_of(days: pd.DataFrame, step_min: int, longitude: float) -> tuple[pd.DatetimeIndex, Array]:
    """Middles of the steps of days by local mean time, in UTC, and the weight of each. [h]"""
    step = pd.Timedelta(minutes=step_min)
    noon_shift = pd.Timedelta(hours=longitude / 15.0)
    inside = pd.timedelta_range(step / 2, pd.Timedelta(days=1), freq=step)
    times = [day + inside - noon_shift for day in days.index]
    weight = np.repeat(days["weight"].to_numpy() * step_min / 60.0, len(inside))
    return pd.DatetimeIndex(np.concatenate([t.to_numpy() for t in times])).tz_localize("UTC"), weight


def _grid(district: District, cell_m: float, bounds: tuple[float, float, float, float] | None) -> Terrain:
    whole = district.buildings.total_bounds + np.array([-1, -1, 1, 1]) * MARGIN_M
    west, south, east, north = whole if bounds is None else bounds
    cell = max(cell_m, float(np.sqrt((east - west) * (north - south) / MOST_CELLS)))
    shape = (max(1, int(np.ceil((north - south) / cell))), max(1, int(np.ceil((east - west) / cell))))
    return Terrain(np.zeros(shape, np.float32), float(west), float(north), cell)


def _middles(grid: Terrain) -> tuple[Array, Array]:
    rows, columns = grid.heights_m.shape
    x = grid.west_m + (np.arange(columns) + 0.5) * grid.cell_m
    y = grid.north_m - (np.arange(rows) + 0.5) * grid.cell_m
    return np.tile(x, rows), np.repeat(y, columns)


def _ground(district: District, x: Array, y: Array) -> Array:
    """Height of the ground: the terrain, or the coarser relief that blocks where that buries it. [m]"""
    terrain = district.terrain
    if terrain is None:
        known = district.buildings["ground_height_m"].to_numpy("float64")
        return np.full(len(x), float(np.nan_to_num(np.nanmedian(known))))
    return np.asarray(np.fmax(terrain.sample(x, y), coarse_relief(terrain).sample(x, y)))


def _built(district: District, x: Array, y: Array) -> npt.NDArray[np.bool_]:
    tree = shapely.STRtree(district.buildings.geometry.to_numpy())
    inside = tree.query(shapely.points(x, y), predicate="within")[0]
    found = np.zeros(len(x), bool)
    found[inside] = True
    return found


def colours_of(hours: npt.ArrayLike, edges: Sequence[float]) -> npt.NDArray[np.uint8]:
    """Class of each hour from 1, by the lower edges of the classes; 0 for nan. Shape as `hours`."""
    values = np.asarray(hours, float)
    classes = np.clip(np.searchsorted(np.asarray(edges, float), values, side="right"), 1, len(edges))
    return np.where(np.isfinite(values), classes, 0).astype(np.uint8)
