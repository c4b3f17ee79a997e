"""Killed twice at full load, nothing is missing and nothing is there twice; 25 times under tests/long."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.sensors.kills import kill_again_and_again

COMMAND = [sys.executable, "-m", "tests.sensors.ingest_process", "{config}", "{database}"]


def test_nothing_is_lost_when_the_ingest_is_killed(tmp_path: Path, store_url: str) -> None:
    count = kill_again_and_again(tmp_path, store_url, COMMAND, kills=2)
    assert count.acknowledged > 600
    assert (count.missing, count.twice) == (0, 0)
