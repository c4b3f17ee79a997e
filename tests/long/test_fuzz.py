"""Every importer reads damaged files of its own format: a table or one line comes out, soon and small.

A real or hand-made file of each format is cut, stretched, shuffled and patched at random, archives also in
the files that they hold. LOBEDA_FUZZ says how many files each importer gets (200 without). None may crash it,
take longer than a minute of the processor, or let the process grow by more than a gigabyte. The file that did
is kept, and the failure names it.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import signal
import tempfile
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin

import energy
import scenarios
import twin
from scenarios import weather_import
from scenarios.baseline import calibration
from sensors import imports
from sensors.protocols.meter_map import read_map
from sensors.store import Store
from tests.conftest import REPOSITORY
from tests.energy.weather_files import open_meteo, station_files, write_json
from twin import facts, prior
from twin.errors import TwinError
from twin.sources import SOURCES, hazards
from viewer import backup, drafts
from viewer.whatif import Plan

pytestmark = pytest.mark.long
EXAMPLES = int(os.environ.get("LOBEDA_FUZZ", "200"))
SECONDS, BYTES = 60, 2**30
PIECES = (
    b"\0", b"\xff\xfe", b"\n", b'"', b"'", b"<", b"&x;", b"]]>", b"{", b"-1", b"1e400", b"NaN", b"9" * 40,
    b"9**9**9**9", b"0", b";;;;", b",", b"=1+1", b"../../x", b"EPSG:4326", b"\xe4", "🏠".encode(),
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"31.02.2024", b"24:00", b" ", b"null", b"[]", b'""',
    b" " * 3000 + b"9" + b" " * 3000 + b"x", b"9" * 9000 + b"x", b"(" * 3000, b"[" * 3000, b'{"a":' * 3000,
)  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """What is done at a place: bytes go, others come, or a piece of the file itself comes again."""

    place: float
    gone: int
    piece: bytes
    copied: int
    again: int

    def on(self, content: bytes) -> bytes:
        start = int(self.place * len(content))
        copy = content[max(0, start - self.copied) : start] * self.again
        return content[:start] + self.piece + copy + content[start + self.gone :]


DAMAGE = st.builds(
    Damage,
    st.floats(0, 1),
    st.sampled_from([0, 0, 1, 3, 40, 5000]),
    st.sampled_from(PIECES) | st.binary(max_size=8) | st.just(b""),
    st.sampled_from([0, 1, 10, 300]),
    st.sampled_from([0, 1, 2, 300]),
)


def damaged(content: bytes, damages: list[Damage], inside: float) -> bytes:
    """`content` after all of `damages`; where it is an archive, mostly in a file that it holds.

    Parameters
    ----------
    inside : in [0, 1]: which file of an archive; above 0.9 the archive itself.
    """
    if content.startswith(b"PK") and inside < 0.9:
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
            names = old.namelist()
            chosen = names[int(inside / 0.9 * len(names))]
            for name in names:
                new.writestr(name, damaged(old.read(name), damages if name == chosen else [], 1))
        return packed.getvalue()
    for one in damages:
        content = one.on(content)
    return content


def grid(file: Path, bands: int) -> Path:
    values = np.full((bands, 20, 20), 160, "uint8" if bands == 3 else "float32")
    with rasterio.open(
        file, "w", "GTiff", 20, 20, bands, "EPSG:25832", from_origin(683_000, 5_640_000, 1, 1), values.dtype
    ) as raster:
        raster.write(values)
    return file


def text(file: Path, content: str) -> Path:
    file.write_text(content, "utf-8")
    return file


SQUARE = [[[11.58, 50.88], [11.5802, 50.88], [11.5802, 50.8802], [11.58, 50.8802], [11.58, 50.88]]]
HOUSE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"height": 8, "id": "a", "depth": "0.5-1"},
            "geometry": {"type": "Polygon", "coordinates": SQUARE},
        }
    ],
}
OSM = """<?xml version="1.0"?><osm version="0.6">
<node id="1" lat="50.88" lon="11.58"/><node id="2" lat="50.88" lon="11.5802"/>
<node id="3" lat="50.8802" lon="11.5802"/><node id="4" lat="50.8802" lon="11.58"/>
<way id="9"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/>
<tag k="building" v="house"/><tag k="building:levels" v="2"/><tag k="addr:street" v="Weg"/></way></osm>"""
TREES = "id;e;n;Art;Höhe\n1;683000,5;5640000,5;Tilia cordata;12\n2;683009,5;5640001,5;Acer campestre;9 m\n"
HEIGHTS = "\n".join(f"{683000 + x} {5640000 + y} 160.{x}" for y in range(8) for x in range(8))
YEARS = (
    "GITTER_ID_100m;x_mp_100m;y_mp_100m;Vor1919;a1919bis1948;a1949bis1978\n"
    "CRS3035RES100mN2986400E4432100;4432150;2986450;3;1;10\n"
)
BILLS = "Zähler;Von;Bis;Verbrauch kWh\n1;01.01.2023;31.12.2023;100\n1;01.01.2024;31.12.2024;110\n"


def book(file: Path, rows: str) -> Path:
    """A table as XLSX."""
    made = openpyxl.Workbook()
    for row in rows.splitlines():
        made.active.append(row.split(";"))
    made.save(file)
    return file


def served(folder: Path) -> Path:
    """A backup of a server's data with a district."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOBEDA_DATA", str(folder / "data"))
        with Store.open():
            pass
        backup.backup(folder / "all.lobeda", some_houses(folder))
    return folder / "all.lobeda"


def some_houses(folder: Path) -> Path:
    sample = twin.open("lobeda")
    return sample.select(list(sample.buildings.index[:3])).save(folder / "district")


def packed(folder: Path) -> Path:
    """A district's folder, in an archive so that it is one file."""
    place = some_houses(folder)
    with zipfile.ZipFile(folder / "district.zip", "w") as archive:
        for file in sorted(place.rglob("*")):
            archive.write(file, file.relative_to(place))
    return folder / "district.zip"


def meteo(file: Path) -> Path:
    hours = pd.date_range("2023-01-01", periods=48, freq="h", tz="UTC")
    sky = pd.DataFrame({"ghi": 1.0, "bhi": 0.5, "dhi": 0.5}, index=hours)
    return write_json(file, open_meteo(sky, 51, 11))


def pvgis(data: Path, file: Path) -> Path:
    """The head and two days of an hourly series."""
    lines = next((data / "pvgis").glob("*.csv")).read_text("utf-8").splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("time"))
    cells = lines[head + 12].partition(",")[2]
    stamps = [f"2016010{day}:{hour:02d}10" for day in (1, 2) for hour in range(24)]
    return text(file, "\n".join([*lines[: head + 1], *(f"{stamp},{cells}" for stamp in stamps)]))


def places(data: Path, file: Path) -> Path:
    """The first rows of a list of sensor sites."""
    lines = (data / "jena-hackathon" / "Sensorstandorte.csv").read_text("utf-8").splitlines()
    return text(file, "\n".join(lines[:40]))


def station(folder: Path) -> Path:
    """All station files in one archive."""
    with zipfile.ZipFile(folder / "station.zip", "w") as archive:
        for one in station_files(folder).values():
            with zipfile.ZipFile(one) as part:
                for name in sorted(set(part.namelist()) - set(archive.namelist())):
                    archive.writestr(name, part.read(name))
    return folder / "station.zip"


def fitted(file: Path) -> Path:
    """A calibration of one meter, which could not be fitted."""
    unit = calibration.Unit(
        "1", ("a",), False, "month", 12, 12, 9000.0, heat_before=calibration.Heat(1.0, 0.9, 1.1)
    )
    calibration.Calibration("lobeda", "2026-01-31", "sample", True, "none", (unit,)).save(file)
    return file


def opened(file: Path, folder: Path) -> object:
    try:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder / "opened")
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError):
        return None  # it is the folder that is tried, not the archive
    return twin.open(folder / "opened").digest


def stored(file: Path, folder: Path) -> None:
    with Store.open(f"sqlite:///{folder / 'sensors.sqlite'}") as store:
        imports.import_file(store, file, crs="EPSG:25832")


def observed(file: Path, folder: Path) -> None:
    with Store.open(f"sqlite:///{folder / 'sensors.sqlite'}") as store:
        weather_import.import_file(store, file)


def restored(file: Path, folder: Path) -> None:
    backup.restore(file, folder / "restored")


def hazard(file: Path, folder: Path) -> object:
    return hazards.read(file, case=next(iter(hazards.CASES)), crs="EPSG:25832")


def source(name: str) -> Callable[[Path, Path], object]:
    return lambda file, folder: SOURCES[name].read(file, crs="EPSG:25832")


def weather(file: Path, folder: Path) -> object:
    return energy.weather.read(file)


Made = Callable[[Path, Path], Path]
IMPORTERS: dict[str, tuple[Made, Callable[[Path, Path], object]]] = {
    "citygml": (lambda data, _: data / "citygml" / "Building_LOD2-EPSG25832.gml", source("citygml")),
    "cityjson": (lambda data, _: data / "cityjson" / "twobuildings.city.json", source("cityjson")),
    "footprints": (lambda _, to: text(to / "a.geojson", json.dumps(HOUSE)), source("footprints")),
    "osm": (lambda _, to: text(to / "map.osm", OSM), source("osm")),
    "terrain": (lambda _, to: grid(to / "dgm.tif", 1), source("terrain")),
    "terrain xyz": (lambda _, to: text(to / "dgm.xyz", HEIGHTS), source("terrain")),
    "ortho": (lambda _, to: grid(to / "dop.tif", 3), source("ortho")),
    "trees": (lambda _, to: text(to / "trees.csv", TREES), source("trees")),
    "hazards": (lambda _, to: text(to / "b.geojson", json.dumps(HOUSE)), hazard),
    "facts": (lambda _, to: REPOSITORY / "tests/data/facts/bestand.csv", lambda file, _: facts.read(file)),
    "facts xlsx": (
        lambda _, to: book(to / "a.xlsx", (REPOSITORY / "tests/data/facts/bestand.csv").read_text("cp1252")),
        lambda file, _: facts.read(file),
    ),
    "facts map": (
        lambda _, to: REPOSITORY / "tests/data/facts/bestand.toml",
        lambda file, _: facts.read(REPOSITORY / "tests/data/facts/bestand.csv", file),
    ),
    "years": (lambda _, to: text(to / "years.csv", YEARS), lambda file, _: prior.read(file)),
    "weather epw": (lambda data, _: next((data / "weather").glob("*.epw")), weather),
    "weather try": (lambda data, _: data / "weather" / "TRY2015_Zone9_normal.txt", weather),
    "weather pvgis": (lambda data, to: pvgis(data, to / "series.csv"), weather),
    "weather pvgis json": (lambda data, _: next((data / "pvgis").glob("*.json")), weather),
    "weather open-meteo": (lambda _, to: meteo(to / "meteo.json"), weather),
    "weather dwd": (lambda _, to: station(to), weather),
    "weather mosmix": (lambda data, _: data / "dwd" / "MOSMIX_L_LATEST.kmz", weather),
    "sensors bills": (lambda _, to: text(to / "bills.csv", BILLS), stored),
    "sensors bills xlsx": (lambda _, to: book(to / "bills.xlsx", BILLS), stored),
    "sensors sites": (lambda data, _: data / "jena-udp" / "refflaechen_smartcity.kml", stored),
    "sensors uplinks": (lambda data, _: data / "jena-udp" / "chirpstack" / "example3.json", stored),
    "sensors sensorthings": (lambda data, _: data / "jena-udp" / "sensorthings_datastreams.json", stored),
    "sensors table": (lambda data, to: places(data, to / "places.csv"), stored),
    "sensors weather": (lambda data, _: data / "dwd" / "observations_recent_TU_akt.zip", observed),
    "sensors map": (
        lambda _, to: text(to / "map.toml", 'unit = "kWh"\n[columns]\nmeter = "Zähler"\n'),
        lambda file, _: read_map(file),
    ),
    "calibration": (lambda _, to: fitted(to / "fitted.toml"), lambda file, _: calibration.load(file)),
    "scenario": (
        lambda _, to: REPOSITORY / "scenarios" / "library" / "path-2045.yaml",
        lambda file, _: scenarios.load(file),
    ),
    "upload": (
        lambda _, to: REPOSITORY / "scenarios" / "library" / "roof-pv.yaml",
        lambda file, _: drafts.uploaded(file.read_bytes()),
    ),
    "plan": (
        lambda _, to: text(to / "plan", Plan.from_scenario(scenarios.load("library/roof-pv.yaml")).as_text()),
        lambda file, _: Plan.from_text(file.read_text("utf-8", "replace")),
    ),
    "district": (lambda _, to: packed(to), opened),
    "backup": (lambda _, to: served(to), restored),
}


def test_every_source_of_geodata_is_tried() -> None:
    assert set(SOURCES) <= {name.split()[0] for name in IMPORTERS}


@contextmanager
def in_time() -> Iterator[None]:
    """Ends what takes too much of the processor."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"it took more than {SECONDS} s of the processor")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@dataclass
class Tally:
    """Files that an importer has tried.

    kept : where the one lies that is tried now, and that was tried last if it went wrong.
    """

    read: Callable[[Path, Path], object]
    name: str
    kept: Path
    refused: int = 0
    done: int = 0
    longest_s: float = 0.0

    def tried(self, content: bytes) -> None:
        """Whether a file of this content gives a table or one line."""
        self.done += 1
        with tempfile.TemporaryDirectory() as place, in_time(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = Path(place) / self.name
            file.write_bytes(content)
            if not self.kept.exists():
                self.kept.write_bytes(content)
            began = time.process_time()
            try:
                self.read(file, Path(place))
            except TwinError as error:
                self.refused += 1
                assert "\n" not in str(error) and len(str(error)) < 2000
            self.longest_s = max(self.longest_s, time.process_time() - began)
        self.kept.unlink()


@pytest.mark.parametrize("name", IMPORTERS)
def test_damaged_files_give_a_table_or_one_line(name: str, shared_data: Path, tmp_path: Path) -> None:
    make, read = IMPORTERS[name]
    seed = make(shared_data, tmp_path)
    content = seed.read_bytes()
    (tmp_path / "sound").mkdir()
    read(seed, tmp_path / "sound")
    kept = tmp_path / f"failed{seed.suffix}"
    begun, size = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tally = Tally(read, seed.name, kept)

    # a hang would be tried again and again to be made smaller: the file is kept instead
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    @given(st.lists(DAMAGE, max_size=4), st.floats(0, 1))
    def one(damages: list[Damage], inside: float) -> None:
        tally.tried(damaged(content, damages, inside))

    try:
        one()
    except BaseException as error:
        error.add_note(f"The damaged file is {kept}")
        raise
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - size) * 1024
    print(
        f"\n{name:20s} {tally.done} files, {tally.refused} refused, {time.process_time() - begun:.0f} s, "
        f"longest {tally.longest_s:.2f} s, grown {grown / 2**20:.0f} MB"
    )
    assert grown < BYTES


NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
BEYOND = (b"9" * 400, b"9" * 5000, b"-" + b"9" * 400, b"1e400", b"NaN", b"Infinity", b"1e-400", b"0")


def numbered(content: bytes, share: float, number: bytes) -> bytes:
    """`content` with another number at a place, also where it is an archive."""
    if content.startswith(b"PK"):
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
            names = old.namelist()
            place = share * len(names)
            for at, name in enumerate(names):
                inner = old.read(name)
                new.writestr(name, numbered(inner, place % 1, number) if at == int(place) else inner)
        return packed.getvalue()
    found = list(NUMBER.finditer(content))
    if not found:
        return content
    chosen = found[int(share * len(found))]
    return content[: chosen.start()] + number + content[chosen.end() :]


@pytest.mark.parametrize("name", IMPORTERS)
def test_numbers_beyond_all_measure_give_a_table_or_one_line(
    name: str, shared_data: Path, tmp_path: Path
) -> None:
    """Each of `BEYOND` at places all over the file: few damages at random meet a number's place."""
    make, read = IMPORTERS[name]
    seed = make(shared_data, tmp_path)
    content = seed.read_bytes()
    tally = Tally(read, seed.name, tmp_path / f"failed{seed.suffix}")
    places = max(EXAMPLES // 10, 1)
    for place in range(places):
        for number in BEYOND:
            try:
                tally.tried(numbered(content, place / places, number))
            except BaseException as error:
                error.add_note(f"{number[:12]!r} at {place} of {places}; the file is {tally.kept}")
                raise
    print(f"\n{name:20s} {tally.done} files, {tally.refused} refused, longest {tally.longest_s:.2f} s")
