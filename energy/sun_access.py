"""Hours of sun on facades and on open spaces, with neighbours, trees and terrain in the way.

Sunshine is where the weather's direct radiation reaches 120 W/m² (WMO-No. 8, 8.1.1); the sun is pvlib's, what
stands in its way `twin.visibility`'s.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from energy import solar
from energy.weather import Weather
from twin.district import District
from twin.visibility import Visibility, of_points, scene_of_district

Array = npt.NDArray[np.float64]
SPACING_M = 20.0
EYE_M = 1.5  # of who stands there
_NEAR_M = 40.0  # open space that belongs to a building
_FREE_M = 0.5  # from a wall


def facade_sun_h(weather: Weather, district: District, visibility: Visibility) -> pd.Series:
    """Mean hours of sun in the weather's year on each building's walls, by exposed area; index building_id.

    nan for a building without walls of its own. [h]
    """
    walls = solar.facades(district, visibility)
    lanes = visibility.take(walls.rows)
    hours = _year(lanes, weather)
    total = np.bincount(walls.building, hours * walls.weight, walls.count)
    seen = np.bincount(walls.building, minlength=walls.count) > 0
    return pd.Series(np.where(seen, total, np.nan), index=district.buildings.index, name="facade_sun_h")


def open_points(district: District, spacing_m: float = SPACING_M) -> pd.DataFrame:
    """A grid over the open space within 40 m of buildings: x_m, y_m, height_m at eye level, building_id.

    building_id : the nearest.
    """
    shapes = district.buildings.geometry.to_numpy()
    west, south, east, north = shapely.total_bounds(shapes) + np.array([-1, -1, 1, 1]) * _NEAR_M
    x, y = np.meshgrid(
        np.arange(west + spacing_m / 2, east, spacing_m), np.arange(south + spacing_m / 2, north, spacing_m)
    )
    places = shapely.points(x.ravel(), y.ravel())
    tree = shapely.STRtree(shapes)
    (point, building), away = tree.query_nearest(
        places, max_distance=_NEAR_M, return_distance=True, all_matches=False
    )
    point, building = point[away > _FREE_M], building[away > _FREE_M]
    found = pd.DataFrame({"x_m": x.ravel()[point], "y_m": y.ravel()[point]})
    found["height_m"] = _ground(district, found, building) + EYE_M
    return found.assign(building_id=district.buildings.index.to_numpy(object)[building])


def _ground(district: District, at: pd.DataFrame, building: npt.NDArray[np.intp]) -> Array:
    """Height of the terrain, else that of the nearest building's ground. [m]"""
    known = district.buildings["ground_height_m"].to_numpy("float64")[building]
    if district.terrain is not None:
        sampled = district.terrain.sample(at["x_m"], at["y_m"])
        known = np.where(np.isfinite(sampled), sampled, known)
    return np.asarray(np.nan_to_num(known))


def open_sun_h(weather: Weather, district: District, points: pd.DataFrame) -> Array:
    """Hours of sun in the weather's year at places that lie level, shape (point,). [h]

    points : as `open_points` gives them.
    """
    if not len(points):
        return np.zeros(0)
    places = points[["x_m", "y_m", "height_m"]].to_numpy("float64")
    seen = of_points(places, (0.0, 0.0, 1.0), scene_of_district(district), per_patch=1)
    return _year(seen, weather)


def _year(seen: Visibility, weather: Weather) -> Array:
    bright = weather.dni >= solar.BRIGHT_DNI
    hours = solar.sun_hours(
        seen, weather.times, weather.latitude, weather.longitude, altitude_m=weather.altitude_m, bright=bright
    )
    return np.asarray(hours[0])
