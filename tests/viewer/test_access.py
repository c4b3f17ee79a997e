"""The guard before every request, around a tiny app."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tests.viewer.accounts import PASSWORD, Clock, cheap
from twin.errors import CallError
from viewer import access, login, pages
from viewer.accounts import audit
from viewer.accounts.rights import NEEDS, RIGHTS, Right, Role
from viewer.accounts.store import SESSION_SECONDS, Accounts

TOKEN = "a-login-token-of-some-length"
HOST = "127.0.0.1:5006"
SITE = "https://lobeda.example"
OUTSIDE = "__Host-lobeda_session"


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Accounts]:
    """One account for each role, named as it."""
    folder: Path = tmp_path_factory.mktemp("accounts")
    with Accounts.open(f"sqlite:///{folder}/sensors.sqlite", passwords=cheap(), clock=clock) as store:
        for role in ("modeler", "manager", "moderator", "administrator"):
            store.add(role, [role], PASSWORD, "test")
        yield store


async def _inner(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        assert (await receive())["type"] == "websocket.connect"
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    person = access.person(HTTPConnection(scope))
    await PlainTextResponse(person.name if person else "anybody")(scope, receive, send)


class Client:
    """Asks the guard as a browser at 127.0.0.1:5006 would."""

    def __init__(self, accounts: Accounts, **options: Any) -> None:
        keeper = access.Keeper(accounts, **options)
        self.guard = access.Guard(_inner, keeper, login.refusal(pages.Ways, (SITE,)))

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.guard)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.ask("GET", path, headers)

    def websocket(self, path: str, headers: dict[str, str], *texts: str) -> list[str]:
        """What the guard lets through after a handshake and `texts`."""
        sent: list[dict[str, Any]] = []
        given = iter(
            [{"type": "websocket.connect"}, *({"type": "websocket.receive", "text": t} for t in texts)]
        )

        async def send(message: Any) -> None:
            sent.append(dict(message))

        async def receive() -> Any:
            return next(given, {"type": "websocket.disconnect"})

        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "path": path, "headers": raw, "query_string": b""}
        asyncio.run(self.guard(scope, receive, send))
        return [message.get("text") or message["type"] for message in sent]


@pytest.fixture(scope="module")
def client(accounts: Accounts) -> Client:
    return Client(accounts)


def session(accounts: Accounts, name: str = "manager", cookie: str = access.COOKIE) -> dict[str, str]:
    return {"Cookie": f"{cookie}={accounts.log_in(name, PASSWORD)}", "Host": HOST}


def test_link_works_once_and_a_new_one_voids_it() -> None:
    clock = Seconds()
    link = access.Link(TOKEN, clock)
    assert not link.redeem("wrong") and not link.redeem("")
    assert link.redeem(TOKEN) and not link.redeem(TOKEN)
    first = link.renew()
    assert first and link.renew() is None
    clock.now += access.RENEW_SECONDS
    second = link.renew()
    assert second and not link.redeem(first) and link.redeem(second)
    with pytest.raises(ValueError, match="16 characters"):
        access.Link("short")


@pytest.mark.parametrize("path", ["/manage", "/manage/", "/manage/files/manager.js", "/manage/ws"])
def test_manager_needs_a_session(client: Client, accounts: Accounts, path: str) -> None:
    assert client.get(path).status_code == 401
    answer = client.get(path, headers=session(accounts))
    assert (answer.status_code, answer.text) == (200, "manager")
    assert answer.headers["Cache-Control"] == "no-store"


# The table that issue 7 asks for, by hand: what each role reaches.
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", {"modeler", "manager", "moderator", "administrator", None}),
        ("/manage", {"manager", "administrator"}),
        ("/manage/files/moderate.js", {"manager", "moderator", "administrator"}),
        ("/manage/report/x/file", {"manager", "administrator"}),
        ("/manage/scenarios/a.yaml", {"manager", "modeler", "administrator"}),
        ("/api/scenarios", {"manager", "modeler", "administrator"}),
        ("/api/scenarios/a.yaml", {"manager", "modeler", "administrator"}),
        ("/api/ogc/processes", {"modeler", "manager", "moderator", "administrator", None}),
        ("/api/ogc/jobs", {"manager", "modeler", "administrator"}),
        ("/api/ogc/jobs/x/results", {"manager", "modeler", "administrator"}),
        ("/moderate", {"moderator", "administrator"}),
        ("/moderate/comments.csv", {"moderator", "administrator"}),
        ("/api/participation", {"modeler", "manager", "moderator", "administrator", None}),
    ],
)
def test_each_role_reaches_its_own(
    client: Client, accounts: Accounts, path: str, allowed: set[str | None]
) -> None:
    for role in ("modeler", "manager", "moderator", "administrator", None):
        status = client.get(path, session(accounts, role) if role else None).status_code
        assert status == (200 if role in allowed else 403 if role else 401), role


def test_every_need_has_a_role_and_the_administrator_has_all() -> None:
    assert RIGHTS[Role.ADMINISTRATOR] == frozenset(Right)
    assert len({need.path for need in NEEDS}) == len(NEEDS)


def test_comments_can_be_kept_to_those_with_a_link(accounts: Accounts) -> None:
    closed = Client(accounts, withheld=frozenset({Right.PARTICIPATE}))
    path = "/api/participation/votes"
    assert closed.get(path).status_code == 200
    refused = closed.ask("POST", path)
    assert refused.status_code == 401 and refused.json()["error"] == "refused_needed"
    assert "Access-Control-Allow-Origin" not in refused.headers
    for own in ("status", "deletions"):  # whoever has a comment's code, also when the link has ended
        assert closed.ask("POST", f"/api/participation/{own}").status_code == 200
    other = closed.ask("POST", path, {"Origin": SITE})
    assert other.json()["message"] and other.headers["Access-Control-Allow-Origin"] == SITE
    cookie = accounts.log_in_link(accounts.add_link("street 5", 5, "test"))
    headers = {"Cookie": f"{access.COOKIE}={cookie}"}
    assert closed.ask("POST", path, headers).status_code == 200
    assert closed.get("/manage", headers).status_code == 403


def test_session_ends_by_time(client: Client, accounts: Accounts, clock: Clock) -> None:
    headers = session(accounts)
    clock.now += (SESSION_SECONDS - 1) * 1_000_000
    assert client.get("/manage", headers).status_code == 200
    clock.now += 2_000_000
    assert client.get("/manage", headers).status_code == 401


@pytest.mark.parametrize(
    ("header", "value"),
    [("Origin", "http://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site"),
     ("Sec-Fetch-Site", "same-site"), ("Origin", "http://127.0.0.1:9999")],
)  # fmt: skip
def test_other_sites_change_nothing_with_a_session(
    client: Client, accounts: Accounts, header: str, value: str
) -> None:
    headers = {**session(accounts, "administrator"), header: value}
    for path in ("/manage/report", "/moderate/undo", "/logout", "/login"):
        assert client.ask("POST", path, headers).status_code == 403
    # What everybody may send, they send as everybody: the session does not count.
    assert client.ask("POST", "/api/participation/votes", headers).text == "anybody"


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": f"http://{HOST}"}, {}],
    ids=["form without referrer", "script", "program"],
)
def test_own_pages_do(client: Client, accounts: Accounts, headers: dict[str, str]) -> None:
    mine = {**session(accounts, "administrator"), **headers}
    assert client.ask("POST", "/manage/report", mine).status_code == 200


def test_record_names_who_changed_and_exported_what(client: Client, accounts: Accounts) -> None:
    client.ask("DELETE", "/manage/report/42", session(accounts, "administrator"))
    client.get("/moderate/comments.csv", session(accounts, "moderator"))
    client.get("/manage", session(accounts))
    found = [(one.actor, one.action, one.object) for one in audit.entries(accounts, 5)]
    assert ("administrator", "report", "DELETE /manage/report/42") in found
    assert ("moderator", "export", "GET /moderate/comments.csv") in found
    assert not any(thing == "GET /manage" for _, _, thing in found)


def test_program_reaches_what_its_token_says(client: Client, accounts: Accounts) -> None:
    token = accounts.add_token("lab", "modeler", ["scenarios:read"], 10, "test")
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/manage/scenarios/a.yaml", bearer).text == "modeler/lab"
    assert client.ask("POST", "/manage/scenarios/a.yaml", bearer).status_code == 403
    assert client.get("/manage", bearer).status_code == 403
    # A token beside a session counts alone: a program never acts with a person's rights.
    assert client.get("/manage", {**session(accounts), **bearer}).status_code == 403
    assert client.get("/manage/scenarios/a.yaml", {"Authorization": "Bearer x"}).status_code == 401


def test_figures_of_the_server_need_a_token_where_others_reach_it(accounts: Accounts) -> None:
    here = Client(accounts, granted=frozenset({Right.READ_METRICS}))
    assert here.get("/metrics").status_code == 200
    outside = Client(accounts, reach=access.Reach(SITE))
    token = accounts.add_token("prometheus", "administrator", ["metrics:read"], 10, "test")
    assert outside.get("/metrics").status_code == 401
    assert outside.get("/metrics", {"Authorization": f"Bearer {token}"}).status_code == 200
    assert outside.get("/metrics", session(accounts, "manager", OUTSIDE)).status_code == 403
    other = accounts.add_token("other", "administrator", ["scenarios:read"], 10, "test")
    for headers, status, code in (
        ({"Authorization": f"Bearer {other}"}, 403, "refused_forbidden"), ({}, 401, "refused_needed"),
    ):  # fmt: skip
        answer = outside.get("/metrics", headers)
        assert answer.status_code == status and answer.json()["error"] == code  # no page: programs ask


def test_public_pages_need_none(client: Client) -> None:
    answer = client.get("/index.html")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' blob:;" in policy and "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy and "Strict-Transport-Security" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_only_scripts_that_an_answer_itself_names_run_in_the_managers_app(
    client: Client, accounts: Accounts
) -> None:
    policies = [client.get("/manage", session(accounts)).headers["Content-Security-Policy"] for _ in range(2)]
    named = [re.search(r"script-src 'self' 'nonce-([\w-]{22})' ", policy) for policy in policies]
    assert named[0] and named[1] and named[0][1] != named[1][1]
    assert all("unsafe-inline" not in policy.split("style-src")[0] for policy in policies)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1"]
)
def test_other_host_names_are_refused(client: Client, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:5006", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_this_machine_is_served(client: Client, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_behind_a_proxy_its_name_is_served_and_tls_kept(accounts: Accounts) -> None:
    outside = Client(accounts, reach=access.Reach(SITE))
    answer = outside.get("/", headers={"Host": "lobeda.example"})
    assert answer.status_code == 200 and "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert outside.get("/", headers={"Host": "evil.example"}).status_code == 421
    # Some proxies ask by the address that they connect to; the page's origin is the public name all the same.
    for host in ("lobeda.example", HOST):
        headers = {**session(accounts, cookie=OUTSIDE), "Host": host, "Origin": SITE}
        assert outside.websocket("/manage/ws", headers) == ["websocket.accept"]
        neighbours = {
            **headers,
            **session(accounts),
            "Host": host,
        }  # any host of the town's can set this name
        assert outside.websocket("/manage/ws", neighbours) != ["websocket.accept"]
        assert outside.websocket("/manage/ws", {**headers, "Origin": "https://evil.example"}) != [
            "websocket.accept"
        ]


@pytest.mark.parametrize(
    "url", ["http://lobeda.example", "https://", "https://a.example/path", "ftp://a", "https://u@a.example"]
)
def test_addresses_without_tls_or_host_are_refused(url: str) -> None:
    with pytest.raises(CallError, match="--url"):
        access.Reach(url)


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (SITE, True), ("http://lobeda.example", False), ("https://LOBEDA.example", True),
        ("https://lobeda.example:8443", False), ("https://127.0.0.1:5006", True), (f"http://{HOST}", True),
        ("ftp://127.0.0.1:5006", False), ("https://", False), ("null", False), ("", False),
    ],
)  # fmt: skip
def test_a_page_without_tls_is_none_of_a_site_with_it(origin: str, own: bool) -> None:
    """Who can read and change what goes unencrypted could else act as the site's own pages."""
    assert access.Reach(SITE).is_own(origin, HOST) is own


@pytest.mark.parametrize(
    ("origin", "cookie"),
    [
        ("http://evil.example", True), ("http://127.0.0.1:9999", True), ("null", True), ("", True),
        ("http://127.0.0.1:5006", False),
    ],
)  # fmt: skip
def test_websocket_needs_session_and_own_origin(
    client: Client, accounts: Accounts, origin: str, cookie: bool
) -> None:
    headers = {"Host": HOST, **(session(accounts) if cookie else {}), "Origin": origin}
    assert client.websocket("/manage/ws", headers) == ["websocket.close"]


def test_websocket_takes_nothing_more_after_its_session(
    client: Client, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {**session(accounts), "Origin": f"http://{HOST}"}
    monkeypatch.setattr(access, "LOOK_SECONDS", -1.0)
    assert client.websocket("/manage/ws", headers, "a", "b") == ["websocket.accept", "a", "b"]
    who, open_ = accounts.who, iter([True, True])  # the handshake and the first text
    monkeypatch.setattr(
        type(accounts), "who", lambda self, cookie: who(cookie) if next(open_, False) else None
    )
    assert client.websocket("/manage/ws", headers, "a", "b") == ["websocket.accept", "a", "websocket.close"]
