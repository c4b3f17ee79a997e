"""Indicators of scenarios side by side: per building, block and district, each with unit and formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from energy import weighting
from scenarios import costs, heat_network
from scenarios.outcome import Outcome, heat_price_eur_kwh, living_area_m2
from twin.errors import CallError

Level = Literal["building", "block", "district"]
LEVELS = ("building", "block", "district")
DISTRICT = "district"


@dataclass(frozen=True)
class Indicator:
    """A figure of a scenario.

    adds_up : whether a block's figure is the sum over its buildings.
    stage : of a run that gives it (1: buildings, 2: heat network).
    network : whether a stage-1 figure changes once the heat network is simulated.
    formula : how it follows from others, in names of columns.
    better : "lower", "higher", or "" where neither is better.
    detail : kind of `details.DETAILS` that it belongs to; "" for what a year's sums give.
    """

    name: str
    unit: str
    de: str
    en: str
    formula: str
    adds_up: bool = True
    stage: int = 1
    network: bool = False
    better: str = "lower"
    detail: str = ""

    def title(self, language: str) -> str:
        """What it is, in German or English."""
        return self.de if language == "de" else self.en

    def unit_in(self, language: str) -> str:
        """The unit, whose month has a name."""
        return self.unit if language == "de" else self.unit.replace("Monat", "month")


INDICATORS = {
    i.name: i
    for i in (
        Indicator("heating_need_kwh", "kWh/a", "Heizwärmebedarf", "Heating need", "ISO 13790, hour by hour"),
        Indicator(
            "hot_water_need_kwh", "kWh/a", "Warmwasserbedarf", "Hot water need", "area · need"
        ),
        Indicator(
            "electricity_use_kwh", "kWh/a", "Nutzerstrom", "Electricity use", "by household or floor area"
        ),
        Indicator(
            "delivered_kwh", "kWh/a", "Endenergie", "Delivered energy", "Σ delivered_<carrier>_kwh"
        ),
        Indicator(
            "primary_energy_kwh", "kWh/a", "Primärenergie", "Primary energy",
            "Σ delivered_<carrier>_kwh · primary energy factor (heat: the certificate's, with its losses)",
        ),
        Indicator(
            "co2_kg", "kg/a", "CO2", "CO2",
            "Σ delivered_<carrier>_kwh · CO2 factor of the year; with the network: heat at the feed-in with "
            "the simulated losses, and the district's pumping",
            network=True,
        ),
        Indicator(
            "energy_cost_eur", "€/a", "Energiekosten", "Energy cost", "Σ delivered_<carrier>_kwh · price"
        ),
        Indicator(
            "feed_in_revenue_eur", "€/a", "Einspeisevergütung", "Feed-in revenue", "exported · rate (EEG)",
            better="higher",
        ),
        Indicator(
            "pv_generation_kwh", "kWh/a", "Solarstrom", "Solar electricity", "pvlib, hour by hour",
            better="higher",
        ),
        Indicator(
            "self_consumption", "1", "Eigenverbrauch", "Self-consumption",
            "(generated − exported) / generated", adds_up=False, better="higher",
        ),
        Indicator(
            "autarky", "1", "Autarkie", "Autarky",
            "(generated − exported) / (generated − exported + imported)", adds_up=False, better="higher",
        ),
        Indicator("investment_eur", "€", "Investition", "Investment", "Σ quantity · unit cost + fixed cost"),
        Indicator(
            "subsidy_eur", "€", "Förderung", "Subsidy", "Σ investment · subsidised share", better="higher"
        ),
        Indicator(
            "running_cost_eur", "€/a", "Laufende Kosten", "Running cost",
            "energy_cost_eur − feed_in_revenue_eur + upkeep of what is bought − rain water fee saved "
            "(+ network_surplus_eur)",
            network=True,
        ),
        Indicator(
            "warm_rent_change_eur_m2_month", "€/(m² Monat)", "Änderung Warmmiete", "Change of warm rent",
            "landlord's levy (BGB § 559, § 559e) + change of the heat cost, per living area", adds_up=False,
        ),
        Indicator(
            "net_present_cost_eur", "€", "Barwert der Kosten", "Net present cost",
            "Σ (purchase − subsidy + replacement + upkeep + energy cost − revenue (+ network surplus)) / "
            "(1 + interest)^(year − start), over the horizon",
            network=True,
        ),
        Indicator(
            "co2_horizon_kg", "kg", "CO2 im Betrachtungszeitraum", "CO2 over the horizon",
            "Σ over the years of delivered_<carrier>_kwh · CO2 factor of the year", network=True,
        ),
        Indicator(
            "extra_cost_eur", "€", "Mehrkosten (Barwert)", "Extra cost (present value)",
            "net_present_cost_eur − that of the base", network=True,
        ),
        Indicator(
            "co2_saved_kg", "kg", "Vermiedenes CO2", "CO2 saved", "co2_horizon_kg of the base − that",
            network=True, better="higher",
        ),
        Indicator(
            "abatement_cost_eur_t", "€/t", "CO2-Vermeidungskosten", "Abatement cost",
            "extra_cost_eur / (co2_saved_kg / 1000); none where no CO2 is saved", adds_up=False,
            network=True,
        ),
        Indicator(
            "rain_kept_m3", "m³/a", "Regen, der nicht mehr abfließt", "Rain that no longer runs off",
            "Σ unsealed area · run-off coefficient less · rain of the year", better="higher",
        ),
        Indicator(
            "network_fed_kwh", "kWh/a", "Wärme ab Werk", "Heat at the plant", "heat that arrives + losses",
            stage=2,
        ),
        Indicator(
            "network_loss_kwh", "kWh/a", "Netzverluste", "Network heat losses", "pipe by pipe, hour by hour",
            stage=2,
        ),
        Indicator(
            "network_pump_kwh", "kWh/a", "Pumpstrom des Netzes", "Pumping electricity",
            "flow · head / efficiency, hour by hour", stage=2,
        ),
        Indicator(
            "network_loss_co2_kg", "kg/a", "CO2 der Netzverluste", "CO2 of network losses",
            "losses · CO2 factor at the feed-in", stage=2,
        ),
        Indicator(
            "network_pump_co2_kg", "kg/a", "CO2 des Pumpstroms", "CO2 of pumping",
            "pumping · CO2 factor of the grid", stage=2,
        ),
        Indicator(
            "network_cost_eur", "€/a", "Kosten von Verlusten und Pumpen", "Cost of losses and pumping",
            "losses · heat_at_plant_eur_kwh + pumping · pump_power_eur_kwh", stage=2,
        ),
        Indicator(
            "network_surplus_eur", "€/a", "Netzkosten über dem Wärmepreis",
            "Network cost beyond the heat price",
            "network_cost_eur − that of the base per kWh that arrives · heat that arrives", stage=2,
        ),
        Indicator(
            "network_short_stations", "1", "Unterversorgte Stationen", "Under-supplied substations",
            "substations with an hour of less heat or pressure than asked", stage=2,
        ),
        Indicator(
            "network_unserved_kwh", "kWh/a", "Nicht gelieferte Wärme", "Heat that does not arrive",
            "Σ asked − served", stage=2,
        ),
        Indicator(
            "peak_heat_kw", "kW", "Spitzenlast Wärme", "Peak load of heat",
            "largest hour of the heat delivered, summed over the buildings in the same hour", adds_up=False,
            detail="hours",
        ),
        Indicator(
            "peak_import_kw", "kW", "Spitzenlast Netzbezug", "Peak of power bought",
            "largest hour of the power bought, summed over the buildings in the same hour", adds_up=False,
            detail="hours",
        ),
        Indicator(
            "peak_export_kw", "kW", "Spitze der Einspeisung", "Peak of power sold",
            "largest hour of the power sold, summed over the buildings in the same hour", adds_up=False,
            detail="hours",
        ),
        Indicator(
            "over_temperature_kh", "Kh/a", "Übertemperaturgradstunden", "Over-temperature degree-hours",
            "Σ max(operative temperature − limit, 0) in the critical room under the roof, DIN 4108-2",
            adds_up=False, detail="rooms",
        ),
        Indicator(
            "facade_sun_h", "h/a", "Sonnenstunden der Fassaden", "Hours of sun on facades",
            "hours of sunshine (WMO) that reach the walls past neighbours and trees, mean by area",
            adds_up=False, detail="sun", better="",
        ),
        Indicator(
            "open_sun_h", "h/a", "Sonnenstunden im Freien", "Hours of sun on open space",
            "hours of sunshine (WMO) at 1.5 m on a grid of 20 m around buildings, mean", adds_up=False,
            detail="sun", better="",
        ),
    )
}  # fmt: skip
NETWORK = tuple(name for name, indicator in INDICATORS.items() if indicator.stage == 2)
_OF_BUILDING = tuple(name for name, i in INDICATORS.items() if i.stage == 1 and not i.detail)


def same_basis(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes with the heat network where all have it, else all without: never one against another."""
    if all(outcome.network is not None for outcome in outcomes):
        return list(outcomes)
    return [outcome.without_network() for outcome in outcomes]


def indicators_of(outcome: Outcome, base: Outcome, level: Level = "district") -> pd.DataFrame:
    """Indicators of an outcome at a level; index the buildings, the blocks, or "district".

    base : the outcome before any measure, for what is a change. Network figures stand in the district's row
        where both have them; a building's CO2 then counts with the network's losses, but not its pumping.

    Raises
    ------
    CallError : an unknown level.
    """
    if level not in LEVELS:
        raise CallError(f"there is no level {level!r}", "indicators", "Use building, block or district")
    after, before = same_basis([outcome, base])
    unit = units(after, level)
    table = _buildings(after, before).groupby(unit).sum().rename_axis(level)
    of_base = _buildings(before, before).groupby(unit).sum()
    made, sold, bought = (table[name] for name in ("pv_generation_kwh", "grid_export_kwh", "grid_import_kwh"))
    used = (made - sold).clip(lower=0.0)
    table["self_consumption"] = used / made.where(made > 0)
    table["autarky"] = used / (used + bought).where(used + bought > 0)
    area = table["living_area_m2"].where(table["living_area_m2"] > 0)
    change = table["levy_eur_month"] + (table["heat_cost_eur"] - table["heat_cost_before_eur"]) / 12
    table["warm_rent_change_eur_m2_month"] = change / area
    table["extra_cost_eur"] = table["net_present_cost_eur"] - of_base["net_present_cost_eur"]
    table["co2_saved_kg"] = of_base["co2_horizon_kg"] - table["co2_horizon_kg"]
    pairs = table[["extra_cost_eur", "co2_saved_kg"]].to_numpy("float64").tolist()
    table["abatement_cost_eur_t"] = [costs.abatement_cost(cost, saved) for cost, saved in pairs]
    counted = level == "district" and after.network is not None
    return table.loc[:, [*_OF_BUILDING, *(NETWORK if counted else ())]]


def compare(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The district's indicators of outcomes, the first being the base; index scenario.

    With the heat network's figures where all outcomes have them, else all without (`same_basis`).

    Raises
    ------
    CallError : nothing to compare.
    """
    if not outcomes:
        raise CallError("there is no outcome to compare")
    alike = same_basis(outcomes)
    rows = pd.concat([indicators_of(outcome, alike[0]) for outcome in alike])
    rows.index = pd.Index([outcome.name for outcome in alike], name="scenario")
    return rows


PUMPING = "network_pumping"


def co2_by_carrier(outcome: Outcome, level: Level = "district") -> pd.DataFrame:
    """CO2 of the year by carrier; index as in `indicators_of`, a column per carrier. [kg]

    Where the network is simulated, district heat counts with its losses, and the district's row has
    network_pumping.
    """
    factors = weighting.factors(outcome.case.parameters)
    delivered = outcome.annual[[f"delivered_{name}_kwh" for name in factors.carriers]]
    co2 = (delivered * factors.co2_kg_kwh).set_axis(list(factors.carriers), axis=1)
    table = co2.groupby(units(outcome, level)).sum().rename_axis(level)
    if outcome.network is not None and level == "district":
        table[PUMPING] = _network_now(outcome)["network_pump_co2_kg"]
    return table


def co2_by_year(outcome: Outcome) -> pd.DataFrame:
    """The district's CO2 along the pathway by carrier, index year; sums to `Outcome.years`. [kg]"""
    turns = [*(stage.first_year for stage in outcome.stages[1:]), int(outcome.years.index[-1]) + 1]
    rows = {}
    for stage, annual, behind in zip(outcome.stages, outcome.annuals, turns, strict=True):
        for year in range(stage.first_year, behind):
            factors = weighting.factors_in(stage.case.parameters, year)
            sums = [float(annual[f"delivered_{name}_kwh"].sum()) for name in factors.carriers]
            rows[year] = dict(zip(factors.carriers, np.array(sums) * factors.co2_kg_kwh, strict=True))
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("year")
    if outcome.network is not None:
        table[PUMPING] = outcome.years["network_pump_co2_kg"]
    return table


def years_of(outcome: Outcome, base: Outcome) -> pd.DataFrame:
    """Costs, CO2 and primary energy of the district in each year of the horizon, index year.

    Columns energy_cost_eur (less feed-in revenue), items_eur (purchase, subsidy, replacement, upkeep,
    residual value in the last year), network_surplus_eur where the network is simulated in both, total_eur,
    total_discounted_eur, co2_kg, primary_energy_kwh, and `heat_network.YEAR_COLUMNS` with the network.
    """
    after, before = same_basis([outcome, base])
    parameters = before.case.parameters
    start, rate = parameters.year, parameters.constant("interest_rate")
    table = after.years[["energy_cost_eur"]].copy()
    table["items_eur"] = costs.item_payments(after.items, parameters, start)
    total = table.sum(axis=1)
    if after.network is not None:
        table["network_surplus_eur"] = heat_network.surplus(after.years, before.years)
        total = total + table["network_surplus_eur"]
    table["total_eur"] = total
    table["total_discounted_eur"] = total * (1 + rate) ** -(table.index.to_numpy("float64") - start)
    return table.join(after.years.drop(columns="energy_cost_eur"))


def duration_curve(hours: pd.Series) -> np.ndarray:
    """Hourly values in falling order. [kWh/h]"""
    return np.sort(hours.to_numpy("float64"))[::-1]


def _network_now(outcome: Outcome) -> pd.Series:
    """The network's figures of the state after all measures in the year of evaluation."""
    assert outcome.network is not None
    parameters = outcome.case.parameters
    one_year = range(parameters.year, parameters.year + 1)
    return heat_network.over_years(outcome.network, parameters, one_year).iloc[0]


def _buildings(outcome: Outcome, base: Outcome) -> pd.DataFrame:
    """What adds up, per building; trees, the network and the like, which belong to none, stand under the
    empty id."""
    annual, items = outcome.annual, outcome.items
    carriers = [f"delivered_{name}_kwh" for name in outcome.case.parameters.carriers.index]
    table = annual.assign(delivered_kwh=annual[carriers].sum(axis=1))
    paid = items.groupby("building_id")[[*costs.MONEY, "rain_kept_m3"]].sum()
    table = table.join(paid, how="outer").fillna(0.0)
    yearly = table[list(costs.YEARLY)].sum(axis=1)
    table["running_cost_eur"] = table["energy_cost_eur"] - table["feed_in_revenue_eur"] + yearly
    area = living_area_m2(base.case)
    levy = costs.rent_levy(items, area, outcome.case.parameters)
    table["living_area_m2"] = area.reindex(table.index).fillna(0.0)
    table["levy_eur_month"] = (levy * area).reindex(table.index).fillna(0.0)
    for name, which in (("heat_cost_eur", outcome), ("heat_cost_before_eur", base)):
        table[name] = (
            heat_cost_eur(which).reindex(table.index).where(table["living_area_m2"] > 0, 0.0).fillna(0.0)
        )
    over_time = _horizon(outcome, base).reindex(table.index).fillna(0.0)
    table = table.join(over_time)
    return table if outcome.network is None else _with_network(table, outcome, base)


def _with_network(table: pd.DataFrame, outcome: Outcome, base: Outcome) -> pd.DataFrame:
    """With a row of no building that holds the network's part."""
    assert outcome.network is not None and base.network is not None
    now, before = _network_now(outcome), _network_now(base)
    parameters = base.case.parameters
    surplus = heat_network.surplus(outcome.years, base.years)
    more = float(heat_network.surplus(now.to_frame().T, before.to_frame().T).iloc[0])
    pumping = float(now["network_pump_co2_kg"])
    own = {
        **{name: float(now[name]) for name in heat_network.YEAR_COLUMNS},
        "network_surplus_eur": more,
        "network_short_stations": float(len(outcome.network.short_stations)),
        "network_unserved_kwh": float(outcome.network.stations["unserved_kwh"].sum()),
        "co2_kg": pumping,
        "co2_horizon_kg": float(outcome.years["network_pump_co2_kg"].sum()),
        "running_cost_eur": more,
        "net_present_cost_eur": costs.present_value(
            surplus, parameters.constant("interest_rate"), parameters.year
        ),
    }
    row = pd.DataFrame(own, index=pd.Index([""], name=table.index.name))
    return table.add(row, fill_value=0.0).fillna(0.0)


def _horizon(outcome: Outcome, base: Outcome) -> pd.DataFrame:
    """Net present cost and CO2 over the horizon of each building, and of what belongs to none."""
    parameters = base.case.parameters
    start, rate = parameters.year, parameters.constant("interest_rate")
    turns = [*(stage.first_year for stage in outcome.stages[1:]), int(outcome.years.index[-1]) + 1]
    cost, co2 = [], []
    for stage, annual, behind in zip(outcome.stages, outcome.annuals, turns, strict=True):
        carriers = list(stage.case.parameters.carriers.index)
        delivered = annual[[f"delivered_{name}_kwh" for name in carriers]].to_numpy("float64")
        price, factor, years = np.zeros(len(carriers)), np.zeros(len(carriers)), 0.0
        for year in range(stage.first_year, behind):
            of_year = weighting.factors_in(stage.case.parameters, year)
            worth = (1 + rate) ** -(year - start)
            price, factor, years = (
                price + of_year.price_eur_kwh * worth,
                factor + of_year.co2_kg_kwh,
                years + worth,
            )
        cost.append(pd.Series(delivered @ price, annual.index) - annual["feed_in_revenue_eur"] * years)
        co2.append(pd.Series(delivered @ factor, annual.index))
    items = costs.items_present_value(outcome.items, parameters, start)
    bought = items.groupby(outcome.items["building_id"]).sum()
    energy = pd.concat(cost).groupby(level=0).sum()
    return pd.DataFrame(
        {
            "net_present_cost_eur": energy.add(bought, fill_value=0.0),
            "co2_horizon_kg": pd.concat(co2).groupby(level=0).sum(),
        }
    ).fillna(0.0)


def heat_cost_eur(outcome: Outcome) -> pd.Series:
    """Cost of the energy delivered for heating and hot water, index building_id. [€/a]"""
    cost: pd.Series = outcome.annual["heating_delivered_kwh"] * heat_price_eur_kwh(outcome.case)
    return cost


def units(outcome: Outcome, level: Level) -> pd.Series:
    """What each building's figures are summed by; what belongs to no building counts in the district only."""
    ids = pd.Index([*outcome.annual.index, ""])
    if level == "district":
        return pd.Series(DISTRICT, index=ids)
    own = pd.Series(ids, index=ids).where(ids != "")
    if level == "building":
        return own
    block: pd.Series = outcome.case.district.buildings["block_id"].reindex(ids)
    return block.where(block.notna(), own)
