"""Who may see the manager's app: one-time login links, sessions in memory, and a guard before every request.

The guard stands in front of all of /manage and /moderate, the websocket included, because Panel's own check
covers pages only. It also refuses every host name but this machine's own, so that a web page elsewhere cannot
reach the server by pointing its name to 127.0.0.1.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "lobeda_session"
MANAGED = ("/manage", "/moderate")
"""Paths that need a session, with all below them."""
SHARED = (
    "/api/participation",
    "/api/sensorthings",
    "/api/ogc",
    "/api/catalogue",
)  # sites published elsewhere may ask these
"""Below it answers may be read by pages of the sites that it names itself."""
SESSION_SECONDS = 12 * 3600
RENEW_SECONDS = 5.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")
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


# Bokeh embeds its documents in inline scripts and compiles templates, so the manager's page needs both.
MANAGER_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
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


class Login:
    """Valid login tokens and open sessions. Only digests are kept, so a memory dump holds no key.

    Parameters
    ----------
    token : of the first login link; at least 16 characters.
    clock : seconds that only grow.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        if len(token) < 16:
            raise ValueError("a login token needs at least 16 characters")
        self._clock = clock
        self._token: bytes | None = _digest(token)
        self._sessions: dict[bytes, float] = {}
        self._renewed = -RENEW_SECONDS

    def redeem(self, token: str) -> str | None:
        """The key of a new session for the valid token, which then is void; None for any other."""
        if self._token is None or not secrets.compare_digest(self._token, _digest(token)):
            return None
        self._token = None
        key = secrets.token_urlsafe(32)
        self._sessions[_digest(key)] = self._clock() + SESSION_SECONDS
        return key

    def renew(self) -> str | None:
        """A new token in place of the old one; None within a few seconds of the last."""
        now = self._clock()
        if now - self._renewed < RENEW_SECONDS:
            return None
        self._renewed = now
        token = secrets.token_urlsafe(32)
        self._token = _digest(token)
        return token

    def knows(self, key: str) -> bool:
        """Whether `key` is of an open session."""
        now = self._clock()
        self._sessions = {known: until for known, until in self._sessions.items() if until > now}
        return bool(key) and any(secrets.compare_digest(known, _digest(key)) for known in self._sessions)

    def end(self, key: str) -> None:
        """Close the session of `key`."""
        self._sessions.pop(_digest(key), None)


class Guard:
    """ASGI middleware: host names, sessions, origins and the headers of every answer."""

    def __init__(self, app: ASGIApp, login: Login, refused: Callable[[Scope], Response]) -> None:
        self.app = app
        self.login = login
        self.refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path = str(scope["path"])
        managed = path.startswith(tuple(f"{one}/" for one in MANAGED)) or path in MANAGED
        panel = path == "/manage" or path.startswith("/manage/")
        if not is_loopback(headers.get("host", "")):
            text = "This server answers to localhost only. Open it as http://localhost and its port.\n"
            refusal: Response | None = PlainTextResponse(text, 421)
        elif scope["type"] == "websocket" and not same_origin(headers):
            refusal = PlainTextResponse("Other origin.\n", 403)
        elif managed and not self.login.knows(session_key(headers)):
            refusal = self.refused(scope)
        else:
            refusal = None
        policy = MANAGER_POLICY if panel else PUBLIC_POLICY
        shared = any(path == below or path.startswith(f"{below}/") for below in SHARED)
        secured = _with_headers(send, policy, private=managed, shared=shared)
        if refusal is None:
            await self.app(scope, receive, secured)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            await refusal(scope, receive, secured)


def session_key(headers: Headers) -> str:
    """The session's key from the cookies; empty where there is none."""
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine itself, with any port."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False


def same_origin(headers: Headers) -> bool:
    """Whether the page that opens a websocket is of the very host and port that it calls."""
    try:
        origin = urlsplit(headers.get("origin", ""))
    except ValueError:
        return False
    return origin.scheme in ("http", "https") and origin.netloc.lower() == headers.get("host", "").lower()


def _with_headers(send: Send, policy: str, private: bool, shared: bool) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
            for name, value in _HEADERS.items():
                headers[name] = value
            if not shared:
                del headers["Access-Control-Allow-Origin"]  # Bokeh lets any page read its answers
            if private:
                headers["Cache-Control"] = "no-store"
        await send(message)

    return wrapped


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
