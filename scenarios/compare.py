"""Indicators of scenarios side by side: per building, block and district, each with unit and formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from energy import weighting
from scenarios import costs
from scenarios.outcome import Outcome
from twin.errors import CallError

Level = Literal["building", "block", "district"]
DISTRICT = "district"


@dataclass(frozen=True)
class Indicator:
    """A figure of a scenario.

    adds_up : whether a block's figure is the sum over its buildings.
    stage : of a run that gives it (1: buildings, 2: heat network).
    formula : how it follows from others, in names of columns.
    """

    name: str
    unit: str
    de: str
    en: str
    formula: str
    adds_up: bool = True
    stage: int = 1


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
            "Σ delivered_<carrier>_kwh · primary energy factor",
        ),
        Indicator("co2_kg", "kg/a", "CO2", "CO2", "Σ delivered_<carrier>_kwh · CO2 factor of the year"),
        Indicator(
            "energy_cost_eur", "€/a", "Energiekosten", "Energy cost", "Σ delivered_<carrier>_kwh · price"
        ),
        Indicator(
            "feed_in_revenue_eur", "€/a", "Einspeisevergütung", "Feed-in revenue", "exported · rate (EEG)"
        ),
        Indicator("pv_generation_kwh", "kWh/a", "Solarstrom", "Solar electricity", "pvlib, hour by hour"),
        Indicator(
            "self_consumption", "1", "Eigenverbrauch", "Self-consumption",
            "(generated − exported) / generated", adds_up=False,
        ),
        Indicator(
            "autarky", "1", "Autarkie", "Autarky",
            "(generated − exported) / (generated − exported + imported)", adds_up=False,
        ),
        Indicator("investment_eur", "€", "Investition", "Investment", "Σ quantity · unit cost + fixed cost"),
        Indicator("subsidy_eur", "€", "Förderung", "Subsidy", "Σ investment · subsidised share"),
        Indicator(
            "running_cost_eur", "€/a", "Laufende Kosten", "Running cost",
            "energy_cost_eur − feed_in_revenue_eur + upkeep of what is bought",
        ),
        Indicator(
            "warm_rent_change_eur_m2_month", "€/(m² Monat)", "Änderung Warmmiete", "Change of warm rent",
            "landlord's levy (BGB § 559, § 559e) + change of the heat cost, per living area", adds_up=False,
        ),
    )
}  # fmt: skip


def indicators_of(outcome: Outcome, base: Outcome, level: Level = "district") -> pd.DataFrame:
    """Indicators of an outcome at a level; index the buildings, the blocks, or "district".

    base : the outcome before any measure, for what is a change.

    Raises
    ------
    CallError : an unknown level.
    """
    if level not in ("building", "block", "district"):
        raise CallError(f"there is no level {level!r}", "indicators", "Use building, block or district")
    parts = _buildings(outcome, base)
    unit = _units(outcome, level)
    table = parts.groupby(unit).sum().rename_axis(level)
    made, sold, bought = (table[name] for name in ("pv_generation_kwh", "grid_export_kwh", "grid_import_kwh"))
    used = (made - sold).clip(lower=0.0)
    table["self_consumption"] = used / made.where(made > 0)
    table["autarky"] = used / (used + bought).where(used + bought > 0)
    area = table["living_area_m2"].where(table["living_area_m2"] > 0)
    change = table["levy_eur_month"] + (table["heat_cost_eur"] - table["heat_cost_before_eur"]) / 12
    table["warm_rent_change_eur_m2_month"] = change / area
    return table.loc[:, list(INDICATORS)]


def compare(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The district's indicators of outcomes, the first being the base; index scenario.

    Beside `INDICATORS`: net_present_cost_eur and co2_horizon_kg over the horizon, and against the base
    extra_cost_eur, co2_saved_kg and abatement_cost_eur_t.

    Raises
    ------
    CallError : nothing to compare.
    """
    if not outcomes:
        raise CallError("there is no outcome to compare")
    base = outcomes[0]
    rows = pd.concat([indicators_of(outcome, base) for outcome in outcomes])
    rows.index = pd.Index([outcome.name for outcome in outcomes], name="scenario")
    start = base.case.parameters.year
    rows["net_present_cost_eur"] = [
        costs.net_present_cost(o.items, o.years["energy_cost_eur"], base.case.parameters, start)
        for o in outcomes
    ]
    rows["co2_horizon_kg"] = [float(o.years["co2_kg"].sum()) for o in outcomes]
    rows["extra_cost_eur"] = rows["net_present_cost_eur"] - rows["net_present_cost_eur"].iloc[0]
    rows["co2_saved_kg"] = rows["co2_horizon_kg"].iloc[0] - rows["co2_horizon_kg"]
    rows["abatement_cost_eur_t"] = [
        costs.abatement_cost(cost, saved)
        for cost, saved in zip(rows["extra_cost_eur"], rows["co2_saved_kg"], strict=True)
    ]
    return rows


def co2_by_carrier(outcome: Outcome) -> pd.Series:
    """The district's CO2 of the year by carrier, index carrier. [kg]"""
    factors = weighting.factors(outcome.case.parameters)
    sums = [float(outcome.annual[f"delivered_{name}_kwh"].sum()) for name in factors.carriers]
    return pd.Series(np.array(sums) * factors.co2_kg_kwh, index=list(factors.carriers)).rename_axis("carrier")


def duration_curve(hours: pd.Series) -> np.ndarray:
    """Hourly values in falling order. [kWh/h]"""
    return np.sort(hours.to_numpy("float64"))[::-1]


def _buildings(outcome: Outcome, base: Outcome) -> pd.DataFrame:
    """What adds up, per building; trees and the like, which belong to none, stand under the empty id."""
    annual, items = outcome.annual, outcome.items
    carriers = [f"delivered_{name}_kwh" for name in outcome.case.parameters.carriers.index]
    table = annual.assign(delivered_kwh=annual[carriers].sum(axis=1))
    paid = items.groupby("building_id")[["investment_eur", "subsidy_eur", "maintenance_eur_a"]].sum()
    table = table.join(paid, how="outer").fillna(0.0)
    table["running_cost_eur"] = (
        table["energy_cost_eur"] - table["feed_in_revenue_eur"] + table["maintenance_eur_a"]
    )
    area = _living_area_m2(base)
    levy = costs.rent_levy(items, area, outcome.case.parameters)
    table["living_area_m2"] = area.reindex(table.index).fillna(0.0)
    table["levy_eur_month"] = (levy * area).reindex(table.index).fillna(0.0)
    for name, which in (("heat_cost_eur", outcome), ("heat_cost_before_eur", base)):
        table[name] = (
            heat_cost_eur(which).reindex(table.index).where(table["living_area_m2"] > 0, 0.0).fillna(0.0)
        )
    return table


def _living_area_m2(outcome: Outcome) -> pd.Series:
    """Living area of homes, nothing elsewhere; index building_id. [m²]"""
    envelope = outcome.case.envelope
    share = outcome.case.parameters.constant("dwelling_share")
    return (envelope["a_use_m2"] * share).where(envelope["dwellings"].fillna(0) > 0, 0.0).fillna(0.0)


def heat_cost_eur(outcome: Outcome) -> pd.Series:
    """Cost of the energy delivered for heating and hot water, index building_id. [€/a]"""
    parameters = outcome.case.parameters
    factors = weighting.factors(parameters)
    price = dict(zip(factors.carriers, factors.price_eur_kwh, strict=True))
    carrier = parameters.systems["carrier"].to_dict()
    of_building = outcome.case.envelope["heating"].map(carrier).map(price).fillna(0.0)
    cost: pd.Series = outcome.annual["heating_delivered_kwh"] * of_building
    return cost


def _units(outcome: Outcome, level: Level) -> pd.Series:
    """What each building's figures are summed by; what belongs to no building counts in the district only."""
    ids = pd.Index([*outcome.annual.index, ""])
    if level == "district":
        return pd.Series(DISTRICT, index=ids)
    own = pd.Series(ids, index=ids).where(ids != "")
    if level == "building":
        return own
    block: pd.Series = outcome.case.district.buildings["block_id"].reindex(ids)
    return block.where(block.notna(), own)
