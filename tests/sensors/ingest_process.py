"""Feeds in processes that can be killed, forked from one that has imported everything.

``python -m tests.sensors.ingest_process`` reads lines ``FILE DATABASE``; for each it forks a process that
runs the feeds until SIGTERM, says its number, and when it has ended its exit code (negative: the signal).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from sensors import ingest
from sensors.store import Store
from tests.conftest import REPOSITORY


def run(config: str, database: str) -> None:
    """Run the feeds of a config file until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Store.open(database) as store:
        ingest.run(ingest.read_config(Path(config)), store, stop, backoff=ingest.Backoff(0.1, 0.5))


def main() -> None:
    """Fork for each line of stdin."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(*line.split())
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


class Forks:
    """The process that forks; as a context manager it ends with its block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.sensors.ingest_process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def start(self, config: Path, database: str) -> Fork:
        """A new process; only one at a time."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{config} {database}\n")
        self._process.stdin.flush()
        number = int(self._process.stdout.readline())
        assert number > 0, "not a process, but how the one before it ended: wait for that first"
        return Fork(number, self._process)


class Fork:
    """One process, with what `subprocess.Popen` has for its end."""

    def __init__(self, pid: int, parent: subprocess.Popen[str]) -> None:
        self._pid, self._parent = pid, parent
        self._code: int | None = None

    def kill(self) -> None:
        """End it at once."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        # The one that forks may have seen its end already, as with `subprocess.Popen`.
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def wait(self, timeout: float = 0) -> int:
        """Its exit code, once it has ended."""
        if self._code is None:
            assert self._parent.stdout
            self._code = int(self._parent.stdout.readline())
        return self._code


if __name__ == "__main__":
    main()
