"""What is plausible for each observed property: assets/sensors/limits.csv, in the unit of a datastream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from sensors import units
from sensors.errors import UnitError
from twin import assets
from twin.addresses import fold

_ABSOLUTE = ("fail_min", "fail_max", "suspect_min", "suspect_max", "flat_above")
_DIFFERENCES = (
    "spike_suspect", "spike_fail", "rate_suspect_per_h", "rate_fail_per_h", "rate_floor", "flat_tolerance",
    "neighbour_difference",
)  # fmt: skip
_PLAIN = ("flat_suspect_h", "flat_fail_h", "neighbour_m")


@dataclass(frozen=True)
class Rules:
    """Limits of one observed property in one unit; None: not checked.

    fail, suspect : lowest and highest value. spike : distance from the mean of both neighbours in time.
    rate : per hour, with `rate_floor` the smallest step that counts. flat : hours. name : row of the table.
    estimates : columns of the table that nobody has published for this; source : of the others.
    """

    name: str
    unit: str
    fail: tuple[float, float]
    suspect: tuple[float, float]
    spike: tuple[float, float] | None = None
    rate: tuple[float, float | None] | None = None
    rate_floor: float = 0.0
    flat_h: tuple[float, float] | None = None
    flat_tolerance: float = 0.0
    flat_above: float | None = None
    neighbour_m: float | None = None
    neighbour_difference: float | None = None
    estimates: tuple[str, ...] = ()
    source: str = ""

    @property
    def context_h(self) -> float:
        """How far back a check looks. [h]"""
        return self.flat_h[1] if self.flat_h else 0.0


def rules_for(name: str, unit: str, thing_kind: str = "", counter: bool = False) -> Rules | None:
    """Rules for an observed property by its name and unit, or None where there are none.

    thing_kind : of the Thing; temperatures of indoor climate are those of rooms.
    counter : whether the values are readings of a counter, which only rise.

    A unit that does not convert into the table's gives no rules: it is another quantity of the same name.
    """
    return _rules(words_of(name), unit, thing_kind, counter)


@cache
def _rules(words: str, unit: str, thing_kind: str, counter: bool) -> Rules | None:
    candidates = _candidates(words)
    if thing_kind == "indoor_climate" and any(row == "temperature" for row, _ in candidates):
        candidates = [("indoor_temperature", 99), *candidates]
    for row, _ in sorted(candidates, key=lambda item: -item[1]):
        try:
            return _in_unit(row, unit, counter)
        except UnitError:
            continue
    return None


def _candidates(words: str) -> list[tuple[str, int]]:
    found = []
    for name, known in table()["words"].items():
        lengths = [len(word) for word in known if re.search(rf"\b{re.escape(word)}", words)]
        if lengths:
            found.append((str(name), max(lengths)))
    return found


def words_of(name: str) -> str:
    """A name for comparison: "soilMoisture", "soil_moisture" and "Soil-Moisture" are "soil moisture"."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)  # soilMoisture
    return " ".join(re.split(r"[\s_/]+", fold(spaced).replace("-", " "))).strip()


@cache
def table() -> pd.DataFrame:
    """The table of limits; column `words` as tuples of folded words, `estimates` as tuples of columns."""
    rows = pd.read_csv(
        assets.path("sensors", "limits.csv"), dtype={"estimates": str, "source": str, "words": str}
    )
    rows["words"] = [tuple(words_of(word) for word in words.split("|")) for words in rows["words"]]
    rows["estimates"] = [
        tuple(names.split("|")) if isinstance(names, str) else () for names in rows["estimates"]
    ]
    return rows.set_index("name")


def _in_unit(name: str, unit: str, counter: bool) -> Rules:
    row: Mapping[Any, Any] = table().loc[name].to_dict()
    of_table = str(row["unit"])
    plain = {column: float(row[column]) for column in (*_ABSOLUTE, *_DIFFERENCES, *_PLAIN)}
    if unit != of_table:
        zero = float(units.convert(0.0, of_table, unit))
        for column in _ABSOLUTE:
            plain[column] = float(units.convert(plain[column], of_table, unit))
        for column in _DIFFERENCES:
            plain[column] = abs(float(units.convert(plain[column], of_table, unit)) - zero)
    given = {column: (value if np.isfinite(value) else None) for column, value in plain.items()}
    rate = given["rate_suspect_per_h"]
    return Rules(
        name=name,
        unit=unit,
        fail=_span(given["fail_min"], given["fail_max"]),
        suspect=_span(given["suspect_min"], given["suspect_max"]),
        spike=_pair(given["spike_suspect"], given["spike_fail"]),
        rate=None if counter or rate is None else (rate, given["rate_fail_per_h"]),
        rate_floor=given["rate_floor"] or 0.0,
        flat_h=None if counter else _pair(given["flat_suspect_h"], given["flat_fail_h"]),
        flat_tolerance=given["flat_tolerance"] or 0.0,
        flat_above=given["flat_above"],
        neighbour_m=given["neighbour_m"],
        neighbour_difference=given["neighbour_difference"],
        estimates=row["estimates"],
        source=str(row["source"]),
    )


def _span(low: float | None, high: float | None) -> tuple[float, float]:
    """From low to high; of units that count downwards the ends change places."""
    ends = (-np.inf if low is None else low, np.inf if high is None else high)
    return (min(ends), max(ends))


def _pair(suspect: float | None, fail: float | None) -> tuple[float, float] | None:
    return None if suspect is None else (suspect, np.inf if fail is None else fail)
