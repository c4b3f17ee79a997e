"""Over-temperature degree-hours by DIN 4108-2:2013, 8.4, by hand and by their properties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from energy import comfort
from energy.parameters import Parameters
from twin.errors import CallError

PARAMETERS = Parameters.default()
COURSE = np.array([[25.0, 26.0], [27.0, 26.5], [28.5, 20.0], [26.0, 30.0]])


def test_excess_over_the_limit_adds_up():
    """Limit 26: 1 + 2.5 Kh and 0.5 + 4 Kh; in the hours 1 and 3 only 1 and 4.5 Kh."""
    np.testing.assert_allclose(comfort.over_temperature_kh(COURSE, 26.0), [3.5, 4.5])
    used = np.array([False, True, False, True])
    np.testing.assert_allclose(comfort.over_temperature_kh(COURSE, 26.0, used), [1.0, 4.5])
    each = np.array([25.0, 29.0])
    np.testing.assert_allclose(comfort.over_temperature_kh(COURSE, each), [6.5, 1.0])


TEMPERATURES = arrays(np.float64, (6, 3), elements=st.floats(-20, 50))


@settings(max_examples=40, deadline=None)
@given(TEMPERATURES, st.floats(20, 30), st.floats(0, 5))
def test_warmer_is_never_better(course, limit, warmer):
    cool = comfort.over_temperature_kh(course, limit)
    warm = comfort.over_temperature_kh(course + warmer, limit)
    assert (cool >= 0).all()
    assert (warm >= cool).all()
    assert (warm <= cool + warmer * len(course) + 1e-9).all()
    np.testing.assert_allclose(comfort.over_temperature_kh(course, limit - warmer), warm, atol=1e-9)


def test_reference_temperatures_of_the_summer_climate_regions():
    """DIN 4108-2:2013, 8.4: A 25 °C, B 26 °C, C 27 °C; B is the default (estimate for Jena)."""
    references = [comfort.reference_temperature_c(PARAMETERS, region) for region in "ABC"]
    assert references == [25.0, 26.0, 27.0]
    assert comfort.reference_temperature_c(PARAMETERS) == 26.0
    with pytest.raises(CallError, match=r"no summer climate region 'D'.*Use A, B, C"):
        comfort.reference_temperature_c(PARAMETERS, "D")


def test_homes_count_all_hours_and_others_their_use():
    """Requirement 1,200 Kh/a for homes, 500 Kh/a else (DIN 4108-2:2013, 8.4)."""
    functions = pd.Series(["residential", "office"], index=["home", "desk"])
    course = np.full((1000, 2), 27.0)
    used = np.zeros((1000, 2), bool)
    used[:600] = True
    table = comfort.summer_comfort(course, functions, used, PARAMETERS)
    np.testing.assert_allclose(table["over_temperature_kh"], [1000.0, 600.0])
    np.testing.assert_allclose(table["allowed_kh"], [1200.0, 500.0])
    assert list(table["meets_requirement"]) == [True, False]
    assert list(table["hours_above_h"]) == [1000, 600]
    assert list(table.index) == ["home", "desk"]


def test_missing_temperatures_are_named_not_summed():
    course = COURSE.copy()
    course[2, 1] = np.nan
    with pytest.raises(CallError, match="lane 1 has hours without temperature"):
        comfort.over_temperature_kh(course, 26.0)
