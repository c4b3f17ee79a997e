"""Databases for the sensors' tests: SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sensors.store import Store
from tests.sensors.postgres import Postgres, started


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL; a test that stops it starts it again."""
    with started() as server:
        yield server


@pytest.fixture(scope="session")
def shared_postgres_url(postgres: Postgres) -> str:
    """One database for all tests, since making one takes seconds where writing is safe."""
    return postgres.new_database()


@pytest.fixture
def postgres_url(postgres: Postgres, shared_postgres_url: str) -> Iterator[str]:
    """The address of a PostgreSQL database without rows; its tables may be there already."""
    yield shared_postgres_url
    postgres.empty(shared_postgres_url)


@pytest.fixture
def new_postgres_url(postgres: Postgres) -> str:
    """The address of a PostgreSQL database that nobody has opened yet."""
    return postgres.new_database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite database of the test's own."""
    return f"sqlite:///{tmp_path / 'sensors.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database: on SQLite, then on PostgreSQL."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store: on SQLite, then on PostgreSQL."""
    with Store.open(store_url) as opened:
        yield opened


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Store]:
    """An empty store on SQLite alone, for what does not depend on the database."""
    with Store.open(sqlite_url) as opened:
        yield opened
