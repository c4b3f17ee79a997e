"""An attacker's list, one test each, against the real server with accounts, comments and sensors' reading.

Files of strangers (XXE, bombs, addresses to fetch) are tried where they are read: `test_bad_input.py` and
`test_fetches_nothing.py` of the sources, `test_weather_bad_input.py`, `test_scenario_files.py`; floods,
payloads and bodies of sensors in `tests/sensors`, bodies of comments in `test_participation_api.py`;
websockets of other origins and of other people in `test_own_pages.py`.
"""

from __future__ import annotations

import csv
import http.server
import io
import json
import re
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import bokeh
import httpx
import pytest

from scenarios.scenario import load
from sensors.protocols import Counters, FeedError
from sensors.protocols.sensorthings import Remote
from tests.listener import listening
from tests.viewer.accounts import PASSWORD
from tests.viewer.districts import small
from tests.viewer.participation import API, TREES, send, taking
from tests.viewer.test_own_pages import entered
from tests.viewer.test_server import TOKEN, Running, serving
from twin.district import District
from twin.sources.base import Provenance
from viewer import access, pages, publish, server
from viewer.drafts import MOST_UPLOAD
from viewer.report_jobs import MOST_PLAN
from viewer.whatif import retrofit

HOSTILE = "</script><script>alert(1)</script>"
BREAKING = 'x>; rel="evil"\r\nSet-Cookie: stolen=1'
FORMULA = '=HYPERLINK("http://evil.example";"x")'
SCENARIO = """version: 1
name: above
title: {de: GANZ-GEHEIM}
description: {}
measures: []
"""


def hostile() -> District:
    """The small town, whose owner's list names buildings as an attacker would."""
    town = small()
    buildings = town.buildings.copy()
    buildings.loc["school-1", "name"] = HOSTILE
    buildings.loc[buildings["street"] == "Dorfstraße", "street"] = FORMULA
    records = (Provenance("buildings", "x", "x", "CC-BY-4.0", BREAKING), *town.provenance)
    return town.replace(buildings=buildings, provenance=records)


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf's folder, with files beside and above it that would be read as scenarios."""
    folder = tmp_path_factory.mktemp("above") / "shelf"
    folder.mkdir()
    for place in (folder.parent, folder.parent.parent):
        (place / "secret.yaml").write_text(SCENARIO)
        assert load(place / "secret.yaml").name == "above"
    return folder


@pytest.fixture(scope="module")
def web(bundle: Path, scenarios: Path) -> Iterator[Running]:
    links: list[str] = []
    app = server.create_app(hostile(), token=TOKEN, announce=links.append, scenarios=scenarios)
    for name in ("anna", "otto"):
        app.state.accounts.add(name, ["manager"], PASSWORD, "test")
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


UPWARDS = ("../", "%2e%2e/", "..%2f", "%2e%2e%2f", "..%5c", "....//", ".%2e/", "..%252f", "..%00/")


def above(web: Running, scenarios: Path) -> Iterator[tuple[str, str, Path]]:
    """Where files are served, a file above that really is there as seen from it, and its place on disk."""
    site = Path(str(web.app.state.accounts.engine.url.database)).parent / "site"
    yield "/", "../accounts.sqlite", site
    yield "/data/", "../../accounts.sqlite", site / "data"
    yield "/manage/files/", "../pages.py", pages.FOLDER
    yield "/static/", "../settings.py", Path(bokeh.__file__).parent / "server" / "static" / ".."
    yield "/manage/scenarios/", "../secret.yaml", scenarios
    yield "/manage/scenarios/", "../../secret.yaml", scenarios


def test_no_path_leads_out_of_what_is_served(web: Running, manager: httpx.Client, scenarios: Path) -> None:
    cookie = f"Cookie: {access.COOKIE}={manager.cookies[access.COOKIE]}"
    host = f"Host: {urlsplit(web.address).netloc}"
    for below, name, folder in above(web, scenarios):
        target = folder / name
        secret = target.read_bytes()[:64]
        assert len(secret) == 64
        for up in UPWARDS:
            whole, risen = str(target.resolve()), name.replace("../", up)
            for path in (
                below + risen,
                f"{below}x/{up}{risen}",
                below + whole,
                below + quote(whole, safe=""),
            ):
                answer = raw(web, lines("GET", path, host, cookie))
                assert b" 200 " not in answer.split(b"\r\n")[0] and secret not in answer, path
    for served in ("/index.html", "/manage/files/manager.js", "/static/js/bokeh.min.js"):
        assert manager.get(served).status_code == 200  # what lies below is given


LINE = "%0d%0aSet-Cookie:%20stolen=1%0d%0aLocation:%20http://evil.example"


def test_no_answer_takes_headers_from_the_question(web: Running, manager: httpx.Client) -> None:
    """Every header that says something of the question or of the data, and where they come from."""
    crs = "http://www.opengis.net/def/crs/EPSG/0/25832"
    items = "/api/ogc/collections/buildings/items"
    asked = {
        f"{items}?limit=1&crs={crs}": ("content-crs", f"<{crs}>"),
        f"{items}?limit=1&crs={crs}{LINE}": ("content-crs", None),
        f"{items}?limit=1&crs={crs}%3E;%20rel=evil": ("content-crs", None),
        f"{items}?bbox=x{LINE}": ("content-crs", None),
        f"/en{LINE}": ("location", None),
        f"/en?lang=x{LINE}": ("location", f"{web.address}/en/?lang=x{LINE}"),
        f"/login?token=x{LINE}": ("refresh", None),
        f"/manage/scenarios/x{LINE}.yaml": ("content-disposition", None),
        f"/manage/report/x{LINE}/file": ("content-disposition", None),
    }
    for path, (header, expected) in asked.items():
        answer = manager.get(path, headers={"Accept-Language": "de"}, follow_redirects=False)
        assert answer.status_code < 500 and answer.headers.get(header) == expected, path
        assert "set-cookie" not in answer.headers, path
        assert not urlsplit(answer.headers.get("location", "")).netloc.endswith("evil.example"), path


def test_names_in_the_data_break_no_header(web: Running, manager: httpx.Client) -> None:
    """Link names whom the source wants named; the name of a file is that of the scenario."""
    for path in ("/api/ogc/collections/buildings/items?limit=1", "/api/files/district.gpkg"):
        answer = manager.get(path)
        links = answer.headers["link"].split(", <")
        assert answer.status_code == 200 and "set-cookie" not in answer.headers
        assert quote(BREAKING, safe="") in links[0] and all('rel="license"' in link for link in links)
    title = 'x"; filename="evil.exe\r\nSet-Cookie: stolen=1'
    told = json.dumps({"version": 1, "name": "x", "title": {"de": title}, "description": {}, "measures": []})
    own = {"Origin": web.address}
    answer = manager.post("/manage/scenarios", content=told, headers=own)
    assert answer.status_code == 201, answer.text
    answer = manager.get(f"/manage/scenarios/{answer.json()['name']}.yaml")
    assert answer.status_code == 200 and "set-cookie" not in answer.headers
    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.yaml"', answer.headers["content-disposition"])


def test_two_hosts_or_lengths_in_one_request_are_refused(web: Running) -> None:
    own = f"Host: {urlsplit(web.address).netloc}"
    for odd in (("Host: evil.example",), (own, "Content-Length: 3", "Content-Length: 30"),
                (own, "Content-Length: 3", "Transfer-Encoding: chunked")):  # fmt: skip
        status = raw(web, lines("POST", "/login", *odd)).split(b"\r\n")[0]
        assert b" 2" not in status[:14] and b" 5" not in status[:14], (odd, status)


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


def test_a_report_is_of_who_asked_for_it(web: Running) -> None:
    """Two people with a report each: neither sees, loads nor stops the other's."""
    plan = {"plan": retrofit(1.0).as_text(), "language": "en"}
    with entered(web, "anna") as anna, entered(web, "otto") as otto:
        mine = anna.post("/manage/report", json=plan)
        assert mine.status_code == 202
        first = f"/manage/report/{mine.json()['id']}"
        for path in (first, f"{first}/file"):
            assert otto.get(path).status_code == 404
        assert otto.delete(first).status_code == 204  # as of one that never was
        assert anna.get(first).json()["state"] == "running"
        assert anna.delete(first).status_code == 204
        assert anna.get(first).json()["state"] == "failed"
        theirs = otto.post("/manage/report", json=plan)
        assert theirs.status_code == 202
        second = f"/manage/report/{theirs.json()['id']}"
        assert anna.delete(second).status_code == 204 and anna.get(second).status_code == 404
        assert otto.get(second).json()["state"] == "running"
        assert anna.get(first).json()["state"] == "failed"  # theirs is still there
        otto.delete(second)


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
    """A service that sends its clients to another one."""

    target = ""

    def do_GET(self) -> None:  # the library's name
        self.send_response(302)
        self.send_header("Location", f"{self.target}/latest/meta-data")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_feed_does_not_follow_to_other_hosts() -> None:
    with listening() as inside, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Luring) as lure:
        Luring.target = inside.address
        threading.Thread(target=lure.serve_forever, daemon=True).start()
        with httpx.Client() as client, pytest.raises(FeedError, match="another host"):
            Remote(client, f"http://127.0.0.1:{lure.server_port}/v1.1", Counters()).get("Things")
        lure.shutdown()
        assert inside.heard == []


def test_addresses_in_a_question_are_not_fetched(web: Running, manager: httpx.Client) -> None:
    """Where one may stand: CRS of the open interface, an uploaded scenario, a plan."""
    with listening() as listener:
        url = f"{listener.address}/x"
        items = "/api/ogc/collections/buildings/items"
        for name in ("crs", "bbox-crs", "filter-crs", "profile"):
            assert manager.get(items, params={name: url, "bbox": "0,0,1,1"}).status_code == 400, name
        own = {"Origin": web.address}
        for text in (url, f"!include {url}", f"version: 1\nname: {url}", f"<<: {url}\nmeasures: [{url}]"):
            assert manager.post("/manage/scenarios", content=text, headers=own).status_code == 422, text
        assert manager.post("/manage/report", json={"plan": url}, headers=own).status_code == 409
        assert listener.heard == []


def endless(web: Running, path: str, cookie: str = "") -> tuple[bytes, int]:
    """The status that a body without end or length is answered with, and how many bytes went out before."""
    head = lines("POST", path, f"Host: {urlsplit(web.address).netloc}", f"Cookie: {cookie}",
                 f"Origin: {web.address}", "Transfer-Encoding: chunked")  # fmt: skip
    sent, chunk = 0, b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection((urlsplit(web.address).hostname, urlsplit(web.address).port), 30) as line:
        line.sendall(head.replace(b"Connection: close\r\n", b""))
        while not select.select([line], [], [], 0.01)[0]:
            line.sendall(chunk)
            sent += len(chunk)
        return line.recv(65536).split(b"\r\n")[0], sent


@pytest.mark.parametrize(
    ("path", "most"), [("/manage/report", MOST_PLAN), ("/manage/scenarios", MOST_UPLOAD)]
)
def test_a_body_without_end_is_cut_off(web: Running, manager: httpx.Client, path: str, most: int) -> None:
    """With the session that may send one: said to be large, and of no said length."""
    own = {"Origin": web.address}
    for length in (most + 1, 40_000_000):
        assert manager.post(path, content=b" " * length, headers=own).status_code == 413
    assert manager.post(path, content=b" " * most, headers=own).status_code in (400, 422)
    status, sent = endless(web, path, f"{access.COOKIE}={manager.cookies[access.COOKIE]}")
    assert b" 413 " in status and sent < 20_000_000  # what lies in the sockets between
    assert manager.get("/healthz").status_code == 200


def test_a_form_without_end_is_cut_off(web: Running) -> None:
    """It is answered as an empty one."""
    status, sent = endless(web, "/login")
    assert b" 403 " in status and sent < 20_000_000
