"""Measured beside simulated for charts; typical years; what stands still."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import energy
from energy.weather import sample
from scenarios import baseline
from scenarios.baseline import screen, weather_span
from tests.scenarios import metered
from twin.errors import CallError, SourceError

CASE = metered.case_of(3)
TIMES = sample().times


@pytest.fixture(scope="module")
def hours() -> pd.Series:
    """What two buildings take by the model itself, hour by hour."""
    found = energy.simulate(CASE, outputs=["heating_delivered_kwh"])["heating_delivered_kwh"]
    return pd.Series(
        found.sel(building_id=["b0", "b1"]).sum("building_id").to_numpy().astype("float64"), TIMES
    )


@pytest.mark.parametrize(("step", "count"), [("hour", 8760), ("day", 364), ("month", 12)])
def test_the_models_own_series_agrees_with_it(hours, step, count):
    """The same hours, days and months on both sides; local days, so that the year's ends are cut."""
    found = baseline.compare(CASE, ["b0", "b1"], hours, step=step)
    assert len(found.values) == pytest.approx(count, abs=1)
    assert not found.typical_weather
    np.testing.assert_allclose(
        found.values["measured_kwh"], found.values["simulated_kwh"], rtol=1e-3, atol=0.05
    )
    assert found.agreement.cv_rmse < 1e-3
    assert found.agreement.step == step


def test_gaps_are_gaps_on_both_sides_of_the_statistics(hours):
    """Ten days are missing: hours show them as nan, days leave them out, and February still counts."""
    gap = hours.copy()
    gap.iloc[31 * 24 : 41 * 24] = np.nan
    by_hour = baseline.compare(CASE, ["b0", "b1"], gap, step="hour")
    assert by_hour.values["measured_kwh"].isna().sum() == 240
    assert by_hour.values["simulated_kwh"].notna().all()
    assert by_hour.agreement.count == 8760 - 240
    by_day = baseline.compare(CASE, ["b0", "b1"], gap)
    assert len(by_day.values) in (352, 353, 354)
    by_month = baseline.compare(CASE, ["b0", "b1"], gap, step="month")
    assert len(by_month.values) == 11
    assert by_month.agreement.cv_rmse < 1e-3


def test_another_year_has_a_typical_weather(hours):
    later = hours.set_axis(hours.index + pd.DateOffset(years=1))[:2000]
    assert baseline.compare(CASE, ["b0", "b1"], later).typical_weather


def test_calls_that_cannot_be_answered(hours):
    with pytest.raises(CallError, match="no step 'week'"):
        baseline.compare(CASE, ["b0"], hours, step="week")
    with pytest.raises(SourceError, match="no building 'b9'"):
        baseline.compare(CASE, ["b9"], hours)
    days = hours.resample("D").sum()
    with pytest.raises(CallError, match="longer than the step hour"):
        baseline.compare(CASE, ["b0"], days, step="hour")


def test_a_typical_year_stands_for_each_and_leap_days_take_the_day_before():
    start, end = (pd.Timestamp(day, tz="Europe/Berlin") for day in ("2023-12-30", "2024-03-02"))
    weather = weather_span.typical(sample(), start, end)
    assert weather.times[0] == pd.Timestamp("2023-12-29 23:00", tz="UTC")
    assert weather.times[-1] == pd.Timestamp("2024-03-01 22:00", tz="UTC")
    year = pd.Series(sample().temp_air, [f"{time:%m-%d %H}" for time in TIMES])
    for day, source in (("2023-12-31", "12-31"), ("2024-02-29", "02-28"), ("2024-03-01", "03-01")):
        at = weather.times.get_loc(pd.Timestamp(f"{day} 12:00", tz="UTC"))
        assert weather.temp_air[at] == year[f"{source} 12"]
    short = dataclasses.replace(
        sample(), times=TIMES[:100], **{name: getattr(sample(), name)[:100] for name in energy.weather.LIMITS}
    )
    with pytest.raises(SourceError, match="100 hours, not a year"):
        weather_span.typical(short, start, end)


def test_what_stands_still_and_what_does_not():
    """60 equal hours of heat are a fault; zeros only where heat is expected; two equal hours are none."""
    kwh = np.r_[np.arange(1.0, 11), np.full(60, 5.0), np.zeros(120), np.zeros(120), [3.0, 3.0]]
    expected = np.r_[np.full(190, 10.0), np.full(120, 0.1), 10.0, 10.0]
    unit, hours = np.zeros(len(kwh), np.intp), np.ones(len(kwh))
    found = screen.still(unit, kwh, hours, expected)
    assert [(run.first, run.last) for run in found] == [(10, 69), (70, 309)]
    calm = screen.still(unit, np.where(kwh == 0, 0, np.arange(len(kwh))), hours, np.where(kwh == 0, 0.1, 10))
    assert calm == []
