"""The first schema.

Revision: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column
from sqlalchemy import ForeignKeyConstraint as Foreign
from sqlalchemy import PrimaryKeyConstraint as Primary
from sqlalchemy import UniqueConstraint as Unique

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True)
TEXT, BIG, INT, SMALL = sa.Text(), sa.BigInteger(), sa.Integer(), sa.SmallInteger()
DOUBLE: sa.Double[float] = sa.Double()
BOOL = sa.Boolean()


def upgrade() -> None:
    op.create_table(
        "feed_counters",
        Column("feed", TEXT, nullable=False),
        Column("counter", TEXT, nullable=False),
        Column("value", BIG, nullable=False),
        Primary("feed", "counter", name="pk_feed_counters"),
    )
    op.create_table(
        "feed_state",
        Column("feed", TEXT, nullable=False),
        Column("key", TEXT, nullable=False),
        Column("value", JSON, nullable=False),
        Column("changed_at", BIG, nullable=False),
        Primary("feed", "key", name="pk_feed_state"),
    )
    op.create_table(
        "history",
        Column("entity", TEXT, nullable=False),
        Column("entity_id", ID, nullable=False),
        Column("version", INT, nullable=False),
        Column("changed_at", BIG, nullable=False),
        Column("state", JSON, nullable=False),
        Primary("entity", "entity_id", "version", name="pk_history"),
    )
    op.create_table(
        "locations",
        Column("id", ID, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("description", TEXT, server_default="", nullable=False),
        Column("encoding_type", TEXT, nullable=False),
        Column("location", JSON),
        Column("properties", JSON),
        Column("version", INT, server_default="1", nullable=False),
        Column("changed_at", BIG, nullable=False),
        Column("deleted", BOOL, server_default=sa.false(), nullable=False),
        Primary("id", name="pk_locations"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "observed_properties",
        Column("id", ID, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("description", TEXT, server_default="", nullable=False),
        Column("definition", TEXT, nullable=False),
        Column("properties", JSON),
        Column("version", INT, server_default="1", nullable=False),
        Column("changed_at", BIG, nullable=False),
        Column("deleted", BOOL, server_default=sa.false(), nullable=False),
        Primary("id", name="pk_observed_properties"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "retention_rules",
        Column("id", ID, nullable=False),
        Column("kind", TEXT, server_default="", nullable=False),
        Column("observed_property", TEXT, server_default="", nullable=False),
        Column("keep_raw_days", INT),
        Column("keep_days", INT),
        Primary("id", name="pk_retention_rules"),
    )
    op.create_table(
        "sensors",
        Column("id", ID, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("description", TEXT, server_default="", nullable=False),
        Column("encoding_type", TEXT, nullable=False),
        Column("metadata", JSON),
        Column("properties", JSON),
        Column("version", INT, server_default="1", nullable=False),
        Column("changed_at", BIG, nullable=False),
        Column("deleted", BOOL, server_default=sa.false(), nullable=False),
        Primary("id", name="pk_sensors"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "set_aside",
        Column("id", ID, nullable=False),
        Column("feed", TEXT, nullable=False),
        Column("device", TEXT, nullable=False),
        Column("reason", TEXT, nullable=False),
        Column("received_at", BIG, nullable=False),
        Column("payload", TEXT, nullable=False),
        Primary("id", name="pk_set_aside"),
    )
    op.create_index("ix_set_aside_device", "set_aside", ["device"])
    op.create_table(
        "things",
        Column("id", ID, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("description", TEXT, server_default="", nullable=False),
        Column("kind", TEXT, server_default="", nullable=False),
        Column("building_id", TEXT),
        Column("tree_id", TEXT),
        Column("street", TEXT),
        Column("public", BOOL, server_default=sa.false(), nullable=False),
        Column("simulated", BOOL, server_default=sa.false(), nullable=False),
        Column("source", TEXT),
        Column("source_key", TEXT),
        Column("properties", JSON),
        Column("version", INT, server_default="1", nullable=False),
        Column("changed_at", BIG, nullable=False),
        Column("deleted", BOOL, server_default=sa.false(), nullable=False),
        Primary("id", name="pk_things"),
        Unique("source", "source_key", name="uq_things_source_source_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_things_building_id", "things", ["building_id"])
    op.create_index("ix_things_tree_id", "things", ["tree_id"])
    op.create_table(
        "tokens",
        Column("id", ID, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("digest", TEXT, nullable=False),
        Column("scope", TEXT, nullable=False),
        Column("created_at", BIG, nullable=False),
        Column("ends_at", BIG),
        Primary("id", name="pk_tokens"),
        Unique("digest", name="uq_tokens_digest"),
        Unique("name", name="uq_tokens_name"),
    )
    op.create_table(
        "datastreams",
        Column("id", ID, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("description", TEXT, server_default="", nullable=False),
        Column("thing_id", ID, nullable=False),
        Column("sensor_id", ID, nullable=False),
        Column("observed_property_id", ID, nullable=False),
        Column("observation_type", TEXT, nullable=False),
        Column("unit_name", TEXT),
        Column("unit_symbol", TEXT),
        Column("unit_definition", TEXT),
        Column("observed_area", JSON),
        Column("source", TEXT),
        Column("source_key", TEXT),
        Column("properties", JSON),
        Column("version", INT, server_default="1", nullable=False),
        Column("changed_at", BIG, nullable=False),
        Column("deleted", BOOL, server_default=sa.false(), nullable=False),
        Foreign(
            ["observed_property_id"], ["observed_properties.id"], name="fk_datastreams_observed_property_id"
        ),
        Foreign(["sensor_id"], ["sensors.id"], name="fk_datastreams_sensor_id"),
        Foreign(["thing_id"], ["things.id"], name="fk_datastreams_thing_id"),
        Primary("id", name="pk_datastreams"),
        Unique("source", "source_key", name="uq_datastreams_source_source_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_datastreams_observed_property_id", "datastreams", ["observed_property_id"])
    op.create_index("ix_datastreams_sensor_id", "datastreams", ["sensor_id"])
    op.create_index("ix_datastreams_thing_id", "datastreams", ["thing_id"])
    op.create_table(
        "features_of_interest",
        Column("id", ID, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("description", TEXT, server_default="", nullable=False),
        Column("encoding_type", TEXT, nullable=False),
        Column("feature", JSON),
        Column("location_id", ID),
        Column("properties", JSON),
        Column("version", INT, server_default="1", nullable=False),
        Column("changed_at", BIG, nullable=False),
        Column("deleted", BOOL, server_default=sa.false(), nullable=False),
        Foreign(["location_id"], ["locations.id"], name="fk_features_of_interest_location_id"),
        Primary("id", name="pk_features_of_interest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_features_of_interest_location_id", "features_of_interest", ["location_id"])
    op.create_table(
        "historical_locations",
        Column("id", ID, nullable=False),
        Column("thing_id", ID, nullable=False),
        Column("time", BIG, nullable=False),
        Column("properties", JSON),
        Column("version", INT, server_default="1", nullable=False),
        Column("changed_at", BIG, nullable=False),
        Column("deleted", BOOL, server_default=sa.false(), nullable=False),
        Foreign(["thing_id"], ["things.id"], name="fk_historical_locations_thing_id"),
        Primary("id", name="pk_historical_locations"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_historical_locations_thing_id", "historical_locations", ["thing_id"])
    op.create_table(
        "thing_locations",
        Column("thing_id", ID, nullable=False),
        Column("location_id", ID, nullable=False),
        Foreign(["location_id"], ["locations.id"], name="fk_thing_locations_location_id"),
        Foreign(["thing_id"], ["things.id"], name="fk_thing_locations_thing_id"),
        Primary("thing_id", "location_id", name="pk_thing_locations"),
    )
    op.create_index("ix_thing_locations_location_id", "thing_locations", ["location_id"])
    op.create_table(
        "alarms",
        Column("id", ID, nullable=False),
        Column("thing_id", ID, nullable=False),
        Column("datastream_id", ID),
        Column("kind", TEXT, nullable=False),
        Column("figures", JSON),
        Column("began_at", BIG, nullable=False),
        Column("ended_at", BIG),
        Column("acknowledged_at", BIG),
        Column("acknowledged_by", TEXT),
        Foreign(["datastream_id"], ["datastreams.id"], name="fk_alarms_datastream_id"),
        Foreign(["thing_id"], ["things.id"], name="fk_alarms_thing_id"),
        Primary("id", name="pk_alarms"),
    )
    op.create_index("ix_alarms_thing_id", "alarms", ["thing_id"])
    op.create_table(
        "daily",
        Column("datastream_id", ID, nullable=False),
        Column("start", BIG, nullable=False),
        Column("count", INT, nullable=False),
        Column("mean", DOUBLE),
        Column("min", DOUBLE),
        Column("max", DOUBLE),
        Column("sum", DOUBLE),
        Column("last", DOUBLE),
        Column("last_time", BIG),
        Column("worst_flag", SMALL, nullable=False),
        Column("frozen", BOOL, server_default=sa.false(), nullable=False),
        Foreign(["datastream_id"], ["datastreams.id"], name="fk_daily_datastream_id"),
        Primary("datastream_id", "start", name="pk_daily"),
    )
    op.create_table(
        "findings",
        Column("id", ID, nullable=False),
        Column("datastream_id", ID, nullable=False),
        Column("check", TEXT, nullable=False),
        Column("flag", SMALL, nullable=False),
        Column("start", BIG, nullable=False),
        Column("end", BIG, nullable=False),
        Column("count", INT, nullable=False),
        Column("figures", JSON),
        Column("found_at", BIG, nullable=False),
        Foreign(["datastream_id"], ["datastreams.id"], name="fk_findings_datastream_id"),
        Primary("id", name="pk_findings"),
    )
    op.create_index("ix_findings_datastream_id", "findings", ["datastream_id"])
    op.create_table(
        "historical_location_locations",
        Column("historical_location_id", ID, nullable=False),
        Column("location_id", ID, nullable=False),
        Foreign(
            ["historical_location_id"],
            ["historical_locations.id"],
            name="fk_historical_location_locations_historical_location_id",
        ),
        Foreign(["location_id"], ["locations.id"], name="fk_historical_location_locations_location_id"),
        Primary("historical_location_id", "location_id", name="pk_historical_location_locations"),
    )
    op.create_index(
        "ix_historical_location_locations_location_id", "historical_location_locations", ["location_id"]
    )
    op.create_table(
        "hourly",
        Column("datastream_id", ID, nullable=False),
        Column("start", BIG, nullable=False),
        Column("count", INT, nullable=False),
        Column("mean", DOUBLE),
        Column("min", DOUBLE),
        Column("max", DOUBLE),
        Column("sum", DOUBLE),
        Column("last", DOUBLE),
        Column("last_time", BIG),
        Column("worst_flag", SMALL, nullable=False),
        Column("frozen", BOOL, server_default=sa.false(), nullable=False),
        Foreign(["datastream_id"], ["datastreams.id"], name="fk_hourly_datastream_id"),
        Primary("datastream_id", "start", name="pk_hourly"),
    )
    op.create_table(
        "latest",
        Column("datastream_id", ID, nullable=False),
        Column("row_id", ID, nullable=False),
        Column("phenomenon_time", BIG, nullable=False),
        Column("result", DOUBLE),
        Column("result_json", JSON),
        Column("flag", SMALL, nullable=False),
        Column("received_at", BIG, nullable=False),
        Column("count", BIG, nullable=False),
        Column("phenomenon_min", BIG, nullable=False),
        Column("phenomenon_max", BIG, nullable=False),
        Column("result_time_min", BIG),
        Column("result_time_max", BIG),
        Foreign(["datastream_id"], ["datastreams.id"], name="fk_latest_datastream_id"),
        Primary("datastream_id", name="pk_latest"),
    )
    op.create_table(
        "observations",
        Column("row_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("version", INT, server_default="1", nullable=False),
        Column("current", BOOL, server_default=sa.true(), nullable=False),
        Column("deleted", BOOL, server_default=sa.false(), nullable=False),
        Column("datastream_id", ID, nullable=False),
        Column("feature_id", ID),
        Column("phenomenon_time", BIG, nullable=False),
        Column("phenomenon_end", BIG),
        Column("result_time", BIG),
        Column("valid_start", BIG),
        Column("valid_end", BIG),
        Column("result", DOUBLE),
        Column("result_json", JSON),
        Column("parameters", JSON),
        Column("result_quality", JSON),
        Column("flag", SMALL, server_default="2", nullable=False),
        Column("source_key", TEXT),
        Column("received_at", BIG, nullable=False),
        Foreign(["datastream_id"], ["datastreams.id"], name="fk_observations_datastream_id"),
        Foreign(["feature_id"], ["features_of_interest.id"], name="fk_observations_feature_id"),
        Primary("row_id", name="pk_observations"),
        Unique("id", "version", name="uq_observations_id_version"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_observations_feature_id",
        "observations",
        ["feature_id"],
        sqlite_where=sa.text("feature_id IS NOT NULL"),
        postgresql_where=sa.text("feature_id IS NOT NULL"),
    )
    op.create_index(
        "ix_observations_series",
        "observations",
        ["datastream_id", "phenomenon_time"],
        sqlite_where=sa.text("current = 1 AND deleted = 0"),
        postgresql_where=sa.text("current AND NOT deleted"),
    )
    op.create_index(
        "uq_observations_source",
        "observations",
        ["datastream_id", "source_key"],
        unique=True,
        sqlite_where=sa.text("source_key IS NOT NULL AND version = 1"),
        postgresql_where=sa.text("source_key IS NOT NULL AND version = 1"),
    )
    # ### end Alembic commands ###
