"""Two states of the district side by side: A, which a page holds, and B, to which people go on.

Both are drawn with the same numbers (`scenarios.year_bands`): their difference is known better than either,
and what is better is said with its probability alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from scenarios.year_bands import YearBands
from viewer import economy, format, texts, whatif
from viewer.economy import Economy
from viewer.panel import TODAY
from viewer.state import KPIS, State
from viewer.whatif import ENVELOPE, Plan

_MOST_NAMED = 2
_LONGEST_TITLE = 80


class Holding:
    """One page's A.

    show : draws the page's figures and colours anew.
    begin : makes a plan the page's, as a step that can be undone.
    tell : runs a function in the page's thread, from the desk's.
    """

    def __init__(
        self, state: State, *, show: Callable[[], None], begin: Callable[[Plan, Mapping[str, Any]], None],
        tell: Callable[..., None], fail: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self.state = state
        self.title = ""
        self.costs: Economy | None = None
        self._show, self._begin, self._tell, self._fail = show, begin, tell, fail

    @property
    def held(self) -> State | None:
        """A; None while nothing is held."""
        return self.state.held

    def receive(self, message: Mapping[str, Any]) -> bool:
        """Do what a message asks; False where it is none of these."""
        kind = message.get("type")
        if kind == "hold":
            self._keep(_copied(self.state), str(message.get("title", "")))
        elif kind == "release":
            self.leave()
            self.state.held = None
            self._show()
        elif kind == "swap" and self.held is not None:
            plan, now = self.held.plan, _copied(self.state)
            self._keep(now, str(message.get("title", "")))
            self._begin(plan, message)
        else:
            return kind == "swap"
        return True

    def resume(self, plan: Plan, title: str) -> None:
        """Hold what an address names; it is simulated at the desk."""
        held = State(self.state.twin, self.state.language)
        if plan.idle:
            held.run = replace(held.run, plan=plan)
        self.state.held, self.title = held, title[:_LONGEST_TITLE]
        self.state.twin.desk.put((self, "held"), self._job(held, plan), partial(self._tell, self._fail))

    def leave(self) -> None:
        """Compute nothing any more."""
        self.state.twin.desk.drop((self, "held"))

    def shown(self, costs: Economy | None) -> dict[str, Any] | None:
        """What the page needs of both; None while nothing is held.

        costs : of B, once they are known.
        """
        held = self.held
        if held is None:
            return None
        same = held.plan.effective() == self.state.plan.effective()
        return {
            "text": held.plan.as_text() if not held.plan.idle else TODAY,
            "title": self.title,
            "names": [self.title or named(held.plan, held.language), named(self.state.plan, held.language)],
            "same": same,
            "waiting": not same and (held.stage < 3 or self.state.stage < 3),
            "kpis": compared(held, self.state),
            "network": _network(held, self.state),
            "economy": [
                economy.plain(found) for found in (self.costs, costs if not self.state.plan.idle else None)
            ],
        }

    def _keep(self, held: State, title: str) -> None:
        self.leave()
        self.state.held, self.title, self.costs = held, title[:_LONGEST_TITLE], None
        self._show()
        self.state.twin.desk.put((self, "held"), self._job(held, held.plan), partial(self._tell, self._fail))

    def _job(self, held: State, plan: Plan) -> Iterator[None]:
        """All that A still lacks, chunk by chunk in the desk's thread."""
        twin = held.twin
        if held.plan != plan:
            self._tell(self._found, held, partial(held.show, twin.run(plan)))
            yield
        stages = twin.network_stage(Plan()), twin.network_stage(plan)
        self._tell(self._found, held, partial(held.deepen, *stages))
        yield
        if plan.idle:
            return
        self._tell(self._costed, held, economy.economy(twin, plan, stages))
        yield
        if held.bands is not None:
            return
        for bands in twin.bands(plan):
            if bands is not None:
                self._tell(self._found, held, partial(held.compare, bands))
            yield

    def _found(self, held: State, take: Callable[[], None]) -> None:
        if held is self.held:
            take()
            self._show()

    def _costed(self, held: State, found: Economy) -> None:
        if held is self.held:
            self.costs = found
            self._show()


def _copied(state: State) -> State:
    """What is shown, to be held: it stays as it is when the page goes on."""
    held = State(state.twin, state.language)
    held.run, held.bands = state.run, state.bands
    held.second, held.second_before = state.second, state.second_before
    return held


def compared(a: State, b: State) -> list[dict[str, Any]]:
    """Each figure of the year in A and in B, the difference with its band, and how sure it is that B is less.

    A figure that is counted on two bases (CO2 with the network's simulated losses on one side alone) has no
    difference. All figures are better when they are less.
    """
    bands, alike = paired(a, b), a.network_counts == b.network_counts
    rows = []
    for (name, column, factor, digits, complete), in_a, in_b in zip(KPIS, a.kpis(), b.kpis(), strict=True):
        certain = b.pump_co2_kg[1] - a.pump_co2_kg[1] if column == "co2_kg" else 0.0
        comparable = alike or column != "co2_kg"
        row: dict[str, Any] = {
            "name": name, "digits": digits, "a": in_a.after, "b": in_b.after,
            "difference": in_b.after - in_a.after if comparable else None,
            "updating": min(a.stage, b.stage) < complete, "band": None,
        }  # fmt: skip
        if bands is not None and comparable and bands.changes(column).any():
            low, high = bands.change(column, certain)
            lower = bands.probability_lower(column, certain)
            row["band"] = {
                "low": factor * low,
                "high": factor * high,
                "lower": lower,
                "draws": len(bands.before),
            }
        rows.append(row)
    return rows


def paired(a: State, b: State) -> YearBands | None:
    """The draws of A and of B, draw by draw; None before both are known, or where both are the same."""
    if a.plan.effective() == b.plan.effective():
        return None
    known = a.bands or b.bands
    if known is None:
        return None
    sides = [known.before if s.plan.idle else s.bands.after if s.bands else None for s in (a, b)]
    if sides[0] is None or sides[1] is None:
        return None
    return YearBands(np.asarray(sides[0]), np.asarray(sides[1]))


def named(plan: Plan, language: str) -> str:
    """A plan in a few words."""
    active = plan.active
    if not active:
        return texts.text(language, "kpi.before")
    said = []
    for choice in active[:_MOST_NAMED]:
        share = choice.value("share") if choice.measure == ENVELOPE else None
        number = "" if share is None else f" {format.quantity(100 * share, '%', language)}"
        said.append(whatif.title(choice.measure, language) + number)
    return ", ".join(said) + (" …" if len(active) > _MOST_NAMED else "")


def _network(a: State, b: State) -> list[dict[str, Any]]:
    """The heat network's year in A and B; nothing until both are known."""
    both = zip(a.network_kpis(), b.network_kpis(), strict=False)
    return [
        {"name": one.name, "digits": one.digits, "a": one.after, "b": other.after,
         "difference": other.after - one.after, "band": None, "updating": False}
        for one, other in both
    ]  # fmt: skip
