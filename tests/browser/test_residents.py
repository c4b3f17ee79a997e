"""The residents' pages on a plain static server below a path: proposals, walks, the large screen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import serve
from tests.browser.test_decide import Keys
from tests.browser.visit import DESKTOP, PHONE, visit
from tests.viewer.districts import small
from twin import assets
from viewer import publish, texts

pytestmark = pytest.mark.browser
_KEPT = """caches.keys().then(([name]) => caches.open(name)).then((cache) => cache.keys())
    .then((requests) => requests.map((request) => request.url))"""
PROPOSAL = "retrofit-salvador-allende-platz"


@pytest.fixture(scope="module")
def folder(bundle: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped content on the small district's streets, with a third language from one file."""
    place = tmp_path_factory.mktemp("residents")
    shutil.copytree(assets.path("content", "Jena-Lobeda"), place / "content")
    for file in (place / "content" / "proposals").glob("*.md"):
        said = re.sub(r"\{street: [^}]*\}", "{street: Erlanger Allee}", file.read_text("utf-8"))
        file.write_text(said, "utf-8")
    (place / "texts").mkdir()
    french = (Path(texts.__file__).parent / "en.toml").read_text("utf-8")
    french = french.replace('name = "English"', 'name = "Français"').replace('short = "EN"', 'short = "FR"')
    french = french.replace('"What is planned?"', '"Qu’est-ce qui est prévu ?"')
    (place / "texts" / "fr.toml").write_text(french, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOBEDA_TEXTS", str(place / "texts"))
        options = publish.Options(content=place / "content", draws=2)
        site = publish.publish(small(), place / "www" / "town" / "twin", options=options)
    assert publish.summary(site)["first_load_bytes"] < 1_500_000
    for packed in (*site.rglob("*.gz"), *site.rglob("*.br")):
        packed.unlink()  # a server that knows nothing of them
    return place / "www"


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    for base in serve(folder):
        yield f"{base}/town/twin"


def test_resident_finds_what_a_proposal_means(chromium: Browser, address: str) -> None:
    with visit(chromium, address, DESKTOP) as resident:
        page = resident.page
        resident.open("/")
        expect(page.locator("#today")).to_contain_text("mit keinem Sensor-Dienst verbunden")
        page.get_by_role("link", name="Häuser am Salvador-Allende-Platz dämmen").click()
        article = page.locator(f"#proposal-{PROPOSAL}")
        expect(article).to_contain_text("Beispiel, keine Entscheidung der Stadt")
        expect(article).to_contain_text("2028 bis 2030")
        expect(article.locator("h2").first).to_be_focused()
        expect(page.locator("#colour")).to_have_value("saving")
        before = resident.picture()
        article.get_by_text("heute", exact=True).first.click()
        expect(page.locator("#colour")).to_have_value("heating_need_per_area")
        assert resident.picture() != before
        article.get_by_label("Mein Haus").fill("Erlanger Allee 3")
        result = article.get_by_role("status")
        expect(result).to_contain_text("Ihr Haus: Erlanger Allee 3")
        expect(result).to_contain_text("Ihre Wohnung, 60 m², im Monat")
        article.get_by_label("Größe meiner Wohnung, m²").fill("80")
        expect(result).to_contain_text("Ihre Wohnung, 80 m², im Monat")
        expect(result.locator(".heat td small")).to_have_count(3 * 2)
        expect(article).to_contain_text("Auf dieser Seite lassen sich keine Hinweise abgeben")
        article.get_by_label("Mein Haus").fill("Karl-Marx-Allee 3")
        expect(result).to_contain_text("An diesem Haus ändert das Vorhaben nichts")


def test_a_proposal_ones_house_and_the_table_by_keyboard_alone(chromium: Browser, address: str) -> None:
    with visit(chromium, address, DESKTOP) as resident:
        page, keys = resident.page, Keys(resident.page)
        resident.open("/")
        keys.press(page.locator(f"#start a[href='#proposal-{PROPOSAL}']"))
        article = page.locator(f"#proposal-{PROPOSAL}")
        keys.write(article.get_by_label("Mein Haus"), "Erlanger Allee 3")
        result = article.get_by_role("status")
        expect(result).to_contain_text("Ihr Haus: Erlanger Allee 3")
        keys.end(article.get_by_role("slider", name="Größe meiner Wohnung"))
        expect(result).to_contain_text("Ihre Wohnung, 200 m²")
        keys.press(page.locator("#view-table"))
        expect(page.locator("#table tbody tr").first).to_be_visible()
        heads = page.locator("#table thead button")
        keys.press(heads.nth(1))
        expect(page.locator("#table thead th[aria-sort]")).to_have_count(1)


def test_walk_by_keyboard_alone(chromium: Browser, address: str) -> None:
    with visit(chromium, address, DESKTOP) as resident:
        page = resident.page
        resident.open("/")
        page.locator("#start a[href='#story-warm-houses']").focus()
        page.keyboard.press("Enter")
        story = page.locator("#story-warm-houses")
        expect(story.get_by_role("status")).to_have_text("Schritt 1 von 4")
        for step in (2, 3):
            page.keyboard.press("ArrowRight")
            expect(story.get_by_role("status")).to_have_text(f"Schritt {step} von 4")
        expect(story.get_by_role("heading", name="Was die Dämmung spart")).to_be_focused()
        expect(story.locator(".step:visible .shows")).to_contain_text("Im Bild:")
        expect(page.locator("#colour")).to_have_value("saving")
        page.go_back()
        expect(page.locator("#start")).to_be_visible()


def test_phone_in_plain_german_and_in_a_third_language(chromium: Browser, address: str) -> None:
    with visit(chromium, address, PHONE) as resident:
        page = resident.page
        resident.open(f"/#proposal-{PROPOSAL}")
        page.get_by_role("link", name="Leicht", exact=True).tap()
        page.locator("#loading.done").wait_for(state="attached", timeout=60_000)
        expect(page.locator("html")).to_have_attribute("lang", "de-simple")
        expect(page.locator(f"#proposal-{PROPOSAL}")).to_contain_text("Die Arbeiter arbeiten außen am Haus.")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_role("link", name="FR", exact=True).tap()
        page.locator("#loading.done").wait_for(state="attached", timeout=60_000)
        page.get_by_role("link", name="All proposals").first.tap()
        expect(page.get_by_role("heading", name="Qu’est-ce qui est prévu ?")).to_be_visible()


def test_large_screen_has_no_forms_and_stands_still_for_who_wants_calm(
    chromium: Browser, address: str
) -> None:
    with visit(chromium, address, DESKTOP) as resident:
        resident.open("/?kiosk")
        page = resident.page
        expect(page.locator("#story-warm-houses")).to_be_visible()
        expect(page.get_by_role("button", name="Weiterlaufen")).to_be_visible()
        assert page.locator("input:visible, select:visible, textarea:visible").count() == 0


def test_site_is_there_without_a_network_after_a_first_visit(chromium: Browser, address: str) -> None:
    with visit(chromium, address, DESKTOP) as resident:
        page, context = resident.page, resident.page.context
        resident.open("/")
        page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        drawn = resident.picture()
        context.set_offline(True)
        page.reload(wait_until="domcontentloaded")
        page.locator("#loading.done").wait_for(state="attached", timeout=60_000)
        assert len(resident.picture()) > 0.8 * len(drawn)  # an empty scene is a tenth
        expect(page.locator("#loading")).to_be_hidden()
        page.get_by_role("link", name="EN", exact=True).click()  # a page that was never open
        page.locator("#loading.done").wait_for(state="attached", timeout=60_000)
        expect(page.get_by_role("heading", name="What is planned?")).to_be_visible()
        context.set_offline(False)


def test_a_new_publication_takes_the_place_of_what_was_kept(
    chromium: Browser, address: str, folder: Path
) -> None:
    with visit(chromium, address, DESKTOP) as resident:
        page = resident.page
        resident.open("/")
        first = page.evaluate("navigator.serviceWorker.ready.then(() => caches.keys())")
        worker = folder / "town" / "twin" / "sw.js"
        before = worker.read_text("utf-8")
        worker.write_text(re.sub(r'VERSION = "\w+"', 'VERSION = "another"', before), "utf-8")
        try:
            page.evaluate("navigator.serviceWorker.ready.then((r) => r.update()).then(() => null)")
            replaced = "caches.keys().then((all) => all.length === 1 && all[0].endsWith(' another'))"
            page.wait_for_function(replaced)
        finally:
            worker.write_text(before, "utf-8")
        assert len(first) == 1 and first[0].startswith(f"lobeda {address}/ ")
        kept = page.evaluate(_KEPT)
        assert f"{address}/index.html" in kept and not [url for url in kept if "/api" in url]
