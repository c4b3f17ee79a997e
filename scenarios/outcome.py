"""What comes of a scenario on a case: a year per building, the years of its pathway, what it buys.

The figures here are those of stage 1, the buildings: district heat counts with the certificate's CO2 at the
customer. The heat network's losses, pumping and shortfalls are `energy.network.simulate_network`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from energy import Case, rooms, simulate
from scenarios import costs
from scenarios.scenario import Scenario, Step

_SUMS = (
    "heating_need_kwh", "cooling_need_kwh", "hot_water_need_kwh", "electricity_use_kwh",
    "heating_delivered_kwh", "auxiliary_electricity_kwh", "pv_generation_kwh", "grid_import_kwh",
    "grid_export_kwh", "primary_energy_kwh", "co2_kg", "energy_cost_eur", "feed_in_revenue_eur",
)  # fmt: skip
_HOURLY = ("heating_delivered_kwh", "grid_import_kwh", "grid_export_kwh")


@dataclass(frozen=True, eq=False)
class Outcome:
    """A scenario's results; `annual` and `hours` are those of the state after all measures.

    case : after all measures, at the evaluation year of the case before them.
    annual : per building, index building_id: energy in kWh, CO2 in kg, cost in €, and for each carrier
        ``delivered_<carrier>_kwh``.
    items : what is bought (`costs.ITEM_COLUMNS`).
    years : the district along the pathway, index year: energy_cost_eur (less feed-in revenue), co2_kg,
        primary_energy_kwh.
    """

    name: str
    case: Case
    annual: pd.DataFrame
    items: pd.DataFrame
    years: pd.DataFrame

    def hours(self) -> pd.DataFrame:
        """The district's hours, index time in UTC: heat delivered, electricity bought and sold. [kWh]"""
        found = simulate(self.case, outputs=list(_HOURLY))
        sums = {name: found[name].sum("building_id").to_numpy() for name in _HOURLY}
        return pd.DataFrame(sums, index=pd.DatetimeIndex(found["time"].to_numpy(), tz="UTC", name="time"))

    def over_temperature_kh(self) -> pd.Series:
        """Degree-hours of each building's critical room (DIN 4108-2), index building_id. [Kh]"""
        heated = self.case.envelope[self.case.envelope["conditioned"].to_numpy(bool)]
        table = rooms.overheating(heated, self.case.weather, self.case.planes, self.case.parameters)
        found: pd.Series = table["over_temperature_kh"]
        return found


def evaluate(scenario: Scenario, case: Case) -> Outcome:
    """The outcome of a scenario on the case before it, stage 1.

    Raises
    ------
    CallError : as `Scenario.apply` says.
    """
    states = stages(scenario, case)
    found = [annual(state.case) for state in states]
    energies = [_delivered(state.case, table) for state, table in zip(states, found, strict=True)]
    years = pathway(states, energies, case)
    return Outcome(scenario.name, states[-1].case, found[-1], bought_items(scenario, case), years)


@dataclass(frozen=True, eq=False)
class Stage:
    """A state of a pathway: the case from a year on."""

    first_year: int
    case: Case


def stages(scenario: Scenario, case: Case) -> list[Stage]:
    """The states of a scenario within the horizon, each from its first year on; the last is the final one.

    All are cases of the year of evaluation: what later years change of factors and prices is `pathway`'s.
    """
    start = case.parameters.year
    end = start + int(case.parameters.constant("horizon_a"))
    turns = sorted({start, *(year for year in scenario.years if start < year < end)})
    return [Stage(turn, _after(scenario, case, turn)) for turn in turns]


def _after(scenario: Scenario, case: Case, year: int) -> Case:
    states = scenario.trail(case, year)
    return states[-1][1] if states else case


def bought_items(scenario: Scenario, case: Case) -> pd.DataFrame:
    """What all measures buy, each in its year; columns `costs.ITEM_COLUMNS`."""
    before, parts = case, []
    for measure, after in scenario.trail(case):
        dated = measure.year if isinstance(measure, Step) else None
        parts.append(costs.investments(before, after, dated or case.parameters.year))
        before = after
    bought = [part for part in parts if len(part)]
    return pd.concat(bought, ignore_index=True) if bought else costs.investments(case, case)


def annual(case: Case) -> pd.DataFrame:
    """The year of each building, as `Outcome.annual`."""
    found = simulate(case, resolution="month", outputs=[*_SUMS, "delivered_kwh"])
    table: pd.DataFrame = found[list(_SUMS)].astype("float64").sum("time").to_dataframe().loc[:, list(_SUMS)]
    by_carrier = (
        found["delivered_kwh"].astype("float64").sum("time").transpose("building_id", "carrier").to_numpy()
    )
    for number, carrier in enumerate(case.parameters.carriers.index):
        table[f"delivered_{carrier}_kwh"] = by_carrier[:, number]
    return table


def _delivered(case: Case, table: pd.DataFrame) -> tuple[pd.Series, float]:
    """The district's delivered energy by carrier [kWh] and feed-in revenue [€] of a year."""
    carriers = list(case.parameters.carriers.index)
    sums = [float(table[f"delivered_{name}_kwh"].sum()) for name in carriers]
    return pd.Series(sums, index=carriers), float(table["feed_in_revenue_eur"].sum())


def pathway(states: Sequence[Stage], energies: Sequence[tuple[pd.Series, float]], case: Case) -> pd.DataFrame:
    """The district's cost, CO2 and primary energy in each year of the horizon, as `Outcome.years`.

    energies : of each state: delivered energy by carrier [kWh] and feed-in revenue [€] of a year; each is
        weighed by the factors and prices of the years that the state lasts. Feed-in revenue stays at today's
        rate, which holds for 20 years from the start (EEG 2023 § 25).
    """
    end = case.parameters.year + int(case.parameters.constant("horizon_a"))
    turns = [*(state.first_year for state in states), end]
    parts = []
    for state, (delivered, revenue), behind in zip(states, energies, turns[1:], strict=True):
        years = costs.over_years(delivered, state.case.parameters, range(state.first_year, behind))
        years["energy_cost_eur"] -= revenue
        parts.append(years)
    return pd.concat(parts)
