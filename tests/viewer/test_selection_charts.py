"""Charts, frames and differences show the figures that the panel shows: their sums agree."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest

from energy import Case
from tests.viewer.districts import small
from twin.errors import CallError
from viewer import economy, selection_charts, time_view
from viewer.economy import PARTS
from viewer.layers import LAYERS
from viewer.state import State, Twin
from viewer.time_view import Frames, Wish
from viewer.whatif import Plan, retrofit

PLAN = retrofit(1.0).change("roof_pv", on=True)


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin.of(small())


@pytest.fixture
def state(twin: Twin) -> State:
    state = State(twin)
    state.show(twin.run(PLAN))
    return state


def _charts(state: State, costs: economy.Economy | None = None) -> dict[str, object]:
    *steps, found = selection_charts.compute(state, costs)
    assert steps == sorted(steps) and steps[-1] == 1.0  # type: ignore[type-var]
    assert isinstance(found, dict)
    return found


def test_hours_of_the_same_plan_and_buildings_are_simulated_once(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first part has half the buildings, so that a second one follows."""
    hourly, simulated = selection_charts.hourly, []
    monkeypatch.setattr(selection_charts, "_STEP_BUILDINGS", 10)

    def told(case: Case, ids: list[str]) -> Iterator[tuple[float, selection_charts.Hours]]:
        simulated.append(len(ids))
        yield from hourly(case, ids)

    monkeypatch.setattr(selection_charts, "hourly", told)
    state = State(twin)
    state.show(twin.run(retrofit(0.5)))
    first = list(selection_charts.compute(state, None))
    count = len(twin.annual)
    assert simulated == [count, count] and len(first) > 3
    again = list(selection_charts.compute(state, None))
    assert simulated == [count, count] and again == [0.5, 1.0, first[-1]]
    state.select("west-0")
    list(selection_charts.compute(state, None))
    assert len(simulated) == 4


@pytest.mark.parametrize("selected", [None, "west-0"])
def test_hours_and_months_add_up_to_the_panels_figures(state: State, selected: str | None) -> None:
    state.select(selected)
    ids = state.selected_ids or list(state.twin.annual.index)
    found = _charts(state)
    for name in ("heating_delivered_kwh", "electricity_use_kwh", "grid_import_kwh", "grid_export_kwh"):
        for side, annual in enumerate((state.before, state.after)):
            hours = np.frombuffer(base64.b64decode(found["hours"][name][side]), "<f4")  # type: ignore[index]
            assert len(hours) == 8760
            want = annual[name].loc[ids].sum()
            assert hours.astype("float64").sum() == pytest.approx(want, rel=1e-4, abs=1e-6)
    for name in ("heating_need_kwh", "grid_import_kwh"):
        for side, annual in enumerate((state.before, state.after)):
            months = found["months"][name][side]  # type: ignore[index]
            assert sum(months) == pytest.approx(annual[name].loc[ids].sum(), rel=1e-4)
    if selected:
        bars = state.monthly(ids, "heating_need_kwh")
        assert found["months"]["heating_need_kwh"][1] == pytest.approx(list(bars[1]), rel=1e-4)  # type: ignore[index]


def test_flows_are_the_years_energies(state: State) -> None:
    links = {(a, b): v for a, b, v in _charts(state)["sankey"]["links"]}  # type: ignore[index]
    after = state.after.fillna(0.0).sum(numeric_only=True)
    assert links["need_heating", "use_heat"] == pytest.approx(after["heating_need_kwh"])
    heat = sum(v for (a, _), v in links.items() if a == "use_heat")
    assert heat == pytest.approx(after["heating_delivered_kwh"])
    primary = sum(v for (_, b), v in links.items() if b == "primary")
    credit = state.twin.case.parameters.constant("export_credit")
    factor = state.twin.case.parameters.constant("export_primary_energy_factor")
    want = after["primary_energy_kwh"] + credit * factor * after["grid_export_kwh"]
    assert primary == pytest.approx(want, rel=1e-3)


def test_the_waterfall_ends_at_the_present_value(state: State) -> None:
    twin = state.twin
    costs = economy.economy(twin, PLAN, (twin.network_stage(Plan()), twin.network_stage(PLAN)))
    shown = selection_charts.waterfall(costs)
    extra = sum(shown["after"]["total"]) - sum(shown["before"]["total"])
    assert extra == pytest.approx(costs.figures["extra_cost_eur"], rel=1e-6)
    assert shown["parts"] == list(PARTS) and len(shown["years"]) == costs.horizon_a


def _frames(twin: Twin, wish: Wish) -> Frames:
    *_, found = time_view.compute(twin.case, list(twin.annual.index), wish, twin.annual)
    assert isinstance(found, Frames)
    return found


def test_frames_of_days_and_months_add_up_to_the_year(twin: Twin) -> None:
    year = twin.annual["heating_delivered_kwh"].where(twin.conditioned).to_numpy("float64")
    months = _frames(twin, Wish("months", "heat", date(2021, 1, 1)))
    assert months.values.shape == (12, len(year)) and months.unit == "MWh"
    assert 1000 * months.values.astype("float64").sum(axis=0) == pytest.approx(year, rel=1e-4, nan_ok=True)
    days = _frames(twin, Wish("days", "heat", date(2021, 1, 1)))
    assert len(days.values) == 365
    assert days.values.astype("float64").sum(axis=0) == pytest.approx(year, rel=1e-4, nan_ok=True)
    assert np.isnan(days.values[:, ~twin.conditioned]).all()


def test_hours_of_a_day_are_on_berlins_clock(twin: Twin) -> None:
    hours = _frames(twin, Wish("day", "heat", date(1999, 7, 1)))
    assert len(hours.values) == 24 and hours.unit == "kW"
    assert hours.starts[0] % 86_400 == 22 * 3600  # summer time's midnight is 22 h UTC
    days = _frames(twin, Wish("days", "heat", date(2021, 1, 1)))
    number = date(2021, 7, 1).timetuple().tm_yday - 1
    assert np.nansum(hours.values) == pytest.approx(float(np.nansum(days.values[number])), rel=1e-4)
    new_year = _frames(twin, Wish("day", "heat", date(2021, 1, 1)))
    assert np.isfinite(new_year.values[:, twin.conditioned]).all()
    grid = _frames(twin, Wish("day", "grid", date(2024, 2, 29)))
    assert grid.low == -grid.high


@pytest.mark.parametrize(
    "odd", [{"span": "decade"}, {"span": "day", "quantity": "x"}, {"span": "day", "day": "1.1."}]
)
def test_what_is_no_time_is_refused(odd: dict[str, str]) -> None:
    with pytest.raises(CallError):
        Wish.of(odd)


@pytest.mark.parametrize("name", ["diff_heat", "diff_co2", "diff_cost"])
def test_differences_have_zero_in_the_middle(state: State, name: str) -> None:
    layer = LAYERS[name](state.view())
    assert layer.value_min == -layer.value_max < 0 and 0 in layer.ticks and layer.audience == "manager"
    assert len(layer.palette) % 2 == 1 and layer.palette[len(layer.palette) // 2] == "#f7f7f7"
    column = {"diff_heat": "heating_need_kwh", "diff_co2": "co2_kg", "diff_cost": "energy_cost_eur"}[name]
    change = (state.after[column] - state.before[column]) / state.twin.area_m2
    known = state.twin.conditioned
    assert layer.values[known] == pytest.approx(change.to_numpy()[known], rel=1e-4, abs=1e-4)
    assert layer.values[known].min() < 0
    nothing = LAYERS[name](State(state.twin).view())
    assert "keinen Unterschied" in nothing.note
