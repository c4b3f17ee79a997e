"""Pages of the manager's app and their websockets: each for who opened it, and no longer than the session."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from bokeh.util.token import generate_jwt_token, get_session_id, get_token_payload
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.test_server import Running, running
from viewer import access
from viewer.accounts.store import Accounts

PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def web(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("accounts")
    with Accounts.open(f"sqlite:///{folder}/sensors.sqlite", passwords=cheap()) as accounts:
        for name in ("anna", "otto"):
            accounts.add(name, ["manager"], PASSWORD, "test")
        with running(accounts=accounts) as started:
            yield started


@contextmanager
def entered(web: Running, name: str) -> Iterator[httpx.Client]:
    with web.client() as client:
        assert client.post("/login", data={"name": name, "password": PASSWORD}).status_code == 200
        yield client


def token_of(client: httpx.Client) -> str:
    """Of a page that the client opens."""
    page = client.get("/manage")
    found = re.search(r'"token":\s*"([^"]+)"', page.text)
    assert page.status_code == 200 and found is not None
    return found[1]


def joining(web: Running, client: httpx.Client, token: str, origin: str = "") -> connect:
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return connect(
        f"{web.address.replace('http', 'ws', 1)}/manage/ws",
        max_size=2**28, origin=Origin(origin or web.address), additional_headers={"Cookie": cookie},
        subprotocols=[Subprotocol("bokeh"), Subprotocol(token)],
    )  # fmt: skip


async def acknowledged(socket: ClientConnection) -> bool:
    return '"ACK"' in str(await asyncio.wait_for(socket.recv(), PATIENCE_S))


async def joins(web: Running, client: httpx.Client, token: str, origin: str = "") -> bool:
    try:
        async with joining(web, client, token, origin) as socket:
            return await acknowledged(socket)
    except (InvalidStatus, ConnectionClosed):
        return False


def test_the_page_holds_no_session_cookie(web: Running) -> None:
    """A script in the page could read it there, where the cookie itself is kept from scripts."""
    with entered(web, "anna") as client:
        cookie = client.cookies[access.COOKIE]
        page = client.get("/manage").text
        payload = get_token_payload(token_of(client))
    assert cookie not in page and cookie.split(".")[0] not in page
    assert not payload["cookies"] and not payload["headers"]


def test_the_scripts_of_a_page_name_what_its_policy_asks(web: Running) -> None:
    with entered(web, "anna") as client:
        page = client.get("/manage")
    asked = re.search(r"'nonce-([^']+)'", page.headers["content-security-policy"])
    scripts = re.findall(r"<script[^>]*>", page.text)
    assert asked and len(scripts) >= 4
    assert all(f'nonce="{asked[1]}"' in script for script in scripts if 'type="module"' not in script)


def test_nobody_chooses_the_session_of_a_page(web: Running) -> None:
    with entered(web, "otto") as client:
        assert client.get("/manage?bokeh_session_id=fixed").status_code == 400
        assert client.get("/manage", params={"lang": "en", "bokeh%5Fsession_id": "x"}).status_code == 200
        assert client.get("/manage?bokeh%5Fsession%5Fid=fixed").status_code == 400
        assert client.get("/manage", headers={"Bokeh-Session-Id": "fixed"}).status_code == 400


def test_a_page_is_joined_by_who_opened_it_alone(web: Running) -> None:
    with entered(web, "anna") as anna, entered(web, "otto") as otto:
        token = token_of(otto)
        assert not asyncio.run(joins(web, anna, token))
        assert asyncio.run(joins(web, otto, token))


def test_a_token_that_the_server_did_not_sign_joins_nothing(web: Running) -> None:
    with entered(web, "anna") as anna:
        real = token_of(anna)
        forged = generate_jwt_token(get_session_id(real), signed=False, expiration=300)
        other = generate_jwt_token(
            get_session_id(real), signed=True, secret_key=b"another server's", expiration=300
        )
        for token in (forged, other, "x", ""):
            assert not asyncio.run(joins(web, anna, token or "-")), token
        assert asyncio.run(joins(web, anna, real))


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1:1", "null", "file://", "{own}.evil.example"]
)
def test_a_page_of_another_origin_joins_nothing(web: Running, origin: str) -> None:
    """With everything else right: cookie and token are the ones that its own page joins with."""
    with entered(web, "anna") as anna:
        token = token_of(anna)
        assert not asyncio.run(joins(web, anna, token, origin.format(own=web.address)))
        assert asyncio.run(joins(web, anna, token))


@pytest.mark.parametrize("end", ["logout", "roles", "disable"])
def test_an_open_page_is_sent_nothing_more_once_its_session_has_ended(
    monkeypatch: pytest.MonkeyPatch, web: Running, end: str
) -> None:
    """Also one that says nothing: values of sensors go on coming to it."""
    monkeypatch.setattr(access, "LOOK_SECONDS", 0.2)
    accounts: Accounts = web.app.state.accounts

    async def watch(client: httpx.Client) -> int | None:
        async with joining(web, client, token_of(client)) as socket:
            assert await acknowledged(socket)
            await asyncio.sleep(1)  # several looks
            assert socket.close_code is None
            if end == "logout":
                await asyncio.to_thread(client.post, "/logout", headers={"Origin": web.address})
            elif end == "roles":
                await asyncio.to_thread(accounts.set_roles, "otto", ["moderator"], "test")
            else:
                await asyncio.to_thread(accounts.disable, "otto", "test")
            await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
            return socket.close_code

    try:
        with entered(web, "otto") as client:
            assert asyncio.run(watch(client)) == 4403
    finally:
        accounts.set_roles("otto", ["manager"], "test")
        accounts.disable("otto", "test", enable=True)


def test_two_cookies_name_nobody_else_in_the_record(web: Running) -> None:
    """Programs differ in which of two they take: what is done counts for whom the guard let in."""
    with entered(web, "anna") as anna, web.client() as raw:
        cookie = f"{access.COOKIE}={anna.cookies[access.COOKIE]}"
        answer = raw.get("/manage", headers=[("Cookie", cookie), ("Cookie", f"{access.COOKIE}=junk")])
        assert answer.status_code == 200
        token = re.search(r'"token":\s*"([^"]+)"', answer.text)
        assert token is not None and asyncio.run(joins(web, anna, token[1]))
