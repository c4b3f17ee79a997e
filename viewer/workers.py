"""Several processes of one server, on ports one after the other; a proxy keeps each person with one of them.

A page of the manager's app lives in the process that made it: Bokeh's documents hold objects that only that
process has. A port shared by all would hand the page to one process and its websocket to another, so each has
its own, and the proxy chooses by the session's cookie (`deploy/nginx.conf`). The first process alone
runs feeds, checks, retention and clean-up. What they share stands in databases and files.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Self

from twin.errors import CallError

VARIABLE = "LOBEDA_WORKER"
CALL_AT_FAULT = 2
STOP_S = 25.0
"""For a process to end by itself."""
SOUND_S = 60.0
"""What ran so long and ended is started again at once, what ended sooner after a while."""
AGAIN_MAX_S = 60.0


@dataclass(frozen=True)
class Worker:
    """Which of several processes this one is.

    number : from 0.  of : how many there are.  parent : the process that started it; 0: nobody watches it.
    """

    number: int = 0
    of: int = 1
    parent: int = 0

    @classmethod
    def here(cls) -> Self:
        """As `supervise` said when it started this process; else the only one."""
        said = os.environ.get(VARIABLE, "")
        return cls(*(int(part) for part in said.split("/"))) if said else cls()

    @property
    def keeps(self) -> bool:
        """Whether it runs feeds and cleans up."""
        return self.number == 0

    @property
    def orphaned(self) -> bool:
        """Whether the process that started it has gone."""
        return self.parent != 0 and os.getppid() != self.parent


def ports_of(port: int, count: int) -> list[int]:
    """The ports of `count` processes.

    Raises
    ------
    CallError : there are not so many.
    """
    if not 1 <= count <= 64:
        raise CallError(f"{count} is no number of processes", "--workers", "Use 1 to 64")
    if port == 0 or port + count - 1 > 65535:
        raise CallError(f"{count} ports from {port} on do not exist", "--port", "Name a lower one, not 0")
    return [port + number for number in range(count)]


def supervise(
    commands: Sequence[Sequence[str]],
    say: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a process for each command until SIGTERM or Ctrl-C; what ends by itself is started again.

    The exit code: 2 where a process said that its call is at fault, and would say so again; else 0.
    """
    ending = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ending.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    kept = [
        _Kept(command, {**(environment or os.environ), VARIABLE: f"{number}/{len(commands)}/{os.getpid()}"})
        for number, command in enumerate(commands)
    ]
    try:
        while not ending.wait(0.2):
            for number, one in enumerate(kept):
                ended = one.look()
                if ended and one.code == CALL_AT_FAULT:
                    return CALL_AT_FAULT
                if ended:
                    say(f"Process {number} ended ({one.code}); it is started again in {one.wait_s:.0f} s")
        return 0
    finally:
        for one in kept:
            one.ask_to_end()
        until = time.monotonic() + STOP_S
        for one in kept:
            one.end(until)
        for number, handler in before.items():
            signal.signal(number, handler)


class _Kept:
    """A process that is started again whenever it ends."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = list(command), dict(environment)
        self.code, self.wait_s, self._due = 0, 0.0, 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._begin()

    def look(self) -> bool:
        """Start it where it is due; whether it has just ended."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._due:
                self._begin()
            return False
        if self._process.poll() is None:
            return False
        self.code, self._process = self._process.returncode, None
        soon = now - self._began < SOUND_S
        self.wait_s = min(2 * self.wait_s or 1.0, AGAIN_MAX_S) if soon else 0.0
        self._due = now + self.wait_s
        return True

    def ask_to_end(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def end(self, until: float) -> None:
        """Wait for its end; kill it then."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _begin(self) -> None:
        self._began = time.monotonic()
        # In a group of its own: Ctrl-C reaches the supervisor, which then ends all.
        self._process = subprocess.Popen(self._command, env=self._environment, process_group=0)
