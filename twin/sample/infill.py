"""Rows generated where none is set by hand: parallel rows around green courtyards, closed by short ones."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from twin import schema
from twin.sample import inputs, slabs

DEPTH_M = 12.0
_STEP_M = 2.0
_ROW_GAP_M = 16.0
_LEAST = 2
_LOT_M = 160.0


def fill(estates: pd.DataFrame, blocked: BaseGeometry, seed: int) -> gpd.GeoDataFrame:
    """Sections of all estates in `estates` (columns as in `estates.csv`), none of them in `blocked`."""
    parts = []
    for i, estate in enumerate(inputs.records(estates)):
        parts.append(_estate(estate, blocked, np.random.default_rng([seed, i])))
        placed = shapely.buffer(parts[-1].geometry.to_numpy(), _ROW_GAP_M, join_style="mitre")
        blocked = shapely.union_all([blocked, *placed])
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=schema.CRS)


def trim(
    sections: gpd.GeoDataFrame, target: dict[str, float], axes: BaseGeometry, seed: int
) -> gpd.GeoDataFrame:
    """`sections` without the rows farthest from a street, until each quarter keeps to its target.

    Parameters
    ----------
    target : most dwellings of each quarter.
    axes : lines that rows are to be near.
    seed : of the lot that keeps some of the far rows.
    """
    rng = np.random.default_rng([seed, 99])
    rows = sections.groupby("row", sort=True).agg(
        quarter=("quarter", "first"), dwellings=("dwellings", "sum")
    )
    middle = shapely.centroid(sections.dissolve("row").geometry.reindex(rows.index).to_numpy())
    rows["far"] = shapely.distance(middle, axes) + rng.uniform(0, _LOT_M, len(rows))
    drop: list[str] = []
    for quarter, most in target.items():
        of_quarter = rows[rows["quarter"] == quarter].sort_values("far", ascending=False)
        surplus = float(of_quarter["dwellings"].sum()) - most
        for row in inputs.records(of_quarter):
            if surplus >= row.dwellings:
                surplus -= row.dwellings
                drop.append(row.Index)
    return sections[~sections["row"].isin(drop)].reset_index(drop=True)


def _estate(estate: Any, blocked: BaseGeometry, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """One estate, planned in a frame whose x axis runs along its rows."""
    free = shapely.difference(estate.geometry, blocked)
    origin = estate.geometry.centroid
    turn = estate.bearing_deg - 90  # a bearing of 90° is the x axis
    level = affinity.rotate(free, turn, origin=origin)
    rows = _plan(level, estate.section_length_m, estate.gap_m, int(estate.sections_per_row))
    records, footprints = [], []
    for n, (x, y, count, crosswise) in enumerate(rows):
        corner = shapely.get_coordinates(affinity.rotate(shapely.Point(x, y), -turn, origin=origin))[0]
        bearing = estate.bearing_deg + (90 if crosswise else 0)
        length = estate.section_length_m * count
        footprints += slabs.sections(corner, bearing, length, DEPTH_M, count)
        year = int(rng.integers(estate.year_from, estate.year_to + 1))
        records += [
            {
                "row": f"{estate.estate_id}-{n:03d}", "block_id": None, "block_name": None,
                "quarter": estate.quarter, "street": None, "house_number": None,
                "storeys": int(estate.storeys), "dwellings": int(estate.dwellings_per_section),
                "series": estate.construction_series, "year": year, "refurbishment": None,
                "facts": None, "documented": "",
            }
        ] * count  # fmt: skip
    return gpd.GeoDataFrame(pd.DataFrame(records), geometry=footprints, crs=schema.CRS)


def _plan(free: BaseGeometry, length: float, gap: float, most: int) -> list[tuple[float, float, int, bool]]:
    """Rows as (x, y of the corner, sections, crosswise).

    The body lies below y for a row along x, and left of x for a crosswise one.
    """
    west, south, east, north = free.bounds
    xs = np.arange(west, east - length, _STEP_M)
    ys = np.arange(north, south + DEPTH_M, -_STEP_M)
    if not len(xs) or not len(ys):
        return []
    shapely.prepare(free)
    grid_x, grid_y = np.meshgrid(xs, ys)
    fits = shapely.contains(free, shapely.box(grid_x, grid_y - DEPTH_M, grid_x + length, grid_y))
    rows: list[tuple[float, float, int, bool]] = []
    court, line = True, 0
    while line < len(ys):
        slack = range(line, min(line + int(gap / 3 / _STEP_M), len(ys)))
        placed = {j: _line(fits[j], xs, length, most) for j in slack}
        best = max(slack, key=lambda j: (sum(n for _, n in placed[j]), -j))
        found = [(x, float(ys[best]), n, False) for x, n in placed[best]]
        distance = gap + 18 if court else gap - 6
        if found and court:
            rows += _closers(free, found, distance, length)
        rows += found
        line = best + round((DEPTH_M + (distance if found else _STEP_M)) / _STEP_M)
        court = not court if found else court
    return rows


def _line(
    fits: NDArray[np.bool_], xs: NDArray[np.float64], length: float, most: int
) -> list[tuple[float, int]]:
    """Rows on one line: as many sections as fit, up to `most`, then a gap."""
    rows: list[tuple[float, int]] = []
    stride, i = length / _STEP_M, 0
    while i < len(xs):
        n = 0
        while n < most and _section_fits(fits, i + n * stride):
            n += 1
        if n >= _LEAST:
            rows.append((float(xs[i]), n))
            i += int(np.ceil(n * stride + _ROW_GAP_M / _STEP_M))
        else:
            i += 1
    return rows


def _section_fits(fits: NDArray[np.bool_], place: float) -> bool:
    """Whether a section fits between two steps of the grid."""
    low, high = int(np.floor(place)), int(np.ceil(place))
    return high < len(fits) and bool(fits[low] and fits[high])


def _closers(
    free: BaseGeometry, found: list[tuple[float, float, int, bool]], distance: float, length: float
) -> list[tuple[float, float, int, bool]]:
    """Short crosswise rows at the open ends of a courtyard, below every second row's end."""
    count = int((distance - 14) / length)
    closers = []
    for k, (x, y, n, _) in enumerate(found):
        left = x if k % 2 else x + n * length - DEPTH_M
        top = y - DEPTH_M - (distance - count * length) / 2
        body = shapely.box(left, top - count * length, left + DEPTH_M, top)
        if count >= _LEAST and shapely.contains(free, body):
            closers.append((left + DEPTH_M, top, count, True))
    return closers
