"""Feeds that run beside a test, and what they have stored."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from sensors import ingest
from sensors.protocols import Feed, mqtt
from sensors.store import Store
from sensors.store.tables import datastreams, observations, set_aside

QUICK = ingest.Backoff(0.05, 0.3)


def mqtt_feed(port: int, name: str = "jena", **options: Any) -> mqtt.MqttFeed:
    """A feed of ChirpStack's uplinks."""
    topics = options.pop("topics", [{"topic": "application/+/device/+/event/+", "format": "chirpstack"}])
    section = {"protocol": "mqtt", "host": "127.0.0.1", "port": port, "topics": topics, **options}
    return mqtt.feed(name, mqtt.Options.model_validate(section))


@contextmanager
def running(store: Store, *feeds: Feed, lines: list[str] | None = None) -> Iterator[threading.Event]:
    """The feeds run until the end of the block."""
    stop = threading.Event()
    say = (lines if lines is not None else []).append
    thread = threading.Thread(
        target=ingest.run, args=(list(feeds), store, stop), kwargs={"say": say, "backoff": QUICK}
    )
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def counts(store: Store, feed: str = "jena") -> dict[str, int]:
    """The counters of a feed in the store."""
    table = store.counters()
    own = table[table["feed"] == feed]
    return dict(zip(own["counter"], own["value"].astype(int), strict=True))


def distances(store: Store) -> Counter[int]:
    """How often each distance stands in the store: the number of an uplink of `tests.sensors.uplinks`."""
    own = sa.select(datastreams.c.id).where(datastreams.c.source_key.endswith("/distance"))
    query = sa.select(observations.c.result).where(observations.c.datastream_id.in_(own))
    with store.connect() as connection:
        return Counter(int(value) for value in connection.execute(query).scalars())


def aside(store: Store) -> list[tuple[str, str, str]]:
    """Device, reason and payload of what is set aside."""
    row = set_aside.c
    with store.connect() as connection:
        found = connection.execute(sa.select(row.device, row.reason, row.payload).order_by(row.id))
        return [tuple(one) for one in found]
