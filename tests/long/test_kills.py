"""25 kills at full load, on SQLite and PostgreSQL: acknowledged minus found is 0.

The first and the last few hit the real command; the others forks of a process that has loaded its libraries
already, since loading them 25 times would be most of the time.
"""

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
from tests.sensors.ingest_process import Forks
from tests.sensors.kills import Process, kill_again_and_again

pytestmark = pytest.mark.long

KILLS, OF_THE_COMMAND = 25, 4


def start(config: Path, database: str) -> subprocess.Popen[bytes]:
    """The real command."""
    command = [
        sys.executable, "-m", "viewer.cli", "sensors", "ingest", "--config", str(config),
        "--database", database,
    ]  # fmt: skip
    return subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})


def test_nothing_is_lost_in_25_kills(tmp_path: Path, store_url: str) -> None:  # noqa: F811
    begun = 0

    with Forks() as forks:

        def begin(config: Path, database: str) -> Process:
            nonlocal begun
            begun += 1
            real = begun <= OF_THE_COMMAND // 2 or begun > KILLS - OF_THE_COMMAND // 2
            return (start if real else forks.start)(config, database)

        count = kill_again_and_again(tmp_path, store_url, begin, KILLS)
    lost = f"acknowledged minus found {count.missing}, there twice {count.twice}"
    print(f"{KILLS} kills on {store_url.split(':')[0]}: {count.acknowledged} acknowledged, {lost}")
    assert (count.missing, count.twice) == (0, 0)
