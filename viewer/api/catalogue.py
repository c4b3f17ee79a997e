"""The catalogue over HTTP: ``/api/catalogue``, the whole record in one document, as harvesters want it.

While the settings that only the town knows are not given, it answers 404 and names them; ``?draft=true``
shows what there is, marked as a draft.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType

from fastapi import APIRouter, Request
from starlette.responses import Response

from twin.district import District
from viewer import pages, texts
from viewer.api import answers, catalogue_record
from viewer.api.ogc.collections import Collection, records

PREFIX = "/api/catalogue"
_FORMATS = {  # suffix: media type, rdflib's name
    "ttl": ("text/turtle", "turtle"),
    "rdf": ("application/rdf+xml", "xml"),
    "xml": ("application/rdf+xml", "xml"),
    "jsonld": ("application/ld+json", "json-ld"),
}
_ACCEPTED = {"text/turtle": "ttl", "application/rdf+xml": "rdf", "application/ld+json": "jsonld",
             "application/json": "jsonld", "application/xml": "rdf", "text/xml": "rdf"}  # fmt: skip
MEDIA_TYPES = ("text/turtle", "application/rdf+xml", "application/ld+json")
SUFFIXES = {suffix: kind for suffix, (kind, _) in _FORMATS.items()}


def router(
    district: District,
    found: Callable[[], Mapping[str, Collection]],
    *,
    sensors: bool = False,
    files: Mapping[str, catalogue_record.Offered] = MappingProxyType({}),
) -> APIRouter:
    """The routes; settings are read now.

    Raises
    ------
    CallError : a setting is no value, or stands for one that is still to come.
    """
    chosen = catalogue_record.settings(os.environ, district.metadata)
    title = {code: pages.district_title(district, code) for code in texts.languages()}
    routes = APIRouter()

    def answer(request: Request, suffix: str = "") -> Response:
        parameters = dict(request.query_params)
        draft = parameters.pop("draft", "false")
        if parameters or draft not in ("true", "false"):
            return answers.failure(request, 400, "InvalidParameterValue", "the only parameter is draft=true")
        form = suffix or _negotiated(request.headers.get("accept", ""))
        if form not in _FORMATS:
            if suffix:
                return answers.failure(request, 404, "NotFound", f"formats are {', '.join(_FORMATS)}")
            return answers.failure(request, 406, "NotAcceptable", f"formats are {', '.join(_ACCEPTED)}")
        if chosen.missing and draft != "true":
            names = ", ".join(map(catalogue_record.variable, chosen.missing))
            said = f"not published before these are set: {names}; see {PREFIX}?draft=true"
            return answers.failure(request, 404, "NotConfigured", said)
        tables = list(found().values())
        graph = catalogue_record.record(
            answers.root(request), title, tables, chosen, sensors=sensors, files=files
        )
        media_type, name = _FORMATS[form]
        content = graph.serialize(format=name, encoding="utf-8")
        told = "\n".join(sorted(graph.serialize(format="nt").splitlines()))  # a graph has no order of its own
        return answers.answer(
            request, content, f"{media_type}; charset=utf-8", told=f"{name}\n{told}".encode(),
            provenance=records(tables),
        )  # fmt: skip

    def plain(request: Request) -> Response:
        return answer(request)

    def by_suffix(request: Request, suffix: str) -> Response:
        return answer(request, suffix)

    for path, handle in ((PREFIX, plain), (f"{PREFIX}.{{suffix}}", by_suffix)):
        routes.add_api_route(path, handle, methods=["GET", "HEAD"], include_in_schema=False)
    return routes


def _negotiated(header: str) -> str:
    """The format that an Accept header wants most; Turtle where it takes anything, empty where none fits."""
    if not header.strip():
        return "ttl"
    weights = answers.weighted(header)
    best = max(_ACCEPTED, key=lambda kind: weights.get(kind, 0.0))
    if weights.get(best, 0.0) > 0:
        return _ACCEPTED[best]
    return "ttl" if max(weights.get("*/*", 0.0), weights.get("text/*", 0.0)) > 0 else ""
