"""The 3D scene beside a deck.gl page with the same buildings, in Chromium, in the same run.

Run by ``make bench`` or ``python -m tests.benchmarks.bench_scene [--copies 1 14] [--visits 3]``. Printed are
the first picture since the address was opened, one picture while the camera goes around, one still picture at
full sharpness, new values until they are drawn, one pick, and the memory of the page's and the graphics
process; of the times also what processors worked in these two processes, which a busy machine changes less;
and how many points of the picture both pages take for the same building. deck.gl draws footprints
extruded to their height with flat roofs, alone. Ours draws walls and roofs as they are: "shipped" with
terrain, trees, names and shadows (while things move, where there is no graphics card, at 0.6 of the
sharpness), "bare" with terrain alone. deck.gl (MIT) comes from npm into the tests' environment, never into
the app. Without a graphics card both are drawn in software: compare, and quote none of it as a speed.
"""

from __future__ import annotations

import argparse
import json
import operator
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from playwright.sync_api import Browser, Page, sync_playwright

import twin
from tests.benchmarks.bench_page import tiled
from tests.browser.conftest import FLAGS, program, serve
from twin.district import District
from viewer.scene import build, component
from viewer.scene.build_hook import node

HERE = Path(__file__).parent / "scene"
VERSION = "9.4.0"
DECK = Path(sys.prefix) / "deck.gl"
PATIENCE_MS = 300_000
SIZE = {"width": 1280, "height": 720}
KINDS = {"deck.gl": "deck.html", "shipped": "ours.html", "bare": "ours.html?bare"}
ROWS = {
    "first": "first picture", "orbit": "one picture while orbiting", "still": "one still picture",
    "recolour": "new values until drawn", "pick": "one pick", "memory": "memory of the page",
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """Of one visit.

    took : by quantity, what passed [ms], or memory [MiB].
    worked : by quantity, what processors worked [ms].
    found : the row of the building at each of the points.
    """

    took: dict[str, float]
    worked: dict[str, float]
    found: list[int | None]


def install() -> bool:
    """Whether deck.gl of the version above is there, fetched with npm where it was not."""
    packages = [DECK / "node_modules" / "@deck.gl" / name for name in ("core", "layers")]
    known = [json.loads((p / "package.json").read_text()) for p in packages if (p / "dist.min.js").is_file()]
    if [package["version"] for package in known] == [VERSION, VERSION]:
        return True
    npm, environment = node("npm")
    wanted = [f"@deck.gl/{package.name}@{VERSION}" for package in packages]
    options = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(DECK)]
    done = subprocess.run([*npm, "install", *options, *wanted], env=environment, check=False)
    return done.returncode == 0


def write(district: District, folder: Path) -> int:
    """Write both pages with the district's buildings; how many those are."""
    manifest = build.build(district, folder)
    (folder / "manifest.txt").write_text(manifest, "utf-8")
    shutil.copy(component.BUNDLE, folder / "scene.js")
    for name in ("core", "layers"):
        shutil.copy(DECK / "node_modules" / "@deck.gl" / name / "dist.min.js", folder / f"{name}.js")
    for file in HERE.iterdir():
        shutil.copy(file, folder / file.name)
    return len(district.buildings)


def write_buildings(district: District, folder: Path, camera: dict[str, Any]) -> None:
    """The footprints, feet and heights that our scene has, and its camera, for the other page."""
    manifest = json.loads((folder / (folder / "manifest.txt").read_text("utf-8")).read_text("utf-8"))
    east, north, _ = manifest["origin"]
    rows = []
    feet, heights = (manifest["buildings"][name] for name in ("base", "height"))
    for shape, base, height in zip(district.buildings.geometry, feet, heights, strict=True):
        outer = max(shapely.get_parts(shape), key=lambda part: part.area)
        rings = [
            [[round(x - east, 2), round(y - north, 2), base] for x, y, *_ in ring.coords]
            for ring in (outer.exterior, *outer.interiors)
        ]
        rows.append({"rings": rings, "height": height})
    (folder / "buildings.json").write_text(json.dumps({"buildings": rows, "camera": camera}), "utf-8")


def processes(browser: Browser) -> list[dict[str, Any]]:
    """The pages' and the graphics process, as Chromium tells them."""
    client = browser.new_browser_cdp_session()
    found = client.send("SystemInfo.getProcessInfo")["processInfo"]
    client.detach()
    return [process for process in found if process["type"] in ("renderer", "GPU")]


def memory_mib(browser: Browser) -> float:
    """Of these processes, what is shared counted by its share. [MiB]"""
    rollups = [Path(f"/proc/{process['id']}/smaps_rollup").read_text() for process in processes(browser)]
    return sum(int(rollup.split("Pss:")[1].split()[0]) for rollup in rollups) / 1024


def worked_ms(browser: Browser) -> float:
    """What processors worked in these processes since they began. [ms]"""
    return 1000 * sum(float(process["cpuTime"]) for process in processes(browser))


@contextmanager
def chromium() -> Iterator[Page]:
    """A page of a Chromium of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=list(FLAGS))
        yield browser.new_page(viewport=SIZE, reduced_motion="reduce")  # type: ignore[arg-type]
        browser.close()


def points(page: Page) -> list[tuple[int, int]]:
    """Where to pick in the middle of our page's picture: most points on buildings, be they small."""
    chance = np.random.default_rng(5)
    size = [SIZE["width"], SIZE["height"]]
    places = [(int(x), int(y)) for x, y in chance.uniform(0.2, 0.8, (2000, 2)) * size]
    found = page.evaluate("points => bench.pick(points)", places)["found"]
    on = [place for place, row in zip(places, found, strict=True) if row is not None]
    beside = [place for place, row in zip(places, found, strict=True) if row is None]
    return on[:18] + beside[:6]


def visit(address: str, count: int, pictures: int, places: list[tuple[int, int]]) -> Measured:
    """Open a page in a browser of its own and take every time."""
    took, worked = dict[str, float](), dict[str, float]()
    with chromium() as page:
        page.goto("about:blank")
        browser = page.context.browser
        assert browser is not None
        empty = memory_mib(browser)

        def take(what: str, script: str, argument: object = None, times: int = 1) -> Any:
            before = worked_ms(browser)
            if what == "first":
                page.goto(address)
                page.wait_for_function("window.bench", timeout=PATIENCE_MS)
            answer = page.evaluate(script, argument)
            worked[what] = (worked_ms(browser) - before) / times
            page.wait_for_timeout(500)  # a finer picture may follow
            return answer

        took["first"] = take("first", "bench.firstPicture")
        took["orbit"] = take("orbit", "count => bench.orbit(count)", pictures, pictures)
        took["still"] = take("still", "bench.still(5)", times=5)
        took["recolour"] = take("recolour", "count => bench.recolour(count, 5)", count, 5)
        page.evaluate("points => bench.pick(points)", places[:3])
        picked = take("pick", "points => bench.pick(points)", places, len(places))
        took["pick"] = picked["each"]
        took["memory"] = memory_mib(browser) - empty
    return Measured(took, worked, picked["found"])


def same(
    one: list[int | None], other: list[int | None], alike: Callable[[int, int], bool] = operator.eq
) -> tuple[int, int]:
    """At how many points both name the same building, and at how many each names one."""
    both = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    return sum(alike(a, b) for a, b in both), len(both)


def measure(district: District, visits: int, pictures: int) -> dict[str, list[Measured]]:
    """Of each page its visits, in turn with those of the others."""
    found: dict[str, list[Measured]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="lobeda-bench-") as name:
        folder = Path(name)
        count = write(district, folder)
        served = serve(folder)
        address = next(served)
        with chromium() as page:
            page.goto(f"{address}/ours.html?bare")
            page.wait_for_function("window.bench", timeout=PATIENCE_MS)
            write_buildings(district, folder, page.evaluate("bench.camera()"))
            places = points(page)
        for _ in range(visits):
            for kind, path in KINDS.items():
                found[kind].append(visit(f"{address}/{path}", count, pictures, places))
        next(served, None)
    return found


def table(found: dict[str, list[Measured]]) -> list[str]:
    """Medians of the visits, and deck.gl's beside ours: above 1 ours takes less."""
    lines = [f"  {'':40s}{'deck.gl':>11s}{'shipped':>11s}{'bare':>11s}{'':6s}{'deck.gl / ours':>17s}"]
    for key, name in ROWS.items():
        unit = "MiB" if key == "memory" else "ms"
        lines.append(_line(name, [[one.took[key] for one in found[kind]] for kind in KINDS], unit))
        if key != "memory":
            worked = [[one.worked[key] for one in found[kind]] for kind in KINDS]
            lines.append(_line("  of processors", worked, unit))
    agree, both = same(found["deck.gl"][-1].found, found["shipped"][-1].found)
    lines.append(f"  at {agree} of {both} points where both pages found a building it is the same one")
    return lines


def _line(name: str, measured: list[list[float]], unit: str) -> str:
    deck, shipped, bare = (statistics.median(values) for values in measured)
    figures = f"{deck:11,.2f}{shipped:11,.2f}{bare:11,.2f} {unit:5s}"
    return f"  {name:40s}{figures}{deck / max(shipped, 1e-6):8.2f} ×{deck / max(bare, 1e-6):7.2f} ×"


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--copies", type=int, nargs="+", default=[1, 14], help="of the sample, 1,475 buildings"
    )
    parser.add_argument("--visits", type=int, default=3, help="of each page, each with a browser of its own")
    parser.add_argument("--pictures", type=int, default=24, help="around the district")
    options = parser.parse_args()
    if program() is None or not install():
        print("skipped: Chromium or deck.gl cannot be installed")
        return
    for copies in options.copies:
        district = twin.open("lobeda")
        if copies > 1:
            district = tiled(district, copies)
        print(f"\nThe 3D scene of {len(district.buildings):,} buildings beside deck.gl {VERSION}", flush=True)
        print("\n".join(table(measure(district, options.visits, options.pictures))), flush=True)


if __name__ == "__main__":
    main()
