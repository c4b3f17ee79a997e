"""One description of all open interfaces: ``/api/openapi.json`` (OpenAPI 3.0), as a page ``/api/docs``."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from viewer import texts
from viewer.api import answers, calls, catalogue, files
from viewer.api.ogc import html, openapi, routes
from viewer.api.ogc.documents import HTML, JSON, OPENAPI

ADDRESS, PAGE = "/api/openapi.json", "/api/docs"


def router(
    service: routes.Service, offered: files.Files, *, participation: bool = False, sensors: bool = False
) -> APIRouter:
    """The description as a document and as a page, with the tables as they are now.

    participation, sensors : whether comments are taken, and whether there is a store of measurements.
    """
    own = APIRouter()

    def describe(request: Request) -> dict[str, Any]:
        told = document(answers.root(request), service, offered)
        if participation:
            told["paths"] |= calls.participation()
        if sensors:
            told["paths"] |= calls.webhook() | calls.sensorthings()
            told["components"] = told["components"] | {"securitySchemes": calls.BEARER}
        return told

    def machine(request: Request) -> Response:
        if request.query_params:
            return answers.failure(request, 400, "InvalidParameterValue", "there are no parameters here")
        content = json.dumps(describe(request), ensure_ascii=False, separators=(",", ":")).encode()
        return answers.answer(request, content, OPENAPI)

    def page(request: Request) -> Response:
        language = texts.preferred(request.headers.get("accept-language", ""))
        chosen = request.query_params.get("lang", language)
        code = chosen if chosen in texts.languages() else language
        root = answers.root(request)
        content = html.interface(f"{root}{routes.PREFIX}", code, describe(request), own=f"{root}{ADDRESS}")
        return answers.answer(request, content.encode(), HTML)

    for path, handle in ((ADDRESS, machine), (PAGE, page)):
        own.add_api_route(path, handle, methods=["GET", "HEAD"], include_in_schema=False)
    return own


def document(root: str, service: routes.Service, offered: files.Files) -> dict[str, Any]:
    """The features' description with the catalogue's and the files' paths, relative to `root`."""
    found = openapi.document(f"{root}{routes.PREFIX}", service.title("en"), service.found().values())
    below = {
        f"{routes.PREFIX}{'' if path == '/' else path}": methods for path, methods in found["paths"].items()
    }
    found["info"]["title"] = f"{service.title('en')}: open data"
    found["servers"] = [{"url": root}]
    found["paths"] = {**below, **_catalogue(), **_files(offered)}
    return found


def _catalogue() -> dict[str, Any]:
    draft = {
        "name": "draft", "in": "query", "description": "Show what there is while settings are missing",
        "schema": {"type": "boolean", "default": False},
    }  # fmt: skip
    paths = {}
    for suffix, kinds in (
        ("", catalogue.MEDIA_TYPES),
        *((f".{s}", (k,)) for s, k in catalogue.SUFFIXES.items()),
    ):
        content = {kind: {"schema": {"type": "string"}} for kind in kinds}
        for kind in content:
            if kind.endswith("json"):
                content[kind] = {"schema": {"type": "array"}}
        paths[f"{catalogue.PREFIX}{suffix}"] = _get(
            "DCAT-AP.de record of all tables", content, [draft], ("400", "404", "406", "503")
        )
    return paths


def _files(offered: files.Files) -> dict[str, Any]:
    def shaped(kind: str) -> dict[str, Any]:
        return {
            "schema": {"type": "object"} if kind.endswith("json") else {"type": "string", "format": "binary"}
        }

    paths = {}
    for name, kind in files.NAMES.items():
        if offered.holds_solids or name.endswith((".gpkg", ".parquet")):
            paths[f"{files.PREFIX}/{name}"] = _get(name, {kind: shaped(kind)}, [], ("400", "404", "503"))
    if offered.holds_solids:
        content = {JSON: {"schema": {"type": "object"}}}
        paths[f"{files.PREFIX}/{files.TILESET}"] = _get("3D Tiles 1.1", content, [], ("400", "404", "503"))
    return paths


def _get(
    summary: str, content: dict[str, Any], parameters: list[dict[str, Any]], failures: tuple[str, ...]
) -> dict[str, Any]:
    answered: dict[str, Any] = {
        "200": {"description": summary, "headers": openapi.ALIKE, "content": content},
        "304": {"description": "The client has it already"},
    }
    answered |= {code: {"$ref": f"#/components/responses/{code}"} for code in failures}
    return {"get": {"summary": summary, "parameters": parameters, "responses": answered}}
