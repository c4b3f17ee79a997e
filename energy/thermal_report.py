"""A kernel's results for thermal cases beside published ones: limits of annual loads, ranges of programs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from energy.thermal_cases import CaseLoads
from twin.errors import SourceError

WIDENED = 0.05  # of its own amount, each end of a range that has no limits
_TABLES = {
    "Annual Heating": "heating_mwh",
    "Annual Sensible Cooling": "cooling_mwh",
    "Peak Heating": "peak_heating_kw",
    "Peak Sensible Cooling": "peak_cooling_kw",
    "Free-Float": "temperature",
}
_TEMPERATURES = ("temperature_max_c", "temperature_min_c", "temperature_mean_c")
QUANTITIES: dict[str, Callable[[CaseLoads], float]] = {
    "heating_mwh": lambda loads: float(loads.heating_w.sum()) / 1e6,
    "cooling_mwh": lambda loads: float(loads.cooling_w.sum()) / 1e6,
    "peak_heating_kw": lambda loads: float(loads.heating_w.max()) / 1e3,
    "peak_cooling_kw": lambda loads: float(loads.cooling_w.max()) / 1e3,
    "temperature_max_c": lambda loads: float(loads.air_temperature_c.max()),
    "temperature_min_c": lambda loads: float(loads.air_temperature_c.min()),
    "temperature_mean_c": lambda loads: float(loads.air_temperature_c.mean()),
}


@dataclass(frozen=True)
class Published:
    """What is published for a quantity of a case; with limits, or the range of the programs' results."""

    low: float
    high: float
    limits: bool


@dataclass(frozen=True)
class Row:
    """One figure of one case. low, high : nan and kind "" where nothing is published."""

    case: str
    quantity: str
    method: str
    ours: float
    low: float
    high: float
    kind: str

    @property
    def inside(self) -> bool | None:
        """Whether it lies within; None where nothing is published."""
        return None if not self.kind else bool(self.low <= self.ours <= self.high)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None where nothing is published."""
        row = {**asdict(self), "in": self.inside}
        return {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in row.items()}


def read_published(path: str | os.PathLike[str]) -> dict[tuple[str, str], Published]:
    """Results of programs by case and quantity, from the tables of ANSI/ASHRAE 140 as text.

    Raises
    ------
    SourceError : the file cannot be read, or a row has no number; names the line.
    """
    file = Path(path)
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", file, "Check the path") from error
    found: dict[tuple[str, str], Published] = {}
    quantity, limits, part = "", False, -1
    for number, line in enumerate(lines, 1):
        if line.startswith("# Table"):
            quantity = next((name for words, name in _TABLES.items() if words in line), "")
            part = -1
        elif line.startswith("Case"):
            limits, part = "LowerLimit" in line, part + 1
        elif line.strip() and not line.startswith("#") and quantity:
            case, *cells = (cell.strip() for cell in line.split(","))
            name = _TEMPERATURES[part] if quantity == "temperature" else quantity
            found[case, name] = _published(cells, limits, f"{file}, line {number}")
    return found


def _published(cells: list[str], limits: bool, where: str) -> Published:
    numbers = []
    for cell in cells:
        match = re.match(r"-?\d+(\.\d+)?", cell)
        if match is None:
            raise SourceError(f"{cell!r} is no number", where, "Correct the table")
        numbers.append(float(match[0]))
    if limits:
        return Published(numbers[-2], numbers[-1], True)
    low, high = min(numbers), max(numbers)
    return Published(low - WIDENED * abs(low), high + WIDENED * abs(high), False)


def compare(
    loads: Mapping[str, CaseLoads], method: str, published: Mapping[tuple[str, str], Published]
) -> list[Row]:
    """Rows of all cases: loads where a thermostat runs, else temperatures."""
    rows = []
    for case, hours in loads.items():
        floating = not (hours.heating_w.any() or hours.cooling_w.any())
        for quantity, figure in QUANTITIES.items():
            if quantity.startswith("temperature") != floating:
                continue
            known = published.get((case, quantity))
            low, high = (np.nan, np.nan) if known is None else (known.low, known.high)
            kind = "" if known is None else "limits" if known.limits else "range"
            rows.append(Row(case, quantity, method, figure(hours), low, high, kind))
    return rows


def summary(rows: list[Row]) -> dict[str, tuple[int, int]]:
    """Figures within and all, by method and kind, such as "nodes limits"."""
    counts: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row.kind:
            within, total = counts.get(f"{row.method} {row.kind}", (0, 0))
            counts[f"{row.method} {row.kind}"] = (within + bool(row.inside), total + 1)
    return counts
