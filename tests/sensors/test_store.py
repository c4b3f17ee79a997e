"""The store's contract: what goes in comes out, once, in the right place."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from sensors.errors import ObservationError, StoreError
from sensors.store import Store, Stored
from sensors.store.tables import history, observations
from sensors.things import NewObservation
from tests.sensors.things import at, station, value


def test_ensure_is_idempotent_and_keeps_former_states(store: Store) -> None:
    place = {"type": "Point", "coordinates": [11.6, 50.88]}
    first = store.ensure(station(streams=("t", "u"), location=place, building_id="B1"))
    assert store.ensure(station(streams=("t", "u"), location=place, building_id="B1")) == first
    assert list(store.streams()["building_id"]) == ["B1", "B1"]
    store.ensure(station(streams=("t",), location=place, building_id="B2"))
    table = store.streams(building_id="B2")
    assert list(table.index) == sorted(first.values())
    assert tuple(table.iloc[0][["longitude", "latitude"]]) == (11.6, 50.88)
    with store.connect() as connection:
        old = connection.execute(sa.select(history)).mappings().all()
    assert [(row["entity"], row["version"], row["state"]["building_id"]) for row in old] == [
        ("Things", 1, "B1")
    ]


def test_a_stream_shows_its_latest_value_whatever_the_order(store: Store) -> None:
    stream = store.ensure(station(simulated=True))["t"]
    assert store.streams().loc[stream, "count"] == 0
    assert pd.isna(store.streams().loc[stream, "latest_time"])
    store.append([value(stream, "2026-05-01T12:00", 20.5), value(stream, "2026-05-01T11:00", 19.0)])
    store.append([value(stream, "2026-05-01T10:00", 18.0, flag=1)])
    row = store.streams(kind="weather").loc[stream]
    assert row["latest_result"] == 20.5 and row["count"] == 3 and row["simulated"]
    assert row["latest_time"] == pd.Timestamp("2026-05-01T12:00Z")
    assert row["unit_symbol"] == "Cel" and row["property"] == "Air temperature"
    assert store.streams(public_only=True).empty


def test_only_the_sources_own_id_makes_a_duplicate(store: Store) -> None:
    stream = store.ensure(station())["t"]
    same = value(stream, "2026-05-01T12:00", 1.0)
    assert [one.new for one in store.append([same, same])] == [True, True]
    keyed = value(stream, "2026-05-01T12:00", 2.0, source_key="a:1")
    first, again = store.append([keyed, keyed])
    assert first.new and again == Stored(first.id, False)
    assert store.append([keyed]) == [Stored(first.id, False)]
    assert store.streams().loc[stream, "count"] == 3


def test_roll_ups_follow_berlins_days(store: Store) -> None:
    """2026-03-29 has 23 hours, 2026-10-25 has 25 (Directive 2000/84/EC: last Sundays, 01:00 UTC)."""
    stream = store.ensure(station())["t"]
    for start, end in (("2026-03-28", "2026-03-31"), ("2026-10-24", "2026-10-27")):
        hours = pd.date_range(start, end, freq="h", tz="UTC", inclusive="left")
        store.append([NewObservation(stream, int(time.value) // 1000, 1.0) for time in hours])
    days = store.series(stream, step="day")
    assert days.loc["2026-03-28T23:00Z", "count"] == 23
    assert days.loc["2026-03-29T22:00Z", "count"] == 24
    assert days.loc["2026-10-24T22:00Z", "count"] == 25
    assert days.loc["2026-10-25T23:00Z", "sum"] == 24.0


def test_late_corrected_removed_and_flagged_values_reach_the_roll_ups(store: Store) -> None:
    stream = store.ensure(station())["t"]
    ids = [
        one.id for one in store.append([value(stream, f"2026-05-01T12:{m}", float(m)) for m in (10, 20, 30)])
    ]
    store.append([value(stream, "2026-05-01T12:05", 0.0)])  # late
    hour = store.series(stream, step="hour").iloc[0]
    assert (hour["count"], hour["mean"], hour["min"], hour["max"], hour["last"]) == (4, 15, 0, 30, 30)
    store.correct(ids[2], {"result": 6.0})
    store.remove([ids[0]])
    hour = store.series(stream, step="hour").iloc[0]
    assert (hour["count"], hour["sum"], hour["last"], hour["worst_flag"]) == (3, 26, 6, 2)
    assert store.streams().loc[stream, "latest_result"] == 6.0
    store.set_flags(stream, {ids[1]: 4})
    hour = store.series(stream, step="hour").iloc[0]
    assert (hour["count"], hour["sum"], hour["worst_flag"]) == (2, 6, 4)
    assert list(store.series(stream)["result"]) == [0.0, 20.0, 6.0]
    with store.connect() as connection:
        versions = connection.execute(sa.select(observations.c.result).where(observations.c.id == ids[2]))
        assert sorted(versions.scalars()) == [6.0, 30.0]


def test_texts_truths_and_structures_are_results_too(store: Store) -> None:
    stream = store.ensure(station())["t"]
    results = ["open", True, {"a": [1, None]}, 3.5]
    store.append([value(stream, f"2026-05-01T12:0{i}", result) for i, result in enumerate(results)])
    assert list(store.series(stream)["result"]) == results
    assert store.series(stream, step="hour")["count"].iloc[0] == 1


@pytest.mark.parametrize(
    "bad",
    [
        NewObservation(1, 0, math.nan), NewObservation(1, 0, math.inf), NewObservation(1, 10**18, 1.0),
        NewObservation(1, 0, 1.0, flag=7), NewObservation(1, 10, 1.0, phenomenon_end=5),
        NewObservation(999, 0, 1.0), NewObservation(1, 0, object()),
        NewObservation(1, 0, 1.0, feature_id=999), NewObservation(1, 0, 1e300), NewObservation(1, 0, 10**400),
        NewObservation(2**70, 0, 1.0), NewObservation(1, 0, 1.0, feature_id=2**70),
        NewObservation(1, 0, 1.0, source_key="a\0b"), NewObservation(1, 0, "\ud800"),
        NewObservation(1, 0.5, 1.0),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_what_cannot_be_stored_is_refused_and_stops_nobody(store: Store, bad: NewObservation) -> None:
    stream = store.ensure(station())["t"]
    good = store.submit([NewObservation(stream, 0, 1.0)])
    with pytest.raises(ObservationError):
        store.append([NewObservation(stream, 1, 1.0), bad])
    assert good.result()[0].new
    assert store.streams().loc[stream, "count"] == 1


def test_a_deleted_thing_takes_its_streams_along_and_comes_back_empty(store: Store) -> None:
    stream = store.ensure(station())["t"]
    store.append([value(stream, "2026-05-01T12:00", 1.0)])
    with store.transaction() as connection:
        store.delete(connection, "Things", int(store.streams()["thing_id"].iloc[0]))
    assert store.streams().empty and store.series(stream).empty and store.series(stream, step="day").empty
    with pytest.raises(ObservationError, match="no datastream"):
        store.append([value(stream, "2026-05-01T12:00", 1.0)])
    assert store.ensure(station())["t"] == stream
    assert store.streams().loc[stream, "count"] == 0


def test_one_transaction_holds_entities_and_observations(store: Store) -> None:
    with pytest.raises(RuntimeError, match="stop"), store.transaction() as connection:
        stream = store.ensure(station(), connection=connection)["t"]
        store.append([value(stream, "2026-05-01T12:00", 1.0)], connection=connection)
        with pytest.raises(StoreError, match="Pass its connection"):
            store.append([value(stream, "2026-05-01T12:00", 1.0)])
        raise RuntimeError("stop")
    assert store.streams().empty


def test_feeds_keep_counters_states_and_what_they_set_aside(store: Store) -> None:
    store.count("lora", {"received": 2})
    store.count("lora", {"received": 3, "lost_frames": 1})
    assert dict(zip(store.counters()["counter"], store.counters()["value"], strict=True)) == {
        "lost_frames": 1,
        "received": 5,
    }
    assert store.state("lora", "next") is None
    store.put_state("lora", "next", {"link": "x"})
    store.put_state("lora", "next", {"link": "y"})
    assert store.state("lora", "next") == {"link": "y"}
    store.set_aside("lora", "0102", "unknown device", "{}")


def test_series_takes_a_half_open_stretch(store: Store) -> None:
    stream = store.ensure(station())["t"]
    store.append([value(stream, f"2026-05-01T{hour}:00", float(hour)) for hour in (10, 11, 12)])
    start, end = pd.Timestamp("2026-05-01T10:00Z"), pd.Timestamp("2026-05-01T12:00Z")
    assert list(store.series(stream, start, end)["result"]) == [10.0, 11.0]
    assert list(store.series(stream, start, end, step="hour")["sum"]) == [10.0, 11.0]
    assert at("2026-05-01T10:00") == int(store.series(stream).index[0].value) // 1000


def test_numbers_of_a_table_are_numbers(store: Store) -> None:
    """NumPy's integers, as tables have them, name the same rows as Python's."""
    stream = np.int64(store.ensure(station())["t"])
    (stored,) = store.append([value(int(stream), "2026-05-01T12:00", 1.0)])
    number = np.int64(stored.id)
    store.set_flags(stream, {number: np.int64(3)})
    assert store.series(stream)["flag"].tolist() == [3]
    assert len(store.series(stream, step="hour")) == 1
    store.correct(number, {"result": 2.0})
    assert store.series(stream)["result"].tolist() == [2.0]
    store.remove(np.array([number]))
    assert store.series(stream).empty
