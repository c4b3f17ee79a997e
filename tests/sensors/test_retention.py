"""Retention by rule, and the removal of a Thing with all that is known of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from sensors.errors import StoreError
from sensors.store import Store
from sensors.store.purge import purge
from sensors.store.retention import Kept, apply, drop_rule, rules, set_rule
from sensors.store.tables import metadata
from sensors.things import NewObservation
from tests.sensors import model
from tests.sensors.things import at, station, value
from twin.errors import CallError

NOW = at("2026-06-01T00:00")


def days(stream: int, first: str, count: int) -> list[NewObservation]:
    """Four values a day."""
    return [NewObservation(stream, at(first) + i * 21_600_000_000, float(i)) for i in range(4 * count)]


def test_rules_leave_roll_ups_then_nothing(store: Store) -> None:
    stream = store.ensure(station())["t"]
    stored = store.append(days(stream, "2026-05-01", 30))
    store.correct(stored[0].id, {"result": 5.0})
    store.remove([stored[1].id])
    before = store.series(stream, step="day")
    set_rule(store, 10, 20, kind="weather")
    assert apply(store, now=NOW).observations > 70
    raw, hours, kept = (store.series(stream, step=step) for step in ("raw", "hour", "day"))
    first_raw, first_day = pd.Timestamp("2026-05-21T22:00Z"), pd.Timestamp("2026-05-11T22:00Z")
    assert raw.index[0] >= first_raw > raw.index[0] - pd.Timedelta("6h")
    assert kept.index[0] == first_day and hours.index[0] >= first_day
    pd.testing.assert_frame_equal(kept, before.loc[first_day:])
    assert store.streams().loc[stream, "count"] == len(raw)
    assert apply(store, now=NOW) == Kept()
    store.append([value(stream, "2026-05-15T12:00", 1000.0)])  # late: it counts in what stays of its day
    day = store.series(stream, step="day").loc["2026-05-14T22:00Z"]
    assert day["count"] == 5 and day["max"] == 1000
    store.remove([int(store.series(stream)["id"].iloc[0])])
    assert store.series(stream, step="day").loc["2026-05-14T22:00Z", "count"] == 5


def test_the_most_particular_rule_holds(store: Store) -> None:
    streams = [store.ensure(station(key))["t"] for key in ("a", "b")]
    for stream in streams:
        store.append(days(stream, "2026-05-01", 30))
    set_rule(store, 1, 1)
    set_rule(store, 5, None, kind="weather", observed_property="Air temperature")
    set_rule(store, 2, None, kind="weather")
    apply(store, now=NOW)
    assert [len(store.series(stream)) for stream in streams] == [16, 16]  # the 27th to the 30th
    assert list(rules(store)["keep_raw_days"]) == [1, 5, 2]
    drop_rule(store, int(rules(store).index[0]))
    with pytest.raises(CallError, match="no such rule"):
        drop_rule(store, 999)
    with pytest.raises(CallError, match="at least one day"):
        set_rule(store, 0, None)


def test_deleted_things_go_for_good_after_their_time(store: Store) -> None:
    stream = store.ensure(station())["t"]
    store.append(days(stream, "2026-05-01", 3))
    with store.transaction() as connection:
        store.delete(connection, "Things", 1)
    set_rule(store, None, 30)
    assert apply(store).things == 0
    with store.transaction() as connection:
        connection.exec_driver_sql("UPDATE things SET changed_at = 0")
    assert apply(store).things == 1
    with store.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM observations").scalar() == 0


def everything(store: Store) -> str:
    with store.connect() as connection:
        return repr([list(connection.execute(sa.select(table))) for table in metadata.sorted_tables])


def test_a_purged_thing_leaves_no_trace(store: Store, store_url: str, tmp_path: Path) -> None:
    secret = "Frau-Mustermann"
    other = store.ensure(station("other", location={"type": "Point", "coordinates": [11.0, 50.0]}))["t"]
    kept = store.append([value(other, "2026-05-01T12:00", 1.0)])
    stream = store.ensure(
        station(secret, description=secret, location={"type": "Point", "coordinates": [1, 2]})
    )["t"]
    store.ensure(station(secret, description="", location={"type": "Point", "coordinates": [3, 4]}))
    with store.transaction() as connection:
        feature = store.insert(
            connection, "FeaturesOfInterest", {"name": secret, "encoding_type": "x", "feature": {"x": secret}}
        )
    stored = store.append(
        [
            value(stream, f"2026-05-01T12:{m}", secret, feature_id=feature, source_key=secret + str(m))
            for m in (10, 20)
        ]
    )
    store.correct(stored[0].id, {"result": 1.0})
    store.remove([stored[1].id])
    store.set_aside("feed", secret, "unknown", secret)
    assert secret in everything(store)
    thing = int(store.streams().loc[stream, "thing_id"])
    gone = purge(store, thing)
    assert (gone.observations, gone.datastreams, gone.set_aside) == (4, 1, 1)
    assert secret not in everything(store)
    assert list(store.series(other)["id"]) == [kept[0].id]
    with pytest.raises(StoreError, match="no such Thing"):
        purge(store, thing)
    new = store.append([value(other, "2026-05-01T13:00", 1.0)])
    assert new[0].id > stored[1].id  # numbers are not given again
    model.require_consistent(store)
    if store_url.startswith("sqlite"):
        for file in tmp_path.glob("sensors.sqlite*"):
            assert secret.encode() not in file.read_bytes(), file.name
        with closing(sqlite3.connect(tmp_path / "sensors.sqlite")) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
