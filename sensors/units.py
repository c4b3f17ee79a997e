"""Units by their UCUM codes (Unified Code for Units of Measure, 2.1), converted with pint.

UCUM writes products with a dot, powers as digits behind the unit and annotations in braces: `kW.h`, `W/m2`,
`{vehicles}/h`. Case matters: `mm` is a millimetre, `Mm` a megametre.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
import pint
from numpy.typing import ArrayLike, NDArray

from sensors.errors import UnitError

# UCUM's atoms that devices and meters of a district use → pint. Prefixes are set before the metric ones.
_METRIC = {
    "m": "meter", "s": "second", "g": "gram", "rad": "radian", "K": "kelvin", "cd": "candela", "A": "ampere",
    "mol": "mole", "sr": "steradian", "Hz": "hertz", "N": "newton", "Pa": "pascal", "J": "joule", "W": "watt",
    "V": "volt", "F": "farad", "Ohm": "ohm", "S": "siemens", "Wb": "weber", "T": "tesla", "H": "henry",
    "lm": "lumen", "lx": "lux", "Bq": "becquerel", "Gy": "gray", "Sv": "sievert", "C": "coulomb",
    "l": "liter", "L": "liter", "ar": "are", "t": "metric_ton", "bar": "bar", "eV": "electron_volt",
    "cal": "thermochemical_calorie", "m[H2O]": "9806.65 pascal", "m[Hg]": "133322 pascal",
    "B": "bel_", "B[W]": "bel_watt_", "B[mW]": "bel_milliwatt_", "B[SPL]": "bel_pressure_", "Cel": "kelvin",
}  # fmt: skip
_PLAIN = {
    "%": "0.01 dimensionless", "[ppth]": "1e-3 dimensionless", "[ppm]": "1e-6 dimensionless",
    "[ppb]": "1e-9 dimensionless", "min": "minute", "h": "hour", "d": "day", "wk": "week",
    "mo": "30.4375 day", "a": "365.25 day", "deg": "degree", "'": "arcminute", "''": "arcsecond",
    "gon": "grade", "[pi]": "pi", "[pH]": "ph_", "atm": "standard_atmosphere", "[g]": "standard_gravity",
    "har": "hectare", "[degF]": "delta_degree_Fahrenheit", "[in_i]": "inch", "[ft_i]": "foot",
    "[mi_i]": "mile", "[kn_i]": "knot", "[psi]": "6894.757293168 pascal", "[lb_av]": "pound",
    "[Btu]": "1055.05585262 joule", "[gal_us]": "gallon", "VA": "volt_ampere_", "var": "var_",
}  # fmt: skip
# Quantities of their own, which convert into nothing else.
_OWN = ("bel_", "bel_watt_", "bel_milliwatt_", "bel_pressure_", "ph_", "volt_ampere_", "var_")
_PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2,
    "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip
# Scales that do not start at nothing, where they stand alone; within a compound they are differences.
_SCALES = {"Cel": "degree_Celsius", "[degF]": "degree_Fahrenheit"}
_TOKEN = re.compile(
    r"(?P<note>\{[^{}]*\})|10[*^](?P<ten>[+-]?\d+)|(?P<number>\d+)|(?P<mark>[./()])|"
    r"(?P<atom>(?:\[[^\]]*\]|[A-Za-z%'])+)(?P<power>[+-]?\d+)?"
)


def convert(values: ArrayLike, source: str, target: str) -> NDArray[np.float64]:
    """Values of the unit `source` in the unit `target`, both by UCUM code; nan stays nan.

    Raises
    ------
    UnitError : a code is unknown, or the units measure different things.
    """
    factor, offset = _line(source, target)
    numbers = np.asarray(values, np.float64)
    return numbers * factor if offset == 0 else numbers * factor + offset


def converts(source: str, target: str) -> bool:
    """Whether values of `source` can be given in `target`."""
    try:
        _line(source, target)
    except UnitError:
        return False
    return True


@lru_cache(maxsize=1024)
def _line(source: str, target: str) -> tuple[float, float]:
    """Factor and offset from `source` to `target`."""
    if source == target:
        return 1.0, 0.0
    given, wanted = _quantity(source), _quantity(target)
    try:
        zero, one, hundred = (
            _registry().Quantity(value, given.units).to(wanted.units).magnitude for value in (0.0, 1.0, 100.0)
        )
    except pint.DimensionalityError:
        raise UnitError(
            f"{source or '1'} does not convert into {target or '1'}",
            "unit",
            "Set the datastream's unit right",
        ) from None
    scale = given.magnitude / wanted.magnitude
    return (one * scale, 0.0) if zero == 0 else ((hundred - zero) / 100, zero)


@lru_cache(maxsize=1024)
def _quantity(code: str) -> Any:
    """What one of the unit is, in pint; an empty code and annotations are the number 1.

    Raises
    ------
    UnitError : the code is unknown.
    """
    registry = _registry()
    if code in _SCALES:
        return registry.Quantity(1.0, _SCALES[code])
    tokens, position = [], 0
    for match in _TOKEN.finditer(code):
        if match.start() != position:
            raise _unknown(code)
        position = match.end()
        tokens.append(match)
    if position != len(code):
        raise _unknown(code)
    tokens.reverse()
    found = _term(tokens, code) if tokens else registry.Quantity(1.0)
    if tokens:
        raise _unknown(code)
    return found


def _term(tokens: list[re.Match[str]], code: str) -> Any:
    """Factors joined by dots and slashes, taken from the end of `tokens`; a slash divides by the next one."""
    found = _registry().Quantity(1.0) if tokens[-1]["mark"] == "/" else _factor(tokens, code)
    while tokens and tokens[-1]["mark"] in (".", "/"):
        divides = tokens.pop()["mark"] == "/"
        factor = _factor(tokens, code)
        found = found / factor if divides else found * factor
    return found


def _factor(tokens: list[re.Match[str]], code: str) -> Any:
    registry = _registry()
    if not tokens:
        raise _unknown(code)
    token = tokens.pop()
    if token["mark"] == "(" and tokens:
        found = _term(tokens, code)
        if not tokens or tokens.pop()["mark"] != ")":
            raise _unknown(code)
    elif token["mark"]:
        raise _unknown(code)
    elif token["atom"]:
        found = registry.Quantity(_atom(token["atom"], code)) ** int(token["power"] or 1)
    elif token["note"]:
        return registry.Quantity(1.0)
    else:
        found = registry.Quantity(10.0 ** int(token["ten"]) if token["ten"] else float(token["number"]))
    if tokens and tokens[-1]["note"]:  # an annotation of the unit before it
        tokens.pop()
    return found


def _atom(name: str, code: str) -> str:
    plain = _PLAIN.get(name) or _METRIC.get(name)
    if plain:
        return plain
    for length in (2, 1):
        prefix, rest = name[:length], name[length:]
        if prefix in _PREFIXES and rest in _METRIC:
            number, _, unit = _METRIC[rest].rpartition(" ")
            return f"{float(number or 1) * 10.0 ** _PREFIXES[prefix]!r} {unit}"
    raise _unknown(code)


def _unknown(code: str) -> UnitError:
    return UnitError(f"{code!r} is no UCUM code that is known here", "unit", "See https://ucum.org")


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Any]:
    registry: pint.UnitRegistry[Any] = pint.UnitRegistry()
    for name in _OWN:
        registry.define(f"{name} = [{name}]")
    return registry
