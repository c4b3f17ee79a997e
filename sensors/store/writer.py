"""One thread writes for all: what waits together is committed together, and only then acknowledged."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from sensors.errors import ObservationError, StoreError
from sensors.store.observations import Row, Stored

# Observations that may wait; whoever comes beyond waits in `submit`.
WAITING = 50_000
# Observations of one commit, so that the first of them does not wait long.
TOGETHER = 10_000


@dataclass(eq=False)
class _Request:
    rows: Sequence[Row]
    future: Future[list[Stored]] = field(default_factory=Future)


class Writer:
    """Takes lists of checked observations from any thread and commits them in groups.

    commit : writes the lists in one transaction; gives the results of each.
    """

    def __init__(self, commit: Callable[[list[Sequence[Row]]], list[list[Stored]]]) -> None:
        self._commit = commit
        self._queue: deque[_Request] = deque()
        self._waiting = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, rows: Sequence[Row]) -> Future[list[Stored]]:
        """Hands over one list, stored whole or not at all; waits while too much is waiting.

        Raises
        ------
        StoreError : the store is closed.
        """
        request = _Request(rows)
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._waiting or self._room(rows))
            if self._closed:
                raise StoreError("the store is closed", "observations", "Open it again")
            self._queue.append(request)
            self._waiting += len(rows)
            self._changed.notify_all()
        return request.future

    def _room(self, rows: Sequence[Row]) -> bool:
        return self._waiting + len(rows) <= WAITING

    @property
    def waiting(self) -> int:
        """How many observations wait for their commit."""
        return self._waiting

    def close(self) -> None:
        """Writes what waits and ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next():
            running = [request for request in group if request.future.set_running_or_notify_cancel()]
            self._write(running)
            with self._changed:
                self._waiting -= sum(len(request.rows) for request in group)
                self._changed.notify_all()

    def _next(self) -> list[_Request]:
        """What waits, up to a commit's size; empty: closed and all written."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            group: list[_Request] = []
            size = 0
            while self._queue and (not group or size + len(self._queue[0].rows) <= TOGETHER):
                group.append(self._queue.popleft())
                size += len(group[-1].rows)
            return group

    def _write(self, group: list[_Request]) -> None:
        """Commits a group; where one list is at fault, each is tried alone, so that the others get in."""
        if not group:
            return
        try:
            results = self._commit([request.rows for request in group])
        except (ObservationError, IntegrityError) as error:
            if len(group) > 1:
                for request in group:
                    self._write([request])
                return
            group[0].future.set_exception(_told(error))
        except BaseException as error:
            for request in group:
                request.future.set_exception(error)
        else:
            for request, result in zip(group, results, strict=True):
                request.future.set_result(result)


def _told(error: Exception) -> Exception:
    if isinstance(error, IntegrityError):
        return ObservationError("it names a feature of interest that is not there", "observation")
    return error
