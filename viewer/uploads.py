"""Files that people send: read in a process of their own, with limits on time, memory and size.

The page's server never parses them. It hands the bytes to `viewer.upload_worker`, which forks for each file,
and takes a JSON object back; a file that hangs, swells or crashes its reader costs that fork alone.
"""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from twin.errors import CallError, Place, SourceError
from viewer import children
from viewer.turns import Turns

READY_S = 120.0
"""For the worker to load what it reads with: on a cold or busy machine that takes a while."""
MOST_IN = 6
"""Files that are read or wait for it; more are refused."""
SLOW, MEMORY, BROKEN = "slow", "memory", "broken"


@dataclass(frozen=True)
class Limits:
    """What reading one file may take: seconds, bytes of memory beyond the idle worker's, bytes answered."""

    seconds: float = 10.0
    memory: int = 256 * 2**20
    answer: int = 2_000_000


class OverrunError(CallError):
    """A file was not read to its end; `reason` is SLOW, MEMORY or BROKEN."""

    def __init__(self, reason: str, limits: Limits) -> None:
        self.reason = reason
        what = {
            SLOW: f"reading the file took more than {limits.seconds:g} seconds",
            MEMORY: f"reading the file needs more than {limits.memory // 2**20} MB",
            BROKEN: "reading the file came to no end",
        }[reason]
        super().__init__(what, "upload", "Choose another file")


class Uploads:
    """Reads files, one at a time. Safe in any thread.

    `turns` are for who serves them: those that wait take no thread, and too many are sent away.

    Parameters
    ----------
    reader : ``module:function`` that takes bytes and gives a JSON object, or raises a `TwinError`.
    limits : of one file.
    """

    def __init__(self, reader: str, limits: Limits | None = None) -> None:
        self.reader = reader
        self.limits = limits or Limits()
        self.turns = Turns(1, MOST_IN)
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None

    def read(self, content: bytes) -> dict[str, Any]:
        """What the reader makes of a file.

        Raises
        ------
        SourceError : the reader refuses it.
        OverrunError : it exceeds the limits.
        """
        with self._lock:
            try:
                answer: dict[str, Any] = json.loads(self._asked(content))
            except (OSError, EOFError, ValueError):
                self._stop()
                raise OverrunError(BROKEN, self.limits) from None
        if "over" in answer:
            raise OverrunError(answer["over"], self.limits)
        if "refused" in answer:
            what, where, remedy, german = answer["refused"]
            place = Place(*where) if isinstance(where, list) else where
            raise SourceError(what, place, remedy, german=german)
        found: dict[str, Any] = answer["found"]
        return found

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._stop()

    def _asked(self, content: bytes) -> bytes:
        if self._worker is None or self._worker.poll() is not None:
            self._stop()
            self._worker = self._begin()
        stdin, stdout = self._worker.stdin, self._worker.stdout
        assert stdin is not None and stdout is not None
        until = time.monotonic() + READY_S + 2 * self.limits.seconds
        stdin.write(struct.pack("!I", len(content)) + content)
        stdin.flush()
        (size,) = struct.unpack("!I", _exactly(stdout.fileno(), 4, until))
        if size > self.limits.answer:
            raise EOFError
        return _exactly(stdout.fileno(), size, until)

    def _begin(self) -> subprocess.Popen[bytes]:
        alone = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        return subprocess.Popen(
            [sys.executable, "-m", "viewer.upload_worker", self.reader, json.dumps(asdict(self.limits))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            env={**children.environment(), **alone},
        )  # fmt: skip

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                pipe.close()
        worker.kill()
        worker.wait()


def _exactly(file: int, size: int, until: float) -> bytes:
    """`size` bytes of a pipe.

    Raises
    ------
    EOFError : it ends, or says nothing until then.
    """
    content = bytearray()
    while len(content) < size:
        ready, _, _ = select.select([file], [], [], max(0.0, until - time.monotonic()))
        chunk = os.read(file, size - len(content)) if ready else b""
        if not chunk:
            raise EOFError
        content += chunk
    return bytes(content)
