"""Scenarios for programs, below ``/api/scenarios``: those shipped and those that managers keep.

The same right as the files under /manage/scenarios: a session, or a token of scope ``scenarios:read``. A name
is as `scenarios.load` takes it, without its ending: ``library/roof-pv`` is shipped, ``roof-pv`` a manager's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from scenarios.scenario import Scenario, library, load
from scenarios.shelf import Shelf, as_yaml
from twin.errors import CallError, TwinError, quoted
from viewer.api import answers
from viewer.participation import http

PREFIX = "/api/scenarios"
SHIPPED = "library/"


def router(shelf: Shelf) -> APIRouter:
    """The list, and each scenario's file."""
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)
    methods = ["GET", "HEAD"]

    def listed(request: Request) -> Response:
        root, language = answers.root(request), http.language(request)
        return JSONResponse({"scenarios": [_told(shelf, name, root, language) for name in names(shelf)]})

    def file(request: Request, name: str) -> Response:
        try:
            text = as_yaml(find(shelf, name))
        except TwinError as error:
            said = {"error": "not_found", "message": error.told(http.language(request))}
            return JSONResponse(said, 404)
        named = {"Content-Disposition": f'attachment; filename="{PurePosixPath(name).name}.yaml"'}
        return Response(text, media_type="application/yaml", headers=named)

    def shipped(request: Request, name: str) -> Response:
        return file(request, f"{SHIPPED}{name}")

    routes.add_api_route("", listed, methods=methods)
    routes.add_api_route("/{name}.yaml", file, methods=methods)
    routes.add_api_route(f"/{SHIPPED}{{name}}.yaml", shipped, methods=methods)
    return routes


def names(shelf: Shelf) -> Iterator[str]:
    """Names of all scenarios: the shipped ones, then those on the shelf."""
    yield from (shipped.removesuffix(".yaml") for shipped in library())
    yield from shelf.names()


def find(shelf: Shelf, name: str) -> Scenario:
    """The scenario of a name.

    Raises
    ------
    TwinError : there is none of this name, or it is broken.
    """
    if not name.startswith(SHIPPED):
        return shelf.open(name).scenario
    if f"{name}.yaml" not in library():
        every = ", ".join(known.removesuffix(".yaml") for known in library())
        raise CallError(
            f"there is no shipped scenario {name!r}", PREFIX, f"Shipped are {every}",
            german=f"Ein mitgeliefertes Szenario {quoted(name)} gibt es nicht. Mitgeliefert sind {every}.",
        )  # fmt: skip
    return load(f"{name}.yaml")


def _told(shelf: Shelf, name: str, root: str, language: str) -> dict[str, Any]:
    """What the list says of a scenario; of a broken one, what is wrong with it."""
    shipped = name.startswith(SHIPPED)
    said: dict[str, Any] = {
        "name": name,
        "title": {},
        "source": "library" if shipped else "shelf",
        "changed": None,
        "href": f"{root}{PREFIX}/{quote(name)}.yaml",
    }
    try:
        said["title"] = find(shelf, name).title
        if not shipped:
            said["changed"] = _written(shelf.changed(name))
    except TwinError as error:
        said["fault"] = error.told(language)
    return said


def _written(seconds: float) -> str | None:
    """A time since 1970 as text, UTC; None: the file has just gone."""
    if math.isnan(seconds):
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
