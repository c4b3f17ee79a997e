"""Times in $filter: instants and intervals by hand, with the half-open reading that other services share.

Observations are named by their hours on 2016-01-01: "7" is an instant, "7-8" an interval; minutes as 7:59.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sensors.store import Store
from tests.sensors.sensorthings.entities import datastream, named, observed, place, point, ref, sensor
from tests.sensors.sensorthings.servers import created, sensorthings

INSTANTS = ("6", "6:59", "7", "7:01", "7:59", "8", "8:01", "9")
INTERVALS = (
    "6-6:59", "6-7", "6-7:01", "7-8", "7:01-7:59", "7:59-9", "8-9", "8:01-9", "6:59-8:01", "7-7:59", "7-8:01",
    "6:59-8", "7:01-8",
)  # fmt: skip


def iso(clock: str) -> str:
    hour, _, minute = clock.partition(":")
    return f"2016-01-01T{int(hour):02}:{minute or '00'}:00.000Z"


def time(name: str) -> str:
    return "/".join(iso(part) for part in name.split("-"))


@pytest.fixture(scope="module")
def client(shared_store: Store) -> Iterator[httpx.Client]:
    with sensorthings(shared_store) as client:
        thing = created(client, "/Things", named("thing", Locations=[place("here", point(8, 51))]))
        stream = {
            "Thing": ref(thing),
            "Sensor": sensor("sensor"),
            "ObservedProperty": observed("temperature"),
        }
        first = created(client, "/Datastreams", datastream("first", **stream))
        created(client, "/Datastreams", datastream("empty", **stream))
        for name in (*INSTANTS, *INTERVALS):
            body = {"result": name, "phenomenonTime": time(name), "Datastream": ref(first)}
            body |= {"validTime": time(name)} if "-" in name else {"resultTime": time(name)}
            created(client, "/Observations", body)
        yield client


def found(client: httpx.Client, filter_: str) -> set[str]:
    answer = client.get("/Observations", params={"$filter": filter_})
    assert answer.status_code == 200, answer.text
    return {observation["result"] for observation in answer.json()["value"]}


BEFORE_7 = {"6", "6:59", "6-6:59", "6-7"}
AFTER_7 = {"7:01", "7:59", "8", "8:01", "9", "7:01-7:59", "7:59-9", "8-9", "8:01-9", "7:01-8"}
AFTER_8 = {"8", "8:01", "9", "8-9", "8:01-9"}
CASES = [
    ("phenomenonTime lt {7}", BEFORE_7),
    ("phenomenonTime lt {7-8}", BEFORE_7),
    ("before(phenomenonTime,{7-8})", BEFORE_7),
    ("{7} gt phenomenonTime", BEFORE_7),
    ("phenomenonTime gt {7}", AFTER_7),
    ("phenomenonTime gt {7-8}", AFTER_8),
    ("after(phenomenonTime,{7-8})", AFTER_8),
    ("phenomenonTime le {7}", BEFORE_7 | {"7"}),
    ("phenomenonTime le {7-8}", BEFORE_7 | {"7", "6-7:01", "7-8", "7-7:59", "6:59-8"}),
    ("phenomenonTime ge {7}", AFTER_7 | {"7", "7-8", "7-7:59", "7-8:01"}),
    ("phenomenonTime ge {7-8}", AFTER_8 | {"7-8", "7:59-9", "7-8:01", "7:01-8"}),
    ("phenomenonTime eq {7}", {"7"}),
    ("phenomenonTime eq {7-8}", {"7-8"}),
    ("validTime ne {7-8}", set(INTERVALS) - {"7-8"}),
    ("resultTime eq '2016-01-01T08:00:00+01:00'", {"7"}),
    ("resultTime eq 2016-01-01T08:00:00+01:00", {"7"}),
    ("meets(phenomenonTime,{7})", {"7", "6-7", "7-8", "7-7:59", "7-8:01"}),
    ("meets(phenomenonTime,{7-8})", {"7", "8", "6-7", "8-9"}),
    ("during(phenomenonTime,{7-8})", {"7", "7:01", "7:59", "7-8", "7:01-7:59", "7-7:59", "7:01-8"}),
    ("during({7},validTime)", {"6-7:01", "7-8", "6:59-8:01", "7-7:59", "7-8:01", "6:59-8"}),
    ("during({7},phenomenonTime)", {"6-7:01", "7-8", "6:59-8:01", "7-7:59", "7-8:01", "6:59-8"}),
    ("during({7-8},validTime)", {"7-8", "6:59-8:01", "7-8:01", "6:59-8"}),
    ("overlaps(phenomenonTime,{7})", {"7", "6-7:01", "7-8", "6:59-8:01", "7-7:59", "7-8:01", "6:59-8"}),
    ("overlaps(resultTime,{7-8})", {"7", "7:01", "7:59"}),
    ("overlaps(validTime,{7-8})", set(INTERVALS) - {"6-6:59", "6-7", "8-9", "8:01-9"}),
    ("starts(phenomenonTime,{7-8})", {"7", "7-8", "7-7:59", "7-8:01"}),
    ("finishes(phenomenonTime,{7-8})", {"8", "7-8", "6:59-8", "7:01-8"}),
    ("resultTime add duration'PT1H' gt {9}", {"8:01", "9"}),
    ("validTime add duration'PT1H' gt {9}", {"8:01-9"}),
    ("resultTime sub duration'PT60M' gt {7}", {"8:01", "9"}),
    ("resultTime gt {9} sub duration'PT1H'", {"8:01", "9"}),
    ("validTime lt {6-7} add duration'PT1H'", {"6-6:59", "6-7"}),
    ("phenomenonTime sub {8} eq duration'PT1H'", {"9"}),
    ("not resultTime lt {7} and not resultTime ge {8}", {"7", "7:01", "7:59"}),
    (
        "not validTime lt {7} and not validTime ge {8}",
        {"6-7:01", "7-8", "7:01-7:59", "7:59-9", "6:59-8:01", "7-7:59", "7-8:01", "6:59-8", "7:01-8"},
    ),
    ("year(resultTime) eq 2016 and month(resultTime) eq 1 and day(resultTime) eq 1", set(INSTANTS)),
    ("hour(resultTime) eq 6", {"6", "6:59"}),
    ("minute(resultTime) eq 59", {"6:59", "7:59"}),
    ("second(resultTime) eq 0 and fractionalseconds(resultTime) eq 0", set(INSTANTS)),
    ("date(resultTime) eq 2016-01-01", set(INSTANTS)),
    ("date(resultTime) eq date({7})", set(INSTANTS)),
    ("time(resultTime) ge 08:00:00", {"8", "8:01", "9"}),
    ("totaloffsetminutes(resultTime) eq 0", set(INSTANTS)),
    ("resultTime lt now() and resultTime gt mindatetime() and resultTime lt maxdatetime()", set(INSTANTS)),
    ("resultTime eq null", set(INTERVALS)),
    ("resultTime in ({7},{9})", {"7", "9"}),
    ("phenomenonTime eq 2016-01-01T07:00:00Z/PT1H", {"7-8"}),
]


@pytest.mark.parametrize(
    ("filter_", "expected"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_times_compare(client: httpx.Client, filter_: str, expected: set[str]) -> None:
    words = {name: time(name) for name in (*INSTANTS, *INTERVALS)}
    for name, text in words.items():
        filter_ = filter_.replace("{" + name + "}", text)
    assert found(client, filter_) == expected


@pytest.mark.parametrize(
    ("filter_", "streams"),
    [
        ("phenomenonTime eq {6-9}", ["first"]),
        ("phenomenonTime gt {5}", ["first"]),
        ("phenomenonTime lt {9}", ["first"]),  # it ends there, half-open
        ("phenomenonTime lt {8}", []),
        ("during(phenomenonTime,{5-10})", ["first"]),
        ("phenomenonTime eq null", ["empty"]),
        ("resultTime ge {6}", ["first"]),
        ("Observations/id ne null", ["first"]),
        ("Observations/id eq null", ["empty"]),
    ],
)
def test_a_datastream_spans_its_observations(client: httpx.Client, filter_: str, streams: list[str]) -> None:
    for name in ("6-9", "5-10", "5", "6", "8", "9"):
        filter_ = filter_.replace("{" + name + "}", time(name))
    answer = client.get("/Datastreams", params={"$filter": filter_})
    assert answer.status_code == 200, answer.text
    assert [entity["name"] for entity in answer.json()["value"]] == streams


@pytest.mark.parametrize(
    "filter_",
    [
        "during(resultTime,{7})",
        "during({7},resultTime)",
        "phenomenonTime gt 5",
        "phenomenonTime gt 2016-13-01T00:00:00Z",
        "phenomenonTime gt {7} add {8}",
        "resultTime add duration'P1Y' gt {7}",
        "resultTime gt 'yesterday'",
        "phenomenonTime gt 2016-01-01T08:00:00Z/2016-01-01T07:00:00Z",
        "before(phenomenonTime)",
    ],
)
def test_what_cannot_be_is_refused(client: httpx.Client, filter_: str) -> None:
    for name in ("7", "8"):
        filter_ = filter_.replace("{" + name + "}", time(name))
    answer = client.get("/Observations", params={"$filter": filter_})
    assert answer.status_code == 400
    assert "position" in answer.json()["message"]


def test_observations_without_order_come_by_time(client: httpx.Client) -> None:
    stream = client.get("/Datastreams", params={"$filter": "name eq 'first'"}).json()["value"][0]["@iot.id"]
    values = client.get(f"/Datastreams({stream})/Observations").json()["value"]
    starts = [value["phenomenonTime"].split("/")[0] for value in values]
    assert starts == sorted(starts)
