"""Which inputs drive a difference: none moves what it cannot, and Morris' effect of a line is its slope."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

import energy
import scenarios
from energy import Case
from scenarios.drivers import SIMULATED, drivers
from scenarios.outcome import evaluate
from scenarios.uncertainty import Runs
from tests.energy.districts import slabs
from twin import CallError


@pytest.fixture(scope="module")
def case() -> Case:
    return Case(slabs(2, surfaces=True), energy.weather.sample(), shading="tabula")


@pytest.fixture(scope="module")
def runs(case: Case) -> list[Runs]:
    wall = scenarios.Step(measure="envelope_retrofit", parameters={"components": ["wall"]})
    chosen = [scenarios.BASELINE, scenarios.Scenario(name="wall", measures=[wall])]
    return [Runs.of(evaluate(one, case)) for one in chosen]


@pytest.fixture(scope="module")
def found(runs: list[Runs], case: Case) -> pd.DataFrame:
    return drivers(runs, case, trajectories=2)


def test_inputs_move_what_they_can(found: pd.DataFrame) -> None:
    share = found["share"].xs(("wall", "baseline"), level=("one", "other"))
    heat = share.loc["heating_need_kwh"]
    assert heat.sum() == pytest.approx(1)
    assert heat.drop(list(SIMULATED)).max() == 0  # neither prices nor factors move the need
    assert share.loc["investment_eur"]["unit_costs"] == pytest.approx(1)
    assert share.loc["energy_cost_eur"]["price_heat"] > 0.05
    assert "pv_generation_kwh" not in share.index.get_level_values("figure")  # nothing changes it


def test_the_effect_of_a_line_is_its_slope(found: pd.DataFrame, runs: list[Runs], case: Case) -> None:
    """Investment is linear in the cost's standard normal z above 0 and below: by hand from measure_costs.

    Morris' levels are 0.05, 0.35, 0.65, 0.95, his step 2/3 of the range: 0.05 → 0.65 or 0.35 → 0.95.
    """
    mu_star = found["mu_star"].xs(("wall", "baseline", "investment_eur"), level=("one", "other", "figure"))
    row = case.parameters.measure_costs.loc[["wall"]].iloc[0]
    whole = float(runs[1].items["investment_eur"].sum())

    def cost(level: float) -> float:
        z = float(ndtri(level))
        end = row["high_eur"] if z > 0 else row["low_eur"]
        return whole * (1 + (end / row["unit_cost_eur"] - 1) * abs(z) / 1.6448536)

    steps = [cost(0.65) - cost(0.05), cost(0.95) - cost(0.35)]
    # SALib divides by the step in shares of the range, 2/3.
    low, high = sorted(step / (2 / 3) for step in steps)
    assert low - 1 <= mu_star["unit_costs"] <= high + 1
    assert np.isclose(mu_star.drop("unit_costs"), 0).all()


def test_too_little_is_refused(runs: list[Runs], case: Case) -> None:
    with pytest.raises(CallError, match="two trajectories"):
        drivers(runs[:1], case)
