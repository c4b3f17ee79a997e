"""`lobeda serve` in a process of its own, as people start it."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.conftest import REPOSITORY


@dataclass(frozen=True)
class Opened:
    """A server that answers.

    link : to log in; empty where an administrator has an account.
    said, later : its lines until it answers, and from then on; the second whole once it has ended.
    """

    address: str
    link: str
    process: subprocess.Popen[str]
    said: str
    later: list[str] = field(default_factory=list)


def healthy(port: int) -> bool:
    """Whether the server on a port of this machine says that all is well."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def opened(district: str, environment: Mapping[str, str] | None = None, port: int = 0) -> Iterator[Opened]:
    """Serve a district until the block ends; port 0 takes a free one."""
    command = [sys.executable, "-m", "viewer.cli", "serve", district, "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    later: list[str] = []
    reader = threading.Thread(target=lambda: later.extend(process.stdout or ()))
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "Stop with" in line:
                break
        address = re.search(r"Public twin: +(http://[\d.]+:\d+)/", said)
        assert address is not None, said
        link = re.search(r"http://[\d.]+:\d+/login\?token=\S+", said)
        reader.start()  # a full pipe would stop the server
        yield Opened(address[1], link[0] if link else "", process, said, later)
    finally:
        process.terminate()
        if reader.ident is None:
            reader.start()
        reader.join()  # until it has ended
        process.stdout.close()
        process.wait()
