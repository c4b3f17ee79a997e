"""Open data of Thuringia and OpenStreetMap for an area: downloaded once, then built into a district."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import shapely

from twin import download, importer, thuringia
from twin.district import District
from twin.download import Cache, Limits, Outcome
from twin.errors import CallError, SourceError
from twin.sources import footprints
from twin.sources.base import Finding, Progress, Provenance, no_progress
from twin.terrain import Terrain
from twin.thuringia import PRODUCTS, Box, Item

T = TypeVar("T")

LOBEDA_BBOX: Box = (11.596, 50.8755, 11.640, 50.8985)
LARGEST_KM2 = 1000.0
OUTLINE_HEIGHT_M = 9.0
_NAMES = {
    "lod2": "LoD2",
    "dgm1": "DGM1",
    "outlines": "building outlines",
    "dop": "orthophoto",
    "osm": "OpenStreetMap",
}
_TABLES = {
    "lod2": "buildings",
    "dgm1": "terrain",
    "outlines": "buildings",
    "dop": "ortho",
    "osm": "buildings",
}


@dataclass(frozen=True)
class Missing:
    """A file that could not be had, and why."""

    product: str
    label: str
    url: str
    reason: str

    def __str__(self) -> str:
        return f"{_NAMES[self.product]} {self.label}: {self.reason}, {self.url}"


@dataclass(frozen=True)
class FetchReport:
    """The files of an area in the cache, where they come from, and what could not be had.

    buildings, terrain, ortho, outlines, osm : files for `twin.importer.build`.
    downloaded, cached : number of files fetched now, and of those that were there already.
    """

    bbox_wgs84: Box
    folder: Path
    buildings: list[Path] = field(default_factory=list)
    terrain: list[Path] = field(default_factory=list)
    ortho: list[Path] = field(default_factory=list)
    outlines: list[Path] = field(default_factory=list)
    osm: list[Path] = field(default_factory=list)
    provenance: list[Provenance] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    downloaded: int = 0
    cached: int = 0

    def lines(self) -> list[str]:
        """What to tell the user, a line each."""
        first = f"{self.downloaded} files downloaded, {self.cached} already in {self.folder}"
        return [first, *(f"not available: {missing}" for missing in self.missing)]


def fetch(
    out_cache: Path | str,
    bbox_wgs84: Sequence[float],
    *,
    base_url: str | None = None,
    products: Sequence[str] = PRODUCTS,
    connections: int = 3,
    limits: Limits | None = None,
    progress: Progress = no_progress,
) -> FetchReport:
    """Download what there is of an area into a folder; what is there already is not asked for again.

    Parameters
    ----------
    out_cache : folder of the downloads and their manifest (address, date, licence, SHA-256).
    bbox_wgs84 : west, south, east, north. [°]
    base_url : another server with the same paths, for all products.
    products : of ``lod2 dgm1 outlines dop osm``.
    connections : at once.
    limits : times and attempts.

    Raises
    ------
    CallError : no such product, or an area that is none, too large or outside Thuringia.
    SourceError : nothing at all could be had, or the folder cannot be written.
    """
    box = _checked_box(bbox_wgs84, products)
    cache = Cache(Path(out_cache))
    work = _all(cache, box, tuple(products), connections, limits or Limits(), base_url, progress)
    return _report(_run(work), cache, box, base_url)


def build(name: str, report: FetchReport, *, progress: Progress = no_progress) -> District:
    """A district of the area from the files of a report.

    Buildings are those of LoD2; without them OpenStreetMap's; without these the outlines at a guessed height.

    Raises
    ------
    SourceError : the report holds no buildings, or a file is at fault.
    """
    bounds = thuringia.metres(report.bbox_wgs84)
    findings = [Finding("left_out", m.url.rsplit("/", 1)[-1], m.label, str(m)) for m in report.missing]
    buildings, used = _buildings(report, bounds)
    district = importer.build(
        name,
        buildings=buildings,
        terrain=report.terrain,
        ortho=report.ortho,
        crs="EPSG:25832",
        default_height_m=OUTLINE_HEIGHT_M if used == "outlines" else None,
        metadata={"bbox_wgs84": list(report.bbox_wgs84)},
        progress=progress,
    ).select(shapely.box(*bounds))
    terrain = None if district.terrain is None else _cropped(district.terrain, bounds)
    sources = {_NAMES[product] for product in (used, "dgm1", "dop")}
    origins = [record for record in report.provenance if record.source in sources]
    named = {record.table for record in origins}
    others = [record for record in district.provenance if record.table not in named]
    return district.replace(
        terrain=terrain,
        provenance=(*origins, *others),
        findings=(*district.findings, *findings),
    )


def _buildings(report: FetchReport, bounds: Box) -> tuple[list[Path], str]:
    """The best building files that there are, and their product."""
    if report.buildings:
        return report.buildings, "lod2"
    if report.osm:
        return report.osm, "osm"
    for outlines in report.outlines:
        clipped = report.folder / "outlines" / f"{'_'.join(f'{value:.0f}' for value in bounds)}.gpkg"
        if footprints.clip(outlines, bounds, clipped):
            return [clipped], "outlines"
    raise SourceError(
        "no buildings could be had for the area", report.folder, "See the missing files, try again later"
    )


def _checked_box(bbox: Sequence[float], products: Sequence[str]) -> Box:
    if unknown := set(products) - set(PRODUCTS):
        raise CallError(
            f"there is no product {', '.join(sorted(unknown))}", remedy=f"Products are {', '.join(PRODUCTS)}"
        )
    west, south, east, north = (float(value) for value in bbox)
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise CallError(f"{list(bbox)} is no box", remedy="Write west, south, east, north in degrees")
    left, low, right, high = thuringia.STATE
    if set(products) != {"osm"} and (east < left or west > right or north < low or south > high):
        raise CallError(
            "the area lies outside Thuringia", remedy="Import the files of its state with `lobeda import`"
        )
    x0, y0, x1, y1 = thuringia.metres((west, south, east, north))
    if (size := (x1 - x0) * (y1 - y0) / 1e6) > LARGEST_KM2:
        raise CallError(
            f"the area has {size:.0f} km², more than {LARGEST_KM2:.0f}", remedy="Fetch it in parts"
        )
    return west, south, east, north


async def _all(
    cache: Cache,
    box: Box,
    products: tuple[str, ...],
    connections: int,
    limits: Limits,
    base_url: str | None,
    progress: Progress,
) -> list[Outcome]:
    """All products at once, some connections at a time; the images wait for the overview that names them."""
    free = asyncio.Semaphore(max(1, connections))
    done: list[Outcome] = []
    total = 0

    async def one(item: Item) -> Outcome:
        async with free:
            outcome = await download.download(http, item, cache, limits, base_url)
        done.append(outcome)
        progress(f"{_NAMES[item.product]} {item.label}", len(done) / max(total, 1))
        return outcome

    async def product(name: str) -> None:
        nonlocal total
        items = thuringia.items(name, box)
        total += len(items)
        found = await _gathered(one(item) for item in items)
        if name == "dop" and found[0].file is not None:
            images = thuringia.photographs(found[0].file, thuringia.metres(box))
            if not images:
                done.append(replace(found[0], file=None, reason="the overview names no image of the area"))
            total += len(images)
            await _gathered(one(item) for item in images)

    async with download.client(base_url) as http:
        await _gathered(product(name) for name in products)
    return done


async def _gathered(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results; the first error ends the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
    return [task.result() for task in tasks]


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, also where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _unpacked(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_unpacked, work).result()


def _unpacked(work: Coroutine[Any, Any, T]) -> T:
    """Run; of a group of errors the first that is ours."""
    try:
        return asyncio.run(work)
    except* SourceError as group:
        errors = group.exceptions
    first: BaseException = errors[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    raise first


def _report(outcomes: list[Outcome], cache: Cache, box: Box, base_url: str | None) -> FetchReport:
    """What was got and what was not.

    Raises
    ------
    SourceError : nothing was got.
    """
    files: dict[str, list[Path]] = {product: [] for product in PRODUCTS}
    provenance, missing = [], []
    for outcome in sorted(outcomes, key=lambda o: (PRODUCTS.index(o.item.product), o.source.file)):
        item = outcome.item
        if outcome.file is None:
            address = thuringia.at(outcome.source.url, base_url)
            missing.append(Missing(item.product, item.label, address, outcome.reason))
        elif item.label != "overview":
            files[item.product].append(outcome.file)
            provenance.append(_provenance(outcome, cache))
    if outcomes and not provenance:
        first = missing[0] if missing else "the servers have nothing there"
        raise SourceError(
            f"none of {len(outcomes)} files could be had: {first}", cache.folder, "Try again later"
        )
    got = [outcome for outcome in outcomes if outcome.file is not None]
    return FetchReport(
        bbox_wgs84=box, folder=cache.folder, buildings=files["lod2"], terrain=files["dgm1"],
        ortho=files["dop"], outlines=files["outlines"], osm=files["osm"], provenance=provenance,
        missing=missing, downloaded=sum(o.fresh for o in got), cached=sum(not o.fresh for o in got),
    )  # fmt: skip


def _provenance(outcome: Outcome, cache: Cache) -> Provenance:
    noted = cache.files[outcome.source.file]
    item = outcome.item
    year = str(noted["date"])[:4]
    return Provenance(
        table=_TABLES[item.product],
        source=_NAMES[item.product],
        origin=str(noted["url"]),
        licence=item.licence,
        attribution=item.attribution.replace("GDI-Th,", f"GDI-Th ({year}),"),
        date=str(noted["date"]),
        sha256=str(noted["sha256"]),
    )


def _cropped(terrain: Terrain, bounds: Box, margin_m: float = 100.0) -> Terrain:
    """The part of the terrain around the area."""
    west, south, east, north = bounds
    rows, columns = terrain.heights_m.shape
    c0 = int(np.clip((west - margin_m - terrain.west_m) // terrain.cell_m, 0, columns - 1))
    c1 = int(np.clip(-((terrain.west_m - east - margin_m) // terrain.cell_m), c0 + 1, columns))
    r0 = int(np.clip((terrain.north_m - north - margin_m) // terrain.cell_m, 0, rows - 1))
    r1 = int(np.clip(-((south - margin_m - terrain.north_m) // terrain.cell_m), r0 + 1, rows))
    return Terrain(
        np.ascontiguousarray(terrain.heights_m[r0:r1, c0:c1]),
        terrain.west_m + c0 * terrain.cell_m,
        terrain.north_m - r0 * terrain.cell_m,
        terrain.cell_m,
    )
