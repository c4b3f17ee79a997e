"""The service's own documents: landing page, conformance, collections, queryables; plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from viewer import texts
from viewer.api import licences
from viewer.api.ogc import cql
from viewer.api.ogc import crs as systems
from viewer.api.ogc.collections import Collection

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html; charset=utf-8"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
SCHEMA = "application/schema+json"
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    *(
        f"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"http://www.opengis.net/spec/cql2/1.0/conf/{name}"
        for name in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "property-property",
            "arithmetic",
        )
    ),
)
REL = "http://www.opengis.net/def/rel/ogc/1.0"
PROCESSES_CONFORMANCE = tuple(
    f"http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/{name}"
    for name in ("core", "ogc-process-description", "json", "oas30", "job-list", "dismiss")
)
_TYPES = {"str": "string", "float": "number", "count": "integer", "bool": "boolean"}


def link(rel: str, href: str, media_type: str, title: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": media_type.split("; charset")[0], "title": title}


def _said(language: str, key: str) -> str:
    return texts.text(language, f"api.{key}")


def landing(base: str, title: str, language: str, *, processes: bool = False) -> dict[str, Any]:
    """The landing page; `base` is the service's address without a slash at the end."""
    said = partial(_said, language)
    more = [
        link(f"{REL}/processes", f"{base}/processes", JSON, said("processes")),
        link(f"{REL}/job-list", f"{base}/jobs", JSON, said("jobs")),
    ]
    return {
        "title": title,
        "description": said("about"),
        "links": [
            link("self", f"{base}?f=json", JSON, said("json")),
            link("alternate", f"{base}?f=html", HTML, said("html")),
            link("service-desc", f"{base}/api", OPENAPI, said("openapi")),
            link("service-doc", f"{base}/api?f=html", HTML, said("openapi")),
            link("conformance", f"{base}/conformance", JSON, said("conformance")),
            link("data", f"{base}/collections", JSON, said("collections")),
            *(more if processes else ()),
        ],
    }


def conformance(*, processes: bool = False) -> dict[str, Any]:
    return {"conformsTo": [*CONFORMANCE, *(PROCESSES_CONFORMANCE if processes else ())]}


def collections(base: str, found: Iterable[Collection], language: str) -> dict[str, Any]:
    said = partial(_said, language)
    return {
        "links": [
            link("self", f"{base}/collections?f=json", JSON, said("json")),
            link("alternate", f"{base}/collections?f=html", HTML, said("html")),
        ],
        "crs": list(systems.ALL),
        "collections": [collection(base, one, language) for one in found],
    }


def collection(base: str, one: Collection, language: str) -> dict[str, Any]:
    """A collection's title, licence, extent, reference systems and links."""
    here = f"{base}/collections/{quote(one.id)}"
    said = partial(_said, language)
    extent: dict[str, Any] = {}
    if one.bbox is not None:
        extent["spatial"] = {"bbox": [one.bbox], "crs": systems.CRS84.uri}
    if one.first_year is not None:
        extent["temporal"] = {"interval": [[f"{one.first_year:04}-01-01T00:00:00Z", None]]}
    return {
        "id": one.id,
        "title": one.title(language),
        "description": one.description(language),
        "attribution": licences.attribution(one.provenance),
        "links": [
            link("self", f"{here}?f=json", JSON, said("json")),
            link("alternate", f"{here}?f=html", HTML, said("html")),
            link("items", f"{here}/items?f=json", GEOJSON, one.title(language)),
            link("items", f"{here}/items?f=html", HTML, one.title(language)),
            link(QUERYABLES, f"{here}/queryables", SCHEMA, said("queryables")),
            *[
                link("license", licence.uri, HTML, licence.text)
                for licence in licences.of_all(one.provenance)
                if licence.uri
            ],
        ],
        **({"extent": extent} if extent else {}),
        "itemType": "feature",
        "crs": list(systems.ALL),
        "storageCrs": systems.STORAGE.uri,
    }


def queryables(base: str, one: Collection, language: str) -> dict[str, Any]:
    """The properties that may be asked for, as a JSON Schema."""
    properties: dict[str, Mapping[str, Any]] = {}
    for known in one.properties:
        properties[known.name] = {
            "type": _TYPES[known.kind],
            "title": known.label(language),
            "description": known.meaning,
            **({"x-ogc-unit": known.unit} if known.unit else {}),
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{base}/collections/{quote(one.id)}/queryables",
        "type": "object",
        "title": one.title(language),
        "properties": {
            cql.GEOMETRY: {
                "format": "geometry-any",
                "title": _said(language, "geometry"),
                "x-ogc-role": "primary-geometry",
            },
            **properties,
        },
        "additionalProperties": False,
    }
