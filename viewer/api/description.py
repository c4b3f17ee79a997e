"""One description of all open interfaces: ``/api/openapi.json`` (OpenAPI 3.0), as a page ``/api/docs``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from viewer import texts
from viewer.api import answers, calls, catalogue, files
from viewer.api.ogc import features, html, openapi, routes
from viewer.api.ogc.collections import Collection, records
from viewer.api.ogc.documents import HTML, OPENAPI

ADDRESS, PAGE = "/api/openapi.json", "/api/docs"


def router(
    service: routes.Service,
    offered: files.Files,
    *,
    participation: bool = False,
    sensors: bool = False,
    scenarios: bool = False,
) -> APIRouter:
    """The description as a document and as a page, with the tables as they are now.

    participation, sensors, scenarios : whether comments are taken, whether there is a store of measurements,
        and whether managers work here.
    """
    own = APIRouter()

    def answer(request: Request, page: bool) -> Response:
        found = service.found()
        told = document(
            answers.root(request), service.title("en"), found, offered, processes=service.processes
        )
        if participation:
            told["paths"] |= calls.participation()
        if sensors:
            told["paths"] |= calls.webhook() | calls.sensorthings()
        if scenarios:
            told["paths"] |= calls.scenarios()
        content = _page(request, told) if page else features.dumps(told)
        return answers.answer(
            request, content.encode(), HTML if page else OPENAPI, provenance=records(found.values())
        )

    def machine(request: Request) -> Response:
        if request.query_params:
            return answers.failure(request, 400, "InvalidParameterValue", "there are no parameters here")
        return answer(request, page=False)

    def page(request: Request) -> Response:
        return answer(request, page=True)

    for path, handle in ((ADDRESS, machine), (PAGE, page)):
        own.add_api_route(path, handle, methods=["GET", "HEAD"], include_in_schema=False)
    return own


def _page(request: Request, told: dict[str, Any]) -> str:
    language = texts.preferred(request.headers.get("accept-language", ""))
    chosen = request.query_params.get("lang", language)
    code = chosen if chosen in texts.languages() else language
    root = answers.root(request)
    return html.interface(f"{root}{routes.PREFIX}", code, told, own=f"{root}{ADDRESS}")


def document(
    root: str,
    title: str,
    collections: Mapping[str, Collection],
    offered: files.Files,
    *,
    processes: bool = False,
) -> dict[str, Any]:
    """The features' description with the catalogue's and the files' paths, relative to `root`."""
    found = openapi.document(f"{root}{routes.PREFIX}", title, collections.values(), processes=processes)
    below = {
        f"{routes.PREFIX}{'' if path == '/' else path}": methods for path, methods in found["paths"].items()
    }
    found["info"]["title"] = f"{title}: open data"
    found["servers"] = [{"url": root}]
    found["paths"] = {**below, **_catalogue(), **_files(offered), **_own(), **calls.state()}
    found["components"]["securitySchemes"] = calls.BEARER
    return found


def _own() -> dict[str, Any]:
    """This description, and its page."""
    anything = {"schema": {"type": "object"}}
    language = {"$ref": "#/components/parameters/lang"}
    page = _get(
        "This description as a page", {"text/html": {"schema": {"type": "string"}}}, [language], ("503",)
    )
    return {ADDRESS: _get("This description", {OPENAPI: anything}, [], ("400", "503")), PAGE: page}


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

    wanted = {
        "name": "Range", "in": "header", "description": "A part of the file (RFC 9110, 14.2), not packed",
        "schema": {"type": "string", "pattern": "^bytes=[0-9]{1,9}-$"},
    }  # fmt: skip
    paths = {}
    if offered.holds_solids:
        kind = "model/gltf-binary"
        tile = {
            "name": "tile", "in": "path", "required": True, "description": "As tileset.json names it",
            "schema": {"type": "string", "pattern": "^[01]{1,20}$"}, "example": "0",
        }  # fmt: skip
        paths[f"{files.PREFIX}/3dtiles/tiles/{{tile}}.glb"] = _get(
            "A tile of the 3D Tiles", {kind: shaped(kind)}, [tile, wanted], ("400", "404", "416", "503")
        )
    for name, one in offered.offered.items():
        given = [] if one.media_type.endswith("json") else [wanted]  # a part of JSON is none
        failures = ("400", "404", "416", "503")
        content = {one.media_type: shaped(one.media_type)}
        paths[f"{files.PREFIX}/{name}"] = _get(one.title, content, given, failures)
    binary = {"type": "string", "format": "binary"}
    headers = {**openapi.ALIKE, "Content-Range": {"schema": {"type": "string"}, "required": True}}
    for path in paths.values():
        answered = path["get"]["responses"]
        parts = {kind: {"schema": binary} for kind in answered["200"]["content"]}
        answered["206"] = {"description": "The part", "headers": headers, "content": parts}
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
