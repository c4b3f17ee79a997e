"""The real server on a real port: what is open, what is not, and how it says so."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from scenarios.scenario import Scenario
from tests.viewer.accounts import PASSWORD, cheap
from tests.viewer.districts import SECRET_OWNER, small
from tests.viewer.test_legal import FILLED
from twin.errors import CallError
from viewer import privacy, publish, server
from viewer.access import COOKIE
from viewer.accounts import rights
from viewer.accounts.recording import RecordedShelf
from viewer.accounts.store import Accounts
from viewer.connection import Connection
from viewer.participation.service import Participation
from viewer.participation.store import Comments, Topic

TOKEN = "token-of-the-first-login-link"


@dataclass
class Running:
    address: str
    links: list[str]
    app: FastAPI

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=30)


@contextlib.contextmanager
def running(**options: Any) -> Iterator[Running]:
    links: list[str] = []
    app = server.create_app(small(), token=TOKEN, announce=links.append, **options)
    with serving(app) as address:
        yield Running(address, links, app)


@contextlib.contextmanager
def serving(app: FastAPI, listener: socket.socket | None = None) -> Iterator[str]:
    """The address at which `app` really answers while the block stands."""
    config = uvicorn.Config(
        app, port=0, log_level="warning", access_log=False, proxy_headers=False, http=Connection
    )
    listener = listener or socket.create_server(("127.0.0.1", 0))
    process = uvicorn.Server(config)
    thread = threading.Thread(target=process.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not process.started and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        process.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture(scope="module")
def web(bundle: Path) -> Iterator[Running]:
    with running() as started:
        yield started


def test_public_page_is_what_publish_writes(web: Running, site: Path) -> None:
    with web.client() as client:
        for file in site.rglob("*"):
            if file.is_file() and file.suffix not in publish.PACKINGS:
                path = file.relative_to(site).as_posix()
                answer = client.get(f"/{path}")
                assert (answer.status_code, answer.content) == (200, file.read_bytes()), path
        assert client.get("/").content == (site / "index.html").read_bytes()
        assert "set-cookie" not in client.get("/").headers


def test_every_answer_is_guarded(web: Running) -> None:
    """Panel installs routes and, from 1.10, a middleware of its own: none may stand before the guard."""
    with web.client() as client:
        for path in ("/manage", "/manage/", "/manage/ws", "/manage/autoload.js", "/manage/files/manager.js",
                     "/moderate", "/moderate/", "/moderate/comments"):  # fmt: skip
            assert client.get(path).status_code == 401, path
        for path in ("/", "/manage", "/static/js/bokeh.min.js", "/healthz"):
            headers = client.get(path, headers={"Origin": "http://evil.example"}).headers
            assert "content-security-policy" in headers and "x-content-type-options" in headers, path
            assert "access-control-allow-origin" not in headers, path
            assert client.get(path, headers={"Host": "evil.example"}).status_code == 421, path


def test_files_with_hashes_stay_cached_and_come_compressed(web: Running, site: Path) -> None:
    script = next(site.glob("app-*/ui.js")).relative_to(site).as_posix()
    with web.client() as client:
        hashed = client.get(f"/{script}")
        assert "immutable" in hashed.headers["cache-control"]
        for wanted, found in (("br, gzip", "br"), ("gzip", "gzip"), ("gzip, br;q=0.5", "gzip")):
            packed = client.get(f"/{script}", headers={"Accept-Encoding": wanted})
            assert packed.headers["content-encoding"] == found and packed.content == hashed.content
            start = client.get("/", headers={"Accept-Encoding": wanted})
            assert start.headers["content-encoding"] == found
            assert start.content == (site / "index.html").read_bytes()
        assert hashed.headers["content-type"].startswith("text/javascript")
        assert client.get("/").headers["cache-control"] == "no-cache"
        plain = client.get(f"/{script}", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers and plain.content == hashed.content


def test_files_from_memory_are_answered_as_those_of_the_folder(web: Running, site: Path) -> None:
    """The second comes from memory; what is known, a part, or only asked about is told so both times."""
    script = next(site.glob("app-*/ui.js")).relative_to(site).as_posix()
    telling = ("content-length", "content-type", "content-encoding", "etag", "cache-control", "vary")
    with web.client() as client:
        for compressed in ("br", "gzip", "identity"):
            asked = {"Accept-Encoding": compressed}
            first, second = (client.get(f"/{script}", headers=asked) for _ in range(2))
            assert first.status_code == second.status_code == 200
            assert second.content == first.content == (site / script).read_bytes()
            for name in telling:
                assert second.headers.get(name) == first.headers.get(name), name
            etag = second.headers["etag"]
            known = client.get(f"/{script}", headers={**asked, "If-None-Match": f'"other", W/{etag}'})
            assert known.status_code == 304 and known.content == b"" and known.headers["etag"] == etag
            assert client.get(f"/{script}", headers={**asked, "If-None-Match": '"other"'}).status_code == 200
            head = client.head(f"/{script}", headers=asked)
            assert head.status_code == 200 and head.content == b""
        part = client.get(f"/{script}", headers={"Accept-Encoding": "identity", "Range": "bytes=0-9"})
        assert part.status_code == 206 and part.content == (site / script).read_bytes()[:10]


def test_manager_opens_by_a_link_that_works_once(web: Running) -> None:
    with web.client() as client, web.client() as stranger:
        assert client.get("/manage").status_code == 401
        client.post("/login/link")
        entered = client.get(web.links[-1])
        assert entered.status_code == 200
        cookie = entered.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        page = client.get("/manage")
        assert page.status_code == 200 and "Kleinquartier" in page.text
        assert "cdn." not in page.text and "googleapis" not in page.text
        assert "District planning" in client.get("/manage?lang=en").text
        assert client.get("/manage?lang=../../etc").status_code == 200
        assert client.get("/manage/files/manager.js").status_code == 200
        again = stranger.get(web.links[-1], headers={"Accept-Language": "en"})
        assert (
            again.status_code == 403 and "was used before" in again.text and "set-cookie" not in again.headers
        )
        assert stranger.get("/manage").status_code == 401
        assert stranger.post("/login/link", headers={"Accept-Language": "en"}).status_code == 429
        assert client.post("/logout").status_code == 303
        assert client.get("/manage").status_code == 401


def test_health_and_missing_pages(web: Running) -> None:
    with web.client() as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]) == (200, {"database accounts": "ok", "disk": "ok"})
        figures = client.get("/metrics")
        assert figures.headers["content-type"].startswith("text/plain; version=0.0.4")
        names = {family.name for family in text_string_to_metric_families(figures.text)}
        assert {"lobeda_http_requests", "lobeda_websockets_open", "lobeda_disk_free_bytes"} <= names
        page = client.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "en-GB,en;q=0.9"})
        assert page.status_code == 404 and "Page not found" in page.text
        assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 404
        for path in ("/../pyproject.toml", "/%2e%2e/pyproject.toml", "/data/..%2f..%2fx"):
            assert client.get(path).status_code == 404


def test_nothing_private_is_public(web: Running) -> None:
    with web.client() as client:
        assert SECRET_OWNER not in client.get("/").text


def test_public_only_has_no_manager_but_takes_comments(bundle: Path, tmp_path: Path) -> None:
    store = Comments.open(f"sqlite:///{tmp_path / 'sensors.sqlite'}")
    taken = Participation(store, [Topic("trees", {"de": "Bäume"})])
    with running(public_only=True, participation=taken) as web, web.client() as client:
        assert 'data-api="/"' in client.get("/").text
        sent = client.post("/api/participation/proposals/trees/comments", json={"text": "Mehr davon"})
        assert sent.status_code == 201 and sent.json()["state"] == "waiting"
        groups = web.app.state.twin.group
        for group, status in (
            (groups[groups != privacy.HIDDEN].iloc[0], 201),
            (privacy.HIDDEN, 422),
            ("x", 422),
        ):
            said = {"text": f"Hier bei {group}", "place": {"point": [1.0, 2.0], "group": str(group)}}
            answer = client.post("/api/participation/proposals/trees/comments", json=said)
            assert answer.status_code == status, group
        assert client.get("/moderate").status_code == 401
        for path in ("/manage", "/login?token=" + TOKEN, "/manage/ws", "/manage/files/manager.js"):
            assert client.get(path).status_code in (401, 404)
        assert "set-cookie" not in client.get(f"/login?token={TOKEN}").headers


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "example.org", ""])
def test_other_addresses_are_refused(host: str) -> None:
    district = small()
    with pytest.raises(CallError, match="nothing says how it is reached by TLS"):
        server.serve(district, host=host)
    for reached in (host, "127.0.0.1"):
        with pytest.raises(CallError, match="nobody has an administrator's account yet"):
            server.serve(district, host=reached, url="https://lobeda.example")
    with pytest.raises(CallError, match="in the clear"):
        server.serve(district, host=host, url="http://lobeda.example")


def test_busy_port_is_named(bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CallError, match=f"port {port} is already in use.*--port"):
            server.serve(small(), port=port)


@pytest.mark.parametrize(("port", "other"), [(5060, 5062), (6665, 6670), (5059, None)])
def test_a_port_that_browsers_refuse_is_told(bundle: Path, port: int, other: int | None) -> None:
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("Simulating"):
            raise KeyboardInterrupt  # as somebody who reads it would

    server.serve(small(), port=port, say=say)
    warned = [text for text in said if "Browsers open no page" in text]
    line = f"Browsers open no page on port {port}, another protocol's. Use another, such as {other}."
    assert warned == ([line] if other else [])


@pytest.mark.parametrize("trusted", ["", "1"])
def test_a_proxy_that_is_not_trusted_is_told(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    """Else all of a town share one address's limits, and nobody knows why they cannot log in."""
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path))
    monkeypatch.setenv("LOBEDA_TRUST_PROXY", trusted)
    (tmp_path / "legal.yaml").write_text(FILLED, "utf-8")
    with Accounts.open(passwords=cheap()) as accounts:
        accounts.add("erika", ["administrator"], PASSWORD, "test")
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("Simulating"):
            raise KeyboardInterrupt

    server.serve(small(), port=0, url="https://lobeda.example", content=tmp_path, say=say)
    assert any("LOBEDA_TRUST_PROXY" in text for text in said) is (not trusted)


@pytest.mark.parametrize("port", [-1, 65536])
def test_impossible_port_is_refused(port: int) -> None:
    with pytest.raises(CallError, match="is no port"):
        server.serve(small(), port=port)


def test_every_route_says_which_right_it_needs(web: Running) -> None:
    """Also those that Panel, Bokeh and mounts add. The server does not start with one that does not."""
    assert rights.undeclared(web.app.routes) == []
    found = set(rights.paths(web.app.routes))
    assert {"/login", "/manage/report", "/healthz"} <= found
    panel = getattr(web.app.state.bokeh, "asgi", None)
    if panel is None:
        assert {"/manage", "/manage/ws", "/static"} <= found
    else:  # from Panel 1.10 it answers before the routes, by patterns of its own
        patterns = [pattern.pattern for pattern, _ in (*panel._app_routes, *panel._extra_routes)]
        begins = {re.match(r"\^?(/[\w-]*)", pattern)[1] for pattern in patterns}  # type: ignore[index]
        assert begins == {"/manage", "/components"}
        assert all(rights.need_of(path).path == path for path in begins)
    web.app.add_api_route("/new/thing/{number}", lambda number: number)
    assert rights.undeclared(web.app.routes) == ["/new/thing"]
    web.app.router.routes.pop()


def test_accounts_take_the_place_of_the_link(web: Running) -> None:
    accounts: Accounts = web.app.state.accounts
    accounts.passwords = cheap()
    accounts.add("erika", ["administrator"], PASSWORD, "test")
    accounts.add("otto", ["moderator"], PASSWORD, "test")
    english = {"Accept-Language": "en"}
    try:
        with web.client() as client, web.client() as other:
            page = client.get("/login", headers=english).text
            assert 'name="password"' in page and "/login/link" not in page
            assert client.post("/login/link", headers=english).status_code == 403
            wrong = client.post("/login", data={"name": "erika", "password": "x" * 12}, headers=english)
            assert wrong.status_code == 403 and "is not right" in wrong.text
            for content in (b"name=erika", b"\xff", b"name=a&" * 2000, b"name=%00&password=%00"):
                assert client.post("/login", content=content).status_code == 403
            entered = client.post("/login", data={"name": "Erika", "password": PASSWORD})
            assert entered.status_code == 200 and entered.headers["refresh"] == "0; url=/manage"
            assert client.get("/manage").status_code == 200
            before = dict(client.cookies)
            client.post("/login", data={"name": "erika", "password": PASSWORD})
            assert accounts.who(before[COOKIE]) is None  # another key, and the old one is void
            entered = other.post("/login", data={"name": "otto", "password": PASSWORD})
            assert entered.headers["refresh"] == "0; url=/moderate"
            forbidden = other.get("/manage", headers=english)
            assert forbidden.status_code == 403 and "may not see" in forbidden.text
    finally:
        for name in ("erika", "otto"):
            accounts.disable(name, "test")


def test_changes_of_scenarios_are_recorded(tmp_path: Path) -> None:
    done: list[tuple[str, str]] = []
    shelf = RecordedShelf(tmp_path, lambda action, thing: done.append((action, thing)))
    saved = shelf.save(Scenario(name="warm", title={"de": "Warm"}), None)
    shelf.restore("warm", shelf.remove("warm"))
    assert shelf.open("warm").state == saved.state
    assert done == [("scenario.save", "warm"), ("scenario.remove", "warm"), ("scenario.restore", "warm")]
