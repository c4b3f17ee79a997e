"""Looking after the sensors while feeds run: quality of what is new, and alarms, every few seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sensors import alarms, quality
from sensors.quality.run import ModelOf
from sensors.repeating import Repeating
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


class Watcher(Repeating):
    """Looks again and again; a look that is left, as the process ends, is made again whole by the next one.

    every_s : seconds between looks. clock : gives the time in µs.
    """

    def __init__(
        self,
        store: Store,
        *,
        every_s: float = 10.0,
        clock: Callable[[], int] = now_us,
        model: ModelOf | None = None,
    ) -> None:
        super().__init__(
            "watcher",
            lambda: look(store, now=clock(), model=model, progress=self.go_on),
            every_s=every_s,
            failed=lambda error: LOG.warning("The checks wait: %s", error),
        )
