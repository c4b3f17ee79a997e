"""An attacker's list, one test each, against the real server with accounts, comments and sensors' reading.

Files of strangers (XXE, bombs, oversize) are tried where they are read: `test_bad_input.py` of the sources,
`test_scenario_files.py` of the scenarios; floods and payloads of sensors in `tests/sensors`.
"""

from __future__ import annotations

import csv
import http.server
import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from sensors.protocols import Counters, FeedError
from sensors.protocols.sensorthings import Remote
from tests.viewer.districts import small
from tests.viewer.participation import API, TREES, send, taking
from tests.viewer.test_server import TOKEN, Running, serving
from twin.district import District
from viewer import access, publish, server

HOSTILE = "</script><script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil.example";"x")'
SECRET_FILE = "pyproject.toml"


def hostile() -> District:
    """The small town, whose owner's list names buildings as an attacker would."""
    town = small()
    buildings = town.buildings.copy()
    buildings.loc["school-1", "name"] = HOSTILE
    buildings.loc[buildings["street"] == "Dorfstraße", "street"] = FORMULA
    return town.replace(buildings=buildings)


@pytest.fixture(scope="module")
def web(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    links: list[str] = []
    app = server.create_app(hostile(), token=TOKEN, announce=links.append)
    with serving(app) as address:
        yield Running(address, links, app)


@pytest.fixture(scope="module")
def manager(web: Running) -> Iterator[httpx.Client]:
    with web.client() as client:
        assert client.get(f"/login?token={TOKEN}").status_code == 200
        yield client


def raw(web: Running, request: bytes) -> bytes:
    """The answer to bytes that no well-behaved client sends."""
    with socket.create_connection((urlsplit(web.address).hostname, urlsplit(web.address).port), 30) as line:
        line.sendall(request)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


def lines(method: str, path: str, *headers: str) -> bytes:
    head = [f"{method} {path} HTTP/1.1", *headers, "Connection: close", "", ""]
    return "\r\n".join(head).encode()


@pytest.mark.parametrize("up", ["..", "%2e%2e", "..%2f..", "%2e%2e%5c%2e%2e", "....//.."])
@pytest.mark.parametrize("below", ["/", "/data/", "/manage/files/", "/manage/scenarios/", "/api/ogc/"])
def test_no_path_leads_out_of_what_is_served(
    web: Running, manager: httpx.Client, below: str, up: str
) -> None:
    cookie = f"Cookie: {access.COOKIE}={manager.cookies[access.COOKIE]}"
    host = f"Host: {urlsplit(web.address).netloc}"
    for depth in (1, 4):
        path = below + f"{up}/" * depth + SECRET_FILE
        answer = raw(web, lines("GET", path, host, cookie))
        assert b" 200 " not in answer.split(b"\r\n")[0] and b"[project]" not in answer, path


def test_no_answer_takes_headers_from_the_question(web: Running) -> None:
    evil = "x%0d%0aSet-Cookie:%20stolen=1%0d%0aLocation:%20http://evil.example"
    with web.client() as client:
        for path in (f"/login?token={evil}", f"/?lang={evil}", f"/nowhere/{evil}", f"/api/ogc?f={evil}",
                     f"/api/ogc/collections/trees/items?bbox={evil}"):  # fmt: skip
            answer = client.get(path, headers={"Accept-Language": "de"})
            assert "stolen" not in answer.headers.get("set-cookie", "") and answer.status_code < 500, path
            assert "evil.example" not in answer.headers.get("location", ""), path


def test_two_hosts_or_lengths_in_one_request_are_refused(web: Running) -> None:
    own = f"Host: {urlsplit(web.address).netloc}"
    for odd in (("Host: evil.example",), (own, "Content-Length: 3", "Content-Length: 30"),
                (own, "Content-Length: 3", "Transfer-Encoding: chunked")):  # fmt: skip
        status = raw(web, lines("POST", "/login", *odd)).split(b"\r\n")[0]
        assert b" 2" not in status[:14] and b" 5" not in status[:14], (odd, status)


def test_no_websocket_for_a_page_of_another_origin(web: Running, manager: httpx.Client) -> None:
    netloc = urlsplit(web.address).netloc
    cookie = f"Cookie: {access.COOKIE}={manager.cookies[access.COOKIE]}"
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: bokeh, x")  # fmt: skip
    for origin in ("http://evil.example", f"http://{netloc}.evil.example", "null", "file://", ""):
        asked = ["GET /manage/ws HTTP/1.1", f"Host: {netloc}", cookie, f"Origin: {origin}", *upgrade, "", ""]
        status = raw(web, "\r\n".join(asked).encode()).split(b"\r\n")[0]
        assert b" 101 " not in status, origin


@pytest.mark.parametrize("forged", ["admin", "1", "../..", "' OR 1=1 --", "A" * 4000, "%00", TOKEN])
def test_a_forged_cookie_opens_nothing(web: Running, forged: str) -> None:
    with web.client() as client:
        for path in ("/manage", "/manage/scenarios/x.yaml", "/moderate"):
            answer = client.get(path, headers={"Cookie": f"{access.COOKIE}={forged}"})
            assert answer.status_code in (401, 404), (path, answer.status_code)


def test_a_session_that_was_closed_does_not_come_back(web: Running) -> None:
    with web.client() as client:
        assert client.post("/login/link").status_code < 400
        assert client.get(web.links[-1]).status_code == 200
        key = client.cookies[access.COOKIE]
        assert client.get("/manage").status_code == 200
        client.post("/logout", headers={"Origin": web.address})
    with web.client() as thief:
        assert thief.get("/manage", headers={"Cookie": f"{access.COOKIE}={key}"}).status_code == 401
        assert thief.get(web.links[-1]).status_code == 403  # nor the link that led there


def test_other_sites_cannot_act_for_the_manager(web: Running, manager: httpx.Client) -> None:
    evil = {"Origin": "http://evil.example"}
    for path in ("/logout", "/manage/report"):
        assert manager.post(path, headers=evil, json={"plan": "[]"}).status_code in (401, 403), path
    assert manager.get("/manage").status_code == 200  # still logged in


def test_ids_of_others_lead_nowhere(web: Running, manager: httpx.Client) -> None:
    for path in (
        "/manage/report/0000000000000000",
        "/manage/report/../../etc",
        "/manage/scenarios/other.yaml",
    ):
        assert manager.get(path).status_code in (404, 405, 422), path


def test_a_code_deletes_no_comment_but_its_own(tmp_path: Path) -> None:
    with taking(f"sqlite:///{tmp_path / 'comments.sqlite'}") as web, web.client() as client:
        mine, other = (send(client, text).json() for text in ("Mehr Bänke bitte.", "Mehr Bäume bitte."))
        for code in (str(other["id"]), other["code"][:-1], other["code"][::-1], "", "%"):
            assert client.post(f"{API}/deletions", json={"code": code}).status_code in (404, 422), code
        assert client.post(f"{API}/deletions", json={"code": mine["code"]}).status_code < 300
        assert client.post(f"{API}/deletions", json={"code": mine["code"]}).status_code in (404, 410)
        assert client.post(f"{API}/status", json={"code": other["code"]}).json()["state"] == "waiting"
        assert client.get(f"{API}/proposals/{TREES}/comments").status_code == 200


def test_names_are_text_wherever_they_show(web: Running, manager: httpx.Client, tmp_path: Path) -> None:
    pages = [manager.get(path).text for path in ("/", "/en/index.html", "/manage")]
    pages.append(manager.get("/api/ogc/collections/buildings/items?f=html&limit=100").text)
    for page in pages:
        assert HOSTILE not in page and "<script>alert" not in page
    site = publish.publish(hostile(), tmp_path / "site", options=publish.Options(draws=2))
    for file in site.rglob("*.html"):
        assert "<script>alert" not in file.read_text("utf-8"), file


def test_no_cell_of_a_table_is_a_formula(web: Running, tmp_path: Path) -> None:
    site = publish.publish(hostile(), tmp_path / "site", options=publish.Options(draws=2))
    found = 0
    for file in site.rglob("*.csv"):
        for row in csv.reader(io.StringIO(file.read_text("utf-8-sig"))):
            for cell in row:
                assert cell[:1] not in "=+@\t\r" or not cell, cell
                found += "HYPERLINK" in cell
    assert found  # the name is there, as text


class Luring(http.server.BaseHTTPRequestHandler):
    """A service that sends its clients to the inside of our network."""

    def do_GET(self) -> None:  # the library's name
        self.send_response(302)
        self.send_header("Location", "http://169.254.169.254/latest/meta-data")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_feed_does_not_follow_to_other_hosts() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Luring) as lure:
        threading.Thread(target=lure.serve_forever, daemon=True).start()
        with httpx.Client() as client, pytest.raises(FeedError, match="another host"):
            Remote(client, f"http://127.0.0.1:{lure.server_port}/v1.1", Counters()).get("Things")
        lure.shutdown()


def test_no_public_address_fetches_for_the_asker(web: Running) -> None:
    """Addresses in a question are never opened: the listener beside hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as trap, web.client() as client:
        trap.settimeout(0.3)
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/"
        for path in ("/", "/login", "/api/ogc", "/api/catalogue"):
            for name in ("url", "href", "next", "crs", "f", "profile"):
                assert client.get(path, params={name: url}).status_code < 500
        with pytest.raises(TimeoutError):
            trap.accept()


def test_a_body_without_end_is_cut_off(web: Running) -> None:
    body = b"x" * 40_000_000
    with web.client() as client:
        for path in ("/login", "/manage/report", "/api/ogc"):
            answer = client.post(path, content=body)
            assert 400 <= answer.status_code < 500, (path, answer.status_code)
    with web.client() as client:
        assert client.get("/healthz").status_code == 200
