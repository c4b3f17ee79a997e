"""Numbers as people of a language write them: ``1.234,5`` in German, ``1,234.5`` in English."""

from __future__ import annotations

import math
from datetime import date

_MARKS = {"de": (".", ","), "en": (",", ".")}
_NARROW_SPACE = "\u202f"
_MINUS = "\u2212"
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def number(value: float, language: str, digits: int = 0) -> str:
    """`value` with `digits` decimals and grouped thousands; a dash where it is missing.

    Languages without an entry group by narrow spaces and write a decimal comma, as SI and most of Europe do.
    """
    if not math.isfinite(value):
        return "–"
    thousands, decimal = _MARKS.get(language.partition("-")[0], (_NARROW_SPACE, ","))
    text = f"{abs(value):,.{digits}f}"
    text = text.replace(",", "\0").replace(".", decimal).replace("\0", thousands)
    negative = value < 0 and any(mark in "123456789" for mark in text)
    return f"{_MINUS}{text}" if negative else text


def quantity(value: float, unit: str, language: str, digits: int = 0) -> str:
    """`value` with its unit behind a no-break space; a bare dash where it is missing."""
    text = number(value, language, digits)
    return text if text == "–" or not unit else f"{text}\u00a0{unit}"


def percent(share: float, language: str) -> str:
    """`share` (1 is all) as signed per cent: a change."""
    if not math.isfinite(share):
        return "–"
    text = number(100 * share, language)
    return f"+{text}\u00a0%" if share > 0 and text != "0" else f"{text}\u00a0%"


def day(when: date, language: str) -> str:
    """A date as people write it: ``5.3.2026`` in German, ``5 March 2026`` in English, else ISO 8601."""
    if language.partition("-")[0] == "de":
        return f"{when.day}.{when.month}.{when.year}"
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}" if language == "en" else when.isoformat()
