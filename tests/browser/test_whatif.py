"""From letting go of a slider to the stages on the page, in a real browser on the real server."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visit import DESKTOP, PATIENCE_MS, Visit, visit
from tests.viewer.test_server import Running

pytestmark = pytest.mark.browser
# At each stage: which, whether CO2 says that it is updating, the bands' notice, what is said of CO2's fall.
WATCH = """() => {
  window.seen = [];
  const panel = document.getElementById("panel");
  const note = () => window.seen.push([
    panel.dataset.stage, !panel.querySelector('[data-kpi=co2] .pending').hidden,
    !panel.querySelector('.bands').hidden, panel.querySelector('[data-kpi=co2] .sure').textContent]);
  new MutationObserver(note).observe(panel, { attributes: true, attributeFilter: ["data-stage"] });
}"""
MARKS = """() => performance.getEntriesByType("mark").filter((mark) => mark.name.startsWith("whatif:"))
  .map((mark) => [mark.name.slice(7), mark.detail, mark.startTime])"""


@pytest.fixture
def manager(open_page: Visit) -> Iterator[Visit]:
    page = open_page.page
    reset = page.get_by_role("button", name="Zurücksetzen")
    if reset.is_enabled():
        reset.click()
    expect(page.get_by_role("slider", name="Sanierter Flächenanteil")).to_have_value("0")
    _settled(page)
    page.evaluate("performance.clearMarks()")
    yield open_page
    open_page.finish()


def _settled(page: Page) -> None:
    """All stages of what is set are in."""
    expect(page.locator('#panel[data-stage="3"]:not(.busy)')).to_be_visible(timeout=PATIENCE_MS)


def _let_go(page: Page, share: float) -> None:
    """Press the slider of the retrofit at a share of its length, and let go."""
    box = page.locator("#share").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()


def test_stages_arrive_in_order_and_none_speaks_for_a_later_one(manager: Visit) -> None:
    page = manager.page
    page.evaluate(WATCH)
    before = page.evaluate("performance.now()")
    _let_go(page, 0.6)
    expect(page.locator('[data-kpi="co2"] .sure')).to_contain_text("besser als heute", timeout=PATIENCE_MS)
    seen = page.evaluate("window.seen")
    assert list(dict.fromkeys(stage for stage, *_ in seen)) == ["1", "2", "3"]
    assert seen == sorted(seen, key=lambda note: note[0])  # none goes back
    said = {stage: [note for at, *note in seen if at == stage] for stage in "123"}
    assert all(note == [True, True, ""] for note in said["1"])
    assert all(note == [False, True, ""] for note in said["2"])
    assert all(note[:2] == [False, False] and "mehr als 95" in note[2] for note in said["3"])
    expect(page.locator('[data-kpi="co2"] .was')).to_contain_text("…")
    at = {name: time for name, _, time in page.evaluate(MARKS)}
    assert at["act"] <= at["stage1"] <= at["stage2"] <= at["stage3"] and at["stage1"] <= at["frame"]
    bound = page.evaluate('performance.getEntriesByName("scene:values").at(-1).startTime')
    assert bound > before  # the scene had its values, from pressing already where the server was quick


def test_a_newer_position_ends_the_older_ones_later_stages(manager: Visit, web: Running) -> None:
    page, gate = manager.page, threading.Event()
    with _blocked(web, gate):  # the older position's stages cannot have come before the newer one does
        for share in (0.3, 0.5, 0.8):
            _let_go(page, share)
            expect(page.locator('#panel[data-stage="1"]:not(.busy)')).to_be_visible()
    _settled(page)
    arrived = [(name, act) for name, act, _ in page.evaluate(MARKS) if name in ("stage2", "stage3")]
    last = max(act for name, act, _ in page.evaluate(MARKS) if name == "act")
    assert arrived == [("stage2", last), ("stage3", last)]


def test_one_pages_long_work_never_holds_up_another(
    manager: Visit, chromium: Browser, web: Running, session: dict[str, object]
) -> None:
    gate = threading.Event()
    with visit(chromium, web.address, DESKTOP, storage_state=session) as other:
        other.open("/manage?lang=en")
        with _blocked(web, gate):
            for visitor in (other, manager):
                _let_go(visitor.page, 0.7)
                # Stage 1 needs no turn at the desk; what does, says so.
                expect(visitor.page.locator('[data-kpi="heating_need"] .delta')).to_contain_text("−")
                expect(visitor.page.locator('[data-kpi="co2"] .pending')).to_be_visible()
            expect(other.page.locator(".bands")).to_contain_text("updating")
        for visitor in (other, manager):  # an endless job of a third page still lies on the desk
            _settled(visitor.page)
        expect(other.page.locator('[data-kpi="co2"] .sure')).to_have_text(
            "better than today with more than 95\u00a0%"
        )
    web.app.state.twin.desk.drop("a third page")


def test_measures_are_added_set_refused_and_undone(manager: Visit) -> None:
    page = manager.page
    add = page.get_by_label("+ Maßnahme")
    add.select_option(label="Smarte Heizungsregelung")
    smart = page.locator('[data-measure="smart_heating"]')
    expect(smart.get_by_label("Temperatur bei Abwesenheit und nachts")).to_have_value("17")
    figure = page.locator('[data-kpi="heating_need"] .value')
    expect(page.locator('[data-kpi="heating_need"] .delta')).to_contain_text("−")
    with_smart = figure.inner_text()
    add.select_option(label="Raumtemperatur ändern")
    expect(page.get_by_role("alert")).to_contain_text("schließen einander aus")
    page.get_by_role("alert").get_by_role("button").click()
    expect(page.locator('[data-measure="set_points"]')).to_have_count(0)
    expect(figure).to_have_text(with_smart)
    cold = smart.get_by_label("Temperatur bei Abwesenheit und nachts")
    cold.press("Home")
    expect(cold).to_have_value("12")
    page.get_by_role("button", name="Rückgängig").click()
    expect(cold).to_have_value("17")
    expect(figure).to_have_text(with_smart)
    smart.get_by_role("button", name="Smarte Heizungsregelung entfernen").click()
    expect(smart).to_have_count(0)
    expect(page.locator('[data-kpi="heating_need"] .delta')).to_have_text("unverändert")


def test_a_number_opens_its_derivation(manager: Visit) -> None:
    page = manager.page
    _let_go(page, 0.6)
    expect(page.locator('[data-kpi="co2"] .sure')).to_contain_text("besser als heute", timeout=PATIENCE_MS)
    opener, dialog = page.locator("#kpi-co2"), page.locator("#derivation")
    expect(opener).to_have_accessible_name(re.compile(r"^CO₂ [\d.]+ t/a$"))
    shown = opener.inner_text()
    opener.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_have_accessible_name("CO₂")
    expect(dialog.locator(".figure")).to_have_text(shown)
    factor = dialog.get_by_role("row", name="CO₂-Faktor, Gas")
    expect(factor).to_contain_text("kg/kWh")
    expect(factor).to_contain_text("GEG Anlage 4")
    expect(dialog.get_by_text("E_gas · f_gas").first).to_be_visible()
    dialog.locator("details summary").click()
    expect(dialog.get_by_role("row", name="U-Wert Türen")).to_contain_text("geschätzt")
    if picture := os.environ.get("LOBEDA_PICTURES"):
        page.screenshot(path=f"{picture}/derivation-open.png")
    dialog.get_by_label("heute").check()
    expect(dialog.locator(".figure")).not_to_have_text(shown)
    before = page.locator('[data-kpi="co2"] .was').inner_text().split(";")[0].removeprefix("heute ")
    expect(dialog.locator(".figure b")).to_have_text(before)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    page.locator('.network [data-derive="heat_lost"]').last.click()
    expect(dialog).to_have_accessible_name("davon Netzverluste")
    expect(dialog.locator(".figure b")).to_have_text(
        page.locator('.network [data-derive="heat_lost"]').last.inner_text()
    )
    dialog.get_by_role("button", name="Schließen").click()


def test_a_selections_numbers_open_theirs_and_escape_keeps_the_selection(manager: Visit) -> None:
    page = manager.page
    page.locator("#view-table").click()
    page.locator("#table").get_by_role("button", name="Erlanger Allee 1–5").first.click()
    number = page.locator('#facts [data-derive="heating_need_per_area"]').last
    number.click()
    dialog = page.locator("#derivation")
    expect(dialog).to_contain_text("Erlanger Allee 1–5")
    expect(dialog.locator(".figure")).to_have_text(f"{number.inner_text()} kWh/(m²a)")
    expect(dialog.get_by_role("row", name="Energiebezugsfläche").first).to_contain_text("m²")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(number).to_be_focused()
    expect(page.locator("#facts h2").first).to_have_text("Erlanger Allee 1–5")
    page.keyboard.press("Escape")


def test_a_scenario_is_loaded_and_kept_through_a_change_of_language(manager: Visit) -> None:
    page = manager.page
    page.get_by_label("Szenario laden").select_option(label="WBS-70-Blöcke sanieren")
    retrofit = page.locator('[data-measure="envelope_retrofit"]')
    expect(retrofit.locator("summary")).to_contain_text("Bautyp WBS 70")
    expect(page.locator('[data-kpi="co2"] .delta')).to_contain_text("−")
    page.locator("#colour").select_option("co2")
    expect(page.locator("#legend")).to_contain_text("CO₂")
    page.get_by_role("link", name="EN", exact=True).click()
    page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#colour")).to_have_value("co2")
    expect(page.locator("#share")).to_have_value("100")
    expect(retrofit.locator("summary")).to_contain_text("WBS 70")
    expect(page.locator('[data-kpi="co2"] .delta')).to_contain_text("−")
    page.get_by_role("link", name="DE", exact=True).click()
    page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)


@contextlib.contextmanager
def _blocked(web: Running, gate: threading.Event) -> Iterator[None]:
    """While it stands, the desk is busy with one long chunk of a third page, and then with short ones."""
    begun = threading.Event()

    def job() -> Iterator[None]:
        begun.set()
        while True:
            gate.wait(120)
            yield

    web.app.state.twin.desk.put("a third page", job(), lambda error: None)
    assert begun.wait(60)
    yield
    gate.set()
