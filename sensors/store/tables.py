"""The store's tables, the same on SQLite and PostgreSQL.

Times are microseconds since 1970 in UTC (`sensors.times`), geometries GeoJSON in WGS84 as the standard wants
it. Values are never changed: a correction is a further row of `observations` with the same `id` and the next
`version`; only `current` of the row before it is cleared. A deletion is such a row with `deleted` set; where
a whole datastream goes, `deleted` is set in the rows themselves. Entities keep their present state in a
table each and their former states in `history`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint

from sensors.store.kinds import NAMING, Id, Text, Time

metadata = sa.MetaData(naming_convention=NAMING)
Json = sa.JSON(none_as_null=True)


def _entity(name: str, *columns: sa.schema.SchemaItem) -> Table:
    """A table of entities: what all of them have, and their own columns."""
    return Table(
        name,
        metadata,
        Column("id", Id, primary_key=True, autoincrement=True),
        *columns,
        Column("properties", Json),
        Column("version", sa.Integer, nullable=False, server_default="1"),
        Column("changed_at", Time, nullable=False),
        Column("deleted", sa.Boolean, nullable=False, server_default=sa.false()),
        # An id is never given twice, even after a purge.
        sqlite_autoincrement=True,
    )


def _named() -> tuple[sa.schema.SchemaItem, ...]:
    return Column("name", Text, nullable=False), Column(
        "description", Text, nullable=False, server_default=""
    )


# `source` names the feed or service that an entity came from, `source_key` its key there.
things = _entity(
    "things",
    *_named(),
    Column("kind", Text, nullable=False, server_default=""),
    Column("building_id", Text, index=True),
    Column("tree_id", Text, index=True),
    Column("street", Text),
    Column("public", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("simulated", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("source", Text),
    Column("source_key", Text),
    UniqueConstraint("source", "source_key"),
)
locations = _entity(
    "locations", *_named(), Column("encoding_type", Text, nullable=False), Column("location", Json)
)
thing_locations = Table(
    "thing_locations",
    metadata,
    Column("thing_id", Id, ForeignKey("things.id"), primary_key=True),
    Column("location_id", Id, ForeignKey("locations.id"), primary_key=True, index=True),
)
historical_locations = _entity(
    "historical_locations",
    Column("thing_id", Id, ForeignKey("things.id"), nullable=False, index=True),
    Column("time", Time, nullable=False),
)
historical_location_locations = Table(
    "historical_location_locations",
    metadata,
    Column("historical_location_id", Id, ForeignKey("historical_locations.id"), primary_key=True),
    Column("location_id", Id, ForeignKey("locations.id"), primary_key=True, index=True),
)
sensors = _entity(
    "sensors", *_named(), Column("encoding_type", Text, nullable=False), Column("metadata", Json)
)
observed_properties = _entity("observed_properties", *_named(), Column("definition", Text, nullable=False))
features_of_interest = _entity(
    "features_of_interest",
    *_named(),
    Column("encoding_type", Text, nullable=False),
    Column("feature", Json),
    # Set where a service made the feature of a Thing's Location by itself.
    Column("location_id", Id, ForeignKey("locations.id"), index=True),
)
datastreams = _entity(
    "datastreams",
    *_named(),
    Column("thing_id", Id, ForeignKey("things.id"), nullable=False, index=True),
    Column("sensor_id", Id, ForeignKey("sensors.id"), nullable=False, index=True),
    Column("observed_property_id", Id, ForeignKey("observed_properties.id"), nullable=False, index=True),
    Column("observation_type", Text, nullable=False),
    # `unit_symbol` is the UCUM code where the unit has one.
    Column("unit_name", Text),
    Column("unit_symbol", Text),
    Column("unit_definition", Text),
    Column("observed_area", Json),
    Column("source", Text),
    Column("source_key", Text),
    UniqueConstraint("source", "source_key"),
)
ENTITIES: dict[str, Table] = {
    "Things": things,
    "Locations": locations,
    "HistoricalLocations": historical_locations,
    "Datastreams": datastreams,
    "Sensors": sensors,
    "ObservedProperties": observed_properties,
    "FeaturesOfInterest": features_of_interest,
}

history = Table(
    "history",
    metadata,
    Column("entity", Text, primary_key=True),
    Column("entity_id", Id, primary_key=True),
    Column("version", sa.Integer, primary_key=True),
    Column("changed_at", Time, nullable=False),
    Column("state", Json, nullable=False),
)

observations = Table(
    "observations",
    metadata,
    Column("row_id", Id, primary_key=True, autoincrement=True),
    # What SensorThings shows as @iot.id; the same in all versions of one observation.
    Column("id", Id, nullable=False),
    Column("version", sa.Integer, nullable=False, server_default="1"),
    Column("current", sa.Boolean, nullable=False, server_default=sa.true()),
    Column("deleted", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("datastream_id", Id, ForeignKey("datastreams.id"), nullable=False),
    Column("feature_id", Id, ForeignKey("features_of_interest.id")),
    Column("phenomenon_time", Time, nullable=False),
    Column("phenomenon_end", Time),
    Column("result_time", Time),
    Column("valid_start", Time),
    Column("valid_end", Time),
    # Numbers stand in `result`, all else (text, truth, categories, structures) in `result_json`.
    Column("result", sa.Double),
    Column("result_json", Json),
    Column("parameters", Json),
    Column("result_quality", Json),
    # QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 bad, 9 missing.
    Column("flag", sa.SmallInteger, nullable=False, server_default="2"),
    # The source's own id of the message and field; None: nothing makes a duplicate of it.
    Column("source_key", Text),
    Column("received_at", Time, nullable=False),
    UniqueConstraint("id", "version"),
    sqlite_autoincrement=True,
)
_live = sa.and_(observations.c.current, sa.not_(observations.c.deleted))
Index(
    "ix_observations_series",
    observations.c.datastream_id,
    observations.c.phenomenon_time,
    sqlite_where=_live,
    postgresql_where=_live,
)
Index(
    "ix_observations_feature_id",
    observations.c.feature_id,
    sqlite_where=observations.c.feature_id.is_not(None),
    postgresql_where=observations.c.feature_id.is_not(None),
)
Index(
    "uq_observations_source",
    observations.c.datastream_id,
    observations.c.source_key,
    unique=True,
    sqlite_where=sa.and_(observations.c.source_key.is_not(None), observations.c.version == 1),
    postgresql_where=sa.and_(observations.c.source_key.is_not(None), observations.c.version == 1),
)

# One row a datastream, written with each commit of observations.
latest = Table(
    "latest",
    metadata,
    Column("datastream_id", Id, ForeignKey("datastreams.id"), primary_key=True),
    Column("row_id", Id, nullable=False),
    Column("phenomenon_time", Time, nullable=False),
    Column("result", sa.Double),
    Column("result_json", Json),
    Column("flag", sa.SmallInteger, nullable=False),
    Column("received_at", Time, nullable=False),
    Column("count", sa.BigInteger, nullable=False),
    Column("phenomenon_min", Time, nullable=False),
    Column("phenomenon_max", Time, nullable=False),
    Column("result_time_min", Time),
    Column("result_time_max", Time),
)


def _roll_up(name: str) -> Table:
    """Figures of a stretch of time: of numbers neither bad (4) nor missing (9); `worst_flag` is of all."""
    return Table(
        name,
        metadata,
        Column("datastream_id", Id, ForeignKey("datastreams.id"), primary_key=True),
        Column("start", Time, primary_key=True),
        Column("count", sa.Integer, nullable=False),
        Column("mean", sa.Double),
        Column("min", sa.Double),
        Column("max", sa.Double),
        Column("sum", sa.Double),
        Column("last", sa.Double),
        Column("last_time", Time),
        Column("worst_flag", sa.SmallInteger, nullable=False),
        # Its observations are gone by retention: late ones are added to it, it is never computed again.
        Column("frozen", sa.Boolean, nullable=False, server_default=sa.false()),
    )


hourly = _roll_up("hourly")
# Days of Europe/Berlin, so that a day of the screen is a row; 23 or 25 hours at clock changes.
daily = _roll_up("daily")

# Quality: what a check found, over a stretch of time.
findings = Table(
    "findings",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("datastream_id", Id, ForeignKey("datastreams.id"), nullable=False, index=True),
    Column("check", Text, nullable=False),
    Column("flag", sa.SmallInteger, nullable=False),
    Column("start", Time, nullable=False),
    Column("end", Time, nullable=False),
    Column("count", sa.Integer, nullable=False),
    # Figures that the plain-language reason names; the texts stand in viewer/texts.
    Column("figures", Json),
    Column("found_at", Time, nullable=False),
)
alarms = Table(
    "alarms",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("thing_id", Id, ForeignKey("things.id"), nullable=False, index=True),
    Column("datastream_id", Id, ForeignKey("datastreams.id")),
    # silent, battery, signal, …
    Column("kind", Text, nullable=False),
    Column("figures", Json),
    Column("began_at", Time, nullable=False),
    Column("ended_at", Time),
    Column("acknowledged_at", Time),
    Column("acknowledged_by", Text),
)

# Messages of devices that nobody has assigned yet, or that could not be read; kept whole.
set_aside = Table(
    "set_aside",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("feed", Text, nullable=False),
    Column("device", Text, nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("received_at", Time, nullable=False),
    Column("payload", Text, nullable=False),
)
# What a feed needs to go on where it stopped (a next link, a frame counter, a file's date).
feed_state = Table(
    "feed_state",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Json, nullable=False),
    Column("changed_at", Time, nullable=False),
)
feed_counters = Table(
    "feed_counters",
    metadata,
    Column("feed", Text, primary_key=True),
    # received, stored, duplicate, set_aside, refused, lost_frames, counter_resets, reconnects, …
    Column("counter", Text, primary_key=True),
    Column("value", sa.BigInteger, nullable=False),
)
retention_rules = Table(
    "retention_rules",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    # Of datastreams by their Thing's kind and observed property; empty: any.
    Column("kind", Text, nullable=False, server_default=""),
    Column("observed_property", Text, nullable=False, server_default=""),
    Column("keep_raw_days", sa.Integer),
    Column("keep_days", sa.Integer),
)
# Tokens that may write; only their digests are kept.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("ends_at", Time),
)
