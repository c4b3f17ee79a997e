"""The tools over the scene, in the manager's app: measure, lasso, sight, sun, own map, picture, compare."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.visit import PHONE, Visit, visit
from tests.viewer.districts import EAST, NORTH
from tests.viewer.test_server import Running

pytestmark = pytest.mark.browser


@pytest.fixture
def manager(open_page: Visit) -> Iterator[Visit]:
    """The app with the western block in view from above, and no tool open."""
    page = open_page.page
    page.keyboard.press("Escape")
    page.evaluate(
        """([east, north]) => {
          const [x, y] = lobedaScene.manifest.origin;
          const at = [east + 27 - x, y - north - 110];
          lobedaScene.setCamera({ position: [at[0], 330, at[1] + 1], target: [at[0], 0, at[1]] });
        }""",
        [EAST, NORTH],
    )
    yield open_page
    page.keyboard.press("Escape")
    open_page.finish()


def _spot(manager: Visit, east: float, north: float) -> tuple[float, float]:
    """Where a place on the ground, metres from the district's corner, appears on the page."""
    box = manager.page.locator(".canvas").bounding_box()
    found = manager.page.evaluate(
        "([x, y]) => lobedaScene.projectPlace([x, y, NaN])", [EAST + east, NORTH + north]
    )
    assert box and found
    return box["x"] + found["x"], box["y"] + found["y"]


def _click(manager: Visit, east: float, north: float) -> None:
    manager.page.mouse.click(*_spot(manager, east, north))


def _start(manager: Visit, name: str) -> Any:
    manager.page.get_by_role("button", name=name).click()
    return manager.page.locator(".tool-card .result")


def _number(text: str, unit: str) -> float:
    found = re.search(rf"([\d.,]+)\s{re.escape(unit)}", text)
    assert found, text
    return float(found[1].replace(".", "").replace(",", "."))


def test_distance_and_area_in_metres(manager: Visit) -> None:
    """Between the two blocks the ground lies bare and level: 60 m by 20 m."""
    told = _start(manager, "Strecke messen")
    for place in ((0, 125), (60, 125), (60, 145)):
        _click(manager, *place)
    expect(told).to_contain_text("waagerecht")
    expect(told).to_contain_text(re.compile(r"Strecke (79|80|81),\d\sm"))
    manager.page.get_by_role("button", name="Punkt zurück").click()
    assert _number(told.inner_text(), "m") == pytest.approx(60, abs=1.0)
    manager.page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    told = _start(manager, "Fläche messen")
    for place in ((0, 125), (60, 125), (60, 145), (0, 145)):
        _click(manager, *place)
    expect(told).to_contain_text("Umfang")
    expect(told).to_contain_text(re.compile(r"Fläche 1\.[12]\d\d\sm²"))
    assert _number(told.inner_text(), "m²") == pytest.approx(1200, rel=0.04)


def test_measuring_by_keys_alone(manager: Visit) -> None:
    page = manager.page
    page.get_by_role("button", name="Strecke messen").focus()
    page.keyboard.press("Enter")
    told = page.locator(".tool-card .result")
    expect(told).to_contain_text("zwei oder mehr")
    page.locator("canvas[role=application]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(told).to_contain_text("Strecke")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    expect(page.get_by_role("button", name="Strecke messen")).to_be_focused()


def test_a_line_around_a_block_selects_it(manager: Visit) -> None:
    page = manager.page
    told = _start(manager, "Gebäude umfahren")
    corners = [_spot(manager, *place) for place in ((-8, 92), (62, 92), (62, 135), (-8, 135), (-8, 92))]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=3)
    page.mouse.up()
    expect(told).to_contain_text("3 Gebäude ausgewählt")
    expect(page.locator("#facts")).to_contain_text("Lobeda-West3 Gebäude")
    page.get_by_role("button", name="Auswahl aufheben", exact=True).first.click()
    page.keyboard.press("Escape")


def test_what_stands_in_the_way_and_what_is_seen(manager: Visit) -> None:
    told = _start(manager, "Sichtlinie")
    _click(manager, 27, 90)
    expect(told).to_contain_text("wohin")
    _click(manager, 27, 135)
    expect(told).to_contain_text(re.compile(r"Verdeckt nach \d+\sm von 4\d\sm durch Karl-Marx-Allee"))
    manager.page.keyboard.press("Escape")
    told = _start(manager, "Was ist von hier zu sehen?")
    before = manager.picture()
    _click(manager, 27, 135)
    expect(told).to_contain_text(re.compile(r"Von hier sind [\d,]+\sha Boden"))
    assert manager.picture() != before
    manager.page.keyboard.press("Escape")
    told = _start(manager, "Ausblick aus einem Fenster")
    _click(manager, 27, 135)
    expect(told).to_contain_text(re.compile(r"Rundum von hier: Himmel \d+\s%, Bäume"))


def test_hours_of_sun_lie_on_the_ground_and_colour_facades(manager: Visit) -> None:
    told = _start(manager, "Sonnenstunden")
    before = manager.picture()
    manager.page.locator(".tool-card").get_by_role("button", name="Berechnen").click()
    expect(told).to_contain_text(
        re.compile(r"21\. Juni: im Mittel [\d,]+ von 16,\d möglichen"), timeout=60_000
    )
    expect(manager.page.locator(".tool-card .classes li")).to_have_count(9)
    on_the_ground = manager.picture()
    assert on_the_ground != before
    manager.page.get_by_role("radio", name="an Fassaden").check(force=True)
    manager.page.locator(".tool-card").get_by_role("button", name="Berechnen").click()
    expect(told).to_contain_text(re.compile(r"an den Wänden von \d+ Gebäuden.*Süd [\d,]+"), timeout=60_000)
    assert manager.picture() not in (before, on_the_ground)


def test_a_map_of_ones_own_stays_in_the_browser(manager: Visit, tmp_path: Path) -> None:
    page = manager.page
    to_degrees = pyproj.Transformer.from_crs(25832, 4326, always_xy=True)
    ring = [(5, 122), (50, 122), (50, 148), (5, 148), (5, 122)]
    area = [to_degrees.transform(EAST + x, NORTH + y) for x, y in ring]
    layer = {
        "type": "Feature",
        "properties": {"name": "<img src=x onerror=alert(1)>", "etage": 3},
        "geometry": {"type": "Polygon", "coordinates": [area]},
    }
    (tmp_path / "plan.geojson").write_text(json.dumps(layer), "utf-8")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    told = _start(manager, "Eigene Karte einblenden")
    page.locator("#own-file").set_input_files(tmp_path / "plan.geojson")
    expect(told).to_contain_text("1 Objekte eingeblendet")
    _click(manager, 27, 135)
    expect(page.locator(".own-facts")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator(".own-facts img")).to_have_count(0)
    assert "POST" not in asked
    known = page.evaluate(
        "async ([x, y]) => (await import('/manage/files/geojson.js')).utm32(x, y)", list(area[0])
    )
    assert known == pytest.approx([EAST + 5, NORTH + 122], abs=0.002)  # pyproj
    page.get_by_role("button", name="Entfernen", exact=True).click()
    expect(told).to_contain_text("entfernt")
    for text, words in (
        ("{", "kein JSON"),
        ('{"type": "Topology"}', "kein GeoJSON"),
        ('{"type": "FeatureCollection", "features": []}', "keine Objekte"),
        ('{"type": "Point", "coordinates": [13.4, 52.5]}', "außerhalb des Quartiers"),
        ('{"type": "Point", "coordinates": [4000000, 3000000]}', "weder Grad"),
        (
            '{"type": "Point", "coordinates": [4, 5], "crs": {"properties": {"name": "EPSG:3857"}}}',
            "EPSG:3857",
        ),
        (" " * 5_100_000, "5,1 MB"),
    ):
        (tmp_path / "bad.json").write_text(text, "utf-8")
        page.locator("#own-file").set_input_files(tmp_path / "bad.json")
        expect(told).to_contain_text(words)


def test_today_beside_the_measure_and_the_picture_of_it(manager: Visit, tmp_path: Path) -> None:
    page = manager.page
    choices = page.locator(".compare-choice")
    expect(choices.get_by_label("Schieber")).to_be_disabled()
    page.get_by_role("slider", name="Sanierter Flächenanteil").focus()
    page.keyboard.press("End")
    expect(choices.get_by_label("Schieber")).to_be_enabled()
    page.locator(".compare-choice label", has_text="Schieber").click()
    divider = page.get_by_role("slider", name="Trennlinie")
    expect(divider).to_be_visible()
    expect(page.locator(".lobeda-divider span")).to_have_text(["heute", "mit Maßnahme"])
    divider.focus()
    page.keyboard.press("Home")
    after = manager.picture()
    page.keyboard.press("End")
    assert manager.picture() != after
    assert "compare=swipe" in page.url
    with page.expect_download() as saved:
        page.get_by_role("button", name="Bild speichern").click()
    image = Image.open(io.BytesIO(Path(saved.value.path()).read_bytes())).convert("RGB")
    box = page.locator(".canvas").bounding_box()
    assert box and saved.value.suggested_filename.endswith(".png")
    strip = np.asarray(image)[-60:]  # under the scene: white with words and the legend
    assert image.width >= box["width"] and image.height / image.width > box["height"] / box["width"]
    assert (strip == 255).all(axis=2).mean() > 0.5 and (strip < 120).any()
    page.locator(".compare-choice label", has_text="nebeneinander").click()
    expect(divider).to_be_hidden()
    page.locator(".compare-choice label", has_text="aus").click()
    page.get_by_role("button", name="Zurücksetzen").click()
    expect(choices.get_by_label("Schieber")).to_be_disabled()


def test_the_day_of_the_sun_plays_a_step_where_motion_is_less(manager: Visit) -> None:
    page = manager.page
    page.get_by_role("slider", name="Uhrzeit").fill("9")
    page.get_by_role("button", name="Tageslauf abspielen").click()
    expect(page.locator("#sun output")).to_have_text("10:00")


def test_tools_on_a_phone(chromium: Browser, web: Running, session: dict[str, object]) -> None:
    with visit(chromium, web.address, PHONE, storage_state=session) as phone:
        phone.open("/manage")
        phone.page.get_by_role("button", name="Werkzeuge").tap()
        phone.page.get_by_role("button", name="Strecke messen").tap()
        box = phone.page.locator("#scene").bounding_box()
        assert box
        for share in (0.6, 0.75):
            phone.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] * share)
        expect(phone.page.locator(".tool-card .result")).to_contain_text("Strecke")
        phone.page.get_by_role("button", name="Werkzeug beenden").tap()
        expect(phone.page.locator(".tool-card")).to_be_hidden()
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
