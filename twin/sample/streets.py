"""Street, tram and river lines, and the room they take."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from twin.sample import inputs

_CLEARANCE_M = {
    "motorway": 12.0, "main": 6.0, "residential": 4.0, "path": 1.0, "tram": 1.5, "rail": 4.0,
    "river": 14.0, "tunnel": 4.0,
}  # fmt: skip


def smooth(points: NDArray[np.float64], rounds: int = 2) -> NDArray[np.float64]:
    """Corner cutting after Chaikin (1974); shape (n, 2) → (m, 2); both ends stay."""
    for _ in range(rounds):
        if len(points) < 3:
            break
        first, second = points[:-1], points[1:]
        cut = np.stack([0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second], axis=1)
        points = np.vstack([points[:1], cut.reshape(-1, 2)[1:-1], points[-1:]])
    return points


def read() -> gpd.GeoDataFrame:
    """Table `streets` of the sample: index street_id, smoothed axes in EPSG:25832."""
    plan = inputs.read("streets")
    lines = [shapely.LineString(np.round(smooth(shapely.get_coordinates(line)), 2)) for line in plan.geometry]
    names = plan["name"].where(plan["name"] != "", plan["kind"])
    count = names.groupby(names).cumcount() + 1
    ids = [f"{inputs.slug(name)}-{n}" for name, n in zip(names, count, strict=True)]
    return gpd.GeoDataFrame(
        {
            "street_id": ids,
            "name": plan["name"].replace("", None),
            "kind": plan["kind"],
            "width_m": plan["width_m"].astype(float),
            "source": "guessed:sample " + plan["note"],
        },
        geometry=lines,
        crs=plan.crs,
    ).set_index("street_id")


def corridors(streets: gpd.GeoDataFrame, extra_m: float = 0.0) -> BaseGeometry:
    """Area in which nothing may be built: axes widened by half their width, a clearance and `extra_m`."""
    reach = streets["width_m"] / 2 + streets["kind"].map(_CLEARANCE_M) + extra_m
    return shapely.union_all(shapely.buffer(streets.geometry.to_numpy(), reach.to_numpy()))


def addressable(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The streets that houses can be numbered along."""
    return streets[streets["kind"].isin(["main", "residential"]) & streets["name"].notna()]


def carriageways(streets: gpd.GeoDataFrame, margin_m: float = 1.0) -> BaseGeometry:
    """The axes at their width plus `margin_m` on each side: old houses stand right at the lane."""
    reach = streets["width_m"].to_numpy() / 2 + margin_m
    return shapely.union_all(shapely.buffer(streets.geometry.to_numpy(), reach))
