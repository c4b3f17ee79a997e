"""The process that reads people's files; see `viewer.uploads`.

It loads the reader once and forks for each file. The fork gets the limits and answers through a pipe; this
process only counts seconds and bytes, so that nothing in a file can reach it. It ends with its server, and by
itself when nothing came for a while.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

from twin.errors import TwinError
from viewer import memory
from viewer.uploads import BROKEN, MEMORY, SLOW, Limits

IDLE_S = 600.0
Reader = Callable[[bytes], dict[str, Any]]


def main(reader: str, limits: Limits) -> None:
    """Answer one file after the other from stdin on stdout."""
    memory.go_first()
    module, _, name = reader.partition(":")
    read: Reader = getattr(importlib.import_module(module), name)
    while select.select([sys.stdin.fileno()], [], [], IDLE_S)[0]:
        head = sys.stdin.buffer.read(4)
        if len(head) < 4:
            return
        content = sys.stdin.buffer.read(struct.unpack("!I", head)[0])
        answer = forked(read, content, limits)
        sys.stdout.buffer.write(struct.pack("!I", len(answer)) + answer)
        sys.stdout.buffer.flush()


def forked(read: Reader, content: bytes, limits: Limits) -> bytes:
    """The answer of a fork of this process; it is killed where it takes too long or says too much."""
    come, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(come)
        _child(read, content, limits, go)
    os.close(go)
    answer, state = _heard(come, limits)
    os.close(come)
    os.kill(child, signal.SIGKILL)  # it has ended, or has to
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        state = SLOW
    if state or not answer:
        return json.dumps({"over": state or BROKEN}).encode()
    return answer


def _heard(pipe: int, limits: Limits) -> tuple[bytes, str]:
    """What comes out of a pipe, and why it was cut off; the empty text: it was not."""
    until, answer = time.monotonic() + limits.seconds, bytearray()
    while select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
        chunk = os.read(pipe, 65536)
        if not chunk:
            return bytes(answer), ""
        answer += chunk
        if len(answer) > limits.answer:
            return b"", MEMORY
    return b"", SLOW


def _child(read: Reader, content: bytes, limits: Limits, pipe: int) -> None:
    """Read a file within the limits and say what came of it; never returns."""
    try:
        _limit(limits)
        try:
            answer = json.dumps({"found": read(content)})
        except TwinError as error:
            where = astuple(error.place) if error.place else error.where
            answer = json.dumps({"refused": [error.what, where, error.remedy, error.german]})
        except MemoryError:
            answer = json.dumps({"over": MEMORY})
        left = answer.encode()
        while left:
            left = left[os.write(pipe, left) :]
        os._exit(0)
    finally:  # whatever else was raised: the fork must not go on as its parent
        os._exit(1)


def _limit(limits: Limits) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is printed is no answer
    seconds = max(1, round(limits.seconds))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    if sys.platform == "linux":  # elsewhere only time and the answer's size are limited
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + limits.memory, now + limits.memory))


if __name__ == "__main__":
    main(sys.argv[1], Limits(**json.loads(sys.argv[2])))
