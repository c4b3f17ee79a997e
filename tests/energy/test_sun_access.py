"""Hours of sun: a single wall and a courtyard by pvlib's sun and trigonometry, with and without a tree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
import pytest
from shapely import Point

from energy import solar, sun_access, weather
from tests.twin.scenes import ORIGIN, town
from twin import visibility

YEAR = weather.sample()
SUN = pvlib.solarposition.get_solarposition(
    YEAR.times + pd.Timedelta(minutes=30), YEAR.latitude, YEAR.longitude, YEAR.altitude_m
)
ELEVATION = 90 - SUN["apparent_zenith"].to_numpy()
AZIMUTH = SUN["azimuth"].to_numpy()
BRIGHT = (YEAR.dni >= 120.0) & (ELEVATION > 0)  # WMO-No. 8


def test_a_single_house_by_hand():
    """Each of its four walls has the sun while that stands before it: azimuth within 90° of its own.

    The map's north is 0.6° off the true one here; means of four walls hardly feel it.
    """
    house = town([(0, 0, 20, 20, 10)])
    found = sun_access.facade_sun_h(YEAR, house, visibility.of_district(house))
    by_hand = [(BRIGHT & (np.cos(np.radians(AZIMUTH - facing)) > 0)).sum() for facing in (0, 90, 180, 270)]
    assert found["b0"] == pytest.approx(np.mean(by_hand), rel=0.01)


def test_a_courtyard_by_hand():
    """The middle of a court of 40 m by 40 m, 15 m high: sun where it clears the walls, seen from 1.5 m.

    The wall that a direction meets lies 20 m off divided by the larger of |sin| and |cos| of its azimuth.
    """
    court = town(
        [(-30, -30, 30, -20, 15), (-30, 20, 30, 30, 15), (-30, -20, -20, 20, 15), (20, -20, 30, 20, 15)]
    )
    points = pd.DataFrame({"x_m": [ORIGIN[0]], "y_m": [ORIGIN[1]], "height_m": [1.5], "building_id": ["b0"]})
    found = sun_access.open_sun_h(YEAR, court, points)[0]
    way = np.radians(AZIMUTH)
    distance = 20 / np.maximum(np.abs(np.sin(way)), np.abs(np.cos(way)))
    clear = np.degrees(np.arctan2(15 - 1.5, distance)) < ELEVATION
    by_hand = (BRIGHT & clear).sum()
    assert 0 < by_hand < 0.7 * BRIGHT.sum()
    # The sun's places are a grid of 5° over declination and hour angle.
    assert found == pytest.approx(by_hand, rel=0.04)


def test_open_space_lies_outside_and_near():
    place = town([(0, 0, 20, 20, 10), (100, 0, 120, 20, 10)])
    points = sun_access.open_points(place, 5.0)
    shapes = place.buildings.geometry
    for x, y, name in points[["x_m", "y_m", "building_id"]].itertuples(index=False):
        away = {other: shape.distance(Point(x, y)) for other, shape in shapes.items()}
        assert 0.5 < away[name] <= 40 and away[name] == min(away.values())
    # Each: a square of 20 m with 40 m around it, rounded at the corners, less itself (by hand 8,227 m²).
    assert len(points) * 25 == pytest.approx(2 * (4 * 20 * 40 + np.pi * 40**2), rel=0.05)


def test_a_tree_takes_sun_from_the_open_space():
    bare = town([(0, 0, 20, 20, 3)])
    shady = town([(0, 0, 20, 20, 3)], [(10, -12, 16, 14, "Picea")])
    points = sun_access.open_points(bare)
    without, with_tree = (sun_access.open_sun_h(YEAR, place, points) for place in (bare, shady))
    assert with_tree.mean() < without.mean() - 1 and (with_tree <= without + 1e-6).all()
    assert solar.BRIGHT_DNI == 120.0
    assert len(sun_access.open_sun_h(YEAR, bare, points.iloc[:0])) == 0
