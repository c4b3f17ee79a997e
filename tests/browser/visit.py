"""A visit with the real Chromium that notes console errors and every request to another host."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watch

DESKTOP = {"width": 1200, "height": 720}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 120_000  # software rendering and first compilations on a busy machine


@dataclass
class Visit:
    """A page and what went wrong while it was open."""

    page: Page
    base: str
    problems: list[str] = field(default_factory=list)

    def open(self, path: str, *, scene: bool = True) -> None:
        self.page.goto(self.base + path, wait_until="domcontentloaded")
        if scene:
            self.page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)

    def find(self, name: str) -> tuple[float, float]:
        """A point of the scene, near its middle, where the tooltip says `name`."""
        box = self.page.locator("#scene").bounding_box()
        assert box
        steps = [(column, row) for column in range(-9, 10) for row in range(-7, 8)]
        near = sorted(steps, key=lambda step: step[0] ** 2 + step[1] ** 2)
        # Once quickly, once patiently: what a hover says comes from the server, which may be busy.
        for pause_ms, (column, row) in itertools.product((150, 600), near):
            x, y = box["x"] + box["width"] * (0.5 + column / 20), box["y"] + box["height"] * (0.5 + row / 20)
            inside = "([x, y]) => Boolean(document.elementFromPoint(x, y)?.closest('.scene'))"
            if not self.page.evaluate(inside, [x, y]):
                continue
            self.page.mouse.move(x, y)
            self.page.wait_for_timeout(pause_ms)
            if self._tooltip_says(name):
                # The camera may still be flying: only what stays under the pointer can be clicked.
                self.page.wait_for_timeout(1_000)
                self.page.mouse.move(x + 1, y)
                self.page.wait_for_timeout(300)
                if self._tooltip_says(name):
                    return x + 1, y
        raise AssertionError(f"{name} is nowhere in the picture")

    def _tooltip_says(self, name: str) -> bool:
        tooltip = self.page.locator("#tooltip")
        return tooltip.is_visible() and name in tooltip.inner_text()

    def picture(self) -> bytes:
        """The scene as it is drawn, once it stands still."""
        self.page.wait_for_timeout(2000)
        return self.page.locator("#scene").screenshot()

    def finish(self) -> None:
        assert self.problems == [], self.problems  # this file's asserts are not told in detail


@contextlib.contextmanager
def visit(browser: Browser, base: str, size: dict[str, int], **options: Any) -> Iterator[Visit]:
    """A fresh visitor of the server at `base`; fails at the end if anything went wrong."""
    phone = size["width"] < 500
    context = browser.new_context(
        viewport=size, locale="de-DE", is_mobile=phone, has_touch=phone, reduced_motion="reduce", **options
    )  # type: ignore[arg-type]
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    seen = Visit(page, base)
    watch(page, seen.problems)
    try:
        yield seen
        seen.finish()
    finally:
        context.close()
