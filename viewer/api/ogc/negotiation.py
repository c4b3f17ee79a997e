"""What a request below ``/api/ogc`` asks for, JSON or a page, and the answer in that form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import Response

from twin.sources.base import Provenance
from viewer import texts
from viewer.api import answers
from viewer.api.ogc import features, query
from viewer.api.ogc.documents import GEOJSON, HTML, JSON

PREFIX = "/api/ogc"


class FailureError(Exception):
    """What the client is told instead of an answer."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.code, self.description = status, code, description


@dataclass(frozen=True)
class Asked:
    """A request: parameters that its route knows, the format and language it wants, where it came in."""

    request: Request
    base: str
    parameters: Mapping[str, str]
    html: bool
    language: str


def read(request: Request, more: Sequence[str] = (), json_type: str = JSON) -> Asked:
    """What a request asks for.

    Raises
    ------
    BadRequestError, FailureError : a parameter is unknown or wrong, or no format is taken that there is.
    """
    parameters = query.single(request.query_params.multi_items(), (*query.COMMON, *more))
    form, language = parameters.get("f"), parameters.get("lang")
    if form not in (None, "json", "html"):
        raise query.BadRequestError(f"f: {form!r} is neither json nor html")
    if language is not None and language not in texts.languages():
        raise query.BadRequestError(f"lang: {language!r} is none of {', '.join(texts.languages())}")
    chosen = language or texts.preferred(request.headers.get("accept-language", ""))
    page = form == "html" if form else _prefers_html(request.headers.get("accept", ""), json_type)
    return Asked(request, answers.root(request) + PREFIX, parameters, page, chosen)


def _prefers_html(header: str, json_type: str) -> bool:
    """Whether HTML is wanted rather than JSON, which is given where both are alike.

    Raises
    ------
    FailureError : 406, neither is taken.
    """
    if not header.strip():
        return False
    weights = answers.weighted(header)
    plain = {JSON, GEOJSON, json_type.split(";")[0], "application/*"}
    every = weights.get("*/*", 0.0)
    json_weight = max([every] + [weights[kind] for kind in plain if kind in weights])
    html_weight = max([every] + [weights[kind] for kind in ("text/html", "text/*") if kind in weights])
    if max(json_weight, html_weight) <= 0:
        raise FailureError(
            406, "NotAcceptable", "answers are application/geo+json, application/json or text/html"
        )
    return html_weight > json_weight


def said(
    asked: Asked,
    document: Mapping[str, Any],
    page: Callable[[], str],
    origin: Sequence[Provenance] = (),
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A document as JSON or as a page."""
    content = (page() if asked.html else features.dumps(document)).encode()
    return sent(asked, content, media_type, origin, headers)


def sent(
    asked: Asked,
    content: bytes,
    media_type: str,
    origin: Sequence[Provenance],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer, of the format that was asked for."""
    kind = HTML if asked.html else media_type
    language = {"Content-Language": texts.tag(asked.language)} if asked.html else {}
    return answers.answer(
        asked.request, content, kind, provenance=origin, headers={**language, **(headers or {})}
    )
