"""Files of people are read elsewhere: what hangs, swells, babbles or crashes costs its own process alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from twin.errors import SourceError
from viewer.uploads import BROKEN, MEMORY, SLOW, Limits, OverrunError, Uploads


@pytest.fixture(scope="module")
def bombs() -> Iterator[Uploads]:
    reading = Uploads("tests.viewer.bombs:read", Limits(seconds=1.0))
    yield reading
    reading.close()


def do(uploads: Uploads, what: str) -> dict[str, Any]:
    return uploads.read(json.dumps({"do": what}).encode())


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("swell", MEMORY),
        ("babble", MEMORY),
        ("spin", SLOW),
        ("sleep", SLOW),
        ("recurse", BROKEN),
        ("die", BROKEN),
        ("raise", BROKEN),
    ],
)
def test_a_bomb_is_cut_off_and_the_next_file_is_read(bombs: Uploads, what: str, reason: str) -> None:
    with pytest.raises(OverrunError) as refused:
        do(bombs, what)
    assert refused.value.reason == reason
    after = do(bombs, "well")
    assert after["did"] == "well"
    with pytest.raises(ProcessLookupError):  # nothing of it stays
        os.kill(after["process"], 0)


def test_what_a_reader_prints_is_no_answer(bombs: Uploads) -> None:
    assert do(bombs, "print")["did"] == "print"


def test_what_it_refuses_is_said_with_its_place(bombs: Uploads) -> None:
    with pytest.raises(SourceError, match="upload, line 3: this is nothing"):
        do(bombs, "refuse")


def test_a_worker_that_was_killed_is_started_again(bombs: Uploads) -> None:
    do(bombs, "well")
    worker = bombs._worker
    assert worker is not None
    worker.kill()
    worker.wait()
    assert do(bombs, "well")["did"] == "well"


def test_nothing_stays_after_the_close() -> None:
    reading = Uploads("tests.viewer.bombs:read")
    do(reading, "well")
    worker = reading._worker
    reading.close()
    assert worker is not None and worker.returncode is not None
