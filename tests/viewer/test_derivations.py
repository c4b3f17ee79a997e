"""What the page says of a number: it is the number shown, and follows from the inputs that are listed."""

from __future__ import annotations

import pytest

import energy
from scenarios.outcome import annual
from twin.errors import CallError
from viewer import derivations, facts
from viewer.derivations import Asked, Derived
from viewer.state import KPIS, NETWORK_KPIS, State, Twin
from viewer.whatif import Plan, retrofit

PLAN = retrofit(share=0.6)
OF_DISTRICT = [name for name, *_ in (*KPIS, *NETWORK_KPIS)]


@pytest.fixture(scope="module")
def deep(twin: Twin) -> State:
    """A retrofit with the heat network."""
    state = State(twin, "de")
    state.show(twin.run(PLAN))
    state.deepen(twin.network_stage(Plan()), twin.network_stage(PLAN))
    state.select("ost-0")
    return state


def _worked_out(found: Derived) -> float:
    """The last step by Python's own arithmetic from the given ones."""
    known: dict[str, float] = {}
    for step in found.steps:
        assert step.source and step.name and step.name_de
        names = {"max": max, "min": min, **known}
        known[step.symbol] = eval(step.formula, {"__builtins__": {}}, names) if step.formula else step.value
    return known[found.steps[-1].symbol]


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("figure", OF_DISTRICT)
def test_the_districts_number_is_the_one_shown_and_follows(deep: State, figure: str, before: bool) -> None:
    kpi = next(kpi for kpi in [*deep.kpis(), *deep.network_kpis()] if kpi.name == figure)
    found = derivations.derive(deep, Asked(figure, before=before))
    # The fed heat is worked out from the network's balance, which closes to its solver's residual.
    assert found.value == pytest.approx(kpi.before if before else kpi.after, rel=1e-7)
    assert _worked_out(found) == pytest.approx(found.steps[-1].value, rel=1e-12)
    assert found.digits == kpi.digits and found.unit


@pytest.mark.parametrize("level", ["block", "building"])
@pytest.mark.parametrize("figure", facts.ENERGY)
def test_a_selections_number_is_the_one_shown_and_follows(deep: State, figure: str, level: str) -> None:
    deep.select("ost-0", level)  # type: ignore[arg-type]
    row = next(row for row in facts.energy_rows(deep, deep.selected_ids) if row["name"] == figure)
    for before in (False, True):
        found = derivations.derive(deep, Asked(figure, True, before))
        assert found.value == pytest.approx(row["before" if before else "after"], rel=1e-9)
        assert _worked_out(found) == pytest.approx(found.steps[-1].value, rel=1e-12)
        assert (found.unit, found.digits) == (row["unit"], row["digits"])


def test_before_the_network_is_in_co2_says_so(twin: Twin) -> None:
    state = State(twin, "en")
    state.show(twin.run(PLAN))
    shown = next(derivations.parts(state, Asked("co2")))
    assert shown["updating"] and "flat rate" in shown["note"]
    assert shown["value"] == pytest.approx(next(k.after for k in state.kpis() if k.name == "co2"))
    assert not next(derivations.parts(state, Asked("cost")))["updating"]
    with pytest.raises(CallError, match="not known yet"):
        derivations.derive(state, Asked("heat_lost"))


def test_the_chain_leads_from_the_tables_to_the_figure(deep: State) -> None:
    deep.select("ost-0", "building")
    first, last = derivations.parts(deep, Asked("heating_need", selection=True))
    assert first["busy"] and first["chain"] is None and not last["busy"]
    steps = last["chain"]["steps"]
    assert steps[-1]["symbol"] == "Q_H" and "Erlanger Allee 1" in last["chain"]["title"]
    assert steps[-1]["value"] / 1000 == pytest.approx(last["value"], rel=1e-4)  # float64 beside float32
    wall = next(step for step in steps if step["symbol"] == "U_wall")
    assert wall["unit"] == "W/(m²K)" and wall["source"] == "Maßnahme Gebäudehülle sanieren, üblich"
    (alone,) = derivations.parts(deep, Asked("pump"))  # the network has no building's chain
    assert alone["chain"] is None and [step["estimate"] for step in alone["steps"]] == [True]


def test_estimates_are_marked_and_our_own_words_are_in_the_language(deep: State) -> None:
    *_, german = derivations.parts(deep, Asked("cost"))
    price = next(step for step in german["steps"] if step["symbol"] == "p_dh")
    assert price["estimate"] and price["name"] == "Preis, Fernwärme, 2025" and price["unit"] == "€/kWh"
    assert any(step["source"].startswith("geschätzt: TABULA") for step in german["chain"]["steps"])
    english = State(deep.twin, "en", selection=deep.selection)
    english.show(deep.run)
    english.deepen(deep.second_before, deep.second)  # type: ignore[arg-type]
    for figure in OF_DISTRICT:
        pairs = zip(
            next(derivations.parts(deep, Asked(figure)))["steps"],
            next(derivations.parts(english, Asked(figure)))["steps"],
            strict=True,
        )
        for ours, other in pairs:
            assert ours["name"] != other["name"] or ours["name"] in ("CO₂",)
            assert not ours["formula"] or ours["source"] != other["source"], ours


def test_energy_by_carrier_is_that_of_the_simulation(twin: Twin) -> None:
    plan = Plan().change("heat_pump", on=True).change("roof_pv", on=True)
    case = twin.variant(plan)
    found, simulated = derivations.by_carrier(energy.annual(case), case), annual(case)
    for carrier in case.parameters.carriers.index:
        column = f"delivered_{carrier}_kwh"
        assert found[column].to_numpy() == pytest.approx(simulated[column].to_numpy(), rel=1e-5, abs=0.1)
    assert found["delivered_electricity_kwh"].sum() > 1.1 * twin.annual["grid_import_kwh"].sum()


def test_what_is_asked_wrongly_is_refused(deep: State, twin: Twin) -> None:
    assert Asked.of({"figure": ""}) is None
    assert Asked.of({"figure": "co2", "before": True}) == Asked("co2", before=True)
    with pytest.raises(CallError, match="no figure 'x'"):
        Asked.of({"figure": "x"})
    for state, asked, why in (
        (State(twin, "en"), Asked("co2", selection=True), "nothing is selected"),
        (deep, Asked("electricity"), "district has no figure"),
        (deep, Asked("delivered", selection=True), "selection has no figure"),
    ):
        with pytest.raises(CallError, match=why):
            derivations.derive(state, asked)


@pytest.mark.parametrize(("value", "digits"), [(0, 0), (123456.7, 0), (-327.5, 1), (20.8, 2), (0.111, 4)])
def test_inputs_are_legible(value: float, digits: int) -> None:
    assert derivations.digits(value) == digits
