"""What may not stand together in one scenario: measures that exclude, double or forestall each other."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pandas as pd

from energy import Case
from scenarios.measures import MEASURES, envelope_retrofit
from twin.errors import CallError

if TYPE_CHECKING:
    from scenarios.scenario import Scenario, Step

# Applied again, these reach the same state; all others would count twice or undo what came before.
REPEATABLE = ("envelope_retrofit", "roof_pv", "battery", "trees", "unsealing", "district_heating")


def check(scenario: Scenario, case: Case) -> None:
    """Refuse a scenario whose steps contradict each other.

    Raises
    ------
    CallError : names both steps, a building that both reach, and what to do.
    """
    reached = [_reach(step, case) for step in scenario.steps]
    for first, second in combinations(range(len(reached)), 2):
        both = reached[first].intersection(reached[second])
        if len(both):
            _check_pair(scenario, first, second, str(both[0]), len(both))


def _check_pair(scenario: Scenario, first: int, second: int, building: str, count: int) -> None:
    one, other = scenario.steps[first], scenario.steps[second]
    where = f"scenario {scenario.name}, measures {first + 1} and {second + 1}"
    shared = f"both reach {count} building(s), first {building}"
    before, after = MEASURES[one.measure], MEASURES[other.measure]
    title, later = (f"„{module.TITLE['de']}“" for module in (before, after))
    reached = f"beide betreffen {count} Gebäude, darunter {building}"
    if other.measure in before.EXCLUDES or one.measure in after.EXCLUDES:
        raise CallError(
            f"{one.measure} and {other.measure} exclude each other, but {shared}",
            where,
            "Choose one of them, or give them other targets",
            german=f"{title} und {later} schließen einander aus, aber {reached}. Wählen Sie eine der beiden "
            "Maßnahmen, oder geben Sie ihnen verschiedene Gebäude.",
        )
    if one.measure == other.measure and one.measure not in REPEATABLE and one.year == other.year:
        raise CallError(
            f"{one.measure} stands twice, and {shared}: it would count twice",
            where,
            "Keep one of them, or give them other targets or years",
            german=f"{title} steht zweimal da, und {reached}: Die Wirkung zählte doppelt. Behalten Sie eine, "
            "oder geben Sie ihnen verschiedene Gebäude oder Jahre.",
        )
    standards = _retrofits(other)
    if twice := [part for part, wanted in _retrofits(one).items() if standards.get(part, wanted) != wanted]:
        raise CallError(
            f"both bring the {twice[0]} to a standard of their own, and {shared}: it would be paid twice",
            where,
            "Keep one of them, or give them other components or targets",
            german=f"{title} steht zweimal mit verschiedenem Standard da, und {reached}: Das Bauteil würde "
            "zweimal bezahlt. Behalten Sie eine, oder geben Sie ihnen andere Bauteile oder Gebäude.",
        )
    if one.measure in after.BEFORE:
        raise CallError(
            f"{other.measure} comes after {one.measure}, which builds on it, and {shared}",
            where,
            f"Put {other.measure} first",
            german=f"{later} kommt nach {title}, die darauf aufbaut, und {reached}. Stellen Sie sie davor.",
        )


def _retrofits(step: Step) -> dict[str, str]:
    """Components that a step retrofits, and their standard; none of other measures."""
    if step.measure != "envelope_retrofit":
        return {}
    given = step.parameters.get("components", envelope_retrofit.COMPONENTS)
    components = [given] if isinstance(given, str) else given
    return dict.fromkeys(components, step.parameters.get("standard", "usual"))


def _reach(step: Step, case: Case) -> pd.Index:
    """Buildings that a step acts on; all for a measure of the whole case."""
    ids: pd.Index = step.targets.ids(case) if step.targets.given else case.envelope.index
    return ids
