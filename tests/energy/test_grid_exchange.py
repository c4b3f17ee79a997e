"""Electricity over the buildings' border: who takes what from the sun, the battery and the grid."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energy
from energy import grid_exchange, pv_potential
from energy.battery import Battery
from energy.blocks import Blocks
from tests.energy.districts import slabs

WEATHER = energy.weather.sample()
CASE = energy.Case(slabs(3, surfaces=True), WEATHER)
SUN = ("pv_generation_kwh", "grid_import_kwh", "grid_export_kwh")


def with_modules(case: energy.Case, kwp: float = 40.0, battery_kwh: float = 0.0) -> energy.Case:
    """The case with modules at 30° south on its second building."""
    table = pd.DataFrame(
        {
            "building_id": [case.envelope.index[1]],
            "kind": ["pitched"],
            "usable_area_m2": [np.nan],
            "surface_tilt": [30.0],
            "surface_azimuth": [180.0],
            "peak_power_kwp": [kwp],
            "sets": [0],
            "battery_kwh": [battery_kwh],
        },
        index=pd.Index(["modules"], name="surface_id"),
    )
    return case.replace(pv=table)


def test_without_modules_all_electricity_comes_from_the_grid():
    year = energy.simulate(CASE, resolution="month")
    assert not year["pv_generation_kwh"].any() and not year["grid_export_kwh"].any()
    power = year["delivered_kwh"].sel(carrier="electricity")
    np.testing.assert_allclose(year["grid_import_kwh"], power, rtol=1e-6)


def test_every_hour_balances_and_months_are_its_sums():
    """load = generation + import − export where nothing is stored."""
    case = with_modules(CASE)
    hours = energy.simulate(case)
    load = energy.simulate(CASE)["delivered_kwh"].sel(carrier="electricity")
    balance = hours["pv_generation_kwh"] + hours["grid_import_kwh"] - hours["grid_export_kwh"]
    np.testing.assert_allclose(balance, load, rtol=1e-4, atol=1e-4)
    months = energy.simulate(case, resolution="month")
    for name in SUN:
        by_month = hours[name].groupby("time.month").sum().transpose("building_id", "month")
        np.testing.assert_allclose(months[name], by_month, rtol=2e-3, atol=1e-2)  # pumps by monthly ratios
    made = hours["pv_generation_kwh"].sum("time")
    assert made[0] == 0 and 30_000 < made[1] < 46_000  # 40 kWp at 750 to 1,150 kWh/kWp


def test_what_is_fed_in_earns_the_mean_rate_of_its_power_beside_the_cost():
    """40 kWp: 10 of them at 7.87 and 30 at 6.81 ct/kWh (EEG 2023 § 48), 7.075 in the mean."""
    year = energy.simulate(with_modules(CASE), resolution="year")
    export, revenue = year["grid_export_kwh"].to_numpy(), year["feed_in_revenue_eur"].to_numpy()
    np.testing.assert_allclose(revenue, 0.07075 * export, rtol=1e-6)
    bought = year["delivered_kwh"].sel(carrier="electricity").to_numpy()
    price = energy.weighting.factors(CASE.parameters).price_eur_kwh
    heat = (
        year["energy_cost_eur"].to_numpy() - bought * price[list(year["carrier"].values).index("electricity")]
    )
    assert (heat > 0).all() and revenue[1] > 0  # the cost holds all that is bought, without the revenue


def test_sun_lowers_cost_and_primary_energy_by_what_it_replaces():
    """Price and factor times the electricity that is no longer bought; what is fed in earns nothing here."""
    before, after = energy.annual(CASE), energy.annual(with_modules(CASE))
    saved = (
        energy.simulate(CASE, resolution="year")["grid_import_kwh"]
        - energy.simulate(with_modules(CASE), resolution="year")["grid_import_kwh"]
    ).to_numpy()[:, 0]
    factors = CASE.parameters.carriers.loc["electricity"]
    for column, factor in (
        ("primary_energy_kwh", "primary_energy_factor"),
        ("energy_cost_eur", "price_eur_kwh"),
    ):
        np.testing.assert_allclose(before[column] - after[column], saved * factors[factor], rtol=1e-3, atol=1)
    assert saved[1] > 0 and saved[0] == saved[2] == 0


def test_what_is_fed_in_is_credited_where_the_figures_say_so():
    case = with_modules(CASE)
    credited = case.replace(parameters=case.parameters.with_constants(export_credit=1))
    plain, less = (energy.annual(c)["primary_energy_kwh"].to_numpy() for c in (case, credited))
    sold = energy.simulate(case, resolution="year")["grid_export_kwh"].to_numpy()[:, 0]
    factor = case.parameters.constant("export_primary_energy_factor")
    np.testing.assert_allclose(plain - less, factor * sold, rtol=1e-3, atol=0.5)
    assert sold[1] > 0


def test_a_battery_raises_self_consumption_and_loses_a_little():
    plain, stored = (
        energy.simulate(with_modules(CASE, battery_kwh=kwh), resolution="year") for kwh in (0.0, 40.0)
    )
    bought, sold = (
        float((plain[name] - stored[name])[1].sum()) for name in ("grid_import_kwh", "grid_export_kwh")
    )
    assert bought > 0
    efficiency = CASE.parameters.pv["value"]["battery_efficiency"]
    assert bought / sold == pytest.approx(efficiency, rel=0.01)


def test_meter_by_hand():
    """One building, three hours in two bins: 5 kWh made, 2 used, 2 stored, 1 sold; then 3 used.

    Of the load, 1 kWh/h are appliances, the rest heat by a heat pump of 3 and cooling of 2.
    """
    one = np.ones(1)
    load = grid_exchange.Load(
        electricity_kwh_a=3 * one, hot_water_kwh_a=0 * one, heating_power=one / 3, hot_water_power=0 * one,
        cooling_power=0.5, electricity=np.full(3, 1 / 3), hot_water=np.zeros(3),
    )  # fmt: skip
    made = np.zeros((3, 8), np.float32)
    made[0, 0] = 5.0
    store = Battery(2 * one, 2 * one, one, one)
    meter = grid_exchange.Meter(load, Blocks(3, 1, lambda first: made), store, np.array([0, 0, 1]))
    block = meter.block(0)
    heating, cooling = (np.zeros((3, 8), np.float32) for _ in range(2))
    heating[:, 0], cooling[:, 0] = [3000.0, 0.0, 1500.0], [0.0, 1000.0, 0.0]
    block(0, 2, heating[:2], cooling[:2])
    block(2, 3, heating[2:], cooling[2:])
    expected_flows = ([5.0, 0.0], [0.0, 1.0], [1.0, 0.0], [3.5, 1.5])  # the last is the load
    for values, expected in zip(meter.flows, expected_flows, strict=True):
        np.testing.assert_allclose(values, [expected], atol=1e-6)


def test_an_unheated_building_with_modules_meets_its_own_load():
    """A garage has no zone: its load is light alone."""
    case = energy.Case(slabs(3, surfaces=True, function=["residential", "garage", "residential"]), WEATHER)
    sunny = with_modules(case)
    hours = energy.simulate(sunny)
    load = energy.simulate(case)["delivered_kwh"].sel(carrier="electricity")
    balance = hours["pv_generation_kwh"] + hours["grid_import_kwh"] - hours["grid_export_kwh"]
    np.testing.assert_allclose(balance, load, rtol=1e-4, atol=1e-4)
    assert not bool(sunny.envelope["conditioned"].iloc[1]) and float(hours["pv_generation_kwh"][1].sum()) > 0


def test_electric_heat_counts_as_electricity_from_the_grid():
    electric = np.array([True, False])
    heat, power = np.array([[3.0], [4.0]], np.float32), np.array([[1.0], [2.0]], np.float32)
    plain = grid_exchange.without_sun(electric, heat, power)
    np.testing.assert_array_equal(plain.heat, [[0.0], [4.0]])
    np.testing.assert_array_equal(plain.power, [[4.0], [2.0]])


def test_systems_of_the_district_count_and_others_are_left_out():
    table = with_modules(CASE).pv
    foreign = table.assign(building_id="elsewhere").set_axis(["other"])
    case = CASE.replace(pv=pd.concat([table, foreign]))
    year = energy.simulate(case, resolution="year")["pv_generation_kwh"].to_numpy()[:, 0]
    alone = energy.simulate(with_modules(CASE), resolution="year")["pv_generation_kwh"].to_numpy()[:, 0]
    np.testing.assert_allclose(year, alone)
    assert CASE.pv.equals(pv_potential.nothing())
