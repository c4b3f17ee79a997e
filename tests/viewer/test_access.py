"""The guard before every request, around a tiny app."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from viewer import access

TOKEN = "a-login-token-of-some-length"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def login() -> access.Login:
    return access.Login(TOKEN, Clock())


async def _inner(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await PlainTextResponse("inside")(scope, receive, send)


class Client:
    """Asks the guard as a browser at 127.0.0.1:5006 would."""

    def __init__(self, login: access.Login) -> None:
        self.guard = access.Guard(_inner, login, lambda scope: PlainTextResponse("login", 401))

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.guard)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5006") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())

    def opens_websocket(self, path: str, headers: dict[str, str]) -> bool:
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(dict(message))

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "path": path, "headers": raw, "query_string": b""}
        asyncio.run(self.guard(scope, receive, send))
        assert [message["type"] for message in sent] in (["websocket.accept"], ["websocket.close"])
        return sent[0]["type"] == "websocket.accept"


@pytest.fixture
def client(login: access.Login) -> Client:
    return Client(login)


def test_token_works_once(login: access.Login) -> None:
    key = login.redeem(TOKEN)
    assert key and login.knows(key)
    assert login.redeem(TOKEN) is None
    assert not login.knows(key + "x") and not login.knows("")


def test_wrong_token_does_not_spend_the_right_one(login: access.Login) -> None:
    assert login.redeem("wrong") is None
    assert login.redeem("") is None
    assert login.redeem(TOKEN)


def test_session_ends_by_time_and_by_logout() -> None:
    clock = Clock()
    login = access.Login(TOKEN, clock)
    key = login.redeem(TOKEN)
    assert key
    clock.now += access.SESSION_SECONDS - 1
    assert login.knows(key)
    clock.now += 2
    assert not login.knows(key)
    clock.now += 60
    token = login.renew()
    assert token
    again = login.redeem(token)
    assert again
    login.end(again)
    assert not login.knows(again)


def test_new_links_are_rare_and_void_the_old() -> None:
    clock = Clock()
    login = access.Login(TOKEN, clock)
    first = login.renew()
    assert first and login.renew() is None
    clock.now += access.RENEW_SECONDS
    second = login.renew()
    assert second and login.redeem(first) is None and login.redeem(TOKEN) is None and login.redeem(second)


def test_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="16 characters"):
        access.Login("short")


@pytest.mark.parametrize("path", ["/manage", "/manage/", "/manage/files/manager.js", "/manage/ws"])
def test_manager_needs_a_session(client: Client, login: access.Login, path: str) -> None:
    assert client.get(path).status_code == 401
    key = login.redeem(TOKEN)
    answer = client.get(path, headers={"Cookie": f"{access.COOKIE}={key}"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_public_pages_need_none(client: Client) -> None:
    answer = client.get("/index.html")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' blob:;" in policy and "unsafe-eval" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1"]
)
def test_other_host_names_are_refused(client: Client, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:5006", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_this_machine_is_served(client: Client, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "cookie"),
    [
        ("http://evil.example", True), ("http://127.0.0.1:9999", True), ("null", True), ("", True),
        ("http://127.0.0.1:5006", False),
    ],
)  # fmt: skip
def test_websocket_needs_session_and_own_origin(
    client: Client, login: access.Login, origin: str, cookie: bool
) -> None:
    headers = {"Origin": origin, "Host": "127.0.0.1:5006"}
    if cookie:
        headers["Cookie"] = f"{access.COOKIE}={login.redeem(TOKEN)}"
    assert not client.opens_websocket("/manage/ws", headers)


def test_websocket_opens_for_the_manager(client: Client, login: access.Login) -> None:
    headers = {
        "Origin": "http://127.0.0.1:5006", "Host": "127.0.0.1:5006",
        "Cookie": f"{access.COOKIE}={login.redeem(TOKEN)}",
    }  # fmt: skip
    assert client.opens_websocket("/manage/ws", headers)
