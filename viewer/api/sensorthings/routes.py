"""The service over HTTP, within the twin's one process."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sensors import tokens
from sensors.errors import StoreError
from sensors.store import Store
from viewer import bodies
from viewer.access import same_origin
from viewer.api.answers import root
from viewer.api.sensorthings import service
from viewer.api.sensorthings.visible import Access

PREFIX = "/api/sensorthings/v1.1"
MAX_BODY = 10 * 2**20
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Settings:
    """How a service is reached.

    open_access : everybody on this machine may read and write everything; for test suites.
    session : whether a request comes from an open session of the manager, who may read everything.
    site_origins : sites (``https://host``) whose pages may read what is public.
    trust_proxy : whether X-Forwarded-Proto and X-Forwarded-Host say the address that clients use.
    """

    open_access: bool = False
    session: Callable[[Request], bool] = lambda _request: False
    trust_proxy: bool = False
    site_origins: tuple[str, ...] = ()


def mount(app: FastAPI, store: Store, settings: Settings | None = None, prefix: str = PREFIX) -> None:
    """Adds the service to an app, below `prefix`."""
    chosen = settings or Settings()
    answers = service.Service(store)

    async def handle(request: Request) -> Response:
        body = await bodies.read(request, MAX_BODY)
        if body is None:
            answer = service.failure(413, f"The body is larger than {MAX_BODY // 2**20} MB")
        else:
            answer = await run_in_threadpool(_answer, answers, chosen, prefix, request, body)
        content = await run_in_threadpool(answer.encoded)
        if request.method == "HEAD":
            content = b""
        response = Response(content, answer.status, answer.headers, answer.media_type)
        if (site := request.headers.get("origin")) in chosen.site_origins and request.method == "GET":
            # Cookies are not allowed along, so what a page of the site can read is what everybody can.
            response.headers["Access-Control-Allow-Origin"] = str(site)
            response.headers.add_vary_header("Origin")
        return response

    for path in (prefix, prefix + "/{path:path}"):
        app.add_route(path, handle, methods=_METHODS, include_in_schema=False)


def _answer(
    answers: service.Service, settings: Settings, prefix: str, request: Request, body: bytes
) -> service.Answer:
    raw = request.scope.get("raw_path") or request.url.path.encode()
    path = raw.split(b"?")[0].decode("latin-1")
    try:
        access = _access(answers.store, settings, request)
    except StoreError as error:
        return service.failure(503, f"The database is not available: {error.what}", {"Retry-After": "5"})
    return answers.answer(
        service.Request(
            request.method,
            path[path.find(prefix) + len(prefix) :],
            request.scope.get("query_string", b"").decode("latin-1"),
            root(request, settings.trust_proxy) + prefix,
            access,
            request.headers.get("content-type", ""),
            body,
        )
    )


def _access(store: Store, settings: Settings, request: Request) -> Access:
    if settings.open_access:
        # Programs send no Origin; a page of another site that a browser has open does.
        return Access(read_all=True, write="origin" not in request.headers or same_origin(request.headers))
    token = _token(request.headers.get("authorization", ""))
    scopes = tokens.scopes_of(store, token) if token else frozenset()
    write = tokens.SENSORTHINGS_WRITE in scopes
    read = write or tokens.SENSORTHINGS_READ in scopes or settings.session(request)
    return Access(read_all=read, write=write)


def _token(header: str) -> str:
    """The token of an Authorization header: Bearer, or the password of Basic, all that some clients have."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
