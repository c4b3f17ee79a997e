"""A comment on a phone: pinned to a place by a tap, and sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_decide import Keys
from tests.browser.visit import DESKTOP, PHONE, visit
from tests.viewer.districts import small
from tests.viewer.participation import API, taking
from tests.viewer.test_server import Running, running
from viewer import proposals, publish
from viewer.accounts.store import Accounts
from viewer.participation.service import Participation, topics_of
from viewer.participation.store import Comments

pytestmark = pytest.mark.browser
FILE = """---
title: {de: Linden am Platz}
place: {de: Erlanger Allee}
why: {de: Im Sommer fehlt dort Schatten.}
status: idea
contact: {name: Stadtgrün, email: gruen@jena.example}
---
Zwölf junge Linden.
"""


@pytest.fixture(scope="module")
def web(bundle: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The residents' pages with one proposal, and comments on it in a database of their own."""
    place = tmp_path_factory.mktemp("comments")
    (place / "content" / "proposals").mkdir(parents=True)
    (place / "content" / "proposals" / "linden.md").write_text(FILE, "utf-8")
    options = publish.Options(content=place / "content", api="/", live=False, draws=2)
    site = publish.publish(small(), place / "site", options=options)
    about = topics_of(proposals.read(place / "content"))
    with taking(f"sqlite:///{place / 'sensors.sqlite'}", folder=site, about=about) as started:
        yield started


def test_on_a_phone_a_tap_pins_the_comment_and_escape_ends_the_choice(
    chromium: Browser, web: Running
) -> None:
    with visit(chromium, web.address, PHONE) as resident:
        resident.open("/#proposal-linden")
        page = resident.page
        comments = page.locator("#proposal-linden .comments")
        comments.get_by_role("button", name="Ort im Bild wählen").tap()
        page.keyboard.press("Escape")
        expect(comments).to_contain_text("Ohne Ort: Der Kommentar gilt dem ganzen Vorhaben.")
        comments.get_by_role("button", name="Ort im Bild wählen").tap()
        box = page.locator("#scene canvas").bounding_box()
        assert box
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(comments.get_by_text("Ort: ", exact=False)).to_be_visible()
        comments.get_by_label("Ihr Kommentar").fill("Hier ist es heiß.")
        comments.get_by_role("button", name="Absenden").tap()
        expect(comments).to_contain_text("Danke für Ihren Kommentar!")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    with web.client() as client:
        counts = client.get(f"{API}/proposals/linden/comments").json()["counts"]
    assert counts["waiting"] == 1


def test_a_comment_is_written_pinned_looked_up_and_deleted_by_keyboard_alone(
    chromium: Browser, web: Running
) -> None:
    with visit(chromium, web.address, DESKTOP) as resident:
        resident.open("/")
        page, keys = resident.page, Keys(resident.page)
        keys.press(page.locator("#start a[href='#proposal-linden']"))
        comments = page.locator("#proposal-linden .comments")
        keys.press(comments.get_by_role("button", name="Dafür").first)
        expect(comments).to_contain_text("Ihre Stimme zählt.")
        keys.write(comments.get_by_label("Ihr Kommentar"), "Mit Tasten geschrieben.")
        keys.press(comments.get_by_role("button", name="Ort im Bild wählen"))
        page.keyboard.press("Enter")  # the middle of the picture
        expect(comments.get_by_text("Ort: ", exact=False)).to_be_visible()
        keys.press(comments.get_by_role("button", name="Absenden"))
        expect(comments).to_contain_text("Danke für Ihren Kommentar!")
        code = comments.locator(".comments-code code").inner_text()
        keys.press(comments.get_by_text("Eigenen Kommentar nachsehen oder löschen"))
        keys.write(comments.get_by_label("Ihr Code"), code)
        keys.press(comments.get_by_role("button", name="Löschen"))
        keys.press(comments.get_by_role("button", name="Ja, für immer löschen"))
        expect(comments).to_contain_text("Der Kommentar ist gelöscht.")


def test_where_a_link_is_needed_it_lets_comments_through_and_without_it_the_page_says_so(
    chromium: Browser, bundle: None, tmp_path: Path
) -> None:
    (tmp_path / "proposals").mkdir()
    (tmp_path / "proposals" / "linden.md").write_text(FILE, "utf-8")
    url = f"sqlite:///{tmp_path / 'sensors.sqlite'}"
    taken = Participation(Comments.open(url), topics_of(proposals.read(tmp_path)))
    accounts = Accounts.open(url)
    link = accounts.add_link("Erlanger Allee 5", 5, "test")
    served = running(participation=taken, accounts=accounts, content=tmp_path, comments_by_link=True)
    with served as web, visit(chromium, web.address, DESKTOP) as resident:
        page = resident.page
        comments = page.locator("#proposal-linden .comments")
        resident.open("/#proposal-linden", scene=False)
        expect(comments).to_contain_text("wer einen persönlichen Link bekommen hat")
        expect(comments.get_by_label("Ihr Kommentar")).to_be_hidden()
        expect(comments.get_by_role("button", name="Dafür")).to_be_disabled()

        resident.open(f"/login?link={link}", scene=False)
        page.get_by_role("button", name="Anmelden").click()  # a link alone changes no session
        page.wait_for_url(f"{web.address}/")
        resident.open("/#proposal-linden", scene=False)
        comments.get_by_role("button", name="Dafür").click()
        expect(comments).to_contain_text("Ihre Stimme zählt.")
        comments.get_by_label("Ihr Kommentar").fill("Hier ist es heiß.")
        comments.get_by_role("button", name="Absenden").click()
        expect(comments).to_contain_text("Danke für Ihren Kommentar!")
        code = comments.locator(".comments-code code").inner_text()

        names = set(page.evaluate("Object.keys(localStorage)"))
        names |= {cookie["name"] for cookie in page.context.cookies()}
        copies = page.evaluate("navigator.serviceWorker.ready.then(() => caches.keys())")
        assert copies and all(name.startswith("lobeda ") for name in copies)
        told = page.locator("#data-protection li code").all_text_contents()
        assert set(told) == names | {"lobeda …"}

        page.context.clear_cookies()  # the session ends while the page is open
        comments.get_by_role("button", name="Noch einen Kommentar schreiben").click()
        comments.get_by_label("Ihr Kommentar").fill("Und abends laut.")
        comments.get_by_role("button", name="Absenden").click()
        expect(comments.get_by_role("alert")).to_contain_text("Öffnen Sie Ihren Link")
        comments.get_by_text("Eigenen Kommentar nachsehen oder löschen").click()
        comments.get_by_label("Ihr Code").fill(code)
        comments.get_by_role("button", name="Löschen").click()
        comments.get_by_role("button", name="Ja, für immer löschen").click()
        expect(comments).to_contain_text("Der Kommentar ist gelöscht.")
        # Chromium reports every answer of 400 and above.
        refused = [one for one in resident.problems if re.search("status of 401", one)]
        assert len(refused) == 1
        resident.problems.remove(refused[0])
