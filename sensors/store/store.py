"""The store: one object that feeds, services and views share; safe from any thread."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self

import pandas as pd
from sqlalchemy.engine import Connection, Engine

from sensors.errors import StoreError
from sensors.store import entities, feeds, observations, reading, schema
from sensors.store.database import Opened, create_engine, database_url, reported, shown
from sensors.store.observations import Row, Stored
from sensors.store.reading import Step
from sensors.store.writer import Writer
from sensors.things import NewObservation, ThingSpec


class Store(Opened):
    """Observations and what they belong to, in SQLite or PostgreSQL; see `Store.open`.

    Methods that write take part in a transaction of the caller's where `connection` is given, and else are
    one of their own.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._writer = Writer(self._commit)

    @classmethod
    def open(cls, url: str | None = None) -> Self:
        """Opens the database, made or brought up to this version where needed.

        url : SQLAlchemy address; None: LOBEDA_DATABASE_URL, else a SQLite file in LOBEDA_DATA or the user's
        data folder.

        Raises
        ------
        StoreError : the database cannot be reached, or is of a newer version.
        CallError : the address is none of SQLite or PostgreSQL.
        """
        address = database_url(url)
        with reported(address):
            engine = create_engine(address)
            try:
                schema.ready(engine)
            except BaseException:
                engine.dispose()
                raise
        return cls(engine)

    def close(self) -> None:
        """Writes what waits and lets the database go."""
        self._writer.close()
        super().close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection for writing, committed at the end and rolled back on an error; one at a time."""
        if self._owner == threading.get_ident():
            raise StoreError(
                "a transaction is open in this thread already", shown(self.engine.url), "Pass its connection"
            )
        with self._lock:
            self._owner = threading.get_ident()
            try:
                with super().transaction() as connection:
                    yield connection
            finally:
                self._owner = None

    @contextmanager
    def _within(self, connection: Connection | None) -> Iterator[Connection]:
        if connection is not None:
            yield connection
            return
        with self.transaction() as own:
            yield own

    # Entities

    def ensure(self, thing: ThingSpec, *, connection: Connection | None = None) -> dict[str, int]:
        """A feed's Thing as described, created or brought up to date; stream key → datastream id."""
        with self._within(connection) as within:
            return entities.ensure(within, thing)

    def insert(self, connection: Connection, entity: str, values: Mapping[str, Any]) -> int:
        """A new row of an entity ("Things", "Locations", …), version 1; its id."""
        return entities.insert(connection, entity, values)

    def update(self, connection: Connection, entity: str, entity_id: int, values: Mapping[str, Any]) -> None:
        """A new version of an entity; its old state goes into the history."""
        entities.update(connection, entity, entity_id, values)

    def delete(self, connection: Connection, entity: str, entity_id: int) -> None:
        """A tombstone for an entity and for what SensorThings 1.1 deletes with it."""
        entities.delete(connection, entity, entity_id)

    # Observations

    def append(self, new: Sequence[NewObservation], *, connection: Connection | None = None) -> list[Stored]:
        """Stores observations, all or none; returns when they are on the disk.

        With `connection` they are on the disk when that transaction is.

        Raises
        ------
        ObservationError : one of them cannot be stored.
        StoreError : the database is gone or full; nothing was stored.
        """
        if connection is not None:
            return observations.append(connection, [observations.check(one) for one in new])
        return self.submit(new).result()

    def submit(self, new: Sequence[NewObservation]) -> Future[list[Stored]]:
        """`append` without waiting for the disk; waits itself only while too much is waiting already."""
        rows = [observations.check(one) for one in new]
        if self._owner == threading.get_ident():
            raise StoreError(
                "a transaction is open in this thread",
                shown(self.engine.url),
                "Pass its connection to append()",
            )
        return self._writer.submit(rows)

    @property
    def waiting(self) -> int:
        """How many observations wait for their commit."""
        return self._writer.waiting

    def _commit(self, groups: list[Sequence[Row]]) -> list[list[Stored]]:
        with self.transaction() as connection:
            stored = iter(observations.append(connection, [row for rows in groups for row in rows]))
        return [[next(stored) for _ in rows] for rows in groups]

    def correct(
        self, observation_id: int, changes: Mapping[str, Any], *, connection: Connection | None = None
    ) -> None:
        """Writes a new version of an observation: `changes` by column, `result` of any kind."""
        with self._within(connection) as within:
            observations.correct(within, int(observation_id), changes)

    def remove(self, observation_ids: Iterable[int], *, connection: Connection | None = None) -> None:
        """Writes tombstones for observations."""
        with self._within(connection) as within:
            observations.remove(within, [int(number) for number in observation_ids])

    def set_flags(
        self, datastream_id: int, flags: Mapping[int, int], *, connection: Connection | None = None
    ) -> None:
        """Sets quality flags, by observation id, in one datastream; values never change."""
        with self._within(connection) as within:
            observations.set_flags(
                within, int(datastream_id), {int(number): int(flag) for number, flag in flags.items()}
            )

    # Reading

    def streams(
        self, *, kind: str | None = None, building_id: str | None = None, public_only: bool = False
    ) -> pd.DataFrame:
        """One row a datastream, with its Thing, place, unit and latest value; index datastream_id."""
        with self.connect() as connection:
            return reading.streams(connection, kind=kind, building_id=building_id, public_only=public_only)

    def series(
        self,
        datastream_id: int,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        step: Step = "raw",
    ) -> pd.DataFrame:
        """A datastream's series from `start` until before `end`, raw or by hour or Berlin day; UTC index."""
        with self.connect() as connection:
            # Numbers of a table are NumPy's, which SQLite takes for other types and finds nothing.
            return reading.series(connection, int(datastream_id), start, end, step)

    # Feeds

    def set_aside(
        self, feed: str, device: str, reason: str, payload: str, *, connection: Connection | None = None
    ) -> None:
        """Keeps a message whole that nobody can store yet."""
        with self._within(connection) as within:
            feeds.put_aside(within, feed, device, reason, payload)

    def count(
        self, feed: str, increments: Mapping[str, int], *, connection: Connection | None = None
    ) -> None:
        """Adds to the counters of a feed."""
        with self._within(connection) as within:
            feeds.count(within, feed, increments)

    def counters(self) -> pd.DataFrame:
        """All counters: feed, counter, value."""
        with self.connect() as connection:
            return feeds.counters(connection)

    def beats(self) -> pd.DataFrame:
        """The feeds that another process runs, as they said last: feed, state, age_s."""
        with self.connect() as connection:
            return feeds.beats(connection)

    def state(self, feed: str, key: str) -> Any | None:
        """What a feed noted under `key`; None: nothing."""
        with self.connect() as connection:
            return feeds.state(connection, feed, key)

    def put_state(self, feed: str, key: str, value: Any, *, connection: Connection | None = None) -> None:
        """Notes any JSON value under `key`; None clears it."""
        with self._within(connection) as within:
            feeds.put_state(within, feed, key, value)
