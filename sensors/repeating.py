"""Something done again and again in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sensors.errors import StoreError


class _LeftError(Exception):
    """All ends, so the turn that goes on is left."""


class Repeating:
    """Calls `work` at once and then every `every_s` seconds; as a context manager it ends with its block.

    A store that cannot be reached is tried again at the next turn; `failed` is told why.
    """

    def __init__(
        self, name: str, work: Callable[[], object], *, every_s: float, failed: Callable[[StoreError], object]
    ) -> None:
        self._work, self._every_s, self._failed = work, every_s, failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until the turn that goes on is done or left."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def go_on(self, *_progress: object) -> None:
        """Leaves the turn from inside where all ends; work of many parts calls it between them."""
        if self._stop.is_set():
            raise _LeftError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
            except StoreError as error:
                self._failed(error)
            except _LeftError:
                return
            self._stop.wait(self._every_s)
