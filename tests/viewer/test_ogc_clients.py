"""Programs of others read the service: GDAL's OAPIF driver and OWSLib."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from owslib.ogcapi.features import Features

from tests.conftest import REPOSITORY, skip_or_fail
from tests.viewer.test_server import serving
from viewer.api.ogc import routes
from viewer.api.ogc.service import service
from viewer.state import Twin


@pytest.fixture(scope="module")
def root(twin: Twin) -> Iterator[str]:
    app = FastAPI(openapi_url=None)
    app.include_router(routes.router(service(twin, None)))
    with serving(app) as address:
        yield address


@pytest.fixture(scope="module")
def address(root: str) -> str:
    return root + routes.PREFIX


def ogr(*arguments: str) -> dict[str, Any]:
    """What ogr2ogr reads, as GeoJSON."""
    if shutil.which("ogr2ogr") is None:
        skip_or_fail("GDAL's programs are not installed (Debian: gdal-bin)")
    run = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", *arguments], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0 and "ERROR" not in run.stderr, run.stderr
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def test_gdal_reads_every_collection_over_all_pages(address: str, twin: Twin) -> None:
    groups = len(set(twin.group) - {""})
    counts = {"buildings": 20, "blocks": len(twin.district.blocks), "trees": 2, "modelled_values": groups}
    for name, count in counts.items():
        read = ogr(f"OAPIF:{address}", name, "-oo", "PAGE_SIZE=7")
        assert len(read["features"]) == count, name


def test_gdal_filters_on_the_server_and_keeps_east_first(address: str, twin: Twin) -> None:
    east, north = (twin.district.buildings.loc["west-0"].geometry.centroid.coords[0][axis] for axis in (0, 1))
    box = [str(value) for value in (east - 1, north - 1, east + 1, north + 1)]
    read = ogr(f"OAPIF:{address}", "buildings", "-spat", *box, "-spat_srs", "EPSG:25832")
    assert [feature["properties"]["id"] for feature in read["features"]] == ["west-0"]
    longitude, latitude = read["features"][0]["geometry"]["coordinates"][0][0][:2]
    assert 11 < longitude < 12 and 50 < latitude < 51
    read = ogr(f"OAPIF:{address}", "buildings", "-where", "house_number = '3' AND street = 'Dorfstraße'")
    assert [feature["properties"]["id"] for feature in read["features"]] == ["house-02"]
    where = "dwellings > 1 AND street <> 'Erlanger Allee' OR house_number LIKE '1_'"
    read = ogr(f"OAPIF:{address}", "buildings", "-where", where)
    blocks, houses = [f"west-{n}" for n in range(3)], [f"house-{n:02}" for n in (9, 10, 11)]
    assert [feature["properties"]["id"] for feature in read["features"]] == [*blocks, *houses]


def test_owslib_walks_the_service(address: str) -> None:
    features = Features(f"{address}/")
    assert features.feature_collections() == ["buildings", "blocks", "trees", "modelled_values"]
    assert any(uri.endswith("/conf/crs") for uri in features.conformance()["conformsTo"])
    assert features.api()["openapi"].startswith("3.0")
    assert "street" in features.collection_queryables("buildings")["properties"]
    page = features.collection_items("buildings", limit=3, offset=2, street="Dorfstraße")
    assert (page["numberMatched"], page["numberReturned"]) == (12, 3)
    assert features.collection_item("trees", "t1")["properties"]["species"] == "Tilia cordata"


def test_owslib_asks_with_filters_in_text_and_json(address: str) -> None:
    features = Features(f"{address}/")
    assert any(uri.endswith("/conf/features-filter") for uri in features.conformance()["conformsTo"])
    text = "street = 'Dorfstraße' AND NOT house_number IN ('3', '4')"
    page = features.collection_items("buildings", limit=3, filter=text)
    assert (page["numberMatched"], page["numberReturned"]) == (10, 3)
    x, y = features.collection_item("trees", "t1")["geometry"]["coordinates"]
    tree = {"op": "s_equals", "args": [{"property": "geometry"}, {"type": "Point", "coordinates": [x, y]}]}
    page = features.collection_items("trees", **{"filter": json.dumps(tree), "filter-lang": "cql2-json"})
    assert [one["id"] for one in page["features"]] == ["t1"]


def test_the_page_about_open_data_runs_as_printed(root: str) -> None:
    text = (REPOSITORY / "docs" / "open-data.md").read_text("utf-8").replace("http://localhost:5006", root)
    names: dict[str, Any] = {}
    exec(text.split("```python\n")[1].split("```")[0], names)
    assert [one["id"] for one in names["schools"]["features"]] == ["school-1"]
    assert {one["properties"]["street"] for one in names["towers"]["features"]} == {"Erlanger Allee"}
    lines = text.split("```sh\n")[1].split("```")[0].splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("curl")]
    answers = []
    for words in commands:
        (where,) = (word for word in words if word.startswith("http"))
        put = dict(word.split("=", 1) for word in words if word.startswith("filter="))
        answers.append(httpx.get(where, params=put or None))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [one["id"] for one in answers[1].json()["features"]] == ["t1"]
