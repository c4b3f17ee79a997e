"""What an explanation is made of: steps, the sheet that collects them, and their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from energy.case import Case


@dataclass(frozen=True)
class Step:
    """One figure.

    symbol : as in the norm.  name, name_de : what it is.
    formula : expression over `inputs`; empty for what is given or simulated.
    source : where the formula or the figure comes from.
    is_estimate : whether the figure is estimated: by its table's flag, or as its source says.
    """

    symbol: str
    name: str
    name_de: str
    value: float
    unit: str
    formula: str
    inputs: Mapping[str, float]
    source: str
    is_estimate: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "inputs": dict(self.inputs)}


class Sheet:
    """Steps in order; later formulas use earlier symbols."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.known: dict[str, float] = {}

    def given(
        self, symbol: str, name: str, name_de: str, value: float, unit: str, source: str, *,
        is_estimate: bool = False,
    ) -> None:  # fmt: skip
        """A figure that is given or simulated; a source that says so makes it an estimate in any case."""
        guess = is_estimate or estimated(source)
        self._add(Step(symbol, name, name_de, float(value), unit, "", {}, source, guess))

    def nothing(self, reason: str, *rows: tuple[str, str, str]) -> None:
        """Energies of zero (symbol, name, German name) for a reason."""
        for symbol, name, name_de in rows:
            self.given(symbol, name, name_de, 0.0, "kWh", reason)

    def worked(self, symbol: str, name: str, name_de: str, formula: str, unit: str, source: str) -> float:
        """A figure worked out from earlier symbols."""
        used = {word: self.known[word] for word in _words(formula) if word in self.known}
        value = evaluated(formula, used)
        self._add(Step(symbol, name, name_de, value, unit, formula, used, source))
        return value

    def _add(self, step: Step) -> None:
        self.known[step.symbol] = step.value
        self.steps.append(step)


_ESTIMATED = ("estimate", "guessed:", "own calculation", "our choice", "usual ")


def estimated(source: str) -> bool:
    """Whether a source says that its figure is estimated."""
    return any(word in source.casefold() for word in _ESTIMATED)


def evaluated(formula: str, inputs: Mapping[str, float]) -> float:
    """One of our own formulas with its inputs."""
    return float(eval(formula, {"__builtins__": {}, "max": max, "min": min}, dict(inputs)))


def _words(formula: str) -> set[str]:
    return set("".join(c if c.isalnum() or c == "_" else " " for c in formula).split())


def readers(row: pd.DataFrame) -> tuple[Any, Any]:
    """Figure and source of the one building by column."""

    def source(column: str) -> str:
        return str(row[column].iloc[0]) if column in row else "assets/parameters"

    return lambda column: float(row[column].to_numpy("float64")[0]), source


def constant_source(case: Case, name: str) -> str:
    """Source of one of the constants."""
    return str(case.parameters.constants.loc[[name], "source"].iloc[0])


def lines(steps: tuple[Step, ...], language: str = "en") -> list[str]:
    """As text: symbol, value, unit, meaning; below it the formula with its numbers, and the source."""
    out = []
    for step in steps:
        name = step.name_de if language == "de" else step.name
        out.append(f"{step.symbol:10s} {step.value:16,.3f} {step.unit:9s} {name}")
        if step.formula:
            out.append(f"{'':11s}= {step.formula}")
            numbers = ", ".join(f"{key} = {value:,.4g}" for key, value in step.inputs.items())
            out.append(f"{'':11s}  {numbers}")
        mark = "estimate; " if step.is_estimate and "estimate" not in step.source else ""
        if language == "de" and mark:
            mark = "Schätzung; "
        out.append(f"{'':11s}[{mark}{step.source}]")
    return out
