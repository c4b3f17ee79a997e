"""The server behind nginx as we ship its settings: what it keeps for residents, and what it never keeps."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.long.bokeh_client import Slider
from tests.proxy import free_ports, proxied
from tests.viewer.test_server import TOKEN, running
from viewer import access, server


@dataclass(frozen=True)
class Behind:
    """The proxy's address, the server's own, and how the server ends."""

    address: str
    server: str
    stop: ExitStack


@pytest.fixture
def behind(bundle: Path, tmp_path: Path) -> Iterator[Behind]:
    with ExitStack() as stop, ExitStack() as proxy:
        server = stop.enter_context(running()).address
        port = urlsplit(server).port
        assert port is not None
        address = proxy.enter_context(proxied(tmp_path / "nginx", free_ports(1)[0], [port]))
        yield Behind(address, server, stop)


def test_residents_pages_stay_while_the_server_is_gone(
    monkeypatch: pytest.MonkeyPatch, behind: Behind, site: Path
) -> None:
    """Also when they are older than the proxy would take them without asking."""
    monkeypatch.setattr(server, "_PROXY_KEEPS_S", {True: 1, False: 1})
    script = next(site.glob("app-*/ui.js")).relative_to(site).as_posix()
    with httpx.Client(base_url=behind.address) as client:
        pages = ["/", "/?from=letter", "/en/", f"/{script}"]
        before = [client.get(page) for page in pages]
        known = client.get("/", headers={"If-None-Match": before[0].headers["etag"]})
        assert known.status_code == 304
        behind.stop.close()
        time.sleep(2.1)  # nginx counts whole seconds
        for page, answer in zip(pages, before, strict=True):
            after = client.get(page)
            assert (after.status_code, after.content) == (200, answer.content), page
            for name in (
                "content-type",
                "content-encoding",
                "content-security-policy",
                "cache-control",
                "etag",
            ):
                assert after.headers.get(name) == answer.headers.get(name), (page, name)
            assert "x-accel-expires" not in after.headers
        for path in ("/healthz", "/api/ogc", "/nothing.html"):
            assert client.get(path).status_code == 502, path


def test_what_needs_a_right_is_never_kept(behind: Behind) -> None:
    """The same path, by a manager first and then by anybody, through the proxy."""
    private = ["/manage", "/manage/files/manager.js", "/moderate"]
    with (
        httpx.Client(base_url=behind.address) as manager,
        httpx.Client(base_url=behind.address) as stranger,
    ):
        assert manager.get(f"/login?token={TOKEN}").status_code in (200, 303)
        for path in private:
            first = manager.get(path, follow_redirects=True)
            if path != "/moderate":  # the sample of the tests has nothing to moderate
                assert first.status_code == 200, path
            assert "x-accel-expires" not in first.headers
            assert stranger.get(path).status_code == 401, path
        behind.stop.close()
        for path in private:
            assert manager.get(path).status_code == 502, path


def test_a_managers_page_works_through_the_proxy(behind: Behind) -> None:
    async def work() -> float:
        async with httpx.AsyncClient(follow_redirects=True, timeout=60) as door:
            assert (await door.get(f"{behind.address}/login?token={TOKEN}")).status_code == 200
            slider = await Slider.open(behind.address, door)
            took = await slider.move(0.5)
            await slider.close()
            return took

    assert asyncio.run(work()) > 0


def test_a_changed_page_is_seen_within_seconds(behind: Behind) -> None:
    """Pages are looked for again; files whose name says what is in them are not."""
    with httpx.Client(base_url=behind.server) as client:
        page = client.get("/")
        assert page.headers["x-accel-expires"] == "10" and page.headers["cache-control"] == "no-cache"
        script = page.text.split('src="')[1].split('"')[0]
        assert int(client.get(f"/{script}").headers["x-accel-expires"]) > 86_400


def test_by_tls_as_the_shipped_file_says(bundle: Path, tmp_path: Path) -> None:
    """The very lines for TLS: what is asked without it is sent there, and the cookie goes by it alone."""
    port, plain = free_ports(2)
    address = f"https://127.0.0.1:{port}"
    with running(reach=access.Reach(address)) as web:
        behind = urlsplit(web.address).port
        assert behind is not None
        with proxied(tmp_path / "nginx", port, [behind], plain) as reached:
            assert reached == address
            trusted = ssl.create_default_context(cafile=tmp_path / "nginx" / "lobeda.pem")
            with httpx.Client(base_url=address, verify=trusted, timeout=30) as client:
                moved = client.get(f"http://127.0.0.1:{plain}/en/?a=1")
                assert (moved.status_code, moved.headers["location"]) == (301, "https://127.0.0.1/en/?a=1")
                page = client.get("/")
                assert page.status_code == 200 and "max-age=" in page.headers["strict-transport-security"]
                below = client.get("/en")  # the server names itself by the scheme that people see
                assert below.headers["location"].startswith(f"{address}/en/")
                entered = client.get(f"/login?token={TOKEN}")
                assert entered.status_code == 200
                assert "Secure" in entered.headers["set-cookie"]
                assert client.get("/manage").status_code == 200
