"""25 times `kill -9` while writing at full load, on each database: acknowledged minus found is 0."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from sensors.store import Store
from tests.sensors import crash, model
from tests.sensors.conftest import (  # noqa: F401 - fixtures
    postgres,
    postgres_url,
    shared_postgres_url,
    sqlite_url,
    store_url,
)
from tests.sensors.postgres import Postgres

KILLS = 25


@pytest.mark.long
def test_kills_lose_nothing(store_url: str, tmp_path: Path) -> None:  # noqa: F811
    acknowledged, chance = tmp_path / "acknowledged", random.Random(1)
    for number in range(KILLS):
        crash.kill_in_the_middle(store_url, acknowledged, str(number), chance.randrange(1, 60_000))
    with Store.open(store_url) as store:
        count, missing = crash.lost(store, acknowledged)
        model.require_consistent(store)
    print(f"\n{store_url.partition(':')[0]}: {KILLS} kills, {count:,} acknowledged, {missing} not found")
    assert missing == 0


@pytest.mark.long
def test_crashes_of_the_server_lose_nothing(
    postgres: Postgres,  # noqa: F811
    postgres_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    acknowledged = tmp_path / "acknowledged"
    writer = crash.start(postgres_url, acknowledged, "run")
    try:
        for _ in range(KILLS // 5):
            size = acknowledged.stat().st_size if acknowledged.exists() else 0
            crash.wait_for(acknowledged, size + 20_000, writer)
            postgres.stop(signal.SIGQUIT)
            postgres.start()
    finally:
        writer.kill()
    with Store.open(postgres_url) as store:
        count, missing = crash.lost(store, acknowledged)
        model.require_consistent(store)
    print(f"\n{KILLS // 5} crashes of PostgreSQL, {count:,} acknowledged, {missing} not found")
    assert missing == 0
