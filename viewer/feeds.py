"""The sensors' store and the feeds that fill it while the server runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sensors.errors import StoreError
from sensors.ingest import BEAT_SECONDS, RUNS
from sensors.keeping import Keeper
from sensors.quality.check import Model
from sensors.quality.checks import Times
from sensors.quality.run import ModelOf
from sensors.repeating import Repeating
from sensors.store import Store
from sensors.watching import Watcher
from twin.district import District
from twin.errors import SourceError, TwinError

Source = Callable[[Store, threading.Event], None]
WATCH_S = 5.0
"""Seconds between looks at the sensors' quality and alarms."""
_WAIT_S = 10.0  # for a feed to end
SILENT_S = 6 * BEAT_SECONDS
"""A feed of another process that says nothing for so long does not run."""
REPLAY = "replay"


class Feeds:
    """A store, and feeds by name, each in a thread of its own; they can be stopped and started again.

    Parameters
    ----------
    store : closed together with the feeds.
    sources : by name; called with the store and an event that says when to end.
    folder : of a store that goes with the server.
    watch : whether what comes is checked, alarms raised and the rules of retention kept while it is open.
    watch_s : seconds between looks.
    """

    def __init__(
        self,
        store: Store,
        sources: Mapping[str, Source],
        folder: tempfile.TemporaryDirectory[str] | None = None,
        *,
        watch: bool = True,
        watch_s: float = WATCH_S,
    ) -> None:
        self.store = store
        self.sources = dict(sources)
        self._folder = folder
        self._model: ModelOf | None = None
        self._keepers: tuple[Repeating, ...] = ()
        if watch:
            self._keepers = (
                Watcher(store, every_s=watch_s, model=self._expected), Keeper(store, say=_say)
            )  # fmt: skip
        self._running: dict[str, tuple[threading.Thread, threading.Event]] = {}
        self._failed: dict[str, str] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, district: District, replay: str = "", *, keep: bool = True) -> Self:
        """The feeds of a district.

        A model (the sample) has a store of its own, which ends with the server, so that simulated values
        never stand among a user's; any other district has that of `Store.open`.

        replay : where a model lies, for its simulated feed; empty: none.
        keep : whether this process looks after the store; another does else.

        Raises
        ------
        StoreError : the database cannot be reached.
        """
        if not district.is_model:
            return cls(Store.open(), {}, watch=keep)
        folder = tempfile.TemporaryDirectory(prefix="lobeda-feed-", ignore_cleanup_errors=True)
        sources = {REPLAY: replayed(replay)} if replay else {}
        return cls(Store.open(f"sqlite:///{Path(folder.name) / 'sample.db'}"), sources, folder)

    @classmethod
    def for_trials(cls) -> Self:
        """No feeds, and an empty store that ends with the server; or the one that LOBEDA_DATABASE_URL names.

        Raises
        ------
        StoreError : the database cannot be reached.
        """
        if os.environ.get("LOBEDA_DATABASE_URL"):
            return cls(Store.open(), {}, watch=False)
        folder = tempfile.TemporaryDirectory(prefix="lobeda-trial-", ignore_cleanup_errors=True)
        return cls(Store.open(f"sqlite:///{Path(folder.name) / 'trial.db'}"), {}, folder, watch=False)

    def hold_against(self, model: ModelOf) -> None:
        """Let the checks hold what is measured against a model."""
        self._model = model

    def _expected(self, stream_id: int, times: Times) -> Model | None:
        return None if self._model is None else self._model(stream_id, times)

    def __enter__(self) -> Self:
        for name in self.sources:
            self.start(name)
        for keeper in self._keepers:
            keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def running(self, name: str) -> bool:
        """Whether a feed runs now."""
        with self._lock:
            return name in self._running and self._running[name][0].is_alive()

    def failed(self, name: str) -> str:
        """Why a feed ended by itself; empty: it did not."""
        return self._failed.get(name, "")

    def states(self) -> dict[str, bool]:
        """Whether each feed does its work, by name: those here that nobody stopped, and those of
        `lobeda sensors ingest`, which say so in the store. None of these where the store is away."""
        known = {name: not self.failed(name) for name in self.sources}
        with suppress(StoreError):
            for feed, state, age_s in self.store.beats().itertuples(index=False):
                known[str(feed)] = state == RUNS and age_s < SILENT_S
        return known

    def start(self, name: str) -> None:
        """Start a feed that does not run."""
        with self._lock:
            if name in self._running and self._running[name][0].is_alive():
                return
            stop = threading.Event()
            thread = threading.Thread(target=self._run, args=(name, stop), name=f"feed-{name}", daemon=True)
            self._running[name] = thread, stop
            self._failed.pop(name, None)
            thread.start()

    def stop(self, name: str) -> None:
        """End a feed, and wait for it."""
        with self._lock:
            thread, stop = self._running.pop(name, (None, None))
        if thread is not None and stop is not None:
            stop.set()
            thread.join(_WAIT_S)

    def close(self) -> None:
        """End all feeds, then the store."""
        with self._lock:
            running = dict(self._running)
        for _, stop in running.values():
            stop.set()
        for name in running:
            self.stop(name)
        for keeper in self._keepers:
            keeper.stop()
        self.store.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _run(self, name: str, stop: threading.Event) -> None:
        try:
            self.sources[name](self.store, stop)
        except TwinError as error:
            self._failed[name] = error.told("en")
            if not stop.is_set():
                _say(f"the feed {name} ended: {error}")


def _say(line: str) -> None:
    print(f"lobeda: {line}", file=sys.stderr, flush=True)


def replayed(place: str) -> Source:
    """The simulated feed of the district at `place`, in a process of its own: pages never wait for it."""

    def run(store: Store, stop: threading.Event) -> None:
        address = store.engine.url.render_as_string(hide_password=False)
        command = [sys.executable, "-m", "viewer.cli", "sensors", "replay", "--while-open"]
        child = subprocess.Popen(
            [*command, "--district", place, "--database", address],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        while child.poll() is None and not stop.wait(0.2):
            pass
        child.terminate()  # what is in the store is whole all the same
        try:
            _, said = child.communicate(timeout=_WAIT_S / 2)
        except subprocess.TimeoutExpired:
            child.kill()
            _, said = child.communicate()
        if not stop.is_set():
            raise SourceError(said.strip().removeprefix("lobeda: ") or "it ended", "simulated feed")

    return run
