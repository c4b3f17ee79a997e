"""Which buildings are shown together, so that no public figure tells of fewer than five households.

The rule (after WPG § 10(2), which lets heat use be known only over at least five neighbouring users): a
**unit** is a dwelling; a building without dwellings is one unit, its meter. Fewer than `MINIMUM` units
are protected:

- a building with five or more dwellings is a group of its own;
- smaller residential buildings are put together with their neighbours;
- buildings without dwellings are put together with neighbouring buildings without dwellings, apart from
  the homes, so that a school does not hide in a street of houses nor the other way round;
- what does not make five by itself joins the nearest group; where there is none, nothing is shown;
- what is not heated (garages, sheds) has no meter, counts nothing and shows nothing.

There is one partition, and every public view (filter, zoom, scenario, time, total) is a sum of whole
groups of it: no two views differ by less than a group, so subtraction finds nothing. It follows from
ids, places and dwellings alone and does not depend on the order of rows.
"""

from __future__ import annotations

import hashlib

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

MINIMUM = 5
HIDDEN = ""


def groups(
    buildings: gpd.GeoDataFrame, heated: pd.Series | None = None, minimum: int = MINIMUM
) -> pd.Series[str]:
    """Group id of each building of a district's table `buildings`, index building_id; `HIDDEN`: never shown.

    heated : bool, index building_id; without it, all buildings but garages.
    """
    if heated is None:
        heated = buildings["function"].fillna("") != "garage"
    warm = buildings[heated.reindex(buildings.index, fill_value=False).to_numpy(bool)]
    points = shapely.point_on_surface(warm.geometry.to_numpy())
    ids = warm.index.to_numpy(dtype=object)
    names = partition(ids, shapely.get_x(points), shapely.get_y(points), warm["dwellings"], minimum)
    return pd.Series(names, index=warm.index, name="group_id").reindex(buildings.index, fill_value=HIDDEN)


def partition(
    ids: ArrayLike, x_m: ArrayLike, y_m: ArrayLike, dwellings: ArrayLike, minimum: int = MINIMUM
) -> NDArray[np.object_]:
    """Group id of each building, shape (building,).

    Parameters
    ----------
    ids : str, shape (building,), each once.
    x_m, y_m : a point of each building, shape (building,). [m]
    dwellings : shape (building,); nan or 0: no dwelling, one meter.
    """
    names = np.asarray(ids, dtype=object).astype(str)
    x, y = np.asarray(x_m, float), np.asarray(y_m, float)
    homes = np.nan_to_num(np.floor(np.asarray(dwellings, float)))
    units = np.where(homes >= 1, homes, 1.0)
    rank = np.lexsort((names, y, x))
    members: list[NDArray[np.intp]] = [np.array([row]) for row in rank if homes[row] >= minimum]
    small: list[NDArray[np.intp]] = []
    sorted_homes = homes[rank]
    for kind in (rank[(sorted_homes >= 1) & (sorted_homes < minimum)], rank[sorted_homes < 1]):
        if units[kind].sum() >= minimum:
            members += _halve(kind, x, y, names, units, minimum)
        elif kind.size:
            small.append(kind)
    lost = np.concatenate(small) if small else np.empty(0, np.intp)
    if not members and units[lost].sum() >= minimum:
        members, small = [lost], []
    for rows in small:
        _join(rows, members, x, y)
    result = np.full(len(names), HIDDEN, object)
    for rows in members:
        result[rows] = _name(names[rows])
    return result


def _halve(
    rows: NDArray[np.intp],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    names: NDArray[np.str_],
    units: NDArray[np.float64],
    minimum: int,
) -> list[NDArray[np.intp]]:
    """Split at the middle of the longer side for as long as both halves keep the minimum."""
    done, open_ = [], [rows]
    while open_:
        rows = open_.pop()
        along, across = (x, y) if np.ptp(x[rows]) >= np.ptp(y[rows]) else (y, x)
        rows = rows[np.lexsort((names[rows], across[rows], along[rows]))]
        total = np.cumsum(units[rows])
        cut = np.flatnonzero((total >= minimum) & (total[-1] - total >= minimum))
        if not cut.size:
            done.append(rows)
            continue
        best = cut[np.argmin(np.abs(2 * total[cut] - total[-1]))] + 1
        open_ += [rows[:best], rows[best:]]
    return done


def _join(
    rows: NDArray[np.intp],
    members: list[NDArray[np.intp]],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> None:
    """Put each of `rows` into the nearest group of `members`, measured to the groups as they were."""
    if not members:
        return
    flat = np.concatenate(members)
    owner = np.repeat(np.arange(len(members)), [len(group) for group in members])
    nearest = [int(owner[np.argmin(np.hypot(x[flat] - x[row], y[flat] - y[row]))]) for row in rows]
    for row, group in zip(rows, nearest, strict=True):
        members[group] = np.append(members[group], row)


def _name(names: NDArray[np.str_]) -> str:
    """A name that follows from the members alone."""
    return "g" + hashlib.sha256("\0".join(sorted(names)).encode()).hexdigest()[:10]


def sums(values: pd.DataFrame, group: pd.Series[str]) -> pd.DataFrame:
    """Sum of each column of `values` (index building_id) over whole groups; hidden buildings are left out."""
    shown = group[group != HIDDEN]
    return values.loc[shown.index].groupby(shown).sum(min_count=1)
