"""Debian's Chromium with pages that allow no request to another host and no console error."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import skip_or_fail
from tests.viewer.test_server import TOKEN, Running, running
from viewer import publish

if TYPE_CHECKING:
    from tests.browser.visit import Visit

FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
LOCAL = ("127.0.0.1", "localhost", "")
_ABOUT_THE_RENDERER = ("GPU stall due to ReadPixels", "GL Driver Message", "swiftshader", "SwiftShader")


# Without a graphics card a still page is drawn over and over, unless it is put together outside of GL.
STILL = ("--disable-gpu-compositing",)
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
"""Chromium without the windows, menus and tabs that nobody sees here is started in a third of the time."""


def program() -> str | None:
    """The Chromium that is installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium, drawing in software."""
    installed = program()
    if installed is None:
        skip_or_fail("Chromium is not installed (Debian's package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=[*FLAGS, *STILL])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def bundle() -> None:
    if not publish.SCENE_SCRIPT.is_file():
        skip_or_fail("the scene's script is not built; run `make build`")


@pytest.fixture(scope="module")
def web(bundle: None) -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def session(chromium: Browser, web: Running) -> dict[str, object]:
    """The cookies of a manager who came by the link that works once, and who knows the tour."""
    context = chromium.new_context()
    answer = context.request.get(f"{web.address}/login?token={TOKEN}")  # a page would take long to draw
    assert answer.ok
    cookies = context.storage_state()["cookies"]
    context.close()
    kept = {"origin": web.address, "localStorage": [{"name": "lobeda-tour", "value": "1"}]}
    return {"cookies": cookies, "origins": [kept]}


@pytest.fixture(scope="module")
def open_page(chromium: Browser, web: Running, session: dict[str, object]) -> Iterator[Visit]:
    """The manager's app, kept open for all tests of a module."""
    from tests.browser.visit import DESKTOP, visit

    with visit(chromium, web.address, DESKTOP, storage_state=session) as manager:
        manager.open("/manage")
        yield manager


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails its test on a console error, an uncaught error, or a request to another host."""
    context = chromium.new_context(viewport={"width": 560, "height": 360}, reduced_motion="reduce")
    opened = context.new_page()
    problems: list[str] = []
    watch(opened, problems)
    yield opened
    context.close()
    assert problems == []


def watch(page: Page, problems: list[str]) -> None:
    """Note in `problems` what must not happen on `page`."""

    def local(kind: str, url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname not in LOCAL:
            problems.append(f"{kind} to another host: {url}")

    def console(kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(word in text for word in _ABOUT_THE_RENDERER):
            problems.append(f"{kind}: {text}")

    page.on("request", lambda request: local("request", request.url))
    page.on("websocket", lambda socket: local("websocket", socket.url))
    page.on("console", lambda message: console(message.type, message.text))
    page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript"}

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve(folder: Path) -> Iterator[str]:
    """The address at which `folder` is served while the iterator stands."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
