"""Whatever the order, batching, duplicates, corrections and deletions: the store says what the values say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.store import Store
from sensors.store.tables import metadata
from sensors.things import NewObservation
from sensors.times import to_us
from tests.sensors import model
from tests.sensors.conftest import postgres, shared_postgres_url  # noqa: F401 - fixtures
from tests.sensors.things import station

# Around both clock changes of 2026, where days have 23 and 25 hours.
_STARTS = [to_us(datetime(2026, 3, 28, 20, tzinfo=UTC)), to_us(datetime(2026, 10, 24, 20, tzinfo=UTC))]
times = st.tuples(st.sampled_from(_STARTS), st.integers(0, 60)).map(
    lambda pair: pair[0] + pair[1] * 1_800_000_000
)
one = st.tuples(
    st.integers(0, 1),
    times,
    st.one_of(st.integers(-1000, 1000).map(float), st.just("text")),
    st.sampled_from([1, 2, 3, 4, 9]),
    st.one_of(st.none(), st.sampled_from("abcdef")),
)
append = st.tuples(st.just("append"), st.lists(one, min_size=1, max_size=8))
remove = st.tuples(st.just("remove"), st.lists(st.integers(0, 30), min_size=1, max_size=3))
correct = st.tuples(
    st.just("correct"), st.tuples(st.integers(0, 30), st.integers(-50, 50), st.none() | times)
)
flag = st.tuples(st.just("flag"), st.tuples(st.integers(0, 30), st.sampled_from([1, 3, 4, 9])))
steps = st.lists(st.one_of(append, append, remove, correct, flag), min_size=1, max_size=12)


class Plain:
    """The same, on a list of dictionaries."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.keys: dict[tuple[int, str], int] = {}

    def append(self, stored_id: int, new: bool, row: dict[str, Any]) -> None:
        key = (row["stream"], row["key"])
        assert new == (row["key"] is None or key not in self.keys)
        if new:
            self.rows.append({**row, "id": stored_id})
            if row["key"] is not None:
                self.keys[key] = stored_id
        else:
            assert self.keys[key] == stored_id

    def living(self) -> list[dict[str, Any]]:
        return sorted(self.rows, key=lambda row: row["id"])


def run(store: Store, actions: list[Any]) -> None:
    ids = sorted(store.ensure(station(streams=("a", "b"))).values())
    plain = Plain()
    for name, what in actions:
        if name == "append":
            batch = [
                NewObservation(ids[s], time, value, flag=f, source_key=key) for s, time, value, f, key in what
            ]
            for new, stored in zip(batch, store.append(batch), strict=True):
                plain.append(
                    stored.id, stored.new,
                    {"stream": new.datastream_id, "time": new.phenomenon_time, "result": new.result,
                     "flag": new.flag, "key": new.source_key},
                )  # fmt: skip
        elif not plain.rows:
            continue
        elif name == "remove":
            gone = {plain.living()[index % len(plain.rows)]["id"] for index in what}
            store.remove(gone)
            plain.rows = [row for row in plain.rows if row["id"] not in gone]
        else:
            change(store, plain, name, what)
    agree(store, plain, ids)


def change(store: Store, plain: Plain, name: str, what: Any) -> None:
    row = plain.living()[what[0] % len(plain.rows)]
    if name == "flag":
        store.set_flags(row["stream"], {row["id"]: what[1]})
        row["flag"] = what[1]
        return
    changes = {"result": what[1]} | ({} if what[2] is None else {"phenomenon_time": what[2]})
    store.correct(row["id"], changes)
    row["result"] = float(what[1])
    row["time"] = changes.get("phenomenon_time", row["time"])


def agree(store: Store, plain: Plain, ids: list[int]) -> None:
    model.require_consistent(store)
    for stream in ids:
        own = sorted(
            (row for row in plain.rows if row["stream"] == stream), key=lambda row: (row["time"], row["id"])
        )
        series = store.series(stream)
        assert list(series["id"]) == [row["id"] for row in own]
        assert list(series["result"]) == [row["result"] for row in own]
        assert list(series["flag"]) == [row["flag"] for row in own]
        assert [time.value // 1000 for time in series.index.as_unit("ns")] == [row["time"] for row in own]
        shown = store.streams().loc[stream]
        assert shown["count"] == len(own)
        if own:
            assert shown["latest_result"] == own[-1]["result"]


def empty(store: Store) -> None:
    with store.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture(scope="module")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('properties') / 's.sqlite'}") as opened:
        yield opened


@settings(max_examples=25, deadline=None)
@given(actions=steps)
def test_sqlite_says_what_the_values_say(sqlite_store: Store, actions: list[Any]) -> None:
    empty(sqlite_store)
    run(sqlite_store, actions)


@pytest.fixture(scope="module")
def postgres_store(shared_postgres_url: str) -> Iterator[Store]:  # noqa: F811
    with Store.open(shared_postgres_url) as opened:
        yield opened
        empty(opened)


@settings(max_examples=10, deadline=None)
@given(actions=steps)
def test_postgresql_says_what_the_values_say(postgres_store: Store, actions: list[Any]) -> None:
    empty(postgres_store)
    run(postgres_store, actions)
