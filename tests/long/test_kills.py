"""25 kills of the real command at full load, on SQLite and PostgreSQL: acknowledged minus found is 0."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.sensors.conftest import (  # noqa: F401  # fixtures
    postgres,
    postgres_url,
    shared_postgres_url,
    sqlite_url,
    store_url,
)
from tests.sensors.kills import kill_again_and_again

pytestmark = pytest.mark.long

KILLS = 25


def start(config: Path, database: str) -> subprocess.Popen[bytes]:
    """The real command."""
    command = [
        sys.executable, "-m", "viewer.cli", "sensors", "ingest", "--config", str(config),
        "--database", database,
    ]  # fmt: skip
    return subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})


def test_nothing_is_lost_in_25_kills(tmp_path: Path, store_url: str) -> None:  # noqa: F811
    count = kill_again_and_again(tmp_path, store_url, start, KILLS)
    lost = f"acknowledged minus found {count.missing}, there twice {count.twice}"
    print(f"{KILLS} kills on {store_url.split(':')[0]}: {count.acknowledged} acknowledged, {lost}")
    assert (count.missing, count.twice) == (0, 0)
