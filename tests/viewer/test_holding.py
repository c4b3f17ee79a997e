"""A and B: the difference draw by draw, its probability, the link, and the picture of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from scenarios.year_bands import FIGURES
from viewer import holding, panel, tools
from viewer.holding import Holding
from viewer.state import State, Twin
from viewer.whatif import Plan, retrofit

USUAL, ADVANCED = retrofit(1.0), retrofit(1.0, standard="advanced")


def _computed(twin: Twin, plan: Plan) -> State:
    """A state with all stages."""
    state = State(twin, "de")
    state.show(twin.run(plan))
    state.deepen(twin.network_stage(Plan()), twin.network_stage(plan))
    if not plan.idle:
        *_, bands = twin.bands(plan)
        assert bands is not None
        state.compare(bands)
    return state


@pytest.fixture(scope="module")
def usual(twin: Twin) -> State:
    return _computed(twin, USUAL)


@pytest.fixture(scope="module")
def advanced(twin: Twin) -> State:
    return _computed(twin, ADVANCED)


class Page:
    """What a page would hear."""

    def __init__(self, state: State) -> None:
        self.state, self.begun, self.draws = state, list[Plan](), 0
        self.holding = Holding(
            state, show=self._show, begin=self._begin, tell=lambda what, *news: what(*news), fail=pytest.fail
        )

    def _show(self) -> None:
        self.draws += 1

    def _begin(self, plan: Plan, message: Mapping[str, Any]) -> None:
        self.begun.append(plan)


def test_each_figure_of_both_with_the_band_of_the_difference(usual: State, advanced: State) -> None:
    rows = {row["name"]: row for row in holding.compared(usual, advanced)}
    assert set(rows) == {kpi.name for kpi in usual.kpis()}
    heat = rows["heating_need"]
    assert (heat["a"], heat["b"]) == tuple(s.kpis()[0].after for s in (usual, advanced))
    assert heat["difference"] == pytest.approx(heat["b"] - heat["a"]) and heat["difference"] < 0
    # The same draws in both: by hand, draw by draw.
    assert usual.bands is not None and advanced.bands is not None
    number = FIGURES.index("heating_need_kwh")
    apart = 1e-6 * (advanced.bands.after[:, number] - usual.bands.after[:, number])
    assert heat["band"]["low"] == pytest.approx(np.quantile(apart, 0.05))
    assert heat["band"]["lower"] == (apart < 0).mean() == 1.0
    # Were they drawn apart, the difference would spread as both do together.
    spread = [np.std(1e-6 * s.bands.after[:, number]) for s in (usual, advanced) if s.bands]
    assert np.std(apart) < 0.7 * np.hypot(*spread)


def test_turned_round_the_difference_turns_its_sign(usual: State, advanced: State) -> None:
    for one, other in zip(holding.compared(usual, advanced), holding.compared(advanced, usual), strict=True):
        assert one["difference"] == pytest.approx(-other["difference"])
        assert one["band"]["low"] == pytest.approx(-other["band"]["high"])
        assert one["band"]["lower"] + other["band"]["lower"] == pytest.approx(1.0)


def test_today_may_be_a_side(twin: Twin, usual: State) -> None:
    today = _computed(twin, Plan())
    with_today = {row["name"]: row for row in holding.compared(today, usual)}
    for kpi in usual.kpis():
        row = with_today[kpi.name]
        assert (row["a"], row["b"]) == (pytest.approx(kpi.before), pytest.approx(kpi.after))
        assert kpi.band is not None
        assert row["band"]["low"] == pytest.approx(kpi.band.low) and row["band"]["lower"] == kpi.band.lower


def test_the_same_plan_twice_is_no_better(usual: State) -> None:
    assert all(row["difference"] == 0 and row["band"] is None for row in holding.compared(usual, usual))


def test_a_page_holds_changes_swaps_and_releases(twin: Twin, usual: State) -> None:
    page = Page(usual)
    assert page.holding.shown(None) is None
    page.holding.receive({"type": "hold", "title": "Ostblock"})
    shown = page.holding.shown(None)
    assert shown is not None and shown["same"] and shown["names"][0] == "Ostblock"
    state = page.state = usual
    state.show(twin.run(ADVANCED))
    shown = page.holding.shown(None)
    assert shown is not None and not shown["same"] and shown["waiting"]  # B's later stages are not in
    assert Plan.from_text(shown["text"]) == USUAL
    state.colour = "heating_need"
    left = tools.other_side(state, state.layer())
    assert np.nansum(left) == pytest.approx(1e-3 * twin.run(USUAL).annual["heating_need_kwh"].sum(), rel=1e-5)
    state.colour = "diff_heat"
    apart = (twin.run(ADVANCED).annual - twin.run(USUAL).annual)["heating_need_kwh"] / twin.area_m2
    np.testing.assert_allclose(state.layer().values, apart.to_numpy("float32"), rtol=1e-4)
    page.holding.receive({"type": "swap", "title": ""})
    assert page.begun == [USUAL] and state.held is not None and state.held.plan == ADVANCED
    page.holding.receive({"type": "release"})
    assert page.holding.shown(None) is None and page.draws >= 3
    assert page.holding.receive({"type": "swap"}) and not page.holding.receive({"type": "undo"})


def test_an_address_brings_a_back() -> None:
    asked = panel.Address.read({"a": [USUAL.as_text().encode()], "a_title": ["Süd".encode()]})
    assert asked.held == USUAL and asked.held_title == "Süd"
    assert panel.Address.read({"a": [b"today"]}).held == Plan()
    assert panel.Address.read({}).held is None
    broken = panel.Address.read({"a": [b"{"]})
    assert broken.held is None and "no plan" in str(broken.problem)
