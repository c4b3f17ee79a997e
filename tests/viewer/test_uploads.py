"""Files of people are read elsewhere: what hangs, swells, babbles or crashes costs its own process alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
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
    """60 files at once, each of which hangs: most are sent away, and other pages answer meanwhile."""
    reading = Uploads("tests.viewer.bombs:read", Limits(seconds=1.5))
    do(reading, "well")  # the worker has loaded what it reads with
    app = FastAPI()
    app.include_router(drafts.router(Shelf(tmp_path), reading))
    app.add_api_route("/free", lambda: "free")
    hang = json.dumps({"do": "sleep"}).encode()
    with serving(app) as address, ThreadPoolExecutor(60) as pool:

        def send() -> httpx.Response:
            return httpx.post(f"{address}/manage/scenarios", content=hang, timeout=60)

        asked = [pool.submit(send) for _ in range(60)]
        refused = [one.result() for one in islice(as_completed(asked), 60 - MOST_IN)]
        assert {one.status_code for one in refused} == {503}
        assert all(int(one.headers["retry-after"]) > 0 and one.json()["error"] for one in refused)
        assert httpx.get(f"{address}/free", timeout=1).status_code == 200
        rest = [one for one in asked if one.result() not in refused]
        assert [one.result().status_code for one in rest] == [422] * MOST_IN
    reading.close()


def test_nothing_stays_after_the_close() -> None:
    reading = Uploads("tests.viewer.bombs:read")
    do(reading, "well")
    worker = reading._worker
    reading.close()
    assert worker is not None and worker.returncode is not None
