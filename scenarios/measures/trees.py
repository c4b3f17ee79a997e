"""Trees beside buildings, whose crowns shade windows in summer and less in winter."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from energy import Case
from scenarios.measures import base
from scenarios.measures.base import Parameter

TITLE = {"de": "Bäume pflanzen", "en": "Plant trees"}
DESCRIPTION = {
    "de": "Laubbäume vor sonnigen Fassaden beschatten die Fenster im Sommer, im Winter wenig. Räume unter "
    "dem Dach kühlen sie nur, wenn sie bis dorthin reichen.",
    "en": "Deciduous trees in front of sunny facades shade windows in summer, and let sun through in winter. "
    "They cool rooms under the roof only where they reach up to them.",
}
STAGE = 1
EXCLUDES: tuple[str, ...] = ()
BEFORE: tuple[str, ...] = ()
PARAMETERS = (
    Parameter(
        "spacing_m", {"de": "Abstand untereinander", "en": "Distance between trees"}, 12.0, "m", 5.0, 50.0,
        source="estimate: usual spacing of avenue trees", is_estimate=True,
    ),
    Parameter(
        "distance_m", {"de": "Abstand zur Fassade", "en": "Distance to the facade"}, 7.0, "m", 3.0, 30.0,
        source="estimate: half a crown and room for the fire brigade", is_estimate=True,
    ),
    Parameter(
        "height_m", {"de": "Höhe der Bäume", "en": "Height of the trees"}, 12.0, "m", 3.0, 30.0,
        source="estimate: grown trees after about 25 years; young ones shade little", is_estimate=True,
    ),
)  # fmt: skip
_SUNNY_DEG = (90.0, 300.0)  # from east over south to west-north-west: our choice
_LEAST_LENGTH_M = 6.0


def applicable(case: Case) -> base.Mask:
    """Heated buildings."""
    return base.conditioned(case)


def apply(
    case: Case,
    *,
    buildings: Iterable[str] | None = None,
    spacing_m: float = 12.0,
    distance_m: float = 7.0,
    height_m: float = 12.0,
) -> Case:
    """The case with trees in rows before the sunny facades; without `buildings` (ids), of all heated ones.

    Nothing is planted in a building, or within half the spacing of another tree.

    Raises
    ------
    CallError : a value out of range, or an unknown building.
    """
    base.check("trees", PARAMETERS, {"spacing_m": spacing_m, "distance_m": distance_m, "height_m": height_m})
    rows = base.chosen(case, buildings, applicable(case), "trees")
    district = case.district
    spots = places(district.buildings.geometry[rows], spacing_m, distance_m)
    spots = _free(spots, district.buildings.geometry, district.trees.geometry, spacing_m)
    if not len(spots):
        return case
    names = [f"planted-{number}" for number in range(len(district.trees), len(district.trees) + len(spots))]
    new = gpd.GeoDataFrame(
        {"height_m": height_m, "height_source": "measure:trees", "source": "measure:trees"},
        geometry=list(spots), index=pd.Index(names, name="tree_id"), crs=district.trees.crs,
    )  # fmt: skip
    trees = pd.concat([district.trees, new.reindex(columns=district.trees.columns)])
    planted = district.replace(trees=gpd.GeoDataFrame(trees, geometry="geometry", crs=district.trees.crs))
    return case.replace(district=planted, envelope=case.envelope, pv=case.pv)


def places(outlines: gpd.GeoSeries, spacing_m: float, distance_m: float) -> list[shapely.Point]:
    """Points in rows before the sunny edges of outlines. [EPSG:25832]"""
    points: list[shapely.Point] = []
    for outline in outlines:
        for polygon in shapely.get_parts(outline):
            corners = shapely.get_coordinates(shapely.orient_polygons(polygon).exterior)
            for start, end in pairwise(corners):
                points += _row(start, end, spacing_m, distance_m)
    return points


def _row(start: np.ndarray, end: np.ndarray, spacing_m: float, distance_m: float) -> list[shapely.Point]:
    along = end - start
    length = float(np.hypot(*along))
    if length < _LEAST_LENGTH_M:
        return []
    outward = np.array([along[1], -along[0]]) / length  # an outline runs anticlockwise
    azimuth = np.degrees(np.arctan2(outward[0], outward[1])) % 360
    if not _SUNNY_DEG[0] <= azimuth <= _SUNNY_DEG[1]:
        return []
    count = max(int(length / spacing_m), 1)
    shares = (np.arange(count) + 0.5) / count
    return [shapely.Point(start + along * share + outward * distance_m) for share in shares]


def _free(
    spots: list[shapely.Point], outlines: gpd.GeoSeries, trees: gpd.GeoSeries, spacing_m: float
) -> list[shapely.Point]:
    """The spots that are in no building and apart from trees and from each other."""
    if not spots:
        return []
    in_building = shapely.STRtree(outlines.to_numpy()).query(spots, predicate="intersects")[0]
    taken = shapely.STRtree(trees.to_numpy())
    near = taken.query(spots, predicate="dwithin", distance=spacing_m / 2)[0] if len(trees) else []
    keep = np.setdiff1d(np.arange(len(spots)), np.union1d(in_building, near))
    among = shapely.STRtree([spots[number] for number in keep])
    first, second = among.query(among.geometries, predicate="dwithin", distance=spacing_m / 2)
    dropped: set[int] = set()
    for a, b in zip(first.tolist(), second.tolist(), strict=True):  # the first of two near ones stays
        if a < b and a not in dropped:
            dropped.add(b)
    return [spots[number] for position, number in enumerate(keep) if position not in dropped]
