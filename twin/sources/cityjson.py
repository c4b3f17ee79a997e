"""CityJSON 1.0, 1.1 and 2.0, and CityJSONSeq (a feature a line)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.errors import SourceError
from twin.sources import archive, merge
from twin.sources.assembly import assemble
from twin.sources.base import Finding, Progress, SourceData, no_progress
from twin.sources.cityjson_objects import BrokenObjectError, Templates, add_buildings
from twin.sources.store import Store

LICENCE = "as the file's owner says; CityJSON names none"
TABLES = ("buildings", "surfaces", "parts")
MAX_FILE_BYTES = 2 << 30
"""CityJSON is read at once and takes about ten times its size; larger files come as CityJSONSeq."""

Json = dict[str, Any]
_VERSIONS = ("1.0", "1.1", "2.0")
_TYPE = re.compile(rb'"type"\s*:\s*"CityJSON(?:Feature)?"')


@dataclass
class _Header:
    """What the document, or the first line of a sequence, says for all objects."""

    version: str = ""
    stated_crs: str = ""
    scale: NDArray[np.float64] = field(default_factory=lambda: np.ones(3))
    translate: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    templates: Templates | None = None
    licence: str = ""


def read(
    path: Path | str,
    *,
    crs: str | None = None,
    progress: Progress = no_progress,
    default_height_m: float | None = None,
) -> SourceData:
    """Buildings, parts and surfaces of CityJSON or CityJSONSeq, in EPSG:25832.

    Parameters
    ----------
    path : file (also gzip), ZIP or folder.
    crs : for files that name none.
    default_height_m : for outlines (LoD 0) with neither height nor storeys. [m]

    Raises
    ------
    SourceError : not CityJSON, damaged, no CRS, coordinates that contradict it, no buildings.
    """
    chosen = [member for member in archive.members(Path(path)) if is_cityjson(member.head())]
    if not chosen:
        raise SourceError(
            "the file is no CityJSON", path, "Pass a CityJSON file, a ZIP or folder of such files"
        )
    return merge.read_each(chosen, read_member, crs=crs, progress=progress, default_height_m=default_height_m)


def is_cityjson(head: bytes) -> bool:
    """Whether a file that begins so is CityJSON or CityJSONSeq."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"{") and (_TYPE.search(text) is not None or b'"CityObjects"' in text)


def read_member(
    member: archive.Member,
    *,
    crs: str | None = None,
    progress: Progress = no_progress,
    default_height_m: float | None = None,
) -> SourceData:
    """Read one file; as `read`."""
    name = Path(member.name or member.path.name).name
    store, findings = Store(), list[Finding]()
    header = _Header()
    with member.open() as stream:
        reader = archive.CountingReader(stream, lambda done: progress(name, done / member.size))
        for number, document in enumerate(_documents(reader, member.label)):
            if number == 0:
                header = _header(document, member.label)
            _add(document, header, store, name, findings)
        digest = reader.sha256
    if not store.buildings:
        reason = f": {findings[0].message}" if findings else " in it"
        raise SourceError(f"no buildings{reason}", member.label, "Check the file")
    assembled = assemble(
        store, source="cityjson", file=name, where=member.label, stated=header.stated_crs, crs=crs
    )
    return merge.source_data(
        assembled,
        source=f"cityjson {header.version}",
        file=name,
        where=member.path,
        licence=header.licence,
        sha256=digest,
        findings=findings,
        default_height_m=default_height_m,
    )


def _documents(reader: archive.CountingReader, label: str) -> Iterator[Json]:
    """The one document of a CityJSON file, or the lines of a sequence."""
    lines = _lines(reader, label)
    first = next(lines, b"")
    if not first.strip():
        raise SourceError("the file is empty", label, "Export it again")
    try:
        document = json.loads(first)
    except (ValueError, RecursionError):
        yield _parsed(b"\n".join([first, *lines]), label, None)  # one document over several lines
        return
    yield _checked(document, label, 1)
    for number, line in enumerate(lines, start=2):
        if line.strip():
            yield _parsed(line, label, number)


def _lines(reader: archive.CountingReader, label: str) -> Iterator[bytes]:
    """Lines of the file, without their ends; the first one without a byte order mark."""
    rest = b""
    pieces: list[bytes] = []
    waiting = 0
    first = True
    while block := reader.read(1 << 20):
        if first:
            block, first = block.removeprefix(b"\xef\xbb\xbf").lstrip(), False
        *whole, rest = block.split(b"\n")
        for line in whole:
            yield b"".join([*pieces, line])
            pieces, waiting = [], 0
        pieces.append(rest)
        waiting += len(rest)
        if waiting > MAX_FILE_BYTES:
            raise SourceError(
                f"the file is larger than {MAX_FILE_BYTES >> 30} GiB", label, "Pass it as CityJSONSeq"
            )
    if pieces:
        yield b"".join(pieces)


def _parsed(text: bytes, label: str, line: int | None) -> Json:
    if len(text) > MAX_FILE_BYTES:
        raise SourceError(
            f"the file is larger than {MAX_FILE_BYTES >> 30} GiB", label, "Pass it as CityJSONSeq"
        )
    try:
        return _checked(json.loads(text), label, line)
    except RecursionError:
        raise SourceError("the JSON is nested too deeply", label, "Do not trust this file") from None
    except ValueError as error:
        place = f"line {line}" if line else f"line {getattr(error, 'lineno', '?')}"
        reason = "the JSON ends in the middle" if _is_cut(error, text) else "the file is no JSON"
        message = str(getattr(error, "msg", error))[:100]
        raise SourceError(
            f"{reason}, {place} ({message})", label, "Download or export the file again"
        ) from None


def _is_cut(error: ValueError, text: bytes) -> bool:
    position = getattr(error, "pos", 0)
    unfinished = "Unterminated" in str(error)
    return unfinished or position >= len(text.decode("utf-8", "replace").rstrip()) - 1


def _checked(document: object, label: str, line: int | None) -> Json:
    if isinstance(document, dict) and document.get("type") in ("CityJSON", "CityJSONFeature"):
        return document
    where = f"line {line} is" if line and line > 1 else "the file is"
    raise SourceError(f"{where} no CityJSON", label, "Pass CityJSON 1.0 to 2.0 or CityJSONSeq")


def _header(document: Json, label: str) -> _Header:
    version = str(document.get("version", ""))
    if document["type"] == "CityJSONFeature":
        raise SourceError(
            "the sequence has no CityJSON line first", label, "Export it again with its first line"
        )
    if version[:3] not in _VERSIONS:
        raise SourceError(
            f"CityJSON of version '{version[:20]}' cannot be read",
            label,
            "Upgrade it to 2.0, such as with cjio",
        )
    header = _Header(version=version[:3], stated_crs=_stated_crs(document.get("metadata")))
    header.licence = merge.stated_licence(json.dumps(document.get("metadata"), ensure_ascii=False))
    transform = document.get("transform")
    if transform is not None:
        try:
            header.scale = np.array(transform["scale"], float).reshape(3)
            header.translate = np.array(transform["translate"], float).reshape(3)
        except (KeyError, TypeError, ValueError):
            raise SourceError("its 'transform' cannot be read", label, "Export the file again") from None
    templates = document.get("geometry-templates")
    if isinstance(templates, dict) and isinstance(templates.get("templates"), list):
        header.templates = Templates(templates["templates"], _vertices(templates.get("vertices-templates")))
    return header


def _stated_crs(metadata: object) -> str:
    """The CRS in any of its forms: an address, a URN, ``{"epsg": n}``, a number."""
    if not isinstance(metadata, dict):
        return ""
    value = metadata.get("referenceSystem", metadata.get("crs", ""))
    if isinstance(value, dict):
        value = value.get("epsg", value.get("name", ""))
    return str(value or "")


def _add(document: Json, header: _Header, store: Store, file: str, findings: list[Finding]) -> None:
    """Add the buildings of a document or feature to the store."""
    objects = document.get("CityObjects")
    if not isinstance(objects, dict) or not objects:
        return
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told later, by building
        vertices = _vertices(document.get("vertices")) * header.scale + header.translate
    try:
        add_buildings(objects, vertices, header.templates, store, file, findings)
    except BrokenObjectError as error:
        findings.append(Finding("left_out", file, str(document.get("id", "")), str(error)))


def _vertices(values: object) -> NDArray[np.float64]:
    """Vertices, shape (vertex, 3); those that are no three numbers are nan."""
    if not isinstance(values, list):
        return np.zeros((0, 3))
    try:
        array = np.array(values, float)
        if array.shape == (len(values), 3):
            return array
    except (TypeError, ValueError, OverflowError):
        pass
    return np.array([_vertex(value) for value in values], float).reshape(-1, 3)


def _vertex(value: object) -> list[float]:
    try:
        numbers = [float(number) for number in value]  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    return numbers if len(numbers) == 3 else [np.nan] * 3
