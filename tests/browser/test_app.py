"""The manager's app and the public page in a real browser on the real server."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import serve
from tests.browser.visit import DESKTOP, PATIENCE_MS, PHONE, Visit, visit
from tests.viewer.districts import small
from tests.viewer.test_server import TOKEN, Running
from viewer import publish

pytestmark = pytest.mark.browser


@pytest.fixture
def manager(open_page: Visit) -> Iterator[Visit]:
    """The app as it is after opening: nothing selected, nothing refurbished, coloured by heating need."""
    page = open_page.page
    page.keyboard.press("Escape")
    page.locator("#view-3d").click()
    page.locator("#colour").select_option("heating_need_per_area")
    reset = page.get_by_role("button", name="Zurücksetzen")
    slider = page.get_by_role("slider", name="Sanierter Flächenanteil")
    if slider.input_value() != "0":  # the test before may have left it moving
        expect(reset).to_be_enabled()
    if reset.is_enabled():
        reset.click()
    expect(slider).to_have_value("0")
    expect(page.locator(".busy")).to_have_count(0)
    yield open_page
    open_page.finish()


def _open_settings(visitor: Visit) -> None:
    """Unfold components, standard and targets of the retrofit, unless a test before has."""
    folded = visitor.page.locator("#panel details.settings").first
    if folded.get_attribute("open") is None:
        folded.locator("summary").click()


def _kpi(visitor: Visit, name: str = "heating_need") -> str:
    return visitor.page.locator(f'[data-kpi="{name}"] .value').inner_text()


def test_a_link_works_once_and_then_a_new_one(chromium: Browser, web: Running, session: object) -> None:
    with visit(chromium, web.address, DESKTOP) as stranger:
        stranger.page.goto(f"{web.address}/login?token={TOKEN}")
        expect(stranger.page.get_by_text("schon benutzt")).to_be_visible()
        stranger.page.get_by_role("button", name="Neuen Link").click()
        expect(stranger.page.get_by_text("Terminal")).to_be_visible()
        stranger.page.goto(web.address + web.links[-1])
        stranger.page.wait_for_url("**/manage")
        expect(stranger.page.locator("#scene")).to_be_visible()
        stranger.problems.clear()  # Chromium reports the 403 that this test is about


def test_hover_and_click_on_a_named_block(manager: Visit) -> None:
    manager.page.get_by_role("button", name="Tabelle").click()
    manager.page.get_by_role("button", name="Karl-Marx-Allee 1–5").click()  # flies there
    manager.page.keyboard.press("Escape")
    x, y = manager.find("Karl-Marx-Allee")
    assert "kWh/(m²a)" in manager.page.locator("#tooltip").inner_text()
    manager.page.mouse.click(x, y)
    facts = manager.page.locator("#facts")
    expect(facts.get_by_role("heading", name="Karl-Marx-Allee 1–5")).to_be_visible()
    expect(facts).to_contain_text("Wohnungen30belegt")
    expect(facts).to_contain_text("P2geschätzt")
    expect(facts.locator("svg.chart .bar-after")).to_have_count(12)
    facts.get_by_text("Dieses Gebäude").click()
    expect(facts.get_by_role("heading", name=re.compile(r"Karl-Marx-Allee [135]$"))).to_be_visible()
    manager.page.keyboard.press("Escape")
    expect(facts).to_be_hidden()


def test_slider_changes_colours_and_figures_together(manager: Visit) -> None:
    before, figure = manager.picture(), _kpi(manager)
    slider = manager.page.get_by_role("slider", name="Sanierter Flächenanteil")
    slider.focus()
    manager.page.keyboard.press("End")
    expect(manager.page.locator('[data-kpi="heating_need"] .delta')).to_contain_text("−")
    expect(manager.page.locator("#panel")).to_contain_text("15 von 15 Blöcken")
    expect(manager.page.locator("#panel")).to_contain_text("Gebäude neu berechnet in")
    after = _kpi(manager)
    assert after != figure and manager.picture() != before
    _open_settings(manager)
    manager.page.get_by_label("Fenster").uncheck()
    expect(manager.page.locator('[data-kpi="heating_need"] .value')).not_to_have_text(after)
    manager.page.get_by_role("button", name="Rückgängig").click()
    expect(manager.page.locator('[data-kpi="heating_need"] .value')).to_have_text(after)
    expect(manager.page.get_by_label("Fenster")).to_be_checked()
    manager.page.keyboard.press("Control+z")
    expect(manager.page.locator('[data-kpi="heating_need"] .value')).to_have_text(figure)
    expect(slider).to_have_value("0")
    manager.page.get_by_role("button", name="Wiederholen").click()
    expect(slider).to_have_value("100")


def test_heat_network_comes_later_and_lies_in_the_picture(manager: Visit) -> None:
    page = manager.page
    network = page.locator("#panel .network")
    expect(network.locator(".compare")).to_be_visible(timeout=60_000)
    basis = page.locator("[data-basis]")
    expect(basis).to_contain_text("simulierten Netzverlusten")
    plain = manager.picture()
    page.locator("#colour").select_option("network_flow")
    expect(page.locator("#legend .unit")).to_have_text("kg/s")
    assert manager.picture() != plain
    manager.find("Fernwärmeleitung")
    told = page.locator("#tooltip").inner_text()
    assert "kg/s" in told and "°C" in told and "mm" in told and "Verlust" in told
    page.get_by_role("slider", name="Sanierter Flächenanteil").focus()
    page.keyboard.press("End")
    # At once with the flat figure, and with the network's own as soon as both states are solved.
    expect(page.locator('[data-kpi="co2"] .delta')).to_contain_text("−")
    expect(network.locator("thead")).to_contain_text("mit Maßnahme", timeout=60_000)
    expect(basis).to_contain_text("simulierten Netzverlusten")
    expect(network.locator("tbody tr")).to_have_count(3)


def test_selection_shows_its_substation(manager: Visit) -> None:
    page = manager.page
    page.get_by_role("button", name="Tabelle").click()
    page.get_by_role("button", name="Karl-Marx-Allee 1–5").click()
    facts = page.locator("#facts")
    expect(facts).to_contain_text("Wärme aus dem Netz", timeout=60_000)
    expect(facts).to_contain_text("Überhitzung, heißester Raum")


def test_many_steps_end_where_the_hand_ends(manager: Visit) -> None:
    slider = manager.page.get_by_role("slider", name="Sanierter Flächenanteil")
    slider.focus()
    for _ in range(37):
        manager.page.keyboard.press("ArrowRight")
    expect(manager.page.locator(".busy")).to_have_count(0)
    expect(slider).to_have_value("37")
    expect(manager.page.locator(".share-out")).to_have_text("37\u00a0%")


def test_a_reset_right_after_a_step_stays(manager: Visit) -> None:
    """The slider's last position is told only once it rests; it may not come in behind the reset."""
    page = manager.page
    slider = page.get_by_role("slider", name="Sanierter Flächenanteil")
    slider.focus()
    page.keyboard.press("PageUp")
    reset = page.get_by_role("button", name="Zurücksetzen")
    expect(reset).to_be_enabled()
    page.keyboard.press("PageUp")
    reset.evaluate("button => button.click()")  # at once, as no hand could
    page.wait_for_timeout(900)  # longer than the slider's rest
    expect(page.locator(".busy")).to_have_count(0)
    expect(slider).to_have_value("0")


def test_colouring_and_its_legend(manager: Visit) -> None:
    before = manager.picture()
    manager.page.get_by_label("Einfärben nach").select_option(label="Bautyp")
    legend = manager.page.locator("#legend")
    expect(legend.get_by_role("listitem")).to_have_text(["P23", "WBS 703"])
    manager.page.get_by_label("Einfärben nach").select_option(label="Baujahr")
    expect(legend).to_contain_text("1940")
    assert manager.picture() != before


def test_sun_moves_the_shadows(manager: Visit) -> None:
    before = manager.picture()
    manager.page.get_by_role("slider", name="Uhrzeit").fill("8")
    expect(manager.page.locator("#sun output")).to_have_text("08:00")
    assert manager.picture() != before


def test_table_says_the_same_and_leads_back(manager: Visit) -> None:
    page = manager.page
    page.get_by_role("button", name="Tabelle").click()
    table = page.locator("#table")
    expect(table.locator("tbody tr")).to_have_count(16)
    page.get_by_role("button", name=re.compile("Heizwärmebedarf heute")).click()
    expect(table.locator("thead [aria-sort]")).to_have_attribute("aria-sort", "descending")
    expect(table.locator("tbody tr").first).to_contain_text("Erlanger Allee 1–5")
    page.get_by_label("Suchen nach Straße").fill("schule")
    expect(table.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Suchen nach Straße").fill("xyz")
    expect(table).to_contain_text("Keine Zeile passt")
    page.get_by_label("Suchen nach Straße").fill("karl")
    page.get_by_role("button", name="Karl-Marx-Allee 1–5").click()
    expect(page.locator("#facts").get_by_role("heading", name="Karl-Marx-Allee 1–5")).to_be_visible()


def test_rows_of_the_table_are_picked_by_number_and_taken_home(manager: Visit) -> None:
    page = manager.page
    page.get_by_role("button", name="Tabelle").click()
    table = page.locator("#table")
    table.get_by_role("radio", name="Gebäude").check(force=True)
    expect(table.locator("tbody tr")).to_have_count(20)
    table.get_by_role("button", name="Spalten filtern").click()
    table.get_by_label("Spalte Baujahr, mindestens").fill("1979")
    table.get_by_label("Spalte Adresse enthält").fill("erlanger")
    expect(table.locator("tbody tr")).to_have_count(3)
    table.get_by_label("Alle gezeigten Zeilen auswählen").check()
    expect(page.locator(".pick-fold .now")).to_have_text("3 Gebäude")
    table.get_by_label("Erlanger Allee 3 auswählen").uncheck()
    expect(page.locator(".pick-fold .now")).to_have_text("2 Gebäude")
    expect(table.locator("tr.selected")).to_have_count(2)
    table.get_by_label("Dateiformat").select_option("csv_german")
    with page.expect_download() as download:
        table.get_by_role("button", name="Herunterladen").click()
    lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == 4 and lines[0].startswith("Adresse;Block;") and "[MWh/a]" in lines[0]
    page.reload()
    page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)
    expect(table.locator("tbody tr")).to_have_count(3)
    expect(table.get_by_label("Erlanger Allee 3 auswählen")).not_to_be_checked()
    expect(table.get_by_label("Erlanger Allee 5 auswählen")).to_be_checked()
    manager.open("/manage")


def test_a_held_state_is_compared_with_the_next_and_survives_a_reload(manager: Visit) -> None:
    page = manager.page
    held = page.locator(".holding")
    held.get_by_role("button", name="Diesen Stand als A festhalten").click()
    expect(held).to_contain_text("A und B sind noch gleich")
    page.get_by_role("slider", name="Sanierter Flächenanteil").fill("100")
    expect(held.locator("dd")).to_have_text(["heute", "Gebäudehülle sanieren 100\u00a0%"])
    expect(held.locator('[data-kpi-ab="heating_need"] td').last).to_contain_text("−")
    expect(held.locator(".sure").first).to_contain_text("B besser mit", timeout=PATIENCE_MS)
    before = manager.picture()
    page.get_by_role("radio", name="Schieber").check(force=True)
    assert manager.picture() != before
    page.get_by_role("radio", name="aus").check(force=True)
    held.get_by_role("button", name="A und B tauschen").click()
    expect(held.locator("dd")).to_have_text(["Gebäudehülle sanieren 100\u00a0%", "heute"])
    page.reload()
    page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)
    expect(held.locator("dd")).to_have_text(["Gebäudehülle sanieren 100\u00a0%", "heute"])
    expect(held.locator(".sure").first).to_contain_text("A besser mit", timeout=PATIENCE_MS)
    held.get_by_role("button", name="A loslassen").click()
    expect(held.locator("table")).to_have_count(0)


def test_a_new_user_is_led_around_once(manager: Visit) -> None:
    page = manager.page
    page.evaluate("localStorage.removeItem('lobeda-tour')")
    manager.open("/manage")
    tour = page.locator(".tour")
    for number in range(1, 8):
        expect(tour).to_contain_text(f"{number} von 7")
        expect(tour.get_by_role("heading")).to_be_focused()
        expect(page.locator(".tour-ring")).to_be_visible()
        tour.locator(".primary").press("Enter")
    expect(tour).to_be_hidden()
    page.locator("#tour").click()
    expect(tour).to_contain_text("1 von 7")
    page.keyboard.press("Escape")
    expect(tour).to_be_hidden()
    expect(page.locator("#tour")).to_be_focused()
    manager.open("/manage")
    page.wait_for_timeout(300)
    expect(tour).to_be_hidden()


def test_measure_for_the_selection_only(manager: Visit) -> None:
    page = manager.page
    page.get_by_role("button", name="Tabelle").click()
    page.get_by_role("button", name="Karl-Marx-Allee 1–5").click()
    _open_settings(manager)
    page.get_by_text("nur die Auswahl").click()
    expect(page.locator("#panel")).to_contain_text("1 von 1 Blöcken")
    expect(page.locator("#facts .keys")).to_be_visible()


def test_language(chromium: Browser, web: Running, session: dict[str, object]) -> None:
    with visit(chromium, web.address, DESKTOP, storage_state=session) as manager:
        manager.open("/manage?lang=en")
        expect(manager.page.locator("html")).to_have_attribute("lang", "en")
        expect(manager.page.get_by_role("slider", name="Share of floor area refurbished")).to_be_visible()
        expect(manager.page.get_by_role("button", name="Model, not survey data")).to_be_visible()
        expect(manager.page.get_by_role("link", name="DE", exact=True)).to_have_attribute("href", "?lang=de")
        broken = {"name": "a.yaml", "mimeType": "application/yaml", "buffer": b"name: a\nname: b\n"}
        manager.page.locator("#scenario-file").set_input_files([broken])  # type: ignore[list-item]
        toast = manager.page.locator(".toast")  # the page's language, not the browser's
        expect(toast).to_contain_text("a.yaml, line 2: 'name' stands twice. Keep one of them.")
        (refused,) = manager.problems  # what the browser itself says of an answer that is no success
        assert "422" in refused
        manager.problems.clear()


def test_model_notice_is_explained(manager: Visit) -> None:
    manager.page.get_by_role("button", name="Modell, keine Vermessung").click()
    expect(manager.page.get_by_role("dialog")).to_contain_text("Schätzungen")
    manager.page.keyboard.press("Escape")
    expect(manager.page.get_by_role("dialog")).to_be_hidden()


def test_manager_on_a_phone(chromium: Browser, web: Running, session: dict[str, object]) -> None:
    with visit(chromium, web.address, PHONE, storage_state=session) as phone:
        phone.open("/manage")
        _fits(phone)
        phone.page.get_by_role("slider", name="Anteil").fill("100")
        expect(phone.page.locator('[data-kpi="co2"] .delta')).to_contain_text("−")
        for tab in ("Farben", "Sonne", "Auswahl", "Sanieren"):
            phone.page.get_by_role("tab", name=tab).tap()
            expect(phone.page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        expect(phone.page.get_by_text("Modell, keine Vermessung").first).to_be_visible()


def test_closed_pages_leave_the_servers_memory(chromium: Browser, web: Running, session: object) -> None:
    clients = web.app.state.bokeh._clients
    before = set(clients)
    with visit(chromium, web.address, PHONE, storage_state=session) as phone:
        phone.page.goto(f"{web.address}/manage", wait_until="domcontentloaded")
        phone.page.locator(".kpi").first.wait_for()
        ours = set(clients) - before
        assert len(ours) == 1
    deadline = time.monotonic() + 20
    while ours & set(clients) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not ours & set(clients)


def test_public_page(chromium: Browser, web: Running) -> None:
    with visit(chromium, web.address, DESKTOP) as resident:
        resident.open("/")
        resident.page.get_by_label("Straße oder Gebäude suchen").fill("Dorfstraße 6")  # flies there
        resident.page.keyboard.press("Escape")
        x, y = resident.find("Dorfstraße")
        resident.page.mouse.click(x, y)
        facts = resident.page.locator("#facts")
        expect(facts).to_contain_text("6 Wohnungen in 6 Gebäuden gemeinsam")
        expect(facts).to_contain_text("Gruppe von Gebäuden")
        before = resident.picture()
        resident.page.get_by_text("alles saniert").first.click()
        assert resident.picture() != before
        resident.page.get_by_label("Straße oder Gebäude suchen").fill("Karl-Marx-Allee 3")
        expect(facts.get_by_role("heading", name="Karl-Marx-Allee 3")).to_be_visible()
        resident.page.get_by_role("button", name="Tabelle").click()
        expect(resident.page.locator(".grid-table tbody tr")).to_have_count(8)
        assert resident.page.context.cookies() == []


def test_public_page_on_a_phone_in_english(chromium: Browser, web: Running) -> None:
    with visit(chromium, web.address, PHONE) as resident:
        resident.open("/")
        _fits(resident)
        resident.page.get_by_role("link", name="EN", exact=True).tap()
        resident.page.locator("#loading.done").wait_for(state="attached", timeout=60_000)
        expect(resident.page.locator("html")).to_have_attribute("lang", "en")
        expect(resident.page.get_by_text("calculated, not measured").first).to_be_visible()
        resident.page.get_by_text("Sources and licences").tap()
        expect(resident.page.get_by_text("CC0-1.0")).to_be_visible()
        _fits(resident)


def test_public_site_on_any_server_below_any_path(chromium: Browser, bundle: None, tmp_path: Path) -> None:
    site = publish.publish(small(), tmp_path / "www" / "town" / "twin")
    for packed in (*site.rglob("*.gz"), *site.rglob("*.br")):
        packed.unlink()  # a server that knows nothing of them
    with (
        contextlib.contextmanager(serve)(tmp_path / "www") as address,
        visit(chromium, address, DESKTOP) as resident,
    ):
        resident.open("/town/twin/")
        resident.open("/town/twin/en/index.html")
        expect(resident.page.locator("#colour")).to_have_value("heating_need_per_area")


def test_without_3d_the_table_says_it(chromium: Browser, bundle: None, tmp_path: Path) -> None:
    site = publish.publish(small(), tmp_path / "site")
    shutil.rmtree(site / "scene")
    with contextlib.contextmanager(serve)(site) as address, visit(chromium, address, DESKTOP) as resident:
        resident.open("/", scene=False)
        expect(resident.page.get_by_text("konnte nicht geladen werden")).to_be_visible()
        resident.page.get_by_role("button", name="Tabelle").click()
        expect(resident.page.locator(".grid-table tbody tr")).to_have_count(8)
        resident.problems.clear()  # the missing files that this test is about


def _fits(visitor: Visit) -> None:
    """Nothing sticks out to the right."""
    width = visitor.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
