"""Who may see what. Without a token only public things and what belongs to them.

Public are things of kinds that tell of no household (`viewer.privacy.PUBLIC_KINDS`) whose flag says so, and
their streams in units that such kinds measure in (`PUBLIC_UNITS`) or of categories, but those named after
what meters count, or after rooms (`METERED_WORDS`). A thing of another kind, or of none, never shows here,
whatever its flag says; and what belongs to no thing that shows (places, features, sensors, properties) does
not either: it may be what is left of one.

A single meter's readings are personal data below five dwellings; the public twin shows metered values monthly
at the finest, and all figures of buildings merged into one fixed partition (`viewer.privacy`). This service
has values as they came, thing by thing: not even a block of many dwellings may be read here, since that would
show by the minute what is public by the month. Simulated meters are no exception: a figure of a single
building, modelled or not, could be taken off a group's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sensors.store import tables
from sensors.things import CATEGORY
from viewer.api.sensorthings.model import exists
from viewer.privacy import METERED_WORDS, PUBLIC_KINDS, PUBLIC_UNITS


@dataclass(frozen=True)
class Access:
    """What a request may do."""

    read_all: bool = False
    write: bool = False


def condition(access: Access, plural: str, source: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a row of the entity set `plural` may be seen."""
    if access.read_all:
        return sa.true()
    return _CONDITIONS[plural](source)


def _public(things: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(_things(things), sa.not_(things.c.deleted))


def _things(source: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(source.c.public, source.c.kind.in_(PUBLIC_KINDS))


def _of_public_thing(source: sa.FromClause) -> sa.ColumnElement[bool]:
    things = tables.things.alias()
    return source.c.thing_id.in_(sa.select(things.c.id).where(_public(things)))


def _datastreams(source: sa.FromClause) -> sa.ColumnElement[bool]:
    unit = sa.func.coalesce(sa.func.nullif(source.c.unit_symbol, ""), source.c.unit_name, "")
    return sa.and_(
        _of_public_thing(source),
        sa.or_(
            sa.func.lower(sa.func.trim(unit)).in_(PUBLIC_UNITS),
            sa.and_(unit == "", source.c.observation_type == CATEGORY),
        ),
        sa.not_(_named_like_a_meter(source)),
    )


def _named_like_a_meter(source: sa.FromClause) -> sa.ColumnElement[bool]:
    observed = tables.observed_properties.alias()
    named = sa.or_(_metered(observed.c.name), _metered(observed.c.definition))
    of_meters = sa.select(observed.c.id).where(named)
    return sa.or_(
        _metered(source.c.name), _metered(source.c.unit_name), source.c.observed_property_id.in_(of_meters)
    )


def _metered(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    said = sa.func.lower(sa.func.coalesce(column, ""))
    return sa.or_(*(said.contains(word, autoescape=True) for word in METERED_WORDS))


def _public_datastreams() -> sa.Select[Any]:
    datastreams = tables.datastreams.alias()
    return sa.select(datastreams.c.id).where(_datastreams(datastreams))


def _observations(source: sa.FromClause) -> sa.ColumnElement[bool]:
    return source.c.datastream_id.in_(_public_datastreams())


def _locations(source: sa.FromClause) -> sa.ColumnElement[bool]:
    """Where a public thing is or was."""
    things, now = tables.things.alias(), tables.thing_locations.alias()
    before, places = tables.historical_locations.alias(), tables.historical_location_locations.alias()
    present = sa.select(now.c.location_id).join_from(now, things, now.c.thing_id == things.c.id)
    past = (
        sa.select(places.c.location_id)
        .join_from(places, before, places.c.historical_location_id == before.c.id)
        .join(things, before.c.thing_id == things.c.id)
    )
    public = sa.union_all(present.where(_public(things)), past.where(_public(things)))
    return source.c.id.in_(public)


def _by_datastreams(column: str) -> Any:
    """Types are shown where a public datastream uses them."""

    def visible(source: sa.FromClause) -> sa.ColumnElement[bool]:
        public = tables.datastreams.alias()
        return exists(public, public.c[column] == source.c.id, public.c.id.in_(_public_datastreams()))

    return visible


def _features(source: sa.FromClause) -> sa.ColumnElement[bool]:
    public, locations = tables.observations.alias(), tables.locations.alias()
    of_location = sa.and_(
        source.c.location_id.is_not(None),
        exists(locations, locations.c.id == source.c.location_id, _locations(locations)),
    )
    return sa.or_(of_location, exists(public, public.c.feature_id == source.c.id, _observations(public)))


_CONDITIONS: dict[str, Callable[[sa.FromClause], sa.ColumnElement[bool]]] = {
    "Things": _things,
    "Datastreams": _datastreams,
    "HistoricalLocations": _of_public_thing,
    "Observations": _observations,
    "Locations": _locations,
    "Sensors": _by_datastreams("sensor_id"),
    "ObservedProperties": _by_datastreams("observed_property_id"),
    "FeaturesOfInterest": _features,
}
