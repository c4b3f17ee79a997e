"""Who may see what. Without a token only public things and what belongs to them.

Meters of buildings (heat, electricity, photovoltaics) never show in public here, whatever a thing's flag
says. A single meter's readings are personal data below five dwellings; the public twin shows metered values
monthly at the finest, and all figures of buildings merged into one fixed partition (`viewer.privacy`). This
service has values as they came, thing by thing: not even a block of many dwellings may be read here, since
that would show by the minute what is public by the month. Simulated meters are no exception: a figure of a
single building, modelled or not, could be taken off a group's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sensors.store import tables
from viewer.api.sensorthings.model import exists
from viewer.privacy import PRIVATE_KINDS


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
    return sa.and_(things.c.public, things.c.kind.not_in(PRIVATE_KINDS), sa.not_(things.c.deleted))


def _things(source: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(source.c.public, source.c.kind.not_in(PRIVATE_KINDS))


def _of_public_thing(source: sa.FromClause) -> sa.ColumnElement[bool]:
    things = tables.things.alias()
    return source.c.thing_id.in_(sa.select(things.c.id).where(_public(things)))


def _public_datastreams() -> sa.Select[Any]:
    datastreams, things = tables.datastreams.alias(), tables.things.alias()
    joined = datastreams.join(things, datastreams.c.thing_id == things.c.id)
    return sa.select(datastreams.c.id).select_from(joined).where(_public(things))


def _observations(source: sa.FromClause) -> sa.ColumnElement[bool]:
    return source.c.datastream_id.in_(_public_datastreams())


def _locations(source: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.or_(
        source.c.id.in_(_located(public=True)),
        sa.not_(source.c.id.in_(_located(public=False))),
    )


def _located(public: bool) -> sa.CompoundSelect[Any]:
    """Ids of the locations where a thing is or was: a public one, or any."""
    things, now = tables.things.alias(), tables.thing_locations.alias()
    before, places = tables.historical_locations.alias(), tables.historical_location_locations.alias()
    present = sa.select(now.c.location_id).join_from(now, things, now.c.thing_id == things.c.id)
    past = (
        sa.select(places.c.location_id)
        .join_from(places, before, places.c.historical_location_id == before.c.id)
        .join(things, before.c.thing_id == things.c.id)
    )
    if public:
        present, past = present.where(_public(things)), past.where(_public(things))
    return sa.union_all(present, past)


def _by_datastreams(column: str) -> Any:
    """Types are shown where a public datastream uses them, or none does."""

    def visible(source: sa.FromClause) -> sa.ColumnElement[bool]:
        used = tables.datastreams.alias()
        public = tables.datastreams.alias()
        return sa.or_(
            exists(public, public.c[column] == source.c.id, public.c.id.in_(_public_datastreams())),
            sa.not_(exists(used, used.c[column] == source.c.id)),
        )

    return visible


def _features(source: sa.FromClause) -> sa.ColumnElement[bool]:
    used, public, locations = (
        tables.observations.alias(),
        tables.observations.alias(),
        tables.locations.alias(),
    )
    of_location = sa.and_(
        source.c.location_id.is_not(None),
        exists(locations, locations.c.id == source.c.location_id, _locations(locations)),
    )
    seen = exists(public, public.c.feature_id == source.c.id, _observations(public))
    unused = sa.and_(source.c.location_id.is_(None), sa.not_(exists(used, used.c.feature_id == source.c.id)))
    return sa.or_(of_location, seen, unused)


_CONDITIONS: dict[str, Callable[[sa.FromClause], sa.ColumnElement[bool]]] = {
    "Things": _things,
    "Datastreams": _of_public_thing,
    "HistoricalLocations": _of_public_thing,
    "Observations": _observations,
    "Locations": _locations,
    "Sensors": _by_datastreams("sensor_id"),
    "ObservedProperties": _by_datastreams("observed_property_id"),
    "FeaturesOfInterest": _features,
}
