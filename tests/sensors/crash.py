"""A writer at full load that can be killed at any moment, and the account of what it had acknowledged.

`python -m tests.sensors.crash URL FILE RUN` writes until it is killed; each acknowledged key is a line of
FILE, written past every buffer of the process. `lost` compares the file with the store.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import sqlalchemy as sa

from sensors.errors import StoreError
from sensors.store import Store
from sensors.store.tables import observations
from sensors.things import NewObservation
from tests.conftest import REPOSITORY
from tests.sensors.things import station

THREADS = 4
STREAMS = ("a", "b", "c")


def write_until_killed(url: str, file: Path, run: str) -> None:
    """Appends from several threads, batches of 1, 20 and 400, each acknowledged by a line a key."""
    store = Store.open(url)
    ids = list(store.ensure(station(streams=STREAMS)).values())
    out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def work(thread: int) -> None:
        number = 0
        while True:
            size = (1, 20, 400)[number % 3]
            batch = [
                NewObservation(
                    ids[i % len(ids)], 1_767_225_600_000_000 + (number + i) * 1_000_000, float(i),
                    source_key=f"{run}:{thread}:{number + i}",
                )
                for i in range(size)
            ]  # fmt: skip
            number += size
            try:
                store.append(batch)
            except StoreError:  # the database is gone for now: nothing is acknowledged
                time.sleep(0.05)
                continue
            os.write(out, "".join(f"{one.source_key}\n" for one in batch).encode())

    for thread in range(THREADS):
        threading.Thread(target=work, args=(thread,)).start()


def start(url: str, file: Path, run: str) -> subprocess.Popen[bytes]:
    """The writer in a process of its own."""
    command = [sys.executable, "-m", "tests.sensors.crash", url, str(file), run]
    return subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})


def wait_for(file: Path, size: int, writer: subprocess.Popen[bytes]) -> None:
    """Until the file of acknowledged keys has grown to `size` bytes."""
    deadline = time.monotonic() + 120
    while not file.exists() or file.stat().st_size < size:
        assert writer.poll() is None, "the writer ended by itself"
        assert time.monotonic() < deadline, "the writer acknowledges nothing"
        time.sleep(0.01)


def kill_in_the_middle(url: str, file: Path, run: str, growth: int) -> None:
    """Starts a writer and kills it with -9 once it has acknowledged `growth` bytes of keys more."""
    before = file.stat().st_size if file.exists() else 0
    writer = start(url, file, run)
    try:
        wait_for(file, before + growth, writer)
    finally:
        writer.kill()
        writer.wait()


def lost(store: Store, file: Path) -> tuple[int, int]:
    """How many keys were acknowledged, and how many of them are not in the store."""
    acknowledged = set(file.read_text("ascii").split("\n")[:-1])  # without a line that was cut
    with store.connect() as connection:
        found = connection.execute(sa.select(observations.c.source_key).where(observations.c.current))
        return len(acknowledged), len(acknowledged - set(found.scalars()))


if __name__ == "__main__":
    write_until_killed(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
