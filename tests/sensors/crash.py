"""A writer at full load that can be killed at any moment, and the account of what it had acknowledged.

Each acknowledged key is a line of a file, written past every buffer of the process. `lost` compares the file
with the store.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from pathlib import Path

import sqlalchemy as sa

from sensors.errors import StoreError
from sensors.store import Store
from sensors.store.tables import observations
from sensors.things import NewObservation
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


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


class Writer:
    """A writer in a process of its own, forked from one that has loaded all libraries already."""

    def __init__(self, url: str, file: Path, run: str) -> None:
        self._process = _FORKS.Process(target=write_until_killed, args=(url, file, run))
        self._process.start()

    def runs(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        """With -9, and wait for its end."""
        self._process.kill()
        self._process.join()


def start(url: str, file: Path, run: str) -> Writer:
    """A writer at work."""
    return Writer(url, file, run)


def wait_for(file: Path, size: int, writer: Writer) -> None:
    """Until the file of acknowledged keys has grown to `size` bytes."""
    deadline = time.monotonic() + 120
    while not file.exists() or file.stat().st_size < size:
        assert writer.runs(), "the writer ended by itself"
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


def lost(store: Store, file: Path) -> tuple[int, int]:
    """How many keys were acknowledged, and how many of them are not in the store."""
    acknowledged = set(file.read_text("ascii").split("\n")[:-1])  # without a line that was cut
    with store.connect() as connection:
        found = connection.execute(sa.select(observations.c.source_key).where(observations.c.current))
        return len(acknowledged), len(acknowledged - set(found.scalars()))
