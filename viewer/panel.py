"""What the manager's panel shows of a plan, and what an address of the app says: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import scenarios
from scenarios.measures import MEASURES
from scenarios.scenario import Range, Targets
from twin.errors import CallError, quoted
from viewer import facts, format, texts
from viewer.layers import LAYERS
from viewer.state import Level, Twin
from viewer.whatif import Choice, Plan

TODAY = "today"  # in an address: the state A is the district as it is
_MOST_NAMED = 3


@dataclass(frozen=True)
class Address:
    """What a link to the app says: it opens as somebody left it, also in another language.

    targets : of a set of selected buildings, as `viewer.picking` writes it.
    scenario : the one of the shelf that is open.
    problem : what of it could not be read.
    held, held_title : the state A, and how somebody called it.
    """

    plan: Plan = field(default_factory=Plan)
    colour: str = next(iter(LAYERS))
    selected: str | None = None
    level: Level | None = None
    targets: str = ""
    scenario: str = ""
    tab: Literal["plan", "sensors"] = "plan"
    problem: CallError | None = None
    held: Plan | None = None
    held_title: str = ""

    @classmethod
    def read(cls, arguments: Mapping[str, Sequence[bytes]]) -> Address:
        """The address of a request's arguments; what is no part of one is as without it."""

        def given(name: str) -> str:
            return next(iter(arguments.get(name, [])), b"").decode("utf-8", "replace")

        plan, held, problem = Plan(), None, None
        try:
            plan = Plan.from_text(given("plan"))
            if given("a"):
                held = Plan() if given("a") == TODAY else Plan.from_text(given("a"))
        except CallError as error:
            problem = error
        colour, level, tab = given("colour"), given("level"), given("tab")
        return cls(
            plan=plan,
            colour=colour if colour in LAYERS else next(iter(LAYERS)),
            selected=given("selected") or None,
            level="building" if level == "building" else "block",
            targets=given("targets"),
            scenario=given("scenario"),
            tab="sensors" if tab == "sensors" else "plan",
            problem=problem,
            held=held,
            held_title=given("a_title"),
        )


def rows(
    twin: Twin, plan: Plan, language: str, queries: Mapping[str, str], selected: str = ""
) -> list[dict[str, Any]]:
    """All measures in order, those of the plan as they are set.

    queries : by measure, the targets that a library's scenario gave it.
    selected : targets that mean what is selected (`picking.selection_targets`); empty: nothing is.
    """
    return [
        _row(twin, plan, choice, nth, language, queries.get(name, ""), selected)
        for name in MEASURES
        for nth, choice in enumerate(plan.of(name))
    ]


def _row(
    twin: Twin, plan: Plan, choice: Choice, nth: int, language: str, query: str, selected: str
) -> dict[str, Any]:
    kind = "all" if not choice.targets else "query"
    if choice.targets and (choice.targets == selected or (is_unit(choice.targets) and not selected)):
        kind = "selection"
        query = query if query != choice.targets else ""
    elif choice.targets:
        query = choice.targets
    count, total = twin.reached(choice, plan)
    return {
        "measure": choice.measure,
        "nth": nth,
        "on": not choice.idle,
        "values": {
            parameter.name: list(value) if isinstance(value, tuple) else value
            for parameter in MEASURES[choice.measure].PARAMETERS
            for value in [choice.value(parameter.name)]
        },
        "targets": kind,
        "targets_text": _described(twin, choice.targets, language) if choice.targets else "",
        "query": _described(twin, query, language) if query else "",
        "count": count,
        "total": total,
    }


@cache
def library(language: str) -> list[dict[str, str]]:
    """The shipped scenarios, by title; read once, as each page that opens lists them."""
    found = [(place, scenarios.load(place)) for place in scenarios.library()]
    return [
        {"id": place, "title": s.title.get(language) or s.title.get("en") or s.name}  # type: ignore[call-overload]
        for place, s in found
    ]


def scenario(place: str) -> Plan:
    """The plan of a shipped scenario.

    Raises
    ------
    CallError : there is none of this name.
    """
    if place not in scenarios.library():
        every = ", ".join(scenarios.library())
        raise CallError(
            f"there is no scenario {place!r}", "library", f"Use {every}",
            german=f"Das Szenario {quoted(place)} gibt es nicht. Möglich sind {every}.",
        )  # fmt: skip
    return Plan.from_scenario(scenarios.load(place))


def is_unit(targets: str) -> bool:
    """Whether targets mean one block or one building."""
    limits = Targets.model_validate_json(targets)
    both = [*(limits.blocks or []), *(limits.buildings or [])]
    return len(both) == 1 and not limits.where and limits.area is None


def _described(twin: Twin, targets: str, language: str) -> str:
    """Targets in words: names of blocks, or columns with what they must be."""
    limits = Targets.model_validate_json(targets)
    names = twin.district.blocks["name"].to_dict()
    parts = _listed([str(names.get(block, block)) for block in limits.blocks or []], "blocks", language)
    own = facts.names(twin.district.buildings.reindex(limits.buildings or []))
    parts += _listed([str(name) for name in own], "buildings", language)
    for column, wanted in limits.where.items():
        parts.append(f"{texts.label(language, 'column', column)} {_wanted(column, wanted, language)}")
    if limits.area is not None:
        parts.append(texts.text(language, "what_if.area"))
    return ", ".join(parts)


def _listed(names: list[str], kind: str, language: str) -> list[str]:
    """Names, or how many they are where that reads better."""
    few = len(names) <= _MOST_NAMED
    return names if few else [texts.text(language, f"pick.{kind}", count=format.number(len(names), language))]


def _wanted(column: str, wanted: Any, language: str) -> str:
    if isinstance(wanted, Range):
        low, high = ("" if end is None else f"{end:g}" for end in (wanted.min, wanted.max))
        return f"{low}–{high}"
    values = wanted if isinstance(wanted, list) else [wanted]
    return "/".join(texts.label(language, column, str(value)) for value in values)
