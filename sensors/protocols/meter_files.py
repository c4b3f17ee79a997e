"""Lists of meters in CSV or XLSX: readings or consumption, long or wide, of any period.

Consumption keeps its period as phenomenon time from start to end; a counter's readings and states (power,
temperature) have one time. Values stay in the file's unit. What a row cannot be used for is told by row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from sensors.protocols.file_content import Collector, FileContent, Reading
from sensors.protocols.meter_layout import Layout, find_layout
from sensors.protocols.meter_map import MeterMap, Mode
from sensors.protocols.meter_times import OLDEST, Entry, timed
from sensors.protocols.meter_units import counted, described, kind_of, ucum
from sensors.protocols.moments import Moment, parse_moment
from sensors.things import Kind, StreamSpec, ThingSpec
from twin.addresses import fold
from twin.errors import SourceError
from twin.facts_values import decimal_sign, is_empty, parse_number, parse_text
from twin.sources.base import Progress, no_progress
from twin.spreadsheet import Cell, decode, guess_separator, read_sheets

_CUMULATIVE = re.compile(r"stand|register|reading|ablese")
_CONSUMPTION = re.compile(r"verbrauch|menge|consumption|usage|arbeit|erzeugung|generation")
_PLACE = ("building_id", "block_id", "address", "street", "house_number", "postcode", "x", "y", "name")

Placed = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""What is known of a meter's place → fields of its ThingSpec; see `sensors.imports`."""


def read(
    path: Path,
    meter_map: MeterMap | None = None,
    *,
    now: int,
    placed: Placed | None = None,
    progress: Progress = no_progress,
) -> FileContent:
    """Read a list of meters.

    now : µs; later times are refused. placed : finds the building of a meter.

    Raises
    ------
    SourceError : the file cannot be read, has no header with times and values, or no row that can be used.
    """
    chosen = meter_map or MeterMap()
    sheets = read_sheets(path)
    layout = find_layout(sheets, chosen, path)
    said = Collector(path.name)
    about: dict[str, dict[str, Cell]] = {}
    entries = _entries(layout, chosen, path, said, about, progress)
    streams: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        # Two columns of one meter in one unit are two quantities, such as flow and return temperature.
        label = entry.label if layout.form == "long" and len(layout.values) > 1 else ""
        streams.setdefault((entry.meter, entry.unit, label), []).append(entry)
    readings: list[Reading] = []
    specs: dict[str, list[StreamSpec]] = {}
    for (meter, unit, label), members in streams.items():
        mode = _mode(members, unit, meter, label, layout, chosen, said)
        spec = _stream(meter, unit, label, mode, _kind(meter, layout, chosen, about, path), chosen)
        specs.setdefault(meter, []).append(spec)
        readings += timed(members, mode, spec.key, chosen, now, said)
    kept = said.once(readings)
    if not kept:
        first = said.refused[0].line() if said.refused else "there are no rows below the header"
        raise SourceError(
            f"no row can be used: {first}", path, "" if said.refused else "Export the list again"
        )
    used = {reading.thing for reading in kept}
    things = tuple(
        _thing(meter, tuple(spec), _kind(meter, layout, chosen, about, path), chosen, about, placed, path)
        for meter, spec in specs.items()
        if meter in used
    )
    refused = tuple(sorted(said.refused, key=lambda refusal: refusal.row))
    return FileContent(things, tuple(kept), refused, tuple(said.notes))


# ------------------------------------------------------------------------------------------------ cells
def _entries(
    layout: Layout,
    meter_map: MeterMap,
    path: Path,
    said: Collector,
    about: dict[str, dict[str, Cell]],
    progress: Progress,
) -> list[Entry]:
    rows = layout.sheet.rows[layout.header + 1 :]
    positions = [column.position for column in layout.values] or [position for position, _ in layout.periods]
    decimal = meter_map.decimal or _decimal(
        path, [row[p] for row in rows[:5000] for p in positions if p < len(row)]
    )
    out: list[Entry] = []
    renamed = {
        " ".join(str(known["column"]).split()).casefold(): name
        for name, known in meter_map.meters.items() if "column" in known
    }  # fmt: skip
    for number, row in enumerate(rows, start=layout.header + 2):
        if number % 5000 == 0:
            progress(path.name, (number - layout.header) / len(rows))
        if all(is_empty(cell) for cell in row):
            continue
        cells = {name: row[p] if p < len(row) else None for name, p in layout.columns.items()}
        try:
            out += _row(layout, meter_map, row, number, cells, decimal, path.stem, renamed, said, about)
        except ValueError as error:
            said.refuse(number, str(error), "Correct the row, or say what its columns are with --map")
    return out


def _row(
    layout: Layout,
    meter_map: MeterMap,
    row: Sequence[Cell],
    number: int,
    cells: Mapping[str, Cell],
    decimal: str,
    stem: str,
    renamed: Mapping[str, str],
    said: Collector,
    about: dict[str, dict[str, Cell]],
) -> list[Entry]:
    """The values of one row."""
    columns: list[tuple[int, str, str | None, Moment | None]] = [
        (column.position, column.label, column.unit, None) for column in layout.values
    ] or [(position, "", None, period) for position, period in layout.periods]
    filled = [column for column in columns if column[0] < len(row) and not is_empty(row[column[0]])]
    if not filled:
        return []
    times = {} if layout.form == "periods" else _times(cells)
    out = []
    for position, label, unit, period in filled:
        if layout.form == "columns":
            header = " ".join(str(layout.sheet.rows[layout.header][position]).split())
            meter = renamed.get(header.casefold()) or label or header
        else:
            meter = _meter(cells) or stem
        about.setdefault(meter, {}).update({k: v for k, v in cells.items() if not is_empty(v)})
        try:
            value, own_unit = _value(row[position], decimal)
            code = _unit(meter, cells, own_unit, unit, meter_map)
        except ValueError as error:
            said.refuse(number, str(error), "Correct the cell")
            continue
        moments = {"at": period} if period else times
        out.append(Entry(number, meter, label, value, code, **moments))
    return out


def _meter(cells: Mapping[str, Cell]) -> str | None:
    """The meter's number, else what its row is named by."""
    for name in ("meter", "name", "building_id", "block_id", "address"):
        if (text := parse_text(cells.get(name))) is not None:
            return text
    street, number = parse_text(cells.get("street")), parse_text(cells.get("house_number"))
    return f"{street} {number or ''}".strip() if street else None


def _times(cells: Mapping[str, Cell]) -> dict[str, Moment]:
    """at, or start and end, of a row.

    Raises
    ------
    ValueError : there is no time, or it is none.
    """
    start, end = cells.get("start"), cells.get("end")
    if not is_empty(start) or not is_empty(end):
        given = {name: cell for name, cell in (("start", start), ("end", end)) if not is_empty(cell)}
        return {name: _moment(cell) for name, cell in given.items()}
    cell = cells.get("time")
    if is_empty(cell):
        cell = cells.get("date")
    clock = cells.get("clock")
    if is_empty(cell):
        cell, clock = cells.get("year"), None
    if is_empty(cell):
        raise ValueError("it has no time")
    if isinstance(cell, str) and len(parts := re.split(r"\s+[-–]\s+|\s+bis\s+", cell)) == 2:
        return {"start": _moment(parts[0]), "end": _moment(parts[1])}
    if not is_empty(cells.get("year")) and (month := _bare_month(cell)) is not None:
        return {"at": _moment(f"{month} {parse_text(cells['year'])}".replace("# ", "/"))}
    if is_empty(clock):
        return {"at": _moment(cell)}
    day = _moment(cell)
    if isinstance(clock, datetime):
        clock = clock.strftime("%H:%M:%S")
    if isinstance(clock, float) and 0 <= clock < 1:  # a share of the day, as spreadsheets keep the clock
        return {"at": Moment(day.local + timedelta(seconds=round(clock * 86_400)))}
    return {"at": _moment(f"{day.local:%Y-%m-%d} {clock}")}


def _bare_month(cell: Cell) -> str | None:
    """Name of a month without a year, or its number followed by #; None: it is something else."""
    text = str(parse_text(cell))
    if re.fullmatch(r"0?[1-9]|1[0-2]", text):
        return f"{text}#"
    return text if re.fullmatch(r"[A-Za-zäÄ]{3,9}\.?", text) else None


def _moment(cell: Cell) -> Moment:
    try:
        return parse_moment(cell)
    except ValueError as error:
        raise ValueError(f"the time {str(cell)[:40]!r} {error}") from None


def _decimal(path: Path, cells: Sequence[Cell]) -> str:
    """Decimal sign: the point where commas part the columns, else as the values show it."""
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    if not texts:
        return ","
    if any(re.fullmatch(r"-?(0|\d{4,})\.\d+", text) for text in texts):
        return "."
    if any(re.fullmatch(r"-?(0|\d{4,}),\d+", text) for text in texts):
        return ","
    with path.open("rb") as file:
        head = file.read(65_536)
    if not head.startswith(b"PK") and guess_separator(decode(head, path)) == ",":
        return "."
    return decimal_sign(texts)


_WITH_UNIT = re.compile(r"([-+]?[\d.,'’\s\u00a0\u202f]*\d)\s*([^\d\s.,].*)")


def _value(cell: Cell, decimal: str) -> tuple[float, str | None]:
    """The number of a cell and the unit behind it."""
    unit = None
    text = cell.strip() if isinstance(cell, str) else cell
    try:
        if isinstance(text, str):
            if re.fullmatch(r"[-+]?\d+(?:[.,]\d+)?[eE][-+]?\d+", text):
                return float(text.replace(",", ".")), None
            if found := _WITH_UNIT.fullmatch(text):
                text, unit = found[1], ucum(found[2])
        number = parse_number(text, decimal)
    except ValueError:
        raise ValueError(f"the value {str(cell)[:40]!r} is no number") from None
    if number is None or not math.isfinite(number):
        raise ValueError(f"the value {str(cell)[:40]!r} is no number")
    return number, unit


def _unit(
    meter: str, cells: Mapping[str, Cell], own: str | None, header: str | None, meter_map: MeterMap
) -> str:
    """UCUM code: as the cell says, its row, the map, the header."""
    if own:
        return own
    if (text := parse_text(cells.get("unit"))) is not None:
        try:
            return ucum(text)
        except ValueError as error:
            raise ValueError(f"the unit {text!r} {error}") from None
    stated = meter_map.of(meter).get("unit") or meter_map.unit
    if stated:
        return ucum(str(stated))
    if header:
        return header
    raise ValueError('no unit is named; write unit = "kWh" into a map')


# ---------------------------------------------------------------------------------------------- streams
def _mode(
    members: Sequence[Entry],
    unit: str,
    meter: str,
    label: str,
    layout: Layout,
    meter_map: MeterMap,
    said: Collector,
) -> Mode:
    """Readings of a counter, consumption, or states: as the map says, the header, the values."""
    if not counted(unit):
        return "instant"
    if (stated := meter_map.of(meter).get("reading") or meter_map.reading) is not None:
        mode: Mode = stated
        return mode
    words = fold(f"{members[0].label} {layout.sheet.name} {said.file}")
    if _CUMULATIVE.search(fold(members[0].label)):
        return "cumulative"
    if layout.form == "periods" or members[0].start is not None or members[0].end is not None:
        return "consumption"
    if all(entry.at is not None and entry.at.length in ("month", "quarter", "year") for entry in members):
        return "consumption"
    if _CONSUMPTION.search(words):
        return "consumption"
    if _CUMULATIVE.search(words):
        return "cumulative"
    values = np.array(
        [entry.value for entry in sorted(members, key=lambda e: e.at.local if e.at else OLDEST)]
    )
    rising = len(values) > 2 and bool((np.diff(values) >= 0).all()) and values[-1] > values[0]
    word = "readings of counters, since they only rise" if rising else "consumption"
    said.note(
        f'values were taken for {word}; write reading = "cumulative" or "consumption" into a map to say so'
    )
    return "cumulative" if rising else "consumption"


def _kind(
    meter: str, layout: Layout, meter_map: MeterMap, about: Mapping[str, Mapping[str, Cell]], path: Path
) -> Kind:
    stated = meter_map.of(meter).get("kind") or meter_map.kind
    if stated:
        kind: Kind = stated
        return kind
    cells = about.get(meter, {})
    headers = " ".join(column.label for column in layout.values)
    return kind_of(str(cells.get("kind") or ""), meter, headers, layout.sheet.name, path.stem) or ""


def _stream(meter: str, unit: str, label: str, mode: Mode, kind: Kind, meter_map: MeterMap) -> StreamSpec:
    observed, named = described(unit, kind, mode == "cumulative")
    known = meter_map.of(meter)
    more = {
        name: value
        for name in ("register_size", "hot_water")
        if (value := known.get(name, getattr(meter_map, name))) is not None
    }
    parts = [meter, unit, mode, *([label] if label else [])]
    return StreamSpec(
        key="/".join(parts),
        name=label or observed.name,
        property=observed,
        unit=named,
        sensor="meter",
        properties={"reading": mode, **more},
    )


def _thing(
    meter: str,
    streams: tuple[StreamSpec, ...],
    kind: Kind,
    meter_map: MeterMap,
    about: Mapping[str, Mapping[str, Cell]],
    placed: Placed | None,
    path: Path,
) -> ThingSpec:
    known = meter_map.of(meter)
    cells = about.get(meter, {})
    place: dict[str, Any] = {
        name: cells[name] if name in ("x", "y") else parse_text(cells[name])
        for name in _PLACE
        if name in cells
    }
    place |= {name: value for name, value in known.items() if name in (*_PLACE, "building_ids")}
    name = str(place.pop("name", meter))
    fields: dict[str, Any] = {"building_id": place.get("building_id"), "properties": place}
    if placed is not None:
        fields = dict(placed(place))
    properties = {"file": path.name, **fields.pop("properties")}
    return ThingSpec(
        source=meter_map.source,
        key=meter,
        name=name,
        kind=kind,
        public=bool(known.get("public", meter_map.public)),
        streams=streams,
        properties=properties,
        **fields,
    )
