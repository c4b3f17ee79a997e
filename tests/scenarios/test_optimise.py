"""The optimiser against every choice there is, against its heuristic, and against a new simulation."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import energy
import scenarios
from energy import Case
from scenarios.compare import compare
from scenarios.optimise import Front, Options, optimise, options_of
from scenarios.outcome import evaluate
from tests.energy.districts import slabs
from twin import CallError
from viewer import cli

WALLS = {"measure": "envelope_retrofit", "parameters": {"components": ["wall"], "standard": "eh55"}}
PUMP = {"measure": "heat_pump", "year": 2030, "targets": {"where": {"heating": ["gas", "oil"]}}}
SCENARIO = scenarios.Scenario.model_validate(
    {
        "name": "choose",
        "measures": [WALLS, PUMP, {"measure": "prices", "parameters": {"gas_change": 0.2}}],
    }
)
BUDGET = 450_000.0


@pytest.fixture(scope="module")
def case() -> Case:
    years = [1965.0, 1980.0, 1980.0]  # so that walls are worth more here than there
    return Case(
        slabs(surfaces=True, heating=["district_heating", "gas", "oil"], year_of_construction=years),
        energy.weather.sample(), shading="tabula",
    )  # fmt: skip


@pytest.fixture(scope="module")
def front(case: Case) -> Front:
    return optimise(SCENARIO, case, budget_eur=BUDGET, points=6, by="building")


def every(options: Options) -> np.ndarray:
    """Cost, saving and spending of each choice there is, shape (choice, 3)."""
    units, count = options.cost_eur.shape
    return np.array([list(options.sums(np.array(c)).values()) for c in product(range(count), repeat=units)])


def test_no_choice_beats_the_front(front: Front) -> None:
    choices = every(front.options)
    choices = choices[choices[:, 2] <= BUDGET]
    assert len(choices) > 20
    for _, cost, saved, spent in front.points.itertuples():
        assert spent <= BUDGET + 1e-6
        better = (choices[:, 1] >= saved - 1e-6) & (choices[:, 0] < cost - max(1.0, 2e-5 * abs(cost)))
        assert not better.any()
    assert front.points["co2_saved_kg"].iloc[-1] == pytest.approx(choices[:, 1].max())


def test_the_front_is_never_worse_than_the_heuristic(front: Front) -> None:
    for _, cost, saved, spent in front.heuristic.itertuples():
        assert spent <= BUDGET
        points = front.points
        assert ((points["extra_cost_eur"] <= cost + 1e-6) & (points["co2_saved_kg"] >= saved - 1e-6)).any()


def test_points_are_what_their_scenarios_simulate_to(front: Front, case: Case) -> None:
    fixed = scenarios.Scenario(name="base", measures=SCENARIO.measures[2:])
    ready = front.scenarios()
    assert len(ready) == len(front.points) > 2
    for number in (len(ready) // 2, len(ready) - 1):
        row = compare([evaluate(fixed, case), evaluate(ready[number], case)]).iloc[1]
        stated = front.points.loc[number]
        assert row["extra_cost_eur"] == pytest.approx(stated["extra_cost_eur"], rel=1e-6, abs=1.0)
        assert row["co2_saved_kg"] == pytest.approx(stated["co2_saved_kg"], rel=1e-6, abs=1.0)
        assert row["investment_eur"] - row["subsidy_eur"] == pytest.approx(stated["spent_eur"], rel=1e-6)


def test_what_rules_refuse_is_no_combination(case: Case) -> None:
    both = scenarios.Scenario.model_validate(
        {"name": "either", "measures": [{"measure": "smart_heating"}, {"measure": "set_points"}]}
    )
    assert options_of(both, case).combinations == ((), (0,), (1,))


@pytest.mark.parametrize(
    ("measures", "said"),
    [
        ([{"measure": "trees"}], "beyond the building"),
        ([{"measure": "envelope_retrofit", "parameters": {"share": 0.5}}], "no option"),
        ([{"measure": "prices"}], "0 measures"),
        ([WALLS] * 6, "6 measures"),
    ],
)
def test_what_cannot_be_chosen_is_refused(case: Case, measures: list[dict[str, object]], said: str) -> None:
    with pytest.raises(CallError, match=said):
        optimise(scenarios.Scenario.model_validate({"name": "no", "measures": measures}), case)
    with pytest.raises(CallError, match="no unit"):
        optimise(SCENARIO, case, by="street")


def test_the_command_writes_the_front(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slabs().save(tmp_path / "slabs")
    options = [
        "--district",
        str(tmp_path / "slabs"),
        "--points",
        "2",
        "--out",
        str(tmp_path / "front"),
        "--json",
    ]
    assert cli.run(["scenario", "optimise", "library/retrofit-wbs70.yaml", *options]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["front"][-1]["co2_saved_kg"] > 0 == said["heuristic"][0]["co2_saved_kg"]
    assert (tmp_path / "front" / "front.csv").is_file()
    last = sorted((tmp_path / "front").glob("*.yaml"))[-1]
    assert scenarios.load(last).steps[0].targets.buildings == ["b0", "b1", "b2"]
