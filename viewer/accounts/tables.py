"""The tables of the accounts, the same on SQLite and PostgreSQL, in a file or a schema of their own.

Passwords stand as argon2 hashes, keys of sessions and tokens as SHA-256 digests: who reads the database or a
backup of it can log in with nothing that stands there. Times are microseconds since 1970 in UTC.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Table

from sensors.store.kinds import NAMING, Id, Text, Time

metadata = sa.MetaData(naming_convention=NAMING)

# `roles` are separated by blanks. Without a password hash, the account logs in by OpenID Connect alone.
accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("roles", Text, nullable=False),
    Column("password_hash", Text),
    Column("issuer", Text),
    Column("subject", Text),
    Column("created_at", Time, nullable=False),
    Column("disabled_at", Time),
    sa.UniqueConstraint("issuer", "subject"),
    sqlite_autoincrement=True,
)
# Without an account: of a resident's link, with which it ends, or (no token either) of the terminal's.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.id"), index=True),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("ends_at", Time, nullable=False),
    Column("token_id", Id, index=True),
)
# Wrong passwords in a row by name and network, of names that are none too; and where a name was let in. Names
# and networks stand as digests by the key of the cookies.
attempts = Table(
    "attempts",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name_digest", Text, nullable=False, index=True),
    Column("failures", sa.Integer, nullable=False),
    Column("last_at", Time, nullable=False, index=True),
    Column("locked_until", Time, nullable=False),
    Column("let_in_at", Time),
)
# A program acts for an account, with the scopes that are named; without an account it is a resident's link.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("account_id", Id, ForeignKey("accounts.id"), index=True),
    Column("scopes", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("ends_at", Time, nullable=False),
    sqlite_autoincrement=True,
)
# Only ever added to: triggers refuse changes and deletions.
audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("made_at", Time, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    sqlite_autoincrement=True,
)
# The key that signs cookies.
keys = Table(
    "keys",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
