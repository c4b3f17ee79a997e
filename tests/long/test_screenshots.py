"""The pictures of the guides, taken of the sample as it is served: ``make screenshots`` writes docs/img.

Each picture is taken after the page shows what the guide says next to it, so that no guide shows what the app
no longer does. That every picture is in a guide is held by tests/test_docs.py.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import chromium
from tests.browser.visit import PATIENCE_MS, PHONE, visit
from tests.conftest import REPOSITORY
from tests.long.opened import opened

pytestmark = pytest.mark.long
__all__ = ["chromium"]  # a fixture
FOLDER = REPOSITORY / "docs" / "img"
SCREEN = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and login link of `lobeda serve` on the sample."""
    environment = {**os.environ, "LOBEDA_DATA": str(tmp_path_factory.mktemp("data"))}
    with opened("lobeda", environment) as server:
        yield server.address, server.link
    server.process.wait()


def take(page: Page, name: str) -> None:
    """A picture of the page as it is, small."""
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(1500)  # the camera has arrived
    FOLDER.mkdir(exist_ok=True)
    with Image.open(io.BytesIO(page.screenshot(timeout=PATIENCE_MS))) as picture:
        picture.convert("RGB").save(FOLDER / f"{name}.webp", quality=70, method=6)


def test_pictures_of_the_managers_guide(chromium: Browser, links: tuple[str, str]) -> None:
    address, login = links
    with visit(chromium, address, SCREEN) as manager:
        page = manager.page
        page.goto(login)
        page.wait_for_url("**/manage")
        page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)
        page.keyboard.press("Escape")  # the tour
        expect(page.locator('[data-kpi="heating_need"] .value')).not_to_be_empty(timeout=PATIENCE_MS)
        expect(page.locator(".busy")).to_have_count(0, timeout=PATIENCE_MS)
        take(page, "planung-ueberblick")
        page.get_by_role("slider", name="Anteil der sanierten Blöcke").fill("100")
        expect(page.locator(".busy")).to_have_count(0, timeout=PATIENCE_MS)
        expect(page.get_by_role("button", name="Zurücksetzen")).to_be_enabled(timeout=PATIENCE_MS)
        take(page, "planung-sanierung")
        page.get_by_role("button", name="Tabelle").click()
        expect(page.locator("#table tbody tr").nth(5)).to_be_visible(timeout=PATIENCE_MS)
        take(page, "planung-tabelle")


def test_pictures_of_the_residents_guide(chromium: Browser, links: tuple[str, str]) -> None:
    with visit(chromium, links[0], PHONE) as resident:
        page = resident.page
        resident.open("/")
        take(page, "bewohner-start")
        page.get_by_role("link", name="Häuser am Salvador-Allende-Platz dämmen").first.click()
        expect(page.locator("#proposal-retrofit-salvador-allende-platz")).to_be_visible()
        take(page, "bewohner-vorhaben")
