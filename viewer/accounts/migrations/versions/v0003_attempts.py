"""Wrong passwords count by name and network, of names that are none too; a session ends with its link.

Sessions of links do not know their link: they end here, and whoever has one logs in again.

Revision: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column
from sqlalchemy import PrimaryKeyConstraint as Primary

revision = "0003"
down_revision = "0002"

TEXT, BIG = sa.Text(), sa.BigInteger()
ID = BIG.with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "attempts",
        Column("digest", TEXT, nullable=False),
        Column("name_digest", TEXT, nullable=False),
        Column("failures", sa.Integer(), nullable=False),
        Column("last_at", BIG, nullable=False),
        Column("locked_until", BIG, nullable=False),
        Column("let_in_at", BIG),
        Primary("digest", name="pk_attempts"),
    )
    op.create_index("ix_attempts_name_digest", "attempts", ["name_digest"])
    op.create_index("ix_attempts_last_at", "attempts", ["last_at"])
    op.execute("DELETE FROM sessions WHERE account_id IS NULL")
    op.add_column("sessions", Column("token_id", ID))
    op.create_index("ix_sessions_token_id", "sessions", ["token_id"])
    op.drop_column("accounts", "failures")
    op.drop_column("accounts", "locked_until")
