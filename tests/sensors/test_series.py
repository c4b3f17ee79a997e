"""Regular series, counters and local times; expected values by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors import series, stored_series
from sensors.errors import StoreError, UnitError
from sensors.local_time import BERLIN, ordered_us, utc_us, zone
from sensors.store import Store
from sensors.things import NewObservation, ObservedProperty, StreamSpec, ThingSpec, Unit
from sensors.times import to_us

HOUR = 3_600_000_000


def us(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return to_us(datetime(year, month, day, hour, minute, tzinfo=UTC))


def test_hours_by_mean_sum_and_last_with_a_gap_marked() -> None:
    times = [us(2024, 1, 1, 0, 10), us(2024, 1, 1, 0, 50), us(2024, 1, 1, 2, 5), us(2024, 1, 1, 0, 30)]
    bounds = series.edges(us(2024, 1, 1), us(2024, 1, 1, 3), "hour")
    mean = series.regular(times, [1.0, 3.0, 10.0, 5.0], bounds)
    assert mean.value.tolist()[::2] == [3.0, 10.0]
    assert np.isnan(mean.value.iloc[1])
    assert mean.gap.tolist() == [False, True, False]
    assert mean["count"].tolist() == [3, 0, 1]
    assert series.regular(times, [1.0, 3.0, 10.0, 5.0], bounds, how="sum").value.iloc[0] == 9.0
    assert series.regular(times, [1.0, 3.0, 10.0, 5.0], bounds, how="last").value.iloc[0] == 3.0


def test_bad_and_missing_values_are_left_out() -> None:
    times = [us(2024, 1, 1, 0, minute) for minute in (0, 10, 20, 30)]
    bounds = series.edges(times[0], times[0] + HOUR, "hour")
    frame = series.regular(times, [1.0, 100.0, np.nan, 3.0], bounds, flags=[1, 4, 9, 3])
    assert frame.value.tolist() == [2.0]


@pytest.mark.parametrize(
    ("day", "hours"),
    [((2024, 3, 31), 23), ((2024, 10, 27), 25), ((2024, 6, 1), 24)],
    ids=["spring", "autumn", "summer"],
)
def test_days_of_the_clock_changes_have_23_and_25_hours(day: tuple[int, int, int], hours: int) -> None:
    start = to_us(datetime(day[0], day[1], day[2], tzinfo=BERLIN))
    bounds = series.edges(start, start + HOUR, "day")
    assert np.diff(bounds).tolist() == [hours * HOUR]
    times = np.arange(bounds[0], bounds[1], HOUR)
    assert series.regular(times, np.ones(len(times)), bounds, how="sum").value.tolist() == [hours]


def test_counter_with_overflow_and_reset() -> None:
    # Five figures: 99990 → 00015 is 25; then the meter is changed for one at 40.
    times = [us(2024, 1, day) for day in (1, 2, 3, 4)]
    found = series.consumption(times, [99_990.0, 15.0, 40_015.0, 40.0], register_size=100_000)
    assert found.amount.tolist()[:2] == [25.0, 40_000.0]
    assert np.isnan(found.amount[2])
    assert found.event.tolist() == ["overflow", "", "reset"]
    from_zero = series.consumption(times, [99_990.0, 15.0, 40_015.0, 40.0], from_zero=True)
    assert from_zero.amount.tolist() == [15.0, 40_000.0, 40.0]


def test_a_bill_is_spread_evenly_and_its_ends_are_gaps() -> None:
    bounds = series.edges(us(2024, 1, 1), us(2024, 1, 4), "hour")
    frame = series.spread([us(2024, 1, 1, 12)], [us(2024, 1, 2, 12)], [48.0], bounds)
    assert frame.value.sum() == pytest.approx(48.0)
    assert frame.value.dropna().to_numpy() == pytest.approx(2.0)
    assert frame.gap.sum() == len(frame) - 24
    with pytest.raises(ValueError, match="overlap"):
        series.spread([0, 5], [10, 15], [1.0, 1.0], bounds)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 500), st.floats(0, 1e6)), min_size=1, max_size=30),
    st.sampled_from(["15min", "hour", "day", "month"]),
)
def test_spreading_loses_nothing(periods: list[tuple[int, float]], step: series.Step) -> None:
    ends = us(2023, 10, 1) + np.cumsum([length for length, _ in periods]) * HOUR
    starts = np.append(us(2023, 10, 1), ends[:-1])
    amounts = np.array([amount for _, amount in periods])
    bounds = np.unique(np.concatenate([series.edges(int(starts[0]), int(ends[-1]), step), starts, ends]))
    frame = series.spread(starts, ends, amounts, bounds)
    assert np.nansum(frame.value) == pytest.approx(amounts.sum(), rel=1e-9, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.permutations(list(range(12))), st.data())
def test_order_of_arrival_does_not_matter(order: list[int], data: st.DataObject) -> None:
    times = us(2024, 10, 27) + np.arange(12) * HOUR // 2
    values = np.array(data.draw(st.lists(st.floats(-1e3, 1e3), min_size=12, max_size=12)))
    bounds = series.edges(int(times[0]), int(times[-1]) + 1, "hour")
    straight = series.regular(times, values, bounds)
    shuffled = series.regular(times[order], values[order], bounds)
    assert straight.equals(shuffled)


def test_the_doubled_hour_is_told_by_order() -> None:
    local = [datetime(2024, 10, 27, hour) for hour in (1, 2, 2, 3)]
    first = us(2024, 10, 26, 23)
    assert ordered_us(local, BERLIN) == [first + n * HOUR for n in range(4)]
    assert ordered_us(local[::-1], BERLIN) == [first + n * HOUR for n in range(4)][::-1]
    quarters = [datetime(2024, 10, 27, 2, minute) for minute in (0, 15, 30, 45)] * 2
    assert ordered_us(quarters, BERLIN) == [us(2024, 10, 27) + n * HOUR // 4 for n in range(8)]


def test_a_mark_tells_the_doubled_hour() -> None:
    local = [datetime(2024, 10, 27, 2)] * 2
    assert ordered_us(local, BERLIN, [1, 0]) == [us(2024, 10, 27, 1), us(2024, 10, 27, 0)]


def test_the_hour_that_spring_leaves_out_is_no_time() -> None:
    with pytest.raises(ValueError, match="clock change"):
        utc_us(datetime(2024, 3, 31, 2, 30), BERLIN)
    assert ordered_us([datetime(2024, 3, 31, 2, 30)], zone("MEZ")) == [us(2024, 3, 31, 1, 30)]


@pytest.mark.parametrize("name", ["", "Jena", "../etc", "+99:00"])
def test_unknown_zones_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        zone(name)


@settings(max_examples=40, deadline=None)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)), st.integers(2, 60))
def test_hours_of_a_logger_come_back_through_local_time(start: datetime, number: int) -> None:
    first = to_us(start.replace(minute=0, second=0, microsecond=0, tzinfo=UTC))
    times = [first + n * HOUR for n in range(number)]
    local = [datetime.fromtimestamp(time / 1e6, BERLIN).replace(tzinfo=None, fold=0) for time in times]
    found = ordered_us(local, BERLIN)
    # A file that begins in the second of the doubled hours does not say so; all else follows from the order.
    assert found[1:] == times[1:]


def stream(store: Store, unit: Unit, **properties: object) -> int:
    spec = StreamSpec("s", "s", ObservedProperty("Energy", "x:e"), unit, properties=properties)
    return store.ensure(ThingSpec("test", "meter", "Meter", streams=(spec,)))["s"]


def test_a_counter_in_the_store_by_day_in_another_unit(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        meter = stream(store, Unit("MWh", "MW.h"), reading="cumulative", register_size=100)
        days = [to_us(datetime(2024, 3, day, tzinfo=BERLIN)) for day in (30, 31)]
        days.append(to_us(datetime(2024, 4, 1, tzinfo=BERLIN)))
        store.append([NewObservation(meter, t, v) for t, v in zip(days, (99.0, 1.0, 3.0), strict=True)])
        frame = stored_series.read(store, meter, days[0], days[2], "day", unit="kW.h")
        assert frame["value"].tolist() == pytest.approx([2000.0, 2000.0])  # over the register's end: 2 MWh
        hours = stored_series.read(store, meter, days[1], days[2], "hour", unit="kW.h")
        assert (len(hours), hours["value"].iloc[0]) == (23, pytest.approx(2000 / 23))
        with pytest.raises(UnitError):
            stored_series.read(store, meter, days[0], days[2], "day", unit="Cel")


def test_bills_and_states_in_the_store(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        bill = stream(store, Unit("kWh", "kW.h"), reading="consumption")
        first, last = to_us(datetime(2023, 1, 1, tzinfo=BERLIN)), to_us(datetime(2024, 1, 1, tzinfo=BERLIN))
        store.append([NewObservation(bill, first, 365.0, phenomenon_end=last)])
        months = stored_series.read(store, bill, first, last, "month")
        assert months["value"].sum() == pytest.approx(365.0)
        assert months["value"].iloc[0] == pytest.approx(31.0)
        state = store.ensure(
            ThingSpec("test", "room", "Room", streams=(
                StreamSpec("t", "t", ObservedProperty("Temperature", "x:t"), Unit("degree Celsius", "Cel")),
            ))
        )["t"]  # fmt: skip
        store.append(
            [NewObservation(state, first, 20.0), NewObservation(state, first + HOUR // 2, 99.0, flag=4)]
        )
        kelvin = stored_series.read(store, state, first, first + HOUR, "hour", unit="K")
        assert kelvin["value"].tolist() == pytest.approx([293.15])
        with pytest.raises(StoreError):
            stored_series.read(store, 99, first, last, "day")
