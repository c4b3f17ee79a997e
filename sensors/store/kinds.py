"""What all our databases' tables are made of, so that migrations of each name things alike."""

from __future__ import annotations

import sqlalchemy as sa

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""How indexes and constraints are called."""

# SQLite numbers rows by itself only in a column of exactly this type.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.BigInteger
Text = sa.Text
