"""Units as lists of meters write them, and what is measured in them."""

from __future__ import annotations

import re

from sensors import units
from sensors.things import Kind, ObservedProperty, Unit
from twin.addresses import fold
from twin.facts_map import HEADER_LENGTH

_SPELLINGS = {
    "wh": "W.h",
    "kwh": "kW.h",
    "mwh": "MW.h",
    "gwh": "GW.h",
    "kj": "kJ",
    "mj": "MJ",
    "gj": "GJ",
    "w": "W",
    "kw": "kW",
    "mw": "MW",
    "m3": "m3",
    "m³": "m3",
    "cbm": "m3",
    "qm3": "m3",
    "l": "L",
    "liter": "L",
    "m3/h": "m3/h",
    "m³/h": "m3/h",
    "l/h": "L/h",
    "°c": "Cel",
    "c": "Cel",
    "grad c": "Cel",
    "grad celsius": "Cel",
    "k": "K",
    "%": "%",
    "bar": "bar",
    "kilowattstunden": "kW.h",
    "megawattstunden": "MW.h",
    "v": "V",
    "a": "A",
    "kpa": "kPa",
    "hpa": "hPa",
    "1": "1",
}
_QUANTITIES: tuple[tuple[str, str, str], ...] = (
    ("kW.h", "energy", "https://qudt.org/vocab/quantitykind/Energy"),
    ("kW", "power", "https://qudt.org/vocab/quantitykind/Power"),
    ("m3", "Volume", "https://qudt.org/vocab/quantitykind/Volume"),
    ("m3/h", "Volume flow", "https://qudt.org/vocab/quantitykind/VolumeFlowRate"),
    ("Cel", "Temperature", "https://qudt.org/vocab/quantitykind/Temperature"),
    ("bar", "Pressure", "https://qudt.org/vocab/quantitykind/Pressure"),
    ("V", "Voltage", "https://qudt.org/vocab/quantitykind/Voltage"),
    ("A", "Electric current", "https://qudt.org/vocab/quantitykind/ElectricCurrent"),
    ("1", "Value", "https://qudt.org/vocab/quantitykind/Dimensionless"),
)
_WHOSE: dict[str, str] = {
    "heat_meter": "Heat",
    "electricity_meter": "Electrical",
    "pv_meter": "PV generation",
}
COUNTED = ("kW.h", "m3")
"""Units whose quantities add up over time; the others are states."""
_KIND_WORDS: tuple[tuple[Kind, str], ...] = (
    ("pv_meter", r"\bpv\b|photovoltaik|solarstrom|einspeis|erzeugung|photovoltaic|generation"),
    ("heat_meter", r"waerme|heiz|\bfw\b|\bwmz\b|heat|thermal|substation"),
    ("electricity_meter", r"strom|elektr|electric|wirkarbeit"),
)


def ucum(text: str) -> str:
    """UCUM code of a unit in any usual spelling.

    Raises
    ------
    ValueError : it is no unit of a meter.
    """
    plain = " ".join(text.split())
    folded = _SPELLINGS.get(plain.casefold())
    if plain in ("MW", "mW", "Mw"):
        folded = plain if plain != "Mw" else "MW"
    code = folded or plain
    if code != "1" and re.fullmatch(r"[\d.,/ ]*", code):
        raise ValueError("is no unit that is known here")
    if any(units.converts(code, base) for base, _, _ in _QUANTITIES):
        return code
    raise ValueError("is no unit that is known here")


def counted(code: str) -> bool:
    """Whether the quantity adds up over time: energy and volume."""
    return any(units.converts(code, base) for base in COUNTED)


def described(code: str, kind: Kind, cumulative: bool) -> tuple[ObservedProperty, Unit]:
    """Observed property and unit of a meter's stream."""
    base, name, definition = next(row for row in _QUANTITIES if units.converts(code, row[0]))
    if base in ("kW.h", "kW"):
        name = f"{_WHOSE.get(kind, '')} {name}".strip().capitalize().replace("Pv", "PV")
    if cumulative:
        name += ", meter reading"
    return ObservedProperty(name, definition), Unit(code.replace(".", "").replace("Cel", "°C"), code)


def kind_of(*texts: str) -> Kind | None:
    """Kind of a meter by the first text that names one."""
    for text in texts:
        folded = fold(text)
        for kind, pattern in _KIND_WORDS:
            if re.search(pattern, folded):
                return kind
    return None


def header_unit(header: str) -> str | None:
    """The unit that a header names: "Verbrauch [MWh]", "Wärme (kWh)", "Energie in GJ", "Wert kWh"."""
    header = header[:HEADER_LENGTH]
    found = re.search(r"[\[(]([^\])]+)[\])]", header) or re.search(r"\bin\s+(\S+)\s*$", header)
    word = found[1].strip() if found else (header.replace("_", " ").split() or [""])[-1]
    if word == "1" or (not found and (len(word) < 2 or word.casefold() not in _SPELLINGS)):
        return None
    try:
        return ucum(word)
    except ValueError:
        return None


def without_unit(header: str) -> str:
    """A header without the unit that it names."""
    plain = re.sub(r"[\[(].*?[\])]|\bin\s+\S+\s*$", " ", header[:HEADER_LENGTH]).strip()
    words = plain.replace("_", " ").split()
    bare = len(words) > 1 and len(words[-1]) > 1 and words[-1].casefold() in _SPELLINGS
    return " ".join(words[:-1] if bare else plain.split())
