"""Files → the store: told by content, read whole, checked, then written, all in one transaction.

A file that is read again adds nothing; where it now says another value for a time, that is a correction.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sensors.protocols import meter_files, sensorthings_file, site_files, site_tables
from sensors.protocols.file_content import FileContent, Reading, Refusal
from sensors.protocols.intake import Intake, Message
from sensors.protocols.meter_map import MeterMap, read_map
from sensors.store import Store
from sensors.store.tables import datastreams, observations
from sensors.things import NewObservation, ThingSpec
from sensors.times import now_us
from twin import addresses
from twin.district import District
from twin.errors import SourceError
from twin.register import Register
from twin.sources import crs as crs_
from twin.sources import detect
from twin.sources.base import Progress, no_progress
from twin.spreadsheet import read_sheets

FileKind = Literal["table", "sites", "sensorthings", "uplinks", "weather"]
FEED = "files"
_DWD = (b"opendata.dwd.de", b"STATIONS_ID", b"Stationslexikon")
_TOGETHER = 5_000
MAX_JSON_BYTES = 256 << 20


@dataclass(frozen=True)
class Report:
    """What became of a file.

    used : rows whose values are in the store now; new : of these, added; corrected : of these, changed; the
    others stood there already.
    """

    file: str
    kind: FileKind
    things: int = 0
    streams: int = 0
    used: int = 0
    new: int = 0
    corrected: int = 0
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **{
                name: getattr(self, name)
                for name in ("file", "kind", "things", "streams", "used", "new", "corrected")
            },
            "refused": [{"row": one.row, "what": one.what, "remedy": one.remedy} for one in self.refused],
            "notes": list(self.notes),
        }


def told(path: Path) -> FileKind:
    """What a file is, by its content.

    Raises
    ------
    SourceError : it is nothing that holds sensors or their values.
    """
    if path.is_dir():
        raise SourceError("this is a folder", path, "Name the files")
    found = detect.detect(path)
    heads = [item.member.head() for item in found]
    kinds = {item.kind for item in found}
    if any(mark in head for head in heads for mark in _DWD):
        return "weather"
    if len(found) == 1 and found[0].name is None and _is_json(heads[0]):
        return _json_kind(path)
    if "xlsx" in kinds:
        return "table"
    if kinds & {"kml", "geojson"}:
        return "sites"
    if kinds == {"empty"}:
        raise SourceError("the file is empty", path, "Export it again")
    single = len(found) == 1 and found[0].name is None
    if single and (kinds <= {"csv", "xyz"} or (kinds == {"unknown"} and _is_text(heads[0]))):
        return "table"
    raise SourceError(
        "this is nothing that holds sensors or their values",
        path,
        "Pass CSV, XLSX, KML, GeoJSON, uplinks or SensorThings answers as JSON, or DWD files",
    )


def _is_json(head: bytes) -> bool:
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace").lstrip()[:1] in ("{", "[")
    return head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[")


def _is_text(head: bytes) -> bool:
    """Whether a table may be in it: UTF-16 has zeros, markup and pictures are none."""
    return head[:2] in (b"\xff\xfe", b"\xfe\xff") or (
        b"\0" not in head and not head.lstrip().startswith(b"<")
    )


def _json_kind(path: Path) -> FileKind:
    document = _document(path)
    first = document[0] if isinstance(document, list) and document else document
    if isinstance(first, dict) and isinstance(first.get("features"), list):
        return "sites"
    if isinstance(document, dict) and isinstance(document.get("value"), list):
        return "sensorthings"
    return "uplinks"


def _document(path: Path) -> Any:
    """The JSON of a file; of one message a line, the list of them."""
    if path.stat().st_size > MAX_JSON_BYTES:
        raise SourceError(f"the file has more than {MAX_JSON_BYTES >> 20} MiB", path, "Split it")
    try:
        data = path.read_bytes()
        is_wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        text = data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError("the JSON is in neither UTF-8 nor UTF-16", path, "Export it again") from None
    try:
        return _answer(json.loads(text))
    except RecursionError:
        raise SourceError("the JSON is nested too deep", path, "Export it again") from None
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return _answer([json.loads(line) for line in lines] if len(lines) > 1 else json.loads(text))
        except (ValueError, RecursionError):
            raise SourceError(f"the JSON cannot be read: {error}", path, "Export it again") from None


def _answer(document: Any) -> Any:
    """One entity of a SensorThings service, or a list of them, as the answer that holds them."""
    entities = document if isinstance(document, list) else [document]
    if entities and isinstance(entities[0], dict) and "@iot.id" in entities[0]:
        return {"value": entities}
    return document


def import_file(
    store: Store,
    path: Path | str,
    *,
    meter_map: Path | str | None = None,
    crs: str | None = None,
    district: Callable[[], District] | None = None,
    now: int | None = None,
    progress: Progress = no_progress,
) -> Report:
    """Import one file; all of it that can be used, or nothing at all.

    meter_map : of a list of meters; see `sensors.protocols.meter_map`. crs : of coordinates in metres.
    district : opened where meters are given by address. now : µs.

    Raises
    ------
    SourceError : the file cannot be read, or nothing in it can be used. StoreError : nothing was stored.
    """
    path, now = Path(path), now_us() if now is None else now
    kind = told(path)
    chosen = read_map(Path(meter_map)) if meter_map is not None else None
    if kind == "uplinks":
        return _uplinks(store, path, progress)
    if kind == "weather":
        raise SourceError("these are weather data", path, "Import them with `lobeda sensors import`")
    content = _content(path, kind, chosen, crs, district, now, progress)
    progress("writing", float("nan"))
    with store.transaction() as connection:
        counts = _write(store, connection, content)
    return Report(
        path.name,
        kind,
        len(content.things),
        sum(len(thing.streams) for thing in content.things),
        len(content.readings),
        *counts,
        content.refused,
        content.notes,
    )


def _content(
    path: Path,
    kind: FileKind,
    chosen: MeterMap | None,
    crs: str | None,
    district: Callable[[], District] | None,
    now: int,
    progress: Progress,
) -> FileContent:
    if kind == "sites":
        return site_files.read(path)
    if kind == "sensorthings":
        return sensorthings_file.read(_document(path), path, now=now)
    if chosen is None and (found := site_tables.sheets_told(read_sheets(path))) is not None:
        sheet, table = found
        if table == "sites":
            return site_tables.read_sites(sheet, path, crs)
        return site_tables.read_values(sheet, path, now)
    places = _Places(district, crs or (chosen.crs if chosen else "") or None, path)
    content = meter_files.read(path, chosen, now=now, placed=places, progress=progress)
    return FileContent(content.things, content.readings, content.refused, (*content.notes, *places.notes))


@dataclass
class _Places:
    """Finds the building of a meter by id, block or address; and its place by coordinates."""

    district: Callable[[], District] | None
    crs: str | None
    path: Path
    notes: list[str] = field(default_factory=list)
    _register: Register | None = None

    def __call__(self, place: Mapping[str, Any]) -> dict[str, Any]:
        known = {name: value for name, value in place.items() if value is not None}
        ids = [known.pop("building_id")] if "building_id" in known else list(known.pop("building_ids", []))
        location = self._location(known.pop("x", None), known.pop("y", None))
        address = known.pop("address", None)
        street, number = known.pop("street", None), known.pop("house_number", None)
        if address is None and street is not None:
            address = f"{street} {number or ''}".strip()
        if not ids and address is not None:
            ids = self._by_address(str(address), str(known.pop("postcode", "") or ""))
        properties = {**known, **({"address": address} if address else {})}
        if len(ids) > 1:
            properties["building_ids"] = ids
        return {
            "building_id": ids[0] if len(ids) == 1 else None,
            "street": addresses.split_address(str(address)).street if address else None,
            "location": location,
            "properties": properties,
        }

    def _by_address(self, address: str, postcode: str) -> list[str]:
        if self.district is None:
            return []
        if self._register is None:
            self._register = Register(self.district().buildings)
        parts = addresses.split_address(address)
        numbers = addresses.parse_house_numbers(parts.house_number)
        if not parts.street or numbers.failure or not numbers.items:
            self.notes.append(
                f"{self.path.name}: {address!r} is no address; its meter belongs to no building yet"
            )
            return []
        answer = self._register.by_address(parts.street, numbers, postcode or parts.postcode, parts.city)
        if answer.status != "matched":
            self.notes.append(f"{self.path.name}: {address!r} {answer.status}: {answer.reason}")
            return []
        return [str(self._register.ids[position]) for position in answer.numbers]

    def _location(self, x: Any, y: Any) -> dict[str, Any] | None:
        if x is None or y is None:
            return None
        try:
            east, north = (float(str(value).replace(",", ".")) for value in (x, y))
        except ValueError:
            self.notes.append(f"{self.path.name}: {x!r}, {y!r} are no coordinates")
            return None
        if abs(east) <= 180 and abs(north) <= 90:
            return {"type": "Point", "coordinates": [east, north]}
        import pyproj

        source = crs_.choose(None, self.crs, self.path)
        longitude, latitude = pyproj.Transformer.from_crs(source, 4326, always_xy=True).transform(east, north)
        if not (np.isfinite([longitude, latitude]).all() and abs(longitude) <= 180 and abs(latitude) <= 90):
            raise SourceError(f"{x}, {y} are no coordinates of {self.crs}", self.path, crs_.REMEDY)
        return {"type": "Point", "coordinates": [round(longitude, 9), round(latitude, 9)]}


# ----------------------------------------------------------------------------------------------- writing
def _write(store: Store, connection: Connection, content: FileContent) -> tuple[int, int]:
    """Things, streams and values in a transaction; numbers of new and of corrected values."""
    ids: dict[tuple[str, str], int] = {}
    for thing in content.things:
        known = _known(connection, thing) if content.bare else None
        found = known if known is not None else store.ensure(thing, connection=connection)
        ids |= {(thing.key, stream): number for stream, number in found.items()}
    new = corrected = 0
    for first in range(0, len(content.readings), _TOGETHER):
        part = content.readings[first : first + _TOGETHER]
        stored = store.append([_observation(one, ids) for one in part], connection=connection)
        new += sum(one.new for one in stored)
        before = {one.id: reading for one, reading in zip(stored, part, strict=True) if not one.new}
        corrected += _correct(store, connection, before)
    return new, corrected


def _known(connection: Connection, thing: ThingSpec) -> dict[str, int] | None:
    """Ids of a Thing's streams where all are there, by stream key; else None."""
    keys = {f"{thing.key}/{stream.key}": stream.key for stream in thing.streams}
    d = datastreams.c
    rows = connection.execute(
        sa.select(d.source_key, d.id).where(
            d.source == thing.source, d.source_key.in_(keys), sa.not_(d.deleted)
        )
    ).all()
    return {keys[row[0]]: row[1] for row in rows} if len(rows) == len(keys) else None


def _observation(reading: Reading, ids: Mapping[tuple[str, str], int]) -> NewObservation:
    return NewObservation(
        ids[reading.thing, reading.stream],
        reading.time,
        reading.value,
        phenomenon_end=reading.end,
        parameters=reading.parameters,
        source_key=reading.key,
    )


def _correct(store: Store, connection: Connection, before: Mapping[int, Reading]) -> int:
    """Values that stand otherwise in the store get a new version."""
    changed = 0
    o = observations.c
    ids = list(before)
    for first in range(0, len(ids), 500):
        rows = connection.execute(
            sa.select(o.id, o.result).where(o.id.in_(ids[first : first + 500]), o.current, sa.not_(o.deleted))
        ).all()
        for observation_id, result in rows:
            value = before[observation_id].value
            if isinstance(value, int | float) and not isinstance(value, bool) and result != value:
                store.correct(observation_id, {"result": float(value)}, connection=connection)
                changed += 1
    return changed


def _uplinks(store: Store, path: Path, progress: Progress) -> Report:
    """Messages of LoRaWAN network servers, as the feeds take them; what they set aside is refused here."""
    document = _document(path)
    messages = document if isinstance(document, list) else [document]
    intake = Intake(store, FEED)
    refused: list[Refusal] = []
    used = new = 0
    for first in range(0, len(messages), 500):
        progress(path.name, first / len(messages))
        part = messages[first : first + 500]
        outcomes, _ = intake.take([Message.of(json.dumps(message).encode()) for message in part])
        for row, outcome in enumerate(outcomes, start=first + 1):
            new += outcome.observations
            used += outcome.status in ("stored", "duplicate")
            if outcome.status in ("set_aside", "refused", "ignored"):
                refused.append(Refusal(path.name, row, outcome.reason or "it holds no measurements", _ASIDE))
    if not used:
        what = refused[0].what if refused else "it holds no messages"
        raise SourceError(
            f"no message can be used: {what}", path, "Pass uplinks of ChirpStack v4 or The Things Stack v3"
        )
    return Report(path.name, "uplinks", used=used, new=new, refused=tuple(refused))


_ASIDE = "It is kept aside; add a decoder or assign the device"


def lines(report: Report, limit: int = 20) -> Sequence[str]:
    """The report for the terminal, refused rows up to a limit."""
    counts = f"{report.used} values used ({report.new} new, {report.corrected} corrected)"
    first = f"{report.file}: {report.things} things, {report.streams} streams, {counts}"
    if report.refused:
        first += f", {len(report.refused)} rows refused"
    shown = [f"  {refusal.line()}" for refusal in report.refused[:limit]]
    rest = [f"  … and {len(report.refused) - limit} more; see --json"] if len(report.refused) > limit else []
    return [first, *shown, *rest, *(f"  note: {note}" for note in report.notes)]
