"""Owner's lists: what a housing company knows of its houses, from XLSX or CSV.

A row names houses by an address ("Ziegesarstraße", "9–19") or by a place, and states what is known of them.
Columns are told from German or English header words, or from a map file (TOML, YAML or JSON)::

    sheet = "Bestand"                     # XLSX only; else the sheet with the best header
    header_row = 4                        # counted from 1; else told from the words in it
    crs = "EPSG:25832"                    # of x and y; else told from their size
    decimal = ","                         # else told from the values of each column
    fill_down = ["street"]                # an empty cell means "as above"

    [columns]                             # our column = their column, or several joined by a space
    street = "Straße"
    house_number = ["Hausnr.", "Zusatz"]
    construction_series = "Bautyp"
    year_of_construction = "Baujahr"
    dwellings = "WE"
    living_area_m2 = "Wohnfläche"         # or a_use_m2 = "Nutzfläche (netto, beheizt)"
    refurbishment = "Modernisierung"
    heating = "Heizung"
    cost_centre = "KST"
    block_name = "Wirtschaftseinheit"

    [constants]                           # holds for every row
    owner = "WG Muster eG"

    [values.heating]                      # their value = ours, before our own rules
    "FW Stadtwerke" = "district_heating"

`twin.facts_map.COLUMNS` names our columns. The reference area is `a_use_m2`; a living area is
converted to it by the factor 1.1 of the TABULA calculation method (IWU 2013).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pyproj import Transformer

from twin import facts_values as values
from twin.addresses import Address, HouseNumbers, fold, parse_house_numbers, split_address
from twin.errors import SourceError
from twin.facts_map import FactsMap, Layout, layout, read_map, translate
from twin.sources.base import Finding
from twin.spreadsheet import Cell, read_sheets

A_USE_PER_LIVING_AREA = 1.1
"""Conditioned reference area per living area; estimate: TABULA's rule (IWU 2013), not looked up again."""
VALUES: dict[str, str] = {
    "construction_series": "text", "year_of_construction": "year", "storeys_above_ground": "count",
    "dwellings": "count", "a_use_m2": "area", "refurbishment": "text", "refurbishment_roof": "text",
    "refurbishment_wall": "text", "refurbishment_floor": "text", "refurbishment_window": "text",
    "refurbishment_year": "year", "heating": "text", "owner": "text", "cost_centre": "text",
    "u_roof_w_m2k": "number", "u_wall_w_m2k": "number", "u_floor_w_m2k": "number", "u_window_w_m2k": "number",
}  # fmt: skip
"""Columns of `FactsList.rows` that hold values for buildings."""
SUMS = ("dwellings", "a_use_m2")
"""Values that belong to all houses of a row together; the others hold for each of them."""


@dataclass(frozen=True)
class FactsList:
    """An owner's list, read and cleaned.

    rows : index `row` (line of the file, from 1); columns `building_id street house_number postcode city
        x y numbers block_id block_name` (`numbers` holds `HouseNumbers`, `x y` are EPSG:25832) and those of
        `VALUES`; texts or None, figures float64 with nan.
    findings : cells and rows that could not be read, with row number.
    """

    rows: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    file: str = ""
    sha256: str = ""
    area_source: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def records(self) -> dict[int, dict[str, Any]]:
        """The rows as plain values by row number; None where a value is missing."""
        plain = self.rows.astype(object).where(self.rows.notna(), None)
        values: Any = plain.to_dict("records")
        return dict(zip(map(int, self.rows.index.tolist()), values, strict=True))


def read(path: Path | str, mapping: Path | str | None = None) -> FactsList:
    """Read an owner's list (XLSX or CSV) with a map file, or told by its header words.

    Raises
    ------
    SourceError : a file cannot be read, no header names an address or a place, or no row has one.
    """
    path = Path(path)
    facts_map = read_map(Path(mapping)) if mapping is not None else FactsMap()
    sheets = read_sheets(path)
    found = layout(sheets, facts_map, path)
    cells = _cells(found, facts_map)
    facts = clean(cells, facts_map, file=path.name)
    if facts.rows.empty:
        raise SourceError("no row has an address or a place", path, "Check the header row and the map")
    return replace(facts, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def _cells(found: Layout, facts_map: FactsMap) -> pd.DataFrame:
    """The list's cells under our column names, indexed by row number; blank rows are left out."""
    rows: dict[int, dict[str, Cell]] = {}
    above: dict[str, Cell] = {}
    for index, cells in enumerate(found.sheet.rows[found.header + 1 :], start=found.header + 2):
        row = {column: _joined(cells, positions) for column, positions in found.columns.items()}
        if all(values.is_empty(cell) for cell in row.values()):
            continue
        for column in facts_map.fill_down:
            if values.is_empty(row.get(column)):
                row[column] = above.get(column)
            above[column] = row.get(column)
        rows[index] = {**row, **facts_map.constants}
    frame = pd.DataFrame.from_dict(rows, orient="index", dtype=object)
    return frame.rename_axis("row").reindex(
        columns=list(dict.fromkeys([*found.columns, *facts_map.constants]))
    )


def _joined(cells: Sequence[Cell], positions: Sequence[int]) -> Cell:
    picked = [cells[p] if p < len(cells) else None for p in positions]
    if len(picked) == 1:
        return picked[0]
    return " ".join(text for cell in picked if (text := values.parse_text(cell))) or None


class _Notes:
    """Findings of one list, in the order of its rows."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[tuple[int, Finding]] = []

    def add(self, kind: Literal["repaired", "left_out", "note"], row: int, message: str) -> None:
        self.found.append((row, Finding(kind, self.file, f"row {row}", message)))

    def sorted(self) -> tuple[Finding, ...]:
        return tuple(finding for _, finding in sorted(self.found, key=lambda item: item[0]))


def clean(cells: pd.DataFrame, facts_map: FactsMap | None = None, *, file: str = "") -> FactsList:
    """Cells under our column names → a cleaned list; `cells` is indexed by row number.

    A cell that cannot be read is left out and listed; a row without address and place is left out and listed.
    """
    facts_map = facts_map or FactsMap()
    notes = _Notes(file)
    raw = cells.astype(object).where(cells.notna(), None)
    for column in raw.columns:
        raw[column] = [translate(facts_map, str(column), cell) for cell in raw[column]]
    rows = pd.DataFrame(index=raw.index)
    for column in ("building_id", "owner", "cost_centre", "block_id", "block_name", "city"):
        rows[column] = _parsed(raw, column, values.parse_text, notes)
    rows["postcode"] = _parsed(raw, "postcode", values.parse_postcode, notes)
    rows["construction_series"] = _parsed(raw, "construction_series", values.parse_series, notes)
    rows["heating"] = _parsed(raw, "heating", values.parse_heating, notes)
    rows["year_of_construction"] = _parsed(raw, "year_of_construction", values.parse_year, notes, float)
    for column, parse in _FIGURES.items():
        sign = facts_map.decimal or values.decimal_sign(raw.get(column, ()))
        rows[column] = _parsed(raw, column, partial(parse, decimal=sign), notes, float)
    rows = rows.join(_addresses(raw, notes)).join(_refurbishment(raw, notes))
    for part in ("postcode", "city"):
        rows[part] = rows[part].where(rows[part].notna(), rows.pop(f"{part}_of_address"))
    rows["x"], rows["y"] = places(_coordinate(raw, "x", notes), _coordinate(raw, "y", notes), facts_map.crs)
    living = rows.pop("living_area_m2")
    from_living = rows["a_use_m2"].isna() & living.notna()
    rows["a_use_m2"] = rows["a_use_m2"].where(~from_living, living * A_USE_PER_LIVING_AREA)
    source = dict.fromkeys(
        rows.index[from_living], f"derived:facts living area × {A_USE_PER_LIVING_AREA} (TABULA)"
    )
    kept = rows[_located(rows, notes)]
    return FactsList(kept, notes.sorted(), file, "", source)


_FIGURES: dict[str, Callable[..., float | None]] = {
    "dwellings": values.parse_count, "storeys_above_ground": values.parse_count,
    "a_use_m2": values.parse_area, "living_area_m2": values.parse_area,
    "u_roof_w_m2k": values.parse_u_value, "u_wall_w_m2k": values.parse_u_value,
    "u_floor_w_m2k": values.parse_u_value, "u_window_w_m2k": values.parse_u_value,
}  # fmt: skip


def _parsed(
    raw: pd.DataFrame, column: str, parse: Callable[[Cell], object], notes: _Notes, dtype: type = object
) -> pd.Series:
    """One column through its parser; what it refuses is missing and listed."""
    out: list[object] = []
    for row, cell in zip(raw.index, raw[column] if column in raw else [None] * len(raw), strict=True):
        try:
            out.append(parse(cell))
        except ValueError as error:
            out.append(None)
            notes.add("left_out", int(row), f"{column}: {str(cell)[:60]!r} {error}; the value is left out")
    return pd.Series(out, index=raw.index, dtype=dtype)


def _addresses(raw: pd.DataFrame, notes: _Notes) -> pd.DataFrame:
    """Street, house numbers as text and parsed, and what an address in one cell says of postcode and town."""
    records = []
    cells: dict[str, list[Cell]] = {c: raw[c].tolist() for c in _ADDRESS_COLUMNS if c in raw}
    for position, row in enumerate(raw.index):
        cell: dict[str, Cell] = {c: cells[c][position] if c in cells else None for c in _ADDRESS_COLUMNS}
        number = _number_text(cell, int(row), notes)
        street = values.parse_text(cell["street"]) or ""
        whole = values.parse_text(cell["address"])
        apart = split_address(whole) if whole and not street else Address()
        if street and not number:
            apart = split_address(street)
            street = ""
        number = number or apart.house_number
        numbers = parse_house_numbers(number) if number else HouseNumbers()
        if numbers.failure:
            notes.add("left_out", int(row), f"{numbers.failure}; write it as 9, 9–19 or 12a")
        postcode, city = apart.postcode or None, apart.city or None
        records.append((street or apart.street or None, number or None, numbers, postcode, city))
    names = ["street", "house_number", "numbers", "postcode_of_address", "city_of_address"]
    return pd.DataFrame(records, index=raw.index, columns=names, dtype=object)


_ADDRESS_COLUMNS = ("address", "street", "house_number", "house_number_to", "house_number_suffix")


def _number_text(cell: Mapping[str, Cell], row: int, notes: _Notes) -> str:
    """House numbers as text, from one to three cells; a date that Excel made of "9-11" is mended."""
    first = undated(cell["house_number"])
    if first is not None:
        notes.add(
            "repaired", row, f"the house number was a date, as Excel makes of {first!r}; read as {first!r}"
        )
    else:
        first = values.parse_text(cell["house_number"]) or ""
    suffix, last = values.parse_text(cell["house_number_suffix"]), values.parse_text(cell["house_number_to"])
    if suffix:
        first = f"{first} {suffix}"
    return f"{first}-{last}" if last and last != first else first


_MONTHS = ("jan", "feb", "mar", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez")
_MONTH_WORDS = {"mrz": "mar", "maer": "mar", "may": "mai", "oct": "okt", "dec": "dez"}


def undated(cell: Cell) -> str | None:
    """ "9-11" from a cell that a spreadsheet turned into 9 November ("09. Nov"), else None.

    A range rises, so that day and month tell it whatever their order was.
    """
    if isinstance(cell, datetime | date):
        pair = (cell.day, cell.month)
    elif isinstance(cell, str) and (found := _DATE.fullmatch(fold(cell).strip())):
        word = (found[2] or found[3])[:4]
        month = _MONTH_WORDS.get(word, _MONTH_WORDS.get(word[:3], word[:3]))
        if month not in _MONTHS:
            return None
        pair = (int(found[1] or found[4]), _MONTHS.index(month) + 1)
    else:
        return None
    low, high = sorted(pair)
    return f"{low}-{high}"


_DATE = re.compile(r"([0-9]{1,2})[.\s-]+([a-z]{3,9})\.?|([a-z]{3,9})[.\s-]+([0-9]{1,2})")


def _refurbishment(raw: pd.DataFrame, notes: _Notes) -> pd.DataFrame:
    """State, components and year of the envelope's refurbishment from "how" and "when"."""
    how = _parsed(raw, "refurbishment", values.parse_refurbishment, notes)
    when = _parsed(raw, "refurbishment_year", _refurbished_when, notes)
    found = [values.merge_refurbishment(a, b) for a, b in zip(how, when, strict=True)]
    frame = pd.DataFrame({"refurbishment": [r.state for r in found]}, index=raw.index, dtype=object)
    for part in values.COMPONENTS:
        frame[f"refurbishment_{part}"] = pd.Series(
            [r.components.get(part) for r in found], index=raw.index, dtype=object
        )
    frame["refurbishment_year"] = pd.Series([r.year for r in found], index=raw.index, dtype=float)
    return frame


def _refurbished_when(cell: Cell) -> float | None:
    """A year; "unsaniert", "nein" and 0 in the column of years are none."""
    if not values.is_empty(cell) and not isinstance(cell, datetime | date):
        text = fold(str(cell)).strip()
        if text in ("0", "0.0", "nein", "no", "nicht", "keine", "unsaniert"):
            return 0.0
    return values.parse_year(cell)


def _coordinate(raw: pd.DataFrame, column: str, notes: _Notes) -> np.ndarray:
    sign = "." if column not in raw else values.decimal_sign(raw[column])
    parsed = _parsed(raw, column, partial(values.parse_number, decimal=sign), notes, float)
    return parsed.to_numpy(float)


def _located(rows: pd.DataFrame, notes: _Notes) -> pd.Series:
    """Whether a row says where it belongs; those that do not are listed."""
    address = rows["street"].notna() & rows["numbers"].map(lambda n: bool(n.items))
    located = address | rows["building_id"].notna() | rows["x"].notna()
    broken = rows["numbers"].map(lambda n: bool(n.failure))
    for row in rows.index[~located & ~broken]:
        lacking = "a house number" if rows.at[row, "street"] else "an address"
        notes.add("left_out", int(row), f"the row has not {lacking} and no place")
    return located


def places(x: np.ndarray, y: np.ndarray, crs: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in EPSG:25832, nan where there are none.

    Without `crs` each pair tells by its size: degrees (WGS84), UTM 32 with or without the zone in front,
    UTM 33, Gauß-Krüger zone 4; swapped axes are put right. Places outside of Germany are taken for missing.
    """
    x, y = x.astype(float), y.astype(float)
    both = np.isfinite(x) & np.isfinite(y)
    out_x, out_y = np.full(len(x), np.nan), np.full(len(y), np.nan)
    if crs:
        groups = {crs: both}
    else:
        swapped = both & (((x > 4.9e6) & (x < 6.2e6) & (y < 4.9e6)) | ((x > 45) & (x < 56) & (y < 20)))
        x, y = np.where(swapped, y, x), np.where(swapped, x, y)
        with_zone = both & (x > 32e6) & (x < 33e6)
        x = np.where(with_zone, x - 32e6, x)
        groups = {
            "EPSG:4326": both & (np.abs(x) < 20) & (y > 45) & (y < 56),
            "EPSG:25832": both & (x > 1e5) & (x < 1e6) & (y > 4.9e6) & (y < 6.2e6),
            "EPSG:31468": both & (x > 4e6) & (x < 5e6) & (y > 4.9e6) & (y < 6.2e6),
        }
    for code, here in groups.items():
        if here.any():
            transformer = Transformer.from_crs(code, "EPSG:25832", always_xy=True)
            out_x[here], out_y[here] = transformer.transform(x[here], y[here])
    bad = ~(np.isfinite(out_x) & np.isfinite(out_y))
    return np.where(bad, np.nan, out_x), np.where(bad, np.nan, out_y)
