"""What a manager builds and looks at in the app, in a real browser on the real server."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from tests.browser.visit import PHONE, Visit, visit
from tests.viewer.test_server import Running

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


def _upload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/yaml", "buffer": content}


def test_what_was_refused_is_not_said_beside_what_succeeds_later(manager: Visit) -> None:
    page = manager.page
    file, toast = page.locator("#scenario-file"), page.locator(".toast")
    refused = "Mein Plan.yaml, Zeile 2: „name“ steht zweimal da."
    good = b"name: gut\ntitle: {de: Guter Plan}\nmeasures:\n  - measure: roof_pv\n"
    name = page.get_by_label("Name des Szenarios")

    file.set_input_files(_upload("Mein Plan.yaml", b"name: a\nname: b\n"))
    expect(toast).to_contain_text(refused)
    page.wait_for_timeout(3_000)
    expect(toast).to_be_visible()  # who reads slowly has the time
    file.set_input_files(_upload("gut.yaml", good))
    expect(name).to_have_value("Guter Plan")
    expect(toast).to_have_count(0)

    file.set_input_files(_upload("Mein Plan.yaml", b"name: a\nname: b\n"))
    expect(toast).to_contain_text(refused)
    name.fill("Besserer Plan")
    name.press("Enter")
    expect(page.locator(".shelf .status")).to_contain_text("Gespeichert um")
    expect(toast).to_have_count(0)

    add = page.get_by_label("+ Maßnahme")
    add.select_option(label="Smarte Heizungsregelung")
    expect(page.locator('[data-measure="smart_heating"]')).to_be_visible()
    for _ in range(2):  # the same refusal is said each time
        add.select_option(label="Raumtemperatur ändern")
        expect(toast).to_contain_text("schließen einander aus")
        add.select_option(label="Balkonkraftwerke")
        expect(page.locator('[data-measure="balcony_pv"]')).to_be_visible()
        expect(toast).to_have_count(0)
        page.get_by_role("button", name="Balkonkraftwerke entfernen").click()
        expect(page.locator('[data-measure="balcony_pv"]')).to_have_count(0)
    page.get_by_role("button", name="Szenarien …").click()
    page.get_by_role("button", name="Neues Szenario").click()
    said = [one for one in manager.problems if "422" in one]
    assert len(said) == 2  # what the browser itself says of the two refused files
    for one in said:
        manager.problems.remove(one)


def test_a_name_that_was_typed_goes_to_the_copy(manager: Visit) -> None:
    page = manager.page
    name = page.get_by_label("Name des Szenarios")
    name.fill("Mein Plan")
    page.get_by_role("button", name="Duplizieren").click()
    expect(name).to_have_value("Mein Plan (Kopie)")
    page.get_by_role("button", name="Szenarien …").click()
    listed = page.locator("#scenarios li button:first-child")
    expect(listed.get_by_text("Mein Plan", exact=True)).to_be_visible()
    page.get_by_role("button", name="Neues Szenario").click()


def test_a_report_says_at_once_that_it_is_made_and_how_to_cancel_it(manager: Visit) -> None:
    page = manager.page
    button, status, toast = page.locator("#report"), page.locator("#report-status"), page.locator(".toast")
    choice = page.locator("#report-choice")
    held: list[Route] = []
    page.locator("#share").press("End")
    expect(page.locator('[data-kpi="heating_need"] .delta')).to_contain_text("−")

    button.click()
    choice.get_by_role("button", name="Schließen").click()
    expect(choice).to_be_hidden()
    expect(button).to_have_text("Bericht")

    page.route("**/manage/report", lambda route: held.append(route))  # a server that takes its time to begin
    for way in ("Interner Bericht", "Bericht für die Öffentlichkeit"):
        button.click()
        choice.get_by_role("button", name=way).click()
        expect(button).to_have_text("Bericht 0\u00a0% · abbrechen", timeout=1_500)
        expect(status).to_contain_text("Der Bericht wird erstellt.", timeout=1_500)
        expect(toast).to_contain_text("Der Bericht wird erstellt.")
        early = way == "Interner Bericht"
        if early:  # cancelled before the server has said its number
            button.click()
        else:
            with page.expect_response("**/manage/report/*"):  # it is watched
                held.pop().continue_()
            expect(button).to_have_text(re.compile(r"^Bericht \d+\s% · abbrechen$"))
        with page.expect_request(lambda asked: asked.method == "DELETE"):
            if early:
                held.pop().continue_()
            else:
                button.click()
        expect(button).to_have_text("Bericht")
        expect(status).to_have_text("Der Bericht ist abgebrochen.")
        expect(toast).to_have_text(re.compile("^Der Bericht ist abgebrochen."))
    page.unroute("**/manage/report")


def test_each_kind_of_report_is_one_block_with_its_explanation_below(manager: Visit) -> None:
    page = manager.page
    page.locator("#report").click()
    blocks = page.locator("#report-choice .way")
    expect(blocks).to_have_count(2)
    for block, told in ((blocks.first, "ab fünf Wohnungen"), (blocks.last, "Nur für die Verwaltung")):
        button, text = block.get_by_role("button"), block.locator("p")
        expect(button).to_have_accessible_description(re.compile(told))
        above, below = button.bounding_box(), text.bounding_box()
        assert above and below and above["y"] + above["height"] <= below["y"]
    page.keyboard.press("Escape")


def test_a_phones_header_has_all_buttons_in_sight(
    chromium: Browser, web: Running, session: dict[str, object]
) -> None:
    with visit(chromium, web.address, PHONE, storage_state=session) as phone:
        phone.open("/manage")
        shown = phone.page.locator("header.bar :is(button, a):visible")
        assert shown.count() >= 11  # notice, undo, redo, tour, report, three views, two languages, way out
        for one in shown.all():
            box = one.bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"], one.inner_text()
        bar, scene = (phone.page.locator(of).bounding_box() for of in ("header.bar", "#scene"))
        assert bar and scene and bar["y"] + bar["height"] <= scene["y"] + 1
        assert scene["height"] > 250  # the picture keeps its room
        phone.page.get_by_role("button", name="Diagramme").tap()
        expect(phone.page.locator("#charts")).to_be_visible()


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
