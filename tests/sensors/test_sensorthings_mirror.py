"""The mirror of another SensorThings service: of our own, and of one that answers as Jena's does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sensors.protocols import Counters, FeedError, foreign
from sensors.protocols.sensorthings import Mirror, Options
from sensors.store import Store
from sensors.times import to_us
from tests.sensors.sensorthings.entities import datastream, named, observed, place, point, ref, sensor
from tests.sensors.sensorthings.servers import created, sensorthings, served


@contextmanager
def running(store: Store, url: str, **options: Any) -> Iterator[Counters]:
    """A mirror of `url` into `store` in a thread, tried again at once after an error."""
    feed = Mirror("jena", Options(url=url, poll_seconds=0.05, **options))
    counters, stop = Counters(), threading.Event()

    def loop() -> None:
        while not stop.is_set():
            try:
                feed.run(store, counters, stop)
            except FeedError:
                counters.add(errors=1)
                stop.wait(0.05)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield counters
    finally:
        stop.set()
        thread.join(30)


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'copy.sqlite'}") as store:
        yield store


@pytest.fixture
def original(tmp_path: Path) -> Iterator[httpx.Client]:
    with Store.open(f"sqlite:///{tmp_path / 'original.sqlite'}") as store, sensorthings(store) as client:
        yield client


def test_a_service_is_copied_and_followed(original: httpx.Client, copy: Store) -> None:
    stream = datastream("t", Sensor=sensor("probe"), ObservedProperty=observed("temperature"))
    created(
        original, "/Things", named("station", Locations=[place("p", point(11.6, 50.9))], Datastreams=[stream])
    )
    link = ref(original.get("/Datastreams").json()["value"][0]["@iot.id"])

    def send(days: range) -> None:
        rows = [[f"2024-01-{day:02}T00:00:00Z", day] for day in days]
        body = [{"Datastream": link, "components": ["phenomenonTime", "result"], "dataArray": rows}]
        assert original.post("/CreateObservations", json=body).status_code == 201

    send(range(1, 21))
    with running(copy, str(original.base_url), page=7) as counters:
        wait(lambda: counters.totals().get("stored", 0) == 20)
        send(range(21, 26))
        wait(lambda: counters.totals().get("stored", 0) == 25)
    # Late data come in with the next look back; nothing comes twice.
    created(
        original,
        "/Observations",
        {"phenomenonTime": "2024-01-24T12:00:00Z", "result": 99, "Datastream": link},
    )
    with running(copy, str(original.base_url)) as counters:
        wait(lambda: counters.totals().get("stored", 0) == 1)
    streams = copy.streams()
    assert list(streams.thing) == ["station"] and list(streams.property) == ["temperature"]
    assert streams.longitude.iloc[0] == 11.6 and streams["count"].iloc[0] == 26
    values = copy.series(int(streams.index[0]), datetime(2024, 1, 1, tzinfo=UTC)).result.to_list()
    assert sorted(values) == [*range(1, 26), 99]


class Jena:
    """Jena's real answer in pages, with links to an address of its own network, and with faults."""

    def __init__(self, datastreams: list[dict[str, Any]]) -> None:
        self.datastreams = datastreams
        self.faults: list[Response] = []
        self.asked: list[str] = []

    def app(self) -> Starlette:
        app = Starlette()
        app.add_route("/udp/rest/v1.1/{path:path}", self.answer)
        return app

    async def answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode().split("/v1.1/")[1]
        self.asked.append(path)
        if self.faults:
            return self.faults.pop(0)
        if "$expand" in request.query_params or "$orderby" in request.query_params:
            return JSONResponse({"error": "not supported"}, 501)
        if path == "Datastreams":
            skip = int(request.query_params.get("$skip", 0))
            answer: dict[str, Any] = {"value": self.datastreams[skip : skip + 25]}
            if skip + 25 < len(self.datastreams):
                answer["@iot.nextLink"] = (
                    f"http://localhost:8080/sensinact/rest/v1.1/Datastreams?$skip={skip + 25}"
                )
            return JSONResponse(answer)
        key = path.split("(")[1].split(")")[0]
        if path.endswith("/Thing"):
            device = key.split("~")[0]
            return JSONResponse({"@iot.id": device, "name": device, "description": None, "properties": None})
        if path.endswith("/Observations"):
            return JSONResponse({"value": [observation(key, 1), observation(key, 2), {"result": 1}, 5]})
        return JSONResponse({"@iot.id": "x", "name": f"about {key}", "definition": 5})


def observation(key: str, number: int) -> dict[str, Any]:
    return {
        "@iot.id": f"{key}~{number}",
        "phenomenonTime": f"2024-04-29T13:0{number}:24.245872459Z",
        "resultTime": f"2024-04-29T13:0{number}:24.245872459Z",
        "result": number if number == 1 else "a text",
        "resultQuality": None,
    }


def test_jenas_answer_is_mirrored_through_faults(shared_data: Path, copy: Store) -> None:
    real = json.loads((shared_data / "jena-udp" / "sensorthings_datastreams.json").read_text("utf-8"))[
        "value"
    ]
    streams = real[:60]
    jena = Jena(streams)
    jena.faults = [
        Response("busy", 503), Response("{", 200), Response("[1]", 200),
        RedirectResponse("http://169.254.169.254/latest/meta-data"), Response("x" * 17 * 2**20, 200),
    ]  # fmt: skip
    with served(jena.app()) as address:
        url = f"{address}/udp/rest/v1.1"
        with running(copy, url, refresh_minutes=1000) as counters:
            wait(lambda: counters.totals().get("stored", 0) == 2 * len(streams))
            wait(lambda: counters.totals().get("duplicate", 0) >= 2)
        totals = counters.totals()
    assert totals["errors"] >= 2 and totals["refused"] >= len(streams)
    assert all("169.254" not in path for path in jena.asked)
    table = copy.streams()
    assert len(table) == len(streams) and set(table["count"]) == {2}
    newest = datetime(2024, 4, 29, 13, 2, 24, 245872, tzinfo=UTC)
    assert copy.state("jena", streams[0]["@iot.id"])["newest"] == to_us(newest)  # type: ignore[index]
    assert set(table.thing) == {stream["@iot.id"].split("~")[0] for stream in streams}
    assert set(table.name) == {stream["name"] for stream in streams}


def test_what_is_no_observation_is_left_out() -> None:
    good = {"@iot.id": 1, "phenomenonTime": "2024-01-01T00:00:00Z/2024-01-01T01:00:00Z", "result": {"a": [1]}}
    made = foreign.observation(7, good)
    assert made is not None and made.source_key == "1" and made.phenomenon_end is not None
    for change in (
        {"phenomenonTime": None}, {"phenomenonTime": "soon"}, {"phenomenonTime": 5}, {"result": 10**400},
        {"result": "\x00"}, {"result": "x" * 100_000}, {"resultTime": "x"}, {"validTime": [1]},
    ):  # fmt: skip
        assert foreign.observation(7, {**good, **change}) is None
    assert foreign.observation(7, {"phenomenonTime": good["phenomenonTime"]}) is None
    for identifier in (None, True, 1.5, "", "x" * 600, {"a": 1}):
        assert foreign.key_of({"@iot.id": identifier}) is None
    with pytest.raises(ValueError, match="NaN"):
        foreign.parse(b'{"result": NaN}')


def test_options_are_checked() -> None:
    for wrong in (
        {"url": "ftp://x"},
        {"url": "http://x", "since": "soon"},
        {"url": "http://x", "poll_seconds": 0},
    ):
        with pytest.raises(ValidationError):
            Options(**wrong)
