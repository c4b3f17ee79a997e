"""Heat supply by hour: heating curve, heat pumps, boilers, stores, and the balance of them all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import energy
from energy import heat_pump, heat_supply
from energy.case import chain_columns
from energy.heating_curve import heating_curve
from energy.weather import sample
from tests.energy.districts import slabs
from twin.errors import CallError

WEATHER = sample()
HEATING = ["district_heating", "gas", "oil", "wood", "heat_pump", "heat_pump_ground", "electric", "none"]
CASE = energy.Case(slabs(len(HEATING), heating=HEATING), WEATHER)
P = CASE.parameters
PLANTS = heat_supply.plants_of(CASE.columns, P)
COURSES = heat_supply.courses(PLANTS.kinds, WEATHER, P)
LOAD_W = np.maximum(15.0 - WEATHER.temp_air, 0.0) * 3000.0
HEAT = np.tile(LOAD_W, (len(HEATING), 1))
WATER = np.tile(PLANTS.hot_water_w[:, None], (1, len(WEATHER)))
RESULT = heat_supply.deliver_all(PLANTS, COURSES, HEAT, WATER, temperatures=True)


def test_heating_curve_by_hand():
    """Design 70/50 at 20 °C: full load gives 70/50, no load the room; half load 20 + 40 · 0.5^(1/1.3) ± 5."""
    curve = heating_curve(np.array([0.0, 0.5, 1.0]), np.array(70.0), np.array(50.0), np.array(1.3), 20.0)
    middle = 20 + 40 * 0.5 ** (1 / 1.3)
    np.testing.assert_allclose(curve.flow_c, [20, middle + 5, 70])
    np.testing.assert_allclose(curve.return_c, [20, middle - 5, 50])


def test_cop_by_hand():
    """Ruhnau et al. 2019, 35 K of lift: air 6.08 − 3.15 + 0.6125, ground 10.29 − 7.35 + 1.47; times 0.85."""
    for coefficients, bench in (((6.08, -0.09, 0.0005), 3.5425), ((10.29, -0.21, 0.0012), 4.41)):
        found = heat_pump.cop(np.array(0.0), np.array(35.0), np.array(coefficients), np.array(0.85), P)
        assert found == pytest.approx(0.85 * bench)


@settings(max_examples=25, deadline=None)
@given(st.floats(-25, 35), st.floats(25, 75), st.floats(0, 20))
def test_cop_falls_with_the_flow_temperature_and_rises_with_the_source(source, flow, more):
    def cop(a: float, b: float) -> float:
        air = np.array([6.08, -0.09, 0.0005])
        return float(heat_pump.cop(np.array(a), np.array(b), air, np.array(0.944), P))

    assert cop(source, flow + more) <= cop(source, flow) + 1e-12
    assert cop(source + more, flow) >= cop(source, flow) - 1e-12
    assert cop(source, flow) >= 1


def test_frost_costs_most_near_freezing():
    """Wetter and Afjei 1997: 0.1534 and the line's 0.0265 at 0.8869 °C; nothing in summer."""
    assert heat_pump.frosting(np.array(0.8869)) == pytest.approx(0.1534 + 0.03 - 0.004 * 0.8869)
    assert heat_pump.frosting(np.array(25.0)) < 1e-9
    assert heat_pump.frosting(np.array(1.0)) > heat_pump.frosting(np.array(7.0))


def test_the_ground_is_milder_than_the_air():
    ground = heat_pump.ground_temperature(WEATHER, P)
    assert ground.mean() == pytest.approx(WEATHER.temp_air.mean(), abs=0.1)
    assert np.ptp(ground) < 0.2 * np.ptp(WEATHER.temp_air)


def test_the_supply_balances():
    assert np.abs(heat_supply.imbalance(RESULT)).max() < 1e-10


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 1e5), st.floats(0, 3e4))
def test_any_need_balances(seed, heating, hot_water):
    some = np.random.default_rng(seed)
    need = [some.random((len(HEATING), len(WEATHER))) * scale for scale in (heating, hot_water)]
    found = heat_supply.deliver_all(PLANTS, COURSES, *need)
    assert np.abs(heat_supply.imbalance(found)).max() < 1e-9
    assert np.isfinite(found.delivered_w).all()
    assert (found.delivered_w >= 0).all()


def test_direct_electric_heat_by_hand():
    """No pipes, no store: need for heating with 5 % of emission losses, and hot water as it is."""
    row = HEATING.index("electric")
    np.testing.assert_allclose(RESULT.delivered_w[row], 1.05 * HEAT[row] + WATER[row], rtol=1e-12)


def test_a_substation_by_hand():
    """Over the year: (1.05 · need + pipes + hot water with its losses and what the store took) / 0.99."""
    row, sums = HEATING.index("district_heating"), RESULT.sums_wh
    excess = COURSES.take("pipe_excess_k")[:, PLANTS.kind[row]]
    pipes = 0.03 * 2304 * excess[LOAD_W > 0].sum()
    around = 2304 * (0.002 * (60 - 13) + 0.015 * (57.5 - 20)) * len(WEATHER)
    heat = 1.05 * HEAT[row].sum() + pipes + WATER[row].sum() + around + RESULT.stored_wh[row]
    assert sums["delivered"][row] == pytest.approx(heat / 0.99, rel=1e-9)


def test_seasonal_performance_is_of_the_known_order():
    """Field tests in existing buildings: air 2.5 to 3.8, ground 3.3 to 4.7 (Fraunhofer ISE 2020).

    Ours stand at or below them: 55/45, circulation in apartment blocks and all losses are within.
    """
    seasonal = dict(zip(HEATING, heat_supply.seasonal_performance(RESULT), strict=True))
    assert 1.8 < seasonal["heat_pump"] < 3.8
    assert seasonal["heat_pump"] < seasonal["heat_pump_ground"] < 4.7
    assert seasonal["oil"] < seasonal["gas"] < 1.05
    assert np.isnan(seasonal["none"])


def test_backup_heats_in_the_cold_only():
    need = heat_supply.design_load_w(CASE.envelope, P)[:, None] * np.maximum(20 - WEATHER.temp_air, 0) / 32.8
    found = heat_supply.deliver_all(PLANTS, COURSES, need, WATER)
    row = HEATING.index("heat_pump")
    assert found.sums_wh["backup"][row] > 0
    assert found.sums_wh["backup"][row] < 0.15 * found.sums_wh["delivered"][row]
    assert found.sums_wh["backup"][HEATING.index("gas")] == 0


def test_a_cooler_flow_saves_heat_pump_electricity():
    row = (
        P.plants.loc[["heat_pump"]]
        .reset_index()[["heating"]]
        .assign(flow_design_c=40.0, return_design_c=33.0)
    )
    better = P.with_table("plants", row)
    cool = heat_supply.courses(PLANTS.kinds, WEATHER, better)
    found = heat_supply.deliver_all(PLANTS, cool, HEAT, WATER)
    pump = HEATING.index("heat_pump")
    assert found.sums_wh["delivered"][pump] < 0.9 * RESULT.sums_wh["delivered"][pump]


def test_temperatures_follow_the_curve_and_the_hot_water():
    row = HEATING.index("district_heating")
    flow, back = RESULT.flow_temperature_c[row], RESULT.return_temperature_c[row]
    assert (flow >= back).all()
    assert flow.min() >= 20
    assert flow[np.argmin(WEATHER.temp_air)] == pytest.approx(
        COURSES.take("flow_c")[np.argmin(WEATHER.temp_air), PLANTS.kind[row]]
    )
    assert flow[LOAD_W == 0].max() == pytest.approx(60)


def test_single_precision_differs_little():
    single = heat_supply.deliver_all(PLANTS, COURSES, HEAT, WATER, dtype=np.float32)
    exact, some = RESULT.sums_wh["delivered"], RESULT.sums_wh["delivered"] > 0
    np.testing.assert_allclose(single.sums_wh["delivered"][some], exact[some], rtol=1e-4)


def test_wrong_needs_and_supplies_are_named():
    with pytest.raises(CallError, match="negative or missing"):
        heat_supply.deliver_all(PLANTS, COURSES, -HEAT, WATER)
    with pytest.raises(CallError, match="need of shapes"):
        heat_supply.deliver_all(PLANTS, COURSES, HEAT[:, :5], WATER)
    with pytest.raises(CallError, match="building b0: there is no heat supply 'magic'"):
        chain_columns(CASE.envelope.assign(heating="magic"), P)
