"""50,000 buildings in the browser beside a deck.gl page: both draw them, and name the same ones."""

from __future__ import annotations

import pytest
import shapely

import twin
from tests.benchmarks import bench_scene
from tests.benchmarks.bench_page import tiled
from tests.browser.conftest import program
from tests.conftest import skip_or_fail

pytestmark = pytest.mark.long
COPIES = 34  # of the sample's 1,475 buildings
PIXEL_M = 25.0
"""From as far as all of these are seen, a pixel is about that wide and holds several sections of a block."""


def test_50000_buildings_are_drawn_and_picked() -> None:
    if program() is None or not bench_scene.install():
        skip_or_fail("Chromium or deck.gl cannot be installed")
    district = tiled(twin.open("lobeda"), COPIES)
    assert len(district.buildings) > 50_000
    found = bench_scene.measure(district, visits=1, pictures=8)
    print("\n".join(["", *bench_scene.table(found)]))
    shapes = district.buildings.geometry.to_numpy()
    theirs, ours = found["deck.gl"][0].found, found["shipped"][0].found
    agree, both = bench_scene.same(
        theirs, ours, lambda a, b: bool(shapely.distance(shapes[a], shapes[b]) <= PIXEL_M)
    )
    assert both >= 5 and agree >= 0.8 * both  # roofs differ: theirs are flat
