"""Creating entities (18-088, clause 10.2): links to others by id, new others inline, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sensors.store import Store, tables
from sensors.store.entities import set_locations
from sensors.things import NewObservation
from sensors.times import now_us
from viewer.api.sensorthings.checks import Checked, Link, check, phenomenon_time
from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.features import Features
from viewer.api.sensorthings.model import ENTITIES, Entity, Relation, inverse, live

MAX_CREATED = 20_000
_EMPTY: Mapping[str, Link] = {}


class Creator:
    """Creates what one request asks for, within one transaction."""

    def __init__(self, store: Store, features: Features, connection: sa.Connection) -> None:
        self.store = store
        self.features = features
        self.connection = connection
        self._waiting: list[tuple[Checked, int | None, int | None, str]] = []
        self._created = 0

    def create(self, entity: Entity, body: Mapping[str, Any], given: tuple[Relation, int] | None) -> int:
        """One entity and all that is inline in it; its id.

        Parameters
        ----------
        given : a relation that leads to this entity, and the id of the one that it leads from.

        Raises
        ------
        BadRequestError : the body is not one of such an entity.
        """
        preset: dict[str, Link] = {}
        if given is not None:
            back = inverse_of(given[0], entity)
            preset[back.name] = Link(given[1], None, entity.singular)
        if entity.plural == "Observations":
            self._observation(body, preset, entity.singular)
            return self._store_observations()[0]
        identifier = self._entity(entity, body, preset, entity.singular)
        self._store_observations()
        return identifier

    def _entity(self, entity: Entity, body: Mapping[str, Any], preset: Mapping[str, Link], where: str) -> int:
        self._created += 1
        if self._created > MAX_CREATED:
            raise BadRequestError(f"the body holds more than {MAX_CREATED} entities")
        checked = check(entity, body, partial=False, where=where)
        for name, link in preset.items():
            checked.links[name] = [link]
        self._require(entity, checked, where)
        columns = dict(checked.columns)
        for name, links in checked.links.items():
            relation = entity.relations[name]
            if not relation.many:
                columns[relation.column] = self._resolve(relation, links[0])
        identifier = self.store.insert(self.connection, entity.plural, columns)
        # Where a thing is comes first: its observations may take their feature from there.
        for name in sorted(checked.links, key=lambda n: entity.relations[n].sort != "linked"):
            relation = entity.relations[name]
            if relation.many:
                self._relate(entity, identifier, relation, checked.links[name], columns)
        return identifier

    def _require(self, entity: Entity, checked: Checked, where: str) -> None:
        for relation in entity.relations.values():
            if relation.required and not checked.links.get(relation.name):
                raise BadRequestError(f"the {entity.singular} has no {relation.name}", where)

    def _resolve(self, relation: Relation, link: Link) -> int:
        """The id of a related entity, created where it is inline."""
        target = ENTITIES[relation.target]
        if link.identifier is not None:
            require(self.connection, target, link.identifier, link.where)
            return link.identifier
        assert link.body is not None
        return self._entity(target, link.body, _EMPTY, link.where)

    def _relate(
        self,
        entity: Entity,
        identifier: int,
        relation: Relation,
        links: list[Link],
        columns: Mapping[str, Any],
    ) -> None:
        target = ENTITIES[relation.target]
        if relation.sort == "linked":
            others = []
            for link in links:
                if link.body is not None and relation.name == "HistoricalLocations":
                    back = {"Locations": Link(identifier, None, link.where)}
                    self._entity(target, link.body, back, link.where)
                else:
                    others.append(self._resolve(relation, link))
            connect(self.connection, entity, identifier, relation, others, time=columns.get("time"))
            return
        back_link = Link(identifier, None, f"{entity.singular}.{relation.name}")
        back_name = inverse(entity, relation).name
        for link in links:
            if link.identifier is not None:
                adopt(self.store, self.connection, relation, identifier, link)
            elif relation.target == "Observations":
                assert link.body is not None
                self._observation(link.body, {back_name: back_link}, link.where)
            else:
                assert link.body is not None
                self._entity(target, link.body, {back_name: back_link}, link.where)

    # Observations wait until all else is there: their feature may come from a location of the same body.
    def _observation(self, body: Mapping[str, Any], preset: Mapping[str, Link], where: str) -> None:
        self._created += 1
        if self._created > MAX_CREATED:
            raise BadRequestError(f"the body holds more than {MAX_CREATED} entities")
        entity = ENTITIES["Observations"]
        checked = check(entity, body, partial=False, where=where)
        for name, link in preset.items():
            checked.links[name] = [link]
        if not checked.links.get("Datastream"):
            raise BadRequestError("the Observation has no Datastream", where)
        datastream = self._resolve(entity.relations["Datastream"], checked.links["Datastream"][0])
        feature = None
        if "FeatureOfInterest" in checked.links:
            feature = self._resolve(
                entity.relations["FeatureOfInterest"], checked.links["FeatureOfInterest"][0]
            )
        self._waiting.append((checked, datastream, feature, where))

    def _store_observations(self) -> list[int]:
        new = []
        made: dict[int, int] = {}
        for checked, datastream, feature, where in self._waiting:
            assert datastream is not None
            if feature is None:
                if datastream not in made:
                    made[datastream] = self.features.of(self.connection, datastream, where)
                feature = made[datastream]
            new.append(new_observation(checked, datastream, feature))
        for pair in {(one.datastream_id, one.feature_id) for one in new}:
            assert pair[1] is not None
            if not self.features.is_covered(pair[0], pair[1]):
                self.features.cover(self.connection, pair[0], pair[1])
        self._waiting = []
        return [stored.id for stored in self.store.append(new, connection=self.connection)] if new else []


def new_observation(checked: Checked, datastream_id: int, feature_id: int) -> NewObservation:
    """An observation of the columns of a checked body."""
    columns = checked.columns
    start, end = phenomenon_time(columns)
    return NewObservation(
        datastream_id,
        start,
        columns["result"],
        end,
        columns.get("result_time"),
        columns.get("valid_start"),
        columns.get("valid_end"),
        feature_id,
        columns.get("parameters"),
        columns.get("result_quality"),
    )


def inverse_of(relation: Relation, entity: Entity) -> Relation:
    """The relation of `entity` that leads back along `relation`."""
    for source in ENTITIES.values():
        if source.relations.get(relation.name) is relation:
            return inverse(source, relation)
    raise AssertionError(f"{relation.name} leads nowhere from {entity.plural}")


def require(connection: sa.Connection, entity: Entity, identifier: int, where: str) -> None:
    """Whether an entity is there.

    Raises
    ------
    BadRequestError : it is not.
    """
    table = entity.table
    query = sa.select(table.c.id).where(table.c.id == identifier, live(table, entity))
    if connection.execute(query).first() is None:
        raise BadRequestError(f"there is no {entity.plural}({identifier})", where)


def adopt(store: Store, connection: sa.Connection, relation: Relation, identifier: int, link: Link) -> None:
    """Let the entity that `link` names belong to another one from now on."""
    assert link.identifier is not None
    target = ENTITIES[relation.target]
    require(connection, target, link.identifier, link.where)
    if relation.target == "Observations":
        store.correct(link.identifier, {relation.column: identifier}, connection=connection)
    else:
        store.update(connection, relation.target, link.identifier, {relation.column: identifier})


def connect(
    connection: sa.Connection,
    entity: Entity,
    identifier: int,
    relation: Relation,
    others: list[int],
    *,
    time: int | None = None,
) -> None:
    """Link an entity with others of a many-to-many relation; that things move is noted in their history.

    time : of the historical location, if `entity` is one.
    """
    if not others:
        return
    if relation.link is tables.thing_locations:
        if entity.plural == "Things":
            set_locations(connection, identifier, others, now_us())
        else:
            for thing_id in others:
                set_locations(connection, thing_id, [identifier], now_us())
        return
    assert relation.link is not None
    table = relation.link
    known = set(
        connection.execute(
            sa.select(table.c[relation.other]).where(table.c[relation.column] == identifier)
        ).scalars()
    )
    for other in dict.fromkeys(others):
        if other not in known:
            connection.execute(table.insert().values({relation.column: identifier, relation.other: other}))
    if entity.plural == "HistoricalLocations" and time is not None:
        _move(connection, identifier, others, time)


def _move(connection: sa.Connection, historical_id: int, locations: list[int], time: int) -> None:
    """A historical location that is later than all others of its thing says where the thing is now."""
    past, link = tables.historical_locations, tables.thing_locations
    thing = connection.execute(sa.select(past.c.thing_id).where(past.c.id == historical_id)).scalar_one()
    later = sa.select(past.c.id).where(
        past.c.thing_id == thing, past.c.id != historical_id, past.c.time >= time, sa.not_(past.c.deleted)
    )
    if connection.execute(later.limit(1)).first() is not None:
        return
    connection.execute(link.delete().where(link.c.thing_id == thing))
    for location in dict.fromkeys(locations):
        connection.execute(link.insert().values(thing_id=thing, location_id=location))
