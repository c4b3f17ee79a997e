"""``/moderate``: the moderator's page and what it asks, behind the login of the manager's app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.responses import Response

from sensors.errors import StoreError
from sensors.times import from_us
from twin.district import District
from viewer import access, pages, texts
from viewer.accounts.requests import noter
from viewer.participation import http, moderation
from viewer.participation.http import said
from viewer.participation.service import Participation
from viewer.participation.store import STATES

PREFIX = "/moderate"
BODY_BYTES_MAX = 65_536


def router(taken: Participation, district: District) -> APIRouter:
    """The page and its interface; the guard of `viewer.access` stands before both."""
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)
    store = taken.store

    @routes.get("")
    def page(request: Request) -> Response:
        language = http.language(request)
        return HTMLResponse(
            pages.template("moderate.html").render(
                **pages.context(language),
                district_title=pages.district_title(district, language),
                moderation=taken.settings.moderation,
                keep_months=taken.settings.keep_months,
                policy=access.PUBLIC_POLICY,
            )
        )

    @routes.get("/texts")
    def words(request: Request) -> Response:
        known = texts.load(http.language(request))
        mine = ("moderation.", "participation.", "app.", "language.")
        return JSONResponse({key: text for key, text in known.items() if key.startswith(mine)})

    @routes.get("/comments")
    def listed(request: Request) -> Response:
        asked = request.query_params
        before = asked.get("before", "")
        state = asked.get("state", "")

        def work() -> Any:
            rows, more = moderation.listed(
                store,
                state=state if state in STATES else "",
                topic_id=asked.get("proposal", ""),
                query=asked.get("q", "")[:200],
                before=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None,
            )
            return {
                "comments": [_row(row) for row in rows],
                "more": more,
                "totals": moderation.totals(store),
                "proposals": {name: dict(topic.titles) for name, topic in store.topics().items()},
                "undo": moderation.last_decision(store),
            }

        return _answered(request, work)

    @routes.get("/comments.csv")
    def export(request: Request) -> Response:
        def work() -> Response:
            named = {"Content-Disposition": 'attachment; filename="comments.csv"'}
            return Response(moderation.as_csv(store), media_type="text/csv; charset=utf-8", headers=named)

        return _answered(request, work)

    @routes.post("/comments/{number}")
    async def decide(request: Request, number: int) -> Response:
        """{action: show | hide | refuse | answer | delete, text}"""

        def work(given: dict[str, Any]) -> Any:
            action, text = given.get("action"), given.get("text", "")
            if not isinstance(action, str) or not isinstance(text, str):
                raise said(request, "refused_json", 400)
            noter(request)(f"comment.{action[:20]}", str(number))
            made = moderation.decide(store, number, action, text, actor=_name(request))
            return {"decision": made, "comment": _row(moderation.one(store, number))}

        return await _changed(request, work)

    @routes.post("/undo")
    async def undo(request: Request) -> Response:
        """{decision}"""

        def work(given: dict[str, Any]) -> Any:
            wanted = given.get("decision")
            if type(wanted) is not int:
                raise said(request, "refused_json", 400)
            noter(request)("comment.undo", f"decision {wanted}")
            number = moderation.undo(store, wanted, actor=_name(request))
            return {"comment": _row(moderation.one(store, number))}

        return await _changed(request, work)

    async def _changed(request: Request, work: Callable[[dict[str, Any]], Any]) -> Response:
        try:
            http.require_own(request, taken.settings)
            given = await http.body(request, BODY_BYTES_MAX)
        except http.Answer as answer:
            return answer.response
        return await run_in_threadpool(_answered, request, lambda: work(given))

    return routes


def _name(request: Request) -> str:
    """Who decides; the trail of a comment says it."""
    found = access.person(request)
    return "moderator" if found is None else found.name


def _answered(request: Request, work: Callable[[], Any]) -> Response:
    try:
        found = work()
    except http.Answer as answer:
        return answer.response
    except moderation.NotPossible as refused:
        status = 404 if refused.reason == "gone" else 409 if refused.reason in ("state", "undo") else 422
        return said(request, f"cannot_{refused.reason}", status, "moderation").response
    except StoreError:
        return said(request, "refused_store", 503).response
    return found if isinstance(found, Response) else JSONResponse(found)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A comment as the page shows it: all but the digests."""
    return {
        **{name: row[name] for name in ("id", "state", "text", "answer", "reason", "agree", "disagree")},
        "proposal": row["topic_id"],
        "place": None if row["east_m"] is None else [row["east_m"], row["north_m"]],
        "group": row["group_id"],
        "created": from_us(row["created_at"]).isoformat(),
        "trail": [
            {
                "id": one["id"], "at": from_us(one["made_at"]).isoformat(), "actor": one["actor"],
                "action": one["action"], "reason": one["reason"], "undone": one["undone_at"] is not None,
            }
            for one in row["trail"]
        ],
    }  # fmt: skip
