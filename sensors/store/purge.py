"""Removing a Thing with everything that the store knows of it, as a person may ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.errors import StoreError
from sensors.store import tables as t
from sensors.store.database import reported
from sensors.store.sql import chosen
from sensors.store.store import Store


@dataclass(frozen=True)
class Purged:
    """Rows that go with a Thing: observations in all versions, datastreams, messages set aside."""

    observations: int
    datastreams: int
    set_aside: int


def purge(store: Store, thing_id: int, *, wipe: bool = True) -> Purged:
    """Removes a Thing, its datastreams, observations, places, alarms, findings and all their former versions.

    Sensors, Locations and features of interest go too where nothing else refers to them.

    wipe : the database's files are written anew, so that nothing of it stands there either. Backups are not
    touched: they end with their own time.

    Raises
    ------
    StoreError : there is no such Thing.
    """
    with store.transaction() as connection:
        gone = _purge(connection, thing_id)
    if wipe:
        _wipe(store)
    return gone


def would_purge(store: Store, thing_id: int) -> tuple[str, Purged]:
    """The Thing's name, and what `purge` would remove with it.

    Raises
    ------
    StoreError : there is no such Thing.
    """
    with store.connect() as connection:
        thing = _thing(connection, thing_id)
        streams = sa.select(t.datastreams.c.id).where(t.datastreams.c.thing_id == thing_id)

        def rows(table: sa.Table, *which: sa.ColumnElement[bool]) -> int:
            count = sa.select(sa.func.count()).select_from(table).where(*which)
            return connection.execute(count).scalar_one()

        going = Purged(
            rows(t.observations, t.observations.c.datastream_id.in_(streams)),
            rows(t.datastreams, t.datastreams.c.thing_id == thing_id),
            rows(t.set_aside, t.set_aside.c.device == thing["source_key"]) if thing["source_key"] else 0,
        )
    return thing["name"], going


def _thing(connection: Connection, thing_id: int) -> sa.RowMapping:
    thing = connection.execute(sa.select(t.things).where(t.things.c.id == thing_id)).mappings().first()
    if thing is None:
        raise StoreError("there is no such Thing", f"Thing {thing_id}", "See: lobeda sensors status")
    return thing


def _purge(connection: Connection, thing_id: int) -> Purged:
    thing = _thing(connection, thing_id)
    d = t.datastreams.c
    rows = connection.execute(sa.select(d.id, d.sensor_id).where(d.thing_id == thing_id)).all()
    streams = {int(row[0]) for row in rows}
    sensors = {int(row[1]) for row in rows}
    features, removed = _observations(connection, streams)
    connection.execute(t.alarms.delete().where(t.alarms.c.thing_id == thing_id))
    _remove(connection, "Datastreams", streams)
    _unused_sensors(connection, sensors)
    _places(connection, thing_id, features)
    _remove(connection, "Things", {thing_id})
    aside = 0
    if thing["source_key"]:
        own = t.set_aside.c.device == thing["source_key"]
        aside = connection.execute(t.set_aside.delete().where(own)).rowcount
    return Purged(removed, len(streams), aside)


def _observations(connection: Connection, streams: set[int]) -> tuple[set[int], int]:
    """Removes the observations and roll-ups; the features they named, and how many rows there were."""
    o = t.observations.c
    own = o.datastream_id.in_(chosen(connection, streams))
    named = sa.select(o.feature_id).where(own, o.feature_id.is_not(None)).distinct()
    features = {int(one) for one in connection.execute(named).scalars()}
    removed = connection.execute(t.observations.delete().where(own)).rowcount
    for table in (t.latest, t.hourly, t.daily, t.findings):
        connection.execute(table.delete().where(table.c.datastream_id.in_(chosen(connection, streams))))
    return features, removed


def _unused_sensors(connection: Connection, sensors: set[int]) -> None:
    used = connection.execute(
        sa.select(t.datastreams.c.sensor_id).where(t.datastreams.c.sensor_id.in_(chosen(connection, sensors)))
    ).scalars()
    _remove(connection, "Sensors", sensors - set(used))


def _places(connection: Connection, thing_id: int, features: set[int]) -> None:
    """Where the Thing is and was, and the features of interest, where nothing else refers to them."""
    h, past, link = t.historical_locations, t.historical_location_locations, t.thing_locations
    own = connection.execute(sa.select(h.c.id).where(h.c.thing_id == thing_id)).scalars()
    times = {int(one) for one in own}
    here = sa.select(link.c.location_id).where(link.c.thing_id == thing_id)
    there = sa.select(past.c.location_id).where(past.c.historical_location_id.in_(chosen(connection, times)))
    places = {int(one) for query in (here, there) for one in connection.execute(query).scalars()}
    connection.execute(past.delete().where(past.c.historical_location_id.in_(chosen(connection, times))))
    connection.execute(link.delete().where(link.c.thing_id == thing_id))
    _remove(connection, "HistoricalLocations", times)
    for other in (link, past):
        used = sa.select(other.c.location_id).where(other.c.location_id.in_(chosen(connection, places)))
        places -= {int(one) for one in connection.execute(used).scalars()}
    f, o = t.features_of_interest.c, t.observations.c
    made = connection.execute(sa.select(f.id).where(f.location_id.in_(chosen(connection, places)))).scalars()
    features |= {int(one) for one in made}
    used = sa.select(o.feature_id).where(o.feature_id.in_(chosen(connection, features)))
    still = {int(one) for one in connection.execute(used).scalars()}
    connection.execute(
        t.features_of_interest.update().where(f.id.in_(chosen(connection, still))).values(location_id=None)
    )
    _remove(connection, "FeaturesOfInterest", features - still)
    _remove(connection, "Locations", places)


def _remove(connection: Connection, entity: str, ids: Iterable[int]) -> None:
    """Removes rows and their former states."""
    table, wanted = t.ENTITIES[entity], set(ids)
    connection.execute(
        t.history.delete().where(
            t.history.c.entity == entity, t.history.c.entity_id.in_(chosen(connection, wanted))
        )
    )
    connection.execute(table.delete().where(table.c.id.in_(chosen(connection, wanted))))


def _wipe(store: Store) -> None:
    """Writes the files anew without what was removed, and empties SQLite's log."""
    with reported(store.engine.url), store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if store.engine.dialect.name == "sqlite":
            driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        driver.rollback()  # the pool's question whether it lives began a transaction
        driver.autocommit = True
        try:
            names = ", ".join(table.name for table in t.metadata.sorted_tables)
            driver.cursor().execute(f"VACUUM (FULL) {names}")
        finally:
            driver.autocommit = False
