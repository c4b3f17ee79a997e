"""What a building's size tells about it: height from storeys and back, floor areas, use and dwellings.

Rules of thumb for German buildings, ours unless a source is named; every value that they give is labelled
`derived` or `guessed`. All functions take and give columns; nan in, nan out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin import extrude
from twin.polygons import Bools, Floats

STOREY_HEIGHT_M = {
    "residential": 2.8, "office": 3.3, "school": 3.5, "kindergarten": 3.2, "hospital": 3.6, "retail": 4.0,
    "industrial": 5.0, "garage": 2.6, "church": 8.0, "other": 3.0,
}  # fmt: skip
"""From floor to floor by use; 2.8 m is the storey of WBS 70, P2 and M10 and usual in housing since 1949."""
OLD_STOREY_HEIGHTS_M = ((1919.0, 3.3), (1949.0, 3.0))
"""Housing built before a year has higher storeys."""
PLINTH_M = 1.0
"""Plinth and roof build-up: what the eaves' height has over the storeys."""
GARAGE_AREA_M2, GARAGE_HEIGHT_M = 40.0, 4.0
"""A building with less of both is taken for a garage or shed where its use is not known."""
DEFAULT_STOREYS = 2.0
ROOF_PITCH_DEG = {"gable": 38.0, "hip": 35.0, "pyramid": 35.0, "pent": 10.0}
MOST_RISE = 0.45
"""A roof of unknown pitch takes no more than this share of the height."""
STEEPEST_DEG = 65.0
ATTIC_RISE_M, ATTIC_SHARE = 2.5, 0.5
"""Under a pitched roof that rises at least so much lies an attic that counts as half a storey in housing."""
LEAST_STOREY_M = 2.5
"""No storey is lower: the gross floor area is at most the volume over this."""
NET_TO_GROSS = 0.8
"""Net over gross floor area, usual in German housing; EnEV's A_N = 0.32/m · V gives 0.9 at 2.8 m."""
DWELLING_M2, ONE_DWELLING_M2 = 65.0, 220.0
"""Net floor area of a dwelling in a block of flats; of a house of up to 2 storeys with one."""


def use_by_size(area_m2: Floats, height_m: Floats) -> NDArray[np.object_]:
    """Use where no source names one: garage for small and low buildings, other for halls, else housing."""
    garage = (area_m2 < GARAGE_AREA_M2) & ~(height_m >= GARAGE_HEIGHT_M)
    hall = (area_m2 > 2500.0) | ((area_m2 > 800.0) & (height_m < 9.0))
    return np.where(garage, "garage", np.where(hall, "other", "residential")).astype(object)


def storey_height_m(function: NDArray[np.object_], year: Floats) -> Floats:
    """Height from floor to floor by use and, in housing, by age. [m]"""
    height = np.array([STOREY_HEIGHT_M.get(use, STOREY_HEIGHT_M["other"]) for use in function])
    housing = function == "residential"
    for before, old in reversed(OLD_STOREY_HEIGHTS_M):
        height[housing & (year < before)] = old
    return height


def roof_rise_m(footprint: NDArray[np.object_], roof_type: NDArray[np.object_]) -> Floats:
    """Height of a pitched roof at its usual pitch over the footprint's shorter side; 0 for flat ones. [m]"""
    form = np.array([extrude.FORMS.get(kind, "flat") for kind in roof_type], object)
    slope = np.array([np.tan(np.radians(ROOF_PITCH_DEG.get(kind, 0.0))) for kind in form])
    run = extrude.short_side_m(footprint) * np.where(form == "pent", 1.0, 0.5)
    return np.asarray(run * slope, np.float64)


def rise_within(
    height_m: Floats, usual_rise_m: Floats, storeys: Floats, storey_m: Floats, short_side_m: Floats
) -> Floats:
    """Part of a building's height that is roof: what the storeys leave over, else the usual rise. [m]

    At most `MOST_RISE` of the height where storeys are not known, and no steeper than `STEEPEST_DEG`.
    """
    usual = np.minimum(usual_rise_m, MOST_RISE * height_m)
    left = height_m - storeys * storey_m - PLINTH_M / 2
    steepest = np.tan(np.radians(STEEPEST_DEG)) * short_side_m / 2
    by_storeys = np.clip(left, np.minimum(0.5 * usual, steepest), np.minimum(steepest, 0.8 * height_m))
    rise = np.where(np.isfinite(left), by_storeys, usual)
    return np.where(usual_rise_m > 0, rise, 0.0)


def height_from_storeys(storeys: Floats, storey_m: Floats, rise_m: Floats) -> Floats:
    """Height of the highest roof point over the ground: storeys, plinth and roof. [m]"""
    return storeys * storey_m + PLINTH_M + rise_m


def storeys_from_height(eaves_m: Floats, storey_m: Floats) -> Floats:
    """Storeys under the eaves, at least one: (eaves − plinth) / storey height, rounded."""
    return np.where(np.isnan(eaves_m), np.nan, np.maximum(np.rint((eaves_m - PLINTH_M) / storey_m), 1.0))


def gross_floor_area_m2(
    area_m2: Floats, storeys: Floats, rise_m: Floats, housing: Bools, volume_m3: Floats
) -> Floats:
    """Gross floor area above the ground: footprint × storeys, and half a storey for a housing's attic. [m²]

    At most volume / `LEAST_STOREY_M`, so that a tower does not count its storeys over its wide base.
    """
    attic = np.where(housing & (rise_m >= ATTIC_RISE_M), ATTIC_SHARE, 0.0)
    return np.fmin(area_m2 * (storeys + attic), volume_m3 / LEAST_STOREY_M)


def dwellings(a_use_m2: Floats, storeys: Floats, housing: Bools) -> Floats:
    """Dwellings of residential buildings: one in small houses, else one per 65 m²; nan elsewhere."""
    small = (storeys <= 2) & (a_use_m2 <= ONE_DWELLING_M2)
    count = np.where(small, 1.0, np.maximum(np.rint(a_use_m2 / DWELLING_M2), 1.0))
    return np.where(housing & np.isfinite(a_use_m2), count, np.nan)


def terrain_height(footprint: NDArray[np.object_], sample: object) -> Floats:
    """Lowest height along each footprint's outline by `sample(x, y)`; nan where it has none. [m]"""
    rings, of = shapely.get_rings(shapely.segmentize(shapely.force_2d(footprint), 10.0), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    heights = pd.Series(sample(xy[:, 0], xy[:, 1]))  # type: ignore[operator]
    lowest = heights.groupby(of[ring]).min()
    return lowest.reindex(range(len(footprint))).to_numpy("float64")
