"""Killed twice at full load, nothing is missing and nothing is there twice; 25 times under tests/long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sensors.ingest_process import Forks
from tests.sensors.kills import kill_again_and_again


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as running:
        yield running


def test_nothing_is_lost_when_the_ingest_is_killed(tmp_path: Path, store_url: str, forks: Forks) -> None:
    count = kill_again_and_again(tmp_path, store_url, forks.start, kills=2)
    assert count.acknowledged > 600
    assert (count.missing, count.twice) == (0, 0)
