"""Long work of all open pages, chunk by chunk in one thread: nobody waits for another's whole job.

A job is an iterator whose steps are its chunks. The owner who was served longest ago comes next; a new job of
an owner takes the place of the older one, which ends at its next chunk. While somebody's quick work runs
(`quick`), no chunk begins: a slider's step shares the cores with one chunk of others at most.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Job = Iterator[object]


@dataclass(eq=False)
class _Task:
    job: Job
    failed: Callable[[Exception], None]


class Desk:
    """One for all pages of a process; its thread begins with the first job."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[Hashable, _Task] = OrderedDict()  # whose turn it is stands first
        self._change = threading.Condition()
        self._quick = 0
        self._thread: threading.Thread | None = None

    def put(self, owner: Hashable, job: Job, failed: Callable[[Exception], None]) -> None:
        """Let `job` run for `owner` in place of the owner's job before; `failed` hears of its error."""
        with self._change:
            self._tasks[owner] = _Task(job, failed)  # keeps the owner's turn
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="lobeda-desk", daemon=True)
                self._thread.start()
            self._change.notify()

    def drop(self, owner: Hashable) -> None:
        """End the owner's job at its next chunk."""
        with self._change:
            self._tasks.pop(owner, None)

    @contextmanager
    def quick(self) -> Iterator[None]:
        """While it stands, no further chunk begins."""
        with self._change:
            self._quick += 1
        try:
            yield
        finally:
            with self._change:
                self._quick -= 1
                self._change.notify()

    def _work(self) -> None:
        while True:
            with self._change:
                while self._quick or not self._tasks:
                    self._change.wait()
                owner, task = next(iter(self._tasks.items()))
                self._tasks.move_to_end(owner)
            self._chunk(owner, task)

    def _chunk(self, owner: Hashable, task: _Task) -> None:
        try:
            next(task.job)
            return
        except StopIteration:
            pass
        except Exception as error:  # whatever it is, the owner must hear of it and the others go on
            task.failed(error)
        with self._change:
            if self._tasks.get(owner) is task:
                del self._tasks[owner]
