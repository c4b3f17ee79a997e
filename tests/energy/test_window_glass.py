"""Windows by the sun's angle: Fresnel by hand, a handbook's table, and what buildings get of it."""

from __future__ import annotations

import numpy as np
import pytest

import energy
from energy import nodes, solar, window_glass
from energy.envelope_areas import WINDOW_COLUMNS
from energy.weather import sample
from tests.energy.districts import slabs

YEAR = sample()
ALBEDO = 0.2


def by_angle(glass: window_glass.Glass, degrees: float) -> float:
    """The first building's curve at an angle of incidence."""
    place = np.linspace(0, 1, window_glass.COSINES + 1)
    return float(np.interp(np.cos(np.radians(degrees)), place, glass.curve[glass.kind[0], :-1]))


def test_a_clear_pane_follows_fresnel_by_hand():
    """n = 1.526, no absorption: (1 − r)/(1 + r) is 0.9169 at 0°; at 60° of r 0.18465 and 0.00154, 0.8426."""
    glass = window_glass.of_windows(np.array([5.0]), np.array([0.917]))
    assert by_angle(glass, 0.0) == pytest.approx(1.0)
    assert by_angle(glass, 60.0) == pytest.approx(0.8426 / 0.9169, abs=1e-3)
    assert by_angle(glass, 90.0) == pytest.approx(0.0, abs=1e-4)


def test_two_clear_panes_pass_by_angle_what_the_handbook_says():
    """ASHRAE Handbook Fundamentals 2017, ch. 15, Table 10, system 5a (two clear panes), centre of glass."""
    glass = window_glass.of_windows(np.array([2.8]), np.array([0.76]))
    handbook = {40: 0.74, 50: 0.71, 60: 0.64, 70: 0.50, 80: 0.26}
    ours = {angle: 0.76 * by_angle(glass, angle) for angle in handbook}
    assert ours == pytest.approx(handbook, abs=0.02)
    assert 0.76 * glass.curve[0, -1] == pytest.approx(0.66, abs=0.01)


@pytest.mark.parametrize(
    ("u_value", "g_value", "panes"), [(5.2, 0.87, 1), (2.8, 0.75, 2), (1.3, 0.6, 2), (0.8, 0.5, 3)]
)
def test_the_archetypes_g_is_the_anchor(u_value, g_value, panes):
    stack = window_glass.stack(panes, u_value < window_glass.COATED_U, g_value)
    normal, diffuse = stack.g_value(np.ones(1), window_glass.OUTER_M2K_W, window_glass.INNER_M2K_W)
    assert normal[0] == pytest.approx(g_value, abs=1e-6)
    assert 0.8 < diffuse / g_value < 0.93
    glass = window_glass.of_windows(np.array([u_value]), np.array([g_value]))
    assert glass.curve[0, -2:] == pytest.approx([1.0, diffuse / g_value], rel=1e-6)


@pytest.mark.parametrize("shading", ["rays", "tabula"])
def test_windows_of_buildings_get_the_suns_light_by_its_angle(shading):
    """A building that stands free: beam by its angle of incidence and diffuse light, by hand."""
    case = energy.Case(slabs(1, surfaces=True), YEAR, shading=shading)
    glass = window_glass.of_windows(*case.envelope[["u_window_w_m2k", "g_window"]].to_numpy().T)
    area = case.envelope[list(WINDOW_COLUMNS)].to_numpy()
    got = case.window_sun(np.zeros(1, int), np.pad(area, ((0, 0), (0, 1))), glass).block(0)[:, 0]
    if shading == "tabula":
        walls = zip(np.arange(8) * 45.0, (area / area.sum())[0], strict=True)
    else:
        faces = solar.facades(case.district, case.visibility)
        walls = zip(case.visibility.azimuth_deg[faces.rows], faces.weight, strict=True)
    hour = int(np.argmax(YEAR.dni * (YEAR.times.month == 3)))
    expected = 0.0
    for azimuth, share in walls:
        beam, diffuse = (part[..., hour] for part in nodes.irradiance(YEAR, 90.0, azimuth, ALBEDO))
        angle = np.degrees(np.arccos(nodes.incidence(YEAR, 90.0, azimuth)[hour]))
        expected += share * (beam * by_angle(glass, angle) + diffuse.sum() * glass.curve[0, -1])
    # The visibility's sky has finitely many patches.
    assert got[hour] == pytest.approx(expected, rel=1e-5 if shading == "tabula" else 0.01)
    assert np.isfinite(got).all() and (got >= 0).all()


def test_high_sun_on_a_south_window_loses_more_than_low_sun():
    glass = window_glass.of_windows(np.array([1.3]), np.array([0.6]))
    passed = window_glass.planes(YEAR, ALBEDO, glass)[0, :, 4]
    beam, diffuse = nodes.irradiance(YEAR, 90.0, 180.0, ALBEDO)
    month, came = YEAR.times.month, beam + diffuse.sum(axis=0)
    share = {m: passed[month == m].sum() / came[month == m].sum() for m in (1, 6)}
    assert share[6] < 0.85 < share[1]  # the simple method takes 0.9 in all months
