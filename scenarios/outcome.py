"""What comes of a scenario on a case: a year per building, the years of its pathway, what it buys.

The figures here are those of stage 1, the buildings: district heat counts with the certificate's CO2 at the
customer. `with_network` adds stage 2: the network's own losses instead, pumping, shortfalls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

import energy
from energy import Case, rooms, simulate, weighting
from energy.network import Network, NetworkYear
from scenarios import costs
from scenarios.scenario import Scenario, Step

_SUMS = (
    "heating_need_kwh", "cooling_need_kwh", "hot_water_need_kwh", "electricity_use_kwh",
    "heating_delivered_kwh", "auxiliary_electricity_kwh", "pv_generation_kwh", "grid_import_kwh",
    "grid_export_kwh", "primary_energy_kwh", "co2_kg", "energy_cost_eur",
)  # fmt: skip
_HOURLY = ("heating_delivered_kwh", "grid_import_kwh", "grid_export_kwh")


@dataclass(frozen=True, eq=False)
class Outcome:
    """A scenario's results; `annual` and `hours` are those of the state after all measures.

    case : after all measures, at the evaluation year of the case before them.
    annual : per building, index building_id: energy in kWh, CO2 in kg, cost in €, and for each carrier
        ``delivered_<carrier>_kwh``; feed_in_revenue_eur.
    items : what is bought (`costs.ITEM_COLUMNS`).
    years : the district along the pathway, index year: energy_cost_eur (less feed-in revenue), co2_kg,
        primary_energy_kwh.
    network : the heat network's year; None where it was not asked for.
    """

    name: str
    case: Case
    annual: pd.DataFrame
    items: pd.DataFrame
    years: pd.DataFrame
    network: NetworkYear | None = None

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
    states = scenario.trail(case)
    before, parts = case, []
    for measure, after in states:
        year = (
            measure.year if isinstance(measure, Step) and measure.year is not None else case.parameters.year
        )
        parts.append(costs.investments(before, after, year))
        before = after
    bought = [part for part in parts if len(part)]
    items = pd.concat(bought, ignore_index=True) if bought else costs.investments(case, case)
    final = before
    return Outcome(scenario.name, final, annual(final), items, pathway(scenario, case))


def annual(case: Case) -> pd.DataFrame:
    """The year of each building, as `Outcome.annual`."""
    found = simulate(case, resolution="month", outputs=[*_SUMS, "delivered_kwh"])
    table: pd.DataFrame = found[list(_SUMS)].astype("float64").sum("time").to_dataframe().loc[:, list(_SUMS)]
    by_carrier = (
        found["delivered_kwh"].astype("float64").sum("time").transpose("building_id", "carrier").to_numpy()
    )
    for number, carrier in enumerate(case.parameters.carriers.index):
        table[f"delivered_{carrier}_kwh"] = by_carrier[:, number]
    table["feed_in_revenue_eur"] = _feed_in(case, table["grid_export_kwh"])
    return table


def _feed_in(case: Case, exported_kwh: pd.Series) -> np.ndarray:
    power = case.pv.groupby("building_id")["peak_power_kwp"].sum().astype("float64")
    peak = power.reindex(exported_kwh.index).fillna(0.0).to_numpy("float64")
    return weighting.feed_in_revenue(exported_kwh.to_numpy("float64"), peak, case.parameters)


def pathway(scenario: Scenario, case: Case) -> pd.DataFrame:
    """The district's cost, CO2 and primary energy in each year of the horizon, as `Outcome.years`.

    Each state of the pathway is simulated once; its energy is weighed by the factors and prices of each year
    that it lasts. Feed-in revenue stays as today's rate, which holds for 20 years from the start (EEG § 25).
    """
    start = case.parameters.year
    end = start + int(case.parameters.constant("horizon_a"))
    turns = sorted({start, *(year for year in scenario.years if start < year < end)})
    parts = []
    for first, behind in zip(turns, [*turns[1:], end], strict=True):
        state = scenario.apply(case, first)
        table = annual(state)
        carriers = list(case.parameters.carriers.index)
        delivered = pd.Series(
            [float(table[f"delivered_{name}_kwh"].sum()) for name in carriers], index=carriers
        )
        years = costs.over_years(delivered, state.parameters, range(first, behind))
        years["energy_cost_eur"] -= float(table["feed_in_revenue_eur"].sum())
        parts.append(years)
    return pd.concat(parts)


def with_network(outcome: Outcome, network: Network, **options: Any) -> Outcome:
    """The outcome with the heat network's year; CO2 of district heat at the feed-in, with simulated losses.

    network : laid out before the measures; see `energy.network.simulate_network`.
    """
    found = energy.network.simulate_network(outcome.case, network, **options)
    case = energy.network.with_losses(outcome.case, found)
    return replace(outcome, case=case, annual=annual(case), network=found)
