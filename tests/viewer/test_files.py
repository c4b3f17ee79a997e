"""The public files: public facts of buildings, modelled values of whole groups, the same for all members."""

from __future__ import annotations

import io
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from tests.conftest import skip_or_fail
from tests.viewer.districts import SECRET_CENTRE, SECRET_OWNER
from tests.viewer.test_server import serving
from twin.sources.base import Provenance
from viewer import privacy
from viewer.api import files
from viewer.api.ogc.service import groups
from viewer.state import Twin

PUBLIC = {"group_id", *(f"group_{name}" for name in privacy.GROUP_COLUMNS), *privacy.COLUMNS["buildings"]}


@contextmanager
def offering(twin: Twin) -> Iterator[httpx.Client]:
    """A server that has written no file yet."""
    offered = files.Files(twin.district, groups(twin), twin.group)
    app = FastAPI(openapi_url=None)
    app.include_router(files.router(offered))
    with serving(app) as root, httpx.Client(base_url=root + files.PREFIX, timeout=60) as found:
        yield found
    offered.close()


@pytest.fixture(scope="module")
def client(twin: Twin) -> Iterator[httpx.Client]:
    with offering(twin) as found:
        yield found


def test_every_file_is_public_and_says_its_licence(client: httpx.Client) -> None:
    tileset = client.get(f"/{files.TILESET}").json()
    tiles = [f"3dtiles/{tileset['root']['content']['uri']}"]
    for name in (*files.NAMES, *tiles):
        answer = client.get(f"/{name}")
        assert answer.status_code == 200 and "license" in answer.headers["link"]
        for secret in (SECRET_OWNER, SECRET_CENTRE, "Familie Beispiel", "district_heating"):
            assert secret.encode() not in answer.content, (name, secret)
        again = client.get(f"/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


def test_files_are_digested_and_packed_once(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(packing: str) -> httpx.Response:
        return client.get("/district.glb", headers={"Accept-Encoding": packing})

    first = {packing: ask(packing) for packing in ("br", "gzip", "identity")}
    assert [answer.headers.get("content-encoding") for answer in first.values()] == ["br", "gzip", None]
    assert len({answer.headers["etag"] for answer in first.values()}) == 1
    for name in ("packed", "hashlib.file_digest"):
        monkeypatch.setattr(f"viewer.api.{'answers' if name == 'packed' else 'files'}.{name}", None)
    for packing, answer in first.items():
        assert ask(packing).content == answer.content == first["identity"].content


def test_values_are_of_groups_alone(client: httpx.Client, twin: Twin) -> None:
    table = gpd.read_parquet(io.BytesIO(client.get("/buildings.parquet").content))
    assert set(table.columns) - {"geometry"} <= PUBLIC
    shown = table[table["group_id"].notna()]
    assert (shown.groupby("group_id")["group_heating_need_kwh"].nunique() == 1).all()
    assert shown["group_id"].to_dict() == twin.group[twin.group != privacy.HIDDEN].to_dict()
    sums = twin.annual["heating_need_kwh"].groupby(twin.group).sum()
    first = shown.groupby("group_id")["group_heating_need_kwh"].first()
    assert np.allclose(first, sums.reindex(first.index), atol=0.5)
    told = client.get("/district.city.json").json()["CityObjects"]["west-0"]["attributes"]
    assert set(told) <= PUBLIC | {"measuredHeight", "storeysAboveGround", "yearOfConstruction"}
    assert told["group_heating_need_kwh"] == pytest.approx(first[told["group_id"]], rel=1e-5)


OTHERS = ("x.csv", "3dtiles/../district.gpkg", "3dtiles/%2e%2e/%2e%2e/etc/passwd", "3dtiles/x", "")


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is_there(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/{name}")
    assert answer.status_code == 404 or (name.endswith(".gpkg") and answer.status_code == 200)
    assert b"root:" not in answer.content
    assert client.get("/district.glb?x=1").status_code == 400


def test_a_district_of_footprints_has_tables_alone(twin: Twin, tmp_path: Path) -> None:
    flat = twin.district.replace(surfaces=twin.district.surfaces.iloc[:0])
    offered = files.Files(flat, groups(twin), twin.group)
    assert offered.path("district.glb") is None and offered.path(files.TILESET) is None
    assert offered.path("buildings.parquet") is not None
    offered.close()


@pytest.fixture
def fresh(twin: Twin) -> Iterator[httpx.Client]:
    with offering(twin) as found:
        yield found


@pytest.mark.parametrize("name", ["district.city.json", "district.gpkg", "buildings.parquet", files.TILESET])
def test_what_a_full_disk_broke_off_is_never_served(
    fresh: httpx.Client, client: httpx.Client, name: str
) -> None:
    """The system's limit of a file's size stands for the disk: a write ends within."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, most))
    try:
        refused = fresh.get(f"/{name}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
    assert refused.headers["cache-control"] == "no-store" and refused.json()["code"] == "NotAvailable"
    again = fresh.get(f"/{name}")
    assert again.status_code == 200
    if not name.endswith(".gpkg"):  # which holds when it was written
        assert again.content == client.get(f"/{name}").content


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-7", -7, None), ("bytes=5-5", 5, 6),
     ("bytes=10-999999999999", 10, None)],
)  # fmt: skip
def test_parts_of_files(client: httpx.Client, wanted: str, start: int, stop: int | None) -> None:
    """RFC 9110, 14: what a part is, how it is named, and that the length counts the part."""
    whole = client.get("/district.gpkg").content
    part = client.get("/district.gpkg", headers={"Range": wanted, "Accept-Encoding": "br, gzip"})
    assert part.status_code == 206 and part.content == whole[start:stop]
    assert "content-encoding" not in part.headers and "license" in part.headers["link"]
    first = start % len(whole)
    told = f"bytes {first}-{first + len(part.content) - 1}/{len(whole)}"
    assert part.headers["content-range"] == told and part.headers["content-length"] == str(len(part.content))


def test_parts_that_are_not_there_or_not_asked_for(client: httpx.Client) -> None:
    whole = client.get("/district.gpkg")
    assert whole.status_code == 200 and whole.headers["accept-ranges"] == "bytes"
    beyond = client.get("/district.gpkg", headers={"Range": f"bytes={len(whole.content)}-"})
    assert beyond.status_code == 416 and beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    for wanted in ("bytes=9-3", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b", "bytes=-", "bytes=\u0661-"):
        answer = client.get("/district.gpkg", headers={"Range": wanted.encode()})
        assert (answer.status_code, answer.content) == (200, whole.content), wanted
    changed = client.get("/district.gpkg", headers={"Range": "bytes=0-9", "If-Range": whole.headers["etag"]})
    assert changed.status_code == 200 and changed.content == whole.content  # weak tags hold for no part
    head = client.head("/district.gpkg", headers={"Range": "bytes=0-9", "Accept-Encoding": "identity"})
    assert head.status_code == 200 and head.headers["content-length"] == str(len(whole.content))
    known = {"Range": "bytes=0-9", "If-None-Match": whole.headers["etag"]}
    assert client.get("/district.gpkg", headers=known).status_code == 304


def test_gdal_reads_the_geopackage_over_http(client: httpx.Client, twin: Twin) -> None:
    if shutil.which("ogrinfo") is None:
        skip_or_fail("GDAL's programs are not installed (Debian: gdal-bin)")
    address = f"/vsicurl/{client.base_url}district.gpkg"
    run = subprocess.run(
        ["ogrinfo", "-ro", "-so", address, "trees"], capture_output=True, text=True, timeout=60,
        env={**os.environ, "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"},
    )  # fmt: skip
    assert run.returncode == 0 and "ERROR" not in run.stderr, run.stderr
    assert f"Feature Count: {len(twin.district.trees)}" in run.stdout


def test_a_file_names_the_sources_of_all_that_is_in_it(twin: Twin, tmp_path: Path) -> None:
    """Trees under the ODbL are in the GeoPackage alone, and a source that is not for publication in none."""
    records = [
        Provenance("trees", "OpenStreetMap", "osm.org", "ODbL-1.0", "© OpenStreetMap contributors"),
        Provenance("buildings", "Geheime Liste", "intern", "not for publication", "Geheim"),
    ]
    district = replace(twin.district, provenance=(*twin.district.provenance, *records))
    offered = files.Files(district, groups(twin), twin.group)
    for name in offered.names:
        named = {one.attribution for one in offered.provenance(name)}
        trees = {"© OpenStreetMap contributors"} if name.endswith(".gpkg") else set()
        assert named == {"© Testamt"} | trees, name
    place, packed = offered.path("buildings.parquet"), offered.path("district.gpkg")
    assert place is not None and packed is not None
    assert pq.read_schema(place).metadata[b"credit"].decode() == "© Testamt (CC0-1.0)"
    assert gpd.read_parquet(place).crs.to_epsg() == 25832
    with sqlite3.connect(packed) as database:
        said = dict(database.execute("SELECT table_name, description FROM gpkg_contents"))
        told = [row for (row,) in database.execute("SELECT metadata FROM gpkg_metadata")]
    assert said["trees"] == "© OpenStreetMap contributors (ODbL-1.0)"
    assert said["buildings"] == said["surfaces"] == "© Testamt (CC0-1.0)"
    assert any("© Testamt (CC0-1.0) · © OpenStreetMap contributors (ODbL-1.0)" in row for row in told)
    offered.close()
