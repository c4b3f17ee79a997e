"""The checks against ioos_qc on the same input, and by hand from QARTOD's definitions.

QARTOD: Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, tests 1 (gap), 4 (gross
range), 6 (spike), 7 (rate of change) and 8 (flat line); U.S. IOOS.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ioos_qc import qartod
from numpy.typing import NDArray

from sensors.quality import Model, check_series, checks, rules_for
from sensors.quality.check import findings
from sensors.quality.rules import table
from sensors.quality.run import at_times

HOUR = 3_600_000_000
FLOATS = NDArray[np.float64]


def hours(number: int) -> NDArray[np.int64]:
    return 1_700_000_000_000_000 // HOUR * HOUR + np.arange(number, dtype=np.int64) * HOUR


@st.composite
def series(draw: st.DrawFn) -> FLOATS:
    """Values on a coarse grid, so that equal ones and thresholds are met, some missing."""
    values = draw(st.lists(st.integers(-8, 8), min_size=8, max_size=40))
    out = np.array(values, float) / 2
    out[draw(st.lists(st.integers(0, len(out) - 1), max_size=3))] = np.nan
    return out


@settings(max_examples=40, deadline=None)
@given(series())
def test_flags_are_those_of_ioos_qc(values: FLOATS) -> None:
    times = hours(len(values))
    stamps = times.astype("datetime64[us]")
    assert np.array_equal(
        checks.value_range(values, (-3, 3), (-2, 2)), qartod.gross_range_test(values, (-3, 3), (-2, 2))
    )
    assert np.array_equal(checks.spike(values, 1.5, 3), qartod.spike_test(values, 1.5, 3))
    rate = checks.rate_of_change(times, values, 1.5, 3)
    assert np.array_equal(rate, qartod.rate_of_change_test(values, stamps, 1.5 / 3600, 3 / 3600))
    flags = [checks.spike(values, 1.5, 3), rate]
    assert np.array_equal(checks.aggregate(flags), qartod.qartod_compare(flags))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=8, max_size=60))
def test_flat_line_is_that_of_ioos_qc(numbers: list[int]) -> None:
    values, times = np.array(numbers, float), hours(len(numbers))
    ours = checks.flat_line(times, values, 3 * HOUR, 6 * HOUR, 0.5)
    stamps = times.astype("datetime64[us]")
    assert np.array_equal(ours, qartod.flat_line_test(values, stamps, 3 * 3600, 6 * 3600, 0.5))


def test_spike_by_hand() -> None:
    # |10 − (1 + 2)/2| = 8.5; the neighbours' own are |2 − (10 + 2)/2| = 4 and |1 − (1 + 10)/2| = 4.5.
    flags = checks.spike(np.array([1.0, 1.0, 10.0, 2.0, 2.0]), suspect=5, fail=8)
    assert flags.tolist() == [2, 1, 4, 1, 2]


def test_range_bounds_are_good_and_missing_is_9() -> None:
    values = np.array([-5.0, -4.0, 0.0, 4.0, 5.1, np.nan])
    assert checks.value_range(values, (-5, 5), (-4, 4)).tolist() == [3, 1, 1, 1, 4, 9]


def test_small_steps_have_no_rate() -> None:
    times = np.array([0, HOUR // 60, HOUR // 30], np.int64)
    values = np.array([10.0, 10.2, 14.0])  # 12 and 228 K/h
    assert checks.rate_of_change(times, values, 5.0).tolist() == [1, 3, 3]
    assert checks.rate_of_change(times, values, 5.0, floor=3.0).tolist() == [1, 1, 3]


def test_no_sun_is_no_flat_line() -> None:
    values = np.array([0.0] * 10 + [5.0] * 10)
    flags = checks.flat_line(hours(20), values, 4 * HOUR, 8 * HOUR, 0.1, above=0.5)
    assert flags.tolist() == [1] * 14 + [3] * 4 + [4] * 2


def test_two_values_beside_a_gap_are_no_flat_line() -> None:
    times = np.array([0, 100, 200, 201], np.int64) * HOUR
    assert checks.flat_line(times, np.ones(4), 24 * HOUR, 48 * HOUR, 0.1).tolist() == [1, 1, 1, 1]


def test_neighbours_need_two_to_judge() -> None:
    values = np.array([10.0, 20.0, 10.0, np.nan])
    others = np.array([[10.0, 11.0, 30.0, 1.0], [12.0, 12.0, np.nan, 1.0]])
    assert checks.against_others(values, others, 5.0).tolist() == [1, 3, 2, 9]


def test_against_a_model() -> None:
    # Allowed: max(2, 10 % of the model); three times that is bad.
    values, model = np.array([11.0, 13.0, 17.0, 108.0, 5.0]), np.array([10.0, 10.0, 10.0, 100.0, np.nan])
    assert checks.against_model(values, model, 2.0, 0.1).tolist() == [1, 3, 4, 1, 2]
    checked = check_series(hours(5), values, None, model=Model(model, 2.0, 0.1))
    assert checked.flags.tolist() == [1, 3, 4, 1, 2]


def test_gaps_from_the_last_value_before_to_the_first_after() -> None:
    times = np.array([0, 1, 2, 3, 8, 9], np.int64) * HOUR
    assert checks.gaps(times, HOUR).tolist() == [[3 * HOUR, 8 * HOUR, HOUR]]
    assert checks.gaps(times).tolist() == [[3 * HOUR, 8 * HOUR, HOUR]]
    assert len(checks.gaps(times[:1])) == 0


def test_a_sensor_that_sends_oftener_since_had_no_gaps_before() -> None:
    times = np.concatenate([np.arange(20) * 24 * HOUR, 19 * 24 * HOUR + np.arange(1, 60) * HOUR // 12])
    assert len(checks.gaps(times.astype(np.int64))) == 0


@settings(max_examples=40, deadline=None)
@given(series(), st.integers(1, 39))
def test_parts_are_judged_as_the_whole(values: FLOATS, cut: int) -> None:
    """Whoever reads as far back as the checks look and one more gives the same flags from there on."""
    times, rules = hours(len(values)), rules_for("Air temperature", "Cel")
    assert rules is not None
    whole = check_series(times, values, rules)
    cut = min(cut, len(values) - 1)
    first = max(0, cut - int(rules.context_h) - 1)
    part = check_series(times[first:], values[first:], rules)
    # The first observation of a part has no neighbour before it, unless it is the series' first.
    begin = cut if first else 0
    assert np.array_equal(part.flags[begin - first :][1:], whole.flags[begin:][1:])


def test_stretches_end_with_the_month() -> None:
    times = np.datetime64("2024-01-31T20:00", "us").astype(np.int64) + np.arange(8) * HOUR
    values = np.full(8, 99.0)
    rules = rules_for("Air temperature", "Cel")
    found = findings(times, values, check_series(times, values, rules), rules)
    ranges = [one for one in found if one.check == "range"]
    assert [(one.count, one.flag) for one in ranges] == [(4, 4), (4, 4)]
    assert ranges[0].figures == {"low": 99.0, "high": 99.0, "limit_low": -80.0, "limit_high": 60.0}


def test_at_times_takes_the_nearest() -> None:
    times, values = np.array([0, 10, 20], np.int64), np.array([1.0, 2.0, 3.0])
    found = at_times(times, values, np.array([-9, 4, 6, 20, 26], np.int64), within_us=5)
    assert np.isnan(found[[0, 4]]).all()
    assert found[1:4].tolist() == [1.0, 2.0, 3.0]
    assert at_times(times[:1], values[:1], np.array([3], np.int64), within_us=5).tolist() == [1.0]


@pytest.mark.parametrize(
    ("name", "unit", "row"),
    [
        ("Air Temperature", "Cel", "air_temperature"),
        ("airTemperature", "[degF]", "air_temperature"),
        ("Lufttemperatur", "K", "air_temperature"),
        ("Barometric Pressure", "Pa", "pressure"),
        ("soil_moisture", "%", "soil_moisture"),
        ("Wasserpotenzial", "kPa", "matric_potential"),
        ("Rain Gauge", "mm", "rain"),
        ("Peak Wind Gust", "m/s", "wind_gust"),
        ("Battery", "V", "battery_voltage"),
        ("Battery", "%", "battery_share"),
        ("Heat energy", "MW.h", "energy"),
    ],
)
def test_rules_are_found_by_name_and_unit(name: str, unit: str, row: str) -> None:
    rules = rules_for(name, unit)
    assert rules is not None
    assert rules.name == row


def test_limits_come_in_the_unit_of_the_stream() -> None:
    fahrenheit, pascal = rules_for("Air temperature", "[degF]"), rules_for("Air pressure", "Pa")
    assert fahrenheit is not None and pascal is not None
    assert fahrenheit.fail == pytest.approx((-112.0, 140.0))  # −80 °C, 60 °C
    assert fahrenheit.spike == pytest.approx((9.0, 27.0))  # 5 K, 15 K
    assert pascal.suspect == pytest.approx((93_000.0, 106_000.0))


def test_units_that_do_not_convert_give_no_rules() -> None:
    assert rules_for("Air temperature", "kW") is None
    assert rules_for("Air temperature", "no such unit") is None
    assert rules_for("Colour", "1") is None


def test_every_limit_has_a_source_or_is_named_an_estimate() -> None:
    limits = table()
    assert limits["source"].str.len().min() > 5
    for name, row in limits.iterrows():
        columns = set(limits.columns) - {"words", "unit", "estimates", "source"} | {"all"}
        assert set(row["estimates"]) <= columns, name
        assert not row["fail_min"] > row["suspect_min"], name
        assert not row["fail_max"] < row["suspect_max"], name
