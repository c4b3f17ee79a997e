"""Create, update, delete: 18-088, clause 10, on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sensors.sensorthings.entities import UNIT, datastream, named, observed, place, point, ref, sensor
from tests.sensors.sensorthings.servers import created, names
from viewer.api.sensorthings.model import ENTITIES

SETS = tuple(ENTITIES)


def world(client: httpx.Client) -> int:
    """A thing with all that belongs to it; its id."""
    stream = datastream(
        "stream",
        Sensor=sensor("sensor"),
        ObservedProperty=observed("temperature"),
        Observations=[{"phenomenonTime": "2015-03-01T00:10:00Z", "result": 10}],
    )
    return created(
        client, "/Things", named("thing", Locations=[place("here", point(11.6, 50.9))], Datastreams=[stream])
    )


def counts(client: httpx.Client) -> dict[str, int]:
    return {name: len(client.get(f"/{name}").json()["value"]) for name in SETS}


def get(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def only(client: httpx.Client, name: str) -> int:
    return int(get(client, f"/{name}")["value"][0]["@iot.id"])


def test_deep_insert_makes_all_that_is_inline(client: httpx.Client) -> None:
    thing = world(client)
    assert counts(client) == dict.fromkeys(SETS, 1)
    shown = get(client, f"/Things({thing})?$expand=Datastreams/Observations/FeatureOfInterest,Locations")
    observation = shown["Datastreams"][0]["Observations"][0]
    assert observation["phenomenonTime"] == "2015-03-01T00:10:00.000Z"
    assert observation["result"] == 10 and isinstance(observation["result"], int)
    assert observation["resultTime"] is None
    assert observation["FeatureOfInterest"]["feature"] == shown["Locations"][0]["location"]
    stream = get(client, f"/Things({thing})/Datastreams")["value"][0]
    assert stream["observedArea"] == point(11.6, 50.9)
    assert stream["phenomenonTime"] == "2015-03-01T00:10:00.000Z/2015-03-01T00:10:00.000Z"
    assert "resultTime" not in stream


def test_a_deep_insert_that_fails_leaves_nothing(client: httpx.Client) -> None:
    for stream in (
        datastream("s", Sensor=sensor("x")),
        datastream("s", Sensor=sensor("x"), ObservedProperty=ref(99)),
        datastream("s", Sensor={"name": "x"}, ObservedProperty=observed("o")),
        datastream("s", Sensor=sensor("x"), ObservedProperty=observed("o"), Observations=[{"result": 1}]),
    ):
        answer = client.post("/Things", json=named("t", Datastreams=[stream]))
        assert answer.status_code == 400, answer.text
    assert counts(client) == dict.fromkeys(SETS, 0)


def test_features_come_from_the_place_of_the_thing(client: httpx.Client) -> None:
    thing = world(client)
    stream, first = only(client, "Datastreams"), only(client, "FeaturesOfInterest")
    body = {"result": 1, "Datastream": ref(stream)}
    again = created(client, "/Observations", body)
    assert get(client, f"/Observations({again})/FeatureOfInterest")["@iot.id"] == first
    created(client, f"/Things({thing})/Locations", place("there", point(12, 51)))
    moved = created(client, "/Observations", body)
    feature = get(client, f"/Observations({moved})/FeatureOfInterest")
    assert feature["@iot.id"] != first and feature["feature"] == point(12, 51)
    assert len(get(client, f"/Things({thing})/HistoricalLocations")["value"]) == 2
    assert names(client, f"/Things({thing})/Locations") == ["there"]
    area = get(client, f"/Datastreams({stream})")["observedArea"]
    assert area["type"] == "LineString"
    # Another thing at the same place shares the feature; text alone is no place.
    here = get(client, "/Locations?$filter=name eq 'here'")["value"][0]["@iot.id"]
    other = created(client, "/Things", named("other", Locations=[ref(here)]))
    second = created(
        client,
        f"/Things({other})/Datastreams",
        datastream("s2", Sensor=sensor("x"), ObservedProperty=observed("o")),
    )
    there = created(client, f"/Datastreams({second})/Observations", {"result": 2})
    assert get(client, f"/Observations({there})/FeatureOfInterest")["@iot.id"] == first
    # GeoJSON by another name, as OGC's suite has it.
    other_name = {**place("spot", point(13, 51)), "encodingType": "http://example.org/location_types/GeoJSON"}
    client.patch(f"/Things({other})", json={"Locations": [ref(created(client, "/Locations", other_name))]})
    spot = created(client, f"/Datastreams({second})/Observations", {"result": 3})
    assert get(client, f"/Observations({spot})/FeatureOfInterest")["feature"] == point(13, 51)
    words = named("words", encodingType="text/plain", location="behind the house")
    client.patch(f"/Things({other})", json={"Locations": [ref(created(client, "/Locations", words))]})
    assert client.post(f"/Datastreams({second})/Observations", json={"result": 2}).status_code == 400


def test_a_later_historical_location_moves_the_thing(client: httpx.Client) -> None:
    thing = created(client, "/Things", named("thing"))
    spots = [created(client, "/Locations", place(f"spot {i}", point(11, i))) for i in range(3)]
    assert client.patch(f"/Things({thing})", json={"Locations": [ref(spots[0])]}).status_code == 200
    past = only(client, "HistoricalLocations")
    client.patch(f"/HistoricalLocations({past})", json={"time": "2016-01-01T06:00:00Z"})
    for hour, spot, now in ((7, 1, "spot 1"), (5, 2, "spot 1")):
        body = {"time": f"2016-01-01T0{hour}:00:00Z", "Thing": ref(thing), "Locations": [ref(spots[spot])]}
        created(client, "/HistoricalLocations", body)
        assert names(client, f"/Things({thing})/Locations") == [now]
    assert len(get(client, f"/Locations({spots[2]})/HistoricalLocations")["value"]) == 1


@pytest.mark.parametrize(
    "result", [1.5, -3, "text", "99", True, False, None, {"a": [1.5, None]}, [1, "b"], ""]
)
def test_results_of_any_type_come_back_as_they_went(client: httpx.Client, result: Any) -> None:
    world(client)
    stream = only(client, "Datastreams")
    made = created(client, "/Observations", {"result": result, "Datastream": ref(stream)})
    back = get(client, f"/Observations({made})")["result"]
    assert back == result and type(back) is type(result)
    assert client.patch(f"/Observations({made})", json={"result": 4}).status_code == 200
    assert get(client, f"/Observations({made})")["result"] == 4
    client.patch(f"/Observations({made})", json={"result": result})
    assert get(client, f"/Observations({made})")["result"] == result


def test_patch_changes_what_it_names(client: httpx.Client) -> None:
    thing = world(client)
    stream, observation = only(client, "Datastreams"), only(client, "Observations")
    changes: list[tuple[str, dict[str, Any]]] = [
        (f"/Things({thing})", {"description": "patched"}),
        (f"/Locations({only(client, 'Locations')})", {"location": point(1, 2)}),
        (
            f"/HistoricalLocations({only(client, 'HistoricalLocations')})",
            {"time": "2015-07-01T00:00:00.000Z"},
        ),
        (f"/Sensors({only(client, 'Sensors')})", {"metadata": {"any": "JSON"}}),
        (f"/ObservedProperties({only(client, 'ObservedProperties')})", {"definition": "http://x"}),
        (f"/FeaturesOfInterest({only(client, 'FeaturesOfInterest')})", {"feature": point(3, 4)}),
        (f"/Datastreams({stream})", {"unitOfMeasurement": {"name": "a", "symbol": None, "definition": "c"}}),
        (f"/Observations({observation})", {"phenomenonTime": "2015-07-01T00:40:00.000Z"}),
        (f"/Observations({observation})", {"validTime": "2015-07-01T00:40:00.000Z/2015-07-02T00:00:00.000Z"}),
    ]
    for path, change in changes:
        before = get(client, path)
        answer = client.patch(path, json=change)
        assert answer.status_code == 200, answer.text
        assert get(client, path) == before | change == answer.json()
    span = get(client, f"/Datastreams({stream})")["phenomenonTime"]
    assert span == "2015-07-01T00:40:00.000Z/2015-07-01T00:40:00.000Z"


def test_put_replaces(client: httpx.Client) -> None:
    thing = created(client, "/Things", named("thing", properties={"a": 1}))
    assert client.put(f"/Things({thing})", json=named("new")).status_code == 200
    shown = get(client, f"/Things({thing})")
    assert shown["name"] == "new" and "properties" not in shown
    assert client.put(f"/Things({thing})", json={"name": "only"}).status_code == 400
    world(client)
    observation = only(client, "Observations")
    body = {"result": "99", "phenomenonTime": "2015-08-01T00:40:00.000Z"}
    assert client.put(f"/Observations({observation})", json=body).status_code == 200
    assert body.items() <= get(client, f"/Observations({observation})").items()


def test_links_change_by_patch_but_nothing_new_is_made(client: httpx.Client) -> None:
    world(client)
    stream, other = only(client, "Datastreams"), created(client, "/Things", named("other"))
    assert client.patch(f"/Datastreams({stream})", json={"Thing": ref(other)}).status_code == 200
    assert get(client, f"/Datastreams({stream})/Thing")["name"] == "other"
    for path, body in (
        (f"/Things({other})", {"Locations": [place("x", point(1, 1))]}),
        (f"/Things({other})", {"Datastreams": [{"unitOfMeasurement": UNIT}]}),
        (f"/Datastreams({stream})", {"ObservedProperty": observed("x")}),
        (f"/Datastreams({stream})", {"ObservedProperty": ref(9999)}),
        (f"/Things({other})", {"name": None}),
        (f"/Things({other})", {"name": 5}),
    ):
        assert client.patch(path, json=body).status_code == 400
    assert client.patch("/Things(99999)", json={"name": "x"}).status_code == 404


def test_json_patch(client: httpx.Client) -> None:
    thing = created(client, "/Things", named("thing"))

    def patch(*operations: dict[str, Any]) -> httpx.Response:
        kind = {"Content-Type": "application/json-patch+json"}
        return client.patch(f"/Things({thing})", json=list(operations), headers=kind)

    assert patch({"op": "add", "path": "/properties", "value": {"a": 1, "list": [1]}}).status_code == 200
    done = patch(
        {"op": "copy", "from": "/properties/a", "path": "/properties/b"},
        {"op": "move", "from": "/properties/a", "path": "/properties/c~1d"},
        {"op": "add", "path": "/properties/list/-", "value": 2},
        {"op": "replace", "path": "/properties/list/0", "value": 0},
        {"op": "test", "path": "/name", "value": "thing"},
    )
    assert done.status_code == 200, done.text
    assert get(client, f"/Things({thing})")["properties"] == {"b": 1, "c/d": 1, "list": [0, 2]}
    assert patch({"op": "remove", "path": "/properties"}).status_code == 200
    assert "properties" not in get(client, f"/Things({thing})")
    for bad in (
        {"op": "test", "path": "/name", "value": "x"}, {"op": "remove", "path": "/nothing"}, {"op": "add"},
        {"op": "jump", "path": "/name"}, {"op": "remove", "path": "/name"},
        {"op": "add", "path": "name", "value": 1},
    ):  # fmt: skip
        assert patch(bad).status_code == 400


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("Things", {"Things", "Datastreams", "HistoricalLocations", "Observations"}),
        ("Locations", {"Locations", "HistoricalLocations"}),
        ("HistoricalLocations", {"HistoricalLocations"}),
        ("Datastreams", {"Datastreams", "Observations"}),
        ("Sensors", {"Sensors", "Datastreams", "Observations"}),
        ("ObservedProperties", {"ObservedProperties", "Datastreams", "Observations"}),
        ("FeaturesOfInterest", {"FeaturesOfInterest", "Observations"}),
        ("Observations", {"Observations"}),
    ],
)
def test_deletion_takes_with_it_what_the_standard_says(
    client: httpx.Client, name: str, gone: set[str]
) -> None:
    """18-088, table 25."""
    world(client)
    identifier = only(client, name)
    answer = client.delete(f"/{name}({identifier})")
    assert answer.status_code == 200 and not answer.content
    assert client.get(f"/{name}({identifier})").status_code == 404
    assert client.delete(f"/{name}({identifier})").status_code == 404
    assert {key for key, count in counts(client).items() if not count} == gone
    if name == "Observations":
        stream = get(client, "/Datastreams")["value"][0]
        assert "phenomenonTime" not in stream


def test_a_set_is_deleted_by_filter_only(client: httpx.Client) -> None:
    world(client)
    stream = only(client, "Datastreams")
    for result in range(5):
        created(client, f"/Datastreams({stream})/Observations", {"result": result})
    assert client.delete(f"/Datastreams({stream})/Observations").status_code == 405
    assert client.delete(f"/Datastreams({stream})/Observations?$filter=result lt 3").status_code == 200
    left = {o["result"] for o in get(client, "/Observations")["value"]}
    assert left == {3, 4, 10}


def test_a_path_must_hold_together(client: httpx.Client) -> None:
    thing = world(client)
    stream, observation = only(client, "Datastreams"), only(client, "Observations")
    other = created(client, "/Things", named("other"))
    good, bad = (f"/Things({t})/Datastreams({stream})/Observations" for t in (thing, other))
    assert client.post(good, json={"result": 1}).status_code == 201
    assert client.post(bad, json={"result": 1}).status_code == 404
    for method in ("PUT", "PATCH"):
        assert client.request(method, f"{good}({observation})", json={"result": 2}).status_code == 200
        assert client.request(method, f"{bad}({observation})", json={"result": 3}).status_code == 404
    assert client.delete(f"{bad}({observation})").status_code == 404
    assert get(client, f"{good}({observation})")["result"] == 2


def test_data_array_tells_of_each_row(client: httpx.Client) -> None:
    world(client)
    stream, feature = only(client, "Datastreams"), only(client, "FeaturesOfInterest")
    body = [
        {
            "Datastream": ref(stream),
            "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
            "dataArray@iot.count": 2,
            "dataArray": [
                ["2010-12-23T10:20:00-07:00", 20, feature],
                ["2010-12-23T10:21:00-07:00", 30, "no id"],
                ["2010-12-23T10:21:00-07:00", 30, 999999],
                ["2010-12-23T25:21:00-07:00", 30, feature],
                ["2010-12-23T10:21:00-07:00", 30],
            ],
        },
        {"Datastream": ref(stream), "components": ["result"], "dataArray": [[65], ["text"], [{"a": 1}]]},
        {"Datastream": ref(999999), "components": ["result"], "dataArray": [[1]]},
    ]
    answer = client.post("/CreateObservations", json=body)
    assert answer.status_code == 201, answer.text
    links = answer.json()
    assert [link.startswith("error") for link in links] == [
        False,
        True,
        True,
        True,
        True,
        False,
        False,
        False,
        True,
    ]
    assert client.get(links[0]).json()["phenomenonTime"] == "2010-12-23T17:20:00.000Z"
    assert client.get(f"{links[5]}/FeatureOfInterest").json()["@iot.id"] == feature
    shown = get(
        client, "/Observations?$resultFormat=dataArray&$select=result,phenomenonTime&$count=true&$top=3"
    )
    assert shown["@iot.count"] == 5 and "@iot.nextLink" in shown
    table = shown["value"][0]
    assert table["components"] == ["result", "phenomenonTime"]
    assert table["dataArray@iot.count"] == len(table["dataArray"]) == 3
    assert table["Datastream@iot.navigationLink"].endswith(f"/Datastreams({stream})")
    for change in (
        {"components": ["x"]},
        {"components": ["phenomenonTime"]},
        {"dataArray": 5},
        {"Datastream": 1},
    ):
        assert client.post("/CreateObservations", json=[{**body[1], **change}]).status_code == 400
    for wrong in ({}, [5], [{"components": ["result"]}]):
        assert client.post("/CreateObservations", json=wrong).status_code == 400


BAD_THINGS: list[bytes] = [
    b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b'{"name": NaN, "description": ""}',
    b'{"name": "a", "description": "", "properties": {"x": Infinity}}',
    b'{"name": "a", "description": "", "properties": {"x": 1e999}}',
    b'{"name": "a", "description": "", "properties": []}',
    b'{"name": "a"}', b'{"description": "a"}', b'{"name": 5, "description": ""}',
    b'{"name": "a", "description": "", "nmae": ""}',
    b'{"name": "a\\u0000b", "description": ""}', b'{"name": "a\\ud800", "description": ""}',
    b'{"name": "a", "description": "", "Locations": {}}',
    b'{"name": "a", "description": "", "Locations": [5]}',
    b'{"name": "a", "description": "", "Locations": [{"@iot.id": "x"}]}',
    b'{"name": "a", "description": "", "Locations": [{"@iot.id": 99999999999999999999}]}',
    b'{"name": "a", "description": "", "properties": ' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"}",
]  # fmt: skip


def test_bad_bodies_are_refused(client: httpx.Client) -> None:
    for body in BAD_THINGS:
        answer = client.post("/Things", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, body[:60]
        assert answer.json()["type"] == "error"
    for location in (None, 5, {}, {"type": "Point"}, {"type": "Point", "coordinates": ["a", 1]}):
        assert client.post("/Locations", json=place("x", location)).status_code == 400
    world(client)
    stream = ref(only(client, "Datastreams"))
    for bad in (
        {}, {"result": 1}, {"result": 1, "Datastream": ref(99999)}, {"Datastream": stream},
        {"result": 1, "Datastream": stream, "phenomenonTime": "yesterday"},
        {"result": 1, "Datastream": stream, "phenomenonTime": 5},
        {"result": 1, "Datastream": stream, "phenomenonTime": "99999-01-01T00:00:00Z"},
        {"result": 1, "Datastream": stream, "resultTime": "2015-01-01T00:00:00Z/2016-01-01T00:00:00Z"},
        {"result": 1, "Datastream": stream, "FeatureOfInterest": ref(99999)},
        {"result": 1, "Datastream": stream, "FeatureOfInterest": named("f", feature=point(1, 2))},
        {"result": 1, "Datastream": stream, "parameters": [1]},
    ):  # fmt: skip
        answer = client.post("/Observations", json=bad)
        assert answer.status_code == 400, (bad, answer.text)
    assert client.post("/Things", content=b" " * (11 * 2**20)).status_code == 413


def test_methods_and_paths(client: httpx.Client) -> None:
    thing = world(client)
    for method, path, status in (
        ("POST", f"/Things({thing})", 405), ("PUT", "/Things", 405), ("PATCH", "/Things", 405),
        ("DELETE", "/", 405), ("POST", "/", 405), ("PATCH", f"/Things({thing})/name", 405),
        ("GET", "/CreateObservations", 405), ("GET", "/Nothing", 404),
        ("GET", f"/Things({thing})/nothing", 404), ("GET", "/Things(9223372036854775807)", 404),
        ("GET", "/Things('x')", 404), ("GET", "/Things(x)", 400), ("GET", "/Things/name", 404),
        ("GET", "/Things(-1)", 404), ("GET", f"/Things({thing})/properties", 204),
        ("GET", f"/Things({thing})/properties/$value", 204), ("GET", "/Things?$foo=1", 400),
        ("GET", "/Things?$top=-1", 400), ("GET", "/Things?$top=x", 400), ("GET", "/Things?$count=yes", 400),
        ("GET", "/Things?$expand=Foo", 400), ("GET", "/Things?$select=foo", 400),
        ("GET", "/Things?$top=1&$top=2", 400), ("GET", "/Things?$skiptoken=x", 400),
        ("HEAD", "/Things", 200), ("GET", "/Things?$resultFormat=dataArray", 400),
        ("GET", "/Things?other=1", 200), ("GET", "/Things?$top=0", 200), ("HEAD", "/Things?$filter=x", 400),
        ("GET", "/Things?$expand=Datastreams($top=x)", 400),
    ):  # fmt: skip
        answer = client.request(method, path, json={} if method in ("POST", "PUT", "PATCH") else None)
        assert answer.status_code == status, (method, path, answer.text)
