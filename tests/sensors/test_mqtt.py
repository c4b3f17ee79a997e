"""MQTT against a real Mosquitto: nothing that the broker took is lost, and nothing is there twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sensors.store import Store
from tests.sensors import mosquitto
from tests.sensors.feeds import counts, distances, mqtt_feed, running
from tests.sensors.mosquitto import Broker, Publisher
from tests.sensors.uplinks import TOPIC, as_bytes, chirpstack, device
from tests.sensors.waiting import until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with mosquitto.broker(tmp_path / "broker") as running_broker:
        yield running_broker


def publish(publisher: Publisher, numbers: range) -> None:
    for number in numbers:
        topic = TOPIC.format(device=device(number % 20))
        publisher.publish(topic, as_bytes(chirpstack(number)), number)


@pytest.mark.parametrize("version", [3, 5])
def test_messages_arrive_and_survive_a_stop_and_start_of_the_broker(
    store: Store, broker: Broker, version: int
) -> None:
    lines: list[str] = []
    feed = mqtt_feed(broker.port, version=version)
    with running(store, feed, lines=lines), Publisher(broker.port) as out:
        until(lambda: feed.connections)
        publish(out, range(200))
        until(lambda: len(out.acknowledged) == 200)
        broker.stop()
        publish(out, range(200, 400))
        broker.start()
        until(lambda: len(out.acknowledged) == 400)
        until(lambda: len(distances(store)) == 400)
    assert set(distances(store).values()) == {1}
    assert counts(store)["reconnects"] >= 1
    assert any("the connection was lost" in line for line in lines)


def test_session_outlives_our_restart(store: Store, broker: Broker) -> None:
    with Publisher(broker.port) as out:
        feed = mqtt_feed(broker.port)
        with running(store, feed):
            until(lambda: feed.connections)
        publish(out, range(50))
        until(lambda: len(out.acknowledged) == 50)
        assert not distances(store)
        with running(store, mqtt_feed(broker.port)):
            until(lambda: len(distances(store)) == 50)
    assert set(distances(store).values()) == {1}
    assert counts(store)["received"] == 50
