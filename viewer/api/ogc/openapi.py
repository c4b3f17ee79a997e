"""The service's description as OpenAPI 3.0: each collection's paths with its own parameters and answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from viewer import texts
from viewer.api import licences
from viewer.api.calls import BEARER
from viewer.api.ogc import cql, processes_openapi, query
from viewer.api.ogc import crs as systems
from viewer.api.ogc.collections import Collection
from viewer.api.ogc.documents import GEOJSON, JSON, OPENAPI, SCHEMA

_TYPES = {"str": "string", "float": "number", "count": "integer", "bool": "boolean"}
ALIKE = {
    "ETag": {"schema": {"type": "string"}},
    "Cache-Control": {"schema": {"type": "string"}},
    "Link": {"schema": {"type": "string"}, "description": "licence and who is to be named"},
}
_CRS_HEADER = {"Content-Crs": {"schema": {"type": "string"}, "required": True}}


def document(
    base: str, title: str, found: Iterable[Collection], *, processes: bool = False
) -> dict[str, Any]:
    """The description of the service at `base` with all its collections.

    processes : with OGC API – Processes.
    """
    known = list(found)
    paths: dict[str, Any] = {
        "/": _get("Landing page", "landing", JSON),
        "/conformance": _get("Conformance classes", "conformance", JSON),
        "/api": _get("This description", "anything", OPENAPI),
        "/collections": _get("Collections", "collections", JSON),
    }
    for one in known:
        paths |= _of_collection(one)
    if processes:
        paths |= processes_openapi.paths()
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"{title}: OGC API – Features",
            "version": "1.0.0",
            "description": texts.text("en", "api.about"),
            "license": _licence(known),
        },
        "servers": [{"url": base}],
        "paths": paths,
        "components": {
            "schemas": _SCHEMAS,
            "parameters": _PARAMETERS,
            "responses": {code: _failure(what) for code, what in _FAILURES.items()},
            **({"securitySchemes": BEARER} if processes else {}),
        },
    }


def _licence(found: Sequence[Collection]) -> dict[str, str]:
    first = next((one for c in found for one in licences.of_all(c.provenance) if one.uri), None)
    return {"name": first.text, "url": first.uri} if first else {"name": "as each collection says"}


def _of_collection(one: Collection) -> dict[str, Any]:
    here, title = f"/collections/{one.id}", one.title("en")
    filters = [
        {
            "name": known.name, "in": "query", "required": False, "description": known.meaning or known.name,
            "schema": {"type": _TYPES[known.kind]},
        }
        for known in one.properties
    ]  # fmt: skip
    identifier = {
        "name": "featureId", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1},
        "example": str(next(iter(one.ids), "1")),
    }  # fmt: skip
    paging = [_ref("parameters", name) for name in query.PAGING]
    return {
        here: _get(title, "collection", JSON),
        f"{here}/queryables": _get(f"{title}: what may be asked for", "anything", SCHEMA),
        f"{here}/items": _get(title, "features", GEOJSON, [*paging, *filters], _CRS_HEADER),
        f"{here}/items/{{featureId}}": _get(
            f"{title}: one",
            "feature",
            GEOJSON,
            [identifier, _ref("parameters", "crs")],
            _CRS_HEADER,
            ("404",),
        ),
    }


def _get(
    summary: str,
    schema: str,
    media_type: str,
    parameters: Sequence[dict[str, Any]] = (),
    headers: dict[str, Any] | None = None,
    failures: Sequence[str] = (),
) -> dict[str, Any]:
    answer = {
        "description": summary,
        "headers": {**ALIKE, **(headers or {})},
        "content": {
            media_type: {"schema": _ref("schemas", schema)},
            "text/html": {"schema": {"type": "string"}},
        },
    }
    answers = {"200": answer, "304": {"description": "The client has it already"}}
    for code in ("400", "406", "503", *failures):
        answers[code] = _ref("responses", code)
    return {
        "get": {
            "summary": summary,
            "parameters": [*parameters, *(_ref("parameters", name) for name in query.COMMON)],
            "responses": answers,
        }
    }


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/{kind}/{name}"}


_FAILURES = {
    "400": "A parameter is unknown or cannot be read",
    "404": "There is nothing of this name",
    "406": "No format that the client takes",
    "416": "The file has no such part",
    "503": "The sensors' database does not answer, or a file cannot be written now",
}


def _failure(what: str) -> dict[str, Any]:
    return {"description": what, "content": {JSON: {"schema": _ref("schemas", "exception")}}}


_URIS = list(systems.ALL)
_CRS_SCHEMA = {"type": "string", "format": "uri", "enum": _URIS, "default": systems.CRS84.uri}
_PARAMETERS: dict[str, Any] = {
    "f": {"name": "f", "in": "query", "description": "Format; without it, as the header Accept says",
          "schema": {"type": "string", "enum": ["json", "html"]}},
    "lang": {"name": "lang", "in": "query", "description": "Language of titles and pages",
             "schema": {"type": "string", "enum": ["de", "en"]}},
    "limit": {"name": "limit", "in": "query", "description": "Features a page; more means the maximum",
              "schema": {"type": "integer", "minimum": 1, "maximum": query.MAX_LIMIT,
                         "default": query.LIMIT}},
    "offset": {"name": "offset", "in": "query", "description": "Features to skip; see link next",
               "schema": {"type": "integer", "minimum": 0, "default": 0}},
    "bbox": {"name": "bbox", "in": "query", "style": "form", "explode": False,
             "description": "Lower and upper corner, in the axis order of bbox-crs; heights bound nothing",
             "schema": {"type": "array", "items": {"type": "number"},
                        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}]},
             "example": [11.5, 50.8, 11.7, 51.0]},
    "bbox-crs": {"name": "bbox-crs", "in": "query", "description": "Reference system of bbox",
                 "schema": _CRS_SCHEMA},
    "datetime": {"name": "datetime", "in": "query", "description":
                 "Instant or interval (RFC 3339; .. is open): what had begun by then. What does not say when "
                 "it began always does", "schema": {"type": "string"},
                 "example": "1975-01-01T00:00:00Z/.."},
    "filter": {"name": "filter", "in": "query",
               "description": "Condition in CQL2 (OGC 21-065r2) over the columns that queryables names",
               "schema": {"type": "string", "minLength": 1, "maxLength": cql.LENGTH},
               "example": "geometry IS NOT NULL"},
    "filter-lang": {"name": "filter-lang", "in": "query", "description": "Language of filter",
                    "schema": {"type": "string", "enum": list(cql.LANGUAGES), "default": cql.LANGUAGES[0]}},
    "filter-crs": {"name": "filter-crs", "in": "query",
                   "description": "Reference system of the geometries in filter, in its axis order",
                   "schema": _CRS_SCHEMA},
    "crs": {"name": "crs", "in": "query", "description": "Reference system of the answer, in its axis order",
            "schema": _CRS_SCHEMA},
}  # fmt: skip


def _object(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


_TEXT: dict[str, Any] = {"type": "string"}
_LINKS = {"type": "array", "items": _ref("schemas", "link")}
_GEOMETRY = {"type": "object", "nullable": True, "required": ["type"], "properties": {"type": _TEXT}}
_SCHEMAS: dict[str, Any] = {
    "anything": {"type": "object"},
    "exception": _object(["code"], code=_TEXT, description=_TEXT),
    "link": _object(["href", "rel"], href=_TEXT, rel=_TEXT, type=_TEXT, title=_TEXT),
    "landing": _object(["links"], title=_TEXT, description=_TEXT, links=_LINKS),
    "conformance": _object(["conformsTo"], conformsTo={"type": "array", "items": _TEXT}),
    "collections": _object(["links", "collections"], links=_LINKS, crs={"type": "array", "items": _TEXT},
                           collections={"type": "array", "items": _ref("schemas", "collection")}),
    "collection": _object(["id", "links", "crs"], id=_TEXT, title=_TEXT, description=_TEXT, attribution=_TEXT,
                          links=_LINKS, itemType=_TEXT, crs={"type": "array", "items": _TEXT},
                          storageCrs=_TEXT, extent={"type": "object"}),
    "features": _object(
        ["type", "features", "links", "numberReturned", "numberMatched"],
        type={"type": "string", "enum": ["FeatureCollection"]}, links=_LINKS, attribution=_TEXT,
        numberMatched={"type": "integer", "minimum": 0}, numberReturned={"type": "integer", "minimum": 0},
        features={"type": "array", "items": _ref("schemas", "member")},
    ),
    "member": _object(["type", "geometry", "properties", "id"], type={"type": "string", "enum": ["Feature"]},
                      id=_TEXT, geometry=_GEOMETRY, properties={"type": "object"}),
    "feature": _object(["type", "geometry", "properties", "id", "links"],
                       type={"type": "string", "enum": ["Feature"]}, id=_TEXT, geometry=_GEOMETRY,
                       properties={"type": "object"}, links=_LINKS),
}  # fmt: skip
