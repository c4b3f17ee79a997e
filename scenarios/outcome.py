"""What comes of a scenario on a case: a year per building, the years of its pathway, what it buys.

`evaluate` gives the figures of stage 1, the buildings: district heat counts with the certificate's CO2 at the
customer. With a network it gives those of stage 2 as well: the network's losses, pumping and shortfalls
(`scenarios.heat_network`), and CO2 counts with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from energy import Case, rooms, simulate, weighting
from energy.network import Network
from scenarios import costs, heat_network
from scenarios.heat_network import HeatNetwork
from scenarios.scenario import Scenario, Step

_SUMS = (
    "heating_need_kwh", "cooling_need_kwh", "hot_water_need_kwh", "electricity_use_kwh",
    "heating_delivered_kwh", "auxiliary_electricity_kwh", "pv_generation_kwh", "grid_import_kwh",
    "grid_export_kwh", "primary_energy_kwh", "co2_kg", "energy_cost_eur", "feed_in_revenue_eur",
)  # fmt: skip
_HOURLY = ("heating_delivered_kwh", "grid_import_kwh", "grid_export_kwh")


@dataclass(frozen=True, eq=False)
class Stage:
    """A state of a pathway: the case from a year on."""

    first_year: int
    case: Case


@dataclass(frozen=True, eq=False)
class Outcome:
    """A scenario's results; `annual` and `hours` are those of the state after all measures.

    case : after all measures, at the evaluation year of the case before them.
    annual : per building, index building_id: energy in kWh, CO2 in kg, cost in €, and for each carrier
        ``delivered_<carrier>_kwh``.
    items : what is bought (`costs.ITEM_COLUMNS`).
    years : the district along the pathway, index year: energy_cost_eur (less feed-in revenue), co2_kg,
        primary_energy_kwh; with a network also `heat_network.YEAR_COLUMNS`.
    stages, annuals : the states of the pathway and the year of each; the last is `case` and `annual`.
    networks : the heat network's year in each state; empty where it is not simulated.
    plain : the outcome without the network, where this one counts with it.
    """

    name: str
    case: Case
    annual: pd.DataFrame
    items: pd.DataFrame
    years: pd.DataFrame
    stages: tuple[Stage, ...] = ()
    annuals: tuple[pd.DataFrame, ...] = ()
    networks: tuple[HeatNetwork, ...] = ()
    plain: Outcome | None = None

    @property
    def network(self) -> HeatNetwork | None:
        """The heat network's year after all measures; None where it is not simulated."""
        return self.networks[-1] if self.networks else None

    def without_network(self) -> Outcome:
        """The figures of stage 1."""
        return self if self.plain is None else self.plain

    def hours(self) -> pd.DataFrame:
        """The district's hours, index time in UTC: heat delivered, electricity bought and sold. [kWh]"""
        found = simulate(self.case, outputs=list(_HOURLY))
        sums = {name: found[name].sum("building_id").to_numpy() for name in _HOURLY}
        return pd.DataFrame(sums, index=pd.DatetimeIndex(found["time"].to_numpy(), tz="UTC", name="time"))

    def over_temperature_kh(self) -> pd.Series:
        """Degree-hours of each building's critical room (DIN 4108-2), index building_id. [Kh]"""
        heated = self.case.envelope[self.case.envelope["conditioned"].to_numpy(bool)]
        table = rooms.overheating(heated, self.case.weather, self.case.room_sun, self.case.parameters)
        found: pd.Series = table["over_temperature_kh"]
        return found


def evaluate(
    scenario: Scenario,
    case: Case,
    *,
    network: Network | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Outcome:
    """The outcome of a scenario on the case before it: stage 1, and with a network stage 2.

    network : that of the case before the scenario (`heat_network.laid_out`).

    Raises
    ------
    CallError : as `Scenario.apply` and `energy.network.simulate_network` say.
    """
    states = stages(scenario, case)
    found = [annual(state.case) for state in states]
    energies = [_delivered(state.case, table) for state, table in zip(states, found, strict=True)]
    years = pathway(states, energies, case)
    items = bought_items(scenario, case)
    plain = Outcome(scenario.name, states[-1].case, found[-1], items, years, tuple(states), tuple(found))
    if network is None:
        return plain
    return with_networks(plain, case, [heat_network.solved(s.case, network, progress) for s in states])


def with_networks(plain: Outcome, case: Case, networks: Sequence[HeatNetwork]) -> Outcome:
    """The outcome that counts with the heat network's year in each of its states.

    case : before the measures.
    """
    pairs = list(zip(plain.stages, plain.annuals, networks, strict=True))
    states = [Stage(s.first_year, heat_network.counted(s.case, network)) for s, _, network in pairs]
    found = [_counted(table, s.case, after.case) for (s, table, _), after in zip(pairs, states, strict=True)]
    energies = [_delivered(state.case, table) for state, table in zip(states, found, strict=True)]
    years = pathway(states, energies, case, networks)
    return replace(
        plain, case=states[-1].case, annual=found[-1], years=years, stages=tuple(states),
        annuals=tuple(found), networks=tuple(networks), plain=plain,
    )  # fmt: skip


def _counted(table: pd.DataFrame, before: Case, after: Case) -> pd.DataFrame:
    """The year with the CO2 of district heat by another factor; nothing else changes with it."""
    carriers = list(before.parameters.carriers.index)
    change = weighting.factors(after.parameters).co2_kg_kwh - weighting.factors(before.parameters).co2_kg_kwh
    delivered = table[[f"delivered_{name}_kwh" for name in carriers]].to_numpy("float64")
    return table.assign(co2_kg=table["co2_kg"] + delivered @ change)


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


def annual(case: Case, buildings: Iterable[str] | None = None) -> pd.DataFrame:
    """The year of each building, or of `buildings`, as `Outcome.annual`."""
    found = simulate(case, resolution="month", outputs=[*_SUMS, "delivered_kwh"], buildings=buildings)
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


def pathway(
    states: Sequence[Stage],
    energies: Sequence[tuple[pd.Series, float]],
    case: Case,
    networks: Sequence[HeatNetwork] = (),
) -> pd.DataFrame:
    """The district's cost, CO2 and primary energy in each year of the horizon, as `Outcome.years`.

    energies : of each state: delivered energy by carrier [kWh] and feed-in revenue [€] of a year; each is
        weighed by the factors and prices of the years that the state lasts. Feed-in revenue stays at today's
        rate, which holds for 20 years from the start (EEG 2023 § 25).
    networks : the heat network's year in each state, whose pumping then counts in the CO2; its losses do by
        the factors of the states' cases.
    """
    end = case.parameters.year + int(case.parameters.constant("horizon_a"))
    turns = [*(state.first_year for state in states), end]
    of_state: Sequence[HeatNetwork | None] = networks or [None] * len(states)
    return pd.concat(
        [
            weighed(state, energy, network, range(state.first_year, behind))
            for state, energy, network, behind in zip(states, energies, of_state, turns[1:], strict=True)
        ]
    )


def weighed(
    state: Stage, energy: tuple[pd.Series, float], network: HeatNetwork | None, span: range
) -> pd.DataFrame:
    """The same year of a state by the factors and prices of each year of `span`, as `Outcome.years`."""
    delivered, revenue = energy
    years = costs.over_years(delivered, state.case.parameters, span)
    years["energy_cost_eur"] -= revenue
    if network is not None:
        years = years.join(heat_network.over_years(network, state.case.parameters, span))
        years["co2_kg"] += years["network_pump_co2_kg"]
    return years


def living_area_m2(case: Case) -> pd.Series:
    """Living area of homes, nothing elsewhere; index building_id. [m²]"""
    envelope, share = case.envelope, case.parameters.constant("dwelling_share")
    return (envelope["a_use_m2"] * share).where(envelope["dwellings"].fillna(0) > 0, 0.0).fillna(0.0)


def heat_price_eur_kwh(case: Case) -> pd.Series:
    """Price of each building's heat by its carrier, index building_id. [€/kWh]"""
    factors = weighting.factors(case.parameters)
    price = dict(zip(factors.carriers, factors.price_eur_kwh, strict=True))
    carrier = case.parameters.systems["carrier"].to_dict()
    of_building: pd.Series = case.envelope["heating"].map(carrier).map(price).fillna(0.0)
    return of_building


def heat_of_homes_eur(case: Case, heat_kwh: pd.Series, base: Case) -> float:
    """Cost of the heat delivered to all homes of the base. [€/a]

    heat_kwh : delivered for heating and hot water, index building_id.
    """
    cost = (heat_kwh * heat_price_eur_kwh(case)).reindex(base.envelope.index).fillna(0.0)
    return float(cost[living_area_m2(base) > 0].sum())
