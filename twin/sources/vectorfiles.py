"""Vector files of any packing: unpacked safely, told by their content, and opened by named drivers only."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyogrio

from twin import gdal
from twin.errors import SourceError
from twin.sources import archive
from twin.sources.archive import Member

SUFFIXES = (
    ".gpkg", ".geojson", ".json", ".shp", ".fgb", ".kml", ".gml", ".gdb", ".sqlite", ".tab", ".mif", ".gpx",
)  # fmt: skip
_BESIDE = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg", ".qix"), ".tab": (".dat", ".dbf", ".map", ".id", ".ind"),
    ".mif": (".mid",), ".gml": (".xsd",),
}  # fmt: skip
# No driver that opens what a file names (OGR_VRT, GDALG, WFS, ...).
_DRIVERS = {
    "SQLite": ("GPKG", "SQLite"),
    "JSON": ("GeoJSON", "GeoJSONSeq", "ESRIJSON", "TopoJSON", "JSONFG"),
    "shapefile": ("ESRI Shapefile",),
    "FlatGeobuf": ("FlatGeobuf",),
    "KML": ("LIBKML", "KML"),
    "GML": ("GML",),
    "GPX": ("GPX",),
    "MapInfo": ("MapInfo File",),
    "FileGDB": ("OpenFileGDB",),
}
_MAGIC = {
    b"SQLite format 3\0": "SQLite", b"\0\0\x27\x0a": "shapefile", b"fgb": "FlatGeobuf",
    b"{": "JSON", b"\x1e": "JSON",
}  # fmt: skip
_SUFFIX_OF = {"JSON": ".json", "KML": ".kml", "GML": ".gml", "GPX": ".gpx", "FlatGeobuf": ".fgb"}
_POINTS_ELSEWHERE = (
    b"<ogrvrt", b"<ogrwfs", b"<ograpif", b"<ogroapif", b"<ogrcsw", b"<ogrmap", b"<gdal_wms", b"<vrtdataset",
    b"gdal_streamed_alg", b"wfs_capabilities",
)  # fmt: skip
_ROOT = re.compile(
    rb"(?:\s++|<\?(?:(?!\?>).)*+\?>|<!--(?:(?!-->).)*+-->)*+<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)", re.DOTALL
)
_TAB_LIMIT_BYTES = 1 << 20
_TAB_ELSEWHERE = (b"open table", b"create view", b"isseamless")
_BLOCK_BYTES = 1 << 20
_CRS_LIMIT_BYTES = 1 << 16
_CRS_NAME = re.compile(rb"""["']crs["']\s*""", re.IGNORECASE)
_CRS_TYPES = ("name", "epsg", "ogc")


@dataclass(frozen=True)
class Dataset:
    """What GDAL is to open, and with which drivers only."""

    path: Path
    drivers: tuple[str, ...]


@contextmanager
def opened(path: Path) -> Iterator[list[Dataset]]:
    """The vector data in a file, folder or archive, on disk for as long as the context lasts.

    Raises
    ------
    SourceError : missing, empty, no vector data, an unsafe archive, or a file that only points to others.
    """
    if not path.exists():
        raise SourceError("there is no such file", path, "Check the path")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError("the file is empty", path, "Export it again")
    with tempfile.TemporaryDirectory(prefix="lobeda-") as folder:
        datasets = []
        for number, found in enumerate(_found(path)):
            own = Path(folder) / str(number)
            own.mkdir()
            datasets.append(_checked(path, found.on_disk(own), own))
        yield datasets


def layers(dataset: Dataset, path: Path) -> list[tuple[str, str | None]]:
    """Name and kind of geometry of each layer.

    Raises
    ------
    SourceError : another driver than those named took the file.
    """
    with gdal.vectors():
        listed = [(str(name), kind) for name, kind in pyogrio.list_layers(dataset.path)]
        if listed and pyogrio.read_info(dataset.path, layer=listed[0][0])["driver"] not in dataset.drivers:
            raise _unknown(path, dataset.path)
    return listed


@dataclass(frozen=True)
class _Found:
    """Members that make one dataset, its main file first, or all of a FileGDB."""

    members: list[Member]
    geodatabase: Path | None = None

    def on_disk(self, folder: Path) -> Path:
        """Where it lies, or a copy in `folder` where it is packed."""
        first = self.members[0]
        if first.name is None and not first.packed:
            return self.geodatabase or first.path
        target = folder / self.geodatabase.name if self.geodatabase else folder
        target.mkdir(exist_ok=True)
        main = archive.extract(self.members, target)[0]
        return target if self.geodatabase else main


def _found(path: Path) -> list[_Found]:
    """What is to be read of a file, folder or archive."""
    members = archive.members(path)
    if path.is_file() and members and members[0].name is None:
        with path.open("rb") as stream:
            if members[0].packed or not archive.is_archive(stream.read(16)):
                return [_Found(members)]
    geodatabases: dict[Path, list[Member]] = {}
    by_stem: dict[Path, list[tuple[str, Member]]] = {}
    for member in members:
        place = member.path / member.name if member.name is not None else member.path
        if member.packed:
            place = place.with_suffix("")
        inside = [p for p in place.parents if p.suffix.lower() == ".gdb" and p.is_relative_to(path)]
        if inside:
            geodatabases.setdefault(inside[-1], []).append(member)
        else:
            stem = place.with_name(place.stem.lower())
            by_stem.setdefault(stem, []).append((place.suffix.lower(), member))
    found = [_Found(own, place) for place, own in geodatabases.items()]
    for files in by_stem.values():
        for suffix, member in files:
            if suffix in SUFFIXES:
                beside = [other for ending, other in files if ending in _BESIDE.get(suffix, ())]
                found.append(_Found([member, *beside]))
    if not found:
        what = "folder" if path.is_dir() else "archive"
        raise SourceError(f"the {what} holds no vector data", path, f"Expected one of {', '.join(SUFFIXES)}")
    return found


def _checked(path: Path, file: Path, folder: Path) -> Dataset:
    """The file with the drivers for what it holds; in `folder` under a name that does not lead to others.

    Raises
    ------
    SourceError : it is none of the formats, or names other files or addresses.
    """
    if file.is_dir():
        if not any(part.suffix.lower() == ".gdbtable" for part in file.iterdir()):
            raise _unknown(path, file)
        return Dataset(file, _DRIVERS["FileGDB"])
    with file.open("rb") as stream:
        head = stream.read(_TAB_LIMIT_BYTES + 1)
    if any(mark in head.lower() for mark in _POINTS_ELSEWHERE):
        raise _elsewhere(path, file)
    kind = _kind(head)
    if kind is None:
        raise _unknown(path, file)
    if kind == "MapInfo" and any(mark in head.lower() for mark in _TAB_ELSEWHERE):
        raise _elsewhere(path, file)
    if kind == "JSON" and _crs_elsewhere(file):
        raise SourceError(
            "its CRS is an address, which is not opened",
            _label(path, file),
            "Write the CRS as a name: EPSG:25832",
        )
    if (suffix := _SUFFIX_OF.get(kind)) and file.suffix.lower() not in SUFFIXES:
        named = folder / f"{file.stem}{suffix}"
        named.symlink_to(file.absolute())
        file = named
    return Dataset(file, _DRIVERS[kind])


def _kind(head: bytes) -> str | None:
    """What a file that begins so holds, of what is read; None of all else."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, kind in _MAGIC.items():
        if (text if kind == "JSON" else head).startswith(magic):
            return kind
    if text[:6].lower() == b"!table":
        return "MapInfo" if len(head) <= _TAB_LIMIT_BYTES else None
    if re.match(rb"version\s+\d+", text[:40], re.IGNORECASE):
        return "MapInfo"
    root = _ROOT.match(
        text
    )  # a document type stands before the root: neither bombs nor other files' entities
    if root is None:
        return None
    name = root[1].lower()
    if name in (b"kml", b"gpx"):
        return name.decode().upper()
    return "GML" if b"opengis.net/gml" in head else None


def _crs_elsewhere(file: Path) -> bool:
    """Whether a "crs" anywhere in the JSON is an address that GDAL would open, or hides what it is."""
    with file.open("rb") as stream:
        before = b""
        while True:
            block = stream.read(_BLOCK_BYTES)
            text = _unescaped(before + block)
            whole = len(block) < _BLOCK_BYTES
            end = len(text) if whole else len(text) - _CRS_LIMIT_BYTES
            if any(
                _address(text, found.end()) for found in _CRS_NAME.finditer(text, 0) if found.start() < end
            ):
                return True
            if whole:
                return False
            before = (before + block)[-_CRS_LIMIT_BYTES - 64 :]


def _unescaped(text: bytes) -> bytes:
    """JSON with letters in place of their escapes, which serve only to hide."""
    return re.sub(rb"\\u00([2-7][0-9a-fA-F])", lambda found: bytes([int(found[1], 16)]), text)


def _address(text: bytes, start: int) -> bool:
    """Whether what follows the name "crs" is a CRS of another kind than a name."""
    rest = text[start : start + _CRS_LIMIT_BYTES].lstrip()
    if rest[:1] in (b",", b"}", b"]", b""):
        return False  # a value, no name
    value = rest[1:].lstrip()
    if rest[:1] == b":" and value[:1] not in (b"{", b"/"):
        return False
    try:
        crs, _ = json.JSONDecoder().raw_decode(value.decode("utf-8", "replace"))
    except ValueError:
        return True
    kinds = [str(told).lower() for name, told in crs.items() if name.lower() == "type"]
    return any(kind not in _CRS_TYPES for kind in kinds)


def _label(path: Path, file: Path) -> str:
    return str(path) if file == path else f"{path}:{file.name}"


def _elsewhere(path: Path, file: Path) -> SourceError:
    return SourceError(
        "the file only points to other files or services", _label(path, file), "Pass the data themselves"
    )


def _unknown(path: Path, file: Path) -> SourceError:
    return SourceError(
        "the file cannot be read as vector data: it is none of the formats that are read",
        _label(path, file),
        f"Export it as one of {', '.join(SUFFIXES)}",
    )
