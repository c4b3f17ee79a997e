"""One module decides what is public: every table, column, collection, layer and route is on its lists, and
no difference of two public answers is of fewer than five dwellings or meters."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Mapping
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

from sensors.store import Store
from tests.viewer.districts import SECRET_CENTRE, SECRET_NAMES, SECRET_OWNER, small
from tests.viewer.participation import BOUNDS, topics
from tests.viewer.test_ogc import stocked
from tests.viewer.test_server import TOKEN, running, serving
from twin import schema
from viewer import colours, layers, privacy, publish, server
from viewer.accounts import rights
from viewer.accounts.rights import NEEDS, Right
from viewer.api import catalogue, files
from viewer.api.ogc import crs, query, routes
from viewer.api.ogc.collections import Collection
from viewer.api.ogc.service import service, things
from viewer.api.sensorthings import visible
from viewer.feeds import Feeds
from viewer.layers import Layer, View
from viewer.layers.base import continuous, per_building
from viewer.participation.service import Participation
from viewer.participation.store import Comments
from viewer.privacy import Released
from viewer.state import Twin

NOTHING = "nothing of the district"
# Addresses that everybody reaches, with their parameters, and what decides there: in viewer.privacy, or in
# the module that it names. A new address needs a line, and somebody who thought of what it tells.
ADDRESSES = {
    "/": "the files of SITE_FILES",
    "/healthz": NOTHING,
    "/readyz": NOTHING,
    "/login": NOTHING,
    "/login/link": NOTHING,
    "/login/openid": NOTHING,
    "/login/openid/done": NOTHING,
    "/logout": NOTHING,
    "/static": "Bokeh's own scripts",
    "/static/extensions/panel": "Panel's own scripts",
    "/api/sensorthings/v1.1": "visible.condition, with privacy.PUBLIC_KINDS and privacy.PUBLIC_UNITS",
    "/api/sensorthings/v1.1/{path:path}": "visible.condition, as above",
    "/api/uplinks/{feed}": "by token, only takes",
    "/api/participation": "shown comments, and counts of votes",
    "/api/participation/proposals": "shown comments, and counts of votes",
    "/api/participation/proposals/{proposal}/comments": "shown comments, without e-mail addresses",
    "/api/participation/votes": "only takes",
    "/api/participation/status": "one's own comment, by its code",
    "/api/participation/deletions": "one's own comment, by its code",
    "/api/participation/{path:path}": "that there is no such address",
    "/api/ogc": NOTHING,
    "/api/ogc/": NOTHING,
    "/api/ogc/conformance": NOTHING,
    "/api/ogc/api": "names of the columns of privacy.Released",
    "/api/ogc/collections": "privacy.Released",
    "/api/ogc/collections/{name}": "privacy.Released",
    "/api/ogc/collections/{name}/queryables": "privacy.Released",
    "/api/ogc/collections/{name}/items": "privacy.Released",
    "/api/ogc/collections/{name}/items/{feature:path}": "privacy.Released",
    "/api/ogc/processes": NOTHING,
    "/api/ogc/processes/{name}": NOTHING,
    "/api/ogc/processes/{name}/execution": "only takes, by a right of its own",
    "/api/files/{name:path}": "the files of FILES",
    "/api/openapi.json": "names of the columns of privacy.Released",
    "/api/docs": "names of the columns of privacy.Released",
    "/api/catalogue": "names and extents of privacy.Released",
    "/api/catalogue.{suffix}": "the same, as each of catalogue.SUFFIXES",
}
FILES = {
    "district.city.json": "privacy.public_part and privacy.released",
    "district.city.jsonl": "privacy.public_part and privacy.released",
    "district.gpkg": "privacy.public_part and privacy.released",
    "district.glb": "privacy.public_part and privacy.released",
    "buildings.parquet": "privacy.public_part and privacy.released",
    "3dtiles/tileset.json": "privacy.public_part and privacy.released",
}
# Files of a published site, without hashes and without the scripts and styles that are the same for all.
SITE_FILES = {
    "index.html": "privacy.sums, by quarter",
    "en/index.html": "privacy.sums, by quarter",
    "de-leicht/index.html": "privacy.sums, by quarter",
    "lobeda-site.json": "privacy.groups: who is in which",
    "sw.js": NOTHING,
    "data/de-*.json": NOTHING,
    "data/de-leicht-*.json": NOTHING,
    "data/en-*.json": NOTHING,
    "data/district-*.json": "publish.ATTRIBUTES, of privacy.COLUMNS, and privacy.sums",
    "data/groups-*.csv": "privacy.sums",
    "scene/scene-*.json": "the extent, and which files",
    "scene/buildings-*.glb": "shapes alone, which are official open data",
    "scene/terrain-*.bin": "the ground",
    "scene/trees-*.bin": "shapes of trees",
    "scene/map-*.jpg": "the orthophoto, which is open",
    "scene/masks-*.png": "the ground's kinds",
    "scene/view-*.js": NOTHING,
    "scene/scene.js.LEGAL.txt": NOTHING,
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


@pytest.fixture(scope="module")
def everything(
    twin: Twin, bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FastAPI, Path]]:
    """A server with all that it can have, and a site that it publishes."""
    folder = tmp_path_factory.mktemp("everything")
    url = f"sqlite:///{folder / 'all.sqlite'}"
    taken = Participation(Comments.open(url), topics(), bounds=BOUNDS)
    app = server.create_app(
        twin.district, token=TOKEN, shown=twin, feeds=Feeds(Store.open(url), {}, watch=False),
        participation=taken,
    )  # fmt: skip
    with serving(app):  # what it opened is closed when it ends
        yield app, publish.publish(twin.district, folder / "site", results=twin)


def open_addresses(app: FastAPI) -> set[str]:
    """The addresses at which somebody without an account gets an answer, with their parameters."""
    return {one for one in rights.addresses(app.routes) if rights.need_of(one).right is Right.LOOK}


def test_every_public_address_says_what_decides_there(everything: tuple[FastAPI, Path]) -> None:
    app, _ = everything
    assert open_addresses(app) == set(ADDRESSES)
    assert set(FILES) == {*files.NAMES, files.TILESET}
    assert set(catalogue.SUFFIXES) == {"ttl", "jsonld", "rdf", "xml"}
    declared = {need.path for need in NEEDS if need.right is Right.LOOK}
    assert {rights.need_of(one).path for one in ADDRESSES} == declared  # no line of NEEDS is dead


@pytest.mark.parametrize(
    "address",
    [
        "/api/files/raw/{x}",
        "/api/ogc/secret",
        "/api/participation/emails",
        "/api/catalogue.owners",
        "/static/x",
    ],
)
def test_a_new_address_below_a_public_one_is_seen(everything: tuple[FastAPI, Path], address: str) -> None:
    app, _ = everything
    app.add_api_route(address, lambda: None)
    try:
        assert open_addresses(app) - set(ADDRESSES) == {address}
    finally:
        app.router.routes.pop()


def test_every_file_of_a_site_says_what_decides_there(everything: tuple[FastAPI, Path]) -> None:
    _, site = everything
    names = {one.relative_to(site).as_posix() for one in site.rglob("*") if one.is_file()}
    kinds = {
        re.sub(r"-[0-9a-f]{8,}(?=[./])", "-*", name.removesuffix(".gz").removesuffix(".br")) for name in names
    }
    shared = {f"app-*/{name}" for name in publish._SHARED}
    assert kinds - shared - {"scene/scene.js.LEGAL.txt"} == set(SITE_FILES) - {"scene/scene.js.LEGAL.txt"}


def test_what_is_said_to_decide_exists() -> None:
    said = " ".join((*ADDRESSES.values(), *FILES.values(), *SITE_FILES.values()))
    named = re.findall(r"\b(privacy|publish|visible|catalogue)\.(\w+)", said)
    modules = {"privacy": privacy, "publish": publish, "visible": visible, "catalogue": catalogue}
    assert {module for module, _ in named} == set(modules)
    assert all(hasattr(modules[module], name) for module, name in named)


def test_the_pages_attributes_are_public_columns() -> None:
    shown = {a.column for a in publish.ATTRIBUTES} | {a.source for a in publish.ATTRIBUTES if a.source}
    assert len(publish.ATTRIBUTES) >= 7 and shown <= set(privacy.COLUMNS["buildings"])


def limits_by_group(twin: Twin, spec: Callable[[View], Layer], patch: pytest.MonkeyPatch) -> bool:
    """Whether a layer's limits follow from values that are one for all of a group, and none elsewhere."""
    asked: list[pd.Series] = []

    def heard(limits: Callable[..., Any]) -> Callable[..., Any]:
        def told(values: Any, *more: Any, **named: Any) -> Any:
            asked.append(pd.Series(np.asarray(values, float)))
            return limits(values, *more, **named)

        return told

    with patch.context() as inside:
        for name in ("limits", "log_limits"):
            inside.setattr(colours, name, heard(getattr(colours, name)))
        layer = spec(twin.view(twin.annual, "de", public=True))
    (values,) = asked
    assert list(layer.ticks) == list(colours.ticks(layer.value_min, layer.value_max))
    drawn = layer.values[np.isfinite(layer.values)]
    assert layer.over == bool((drawn > layer.value_max * (1 + 1e-6)).any())
    if len(values) != len(twin.group):
        return bool(values.isin([0.0, 80.0]).all())  # fixed ends
    group = twin.group.to_numpy()
    spread = values.groupby(group).agg(lambda one: one.max() - one.min())
    return bool((spread.fillna(0) == 0).all() and values[group == privacy.HIDDEN].isna().all())


def test_limits_of_public_layers_are_of_groups(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the legend would tell of the house with the largest figure."""

    def ungrouped(view: View) -> Layer:
        need = view.results["heating_need_kwh"]
        return continuous(view, "heating_need", per_building(view, need), limits_of=need, scale="heat")

    assert not limits_by_group(twin, ungrouped, monkeypatch)
    public = [layers.LAYERS[name] for name in layers.of(twin.district, public=True)]
    energy = [spec for spec in public if spec(twin.view(twin.annual, "de", public=True)).energy]
    assert len(energy) >= 5
    for spec in energy:
        assert limits_by_group(twin, spec, monkeypatch), spec


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
