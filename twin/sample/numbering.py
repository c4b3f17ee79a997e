"""House numbers for what has none: along the nearest street, odd on its left and even on its right."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely


def number(buildings: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """`buildings` with street and house_number filled where they are missing.

    Parameters
    ----------
    buildings : columns geometry, row (what is numbered in one go), street, house_number.
    streets : named axes; a building with a street and no number is numbered along that street.
    """
    open_ = buildings[buildings["house_number"].isna()]
    used = set(zip(buildings["street"], buildings["house_number"], strict=True))
    places = _places(open_, streets).sort_values(["street", "left", "row_station", "row", "station"], kind="stable")
    numbers: dict[object, str] = {}
    last: dict[tuple[str, bool], int] = {}
    for place in places.itertuples():
        key = (place.street, place.left)
        candidate = last.get(key, -1 if place.left else 0) + 2
        while (place.street, str(candidate)) in used:
            candidate += 2
        last[key] = candidate
        numbers[place.Index] = str(candidate)
    out = buildings.copy()
    out.loc[places.index, "street"] = places["street"]
    out.loc[list(numbers), "house_number"] = list(numbers.values())
    return out


def _places(buildings: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> pd.DataFrame:
    """Street, side and station of each building and of its row."""
    centres = shapely.centroid(buildings.geometry.to_numpy())
    xy = pd.DataFrame(shapely.get_coordinates(centres), columns=["x", "y"], index=buildings.index)
    of_row = xy.groupby(buildings["row"]).transform("mean")
    middles = shapely.points(of_row["x"], of_row["y"])
    lines = streets.geometry.to_numpy()
    distance = shapely.distance(middles[:, None], lines[None, :])
    named = buildings["street"].to_numpy()[:, None] == streets["name"].to_numpy()[None, :]
    distance = np.where(pd.notna(buildings["street"]).to_numpy()[:, None] & ~named, np.inf, distance)
    line = lines[distance.argmin(axis=1)]
    # where a name has several axes, the later one's stations follow the earlier one's
    station = shapely.line_locate_point(line, centres) + 1e5 * distance.argmin(axis=1)
    row_station = shapely.line_locate_point(line, middles) + 1e5 * distance.argmin(axis=1)
    return pd.DataFrame(
        {
            "street": streets["name"].to_numpy()[distance.argmin(axis=1)],
            "left": _left_of(line, middles),
            "station": station,
            "row_station": row_station,
            "row": buildings["row"].to_numpy(),
        },
        index=buildings.index,
    )


def _left_of(line: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether points lie on the left of their line."""
    station = np.clip(shapely.line_locate_point(line, points), 0.5, shapely.length(line) - 0.5)
    back = shapely.get_coordinates(shapely.line_interpolate_point(line, station - 0.5))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, station + 0.5))
    to_point = shapely.get_coordinates(points) - back
    along = ahead - back
    left: np.ndarray = along[:, 0] * to_point[:, 1] - along[:, 1] * to_point[:, 0] > 0
    return left
