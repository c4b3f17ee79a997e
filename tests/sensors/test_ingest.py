"""The config of feeds, and the commands about devices."""

from __future__ import annotations

import json
import re
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sensors import ingest
from sensors.protocols import Counters, FeedError
from sensors.protocols.intake import Intake, Message
from sensors.protocols.mqtt import MqttFeed
from sensors.store import Store
from sensors.things import NewObservation
from tests.conftest import REPOSITORY
from tests.sensors.postgres import Postgres
from tests.sensors.things import station
from tests.sensors.uplinks import as_bytes, chirpstack
from tests.sensors.waiting import until
from twin.errors import SourceError
from viewer.cli_sensors import app

GOOD = """
[feeds.jena]
protocol = "mqtt"
host = "broker"
topics = [{ topic = "a/+", format = "chirpstack" }]
"""


def test_the_documented_config_is_right(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (REPOSITORY / "docs" / "feeds.md").read_text(), re.S)[:1]
    config = tmp_path / "feeds.toml"
    config.write_text(example)
    (feed,) = ingest.read_config(config)
    assert isinstance(feed, MqttFeed) and feed.name == "jena"
    assert [topic.format for topic in feed.options.topics] == ["chirpstack", "things_stack", "json"]
    with pytest.raises(FeedError, match="JENA_PASSWORD: the environment variable is not set"):
        feed.options.secret()


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ("x = [", "the config cannot be read"),
        ("x = " + "[" * 5000, "the config cannot be read"),
        ("", "there is no table"),
        ("database = 'x'\n" + GOOD, "there is no key database"),
        (GOOD.replace("mqtt", "carrier pigeon"), "feeds.jena.protocol: unknown protocol 'carrier pigeon'"),
        (GOOD.replace('host = "broker"', ""), "feeds.jena.host: Field required"),
        (GOOD + "port = 70000", "feeds.jena.port: Input should be less than or equal to 65535"),
        (GOOD + "password = 'secret'", "feeds.jena.password: a password does not belong here"),
        (GOOD + "colour = 1", "feeds.jena.colour: Extra inputs are not permitted"),
        (GOOD.replace("chirpstack", "json"), "a mapping belongs to the format json"),
    ],
)
def test_a_wrong_config_is_named_in_one_line(tmp_path: Path, config: str, line: str) -> None:
    file = tmp_path / "feeds.toml"
    file.write_text(config)
    with pytest.raises(SourceError) as error:
        ingest.read_config(file)
    assert line in str(error.value) and "feeds.toml" in str(error.value)
    assert "\n" not in str(error.value) and "secret" not in str(error.value)


def test_waits_grow_and_differ() -> None:
    backoff = ingest.Backoff(1, 60)
    assert all(0.5 * whole <= backoff.seconds(n) <= whole for n, whole in ((1, 1), (4, 8), (99, 60)))
    assert len({backoff.seconds(3) for _ in range(10)}) > 1


class Ticking:
    """A feed that stores a value now and then."""

    name = "ticking"

    def __init__(self, stream: int) -> None:
        self.stream, self.at = stream, 0

    def run(self, store: Store, counters: Counters, stop: threading.Event) -> None:
        while not stop.wait(0.1):
            self.at += 1
            store.append([NewObservation(self.stream, self.at, 1.0)])


def test_a_feed_goes_on_as_soon_as_the_store_is_back(postgres: Postgres, postgres_url: str) -> None:
    """Not after the rest of its wait, which has grown by then: here a minute at least, from the first on."""
    stop = threading.Event()
    with Store.open(postgres_url) as store:
        ticking = Ticking(store.ensure(station())["t"])
        work = partial(ingest.run, [ticking], store, stop, backoff=ingest.Backoff(first=120, most=120))
        thread = threading.Thread(target=work)
        thread.start()
        try:
            until(lambda: ticking.at > 3)
            postgres.stop()
            try:
                before = ticking.at
                time.sleep(3)
                assert ticking.at <= before + 1  # it waits
            finally:
                postgres.start()
            until(lambda: ticking.at > before + 3, 20)
            until(lambda: list(store.beats()["state"]) == [ingest.RUNS], 20)
        finally:
            stop.set()
            thread.join()


def test_commands_list_and_assign_devices(sqlite_url: str) -> None:
    info = {"devEui": "00000000000000aa", "deviceProfileName": "MysteryBox"}
    with Store.open(sqlite_url) as store:
        odd = chirpstack(1, deviceInfo=info, object={"distance": 5, "colour": "red"})
        Intake(store, "jena").take([Message(as_bytes(odd)), Message(as_bytes(chirpstack(2)))])
    run = CliRunner().invoke
    database = ["--database", sqlite_url]
    (kept,) = json.loads(run(app, ["unknown", "--json", *database]).stdout)
    assert (kept["device"], kept["messages"]) == ("00000000000000aa", 1)
    options = ["--decoder", "milesight_em310", "--thing", "Bin"]
    said = run(app, ["assign", "00:00:00:00:00:00:00:AA", *options, *database])
    assert said.stdout == "00000000000000aa is assigned; 1 kept messages stored, 0 stay kept\n"
    assert run(app, ["unknown", *database]).stdout == "nothing is kept aside\n"
    (heard,) = json.loads(run(app, ["devices", "--json", *database]).stdout)
    assert (heard["decoder"], heard["lost_frames"], heard["feed"]) == ("milesight_em310", 0, "jena")
