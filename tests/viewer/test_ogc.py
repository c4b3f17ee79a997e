"""OGC API – Features as 17-069r4 and 18-058r1 want it, over HTTP on the small district with sensors."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import numpy as np
import pyproj
import pytest
import shapely
from fastapi import FastAPI

from sensors.store import Store
from sensors.things import ThingSpec
from tests.viewer.test_server import serving
from viewer.api.ogc import query, routes
from viewer.api.ogc.service import service
from viewer.state import Twin

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
BELOW_TREES = tuple(f"/collections/trees/{path}" for path in ("items/t1", "queryables", "items?limit=1"))
PLACE = {"type": "Point", "coordinates": [11.6, 50.88]}


def stocked(file: Path) -> Store:
    """A store with a public weather station, a private one, and a meter that says it is public."""
    store = Store.open(f"sqlite:///{file}")
    weather = ThingSpec("t", "w", "thing w", "weather", location=PLACE, public=True)
    store.ensure(weather)
    store.ensure(replace(weather, key="hidden", public=False))
    store.ensure(replace(weather, key="m", kind="heat_meter"))
    return store


@pytest.fixture(scope="module")
def app(twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with stocked(tmp_path_factory.mktemp("ogc") / "sensors.db") as store:
        app = FastAPI(openapi_url=None)
        app.include_router(routes.router(service(twin, store)))
        yield app


@pytest.fixture(scope="module")
def address(app: FastAPI) -> Iterator[str]:
    with serving(app) as root:
        yield root + routes.PREFIX


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


def test_landing_leads_to_everything(client: httpx.Client) -> None:
    links = client.get("").json()["links"]
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= {link["rel"] for link in links}
    for link in links:
        answer = client.get(link["href"])
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(link["type"]), link
    classes = client.get("/conformance").json()["conformsTo"]
    known = {uri.rpartition("/")[2] for uri in classes if "ogcapi-features-1/" in uri or "features-2/" in uri}
    assert known == {"core", "oas30", "geojson", "html", "crs"}  # part 3: test_ogc_filter


def test_collections_say_what_they_are(client: httpx.Client, twin: Twin) -> None:
    found = {one["id"]: one for one in client.get("/collections").json()["collections"]}
    assert set(found) == {"buildings", "blocks", "trees", "modelled_values", "sensors"}
    buildings = found["buildings"]
    west, south, east, north = buildings["extent"]["spatial"]["bbox"][0]
    assert 11.5 < west < east < 11.7 and 50.8 < south < north < 51.0
    assert buildings["extent"]["temporal"]["interval"] == [["1930-01-01T00:00:00Z", None]]
    assert buildings["storageCrs"] == EPSG + "25832" and CRS84 in buildings["crs"]
    assert buildings["attribution"] == "© Testamt"
    for one in found.values():
        for link in one["links"]:
            if link["rel"] != "license":
                assert client.get(link["href"]).status_code == 200, link
        assert client.get(f"/collections/{one['id']}").json() == one


def test_pages_hold_every_feature_once(client: httpx.Client, twin: Twin) -> None:
    seen: list[str] = []
    path: str | None = "/collections/buildings/items?limit=7"
    while path:
        page = client.get(path).json()
        assert page["numberMatched"] == len(twin.district.buildings)
        assert page["numberReturned"] == len(page["features"]) <= 7
        seen += [feature["id"] for feature in page["features"]]
        path = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert seen == list(twin.district.buildings.index)
    beyond = client.get("/collections/buildings/items?offset=1000").json()
    assert beyond["features"] == [] and beyond["numberReturned"] == 0
    assert len(ids(client.get(f"/collections/buildings/items?limit={query.MAX_LIMIT * 9}"))) == len(seen)


def test_features_are_geojson_with_public_columns(client: httpx.Client, twin: Twin) -> None:
    feature = client.get("/collections/buildings/items/west-0").json()
    row = twin.district.buildings.loc["west-0"]
    assert feature["type"] == "Feature" and feature["id"] == "west-0"
    assert feature["properties"]["dwellings"] == 10 and feature["properties"]["construction_series"] == "P2"
    assert not {"owner", "heating", "cost_centre", "attributes"} & set(feature["properties"])
    to_metres = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:25832", always_xy=True)
    shape = shapely.transform(
        shapely.from_geojson(json.dumps(feature["geometry"])),
        lambda p: np.column_stack(to_metres.transform(*p.T)),
    )
    assert shapely.hausdorff_distance(shape, row.geometry) < 0.02


@pytest.mark.parametrize(("code", "northing_first"), [("4326", True), ("25832", False), ("3857", False)])
def test_axis_order_and_header_follow_the_crs(
    client: httpx.Client, twin: Twin, code: str, northing_first: bool
) -> None:
    """EPSG:4326 has latitude first; 25832 and 3857 have easting first (EPSG's registry)."""
    uri = EPSG + code
    answer = client.get("/collections/trees/items/t1", params={"crs": uri})
    assert answer.headers["content-crs"] == f"<{uri}>"
    point = twin.district.trees.geometry.loc["t1"]
    x, y = pyproj.Transformer.from_crs("EPSG:25832", f"EPSG:{code}", always_xy=True).transform(
        point.x, point.y
    )
    expected = [y, x] if northing_first else [x, y]
    assert answer.json()["geometry"]["coordinates"] == pytest.approx(expected, abs=0.01)
    assert client.get("/collections/trees/items").headers["content-crs"] == f"<{CRS84}>"
    a, b = expected
    reach = 1e-4 if northing_first else 8.0
    box = ",".join(map(str, (a - reach, b - reach, a + reach, b + reach)))
    asked = {"bbox": box, "bbox-crs": uri}
    assert ids(client.get("/collections/trees/items", params=asked)) == ["t1"]


def test_bbox_takes_what_it_touches(client: httpx.Client) -> None:
    west, south, east, north = client.get("/collections/buildings").json()["extent"]["spatial"]["bbox"][0]

    def found(*box: float) -> int:
        asked = {"bbox": ",".join(map(str, box)), "limit": "1"}
        return int(client.get("/collections/buildings/items", params=asked).json()["numberMatched"])

    assert found(west, south, east, north) == found(west, south, -100, east, north, 900) == 20
    assert found(0, 0, 1, 1) == 0
    assert found(170, -80, -170, 80) == 0  # across the date line
    assert found(11, -80, 5, 80) == 20
    half = found(west, south, east, (south + north) / 2)
    assert 0 < half < 20


def test_time_takes_what_had_begun(client: httpx.Client) -> None:
    """Houses of 1930, blocks of 1974 and 1979; school and garage say nothing, so they always match."""

    def found(when: str) -> int:
        return len(ids(client.get("/collections/buildings/items", params={"datetime": when})))

    assert found("1950-06-01T00:00:00Z") == 12 + 2
    assert found("1974-01-01") == 12 + 3 + 2
    assert found("../1900-01-01T00:00:00Z") == 2
    assert found("1979-12-31T23:59:59+01:00/..") == 20


def test_filters_by_property(client: httpx.Client) -> None:
    found = client.get("/collections/buildings/items", params={"street": "Dorfstraße", "house_number": "3"})
    assert ids(found) == ["house-02"]
    assert len(ids(client.get("/collections/buildings/items?dwellings=1.0"))) == 12
    assert ids(client.get("/collections/buildings/items?watertight=false&function=school")) == []
    names = client.get("/collections/buildings/queryables").json()["properties"]
    assert names["measured_height_m"]["x-ogc-unit"] == "m"


@pytest.mark.parametrize(
    "asked",
    [
        "limit=0", "limit=-1", "limit=x", "limit=", "offset=-1", "bbox=1,2,3", "bbox=1,2,3,nan",
        "bbox=a,b,c,d",
        "bbox=1_0,5_0,1_1,5_1", "bbox=\u0661,2,3,4", "bbox=1,2,3,1e999", "bbox= 1,2,3,4", "dwellings=1_0",
        "dwellings=\u0661\u0660", "dwellings=nan", "dwellings=0x1", "datetime=\u0662000-01-01",
        "bbox=0,5,1,4", "bbox=9,0,1,4&bbox-crs=" + EPSG + "25832", "bbox-crs=EPSG:25832",
        "crs=" + EPSG + "31468",
        "datetime=yesterday", "datetime=../..", "datetime=2000-13-01", "datetime=2001-01-01/2000-01-01",
        "datetime=1/2/3", "dwellings=many", "dwellings=inf", "watertight=maybe", "owner=x", "heating=gas",
        "colour=red", "f=xml", "lang=xx", "limit=1&limit=2",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(client: httpx.Client, asked: str) -> None:
    answer = client.get(f"/collections/buildings/items?{asked}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "InvalidParameterValue"
    assert asked.split("=")[0].removeprefix("bbox-") in answer.json()["description"]


def test_what_is_not_there(client: httpx.Client) -> None:
    for path in ("/collections/owners", "/collections/owners/items", "/collections/buildings/items/x/y"):
        answer = client.get(path)
        assert answer.status_code == 404 and answer.json()["code"] == "NotFound"
    assert client.get("/collections", headers={"Accept": "image/png"}).status_code == 406
    assert client.post("/collections").status_code == 405


def test_pages_for_people_in_both_languages(client: httpx.Client) -> None:
    asked = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en-GB"}
    for path in ("", "/conformance", "/api", "/collections", "/collections/trees", *BELOW_TREES):
        page = client.get(path, headers=asked)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert '<html lang="en">' in page.text and "<script" not in page.text
    assert "Next page" in page.text and "Features 1 to 1 of 2" in page.text
    german = client.get("/collections/trees?f=html&lang=de")
    assert "Bäume" in german.text and german.headers["content-language"] == "de"


def test_every_answer_may_be_kept_and_says_its_licence(client: httpx.Client) -> None:
    answer = client.get("/collections/buildings/items", headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "br" and answer.json()["numberMatched"] == 20
    assert "max-age" in answer.headers["cache-control"] and "Accept-Encoding" in answer.headers["vary"]
    licence = "https://creativecommons.org/publicdomain/zero/1.0/"
    assert answer.headers["link"] == f"<{licence}>; rel=\"license\"; title*=UTF-8''%C2%A9%20Testamt"
    packed = client.get("/collections/buildings/items", headers={"Accept-Encoding": "br;q=0, gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.content == answer.content
    for tag in (answer.headers["etag"], f'"other", {answer.headers["etag"]}', "*"):
        again = client.get("/collections/buildings/items", headers={"If-None-Match": tag})
        assert (
            again.status_code == 304 and not again.content and again.headers["etag"] == answer.headers["etag"]
        )
    other = client.get(
        "/collections/buildings/items?limit=1", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert other.status_code == 200
    head = client.head("/collections/buildings/items")
    assert head.status_code == 200 and not head.content and head.headers["etag"] == answer.headers["etag"]


def test_sensors_are_places_of_public_things_alone(client: httpx.Client) -> None:
    answer = client.get("/collections/sensors/items").json()
    assert [feature["properties"]["name"] for feature in answer["features"]] == ["thing w"]
    assert answer["features"][0]["geometry"]["coordinates"] == pytest.approx(PLACE["coordinates"], abs=1e-6)


def test_modelled_values_are_of_whole_groups(client: httpx.Client, twin: Twin) -> None:
    features = client.get("/collections/modelled_values/items").json()["features"]
    total = sum(feature["properties"]["heating_need_kwh"] for feature in features)
    shown = twin.annual["heating_need_kwh"][twin.group != ""].sum()
    assert total == pytest.approx(shown, abs=len(features))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("br, gzip", "br"), ("gzip;q=1, br;q=0.1", "gzip"), ("br;q=0.1, *;q=0.5", "gzip"), ("*", "br"),
     ("gzip;q=0.2, identity;q=0.9", None), ("br;q=inf", None), ("br;q=1_0", None), ("identity", None),
     ("gzip;q=0.001", "gzip"), ("br;q=0, *;q=0", None)],
)  # fmt: skip
def test_packing_follows_the_weights(client: httpx.Client, wanted: str, found: str | None) -> None:
    """RFC 9110, 12.5.3: the highest weight; 12.4.2: what a weight is."""
    answer = client.get("/collections/buildings/items", headers={"Accept-Encoding": wanted})
    assert answer.headers.get("content-encoding") == found and answer.json()["numberMatched"] == 20


def test_numbers_are_read_in_every_usual_way(client: httpx.Client) -> None:
    for number in ("1", "+1", "1.", "1.0", "1e0", "10E-1", "0.1e+1"):
        asked = {"dwellings": number}
        assert len(ids(client.get("/collections/buildings/items", params=asked))) == 12, number


def anchors(page: httpx.Response) -> set[str]:
    """Where the links in a page's body lead."""
    body = page.text.partition("<body>")[2]
    return {html.unescape(href) for href in re.findall(r'<a [^>]*href="([^"]*)"', body)}


def linked(document: Any) -> list[dict[str, str]]:
    """All links anywhere in a document."""
    if isinstance(document, list):
        return [link for one in document for link in linked(one)]
    if not isinstance(document, dict):
        return []
    return [*document.get("links", []), *(link for value in document.values() for link in linked(value)
                                          if value is not document.get("links"))]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    ["", "/collections", "/collections/trees", "/collections/buildings", "/collections/trees/items/t1",
     "/collections/buildings/items?limit=3&offset=3&street=Dorfstra%C3%9Fe"],
)  # fmt: skip
def test_pages_link_to_all_that_the_documents_do(client: httpx.Client, path: str) -> None:
    """OGC 17-069r4, /req/html/content: all links of the answer, as <a> in the page's body."""
    sign = "&" if "?" in path else "?"
    links = linked(client.get(f"{path}{sign}f=json").json())
    found = anchors(client.get(f"{path}{sign}f=html"))
    assert len(links) >= 3
    for link in links:
        turned = link["rel"] in ("next", "prev")  # lead on in the form that one is in
        assert (link["href"].replace("f=json", "f=html") if turned else link["href"]) in found, link


def test_pages_hold_the_geometries_that_the_documents_do(client: httpx.Client) -> None:
    """OGC 17-069r4, /req/html/content: all information of the answer."""
    for path in ("/collections/buildings/items?limit=4", "/collections/buildings/items/west-0"):
        for crs in (CRS84, EPSG + "25832", EPSG + "4326"):
            sign = "&" if "?" in path else "?"
            document = client.get(f"{path}{sign}f=json&crs={crs}").json()
            page = client.get(f"{path}{sign}f=html&crs={crs}")
            shown = [shapely.from_wkt(wkt) for wkt in re.findall(r"<code>(POLYGON[^<]*)</code>", page.text)]
            known = [one["geometry"] for one in document.get("features", [document])]
            assert len(shown) == len(known)
            for shape, geometry in zip(shown, known, strict=True):
                expected = shapely.from_geojson(json.dumps(geometry))
                assert shapely.equals_exact(shape, expected, 1e-6), crs
    for path in ("/collections", "/collections/buildings"):
        page = html.unescape(client.get(f"{path}?f=html").text)
        for fact in ("© Testamt", "1930", EPSG + "25832", CRS84, "CC0 1.0"):
            assert fact in page, (path, fact)


def test_another_language_shows_the_same_page(client: httpx.Client) -> None:
    asked = "limit=3&offset=3&street=Dorfstra%C3%9Fe&f=html"
    page = client.get(f"/collections/buildings/items?{asked}&lang=de")
    (other,) = (href for href in anchors(page) if href.startswith("?"))
    given = parse_qs(other[1:])
    assert given == {"limit": ["3"], "offset": ["3"], "street": ["Dorfstraße"], "f": ["html"], "lang": ["en"]}
    assert "Features 4 to 6 of 12" in client.get(f"/collections/buildings/items{other}").text
