"""The clock of the manager's page in Chromium: from letting go of the slider to the figures of each stage.

Run by ``make bench`` or ``python -m tests.benchmarks.bench_page [--copies 1 14] [--moves 30] [--later 30]``.
The clock starts with the browser's pointerup and ends where the scene has its values and the figures stand in
the page (`viewer/static/whatif.js`); the frame that is drawn then is printed apart, as it is the graphics
card's, or here the software's. The larger district is the sample beside itself, its copies joined by a street
so that one heat network serves them, with TABULA's flat shading in place of rays. Server, Chromium and this
program share the machine's cores: its load is printed.
"""

from __future__ import annotations

import argparse
import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import uvicorn
from playwright.sync_api import Page, sync_playwright

import energy
import twin
from tests.browser.conftest import FLAGS, program
from twin.district import District
from viewer import server
from viewer.state import Twin

PATIENCE_MS = 300_000
# Asking in each animation frame, as Playwright does, has the browser draw frame upon frame: in software that
# takes the cores that page and server are timed on. The marks are the page's own: asking less costs nothing.
POLLING_MS = 25
TOKEN = "bench-of-the-page-alone"
IDS = {"buildings": ["block_id"], "streets": [], "blocks": []}
MARKS = """() => {
  const act = performance.getEntriesByName("whatif:act").at(-1);
  const of = (name) => performance.getEntriesByName(name).filter((mark) => mark.detail === act.detail || mark.detail === null).at(-1);
  const after = (name) => { const mark = of(name); return mark ? mark.startTime - act.startTime : null; };
  return Object.fromEntries(["whatif:stage1", "scene:values", "whatif:stage2", "whatif:stage3", "whatif:frame"].map((name) => [name, after(name)]));
}"""  # noqa: E501


def tiled(district: District, copies: int) -> District:
    """The district `copies` times in rows from west to east, as square as can be, one network of streets."""
    west, south, east, north = district.buildings.total_bounds
    across, down, terrain = east - west + 100, north - south + 100, district.terrain
    columns = math.ceil(math.sqrt(copies))
    if terrain is not None:
        down, across = (terrain.cell_m * size for size in terrain.heights_m.shape)
        heights = np.tile(terrain.heights_m, (math.ceil(copies / columns), columns))
        terrain = replace(terrain, heights_m=np.asarray(heights, np.float32))
    shift = [(number % columns * across, -(number // columns) * down) for number in range(copies)]
    tables = {}
    for name, others in IDS.items():
        table = getattr(district, name)
        parts = []
        for number in range(copies):
            part = table.copy()
            part.index = part.index + f"-{number}"
            part[others] = part[others].apply(lambda column, number=number: column + f"-{number}")
            parts.append(part.set_geometry(part.geometry.translate(*shift[number])))
        tables[name] = gpd.GeoDataFrame(pd.concat(parts), crs=table.crs)
    first = district.streets.iloc[[0] * (copies - 1)].copy()
    x, y = district.streets.geometry.iloc[0].coords[0][:2]
    place = [(x + right, y + up) for right, up in shift]
    ends = [(place[n], place[n - 1 if n % columns else n - columns]) for n in range(1, copies)]
    first.index = pd.Index([f"between-{n}" for n in range(copies - 1)], name=first.index.name)
    first = first.set_geometry([shapely.LineString(pair) for pair in ends], crs=district.streets.crs)
    tables["streets"] = gpd.GeoDataFrame(pd.concat([tables["streets"], first]), crs=district.streets.crs)
    return District.from_tables(
        f"{district.name} × {copies}", tables, terrain=terrain, provenance=district.provenance,
        metadata=district.metadata,
    )  # fmt: skip


@contextmanager
def serving(shown: Twin) -> Iterator[str]:
    """The address of the real server for a twin."""
    app = server.create_app(shown.district, token=TOKEN, announce=lambda link: None, shown=shown)
    listener = socket.create_server(("127.0.0.1", 0))
    process = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws_max_size=2**26))
    thread = threading.Thread(target=process.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not process.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        process.should_exit = True
        thread.join(20)
        listener.close()


def moves(page: Page, count: int, later: int) -> list[dict[str, float | None]]:
    """What the marks say of each move; of the last `later` ones also stages 2 and 3. [ms]"""
    box = page.locator("#share").bounding_box()
    assert box
    found = []
    for number, share in enumerate(np.random.default_rng(1).permutation(np.linspace(0.05, 0.6, count))):
        page.mouse.move(box["x"] + 12 + (box["width"] - 24) * share, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.up()
        waited = 3 if number >= count - later else 1
        page.wait_for_function(
            "stage => { const act = performance.getEntriesByName('whatif:act').at(-1)?.detail;"
            " const has = name => performance.getEntriesByName(name).some(mark => mark.detail === act);"
            " return has(`whatif:stage${stage}`) && has('whatif:frame'); }",
            arg=waited, timeout=PATIENCE_MS, polling=POLLING_MS,
        )  # fmt: skip
        marks = page.evaluate(MARKS)
        marks["compute"] = float(page.locator("#panel").get_attribute("data-ms") or "nan")
        found.append(marks)
    return found


def table(found: list[dict[str, float | None]]) -> None:
    """Median and 95th percentile by stage."""
    frame = pd.DataFrame(found).astype("float64")
    bound = frame[["whatif:stage1", "scene:values"]].max(axis=1)
    rows = {
        "stage 1: need, use, delivered, CO2, energy cost": bound,
        "  of it computing on the server": frame["compute"],
        "  of it transport and the page": bound - frame["compute"],
        "stage 2: the heat network": frame["whatif:stage2"],
        "stage 3: the bands": frame["whatif:stage3"],
        "apart: the frame drawn after stage 1": frame["whatif:frame"] - bound,
    }
    print(f"{'from pointer-up to the page':52s}{'moves':>6s}{'median':>10s}{'95 %':>10s}")
    for name, values in rows.items():
        known = values.dropna()
        if len(known):
            print(f"{name:52s}{len(known):6d}{known.median():8.0f} ms{known.quantile(0.95):8.0f} ms")


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--copies", type=int, nargs="+", default=[1, 14], help="of the sample, 1,475 buildings"
    )
    parser.add_argument("--moves", type=int, default=30)
    parser.add_argument("--later", type=int, default=30, help="moves that wait for stages 2 and 3")
    options = parser.parse_args()
    installed = program()
    if installed is None:
        print("skipped: Chromium is not installed")
        return
    for copies in options.copies:
        district = twin.open("lobeda")
        if copies > 1:
            district = tiled(district, copies)
        case = energy.Case(district, energy.weather.sample(), shading="rays" if copies == 1 else "tabula")
        shown = Twin(district, case, energy.annual(case))
        with serving(shown) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=installed, args=list(FLAGS))
            page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
            page.goto(f"{address}/login?token={TOKEN}")
            page.wait_for_url("**/manage", timeout=PATIENCE_MS)
            page.locator("#loading.done").wait_for(state="attached", timeout=PATIENCE_MS)
            page.locator('#panel[data-stage="3"]').wait_for(timeout=PATIENCE_MS)
            moves(page, 2, 2)  # what is compiled and kept for all later ones
            load = os.getloadavg()[0]
            print(
                f"\n{len(district.buildings):,} buildings, load {load:.1f} on {os.cpu_count()} cores",
                flush=True,
            )
            table(moves(page, options.moves, min(options.later, options.moves)))
            browser.close()


if __name__ == "__main__":
    main()
