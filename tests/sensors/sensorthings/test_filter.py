"""$filter and $orderby on a small world: relations, JSON, text, numbers, geometry; expected sets by hand."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sensors.store import Store
from tests.sensors.sensorthings.entities import datastream, named, observed, place, point, ref, sensor
from tests.sensors.sensorthings.servers import created, sensorthings

LINE = {"type": "LineString", "coordinates": [[4, 52], [8, 52]]}
SHORT = {"type": "LineString", "coordinates": [[5, 52], [5, 53]]}
TRIANGLE = {"type": "Polygon", "coordinates": [[[8, 53], [7, 52], [7, 53], [8, 53]]]}
BOX = "geography'POLYGON((7.5 51.5, 7.5 53.5, 8.5 53.5, 8.5 51.5, 7.5 51.5))'"


def _things(client: httpx.Client) -> dict[str, int]:
    properties = {
        "A": None,
        "B": {
            "field": 2,
            "word": "one",
            "flag": True,
            "list": [8, 9],
            "inner": [{"x": "é"}],
            "building_id": "b1",
        },
        "C": {"field": 3, "word": "two", "flag": False, "list": ["8"], "inner": [{"x": 5}], "price": 1.5},
        "D": {"field": "2", "word": 2, "flag": "true", "kind": "weather"},
    }
    places = {"A": point(8, 51), "B": point(8, 53), "C": point(8, 54), "D": TRIANGLE}
    return {
        name: created(
            client,
            "/Things",
            named(name, properties=given, Locations=[place(f"place {name}", places[name], properties=given)]),
        )
        for name, given in properties.items()
    }


@pytest.fixture(scope="module")
def client(shared_store: Store) -> Iterator[httpx.Client]:
    with sensorthings(shared_store) as client:
        things = _things(client)
        created(client, "/Locations", place("line", LINE))
        created(client, "/Locations", place("short", SHORT))
        sensors = [created(client, "/Sensors", sensor(f"sensor {i}")) for i in (0, 1)]
        quantities = [created(client, "/ObservedProperties", observed(f"op {i}")) for i in (0, 1, 2)]
        streams = {}
        for name, thing, by, of in (
            ("s0", "A", 0, 0),
            ("s1", "A", 1, 1),
            ("s2", "B", 0, 0),
            ("s3", "C", 1, 2),
        ):
            links = {"Thing": ref(things[thing]), "Sensor": ref(sensors[by])}
            links["ObservedProperty"] = ref(quantities[of])
            streams[name] = created(client, "/Datastreams", datastream(name, **links))
        results = [1, 2.5, -3, "text", "10", True, {"a": [1, {"b": "deep"}]}, [1, 2], None, 10]
        for index, result in enumerate(results):
            body = {
                "phenomenonTime": f"2015-03-{index + 1:02}T12:00:00Z",
                "result": result,
                "resultQuality": index if index % 2 else f"quality {index}",
                "parameters": {"nr": index},
                "Datastream": ref(streams["s0"]),
            }
            created(client, "/Observations", body)
        created(client, "/Observations", {"result": 7, "Datastream": ref(streams["s2"])})
        yield client


def ask(client: httpx.Client, path: str, **options: str) -> list[dict[str, object]]:
    answer = client.get(path, params={f"${name}": value for name, value in options.items()})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["value"])


def letters(client: httpx.Client, path: str, filter_: str) -> str:
    return " ".join(sorted(str(e["name"]).removeprefix("place ") for e in ask(client, path, filter=filter_)))


THINGS = [
    # comparison and logic; precedence of 18-088, table 23
    ("name eq 'A' or name eq 'B' and name eq 'C'", "A"),
    ("(name eq 'A' or name eq 'B') and name eq 'B'", "B"),
    ("not name eq 'A'", "B C D"),
    ("not (name eq 'A' or name gt 'B')", "B"),
    ("name in ('A','D')", "A D"),
    ("name ge 'C'", "C D"),
    ("true", "A B C D"),
    ("id gt 0 and @iot.id ne 0", "A B C D"),
    # text
    ("substringof('.', description)", "A B C D"),
    ("contains(description,'A')", "A"),
    ("startswith(name,'A') or endswith(description,'B.')", "A B"),
    ("length(name) eq 1 and length(description) eq 2", "A B C D"),
    ("indexof(description,'.') eq 1 and indexof(name,'D') eq 0", "D"),
    ("substring(description,1) eq '.' and substring(description,0,1) eq 'C'", "C"),
    ("tolower(name) eq 'a' or toupper('b') eq name", "A B"),
    ("trim('  C ') eq name", "C"),
    ("concat(concat(name,'/'),description) eq 'D/D.'", "D"),
    ("name eq 'O''Neill'", ""),
    ("tolower('ÄÖ') eq 'äö'", "A B C D"),
    # JSON
    ("properties/field eq 2", "B"),
    ("properties/field eq '2'", "B D"),
    ("properties/field gt 1", "B C"),
    ("properties/field ne null", "B C D"),
    ("properties/field eq null", "A"),
    ("properties/flag", "B"),
    ("not properties/flag", "C"),
    ("properties/flag eq false", "C"),
    ("properties/list[1] eq 9", "B"),
    ("properties/inner[0]/x eq 5", "C"),
    ("properties/inner[0]/x eq 'é'", "B"),
    ("toupper(properties/inner[0]/x) eq 'É'", "B"),
    ("9 in properties/list", "B"),
    ("'8' in properties/list", "C"),
    ("properties/field in (2,3)", "B C"),
    ("substring(properties/word,1) eq 'wo'", "C"),
    ("properties/word eq properties/field", "D"),
    ("properties/price mul 2 eq 3", "C"),
    ("properties/building_id eq 'b1'", "B"),
    ("properties/kind eq 'weather'", "D"),
    ("properties/missing/deeper eq 1", ""),
    # relations
    ("Locations/name eq 'place B'", "B"),
    ("Datastreams/name eq 's0' and Datastreams/name eq 's1'", ""),
    ("Datastreams/any(d:d/name eq 's0') and Datastreams/any(d:d/name eq 's1')", "A"),
    ("Datastreams/any()", "A B C"),
    ("Datastreams/all(d:d/Sensor/name eq 'sensor 0')", "B D"),
    ("Datastreams/id eq null", "D"),
    ("HistoricalLocations/Locations/properties/field eq properties/field", "B C D"),
    ("HistoricalLocations/any(h:h/Locations/any(l:l/name eq 'place C'))", "C"),
    ("Datastreams/Observations/result eq 7", "B"),
    ("Locations/any(l:l/properties/field eq properties/field)", "B C D"),
    ("st_within(Locations/location, geography'POLYGON((7 52.5, 9 52.5, 9 55, 7 55, 7 52.5))')", "B C"),
]
RESULTS = [
    ("result eq 1", "1"),
    ("result gt 2", "2.5 7 10"),
    ("result lt 0", "-3"),
    ("result eq '10'", "'10' 10"),
    ("result gt '3'", "'text' True 7 [1, 2] {'a': [1, {'b': 'deep'}]}"),
    ("result eq null", "None"),
    ("result eq true", "True"),
    ("result", "True"),
    ("result/a[1]/b eq 'deep'", "{'a': [1, {'b': 'deep'}]}"),
    ("result[1] eq 2", "[1, 2]"),
    ("1 add result mul 2 sub -1 eq 4", "1"),
    ("6 div 2 sub result eq 2", "1"),
    ("1 add 2.0 mod (result add 1) eq 1", "1 -3"),  # 2 mod 2 = 0; 2 mod -2 = 0
    ("14 div (result add 1) mod 3 mul 3 eq 3", "1 2.5"),
    ("result mod 2 eq 0.5", "2.5"),
    ("result mod 2 eq -1", "-3"),
    ("round(result) eq 3", "2.5"),
    ("round(result) eq -3", "-3"),
    ("floor(result) eq 2", "2.5"),
    ("ceiling(result) eq 3", "2.5"),
    ("-result eq 3", "-3"),
    ("result div 0 eq 1", ""),
    ("resultQuality eq 1", "2.5"),
    ("resultQuality eq 'quality 2'", "-3"),
    ("parameters/nr eq 9", "10"),
    ("Datastream/Thing/name eq 'B'", "7"),
    ("Datastream/Thing/Locations/name eq 'place B'", "7"),
    ("FeatureOfInterest/name eq 'place B'", "7"),
    ("geo.distance(FeatureOfInterest/feature, geography'POINT(8 53.5)') lt 1", "7"),
    ("phenomenonTime lt 2015-03-02", "1"),
]
PLACES = [
    ("geo.distance(location, geography'POINT(8 54.1)') lt 1", "C"),
    ("geo.distance(location, geography'POINT(8 54.1)') gt 1", "A B D line short"),
    ("geo.length(location) eq 1", "short"),
    ("geo.length(geography'LINESTRING(0 0,3 4)') eq 5 and st_within(geography'POINT(1 1)', location)", ""),
    ("st_touches(geography'POINT(1 1)', geography'POINT(1 1)') or name eq 'line'", "line"),
    ("geo.length(location) gt 1", "line"),
    ("geo.length(location) le 4", "A B C D line short"),
    ("geo.intersects(location, geography'LINESTRING(7.5 51, 7.5 54)')", "D line"),
    (f"st_contains({BOX}, location)", "B"),
    (f"st_disjoint({BOX}, location)", "A C short"),
    (f"st_intersects({BOX}, location)", "B D line"),
    (f"not st_intersects({BOX}, location)", "A C short"),
    (f"st_overlaps({BOX}, location)", "D"),
    ("st_crosses(geography'LINESTRING(7.5 51.5, 7.5 53.5)', location)", "D line"),
    ("st_equals(location, geography'POINT(8 53)')", "B"),
    ("st_touches(geography'POLYGON((8 53, 7.5 54.5, 8.5 54.5, 8 53))', location)", "B D"),
    ("st_within(geography'POINT(7.5 52.75)', location)", "D"),
    (f"st_relate({BOX}, location, 'T********')", "B D line"),
    ("st_equals(location, geography'SRID=4326;POINT(8 53)')", "B"),
    ("st_equals(location, geometry'POINT(8 53)') and Things/name eq 'B'", "B"),
]
STREAMS = [
    ("unitOfMeasurement/symbol eq 'Cel' and unitOfMeasurement/name eq 'degree Celsius'", "s0 s1 s2 s3"),
    ("ObservedProperty/definition eq 'http://example.org/op 1'", "s1"),
    (f"st_within(observedArea, {BOX})", "s2"),
    ("geo.intersects(observedArea, geography'POINT(8 51)')", "s0"),
    ("Thing/Datastreams/ObservedProperty/name eq 'op 1'", "s0 s1"),
]


def _check(client: httpx.Client, path: str, cases: list[tuple[str, str]]) -> None:
    wrong = {}
    for filter_, expected in cases:
        got = letters(client, path, filter_)
        if got != expected:
            wrong[filter_] = f"{got!r} instead of {expected!r}"
    assert not wrong


def test_things(client: httpx.Client) -> None:
    _check(client, "/Things", THINGS)


def test_locations(client: httpx.Client) -> None:
    _check(client, "/Locations", PLACES)


def test_datastreams(client: httpx.Client) -> None:
    _check(client, "/Datastreams", STREAMS)


def test_results(client: httpx.Client) -> None:
    wrong = {}
    for filter_, expected in RESULTS:
        got = {repr(e["result"]) for e in ask(client, "/Observations", filter=filter_)}
        if got != set(_split(expected)):
            wrong[filter_] = f"{got} instead of {expected!r}"
    assert not wrong


def _split(text: str) -> list[str]:
    for whole in ("[1, 2]", "{'a': [1, {'b': 'deep'}]}"):
        if whole in text:
            return [whole, *_split(text.replace(whole, ""))]
    return text.split()


@pytest.mark.parametrize(
    ("path", "filter_", "says"),
    [
        ("/Things", "name eq", "position 8"),
        ("/Things", "name = 'A'", "position 6"),
        ("/Things", "nam eq 'A'", "a Thing has no 'nam'"),
        ("/Things", "name eq 5", "cannot be compared"),
        ("/Things", "name", "a condition is expected"),
        ("/Things", "Datastreams eq 5", "is an entity"),
        ("/Things", "foo(name)", "no function foo"),
        ("/Things", "length(name,name) eq 1", "takes 1 arguments"),
        ("/Things", "length(5) eq 1", "needs a text"),
        ("/Things", "(name eq 'A'", "')' is expected"),
        ("/Things", "name eq 'A", "position 9"),
        ("/Things", "(" * 100 + "true" + ")" * 100, "too deeply"),
        ("/Things", "Datastreams/any(d:d/nam eq 'x')", "no 'nam'"),
        ("/Things", "name/any(d:d/nam eq 'x')", "not a set"),
        ("/Locations", "st_within(location, geography'POINT(8')", "no well-known text"),
        ("/Locations", "geo.distance(location, location) lt 1", "one geometry property at the most"),
        ("/Locations", "location eq 5", "cannot be compared"),
        ("/Locations", "st_relate(location, geography'POINT(8 53)', 'T')", "nine of"),
        ("/Observations", "result mul 1e308 mul 1e308 gt 1", ""),
        ("/Observations", "phenomenonTime add duration'P3000000D' gt now()", ""),
    ],
)
def test_refused(client: httpx.Client, path: str, filter_: str, says: str) -> None:
    answer = client.get(path, params={"$filter": filter_})
    if not says:
        assert answer.status_code in (200, 400)
        return
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["message"]


def test_sorted(client: httpx.Client) -> None:
    def order(path: str, by: str, show: str = "name") -> list[object]:
        return [entity[show] for entity in ask(client, path, orderby=by)]

    assert order("/Things", "name desc") == ["D", "C", "B", "A"]
    assert order("/Things", "properties/field,name") == ["A", "D", "B", "C"]  # null, text, numbers
    assert order("/Datastreams", "Thing/name desc,name desc") == ["s3", "s2", "s1", "s0"]
    assert order("/Datastreams", "length(name),ObservedProperty/name desc,id") == ["s3", "s1", "s0", "s2"]
    assert order("/Datastreams", "phenomenonTime desc") == ["s2", "s0", "s1", "s3"]
    numbers = [r for r in order("/Observations", "result", "result") if isinstance(r, float | int)]
    assert [n for n in numbers if n is not True] == [-3, 1, 2.5, 7, 10]
    assert order("/Locations", "location desc,name")[:2] == ["place D", "place C"]  # as text
    for by in ("Datastreams/name", "geography'POINT(1 2)'", "name sideways", "name,,id"):
        assert client.get("/Things", params={"$orderby": by}).status_code == 400


def test_pages_hold_every_entity_once(client: httpx.Client) -> None:
    for path, by in (
        ("/Observations", "result desc"),
        ("/Observations", "resultTime,phenomenonTime desc"),
        ("/Things", "properties/word"),
        ("/Things", "name desc"),
        ("/Locations", "id"),
    ):
        whole = [entity["@iot.id"] for entity in ask(client, path, orderby=by)]
        parts, link = [], f"{path}?$top=2&$orderby={by}"
        while link:
            answer = client.get(link).json()
            parts += [entity["@iot.id"] for entity in answer["value"]]
            link = answer.get("@iot.nextLink", "")
        assert parts == whole
