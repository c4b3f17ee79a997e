"""Alarms by hand: raised once, ended when over, acknowledged by name; the clock is given."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from sensors import alarms
from sensors.alarms import Alarm, StreamState, standing
from sensors.store import Store
from sensors.store.tables import latest
from sensors.things import NewObservation, ObservedProperty, StreamSpec, ThingSpec, Unit
from tests.sensors.things import at, station
from twin.errors import CallError

MINUTE = 60_000_000


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """A store on SQLite; test_quality_postgres.py has the other."""
    with Store.open(sqlite_url) as opened:
        yield opened


START = at("2024-10-27T00:00")


def stream(
    number: int = 1, thing: int = 1, every: int = 10 * MINUTE, count: int = 5, **other: object
) -> StreamState:
    times = [START + n * every for n in range(count)]
    return StreamState(number, thing, "Air temperature", "Cel", times, **other)  # type: ignore[arg-type]


def test_silence_is_three_usual_intervals() -> None:
    last = START + 40 * MINUTE
    assert standing([stream()], last + 30 * MINUTE) == []
    (alarm,) = standing([stream()], last + 30 * MINUTE + 1)
    assert (alarm.kind, alarm.thing_id, alarm.datastream_id) == ("silent", 1, None)
    assert alarm.began_at == last + 30 * MINUTE
    assert alarm.figures == {"last": "2024-10-27T00:40:00+00:00", "expected_s": 600.0}


def test_a_given_interval_goes_before_the_learnt_one() -> None:
    given = stream(expected_us=60.0 * MINUTE)
    assert standing([given], START + 220 * MINUTE) == []
    assert len(standing([given], START + 221 * MINUTE)) == 1


def test_one_stream_alone_that_falls_silent() -> None:
    dead, alive = stream(1, count=5), stream(2, count=20)
    (alarm,) = standing([dead, alive], alive.times[-1])
    assert alarm.key == ("silent", 1, 1)
    both = standing([dead, alive], alive.times[-1] + 31 * MINUTE, frozenset({alarm.key}))
    assert {one.key for one in both} == {("silent", 1, 1), ("silent", 1, None)}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_values_tell_no_interval(count: int) -> None:
    assert standing([stream(count=count)], START + 10**15) == []


def test_the_history_of_a_file_is_never_silent() -> None:
    assert standing([stream(received=at("2026-01-01"))], at("2026-02-01")) == []


def battery(*values: float, unit: str = "V", name: str = "Battery voltage") -> StreamState:
    times = [START + n * MINUTE for n in range(len(values))]
    return StreamState(7, 3, name, unit, times, values)


def test_battery_low_ends_only_when_clearly_charged() -> None:
    key = frozenset({("battery", 3, 7)})
    now = START + 3 * MINUTE
    assert standing([battery(3.3, 3.3, 3.05)], now) == []
    (alarm,) = standing([battery(2.9, 2.95, 3.3)], now)  # the median of three
    assert alarm.figures == {"value": 2.95, "limit": 3.0, "unit": "V"}
    assert [one.kind for one in standing([battery(3.05, 3.05, 3.05)], now, key)] == ["battery"]
    assert standing([battery(3.2, 3.2, 3.2)], now, key) == []


def test_battery_in_millivolts_and_percent() -> None:
    now = START + MINUTE
    (alarm,) = standing([battery(2900.0, unit="mV")], now)
    assert alarm.figures["limit"] == pytest.approx(3000)
    assert len(standing([battery(14.0, unit="%", name="Battery")], now)) == 1
    assert standing([battery(80.0, unit="%", name="Battery")], now) == []
    assert standing([battery(math.nan)], now) == []


@pytest.mark.parametrize(("name", "unit", "value"), [("RSSI", "dB[mW]", -125.0), ("SNR", "dB", -19.0)])
def test_a_weak_signal(name: str, unit: str, value: float) -> None:
    (alarm,) = standing([battery(value, unit=unit, name=name)], START)
    assert alarm.kind == "signal"


def test_failing_quality_by_share_of_bad_values() -> None:
    half = stream(count=10, flags=[4] * 5 + [1] * 5)
    (alarm,) = standing([half], half.times[-1])
    assert (alarm.kind, alarm.figures) == ("quality", {"share": 0.5, "count": 10})
    fewer = stream(count=10, flags=[4] * 3 + [1] * 7)
    assert standing([fewer], half.times[-1]) == []
    assert len(standing([fewer], half.times[-1], frozenset({alarm.key}))) == 1
    assert standing([stream(count=5, flags=[4] * 5)], START + 41 * MINUTE) == []


# ------------------------------------------------------------------------------------------ in the store
def filled(store: Store, count: int = 6, first: int = 0) -> int:
    """A station that sends every ten minutes as it measures."""
    (stream_id,) = store.ensure(station()).values()
    store.append([NewObservation(stream_id, START + (first + n) * 10 * MINUTE, 5.0) for n in range(count)])
    with store.transaction() as connection:  # received as measured, whatever the clock says today
        connection.execute(latest.update().values(received_at=sa.literal_column("phenomenon_time")))
    return stream_id


def test_raised_once_acknowledged_and_ended(store: Store) -> None:
    filled(store)
    last = START + 50 * MINUTE
    assert alarms.watch(store, now=last + 20 * MINUTE) == alarms.Changes()
    raised = alarms.watch(store, now=last + 31 * MINUTE).raised
    assert [alarm.key for alarm in raised] == [("silent", 1, None)]
    assert alarms.watch(store, now=last + 40 * MINUTE) == alarms.Changes()
    table = alarms.alarms(store)
    assert table["thing"].tolist() == ["Station a"]
    alarm_id = int(table.index[0])
    alarms.acknowledge(store, alarm_id, "  Ada   Lovelace ", now=last + 45 * MINUTE)
    row = alarms.alarms(store).loc[alarm_id]
    assert row["acknowledged_by"] == "Ada Lovelace"
    assert row["acknowledged_at"].isoformat() == "2024-10-27T01:35:00+00:00"
    filled(store, 1, first=11)
    assert alarms.watch(store, now=last + 61 * MINUTE).ended == (("silent", 1, None),)
    assert alarms.alarms(store).empty
    assert alarms.alarms(store, all_=True)["ended_at"].notna().all()
    assert [a.key for a in alarms.watch(store, now=last + 120 * MINUTE).raised] == [("silent", 1, None)]
    assert len(alarms.alarms(store, all_=True)) == 2


@pytest.mark.parametrize(
    ("number", "by", "what"), [(99, "Ada", "no such"), (1, " ", "nobody"), (1, "Eve", "before")]
)
def test_acknowledging_wrongly_is_refused(store: Store, number: int, by: str, what: str) -> None:
    filled(store)
    alarms.watch(store, now=START + 300 * MINUTE)
    alarms.acknowledge(store, 1, "Ada")
    with pytest.raises(CallError, match=what):
        alarms.acknowledge(store, number, by)


def test_a_battery_in_the_store(store: Store) -> None:
    voltage = StreamSpec("b", "Battery", ObservedProperty("Battery voltage", "x:b"), Unit("volt", "V"))
    streams = store.ensure(ThingSpec("test", "node", "Node", streams=(voltage,)))
    store.append([NewObservation(streams["b"], START, 2.8)])
    (alarm,) = alarms.watch(store, now=START).raised
    assert alarm == Alarm("battery", 1, streams["b"], START, {"value": 2.8, "limit": 3.0, "unit": "V"})
