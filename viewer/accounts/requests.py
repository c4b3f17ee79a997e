"""Requests in the audit record: an entry is written before what it is about, or that is not done.

Of what changes something, the entry stands before the work begins; a second one says so where nothing came of
it. Of what is read out, it stands before the first byte leaves. Routes add entries of their own that name the
thing (`noter`): an address alone does not say which scenario was uploaded or what was decided on a comment.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sensors.errors import StoreError
from viewer.accounts import rights

Note = Callable[[str, str], None]
"""Takes an action and the thing that it is done to; raises StoreError where it cannot be written."""
_NOTE = "note"


def nowhere(_action: str, _thing: str) -> None:
    """Where there are no accounts, nothing is recorded."""


def bind(scope: Scope, note: Note) -> None:
    """Let the routes of a request note what it does."""
    scope.setdefault("state", {})[_NOTE] = note


def noter(request: HTTPConnection) -> Note:
    """Notes in the name of who asks. Blocks: call it in a thread, before the work."""
    found: Note = request.scope.get("state", {}).get(_NOTE, nowhere)
    return found


def unwritten() -> PlainTextResponse:
    """The answer where the record cannot be written."""
    text = "The record of what is done cannot be written, so nothing was done. Try again in a minute.\n"
    return PlainTextResponse(text, 503, {"Retry-After": "30"})


async def recorded(app: ASGIApp, scope: Scope, receive: Receive, send: Send, note: Note, action: str) -> None:
    """Let `app` answer a request that is in the record as `action`."""
    done = f"{scope['method']} {scope['path']}"
    if scope["method"] in rights.SAFE:
        await app(scope, receive, _Export(scope, receive, send, lambda: note(action, done)))
        return
    try:
        await run_in_threadpool(note, action, done)
    except StoreError:
        await unwritten()(scope, receive, send)
        return
    begun = False

    async def failed(status: int) -> None:
        with suppress(StoreError):  # the entry that stands says that it was asked for
            await run_in_threadpool(note, f"{action}.failed", f"{done} ({status})")

    async def watched(message: Message) -> None:
        nonlocal begun
        if message["type"] == "http.response.start":
            begun = True
            if int(message["status"]) >= 400:
                await failed(int(message["status"]))
        await send(message)

    try:
        await app(scope, receive, watched)
    except Exception:
        if not begun:
            await failed(500)
        raise


class _Export:
    """Passes an answer on once the entry about it is written; else says that it is not."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, note: Callable[[], Any]) -> None:
        self._scope, self._receive, self._send, self._note = scope, receive, send, note
        self._withheld = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and int(message["status"]) < 400:
            try:
                await run_in_threadpool(self._note)
            except StoreError:
                self._withheld = True
                await unwritten()(self._scope, self._receive, self._send)
        if not self._withheld:
            await self._send(message)
