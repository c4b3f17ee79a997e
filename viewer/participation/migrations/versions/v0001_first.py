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
DOUBLE: sa.Double[float] = sa.Double()


def upgrade() -> None:
    op.create_table(
        "topics",
        Column("id", TEXT, nullable=False),
        Column("titles", sa.JSON(), nullable=False),
        Column("closes_at", BIG),
        Primary("id", name="pk_topics"),
    )
    op.create_table(
        "votes",
        Column("target", TEXT, nullable=False),
        Column("target_id", TEXT, nullable=False),
        Column("voter_digest", TEXT, nullable=False),
        Column("value", sa.SmallInteger(), nullable=False),
        Primary("target", "target_id", "voter_digest", name="pk_votes"),
    )
    op.create_table(
        "comments",
        Column("id", ID, nullable=False),
        Column("topic_id", TEXT, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("text", TEXT, nullable=False),
        Column("fingerprint", TEXT, nullable=False),
        Column("east_m", DOUBLE),
        Column("north_m", DOUBLE),
        Column("group_id", TEXT),
        Column("created_at", BIG, nullable=False),
        Column("code_digest", TEXT),
        Column("answer", TEXT, server_default="", nullable=False),
        Column("answered_at", BIG),
        Column("reason", TEXT, server_default="", nullable=False),
        Foreign(["topic_id"], ["topics.id"], name="fk_comments_topic_id"),
        Primary("id", name="pk_comments"),
        Unique("code_digest", name="uq_comments_code_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_comments_state", "comments", ["state"])
    op.create_index("ix_comments_topic_id", "comments", ["topic_id"])
    op.create_table(
        "decisions",
        Column("id", ID, nullable=False),
        Column("comment_id", ID, nullable=False),
        Column("made_at", BIG, nullable=False),
        Column("actor", TEXT, nullable=False),
        Column("action", TEXT, nullable=False),
        Column("before", sa.JSON()),
        Column("reason", TEXT, server_default="", nullable=False),
        Column("undone_at", BIG),
        Foreign(["comment_id"], ["comments.id"], name="fk_decisions_comment_id"),
        Primary("id", name="pk_decisions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decisions_comment_id", "decisions", ["comment_id"])
