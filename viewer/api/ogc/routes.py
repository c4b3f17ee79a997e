"""The service over HTTP, within the twin's one process, below ``/api/ogc``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import Response

from viewer.api import answers, licences
from viewer.api.ogc import documents, features, html, openapi, processes, query
from viewer.api.ogc.collections import Collection, records
from viewer.api.ogc.crs import Crs
from viewer.api.ogc.documents import GEOJSON, HTML, JSON, OPENAPI, SCHEMA
from viewer.api.ogc.negotiation import PREFIX, Asked, FailureError, read, said, sent


@dataclass(frozen=True)
class Service:
    """What is served.

    title : of the district.
    found : the collections by id, as they are now; while a database is away, as they were last.
    processes : whether OGC API – Processes stands beside it (`viewer.api.ogc.execution`).
    """

    title: Callable[[str], str]
    found: Callable[[], Mapping[str, Collection]]
    processes: bool = False


def router(service: Service) -> APIRouter:
    """The routes of `service`."""
    routes = APIRouter(prefix=PREFIX)

    def add(path: str, handle: Callable[..., Response]) -> None:
        def endpoint(request: Request) -> Response:
            try:
                return handle(service, request, **request.path_params)
            except FailureError as failure:
                return answers.failure(request, failure.status, failure.code, failure.description)
            except query.BadRequestError as error:
                return answers.failure(request, 400, "InvalidParameterValue", str(error))

        routes.add_api_route(path, endpoint, methods=["GET", "HEAD"], include_in_schema=False)

    add("", _landing)
    add("/", _landing)
    add("/conformance", _conformance)
    add("/api", _api)
    add("/collections", _collections)
    add("/collections/{name}", _collection)
    add("/collections/{name}/queryables", _queryables)
    add("/collections/{name}/items", _items)
    add("/collections/{name}/items/{feature:path}", _item)
    return routes


def _landing(service: Service, request: Request) -> Response:
    asked = read(request)
    found = service.found()
    document = documents.landing(
        asked.base, service.title(asked.language), asked.language, processes=service.processes
    )
    offered = [
        processes.summary(asked.base, one, asked.language)
        for one in (processes.PROCESSES.values() if service.processes else ())
    ]
    page = lambda: html.landing(asked.base, asked.language, document, found.values(), offered)  # noqa: E731
    return said(asked, document, page, records(found.values()))


def _conformance(service: Service, request: Request) -> Response:
    asked = read(request)
    document = documents.conformance(processes=service.processes)
    page = lambda: html.conformance(asked.base, asked.language, document)  # noqa: E731
    return said(asked, document, page, records(service.found().values()))


def _api(service: Service, request: Request) -> Response:
    asked = read(request, json_type=OPENAPI)
    found = service.found().values()
    document = openapi.document(asked.base, service.title("en"), found, processes=service.processes)
    page = lambda: html.interface(asked.base, asked.language, document)  # noqa: E731
    return said(asked, document, page, records(found), media_type=OPENAPI)


def _collections(service: Service, request: Request) -> Response:
    asked = read(request)
    found = service.found()
    document = documents.collections(asked.base, found.values(), asked.language)
    page = lambda: html.collections(asked.base, asked.language, found.values(), document)  # noqa: E731
    return said(asked, document, page, records(found.values()))


def _collection(service: Service, request: Request, name: str) -> Response:
    one = _named(service, name)
    asked = read(request)
    document = documents.collection(asked.base, one, asked.language)
    page = lambda: html.collection(asked.base, asked.language, one, document)  # noqa: E731
    return said(asked, document, page, one.provenance)


def _queryables(service: Service, request: Request, name: str) -> Response:
    one = _named(service, name)
    asked = read(request, json_type=SCHEMA)
    document = documents.queryables(asked.base, one, asked.language)
    page = lambda: html.queryables(asked.base, asked.language, one)  # noqa: E731
    return said(asked, document, page, one.provenance, media_type=SCHEMA)


def _items(service: Service, request: Request, name: str) -> Response:
    one = _named(service, name)
    asked = read(request, (*query.PAGING, *one.known), GEOJSON)
    wanted = query.read(asked.parameters, one)
    matched = query.rows(one, wanted)
    shown = matched[wanted.offset : wanted.offset + wanted.limit]
    links = _paging(asked, one, wanted, len(matched))
    if asked.html:
        page = html.items(
            asked.base, asked.language, one, shown, len(matched), wanted, links, asked.parameters
        )
        content = page.encode()
    else:
        named = licences.attribution(one.provenance)
        content = features.collection(one, shown, wanted.crs, len(matched), links, named)
    return sent(asked, content, GEOJSON, one.provenance, _crs_header(wanted.crs))


def _item(service: Service, request: Request, name: str, feature: str) -> Response:
    one = _named(service, name)
    asked = read(request, ("crs",), GEOJSON)
    crs = query.crs_of(asked.parameters.get("crs"), "crs")
    place = np.flatnonzero(one.ids == feature)
    if not place.size:
        raise FailureError(404, "NotFound", f"there is no feature {feature!r} in {one.id}")
    here = f"{asked.base}/collections/{quote(one.id)}"
    own = f"{here}/items/{quote(feature, safe='')}"
    links = [
        documents.link("self", f"{own}?f=json", GEOJSON, feature),
        documents.link("alternate", f"{own}?f=html", HTML, feature),
        documents.link("collection", f"{here}?f=json", JSON, one.title(asked.language)),
    ]
    if asked.html:
        content = html.item(
            asked.base, asked.language, one, int(place[0]), crs, links, asked.parameters
        ).encode()
    else:
        content = features.feature(one, int(place[0]), crs, links)
    return sent(asked, content, GEOJSON, one.provenance, _crs_header(crs))


def _paging(asked: Asked, one: Collection, wanted: query.Query, matched: int) -> list[dict[str, str]]:
    here = f"{asked.base}/collections/{quote(one.id)}"

    def page(form: str, **changed: str) -> str:
        kept = {name: text for name, text in asked.parameters.items() if name != "f"}
        return f"{here}/items?{urlencode({**kept, **changed, 'f': form})}"

    own, other = ("html", "json") if asked.html else ("json", "html")
    kinds = {"json": GEOJSON, "html": HTML}
    title = one.title(asked.language)
    links = [
        documents.link("self", page(own), kinds[own], title),
        documents.link("alternate", page(other), kinds[other], title),
        documents.link("collection", f"{here}?f=json", JSON, title),
    ]
    after, before = wanted.offset + wanted.limit, max(wanted.offset - wanted.limit, 0)
    if after < matched:
        links.append(documents.link("next", page(own, offset=str(after)), kinds[own], title))
    if wanted.offset > 0:
        links.append(documents.link("prev", page(own, offset=str(before)), kinds[own], title))
    return links


def _crs_header(crs: Crs) -> dict[str, str]:
    return {"Content-Crs": f"<{crs.uri}>"}


def _named(service: Service, name: str) -> Collection:
    found = service.found()
    if name not in found:
        raise FailureError(404, "NotFound", f"there is no collection {name!r}; there are {', '.join(found)}")
    return found[name]


__all__ = ["PREFIX", "Service", "router"]
