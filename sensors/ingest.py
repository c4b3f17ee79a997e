"""All feeds of a config file in one process: each in a thread, none able to stop the others."""

from __future__ import annotations

import math
import random
import threading
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sensors.errors import StoreError
from sensors.protocols import PROTOCOLS, Counters, Feed, FeedError, Module
from sensors.store import Store, retention
from sensors.store.feeds import BEAT
from twin.errors import CallError, SourceError, TwinError

_FLUSH_SECONDS = 2.0
_LOOK_SECONDS = 1.0  # between looks whether a store that is away is back
BEAT_SECONDS = 15.0
"""How often a feed says in the store how it is, for those who look whether it runs."""
RUNS = "runs"


@dataclass(frozen=True)
class Backoff:
    """Waiting after errors: from `first` seconds, doubled up to `most`, each shortened by chance.

    A feed that has run for `healthy` seconds starts again from the first.
    """

    first: float = 1.0
    most: float = 60.0
    healthy: float = 60.0

    def seconds(self, failures: int) -> float:
        """The wait after the n-th error in a row, from 1."""
        whole = min(self.most, self.first * 2.0 ** min(failures - 1, 30))
        return whole * random.uniform(0.5, 1.0)


@dataclass
class Running:
    """A feed in its thread, for the status line."""

    feed: Feed
    counters: Counters = field(default_factory=Counters)
    state: str = "starts"
    done: bool = False
    said: tuple[str, float] = ("", -math.inf)  # state in the store, and when it was written

    def line(self) -> str:
        """Name, state and counts, such as ``jena: runs; received 12, observations 96``."""
        counts = ", ".join(f"{name} {number}" for name, number in self.counters.totals().items())
        return f"{self.feed.name}: {self.state}; {counts or 'nothing yet'}"


class RetentionRule(BaseModel):
    """An entry ``[[retention]]`` of a config file, as `lobeda sensors retention set` takes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = ""
    property: str = ""
    raw_days: int | None = Field(None, ge=1)
    days: int | None = Field(None, ge=1)


def read_config(path: Path, protocols: Mapping[str, Module] = PROTOCOLS) -> list[Feed]:
    """The feeds of a config file: a table ``[feeds.NAME]`` each.

    Raises
    ------
    SourceError : the file cannot be read, or a key is not as it should be; names the file and the key.
    """
    tables = _document(path).get("feeds")
    if not isinstance(tables, dict) or not tables:
        raise SourceError("there is no table [feeds.NAME]", path, "See docs/feeds.md")
    return [_feed(path, name, options, protocols) for name, options in tables.items()]


def read_retention(path: Path) -> list[RetentionRule]:
    """The rules of retention of a config file, which may have none.

    Raises
    ------
    SourceError : as `read_config`; also a rule without days.
    """
    tables = _document(path).get("retention", [])
    if not isinstance(tables, list):
        raise SourceError("retention is no list of tables", f"{path}: retention", "Write [[retention]]")
    found = []
    for number, table in enumerate(tables):
        where = f"{path}: retention.{number}"
        try:
            rule = RetentionRule.model_validate(table)
        except ValidationError as error:
            raise _said(error, path, ("retention", number)) from None
        if rule.raw_days is None and rule.days is None:
            raise SourceError("a rule needs days", where, "Name raw_days, days or both")
        found.append(rule)
    return found


def set_rules(store: Store, found: Sequence[RetentionRule]) -> None:
    """Put rules into the store, each in place of the one for the same kind and property."""
    for rule in found:
        retention.set_rule(store, rule.raw_days, rule.days, kind=rule.kind, observed_property=rule.property)


def _document(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # also of whole numbers without end
        raise SourceError(f"the config cannot be read: {error}", path, "See docs/feeds.md") from None
    unknown = sorted(set(document) - {"feeds", "retention"})
    if unknown:
        raise SourceError(f"there is no key {unknown[0]}", path, "See docs/feeds.md")
    return document


def _feed(path: Path, name: str, options: Any, protocols: Mapping[str, Module]) -> Feed:
    protocol = options.get("protocol") if isinstance(options, dict) else None
    if not isinstance(protocol, str) or protocol not in protocols:
        raise SourceError(
            f"unknown protocol {protocol!r}", f"{path}: feeds.{name}.protocol", f"Use {', '.join(protocols)}"
        )
    module = protocols[protocol]
    try:
        return module.feed(name, module.Options.model_validate(options))
    except ValidationError as error:
        raise _said(error, path, ("feeds", name)) from None


def _said(error: ValidationError, path: Path, table: tuple[str | int, ...]) -> SourceError:
    """The first thing that is wrong, by its key."""
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in (*table, *first["loc"]))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    what = first["msg"].removeprefix("Value error, ")
    return SourceError(f"{what}{more}", f"{path}: {key}", "See docs/feeds.md")


def run(
    feeds: list[Feed],
    store: Store,
    stop: threading.Event,
    *,
    say: Callable[[str], None] = lambda line: None,
    status_seconds: float = 60.0,
    backoff: Backoff | None = None,
) -> list[Running]:
    """Run all feeds until `stop` is set, or until each has read all that will ever come.

    Parameters
    ----------
    say : takes a line for the log: errors at once, a feed's counts every `status_seconds`.
    """
    names = [feed.name for feed in feeds]
    if len(set(names)) < len(names):
        raise CallError("two feeds have the same name", ", ".join(names), "Rename one")
    running = [Running(feed) for feed in feeds]
    threads = [
        threading.Thread(
            target=_keep_running,
            args=(one, store, stop, say, backoff or Backoff()),
            name=f"feed-{one.feed.name}",
        )
        for one in running
    ]
    for thread in threads:
        thread.start()
    try:
        _watch(running, store, stop, say, status_seconds)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        _flush(running, store, say)
        for one in running:
            _beat(one, store, None)  # it was meant to end: nobody waits for it
            say(one.line())
    return running


def _watch(
    running: list[Running],
    store: Store,
    stop: threading.Event,
    say: Callable[[str], None],
    status_seconds: float,
) -> None:
    next_status = time.monotonic() + status_seconds
    while not all(one.done for one in running) and not stop.wait(_FLUSH_SECONDS):
        _flush(running, store, lambda line: None)
        if time.monotonic() >= next_status:
            next_status += status_seconds
            for one in running:
                say(one.line())


def _flush(running: list[Running], store: Store, say: Callable[[str], None]) -> None:
    for one in running:
        try:
            one.counters.flush(store, one.feed.name)
        except StoreError as error:
            say(f"{one.feed.name}: the counts wait: {error}")
        state, at = one.said
        if state != one.state or time.monotonic() - at > BEAT_SECONDS:
            _beat(one, store, one.state)


def _beat(one: Running, store: Store, state: str | None) -> None:
    with suppress(StoreError):  # the next one comes soon
        store.put_state(one.feed.name, BEAT, state)
        one.said = state or "", time.monotonic()


def _keep_running(
    one: Running, store: Store, stop: threading.Event, say: Callable[[str], None], backoff: Backoff
) -> None:
    failures = 0
    while not stop.is_set():
        one.state, began = RUNS, time.monotonic()
        try:
            one.feed.run(store, one.counters, stop)
            one.state, one.done = "done", True
            return
        except (FeedError, StoreError, TwinError) as error:
            what = str(error)
        except Exception as error:  # a fault in one feed must not stop the others, nor this one for good
            what = f"unexpected {type(error).__name__}: {error}"
        failures = 1 if time.monotonic() - began >= backoff.healthy else failures + 1
        wait = backoff.seconds(failures)
        one.counters.add(errors=1, reconnects=1)
        one.state = f"waits after error {failures}"
        say(f"{one.feed.name}: {what} Again in {wait:.0f} s.")
        _wait(wait, store, stop)
    one.state = "stopped"


def _wait(seconds: float, store: Store, stop: threading.Event) -> None:
    """Wait after an error: while the store is away, only until it is back."""
    end = time.monotonic() + seconds
    away = not store.answers()
    while (left := end - time.monotonic()) > 0 and not stop.wait(min(left, _LOOK_SECONDS) if away else left):
        if away and store.answers():
            return
