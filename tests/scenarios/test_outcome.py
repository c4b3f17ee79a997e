"""Indicators by hand on three slabs: sums, shares, pathways, net present and abatement cost, warm rent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energy
import scenarios
from energy import Case, weighting
from scenarios import costs
from scenarios.compare import (
    INDICATORS,
    co2_by_carrier,
    compare,
    duration_curve,
    heat_cost_eur,
    indicators_of,
)
from scenarios.outcome import Outcome, evaluate
from tests.scenarios.test_measures import roofed
from twin import CallError


@pytest.fixture(scope="module")
def case() -> Case:
    return roofed()


@pytest.fixture(scope="module")
def base(case: Case) -> Outcome:
    return evaluate(scenarios.BASELINE, case)


@pytest.fixture(scope="module")
def better(case: Case) -> Outcome:
    measures = [
        scenarios.Step(measure="envelope_retrofit", targets=scenarios.Targets(buildings=["b1"])),
        scenarios.Step(measure="roof_pv", targets=scenarios.Targets(buildings=["b1", "b2"])),
    ]
    return evaluate(scenarios.Scenario(name="better", measures=measures), case)


def test_the_year_is_that_of_simulate(case: Case, base: Outcome) -> None:
    plain = energy.annual(case)
    for name in plain:
        assert base.annual[name].to_numpy() == pytest.approx(plain[name].to_numpy(), rel=1e-5)
    factors = weighting.factors(case.parameters)
    by_hand = sum(
        base.annual[f"delivered_{name}_kwh"] * co2
        for name, co2 in zip(factors.carriers, factors.co2_kg_kwh, strict=True)
    )
    assert base.annual["co2_kg"].to_numpy() == pytest.approx(np.asarray(by_hand), rel=1e-5)
    assert co2_by_carrier(base).sum(axis=1).iloc[0] == pytest.approx(base.annual["co2_kg"].sum(), rel=1e-5)


def test_levels_add_up(base: Outcome, better: Outcome) -> None:
    whole = indicators_of(better, base)
    for level in ("building", "block"):
        parts = indicators_of(better, base, level)  # type: ignore[arg-type]
        for name, indicator in INDICATORS.items():
            if indicator.adds_up and indicator.stage == 1:
                assert parts[name].sum() == pytest.approx(whole[name].iloc[0], rel=1e-9), name
    with pytest.raises(CallError, match="level"):
        indicators_of(better, base, "street")  # type: ignore[arg-type]


def test_self_consumption_and_autarky_by_hand(base: Outcome, better: Outcome) -> None:
    row = indicators_of(better, base).iloc[0]
    year = better.annual[["pv_generation_kwh", "grid_export_kwh", "grid_import_kwh"]].sum()
    used = year["pv_generation_kwh"] - year["grid_export_kwh"]
    assert row["self_consumption"] == pytest.approx(used / year["pv_generation_kwh"])
    assert row["autarky"] == pytest.approx(used / (used + year["grid_import_kwh"]))
    assert np.isnan(indicators_of(base, base).iloc[0]["self_consumption"])  # nothing generated


def test_the_warm_rent_is_levy_less_saved_heat(case: Case, base: Outcome, better: Outcome) -> None:
    found = indicators_of(better, base, "building")["warm_rent_change_eur_m2_month"]
    area = case.envelope["a_use_m2"] * case.parameters.constant("dwelling_share")
    levy = costs.rent_levy(better.items, area, case.parameters)
    saved = (heat_cost_eur(base) - heat_cost_eur(better)) / 12 / area
    assert found.to_numpy() == pytest.approx((levy - saved).reindex(found.index).to_numpy())
    # The chain runs in float32: what cancels leaves some 1e-7 € per m².
    assert found["b0"] == pytest.approx(0, abs=1e-5) and levy["b1"] > 0 and saved["b1"] > 0
    # One building by hand: district heat at its price.
    price = weighting.factors(case.parameters).price_eur_kwh
    number = weighting.factors(case.parameters).carriers.index("district_heating")
    heat = base.annual.loc["b1", "heating_delivered_kwh"]
    assert heat_cost_eur(base)["b1"] == pytest.approx(heat * price[number])


def test_compare_is_npc_and_abatement_against_the_base(base: Outcome, better: Outcome) -> None:
    table = compare([base, better])
    assert table.loc["baseline", "extra_cost_eur"] == 0 and np.isnan(
        table.loc["baseline", "abatement_cost_eur_t"]
    )
    row = table.loc["better"]
    parameters = base.case.parameters
    rate, start = parameters.constant("interest_rate"), parameters.year
    paid = costs.item_payments(better.items, parameters, start)
    by_hand = sum(
        (paid[year] + better.years.loc[year, "energy_cost_eur"]) / (1 + rate) ** (year - start)
        for year in paid.index
    )
    assert row["net_present_cost_eur"] == pytest.approx(by_hand)
    saved = (base.years["co2_kg"] - better.years["co2_kg"]).sum()
    assert row["abatement_cost_eur_t"] == pytest.approx(row["extra_cost_eur"] / (saved / 1000))


def test_the_first_year_of_the_path_is_the_years_energy(better: Outcome) -> None:
    first = better.years.iloc[0]
    sums = better.annual.sum()
    assert first["co2_kg"] == pytest.approx(sums["co2_kg"], rel=1e-5)
    assert first["energy_cost_eur"] == pytest.approx(
        sums["energy_cost_eur"] - sums["feed_in_revenue_eur"], rel=1e-5
    )
    assert len(better.years) == 25


def test_a_pathway_changes_in_its_year(case: Case, base: Outcome) -> None:
    step = scenarios.Step(measure="envelope_retrofit", year=2030)
    late = evaluate(scenarios.Scenario(name="late", measures=[step]), case)
    apart = base.years["co2_kg"] - late.years["co2_kg"]
    assert (apart.loc[:2029] == 0).all() and (apart.loc[2030:] > 0).all()
    assert set(late.items["year"]) == {2030}


def test_peaks_and_duration_curve(base: Outcome) -> None:
    hours = base.hours()
    curve = duration_curve(hours["heating_delivered_kwh"])
    assert len(curve) == 8760 and (np.diff(curve) <= 0).all()
    assert curve.sum() == pytest.approx(base.annual["heating_delivered_kwh"].sum(), rel=0.02)


def test_over_temperature_counts_rooms(base: Outcome) -> None:
    found = base.over_temperature_kh()
    assert list(found.index) == ["b0", "b1", "b2"] and (found >= 0).all()


def test_every_indicator_is_described() -> None:
    for name, indicator in INDICATORS.items():
        assert indicator.de and indicator.en and indicator.unit and indicator.formula, name


def test_measures_that_do_nothing_give_back_the_base(case: Case, base: Outcome) -> None:
    idle = scenarios.Scenario(
        name="idle", measures=[scenarios.Step(measure="roof_pv", parameters={"share": 0})]
    )
    found = evaluate(idle, case)
    pd.testing.assert_frame_equal(found.annual, base.annual)
    assert found.items.empty
