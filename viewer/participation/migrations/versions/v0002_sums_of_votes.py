"""Of votes on proposals that ended long ago, sums alone are kept.

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("agree", "disagree"):
        op.add_column("topics", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
