"""The scene in a real browser: first picture, pointing, clicking, values, sun, keys, and how it ends."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from tests.browser.conftest import serve, watch
from tests.conftest import skip_or_fail
from tests.viewer.districts import small
from viewer.scene import component
from viewer.scene.build import build

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000  # software drawing on a busy machine
SIZE: ViewportSize = {"width": 560, "height": 360}
PAGE = """<!doctype html><html lang="en"><head><link rel="icon" href="data:,"></head>
<body style="margin:0"><div id="scene" style="width:100vw;height:100vh"></div>
<script type="module">
import { createScene, sunPosition } from "./scene.js";
window.sunPosition = sunPosition;
window.events = [];
window.open_scene = (options = {}) => {
  const element = document.getElementById("scene");
  const scene = createScene(element, { manifest: "MANIFEST", language: "en", ...options });
  window.scene = scene;
  scene.on("click", (row, picked) => window.events.push(["click", row, picked]));
  scene.on("hover", (row, picked) => window.events.push(["hover", row, picked]));
  scene.on("camera", (state) => window.events.push(["camera", state]));
  scene.on("error", (error) => window.events.push(["error", String(error)]));
};
if (!location.search.includes("wait")) window.open_scene();
</script></body></html>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page with the scene of the small district."""
    if not component.BUNDLE.is_file():
        skip_or_fail("the scene's script is not built; run `make build`")
    folder: Path = tmp_path_factory.mktemp("site")
    manifest = build(small(), folder)
    shutil.copy(component.BUNDLE, folder / "scene.js")
    (folder / "index.html").write_text(PAGE.replace("MANIFEST", manifest), "utf-8")
    yield from serve(folder)


@pytest.fixture(scope="module")
def visit(chromium: Browser, site: str) -> Iterator[tuple[Page, list[str]]]:
    """One visit that the tests share: in software a first picture takes seconds."""
    context = chromium.new_context(viewport=SIZE, reduced_motion="reduce")
    opened = context.new_page()
    problems: list[str] = []
    watch(opened, problems)
    opened.goto(site)
    opened.wait_for_selector("[data-ready=true]", timeout=PATIENCE_MS)
    yield opened, problems
    context.close()


@pytest.fixture
def scene(visit: tuple[Page, list[str]]) -> Iterator[Page]:
    """The shared page as it was after its first picture; fails on what must not happen on a page."""
    opened, problems = visit
    opened.set_viewport_size(SIZE)
    opened.mouse.move(0, 0)
    opened.evaluate("""() => {
      scene.setCompare({ mode: "none", a: null, share: 0.5 }); scene.setTool(false); scene.setRaster(null);
      scene.setWalls(null); scene.setValues(null); scene.setSelection(null); scene.setHover(null);
      scene.setSun(null);
      scene.setLayers({ trees: true, image: true, shadows: true, labels: true });
      scene.setLanguage("en"); scene.setPadding({ left: 0 }); scene.setCamera(null); scene.setFrame(0);
    }""")
    still(opened)
    opened.evaluate("events.length = 0")
    yield opened
    assert problems == []


def still(page: Page) -> None:
    """Wait until nothing is left to draw."""
    page.wait_for_function("!scene.draft && !scene.moving && !scene.dirty", timeout=PATIENCE_MS)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def picture(page: Page) -> NDArray[np.uint8]:
    still(page)
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))


def spot(page: Page, building: str) -> tuple[float, float]:
    """Where the roof of a building appears."""
    row = page.evaluate("id => scene.manifest.buildings.id.indexOf(id)", building)
    place = page.evaluate("row => scene.project(row)", row)
    assert place["visible"]
    return place["x"], place["y"]


def colour(page: Page, building: str) -> NDArray[np.float64]:
    """Mean colour of the roof of a building."""
    x, y = (round(value) for value in spot(page, building))
    return picture(page)[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0)


def test_first_picture_shows_ground_sky_and_buildings(scene: Page) -> None:
    pixels = picture(scene).astype(int)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 500
    stats = scene.evaluate("scene.stats()")
    assert stats["ready"] and stats["buildings"] == 20
    assert 0 < stats["drawCalls"] < 20 and stats["triangles"] > 200
    assert stats["shadows"]
    credit = scene.locator(".lobeda-credit").inner_text()
    assert "not survey data" in credit and "© Testamt" in credit


def test_nothing_is_drawn_while_nothing_changes(scene: Page) -> None:
    still(scene)
    before = scene.evaluate("scene.stats().frames")
    scene.wait_for_timeout(700)
    assert scene.evaluate("scene.stats().frames") == before


def test_hovering_and_clicking_tell_building_and_block(scene: Page) -> None:
    x, y = spot(scene, "ost-1")
    scene.mouse.move(x, y)
    scene.wait_for_function("events.some(([name]) => name === 'hover')", timeout=PATIENCE_MS)
    scene.mouse.click(x, y)
    scene.wait_for_function("events.some(([name]) => name === 'click')", timeout=PATIENCE_MS)
    for kind in ("hover", "click"):
        _, row, picked = scene.evaluate("kind => events.find(([name]) => name === kind)", kind)
        assert picked["building"] == row
        assert picked["building_id"] == "ost-1"
        assert picked["block_id"] == "ost"
        assert picked["block_name"] == "Erlanger Allee 1–5"
        assert picked["label"] == "Erlanger Allee 3"


def test_click_on_the_ground_tells_nothing_and_a_drag_is_no_click(scene: Page) -> None:
    ground = scene.evaluate("scene.pick(280, 340).building")
    assert ground is None
    scene.mouse.click(280, 340)
    scene.wait_for_function("events.some(([name]) => name === 'click')", timeout=PATIENCE_MS)
    assert scene.evaluate("events.find(([name]) => name === 'click')[1]") is None
    scene.evaluate("events.length = 0")
    x, y = spot(scene, "ost-1")
    before = scene.evaluate("scene.getCamera()")
    scene.mouse.move(x, y)
    scene.mouse.down()
    scene.mouse.move(x + 60, y + 30, steps=4)
    scene.mouse.up()
    scene.wait_for_function("events.some(([name]) => name === 'camera')", timeout=PATIENCE_MS)
    assert not scene.evaluate("events.some(([name]) => name === 'click')")
    assert scene.evaluate("scene.getCamera()") != before


def test_values_recolour_the_pixels_and_missing_ones_are_grey(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ shadows: false, labels: false })")
    plain = colour(scene, "ost-1")
    scene.evaluate("""() => {
      const ids = scene.manifest.buildings.id;
      scene.setPalette(["#0000ff", "#ff0000"], 0, 10);
      scene.setValues(Float32Array.from(ids, (id) => (id === "ost-0" ? 0 : id === "ost-1" ? 10 : NaN)));
    }""")
    low, high, missing = (colour(scene, name) for name in ("ost-0", "ost-1", "ost-2"))
    assert low[2] > 2 * low[0] and low[2] > 2 * low[1]
    assert high[0] > 2 * high[1] and high[0] > 2 * high[2]
    assert np.ptp(missing) < 25 and missing.mean() > 120
    scene.evaluate("scene.setValues(null)")
    assert colour(scene, "ost-1") == pytest.approx(plain, abs=3)


def test_frames_change_and_mix_without_new_values(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ shadows: false, labels: false })")
    scene.evaluate("""() => {
      const n = scene.manifest.buildings.id.length;
      scene.setPalette(["#000000", "#ffffff"], 0, 2);
      scene.setValues(Float32Array.from({ length: 3 * n }, (_, i) => Math.floor(i / n)), 3);
    }""")
    shades = []
    for frame in (0, 0.5, 1, 2):
        scene.evaluate("frame => scene.setFrame(frame)", frame)
        shades.append(colour(scene, "ost-1").mean())
    assert np.diff(shades).min() > 15


def test_a_year_of_hours_passes_through_a_window_of_frames(scene: Page) -> None:
    """8,760 frames do not fit the texture at once; each still shows its own values."""
    scene.evaluate("scene.setLayers({ shadows: false, labels: false })")
    scene.evaluate("""() => {
      const n = scene.manifest.buildings.id.length * 2;
      const frames = 300000 / n * 20 | 0;
      window.frames = frames;
      const all = new Float32Array(frames * scene.manifest.buildings.id.length);
      for (let f = 0; f < frames; f++) all.fill(f === frames - 1 ? 1 : 0, f * n / 2, (f + 1) * n / 2);
      scene.setPalette(["#000000", "#ffffff"], 0, 1);
      scene.setValues(all, frames);
    }""")
    dark = colour(scene, "ost-1").mean()
    scene.evaluate("scene.setFrame(frames - 1)")
    assert colour(scene, "ost-1").mean() > dark + 60
    scene.evaluate("scene.setFrame(1)")
    assert colour(scene, "ost-1").mean() == pytest.approx(dark, abs=5)


def test_classes_have_flat_colours(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ shadows: false, labels: false })")
    shown = []
    for value in (0.9, 1.1, 1.9):
        scene.evaluate(
            """value => {
              scene.setPalette(["#ff0000", "#00ff00", "#0000ff"], 0, 3, { steps: true });
              scene.setValues(new Float32Array(scene.manifest.buildings.id.length).fill(value));
            }""",
            value,
        )
        shown.append(colour(scene, "ost-1"))
    red, green, still_green = shown
    assert red.argmax() == 0 and green.argmax() == 1
    assert still_green == pytest.approx(green, abs=3)


def test_values_of_the_wrong_length_are_refused(scene: Page) -> None:
    message = scene.evaluate(
        "() => { try { scene.setValues([1, 2, 3]); } catch (error) { return error.message; } }"
    )
    assert "20 buildings" in message


def test_selection_outlines_a_block_and_escape_clears_it(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ labels: false })")
    before = picture(scene).astype(int)
    scene.evaluate("scene.setSelection({ building: 0, block: scene.manifest.blocks.id.indexOf('ost') })")
    selected = picture(scene).astype(int)
    assert (np.abs(selected - before).max(axis=2) > 20).sum() > 200
    scene.focus("canvas")
    scene.keyboard.press("Escape")
    assert scene.evaluate("events.at(-1)[0] === 'click' && events.at(-1)[1] === null")
    inner = np.s_[8:-8, 8:-8]  # within the frame that shows where the keys go
    assert (np.abs(picture(scene).astype(int) - before)[inner].max(axis=2) > 20).sum() < 50


def test_a_list_of_buildings_can_be_selected(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ labels: false })")
    before = picture(scene).astype(int)
    scene.evaluate("scene.setSelection([0, 1, 2])")
    assert (np.abs(picture(scene).astype(int) - before).max(axis=2) > 20).sum() > 100


@pytest.mark.parametrize(
    ("keys", "changed"),
    [
        (["ArrowLeft"], "target"),
        (["Shift+ArrowLeft"], "position"),
        (["+"], "position"),
        (["-", "Home"], None),
    ],
)
def test_keys_move_turn_and_zoom(scene: Page, keys: list[str], changed: str | None) -> None:
    start = scene.evaluate("scene.getCamera()")
    scene.focus("canvas")
    for key in keys:
        scene.keyboard.press(key)
    still(scene)
    end = scene.evaluate("scene.getCamera()")
    if changed is None:
        assert end["position"] == pytest.approx(start["position"], abs=0.5)
    else:
        assert np.abs(np.subtract(end[changed], start[changed])).max() > 5
    assert scene.locator("canvas").get_attribute("aria-label")
    assert scene.locator("canvas").get_attribute("tabindex") == "0"


def test_buttons_say_what_they_do(scene: Page) -> None:
    names = [button.get_attribute("aria-label") for button in scene.locator(".lobeda-tools button").all()]
    assert names == [
        "Closer",
        "Further away",
        "Turn to the north",
        "From above or oblique",
        "Show everything",
    ]
    before = scene.evaluate("scene.getCamera().position[1]")
    scene.get_by_role("button", name="Closer").click()
    still(scene)
    assert scene.evaluate("scene.getCamera().position[1]") < before
    scene.evaluate("scene.setLanguage('de')")
    assert scene.locator(".lobeda-tools button").first.get_attribute("aria-label") == "Näher heran"


def test_camera_flies_to_a_block_from_where_it_can_be_seen(scene: Page) -> None:
    scene.evaluate("scene.flyTo({ block: scene.manifest.blocks.id.indexOf('west') })")
    still(scene)
    rows = scene.evaluate("scene.manifest.buildings.block.flatMap((b, i) => b === 0 ? [i] : [])")
    seen = [scene.evaluate("row => scene.project(row).visible", row) for row in rows]
    assert sum(seen) >= 2


def test_covered_edges_move_the_overview(scene: Page) -> None:
    still(scene)
    x, _ = spot(scene, "ost-1")
    scene.evaluate("scene.setPadding({ left: 160 })")
    still(scene)
    assert spot(scene, "ost-1")[0] == pytest.approx(x + 80, abs=3)


def test_sun_lights_one_side_and_casts_shadows(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ labels: false, trees: false })")
    scene.evaluate("scene.setSun('2026-10-20T16:00:00+02:00')")
    with_shadow = picture(scene).astype(int)
    scene.evaluate("scene.setLayers({ shadows: false })")
    without = picture(scene).astype(int)
    darker = (without - with_shadow).mean(axis=2) > 8
    assert 300 < darker.sum() < 0.6 * darker.size
    scene.evaluate("scene.setSun('2026-10-20T02:00:00+02:00')")
    assert picture(scene).mean() < 0.5 * without.mean()
    scene.evaluate("scene.setSun(null)")
    assert picture(scene).mean() > 0.8 * without.mean()


def test_low_sun_leaves_no_stripes_on_flat_ground(scene: Page) -> None:
    """Sun at 18°: on open flat ground the picture with shadows equals that without, but for real shadows."""
    when = "2026-10-20T10:02:00+02:00"
    assert scene.evaluate(f"sunPosition(new Date('{when}'), 50.883, 11.602).elevation") == pytest.approx(
        18, abs=1
    )
    scene.evaluate("scene.setLayers({ labels: false, trees: false })")
    scene.evaluate(f"scene.setSun('{when}')")
    with_shadow = picture(scene).astype(int)
    scene.evaluate("scene.setLayers({ shadows: false })")
    difference = (picture(scene).astype(int) - with_shadow).mean(axis=2)
    open_ground = difference[185:215, 250:480]  # between the slabs and the houses, no shadow reaches it
    assert np.abs(open_ground).max() < 3


def test_sun_stands_where_pvlib_says(scene: Page) -> None:
    times = pd.date_range("2026-01-01", periods=24 * 26, freq="14h7min", tz="UTC")
    expected = pvlib.solarposition.get_solarposition(times, 50.885, 11.61)
    found = pd.DataFrame(
        scene.evaluate(
            "times => times.map((t) => sunPosition(new Date(t), 50.885, 11.61))",
            [time.isoformat() for time in times],
        ),
        index=times,
    )
    assert (found["elevation"] - expected["elevation"]).abs().max() < 0.05
    turn = (found["azimuth"] - expected["azimuth"] + 180) % 360 - 180
    assert turn.abs().max() < 0.3


def test_layers_can_be_switched(scene: Page) -> None:
    still(scene)
    calls = scene.evaluate("scene.stats().drawCalls")
    scene.evaluate("scene.setLayers({ trees: false, labels: false })")
    still(scene)
    assert scene.evaluate("scene.stats().drawCalls") < calls


def test_a_small_window_keeps_up_with_its_size(scene: Page) -> None:
    scene.set_viewport_size({"width": 390, "height": 500})
    still(scene)
    box = scene.locator("canvas").bounding_box()
    assert box and (box["width"], box["height"]) == (390, 500)
    assert picture(scene).shape[:2] == (500, 390)


BOTH_SIDES = """() => {
  const n = scene.manifest.buildings.id.length;
  scene.setPalette(["#0000ff", "#ff0000"], 0, 1);
  const [a, b] = [new Float32Array(n), new Float32Array(n).fill(1)];
  scene.setCompare({ mode: MODE, a, b, share: SHARE, labels: ["Today", "Then"] });
}"""


def compare(page: Page, mode: str, share: float = 0.5) -> None:
    page.evaluate(BOTH_SIDES.replace("MODE", f"'{mode}'").replace("SHARE", str(share)))


def test_a_divider_swipes_between_two_sets_of_values(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ shadows: false, labels: false })")
    x, _ = spot(scene, "ost-1")
    compare(scene, "swipe", (x + 60) / SIZE["width"])
    assert colour(scene, "ost-1").argmax() == 2
    compare(scene, "swipe", (x - 60) / SIZE["width"])
    assert colour(scene, "ost-1").argmax() == 0
    assert scene.locator(".lobeda-divider span").all_inner_texts() == ["Today", "Then"]
    scene.evaluate("scene.setCompare({ mode: 'none' })")
    assert not scene.locator(".lobeda-divider").is_visible()


def test_the_divider_is_a_slider_for_keys_and_for_dragging(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ shadows: false, labels: false })")
    compare(scene, "swipe")
    slider = scene.get_by_role("slider", name="Divider of the comparison")
    slider.focus()
    for key in ("ArrowLeft", "ArrowLeft", "PageDown", "ArrowRight"):
        scene.keyboard.press(key)
    assert slider.get_attribute("aria-valuenow") == "39"
    assert slider.get_attribute("aria-valuetext") == "Today 39 %, Then 61 %"
    scene.keyboard.press("End")
    assert colour(scene, "ost-1").argmax() == 2  # all of it is the left side
    scene.keyboard.press("Home")
    assert colour(scene, "ost-1").argmax() == 0
    scene.evaluate("scene.setCompare({ mode: 'swipe', share: 0.5 })")
    box = slider.bounding_box()
    assert box
    before = scene.evaluate("scene.getCamera()")
    scene.mouse.move(box["x"] + 22, box["y"] + 22)
    scene.mouse.down()
    scene.mouse.move(140, box["y"] + 40, steps=3)
    scene.mouse.up()
    assert slider.get_attribute("aria-valuenow") == "25"
    assert scene.evaluate("scene.getCamera()") == before


def drawn(page: Page) -> int:
    still(page)
    return int(page.evaluate("scene.stats().drawCalls"))


def test_two_pictures_have_one_camera(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ shadows: false, labels: false })")
    single = drawn(scene)
    compare(scene, "split")
    x, y = (round(value) for value in spot(scene, "ost-1"))
    pixels = picture(scene).astype(float)
    half = SIZE["width"] // 2
    left, right = (pixels[y - 1 : y + 2, at - 1 : at + 2].reshape(-1, 3).mean(axis=0) for at in (x, x + half))
    assert x < half and left.argmax() == 2 and right.argmax() == 0
    assert scene.evaluate("([x, y]) => scene.pick(x, y).building_id", [x + half, y]) == "ost-1"
    assert drawn(scene) == pytest.approx(2 * single, abs=2)
    scene.evaluate("scene.setCompare({ mode: 'split', a: new Float32Array(20).fill(1) })")
    pixels = picture(scene).astype(int)  # without the names, the credit and the buttons
    assert np.abs(pixels[60:330, 10:220] - pixels[60:330, 290:500]).mean() < 3
    scene.focus("canvas")
    scene.keyboard.press("ArrowLeft")
    x, y = (round(value) for value in spot(scene, "ost-1"))
    assert scene.evaluate("([x, y]) => scene.pick(x, y).building_id", [x + half, y]) == "ost-1"


def test_frames_play_in_a_circle_and_stop(chromium: Browser, site: str) -> None:
    context = chromium.new_context(viewport={"width": 300, "height": 200}, reduced_motion="no-preference")
    player = context.new_page()
    player.goto(site)
    player.wait_for_selector("[data-ready=true]", timeout=PATIENCE_MS)
    player.evaluate("""() => {
      const n = scene.manifest.buildings.id.length;
      window.told = [];
      scene.setLayers({ trees: false, shadows: false, labels: false });
      scene.setValues(Float32Array.from({ length: 3 * n }, (_, i) => Math.floor(i / n)), 3);
      scene.on("frame", (frame) => told.push(frame));
      scene.setPlaying(true, 1);  // so slowly that every picture is a part of a frame, on any machine
    }""")
    player.wait_for_function("told.length > 4", timeout=PATIENCE_MS)
    assert player.evaluate("told.slice(0, 5)") == [1, 2, 0, 1, 2]
    player.evaluate("scene.setPlaying(false)")
    still(player)
    before = player.evaluate("scene.stats().frames")
    player.wait_for_timeout(500)
    assert player.evaluate("scene.stats().frames") == before
    # Out of sight nothing is drawn, though it plays.
    player.evaluate("scene.setPlaying(true, 20); document.getElementById('scene').style.display = 'none'")
    player.wait_for_timeout(300)
    before = player.evaluate("scene.stats().frames")
    player.wait_for_timeout(300)
    assert player.evaluate("scene.stats().frames") == before
    context.close()


def test_with_less_motion_playing_is_one_step(scene: Page) -> None:
    told = scene.evaluate("""() => {
      const n = scene.manifest.buildings.id.length;
      const told = [];
      scene.setValues(new Float32Array(3 * n), 3);
      const note = (what) => told.push(what);
      const stops = [scene.on("frame", note), scene.on("playing", note)];
      for (let i = 0; i < 3; i++) scene.setPlaying(true);
      for (const stop of stops) stop();
      return told;
    }""")
    assert told == [1, False, 2, False, 0, False]


def test_colours_lie_on_the_ground(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ labels: false, trees: false })")
    plain = picture(scene).astype(int)
    scene.evaluate("""() => {
      const at = scene.place(280, 340);
      const bounds = [at.east - 500, at.north - 500, at.east + 500, at.north + 500];
      window.red = { bounds, columns: 2, rows: 1, values: [1, 1], colours: ["#ff0000"], opacity: 1 };
      scene.setRaster(red);
    }""")
    red = picture(scene)[340, 280].astype(int)
    assert red[0] > 3 * red[1] and red[0] > 3 * red[2]
    scene.evaluate("scene.setRaster(null)")
    assert np.abs(picture(scene).astype(int) - plain).max() < 4
    message = scene.evaluate(
        "() => { try { scene.setRaster({ ...red, rows: 2 }); } catch (error) { return error.message; } }"
    )
    assert "2 × 2" in message


def test_colours_lie_on_single_walls(scene: Page) -> None:
    """An upright square above open ground, seen from both sides, in the two colours of its halves."""
    scene.evaluate("""() => {
      const [east, north, height] = scene.manifest.origin;
      window.walls = { corner: [east, north, height + 60], colours: ["#c00000", "#0000c0"], counts: [1, 1],
        points: [-40, 0, 0, 40, 0, 0, 40, 0, 80, -40, 0, 0, 40, 0, 80, -40, 0, 80] };
      scene.setWalls(walls);
    }""")
    pixels = picture(scene)
    colours = []
    for x, z in ((20, 20), (-20, 60)):
        at = scene.evaluate(
            "([x, z]) => { const [e, n, h] = scene.manifest.origin; "
            "return scene.projectPlace([e + x, n, h + 60 + z]); }",
            [x, z],
        )
        colours.append(pixels[round(at["y"]), round(at["x"])].astype(int))
    assert colours[0][0] > 140 and colours[0][2] < 40
    assert colours[1][2] > 140 and colours[1][0] < 40
    scene.evaluate("scene.setWalls(null)")
    assert (picture(scene) != pixels).any()
    said = scene.evaluate(
        "() => { try { scene.setWalls({ ...walls, counts: [1] }); } catch (error) { return error.message; } }"
    )
    assert said == "2 triangles given, 1 counted"


def test_places_are_told_in_metres_and_found_again(scene: Page) -> None:
    x, y = spot(scene, "ost-1")
    roof = scene.evaluate("([x, y]) => scene.place(x, y)", [x, y])
    district = small().buildings
    west, south, east, north = district.geometry["ost-1"].bounds
    assert roof["building_id"] == "ost-1"
    assert west <= roof["east"] <= east and south <= roof["north"] <= north
    assert roof["height"] == pytest.approx(160 + 2.8 * 11 + 1, abs=0.3)
    assert roof["ground"] == pytest.approx(160, abs=0.1)
    found = scene.evaluate("p => scene.projectPlace([p.east, p.north, p.height])", roof)
    assert (found["x"], found["y"]) == pytest.approx((x, y), abs=0.5)
    assert scene.evaluate("scene.place(280, -4000)") is None  # the sky


def test_while_a_tool_is_on_clicks_tell_places_and_select_nothing(scene: Page) -> None:
    x, y = spot(scene, "ost-1")
    scene.evaluate(
        "window.places = []; window.stop = scene.on('place', (p) => places.push(p)); scene.setTool(true)"
    )
    scene.mouse.click(x, y)
    scene.wait_for_function("places.length === 1", timeout=PATIENCE_MS)
    scene.focus("canvas")
    scene.keyboard.press("Tab")
    scene.keyboard.press("Shift+Tab")
    assert scene.locator(".lobeda-cross").is_visible()
    scene.keyboard.press("Enter")
    scene.keyboard.press("Escape")
    scene.evaluate("scene.setTool(false); stop()")
    assert [place is not None for place in scene.evaluate("places")] == [True, True]
    assert scene.evaluate("places[0].building_id") == "ost-1"
    assert not any(name == "click" for name, *_ in scene.evaluate("events"))


def test_shapes_are_drawn_and_removed(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ labels: false, trees: false })")
    plain = picture(scene).astype(int)
    counts = scene.evaluate("[scene.stats().geometries, scene.stats().textures]")
    scene.evaluate("""() => {
      const at = [[240, 320], [330, 320], [330, 350], [240, 350]].map(([x, y]) => scene.place(x, y));
      const ring = at.flatMap((p) => [p.east, p.north, NaN]);
      scene.setShapes("test", [{ kind: "area", points: [...ring, ...ring.slice(0, 3)], colour: "#ff00ff" },
        { kind: "point", points: [at[0].east, at[0].north, NaN], colour: "#00ff00", width: 6 }]);
    }""")
    shown = picture(scene).astype(int)
    changed = np.abs(shown - plain).max(axis=2) > 15
    assert changed[325:345, 245:320].mean() > 0.9 and not changed[:250].any()
    inner = shown[325:345, 250:320].reshape(-1, 3).mean(axis=0)
    assert inner[0] > inner[1] and inner[2] > inner[1]
    assert (shown[316:325, 236:245] == [0, 255, 0]).all(axis=2).any()
    scene.evaluate("scene.setShapes('test', null)")
    assert np.abs(picture(scene).astype(int) - plain).max() < 4
    now = scene.evaluate("[scene.stats().geometries, scene.stats().textures]")
    assert now[0] == counts[0] and now[1] <= counts[1] + 1  # the disc of the points stays


def test_a_polygon_on_the_picture_holds_buildings(scene: Page) -> None:
    x, y = spot(scene, "ost-1")
    rows = scene.evaluate(
        "([x, y]) => scene.within([[x - 12, y - 60], [x + 12, y - 60], [x + 12, y + 60], [x - 12, y + 60]])",
        [x, y],
    )
    ids = scene.evaluate("rows => rows.map((row) => scene.manifest.buildings.id[row])", rows)
    assert "ost-1" in ids and len(ids) < 6
    assert scene.evaluate("scene.within([[0, 0], [560, 0], [560, 360], [0, 360]]).length") == 20
    assert scene.evaluate("scene.within([[0, 0], [9, 9]])") == []


def test_the_picture_can_be_taken(scene: Page) -> None:
    scene.evaluate("scene.setLayers({ labels: false })")
    shown = picture(scene)
    taken = scene.evaluate("""() => {
      const canvas = scene.capture();
      const small = document.createElement("canvas");
      [small.width, small.height] = [56, 36];
      small.getContext("2d").drawImage(canvas, 0, 0, 56, 36);
      return Array.from(small.getContext("2d").getImageData(0, 0, 56, 36).data);
    }""")
    pixels = np.array(taken, np.uint8).reshape(36, 56, 4)[..., :3]
    expected = np.asarray(Image.fromarray(shown).resize((56, 36), Image.Resampling.BOX))
    inner = np.s_[6:30, 2:46]
    assert np.abs(pixels[inner].astype(int) - expected[inner]).mean() < 8


def test_disposal_leaves_nothing_and_a_second_scene_opens(page: Page, site: str) -> None:
    page.goto(site)
    page.wait_for_selector("[data-ready=true]", timeout=PATIENCE_MS)
    scene = page
    scene.evaluate("scene.dispose()")
    assert scene.evaluate("document.getElementById('scene').children.length") == 0
    assert scene.evaluate("scene.stats().geometries") == 0
    for _ in range(2):
        scene.evaluate("open_scene()")
        scene.wait_for_selector("[data-ready=true]", timeout=PATIENCE_MS)
        textures = scene.evaluate("scene.stats().textures")
        scene.evaluate("scene.dispose()")
        assert scene.locator("canvas").count() == 0
        assert textures < 15


def test_what_is_set_before_the_files_are_there_is_kept(page: Page, site: str) -> None:
    page.goto(f"{site}/?wait")
    page.wait_for_function("typeof window.open_scene === 'function'")
    page.evaluate("""() => {
      open_scene({ layers: { labels: false, shadows: false } });
      scene.setPalette(["#ff0000", "#ff0000"], 0, 1);
      scene.setValues(new Float32Array(20).fill(1));
    }""")
    page.wait_for_selector("[data-ready=true]", timeout=PATIENCE_MS)
    red = colour(page, "ost-1")
    assert red[0] > 2 * red[1]


@pytest.mark.parametrize(("language", "words"), [("de", "WebGL 2 fehlt"), ("en", "WebGL 2 is missing")])
def test_without_webgl_a_message_stands_in_its_place(
    page: Page, site: str, language: str, words: str
) -> None:
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    page.goto(f"{site}/?wait")
    page.wait_for_function("typeof window.open_scene === 'function'")
    page.evaluate("language => open_scene({ language })", language)
    page.wait_for_selector("[data-ready=failed]", timeout=PATIENCE_MS)
    assert words in page.get_by_role("alert").inner_text()
    page.evaluate("scene.setValues(null); scene.setSun(null); scene.dispose()")


def test_a_missing_manifest_is_said(chromium: Browser, site: str) -> None:
    opened = chromium.new_page()
    opened.goto(f"{site}/?wait")
    opened.wait_for_function("typeof window.open_scene === 'function'")
    opened.evaluate("open_scene({ manifest: 'scene-none.json' })")
    opened.wait_for_selector("[data-ready=failed]", timeout=PATIENCE_MS)
    assert "could not be loaded" in opened.get_by_role("alert").inner_text()
    opened.close()


def test_touch_pans_and_taps(chromium: Browser, site: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 600}, has_touch=True, is_mobile=True)
    phone = context.new_page()
    phone.goto(site)
    phone.wait_for_selector("[data-ready=true]", timeout=PATIENCE_MS)
    x, y = spot(phone, "ost-1")
    phone.touchscreen.tap(x, y)
    phone.wait_for_function("events.some(([name]) => name === 'click')", timeout=PATIENCE_MS)
    assert phone.evaluate("events.find(([name]) => name === 'click')[2].building_id") == "ost-1"
    assert not phone.evaluate("events.some(([name]) => name === 'hover')")
    context.close()
