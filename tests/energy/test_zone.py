"""The 5R1C kernel against the norm's equations hour by hour, hand calculation, and its own laws."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy import solar, weather, zone
from tests.conftest import REPOSITORY
from tests.energy import annex_c
from tests.energy.zones import drive, zones
from twin.errors import CallError

YEAR = weather.sample()
PLANES = solar.plane_irradiance(YEAR)
MONTHS = YEAR.times.month.to_numpy() - 1


def part_of_year(hours: int, start: int = 0, **figures):
    here = slice(start, start + hours)
    return drive(YEAR.temp_air[here], PLANES[here], **figures)


@pytest.mark.parametrize("start", [0, 4000], ids=["winter", "summer"])
@pytest.mark.parametrize("limit", [1e12, 25_000.0], ids=["unlimited", "limited"])
def test_kernel_equals_annex_c_hour_by_hour(start, limit):
    """The same equations, written from the norm: set-back, two ventilation rates, cooling, limits."""
    hours = 1200
    day = np.arange(hours) % 24
    used = (day >= 6) & (day < 22)
    low, gains = np.where(used, 21.0, 17.0), np.where(used, 1.3, 0.4)
    here = part_of_year(hours, start, set_heating_c=low, set_cooling_c=25.0, occupied=used, gains=gains)
    building = zones(heating_limit_w=limit, cooling_limit_w=limit)
    ours = zone.simulate_zones(building, here, dtype=np.float64, warm_up_h=200)
    courses = {
        "out": here.temp_air,
        "gains": 3000 * gains,
        "sun": here.planes @ building.solar_area_m2[0],
        "h_ve": np.where(used, 510.0, 200.0),
        "low": low,
        "high": np.full(hours, 25.0),
    }
    reference = annex_c.Zone(h_op=600, h_w=350, c_m=45_000, a_m=2500, a_tot=4500, floor=1000)
    theirs = annex_c.year(reference, courses, start=20.0, warm_up=200, limit=limit)
    np.testing.assert_allclose(ours.heating[0] - ours.cooling[0], theirs[:, 0], atol=1e-5)
    np.testing.assert_allclose(ours.air_temperature_c[0], theirs[:, 1], atol=1e-9)
    np.testing.assert_allclose(ours.operative_temperature_c[0], theirs[:, 2], atol=1e-9)


def test_steady_state_by_hand():
    """Constant −10 °C outside, 20 °C air, no gains: all conductances in series and parallel by hand.

    H_op 600, H_w 350, H_ve 510, A_m 2,500, A_tot 4,500: H_ms 22,750, H_is 15,525,
    H_em = 1/(1/600 − 1/22,750) = 616.26, mass branch H_em·H_ms/(H_em + H_ms) = 600.0 by construction,
    so the surface node sees 950 W/K to the outside; with H_is in series 950·15,525/16,475 = 895.22 W/K.
    Power = (895.22 + 510) · 30 = 42,156.6 W.
    """
    loads = zone.simulate_zones(
        zones(gains_w=0.0, c_m_wh_k=1000.0), drive(np.full(400, -10.0)), dtype=np.float64
    )
    assert loads.heating[0, -1] == pytest.approx(42_156.6, abs=0.1)
    assert loads.air_temperature_c[0, -1] == pytest.approx(20.0)
    surface = -10 + 30 * 15_525 / 16_475
    assert loads.operative_temperature_c[0, -1] == pytest.approx(0.3 * 20 + 0.7 * surface)


def test_operative_control_by_hand():
    """With the operative temperature held at 20 °C and constant weather, 0.3 θ_air + 0.7 θ_s = 20."""
    loads = zone.simulate_zones(
        zones(control_air_share=0.3, c_m_wh_k=1000.0), drive(np.full(400, -10.0)), dtype=np.float64
    )
    assert loads.operative_temperature_c[0, -1] == pytest.approx(20.0)
    assert loads.air_temperature_c[0, -1] > 20.5


def test_no_difference_no_need():
    loads = zone.simulate_zones(zones(gains_w=0.0), drive(np.full(240, 20.0)), dtype=np.float64)
    np.testing.assert_allclose(loads.heating, 0, atol=1e-6)
    np.testing.assert_allclose(loads.air_temperature_c, 20, atol=1e-9)


def test_free_floating_reaches_the_outdoor_temperature():
    cold = drive(np.full(3000, 5.0), set_heating_c=-50.0)
    loads = zone.simulate_zones(zones(gains_w=0.0), cold, dtype=np.float64)
    assert loads.air_temperature_c[0, -1] == pytest.approx(5.0, abs=1e-6)
    assert loads.heating.sum() == 0


def test_energy_balance_closes():
    """Heat in = heat out + heat stored over the year, for heating, floating and cooling hours, to 1e-6.

    The surface temperature follows from air and operative (C.12), the mass temperature from the balance of
    the surface node; none of this uses the kernel's coefficients.
    """
    building = zones()
    here = drive(YEAR.temp_air, PLANES, set_cooling_c=24.0)
    loads = zone.simulate_zones(building, here, dtype=np.float64)
    air, operative = loads.air_temperature_c[0], loads.operative_temperature_c[0]
    surface = (operative - 0.3 * air) / 0.7
    out, sun, gains = here.temp_air, here.planes @ building.solar_area_m2[0], 3000.0
    h_op, h_w, h_ve, a_m, a_tot = 600.0, 350.0, 510.0, 2500.0, 4500.0
    h_ms, h_is = 9.1 * a_m, 3.45 * a_tot
    h_em = 1 / (1 / h_op - 1 / h_ms)
    to_surface = (1 - a_m / a_tot - h_w / (9.1 * a_tot)) * (0.5 * gains + sun)
    mass = surface - (to_surface + h_w * (out - surface) + h_is * (air - surface)) / h_ms
    coming = (
        loads.heating[0] - loads.cooling[0] + 0.5 * gains + to_surface + a_m / a_tot * (0.5 * gains + sun)
    )
    going = h_ve * (air - out) + h_w * (surface - out) + h_em * (mass - out)
    stored = 45_000 * (loads.mass_end_c[0] - loads.mass_start_c[0])
    assert coming.sum() == pytest.approx(going.sum() + stored, rel=1e-6)


def test_monthly_bins_are_sums_of_hours():
    building = zones(3, set_offset_k=[0.0, -1.0, 2.0])
    hourly = zone.simulate_zones(building, drive(YEAR.temp_air, PLANES), dtype=np.float64)
    monthly = zone.simulate_zones(building, drive(YEAR.temp_air, PLANES, MONTHS), dtype=np.float64)
    for month in range(12):
        here = month == MONTHS
        np.testing.assert_allclose(hourly.heating[:, here].sum(axis=1), monthly.heating[:, month])
        mean = hourly.operative_temperature_c[:, here].mean(axis=1)
        np.testing.assert_allclose(mean, monthly.operative_temperature_c[:, month])
    fast = zone.simulate_zones(
        building, drive(YEAR.temp_air, PLANES, MONTHS), dtype=np.float64, temperatures=False
    )
    np.testing.assert_allclose(fast.heating, monthly.heating, rtol=1e-12)
    assert fast.air_temperature_c.shape == (3, 0)


def test_float32_differs_by_less_than_1e_4_a_year():
    rng = np.random.default_rng(1)
    area = rng.uniform(80, 8000, 200)
    building = zones(200, area=1.0)
    scaled = {
        name: values * (area[:, None] if values.ndim == 2 else area)
        for name, values in vars(building).items()
        if values is not None
        and name not in ("set_offset_k", "control_air_share", "heating_limit_w", "cooling_limit_w")
    }
    building = replace(building, **scaled)
    building = replace(building, h_tr_op_w_k=building.h_tr_op_w_k * rng.uniform(0.2, 3, 200))
    here = drive(YEAR.temp_air, PLANES, MONTHS, set_cooling_c=25.0)
    fast = zone.simulate_zones(building, here, temperatures=False)
    exact = zone.simulate_zones(building, here, temperatures=False, dtype=np.float64)
    for name in ("heating", "cooling"):
        a, b = getattr(fast, name).sum(axis=1, dtype=float), getattr(exact, name).sum(axis=1)
        np.testing.assert_allclose(a, b, rtol=1e-4)


def test_independent_of_order_chunks_and_threads():
    rng = np.random.default_rng(2)
    building = zones(150, h_tr_op_w_k=rng.uniform(100, 2000, 150), set_offset_k=rng.uniform(-3, 3, 150))
    here = part_of_year(600)
    whole = zone.simulate_zones(building, here, workers=2).heating
    order = rng.permutation(150)
    np.testing.assert_array_equal(
        zone.simulate_zones(building.take(order), here, workers=1).heating, whole[order]
    )
    single = zone.simulate_zones(building.take(np.array([77])), here).heating
    np.testing.assert_allclose(single[0], whole[77], rtol=1e-5, atol=0.1)


def test_needs_are_linear_in_size():
    """A zone of twice everything needs twice the heat."""
    here = part_of_year(600)
    one, two = (zone.simulate_zones(zones(area=a), here, dtype=np.float64).heating for a in (1000.0, 2000.0))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-9)


@given(
    st.floats(0.1, 6.0), st.floats(0.1, 6.0),
    st.sampled_from(["h_tr_op_w_k", "h_tr_w_w_k", "h_ve_on_w_k"]),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_a_better_envelope_never_needs_more_heat(first, second, which):
    low, high = sorted((first, second))
    building = zones(2, **{which: [low * 300, high * 300]})
    loads = zone.simulate_zones(building, part_of_year(500), temperatures=False, dtype=np.float64)
    assert loads.heating[0].sum() <= loads.heating[1].sum() + 1e-6


@given(st.floats(-4, 4), st.floats(-4, 4))
@settings(max_examples=15, deadline=None)
def test_a_higher_set_point_never_needs_less_heat(first, second):
    building = zones(2, set_offset_k=sorted((first, second)))
    loads = zone.simulate_zones(building, part_of_year(500), temperatures=False, dtype=np.float64)
    assert loads.heating[0].sum() <= loads.heating[1].sum() + 1e-6


def test_limited_power_is_kept():
    loads = zone.simulate_zones(zones(heating_limit_w=20_000.0), part_of_year(700))
    assert loads.heating.max() == pytest.approx(20_000.0)
    assert loads.air_temperature_c.min() < 19


def test_too_thin_mass_is_named():
    with pytest.raises(CallError, match="zone 1 loses 30000 W/K"):
        zone.simulate_zones(zones(2, h_tr_op_w_k=[600, 30_000]), part_of_year(48))


def test_no_opaque_elements_and_no_windows_are_defined():
    loads = zone.simulate_zones(zones(2, h_tr_op_w_k=[0, 600], h_tr_w_w_k=[350, 0]), part_of_year(300))
    assert np.isfinite(loads.heating).all()


def test_kernel_works_where_compiled_code_cannot_be_kept():
    """A read-only installation without a home: numba finds no folder for its cache."""
    script = (
        "import numba.core.caching as caching\n"
        "def refuse(self): raise PermissionError('read-only')\n"
        "caching._CacheLocator.ensure_cache_path = refuse\n"
        "from tests.energy.zones import drive, zones\n"
        "from energy import zone\n"
        "print(zone.simulate_zones(zones(gains_w=0.0), drive([0.0] * 48)).heating[0, -1])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 10_000


def test_the_zone_closes_its_own_balance():
    """`imbalance`, from the kernel's sums: 1e-6 in float64, 1e-4 in float32 (its rounding over a year)."""
    building = zones(3, h_ve_open_w_k=1500.0, open_above_c=np.array([23.0, 26.0, np.inf]))
    here = drive(YEAR.temp_air, PLANES, MONTHS, set_cooling_c=25.0)
    for figures in (building, zones(3)):
        assert np.abs(zone.simulate_zones(figures, here, dtype=np.float64).imbalance).max() < 1e-6
        assert np.abs(zone.simulate_zones(figures, here, temperatures=False).imbalance).max() < 1e-4


def test_open_windows_by_the_rule_hour_by_hour():
    """Open (2,000 W/K) after an hour above 24 °C if warmer than outdoors, else shut: the norm's equations."""
    here = part_of_year(1500, 4000, set_heating_c=-50.0)
    building = zones(h_ve_open_w_k=2000.0, open_above_c=24.0)
    ours = zone.simulate_zones(building, here, dtype=np.float64, warm_up_h=0)
    sun = here.planes @ building.solar_area_m2[0]
    reference = annex_c.Zone(h_op=600, h_w=350, c_m=45_000, a_m=2500, a_tot=4500, floor=1000)
    mass, before, opened = 20.0, 20.0, 0
    for hour, out in enumerate(here.temp_air):
        wide = before > 24.0 and before > out
        opened += wide
        h_ve = 2000.0 if wide else 510.0
        _, mass, before, _ = reference.hour(mass, out, 3000.0, sun[hour], h_ve, -50.0, 1000.0, 1e12)
        assert ours.air_temperature_c[0, hour] == pytest.approx(before, abs=1e-6)
    assert 50 < opened < 1400


def test_shut_windows_change_nothing():
    here = part_of_year(900, 4000)
    plain = zone.simulate_zones(zones(2), here)
    shut = zone.simulate_zones(zones(2, h_ve_open_w_k=9000.0, open_above_c=np.inf), here)
    np.testing.assert_allclose(shut.heating, plain.heating, rtol=1e-5)
