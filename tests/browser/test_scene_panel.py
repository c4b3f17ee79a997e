"""The scene as a Panel component: parameters from Python reach the pixels, clicks come back."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import panel
import pytest
from PIL import Image
from playwright.sync_api import Page
from scipy.ndimage import minimum_filter

from tests.conftest import skip_or_fail
from tests.viewer.districts import small
from viewer.scene import component
from viewer.scene.build import build

pytestmark = pytest.mark.browser

PATIENCE_S = 60.0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, component.Scene]]:
    """The address of a Panel server that shows one scene, and the scene."""
    if not component.BUNDLE.is_file():
        skip_or_fail("the scene's script is not built; run `make build`")
    manifest = build(small(), tmp_path)
    scene = component.Scene(
        manifest=f"/files/{manifest}",
        language="en",
        sizing_mode="stretch_both",
        scene_layers={"trees": False, "shadows": False, "labels": False},
    )
    port = free_port()
    thread = panel.serve(
        {"app": lambda: panel.Column(scene, width=540, height=340)},
        port=port,
        address="127.0.0.1",
        show=False,
        threaded=True,
        verbose=False,
        static_dirs={"files": str(tmp_path)},
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/app", scene
    finally:
        thread.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)


def until(condition: Callable[[], bool], page: Page) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "nothing came"
        page.wait_for_timeout(100)


def roof(page: Page, x: float, y: float) -> np.ndarray:
    pixels = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    return pixels[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].reshape(-1, 3).mean(axis=0)


def test_python_colours_the_roofs_and_hears_the_click(
    page: Page, served: tuple[str, component.Scene]
) -> None:
    address, scene = served
    page.goto(address)
    until(lambda: bool(scene.ready), page)
    box = page.locator("canvas").bounding_box()
    assert box and box["height"] > 200
    scene.param.update(palette=["#0000ff", "#ff0000"], value_min=0.0, value_max=1.0)
    scene.show(np.ones(20))
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    found: list[tuple[float, float]] = []

    def red() -> bool:
        pixels = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
        mask = (pixels[..., 0] > 120) & (pixels[..., 0] > 2.5 * pixels[..., 1:].max(axis=2))
        # A pixel on a roof's edge is half the ground's: the click must mean a roof.
        rows, columns = np.nonzero(minimum_filter(mask, size=5))
        if len(rows) > 100:
            middle = np.argmin((rows - np.median(rows)) ** 2 + (columns - np.median(columns)) ** 2)
            found.append((float(columns[middle]), float(rows[middle])))
        # Twice at one place: the layout has settled, and the click goes where the picture was.
        return len(found) > 1 and found[-1] == found[-2]

    until(red, page)
    x, y = found[-1]
    page.mouse.click(x, y)
    until(lambda: bool(scene.clicked.get("building_id")), page)
    assert scene.clicked["building_id"] in small().buildings.index
    assert scene.clicked["count"] == 1
    scene.show(np.zeros(20))
    until(lambda: roof(page, x, y).argmax() == 2, page)
    scene.selected = {"building_id": scene.clicked["building_id"]}
    scene.camera = {"position": [0.0, 300.0, 10.0], "target": [0.0, 0.0, 0.0]}
    page.wait_for_timeout(500)
    assert page.locator(".lobeda-credit").inner_text()
