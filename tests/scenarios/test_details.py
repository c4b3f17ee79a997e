"""Peak loads, duration curve, over-temperature and sun against the hours that they come from."""

from __future__ import annotations

import numpy as np
import pytest

import energy
import scenarios
from energy import Case
from scenarios import details, drawn_details
from scenarios.comparison import comparison
from scenarios.outcome import Outcome, evaluate
from tests.viewer.districts import small
from twin import CallError

STEPS = [scenarios.Step(measure="roof_pv", targets=scenarios.Targets(buildings=["ost-0", "ost-1"]))]


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    case = Case(small(), energy.weather.sample(), shading="tabula")
    return evaluate(scenarios.Scenario(name="sunny", measures=[*STEPS]), case)


def test_peaks_are_those_of_the_hours(outcome: Outcome) -> None:
    """By hand: a block's hours are the sums of its three sections', its peak their largest."""
    flows = list(details.FLOWS.values())
    hours = energy.simulate(outcome.case, outputs=flows)
    found = {level: details.peaks(outcome, level) for level in ("building", "block", "district")}  # type: ignore[arg-type]
    ost = [name for name in outcome.annual.index if name.startswith("ost")]
    for indicator, flow in details.FLOWS.items():
        table = hours[flow].transpose("building_id", "time").to_pandas()
        assert found["building"].loc["ost-1", indicator] == pytest.approx(table.loc["ost-1"].max())
        assert found["block"].loc["ost", indicator] == pytest.approx(table.loc[ost].sum().max(), rel=1e-6)
        assert found["district"][indicator].iloc[0] == pytest.approx(table.sum().max(), rel=1e-6)
    assert found["block"].loc["ost", "peak_heat_kw"] <= found["building"].loc[ost, "peak_heat_kw"].sum()
    assert (
        found["building"].loc["ost-1", "peak_export_kw"]
        > 0
        == found["building"].loc["west-0", "peak_export_kw"]
    )


def test_parts_do_not_change_the_hours(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = details.peaks(outcome, "block")
    monkeypatch.setattr(details, "_CHUNK", 2)
    parts = details.peaks(outcome, "block")
    assert np.allclose(parts.loc[whole.index], whole, rtol=1e-5)


def test_the_duration_curve_falls_and_keeps_the_energy(outcome: Outcome) -> None:
    curve = details.duration_curves(outcome).loc["district"]
    assert list(curve.index[[0, -1]]) == [1, 8760]
    for indicator, flow in details.FLOWS.items():
        assert (np.diff(curve[indicator]) <= 0).all()
        # Hours and the year's sums differ: months are supplied by mean ratios in the year (energy.annual).
        assert curve[indicator].sum() == pytest.approx(outcome.annual[flow].sum(), rel=0.02)
    peak = details.peaks(outcome, "district").iloc[0]
    assert curve.iloc[0].to_dict() == pytest.approx(peak.to_dict())


def test_over_temperature_is_the_mean_by_area(outcome: Outcome) -> None:
    each = outcome.over_temperature_kh()
    area = outcome.case.envelope["a_use_m2"].reindex(each.index)
    found = details.over_temperature(outcome, "district")["over_temperature_kh"].iloc[0]
    assert found == pytest.approx(np.average(each, weights=area))
    assert details.over_temperature(outcome, "building").loc["ost-0"].iloc[0] == pytest.approx(each["ost-0"])


def test_sun_stands_at_each_level_and_trees_count(outcome: Outcome) -> None:
    by_building, whole = details.sun(outcome, "building"), details.sun(outcome, "district").iloc[0]
    low, high = by_building["facade_sun_h"].min(), by_building["facade_sun_h"].max()
    assert 0 < low < whole["facade_sun_h"] < high < 8760 / 2
    bright = (outcome.case.weather.dni >= 120).sum()
    assert 0.3 * bright < whole["open_sun_h"] < bright
    trees = scenarios.Step(measure="trees")
    grown = evaluate(scenarios.Scenario(name="trees", measures=[trees]), outcome.case)
    assert len(grown.case.district.trees) > len(outcome.case.district.trees)
    assert details.sun(grown, "district")["open_sun_h"].iloc[0] < whole["open_sun_h"]


def test_a_comparison_has_them_at_every_level(outcome: Outcome) -> None:
    found = comparison(
        [scenarios.Scenario(name="idle")], outcome.case, network=False, draws=0, details=["hours"]
    )
    assert found.table.loc["idle", "peak_heat_kw"] == pytest.approx(
        details.peaks(outcome, "district")["peak_heat_kw"].iloc[0]
    )
    assert "peak_heat_kw" in found.indicators("block")
    with pytest.raises(CallError, match="details"):
        comparison([scenarios.BASELINE], outcome.case, details=["moon"])
    with pytest.raises(CallError, match="level"):
        details.details_of(outcome, "street")  # type: ignore[arg-type]


def test_draws_reach_peaks_and_rooms(outcome: Outcome) -> None:
    """With the inputs as known a draw gives the figures as known; warmer years make rooms hotter."""
    before = evaluate(scenarios.BASELINE, outcome.case.replace(pv=outcome.case.pv.iloc[:0]))
    zero = dict.fromkeys(outcome.case.parameters.uncertainties.index, 0.0)
    peaks = drawn_details.Peaks.of(outcome)
    assert peaks.known == pytest.approx(details.peaks(outcome, "district").iloc[0].to_dict())
    # By hand: the kernel's year beside supply by the year's mean ratios differs by less than a hundredth.
    assert peaks.plain == pytest.approx(peaks.known, rel=0.02)
    mild = peaks.in_draw(outcome.case, zero | {"weather": 2.0}, 1)
    cold = peaks.in_draw(outcome.case, zero | {"weather": -2.0}, 1)
    assert mild["peak_heat_kw"] < cold["peak_heat_kw"]
    hot, plain = (
        drawn_details.over_temperature_kh(before.case, zero | {"weather": z}, 1).over_kh for z in (2.0, 0.0)
    )
    assert (hot > plain).all()
    heat = drawn_details.over_temperature_kh(before.case, zero, 1)
    again = drawn_details.over_temperature_kh(outcome.case, zero, 1, heat)
    assert again.over_kh.equals(heat.over_kh)  # modules on the roof leave the rooms as they are


def test_what_has_no_band_says_why(outcome: Outcome) -> None:
    plain = outcome.case.replace(pv=outcome.case.pv.iloc[:0])
    found = comparison([scenarios.Scenario(name="sunny", measures=[*STEPS])], plain, network=False, draws=2)
    assert found.bands is not None
    assert {"peak_heat_kw", "peak_export_kw", "over_temperature_kh"} <= set(found.bands.values.columns)
    why = drawn_details.without_band(found.bands, "sunny", found.table.columns)
    assert why["no_band_sun"] == ["facade_sun_h", "open_sun_h"]
    assert "pv_generation_kwh" in why["no_band_unmoved"] and why["no_band_base"] == ["self_consumption"]
    assert found.bands.quantiles(changes=True)["pv_generation_kwh"].isna().all()
