"""What proposals do, as the public may see it: a year per privacy group, and what it means for a home.

A change is protected as a figure is. Where a proposal changes fewer than five dwellings or meters of a group,
the difference of two public sums would be theirs; so a state shows such a group as it is today, in every
figure and every total.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import energy
from energy import sun_access
from scenarios import costs, outcome, uncertainty
from scenarios.scenario import Scenario
from viewer import privacy
from viewer.proposals import Proposal
from viewer.state import Twin

Array = npt.NDArray[np.floating[Any]]
Progress = Callable[[str, float], None]
TODAY = "today"
_QUANTILES = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class Impact:
    """What a proposal does.

    case : after it.
    shown : bool, index building_id: in a group that is shown changed.
    withheld : number of groups that are changed, but shown as today.
    home : per group that is shown changed: what it means for a home (`homes`).
    sun_h : hours of sun of the year on each building's walls, today and after; None where it changes none.
    """

    proposal: Proposal
    case: energy.Case
    shown: pd.Series
    withheld: int
    home: pd.DataFrame
    sun_h: pd.DataFrame | None


def quiet_groups(
    changed: Mapping[str, npt.NDArray[np.bool_]],
    group: pd.Series,
    units: Array,
    minimum: int = privacy.MINIMUM,
) -> dict[str, set[str]]:
    """Groups that each state must show as they are today, by name of the state.

    Two sums over a group differ by the buildings that one state changes and the other does not. A state is
    taken up in a group only if all sets of buildings that the states can be told apart by keep the minimum;
    the states before it have precedence.

    Parameters
    ----------
    changed : the buildings that each state changes, shape (building,), in order of precedence.
    group : of each building.  units : dwellings, or 1 for a meter, shape (building,).
    """
    names = group.to_numpy(object)
    mark = np.zeros(len(names), np.int64)
    found: dict[str, set[str]] = {}
    for number, (state, mask) in enumerate(changed.items()):
        wanted = mark + np.where(mask, 1 << number, 0)
        table = pd.DataFrame({"group": names, "mark": wanted, "units": units})
        parts = table[(table["mark"] > 0) & (table["group"] != privacy.HIDDEN)]
        sizes = parts.groupby(["group", "mark"])["units"].sum()
        small = set(sizes[sizes < minimum].index.get_level_values("group"))
        touched = set(names[mask])
        found[state] = small & touched
        keep = ~pd.Series(names).isin(found[state]).to_numpy(bool)
        mark = np.where(keep, wanted, mark)
    return found


def units_of(twin: Twin) -> Array:
    """Dwellings of each building, 1 for one without: its meter; shape (building,)."""
    return privacy.units_of(twin.district.buildings["dwellings"]).to_numpy("float64")


def changed_rows(before: pd.DataFrame, after: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Buildings of which any figure differs, shape (building,)."""
    columns = [name for name in before.columns if name in after.columns]
    one, other = (table[columns].fillna(0.0).to_numpy("float64") for table in (before, after))
    return np.asarray((~np.isclose(one, other, rtol=1e-9, atol=1e-9)).any(axis=1))


def as_today(twin: Twin, annual: pd.DataFrame, groups: set[str]) -> pd.DataFrame:
    """The year with the buildings of some groups as today is shown."""
    rows = twin.group.isin(groups)
    return annual.mask(rows, twin.public_annual, axis=0)


def states_of(
    twin: Twin, years: Mapping[str, pd.DataFrame]
) -> tuple[dict[str, pd.DataFrame], dict[str, set[str]]]:
    """The states that the public may compare, today first, and the groups that each shows as today."""
    masks = {name: changed_rows(twin.annual, annual) for name, annual in years.items()}
    quiet = quiet_groups(masks, twin.group, units_of(twin))
    # What is not shown as it is today is not shown as it would be either.
    shown = {name: as_today(twin, annual, quiet[name] | twin.held_back) for name, annual in years.items()}
    return {TODAY: twin.public_annual, **shown}, quiet


def of_proposals(
    twin: Twin,
    proposals: Sequence[Proposal],
    first: Mapping[str, pd.DataFrame],
    *,
    draws: int | None = None,
    progress: Progress = lambda _what, _share: None,
) -> tuple[dict[str, pd.DataFrame], list[Impact]]:
    """The states that the public may compare, and what each proposal does that is computed.

    first : years of states that come before the proposals, by name.
    draws : for bands; those of `Twin.draws` without.

    Raises
    ------
    TwinError : a proposal that cannot be applied.
    """
    applied = {state_of(p): p.applied(twin.case) for p in proposals}
    scenarios = {name: scenario for name, scenario in applied.items() if scenario is not None}
    cases, years = {}, dict(first)
    for number, (name, scenario) in enumerate(scenarios.items()):
        progress(name, number / (3 * len(scenarios)))
        cases[name] = scenario.apply(twin.case)
        years[name] = _year(twin, cases[name])
    states, quiet = states_of(twin, years)
    impacts = []
    for number, proposal in enumerate(p for p in proposals if state_of(p) in cases):
        name = state_of(proposal)
        progress(name, (1 + 2 * number / len(cases)) / 3)
        mask = pd.Series(changed_rows(states[TODAY], states[name]), index=twin.annual.index)
        shown = twin.group.isin(set(twin.group[mask])) & (twin.group != privacy.HIDDEN)
        home = homes(twin, scenarios[name], cases[name], years[name], mask, draws)
        impacts.append(
            Impact(proposal, cases[name], shown, len(quiet[name]), home, sun_hours(twin.case, cases[name]))
        )
    return states, impacts


def state_of(proposal: Proposal) -> str:
    """The name of the state after a proposal."""
    return f"proposal-{proposal.name}"


def _year(twin: Twin, case: energy.Case) -> pd.DataFrame:
    """The year of a case as `Twin.annual` has that of today."""
    annual = energy.annual(case, since=(twin.case, twin.annual)).reindex(twin.annual.index)
    annual["heating_need_kwh"] = annual["heating_need_kwh"].where(twin.conditioned)
    return annual


def homes(
    twin: Twin,
    scenario: Scenario,
    after: energy.Case,
    annual: pd.DataFrame,
    changed: pd.Series,
    draws: int | None = None,
) -> pd.DataFrame:
    """What a scenario means for a home: mean per living area of each group of at least five dwellings.

    Index group_id, of groups of heated homes alone that it changes. Columns ``heat_before``, ``heat_after``,
    ``heat_change``: cost of heating and hot water, ``levy``: what the rent may rise by (BGB § 559, § 559e);
    each followed by ``_low`` and ``_high``, 5 and 95 % of the draws. [€/(m² month)]

    annual : the year after it.
    changed : index building_id; the others are as today.
    """
    area = outcome.living_area_m2(twin.case)
    of_homes = _groups_of_homes(twin, area) & twin.group.isin(set(twin.group[changed]))
    ids = twin.group.index[of_homes.to_numpy(bool)]
    group = twin.group.loc[ids]
    total = area.loc[ids].groupby(group).sum()
    rows = twin.annual.index.get_indexer(ids)
    moves = changed.loc[ids].to_numpy(bool)
    items = outcome.bought_items(scenario, twin.case)
    before = twin.case.parameters

    def mean(values: Array) -> pd.Series:
        return pd.Series(values, index=ids).groupby(group).sum() / total

    def figures(cost: Array, cost_after: Array, bought: pd.DataFrame) -> pd.DataFrame:
        now, later = cost[rows] / 12, np.where(moves, cost_after[rows], cost[rows]) / 12
        rise = (costs.rent_levy(bought, area, before) * area).reindex(ids).fillna(0.0).to_numpy("float64")
        columns = {"heat_before": now, "heat_after": later, "heat_change": later - now,
                   "levy": np.where(moves, rise, 0.0)}  # fmt: skip
        return pd.DataFrame({name: mean(values) for name, values in columns.items()})

    table = figures(_cost(twin.case, twin.annual), _cost(after, annual), items)
    count = len(twin.draws) if draws is None else min(draws, len(twin.draws))
    if not len(ids) or not count:
        return table
    drawn = [
        figures(
            twin.draws.heat_cost_eur(n),
            twin.draws.heat_cost_eur(n, after),
            uncertainty.at_drawn_costs(items, before, twin.draws.drawn.of(n)["unit_costs"]),
        ).to_numpy("float64")
        for n in range(count)
    ]
    low, high = np.quantile(np.array(drawn), _QUANTILES, axis=0)
    for number, name in enumerate(list(table.columns)):
        table[f"{name}_low"], table[f"{name}_high"] = low[:, number], high[:, number]
    return table


def _groups_of_homes(twin: Twin, area: pd.Series) -> pd.Series:
    """Whether each building is in a group of at least five dwellings and of nothing else that is heated.

    In a group with other uses, its sum less that of its homes would be a figure of the others.
    """
    dwellings = twin.district.buildings["dwellings"].fillna(0.0).astype("float64")
    lone = (twin.group != privacy.HIDDEN) & ((dwellings < 1) | (area.reindex(dwellings.index) <= 0))
    mixed = set(twin.group[lone])
    counted = dwellings.groupby(twin.group).transform("sum")
    fit: pd.Series = (twin.group != privacy.HIDDEN) & ~twin.group.isin(mixed) & (counted >= privacy.MINIMUM)
    return fit


def _cost(case: energy.Case, annual: pd.DataFrame) -> Array:
    """Cost of the heat delivered to each building as the figures are known, shape (building,). [€/a]"""
    heat = annual["heating_delivered_kwh"]
    return np.asarray((heat * outcome.heat_price_eur_kwh(case)).fillna(0.0).to_numpy("float64"))


def sun_hours(before: energy.Case, after: energy.Case) -> pd.DataFrame | None:
    """Hours of sun of the year on each building's walls, columns today and after; None where neither trees
    nor buildings change. [h]"""
    if before.district.trees is after.district.trees and before.district.surfaces is after.district.surfaces:
        return None
    hours = {
        name: sun_access.facade_sun_h(case.weather, case.district, case.visibility)
        for name, case in ((TODAY, before), ("after", after))
    }
    return pd.DataFrame(hours)
