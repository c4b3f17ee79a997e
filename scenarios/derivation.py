"""Where an indicator comes from: formula, inputs with values, units and sources, down to the tables.

Each step's formula is an expression over its inputs, so that whoever doubts a figure works it out again (the
tests do). What an hourly simulation gives is an input; for a building, `chain` leads from areas and U-values
to it (`energy.derivation.trace`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from energy import derivation as chain_of
from energy.derivation_sheet import Sheet, Step, lines
from scenarios import derivation_costs, derivation_details, derivation_energy, derivation_network
from scenarios.compare import DISTRICT, INDICATORS
from scenarios.comparison import Comparison
from scenarios.derivation_place import Place, place_of
from twin.errors import CallError

RECIPES: dict[str, Callable[[Sheet, Place], str]] = {
    **derivation_energy.RECIPES,
    **derivation_costs.RECIPES,
    **derivation_network.RECIPES,
    **derivation_details.RECIPES,
}


@dataclass(frozen=True)
class Derivation:
    """How a figure follows.

    where : "district", or the id of a block or building.
    value : as the comparison shows it; nan where it is not defined, then `reason` says why.
    steps : in order, each over earlier ones; the last is the indicator.
    chain : of a building: its year figure by figure, from the tables to what `steps` take as simulated.
    """

    indicator: str
    scenario: str
    where: str
    unit: str
    value: float
    formula: str
    steps: tuple[Step, ...]
    chain: tuple[Step, ...]
    reason: str = ""

    @property
    def estimates(self) -> tuple[Step, ...]:
        """The inputs, also of the chain, that are estimated."""
        return tuple(step for step in (*self.steps, *self.chain) if step.is_estimate)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        plain = {**vars(self)}
        plain["value"] = None if self.value != self.value else self.value
        plain["steps"] = [step.to_dict() for step in self.steps]
        plain["chain"] = [step.to_dict() for step in self.chain]
        plain["estimates"] = sorted({step.symbol for step in self.estimates})
        return plain


def check(indicator: str) -> None:
    """Refuse an indicator that does not exist.

    Raises
    ------
    CallError : names those that do.
    """
    if indicator not in RECIPES:
        raise CallError(
            f"there is no indicator {indicator!r}", "derivation", f"Use one of {', '.join(RECIPES)}"
        )


def derive(
    indicator: str, comparison: Comparison, where: str = DISTRICT, scenario: str | None = None
) -> Derivation:
    """How an indicator of a scenario follows; of the last one without a name.

    where : "district", or the id of a block or building.

    Raises
    ------
    CallError : there is no such indicator, scenario or place, or the indicator belongs to the district only.
    """
    check(indicator)
    place = place_of(comparison, where, scenario)
    shown = INDICATORS[indicator]
    if shown.stage == 2 and (place.network is None or not place.is_district):
        why = comparison.network_missing or "it is one of the whole district"
        raise CallError(f"there is no {indicator} here: {why}", where, "Ask for the district, with --network")
    sheet = Sheet()
    reason = RECIPES[indicator](sheet, place)
    chain: tuple[Step, ...] = ()
    if place.level == "building":
        chain = chain_of.trace(place.outcome.case, where)
    value = place.shown(comparison, indicator)
    return Derivation(
        indicator, place.outcome.name, where, shown.unit, value, shown.formula, tuple(sheet.steps), chain,
        reason,
    )  # fmt: skip


def text(found: Derivation, language: str = "en") -> list[str]:
    """As lines: the figure, how it follows, and which inputs are estimated."""
    shown = INDICATORS[found.indicator]
    value = "–" if pd.isna(found.value) else f"{found.value:,.3f}"
    said = {
        "en": ("steps", "from the tables to what was simulated", "estimates among them"),
        "de": ("Schritte", "von den Tabellen bis zum Simulierten", "darunter Schätzungen"),
    }[language]
    out = [f"{shown.title(language)}: {value} {found.unit} ({found.scenario}, {found.where})", found.formula]
    if found.reason:
        out.append(found.reason)
    out += ["", f"{said[0]}:", *lines(found.steps, language)]
    if found.chain:
        out += ["", f"{said[1]}:", *lines(found.chain, language)]
    estimates = sorted({step.symbol for step in found.estimates})
    if estimates:
        out += ["", f"{said[2]} ({len(estimates)}): {', '.join(estimates)}"]
    return out
