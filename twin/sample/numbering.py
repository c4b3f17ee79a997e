"""House numbers for what has none: along the nearest street, odd on its left and even on its right."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from twin.sample import inputs


def number(
    buildings: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, taken: Iterable[tuple[str, str]] = ()
) -> gpd.GeoDataFrame:
    """`buildings` with street and house_number filled where they are missing.

    Parameters
    ----------
    buildings : columns geometry, row (what is numbered in one go, in its order), street, house_number.
    streets : named axes; a building with a street and no number is numbered along that street.
    taken : street and number of buildings elsewhere.
    """
    used = set(zip(buildings["street"], buildings["house_number"], strict=True)) | set(taken)
    places = _places(buildings[buildings["house_number"].isna()], streets)
    numbers: list[str] = []
    last: dict[tuple[str, bool], int] = {}
    for place in inputs.records(places):
        key = (place.street, place.left)
        candidate = last.get(key, -1 if place.left else 0) + 2
        while (place.street, str(candidate)) in used:
            candidate += 2
        last[key] = candidate
        numbers.append(str(candidate))
    out = buildings.copy()
    out.loc[places.index, "street"] = places["street"]
    out.loc[places.index, "house_number"] = numbers
    return out


def _places(buildings: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> pd.DataFrame:
    """Street and side of each building, in the order of their numbers."""
    centres = shapely.centroid(buildings.geometry.to_numpy())
    xy = pd.DataFrame(shapely.get_coordinates(centres), columns=["x", "y"], index=buildings.index)
    of_row = xy.groupby(buildings["row"]).transform("mean")
    middles = shapely.points(of_row["x"], of_row["y"])
    distance = shapely.distance(middles[:, None], streets.geometry.to_numpy()[None, :])
    named = buildings["street"].to_numpy()[:, None] == streets["name"].to_numpy()[None, :]
    elsewhere = pd.notna(buildings["street"]).to_numpy()[:, None] & ~named
    nearest = np.where(elsewhere, np.inf, distance).argmin(axis=1)
    line = streets.geometry.to_numpy()[nearest]
    # where a name has several axes, the later one's stations follow the earlier one's
    row_station = shapely.line_locate_point(line, middles) + 1e5 * nearest
    ends = pd.Series(shapely.line_locate_point(line, centres), buildings.index).groupby(buildings["row"])
    forward = np.where(ends.transform("last") >= ends.transform("first"), 1, -1)
    return pd.DataFrame(
        {
            "street": streets["name"].to_numpy()[nearest],
            "left": _left_of(line, middles),
            "row_station": row_station,
            "row": buildings["row"].to_numpy(),
            "step": forward * np.arange(len(buildings)),
        },
        index=buildings.index,
    ).sort_values(["street", "left", "row_station", "row", "step"], kind="stable")


def _left_of(line: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether points lie on the left of their line."""
    station = np.clip(shapely.line_locate_point(line, points), 0.5, shapely.length(line) - 0.5)
    back = shapely.get_coordinates(shapely.line_interpolate_point(line, station - 0.5))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, station + 0.5))
    to_point = shapely.get_coordinates(points) - back
    along = ahead - back
    left: np.ndarray = along[:, 0] * to_point[:, 1] - along[:, 1] * to_point[:, 0] > 0
    return left
