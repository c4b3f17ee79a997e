"""A comment on a phone: pinned to a place by a tap, and sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visit import PHONE, visit
from tests.viewer.districts import small
from tests.viewer.participation import API, taking
from tests.viewer.test_server import Running
from viewer import proposals, publish
from viewer.participation.service import topics_of

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
