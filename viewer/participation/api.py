"""``/api/participation``: what residents' pages read and send. JSON alone, no account; a cookie only
where the guard keeps comments to those who have a link.

    GET  /                                  what a comment may be, and how it is moderated
    GET  /proposals                         counts of all proposals
    GET  /proposals/{id}/comments           shown comments (?before=NUMBER for older ones), counts, and
                                            whether who asks may write
    POST /proposals/{id}/comments           {text, place?: {point: [east, north], group?}}
                                            → {id, code, state}; the code is given this once
    POST /votes                             {proposal | comment, value: 1 | 0 | -1, voter} → counts
    POST /status                            {code} → what became of one's own comment
    POST /deletions                         {code} → the comment is gone for good

Every refusal is ``{error, message}``, the message one sentence in the page's language (``?lang=``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Collection
from functools import wraps
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.responses import Response

from sensors.errors import StoreError
from sensors.store.calendar import ZONE
from sensors.times import from_us, now_us
from viewer.participation import http, rules
from viewer.participation.http import said
from viewer.participation.service import Participation
from viewer.participation.store import COMMENT, PROPOSAL, Place, Topic

PREFIX = "/api/participation"
PAGE = 50
_BEYOND_M = 500.0  # a place may lie so far outside of the district's buildings
_VOTER = re.compile(r"[A-Za-z0-9_-]{20,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,14}")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "content-type",
    "Access-Control-Max-Age": "600",
}
_Handler = Callable[..., Awaitable[Any]]


def router(taken: Participation, may_write: Callable[[Request], bool] = lambda _request: True) -> APIRouter:
    """The interface on `taken`.

    may_write : whether the guard lets comments and votes of who asks through.
    """
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)
    store, settings = taken.store, taken.settings

    def answering(work: _Handler) -> Callable[..., Awaitable[Response]]:
        """Origins, errors and headers, the same for all."""

        @wraps(work)
        async def handler(request: Request, **given: str) -> Response:
            site = ""
            try:
                site = http.require_origin(request, settings)
                found = await work(request, **given)
                response = found if isinstance(found, Response) else JSONResponse(found)
            except http.Answer as answer:
                response = answer.response
            except StoreError:
                response = said(request, "refused_store", 503).response
                response.headers["Retry-After"] = "30"
            return http.shared(response, site)

        return handler

    def limit(request: Request, kind: str) -> str:
        address = http.client_address(request, settings)
        wait_s = taken.limiter.wait_s(kind, address)
        if wait_s:
            minutes = math.ceil(wait_s / 60)
            answer = said(request, "refused_often", 429, minutes=minutes)
            answer.response.headers["Retry-After"] = str(wait_s)
            raise answer
        return address

    def known(request: Request, proposal: str) -> Topic:
        topic = taken.topic(proposal)
        if topic is None:
            raise said(request, "refused_unknown", 404)
        return topic

    def still_open(request: Request, proposal: str) -> None:
        if not known(request, proposal).is_open(now_us()):
            raise said(request, "refused_closed", 409)

    @routes.get("")
    @answering
    async def about(request: Request) -> Any:
        return {
            "length": rules.LENGTH_MAX, "links": rules.LINKS_MAX, "moderation": settings.moderation,
            "keep_months": settings.keep_months,
        }  # fmt: skip

    @routes.get("/proposals")
    @answering
    async def proposals(request: Request) -> Any:
        def work() -> Any:
            counts, moment = store.counts(), now_us()
            return {
                "proposals": [
                    {"id": name, "open": topic.is_open(moment), **_counted(counts[name])}
                    for name, topic in store.topics().items()
                ]
            }

        return await run_in_threadpool(work)

    @routes.get("/proposals/{proposal}/comments")
    @answering
    async def read(request: Request, proposal: str) -> Any:
        before = request.query_params.get("before", "")
        older = int(before) if _NUMBER.fullmatch(before) else None

        def work() -> Any:
            topic = known(request, proposal)
            rows = store.shown(proposal, before=older, limit=PAGE + 1)
            return {
                "id": proposal,
                "open": topic.is_open(now_us()),
                "may_write": may_write(request),
                "moderation": settings.moderation,
                "length": rules.LENGTH_MAX,
                **_counted(store.counts()[proposal]),
                "comments": [_public(row) for row in rows[:PAGE]],
                "more": len(rows) > PAGE,
            }

        return await run_in_threadpool(work)

    @routes.post("/proposals/{proposal}/comments")
    @answering
    async def send(request: Request, proposal: str) -> Any:
        given = await http.body(request, rules.BODY_BYTES_MAX)

        def work() -> Any:
            still_open(request, proposal)
            try:
                place = _place(given.get("place"), taken.bounds, taken.groups)
            except ValueError:
                raise said(request, "refused_place", 422) from None
            text = given.get("text")
            if not isinstance(text, str):
                raise said(request, "refused_json", 400)
            try:
                plain = rules.checked(text)
            except rules.Refused as refused:
                raise said(request, f"refused_{refused.reason}", 422, **refused.values) from None
            mark = rules.fingerprint(plain)
            if store.says(proposal, mark):
                raise said(request, "refused_duplicate", 409)
            address = limit(request, "comment")
            same = f"{proposal}\n{mark}"
            if taken.limiter.said_before(address, same):
                raise said(request, "refused_duplicate", 409)
            shown = settings.moderation == "after"
            try:
                number, code = store.add(proposal, plain, place, shown=shown, fingerprint=mark)
            except BaseException:
                taken.limiter.forget(address, same)
                raise
            return JSONResponse({"id": number, "code": code, "state": "shown" if shown else "waiting"}, 201)

        return await run_in_threadpool(work)

    @routes.post("/votes")
    @answering
    async def vote(request: Request) -> Any:
        given = await http.body(request, 1024)

        def work() -> Any:
            target, target_id, topic_id = _target(given, store.can_vote_on)
            value, voter = given.get("value"), given.get("voter")
            sound = isinstance(voter, str) and _VOTER.fullmatch(voter)
            if topic_id is None:
                raise said(request, "refused_unknown", 404)
            if type(value) is not int or value not in (-1, 0, 1) or not sound:
                raise said(request, "refused_json", 400)
            still_open(request, topic_id)
            limit(request, "vote")
            store.vote(target, target_id, str(voter), value)
            return {"votes": store.votes(target, target_id)}

        return await run_in_threadpool(work)

    @routes.post("/status")
    @answering
    async def status(request: Request) -> Any:
        given = await http.body(request, 1024)

        def work() -> Any:
            limit(request, "code")
            row = store.by_code(_code(given))
            if row is None:
                raise said(request, "refused_code", 404)
            return {
                "id": row["id"], "proposal": row["topic_id"], "state": row["state"], "text": row["text"],
                "reason": row["reason"], "answer": row["answer"],
            }  # fmt: skip

        return await run_in_threadpool(work)

    @routes.post("/deletions")
    @answering
    async def delete(request: Request) -> Any:
        given = await http.body(request, 1024)

        def work() -> Any:
            limit(request, "code")
            number = store.delete_by_code(_code(given))
            if number is None:
                raise said(request, "refused_code", 404)
            return {"id": number, "state": "deleted"}

        return await run_in_threadpool(work)

    @routes.options("/{path:path}")
    async def preflight(request: Request, path: str) -> Response:
        try:
            site = http.require_origin(request, settings)
        except http.Answer as answer:
            return answer.response
        return http.shared(Response(status_code=204, headers=_PREFLIGHT if site else None), site)

    return routes


def _public(row: dict[str, Any]) -> dict[str, Any]:
    """What everybody may know of a shown comment."""
    place = None
    if row["east_m"] is not None:
        place = {"point": [row["east_m"], row["north_m"]], "group": row["group_id"]}
    answer = None
    if row["answer"]:
        answer = {"text": row["answer"], "date": _day(row["answered_at"])}
    return {
        "id": row["id"],
        "text": row["text"],
        "date": _day(row["created_at"]),
        "place": place,
        "votes": {"agree": row["agree"], "disagree": row["disagree"]},
        "answer": answer,
    }


def _counted(counts: dict[str, int]) -> dict[str, Any]:
    votes = ("agree", "disagree")
    return {
        "votes": {name: counts[name] for name in votes},
        "counts": {name: number for name, number in counts.items() if name not in votes},
    }


def _day(time: int | None) -> str | None:
    return None if time is None else from_us(time).astimezone(ZONE).date().isoformat()


def _code(given: dict[str, Any]) -> str:
    code = given.get("code")
    return code[:64] if isinstance(code, str) else ""


def _target(given: dict[str, Any], topic_of: Callable[[int], str | None]) -> tuple[str, str, str | None]:
    """Kind and id of what is voted on, and its topic; None: there is no such thing."""
    proposal, comment = given.get("proposal"), given.get("comment")
    if isinstance(proposal, str) and comment is None:
        return PROPOSAL, proposal, proposal
    if type(comment) is int and proposal is None and _NUMBER.fullmatch(str(comment)):
        return COMMENT, str(comment), topic_of(comment)
    return COMMENT, "", None


def _place(given: Any, bounds: tuple[float, ...] | None, groups: Collection[str]) -> Place | None:
    """The place that was sent, None without one.

    Raises
    ------
    ValueError : it is no place of the district, or names a group that is none.
    """
    if given is None:
        return None
    point = given.get("point") if isinstance(given, dict) else None
    if not isinstance(point, list) or len(point) != 2 or not all(type(v) in (int, float) for v in point):
        raise ValueError(given)
    if not all(abs(v) < 1e8 for v in point):  # whole numbers may be too long for a float; NaN is not below
        raise ValueError(given)
    east, north = (float(v) for v in point)
    group = given.get("group")
    if group is not None and not (isinstance(group, str) and group in groups):
        raise ValueError(given)
    if bounds is not None:
        west, south, far_east, far_north = bounds
        inside = west - _BEYOND_M <= east <= far_east + _BEYOND_M
        if not (inside and south - _BEYOND_M <= north <= far_north + _BEYOND_M):
            raise ValueError(given)
    return Place(east, north, group)
