"""How a list of meters lies in its file: header row, columns, long or wide; told by headers and the map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sensors.protocols.meter_map import COLUMNS, MeterMap
from sensors.protocols.meter_units import header_unit, without_unit
from sensors.protocols.moments import Moment, parse_moment
from twin.errors import SourceError
from twin.facts_map import header_word
from twin.spreadsheet import Cell, Sheet

Form = Literal["long", "columns", "periods"]
HEADER_LINES = 40
_TIMES = ("time", "date", "start", "end", "year")
_WHOSE = ("meter", "name", "building_id", "block_id", "address", "street")


@dataclass(frozen=True)
class ValueColumn:
    """A column of values: where, what its header says without the unit, and the unit."""

    position: int
    label: str
    unit: str | None


@dataclass(frozen=True)
class Layout:
    """`form` long: a row is one reading of one meter, or several quantities of it; columns: a column is a
    meter; periods: a row is a meter and a column a period.
    header : index of its row. columns : ours → position.
    """

    sheet: Sheet
    header: int
    form: Form
    columns: dict[str, int]
    values: tuple[ValueColumn, ...] = ()
    periods: tuple[tuple[int, Moment], ...] = ()

    @property
    def score(self) -> int:
        return len(self.columns) + len(self.values) + 2 * len(self.periods)


def find_layout(sheets: Sequence[Sheet], meter_map: MeterMap, path: Path) -> Layout:
    """The sheet and row whose header says most.

    Raises
    ------
    SourceError : no row is a header with times and values, or the map names a column that is not there.
    """
    chosen = [s for s in sheets if not meter_map.sheet or s.name.casefold() == meter_map.sheet.casefold()]
    if not chosen:
        names = ", ".join(sheet.name for sheet in sheets)
        raise SourceError(f"there is no sheet {meter_map.sheet!r}", path, f"Sheets are {names}")
    found = [layout for sheet in chosen for row in _candidates(sheet, meter_map)
             if (layout := _layout(sheet, row, meter_map)) is not None]  # fmt: skip
    if found:
        return max(found, key=lambda layout: layout.score)
    for name, theirs in meter_map.columns.items():
        rows = [row for sheet in chosen for row in sheet.rows[:HEADER_LINES]]
        if not any(_position(theirs, row) is not None for row in rows):
            raise SourceError(
                f"no column is called {theirs!r} ({name})", path, "Write it as in the header row"
            )
    raise SourceError(
        "no header row names times and values",
        path,
        "Name the columns in a map, with --map: meter, time (or start and end) and value",
    )


def _candidates(sheet: Sheet, meter_map: MeterMap) -> Iterable[int]:
    if meter_map.header_row:
        return [meter_map.header_row - 1] if meter_map.header_row <= len(sheet.rows) else []
    return range(min(len(sheet.rows), HEADER_LINES))


def _layout(sheet: Sheet, index: int, meter_map: MeterMap) -> Layout | None:
    row = sheet.rows[index]
    columns = _columns(row, meter_map)
    if columns is None:
        return None
    taken = set(columns.values())
    times = [name for name in _TIMES if name in columns]
    periods = [] if {"time", "date", "start"} & set(columns) else _periods(row, taken)
    if periods and any(name in columns for name in _WHOSE) and (len(periods) > 1 or "value" not in columns):
        columns.pop("value", None)
        return Layout(sheet, index, "periods", columns, periods=tuple(periods))
    if not times:
        return None
    others = [
        ValueColumn(position, without_unit(str(cell)), header_unit(str(cell)))
        for position, cell in enumerate(row)
        if position not in taken and isinstance(cell, str | int | float) and str(cell).strip()
    ]
    if "value" in columns:
        header = str(row[columns["value"]])
        first = ValueColumn(columns["value"], without_unit(header), header_unit(header))
        more = [column for column in others if column.unit] if "unit" not in columns else []
        return Layout(sheet, index, "long", columns, (first, *more))
    if "meter" in columns:
        measured = [column for column in others if column.unit]
        return Layout(sheet, index, "long", columns, tuple(measured)) if measured else None
    return Layout(sheet, index, "columns", columns, tuple(others)) if others else None


def _columns(row: Sequence[Cell], meter_map: MeterMap) -> dict[str, int] | None:
    """Our column ← position; what the map names comes first. None: the map names one that the row has not."""
    found: dict[str, int] = {}
    for name, theirs in meter_map.columns.items():
        position = _position(theirs, row)
        if position is None:
            return None
        found[name] = position
    as_meters = {_plain(about["column"]) for about in meter_map.meters.values() if "column" in about}
    words = ["" if _plain(cell) in as_meters else header_word(without_unit(str(cell or ""))) for cell in row]
    for name, signs in COLUMNS.items():
        if name in found:
            continue
        for sign in signs:
            position = next(
                (p for p, word in enumerate(words) if word == sign and p not in found.values()), None
            )
            if position is not None:
                found[name] = position
                break
    if "clock" in found and "date" not in found and "time" not in found:
        found["time"] = found.pop("clock")  # "Zeit" alone holds the day too
    return found


def _position(theirs: str, row: Sequence[Cell]) -> int | None:
    plain = [_plain(cell) for cell in row]
    if _plain(theirs) in plain:
        return plain.index(_plain(theirs))
    word = header_word(theirs)
    words = [header_word(cell) for cell in row]
    return words.index(word) if word and word in words else None


def _plain(cell: object) -> str:
    return " ".join(str(cell if cell is not None else "").split()).casefold()


def _periods(row: Sequence[Cell], taken: set[int]) -> list[tuple[int, Moment]]:
    found = []
    for position, cell in enumerate(row):
        if position in taken or cell is None:
            continue
        try:
            found.append((position, parse_moment(without_unit(cell) if isinstance(cell, str) else cell)))
        except ValueError:
            continue
    return found
