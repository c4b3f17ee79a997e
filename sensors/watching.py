"""Looking after the sensors while feeds run: quality of what is new, and alarms, every few seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sensors import alarms, quality
from sensors.errors import StoreError
from sensors.quality.run import ModelOf
from sensors.store import Store
from sensors.times import now_us
from twin.sources.base import Progress, no_progress

LOG = logging.getLogger(__name__)


def look(
    store: Store, *, now: int | None = None, model: ModelOf | None = None, progress: Progress = no_progress
) -> tuple[quality.Summary, alarms.Changes]:
    """Check what is new and see to the alarms, once. now : µs; of a replay, its own clock."""
    now = now_us() if now is None else now
    summary = quality.check(store, now=now, model=model, progress=progress)
    return summary, alarms.watch(store, now=now)


class Watcher:
    """Looks again and again in a thread of its own; as a context manager it ends with its block.

    every_s : seconds between looks. clock : gives the time in µs.
    A store that cannot be reached is tried again at the next look.
    """

    def __init__(
        self,
        store: Store,
        *,
        every_s: float = 10.0,
        clock: Callable[[], int] = now_us,
        model: ModelOf | None = None,
    ) -> None:
        self._store, self._every_s, self._clock, self._model = store, every_s, clock, model
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to look; once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the look that goes on."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

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
                look(self._store, now=self._clock(), model=self._model)
            except StoreError as error:
                LOG.warning("The checks wait: %s", error)
            self._stop.wait(self._every_s)
