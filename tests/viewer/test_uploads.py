"""Files of people are read elsewhere: what hangs, swells, babbles or crashes costs its own process alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scenarios.shelf import Shelf
from tests.viewer.test_server import serving
from twin.errors import SourceError
from viewer import drafts
from viewer.uploads import BROKEN, MEMORY, MOST_IN, SLOW, Limits, OverrunError, Uploads


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


def test_files_that_wait_leave_the_threads_to_others(tmp_path: Path) -> None:
    """One hangs, others wait for it: 60 more are sent away at once, and other pages answer meanwhile."""
    reading = Uploads("tests.viewer.bombs:read", Limits(seconds=10.0))
    do(reading, "well")  # the worker has loaded what it reads with
    app = FastAPI()
    app.include_router(drafts.router(Shelf(tmp_path), reading))
    app.add_api_route("/free", lambda: "free")
    with serving(app) as address, ThreadPoolExecutor(30) as pool:

        def send(what: str) -> httpx.Response:
            content = json.dumps({"do": what}).encode()
            return httpx.post(f"{address}/manage/scenarios", content=content, timeout=60)

        kept = []
        deadline = time.monotonic() + 8
        for number in range(MOST_IN):
            kept.append(pool.submit(send, "refuse" if kept else "sleep"))
            while reading.turns.inside <= number and time.monotonic() < deadline:
                time.sleep(0.01)
        refused = list(pool.map(send, ["refuse"] * 60))
        assert not any(one.done() for one in kept)  # or this says nothing
        assert {one.status_code for one in refused} == {503}
        assert all(int(one.headers["retry-after"]) > 0 and one.json()["error"] for one in refused)
        assert httpx.get(f"{address}/free", timeout=5).status_code == 200
        assert [one.result().status_code for one in kept] == [422] * MOST_IN
    reading.close()


def test_nothing_stays_after_the_close() -> None:
    reading = Uploads("tests.viewer.bombs:read")
    do(reading, "well")
    worker = reading._worker
    reading.close()
    assert worker is not None and worker.returncode is not None
