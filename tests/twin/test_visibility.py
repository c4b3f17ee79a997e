"""View factors and shadows against closed forms and hand trigonometry."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.scenes import FAR_M, ORIGIN, flat, look, scene, wall
from twin import visibility
from twin.errors import CallError
from twin.terrain import Terrain
from twin.visibility import directions

LEVEL, WEST = (0.0, 0.0, 1.0), (-1.0, 0.0, 0.0)
SUNS = {"suns": directions.vectors([180.0], [45.0]), "per_patch": 16}


@pytest.mark.parametrize("count", (145, 577))
def test_patches_cover_the_sky_once(count):
    sky = visibility.patches(count)
    assert len(sky) == count
    assert sky.solid_angle.sum() == pytest.approx(2 * np.pi)
    ways = sky.rays
    np.testing.assert_allclose(np.linalg.norm(ways, axis=2), 1.0)
    elevation = np.degrees(np.arcsin(ways[..., 2]))
    assert (elevation >= sky.low_deg - 1e-9).all()
    assert (elevation <= sky.high_deg + 1e-9).all()
    # ∫ cos θ dΩ over the hemisphere is π; the rays in the patches find it to 1 ‰
    assert (ways[..., 2].mean(axis=0) * sky.solid_angle).sum() == pytest.approx(np.pi, rel=1e-3)


def test_rows_of_tregenza():
    sky = visibility.patches(145)
    assert [int((sky.row == row).sum()) for row in range(8)] == [30, 30, 24, 24, 18, 12, 6, 1]
    with pytest.raises(CallError, match="145 or 577"):
        visibility.patches(100)


@pytest.mark.parametrize("height", (2.0, 5.0, 20.0))
def test_level_ground_before_an_endless_wall(height):
    """F_sky = (1 + cos θ) / 2 with θ the wall's elevation, here from 5 m away."""
    seen = look(scene(wall(5.0, height)), (0.0, 0.0, 0.0), LEVEL, sky_patches=577, **SUNS)
    expected = (1 + np.cos(np.arctan2(height, 5.0))) / 2
    assert seen.sky_view_factor()[0] == pytest.approx(expected, abs=0.012)


@pytest.mark.parametrize("height", (2.0, 5.0, 20.0))
def test_facade_opposite_an_endless_wall(height):
    """F_sky = (1 - sin θ) / 2; of the ground only what lies before the wall: sin(atan(z / w)) / 2."""
    seen = look(scene(wall(-5.0, height)), (0.0, 0.0, 1.5), WEST, sky_patches=577, **SUNS)
    expected = (1 - np.sin(np.arctan2(height - 1.5, 5.0))) / 2
    assert seen.sky_view_factor()[0] == pytest.approx(expected, abs=0.012)
    ground = (1 - np.sin(np.arctan2(1.5, 5.0))) / 2
    assert look(scene(wall(-5.0, height)), [(0, 0, 1.5)] * 32, WEST, **SUNS).ground_view.mean() == (
        pytest.approx(ground, abs=0.03)
    )


@pytest.mark.parametrize("ratio", (0.3, 1.0, 2.0))
def test_middle_of_a_street_canyon(ratio):
    """F_sky = cos(atan(2 H / W)), T. R. Oke, Boundary Layer Climates."""
    street = scene(wall(-10.0, 20.0 * ratio), wall(10.0, 20.0 * ratio))
    seen = look(street, (0.0, 0.0, 0.0), LEVEL, sky_patches=577, **SUNS)
    assert seen.sky_view_factor()[0] == pytest.approx(np.cos(np.arctan(2 * ratio)), abs=0.015)


def court(side: float, height: float) -> visibility.Scene:
    h = side / 2
    ring = [(-h, -h), (h, -h), (h, h), (-h, h)]
    sides = zip(ring, ring[1:] + ring[:1], strict=True)
    return scene(*(((*a, 0.0), (*b, 0.0), (*b, height), (*a, height)) for a, b in sides))


@pytest.mark.parametrize("height", (5.0, 10.0, 30.0))
def test_middle_of_a_courtyard(height):
    """View factor of a small plane to the opening over it (a parallel rectangle in four corners)."""
    x = 10.0 / height
    root = np.sqrt(1 + x * x)
    expected = 4 / np.pi * x / root * np.arctan(x / root)
    seen = look(court(20.0, height), (0.0, 0.0, 0.0), LEVEL, sky_patches=577, **SUNS)
    assert seen.sky_view_factor()[0] == pytest.approx(expected, abs=0.012)


def test_what_leaves_the_sky_arrives_in_a_courtyard():
    """Floor and walls together get what enters the opening: Σ A F = A_opening, and so for each sun's beam."""
    side, height, steps = 20.0, 12.0, 24
    middle = (np.arange(steps) + 0.5) / steps
    u, v = (grid.ravel() for grid in np.meshgrid(middle, middle))
    points = [np.column_stack([u * side - 10, v * side - 10, 0 * u])]
    normals = [np.tile(LEVEL, (len(u), 1))]
    area = [np.full(len(u), side * side / len(u))]
    for angle in (0, 90, 180, 270):
        inward = directions.vectors(angle, 0.0)
        along = np.array([inward[1], -inward[0], 0.0])
        points.append(-10 * inward + (u * side - 10)[:, None] * along + np.outer(v * height, LEVEL))
        normals.append(np.tile(inward, (len(u), 1)))
        area.append(np.full(len(u), side * height / len(u)))
    suns = directions.vectors([150.0, 180.0, 205.0, 265.0], [62.0, 40.0, 25.0, 15.0])
    seen = look(court(side, height), np.concatenate(points), np.concatenate(normals), suns=suns, per_patch=16)
    weight = np.concatenate(area)
    assert (weight * seen.sky_view_factor()).sum() == pytest.approx(side * side, rel=0.01)
    cosine = np.maximum(suns @ np.concatenate(normals).T, 0.0)
    arrived = (cosine * seen.beam[0] / 255 * weight).sum(axis=1)
    np.testing.assert_allclose(arrived, side * side * suns[:, 2], rtol=0.03)
    # and what is hidden is the rest: the open view less what arrives is nowhere negative
    assert (seen.open_view >= seen.sky_view[0]).all()


@pytest.mark.parametrize(("azimuth", "elevation"), ((90.0, 30.0), (60.0, 20.0), (120.0, 55.0)))
def test_shadow_of_a_wall_ends_where_trigonometry_says(azimuth, elevation):
    """A 10 m wall in the east: its shadow reaches 10 / tan(elevation) · sin(azimuth) to the west."""
    edge = 10 / np.tan(np.radians(elevation)) * np.sin(np.radians(azimuth))
    away = edge + np.array([-5.0, -0.3, 0.3, 5.0])
    points = np.column_stack([-away, np.zeros(4), np.zeros(4)])
    seen = look(scene(wall(0.0, 10.0)), points, suns=directions.vectors([azimuth], [elevation]))
    np.testing.assert_array_equal(seen.beam[0, 0], [0, 0, 255, 255])


def test_shadow_under_an_overhang():
    """Under a slab 2 m deep, a point h below is in the sun where tan(profile angle) < h / 2."""
    slab = scene(((-2, -FAR_M, 0), (0, -FAR_M, 0), (0, FAR_M, 0), (-2, FAR_M, 0)))
    suns = directions.vectors([270.0, 300.0], [45.0, 30.0])
    profile = np.tan(np.radians([45.0, 30.0])) / np.sin(np.radians([90.0, 60.0]))
    depth = np.array([0.5, 1.2, 1.45, 1.9, 2.15, 3.0])
    seen = look(slab, np.column_stack([0 * depth, 0 * depth, -depth]), WEST, suns=suns)
    np.testing.assert_array_equal(seen.beam[0] > 0, profile[:, None] < depth / 1.95)


def test_open_planes_see_what_they_can():
    tilts = np.array([0.0, 30.0, 60.0, 90.0, 135.0, 180.0])
    seen = visibility.unobstructed(tilts, 120.0)
    np.testing.assert_allclose(seen.sky_view_factor(), (1 + np.cos(np.radians(tilts))) / 2, atol=1e-6)
    np.testing.assert_allclose(seen.ground_view + seen.sky_view_factor(), 1.0, atol=1e-6)
    alone = look(scene(), np.zeros((6, 3)), seen.normal)
    np.testing.assert_allclose(alone.sky_view_factor(), seen.sky_view_factor(), atol=1e-6)
    np.testing.assert_allclose(alone.ground_view, seen.ground_view, atol=1e-6)
    with pytest.raises(CallError, match="degrees"):
        visibility.unobstructed([np.nan], [0.0])


def test_points_do_not_depend_on_each_other():
    rng = np.random.default_rng(3)
    frame = scene(wall(4.0, 6.0), wall(-9.0, 15.0))
    points, order = rng.uniform(-3, 3, (40, 3)) + np.array([0, 0, 3]), rng.permutation(40)
    whole, part = look(frame, points), look(frame, points[order[:7]])
    np.testing.assert_array_equal(whole.sky_view[:, :, order[:7]], part.sky_view)
    np.testing.assert_array_equal(whole.beam[:, :, order[:7]], part.beam)
    np.testing.assert_array_equal(whole.take(order[:7]).ground_view, part.ground_view)


@given(st.floats(-66.0, 66.0), st.integers(1, 365), st.floats(0.0, 24.0))
@settings(max_examples=60, deadline=None)
def test_a_position_of_the_grid_is_near_every_sun(latitude, day, hour):
    """Declination by Cooper 1969: no sun above 2° is further than 4° from the grid of 5° steps."""
    declination = np.radians(23.44) * np.sin(2 * np.pi * (284 + day) / 365)
    angle, phi = np.radians(15 * (hour - 12)), np.radians(latitude)
    sun = np.array([
        -np.cos(declination) * np.sin(angle),
        np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(angle),
        np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle),
    ])  # fmt: skip
    grid = directions.sun_grid(latitude)
    found = grid[directions.nearest(sun[None], grid)[0]]
    if sun[2] > np.sin(np.radians(2.0)):
        assert np.degrees(np.arccos(np.clip(found @ sun, -1, 1))) < 4.0


def test_map_north_is_turned_from_true_north():
    """100 m to true north by geodesy, on the map, is where the convergence says."""
    seen = look(scene(), (0.0, 0.0, 0.0), suns=[[0.0, 0.0, 1.0]])
    to_map = pyproj.Transformer.from_crs(4326, 25832, always_xy=True)
    longitude, latitude, _ = pyproj.Geod(ellps="GRS80").fwd(seen.longitude, seen.latitude, 0.0, 100.0)
    step = np.array(to_map.transform(longitude, latitude)) - ORIGIN[:2]
    true_north = directions.turned(np.array([0.0, 1.0, 0.0]), -seen.convergence_deg)
    np.testing.assert_allclose(step / np.linalg.norm(step), true_north[:2], atol=1e-4)
    assert seen.convergence_deg == pytest.approx(
        (seen.longitude - 9) * np.sin(np.radians(seen.latitude)), abs=0.01
    )


def test_relief_hides_low_suns():
    """A ridge of 100 m, 410 m to the south: suns below atan(100 / 410) = 13.7° are hidden."""
    heights = np.zeros((80, 80), np.float32)
    heights[60:63] = 100.0
    ridge = Terrain(heights, ORIGIN[0] - 800, ORIGIN[1] + 800, 20.0)
    away = 60.5 * 20 - 800  # middle of the first cell of the ridge
    angle = np.degrees(np.arctan2(99.5, away))
    suns = directions.vectors([180.0, 180.0, 0.0], [angle - 1, angle + 1, 5.0])
    seen = look(scene(terrain=ridge), (0.0, 0.0, 0.2), suns=suns)
    np.testing.assert_array_equal(seen.beam[0, :, 0], [0, 255, 255])
    horizon = visibility.horizon_of(ridge, ORIGIN[0], ORIGIN[1], 0.0)
    assert horizon[36] == pytest.approx(np.degrees(np.arctan2(100, away)), abs=0.6)
    assert horizon[0] == 0.0
    beyond = look(scene(horizon_deg=horizon), (0.0, 0.0, 0.2), suns=suns)
    np.testing.assert_array_equal(beyond.beam[0, :, 0], [0, 255, 255])
    assert beyond.sky_view_factor()[0] < 1.0


def test_level_ground_hides_nothing():
    points = np.array([(0.0, 0.0, 0.2), (50.0, 30.0, 3.0)])
    seen = look(scene(terrain=flat()), points)
    np.testing.assert_allclose(seen.sky_view_factor(), 1.0, atol=1e-6)
    facade = look(scene(terrain=flat()), points, WEST)
    np.testing.assert_allclose(facade.ground_view, 0.5, atol=1e-6)
