"""Lines of sight, viewsheds and views against trigonometry and solid angles in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.scenes import ORIGIN, flat, scene, town, wall
from twin import visibility
from twin.errors import CallError
from twin.terrain import Terrain
from twin.visibility import crowns
from twin.visibility.figures import figures
from twin.visibility.sight import LAND, SKY, SOLID

LEAFY, BARE = (figures()[f"transmissivity_{name}"] for name in ("in_leaf", "leafless"))


def at(*points):
    return np.array(points, float) + ORIGIN


def test_over_a_wall_by_the_ray_theorem():
    """Eye 15 m high, 20 m before a wall of 10 m: ground behind is seen from 20 · 15 / (15 - 10) = 60 m on."""
    frame = scene(wall(20.0, 10.0))
    lines = visibility.sightlines(frame, at((0, 0, 15)), at((59.5, 0, 0), (60.5, 0, 0), (19.0, 0, 0)))
    assert lines.clear.tolist() == [False, True, True]
    assert lines.free_m[0] == pytest.approx(np.hypot(20.0, 15 * 20 / 59.5), abs=1e-3)
    assert lines.free_m[1] == lines.length_m[1] == pytest.approx(np.hypot(60.5, 15))
    assert lines.triangle[0] in (0, 1)


def test_ends_on_a_facade_do_not_hide_themselves():
    frame = scene(wall(0.0, 10.0), wall(30.0, 10.0))
    assert visibility.sightlines(frame, at((0, 0, 5)), at((30, 8, 9))).clear.all()
    assert visibility.sightlines(frame, at((0, 0, 5)), at((0, 0, 5))).clear.all()


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_sight_goes_both_ways(seed):
    rng = np.random.default_rng(seed)
    boxes = [(x, y, x + 12, y + 12, h) for x, y, h in rng.uniform((-80, -80, 4), (80, 80, 30), (8, 3))]
    frame = visibility.scene_of_district(town(boxes))
    eyes, targets = (at(*rng.uniform((-120, -120, 1), (120, 120, 40), (30, 3))) for _ in range(2))
    there, back = visibility.sightlines(frame, eyes, targets), visibility.sightlines(frame, targets, eyes)
    np.testing.assert_array_equal(there.clear, back.clear)


def test_only_crowns_between_dim():
    """Balls on the line before, between and behind; the middle one along its diameter: 1.5 mean chords."""
    balls = [[x, 0.0, 10.0, 3.0, 3.0] for x in (-10.0, 20.0, 60.0)]
    frame = scene(wall(500.0, 1.0), trees=crowns.crowns(balls, [False] * 3))
    lines = visibility.sightlines(frame, at((0, 0, 10)), at((40, 0, 10), (20, 0, 10), (10, 0, 10)))
    assert lines.clear.all()
    np.testing.assert_allclose(lines.light[1], [LEAFY**1.5, LEAFY**0.75, 1.0], rtol=1e-3)
    np.testing.assert_allclose(lines.light[0], [BARE**1.5, BARE**0.75, 1.0], rtol=1e-3)


def test_ground_behind_a_block_is_hidden_as_far_as_its_shadow_reaches():
    """Eye 30 m high, 40 m west of a block 12 m deep and 15 m high: hidden to 52 · 30 / (30 - 15) = 104 m."""
    district = town([(40.0, -400.0, 52.0, 400.0, 15.0)], terrain=flat())
    frame = visibility.scene_of_district(district)
    seen, _ = visibility.viewshed(frame, at((0, 0, 30))[0], flat(), cell_m=2.0)
    row = seen.heights_m[seen.heights_m.shape[0] // 2]
    x = seen.west_m + (np.arange(len(row)) + 0.5) * seen.cell_m - ORIGIN[0]
    np.testing.assert_array_equal(row == 1, (x < 40) | (x > 104))


def test_a_person_is_seen_sooner_than_the_ground():
    """As above, for faces 1.6 m over ground: from 52 · (30 - 1.6) / (30 - 15) = 98.45 m on."""
    frame = visibility.scene_of_district(town([(40.0, -400.0, 52.0, 400.0, 15.0)], terrain=flat()))
    seen, _ = visibility.viewshed(frame, at((0, 0, 30))[0], flat(), cell_m=2.0, above_m=1.6)
    row = seen.heights_m[seen.heights_m.shape[0] // 2]
    x = seen.west_m + (np.arange(len(row)) + 0.5) * seen.cell_m - ORIGIN[0]
    np.testing.assert_array_equal(row == 1, (x < 40) | (x > 98.45))


def test_a_ridge_hides_the_slope_behind_it():
    """Slopes of 1:5 up to a ridge at x = 0 and down again: from 100 m west nothing behind it is seen."""
    count, cell = 120, 5.0
    x = (np.arange(count) + 0.5) * cell - count * cell / 2
    heights = np.tile(60.0 - np.abs(x) / 5, (count, 1)).astype(np.float32)
    hill = Terrain(heights, ORIGIN[0] - count * cell / 2, ORIGIN[1] + count * cell / 2, cell)
    frame = visibility.scene(np.zeros((0, 3)), np.zeros((0, 3), int), terrain=hill, origin=ORIGIN)
    seen, _ = visibility.viewshed(frame, at((-100, 0, 41.7))[0], hill, cell_m=10.0)
    middle = seen.heights_m[seen.heights_m.shape[0] // 2]
    across = seen.west_m + (np.arange(len(middle)) + 0.5) * seen.cell_m - ORIGIN[0]
    assert (middle[(across > -250) & (across < -20)] == 1).all()
    assert (middle[across > 20] == 0).all()


@pytest.mark.parametrize("height", (5.0, 10.0, 30.0))
def test_sky_over_a_courtyard_as_a_solid_angle(height):
    """A rectangle 2a x 2b at distance d from its axis' foot fills 4 atan(a b / (d sqrt(a² + b² + d²)))."""
    h = 10.0
    ring = [(-h, -h), (h, -h), (h, h), (-h, h)]
    sides = zip(ring, ring[1:] + ring[:1], strict=True)
    frame = scene(*(((*a, -1.0), (*b, -1.0), (*b, height), (*a, height)) for a, b in sides))
    view = visibility.panorama(frame, at((0, 0, 0))[0], step_deg=0.5)
    expected = 4 * np.arctan(h * h / (height * np.sqrt(2 * h * h + height * height)))
    assert view.solid_angle_sr(SKY) == pytest.approx(expected, rel=2e-3)
    assert sum(view.solid_angle_sr(kind) for kind in (SKY, LAND, SOLID)) == pytest.approx(4 * np.pi)
    walls = view.distance_m[view.kind == SOLID]
    assert walls.min() == pytest.approx(h, rel=1e-3)


def test_a_new_building_takes_sky_and_land():
    """An endless wall of height H at distance w before an eye at height z takes 2 atan((H - z) / w) sr of sky
    (a lune between two planes through the wall's direction) and 2 atan(z / w) of land."""
    nothing, wide = scene(wall(1e5, 0.01)), scene(wall(30.0, 20.0))
    eye = at((0, 0, 8))[0]
    before, after = (visibility.panorama(frame, eye, step_deg=0.5) for frame in (nothing, wide))
    lost = visibility.taken(before, after)
    assert lost["sky_sr"] == pytest.approx(2 * np.arctan(12 / 30), rel=1e-2)
    assert lost["land_sr"] == pytest.approx(2 * np.arctan(8 / 30), rel=1e-2)
    assert visibility.taken(after, after) == {"sky_sr": 0.0, "land_sr": 0.0}


def test_what_is_no_place_is_refused():
    frame = scene(wall(20.0, 10.0))
    with pytest.raises(CallError, match="not finite"):
        visibility.sightlines(frame, at((0, 0, np.nan)), at((1, 0, 0)))
    with pytest.raises(CallError, match="cell_m"):
        visibility.viewshed(frame, at((0, 0, 5))[0], flat(), cell_m=0.0)
    with pytest.raises(CallError, match="three numbers"):
        visibility.panorama(frame, (1.0, 2.0))
    with pytest.raises(CallError, match="step_deg"):
        visibility.panorama(frame, at((0, 0, 5))[0], step_deg=0.0)
    with pytest.raises(CallError, match="two sizes"):
        eye = at((0, 0, 5))[0]
        visibility.taken(visibility.panorama(frame, eye), visibility.panorama(frame, eye, step_deg=2.0))


def test_a_scene_with_nothing_in_it_hides_nothing():
    empty = visibility.scene(np.zeros((0, 3)), np.zeros((0, 3), int), origin=ORIGIN)
    assert visibility.sightlines(empty, at((0, 0, 1)), at((9, 0, 1))).clear.all()
    assert visibility.panorama(empty, at((0, 0, 1))[0]).solid_angle_sr(SKY) == pytest.approx(2 * np.pi)
