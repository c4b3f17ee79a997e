"""A guard before every request: host names, origins, who asks and whether that one may, headers, the record.

It stands in front of everything, the websocket included, because Panel's own check covers pages only. It
refuses every host name but the server's own, so that a web page elsewhere cannot reach the server by pointing
its name to it, and it refuses what a page of another origin sends to change something. Who may do what stands
in `viewer.accounts.rights`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import Self
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sensors.errors import StoreError
from twin.errors import CallError
from viewer.accounts import requests, rights
from viewer.accounts.rights import Need, Right
from viewer.accounts.store import Accounts, Person

COOKIE = "lobeda_session"
SHARED = (
    "/api/participation",
    "/api/sensorthings",
    "/api/ogc",
    "/api/catalogue",
    "/api/catalogue.",
    "/api/files",
    "/api/openapi.json",
)  # sites published elsewhere may ask these
"""Below it answers may be read by pages of the sites that it names itself."""
RENEW_SECONDS = 5.0
LOOK_SECONDS = 5.0
"""How often an open websocket's session is looked at."""
ASKING: ContextVar[Person | None] = ContextVar("asking", default=None)
"""Who the guard found to ask, for what Panel makes on the way: its own requests are no longer ours."""
NONCE: ContextVar[str] = ContextVar("nonce", default="")
"""What inline scripts of the page that is asked for must name to run; new for each answer."""
_FORMS = ("/login", "/login/link", "/logout")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
BLOCKED_PORTS = frozenset(
    (
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
        104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513,
        514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720,
        1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    )
)  # fmt: skip
"""Ports on which browsers open no page: WHATWG's Fetch standard, https://fetch.spec.whatwg.org/#port-blocking."""
PUBLIC_POLICY = (
    "default-src 'none'; script-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' blob: data:; font-src 'self'; "
    "worker-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'"
)


def public_policy(api: str = "") -> str:
    """The public page's policy; with an address of calls on another host, that host may be asked too."""
    parts = urlsplit(api)
    if not parts.netloc:
        return PUBLIC_POLICY
    return PUBLIC_POLICY.replace("connect-src 'self'", f"connect-src 'self' {parts.scheme}://{parts.netloc}")


# Bokeh compiles templates, and puts its documents into inline scripts: those of the page itself alone run.
MANAGER_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' blob: data:; "
    "font-src 'self' data:; worker-src 'self' blob:; base-uri 'none'; form-action 'self'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Link:
    """The one-time login link for who sits at the terminal. Only its digest is kept.

    Parameters
    ----------
    token : of the first link; at least 16 characters.
    clock : seconds that only grow.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        if len(token) < 16:
            raise ValueError("a login token needs at least 16 characters")
        self._clock = clock
        self._token: bytes | None = _digest(token)
        self._renewed = -RENEW_SECONDS

    def redeem(self, token: str) -> bool:
        """Whether the token is the valid one, which then is void."""
        if self._token is None or not secrets.compare_digest(self._token, _digest(token)):
            return False
        self._token = None
        return True

    def renew(self) -> str | None:
        """A new token in place of the old one; None within a few seconds of the last."""
        now = self._clock()
        if now - self._renewed < RENEW_SECONDS:
            return None
        self._renewed = now
        token = secrets.token_urlsafe(32)
        self._token = _digest(token)
        return token


@dataclass(frozen=True)
class Reach:
    """Under which address people reach the server.

    url : ``https://host``; empty: on this machine alone, where no program of another one gets through.
    trust_proxy : whether X-Forwarded-For says who asks.

    Raises
    ------
    CallError : the address is none, or would send passwords in the clear.
    """

    url: str = ""
    trust_proxy: bool = False

    @classmethod
    def at(cls, url: str) -> Self:
        """Behind a proxy that is trusted where LOBEDA_TRUST_PROXY=1 says so."""
        return cls(url, trust_proxy=os.environ.get("LOBEDA_TRUST_PROXY") == "1")

    def __post_init__(self) -> None:
        if not self.url:
            return
        parts = urlsplit(self.url)
        if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.username:
            raise CallError(f"{self.url!r} is no address of a server", "--url", "Use https://host")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise CallError(
                "without TLS, passwords would travel in the clear",
                "--url",
                "Put a proxy before it: https://host",
            )

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.url.startswith("https://")

    def cookie(self, name: str) -> str:
        """What a cookie is called here."""
        return cookie_name(name, self.secure)

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names this server: this machine itself with any port, or the address."""
        return is_loopback(host) or (bool(self.url) and host.lower() == urlsplit(self.url).netloc.lower())

    def is_own(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` is of this server, that was asked as `host`."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        site, place = urlsplit(self.url), parts.netloc.lower()
        if site.netloc and place == site.netloc.lower():
            return parts.scheme == site.scheme
        return parts.scheme in ("http", "https") and bool(place) and place == host.lower()


HERE = Reach()
"""On this machine alone."""


@dataclass(frozen=True)
class Keeper:
    """Who comes in: the accounts, and under which address they come.

    accounts : without, nobody has a session.
    withheld, granted : rights that people without a link or an account lack here, or have beside theirs.
    """

    accounts: Accounts | None = None
    reach: Reach = HERE
    withheld: frozenset[Right] = frozenset()
    granted: frozenset[Right] = frozenset()

    def who(self, headers: Headers) -> Person | None:
        """Who asks by a session or a program's token; None: anybody.

        Raises
        ------
        StoreError : the accounts' database cannot be reached.
        """
        if self.accounts is None:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return self.accounts.program(token.strip())
        cookie = session_key(headers, self.reach)
        return self.accounts.who(cookie) if cookie else None

    def may(self, person: Person | None, right: Right) -> bool:
        """Whether somebody has a right; None: anybody."""
        if person is None:
            return right in (rights.RIGHTS[rights.Role.PUBLIC] | self.granted) - self.withheld
        return right in person.rights

    def may_write(self, request: HTTPConnection) -> bool:
        """Whether who sends a request may write comments and vote."""
        return self.may(person(request), Right.PARTICIPATE)


class Guard:
    """ASGI middleware: host names, who asks, origins, the headers of every answer, and the record."""

    def __init__(self, app: ASGIApp, keeper: Keeper, refused: Callable[[Scope, bool], Response]) -> None:
        self.app = app
        self.keeper = keeper
        self.refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path = str(scope["path"])
        need = rights.need_of(path)
        NONCE.set(secrets.token_urlsafe(16))
        secured = _with_headers(send, self.keeper.reach, path, private=need.right is not Right.LOOK)
        person, refusal = await self._decide(scope, headers, need)
        if refusal is not None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 4403})
            else:
                await refusal(scope, receive, secured)
            return
        scope.setdefault("state", {})["person"] = person
        ASKING.set(person)
        if self.keeper.reach.secure:
            scope["scheme"] = "wss" if scope["type"] == "websocket" else "https"  # in addresses that it names
        accounts = self.keeper.accounts
        note = None if person is None or accounts is None else partial(accounts.note, person.name)
        if note is not None:
            requests.bind(scope, note)
        if scope["type"] == "websocket":
            await self.app(scope, *self._while_open(receive, secured, headers, need))
            return
        action = need.exports if scope["method"] in rights.SAFE else need.record
        if not action or note is None:
            await self.app(scope, receive, secured)
            return
        await requests.recorded(self.app, scope, receive, secured, note, action)

    async def _decide(
        self, scope: Scope, headers: Headers, need: Need
    ) -> tuple[Person | None, Response | None]:
        """Who asks, and the answer where it is not let through."""
        reach = self.keeper.reach
        websocket = scope["type"] == "websocket"
        method = "WEBSOCKET" if websocket else str(scope["method"])
        host = headers.get("host", "")
        if not reach.answers_to(host):
            text = "This server does not answer to that name. Open it by its own address, or as localhost.\n"
            return None, PlainTextResponse(text, 421)
        if websocket and not reach.is_own(headers.get("origin", ""), host):
            return None, PlainTextResponse("Other origin.\n", 403)
        elsewhere = method not in rights.SAFE and not websocket and from_elsewhere(headers, reach)
        if elsewhere and (need.right is not Right.LOOK or str(scope["path"]) in _FORMS):
            return None, PlainTextResponse("Other origin.\n", 403)
        right = need.of(method)
        try:
            asks = not elsewhere and ("authorization" in headers or session_key(headers, reach))
            # Most visitors say nothing of themselves: they need not wait for a thread of a busy server.
            person = await run_in_threadpool(self.keeper.who, headers) if asks else None
        except StoreError:
            return None, None if self.keeper.may(None, right) else _away()
        if need.own_check or self.keeper.may(person, right):
            return person, None
        try:
            return person, await run_in_threadpool(self.refused, scope, person is not None)
        except StoreError:
            return person, _away()

    def _while_open(self, receive: Receive, send: Send, headers: Headers, need: Need) -> tuple[Receive, Send]:
        """Both ways of a websocket, until its session has ended, which is looked at every few seconds.

        Also of who says nothing: an open page is sent sensor values as they come.
        """
        looked, ended = time.monotonic(), False
        waiting: asyncio.Future[Message] | None = None

        async def closed() -> bool:
            try:
                person = await run_in_threadpool(self.keeper.who, headers)
            except StoreError:
                return False  # what is open stays open while the database is away
            return not self.keeper.may(person, need.of("WEBSOCKET"))

        async def next_message() -> Message:
            nonlocal looked, ended, waiting
            while not ended:
                waiting = waiting or asyncio.ensure_future(receive())
                left_s = looked + LOOK_SECONDS - time.monotonic()
                done, _ = await asyncio.wait({waiting}, timeout=max(left_s, 0.0))
                message = waiting.result() if done else None
                if message is not None:
                    waiting = None
                if message is None or (message["type"] == "websocket.receive" and left_s <= 0):
                    looked = time.monotonic()
                    ended = await closed()
                if message is not None and not ended:
                    return message
            if waiting is not None:
                waiting.cancel()
            await send({"type": "websocket.close", "code": 4403})
            return {"type": "websocket.disconnect", "code": 4403}

        async def while_open(message: Message) -> None:
            if not ended:
                await send(message)

        return next_message, while_open


def _away() -> Response:
    text = "The accounts' database does not answer. Try again in a minute.\n"
    return PlainTextResponse(text, 503, {"Retry-After": "30"})


def cookie_name(name: str, secure: bool) -> str:
    """What a cookie is called; by TLS so that no neighbour (other.town.example) can set it for us.

    Browsers take names with this prefix from the very host alone: RFC 6265bis, section 4.1.3.2.
    """
    return f"__Host-{name}" if secure else name


def session_key(headers: Headers, reach: Reach) -> str:
    """The session's key from the cookies; empty where there is none."""
    return cookie_of(headers, reach.cookie(COOKIE))


def cookie_of(headers: Headers, name: str) -> str:
    """The value of a cookie; empty where there is none."""
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def person(request: HTTPConnection) -> Person | None:
    """Who the guard found to ask; None: anybody."""
    found = request.scope.get("state", {}).get("person")
    return found if isinstance(found, Person) else None


def client_address(request: HTTPConnection, trust_proxy: bool) -> str:
    """Who asks, for limits alone; behind a trusted proxy the address that the proxy saw."""
    forwarded = request.headers.get("x-forwarded-for", "") if trust_proxy else ""
    last = forwarded.split(",")[-1].strip()
    return last or (request.client.host if request.client else "")


def from_elsewhere(headers: Headers, reach: Reach) -> bool:
    """Whether a page of another origin sends the request. Browsers cannot be made to leave this out.

    Sec-Fetch-Site comes first: without a referrer, browsers send our own forms with "null" as origin.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and not reach.is_own(origin, headers.get("host", ""))


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine itself, with any port."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False


def same_origin(headers: Headers) -> bool:
    """Whether the page that asks is of the very host and port that it calls."""
    return HERE.is_own(headers.get("origin", ""), headers.get("host", ""))


def _with_headers(send: Send, reach: Reach, path: str, private: bool) -> Send:
    panel = path == "/manage" or path.startswith("/manage/")
    policy = MANAGER_POLICY.format(nonce=NONCE.get()) if panel else PUBLIC_POLICY
    shared = any(rights.covers(address, path) for address in SHARED)

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
            for name, value in _HEADERS.items():
                headers[name] = value
            if reach.secure:
                headers["Strict-Transport-Security"] = "max-age=31536000"
            if not shared:
                del headers["Access-Control-Allow-Origin"]  # Bokeh lets any page read its answers
            if private:
                headers["Cache-Control"] = "no-store"
                del headers["X-Accel-Expires"]  # of a folder of files: a proxy would hand them to anybody
        await send(message)

    return wrapped


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
