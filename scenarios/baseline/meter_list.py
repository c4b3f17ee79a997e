"""Meters' readings from an owner's list (CSV or XLSX): bills over any periods, or series by month, day or hour.

One row is one reading. Columns, by their German or English header words, in any order:

| column | header words | content |
|---|---|---|
| meter | Zähler, Zählernummer, Messstelle, meter | name of the metered unit; else its buildings |
| building_id | Gebäude, building | one or more ids, separated by ; or , |
| block | Block, block_id | id or name of a block: all its buildings |
| address, or street and house_number | Adresse; Straße, Hausnummer | as "Ziegesarstraße 9–19" |
| from, to | von, bis; Zeit; from, to; or Jahr, year | dates: whole days, both included (where the next reading starts on the day on which the last ended, that day counts for the next); with a time of day: moments, Europe/Berlin unless an offset is given; without `to` each reading lasts until the next |
| kwh | kWh, Verbrauch, Wärmemenge; MWh or GJ where the header or a column Einheit says so | heat of the period |
| carrier | Energieträger, carrier | Fernwärme, Gas, Öl, Holz, Strom; else that of the buildings |
| includes_hot_water | Warmwasser, hot_water | ja or nein; else ja |
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from energy.parameters import Parameters
from scenarios.baseline import meter_periods
from scenarios.baseline.meter_places import Places
from scenarios.baseline.readings import Readings, checked
from twin.addresses import fold
from twin.district import District
from twin.errors import SourceError
from twin.facts_map import COLUMNS as FACTS
from twin.facts_map import header_word
from twin.facts_values import decimal_sign, is_empty, parse_heating, parse_number
from twin.sources.base import Finding
from twin.spreadsheet import Cell, Sheet, read_sheets

COLUMNS: dict[str, tuple[str, ...]] = {
    "meter": ("meter", "meterid", "zaehler", "zaehlernummer", "zaehlernr", "zaehlerid", "messstelle",
              "abnahmestelle", "uebergabestation", "hausstation", "substation", "unit"),
    "building_id": (*FACTS["building_id"], "gebaeude", "gebaeudeids", "building", "buildings", "buildingids"),
    "block": ("block", "blockid", "blockname", "wohnblock", "gebaeudezeile"),
    "address": (*FACTS["address"], "objekt", "liegenschaft"),
    "street": FACTS["street"],
    "house_number": FACTS["house_number"],
    "from": ("von", "from", "start", "beginn", "anfang", "zeitraumvon", "abrechnungvon", "ablesungvon",
             "zeit", "zeitpunkt", "zeitstempel", "datum", "monat", "time", "timestamp", "date", "month"),
    "to": ("bis", "to", "ende", "end", "zeitraumbis", "abrechnungbis", "ablesungbis"),
    "year": ("jahr", "year", "abrechnungsjahr", "verbrauchsjahr"),
    "kwh": ("kwh", "mwh", "gj", "verbrauch", "waerme", "waermemenge", "waermeverbrauch", "energie", "menge",
            "energiemenge", "heat", "energy", "consumption", "wert", "value", "gas", "gasverbrauch",
            "fernwaerme", "fernwaermeverbrauch", "heizenergie", "m3", "zaehlerstand", "stand"),
    "unit": ("einheit", "energieeinheit", "masseinheit", "energyunit"),
    "carrier": ("energietraeger", "traeger", "brennstoff", "medium", "carrier", "fuel"),
    "includes_hot_water": ("warmwasser", "mitwarmwasser", "inklwarmwasser", "enthaeltwarmwasser", "ww", "tww",
                           "inklww", "hotwater", "includeshotwater", "dhw"),
}  # fmt: skip
KWH = {"kwh": 1.0, "mwh": 1000.0, "wh": 0.001, "gj": 1000 / 3.6, "mj": 1 / 3.6}
_YES = {"ja", "j", "yes", "y", "true", "wahr", "1", "x", "mit", "inkl", "inklusive", "enthalten", "with"}
_NO = {"nein", "n", "no", "false", "falsch", "0", "ohne", "exkl", "exklusive", "without"}
_PLACES = ("building_id", "block", "address", "street")
_HEADER_LINES = 40


def read(path: Path, district: District) -> Readings:
    """Readings of a list (its form: this module's text), checked against the district.

    Raises
    ------
    SourceError : no such file, no header, or a row that does not fit; names file, row and what to do.
    """
    sheet, header, columns = _layout(read_sheets(path), path)
    rows = _rows(sheet, header, columns, path)
    places = Places(district)
    table = pd.DataFrame([row.record(places) for row in rows])
    if table.empty:
        raise SourceError("the list has no rows below its header", path, "Export the list again")
    periods = meter_periods.periods(table, path)
    values = pd.DataFrame(
        {
            "meter": table["meter"],
            "start": periods["start"],
            "end": periods["end"],
            "kwh": table["kwh"].astype("float64"),
            "where": [f"{path.name}, row {number}" for number in table["row"]],
        }
    )
    units = _units(table, path)
    made = checked(units, values, district.buildings.index, path.name)
    silent = table.loc[~table["said_hot_water"], "meter"].unique()
    notes = [
        Finding("note", path.name, f"meter {meter}", "hot water is taken as included: the list does not say")
        for meter in silent
    ]
    return Readings(made.units, made.values, (*made.findings, *notes))


@dataclass(frozen=True)
class _Row:
    """One row: its number in the file, its cells by our columns, kWh per unit of its energy."""

    number: int
    cells: Mapping[str, Cell]
    factor: float
    decimal: str
    where: str

    def text(self, column: str) -> str:
        cell = self.cells.get(column)
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        return "" if is_empty(cell) else " ".join(str(cell).split())

    def record(self, places: Places) -> dict[str, object]:
        if is_empty(self.cells.get("from")) and is_empty(self.cells.get("year")):
            raise SourceError("there is no date", self.where, "Give from and to, or the year")
        buildings = places.buildings(
            {name: self.text(name) for name in (*_PLACES, "house_number")}, self.where
        )
        water = self._hot_water()
        return {
            "row": self.number,
            "where": self.where,
            "meter": self.text("meter") or " ".join(filter(None, map(self.text, (*_PLACES, "house_number")))),
            "buildings": buildings,
            "kwh": self._energy(),
            "carrier": self._carrier(),
            "includes_hot_water": water is not False,
            "said_hot_water": water is not None,
            "from": self.cells.get("from"),
            "to": self.cells.get("to"),
            "year": self.cells.get("year"),
        }

    def _energy(self) -> float:
        try:
            number = parse_number(self.cells.get("kwh"), self.decimal)
        except ValueError:
            said = self.text("kwh")
            raise SourceError(f"{said!r} is no energy", self.where, "Give a number of kWh") from None
        return float("nan") if number is None else number * self._factor()

    def _factor(self) -> float:
        unit = header_word(self.text("unit")) if self.text("unit") else ""
        if not unit:
            return self.factor
        if unit not in KWH:
            raise SourceError(
                f"{self.text('unit')!r} is no unit of energy",
                self.where,
                "Give kWh, MWh or GJ; gas in m³ times its calorific value gives kWh",
            )
        return KWH[unit]

    def _carrier(self) -> str:
        """Carrier of the heat that the row names, "" where it names none."""
        try:
            heating = parse_heating(self.cells.get("carrier"))
        except ValueError:
            raise SourceError(
                f"there is no carrier {self.text('carrier')!r}",
                self.where,
                "Use Fernwärme, Gas, Öl, Holz or Strom",
            ) from None
        return "" if heating is None else str(Parameters.default().systems["carrier"].to_dict()[heating])

    def _hot_water(self) -> bool | None:
        word = re.sub(r"[^a-z0-9]", "", fold(self.text("includes_hot_water")))
        if word and word not in _YES | _NO:
            said = self.text("includes_hot_water")
            raise SourceError(f"hot water is {said!r}", self.where, "Give ja or nein (yes or no)")
        return word in _YES if word else None


def _layout(sheets: Sequence[Sheet], path: Path) -> tuple[Sheet, int, dict[str, int]]:
    """The sheet, its header row and the position of our columns."""
    best: tuple[Sheet, int, dict[str, int]] | None = None
    for sheet in sheets:
        for index, row in enumerate(sheet.rows[:_HEADER_LINES]):
            found = _columns(row)
            if best is None or len(found) > len(best[2]):
                best = sheet, index, found
    found = best[2] if best else {}
    lacking = [name for name in ("kwh",) if name not in found]
    if not {"from", "year"} & set(found):
        lacking.append("from")
    if not {*_PLACES} & set(found):
        lacking.append("building_id")
    if best is None or lacking:
        raise SourceError(
            f"no header row names {' and '.join(lacking) or 'columns'}",
            path,
            "Call the columns Zähler, Gebäude (or Block, Straße, Hausnummer), von, bis, kWh "
            "(see lobeda calibrate --help)",
        )
    return best


def _columns(header: Sequence[Cell]) -> dict[str, int]:
    words = [re.sub(r"(?<=.)(kwh|mwh|gj)$", "", header_word(cell)) for cell in header]
    found: dict[str, int] = {}
    for column, signs in COLUMNS.items():
        for sign in signs:
            if sign in words and words.index(sign) not in found.values():
                found[column] = words.index(sign)
                break
    return found


def _rows(sheet: Sheet, header: int, columns: Mapping[str, int], path: Path) -> list[_Row]:
    head = sheet.rows[header]
    factor = _header_factor(str(head[columns["kwh"]]), path, header)
    body = sheet.rows[header + 1 :]
    decimal = decimal_sign(row[columns["kwh"]] for row in body if len(row) > columns["kwh"])
    made = []
    for number, row in enumerate(body, header + 2):
        cells = {name: row[at] if at < len(row) else None for name, at in columns.items()}
        if not all(is_empty(cell) for cell in cells.values()):
            made.append(_Row(number, cells, factor, decimal, f"{path.name}, row {number}"))
    return made


def _header_factor(head: str, path: Path, header: int) -> float:
    folded = fold(head)
    where = f"{path}, row {header + 1}"
    if re.search(r"m3|m³", head.lower()):
        raise SourceError(
            f"{head!r} is a volume", where, "Give kWh: gas in m³ times its calorific value (see the bill)"
        )
    if "stand" in folded:
        raise SourceError(
            f"{head!r} is what the counter shows", where, "Give the heat of each period: end less start"
        )
    found = re.search(r"\b(kwh|mwh|gj|mj|wh)\b", folded)
    return KWH[found[1]] if found else 1.0


def _units(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """One row per meter; what its rows say of buildings, carrier and hot water must agree."""
    columns = ["buildings", "carrier", "includes_hot_water"]
    first = table.groupby("meter", sort=False)[columns].first()
    for column in columns:
        other = np.array(
            [a != b for a, b in zip(table[column], table["meter"].map(first[column]), strict=True)]
        )
        if other.any():
            row = table.iloc[int(np.argmax(other))]
            raise SourceError(
                f"other {column.replace('_', ' ')} than in the meter's first row",
                f"{path.name}, row {row['row']}, meter {row['meter']}",
                "Say the same in all rows of a meter, or call it by another name",
            )
    return first
