"""Webhook for LoRaWAN network servers: ``POST /api/uplinks/{feed}``, by token.

ChirpStack's HTTP integration and The Things Stack's webhooks send each uplink here, with the header
``Authorization: Bearer TOKEN`` (or ``X-Lobeda-Token: TOKEN``). The answer is 2xx only after the commit: 200
for stored, duplicate or of no interest, 202 for kept aside until the device is assigned; 422 is no uplink,
503 try again.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.responses import Response

from sensors import payload, tokens
from sensors.errors import StoreError
from sensors.protocols.intake import Intake, Message, Outcome
from sensors.store import Store
from viewer import bodies
from viewer.accounts.recording import Hourly

PREFIX = "/api/uplinks"
_FEED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_STATUS = {"stored": 200, "duplicate": 200, "ignored": 200, "set_aside": 202, "refused": 422}


def router(store: Store, note: Callable[[str, str, str], None] | None = None) -> APIRouter:
    """The webhook that writes into `store`.

    note : takes actor, action and thing; called once an hour for each token and feed.
    """
    hourly = None if note is None else Hourly(note)
    routes = APIRouter(prefix=PREFIX)
    intakes: dict[str, Intake] = {}
    lock = threading.Lock()

    def take(feed: str, message: Message) -> Outcome:
        with lock:
            intake = intakes.setdefault(feed, Intake(store, feed, keep_unreadable=False))
        outcomes, _ = intake.take([message])
        return outcomes[0]

    @routes.post("/{feed}")
    async def receive(feed: str, request: Request) -> Response:
        try:
            name = await run_in_threadpool(_authorise, store, request)
            if not _FEED.fullmatch(feed):
                raise HTTPException(404, "a feed's name has letters, digits, points, lines, and at most 64")
            body = await bodies.read(request, payload.MAX_BYTES)
            if body is None:
                raise HTTPException(413, f"at most {payload.MAX_BYTES} bytes")
            if hourly is not None:
                await run_in_threadpool(hourly, f"token:{name}", "sensors.write", f"uplinks of {feed}")
            outcome = await run_in_threadpool(take, feed, Message.of(body))
        except StoreError:
            raise HTTPException(503, "the store cannot be written now", {"Retry-After": "30"}) from None
        return JSONResponse(_told(outcome), _STATUS[outcome.status])

    return routes


def _authorise(store: Store, request: Request) -> str:
    """The name of a token that may write uplinks.

    Raises
    ------
    HTTPException : 401 without a valid token, 403 with one for something else.
    """
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else request.headers.get("x-lobeda-token", "")
    holder = tokens.holder(store, token) if token else tokens.NOBODY
    if not holder.scopes:
        raise HTTPException(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
    if tokens.UPLINKS_WRITE not in holder.scopes:
        raise HTTPException(403, f"the token has not the scope {tokens.UPLINKS_WRITE}")
    return holder.name


def _told(outcome: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {"status": outcome.status, "observations": outcome.observations}
    return {**told, "detail": outcome.reason} if outcome.reason else told
