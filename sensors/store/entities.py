"""Entities: inserted, changed with former states kept, deleted as SensorThings says, ensured for feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.errors import StoreError
from sensors.store import tables
from sensors.store.tables import ENTITIES, history, observations
from sensors.things import ANYTHING, StreamSpec, ThingSpec
from sensors.times import now_us

GEOJSON = "application/geo+json"
# What goes with a deleted entity: OGC 18-088, table 25. (entity, column that names the deleted one)
_CASCADE: dict[str, tuple[tuple[str, str], ...]] = {
    "Things": (("Datastreams", "thing_id"), ("HistoricalLocations", "thing_id")),
    "Sensors": (("Datastreams", "sensor_id"),),
    "ObservedProperties": (("Datastreams", "observed_property_id"),),
}


def insert(connection: Connection, entity: str, values: Mapping[str, Any]) -> int:
    """A new row of `entity`, version 1; its id."""
    table = ENTITIES[entity]
    row = {"changed_at": now_us(), **values}
    return int(connection.execute(table.insert().values(row)).inserted_primary_key[0])  # type: ignore[index]


def update(connection: Connection, entity: str, entity_id: int, values: Mapping[str, Any]) -> None:
    """A new version of an entity; its old state goes into the history.

    Raises
    ------
    StoreError : there is no such entity.
    """
    table = ENTITIES[entity]
    old = _state(connection, entity, entity_id)
    connection.execute(
        history.insert().values(
            entity=entity,
            entity_id=entity_id,
            version=old["version"],
            changed_at=old["changed_at"],
            state={name: value for name, value in old.items() if name not in ("version", "changed_at")},
        )
    )
    new = {"changed_at": now_us(), **values, "version": old["version"] + 1}
    connection.execute(table.update().where(table.c.id == entity_id).values(new))


def _state(connection: Connection, entity: str, entity_id: int) -> dict[str, Any]:
    table = ENTITIES[entity]
    row = connection.execute(sa.select(table).where(table.c.id == entity_id)).mappings().first()
    if row is None:
        raise StoreError("there is no such entity", f"{entity}({entity_id})")
    return dict(row)


def delete(connection: Connection, entity: str, entity_id: int) -> None:
    """A tombstone for an entity and for what SensorThings 1.1 deletes with it; repeated, it changes nothing.

    Raises
    ------
    StoreError : there is no such entity.
    """
    if _state(connection, entity, entity_id)["deleted"]:
        return
    update(connection, entity, entity_id, {"deleted": True})
    for other, column in _CASCADE.get(entity, ()):
        table = ENTITIES[other]
        own = sa.select(table.c.id).where(table.c[column] == entity_id, sa.not_(table.c.deleted))
        for other_id in connection.execute(own).scalars().all():
            delete(connection, other, other_id)
    if entity == "Locations":
        _delete_historical_locations(connection, entity_id)
    elif entity == "Datastreams":
        _delete_series(connection, entity_id)
    elif entity == "FeaturesOfInterest":
        _delete_observations_of_feature(connection, entity_id)


def _delete_historical_locations(connection: Connection, location_id: int) -> None:
    link = tables.historical_location_locations
    own = sa.select(link.c.historical_location_id).where(link.c.location_id == location_id)
    for historical_id in connection.execute(own).scalars().all():
        delete(connection, "HistoricalLocations", historical_id)


def _delete_series(connection: Connection, datastream_id: int) -> None:
    connection.execute(
        observations.update()
        .where(observations.c.datastream_id == datastream_id, observations.c.current)
        .values(deleted=True)
    )
    for table in (tables.latest, tables.hourly, tables.daily):
        connection.execute(table.delete().where(table.c.datastream_id == datastream_id))


def _delete_observations_of_feature(connection: Connection, feature_id: int) -> None:
    from sensors.store.observations import remove

    own = sa.select(observations.c.id).where(observations.c.feature_id == feature_id, observations.c.current)
    remove(connection, connection.execute(own).scalars().all())


def ensure(connection: Connection, thing: ThingSpec) -> dict[str, int]:
    """The Thing and its datastreams as described, made or brought up to date; stream key → datastream id."""
    thing_id = _ensure_keyed(
        connection,
        "Things",
        thing.source,
        thing.key,
        {
            "name": thing.name,
            "description": thing.description,
            "kind": thing.kind,
            "building_id": thing.building_id,
            "tree_id": thing.tree_id,
            "street": thing.street,
            "public": thing.public,
            "simulated": thing.simulated,
            "properties": dict(thing.properties) or None,
        },
    )
    if thing.location is not None:
        _ensure_location(connection, thing_id, thing)
    return {stream.key: _ensure_stream(connection, thing_id, thing, stream) for stream in thing.streams}


def _ensure_keyed(
    connection: Connection, entity: str, source: str, key: str, values: Mapping[str, Any]
) -> int:
    table = ENTITIES[entity]
    found = (
        connection.execute(sa.select(table).where(table.c.source == source, table.c.source_key == key))
        .mappings()
        .first()
    )
    if found is None:
        return insert(connection, entity, {**values, "source": source, "source_key": key})
    changed = {name: value for name, value in {**values, "deleted": False}.items() if found[name] != value}
    if changed:
        update(connection, entity, found["id"], changed)
    return int(found["id"])


def _ensure_stream(connection: Connection, thing_id: int, thing: ThingSpec, stream: StreamSpec) -> int:
    property_id = _ensure_named(
        connection,
        "ObservedProperties",
        {"name": stream.property.name, "definition": stream.property.definition},
        {"description": stream.property.description},
    )
    sensor_id = _ensure_named(
        connection,
        "Sensors",
        {"name": stream.sensor},
        {"encoding_type": "text/plain", "metadata": stream.sensor},
    )
    values = {
        "name": stream.name,
        "description": stream.description,
        "thing_id": thing_id,
        "sensor_id": sensor_id,
        "observed_property_id": property_id,
        "observation_type": stream.observation_type or ANYTHING,
        "unit_name": stream.unit.name or None,
        "unit_symbol": stream.unit.ucum or None,
        "unit_definition": stream.unit.definition or None,
        "properties": dict(stream.properties) or None,
    }
    # A stream's key is unique within its Thing's source only together with the Thing's.
    return _ensure_keyed(connection, "Datastreams", thing.source, f"{thing.key}/{stream.key}", values)


def _ensure_named(
    connection: Connection, entity: str, key: Mapping[str, Any], values: Mapping[str, Any]
) -> int:
    table = ENTITIES[entity]
    same = [table.c[name] == value for name, value in key.items()]
    found = connection.execute(
        sa.select(table.c.id).where(*same, sa.not_(table.c.deleted)).order_by(table.c.id).limit(1)
    ).scalar()
    return int(found) if found is not None else insert(connection, entity, {**key, **values})


def _ensure_location(connection: Connection, thing_id: int, thing: ThingSpec) -> None:
    """A moved Thing gets a further Location, and a HistoricalLocation says since when."""
    link, locations = tables.thing_locations, tables.locations
    present = connection.execute(
        sa.select(locations.c.location)
        .join(link, link.c.location_id == locations.c.id)
        .where(link.c.thing_id == thing_id, sa.not_(locations.c.deleted))
    ).scalars()
    assert thing.location is not None
    place = dict(thing.location)
    if place in list(present):
        return
    location_id = insert(
        connection, "Locations", {"name": thing.name, "encoding_type": GEOJSON, "location": place}
    )
    set_locations(connection, thing_id, [location_id], now_us())


def set_locations(connection: Connection, thing_id: int, location_ids: Iterable[int], time: int) -> int:
    """The Thing is at these Locations since `time`; the id of the HistoricalLocation that says so."""
    link, past = tables.thing_locations, tables.historical_location_locations
    ids = sorted(set(location_ids))
    connection.execute(link.delete().where(link.c.thing_id == thing_id))
    historical_id = insert(connection, "HistoricalLocations", {"thing_id": thing_id, "time": time})
    for location_id in ids:
        connection.execute(link.insert().values(thing_id=thing_id, location_id=location_id))
        connection.execute(
            past.insert().values(historical_location_id=historical_id, location_id=location_id)
        )
    return historical_id
