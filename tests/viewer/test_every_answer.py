"""Every address of the whole server: described, licensed, kept as long as it may be, packed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import compile_path

from tests.viewer.whole import SCENARIO, Whole, whole
from viewer.accounts import rights
from viewer.accounts.rights import Right
from viewer.state import Twin

SAMPLES = {"id": "1", "proposal": "trees", "name": SCENARIO, "feed": "f", "tile": "0", "jobID": "0" * 16}
PLAIN = {
    "/healthz": "says how the server is, no data",
    "/readyz": "says how the server is, no data",
    "/metrics": "says how the server is, no data",
    "/api/participation": "people's own words: nobody has licensed them, and no cache keeps them",
    "/api/scenarios": "behind the login, as the last one",
    "/api/ogc/jobs": "the same: one's own jobs",
    "/manage/": "behind the login: no cache keeps it, and its reader is the town itself",
}
"""What has no licence, tag or packing by br, and why."""
PRIVATE = ("/manage/", "/api/scenarios", "/api/ogc/jobs")
NOT_DESCRIBED = {
    "/api/ogc/": "the landing page again",
    "/api/catalogue.{suffix}": "described for each suffix",
    "OPTIONS": "asked by browsers alone, before they send a comment from another site",
}
"""Served below /api and not described on purpose, and why."""


@pytest.fixture(scope="module")
def served(bundle: object, twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(twin, tmp_path_factory.mktemp("whole")) as running:
        yield running


@pytest.fixture(scope="module")
def described(served: Whole) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{served.root}/api/openapi.json").json()["paths"]
    return document


def filled(path: str, operation: dict[str, Any]) -> str:
    """A path with values for its parameters that there are."""
    for one in operation.get("parameters", ()):
        if one.get("in") == "path":
            schema = one["schema"]
            known = one.get("example") or SAMPLES.get(one["name"]) or schema["enum"][0]
            path = path.replace(f"{{{one['name']}}}", known)
    return path


def leaves(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every address of the routes with its parameters, and each method that it takes."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from leaves(router.routes, prefix + route.include_context.prefix)
        elif methods := getattr(route, "methods", None):
            yield from ((prefix + route.path, method) for method in methods)


def test_the_description_names_what_is_served_and_nothing_else(
    served: Whole, described: dict[str, Any]
) -> None:
    told = {(filled(p, one), method.upper()) for p, ways in described.items() for method, one in ways.items()}
    routes = [(*found, compile_path(found[0])[0]) for found in leaves(served.app.routes)]
    assert len(routes) > 60
    unserved = {
        (path, method)
        for path, method in told
        if not any(way == method and pattern.fullmatch(path) for _, way, pattern in routes)
    }
    assert unserved == set()
    open_ = ("/api", "/healthz", "/readyz", "/metrics")
    undescribed = {
        (path, method)
        for path, method, pattern in routes
        if path.startswith(open_) and method != "HEAD" and not {path, method} & set(NOT_DESCRIBED)
        and not any(way == method and pattern.fullmatch(known) for known, way in told)
    }  # fmt: skip
    # The sets' address takes all methods, to say which of them it refuses.
    assert {path for path, method in undescribed if method == "GET"} == set()
    assert {path for path, _ in undescribed} <= {"/api/sensorthings/v1.1"}


def test_every_answer_says_its_licence_and_how_long_it_holds(
    served: Whole, described: dict[str, Any]
) -> None:
    own = {"Authorization": f"Bearer {served.token}"}
    wrong: dict[str, str] = {}
    asked = 0
    with httpx.Client(base_url=served.root, timeout=60) as client:
        site = client.get("/").text
        data = re.findall(r'data-(?:data|texts|manifest)="([^"]+)"', site)
        assert len(data) >= 2
        # What a job says and gives stands in test_ogc_processes.
        told = {path: ways["get"] for path, ways in described.items() if "get" in ways}
        paths = [filled(path, one) for path, one in told.items() if "{jobID}" not in path]
        for path in (*paths, *(f"/{name}" for name in data)):
            query = "?draft=true" if path.startswith("/api/catalogue") else ""
            headers = own if path.startswith(PRIVATE) else {}
            answer = client.get(path + query, headers={**headers, "Accept-Encoding": "br, gzip"})
            asked += 1
            if answer.status_code == 204:
                continue
            lost = [] if answer.status_code == 200 else [f"status {answer.status_code}"]
            if "cache-control" not in answer.headers:
                lost.append("Cache-Control")
            if not path.startswith(tuple(PLAIN)):
                lost += lacking(client, path + query, answer)
            if lost:
                wrong[path] = ", ".join(lost)
    assert wrong == {} and asked > 100


def lacking(client: httpx.Client, path: str, answer: httpx.Response) -> list[str]:
    """What an answer of open data has not, that came packed as it may be."""
    lost = [] if 'rel="license"' in answer.headers.get("link", "") else ["licence"]
    tag = answer.headers.get("etag")
    if tag is None:
        lost.append("ETag")
    else:
        again = client.get(path, headers={"If-None-Match": tag, "Accept-Encoding": "br, gzip"})
        lost += [] if again.status_code == 304 and not again.content else ["304"]
    if len(answer.content) >= 1100 and not path.endswith((".gltf",)):
        if answer.headers.get("content-encoding") != "br":
            lost.append("br")
        other = client.get(path, headers={"Accept-Encoding": "gzip"})
        if other.headers.get("content-encoding") != "gzip" or other.content != answer.content:
            lost.append("gzip")
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        if "content-encoding" in plain.headers or plain.content != answer.content:
            lost.append("identity")
    return lost


def test_all_that_is_not_open_is_kept_by_no_cache(served: Whole) -> None:
    """Each address that a route has, the ones that need a right above looking asked by a stranger."""
    addresses = {path for path in rights.paths(served.app.routes) if path != "/"}
    closed = {
        path for path in addresses if rights.need_of(path).right not in (Right.LOOK, Right.READ_METRICS)
    }
    assert len(closed) >= 5
    for path in closed:
        answer = httpx.get(served.root + path)
        assert answer.status_code == 401 and answer.headers["cache-control"] == "no-store", path


@pytest.mark.parametrize(
    "path", ["ogc/collections/trees/items/a%0Ab", "files/a%0Ab", "ogc/nothing", "catalogue./"]
)
def test_whatever_is_not_there_is_said_in_one_way(served: Whole, path: str) -> None:
    answer = httpx.get(f"{served.root}/api/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
