"""The heat network in scenarios: by hand on a small district, never in one outcome against none."""

from __future__ import annotations

import numpy as np
import pytest

import energy
import scenarios
from energy import Case, weighting
from scenarios import heat_network
from scenarios.compare import NETWORK, co2_by_carrier, co2_by_year, compare, indicators_of, years_of
from scenarios.comparison import SKIPPED, Comparison, comparison
from scenarios.outcome import Outcome, evaluate
from tests.energy.districts import slabs
from tests.viewer.districts import small
from twin import CallError

COOLER = scenarios.Scenario(
    name="cooler", measures=[scenarios.Step(measure="supply_temperature", parameters={"supply_c": 70})]
)
WALLS = scenarios.Step(measure="envelope_retrofit", year=2030, parameters={"components": ["wall"]})
LATE = scenarios.Scenario(name="late", measures=[WALLS])


@pytest.fixture(scope="module")
def case() -> Case:
    return Case(small(), energy.weather.sample(), shading="tabula")


@pytest.fixture(scope="module")
def found(case: Case) -> Comparison:
    return comparison([COOLER, LATE], case, draws=3, details=())


@pytest.fixture(scope="module")
def base(found: Comparison) -> Outcome:
    return found.base


def test_figures_are_those_of_the_network(case: Case, base: Outcome) -> None:
    year = energy.network.simulate_network(case)
    network = base.network
    assert network is not None
    assert network.loss_kwh == pytest.approx(year.supply_loss_kwh.sum() + year.return_loss_kwh.sum())
    assert network.pump_kwh == pytest.approx(year.pump_kwh.sum())
    assert network.fed_kwh == pytest.approx(network.heat_kwh + network.loss_kwh, rel=1e-6)
    assert network.loss_share == pytest.approx(year.loss_share)


def test_co2_by_hand(base: Outcome) -> None:
    """Heat: 97 g/kWh fed in (Stadtwerke Jena), with losses; power 363 g/kWh (UBA 2024); gas 240 (GEG)."""
    network, sums = base.network, base.annual.sum()
    assert network is not None
    heat = sums["delivered_district_heating_kwh"] * 0.097 * (1 + network.loss_kwh / network.heat_kwh)
    rest = sums["delivered_gas_kwh"] * 0.240 + sums["delivered_electricity_kwh"] * 0.363
    row = indicators_of(base, base).iloc[0]
    assert row["co2_kg"] == pytest.approx(heat + rest + network.pump_kwh * 0.363, rel=1e-5)
    assert row["network_loss_co2_kg"] == pytest.approx(network.loss_kwh * 0.097)
    assert row["network_pump_co2_kg"] == pytest.approx(network.pump_kwh * 0.363)
    assert co2_by_carrier(base).sum(axis=1).iloc[0] == pytest.approx(row["co2_kg"], rel=1e-5)
    assert base.years["co2_kg"].iloc[0] == pytest.approx(row["co2_kg"], rel=1e-5)
    by_year = co2_by_year(base)
    assert by_year.sum(axis=1).to_numpy() == pytest.approx(base.years["co2_kg"].to_numpy(), rel=1e-9)


def test_cost_by_hand(base: Outcome, found: Comparison) -> None:
    """Estimates of economy.csv: heat at the plant 0.07 €/kWh, power of pumps 0.22 €/kWh."""
    row = found.table.loc["cooler"]
    after = found.outcomes[1].network
    before = base.network
    assert before is not None and after is not None
    cost = after.loss_kwh * 0.07 + after.pump_kwh * 0.22
    held = (before.loss_kwh * 0.07 + before.pump_kwh * 0.22) / before.heat_kwh
    assert row["network_cost_eur"] == pytest.approx(cost)
    assert row["network_surplus_eur"] == pytest.approx(cost - held * after.heat_kwh)
    assert found.table.loc["baseline", "network_surplus_eur"] == pytest.approx(0, abs=1e-6)
    change = row["running_cost_eur"] - found.table.loc["baseline", "running_cost_eur"]
    assert change == pytest.approx(row["network_surplus_eur"], rel=1e-6)
    # Prices of heat and power stay (paths.csv): 25 equal years at 3 %.
    worth = (1 - 1.03**-25) / (1 - 1 / 1.03)
    assert row["extra_cost_eur"] == pytest.approx(row["network_surplus_eur"] * worth, rel=1e-4)


def test_a_cooler_network_loses_less_pumps_more_and_names_who_lacks(found: Comparison) -> None:
    before, after = found.table.loc["baseline"], found.table.loc["cooler"]
    assert after["network_loss_kwh"] < before["network_loss_kwh"]
    assert after["network_pump_kwh"] > before["network_pump_kwh"]
    assert after["heating_need_kwh"] == before["heating_need_kwh"]
    network = found.outcomes[1].network
    assert network is not None
    short = network.short_stations
    assert len(short) == after["network_short_stations"] > 0
    assert "Erlanger Allee 1" in set(short["address"]) and (short["buildings"] > 0).all()


def test_network_counts_in_all_or_in_none(case: Case, base: Outcome) -> None:
    bare = evaluate(COOLER, case)
    mixed = compare([base, bare])
    plain = compare([base.without_network(), bare])
    assert not set(NETWORK) & set(mixed)
    assert mixed.loc["cooler"].equals(plain.loc["cooler"])
    flat = weighting.factors(case.parameters).co2_kg_kwh
    carriers = [f"delivered_{name}_kwh" for name in case.parameters.carriers.index]
    by_hand = float((base.plain.annual[carriers].sum() * flat).sum())  # type: ignore[union-attr]
    assert mixed.loc["baseline", "co2_kg"] == pytest.approx(by_hand, rel=1e-5)
    assert "network_surplus_eur" not in years_of(bare, base)


def test_a_pathway_has_the_network_of_each_state(found: Comparison, base: Outcome) -> None:
    late = found.outcomes[2]
    assert len(late.networks) == 2 and late.networks[0].loss_kwh == pytest.approx(base.networks[0].loss_kwh)
    years = found.years.loc["late"]
    assert (years.loc[:2029, "network_surplus_eur"].abs() < 1e-6).all()
    # Less heat is sold, and the losses that stay are borne by it: the price no longer holds them.
    assert (years.loc[2030:, "network_surplus_eur"] > 0).all()


def test_levels_add_up_but_for_pumping(found: Comparison, base: Outcome) -> None:
    late = found.outcomes[2]
    whole = indicators_of(late, base).iloc[0]
    for level in ("building", "block"):
        parts = indicators_of(late, base, level)  # type: ignore[arg-type]
        assert not set(NETWORK) & set(parts)
        pumping = whole["network_pump_co2_kg"]
        assert parts["co2_kg"].sum() == pytest.approx(whole["co2_kg"] - pumping, rel=1e-9)
        assert parts["investment_eur"].sum() == pytest.approx(whole["investment_eur"])


def test_net_present_cost_is_the_discounted_years(found: Comparison) -> None:
    for name, row in found.table.iterrows():
        years = found.years.loc[name]
        assert years["total_discounted_eur"].sum() == pytest.approx(row["net_present_cost_eur"])
        assert years["co2_kg"].sum() == pytest.approx(row["co2_horizon_kg"])


def test_expected_network_lies_in_its_band(found: Comparison) -> None:
    assert found.bands is not None
    drawn = found.bands.values.loc["cooler", "network_loss_kwh"]
    assert drawn.min() < found.table.loc["cooler", "network_loss_kwh"] < drawn.max()
    assert found.bands.probability("cooler", "baseline", "network_loss_kwh") == 1
    apart = found.directly().loc[("cooler", "late")]
    assert apart.loc["heating_need_kwh", "p_lower"] == 0 and apart.loc["heating_need_kwh", "p_higher"] == 1


def test_without_a_network_it_says_why(case: Case) -> None:
    alone = comparison([COOLER], case, draws=0, network=False, details=())
    assert alone.network_missing == SKIPPED and not set(NETWORK) & set(alone.table)
    assert (
        alone.table.loc["cooler"]
        .drop("abatement_cost_eur_t")
        .equals(alone.table.loc["baseline"].drop("abatement_cost_eur_t"))
    )
    gas = Case(slabs(2, heating="gas"), case.weather, shading="tabula")
    none = comparison([LATE], gas, draws=0, details=())
    assert none.network_missing and none.base.network is None
    with pytest.raises(CallError, match="same name"):
        comparison([COOLER, COOLER], case)
    with pytest.raises(CallError, match="no scenario"):
        comparison([], case)


def test_a_surplus_of_no_heat_is_the_cost() -> None:
    import pandas as pd

    nothing = pd.DataFrame({"network_heat_kwh": [0.0], "network_cost_eur": [5.0]}, index=[2025])
    assert np.isfinite(heat_network.surplus(nothing, nothing)).all()
