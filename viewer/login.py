"""The pages of logging in and out: by name and password, by the terminal's link, by a resident's link."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Scope

from viewer import access, bodies, format, pages, texts
from viewer.accounts import openid
from viewer.accounts.passwords import AT_ONCE
from viewer.accounts.rights import Right, Role
from viewer.accounts.store import SESSION_SECONDS, Accounts, Person, Refused
from viewer.participation import api as participation
from viewer.participation import http
from viewer.participation.limits import MINUTE_S, Limit, Limiter, network
from viewer.turns import BusyError, Turns

_log = logging.getLogger("lobeda.login")
FORM_BYTES_MAX = 4096
NAME_MAX = 100
"""Characters of a name that the login page takes."""
LIMITS = {kind: (Limit(10 * MINUTE_S, 30, None),) for kind in ("password", "link", "openid")}
"""By address alone: a limit on all together would let one stranger keep everybody out."""
BUSY_S = 5
"""When to come again where too many log in at once. [s]"""
HOMES = ((Right.PLAN, "/manage"), (Right.MODERATE, "/moderate"))


@dataclass(frozen=True)
class Doors:
    """The ways in.

    link : of the terminal, where this server is not administered by accounts; None: nobody sits there.
    announce : takes the path of a further link that somebody asked for, for the terminal alone.
    hashing, asking : turns of those whose password is computed, and for whom the provider is asked.
    """

    accounts: Accounts
    link: access.Link | None
    announce: Callable[[str], None]
    reach: access.Reach = access.HERE
    openid: openid.Provider | None = None
    limiter: Limiter = field(default_factory=lambda: Limiter(LIMITS))
    hashing: Turns = field(default_factory=lambda: Turns(AT_ONCE, 20))
    asking: Turns = field(default_factory=lambda: Turns(4, 40))

    def ways(self) -> pages.Ways:
        """What the login page offers now."""
        known = [one for one in self.accounts.listed() if not one.disabled]
        administered = any(Role.ADMINISTRATOR in one.roles for one in known)
        password = any(one.kind == "password" for one in known)
        terminal = self.link is not None and not administered and self.openid is None
        return pages.Ways(password, terminal, openid=self.openid is not None)

    def own_address(self, request: Request) -> str:
        """Under which address this browser reaches the server; the guard knows its name."""
        return self.reach.url or f"{request.url.scheme}://{request.headers['host']}"


def router(doors: Doors) -> APIRouter:
    """The pages on `doors`; the guard refuses forms that other sites send."""
    routes = APIRouter(include_in_schema=False)
    accounts = doors.accounts

    def forget(response: Response, name: str) -> None:
        # Browsers take a name with __Host- from a secure cookie alone, its end included.
        response.delete_cookie(doors.reach.cookie(name), path="/", secure=doors.reach.secure)

    def show(request: Request, state: str, status: int = 200, **values: str) -> Response:
        return HTMLResponse(pages.login(language(request), state, doors.ways(), **values), status)

    def address(request: Request) -> str:
        return access.client_address(request, doors.reach.trust_proxy)

    def limited(request: Request, kind: str) -> Response | None:
        wait_s = doors.limiter.wait_s(kind, address(request))
        if not wait_s:
            return None
        return later(show(request, "often", 429, minutes=_minutes(request, wait_s)), wait_s)

    async def in_turn(request: Request, turns: Turns, work: Callable[[], Response]) -> Response:
        try:
            return await turns.run(work)
        except BusyError:
            return later(show(request, "busy", 503), BUSY_S)

    def let_in(request: Request, cookie: str) -> Response:
        """A page, no redirect: on one that began elsewhere the browser holds a strict cookie back."""
        old = access.session_key(request.headers, doors.reach)
        if old:
            accounts.log_out(old)
        home = home_of(accounts.who(cookie))
        response = show(request, "done", home=home)
        response.headers["Refresh"] = f"0; url={home}"
        response.headers["Cache-Control"] = "no-store"
        response.set_cookie(
            doors.reach.cookie(access.COOKIE), cookie, max_age=SESSION_SECONDS, path="/", httponly=True,
            samesite="strict", secure=doors.reach.secure,
        )  # fmt: skip
        return response

    @routes.get("/login")
    def enter(request: Request, token: str = "", link: str = "") -> Response:
        """A link shows a button: another site could lead a manager to it, out of their own session.

        The terminal's goes on at once where nobody is logged in, since who sits there alone knows it.
        """
        if not token and not link:
            return show(request, "needed")
        if token and access.person(request) is None:
            return limited(request, "link") or by_token(request, token)
        return show(request, "link", token=token, link=link)

    def by_token(request: Request, token: str) -> Response:
        if doors.link and doors.ways().terminal and doors.link.redeem(token):
            return let_in(request, accounts.log_in_terminal())
        return show(request, "used", 403)

    def by_link(request: Request, link: str) -> Response:
        try:
            return let_in(request, accounts.log_in_link(link))
        except Refused:
            return show(request, "used", 403)

    def by_password(request: Request, name: str, password: str) -> Response:
        try:
            return let_in(request, accounts.log_in(name, password, network(address(request))))
        except Refused as no:
            kept = name[:NAME_MAX]  # who mistyped the password need not write it again
            if no.wait_s:
                minutes = _minutes(request, no.wait_s)
                return later(show(request, "locked", 429, minutes=minutes, name=kept), no.wait_s)
            return show(request, "wrong", 403, name=kept)

    @routes.post("/login")
    async def sent(request: Request) -> Response:
        given = await form(request)
        token, link = given.get("token", ""), given.get("link", "")
        if token or link:
            work = partial(by_token, request, token) if token else partial(by_link, request, link)
            refused = limited(request, "link")
            return await run_in_threadpool(work) if refused is None else refused
        if refused := limited(request, "password"):
            return refused
        tried = partial(by_password, request, given.get("name", ""), given.get("password", ""))
        return await in_turn(request, doors.hashing, tried)

    async def at_provider(request: Request, work: Callable[[Request, openid.Provider], Response]) -> Response:
        if doors.openid is None:
            return show(request, "needed", 404)
        if refused := limited(request, "openid"):
            return refused
        return await in_turn(request, doors.asking, partial(work, request, doors.openid))

    @routes.get(openid.BEGIN)
    async def to_provider(request: Request) -> Response:
        return await at_provider(request, begin)

    @routes.get(openid.DONE)
    async def from_provider(request: Request) -> Response:
        return await at_provider(request, end)

    def begin(request: Request, provider: openid.Provider) -> Response:
        try:
            where, cookie = provider.begin(doors.own_address(request))
        except openid.Failed as error:
            return failed(request, error, 502)
        response = RedirectResponse(where, 303)
        response.headers["Cache-Control"] = "no-store"
        response.set_cookie(
            doors.reach.cookie(openid.COOKIE), cookie, max_age=openid.PENDING_S, path="/", httponly=True,
            samesite="lax", secure=doors.reach.secure,
        )  # fmt: skip
        return response

    def end(request: Request, provider: openid.Provider) -> Response:
        cookie = access.cookie_of(request.headers, doors.reach.cookie(openid.COOKIE))
        try:
            key = provider.end(doors.own_address(request), request.url.query, cookie)
            response = let_in(request, key)
        except openid.Failed as error:
            response = failed(request, error, 403)
        except Refused:
            response = show(request, "forbidden", 403)
        forget(response, openid.COOKIE)
        return response

    def failed(request: Request, error: openid.Failed, status: int) -> Response:
        _log.warning("OpenID login refused: %s", error)
        return show(request, "stranger" if error.stranger else "failed", status)

    @routes.post("/login/link")
    def renew(request: Request) -> Response:
        if doors.link is None or not doors.ways().terminal:
            return show(request, "needed", 403)
        token = doors.link.renew()
        if token is None:
            return show(request, "wait", 429)
        doors.announce(f"/login?token={token}")
        return show(request, "renewed")

    @routes.post("/logout")
    def leave(request: Request) -> Response:
        accounts.log_out(access.session_key(request.headers, doors.reach))
        response = RedirectResponse("/", 303)
        forget(response, access.COOKIE)
        return response

    return routes


def refusal(ways: Callable[[], pages.Ways], sites: Collection[str] = ()) -> Callable[[Scope, bool], Response]:
    """What the guard answers to who may not see a page: log in, or that one's account is not for it.

    Below /api/, programs and pages' scripts ask, and for /metrics programs alone: they get JSON, which pages
    of `sites` can read too.
    """

    def answer(scope: Scope, known: bool) -> Response:
        request = Request({**scope, "type": "http"})
        state, status = ("forbidden", 403) if known else ("needed", 401)
        if request.url.path.startswith("/api/") or request.url.path == "/metrics":
            section = "participation" if request.url.path.startswith(f"{participation.PREFIX}/") else "login"
            refused = http.said(request, f"refused_{state}", status, section).response
            named = request.headers.get("origin", "")
            return http.shared(refused, named if named in sites else "")
        return HTMLResponse(pages.login(language(request), state, ways()), status)

    return answer


def later(answer: Response, wait_s: int) -> Response:
    """The answer, saying when to come again."""
    answer.headers["Retry-After"] = str(wait_s)
    return answer


def home_of(person: Person | None) -> str:
    """Where somebody's work is."""
    if person is None:
        return "/"
    return next((path for right, path in HOMES if right in person.rights), "/")


def language(request: Request) -> str:
    """The first language of the browser that has texts, else the default."""
    return texts.preferred(request.headers.get("accept-language", ""))


async def form(request: Request) -> dict[str, str]:
    """The first value of each field of a form, never reading more than it may hold."""
    content = await bodies.read(request, FORM_BYTES_MAX)
    if content is None:
        return {}
    try:
        fields = parse_qs(content.decode("ascii"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _minutes(request: Request, wait_s: int) -> str:
    return format.number(math.ceil(wait_s / 60), language(request))
