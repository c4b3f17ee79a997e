"""Costs by hand: what is bought, paid over the years, discounted, and put on the rent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energy
from energy import Case, weighting
from energy.parameters import Parameters
from scenarios import bought, costs
from scenarios.measures import envelope_retrofit, heat_pump, smart_heating, trees
from tests.energy.districts import slabs

PARAMETERS = Parameters.default()


@pytest.fixture(scope="module")
def case() -> Case:
    heating = ["district_heating", "gas", "oil"]
    return Case(slabs(surfaces=True, heating=heating), energy.weather.sample(), shading="tabula")


def item(**figures: object) -> pd.DataFrame:
    row = {
        "building_id": "b0", "item": "wall", "quantity": 1.0, "unit": "m²", "investment_eur": 1000.0,
        "subsidy_eur": 0.0, "maintenance_eur_a": 0.0, "fee_eur_a": 0.0, "lifetime_a": 40, "year": 2025,
        "levy": "modernisation", "anyway_share": 0.0, "source": "", "is_estimate": True, **figures,
    }  # fmt: skip
    return pd.DataFrame([row])


def test_a_retrofit_buys_the_components_areas(case: Case) -> None:
    after = envelope_retrofit.apply(
        case, buildings=["b1"], components=["wall", "window"], standard="advanced"
    )
    amounts = bought.quantities(case, after)
    assert list(amounts.index) == ["b1"] and sorted(amounts.columns) == ["wall", "window"]
    envelope = case.envelope.loc["b1"]
    assert amounts.loc["b1", "wall"] == pytest.approx(envelope["wall_area_m2"])
    table = costs.investments(case, after).set_index("item")
    assert table.loc["window", "investment_eur"] == pytest.approx(525 * envelope["window_area_m2"])
    assert table.loc["window", "subsidy_eur"] == pytest.approx(0.15 * 525 * envelope["window_area_m2"])


def test_a_heat_pump_is_bought_for_the_load_after_the_retrofit(case: Case) -> None:
    alone = bought.quantities(case, heat_pump.apply(case, buildings=["b1"]))
    better = envelope_retrofit.apply(case, buildings=["b1"])
    after = bought.quantities(better, heat_pump.apply(better, buildings=["b1"]))
    assert after.loc["b1", "heat_pump"] < 0.7 * alone.loc["b1", "heat_pump"]
    # FACTS.md § 6: 45 kEUR for 40 kW, 120 kEUR for 120 kW.
    row = PARAMETERS.measure_costs.loc["heat_pump"]
    for power, paid in ((40, 45_000), (120, 120_000)):
        assert row["fixed_eur"] + power * row["unit_cost_eur"] == pytest.approx(paid, rel=0.01)


def test_dwellings_and_trees_are_counted(case: Case) -> None:
    smart = bought.quantities(case, smart_heating.apply(case, buildings=["b0", "b2"]))
    assert smart["smart_heating"].to_dict() == {"b0": 24.0, "b2": 24.0}
    planted = bought.quantities(case, trees.apply(case, buildings=["b0"]))
    assert planted.loc["", "tree"] == 5


def test_no_change_costs_nothing(case: Case) -> None:
    assert costs.investments(case, case).empty


def test_payments_with_replacement_upkeep_and_rest() -> None:
    # Horizon 25 a, life 10 a: bought in 2025, 2035 and 2045, of which 5 of 10 years lie behind 2049.
    paid = costs.item_payments(
        item(lifetime_a=10, maintenance_eur_a=20.0, subsidy_eur=300.0), PARAMETERS, 2025
    )
    assert len(paid) == 25 and paid.index[0] == 2025
    assert paid[2025] == pytest.approx(1000 - 300 + 20)
    assert paid[2035] == paid[2045] == pytest.approx(1020)
    assert paid[2026] == 20 and paid[2049] == pytest.approx(20 - 500)
    assert paid.sum() == pytest.approx(3000 - 300 + 25 * 20 - 500)


def test_a_fee_that_is_no_longer_paid_counts_each_year_from_the_purchase_on() -> None:
    paid = costs.item_payments(item(year=2030, fee_eur_a=-20.0, lifetime_a=40), PARAMETERS, 2025)
    assert not paid.loc[:2029].any() and paid[2030] == 1000 - 20 and paid[2031] == -20
    assert paid[2049] == pytest.approx(-20 - 1000 * (1 - 20 / 40))


def test_a_later_step_is_paid_later_and_one_behind_the_horizon_never() -> None:
    later = costs.item_payments(item(year=2035, lifetime_a=40), PARAMETERS, 2025)
    assert later.loc[:2034].sum() == 0 and later[2035] == 1000
    assert later[2049] == pytest.approx(-1000 * (1 - 15 / 40))
    assert not costs.item_payments(item(year=2060), PARAMETERS, 2025).any()


def test_present_value_and_annuity_are_inverse() -> None:
    # VDI 2067: annuity factor of 3 % over 25 years: 0.0574279 (compound interest table)
    assert costs.annuity(1.0, 0.03, 25) == pytest.approx(0.0574279, abs=1e-7)
    equal = pd.Series(costs.annuity(1000.0, 0.03, 25), index=range(2026, 2051))
    assert costs.present_value(equal, 0.03, 2025) == pytest.approx(1000)
    assert costs.annuity(1000.0, 0.0, 25) == 40


def test_net_present_cost_is_what_it_says() -> None:
    free = PARAMETERS.with_constants(interest_rate=0.0, horizon_a=10)
    energy_eur = pd.Series(50.0, index=range(2025, 2035))
    # 1000 € with 40 years of life: 10 of them are used: 250 €, and 10 · 50 € of energy.
    assert costs.net_present_cost(item(), energy_eur, free, 2025) == pytest.approx(750)


def test_years_weigh_the_same_energy_by_their_factors() -> None:
    delivered = pd.Series({"electricity": 1000.0, "district_heating": 5000.0})
    table = costs.over_years(delivered, PARAMETERS, range(2025, 2046))
    for year in (2025, 2030, 2045):
        factors = weighting.factors(PARAMETERS.with_constants(year=year))
        number = [factors.carriers.index(name) for name in delivered.index]
        by_hand = sum(delivered.to_numpy() * factors.co2_kg_kwh[number])
        assert table.loc[year, "co2_kg"] == pytest.approx(by_hand)
    assert table.loc[2045, "co2_kg"] < 0.1 * table.loc[2025, "co2_kg"]


def test_abatement_cost() -> None:
    assert costs.abatement_cost(10_000, 50_000) == pytest.approx(200)  # €/t
    assert np.isnan(costs.abatement_cost(10_000, 0)) and costs.abatement_cost(-100, 1000) == -100


def test_rent_levy_follows_the_civil_code() -> None:
    area = pd.Series({"b0": 1000.0, "b1": 1000.0})
    # § 559 (1): (100,000 · 0.7 − 15,000) · 8 % / 12 / 1,000 m² = 0.3667 €/(m² month)
    some = item(investment_eur=100_000.0, subsidy_eur=15_000.0, anyway_share=0.3)
    assert costs.rent_levy(some, area, PARAMETERS).to_dict() == {
        "b0": pytest.approx(0.36667, abs=1e-4),
        "b1": 0,
    }
    # § 559 (3a): 2 €/m² at a rent below 7 €, else 3 €
    much = item(investment_eur=5e6)
    assert costs.rent_levy(much, area, PARAMETERS)["b0"] == 2
    assert costs.rent_levy(much, area, PARAMETERS.with_constants(rent_eur_m2=9))["b0"] == 3
    # § 559e: 10 % a year, at most 0.50 €/m²
    heating = item(investment_eur=30_000.0, levy="heating")
    assert costs.rent_levy(heating, area, PARAMETERS)["b0"] == pytest.approx(0.25)
    assert costs.rent_levy(item(investment_eur=3e5, levy="heating"), area, PARAMETERS)["b0"] == 0.5
    assert costs.rent_levy(item(levy="none"), area, PARAMETERS)["b0"] == 0
