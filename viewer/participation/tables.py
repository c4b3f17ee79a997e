"""The tables, the same on SQLite and PostgreSQL, apart from the sensors': a file or a schema of their own.

No table knows who wrote: no account, no address, no browser. A comment's author is whoever has its code, of
which only the digest stands here, until the comment is deleted. A vote knows a digest of the browser's random
number and of what was voted on, so that two votes of one browser cannot be told to be of one. Times are
microseconds since 1970 in UTC, of comments by the full minute.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Table

from sensors.store.kinds import NAMING, Id, Text, Time

metadata = sa.MetaData(naming_convention=NAMING)

# What is talked about: proposals of the residents' pages. From `closes_at` on, nothing more is taken.
# agree, disagree: votes of which retention has left the sums alone.
topics = Table(
    "topics",
    metadata,
    Column("id", Text, primary_key=True),
    Column("titles", sa.JSON, nullable=False),
    Column("closes_at", Time),
    Column("agree", sa.Integer, nullable=False, server_default="0"),
    Column("disagree", sa.Integer, nullable=False, server_default="0"),
)
# Place in EPSG:25832, by the full metre; group: a privacy group of buildings.
comments = Table(
    "comments",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("topic_id", Text, ForeignKey("topics.id"), nullable=False, index=True),
    Column("state", Text, nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("east_m", sa.Double),
    Column("north_m", sa.Double),
    Column("group_id", Text),
    Column("created_at", Time, nullable=False),
    Column("code_digest", Text, unique=True),
    Column("answer", Text, nullable=False, server_default=""),
    Column("answered_at", Time),
    Column("reason", Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)
votes = Table(
    "votes",
    metadata,
    Column("target", Text, primary_key=True),  # "proposal" or "comment"
    Column("target_id", Text, primary_key=True),
    Column("voter_digest", Text, primary_key=True),
    Column("value", sa.SmallInteger, nullable=False),  # 1 agree, -1 disagree
)
# The audit trail: who (moderator, author, retention) did what when; `before` brings it back.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("comment_id", Id, ForeignKey("comments.id"), nullable=False, index=True),
    Column("made_at", Time, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("before", sa.JSON(none_as_null=True)),
    Column("reason", Text, nullable=False, server_default=""),
    Column("undone_at", Time),
    sqlite_autoincrement=True,
)
