"""Checking what is in the store: incremental, whatever the order and the parts; nothing is deleted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors import quality
from sensors.quality.check import Model
from sensors.store import Store
from sensors.store.tables import findings, observations
from sensors.things import NewObservation
from tests.sensors.things import at, station

HOUR = 3_600_000_000
START = at("2024-01-30T00:00")
NOW = at("2024-03-01T00:00")


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """A store on SQLite; test_quality_postgres.py has the other."""
    with Store.open(sqlite_url) as opened:
        yield opened


def values(stream: int, numbers: list[float], start: int = START) -> list[NewObservation]:
    return [NewObservation(stream, start + n * HOUR, float(number)) for n, number in enumerate(numbers)]


def opened(folder: str, name: str) -> Store:
    return Store.open(f"sqlite:///{folder}/{name}.sqlite")


def flags(store: Store, stream: int) -> list[int]:
    return store.series(stream)["flag"].tolist()


def found(store: Store) -> list[tuple[Any, ...]]:
    """All findings but their ids and when they were found."""
    f = findings.c
    columns = (f.datastream_id, f.check, f.flag, f.start, f.end, f["count"], f.figures)
    with store.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(*columns[:4]))]


def test_a_bad_value_is_flagged_and_told_and_stays(store: Store) -> None:
    (stream,) = store.ensure(station()).values()
    store.append(values(stream, [5, 6, 5, 90, 5, 6, 5]))
    summary = quality.check(store, now=NOW)
    assert (summary.streams, summary.observations) == (1, 7)
    # 90 °C is beyond the range; its neighbours' distance from the middle, 42 K, is a spike too.
    assert flags(store, stream) == [1, 1, 4, 4, 4, 1, 1]
    assert store.series(stream)["result"].tolist() == [5, 6, 5, 90, 5, 6, 5]
    table = quality.findings(store)
    row = table[table["check"] == "range"].iloc[0]
    assert (row["thing"], row["unit"], row["flag"], row["count"]) == ("Station a", "Cel", 4, 1)
    assert row["figures"] == {"low": 90.0, "high": 90.0, "limit_low": -80.0, "limit_high": 60.0}


def test_only_new_data_is_judged_again(store: Store) -> None:
    (stream,) = store.ensure(station()).values()
    store.append(values(stream, [5, 6] * 50))
    quality.check(store, now=NOW)
    assert quality.check(store, now=NOW + 2 * 60_000_000).observations == 0
    store.append(values(stream, [7], START + 100 * HOUR))
    again = quality.check(store, now=NOW + 4 * 60_000_000)
    assert again.observations == 2  # the new one, and the one before it, whose spike test now has both sides


def test_a_correction_and_a_deletion_are_judged_again(store: Store) -> None:
    (stream,) = store.ensure(station()).values()
    ids = [stored.id for stored in store.append(values(stream, [5, 6, 90, 6, 5]))]
    quality.check(store, now=NOW)
    assert 4 in flags(store, stream)
    store.correct(ids[2], {"result": 5.5})
    quality.check(store, now=NOW + HOUR)
    assert flags(store, stream) == [1] * 5
    assert found(store) == []
    store.correct(ids[4], {"result": 99.0})
    quality.check(store, now=NOW + 2 * HOUR)
    assert flags(store, stream)[4] == 4
    store.remove([ids[4]])
    quality.check(store, now=NOW + 3 * HOUR)
    assert flags(store, stream) == [1] * 4
    assert found(store) == []


@settings(max_examples=4, deadline=None)
@given(st.data())
def test_parts_and_order_do_not_matter(data: st.DataObject) -> None:
    numbers = data.draw(
        st.lists(st.sampled_from([5.0, 5.0, 5.02, 6.0, 12.0, 30.0, 99.0]), min_size=60, max_size=90)
    )
    numbers[20:46] = [5.0] * 26  # a flat line, over the month's end
    shuffled = data.draw(st.permutations(range(len(numbers))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(numbers) - 1), max_size=4)))
    with tempfile.TemporaryDirectory() as folder, opened(folder, "a") as once, opened(folder, "b") as parts:
        everything = values(next(iter(once.ensure(station()).values())), numbers)
        parts.ensure(station())
        once.append(everything)
        quality.check(once, now=NOW)
        late = [everything[i] for i in shuffled]
        for number, (a, b) in enumerate(zip([0, *cuts], [*cuts, len(late)], strict=True)):
            parts.append(late[a:b])
            quality.check(parts, now=NOW + number * HOUR)
        stream = everything[0].datastream_id
        assert flags(once, stream) == flags(parts, stream)
        without_gaps = [[row for row in found(store) if row[1] != "gap"] for store in (once, parts)]
        assert without_gaps[0] == without_gaps[1]


def test_neighbours_are_asked_also_when_they_come_later(store: Store) -> None:
    specs = [
        replace(station(key), location={"type": "Point", "coordinates": [11.6, 50.88 + n / 1000]})
        for n, key in enumerate("abc")
    ]
    a, b, c = (next(iter(store.ensure(spec).values())) for spec in specs)
    store.append(values(a, [5, 5.5, 6, 6.5]))
    quality.check(store, now=NOW)
    assert flags(store, a) == [1] * 4
    store.append(values(b, [15, 15, 15, 15.5]) + values(c, [15.5, 16, 15, 15]))
    quality.check(store, now=NOW + HOUR)
    assert flags(store, a) == [3] * 4
    assert {row[1] for row in found(store)} == {"neighbours"}


def test_a_flat_line_over_two_months_is_told_once(store: Store) -> None:
    (stream,) = store.ensure(station()).values()
    store.append(values(stream, [5.0] * 80))
    quality.check(store, now=NOW)
    table = quality.findings(store)
    assert table["check"].tolist() == ["flat", "flat"]  # suspect after 12 hours, bad after 24
    assert sorted(zip(table["flag"], table["count"], strict=True)) == [(3, 12), (4, 56)]


def test_against_a_model(store: Store) -> None:
    (stream,) = store.ensure(station()).values()
    store.append(values(stream, [5, 6, 9, 6]))
    quality.check(store, now=NOW, model=lambda _, times: Model(np.full(len(times), 6.0), 2.0))
    assert flags(store, stream) == [1, 1, 3, 1]


def test_a_gap_is_a_finding_without_a_flag(store: Store) -> None:
    (stream,) = store.ensure(station()).values()
    store.append(values(stream, [5, 6, 5, 6]) + values(stream, [6, 5], START + 30 * HOUR))
    quality.check(store, now=NOW)
    row = quality.findings(store).set_index("check").loc["gap"]
    assert row["figures"] == {"hours": 27.0, "expected_h": 1.0}
    assert set(flags(store, stream)) == {1}


def test_texts_and_unknown_properties_stay_unjudged(store: Store) -> None:
    spec = station(streams=("t", "word"))
    streams = store.ensure(spec)
    store.append([NewObservation(streams["word"], START, "green")])
    quality.check(store, now=NOW)
    assert flags(store, streams["word"]) == [2]


def test_flags_of_all_versions_stay_in_the_table(store: Store) -> None:
    (stream,) = store.ensure(station()).values()
    store.append(values(stream, [5, 90, 5]))
    with store.connect() as connection:
        before = connection.execute(sa.select(sa.func.count()).select_from(observations)).scalar()
    quality.check(store, now=NOW)
    with store.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(observations)).scalar() == before


def test_streams_without_a_unit_do_not_stop_the_check_of_others(store: Store) -> None:
    """Jena's traffic lights have text values and no unit."""
    (stream,) = store.ensure(station()).values()
    (light,) = store.ensure(station("light")).values()
    with store.transaction() as connection:
        store.update(connection, "Datastreams", light, {"unit_symbol": None, "unit_name": None})
    assert store.streams().loc[light, "unit_symbol"] is None
    store.append([*values(stream, [5, 6, 5, 90, 5]), NewObservation(light, START, "green")])
    quality.check(store, now=NOW)
    assert flags(store, stream)[3] == 4
