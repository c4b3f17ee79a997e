"""Sensors in the real browser on the real server: values arrive, a feed that stops raises its alarm."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from sensors import alarms, quality
from sensors.store import Store
from sensors.things import NewObservation
from sensors.times import now_us
from tests.browser.visit import DESKTOP, PHONE, Visit, visit
from tests.conftest import skip_or_fail
from tests.viewer import feeding
from tests.viewer.test_server import Running, running
from viewer import publish
from viewer.feeds import Feeds

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def feeds() -> Feeds:
    if not publish.SCENE_SCRIPT.is_file():
        skip_or_fail("the scene's script is not built; run `make build`")
    folder = tempfile.TemporaryDirectory()
    return Feeds(
        Store.open(f"sqlite:///{Path(folder.name) / 'live.db'}"), {"test": feeding.live("west-0")}, folder,
        watch_s=1.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def web(feeds: Feeds) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        # A silence of half a minute would be most of these tests' time.
        patch.setattr(alarms, "LEAST_SILENCE_US", 4_000_000)
        with running(feeds=feeds) as started:
            yield started


@pytest.fixture
def manager(chromium: Browser, web: Running, session: dict[str, object]) -> Iterator[Visit]:
    with visit(chromium, web.address, DESKTOP, storage_state=session) as manager:
        manager.open("/manage")
        yield manager


def test_values_move_history_opens_and_the_silent_alarm_is_acknowledged(manager: Visit) -> None:
    page = manager.page
    page.locator("#side-tabs").get_by_role("button", name="Sensoren").click()
    panel = page.locator("#sensors")
    row = panel.get_by_role("button", name=feeding.NAMED)
    shown = row.locator(".latest b")
    first = shown.inner_text()
    expect(shown).not_to_have_text(first)  # it moves
    expect(panel.locator(".simulated").first).to_have_text("simulierte Messreihe")
    symbol = page.get_by_role("button", name=f"{feeding.NAMED}: ")
    expect(symbol).to_have_attribute("data-state", "ok")
    # By keys: one stop for all symbols, arrows between them.
    symbol.focus()
    page.keyboard.press("Enter")
    card = page.locator("#device")
    expect(card.get_by_role("heading", name=feeding.NAMED)).to_be_visible()
    expect(card.locator(".simulated")).to_have_text("simulierte Messreihe")
    expect(card.locator("svg.line .value")).to_have_attribute("d", re.compile("^M.+L"))
    card.get_by_text("Jahr", exact=True).click()
    expect(card.locator('[data-range="year"]')).to_be_visible()  # the year is drawn
    expect(card.locator(".line-keys")).to_contain_text("Mittel und Spanne")
    card.locator("svg.line").focus()
    page.keyboard.press("End")
    readout = card.locator(".readout")
    expect(readout).to_contain_text("°C")
    page.keyboard.press("PageUp")
    read = readout.inner_text()[:6]
    # Drawn anew below the hands of who reads it by keys, as it is every minute, it stays in their hands.
    card.get_by_label("Monat").evaluate("(button) => button.click()")
    expect(card.locator('[data-range="month"]')).to_be_visible()
    expect(card.locator("svg.line")).to_be_focused()
    expect(readout).to_contain_text(read)
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    # Its feed stops.
    panel.get_by_role("button", name="Anhalten").click()
    expect(panel).to_contain_text("angehalten")
    alarm = panel.locator(".alarms li", has_text=feeding.NAMED)
    expect(alarm).to_contain_text("Keine Daten seit", timeout=30_000)
    expect(symbol).to_have_attribute("data-state", "silent")
    expect(page.locator("#side-tabs .alarm-count")).to_be_visible()
    alarm.get_by_role("button", name="Quittieren").click()
    expect(alarm).to_contain_text("Quittiert: Quartiersplanung")
    panel.get_by_role("button", name="Fortsetzen").click()
    expect(alarm).to_have_count(0, timeout=30_000)
    expect(symbol).to_have_attribute("data-state", "ok")


def test_flags_show_in_the_chart_of_a_day(manager: Visit, feeds: Feeds) -> None:
    """What the checks call bad is a cross, what is hardly likely a triangle; the keys say so."""
    page, store = manager.page, feeds.store
    streams = store.streams()
    (stream,) = streams.index[streams["property"] == "indoor temperature"]
    now = now_us() // 60_000_000 * 60_000_000
    warm = [NewObservation(stream, now - minutes * 60_000_000, 21.5) for minutes in range(20 * 60, 0, -10)]
    odd = [
        NewObservation(stream, now - 605 * 60_000_000, 150.0),
        NewObservation(stream, now - 305 * 60_000_000, 38.0),
    ]
    store.append([*warm, *odd])
    quality.check(store)
    assert {3, 4} <= set(store.series(int(stream))["flag"])
    page.locator("#side-tabs").get_by_role("button", name="Sensoren").click()
    page.locator("#sensors").get_by_role("button", name="Raumklima Test").click()
    card = page.locator("#device")
    card.get_by_text("Tag", exact=True).click()
    chart = card.locator("svg.line")
    expect(chart.locator(".flag.suspect").first).to_be_visible()
    bad = chart.locator(".flag.bad").first
    expect(bad).to_be_visible()
    expect(card.locator(".line-keys")).to_contain_text("falsch")
    # In one step: the chart is drawn anew when its range arrives.
    page.wait_for_function(
        """() => {
          const box = (part) => document.querySelector(`#device svg.line${part}`)?.getBoundingClientRect();
          const [chart, mark] = [box(""), box(" .flag.bad")];
          return mark?.height > 0 && chart.top <= mark.top && mark.bottom <= chart.bottom;
        }"""
    )
    if folder := os.environ.get("LOBEDA_PICTURES"):
        card.screenshot(path=Path(folder) / "flags.png")


def test_heat_meter_leads_to_its_building(manager: Visit) -> None:
    page = manager.page
    page.locator("#side-tabs").get_by_role("button", name="Sensoren").click()
    page.locator("#sensors").get_by_role("button", name="Wärmezähler Test").click()
    card = page.locator("#device")
    expect(card.locator(".line-keys")).to_contain_text("Summe je Stunde")
    card.get_by_role("button", name="Zum Gebäude").click()
    expect(page.locator("#facts").get_by_role("heading", name="Karl-Marx-Allee 1–5")).to_be_visible()


def test_sensors_on_a_phone(chromium: Browser, web: Running, session: dict[str, object]) -> None:
    with visit(chromium, web.address, PHONE, storage_state=session) as phone:
        phone.open("/manage")
        page = phone.page
        page.get_by_role("tab", name="Sensoren").click()
        page.locator("#sensors").get_by_role("button", name=feeding.NAMED).click()
        card = page.locator("#device")
        expect(card.locator("svg.line")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        box = card.locator("svg.line").bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]


def test_residents_read_public_values_in_words(chromium: Browser, web: Running) -> None:
    """-35.0 to -35.6 kPa are 350 to 356 hPa, pF 2.54 to 2.55: green by Jena's rule."""
    with visit(chromium, web.address, PHONE) as resident:
        resident.open("/", scene=False)
        section = resident.page.locator("#today")
        soil = section.get_by_role("listitem").filter(has_text="Bodenfeuchte Test")
        expect(soil).to_contain_text(re.compile("gut versorgt pF 2,[56] · 30 cm tief"))
        expect(soil.locator(".wet.green")).to_be_visible()
        expect(soil).to_contain_text("simuliert, nicht gemessen")
        expect(soil.locator("time")).to_contain_text(re.compile(r"\d\d:\d\d Uhr$"))
        weather = section.get_by_role("listitem").filter(has_text=feeding.NAMED)
        expect(weather).to_contain_text(re.compile(r"\d+,\d\s°C Lufttemperatur"))
        expect(section.get_by_role("listitem")).to_have_count(2)  # neither meters nor what is not public


def test_public_page_says_kindly_that_sensors_do_not_answer(chromium: Browser, web: Running) -> None:
    context = chromium.new_context(locale="de-DE", service_workers="block")
    page = context.new_page()
    page.route("**/api/sensorthings/**", lambda route: route.abort())
    page.goto(web.address, wait_until="domcontentloaded")
    expect(page.locator("#today")).to_contain_text("Die Sensoren sind gerade nicht zu erreichen")
    context.close()
