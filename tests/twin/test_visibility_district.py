"""Visibility of districts: kept by digest, brought up to date exactly, party walls, real data."""

from __future__ import annotations

import os

import numpy as np
import pytest

import twin
from tests.twin.scenes import ORIGIN, flat, town
from twin import District, visibility
from twin.errors import CallError
from twin.visibility import Visibility, store

ROW = [(0, 0, 20, 12, 15), (20, 0, 40, 12, 15), (40, 0, 60, 12, 9)]
VILLAGE = [(x, y, x + 14, y + 10, 6 + (x + y) % 9) for x in range(0, 160, 32) for y in range(0, 120, 24)]
TREES = [(x, y, 9.0, 6.0, "Tilia") for x in range(-6, 150, 30) for y in range(-5, 110, 40)]
ARRAYS = ("sky_view", "open_view", "ground_view", "state", "beam", "exposed", "tilt_deg", "azimuth_deg")


@pytest.fixture(autouse=True)
def _fresh():
    store.forget()


def same(one: Visibility, two: Visibility) -> None:
    assert list(one.surface_id) == list(two.surface_id)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def wall(seen: Visibility, building: str, azimuth: float) -> int:
    facing = (np.abs(seen.tilt_deg - 90) < 1) & (np.abs((seen.azimuth_deg - azimuth + 180) % 360 - 180) < 1)
    named = np.array([str(name).startswith(f"{building}_") for name in seen.surface_id])
    return int(np.flatnonzero(facing & named)[0])


def test_party_walls_see_nothing_and_do_not_count():
    """b0 and b1 share a whole wall; of b1's east wall the upper 6 of 15 m stand free over b2."""
    seen = visibility.of_district(town(ROW))
    assert seen.exposed[wall(seen, "b0", 90)] == 0
    assert seen.sky_view_factor()[wall(seen, "b0", 90)] == 0
    assert seen.ground_view[wall(seen, "b0", 90)] == 0
    assert seen.exposed[wall(seen, "b2", 270)] == 0
    upper = wall(seen, "b1", 90)
    assert 0 < bin(seen.exposed[upper]).count("1") < 4
    # b2's flat roof lies before it as level ground would: the free part sees half the world as sky
    assert seen.sky_view_factor()[upper] == pytest.approx(0.5, abs=1e-6)
    assert seen.ground_view[upper] < 0.2
    free = wall(seen, "b0", 180)
    assert seen.sky_view_factor()[free] == pytest.approx(0.5, abs=1e-6)
    assert (seen.beam[0][seen.sun_directions @ seen.normal[free] > 0, free] == 255).all()


def test_a_neighbour_shades_and_ground_surfaces_are_left_out():
    seen = visibility.of_district(town([(0, 0, 20, 10, 9), (0, -15, 20, -10, 18)]))
    assert len(seen) == 10
    north, south = wall(seen, "b1", 180), wall(seen, "b0", 180)
    assert seen.sky_view_factor()[south] < 0.3 < seen.sky_view_factor()[north]
    assert seen.take([south]).sky_view_factor() == seen.sky_view_factor()[south]
    np.testing.assert_array_equal(seen.rows_of([seen.surface_id[3], "nobody"]), [3, -1])


def test_suns_that_follow_their_patches_differ_little_from_rays_to_all():
    district = town(VILLAGE, TREES, terrain=flat(size_m=800.0))
    quick = visibility.of_district(district)
    thorough = visibility.of_district(district, every_sun=True)
    facing = thorough.sun_directions @ thorough.normal.T > 0
    np.testing.assert_array_equal(quick.sky_view, thorough.sky_view)
    difference = np.abs(quick.beam.astype(int) - thorough.beam)[:, facing] / 255
    assert difference.mean() < 0.005
    assert quick.rays < 0.8 * thorough.rays


def test_memory_and_folder_keep_it(tmp_path):
    district = town(ROW, TREES[:3])
    first = visibility.of_district(district, cache=tmp_path)
    assert visibility.of_district(district) is first
    store.forget()
    again = visibility.of_district(district, cache=tmp_path)
    assert again is not first
    same(first, again)
    assert (again.rays, again.key, again.convergence_deg) == (first.rays, first.key, first.convergence_deg)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    store.forget()
    same(first, visibility.of_district(district, cache=tmp_path))
    assert visibility.of_district(district, sky_patches=577).key != first.key


def heightened(district: District, building: str, height: float) -> District:
    """One building with another height, its surfaces and all neighbours' party walls derived anew."""
    buildings = district.buildings[["measured_height_m", "ground_height_m", "roof_type", "geometry"]].copy()
    buildings.loc[building, "measured_height_m"] = height
    tables = {"buildings": buildings, "trees": district.trees}
    return District.from_tables("town", tables, terrain=district.terrain)


@pytest.mark.parametrize("every_sun", (False, True))
def test_update_equals_a_new_computation(every_sun):
    old = town(VILLAGE, TREES, terrain=flat(size_m=800.0))
    before = visibility.of_district(old, every_sun=every_sun)
    new = heightened(old, "b7", 30.0)
    quick = visibility.update(before, old, new, every_sun=every_sun)
    store.forget()
    full = visibility.of_district(new, every_sun=every_sun)
    same(quick, full)
    assert quick.rays < 0.4 * full.rays
    assert not np.array_equal(quick.sky_view, before.sky_view)
    store.forget()
    back = visibility.update(quick, new, old, every_sun=every_sun)
    same(back, before)


@pytest.mark.parametrize("change", ("gone", "tree", "party"))
def test_update_after_other_changes(change):
    boxes = [*VILLAGE[:12], (200, 0, 210, 10, 9), (210, 0, 220, 10, 6)]
    old = town(boxes, TREES, terrain=flat(size_m=800.0))
    if change == "gone":
        new = town(boxes[:-1], TREES, terrain=flat(size_m=800.0))
    elif change == "tree":
        new = town(boxes, TREES[1:], terrain=flat(size_m=800.0))
    else:
        new = heightened(old, "b13", 12.0)
    before = visibility.of_district(old)
    quick = visibility.update(before, old, new)
    store.forget()
    same(quick, visibility.of_district(new))


def test_update_needs_the_old_districts_visibility():
    one, two, three = town(ROW), town(ROW[:2]), town(ROW[1:])
    with pytest.raises(CallError, match="old district"):
        visibility.update(visibility.of_district(one), two, three)


def test_a_district_without_surfaces_or_with_one_building():
    empty = District.from_tables("none", {"buildings": town(ROW[:1]).buildings.iloc[:0]}, derive=False)
    assert len(visibility.of_district(empty)) == 0
    alone = visibility.of_district(town(ROW[:1]))
    roof = alone.tilt_deg < 1
    np.testing.assert_allclose(alone.sky_view_factor()[roof], 1.0, atol=1e-6)
    np.testing.assert_allclose(alone.sky_view_factor()[~roof], 0.5, atol=1e-6)
    np.testing.assert_allclose(alone.ground_view[~roof], 0.5, atol=1e-6)


def test_progress_rises_to_one():
    told: list[float] = []
    visibility.of_district(town(ROW), progress=lambda _, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_neighbours_in_the_sample_district():
    """A part of Lobeda with its trees and hills: roofs see most of the sky, facades less than half."""
    whole = twin.open("lobeda")
    seen = visibility.of_district(whole.select(list(whole.buildings.index[:120])))
    roof, facade = seen.tilt_deg < 10, np.abs(seen.tilt_deg - 90) < 1
    free = facade & (seen.exposed > 0)
    assert seen.sky_view_factor()[roof].mean() > 0.9
    assert 0.2 < seen.sky_view_factor()[free].mean() < 0.48
    assert (seen.sky_view_factor()[free] > 0).mean() > 0.99
    assert (seen.sky_view_factor(0.0) >= seen.sky_view_factor(1.0) - 1e-9).all()
    assert np.allclose(seen.sky_view_factor()[seen.exposed == 0], 0)
    assert np.isfinite(ORIGIN).all()


def test_a_folder_keeps_the_youngest_files_only(tmp_path):
    for number in range(store._FILES + 3):
        file = tmp_path / f"visibility-{number}.npz"
        file.write_bytes(b"old")
        os.utime(file, (number, number))
    district = town(ROW, TREES[:3])
    visibility.of_district(district, cache=tmp_path)
    left = {file.name for file in tmp_path.glob("visibility-*.npz")}
    assert len(left) == store._FILES and "visibility-0.npz" not in left
    assert f"visibility-{store._FILES + 2}.npz" in left
