"""MQTT against a real Mosquitto: nothing that the broker took is lost, and nothing is there twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sensors import payload
from sensors.protocols import mqtt
from sensors.store import Store
from tests.sensors import mosquitto
from tests.sensors.feeds import aside, counts, distances, mqtt_feed, running
from tests.sensors.mosquitto import PASSWORD, USER, Broker, Publisher
from tests.sensors.postgres import Postgres
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
    sqlite: Store, broker: Broker, version: int
) -> None:
    lines: list[str] = []
    feed = mqtt_feed(broker.port, version=version)
    with running(sqlite, feed, lines=lines), Publisher(broker.port) as out:
        until(lambda: feed.connections)
        publish(out, range(200))
        until(lambda: len(out.acknowledged) == 200)
        broker.stop()
        publish(out, range(200, 400))
        broker.start()
        until(lambda: len(out.acknowledged) == 400)
        until(lambda: len(distances(sqlite)) == 400)
    assert set(distances(sqlite).values()) == {1}
    assert counts(sqlite)["reconnects"] >= 1
    assert any("the connection was lost" in line for line in lines)


def test_a_feed_says_in_the_store_how_it_is(sqlite: Store, broker: Broker) -> None:
    """For the server, which looks whether it still runs; one that was ended on purpose is gone."""

    def said() -> str:
        beats = sqlite.beats()
        return "" if beats.empty else str(beats["state"].iloc[0])

    with running(sqlite, mqtt_feed(broker.port)):
        until(lambda: said() == "runs")
        assert 0 <= sqlite.beats()["age_s"].iloc[0] < 60
        broker.stop()
        until(lambda: said().startswith("waits after error"))
    assert sqlite.beats().empty


def test_session_outlives_our_restart(sqlite: Store, broker: Broker) -> None:
    with Publisher(broker.port) as out:
        feed = mqtt_feed(broker.port)
        with running(sqlite, feed):
            until(lambda: feed.connections)
        publish(out, range(50))
        until(lambda: len(out.acknowledged) == 50)
        assert not distances(sqlite)
        with running(sqlite, mqtt_feed(broker.port)):
            until(lambda: len(distances(sqlite)) == 50)
    assert set(distances(sqlite).values()) == {1}
    assert counts(sqlite)["received"] == 50


# paho leaves a socket to the garbage collector where the handshake fails.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("version", [3, 5])
def test_password_and_certificates(
    sqlite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    made = mosquitto.certificates(tmp_path)
    monkeypatch.setenv("BROKER_PASSWORD", PASSWORD)
    wrong = tmp_path / "wrong"
    wrong.write_text("not the password\n")
    more = "require_certificate true"
    with mosquitto.broker(tmp_path / "broker", login=True, tls=made, more=more) as broker:
        secure = {
            "version": version,
            "username": USER,
            "tls": {"ca": made.ca, "cert": made.client[0], "key": made.client[1]},
        }
        feed = mqtt_feed(broker.port, password_env="BROKER_PASSWORD", **secure)
        refused = mqtt_feed(broker.port, "refused", password_file=wrong, **secure)
        distrustful = mqtt_feed(broker.port, "distrustful", username=USER, tls=True)
        lines: list[str] = []
        with running(sqlite, feed, refused, distrustful, lines=lines):
            until(lambda: feed.connections)
            until(lambda: sum("refuses the connection" in line for line in lines) > 1)
            until(lambda: any("certificate verify failed" in line for line in lines))
        assert not refused.connections and not distrustful.connections
        assert PASSWORD not in "".join(lines) and "not the password" not in "".join(lines)


def test_a_burst_of_ten_thousand_messages(sqlite: Store, broker: Broker) -> None:
    feed = mqtt_feed(broker.port)
    most = 0
    with running(sqlite, feed) as stop, Publisher(broker.port) as out:
        until(lambda: feed.connections)
        publish(out, range(10_000))
        while counts(sqlite).get("stored", 0) < 10_000:
            assert feed.connections == 1 and not stop.wait(0.05)
            most = max(most, feed.waiting)
    assert set(distances(sqlite).values()) == {1} and len(out.acknowledged) == 10_000
    assert most <= mqtt.WAITING
    assert counts(sqlite)["stored"] == 10_000


def test_large_and_broken_messages_do_not_stop_a_feed(sqlite: Store, broker: Broker) -> None:
    feed = mqtt_feed(broker.port)
    topic = TOPIC.format(device=device(0))
    with running(sqlite, feed), Publisher(broker.port) as out:
        until(lambda: feed.connections)
        for number in range(5):
            out.publish(topic, b"x" * 10_000_000, number)
        for number, body in enumerate([b"", b"{", b"[" * 100_000, b"\x00\xff", b"NaN"], 5):
            out.publish(topic, body, number)
        publish(out, range(10, 12))
        until(lambda: len(distances(sqlite)) == 2)
    assert counts(sqlite)["set_aside"] == 10 and counts(sqlite).get("errors", 0) == 0
    assert sum(reason.startswith("too large: 10000000") for _, reason, _ in aside(sqlite)) == 5
    assert max(len(kept) for _, _, kept in aside(sqlite)) <= payload.MAX_BYTES


def test_a_database_that_goes_away_and_comes_back(
    postgres: Postgres, postgres_url: str, broker: Broker
) -> None:
    lines: list[str] = []
    with Store.open(postgres_url) as store:
        feed = mqtt_feed(broker.port)
        with running(store, feed, lines=lines), Publisher(broker.port) as out:
            until(lambda: feed.connections)
            publish(out, range(100))
            until(lambda: len(distances(store)) == 100)
            postgres.stop()
            publish(out, range(100, 300))
            until(lambda: any("jena: " in line and "Again in" in line for line in lines))
            postgres.start()
            until(lambda: len(distances(store)) == 300)
        assert set(distances(store).values()) == {1}
        assert counts(store)["received"] == 300


def test_json_without_an_id_is_stored_once_over_a_lost_connection(sqlite: Store, broker: Broker) -> None:
    """What the broker delivers again is known, though the message does not say so itself."""
    mapping = {"device": "topic.1", "values": [{"path": "free", "property": "distance", "unit": "mm"}]}
    options = {"topics": [{"topic": "lots/+", "format": "json", "mapping": mapping}], "max_inflight": 200}
    first = mqtt_feed(broker.port, **options)
    with running(sqlite, first):
        until(lambda: first.connections)
    # All are at the broker before it stops: what a publisher sends twice would be there twice.
    with Publisher(broker.port) as out:
        for number in range(3000):
            out.publish(f"lots/P{number % 3}", as_bytes({"free": number}), number)
        until(lambda: len(out.acknowledged) == 3000)
    with running(sqlite, mqtt_feed(broker.port, **options)):
        until(lambda: distances(sqlite))
        broker.stop()
        broker.start()
        until(lambda: len(distances(sqlite)) == 3000)
    assert set(distances(sqlite).values()) == {1}


def test_a_feed_in_trouble_does_not_stop_the_others(sqlite: Store, broker: Broker) -> None:
    class Broken:
        name = "broken"

        def run(self, *_: object) -> None:
            raise ZeroDivisionError("a fault of ours")

    lines: list[str] = []
    nowhere = mqtt_feed(1, "nowhere")
    feed = mqtt_feed(broker.port)
    with running(sqlite, Broken(), nowhere, feed, lines=lines), Publisher(broker.port) as out:
        until(lambda: feed.connections)
        publish(out, range(10))
        until(lambda: len(distances(sqlite)) == 10)
        until(lambda: sum(line.startswith("broken: unexpected ZeroDivisionError") for line in lines) > 2)
        until(lambda: any("nowhere (127.0.0.1:1): the broker cannot be reached" in line for line in lines))
    assert counts(sqlite, "broken")["errors"] > 2
