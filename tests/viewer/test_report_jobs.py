"""Reports for the app: one at a time, in a process of their own that ends when it is told to."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pypdf
import pytest
import uvicorn
from fastapi import FastAPI

from tests.conftest import REPOSITORY
from tests.energy.districts import slabs
from tests.viewer.test_ogc_processes import gone
from tests.viewer.test_shown import street
from viewer import children, publish, shown, texts
from viewer.report_jobs import Job, ReportJobs, router
from viewer.state import Twin
from viewer.whatif import Plan, retrofit

GOOD = retrofit(1.0).as_text()
CONTRARY = Plan().change("set_points", on=True).change("smart_heating", on=True).as_text()


@contextmanager
def serving(jobs: ReportJobs | None = None) -> Iterator[httpx.Client]:
    """The interface on a real port."""
    jobs = jobs or ReportJobs(slabs(), draws=2)
    app = FastAPI()
    app.include_router(router(jobs))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
            yield client
        server.should_exit = True
        thread.join(30)
    jobs.close()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving() as opened:
        yield opened


def begin(client: httpx.Client, plan: str, **more: object) -> tuple[int, dict[str, str]]:
    answer = client.post("/manage/report", json={"plan": plan, "language": "en", **more})
    return answer.status_code, answer.json()


def ended(client: httpx.Client, name: str, seconds: float = 240.0) -> dict[str, object]:
    """The state of a report once it no longer runs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state: dict[str, object] = client.get(f"/manage/report/{name}").json()
        if state["state"] != "running":
            return state
        time.sleep(0.1)
    raise AssertionError("the report did not end")


def test_what_the_kernel_ends_for_want_of_memory_says_so(tmp_path: Path) -> None:
    """As the kernel does it: SIGKILL, and to the worker before the server (`viewer.memory`)."""
    waits = "import time; from viewer import memory; memory.go_first(); print(flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", waits], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        own, first = (int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in ("self", process.pid))
        assert first == 900 > own
        job = Job("x", tmp_path, process, "de")
        assert job.state()["state"] == "running"
        process.kill()
        process.wait()
        assert job.state() == {"state": "failed", "share": 0.0, "error": texts.text("de", "report.killed")}


@pytest.mark.parametrize(
    ("plan", "said"), [("", "changes nothing"), ("[]", "changes nothing"), ("no plan", "this is no plan")]
)
def test_what_gives_no_report_is_refused(client: httpx.Client, plan: str, said: str) -> None:
    code, answer = begin(client, plan)
    assert code == 409 and said in answer["error"]


def test_one_at_a_time_and_a_click_stops_it(client: httpx.Client) -> None:
    code, first = begin(client, GOOD)
    assert code == 202
    code, second = begin(client, GOOD)
    assert code == 409 and "already" in second["error"]
    assert client.get(f"/manage/report/{first['id']}/file").status_code == 404
    assert client.delete(f"/manage/report/{first['id']}").status_code == 204
    assert client.get(f"/manage/report/{first['id']}").json()["state"] == "failed"
    assert client.get("/manage/report/other").status_code == 404


_SERVER = """
import time
from tests.energy.districts import slabs
from viewer.report_jobs import ReportJobs
from viewer.whatif import retrofit
jobs = ReportJobs(slabs(), draws=5000)  # takes far longer than any test waits
job = jobs.start(retrofit(1.0), "en", "erika")
print(job.process.pid, job.folder, flush=True)
time.sleep(600)
"""


def until(holds: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(holds())


def test_a_report_outlives_no_killed_server() -> None:
    """As when the kernel ends the server: nobody is left to stop what it began."""
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
        env=children.environment(),
    )  # fmt: skip
    assert server.stdout is not None
    try:
        number, name = server.stdout.readline().split()
        worker, folder = int(number), Path(name)
        works = until(lambda: children.told(folder), 60) and not gone(worker)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    ended_too = until(lambda: gone(worker), 20)
    if not ended_too:
        os.kill(worker, signal.SIGKILL)
    shutil.rmtree(folder.parent)
    assert works and ended_too


def test_a_plans_fault_is_said(client: httpx.Client) -> None:
    code, job = begin(client, CONTRARY)
    assert code == 202
    state = ended(client, job["id"])
    assert state["state"] == "failed" and "smart_heating" in str(state["error"])
    assert "\n" not in str(state["error"])


@pytest.mark.parametrize(
    ("public", "said", "unsaid", "name"),
    [
        (True, "For the public: sums of groups", "Internal: figures", "lobeda-report-public.pdf"),
        (False, "Internal: figures of single", "For the public: sums", "lobeda-report-internal.pdf"),
    ],
)
def test_a_report_says_for_whom_it_is(public: bool, said: str, unsaid: str, name: str) -> None:
    """On its cover, and in the name under which it is saved."""
    with serving(ReportJobs(slabs(), draws=0)) as client:
        _, job = begin(client, GOOD, public=public)
        assert ended(client, job["id"])["state"] == "done"
        answer = client.get(f"/manage/report/{job['id']}/file")
    assert f'filename="{name}"' in answer.headers["content-disposition"]
    cover = " ".join(pypdf.PdfReader(io.BytesIO(answer.content)).pages[0].extract_text().split())
    assert said in cover and unsaid not in cover


def test_a_public_report_stands_beside_what_the_public_has_seen(tmp_path: Path) -> None:
    """A house more than on the site: the report's totals less the site's group would be that house."""
    memory = tmp_path / "street.json"
    shown.write(memory, publish.groups_shown(Twin.of(street(6))))
    with serving(ReportJobs(street(7), draws=0, memory=memory)) as client:
        _, job = begin(client, GOOD, public=True)
        state = ended(client, job["id"])
    assert (state["state"], state["error"]) == ("failed", texts.text("en", "report.not_public"))
