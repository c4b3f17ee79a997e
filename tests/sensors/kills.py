"""Killing the ingest at full load, with broker restarts in between, and counting what is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sensors.store import Store
from tests.sensors import mosquitto
from tests.sensors.feeds import counts, distances, mqtt_feed, running
from tests.sensors.mosquitto import Publisher
from tests.sensors.uplinks import TOPIC, as_bytes, chirpstack, device
from tests.sensors.waiting import until

# Messages on their way at any time, so that each kill hits a busy ingest.
AHEAD = 800
CONFIG = """
[feeds.jena]
protocol = "mqtt"
host = "127.0.0.1"
port = {port}

[[feeds.jena.topics]]
topic = "application/+/device/+/event/+"
format = "chirpstack"
"""


@dataclass(frozen=True)
class Count:
    """Messages that the broker acknowledged; those of them that are missing, or there twice."""

    acknowledged: int
    missing: int
    twice: int


class Process(Protocol):
    """An ingest that runs."""

    def kill(self) -> None: ...

    def terminate(self) -> None: ...

    def wait(self, timeout: float = ...) -> int: ...


Start = Callable[[Path, str], Process]


@contextmanager
def _running(process: Process) -> Iterator[Process]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def kill_again_and_again(folder: Path, url: str, start: Start, kills: int) -> Count:
    """Publish all the time, kill the ingest `kills` times and restart the broker after each, then count.

    start : starts an ingest of a config file and a database.
    """
    config = folder / "feeds.toml"
    with mosquitto.broker(folder / "broker") as broker, Store.open(url) as store:
        config.write_text(CONFIG.format(port=broker.port))
        feed = mqtt_feed(broker.port)
        with running(store, feed):  # the session begins
            until(lambda: feed.connections)
        with Publisher(broker.port) as out:
            published = 0
            for number in range(kills):
                wanted = _stored(store) + 100 + 61 * (number % 7)
                with _running(start(config, url)) as process:
                    deadline = time.monotonic() + 120
                    while (stored := _stored(store)) < wanted:
                        assert time.monotonic() < deadline
                        published = _publish(out, published, min(200, stored + AHEAD - published))
                        time.sleep(0.05)
                    process.kill()
                broker.stop()
                published = _publish(out, published, 50)
                broker.start()
            with _running(start(config, url)) as process:
                until(lambda: len(out.acknowledged) == published, 120, 0.1)
                until(lambda: out.acknowledged <= set(distances(store)), 120, 0.5)
                process.terminate()
                assert process.wait(60) == 0
            found = distances(store)
            missing = out.acknowledged - set(found)
            twice = sum(number > 1 for number in found.values())
            return Count(len(out.acknowledged), len(missing), twice)


def _stored(store: Store) -> int:
    """Messages in the store; those that the broker sends again after a kill do not count."""
    return counts(store).get("stored", 0)


def _publish(out: Publisher, published: int, more: int) -> int:
    for number in range(published, published + max(0, more)):
        out.publish(TOPIC.format(device=device(number % 20)), as_bytes(chirpstack(number)), number)
    return published + max(0, more)
