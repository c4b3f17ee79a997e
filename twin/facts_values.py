"""Values of owner's lists: numbers, years, series, heating and refurbishment as people write them.

Each parser takes a cell and gives the value, or None where the cell is empty; what cannot be read raises
ValueError with a reason that fits behind the cell's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from twin.addresses import fold
from twin.spreadsheet import Cell

State = Literal["none", "usual", "advanced"]
COMPONENTS = ("roof", "wall", "floor", "window")
_EMPTY = {"", "-", "–", "—", ".", "/", "n/a", "na", "k.a.", "k. a.", "keine angabe", "unbekannt", "unknown",
          "?", "#n/a", "#nv", "nan", "null", "none"}  # fmt: skip


def is_empty(cell: Cell) -> bool:
    """Whether the cell says nothing: blank, a dash, "k. A.", "unbekannt", "#NV"."""
    return cell is None or cell != cell or " ".join(str(cell).split()).casefold() in _EMPTY


# ---------------------------------------------------------------------------------------------- numbers
def decimal_sign(cells: Iterable[Cell]) -> Literal[",", "."]:
    """Decimal sign of a column of texts: told by any value that leaves no doubt, else the comma."""
    for cell in cells:
        if not isinstance(cell, str):
            continue
        text = re.sub(r"[^0-9.,]", "", cell)
        if "," in text and "." in text:
            return "," if text.rfind(",") > text.rfind(".") else "."
        for sign in (",", "."):
            if text.count(sign) == 1 and len(text.split(sign)[1]) not in (0, 3):
                return "," if sign == "," else "."
    return ","


def parse_number(cell: Cell, decimal: str = ",") -> float | None:
    """ "1.234,5 m²" → 1234.5; figures come as they are."""
    if is_empty(cell):
        return None
    if isinstance(cell, bool | datetime | date):
        raise ValueError("is no number")
    if isinstance(cell, int | float):
        try:
            return float(cell)
        except OverflowError:
            raise ValueError("is no number: too large") from None
    text = re.sub(
        r"\s*(m²|m2|qm|we|wohnungen|wohneinheiten|w/\(?m²\s?k\)?)\.?\s*$", "", str(cell).casefold().strip()
    )
    text = re.sub(r"(?<=[0-9])[\s\u00a0\u202f'’](?=[0-9]{3})", "", text)
    thousands = "." if decimal == "," else ","
    if not re.fullmatch(rf"[+-]?[0-9]+(\{thousands}[0-9]{{3}})*(\{decimal}[0-9]*)?", text):
        raise ValueError("is no number")
    return float(text.replace(thousands, "").replace(decimal, "."))


def parse_count(cell: Cell, decimal: str = ",") -> float | None:
    """A whole number from 0 to 10,000, as float."""
    number = parse_number(cell, decimal)
    if number is None:
        return None
    if not 0 <= number <= 10_000 or number != int(number):
        raise ValueError("is no count")
    return number


def parse_area(cell: Cell, decimal: str = ",") -> float | None:
    """An area above 0 m²."""
    area = parse_number(cell, decimal)
    if area is not None and not 0 < area < 1e6:
        raise ValueError("is no floor area")
    return area


def parse_u_value(cell: Cell, decimal: str = ",") -> float | None:
    """A thermal transmittance, W/(m²K)."""
    value = parse_number(cell, decimal)
    if value is not None and not 0.05 <= value <= 7:
        raise ValueError("is no thermal transmittance in W/(m²K)")
    return value


_YEAR = re.compile(
    r"(?<![0-9])(1[0-9]{3}|20[0-9]{2})(?:\s*[-–/]\s*([0-9]{2}(?![0-9-])))?(?![0-9]{1,3}(?![0-9/.]))"
)


def years_in(text: str) -> list[int]:
    """All years in a text; "1982/83" is 1982 and 1983."""
    out = []
    for found in _YEAR.finditer(text):
        first = int(found[1])
        out.append(first)
        if found[2]:
            out.append(first - first % 100 + int(found[2]))
    return out


def parse_year(cell: Cell) -> float | None:
    """A year; of "1982/83" or "1979–83" the last one, since that is when the building was finished."""
    if is_empty(cell):
        return None
    if isinstance(cell, datetime | date):
        return float(cell.year)
    text = f"{cell:.0f}" if isinstance(cell, float) and cell.is_integer() else str(cell)
    years = years_in(text)
    if not years or max(years) > 2100:
        raise ValueError("is no year")
    return float(max(years))


# ----------------------------------------------------------------------------------------------- words
def parse_text(cell: Cell) -> str | None:
    """Text with single spaces; 4711.0 from a spreadsheet is "4711"."""
    if is_empty(cell):
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).split())


def parse_postcode(cell: Cell) -> str | None:
    """Five figures; a leading zero that the spreadsheet dropped comes back."""
    text = parse_text(cell)
    if text is None:
        return None
    figures = re.sub(r"^(?:D[\s-]*)?", "", text, flags=re.IGNORECASE)
    if not re.fullmatch("[0-9]{4,5}", figures):
        raise ValueError("is no postcode")
    return figures.zfill(5)


def parse_series(cell: Cell) -> str | None:
    """Series of industrial housing in the twin's spelling: "WBS70/11" → "WBS 70", "P 2" → "P2"."""
    text = parse_text(cell)
    if text is None:
        return None
    if re.match(r"(?:typ\s*)?wbs[\s-]*70", text, re.IGNORECASE):
        return "WBS 70"
    if found := re.match(r"(?:typ\s*)?(PH?|M|Q|IW|QP|WHH|L)[\s-]*([0-9]{1,2})(?![0-9])", text, re.IGNORECASE):
        return f"{found[1].upper()}{found[2]}"
    return text


_HEATING = (
    ("district_heating", ("fernwarm", "fernwaerm", "nahwaerm", "district", "fw")),
    ("heat_pump", ("waermepump", "heat pump", "heat_pump", "wp")),
    ("gas", ("gas",)),
    ("oil", ("oel", "oil")),
    ("wood", ("holz", "pellet", "hackschnitzel", "wood", "biomass")),
    ("electric", ("strom", "elektr", "electric", "nachtspeicher")),
    ("none", ("unbeheizt", "keine", "ohne", "unheated", "none")),
)


def parse_heating(cell: Cell) -> str | None:
    """Heat supply from words such as "Fernwärme", "Gaszentralheizung", "WP"."""
    if isinstance(cell, str) and cell.strip().casefold() == "none":
        return "none"
    text = parse_text(cell)
    if text is None:
        return None
    folded = fold(text)
    words = set(re.findall("[a-z_]+", folded))
    for name, signs in _HEATING:
        if any(sign in words if len(sign) == 2 else sign in folded for sign in signs):
            return name
    raise ValueError("is no heating known here")


# --------------------------------------------------------------------------------------- refurbishment
@dataclass(frozen=True)
class Refurbishment:
    """State of the envelope: as a whole, by component where stated, and the last year of work on it."""

    state: State | None = None
    components: dict[str, State] = field(default_factory=dict)
    year: float | None = None


_PARTS = {
    "roof": ("dach", "dacher", "daecher", "oberste geschossdecke", "roof", "kaltdach"),
    "wall": (
        "fassad",
        "aussenwand",
        "aussenwaend",
        "waermedaemmverbund",
        "wdvs",
        "vollwaermeschutz",
        "giebel",
        "wall",
        "facade",
    ),
    "floor": ("kellerdecke", "keller", "boden", "bodenplatte", "floor", "basement"),
    "window": ("fenster", "vergla", "window", "glazing", "isolierglas"),
}
_NONE = (
    "unsaniert",
    "nicht",
    "kein",
    "ungedaemmt",
    "original",
    "unmodernisiert",
    "ohne",
    "not ",
    "no ",
    "unrefurbished",
    "uninsulated",
    "urspruenglich",
    "bauzustand",
    "bestand",
    "offen",
    "geplant",
)
_ADVANCED = (
    "kfw 40",
    "kfw40",
    "kfw 55",
    "kfw55",
    "eh 40",
    "eh40",
    "eh 55",
    "eh55",
    "effizienzhaus",
    "passivhaus",
    "niedrigstenergie",
    "advanced",
    "dreifach",
    "3-fach",
    "3fach",
    "triple",
    "hocheffizient",
)
_PARTIAL = ("teilsan", "teilmod", "teilweise", "partial", "partly")
_USUAL = (
    "sanier",
    "modernisier",
    "gedaemmt",
    "daemmung",
    "erneuer",
    "ja",
    "yes",
    "usual",
    "voll",
    "komplett",
    "refurb",
    "insulat",
    "renew",
    "neu",
    "ertuechtig",
    "isolier",
    "austausch",
    "getauscht",
)
_OTHER_WORK = (
    "strang",
    "aufzug",
    "bad",
    "baeder",
    "elektr",
    "heizung",
    "treppenhaus",
    "balkon",
    "loggi",
    "sprech",
    "lift",
    "bathroom",
    "riser",
    "sanitaer",
    "aussenanlage",
    "wohnumfeld",
)
_THICK_CM = {"wall": 20.0, "roof": 24.0, "floor": 14.0, "window": float("inf")}


def parse_refurbishment(cell: Cell) -> Refurbishment | None:
    """State and year of the envelope from free text, by these rules.

    - "saniert", "gedämmt", "WDVS", "modernisiert", or only a year: usual. "KfW 55", "Effizienzhaus",
      "Passivhaus", triple glazing, or insulation of 20 cm (wall), 24 cm (roof), 14 cm (floor): advanced.
      "unsaniert", "nicht", "Originalzustand": none.
    - Named components (roof, wall, floor, window) get their own state; the whole is then that of the
      walls, since they weigh most, and none where only others were refurbished.
    - Work on risers, baths, lifts or balconies says nothing about the envelope.

    Raises
    ------
    ValueError : no rule fits ("teilsaniert" alone, say), so that a person must decide.
    """
    if isinstance(cell, bool):
        return Refurbishment("usual" if cell else "none")
    if isinstance(cell, datetime | date):
        return Refurbishment("usual", year=float(cell.year))
    text = str(cell).strip().casefold() if cell is not None else ""
    if text == "none":
        return Refurbishment("none")
    plain = parse_text(cell)
    if plain is None:
        return None
    if fold(plain) in ("nein", "no", "0", "n"):
        return Refurbishment("none")
    if fold(plain) in ("1", "x", "j", "y"):
        return Refurbishment("usual")
    return _by_clauses([part.strip() for part in _CLAUSE.split(fold(plain)) if part.strip()])


_CLAUSE = re.compile(r"[;|\n+]|,(?![0-9])|\baber\b|\bjedoch\b|\bbut\b|(?<=[a-z])\.\s|(?<=[0-9]{4}) und ")


def _by_clauses(clauses: list[str]) -> Refurbishment:
    found = Refurbishment()
    waiting: list[str] = []  # components whose state the next clause tells: "Dach, Fassade saniert"
    understood = False
    for clause in clauses:
        named = [part for part, signs in _PARTS.items() if any(sign in clause for sign in signs)]
        state = _state(clause, named)
        if not named and any(sign in clause for sign in _OTHER_WORK):
            understood = True
            continue
        if state is None:
            waiting += named
            continue
        understood = True
        if named or waiting:
            components = {
                **found.components,
                **{part: _thick(clause, part, state) for part in waiting + named},
            }
            found = replace(found, components=components)
        else:
            found = replace(found, state=state)
        waiting = []
        if state != "none":
            found = replace(found, year=float(max([found.year or 0, *years_in(clause)])) or None)
    if waiting:
        understood = True
        found = replace(found, components={**found.components, **dict.fromkeys(waiting, "usual")})
    if not understood:
        raise ValueError("does not say which parts of the envelope were refurbished")
    if found.state is None and found.components:
        found = replace(found, state=found.components.get("wall", "none"))
    return found


def _state(clause: str, named: list[str]) -> State | None:
    if any(sign in f"{clause} " for sign in _NONE):
        return "none"
    if any(sign in clause for sign in _ADVANCED):
        return "advanced"
    if any(sign in clause for sign in _PARTIAL):
        return "usual" if named else None
    words = set(re.findall("[a-z]+", clause))
    if any(sign in words if sign in ("ja", "yes", "neu") else sign in clause for sign in _USUAL) or years_in(
        clause
    ):
        return "usual"
    return "usual" if "wdvs" in clause or re.search(r"[0-9] ?cm", clause) else None


def _thick(clause: str, part: str, state: State) -> State:
    """Usual becomes advanced where the clause states a thickness that only advanced work has."""
    thickness = re.search(r"([0-9]+(?:[.,][0-9]+)?) ?cm", clause)
    if state == "usual" and thickness and float(thickness[1].replace(",", ".")) >= _THICK_CM[part]:
        return "advanced"
    return state


def merge_refurbishment(how: Refurbishment | None, when: float | None) -> Refurbishment:
    """State from "how" and year from "when"; a year alone means usual work, 0 none at all."""
    how = how or Refurbishment()
    if when == 0:
        return how if how.state else replace(how, state="none")
    if when is None or when != when:
        return how
    if how.state is None and not how.components:
        return Refurbishment("usual", year=when)
    any_work = how.state != "none" or any(state != "none" for state in how.components.values())
    return replace(how, year=when) if any_work else how
