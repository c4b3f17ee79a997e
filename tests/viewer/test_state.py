"""Colours, figures, facts and table follow from one run of the real simulation, without a browser."""

from __future__ import annotations

import numpy as np
import pytest

import energy
from scenarios.measures import envelope_retrofit
from scenarios.scenario import Targets
from tests.viewer.districts import SECRET_CENTRE, SECRET_OWNER
from viewer import facts, panel, privacy, tables
from viewer.layers import LAYERS
from viewer.state import State, Twin
from viewer.whatif import Plan, retrofit


@pytest.fixture
def state(twin: Twin) -> State:
    return State(twin, "en")


def _move(state: State, plan: Plan) -> None:
    state.settle(plan)
    state.show(state.twin.run(plan))


def test_run_equals_the_measure_and_the_simulation(twin: Twin) -> None:
    run = twin.run(retrofit(share=1.0, components=("wall", "window"), standard="advanced"))
    ids = twin.annual.index[twin.conditioned]
    case = envelope_retrofit.apply(
        twin.case, components=("wall", "window"), standard="advanced", buildings=ids
    )
    expected = energy.annual(case)["heating_need_kwh"]
    assert run.annual["heating_need_kwh"][ids].to_numpy() == pytest.approx(expected[ids].to_numpy())


def test_figures_are_the_sum_of_what_is_coloured(state: State) -> None:
    _move(state, retrofit(share=0.6))
    state.colour = "heating_need"
    heat = next(kpi for kpi in state.kpis() if kpi.name == "heating_need")
    assert np.nansum(state.layer().values) / 1000 == pytest.approx(heat.after, rel=1e-5)
    table = tables.blocks(state).values["heating_need_after"]
    assert sum(v for v in table if v is not None) / 1000 == pytest.approx(heat.after, rel=1e-6)
    assert heat.change == pytest.approx(heat.after / heat.before - 1) and heat.change < 0


def test_more_share_never_needs_more_heat(twin: Twin) -> None:
    needs = [twin.run(retrofit(share=s)).annual["heating_need_kwh"].sum() for s in (0, 0.2, 0.5, 0.8, 1)]
    assert needs == sorted(needs, reverse=True) and needs[-1] < 0.75 * needs[0]


def test_scale_stays_while_the_slider_moves(state: State) -> None:
    before = state.layer()
    _move(state, retrofit(share=1.0))
    after = state.layer()
    assert (before.value_min, before.value_max) == (after.value_min, after.value_max)
    assert not np.array_equal(before.values, after.values, equal_nan=True)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_plain_and_complete(state: State, name: str) -> None:
    layer = LAYERS[name](state.view())
    assert layer.values.dtype == np.float32 and len(layer.values) == len(state.twin.annual)
    assert layer.title and layer.note and layer.value_min < layer.value_max
    assert all(colour.startswith("#") and len(colour) == 7 for colour in layer.palette)
    if layer.categories:
        known = layer.values[np.isfinite(layer.values)]
        assert np.array_equal(known, known.round()) and known.max() < len(layer.categories)
        assert sum(c.count for c in layer.categories) == len(known)


def test_unheated_buildings_have_no_heat_colour(state: State) -> None:
    garage = state.twin.annual.index.get_loc("garage-1")
    assert np.isnan(state.layer().values[garage])
    state.select("garage-1")
    shown = facts.facts(state)
    assert shown and shown["energy"] == [] and "Not heated" in shown["note"]


def test_only_the_selected_block_changes(state: State) -> None:
    state.select("west-1")
    _move(state, retrofit(targets=Targets(blocks=["west"])))
    changed = state.run.annual["heating_need_kwh"].ne(state.twin.annual["heating_need_kwh"])
    changed &= state.twin.annual["heating_need_kwh"].notna()
    assert set(changed.index[changed]) == {"west-0", "west-1", "west-2"}
    assert state.twin.reached(state.plan.choices[0], state.plan) == (1, 1)


def test_batteries_reach_the_modules_of_their_own_plan(state: State) -> None:
    """A battery stands beside modules; where the plan lays them, it counts them, and nothing without them."""
    roofs = Plan().change("roof_pv", on=True, targets='{"blocks":["west"]}')
    _move(state, roofs.change("battery", on=True))
    rows = panel.rows(state.twin, state.plan, state.language, {})
    counts = {row["measure"]: (row["count"], row["total"]) for row in rows}
    assert counts["roof_pv"] == counts["battery"] == (1, 1)
    table = tables.measures(state)
    buildings = dict(zip(table.values["name"], table.values["buildings"], strict=True))
    assert buildings["Batteries"] == buildings["Photovoltaics on roofs"] == 3
    _move(state, Plan().change("battery", on=True))
    (choice,) = state.plan.choices
    assert state.twin.reached(choice, state.plan) == (0, 0)


def test_undo_and_redo(state: State) -> None:
    for share in (0.2, 0.5):
        _move(state, retrofit(share=share))
    assert state.undo() == retrofit(0.2) and state.undo() == Plan() and state.undo() == Plan()
    assert not state.can_undo and state.can_redo
    assert state.redo() == retrofit(0.2)
    _move(state, retrofit(share=0.9))
    assert not state.can_redo and state.redo() == retrofit(0.9)


def test_block_stands_for_its_buildings(state: State) -> None:
    state.select("west-1")
    assert state.selected_ids == ["west-0", "west-1", "west-2"] and state.selected_rows == [0, 1, 2]
    block = facts.facts(state)
    state.select("west-1", "building")
    building = facts.facts(state)
    assert block and building
    assert (block["title"], building["title"]) == ("Karl-Marx-Allee 1–5", "Karl-Marx-Allee 3")
    assert block["energy"][0]["before"] > 2 * building["energy"][0]["before"]
    value = {row["label"]: row for row in block["rows"]}
    assert value["Dwellings"]["value"] == "30" and value["Dwellings"]["source"] == "given"
    assert value["Construction series"] == {
        "label": "Construction series", "value": "P2", "source": "guessed", "detail": "year",
    }  # fmt: skip
    assert value["Year of construction"]["value"] == "1974"
    assert value["Owner"]["value"] == SECRET_OWNER and value["Cost centre"]["value"] == SECRET_CENTRE


def test_selection_of_nothing(state: State) -> None:
    state.select("no such building")
    assert state.selection is None and state.selected_rows == [] and facts.facts(state) is None
    assert state.unit is None


def test_months_sum_to_the_year(twin: Twin) -> None:
    state = State(twin)
    _move(state, retrofit(share=1.0))
    before, after = state.monthly(["ost-0", "ost-1"])
    assert before.sum() == pytest.approx(twin.annual["heating_need_kwh"][["ost-0", "ost-1"]].sum(), rel=1e-4)
    assert after.sum() < before.sum() and before[0] > before[6]


@pytest.mark.parametrize(("colour", "column"), [("electricity", "electricity_use_kwh"), ("co2", "co2_kg")])
def test_chart_shows_what_the_map_is_coloured_by(state: State, colour: str, column: str) -> None:
    state.select("ost-0", "building")
    heat = facts.facts(state)["chart"]
    state.colour = colour
    shown = facts.facts(state)["chart"]
    assert heat["title"] == "Heating need per month" and shown["title"] != heat["title"]
    assert shown["title"] in shown["svg"] and shown["svg"] != heat["svg"]
    months = state.monthly(["ost-0"], column)[0]
    assert months.sum() == pytest.approx(state.twin.annual[column]["ost-0"], rel=1e-4)


def test_sun_by_month_sums_to_the_layer(state: State) -> None:
    state.colour = "pv_potential"
    layer = state.layer().values
    row = int(np.nanargmax(layer))
    months = state.twin.monthly_sun([state.twin.annual.index[row]])
    assert months.sum() / 1000 == pytest.approx(layer[row], rel=1e-4)
    assert months[5] > 2 * months[11] > 0
    state.select(str(state.twin.annual.index[row]), "building")
    content = facts.facts(state)
    assert content["chart"] is None or "Solar power" in content["chart"]["title"]


def test_public_view_shows_groups_only(twin: Twin) -> None:
    layer = LAYERS["heating_need_per_area"](twin.view(twin.annual, "de", public=True))
    values = dict(zip(twin.annual.index, layer.values, strict=True))
    houses = [values[f"house-{i:02}"] for i in range(12)]
    assert len(set(houses)) <= 2  # two groups of six
    need, area = (s.groupby(twin.group).sum() for s in (twin.annual["heating_need_kwh"], twin.area_m2))
    group = twin.group["house-00"]
    assert houses[0] == pytest.approx(need[group] / area[group], rel=1e-5)
    assert twin.group["garage-1"] == privacy.HIDDEN
