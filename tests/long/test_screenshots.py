"""The pictures of the guides, taken of the sample as it is served: ``make screenshots`` writes docs/img.

Each picture is taken after the page shows what the guide says next to it, so that no guide shows what the app
no longer does. That every picture is in a guide is held by tests/test_docs.py.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import chromium
from tests.browser.visit import PATIENCE_MS, PHONE, visit
from tests.conftest import REPOSITORY
from tests.long.opened import opened
from tests.viewer.accounts import PASSWORD
from viewer.accounts.rights import Role
from viewer.accounts.store import Accounts

pytestmark = pytest.mark.long
__all__ = ["chromium"]  # a fixture
FOLDER = REPOSITORY / "docs" / "img"
SCREEN = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server keeps."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def links(data: Path) -> Iterator[tuple[str, str]]:
    """Address and login link of `lobeda serve` on the sample."""
    environment = {**os.environ, "LOBEDA_DATA": str(data)}
    with opened("lobeda", environment) as server:
        yield server.address, server.link
    server.process.wait()


# Debian's Chromium has texts and dates of English alone: days stand as a German browser shows them.
GERMAN_DAYS = """for (const field of document.querySelectorAll('input[type=date]')) {
    const day = field.value.split('-').reverse().join('.');
    field.type = 'text';
    field.value = day;
}"""


def take(page: Page, name: str) -> None:
    """A picture of the page as it is, small, once nothing is computed any more."""
    expect(page.locator(".busy")).to_have_count(0, timeout=PATIENCE_MS)
    expect(page.locator(".pending:visible")).to_have_count(0, timeout=PATIENCE_MS)  # the later stages
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(1500)  # the camera has arrived
    if page.locator("html").get_attribute("lang") != "en":
        page.evaluate(GERMAN_DAYS)
    save(name, page.screenshot(timeout=PATIENCE_MS))


def save(name: str, png: bytes) -> None:
    """A picture of a guide, small."""
    FOLDER.mkdir(exist_ok=True)
    with Image.open(io.BytesIO(png)) as picture:
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
        page.goto(f"{address}/manage")  # days are fields again
        page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)
        expect(page.locator('[data-kpi="heating_need"] .value')).not_to_be_empty(timeout=PATIENCE_MS)
        page.get_by_role("slider", name="Sanierter Flächenanteil").fill("100")
        expect(page.locator(".busy")).to_have_count(0, timeout=PATIENCE_MS)
        expect(page.get_by_role("button", name="Zurücksetzen")).to_be_enabled(timeout=PATIENCE_MS)
        take(page, "planung-sanierung")
        page.get_by_role("button", name="Tabelle").click()
        expect(page.locator("#table tbody tr").nth(5)).to_be_visible(timeout=PATIENCE_MS)
        take(page, "planung-tabelle")
        page.evaluate("localStorage.clear()")
        page.goto(f"{address}/manage?lang=en")
        page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)
        page.keyboard.press("Escape")  # the tour
        expect(page.locator('[data-kpi="heating_need"] .value')).not_to_be_empty(timeout=PATIENCE_MS)
        take(page, "manager")


def test_pictures_of_the_residents_guide(chromium: Browser, links: tuple[str, str]) -> None:
    with visit(chromium, links[0], PHONE) as resident:
        page = resident.page
        resident.open("/")
        take(page, "bewohner-start")
        page.get_by_role("link", name="Häuser am Salvador-Allende-Platz dämmen").first.click()
        expect(page.locator("#proposal-retrofit-salvador-allende-platz")).to_be_visible()
        take(page, "bewohner-vorhaben")


def test_pictures_of_the_modelers_guide(chromium: Browser, links: tuple[str, str]) -> None:
    with visit(chromium, links[0], SCREEN) as modeler:
        page = modeler.page
        page.goto(f"{links[0]}/api/docs?lang=en")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        take(page, "modelers-api")
    book = nbformat.read(REPOSITORY / "scenarios" / "examples" / "01-first-steps.ipynb", as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(REPOSITORY))
        NotebookClient(book, kernel_name="python3", timeout=600).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    drawn = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    save("modelers-notebook", base64.b64decode(drawn[-1]))


def test_pictures_of_the_administrators_guide_and_of_comments(
    chromium: Browser, links: tuple[str, str], data: Path
) -> None:
    """The last, since links from the terminal end with the first administrator's account."""
    address = links[0]
    with Accounts.open(f"sqlite:///{data / 'sensors.sqlite'}") as accounts:
        accounts.add("erika", [Role.ADMINISTRATOR], PASSWORD, "test")
    calls = f"{address}/api/participation/proposals/retrofit-salvador-allende-platz/comments"
    with visit(chromium, address, SCREEN) as administrator:
        page = administrator.page
        for text in ("Bleiben die Balkone, wie sie sind?", "Bitte auch an Fahrradständer denken."):
            assert page.request.post(calls, data={"text": text}).ok
        page.set_extra_http_headers({"Accept-Language": "en"})
        page.goto(f"{address}/login")
        take(page, "administration-login")
        page.locator("#name").fill("erika")
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/manage")
        page.goto(f"{address}/metrics")
        take(page, "administration-metrics")
        page.goto(f"{address}/moderate?lang=de")
        expect(page.locator("#list li")).to_have_count(2)
        take(page, "planung-kommentare")
