"""Bodies of requests, never read further than they may be long."""

from __future__ import annotations

from starlette.requests import Request


async def read(request: Request, most: int) -> bytes | None:
    """The body; None: it has more than `most` bytes, or says so."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > most:
        return None
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            return None
    return bytes(content)
