"""axe-core finds nothing of weight on any page, by day and by night, at a desk and on a phone, in dialogs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from sensors.store import Store
from tests.browser.visit import DESKTOP, PHONE, Visit, visit
from tests.viewer import feeding, participation
from tests.viewer.accounts import PASSWORD
from tests.viewer.districts import small
from tests.viewer.test_proposals import HEAD, write
from tests.viewer.test_server import Running, running
from viewer import publish, texts
from viewer.feeds import Feeds

pytestmark = pytest.mark.browser
GRAVE = ("moderate", "serious", "critical")
STORY = """---
title: {de: Rundgang}
proposal: trees
---
## Das Quartier
```view
look: overview
shows: Das ganze Quartier von oben.
```
Alle Häuser.

## Danach
```view
look: proposal
highlight: true
shows: Die Häuser des Vorhabens.
```
Gedämmt.
"""
RETROFIT = "version: 1\nname: usual\nmeasures:\n  - measure: envelope_retrofit\n"


@pytest.fixture(scope="module")
def web(bundle: None) -> Iterator[Running]:
    """A server whose district has sensors."""
    folder = tempfile.TemporaryDirectory()
    store = Store.open(f"sqlite:///{Path(folder.name) / 'live.db'}")
    with running(feeds=Feeds(store, {"test": feeding.live("west-0")}, folder, watch_s=1.0)) as started:
        yield started


@pytest.fixture(scope="module")
def town(bundle: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a proposal that can be computed, and with comments on it."""
    folder = tmp_path_factory.mktemp("town")
    head = HEAD + "scenario: usual.yaml\ntargets: {where: {street: Karl-Marx-Allee}}\nexample: true\n"
    write(folder, head, "Wir *dämmen*.\n\n| Was | Wann |\n|---|---|\n| Wand | 2027 |\n")
    (folder / "proposals" / "usual.yaml").write_text(RETROFIT, "utf-8")
    (folder / "stories").mkdir()
    (folder / "stories" / "walk.md").write_text(STORY, "utf-8")
    site = publish.publish(
        small(), folder / "site", options=publish.Options(content=folder, api="/", live=False, draws=2)
    )
    with participation.taking(f"sqlite:///{folder / 'comments.db'}", folder=site) as started:
        yield started


def grave(page: Page, state: str) -> list[str]:
    """What axe-core calls moderate, serious or critical on `page` as it is, by day and by night."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        for rule in Axe().run(page).response["violations"]:
            if rule["impact"] in GRAVE:
                places = "; ".join(
                    f"{node['target']} {node['any'][0]['message'] if node['any'] else ''}"
                    for node in rule["nodes"][:6]
                )
                found.append(f"{state}, {scheme}: {rule['id']}: {places}")
    page.emulate_media(color_scheme="light")
    return found


def test_managers_app(open_page: Visit) -> None:
    page = open_page.page
    found = grave(page, "fresh")
    page.locator("#notice-open").click()
    found += grave(page, "notice")
    page.keyboard.press("Escape")
    page.locator("#tour").click()
    found += grave(page, "tour")
    page.keyboard.press("Escape")
    page.locator('[data-derive="heating_need"]').first.click()
    expect(page.locator("#derivation .steps").first).to_be_visible()
    found += grave(page, "derivation")
    page.keyboard.press("Escape")
    page.locator("#view-table").click()
    expect(page.locator("#table tbody tr")).to_have_count(16)
    page.get_by_role("button", name="Spalten filtern").click()
    found += grave(page, "table")
    search = page.locator("#table .column-filter input[type=search]").first
    search.fill("gibt es nicht")
    expect(page.locator("#table tbody tr")).to_have_count(1)
    found += grave(page, "table without rows")
    search.fill("")
    page.locator("#view-charts").click()
    expect(page.locator("#charts svg.chart").first).to_be_visible()
    found += grave(page, "charts")
    page.locator("#view-3d").click()
    page.locator(".toolbar").get_by_role("button", name="Sonnenstunden").click()
    page.get_by_role("radio", name="an Fassaden").check(force=True)
    page.locator(".tool-card").get_by_role("button", name="Berechnen").click()
    expect(page.locator(".tool-card .classes li")).to_have_count(9)
    found += grave(page, "hours of sun on facades")
    page.keyboard.press("Escape")
    page.locator("#view-table").click()
    page.get_by_role("button", name="Karl-Marx-Allee 1–5").click()
    page.get_by_role("button", name="Diesen Stand als A festhalten").click()
    page.get_by_role("slider", name="Sanierter Flächenanteil").fill("100")
    expect(page.locator("#facts svg.chart")).to_be_visible()
    expect(page.locator('[data-kpi="co2"] .delta')).to_contain_text("−")
    found += grave(page, "selection, A and B")
    page.keyboard.press("Escape")
    page.locator("#side-tabs").get_by_role("button", name="Sensoren").click()
    page.locator("#sensors").get_by_role("button", name=feeding.NAMED).click()
    expect(page.locator("#device svg.chart")).to_be_visible()
    page.evaluate("import('/manage/files/ui.js').then(ui => ui.toast('Fehler', 'Schließen', () => {}))")
    found += grave(page, "sensors and an error")
    assert found == []


def test_managers_app_on_a_phone(chromium: Browser, web: Running, session: dict[str, object]) -> None:
    found = []
    with visit(chromium, web.address, PHONE, storage_state=session) as phone:
        phone.open("/manage")
        for tab in phone.page.locator("#sheet [role=tab]").all():
            tab.tap()
            found += grave(phone.page, tab.inner_text())
        assert found == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_residents_page(chromium: Browser, town: Running, size: dict[str, int]) -> None:
    with visit(chromium, town.address, size) as resident:
        resident.open("/")
        page = resident.page
        found = grave(page, "fresh")
        page.locator(".proposals a").first.click()
        expect(page.locator(".view.on .home .result")).to_be_visible()
        expect(page.locator(".view.on .comments textarea").first).to_be_visible()
        found += grave(page, "proposal")
        page.locator("#view-table").click()
        expect(page.locator(".grid-table tbody tr").first).to_be_visible()
        found += grave(page, "table")
        if size == DESKTOP:
            page.locator("#view-3d").click()
            page.evaluate("location.hash = '#story-walk'")
            expect(page.locator("#story-walk .step:visible")).to_have_count(1)
            found += grave(page, "story")
            resident.open("/?kiosk")
            expect(page.locator(".kiosk-bar button")).to_be_visible()
            found += grave(page, "kiosk")
        assert found == []


def test_legal_views_open_from_their_links_in_every_language(chromium: Browser, town: Running) -> None:
    with visit(chromium, town.address, PHONE) as resident:
        page, found = resident.page, []
        for language in texts.languages(variants=True):
            resident.open("/" if language == texts.DEFAULT else f"/{language}/", scene=False)
            found += grave(page, f"{language}: start")
            for view in ("imprint", "data-protection", "accessibility"):
                page.locator(f"nav.legal a[href$='#{view}']").click()
                expect(page.locator(f"#{view}")).to_be_visible()
                expect(page.locator(f"#title-{view}")).to_be_focused()
                found += grave(page, f"{language}: {view}")
                page.locator(f"#{view} .back a").click()
        assert found == []


def test_every_page_behind_the_login_leads_to_the_legal_views(
    chromium: Browser, web: Running, session: dict[str, object]
) -> None:
    with visit(chromium, web.address, DESKTOP, storage_state=session) as desk:
        page = desk.page
        for path, language in (
            ("/login", ""), ("/api/ogc?f=html&lang=en", "en/"), ("/api/docs?lang=en", "en/"), ("/manage", ""),
        ):  # fmt: skip
            for view in ("imprint", "data-protection", "accessibility"):
                desk.open(path, scene=path == "/manage")
                if path == "/manage":
                    page.locator("#notice-open").click()
                page.locator(f"nav.legal a[href='/{language}#{view}']").click()
                expect(page.locator(f"#{view} h2")).to_be_visible()


def test_login_and_moderation(chromium: Browser, town: Running) -> None:
    with town.client() as client:
        assert participation.send(client, "Bitte mehr Bäume.").status_code < 300
    town.app.state.accounts.add("otto", ["moderator"], PASSWORD, "test")
    with visit(chromium, town.address, DESKTOP) as desk:
        desk.open("/moderate", scene=False)
        found = grave(desk.page, "login")
        desk.page.evaluate("document.querySelector('main').append(document.createElement('button'))")
        assert "button-name" in str(grave(desk.page, "a button that says nothing"))  # axe-core does look
        desk.problems.clear()  # Chromium reports the refusal that leads to the login
        desk.page.locator("#name").fill("otto")
        desk.page.locator("#password").fill("not the password")
        desk.page.keyboard.press("Enter")
        expect(desk.page.get_by_role("alert")).to_be_visible()
        found += grave(desk.page, "wrong password")
        desk.page.locator("#name").fill("otto")
        desk.page.locator("#password").fill(PASSWORD)
        desk.problems.clear()  # and the one of the wrong password
        desk.page.keyboard.press("Enter")  # leads on to /moderate
        expect(desk.page.locator("#list li").first).to_be_visible()
        expect(desk.page.locator("nav.legal a[href='/#data-protection']")).to_be_visible()
        found += grave(desk.page, "moderation")
        desk.page.set_viewport_size(PHONE)
        found += grave(desk.page, "moderation on a phone")
        assert found == []


def test_pages_of_the_open_data(web: Running, chromium: Browser) -> None:
    page = chromium.new_page(viewport=PHONE)
    found = []
    for path in ("?f=html", "/collections/buildings/items?f=html&limit=3&lang=en"):
        page.goto(f"{web.address}/api/ogc{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found += grave(page, path)
    page.close()
    assert found == []
