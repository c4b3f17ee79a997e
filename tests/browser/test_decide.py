"""What a manager comes for, from the question to the PDF: by real clicks, and once by keys alone.

Retrofit all WBS 70 blocks of 1979 to 1983 to the standard `advanced`, put photovoltaics on their roofs,
compare with today, find what a tonne of CO2 costs, and take the report home.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

import pytest
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from tests.browser.visit import PATIENCE_MS, Visit

pytestmark = pytest.mark.browser
REPORT_MS = 240_000  # a report simulates and draws for a while, on a busy machine longer


class Hand(Protocol):
    def press(self, wanted: Locator) -> None: ...
    def choose(self, select: Locator, label: str) -> None: ...
    def write(self, field: Locator, text: str) -> None: ...
    def tick(self, radio: Locator) -> None: ...
    def end(self, slider: Locator) -> None: ...


class Pointer:
    """Clicks where people click."""

    def press(self, wanted: Locator) -> None:
        wanted.click()

    def choose(self, select: Locator, label: str) -> None:
        value = select.locator("option").filter(has_text=label).get_attribute("value")
        select.select_option(value)

    def write(self, field: Locator, text: str) -> None:
        field.click()
        field.page.keyboard.type(text)

    def tick(self, radio: Locator) -> None:
        radio.locator("xpath=..").click()

    def end(self, slider: Locator) -> None:
        box = slider.bounding_box()
        assert box
        slider.page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)


class Keys:
    """Tab to a control, then the keys that work on it; never a pointer, never a script."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, wanted: Locator) -> None:
        expect(wanted).to_be_attached()
        for _ in range(150):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no key leads to {wanted}")

    def press(self, wanted: Locator) -> None:
        self.reach(wanted)
        self.page.keyboard.press("Enter")

    def choose(self, select: Locator, label: str) -> None:
        self.reach(select)
        for _ in range(select.locator("option").count()):
            if label in select.locator("option:checked").inner_text():
                break
            self.page.keyboard.press("ArrowDown")
        else:
            raise AssertionError(f"no key leads to {label}")
        if select.get_attribute("aria-description"):
            self.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.page.keyboard.type(text)

    def tick(self, radio: Locator) -> None:
        """Tab leads to the one of its group that is on; arrows lead on."""
        expect(radio).to_be_enabled()
        name = radio.get_attribute("name")
        for _ in range(20):
            self.reach(self.page.locator(f'input[name="{name}"]:checked'))
            if radio.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
            self.page.wait_for_timeout(100)
        raise AssertionError("no key leads to the choice")

    def end(self, slider: Locator) -> None:
        self.reach(slider)
        self.page.keyboard.press("End")


@pytest.fixture
def manager(open_page: Visit) -> Iterator[Visit]:
    page = open_page.page
    page.evaluate("localStorage.clear()")
    page.goto(f"{open_page.base}/manage")
    page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)
    yield open_page
    open_page.finish()


@pytest.mark.parametrize("way", ["pointer", "keys"])
def test_from_the_question_to_the_report(manager: Visit, way: str) -> None:
    page = manager.page
    hand: Hand = Pointer() if way == "pointer" else Keys(page)
    tour = page.get_by_role(
        "dialog", name="Das Quartier in 3D"
    )  # who is here for the first time is led around
    hand.press(tour.get_by_role("button", name="Überspringen"))
    expect(tour).to_be_hidden()
    hand.press(page.locator(".pick-fold > summary"))
    hand.choose(page.get_by_label("Bautyp"), "WBS 70")
    hand.write(page.get_by_label("Baujahr von"), "1979")
    hand.write(page.get_by_label("Baujahr bis"), "1983")
    expect(page.locator(".found")).to_have_text("3 Gebäude, 66 Wohnungen")
    hand.press(page.get_by_role("button", name="Auswählen"))
    expect(page.locator("#facts").get_by_role("heading", name="3 Gebäude")).to_be_visible()

    envelope = page.locator('[data-measure="envelope_retrofit"]')
    hand.press(envelope.locator("details.settings > summary"))
    hand.tick(envelope.get_by_label("zukunftsweisend"))
    hand.tick(envelope.get_by_label("nur die Auswahl"))
    hand.end(page.locator("#share"))
    expect(page.locator("#share-count")).to_have_text("1 von 1 Blöcken")
    hand.choose(page.get_by_label("+ Maßnahme"), "Photovoltaik auf Dächern")
    roofs = page.locator('[data-measure="roof_pv"]')
    hand.press(roofs.locator("details.settings > summary"))
    hand.tick(roofs.get_by_label("nur die Auswahl"))
    expect(roofs.locator("details.settings > summary")).to_contain_text("Bautyp WBS 70")

    expect(page.locator('[data-kpi="heating_need"] .delta')).to_contain_text("−")
    expect(page.locator('[data-kpi="co2"] .sure')).to_contain_text("besser als heute", timeout=PATIENCE_MS)
    tonne = page.locator('[data-economy="abatement"] dd')
    expect(tonne).to_have_text(re.compile(r"^[−\d.]+\s€/t"), timeout=PATIENCE_MS)
    said = tonne.inner_text()

    hand.press(page.locator("#report"))
    hand.press(page.get_by_role("button", name="Interner Bericht"))
    ready = page.get_by_role("button", name="Herunterladen")
    expect(ready).to_be_visible(timeout=REPORT_MS)
    with page.expect_download() as download:
        hand.press(ready)
    assert download.value.suggested_filename == "lobeda-report-internal.pdf"
    text = "".join(
        sheet.extract_text().replace("\xad", "-") for sheet in PdfReader(download.value.path()).pages
    )
    assert _number(said) in re.findall(r"−?[\d.]+", text[text.index("Vermeidungskosten") :][:300]), said


def _number(shown: str) -> str:
    number = re.match(r"[−\d.]+", shown)
    assert number, shown
    return number[0]
