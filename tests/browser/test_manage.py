"""What a manager builds and looks at in the app, in a real browser on the real server."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visit import Visit

pytestmark = pytest.mark.browser


@pytest.fixture
def manager(open_page: Visit) -> Iterator[Visit]:
    """The app with nothing selected and no measure."""
    page = open_page.page
    page.keyboard.press("Escape")
    page.locator("#view-3d").click()
    reset = page.get_by_role("button", name="Zurücksetzen")
    if reset.is_enabled():
        reset.click()
    expect(page.locator("#share")).to_have_value("0")
    expect(page.locator(".busy")).to_have_count(0)
    yield open_page
    open_page.finish()


def _filter(page: Page) -> None:
    if page.locator(".pick-fold").get_attribute("open") is None:
        page.locator(".pick-fold > summary").click()


def test_filter_selects_for_a_measure_and_survives_a_reload(manager: Visit) -> None:
    page = manager.page
    _filter(page)
    page.get_by_label("Bautyp").select_option("WBS 70")
    page.get_by_label("Baujahr von").fill("1979")
    expect(page.locator(".found")).to_have_text("3 Gebäude, 66 Wohnungen")
    page.get_by_role("button", name="Auswählen").click()
    facts = page.locator("#facts")
    expect(facts.get_by_role("heading", name="3 Gebäude")).to_be_visible()
    page.locator("#panel details.settings").first.locator("summary").click()
    page.get_by_text("nur die Auswahl").click()
    expect(page.locator("#share-count")).to_have_text("1 von 1 Blöcken")
    expect(page.locator("#panel details.settings summary").first).to_contain_text("Bautyp WBS 70")
    page.reload()
    page.locator("#loading.done").wait_for(state="attached", timeout=60_000)
    expect(facts.get_by_role("heading", name="3 Gebäude")).to_be_visible()
    expect(page.locator("#share")).to_have_value("100")


def test_address_search_flies_and_selects(manager: Visit) -> None:
    page = manager.page
    search = page.get_by_role("combobox", name="Straße oder Gebäude suchen")
    search.fill("dorfstr 1")
    expect(page.locator("#search-list li").first).to_have_text("Dorfstraße 1")
    search.press("ArrowDown")
    search.press("Enter")
    expect(page.locator("#facts").get_by_role("heading", name=re.compile(r"Dorfstraße 1\d"))).to_be_visible()
    expect(page.locator("#search-list")).to_be_hidden()
    search.fill("xyz")
    expect(page.locator("#search-list li")).to_contain_text("Nichts gefunden")
    search.fill("")


def test_scenarios_are_named_duplicated_and_come_back(manager: Visit) -> None:
    page = manager.page
    page.locator("#share").focus()
    page.keyboard.press("End")
    expect(page.locator('[data-kpi="heating_need"] .delta')).to_contain_text("−")
    name = page.get_by_label("Name des Szenarios")
    name.fill("Alles dämmen")
    name.press("Enter")
    expect(page.locator(".shelf .status")).to_contain_text("Gespeichert um")
    page.get_by_role("button", name="Duplizieren").click()
    expect(name).to_have_value("Alles dämmen (Kopie)")
    page.locator("#share").focus()
    page.keyboard.press("Home")
    expect(page.locator("#share")).to_have_value("0")
    expect(page.locator(".busy")).to_have_count(0)
    page.get_by_role("button", name="Szenarien …").click()
    dialog = page.get_by_role("dialog", name="Meine Szenarien")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Alles dämmen als YAML herunterladen").click()
    assert "envelope_retrofit" in download.value.path().read_text("utf-8")
    dialog.get_by_role("button", name="Alles dämmen (Kopie) löschen").click()
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    dialog.get_by_role("button", name="Zurückholen").click()
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    dialog.get_by_role("button", name="Alles dämmen", exact=True).click()
    expect(page.locator("#share")).to_have_value("100")
    expect(name).to_have_value("Alles dämmen")
    page.reload()
    page.locator("#loading.done").wait_for(state="attached", timeout=60_000)
    expect(name).to_have_value("Alles dämmen")
    expect(page.locator("#share")).to_have_value("100")
    expect(page.locator(".busy")).to_have_count(0)
    page.get_by_role("button", name="Szenarien …").click()
    page.get_by_role("button", name="Neues Szenario").click()
    expect(name).to_have_value("")


def test_a_slider_still_moving_stays_with_its_scenario_when_another_is_opened(manager: Visit) -> None:
    page = manager.page
    share, name = page.locator("#share"), page.get_by_label("Name des Szenarios")
    share.focus()
    page.keyboard.press("End")
    expect(page.locator('[data-kpi="heating_need"] .delta')).to_contain_text("−")
    name.fill("Ganz")
    name.press("Enter")
    expect(page.locator(".shelf .status")).to_contain_text("Gespeichert um")
    page.get_by_role("button", name="Duplizieren").click()
    expect(name).to_have_value("Ganz (Kopie)")
    page.evaluate(
        """() => {
          const share = document.getElementById("share");
          share.value = "40";
          for (const kind of ["input", "change"]) share.dispatchEvent(new Event(kind, { bubbles: true }));
          const listed = [...document.querySelectorAll("#scenarios li button")];
          listed.find((one) => one.textContent === "Ganz").click();
        }"""
    )
    expect(name).to_have_value("Ganz")
    expect(share).to_have_value("100")
    page.wait_for_timeout(1500)  # a hand rests after 0.4 s
    expect(share).to_have_value("100")
    page.get_by_role("button", name="Szenarien …").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Ganz (Kopie) als YAML herunterladen").click()
    assert "share: 0.4" in download.value.path().read_text("utf-8")  # it stayed where it was made
    page.get_by_role("button", name="Neues Szenario").click()
    expect(name).to_have_value("")


def test_charts_follow_the_selection_and_time_plays(manager: Visit) -> None:
    page = manager.page
    page.locator("#view-charts").click()
    charts = page.locator("#charts")
    expect(charts.locator("figure")).to_have_count(4, timeout=60_000)
    expect(charts.get_by_role("heading", level=2)).to_contain_text("Diagramme")
    curve = charts.locator("figure").filter(has_text="Jahresdauerlinie")
    curve.get_by_role("img").focus()
    page.keyboard.press("Home")
    expect(curve.locator(".readout")).to_contain_text("kW")
    peak = curve.locator("figcaption").inner_text()
    search = page.get_by_role("combobox", name="Straße oder Gebäude suchen")
    search.fill("dorfstr 1")
    search.press("Enter")
    expect(charts.get_by_role("heading", level=2)).to_contain_text("Dorfstraße 1", timeout=60_000)
    expect(curve.locator("figcaption")).not_to_have_text(peak, timeout=60_000)
    curve.get_by_text("Werte als Tabelle").click()
    expect(curve.locator("tbody tr")).to_have_count(13)
    if picture := os.environ.get("LOBEDA_PICTURES"):
        page.screenshot(path=f"{picture}/charts.png")
    page.locator("#view-3d").click()
    page.locator(".timeline").get_by_text("Monate", exact=True).click()
    expect(page.locator(".time-out")).to_contain_text("Januar", timeout=60_000)
    expect(page.locator("#legend .unit")).to_have_text("MWh")
    january = manager.picture()
    if picture := os.environ.get("LOBEDA_PICTURES"):
        page.screenshot(path=f"{picture}/time.png")
    page.get_by_role("slider", name="Zeitpunkt").fill("6")
    expect(page.locator(".time-out")).to_contain_text("Juli")
    assert manager.picture() != january
    page.reload()
    page.locator("#loading.done").wait_for(state="attached", timeout=60_000)
    expect(page.locator(".time-out")).to_contain_text("Januar", timeout=60_000)
    page.locator(".timeline").get_by_text("Jahr", exact=True).click()
    expect(page.locator("#legend .unit")).to_have_text("kWh/(m²a)")


def test_markup_that_gets_into_the_page_runs_nothing(manager: Visit) -> None:
    """What a defect lets through as markup: the policy holds its scripts, handlers and links."""
    page = manager.page
    written = (
        "<img src='data:,' onerror='window.ran = 1'><svg onload='window.ran = 1'></svg>"
        "<a id='wrong' href='javascript:window.ran = 1'>x</a>"
    )
    page.evaluate(
        """(written) => {
          const place = document.body.appendChild(document.createElement("div"));
          place.id = "written";
          place.innerHTML = written;
          place.appendChild(document.createElement("script")).textContent = "window.ran = 1";
          document.getElementById("wrong").click();
        }""",
        written,
    )
    page.wait_for_timeout(500)
    assert page.evaluate("window.ran") is None
    refused = [said for said in manager.problems if "Content Security Policy" in said]
    assert len(refused) >= 4
    for said in refused:
        manager.problems.remove(said)
    page.evaluate("document.getElementById('written').remove()")
