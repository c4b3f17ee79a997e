"""Answers of the open interfaces: entity tags, caching, compression, licence, and who is to be named."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping

import brotli
from starlette.requests import Request
from starlette.responses import Response

from twin.sources.base import Provenance
from viewer.api import licences

MAX_AGE_S = 60
_PACK_FROM = 1024  # bytes; below, packing gains nothing
_VARY = "Accept, Accept-Language, Accept-Encoding"
_SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Crs, Content-Range, ETag, Link",
}
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII | re.IGNORECASE)
_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)  # RFC 9110, 12.4.2


def answer(
    request: Request,
    content: bytes | Callable[[str], bytes],
    media_type: str,
    *,
    status: int = 200,
    provenance: Iterable[Provenance] = (),
    headers: Mapping[str, str] | None = None,
    told: bytes | None = None,
    to_all_sites: bool = True,
) -> Response:
    """`content` as everybody may read and keep it for a minute; 304 without it where the client has it.

    The tag is of what is said, not of how it is packed, hence a weak one.

    content : or what gives it packed ("br", "gzip", or "" for as it is); only with `told`.
    told : what `content` says, where the same may be said in other words.
    to_all_sites : pages of any other site may read it.
    """
    tag = f'W/"{hashlib.sha256(told or _bytes(content)).hexdigest()[:20]}"'
    sent = {
        "ETag": tag,
        "Cache-Control": f"public, max-age={MAX_AGE_S}",
        "Vary": _VARY,
        **(_SHARED if to_all_sites else {}),
        **(headers or {}),
    }
    if licence := licences.link_header(provenance):
        sent["Link"] = licence
    if status in (200, 206) and _known(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=sent)
    large = callable(content) or len(content) >= _PACK_FROM
    chosen = packing(request.headers.get("accept-encoding", "")) if large and status != 206 else ""
    if chosen:
        sent["Content-Encoding"] = chosen
    body = content(chosen) if callable(content) else packed(content, chosen)
    response = Response(body, status, sent)
    response.headers["Content-Type"] = media_type  # as it is: Starlette adds a charset to text
    return response


def packed(content: bytes, packing: str) -> bytes:
    """`content` as "br", "gzip", or "" as it is."""
    if packing == "br":
        small: bytes = brotli.compress(content, quality=4)
        return small
    return gzip.compress(content, 5, mtime=0) if packing else content


def _bytes(content: bytes | Callable[[str], bytes]) -> bytes:
    return content("") if callable(content) else content


def failure(
    request: Request, status: int, code: str, description: str, headers: Mapping[str, str] | None = None
) -> Response:
    """What went wrong, as OGC's services say it; never kept."""
    content = json.dumps({"code": code, "description": description}, ensure_ascii=False).encode()
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return answer(request, content, "application/json", status=status, headers=kept)


def _known(header: str, tag: str) -> bool:
    """Whether If-None-Match holds `tag`, compared weakly (RFC 9110, 8.8.3.2)."""
    given = [one.strip().removeprefix("W/") for one in header.split(",")]
    return "*" in given or tag.removeprefix("W/") in given


def packing(header: str) -> str:
    """The encoding that the client wants most of those that we have, "br" before "gzip"; empty for none."""
    wanted = weighted(header)
    best = max(("br", "gzip"), key=lambda one: wanted.get(one, wanted.get("*", 0.0)))
    weight = wanted.get(best, wanted.get("*", 0.0))
    return best if weight > 0 and weight >= wanted.get("identity", 0.0) else ""


def weighted(header: str) -> dict[str, float]:
    """The values of an Accept header with their weights; what cannot be read weighs nothing."""
    found = {}
    for part in header.split(","):
        value, _, rest = part.partition(";")
        weight = 1.0
        for parameter in rest.split(";"):
            name, _, number = parameter.partition("=")
            if name.strip().lower() == "q":
                weight = float(number) if _WEIGHT.fullmatch(number.strip()) else 0.0
        if value.strip():
            found[value.strip().lower()] = weight
    return found


def part(request: Request, size: int) -> range | None:
    """The bytes that a request wants of `size`; empty: there are none such; None: it wants the whole.

    What asks for several parts, or only where a tag still holds (ours are weak, RFC 9110, 13.1.5), gets the
    whole, as a server may give to every request for a part.
    """
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if found is None or request.method != "GET" or "if-range" in request.headers:
        return None
    first, last, tail = found.groups()
    if tail:
        return range(max(size - int(tail), 0), size)
    if last and int(last) < int(first):
        return None
    return range(min(int(first), size), min(int(last) + 1, size) if last else size)


def root(request: Request, trusted: bool | None = None) -> str:
    """Scheme and host of the server: as `lobeda serve --url` says, else as the client used them.

    trusted : whether a proxy's word counts; without, as the app says.
    """
    state = request.app.state
    if url := getattr(state, "url", ""):
        return str(url).rstrip("/")
    scheme, host = request.url.scheme, request.headers.get("host") or request.url.netloc
    if getattr(state, "trust_proxy", False) if trusted is None else trusted:
        scheme = _first(request, "x-forwarded-proto") or scheme
        host = _first(request, "x-forwarded-host") or host
    return f"{scheme}://{host}{request.scope.get('root_path', '')}"


def _first(request: Request, header: str) -> str:
    return request.headers.get(header, "").split(",")[0].strip()
