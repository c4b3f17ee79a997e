"""Brings a database to the schema of this program: makes it, or migrates it with a backup first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from sensors.errors import StoreError
from sensors.store.database import shown
from sensors.store.migrations import HEAD
from sensors.store.tables import metadata

VERSION_TABLE = "alembic_version"
_VERSION = sa.table(VERSION_TABLE, sa.column("version_num"))
COPY_DAYS = 30
"""How long the copy that a migration makes is kept, unless somebody takes it away before."""
_STEPS = Path(__file__).parent / "migrations"


def ready(engine: Engine) -> None:
    """Makes or migrates the tables where needed; others that open the database wait meanwhile.

    Raises
    ------
    StoreError : the database was made by a newer version, or holds tables of another program.
    """
    with engine.connect() as connection:
        if version(connection) == HEAD:
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        found = version(connection)  # another process may have been faster
        if found == HEAD:
            return
        require_known(connection, found, HEAD, metadata)
        if found is not None:
            keep_copy(connection, HEAD, found)
        upgrade(connection)


def version(connection: Connection) -> str | None:
    """The schema version of the database; None: it has none of our tables."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(sa.select(_VERSION.c.version_num)).scalar()


def upgrade(connection: Connection, target: str = "head", steps: Path = _STEPS) -> None:
    """Runs the migrations that are missing, of the folder `steps`, in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(steps).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def require_known(connection: Connection, found: str | None, head: str, known: sa.MetaData) -> None:
    """Refuses a database that is of a newer version than `head`, or that another program made.

    Raises
    ------
    StoreError : it is one of these.
    """
    where = shown(connection.engine.url)
    if found is None:
        foreign = set(sa.inspect(connection).get_table_names()) & set(known.tables)
        if foreign:
            raise StoreError(
                f"it holds a table {min(foreign)!r} that this program did not make",
                where,
                "Name another database",
            )
    elif not found.isdigit() or int(found) > int(head):
        raise StoreError(
            f"the database was made by a newer version of this program (schema {found}, known: {head})",
            where,
            "Update the program, or name another database",
        )


def keep_copy(connection: Connection, head: str, found: str, space: str = "public") -> None:
    """A copy of everything before it is migrated from version `found` to `head`.

    SQLite: a file beside the database, for its owner alone. PostgreSQL: tables in a schema
    ``SPACE_before_HEAD_from_FOUND``, in the transaction of the migration; the copy before that gives way.
    """
    if connection.dialect.name == "sqlite":
        _copy_file(Path(str(connection.engine.url.database)), head, found)
        return
    name = _owner(space)
    inspector = sa.inspect(connection)
    for old in inspector.get_schema_names():
        if old.startswith(f"{name}_before_"):
            connection.execute(sa.schema.DropSchema(old, cascade=True))
    copy = f"{name}_before_{head}_from_{found}"
    connection.execute(sa.schema.CreateSchema(copy))
    connection.exec_driver_sql(f"COMMENT ON SCHEMA \"{copy}\" IS '{datetime.now(UTC).isoformat()}'")
    for table in inspector.get_table_names(schema=space):
        connection.exec_driver_sql(f'CREATE TABLE "{copy}"."{table}" AS TABLE "{space}"."{table}"')


def _copy_file(path: Path, head: str, found: str) -> None:
    """Written beside, then renamed; a migration begins with a lock that lets others read."""
    copy = path.with_name(f"{path.name}.before-{head}-from-{found}")
    part = copy.with_name(copy.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    part.replace(copy)


def forget_copies(engine: Engine, now: datetime, space: str = "public") -> list[str]:
    """Removes copies that `keep_copy` made `COPY_DAYS` ago or earlier; their names.

    They hold what has been deleted since, and outlive their purpose: going back after a failed update.
    """
    end = now - timedelta(days=COPY_DAYS)
    if engine.dialect.name == "sqlite":
        path = Path(str(engine.url.database))
        files = sorted(path.parent.glob(f"{path.name}.before-*"))
        old = [one for one in files if one.stat().st_mtime <= end.timestamp()]
        for one in old:
            one.unlink(missing_ok=True)
        return [one.name for one in old]
    made = sa.text(
        "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace "
        "WHERE starts_with(nspname, :of)"
    )
    with engine.connect() as connection:
        found = connection.execute(made, {"of": f"{_owner(space)}_before_"}).all()
    names = [str(name) for name, since in found if since and datetime.fromisoformat(since) <= end]
    if names:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            for name in names:
                connection.execute(sa.schema.DropSchema(name, cascade=True, if_exists=True))
    return names


def _owner(space: str) -> str:
    """What copies of a space are named after."""
    return "sensors" if space == "public" else space
