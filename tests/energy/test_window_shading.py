"""Overhangs and fins by hand."""

from __future__ import annotations

import numpy as np
import pytest

from energy.window_shading import Devices, diffuse_left, lit_share


def towards(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    azimuth, high = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.array([[np.cos(high) * np.sin(azimuth), np.cos(high) * np.cos(azimuth), np.sin(high)]])


def test_overhang_casts_its_shadow_by_the_profile_angle():
    """Sun in front at 45°: 1 m deep shades 1 m below the overhang, 0.5 m of the 2 m below its gap."""
    devices = Devices(3.0, 2.0, 1.0, 0.5, 0.0, 0.0)
    assert lit_share(devices, towards(180, 45), 180.0)[0] == pytest.approx(0.75)
    assert lit_share(devices, towards(180, 20), 180.0)[0] == 1.0  # tan 20° < 0.5
    assert lit_share(devices, towards(180, 80), 180.0)[0] == 0.0
    assert lit_share(devices, towards(0, 30), 180.0)[0] == 0.0  # behind the wall


def test_fins_shade_by_the_sideways_angle():
    """45° beside the normal: 1 m deep shades 1 m beside the fin: of 3 m, with 0.5 m between, 0.5 m."""
    devices = Devices(3.0, 2.0, 0.0, 0.0, 1.0, 0.5)
    for azimuth in (135, 225):
        assert lit_share(devices, towards(azimuth, 1e-6), 180.0)[0] == pytest.approx(1 - 0.5 / 3)


def test_no_depth_leaves_all_and_much_depth_little():
    assert diffuse_left(Devices(3, 2, 0, 0, 0, 0)) == (1.0, 1.0)
    sky, ground = diffuse_left(Devices(3, 2, 100.0, 0.0, 0, 0))
    assert sky < 0.05 and ground == 1.0


def test_an_overhang_leaves_the_sky_that_the_strip_formula_leaves():
    """Hottel's strings, wall of height H against an endless strip of depth d at its top:
    F = (H + d − √(H² + d²))/(2 H), of the half that the open sky has."""
    high, depth = 2.0, 1.0
    to_overhang = (high + depth - np.hypot(high, depth)) / (2 * high)
    sky, _ = diffuse_left(Devices(3.0, high, depth, 0.0, 0.0, 0.0))
    assert sky == pytest.approx(1 - to_overhang / 0.5, abs=0.02)
