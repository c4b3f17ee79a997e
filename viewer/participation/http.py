"""What both interfaces share: who may send, how much is read, and in which language is answered."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from viewer import access, bodies, format, texts
from viewer.participation.service import Settings


class Answer(Exception):  # noqa: N818 - an answer, kindly
    """An answer before the work is done. `message` is in the page's language."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.response = JSONResponse({"error": code, "message": message}, status, headers)


def said(request: Request, code: str, status: int, section: str = "participation", **values: Any) -> Answer:
    """The answer with the text ``section.code``."""
    shown = language(request)
    numbers = {
        name: format.number(value, shown) if isinstance(value, int) else value
        for name, value in values.items()
    }
    return Answer(status, code, texts.text(shown, f"{section}.{code}", **numbers))


def language(request: Request) -> str:
    """The page's language: ``?lang=``, else what the browser prefers, else the default."""
    named = request.query_params.get("lang", "").lower().split("-")[0]
    return (
        named if named in texts.languages() else texts.preferred(request.headers.get("accept-language", ""))
    )


def require_origin(request: Request, settings: Settings) -> str:
    """The origin of another site that may ask; empty: our own page, or no page at all.

    Browsers name the page's origin with every request that could change something, and cannot be made to
    leave it out.

    Raises
    ------
    Answer : 403, another site's page asks.
    """
    named = request.headers.get("origin")
    if named is None:
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            raise said(request, "refused_origin", 403)
        return ""
    if named in settings.site_origins:
        return named
    hosts = [request.headers.get("host", "")]
    if settings.trust_proxy:
        hosts.append(request.headers.get("x-forwarded-host", "").split(",")[-1].strip())
    if access.same_origin(request.headers) or any(
        host and named.lower() in (f"https://{host}".lower(), f"http://{host}".lower()) for host in hosts
    ):
        return ""
    raise said(request, "refused_origin", 403)


def require_own(request: Request, settings: Settings) -> None:
    """Only our own pages may ask, not those of `site_origins` either.

    Raises
    ------
    Answer : 403, another site's page asks.
    """
    if require_origin(request, settings):
        raise said(request, "refused_origin", 403)


def client_address(request: Request, settings: Settings) -> str:
    """Who asks, for the limits alone; behind a trusted proxy the address that the proxy saw."""
    return access.client_address(request, settings.trust_proxy)


async def body(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object that was sent, never reading more than `limit` bytes of it.

    Raises
    ------
    Answer : 413 too long, 415 no JSON by its type, 400 no JSON object.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":  # a form of another site could send any other type without asking
        raise said(request, "refused_type", 415)
    content = await bodies.read(request, limit)
    if content is None:
        raise said(request, "refused_size", 413)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise said(request, "refused_json", 400)
    return found


def shared(response: Response, site: str) -> Response:
    """The response, readable by pages of `site` (empty: only of ours), kept by no cache."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Origin"
    if site:
        response.headers["Access-Control-Allow-Origin"] = site
    return response
