"""DWD's list of stations ("Stationslexikon", HTML): where stations stand whose files do not say so."""

from __future__ import annotations

import html
import re

from twin.errors import SourceError

_ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.IGNORECASE | re.DOTALL)
_CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.IGNORECASE | re.DOTALL)
_CELLS = 11
Place = tuple[str, float, float, float]


def matches(text: str) -> bool:
    """Whether a text is DWD's list of stations."""
    head = text[:2000].lower()
    return "stationslexikon" in head and "<table" in head


def parse(text: str, where: object = "station list") -> dict[str, Place]:
    """Station id (without leading zeros) → name, latitude, longitude [°] and altitude [m].

    Of several rows of a station the last counts.

    Raises
    ------
    SourceError : there is no row of a station.
    """
    found: dict[str, Place] = {}
    for row in _ROW.findall(text):
        cells = [html.unescape(cell).strip() for cell in _CELL.findall(row)]
        if len(cells) != _CELLS:
            continue
        try:
            found[str(int(cells[1]))] = cells[0], float(cells[4]), float(cells[5]), float(cells[6])
        except ValueError:
            continue  # a heading, or a station without a place
    if not found:
        raise SourceError("the list holds no station", where, "Fetch it again")
    return found
