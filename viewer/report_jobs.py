"""Reports that the manager's app asks for: made in a process of their own, one at a time, then downloaded.

The page asks by HTTP under /manage, behind the same login: POST /manage/report with the plan of its address,
then GET its state until the file is there; who asked for a report alone sees, loads and stops it. The process
reads the district from a folder, so that a report takes nothing from the memory or the threads of the pages.
"""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from scenarios.report.words import LANGUAGES
from scenarios.shelf import as_yaml
from sensors.errors import StoreError
from twin.district import District
from twin.errors import CallError, TwinError
from viewer import access, bodies, children, texts
from viewer.accounts import requests
from viewer.accounts.requests import Note, nowhere
from viewer.whatif import Plan

MOST_PLAN = 100_000  # bytes
RESULT, SCENARIO, OPTIONS = "report.pdf", "scenario.yaml", "options.json"


@dataclass(frozen=True, eq=False)
class Job:
    """A report that is being made, or was.

    plan : as an address names it.  public : for everybody, of whole privacy groups; else it is internal.
    """

    id: str
    folder: Path
    process: subprocess.Popen[bytes]
    plan: str = ""
    language: str = texts.DEFAULT
    public: bool = False

    @property
    def file_name(self) -> str:
        """What it is called where it is saved: who passes it on sees for whom it is."""
        return f"lobeda-report-{'public' if self.public else 'internal'}.pdf"

    @property
    def file(self) -> Path:
        """The report; it is there once it is whole."""
        return self.folder / RESULT

    def state(self) -> dict[str, Any]:
        """State ("running", "done" or "failed"), share done and, if it failed, why."""
        code = self.process.poll()
        said = children.told(self.folder)
        if code is None:
            return {"state": "running", "share": said.get("share", 0.0)}
        if code == 0 and self.file.is_file():
            return {"state": "done", "share": 1.0}
        killed = texts.text(self.language, "report.killed") if code == -signal.SIGKILL else ""
        return {"state": "failed", "share": 0.0, "error": said.get("error") or killed or f"exit code {code}"}

    def stop(self) -> None:
        """End it where it is being made."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class ReportJobs:
    """One report at a time; each person's last one stays until their next.

    draws : of the uncertain inputs, as the command takes them.
    memory : the file of the groups that the public has seen of the district (`viewer.shown`); None: none.
    """

    def __init__(self, district: District, draws: int = 16, memory: Path | None = None) -> None:
        self.district = district
        self.draws = draws
        self.memory = memory
        self._folder = tempfile.TemporaryDirectory(prefix="lobeda-reports-")
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def start(
        self, plan: Plan, language: str, owner: str, note: Note = nowhere, *, public: bool = False
    ) -> Job:
        """Begin the report of a plan.

        owner : the name of who asks.  note : takes what is about to be made.
        public : of whole privacy groups alone, for everybody.

        Raises
        ------
        CallError : another one is being made, or the plan is none that changes something.
        """
        if plan.idle:
            raise CallError(texts.text(language, "report.nothing"))
        with self._lock:
            if any(job.process.poll() is None for job in self._jobs.values()):
                raise CallError(texts.text(language, "report.busy"))
            self._jobs[owner] = self._begin(plan, language, note, public)
            return self._jobs[owner]

    def _begin(self, plan: Plan, language: str, note: Note, public: bool) -> Job:
        root = Path(self._folder.name)
        name = secrets.token_hex(8)
        note("report.make", f"{name}{' for the public' if public else ''}: {plan.as_text()}")
        if not (root / "district").is_dir():
            self.district.save(root / "district")
        folder = root / name
        folder.mkdir()
        title = {code: texts.text(code, "report.plan") for code in LANGUAGES}
        scenario = plan.scenario().model_copy(update={"title": title})
        (folder / SCENARIO).write_text(as_yaml(scenario), "utf-8")
        options = {
            "district": str(root / "district"), "language": language, "draws": self.draws, "public": public,
            "memory": None if self.memory is None else str(self.memory),
        }  # fmt: skip
        (folder / OPTIONS).write_text(json.dumps(options), "utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "viewer.report_worker", str(folder)],
            env=children.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return Job(name, folder, process, plan.as_text(), language, public)

    def find(self, name: str, owner: str) -> Job | None:
        """The report of this id, if it is the last one of who asks."""
        job = self._jobs.get(owner)
        return job if job is not None and job.id == name else None

    def close(self) -> None:
        """End what runs and remove all files."""
        for job in self._jobs.values():
            job.stop()
        self._folder.cleanup()


def router(jobs: ReportJobs) -> APIRouter:
    """The interface that the page asks."""
    routes = APIRouter(prefix="/manage/report", include_in_schema=False)

    @routes.post("")
    async def ask(request: Request) -> Response:
        content = await bodies.read(request, MOST_PLAN)
        if content is None:
            return JSONResponse({"error": f"more than {MOST_PLAN // 1000} kB"}, 413)
        try:
            asked = json.loads(content)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            return JSONResponse({"error": "no JSON object"}, 400)
        return await run_in_threadpool(begin, asked, owner(request), requests.noter(request))

    def owner(request: Request) -> str:
        person = access.person(request)
        return "" if person is None else person.name

    def begin(asked: dict[str, Any], owner: str, note: requests.Note) -> Response:
        language = str(asked.get("language", texts.DEFAULT))
        try:
            plan = Plan.from_text(str(asked.get("plan", "")))
            known = language if language in LANGUAGES else "en"
            job = jobs.start(plan, known, owner, note, public=asked.get("public") is True)
        except StoreError:
            return requests.unwritten()
        except TwinError as error:
            return JSONResponse({"error": error.what}, 409)
        return JSONResponse({"id": job.id}, 202)

    @routes.get("/{name}")
    def state(request: Request, name: str) -> Response:
        job = jobs.find(name, owner(request))
        return JSONResponse({"error": "gone"}, 404) if job is None else JSONResponse(job.state())

    @routes.get("/{name}/file")
    def download(request: Request, name: str) -> Response:
        job = jobs.find(name, owner(request))
        if job is None or not job.file.is_file():
            return JSONResponse({"error": "gone"}, 404)
        try:
            requests.noter(request)(
                "export", f"report {name}{' for the public' if job.public else ''}: {job.plan}"
            )
        except StoreError:
            return requests.unwritten()
        return FileResponse(job.file, media_type="application/pdf", filename=job.file_name)

    @routes.delete("/{name}")
    def stop(request: Request, name: str) -> Response:
        job = jobs.find(name, owner(request))
        if job is not None:
            job.stop()
        return Response(status_code=204)

    return routes
