"""ISO 8601 as SensorThings writes it; expected values by hand from the calendar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors import iso8601

SEVEN = 1_451_631_600_000_000  # 2016-01-01T07:00:00Z


@pytest.mark.parametrize(
    "text",
    [
        "2016-01-01T07:00:00Z", "2016-01-01T07:00:00.000Z", "2016-01-01T07:00Z", "2016-01-01t07:00:00z",
        "2016-01-01T08:00:00+01:00", "2016-01-01T08:00:00 01:00", "2016-01-01T00:00:00-07:00",
        "2016-01-01T07:00:00+00", "2016-01-01T12:30:00+0530", "2016-01-01T07:00:00",
        "2016-01-01T07:00:00.0000009Z",
    ],
)  # fmt: skip
def test_one_instant_in_many_spellings(text: str) -> None:
    assert iso8601.parse_instant(text) == SEVEN


def test_edges_of_the_clock() -> None:
    midnight = iso8601.parse_instant("2016-01-02T00:00:00Z")
    assert iso8601.parse_instant("2016-01-01T24:00:00Z") == midnight
    assert iso8601.parse_instant("2016-12-31T23:59:60Z") == iso8601.parse_instant("2017-01-01T00:00:00Z")
    assert iso8601.parse_instant("2016-01-01T07:00:00.24587245Z") == SEVEN + 245_872


@pytest.mark.parametrize(
    "text",
    [
        "", "2016", "2016-01-01", "2016-13-01T00:00:00Z", "2016-02-30T00:00:00Z", "2016-01-01T25:00:00Z",
        "2016-01-01T07:00:00+25:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "20160101T070000Z",
        "x" * 99, "2016-01-01T07:00:0Z00",
    ],
)  # fmt: skip
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        iso8601.parse_instant(text)


def test_intervals_and_durations() -> None:
    hour = 3600 * iso8601.SECOND
    for text in ("{}/{}", "{}/PT1H", "PT60M/{1}", "{}/P0DT3600S"):
        whole = text.format("2016-01-01T07:00:00Z", "2016-01-01T08:00:00Z")
        assert iso8601.parse_time(whole) == (SEVEN, SEVEN + hour)
    assert iso8601.parse_duration("-P1W2DT1.5S") == -(9 * iso8601.DAY + 1_500_000)
    for bad in ("P", "PT", "P1Y", "P1M", "1H", "P99999999D"):
        with pytest.raises(ValueError, match=r"\w"):
            iso8601.parse_duration(bad)
    with pytest.raises(ValueError, match="before"):
        iso8601.parse_time("2016-01-01T08:00:00Z/2016-01-01T07:00:00Z")


@given(st.integers(iso8601.EARLIEST, iso8601.LATEST))
def test_what_is_written_is_read_again(microseconds: int) -> None:
    assert iso8601.parse_instant(iso8601.format_instant(microseconds)) == microseconds
