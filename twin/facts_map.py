"""The map of an owner's list: which of its columns is which of ours, told by a file or by header words."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from twin.addresses import fold
from twin.errors import SourceError
from twin.sources import crs
from twin.spreadsheet import Cell, Sheet

COLUMNS: dict[str, tuple[str, ...]] = {
    "building_id": ("gebaudeid", "gebaeudeid", "buildingid", "gmlid", "gml:id"),
    "address": ("adresse", "anschrift", "objektadresse", "address", "lage"),
    "street": ("strasse", "str", "strassenname", "street", "streetname"),
    "house_number": (
        "hausnummer",
        "hausnummern",
        "hausnr",
        "hnr",
        "hsnr",
        "nr",
        "nummer",
        "housenumber",
        "housenumbers",
        "hausnrvon",
        "hausnummervon",
        "hnrvon",
        "nrvon",
        "number",
    ),
    "house_number_to": ("hausnrbis", "hausnummerbis", "hnrbis", "nrbis", "bis"),
    "house_number_suffix": ("zusatz", "hausnummernzusatz", "hausnrzusatz", "hnz", "adresszusatz", "suffix"),
    "postcode": ("plz", "postleitzahl", "postcode", "zip"),
    "city": ("ort", "stadt", "gemeinde", "city", "town"),
    "x": (
        "x",
        "rechtswert",
        "ostwert",
        "east",
        "easting",
        "lon",
        "laenge",
        "laengengrad",
        "longitude",
        "utmost",
    ),
    "y": (
        "y",
        "hochwert",
        "nordwert",
        "north",
        "northing",
        "lat",
        "breite",
        "breitengrad",
        "latitude",
        "utmnord",
    ),
    "construction_series": (
        "bautyp",
        "bauserie",
        "serie",
        "typ",
        "gebaeudetyp",
        "typenserie",
        "plattentyp",
        "series",
        "constructionseries",
        "bauart",
        "bauweise",
    ),
    "year_of_construction": (
        "baujahr",
        "bj",
        "errichtungsjahr",
        "fertigstellung",
        "yearofconstruction",
        "yearbuilt",
        "constructionyear",
        "year",
    ),
    "storeys_above_ground": (
        "geschosse",
        "geschosszahl",
        "anzahlgeschosse",
        "etagen",
        "vollgeschosse",
        "storeys",
        "floors",
    ),
    "dwellings": (
        "wohnungen",
        "we",
        "anzahlwe",
        "anzwe",
        "wohneinheiten",
        "anzahlwohnungen",
        "anzahlwohneinheiten",
        "wohnungsanzahl",
        "dwellings",
        "flats",
        "apartments",
        "units",
    ),
    "a_use_m2": (
        "nutzflaeche",
        "energiebezugsflaeche",
        "beheizteflaeche",
        "nettoflaeche",
        "nettogrundflaeche",
        "gebaeudenutzflaeche",
        "ause",
        "floorarea",
        "ausem2",
        "usefularea",
        "ngf",
    ),
    "living_area_m2": ("wohnflaeche", "wfl", "wohnfl", "mietflaeche", "livingarea", "livingaream2"),
    "refurbishment": (
        "sanierung",
        "saniert",
        "sanierungsstand",
        "modernisierung",
        "modernisierungsstand",
        "modernisiert",
        "sanierungsart",
        "energetischersanierungsstand",
        "massnahmen",
        "refurbishment",
        "refurbished",
        "refurbishmentstate",
    ),
    "refurbishment_year": (
        "sanierungsjahr",
        "saniertim",
        "jahrdersanierung",
        "modernisierungsjahr",
        "letztesanierung",
        "jahrdermodernisierung",
        "saniertjahr",
        "refurbishmentyear",
        "refurbishedin",
        "refurbishedwhen",
        "yearofrefurbishment",
    ),
    "heating": (
        "heizung",
        "heizungsart",
        "waermeversorgung",
        "energietraeger",
        "beheizung",
        "heating",
        "heatsupply",
    ),
    "owner": ("eigentuemer", "vermieter", "eigentuemerin", "owner", "unternehmen", "gesellschaft"),
    "cost_centre": ("kostenstelle", "kst", "costcentre", "costcenter"),
    "block_id": ("blockid", "blocknr", "blocknummer", "objektnr", "objektnummer", "wienr", "wenr"),
    "block_name": (
        "block",
        "blockname",
        "wirtschaftseinheit",
        "wie",
        "objekt",
        "objektname",
        "gebaeudezeile",
        "wohnblock",
    ),
    "u_roof_w_m2k": ("uwertdach", "udach", "uroof"),
    "u_wall_w_m2k": ("uwertwand", "uwertaussenwand", "uwand", "uaussenwand", "uwall"),
    "u_floor_w_m2k": ("uwertboden", "uwertkellerdecke", "uboden", "ukellerdecke", "ufloor"),
    "u_window_w_m2k": ("uwertfenster", "ufenster", "uwindow"),
}
"""Our columns, each with the header words (folded, without spaces and units) that mean it."""

_ALIASES = {
    "house_numbers": "house_number", "house_number_from": "house_number", "place_x": "x", "place_y": "y",
    "lon": "x", "lat": "y", "series": "construction_series", "year": "year_of_construction",
    "storeys": "storeys_above_ground", "floor_area": "a_use_m2", "floor_area_m2": "a_use_m2",
    "living_area": "living_area_m2", "refurbished": "refurbishment", "refurbished_how": "refurbishment",
    "refurbished_when": "refurbishment_year", "block": "block_name",
}  # fmt: skip
_ADDRESS = {"building_id", "address", "street", "x"}
_HEADER_LINES = 40
_MAX_MAP_BYTES = 1_000_000


@dataclass(frozen=True)
class FactsMap:
    """What a map file says; see `twin.facts` for its form. An empty one leaves all to header words."""

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, Cell] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)
    sheet: str = ""
    header_row: int = 0
    crs: str = ""
    decimal: str = ""
    fill_down: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True)
class Layout:
    """Where the list lies in its file: `header` is the row's index, `columns` our column ← cell positions."""

    sheet: Sheet
    header: int
    columns: dict[str, tuple[int, ...]]


def read_map(path: Path) -> FactsMap:
    """A map file in TOML, YAML or JSON.

    Raises
    ------
    SourceError : it cannot be read, or names a column or a key that there is not.
    """
    return _checked(read_document(path), path)


def read_document(path: Path) -> dict[str, Any]:
    """What a map file in TOML, YAML or JSON says.

    Raises
    ------
    SourceError : it cannot be read, or is no table.
    """
    try:
        data = path.read_bytes()
        if len(data) > _MAX_MAP_BYTES:
            raise SourceError("the map is too large", path, "A map has a few dozen lines")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"the map cannot be read: {error.strerror}", path, "Check the path") from None
    except UnicodeDecodeError:
        raise SourceError("the map is no UTF-8 text", path, "Save it as UTF-8") from None
    document = _parse(text, path)
    if not isinstance(document, dict):
        raise SourceError("the map has no [columns]", path, 'Write lines such as: street = "Straße"')
    return document


def _parse(text: str, path: Path) -> Any:
    try:
        if text.lstrip().startswith("{"):
            return json.loads(text)
        if path.suffix.lower() in (".yaml", ".yml"):
            return yaml.safe_load(text)
        return tomllib.loads(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:  # also of whole numbers without end
        raise SourceError(
            f"the map cannot be read: {error}", path, "See the form in `lobeda import --help`"
        ) from None


def _checked(document: dict[str, Any], path: Path) -> FactsMap:
    known = {"columns", "constants", "values", "sheet", "header_row", "crs", "decimal", "fill_down"}
    if not set(document) & known:  # a plain list of "our column: their column"
        document = {"columns": document}
    if unknown := sorted(set(document) - known):
        raise SourceError(
            f"the map has the unknown key {unknown[0]!r}", path, f"Keys are {', '.join(sorted(known))}"
        )
    for key in ("columns", "constants", "values"):
        if not isinstance(document.get(key) or {}, dict):
            raise SourceError(
                f"[{key}] of the map is no table", path, f"Write [{key}] and one line per column"
            )
    header_row, decimal = document.get("header_row", 0), document.get("decimal", "")
    if not isinstance(header_row, int) or isinstance(header_row, bool) or header_row < 0:
        raise SourceError("header_row is no row number", path, "Count rows from 1")
    if decimal not in ("", ",", "."):
        raise SourceError(f"decimal is {decimal!r}", path, 'Write "," or "."')
    stated = str(document.get("crs", ""))
    if stated and crs.parse(stated) is None:
        raise SourceError(f"crs is {stated[:80]!r}, which is no known one", path, 'Write "EPSG:25832"')
    values = document.get("values") or {}
    if bad := [key for key, table in values.items() if not isinstance(table, dict)]:
        raise SourceError(f"[values] holds {bad[0]!r}, which is no table", path, f"Write [values.{bad[0]}]")
    return FactsMap(
        columns={_ours(key, path): _names(value) for key, value in (document.get("columns") or {}).items()},
        constants={_ours(key, path): value for key, value in (document.get("constants") or {}).items()},
        values={_ours(k, path): {_plain(a): b for a, b in v.items()} for k, v in values.items()},
        sheet=str(document.get("sheet", "")),
        header_row=header_row,
        crs=stated,
        decimal=decimal,
        fill_down=tuple(_ours(key, path) for key in _names(document.get("fill_down") or ())),
        file=path.name,
    )


def _ours(name: object, path: Path) -> str:
    column = _ALIASES.get(str(name), str(name))
    if column not in COLUMNS:
        near = get_close_matches(column, [*COLUMNS, *_ALIASES], 1)
        remedy = f"Did you mean {near[0]!r}?" if near else f"Columns are {', '.join(COLUMNS)}"
        raise SourceError(f"the map names the unknown column {name!r}", path, remedy)
    return column


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def _plain(value: object) -> str:
    """A cell for comparison: case and spaces do not count, 1.0 is "1"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split()).casefold()


def translate(facts_map: FactsMap, column: str, cell: Cell) -> Cell:
    """The map's own word for a cell, or the cell."""
    table = facts_map.values.get(column)
    return table.get(_plain(cell), cell) if table else cell


HEADER_LENGTH = 1000
"""Characters of a header that count. A lost quotation mark makes a cell of a whole file, and what looks for
brackets in it takes time by the square."""


def header_word(cell: Cell) -> str:
    """A header folded for comparison: "Wohnfläche [m²]" → "wohnflaeche"."""
    folded = fold(str(cell or "")[:HEADER_LENGTH])
    text = re.sub(r"\(.*?\)|\[.*?\]|\bin\s+(m²|m2|qm)|m²|\bqm\b", " ", folded)
    return re.sub(r"[^a-z0-9:]", "", text)


def layout(sheets: Sequence[Sheet], facts_map: FactsMap, path: Path) -> Layout:
    """The sheet, the header row and the columns that the list has.

    Raises
    ------
    SourceError : no row is a header with an address or a place, or a column that the map names is absent.
    """
    chosen = [
        sheet
        for sheet in sheets
        if not facts_map.sheet or sheet.name.casefold() == facts_map.sheet.casefold()
    ]
    if not chosen:
        raise SourceError(
            f"there is no sheet {facts_map.sheet!r}", path, f"Sheets are {', '.join(s.name for s in sheets)}"
        )
    best: Layout | None = None
    for sheet in chosen:
        for index in _candidates(sheet, facts_map):
            columns = _columns(sheet.rows[index], facts_map)
            if best is None or len(columns) > len(best.columns):
                best = Layout(sheet, index, columns)
    if best is None:
        raise SourceError("the list has no rows", path, "Export the list again")
    _check_layout(best, facts_map, path)
    return best


def _candidates(sheet: Sheet, facts_map: FactsMap) -> Iterable[int]:
    if facts_map.header_row:
        return [facts_map.header_row - 1] if facts_map.header_row <= len(sheet.rows) else []
    return range(min(len(sheet.rows), _HEADER_LINES))


def _columns(header: Sequence[Cell], facts_map: FactsMap) -> dict[str, tuple[int, ...]]:
    """Our column ← positions; what the map names comes first, header words tell the rest."""
    words = [header_word(cell) for cell in header]
    plain = [_plain(cell) if cell is not None else "" for cell in header]
    found: dict[str, tuple[int, ...]] = {}
    for column, names in facts_map.columns.items():
        positions = [_position(name, plain, words) for name in names]
        if all(position is not None for position in positions):
            found[column] = tuple(p for p in positions if p is not None)
    taken = {position for positions in found.values() for position in positions}
    for column, signs in COLUMNS.items():
        if column in facts_map.columns or column in facts_map.constants:
            continue
        for sign in signs:  # in the order of how sure they are
            if sign in words and words.index(sign) not in taken:
                found[column] = (words.index(sign),)
                taken.add(words.index(sign))
                break
    return found


def _position(name: str, plain: Sequence[str], words: Sequence[str]) -> int | None:
    if _plain(name) in plain:
        return plain.index(_plain(name))
    word = header_word(name)
    return words.index(word) if word and word in words else None


def _check_layout(found: Layout, facts_map: FactsMap, path: Path) -> None:
    header = [str(cell) for cell in found.sheet.rows[found.header] if cell not in (None, "")]
    where = f"{path}, row {found.header + 1}"
    for column, names in facts_map.columns.items():
        if column not in found.columns:
            raise SourceError(
                f"no column is called {' or '.join(map(repr, names))} ({column})",
                where if facts_map.header_row else path,
                f"The header reads: {'; '.join(header)[:200]}"
                if len(found.columns)
                else "Set header_row in the map",
            )
    if not _ADDRESS & (set(found.columns) | set(facts_map.constants)):
        raise SourceError(
            "no header row names a street, an address or a place",
            path,
            "Pass a map with --map, or call the columns Straße and Hausnummer",
        )
