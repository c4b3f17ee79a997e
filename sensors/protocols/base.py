"""What every protocol gives: options from the config file, and a feed that runs in a thread of its own.

A module of `PROTOCOLS` has two names:

- `Options`: the pydantic model of its section of feeds.toml (subclass of `FeedOptions`);
- `feed(name, options)` → `Feed`.

`sensors.ingest` runs each feed in a thread, waits with back-off after an error and calls `run` again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

from twin.errors import TwinError

if TYPE_CHECKING:
    from sensors.store import Store


class FeedError(TwinError):
    """A feed's other side cannot be reached or refuses us; tried again later."""


class FeedOptions(BaseModel):
    """Options of a feed; unknown keys are an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str


class Feed(Protocol):
    """A source of observations."""

    @property
    def name(self) -> str:
        """Its name in feeds.toml, in the counters and in what is set aside."""

    def run(self, store: Store, counters: Counters, stop: threading.Event) -> None:
        """Read into `store` until `stop` is set; return early only when there is nothing more to come.

        Called again after an error. Wait by `stop.wait(seconds)`, never by sleeping.

        Raises
        ------
        FeedError : the other side cannot be reached; StoreError : the store cannot be written.
        """


class Module(Protocol):
    """A module of `PROTOCOLS`."""

    @property
    def Options(self) -> type[FeedOptions]:  # noqa: N802  # the module's class
        """The options of its section."""

    def feed(self, name: str, options: Any) -> Feed:
        """The feed `name` with its options."""


class Counters:
    """A feed's counts: totals since the start for the status line, increments for the store.

    Names: received, stored, duplicate, set_aside, refused and ignored are messages, received being the sum;
    observations, lost_frames, counter_resets, reconnects, errors.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[str, int] = {}
        self._pending: dict[str, int] = {}

    def add(self, **increments: int) -> None:
        """Count; for example ``counters.add(received=1, stored=9)``."""
        self.merge(increments)

    def merge(self, increments: Mapping[str, int]) -> None:
        """Count several by name."""
        with self._lock:
            for name, number in increments.items():
                if number:
                    self._totals[name] = self._totals.get(name, 0) + number
                    self._pending[name] = self._pending.get(name, 0) + number

    def written(self, increments: Mapping[str, int]) -> None:
        """Count what stands in the store already."""
        with self._lock:
            for name, number in increments.items():
                self._totals[name] = self._totals.get(name, 0) + number

    def totals(self) -> dict[str, int]:
        """Counts since the start."""
        with self._lock:
            return dict(self._totals)

    def flush(self, store: Store, feed: str) -> None:
        """Add what was counted since the last flush to the store; kept for the next one where that fails."""
        with self._lock:
            pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            store.count(feed, pending)
        except BaseException:
            with self._lock:
                for name, number in pending.items():
                    self._pending[name] = self._pending.get(name, 0) + number
            raise
