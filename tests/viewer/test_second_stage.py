"""Heat network and overheating in the app: from the energy package's figures, and never claimed too early."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energy
from tests.viewer.districts import small
from viewer import facts, second_stage
from viewer.layers import LAYERS, MANAGERS_ONLY, NETWORK, PUBLIC, of
from viewer.second_stage import SecondStage
from viewer.state import State, Twin
from viewer.whatif import Plan, retrofit


@pytest.fixture
def state(twin: Twin) -> State:
    return State(twin, "en")


@pytest.fixture
def deep(state: State) -> State:
    state.deepen(_later(state.twin), _later(state.twin))
    return state


def _later(twin: Twin, plan: Plan = Plan()) -> SecondStage:  # noqa: B008  # never changed
    return replace(twin.network_stage(plan), overheating=twin.overheating(plan))


def _move(state: State, plan: Plan) -> None:
    state.show(state.twin.run(plan))


def test_network_figures_are_those_of_the_network(deep: State) -> None:
    year = energy.network.simulate_network(deep.twin.case)
    network = deep.second.network
    assert network.fed_kwh == pytest.approx(year.plant_kwh.sum())
    assert network.loss_kwh == pytest.approx(year.supply_loss_kwh.sum() + year.return_loss_kwh.sum())
    assert network.pump_kwh == pytest.approx(year.pump_kwh.sum())
    # What is fed in arrives or is lost.
    assert network.fed_kwh == pytest.approx(network.stations["heat_kwh"].sum() + network.loss_kwh, rel=1e-6)
    assert network.pipes["loss_kwh"].sum() == pytest.approx(network.loss_kwh, rel=1e-6)
    assert {kpi.name: kpi.after for kpi in deep.network_kpis()}["pump"] == pytest.approx(
        network.pump_kwh / 1000
    )


def test_a_figure_claims_no_network_effect_before_it_is_in(state: State) -> None:
    assert state.network_kpis() == [] and state.second is None
    flat = state.twin.annual["co2_kg"].sum() / 1000
    assert _co2(state) == pytest.approx((flat, flat))
    base = _later(state.twin)
    state.deepen(base, base)
    grid = energy.weighting.factors(state.twin.case.parameters)
    pumped = base.network.pump_kwh * grid.co2_kg_kwh[grid.carriers.index("electricity")]
    simulated = float((energy.annual(base.network.counted)["co2_kg"].sum() + pumped) / 1000)
    assert pumped > 0
    assert _co2(state) == pytest.approx((simulated, simulated)) and simulated != pytest.approx(flat, rel=1e-4)
    wanted = retrofit()
    _move(state, wanted)
    # Both sides go back to the flat figure, or the measure would look better or worse than it is.
    assert state.network_kpis() == []
    assert _co2(state) == pytest.approx((flat, state.run.annual["co2_kg"].sum() / 1000))
    state.deepen(base, _later(state.twin, wanted))
    before, after = _co2(state)
    assert before == pytest.approx(simulated) and after < before
    fed, lost, pump = state.network_kpis()
    assert fed.after < fed.before and pump.after < pump.before
    # The pipes stay as they are: less heat goes through them, and nearly as much is lost.
    assert lost.after / fed.after > lost.before / fed.before


def _co2(state: State) -> tuple[float, float]:
    kpi = next(kpi for kpi in state.kpis() if kpi.name == "co2")
    return kpi.before, kpi.after


def test_colours_facts_and_months_follow_the_same_basis(deep: State) -> None:
    deep.colour = "co2"
    deep.select("ost-0", "building")
    row = deep.twin.annual.index.get_loc("ost-0")
    shown = float(deep.layer().values[row]) * deep.twin.area_m2["ost-0"]
    assert shown == pytest.approx(deep.second.network.co2_kg["ost-0"], rel=1e-5)
    assert deep.monthly(["ost-0"], "co2_kg")[0].sum() == pytest.approx(shown, rel=1e-4)
    co2 = next(item for item in facts.facts(deep)["energy"] if item["unit"] == "t/a")
    assert co2["after"] == pytest.approx(shown / 1000, rel=1e-5)


@pytest.mark.parametrize("name", NETWORK)
def test_network_layers_colour_pipes_and_houses_on_one_scale(deep: State, name: str) -> None:
    layer = LAYERS[name](deep.view())
    network = deep.second.network
    assert layer.audience == "manager" and layer.lines is not None
    assert len(layer.lines.values) == len(layer.lines.course) == len(network.pipes)
    assert layer.lines.values.dtype == layer.lines.width_m.dtype == np.float32
    assert np.isfinite(layer.lines.values).all() and (layer.lines.width_m > 0).all()
    index = deep.twin.annual.index
    assert np.isfinite(layer.values[index.get_indexer(network.station_of.index)]).all()
    assert np.isnan(layer.values[index.get_loc("house-00")])  # gas
    scale = layer.value_min, layer.value_max
    deep.deepen(deep.second_before, _later(deep.twin, retrofit()))
    after = LAYERS[name](deep.view())
    assert (after.value_min, after.value_max) == scale


def test_overheating_is_that_of_the_rooms(deep: State) -> None:
    layer = LAYERS["overheating"](deep.view())
    case = deep.twin.case
    heated = case.envelope[case.envelope["conditioned"]]
    rooms = energy.rooms.overheating(heated, case.weather, case.room_sun, case.parameters)
    index = deep.twin.annual.index.get_indexer(rooms.index)
    assert layer.values[index] == pytest.approx(rooms["over_temperature_kh"].to_numpy(), rel=1e-5)
    assert np.isnan(layer.values[deep.twin.annual.index.get_loc("garage-1")])


def test_selection_and_pipe_say_what_reaches_them(state: State) -> None:
    state.select("west-0", "building")
    assert facts.facts(state)["network"] == {"updating": True, "rows": []}
    assert facts.pipe(state, 0) is None
    stage = _later(state.twin)
    state.deepen(stage, stage)
    rows = {row["label"]: row["value"] for row in facts.facts(state)["network"]["rows"]}
    station = stage.network.stations.loc[stage.network.station_of["west-0"]]
    assert rows["Heat from the network"] == f"{station['heat_kwh'] / 1000:,.0f}\u00a0MWh/a"
    assert rows["Mean supply"] == f"{station['supply_mean_c']:.1f}\u00a0°C"
    assert "Overheating, hottest room" in rows
    told = facts.pipe(state, 0)["line"]
    assert f"{stage.network.pipes['inner_diameter_mm'].iloc[0]:.0f}\u00a0mm" in told and "loss" in told
    assert facts.pipe(state, len(stage.network.pipes)) is None
    state.select("house-00", "building")
    assert [row["label"] for row in facts.facts(state)["network"]["rows"]] == ["Overheating, hottest room"]


def test_a_district_without_network_says_why(twin: Twin) -> None:
    buildings = small().buildings.assign(heating="gas")
    lone = Twin.of(small().replace(buildings=buildings))
    stage = _later(lone)
    assert stage.network is None and "no building is heated by district heating" in stage.problem
    state = State(lone)
    state.deepen(stage, stage)
    assert not state.network_counts and state.network_kpis() == []
    assert np.isnan(LAYERS["network_flow"](state.view()).values).all()


def test_the_public_sees_no_network(site: Path) -> None:
    assert not set(MANAGERS_ONLY) & set(PUBLIC)
    data = [json.loads(file.read_text("utf-8")) for file in site.rglob("district-*.json")]
    offered = list(of(small(), public=True))
    assert [[layer["id"] for layer in public["layers"]] for public in data] == [offered]


def test_the_rooms_summer_comes_a_few_at_a_time(deep: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks change no figure, of all buildings and of those that a measure touches."""
    monkeypatch.setattr(second_stage, "ROOMS_AT_ONCE", 2)
    twin = Twin(deep.twin.district, deep.twin.case, deep.twin.annual)
    steps = sum(1 for _ in twin.summer(retrofit()))
    assert steps > 4
    assert not list(twin.summer(retrofit()))  # known by now
    for plan in (Plan(), retrofit()):
        pd.testing.assert_frame_equal(twin.overheating(plan), deep.twin.overheating(plan))
