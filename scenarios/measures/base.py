"""What measures share: described parameters, the choice of buildings, and refusals in one voice.

A measure is a module with

- `TITLE`, `DESCRIPTION`: texts in German and English,
- `PARAMETERS`: what can be set, each with unit, range, default and source,
- `apply(case, *, buildings=None, …) -> Case`: a new case; what it may not apply to stays as it is,
- `applicable(case) -> mask`: the buildings that it may apply to; absent where it acts on the whole case,
- `STAGE`: the first stage of a run that shows its effect (1: buildings, 2: heat network),
- `EXCLUDES`: measures that may not act on the same building in one scenario,
- `BEFORE`: measures that must come after it where both are in a scenario.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case
from energy.columns import relabelled
from energy.parameters import HOUR_COLUMNS
from twin.compute import Same
from twin.errors import CallError, quoted

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Parameter:
    """What can be set of a measure.

    default : a number, text, truth value, or several texts.
    low, high : limits of a number, both included.
    choices : of a text, or of each of several texts; empty: no limit.
    source : of the default.
    """

    name: str
    title: Mapping[str, str]
    default: Any
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    source: str = ""
    is_estimate: bool = False


def share_of(de: str, en: str, default: float, source: str) -> Parameter:
    """The parameter `share` of what a measure takes in hand, 0 to 1."""
    title = {"de": f"Anteil der {de}", "en": f"Share of the {en}"}
    return Parameter("share", title, default, "1", 0.0, 1.0, source=source, is_estimate=True)


def set_back(de: str, en: str, high: float, source: str) -> Parameter:
    """The parameter `set_back_c`: what the air may fall to where nobody needs it warm."""
    return Parameter(
        "set_back_c", {"de": de, "en": en}, 17.0, "°C", 12.0, high, source=source, is_estimate=True
    )


def check(measure: str, parameters: Iterable[Parameter], values: Mapping[str, Any]) -> None:
    """Refuse values that the measure's parameters do not allow.

    Raises
    ------
    CallError : names the measure, the parameter and what may stand there.
    """
    for parameter in parameters:
        if parameter.name in values:
            _check_one(f"measure {measure}", parameter, values[parameter.name])


def _check_one(where: str, parameter: Parameter, value: Any) -> None:
    is_value = f"{parameter.name} ist {quoted(value)}"
    if isinstance(parameter.default, bool):
        if not isinstance(value, bool):
            raise CallError(
                f"{parameter.name} is {value!r}", where, "Use true or false",
                german=f"{is_value}. Möglich sind true und false.",
            )  # fmt: skip
    elif isinstance(parameter.default, (int, float)):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        finite = number and abs(value) <= sys.float_info.max  # whole numbers may be of any size
        if not finite or not parameter.low <= value <= parameter.high:
            unit = f" {parameter.unit}" if parameter.unit not in ("", "1") else ""
            raise CallError(
                f"{parameter.name} is {value!r}",
                where,
                f"Use {parameter.low:g} to {parameter.high:g}{unit}",
                german=f"{is_value}. Möglich sind Zahlen von {german(parameter.low)} bis "
                f"{german(parameter.high)}{unit}.",
            )
    else:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, (list, tuple)) or not all(isinstance(text, str) for text in given):
            raise CallError(
                f"{parameter.name} is {value!r}", where, "Use text",
                german=f"{is_value}. Schreiben Sie einen Text.",
            )  # fmt: skip
        if parameter.choices and (odd := [text for text in given if text not in parameter.choices]):
            choices = ", ".join(parameter.choices)
            raise CallError(
                f"there is no {parameter.name} {odd[0]!r}", where, f"Use {choices}",
                german=f"{quoted(odd[0])} gibt es für {parameter.name} nicht. Möglich sind {choices}.",
            )  # fmt: skip


def german(number: float) -> str:
    """A number as errors in German say it."""
    return f"{number:g}".replace(".", ",")


def chosen(case: Case, buildings: Iterable[str] | None, may: Mask, measure: str) -> Mask:
    """Those of `buildings` (ids; all without them) that the measure may apply to, shape (building,).

    Raises
    ------
    CallError : a building that does not exist.
    """
    if buildings is None:
        return may
    ids = pd.Index(list(buildings))
    rows = case.envelope.index.get_indexer(ids)
    if (lost := ids[rows < 0]).size:
        raise CallError(
            f"there is no building {lost[0]!r}", f"measure {measure}", "Use ids of the table buildings",
            german=f"Das Gebäude {quoted(lost[0])} gibt es nicht. Nennen Sie Kennungen aus buildings.",
        )  # fmt: skip
    named = np.zeros(len(may), bool)
    named[rows] = True
    return may & named


def conditioned(case: Case) -> Mask:
    """Whether each building is heated, shape (building,)."""
    heated: Mask = case.envelope["conditioned"].to_numpy(bool)
    return heated


def homes(case: Case) -> Mask:
    """Whether each building is a heated apartment or family house, shape (building,)."""
    by_household = case.parameters.use["by_household"].to_dict()
    both: Mask = conditioned(case) & case.envelope["function"].map(by_household).fillna(False).to_numpy(bool)
    return both


def variant_of_use(
    case: Case, rows: Mask, label: str, figures: Mapping[str, Any], occupied: npt.NDArray[np.float64] | None
) -> Case:
    """The case whose buildings `rows` have their use's schedule with some figures changed.

    Set-points stand in the table use, by function: the buildings get a function of their own, with all that
    the shipped one has but `figures`.

    label : of the variant; two variants of one label and function must have the same figures.
    occupied : hours of use in place of the function's, shape (24,) for all days; None: as they are.
    """
    parameters = case.parameters
    functions = case.envelope["function"].to_numpy(object)
    originals = tuple(sorted(set(functions[rows])))
    names = {_PLACE + function: f"{function}~{label}" for function in originals}
    known = [
        _without(table, names.values()) for table in (parameters.use, parameters.schedules, parameters.rooms)
    ]
    use, schedules, rooms, opens = _with_variants(*map(Same, known), originals)
    if occupied is not None:
        hours = schedules[list(HOUR_COLUMNS)].to_numpy("float64", copy=True)
        hours[opens] = occupied
        others = schedules.drop(columns=list(HOUR_COLUMNS))
        fresh = pd.DataFrame(hours, index=schedules.index, columns=list(HOUR_COLUMNS))
        schedules = pd.concat([fresh, others], axis=1)[list(schedules.columns)]
    use, rooms = (table.rename(index=names) for table in (use, rooms))
    variants = use.index.isin(list(names.values()))
    use = use.assign(**{name: np.where(variants, value, use[name]) for name, value in figures.items()})
    labels = case.envelope["function"]
    for function in originals:
        mine = rows & (functions == function)
        labels = pd.Series(relabelled(labels, mine, names[_PLACE + function]), index=labels.index)
    changed = parameters.replace(
        use=use, schedules=schedules.rename(index=names, level="function"), rooms=rooms
    )
    return case.replace(envelope=case.envelope.assign(function=labels), parameters=changed)


_PLACE = "~"  # before the name of a function whose variant has no label yet


def _without(table: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """The table without rows of some functions; itself, where it has none of them."""
    theirs = table.index.get_level_values("function").isin(list(names))
    return table[~theirs] if theirs.any() else table


@lru_cache(maxsize=16)
def _with_variants(
    use: Same[pd.DataFrame],
    schedules: Same[pd.DataFrame],
    rooms: Same[pd.DataFrame],
    functions: tuple[str, ...],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, npt.NDArray[np.intp]]:
    """The tables with rows for variants, as those of the functions, and where the hours of use stand.

    Kept, as a slider changes figures in them again and again: building them takes longer than the simulation.
    """
    names = [_PLACE + function for function in functions]
    table, room = (
        pd.concat([one, one.loc[list(functions)].set_axis(names)]).rename_axis("function")
        for one in (use.it, rooms.it)
    )
    week = schedules.it
    level, parts = week.index.get_level_values("function"), [week]
    for function, name in zip(functions, names, strict=True):
        part = week[level == function].reset_index().assign(function=name)
        parts.append(part.set_index(list(week.index.names)))
    weeks = pd.concat(parts)
    mine = weeks.index.get_level_values("function").isin(names)
    opens = np.flatnonzero(mine & (weeks.index.get_level_values("quantity") == "occupied"))
    return table, weeks, room, opens


def function_of(function: str) -> str:
    """The shipped function of a building's use, also of a variant."""
    return function.split("~", 1)[0]
