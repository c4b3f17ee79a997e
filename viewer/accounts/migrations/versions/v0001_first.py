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
TEXT, BIG = sa.Text(), sa.BigInteger()
_APPEND_ONLY_SQLITE = """
CREATE TRIGGER audit_{event} BEFORE {event} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit record is only ever added to'); END
"""
_APPEND_ONLY_POSTGRESQL = (
    """
    CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit record is only ever added to'; END $$
    """,
    """
    CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
    """,
)


def upgrade() -> None:
    op.create_table(
        "accounts",
        Column("id", ID, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("roles", TEXT, nullable=False),
        Column("password_hash", TEXT),
        Column("issuer", TEXT),
        Column("subject", TEXT),
        Column("created_at", BIG, nullable=False),
        Column("disabled_at", BIG),
        Column("failures", sa.Integer(), server_default="0", nullable=False),
        Column("locked_until", BIG, server_default="0", nullable=False),
        Primary("id", name="pk_accounts"),
        Unique("name", name="uq_accounts_name"),
        Unique("issuer", "subject", name="uq_accounts_issuer_subject"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        Column("digest", TEXT, nullable=False),
        Column("account_id", ID),
        Column("name", TEXT, nullable=False),
        Column("roles", TEXT, nullable=False),
        Column("created_at", BIG, nullable=False),
        Column("ends_at", BIG, nullable=False),
        Foreign(["account_id"], ["accounts.id"], name="fk_sessions_account_id"),
        Primary("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_table(
        "tokens",
        Column("id", ID, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("digest", TEXT, nullable=False),
        Column("account_id", ID),
        Column("scopes", TEXT, nullable=False),
        Column("created_at", BIG, nullable=False),
        Column("ends_at", BIG, nullable=False),
        Foreign(["account_id"], ["accounts.id"], name="fk_tokens_account_id"),
        Primary("id", name="pk_tokens"),
        Unique("digest", name="uq_tokens_digest"),
        Unique("name", name="uq_tokens_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id"])
    op.create_table(
        "audit",
        Column("id", ID, nullable=False),
        Column("made_at", BIG, nullable=False),
        Column("actor", TEXT, nullable=False),
        Column("action", TEXT, nullable=False),
        Column("object", TEXT, nullable=False),
        Primary("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_made_at", "audit", ["made_at"])
    op.create_table(
        "keys",
        Column("name", TEXT, nullable=False),
        Column("value", TEXT, nullable=False),
        Primary("name", name="pk_keys"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(_APPEND_ONLY_SQLITE.format(event=event))
    else:
        for statement in _APPEND_ONLY_POSTGRESQL:
            op.execute(statement)
