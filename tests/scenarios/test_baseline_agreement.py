"""CV(RMSE), NMBE, degree days and normalised consumption by hand calculation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.parameters import Parameters
from energy.weather import sample
from scenarios.baseline import agreement, cv_rmse, degree_days, nmbe
from scenarios.baseline.degree_days import daily_degree_days, normalised

PARAMETERS = Parameters.default()
MEASURED = np.array([100.0, 80.0, 60.0, 40.0, 20.0])
SIMULATED = np.array([90.0, 84.0, 58.0, 44.0, 19.0])


def test_formulas_by_hand():
    """ASHRAE Guideline 14-2014 with p = 1: differences 10, −4, 2, −4, 1; mean 60, n − p = 4.

    NMBE = 5/(4·60) = 2.0833 %; CV(RMSE) = √(137/4)/60 = 9.7539 %.
    """
    assert nmbe(MEASURED, SIMULATED) == pytest.approx(5 / 240)
    assert cv_rmse(MEASURED, SIMULATED) == pytest.approx(math.sqrt(137 / 4) / 60)
    assert cv_rmse(MEASURED, SIMULATED) == pytest.approx(0.097539, abs=1e-6)
    assert cv_rmse(MEASURED, SIMULATED, fitted=0) == pytest.approx(math.sqrt(137 / 5) / 60)


@pytest.mark.parametrize(
    ("step", "factor", "within"),
    [
        ("month", 1.0, True),
        ("month", 1.06, False),
        ("hour", 1.06, True),
        ("hour", 1.4, False),
        ("day", 1.0, None),
    ],
)
def test_limits_of_the_guideline(step, factor, within):
    """15 % and ±5 % by month, 30 % and ±10 % by hour; none for days."""
    found = agreement(MEASURED, factor * MEASURED, step, PARAMETERS)
    assert found.within is within
    assert found.nmbe == pytest.approx(-1.25 * (factor - 1))


def test_gaps_do_not_count_and_too_few_values_tell_nothing():
    with_gap = np.r_[MEASURED, np.nan]
    found = agreement(with_gap, np.r_[SIMULATED, 50.0], "month", PARAMETERS)
    assert (found.count, found.nmbe) == (5, pytest.approx(5 / 240))
    alone = agreement(MEASURED[:1], SIMULATED[:1], "month", PARAMETERS)
    assert math.isnan(alone.cv_rmse)
    assert alone.within is None
    assert alone.to_dict()["nmbe"] is None
    assert math.isnan(nmbe(np.zeros(4), np.ones(4)))


@given(
    st.lists(st.tuples(st.floats(1, 1e4), st.floats(1, 1e4)), min_size=2, max_size=40),
    st.floats(0.1, 1e3),
)
def test_scale_does_not_matter_and_bias_is_within_scatter(pairs, scale):
    """Both are free of units; by Cauchy–Schwarz |NMBE|·(n − p) ≤ CV(RMSE)·√(n·(n − p))."""
    measured, simulated = np.array(pairs).T
    bias, scatter = nmbe(measured, simulated), cv_rmse(measured, simulated)
    assert nmbe(scale * measured, scale * simulated) == pytest.approx(bias, rel=1e-9, abs=1e-12)
    assert cv_rmse(scale * measured, scale * simulated) == pytest.approx(scatter, rel=1e-9)
    n = len(measured)
    assert abs(bias) * (n - 1) <= scatter * math.sqrt(n * (n - 1)) * (1 + 1e-9)


def test_degree_days_by_hand():
    """Gradtagzahl G20/15: 20 °C less the day's mean, on days below 15 °C."""
    np.testing.assert_allclose(
        daily_degree_days(np.array([-5.0, 10.0, 14.9, 15.0, 22.0]), PARAMETERS), [25, 10, 5.1, 0, 0]
    )


def test_degree_days_of_the_sample_year():
    """The same from pandas' daily means; about 3,700 K d a year in Jena's climate (estimate, ± 10 %)."""
    days = degree_days(sample(), PARAMETERS)
    local = pd.Series(sample().temp_air, sample().times.tz_convert("Europe/Berlin"))
    mean = local.resample("D").mean().reindex(days.index)
    np.testing.assert_allclose(days, np.where(mean < 15, 20 - mean, 0.0))
    assert len(days) in (364, 365)
    assert 3300 < days.sum() < 4100


def test_heating_of_a_reference_year():
    """80 MWh in a warm winter of 3,200 K d stand for 90 MWh in a year of 3,600 K d; without any, nothing."""
    found = normalised(np.array([80_000.0, 1000.0]), np.array([3200.0, 0.0]), 3600.0)
    assert found[0] == pytest.approx(90_000)
    assert np.isnan(found[1])
