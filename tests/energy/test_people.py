"""Kinds of day, standard load profiles and households."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy import load_profiles, occupancy, people
from energy.calendar_days import SATURDAY, SUNDAY, WORKDAY, easter, holidays, kind_of_day, kinds_of_day
from energy.parameters import Parameters
from energy.weather import sample
from twin.errors import CallError

PARAMETERS = Parameters.default()
WEATHER = sample()


@pytest.mark.parametrize("day", ["2000-04-23", "2024-03-31", "2025-04-20", "2026-04-05", "2038-04-25"])
def test_easter(day):
    """Dates of the church calendar; 2038 has the latest possible Easter."""
    assert easter(int(day[:4])) == date.fromisoformat(day)


def test_thuringia_has_eleven_holidays_since_childrens_day():
    """ThürFGtG: Good Friday and Easter Monday, Ascension, Whit Monday and seven fixed days in 2025."""
    days = {f"{day:%m-%d}" for day in holidays(2025, PARAMETERS)}
    assert days == {
        "01-01", "04-18", "04-21", "05-01", "05-29", "06-09", "09-20", "10-03", "10-31", "12-25", "12-26",
    }  # fmt: skip
    assert date(2018, 9, 20) not in holidays(2018, PARAMETERS)


def test_days_are_told_apart():
    assert kind_of_day(date(2025, 10, 31), False, PARAMETERS) == SUNDAY  # a Friday, Reformation Day
    assert kind_of_day(date(2025, 12, 24), False, PARAMETERS) == SATURDAY  # a Wednesday
    assert kind_of_day(date(2025, 7, 15), True, PARAMETERS) == SUNDAY  # schools' summer holidays
    assert kind_of_day(date(2025, 7, 15), False, PARAMETERS) == WORKDAY


def test_days_change_at_local_midnight_over_the_change_of_clocks():
    """30 March 2025 starts at 23:00 UTC and ends, an hour short, at 22:00 UTC."""
    utc = pd.date_range("2025-03-29 22:00", "2025-03-30 23:00", freq="h", tz="UTC")
    kinds = kinds_of_day(utc.tz_convert("Europe/Berlin"), False, PARAMETERS)
    assert list(kinds) == [SATURDAY] + [SUNDAY] * 23 + [WORKDAY] * 2


def _theirs(name: str, year: int) -> pd.Series:
    bdew = pytest.importorskip("demandlib.bdew", reason="demandlib (extra test) is not installed")
    free = dict.fromkeys(holidays(year, PARAMETERS), "holiday")
    if name in ("H25", "G25"):
        index = pd.date_range(f"{year}-01-01", periods=365 * 96, freq="15min")
        values = getattr(bdew, name)(index, holidays=free)
        quarters = pd.Series(np.asarray(values, "float64").ravel(), index)
    else:
        column = {"H0": "h0_dyn"}.get(name, name.lower())
        quarters = bdew.ElecSlp(year, holidays=free).get_profiles(column)[column]
    return quarters.resample("h").sum()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["H0", "G0", "G1", "G3", "G4", "H25", "G25"])
def test_profiles_are_demandlibs(name, monkeypatch):
    """demandlib 0.2.2, an independent implementation; it counts the two Eves of 1999's profiles as workdays.

    Its dynamisation goes by quarter hours and has one coefficient adjusted: 1.5 % at most.
    """
    monkeypatch.setattr("warnings.simplefilter", lambda *_: None)  # it makes errors of pandas' warnings
    theirs = _theirs(name, 2025)
    ours = pd.Series(load_profiles.course(name, theirs.index, False, PARAMETERS), theirs.index)
    usual = ~theirs.index.strftime("%m-%d").isin(["12-24", "12-31"])
    a, b = ours[usual] / ours[usual].sum(), theirs[usual] / theirs[usual].sum()
    np.testing.assert_allclose(a, b, rtol=0.015 if name in ("H0", "H25") else 2e-3)


def test_an_unknown_profile_is_named():
    with pytest.raises(CallError, match="no load profile 'X9'"):
        load_profiles.course("X9", WEATHER.times, False, PARAMETERS)


@pytest.mark.parametrize("function", list(PARAMETERS.use.index))
def test_a_year_of_each_use_holds_a_year_of_electricity_and_hot_water(function):
    plan = occupancy.schedule(function, WEATHER, PARAMETERS)
    assert plan.electricity.sum() == pytest.approx(1.0)
    assert plan.hot_water.sum() == pytest.approx(1.0 if plan.hot_water.any() else 0.0)
    assert (plan.electricity >= 0).all()


def test_schools_rest_in_their_holidays():
    """DIN V 18599-10 no. 8: 200 days of use a year; here within a tenth."""
    plan = occupancy.schedule("school", WEATHER, PARAMETERS)
    days = pd.Series(plan.occupied, WEATHER.times.tz_convert("Europe/Berlin")).resample("D").max().sum()
    assert days == pytest.approx(200, rel=0.1)


def test_half_a_year_holds_its_share():
    times = pd.date_range("2025-01-01", "2025-07-01", freq="h", inclusive="left", tz="Europe/Berlin")
    share = occupancy.share_of_year(lambda local: np.ones(len(local)), times)
    assert share.sum() == pytest.approx(len(times) / 8760)


def test_household_sizes_by_hand():
    """Mean of two: half, a quarter, an eighth and the rest; 0.5·1500 + 0.25·2100 + 0.125·(2600 + 2900)."""
    shares = people.household_sizes(np.array(2.0), 4)
    assert list(shares) == [0.5, 0.25, 0.125, 0.125]
    area = PARAMETERS.constant("dwelling_area_m2") * (2 / PARAMETERS.constant("persons_per_dwelling")) ** 2
    assert people.electricity_per_dwelling(np.array(area), PARAMETERS) == pytest.approx(1962.5)


@settings(max_examples=20, deadline=None)
@given(st.floats(10, 400), st.floats(10, 400))
def test_larger_dwellings_use_more(a, b):
    low, high = sorted((a, b))
    used = people.electricity_per_dwelling(np.array([low, high]), PARAMETERS)
    assert 1500 <= used[0] <= used[1] <= 2900
