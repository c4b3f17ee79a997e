"""Derivations: each formula, worked out again from its listed inputs, gives the shown figure."""

from __future__ import annotations

import json
import math

import pytest

import energy
import scenarios
from energy import Case
from scenarios.compare import INDICATORS, NETWORK
from scenarios.comparison import Comparison, comparison
from scenarios.derivation import RECIPES, Derivation, derive, text
from tests.viewer.districts import small
from twin import CallError

STEPS = [
    scenarios.Step(measure="envelope_retrofit", targets=scenarios.Targets(buildings=["ost-0", "ost-1"])),
    scenarios.Step(measure="roof_pv", targets=scenarios.Targets(buildings=["ost-0", "west-1"])),
    scenarios.Step(measure="unsealing", targets=scenarios.Targets(buildings=["ost-0"])),
    scenarios.Step(measure="supply_temperature", parameters={"supply_c": 80}, year=2030),
]


@pytest.fixture(scope="module")
def found() -> Comparison:
    case = Case(small(), energy.weather.sample(), shading="tabula")
    return comparison([scenarios.Scenario(name="better", measures=STEPS)], case, draws=0)


def recomputed(derivation: Derivation) -> float:
    """The last step from the given ones alone, by Python's own arithmetic."""
    known: dict[str, float] = {}
    for step in derivation.steps:
        if step.formula:
            names = {"max": max, "min": min, **{name: known[name] for name in step.inputs}}
            known[step.symbol] = eval(step.formula, {"__builtins__": {}}, names)
            assert step.inputs == {name: known[name] for name in step.inputs}, step.symbol
        else:
            known[step.symbol] = step.value
            assert step.source, step.symbol
    return known[derivation.steps[-1].symbol]


@pytest.mark.parametrize("indicator", sorted(INDICATORS))
@pytest.mark.parametrize("where", ["district", "ost", "ost-0"])
def test_a_figure_can_be_worked_out_from_its_inputs(found: Comparison, indicator: str, where: str) -> None:
    if where != "district" and indicator in NETWORK:
        with pytest.raises(CallError, match="whole district"):
            derive(indicator, found, where)
        return
    derivation = derive(indicator, found, where)
    if where == "district":
        shown = found.table.loc["better", indicator]
    else:
        level = "block" if where == "ost" else "building"
        shown = found.indicators(level).loc[("better", where), indicator]  # type: ignore[arg-type]
    if math.isnan(shown):
        assert derivation.reason and math.isnan(derivation.value)
        return
    # The tables hold sums in float32 (relative 1e-7); differences of large sums lose some digits of it.
    assert derivation.value == pytest.approx(shown, rel=1e-9)
    loose = indicator in ("co2_saved_kg", "extra_cost_eur", "abatement_cost_eur_t")
    assert recomputed(derivation) == pytest.approx(shown, rel=1e-3 if loose else 2e-5, abs=1e-3)


def test_every_indicator_has_a_recipe_and_both_languages(found: Comparison) -> None:
    assert set(RECIPES) == set(INDICATORS)
    for indicator in ("abatement_cost_eur_t", "running_cost_eur", "co2_kg", "network_surplus_eur"):
        for step in derive(indicator, found).steps:
            assert step.name and step.name_de and step.unit, step.symbol


def test_a_building_leads_down_to_the_tables(found: Comparison) -> None:
    derivation = derive("heating_need_kwh", found, "ost-0")
    known = {step.symbol: step for step in derivation.chain}
    assert known["U_wall"].source.startswith("measure:envelope_retrofit")
    assert known["Q_H"].value == pytest.approx(derivation.value, rel=1e-4)
    base = derive("heating_need_kwh", found, "ost-0", "baseline")
    wall = next(step for step in base.chain if step.symbol == "U_wall")
    assert wall.is_estimate and wall.source.startswith("guessed:TABULA")
    assert base.value > derivation.value


def test_estimates_are_marked(found: Comparison) -> None:
    derivation = derive("energy_cost_eur", found)
    estimates = {step.symbol for step in derivation.estimates}
    assert "p_dh" in estimates and "p_el" not in estimates  # no published price of heat; BDEW's of power
    plain = json.loads(json.dumps(derivation.to_dict()))
    assert "p_dh" in plain["estimates"]
    assert "estimates among them" in "\n".join(text(derivation))
    assert "darunter Schätzungen" in "\n".join(text(derivation, "de"))


def test_nothing_saved_is_said(found: Comparison) -> None:
    derivation = derive("abatement_cost_eur_t", found, scenario="baseline")
    assert math.isnan(derivation.value) and "No CO2 is saved" in derivation.reason


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("none", "district", None), "no indicator"),
        (("co2_kg", "nowhere", None), "no building or block"),
        (("co2_kg", "district", "best"), "no scenario"),
    ],
)
def test_what_is_not_there_is_named(found: Comparison, asked: tuple[str, str, str | None], said: str) -> None:
    indicator, where, scenario = asked
    with pytest.raises(CallError, match=said):
        derive(indicator, found, where, scenario)
