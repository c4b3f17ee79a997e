"""Light through crowns, against the chord of each ellipsoid by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.scenes import look, scene, town
from twin import assets, visibility
from twin.visibility import crowns, directions
from twin.visibility.figures import figures
from twin.visibility.scene import crowns_of, origin_of

LEAFY, BARE = (figures()[f"transmissivity_{name}"] for name in ("in_leaf", "leafless"))


def test_each_figure_has_a_source():
    for line in assets.path("parameters", "shading.csv").read_text("utf-8").splitlines()[1:]:
        assert line.endswith((",yes", ",no"))
        assert ("estimate" in line) == line.endswith(",yes")


def chords(shape, origin, way):
    """Lengths of a ray in each ellipsoid over the mean chord along it, by solving the quadratic in numpy."""
    scale = np.column_stack([shape[:, 3], shape[:, 3], shape[:, 4]])
    o, u = (origin - shape[:, :3]) / scale, way / scale
    a, b, c = (u * u).sum(1), (o * u).sum(1), (o * o).sum(1) - 1
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    start, end = np.maximum((-b - root) / a, 0.0), np.maximum((-b + root) / a, 0.0)
    return (end - start) * np.sqrt(a) * 0.75


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_wood_dims_as_its_chords_say(seed):
    """Random crowns and rays, many of both, through the grid and by brute force."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 120))
    shape = np.column_stack([
        rng.uniform(-150, 150, (count, 2)), rng.uniform(2, 60, count), rng.uniform(0.5, 9, count),
        rng.uniform(0.5, 12, count),
    ])  # fmt: skip
    green = rng.random(count) < 0.3
    found = crowns.crowns(shape, green)
    origins = np.column_stack([rng.uniform(-200, 200, (40, 2)), rng.uniform(0, 30, 40)]).astype(np.float32)
    ways = directions.vectors(rng.uniform(0, 360, 40), rng.uniform(-5, 90, 40)).astype(np.float32)
    ways[:3] = (0, 0, 1), (1, 0, 0), (0, -1, 0)
    passed = crowns.light(found, origins, ways)
    for ray in range(40):
        length = chords(shape, origins[ray].astype(float), ways[ray].astype(float))
        expected = LEAFY ** length.sum(), LEAFY ** length[green].sum() * BARE ** length[~green].sum()
        np.testing.assert_allclose(passed[:, ray], np.array(expected[::-1]), rtol=1e-3, atol=1e-5)


def test_a_crown_lets_its_transmissivity_pass_on_the_mean_chord():
    """Mean chord of a ball of radius r is 4 r / 3: at distance r √5 / 3 from the middle."""
    trees = crowns.crowns([[0.0, 0.0, 20.0, 3.0, 3.0]], [False])
    aside = 3.0 * np.sqrt(5.0) / 3
    frame = scene(trees=trees)
    seen = look(frame, [(aside, 0, 0), (3.2, 0, 0)], suns=[[0.0, 0.0, 1.0]])
    np.testing.assert_allclose(seen.beam[:, 0, 0] / 255, [BARE, LEAFY], atol=0.004)
    np.testing.assert_array_equal(seen.beam[:, 0, 1], 255)
    assert seen.sky_view_factor(0.0)[0] > seen.sky_view_factor(0.5)[0] > seen.sky_view_factor(1.0)[0]


def test_leaves_come_and_go():
    share = visibility.leaf_share([1, 105, 117.5, 180, 280, 315, 365])
    np.testing.assert_allclose(share, [0, 0, 0.5, 1, 1, 0, 0])
    assert visibility.leaf_share(15.0, latitude=-30.0) == 1.0


def test_trees_stand_on_the_ground_with_estimated_sizes():
    """Crown from 30 % of the height up; width half the height, height twice the width, 10 m where unknown."""
    nan = float("nan")
    district = town(
        [(0, 0, 10, 10, 6)], [(20, 0, 12, 5, "Tilia"), (30, 0, nan, 4, "Pinus"), (40, 0, nan, nan, "")]
    )
    body = crowns_of(district, origin_of(np.zeros((0, 3))))
    np.testing.assert_allclose(body.shape[:, 3], [2.5, 2.0, 2.5])
    np.testing.assert_allclose(body.shape[:, 2] + body.shape[:, 4], [12, 8, 10])
    np.testing.assert_allclose(body.shape[:, 2] - body.shape[:, 4], [3.6, 2.4, 3.0])
    np.testing.assert_array_equal(body.evergreen, [False, True, False])


@pytest.mark.parametrize("genus", ("Tilia", "Pinus"))
def test_evergreens_dim_in_winter_too(genus):
    district = town([(0, 0, 20, 10, 9)], [(10, -6, 14, 8, genus)])
    seen = visibility.of_district(district)
    south = (np.abs(seen.azimuth_deg - 180) < 1) & (np.abs(seen.tilt_deg - 90) < 1)
    bare, leafy = seen.sky_view_factor(0.0)[south][0], seen.sky_view_factor(1.0)[south][0]
    assert leafy < 0.5
    assert (bare == leafy) if genus == "Pinus" else (bare > leafy + 0.02)
