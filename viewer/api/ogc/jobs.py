"""Jobs of OGC API – Processes: one runs at a time, in a process of its own; some wait, and some are kept.

A job belongs to who asked for it. Its process reads the district from a folder, so that it takes nothing from
the memory or the threads of the server, and ends with it.
"""

from __future__ import annotations

import json
import logging
import math
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scenarios.shelf import as_yaml, write
from twin.district import District
from twin.errors import TwinError
from viewer import children, texts
from viewer.accounts.requests import Note, nowhere
from viewer.api.ogc.processes import Order
from viewer.turns import BusyError

ACCEPTED, RUNNING, SUCCESSFUL, FAILED, DISMISSED = (
    "accepted", "running", "successful", "failed", "dismissed"
)  # fmt: skip
STATES = (ACCEPTED, RUNNING, SUCCESSFUL, FAILED, DISMISSED)
_LOOK_S = 60.0
_LOOK_AT_S = 2.0
_MOVED_S = 0.2
"""Processor time beyond which a process has not stood still; looking for its server takes less a minute."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What jobs may take.

    waiting : jobs that wait; more are refused.
    each, all : jobs that are kept, of one asker and together.
    kept_s : how long what has ended is kept. [s]
    seconds, memory : of one job's process. [s] [byte]
    still_s : how long a process may stand still: libraries that find no memory may wait for ever. [s]
    """

    waiting: int = 8
    each: int = 20
    all: int = 100
    kept_s: float = 24 * 3600.0
    seconds: float = 3600.0
    memory: int = 4 * 2**30
    still_s: float = 60.0


@dataclass(eq=False)
class Job:
    """An order on its way. Times are UTC; None: not yet.

    error : why it failed.  wrong_input : whether what was ordered is the reason.
    """

    id: str
    owner: str
    order: Order
    folder: Path
    created: datetime
    state: str = ACCEPTED
    started: datetime | None = None
    finished: datetime | None = None
    updated: datetime | None = None
    error: str = ""
    wrong_input: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in (SUCCESSFUL, FAILED, DISMISSED)

    @property
    def result(self) -> Path:
        """What came of it, as JSON; there while it is successful."""
        return self.folder / "result.json"

    @property
    def progress(self) -> int:
        """How much is done. [%]"""
        if self.state == SUCCESSFUL:
            return 100
        return min(math.floor(100 * float(children.told(self.folder).get("share", 0.0))), 99)

    def duration_s(self, now: datetime) -> float | None:
        """How long it has been running, or ran; None: it never did."""
        return None if self.started is None else ((self.finished or now) - self.started).total_seconds()

    def end(self, state: str, error: str, now: datetime) -> None:
        """Nothing more comes of it; the files go unless they are wanted."""
        self.error = error
        self.state, self.finished, self.updated = state, now, now
        if state != SUCCESSFUL:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """End its process, and wait until it has gone."""
        if self.process is None or self.process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _cpu_s(process: int) -> float | None:
    """Processor time that a process has used; None: it cannot be told. [s]"""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # elsewhere than on Linux
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _now() -> datetime:
    """The time, in whole milliseconds, as it is told."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Jobs:
    """The jobs of one server. Safe in any thread; closed with the server.

    clock : UTC.
    """

    def __init__(
        self, district: District, limits: Limits | None = None, clock: Callable[[], datetime] = _now
    ) -> None:
        self.district = district
        self.limits = limits or Limits()
        self._clock = clock
        self._root = tempfile.TemporaryDirectory(prefix="lobeda-jobs-")
        self._starting = threading.Lock()
        self._turn = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(self, order: Order, owner: str, note: Note = nowhere) -> Job:
        """Put an order into the queue.

        note : takes what is about to be done, in the name of who asks; what it raises prevents it.

        Raises
        ------
        BusyError : too many wait, or the server ends.
        StoreError : as `note` raises it.
        """
        with self._starting:
            with self._turn:
                if self._closed or len(self._waiting) >= self.limits.waiting:
                    raise BusyError
            name = secrets.token_hex(8)
            note("process.run", f"{name}: {order.title}")
            folder = Path(self._root.name) / name
            folder.mkdir()
            try:
                self._write(folder, order)
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            now = self._clock()
            job = Job(name, owner, order, folder, now, updated=now)
            with self._turn:
                self._jobs[name] = job
                self._waiting.append(job)
                self._prune()
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, daemon=True)
                    self._thread.start()
                self._turn.notify_all()
        return job

    def of(self, owner: str) -> list[Job]:
        """Somebody's jobs, the latest first."""
        with self._turn:
            self._prune()
            return [job for job in reversed(self._jobs.values()) if job.owner == owner]

    def find(self, name: str, owner: str) -> Job | None:
        """The job of this id, if it is of who asks."""
        with self._turn:
            self._prune()
            job = self._jobs.get(name)
        return job if job is not None and job.owner == owner else None

    def dismiss(self, job: Job) -> None:
        """End a job wherever it is; its process and its files are gone then."""
        with self._turn:
            if job in self._waiting:
                self._waiting.remove(job)
            if job.state == DISMISSED:
                return
            job.kill()
            job.end(DISMISSED, "", self._clock())

    def close(self) -> None:
        """End what runs and waits, and remove all files."""
        with self._turn:
            self._closed = True
            self._waiting.clear()
            for job in self._jobs.values():
                if not job.ended:
                    job.kill()
                    job.end(DISMISSED, "", self._clock())
            self._turn.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._root.cleanup()

    def _write(self, folder: Path, order: Order) -> None:
        if order.scenario is not None:
            write(folder / "scenario.yaml", as_yaml(order.scenario))
        told = {
            "process": order.process,
            "inputs": dict(order.inputs),
            "outputs": order.outputs,
            "raw": order.raw and len(order.outputs) == 1,
            "district": str(self._district),
            "memory": self.limits.memory,
        }
        write(folder / "order.json", json.dumps(told))

    @property
    def _district(self) -> Path:
        return Path(self._root.name) / "district"

    def _work(self) -> None:
        """Carry out one job after the other."""
        while True:
            with self._turn:
                while not self._waiting and not self._closed:
                    self._turn.wait(_LOOK_S)
                    self._prune()
                if self._closed:
                    return
                job = self._waiting.popleft()
                job.state = RUNNING
                job.started = job.updated = self._clock()
            try:
                error = self._run(job)
            except (TwinError, OSError) as failure:
                error = f"it cannot be carried out now: {texts.error('en', failure)}"
            except Exception:  # whatever it was: the next ones wait for this thread
                _log.exception("a job could not be carried out")
                error = "it cannot be carried out, by a fault of the program; the server's log says which."
            with self._turn:
                if job.state == RUNNING:
                    job.end(FAILED if error else SUCCESSFUL, error or "", self._clock())

    def _run(self, job: Job) -> str | None:
        """What went wrong; None: nothing."""
        if not self._district.is_dir():
            self.district.save(self._district)
        with self._turn:
            if job.state != RUNNING:
                return None
            job.process = process = self._begin(job)
        code = self._ended(process)
        if isinstance(code, str):
            with self._turn:
                job.kill()
            return code
        if code == 0 and job.result.is_file():
            return None
        said = children.told(job.folder)
        job.wrong_input = bool(said.get("wrong_input"))
        return str(said.get("error", "")) or (
            "its process broke off, for want of memory or by a fault of the program; the server's log may "
            "say which."
        )

    def _ended(self, process: subprocess.Popen[bytes]) -> int | str:
        """The exit code of a process; or why it must not go on."""
        begun = moved = time.monotonic()
        used_s = -math.inf
        while True:
            left_s = self.limits.seconds - (time.monotonic() - begun)
            try:
                return process.wait(max(min(left_s, _LOOK_AT_S), 0.0))
            except subprocess.TimeoutExpired:
                now, now_s = time.monotonic(), _cpu_s(process.pid)
            if now - begun >= self.limits.seconds:
                return f"it took longer than {self.limits.seconds:g} seconds."
            if now_s is None or now_s > used_s + _MOVED_S:
                used_s, moved = now_s or used_s, now
            elif now - moved > self.limits.still_s:
                return "its process stood still, as for want of memory."

    def _begin(self, job: Job) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "viewer.process_worker", str(job.folder)],
            env=children.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def _prune(self) -> None:
        """Forget what ended long ago, and the oldest where somebody, or all together, have too many."""
        now = self._clock()
        ended = [job for job in self._jobs.values() if job.ended]
        for job in ended:
            assert job.finished is not None
            mine = sum(one.owner == job.owner for one in self._jobs.values())
            old = (now - job.finished).total_seconds() > self.limits.kept_s
            if old or mine > self.limits.each or len(self._jobs) > self.limits.all:
                del self._jobs[job.id]
                shutil.rmtree(job.folder, ignore_errors=True)
