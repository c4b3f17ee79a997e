"""Values of scenario files in the units that measures take: ``supply_c: 70``, ``70 °C``, ``share: 30 %``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from scenarios.measures import base
from scenarios.measures.base import Parameter
from twin.errors import CallError, quoted

_QUANTITY = re.compile(r"\s*([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*")
_SAME = {"C": "°C", "degC": "°C", "h.": "h", "Uhr": "h", "a": "a"}


def in_units(measure: str, parameters: Iterable[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the measure takes them, checked against its parameters.

    Raises
    ------
    CallError : a parameter that the measure does not have, a value out of range, or in another unit.
    """
    known = {parameter.name: parameter for parameter in parameters}
    where = f"measure {measure}"
    if odd := [name for name in values if name not in known]:
        every = ", ".join(known)
        raise CallError(
            f"there is no parameter {odd[0]!r}", where, f"Use {every}" if known else "It has none",
            german=f"Den Parameter {quoted(odd[0])} hat die Maßnahme {measure} nicht. "
            + (f"Möglich sind {every}." if known else "Sie hat keine."),
        )  # fmt: skip
    plain = {name: _plain(known[name], value, where) for name, value in values.items()}
    base.check(measure, known.values(), plain)
    return plain


def _plain(parameter: Parameter, value: Any, where: str) -> Any:
    """A number for a number with its unit; all else as it is."""
    numeric = isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool)
    if not numeric or not isinstance(value, str):
        return value
    found = _QUANTITY.fullmatch(value)
    if found is None:
        raise CallError(
            f"{parameter.name} is {value!r}, no number", where, _remedy(parameter),
            german=f"{parameter.name} ist {quoted(value)}, keine Zahl. {_german_remedy(parameter)}.",
        )  # fmt: skip
    number, unit = float(found[1].replace(",", ".")), found[2] or ""
    unit = _SAME.get(unit, unit)
    if unit == "%" and parameter.unit == "1":
        return number / 100
    if unit and unit != parameter.unit:
        raise CallError(
            f"{parameter.name} is in {unit!r}", where, _remedy(parameter),
            german=f"{parameter.name} steht in {quoted(unit)}. {_german_remedy(parameter)}.",
        )  # fmt: skip
    return number


def _remedy(parameter: Parameter) -> str:
    share = f"a share of {parameter.low:g} to {parameter.high:g}, or %"
    unit = {"": "a plain number", "1": share}.get(parameter.unit, parameter.unit)
    return f"Give it in {unit}"


def _german_remedy(parameter: Parameter) -> str:
    share = f"einen Anteil von {base.german(parameter.low)} bis {base.german(parameter.high)} oder in %"
    named = {"": "Geben Sie eine bloße Zahl an", "1": f"Geben Sie {share} an"}
    return named.get(parameter.unit, f"Geben Sie den Wert in {parameter.unit} an")
