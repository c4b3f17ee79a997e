"""The service over HTTP, within the twin's one process."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sensors import tokens
from sensors.errors import StoreError
from sensors.store import Store
from twin.sources.base import Provenance
from viewer import bodies
from viewer.access import person, same_origin
from viewer.accounts.recording import Hourly
from viewer.accounts.rights import SAFE
from viewer.api import answers
from viewer.api.sensorthings import service
from viewer.api.sensorthings.visible import Access

PREFIX = "/api/sensorthings/v1.1"
MAX_BODY = 10 * 2**20
_NUMBERS = re.compile(r"\(\d+\)")
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Settings:
    """How a service is reached.

    open_access : everybody on this machine may read and write everything; for test suites.
    session : whether a request comes from an open session of the manager, who may read everything.
    site_origins : sites (``https://host``) whose pages may read what is public.
    provenance : where the values come from, for their licence.
    trust_proxy : whether X-Forwarded-Proto and X-Forwarded-Host say the address that clients use.
    note : takes actor, action and thing of what is written, and of what is read that is not public; what it
        cannot record is not done.
    """

    open_access: bool = False
    session: Callable[[Request], bool] = lambda _request: False
    trust_proxy: bool = False
    site_origins: tuple[str, ...] = ()
    note: Callable[[str, str, str], None] | None = None
    provenance: tuple[Provenance, ...] = ()


def mount(app: FastAPI, store: Store, settings: Settings | None = None, prefix: str = PREFIX) -> None:
    """Adds the service to an app, below `prefix`."""
    chosen = settings or Settings()
    answered = service.Service(store)
    hourly = None if chosen.note is None else Hourly(chosen.note)

    def reply(request: Request, body: bytes | None) -> Response:
        access = None
        if body is None:
            answer = service.failure(413, f"The body is larger than {MAX_BODY // 2**20} MB")
        else:
            answer, access = _answer(answered, chosen, hourly, prefix, request, body)
        if request.method not in ("GET", "HEAD") or answer.status != 200 or access is None:
            return Response(answer.encoded(), answer.status, answer.headers, answer.media_type)
        # Values come at any time: what was kept may be shown again only once we say that it still holds.
        kept = "private, no-cache" if access.read_all else "no-cache"
        headers = {**answer.headers, "Cache-Control": kept, "Vary": "Authorization, Cookie, Accept-Encoding"}
        return answers.answer(
            request, answer.encoded(), answer.media_type, provenance=chosen.provenance, headers=headers,
            to_all_sites=False,
        )  # fmt: skip

    async def handle(request: Request) -> Response:
        body = await bodies.read(request, MAX_BODY)
        response = await run_in_threadpool(reply, request, body)
        if (site := request.headers.get("origin")) in chosen.site_origins and request.method == "GET":
            # Cookies are not allowed along, so what a page of the site can read is what everybody can.
            response.headers["Access-Control-Allow-Origin"] = str(site)
            response.headers.add_vary_header("Origin")
        return response

    for path in (prefix, prefix + "/{path:path}"):
        app.add_route(path, handle, methods=_METHODS, include_in_schema=False)


def _answer(
    answered: service.Service,
    settings: Settings,
    hourly: Hourly | None,
    prefix: str,
    request: Request,
    body: bytes,
) -> tuple[service.Answer, Access | None]:
    """The answer, and what the request may do; None where nobody can tell."""
    raw = request.scope.get("raw_path") or request.url.path.encode()
    path = raw.split(b"?")[0].decode("latin-1")
    path = path[path.find(prefix) + len(prefix) :]
    try:
        access, actor = _access(answered.store, settings, request)
        if hourly is not None and actor:
            _note(hourly, actor, access, request.method, path)
    except StoreError:
        return service.failure(503, service.UNAVAILABLE, {"Retry-After": "5"}), None
    answer = answered.answer(
        service.Request(
            request.method,
            path,
            request.scope.get("query_string", b"").decode("latin-1"),
            answers.root(request, settings.trust_proxy) + prefix,
            access,
            request.headers.get("content-type", ""),
            body,
        )
    )
    return answer, access


def _access(store: Store, settings: Settings, request: Request) -> tuple[Access, str]:
    """What a request may do, and in whose name; empty: in nobody's."""
    if settings.open_access:
        # Programs send no Origin; a page of another site that a browser has open does.
        own = "origin" not in request.headers or same_origin(request.headers)
        return Access(read_all=True, write=own), ""
    token = _token(request.headers.get("authorization", ""))
    holder = tokens.holder(store, token) if token else tokens.NOBODY
    write = tokens.SENSORTHINGS_WRITE in holder.scopes
    read = write or tokens.SENSORTHINGS_READ in holder.scopes
    if read:
        return Access(read_all=True, write=write), f"token:{holder.name}"
    who = person(request)
    return Access(read_all=settings.session(request)), "" if who is None else who.name


def _note(hourly: Hourly, actor: str, access: Access, method: str, path: str) -> None:
    """Notes what the request is about to write, or to read that is not public.

    Programs send and ask for values all day long: these stand in the record once an hour.
    """
    if method in SAFE:
        if access.read_all:
            program = actor.startswith("token:") or "/" in actor
            hourly(actor, "export", f"SensorThings {_NUMBERS.sub('', path) if program else path}")
    elif access.write:
        values = method == "POST" and path.rstrip("/").endswith(("/Observations", "/CreateObservations"))
        (hourly if values else hourly.note)(actor, "sensors.write", f"{method} {path}")


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
