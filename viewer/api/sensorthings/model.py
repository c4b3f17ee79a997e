"""The entities of SensorThings 1.1 (18-088, clause 8): properties, relations, where the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from sensors.store import tables

# text     a string                       json   any JSON
# object   a JSON object                  geometry   a location or feature, by its encoding type
# instant  one time                       time   an instant or an interval
# interval start and end                  unit   unitOfMeasurement, in three columns
# result   a number in one column, all else in another
Kind = Literal["text", "json", "object", "geometry", "instant", "time", "interval", "unit", "result"]


@dataclass(frozen=True)
class Property:
    """A property of an entity.

    columns : of the entity's table, in the order that the kind has them.
    required : whether a new entity must bring it.
    automatic : kept by the service alone.
    always : shown even where it is null.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    required: bool = False
    automatic: bool = False
    always: bool = False


@dataclass(frozen=True)
class Relation:
    """A relation to another entity set.

    to_one : this entity's column `column` holds the other's id.
    to_many : the other's column `column` holds this one's id.
    linked : rows of `link` hold both, in `column` this one's id, in `other` the other's.
    """

    name: str
    target: str
    sort: Literal["to_one", "to_many", "linked"]
    column: str
    other: str = ""
    link: sa.Table | None = None
    required: bool = False

    @property
    def many(self) -> bool:
        return self.sort != "to_one"


@dataclass(frozen=True)
class Entity:
    """An entity set and its entities."""

    plural: str
    singular: str
    table: sa.Table
    properties: Mapping[str, Property]
    relations: Mapping[str, Relation]


def _entity(
    plural: str, singular: str, table: sa.Table, properties: list[Property], relations: list[Relation]
) -> Entity:
    return Entity(plural, singular, table, {p.name: p for p in properties}, {r.name: r for r in relations})


def _named() -> list[Property]:
    return [
        Property("name", "text", ("name",), required=True),
        Property("description", "text", ("description",), required=True),
    ]


_PROPERTIES = Property("properties", "object", ("properties",))
_ENCODING = Property("encodingType", "text", ("encoding_type",), required=True)

ENTITIES: dict[str, Entity] = {
    entity.plural: entity
    for entity in (
        _entity(
            "Things",
            "Thing",
            tables.things,
            [*_named(), _PROPERTIES],
            [
                Relation("Datastreams", "Datastreams", "to_many", "thing_id"),
                Relation("HistoricalLocations", "HistoricalLocations", "to_many", "thing_id"),
                Relation(
                    "Locations", "Locations", "linked", "thing_id", "location_id", tables.thing_locations
                ),
            ],
        ),
        _entity(
            "Locations",
            "Location",
            tables.locations,
            [
                *_named(),
                _ENCODING,
                Property("location", "geometry", ("location",), required=True),
                _PROPERTIES,
            ],
            [
                Relation("Things", "Things", "linked", "location_id", "thing_id", tables.thing_locations),
                Relation(
                    "HistoricalLocations",
                    "HistoricalLocations",
                    "linked",
                    "location_id",
                    "historical_location_id",
                    tables.historical_location_locations,
                ),
            ],
        ),
        _entity(
            "HistoricalLocations",
            "HistoricalLocation",
            tables.historical_locations,
            [Property("time", "instant", ("time",), required=True)],
            [
                Relation("Thing", "Things", "to_one", "thing_id", required=True),
                Relation(
                    "Locations",
                    "Locations",
                    "linked",
                    "historical_location_id",
                    "location_id",
                    tables.historical_location_locations,
                    required=True,
                ),
            ],
        ),
        _entity(
            "Datastreams",
            "Datastream",
            tables.datastreams,
            [
                *_named(),
                Property(
                    "unitOfMeasurement",
                    "unit",
                    ("unit_name", "unit_symbol", "unit_definition"),
                    required=True,
                ),
                Property("observationType", "text", ("observation_type",), required=True),
                Property("observedArea", "geometry", ("observed_area",), automatic=True),
                Property("phenomenonTime", "interval", ("phenomenon_min", "phenomenon_max"), automatic=True),
                Property("resultTime", "interval", ("result_time_min", "result_time_max"), automatic=True),
                _PROPERTIES,
            ],
            [
                Relation("Thing", "Things", "to_one", "thing_id", required=True),
                Relation("Sensor", "Sensors", "to_one", "sensor_id", required=True),
                Relation(
                    "ObservedProperty", "ObservedProperties", "to_one", "observed_property_id", required=True
                ),
                Relation("Observations", "Observations", "to_many", "datastream_id"),
            ],
        ),
        _entity(
            "Sensors",
            "Sensor",
            tables.sensors,
            [*_named(), _ENCODING, Property("metadata", "json", ("metadata",), required=True), _PROPERTIES],
            [Relation("Datastreams", "Datastreams", "to_many", "sensor_id")],
        ),
        _entity(
            "ObservedProperties",
            "ObservedProperty",
            tables.observed_properties,
            [
                Property("name", "text", ("name",), required=True),
                Property("definition", "text", ("definition",), required=True),
                Property("description", "text", ("description",), required=True),
                _PROPERTIES,
            ],
            [Relation("Datastreams", "Datastreams", "to_many", "observed_property_id")],
        ),
        _entity(
            "Observations",
            "Observation",
            tables.observations,
            [
                Property("phenomenonTime", "time", ("phenomenon_time", "phenomenon_end"), always=True),
                Property("resultTime", "instant", ("result_time",), always=True),
                Property("result", "result", ("result", "result_json"), required=True, always=True),
                Property("resultQuality", "json", ("result_quality",)),
                Property("validTime", "interval", ("valid_start", "valid_end")),
                Property("parameters", "object", ("parameters",)),
            ],
            [
                Relation("Datastream", "Datastreams", "to_one", "datastream_id", required=True),
                Relation("FeatureOfInterest", "FeaturesOfInterest", "to_one", "feature_id", required=True),
            ],
        ),
        _entity(
            "FeaturesOfInterest",
            "FeatureOfInterest",
            tables.features_of_interest,
            [*_named(), _ENCODING, Property("feature", "geometry", ("feature",), required=True), _PROPERTIES],
            [Relation("Observations", "Observations", "to_many", "feature_id")],
        ),
    )
}

GEOJSON = ("application/vnd.geo+json", "application/geo+json")
# Columns of `latest` that show as properties of a datastream.
FROM_LATEST = frozenset(("phenomenon_min", "phenomenon_max", "result_time_min", "result_time_max"))


def column(source: sa.FromClause, name: str) -> sa.ColumnElement[Any]:
    """A property's column of an entity's table or alias; automatic times come from the latest values."""
    if name not in FROM_LATEST:
        return source.c[name]
    latest = tables.latest.alias()
    return sa.select(latest.c[name]).where(latest.c.datastream_id == source.c.id).scalar_subquery()


def live(source: sa.FromClause, entity: Entity) -> sa.ColumnElement[bool]:
    """Whether a row is the present state of an entity that is not deleted."""
    present = sa.not_(source.c.deleted)
    return sa.and_(source.c.current, present) if entity.plural == "Observations" else present


def joined(relation: Relation, here: sa.FromClause, there: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a row of one alias is related with a row of another."""
    if relation.sort == "to_one":
        return here.c[relation.column] == there.c.id
    if relation.sort == "to_many":
        return there.c[relation.column] == here.c.id
    link = _link(relation).alias()
    return exists(link, link.c[relation.column] == here.c.id, link.c[relation.other] == there.c.id)


def exists(own: sa.FromClause, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether `own` has such a row; all other tables are those of whatever stands around, however far."""
    query = sa.select(sa.literal(1)).select_from(own).where(*conditions)
    return sa.exists(query.correlate_except(own))


def related_to(relation: Relation, identifier: int, there: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a row of the other side belongs to the entity of this id; for `to_many` and `linked`."""
    if relation.sort == "to_many":
        return there.c[relation.column] == identifier
    link = _link(relation)
    return there.c.id.in_(sa.select(link.c[relation.other]).where(link.c[relation.column] == identifier))


def inverse(entity: Entity, relation: Relation) -> Relation:
    """The relation of the target that leads back."""
    for candidate in ENTITIES[relation.target].relations.values():
        if candidate.target != entity.plural:
            continue
        if relation.sort == "linked":
            if candidate.link is relation.link:
                return candidate
        elif candidate.column == relation.column:
            return candidate
    raise AssertionError(f"{entity.plural}/{relation.name} has no inverse")


def _link(relation: Relation) -> sa.Table:
    assert relation.link is not None
    return relation.link
