"""Which measures on which blocks: the front of cost against CO2 under a budget, by mixed-integer programming.

Each step of a scenario is an option that every block takes or leaves. Without the heat network, what a block
costs and saves follows from its own options alone: each combination is simulated once for the whole district,
and the choice is a multiple-choice knapsack, which HiGHS solves (`scipy.optimize.milp`): the least net
present cost that saves as much CO2 as asked for, within the budget.

The yardstick is a heuristic that people use: the cheapest tonne next, until the budget is spent. The front is
never worse: each of its points is asked for as well, and taken where the solver ends above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from energy import Case
from scenarios.compare import indicators_of
from scenarios.measures import MEASURES
from scenarios.outcome import evaluate
from scenarios.scenario import Scenario, Step, Targets
from twin.errors import CallError

Array = npt.NDArray[np.float64]
Choice = npt.NDArray[np.intp]
Progress = Callable[[str, float], None]
FIGURES = ("extra_cost_eur", "co2_saved_kg", "spent_eur")
MOST_OPTIONS = 5  # 32 combinations to simulate
_BEYOND = ("trees",)  # what a building gets depends on where its neighbours plant
_GAP, _SECONDS = 1e-5, 20.0


@dataclass(frozen=True, eq=False)
class Options:
    """What each unit (block or building) may do, and what comes of it.

    scenario : whose steps are the options.  fixed : numbers of steps that hold for all, from 0.
    combinations : numbers of the steps of each combination; the first is none of them.
    units : of each building, index building_id.
    cost_eur, saved_kg, spent_eur : extra net present cost, CO2 saved over the horizon, and investment less
        subsidies of each unit with each combination, shape (unit, combination), against none.
    """

    scenario: Scenario
    fixed: tuple[int, ...]
    combinations: tuple[tuple[int, ...], ...]
    units: pd.Series
    names: tuple[str, ...]
    cost_eur: Array
    saved_kg: Array
    spent_eur: Array

    def sums(self, choice: Choice) -> dict[str, float]:
        """The district's `FIGURES` where each unit takes the combination of its number."""
        rows = np.arange(len(choice))
        values = (self.cost_eur, self.saved_kg, self.spent_eur)
        return {name: float(v[rows, choice].sum()) for name, v in zip(FIGURES, values, strict=True)}

    def as_scenario(self, choice: Choice, name: str) -> Scenario:
        """The scenario of a choice: each step on the buildings of the units that take it."""
        taken = dict(zip(self.names, choice.tolist(), strict=True))
        steps: list[Step | Callable[[Case], Case]] = []
        for number, step in enumerate(self.scenario.measures):
            assert isinstance(step, Step)
            if number in self.fixed:
                steps.append(step)
                continue
            mine = {unit for unit, combination in taken.items() if number in self.combinations[combination]}
            ids = [str(building) for building, unit in self.units.items() if unit in mine]
            if ids:
                targets = step.targets.model_copy(update={"buildings": _within(ids, step.targets)})
                steps.append(step.model_copy(update={"targets": targets}))
        return Scenario(name=name, title=self.scenario.title, measures=steps)


def _within(ids: list[str], targets: Targets) -> list[str]:
    return ids if targets.buildings is None else [name for name in ids if name in set(targets.buildings)]


@dataclass(frozen=True, eq=False)
class Front:
    """Points of the front by rising saving, and of the heuristic, columns `FIGURES`; the front's choices."""

    options: Options
    points: pd.DataFrame
    choices: tuple[Choice, ...]
    heuristic: pd.DataFrame

    def scenarios(self) -> list[Scenario]:
        """A scenario of each point."""
        stem = self.options.scenario.name[:70]
        return [
            self.options.as_scenario(choice, f"{stem}-p{number:02d}")
            for number, choice in enumerate(self.choices)
        ]


def optimise(
    scenario: Scenario,
    case: Case,
    *,
    budget_eur: float = np.inf,
    points: int = 10,
    by: str = "block",
    progress: Progress | None = None,
) -> Front:
    """The front of extra net present cost against CO2 saved over the horizon, stage 1.

    budget_eur : most that may be spent on investments less subsidies.
    points : how many savings, evenly from none to the largest, are asked for; those of the heuristic join.
    by : "block" or "building": what takes or leaves a step as a whole.

    Raises
    ------
    CallError : no option, too many, one whose effect reaches beyond its buildings, or a senseless budget.
    """
    report = progress or (lambda _text, _share: None)
    if points < 2 or not budget_eur >= 0:
        raise CallError(
            f"{points} points under {budget_eur:g} €", "optimise", "Use 2 points or more, a budget from 0"
        )
    options = options_of(scenario, case, by, lambda share: report("simulate", 0.5 * share))
    greedy = thinned(heuristic(options, budget_eur), points)
    rows = pd.DataFrame([options.sums(choice) for choice in greedy])
    most = options.sums(_solve(options, budget_eur, None))["co2_saved_kg"]
    asked = np.union1d(np.linspace(0.0, most, points), rows["co2_saved_kg"])
    found = list(greedy)  # stand in where the solver ends above them
    for number, saving in enumerate(asked):
        report("optimise", 0.5 + 0.5 * number / len(asked))
        found.append(_solve(options, budget_eur, float(saving)))
    table = pd.DataFrame([options.sums(choice) for choice in found])
    keep = _undominated(table)
    kept = table.loc[keep].reset_index(drop=True).rename_axis("point")
    return Front(options, kept, tuple(found[n] for n in keep), rows.rename_axis("point"))


def thinned(choices: Sequence[Choice], count: int) -> list[Choice]:
    """At most `count` of them, evenly, first and last among them."""
    return [choices[n] for n in np.unique(np.linspace(0, len(choices) - 1, count).round().astype(int))]


def options_of(
    scenario: Scenario, case: Case, by: str = "block", progress: Callable[[float], None] = lambda _: None
) -> Options:
    """Simulate each combination of a scenario's steps once, on all buildings they may reach.

    Raises
    ------
    CallError : as `optimise` says.
    """
    free, fixed = _parted(scenario)
    units = _units(case, by)
    names = tuple(dict.fromkeys(units))
    base = evaluate(_only(scenario, fixed), case)
    known: dict[tuple[int, ...], pd.DataFrame] = {}
    every = [chosen for size in range(len(free) + 1) for chosen in combinations(free, size)]
    for number, chosen in enumerate(every):
        progress(number / len(every))
        try:
            after = base if not chosen else evaluate(_only(scenario, (*fixed, *chosen)), case)
        except CallError:
            if len(chosen) < 2:  # one step alone is at fault; of several, rules refuse to stand together
                raise
            continue
        table = indicators_of(after, base, "building")
        table = table.assign(spent_eur=table["investment_eur"] - table["subsidy_eur"])
        sums = table[list(FIGURES)].groupby(units.reindex(table.index)).sum()
        known[chosen] = sums.reindex(list(names)).fillna(0.0)
    cost, saved, spent = (
        np.stack([sums[name].to_numpy("float64") for sums in known.values()], axis=1) for name in FIGURES
    )
    spent = spent - spent[:, :1]  # without what holds for the whole district
    return Options(scenario, fixed, tuple(known), units, names, cost, saved, spent)


def heuristic(options: Options, budget_eur: float) -> list[Choice]:
    """The cheapest tonne next: of all changes of one unit that save more CO2, the one of least cost per CO2.

    Each step is a point; changes that no longer fit into the budget are passed over.
    """
    choice = np.zeros(len(options.names), np.intp)
    rows = np.arange(len(choice))
    points, spent = [choice.copy()], 0.0
    while True:
        saved = options.saved_kg - options.saved_kg[rows, choice][:, None]
        cost = options.cost_eur - options.cost_eur[rows, choice][:, None]
        money = options.spent_eur - options.spent_eur[rows, choice][:, None]
        fits = (saved > 1e-6) & (spent + money <= budget_eur)
        if not fits.any():
            return points
        price = np.where(fits, cost / np.where(fits, saved, 1.0), np.inf)
        unit, combination = np.unravel_index(int(price.argmin()), price.shape)
        spent += float(money[unit, combination])
        choice[unit] = combination
        points.append(choice.copy())


def _solve(options: Options, budget_eur: float, saving_kg: float | None) -> Choice:
    """The choice of least cost that saves so much; without `saving_kg` the one that saves most."""
    units, count = options.cost_eur.shape
    size = units * count
    one_each = csr_array((np.ones(size), (np.repeat(np.arange(units), count), np.arange(size))))
    rules = [LinearConstraint(one_each, 1, 1)]
    tonnes, thousands = options.saved_kg.ravel() / 1e3, options.spent_eur.ravel() / 1e3
    if np.isfinite(budget_eur):
        rules.append(LinearConstraint(thousands[None, :], -np.inf, budget_eur / 1e3))
    if saving_kg is not None:
        rules.append(LinearConstraint(tonnes[None, :], saving_kg / 1e3 * (1 - 1e-12), np.inf))
    aim = -tonnes if saving_kg is None else options.cost_eur.ravel() / 1e3
    found = milp(
        aim, constraints=rules, integrality=np.ones(size), bounds=Bounds(0, 1),
        options={"mip_rel_gap": _GAP, "time_limit": _SECONDS},
    )  # fmt: skip
    if found.x is None:  # beyond reach within the budget: nothing is done; the heuristic's point stands in
        return np.zeros(units, np.intp)
    return np.asarray(found.x.reshape(units, count).argmax(axis=1), np.intp)


def _undominated(table: pd.DataFrame) -> list[int]:
    """Numbers of the points that no other beats in cost and CO2, by rising CO2 saved; doubles once."""
    order = table.sort_values(["co2_saved_kg", "extra_cost_eur"], ascending=[False, True])
    kept: list[int] = []
    least = np.inf
    for number, cost in zip(order.index, order["extra_cost_eur"], strict=True):
        if cost < least - 1e-6:
            kept.append(int(number))
            least = float(cost)
    return kept[::-1]


def _parted(scenario: Scenario) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of the steps that are options, and of those that hold for the whole district."""
    free: list[int] = []
    fixed: list[int] = []
    for number, step in enumerate(scenario.measures):
        if not isinstance(step, Step) or step.is_code:
            raise CallError(
                "a function of one's own is no option", f"scenario {scenario.name}", "Use named measures"
            )
        where = f"scenario {scenario.name}, measure {number + 1}"
        if step.measure in _BEYOND:
            raise CallError(f"{step.measure} reach beyond the building", where, "Leave them out")
        if step.measure == "envelope_retrofit" and step.parameters.get("share", 1.0) != 1.0:
            raise CallError(
                "a share of the blocks is no option", where, "Leave `share` out: blocks are chosen here"
            )
        (free if hasattr(MEASURES[step.measure], "applicable") else fixed).append(number)
    if not 1 <= len(free) <= MOST_OPTIONS:
        raise CallError(
            f"{len(free)} measures on buildings",
            f"scenario {scenario.name}",
            f"Use 1 to {MOST_OPTIONS} of them",
        )
    return tuple(free), tuple(fixed)


def _only(scenario: Scenario, numbers: Iterable[int]) -> Scenario:
    kept: Sequence[object] = [scenario.measures[n] for n in sorted(numbers)]
    return scenario.model_copy(update={"measures": kept})


def _units(case: Case, by: str) -> pd.Series:
    """The unit of each building, index building_id."""
    if by not in ("block", "building"):
        raise CallError(f"there is no unit {by!r}", "optimise", "Use block or building")
    ids = pd.Series(case.envelope.index, index=case.envelope.index).astype(str)
    if by == "building":
        return ids
    block = case.district.buildings["block_id"].reindex(ids.index)
    unit: pd.Series = block.where(block.notna() & (block != ""), ids).astype(str)
    return unit
