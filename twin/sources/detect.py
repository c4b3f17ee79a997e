"""What a file is, told by its content, and buildings from any mixture of files, folders and archives."""

from __future__ import annotations

import bz2
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from twin.errors import SourceError
from twin.sources import archive, citygml, cityjson, footprints, merge, osm
from twin.sources.base import Finding, Progress, SourceData, no_progress

Kind = Literal[
    "citygml", "cityjson", "geojson", "shapefile", "gpkg", "kml", "flatgeobuf", "filegdb", "parquet", "gml",
    "osm_xml", "osm_pbf", "osm_json", "geotiff", "jpeg", "png", "xlsx", "xyz", "csv", "archive", "empty",
    "unknown",
]  # fmt: skip

BUILDING_SOURCES: dict[str, str] = {
    "citygml": "citygml", "cityjson": "cityjson", "geojson": "footprints", "shapefile": "footprints",
    "gpkg": "footprints", "kml": "footprints", "flatgeobuf": "footprints", "filegdb": "footprints",
    "parquet": "footprints", "gml": "footprints", "osm_xml": "osm", "osm_pbf": "osm", "osm_json": "osm",
}  # fmt: skip
"""Source that reads each kind of file."""
_INSTEAD = {
    "geotiff": "--terrain or --ortho", "xyz": "--terrain", "jpeg": "--ortho", "png": "--ortho",
    "csv": "--trees or --facts", "xlsx": "--facts",
}  # fmt: skip
_SHAPEFILE_SUFFIXES = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx")


@dataclass(frozen=True)
class Detected:
    """A file, or a member of an archive, and what it is."""

    kind: Kind
    member: archive.Member

    @property
    def path(self) -> Path:
        return self.member.path

    @property
    def name(self) -> str | None:
        """Name inside the archive, or None."""
        return self.member.name


def detect(path: Path | str) -> list[Detected]:
    """What the file is; of a folder or archive, what each file in it is, the parts of shapefiles as one.

    Raises
    ------
    SourceError : no such file, or an archive that cannot be trusted or read.
    """
    path = Path(path)
    if path.is_dir() and path.suffix.lower() == ".gdb":
        return [Detected("filegdb", archive.Member(path))]
    found = archive.members(path)
    if any(".gdb/" in (member.name or "").lower() for member in found):
        return [Detected("filegdb", archive.Member(path))]
    sidecars = {_stem(member) for member in found if _suffix(member) == ".shp"}
    result = []
    for member in found:
        if _suffix(member) in _SHAPEFILE_SUFFIXES[1:] and _stem(member) in sidecars:
            continue
        if member.name and member.name.lower() == "[content_types].xml":
            return [Detected("xlsx", archive.Member(path))]
        result.append(Detected(kind(member), member))
    return result


def kind(member: archive.Member) -> Kind:
    """What a file is, by its first bytes (of JSON, where they do not tell, by its last ones too)."""
    head = member.head()
    if not head.strip():
        return "empty"
    if head.startswith(b"BZh") and _unpacked_head(head).lstrip().startswith((b"<?xml", b"<osm")):
        return "osm_xml"
    if archive.is_archive(head):
        return "archive"
    for told, mark in _MAGIC:
        if head.startswith(mark):
            return told
    if head[4:8] in (b"OSMH",) or b"OSMHeader" in head[:64]:
        return "osm_pbf"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"["):
        return _json_kind(text, member)
    if (root := citygml.root_name(head)) is not None:
        return _xml_kind(root, head)
    return _table_kind(text)


_MAGIC: tuple[tuple[Kind, bytes], ...] = (
    ("gpkg", b"SQLite format 3\0"), ("geotiff", b"II*\0"), ("geotiff", b"MM\0*"), ("geotiff", b"II+\0"),
    ("geotiff", b"MM\0+"), ("shapefile", b"\0\0\x27\x0a"), ("flatgeobuf", b"fgb"), ("parquet", b"PAR1"),
    ("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG"),
)  # fmt: skip


def _unpacked_head(head: bytes) -> bytes:
    """The first bytes of a bzip2 stream, as OSM extracts come; empty where it is damaged."""
    try:
        return bz2.BZ2Decompressor().decompress(head, 4096)
    except OSError:
        return b""


def _xml_kind(root: str, head: bytes) -> Kind:
    if citygml.is_citygml(head):
        return "citygml"
    by_root: dict[str, Kind] = {"osm": "osm_xml", "kml": "kml", "FeatureCollection": "gml"}
    return by_root.get(root, "unknown")


def _json_kind(text: bytes, member: archive.Member) -> Kind:
    if cityjson.is_cityjson(text):
        return "cityjson"
    if re.search(rb'"type"\s*:\s*"(?:FeatureCollection|Feature|(?:Multi)?Polygon|GeometryCollection)"', text):
        return "geojson"
    if b'"elements"' in text and (b"osm3s" in text or b'"generator"' in text or b'"osm_base"' in text):
        return "osm_json"
    with member.open() as stream:  # the members of a JSON object may stand in any order
        before = b""
        while block := stream.read(1 << 20):
            if cityjson.is_cityjson(b"{" + before + block):
                return "cityjson"
            if b'"FeatureCollection"' in before + block:
                return "geojson"
            before = block[-64:]
    return "unknown"


def _table_kind(text: bytes) -> Kind:
    lines = [line for line in text[:8192].splitlines() if line.strip()][:20]
    if not lines or b"\0" in text[:8192]:
        return "unknown"
    rows = lines[1:-1] or lines
    if all(
        re.fullmatch(rb"\s*-?[\d.]+(?:[eE][+-]?\d+)?(?:[\s,;]+-?[\d.]+(?:[eE][+-]?\d+)?){2}\s*", row)
        for row in rows
    ):
        return "xyz"
    return "csv" if any(mark in lines[0] for mark in (b";", b",", b"\t")) else "unknown"


def _suffix(member: archive.Member) -> str:
    return PurePosixPath(member.name or member.path.name).suffix.lower()


def _stem(member: archive.Member) -> str:
    return str(PurePosixPath(member.name).with_suffix("") if member.name else member.path.with_suffix(""))


def read_buildings(
    paths: Sequence[Path | str],
    *,
    crs: str | None = None,
    progress: Progress = no_progress,
    default_height_m: float | None = None,
) -> SourceData:
    """Buildings of all files, folders and archives in one, every building once, in EPSG:25832.

    Parameters
    ----------
    crs : for files that name none.
    default_height_m : for footprints with neither height nor storeys. [m]

    Raises
    ------
    SourceError : a file is at fault, or there are no buildings.
    """
    answers: list[SourceData] = []
    findings: list[Finding] = []
    chosen: list[Detected] = []
    for path in paths:
        chosen += _buildings_in(Path(path), detect(path), findings)
    sizes = np.nan_to_num(np.array([found.member.size for found in chosen], float), nan=1.0)
    ends = np.cumsum(sizes) / max(sizes.sum(), 1.0)
    for found, end, size in zip(chosen, ends, sizes / max(sizes.sum(), 1.0), strict=True):
        step = _step(progress, float(end - size), float(size))
        answers.append(_read(found, crs, step, default_height_m))
    result = merge.merged(answers)
    return SourceData(result.tables, None, None, [*findings, *result.findings], result.provenance)


def _step(progress: Progress, start: float, share: float) -> Progress:
    if progress is no_progress:
        return progress
    return lambda text, done: progress(text, start + share * done)


def _buildings_in(path: Path, found: list[Detected], findings: list[Finding]) -> list[Detected]:
    """Those that hold buildings; the others are told, or refused where there is nothing else."""
    usable = [item for item in found if item.kind in BUILDING_SOURCES]
    if not usable:
        raise _nothing(path, found)
    for item in found:
        if item.kind == "archive":
            message = "an archive inside an archive was not read: unpack it and pass it too"
            findings.append(Finding("left_out", path.name, item.name or item.path.name, message))
    return usable


def _nothing(path: Path, found: list[Detected]) -> SourceError:
    kinds = {item.kind for item in found}
    if not found:
        return SourceError("no buildings: there is no file in it", path, "Pass a file with buildings")
    if kinds == {"empty"}:
        return SourceError("no buildings: the file is empty", path, "Download or export it again")
    if "archive" in kinds:
        inside = next(item for item in found if item.kind == "archive")
        if inside.name is None and not path.is_dir():
            return SourceError("this kind of archive cannot be read", path, "Unpack it first")
        return SourceError(
            f"the archive holds another archive ({inside.name or inside.path.name})", path, "Unpack it first"
        )
    if flags := sorted({_INSTEAD[kind] for kind in kinds if kind in _INSTEAD}):
        names = ", ".join(sorted(kinds & set(_INSTEAD)))
        return SourceError(f"no buildings: this is {names}", path, f"Pass it with {' or '.join(flags)}")
    return SourceError(
        "no buildings: this is none of the formats that are read",
        path,
        "Pass CityGML, CityJSON, OpenStreetMap data, or footprints as GeoPackage, GeoJSON or shapefile",
    )


def _read(found: Detected, crs: str | None, progress: Progress, default_height_m: float | None) -> SourceData:
    source = BUILDING_SOURCES[found.kind]
    if source == "citygml":
        return citygml.read_member(
            found.member, crs=crs, progress=progress, default_height_m=default_height_m
        )
    if source == "cityjson":
        return cityjson.read_member(
            found.member, crs=crs, progress=progress, default_height_m=default_height_m
        )
    with tempfile.TemporaryDirectory(prefix="lobeda-") as folder:
        file = _on_disk(found, Path(folder))
        if source == "osm":
            return osm.read(file, progress=progress, default_height_m=default_height_m)
        return footprints.read(file, crs=crs, default_height_m=default_height_m, progress=progress)


def _on_disk(found: Detected, folder: Path) -> Path:
    """The file itself, or a copy out of its archive (of a shapefile, with what belongs to it)."""
    if found.member.name is None and not found.member.packed:
        return found.path
    chosen = [found.member]
    if found.kind == "shapefile":
        chosen += [
            member
            for member in archive.members(found.path)
            if _stem(member) == _stem(found.member) and _suffix(member) in _SHAPEFILE_SUFFIXES[1:]
        ]
    return archive.extract(chosen, folder)[0]
