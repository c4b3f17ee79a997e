"""What a plan costs and saves over the years: the figures of `scenarios.compare`, as the report has them too.

All comes from the page's own twin: the year of each building (only what the plan changes is simulated again),
what its measures buy, and the heat network's year where it is known in both states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from energy import weighting
from energy.changes import changed_buildings
from scenarios import compare, costs, outcome
from scenarios.outcome import Outcome, Stage
from viewer.second_stage import NetworkFigures, SecondStage
from viewer.state import Twin
from viewer.whatif import Plan

FIGURES = ("investment_eur", "subsidy_eur", "extra_cost_eur", "co2_saved_kg", "abatement_cost_eur_t")
# Parts of the total in the order of the waterfall; all as present values, or in the year's euros.
PARTS = ("investment", "subsidy", "upkeep", "energy", "co2", "network")


@dataclass(frozen=True, eq=False)
class Economy:
    """Costs and savings of a plan.

    figures : `FIGURES` against the district as it is, over the horizon. [€, kg, €/t]
    parts : by year, index year, columns `PARTS`, what is paid with the plan; subsidies and feed-in are
        negative. [€]
    before : the same of the district as it is.
    rate : real interest rate by which later years count less. [1/a]
    """

    figures: dict[str, float]
    parts: pd.DataFrame
    before: pd.DataFrame
    rate: float

    @property
    def horizon_a(self) -> int:
        return len(self.parts)


def economy(twin: Twin, plan: Plan, stages: tuple[SecondStage, SecondStage]) -> Economy:
    """Costs of `plan`; takes about a second for many buildings, safe in another thread.

    stages : stage 2 of the district as it is, and of the plan.
    """
    networks = [stage.network for stage in stages]
    counted = all(network is not None for network in networks)
    base, after = (
        _outcome(twin, of, network if counted else None)
        for of, network in zip((Plan(), plan), networks, strict=True)
    )
    row = compare.indicators_of(after, base).iloc[0]
    figures = {name: float(row[name]) for name in FIGURES}
    rate = base.case.parameters.constant("interest_rate")
    return Economy(figures, _parts(after, base), _parts(base, base), rate)


def plain(found: Economy | None) -> dict[str, Any] | None:
    """The figures for the page; what does not exist (no CO2 saved: no cost of it) is null."""
    if found is None:
        return None
    known = {name: value if np.isfinite(value) else None for name, value in found.figures.items()}
    return {**known, "horizon_a": found.horizon_a, "rate": found.rate}


def _outcome(twin: Twin, plan: Plan, network: NetworkFigures | None) -> Outcome:
    case, scenario = twin.variant(plan), plan.effective().scenario()
    table = twin.known(("outcome", plan.effective()), lambda: _annual(twin, plan))
    revenue = float(table["feed_in_revenue_eur"].sum())
    carriers = list(case.parameters.carriers.index)
    delivered = pd.Series([float(table[f"delivered_{name}_kwh"].sum()) for name in carriers], index=carriers)
    stages = [Stage(case.parameters.year, case)]
    items = outcome.bought_items(scenario, twin.case)
    years = outcome.pathway(stages, [(delivered, revenue)], twin.case)
    found = Outcome("plan", case, table, items, years, tuple(stages), (table,))
    return found if network is None else outcome.with_networks(found, twin.case, [network.year])


def _annual(twin: Twin, plan: Plan) -> pd.DataFrame:
    """`outcome.annual` of a plan: buildings that it leaves alone have the year they had."""
    if plan.idle:
        return outcome.annual(twin.case)
    before = twin.known(("outcome", Plan()), lambda: outcome.annual(twin.case))
    case = twin.variant(plan)
    changed = changed_buildings(twin.case, case)
    if changed is None:
        return outcome.annual(case)
    if not changed.any():
        return before
    fresh = outcome.annual(case, buildings=case.envelope.index[changed])
    table = before.copy()
    table.loc[fresh.index, fresh.columns] = fresh
    return table


def _parts(found: Outcome, base: Outcome) -> pd.DataFrame:
    """What is paid in each year of the horizon, by `PARTS`; their sum is `compare.years_of`'s total."""
    parameters = base.case.parameters
    start, items = parameters.year, found.items
    years = compare.years_of(found, base)
    columns = {"investment": ["investment_eur"], "subsidy": ["subsidy_eur"], "upkeep": costs.YEARLY}
    parts = {
        name: costs.item_payments(costs.only(items, money), parameters, start)
        for name, money in columns.items()
    }
    delivered = _delivered(found)
    taxed = pd.Series(
        {year: float(delivered @ _co2_price(found, int(year))) for year in years.index}, dtype="float64"
    )
    parts["energy"] = years["energy_cost_eur"] - taxed
    parts["co2"] = taxed
    parts["network"] = years.get("network_surplus_eur", pd.Series(0.0, index=years.index))
    return pd.DataFrame(parts).loc[:, list(PARTS)]


def _delivered(found: Outcome) -> np.ndarray:
    carriers = found.case.parameters.carriers.index
    return np.array([float(found.annual[f"delivered_{name}_kwh"].sum()) for name in carriers])


def _co2_price(found: Outcome, year: int) -> np.ndarray:
    return np.asarray(weighting.factors_in(found.case.parameters, year).co2_price_eur_kwh)
