"""Import rate of the CityGML and CityJSON readers, beside citysmith and cjio on the same buildings.

Run by ``make bench`` or ``python -m tests.benchmarks.bench_import [FILE] [--megabytes 50]``. The file
(CityGML 1.0, by default the real Essen example) is repeated to the size asked for, each copy moved and with
ids of its own. citysmith 0.2.0 (PyPI, MIT) converts the same CityGML to CityJSON, the nearest that it does
to an import; cjio (bench extra) reads the same buildings as CityJSON and decompresses their vertices. Each
runs in a process of its own that times the work without start-up; citysmith goes into a throw-away folder
and is skipped with a reason where it cannot be installed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import shapely

from tests.benchmarks.citygml_copies import repeat
from twin.sources import citygml
from twin.sources.base import SourceData

CITYSMITH = "citysmith==0.2.0"
ESSEN = Path(__file__).resolve().parents[3] / "shared" / "data" / "citygml" / "EssenExample.gml"
RUNS = 3

TIMED = """
import resource, sys, time
file, target = sys.argv[1:3]
{imports}
best = float("inf")
for _ in range(int(sys.argv[3])):
    started = time.perf_counter()
    {work}
    best = min(best, time.perf_counter() - started)
print(best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
OURS = ("from twin.sources import {source}", "{source}.read(file)")
WHOLE = ("from twin import importer", "importer.build('bench', buildings=[file]).save(target)")
THEIRS = ("from citysmith.cityjson import convert", "convert(file, target)")
CJIO = ("from cjio import cityjson", "cityjson.reader(open(file)).decompress()")


def timed(script: tuple[str, str], file: Path, target: Path, path: Path | None = None) -> tuple[float, float]:
    """Best time [s] and peak memory [MiB] of a process that does the work `RUNS` times.

    Raises
    ------
    RuntimeError : the process failed; with its last line.
    """
    code = TIMED.format(imports=script[0], work=script[1])
    root = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(filter(None, [root, str(path) if path else ""]))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(file), str(target), str(RUNS)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": search},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


def install_citysmith(folder: Path) -> str | None:
    """Put citysmith into `folder`; why not, where it fails."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), CITYSMITH]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[-1]


def as_version_2(source: Path, target: Path) -> Path:
    """The same file in CityGML 2.0, the only version that citysmith reads."""
    pattern = re.compile(rb"(http://www\.opengis\.net/citygml/(?:\w+/)?)1\.0")
    with source.open("rb") as old, target.open("wb") as new:
        new.write(pattern.sub(rb"\g<1>2.0", old.read(65536)))
        while block := old.read(1 << 20):
            new.write(block)
    return target


def as_cityjson(data: SourceData, target: Path) -> Path:
    """The same buildings as CityJSON 2.0 with shared vertices in millimetres."""
    surfaces = data.tables["surfaces"]
    corner = np.floor(surfaces.total_bounds[:2]).tolist()
    number: dict[tuple[int, ...], int] = {}
    objects: dict[str, object] = {}
    kinds = sorted(set(surfaces["surface_type"]))
    for building, rows in surfaces.groupby("building_id", sort=False):
        rings = [[shapely.get_coordinates(shape, include_z=True)[:-1]] for shape in rows.geometry]
        boundaries = [
            [[number.setdefault(_millimetres(point, corner), len(number)) for point in ring] for ring in face]
            for face in rings
        ]
        semantics = {
            "surfaces": [{"type": kind} for kind in kinds],
            "values": [[kinds.index(kind) for kind in rows["surface_type"]]],
        }
        geometry = {"type": "Solid", "lod": "2", "boundaries": [boundaries], "semantics": semantics}
        objects[str(building)] = {"type": "Building", "geometry": [geometry]}
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [*corner, 0.0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "CityObjects": objects,
        "vertices": list(number),
    }
    target.write_text(json.dumps(document), "utf-8")
    return target


def _millimetres(point: np.ndarray, corner: list[float]) -> tuple[int, ...]:
    return tuple(
        round((value - zero) * 1000) for value, zero in zip(point.tolist(), [*corner, 0.0], strict=True)
    )


def main() -> None:
    """Print the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=ESSEN)
    parser.add_argument("--megabytes", type=float, default=50.0)
    options = parser.parse_args()
    if not options.file.is_file():
        print(f"skipped: the import benchmark ({options.file} is not there: name a CityGML file)")
        return
    with tempfile.TemporaryDirectory(prefix="lobeda-bench-") as name:
        _compare(options.file, int(options.megabytes * 1e6), Path(name))


def _compare(source: Path, size: int, folder: Path) -> None:
    first = folder / "tile-1.gml"
    copies = repeat(source, first, size)
    tile = as_version_2(first, folder / "tile.gml")
    data = citygml.read(tile)
    buildings = len(data.tables["buildings"])
    as_json = as_cityjson(data, folder / "tile.city.json")
    sizes = f"{tile.stat().st_size / 1e6:.0f} MB CityGML 2.0, {as_json.stat().st_size / 1e6:.0f} MB CityJSON"
    print(f"\nimport of {buildings:,} buildings ({copies} × {source.name}, {sizes})")
    print(f"best of {RUNS}, load {os.getloadavg()[0]:.1f}")
    print(f"{'what':58s}{'s':>8s}{'MB/s':>8s}{'buildings/s':>13s}{'peak MiB':>10s}")
    reader = _row(
        "CityGML → tables (footprints, heights, checks)", _source("citygml"), tile, folder, buildings
    )
    _row("CityGML → district on disk (with volumes, party walls)", WHOLE, tile, folder, buildings)
    if reason := install_citysmith(folder / "peer"):
        print(f"skipped: {CITYSMITH}: {reason}")
    elif (theirs := _row("citysmith: CityGML → CityJSON", THEIRS, tile, folder, buildings)) and reader:
        print(f"{'ratio: our reader to citysmith':58s}{theirs / reader:8.1f} ×")
    ours = _row(
        "CityJSON → tables (footprints, heights, checks)", _source("cityjson"), as_json, folder, buildings
    )
    theirs = _row("cjio: CityJSON read and decompressed, no geometry built", CJIO, as_json, folder, buildings)
    if ours and theirs:
        print(f"{'ratio: our CityJSON reader to cjio':58s}{theirs / ours:8.1f} ×")
    if reader and theirs:
        print(f"{'ratio: our CityGML reader to cjio on CityJSON':58s}{theirs / reader:8.1f} ×")


def _source(name: str) -> tuple[str, str]:
    return OURS[0].format(source=name), OURS[1].format(source=name)


def _row(label: str, script: tuple[str, str], file: Path, folder: Path, buildings: int) -> float | None:
    """Print one row; its time, or None where it did not run."""
    target = folder / ("district" if script is WHOLE else "out.city.json")
    try:
        seconds, memory = timed(script, file, target, folder / "peer")
    except RuntimeError as error:
        print(f"skipped: {label}: {error}")
        return None
    rate = file.stat().st_size / 1e6 / seconds
    print(f"{label:58s}{seconds:8.2f}{rate:8.1f}{buildings / seconds:13,.0f}{memory:10,.0f}")
    return seconds


if __name__ == "__main__":
    main()
