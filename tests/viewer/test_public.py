"""One module decides what is public: every table, column, collection, layer and route is on its lists, and
no difference of two public answers is of fewer than five dwellings or meters."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urljoin

import brotli
import httpx
import numpy as np
import pandas as pd
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.viewer.districts import SECRET_CENTRE, SECRET_NAMES, SECRET_OWNER, small
from tests.viewer.test_ogc import stocked
from tests.viewer.test_server import running, serving
from twin import schema
from viewer import layers, privacy, publish
from viewer.accounts.rights import NEEDS, Right
from viewer.api import files
from viewer.api.ogc import crs, query, routes
from viewer.api.ogc.collections import Collection
from viewer.api.ogc.service import service, things
from viewer.privacy import Released
from viewer.state import Twin

# Routes that everybody reaches, and what decides there.
PUBLIC_ROUTES = {
    "/healthz": "says nothing of the district",
    "/readyz": "says nothing of the district",
    "/login": "says nothing of the district",
    "/logout": "says nothing of the district",
    "/api/sensorthings": "visible.condition, with privacy.PRIVATE_KINDS",
    "/api/uplinks": "by token, only takes",
    "/api/ogc": "privacy.Released",
    "/api/catalogue": "privacy.Released",
    "/static": "Bokeh's own scripts",
    "/api/catalogue.": "privacy.Released",
    "/api/files": "privacy.public_part and privacy.Released",
    "/api/docs": "describes the open interfaces",
    "/api/openapi.json": "describes the open interfaces",
    "/api/participation": "shown comments, and counts of votes",
    "/api/participation/status": "one's own comment, by its code",
    "/api/participation/deletions": "one's own comment, by its code",
    "/": "the published site: privacy.sums and publish.ATTRIBUTES",
}


def test_every_table_and_column_is_decided() -> None:
    for table in schema.TABLES:
        assert (table in privacy.COLUMNS) != (table in privacy.WITHHELD), table
        if table in privacy.COLUMNS:
            index = schema.index_name(table)
            names = {c.column for c in schema.columns(table).values() if not c.is_geometry} - {index}
            withheld = {key.partition(".")[2] for key in privacy.WITHHELD if key.startswith(f"{table}.")}
            assert names == set(privacy.COLUMNS[table]) | withheld, table
            assert not set(privacy.COLUMNS[table]) & withheld, table


def test_nobody_else_makes_a_public_table() -> None:
    with pytest.raises(ValueError, match=r"only viewer\.privacy"):
        Released("buildings", small().buildings, object())


def test_a_column_that_a_source_adds_stays_inside() -> None:
    district = small()
    district = district.replace(buildings=district.buildings.assign(phone_number="03641 4711"))
    assert "phone_number" in district.buildings
    for one in privacy.released(district).values():
        assert "phone_number" not in one.table


def test_every_collection_is_of_a_released_table(twin: Twin, tmp_path: Path) -> None:
    with stocked(tmp_path / "sensors.db") as store:
        found = service(twin, store).found()
        assert {"sensors", "modelled_values", "buildings"} <= set(found)
        for one in found.values():
            assert isinstance(one.released, Released) and one.table is one.released.table
            assert {p.name for p in one.properties} == set(one.table.columns) - {"geometry"}
        kinds = set(things(store)["kind"])
    assert "heat_meter" in kinds and "heat_meter" not in set(found["sensors"].table["kind"])


def test_every_layer_for_all_is_by_group_or_of_public_columns(twin: Twin) -> None:
    group = twin.group.to_numpy()
    for name in layers.of(twin.district, public=True):
        layer = layers.LAYERS[name](twin.view(twin.annual, "de", public=True))
        if layer.energy:
            values = pd.Series(np.asarray(layer.values, float))
            spread = values.groupby(group).agg(lambda one: one.max() - one.min())
            assert (spread.fillna(0) == 0).all(), name
            assert values[group == privacy.HIDDEN].isna().all(), name
        else:
            assert name in {"year", "construction_series", "storeys", "function", "flood", "noise"}, name


def test_every_public_address_says_what_decides_there() -> None:
    """The server does not start with a route that is not in `NEEDS` (test_server)."""
    assert {need.path for need in NEEDS if need.right is Right.LOOK} == set(PUBLIC_ROUTES)


@pytest.fixture(scope="module")
def client(twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with stocked(tmp_path_factory.mktemp("public") / "sensors.db") as store:
        app = FastAPI(openapi_url=None)
        app.include_router(routes.router(service(twin, store)))
        with serving(app) as root, httpx.Client(base_url=root + routes.PREFIX, timeout=30) as found:
            yield found


def test_no_answer_holds_a_secret(client: httpx.Client) -> None:
    for one in client.get("/collections").json()["collections"]:
        for form in ("json", "html"):
            text = client.get(f"/collections/{one['id']}/items?limit=10000&f={form}").text
            for secret in (SECRET_OWNER, SECRET_CENTRE, "Familie Beispiel", "district_heating", "heat_meter"):
                assert secret not in text, (one["id"], secret)


def links(document: object) -> Iterator[str]:
    """All addresses in a JSON document."""
    if isinstance(document, dict):
        if isinstance(href := document.get("href", document.get("uri")), str):
            yield href
        document = list(document.values())
    if isinstance(document, list):
        for one in document:
            yield from links(one)


def test_no_public_byte_names_an_owner(bundle: Path, tmp_path: Path) -> None:
    """Older versions wrote owners into the origin of their list, and districts of theirs are still about."""
    asked = ["/", "/api/ogc", "/api/docs", "/api/openapi.json", "/manage", "/login", "/healthz",
             *(f"/api/catalogue.{suffix}?draft=true" for suffix in ("ttl", "rdf", "jsonld")),
             *(f"/api/files/{name}" for name in (*files.NAMES, files.TILESET))]  # fmt: skip
    site = publish.publish(small(), tmp_path / "site", options=publish.Options(draws=2))
    asked += [
        f"/{file.relative_to(site)}"
        for file in site.rglob("*")
        if file.is_file() and file.suffix not in (".gz", ".br")
    ]
    assert any(SECRET_NAMES in record.attribution for record in small().provenance)
    with running() as web, web.client() as client:
        seen: set[str] = set()
        while asked:
            address = urljoin(f"{web.address}/", asked.pop())
            if address in seen or not address.startswith(web.address):
                continue
            seen.add(address)
            answer = client.get(address)
            told = answer.content + repr(answer.headers.multi_items()).encode()
            told += unquote_to_bytes(str(answer.headers.get("link", "")))
            for name in (*SECRET_NAMES.split(", "), SECRET_OWNER, "Familie"):
                assert name.encode() not in told, (address, name)
            if answer.headers.get("content-type", "").partition(";")[0].endswith("json") and answer.content:
                asked += [urljoin(address, link) for link in links(answer.json()) if "{" not in link]
    for part in ("/collections/buildings/items", "/collections/blocks", ".glb", ".gpkg", ".ttl?draft=true"):
        assert any(part in address for address in seen), part
    for file in site.rglob("*.gz"):
        assert b"Familie" not in gzip.decompress(file.read_bytes()), file
    for file in site.rglob("*.br"):
        assert b"Familie" not in brotli.decompress(file.read_bytes()), file


def test_a_withheld_column_cannot_be_asked(client: httpx.Client) -> None:
    """The refusal of a column that exists is that of one that does not: no filter is an oracle."""
    for name in ("owner", "heating", "refurbishment", "a_use_m2", "u_wall_w_m2k", "nonsense"):
        for value in ("gas", "1"):
            answer = client.get("/collections/buildings/items", params={name: value})
            assert answer.status_code == 400 and "there is no parameter" in answer.json()["description"]


CORNER = st.floats(0, 1)
FILTERS = st.sampled_from([{}, {"quarter": "Drackendorf"}, {"dwellings": "5"}, {"buildings": "1"}])
ASKED = st.tuples(CORNER, CORNER, CORNER, CORNER, FILTERS, st.integers(1, 9))


@pytest.fixture(scope="module")
def found(twin: Twin) -> Mapping[str, Collection]:
    return service(twin, None).found()


@settings(max_examples=60, deadline=None)
@given(asked=st.lists(ASKED, min_size=2, max_size=5))
def test_subtraction_finds_no_fewer_than_five(
    found: Mapping[str, Collection], twin: Twin, asked: list[Any]
) -> None:
    """Sums of any two answers differ by whole groups, each of five dwellings or meters or more.

    Every collection is asked: a figure of energy may appear in modelled_values alone.
    """
    group = found["modelled_values"]
    homes = twin.district.buildings["dwellings"].fillna(0)
    units = homes.where(homes >= 1, 1.0).groupby(twin.group).sum()
    need = twin.annual["heating_need_kwh"].groupby(twin.group).sum()
    for one in found.values():
        energy = {p.name for p in one.properties} & {"heating_need_kwh", "co2_kg", "a_use_m2"}
        assert not energy or one is group
    answers = []
    west, south, east, north = group.table.total_bounds
    for a, b, c, d, equals, limit in asked:
        x = sorted((west + a * (east - west), west + b * (east - west)))
        y = sorted((south + c * (north - south), south + d * (north - south)))
        parameters = {"bbox": f"{x[0]},{y[0]},{x[1]},{y[1]}", "bbox-crs": crs.UTM32.uri, **equals}
        wanted = query.read(parameters, group)
        answers.append(group.table.iloc[query.rows(group, wanted)[:limit]]["heating_need_kwh"])
    for one in answers:
        for other in answers:
            left, right = set(one.index) - set(other.index), set(other.index) - set(one.index)
            assert all(units[name] >= privacy.MINIMUM for name in left | right)
            told = one.sum() - other.sum()
            meant = need[list(left)].sum() - need[list(right)].sum()
            assert told == pytest.approx(meant, abs=1.0 + 0.5 * len(left | right))


def test_groups_of_another_partition_are_refused(twin: Twin) -> None:
    single = pd.DataFrame({"heating_need_kwh": [1.0]}, index=["house-00"])
    with pytest.raises(ValueError, match="partition"):
        privacy.released_groups(twin.district.buildings, twin.group, single)


def test_nothing_else_of_a_group_is_public(found: Mapping[str, Collection]) -> None:
    released = found["modelled_values"].released
    assert set(released.table.columns) - {"geometry"} <= set(privacy.GROUP_COLUMNS)
