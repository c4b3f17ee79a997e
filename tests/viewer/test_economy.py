"""A plan's costs on the page are those of `scenarios.compare`, and its parts add up to the total."""

from __future__ import annotations

import pytest

from scenarios import compare, costs, heat_network
from scenarios.outcome import evaluate
from scenarios.scenario import BASELINE
from tests.viewer.districts import small
from viewer import economy
from viewer.economy import FIGURES, PARTS, Economy
from viewer.state import Twin
from viewer.whatif import Plan, retrofit

PLAN = retrofit(1.0, standard="advanced").change("roof_pv", on=True)


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin.of(small())


@pytest.fixture(scope="module")
def found(twin: Twin) -> Economy:
    return economy.economy(twin, PLAN, (twin.network_stage(Plan()), twin.network_stage(PLAN)))


def test_figures_are_those_that_the_report_prints(twin: Twin, found: Economy) -> None:
    network = heat_network.laid_out(twin.case)
    outcomes = [evaluate(s, twin.case, network=network) for s in (BASELINE, PLAN.scenario())]
    row = compare.compare(outcomes).iloc[1]
    for name in FIGURES:
        assert found.figures[name] == pytest.approx(row[name], rel=1e-5), name
    years = compare.years_of(outcomes[1], outcomes[0])
    assert found.parts.sum(axis=1).to_numpy() == pytest.approx(years["total_eur"].to_numpy(), rel=1e-5)


def test_parts_add_up_to_the_present_value(twin: Twin, found: Economy) -> None:
    start = int(found.parts.index[0])
    now, before = (
        costs.present_value(table.sum(axis=1), found.rate, start) for table in (found.parts, found.before)
    )
    assert now - before == pytest.approx(found.figures["extra_cost_eur"], rel=1e-6)
    assert list(found.parts) == list(PARTS)
    assert found.parts["investment"].iloc[0] > 0 > found.parts["subsidy"].iloc[0]
    assert (found.before[["investment", "subsidy", "upkeep"]] == 0).all(axis=None)
    assert found.parts["co2"].sum() < found.before["co2"].sum()


def test_no_saving_has_no_cost_per_tonne(twin: Twin) -> None:
    warmer = Plan().change("set_points", values={"set_heating_c": 23.0}, on=True)
    stages = (twin.network_stage(Plan()), twin.network_stage(warmer))
    shown = economy.plain(economy.economy(twin, warmer, stages))
    assert shown is not None and shown["abatement_cost_eur_t"] is None and shown["co2_saved_kg"] < 0
