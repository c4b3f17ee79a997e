"""Acknowledged observations a second through MQTT, from the broker to the commit, beside bare loops.

Run by ``make bench`` or ``python -m tests.benchmarks.bench_feeds [MESSAGES]``. A Mosquitto with a persistent
session holds the same uplinks of ChirpStack (five observations each) for each of two readers: ours, and a
bare loop of paho and sqlite3 that reads the same numbers from the same JSON and commits up to 1,000 messages
at once with `synchronous=FULL`, without Things, duplicates, latest values, roll-ups, counters or checks.
The time is from the first message taken to the last acknowledged.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from sensors.store import Store
from tests.sensors import mosquitto
from tests.sensors.feeds import counts, mqtt_feed, running
from tests.sensors.mosquitto import Publisher
from tests.sensors.uplinks import TOPIC, as_bytes, chirpstack, device
from tests.sensors.waiting import until

FILTER = "application/+/device/+/event/+"
EACH = 5  # observations of an uplink


def ours(port: int, folder: Path, messages: int) -> float:
    """Seconds that our feed takes for what the broker keeps for it."""
    with Store.open(f"sqlite:///{folder / 'ours.sqlite'}") as store:
        feed = mqtt_feed(port, "bench")
        started = time.perf_counter()
        with running(store, feed):
            until(lambda: counts(store, "bench").get("stored", 0) >= messages, 600)
        return time.perf_counter() - started


def bare(port: int, folder: Path, messages: int) -> float:
    """Seconds that the bare loop takes."""
    database = sqlite3.connect(folder / "bare.sqlite")
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE o (device TEXT, name TEXT, time TEXT, value, key TEXT);"
    )
    waiting: queue.Queue[paho.MQTTMessage] = queue.Queue()
    client = bare_client(waiting)
    started = time.perf_counter()
    client.connect("127.0.0.1", port, clean_start=False, properties=session())
    client.loop_start()
    done = 0
    while done < messages:
        batch = [waiting.get()]
        while len(batch) < 1000 and not waiting.empty():
            batch.append(waiting.get())
        rows = []
        for message in batch:
            uplink = json.loads(message.payload)
            key, at, info = uplink["deduplicationId"], uplink["time"], uplink["deviceInfo"]
            heard = uplink["rxInfo"][0]
            values = {**uplink["object"], "rssi": heard["rssi"], "snr": heard["snr"]}
            rows += [(info["devEui"], name, at, value, key) for name, value in values.items()]
        with database:
            database.executemany("INSERT INTO o VALUES (?, ?, ?, ?, ?)", rows)
        for message in batch:
            client.ack(message.mid, 1)
        done += len(batch)
    seconds = time.perf_counter() - started
    client.disconnect()
    client.loop_stop()
    database.close()
    return seconds


def bare_client(waiting: queue.Queue[paho.MQTTMessage]) -> paho.Client:
    """A client with manual acknowledgement that only queues."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id="bare", protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
    )
    client.on_message = lambda _client, _data, message: waiting.put(message)
    return client


def session() -> Properties:
    """The CONNECT of a session that stays, with as many messages in flight as ours."""
    properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = 1000
    return properties


def begin_sessions(port: int, folder: Path) -> None:
    """Let the broker keep messages for both."""
    feed = mqtt_feed(port, "bench")
    with Store.open(f"sqlite:///{folder / 'ours.sqlite'}") as store, running(store, feed):
        until(lambda: feed.connections)
    subscribed = threading.Event()
    client = bare_client(queue.Queue())
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_connect = lambda *_: client.subscribe(FILTER, 1)
    client.connect("127.0.0.1", port, clean_start=False, properties=session())
    client.loop_start()
    subscribed.wait(10)
    client.disconnect()
    client.loop_stop()


def main() -> None:
    """Print both rates and their ratio."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(prefix="lobeda-bench-") as name:
        folder = Path(name)
        with mosquitto.broker(folder / "broker") as broker:
            begin_sessions(broker.port, folder)
            with Publisher(broker.port) as out:
                for number in range(messages):
                    out.publish(
                        TOPIC.format(device=device(number % 20)), as_bytes(chirpstack(number)), number
                    )
                until(lambda: len(out.acknowledged) == messages, 600)
            mine, theirs = ours(broker.port, folder, messages), bare(broker.port, folder, messages)
    print(f"\nMQTT, broker → commit, {messages:,} uplinks of {EACH} observations, SQLite")
    for label, seconds in (("lobeda sensors ingest", mine), ("bare paho + sqlite3", theirs)):
        print(f"{label:58s}{messages * EACH / seconds:12,.0f} acknowledged observations/s")
    print(f"{'ratio: ours to the bare loop':58s}{theirs / mine:12.2f}")


if __name__ == "__main__":
    main()
