"""`lobeda serve` in a process of its own, as people start it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.conftest import REPOSITORY


@dataclass(frozen=True)
class Opened:
    """A server that answers. said : its lines until then."""

    address: str
    link: str
    process: subprocess.Popen[str]
    said: str


@contextmanager
def opened(district: str, environment: Mapping[str, str] | None = None) -> Iterator[Opened]:
    """Serve a district until the block ends."""
    command = [sys.executable, "-m", "viewer.cli", "serve", district, "--port", "0"]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "Stop with" in line:
                break
        link = re.search(r"(http://[\d.]+:\d+)/login\?token=\S+", said)
        assert link is not None, said
        yield Opened(link[1], link[0], process, said)
    finally:
        process.terminate()
        with process.stdout as rest:
            rest.read()  # until it has ended
