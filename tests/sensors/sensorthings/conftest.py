"""A service over an empty database: on SQLite, then on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sensors.store import Store
from sensors.store.tables import metadata
from tests.sensors.sensorthings.servers import sensorthings


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all tests of a module, which only read what the module's fixture wrote."""
    if request.param == "sqlite":
        with Store.open(f"sqlite:///{tmp_path_factory.mktemp('sta') / 'sensors.sqlite'}") as store:
            yield store
        return
    postgres, url = (request.getfixturevalue(name) for name in ("postgres", "shared_postgres_url"))
    postgres.empty(url)
    with Store.open(url) as store:
        yield store
    postgres.empty(url)


@pytest.fixture(scope="module")
def opened(shared_store: Store) -> Iterator[httpx.Client]:
    with sensorthings(shared_store) as client:
        yield client


@pytest.fixture
def client(opened: httpx.Client, shared_store: Store) -> Iterator[httpx.Client]:
    """A client of a service without entities."""
    yield opened
    with shared_store.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
