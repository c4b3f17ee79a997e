"""CityGML 1.0, 2.0 and 3.0 (GML), LoD0 to LoD2, as state survey offices deliver it.

Read as a stream, one building in memory at a time. Entities are never resolved, nothing is fetched, and
libxml2's limits on sizes stay on.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from twin.errors import SourceError
from twin.sources import archive, merge
from twin.sources.assembly import assemble
from twin.sources.base import Finding, Progress, SourceData, no_progress
from twin.sources.citygml_building import Thing, building_record, part_record, thing
from twin.sources.citygml_geometry import LOD_ORDER, BrokenGeometryError, Face, Links, faces
from twin.sources.citygml_tags import LOCAL, Element, srs_name
from twin.sources.store import Store

LICENCE = (
    "LoD2 of the German states: mostly Datenlizenz Deutschland Namensnennung 2.0 (dl-de/by-2-0); "
    "in Thuringia with the attribution © GDI-Th"
)
TABLES = ("buildings", "surfaces", "parts")

_ROOT = re.compile(r"<(?:[\w.-]+:)?(\w+)[\s>/]")
_BEFORE_ROOT = re.compile(r"<\?.*?\?>|<!--.*?-->", re.S)
_MEMBERS = ("Building", "cityObjectMember", "featureMember", "member", "appearanceMember")
_ENTITY_WORDS = ("entity", "amplification")
_HUGE_WORDS = ("huge", "too long", "too large", "excessive", "10000000")
_CUT_CODES = tuple(
    getattr(etree.ErrorTypes, f"ERR_{name}")
    for name in (
        "DOCUMENT_END", "TAG_NOT_FINISHED", "GT_REQUIRED", "LTSLASH_REQUIRED", "COMMENT_NOT_FINISHED",
        "CDATA_NOT_FINISHED", "ATTRIBUTE_NOT_FINISHED",
    )
)  # fmt: skip


@dataclass
class _File:
    """What is gathered from one file besides the store."""

    label: str
    name: str
    stated_crs: str = ""
    version: str = ""
    licence: str = ""
    findings: list[Finding] = field(default_factory=list)
    unnamed: dict[str, int] = field(default_factory=dict)


def read(
    path: Path | str,
    *,
    crs: str | None = None,
    progress: Progress = no_progress,
    default_height_m: float | None = None,
) -> SourceData:
    """Buildings, parts and surfaces of CityGML, in EPSG:25832.

    Parameters
    ----------
    path : file (also gzip), ZIP, or folder of tiles.
    crs : for files that name none.
    default_height_m : for outlines (LoD0) with neither height nor storeys. [m]

    Raises
    ------
    SourceError : not CityGML, damaged or hostile XML, no CRS, coordinates that contradict it, no buildings.
    """
    chosen = [member for member in archive.members(Path(path)) if is_citygml(member.head())]
    if not chosen:
        raise SourceError(
            "the file is no CityGML", path, "Pass a CityGML file, a ZIP or folder of such files"
        )
    return merge.read_each(chosen, read_member, crs=crs, progress=progress, default_height_m=default_height_m)


def root_name(head: bytes) -> str | None:
    """Local name of the root element of an XML document, or None where it is no XML."""
    text = _decoded(head).lstrip("\ufeff \t\r\n")
    if not text.startswith("<"):
        return None
    text = _BEFORE_ROOT.sub("", text)
    text = re.sub(r"<!DOCTYPE[^\[>]*(?:\[.*?\])?\s*>", "", text, flags=re.S)
    found = _ROOT.search(text)
    return found[1] if found else None


def is_citygml(head: bytes) -> bool:
    """Whether a file that begins so is CityGML: a city model, or a collection of features of its schemas."""
    root = root_name(head)
    if root == "CityModel":
        return True
    return root in ("FeatureCollection", "Building") and b"citygml" in head.replace(b"\0", b"").lower()


def read_member(
    member: archive.Member,
    *,
    crs: str | None = None,
    progress: Progress = no_progress,
    default_height_m: float | None = None,
) -> SourceData:
    """Read one file; as `read`."""
    file = _File(member.label, Path(member.name or member.path.name).name)
    store = Store()
    with member.open() as stream:
        head = stream.read(65536)
        _refuse_doctype(_decoded(head), file)
        reader = archive.CountingReader(
            merge.Rejoined(head, stream), lambda done: progress(file.name, done / member.size)
        )
        file.licence = merge.stated_licence(_decoded(head))
        for building in _buildings(reader, file):
            _add(building, store, file)
        digest = reader.sha256
    if not store.buildings:
        reason = f": {file.findings[0].message}" if file.findings else " in it"
        raise SourceError(f"no buildings{reason}", file.label, "Check the file")
    assembled = assemble(
        store, source="citygml", file=file.name, where=file.label, stated=file.stated_crs, crs=crs
    )
    return merge.source_data(
        assembled,
        source=f"citygml {file.version}".strip(),
        file=file.name,
        where=member.path,
        licence=file.licence,
        sha256=digest,
        findings=file.findings,
        default_height_m=default_height_m,
    )


def _decoded(head: bytes) -> str:
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(mark):
            return head.decode(encoding, "replace")
    if head[:4] in (b"<\0?\0", b"<\0!\0"):
        return head.decode("utf-16-le", "replace")
    if head[:4] in (b"\0<\0?", b"\0<\0!"):
        return head.decode("utf-16-be", "replace")
    return head.decode("utf-8-sig", "replace")


def _refuse_doctype(head: str, file: _File) -> None:
    if "<!DOCTYPE" in _BEFORE_ROOT.sub("", head):
        raise _doctype(file)


def _doctype(file: _File) -> SourceError:
    return SourceError(
        "the file declares a document type or entities, which no CityGML needs and attacks use",
        file.label,
        "Do not trust this file, or take the DOCTYPE out",
    )


def _buildings(reader: archive.CountingReader, file: _File) -> Iterator[Element]:
    """The Building elements, one after the other; each is cleared when the next one is asked for."""
    events = etree.iterparse(
        reader, events=("end",), tag=tuple(f"{{*}}{name}" for name in _MEMBERS), resolve_entities=False,
        no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
        collect_ids=False,
    )  # fmt: skip
    first = True
    try:
        for _, element in events:
            if first:
                _look_at_root(element.getroottree(), file)
                first = False
            if LOCAL[element.tag] == "Building":
                file.version = file.version or element.tag.partition("}")[0].rpartition("/")[2]
                yield element
            element.clear()
            parent = element.getparent()
            while element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise _syntax_error(error, file) from None


def _look_at_root(tree: Element, file: _File) -> None:
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise _doctype(file)
    for node in tree.getroot():
        if LOCAL[node.tag] == "boundedBy":
            file.stated_crs = next(
                (str(item.get("srsName")) for item in node.iter() if item.get("srsName")), ""
            )


def _syntax_error(error: etree.XMLSyntaxError, file: _File) -> SourceError:
    message = str(error.msg or error)
    lower = message.lower()
    if any(word in lower for word in _ENTITY_WORDS):
        return _doctype(file)
    if any(word in lower for word in _HUGE_WORDS):
        return SourceError(
            f"a text in line {error.lineno} is longer than 10 million characters",
            file.label,
            "Correct the file: no attribute of a building is so long",
        )
    if error.code in _CUT_CODES or "premature end" in lower:
        return SourceError(
            f"the XML ends in the middle, in line {error.lineno}",
            file.label,
            "Download or copy the file again",
        )
    return SourceError(
        f"the file is no well-formed XML: {message[:150]}", file.label, "Export the file again"
    )


def _add(element: Element, store: Store, file: _File) -> None:
    """Add a building to the store; a broken one becomes a finding."""
    mark = store.mark()
    whole = thing(element)
    building_id = whole.name
    try:
        _add_whole(element, whole, store, file)
    except BrokenGeometryError as error:
        store.rollback(mark)
        record = building_id or f"building in line {element.sourceline}"
        file.findings.append(Finding("left_out", file.name, record, str(error)))
        return
    for name in whole.cut:
        file.findings.append(
            Finding(
                "repaired", file.name, building_id or "", f"the attribute '{name}' was cut: it was too long"
            )
        )


def _add_whole(element: Element, whole: Thing, store: Store, file: _File) -> None:
    links = Links(element)
    parts = _parts(whole)
    mark = store.mark()
    record = building_record(whole, parts) | {"crs": srs_name(element)}
    store.add_building(record)
    lods: list[int] = []
    for position, part in enumerate(parts):
        name = part.name or f"{whole.name or ''}:part{position + 1}"
        number = store.add_part(part_record(part, name))
        lods += _add_shell(part, store, links, record, number, worst=None)
    best = min((LOD_ORDER.index(lod) for lod in lods), default=None)
    lods += _add_shell(whole, store, links, record, -1, worst=best)
    record["lod"] = str(max(lods)) if lods else None
    record["building_id"] = whole.name or _made_id(store, mark, file)
    if not whole.name:
        for entry in store.parts[mark[1] :]:
            if entry["part_id"].startswith(":"):
                entry["part_id"] = record["building_id"] + entry["part_id"]
    if links.lost:
        message = f"{links.lost} links to geometry lead nowhere"
        file.findings.append(Finding("note", file.name, record["building_id"], message))


def _parts(whole: Thing) -> list[Thing]:
    """All parts, also parts of parts."""
    result = []
    waiting = list(whole.parts)
    while waiting:
        part = thing(waiting.pop(0))
        waiting += part.parts
        result.append(part)
    return result


def _add_shell(
    of: Thing, store: Store, links: Links, record: dict[str, object], part: int, *, worst: int | None
) -> list[int]:
    """Add the best geometry that has polygons; the level taken, if any.

    worst : position in LOD_ORDER that the geometry must reach; a coarser one repeats what the parts show.
    """
    for lod in of.shell.lods:
        if worst is not None and LOD_ORDER.index(lod) > worst:
            return []
        found, flat = faces(of.shell, lod, links)
        if _add_faces(found, store, part):
            record["flat"] = flat
            return [lod]
    return []


def _add_faces(found: list[Face], store: Store, part: int) -> int:
    return sum(store.add_polygon(face.rings, face.type_number, face.surface_id, part) for face in found)


def _made_id(store: Store, mark: tuple[int, ...], file: _File) -> str:
    """An id for a building without one: the same whenever its coordinates are the same."""
    xyz = store.numbers(mark)
    name = "geometry-" + hashlib.sha256(xyz.round(3).tobytes()).hexdigest()[:12]
    count = file.unnamed[name] = file.unnamed.get(name, 0) + 1
    return name if count == 1 else f"{name}-{count}"
