"""What a scenario costs: investment, upkeep, replacement, energy over the years, rent.

Costs are in euros of today, without inflation; future euros are discounted by the real interest rate. Prices
and rules are rows of assets/parameters (measure_costs, economy, carriers, paths), each with its source.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case, weighting
from energy.parameters import Parameters
from scenarios import bought
from scenarios.subsidies import subsidies

ITEM_COLUMNS = (
    "building_id", "item", "quantity", "unit", "investment_eur", "subsidy_eur", "maintenance_eur_a",
    "fee_eur_a", "rain_kept_m3", "lifetime_a", "year", "levy", "anyway_share", "source", "is_estimate",
)  # fmt: skip


def investments(before: Case, after: Case, year: int | None = None) -> pd.DataFrame:
    """What leads from one case to the other: one row per building and item, columns `ITEM_COLUMNS`.

    year : when it is bought; the case's year of evaluation without it.
    """
    prices = after.parameters.measure_costs
    rain_m = after.parameters.constant("rain_mm_a") / 1000
    amounts = bought.quantities(before, after)
    long = amounts.reset_index().melt("building_id", var_name="item", value_name="quantity")
    long = long[long["quantity"] > 0].reset_index(drop=True)
    of = prices.loc[long["item"]].reset_index(drop=True)
    # A fixed part comes once for each building that buys the item.
    paid = long["quantity"] * of["unit_cost_eur"] + of["fixed_eur"]
    table = long.assign(
        unit=of["unit"],
        investment_eur=paid,
        subsidy_eur=subsidies(long.assign(levy=of["levy"]), paid, after),
        maintenance_eur_a=paid * of["maintenance_share"],
        fee_eur_a=long["quantity"] * of["fee_eur_a"],
        rain_kept_m3=long["quantity"] * of["rain_kept_share"] * rain_m,
        lifetime_a=of["lifetime_a"],
        year=int(year if year is not None else after.parameters.year),
        levy=of["levy"],
        anyway_share=of["anyway_share"],
        source=of["source"],
        is_estimate=of["is_estimate"],
    )
    return table.loc[:, list(ITEM_COLUMNS)]


def over_years(delivered_kwh: pd.Series, parameters: Parameters, years: range) -> pd.DataFrame:
    """Energy cost [€], CO2 [kg] and primary energy [kWh] of the same delivered energy in each year.

    delivered_kwh : by carrier, index carrier.
    """
    rows = {}
    for year in years:
        of_year = weighting.factors_in(parameters, year)
        amounts = delivered_kwh.reindex(list(of_year.carriers)).fillna(0.0).to_numpy("float64")
        rows[year] = {
            name: float(amounts @ getattr(of_year, column)) for name, column in weighting.FACTORS.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("year")


def present_value(amounts: pd.Series, rate: float, start: int) -> float:
    """Σ a_t / (1 + i)^(t − start) over the years t of the index. [€]"""
    apart = amounts.index.to_numpy("float64") - start
    return float(amounts.to_numpy("float64") @ (1 + rate) ** -apart)


def annuity(amount: float, rate: float, years: float) -> float:
    """Equal yearly payment of a sum over some years: a i / (1 − (1 + i)^−n); VDI 2067. [€/a]"""
    return amount / years if rate == 0 else amount * rate / (1 - (1 + rate) ** -years)


def item_payments(items: pd.DataFrame, parameters: Parameters, start: int) -> pd.Series:
    """Payments for items in each year of the horizon: purchase less subsidy, replacements, upkeep, rest.

    Items are bought again at the end of their lives; what of the last one's life lies behind the horizon is
    credited in its last year, in proportion (VDI 2067, residual value). Replacements get no subsidy.

    Returns
    -------
    Series, index year from `start` on, without the year behind the horizon. [€]
    """
    horizon = int(parameters.constant("horizon_a"))
    paid = np.zeros(horizon)
    alike = items.groupby(["year", "lifetime_a"])[list(MONEY)].sum()
    for (year, life), amounts in zip(alike.index, alike.to_numpy("float64"), strict=True):
        paid += amounts @ _payments_per_euro(max(int(year) - start, 0), int(life), horizon)
    return pd.Series(paid, index=pd.Index(range(start, start + horizon), name="year"))


YEARLY = ("maintenance_eur_a", "fee_eur_a")
MONEY = ("investment_eur", "subsidy_eur", *YEARLY)
PRICED = ("investment_eur", "subsidy_eur", "maintenance_eur_a")
"""What a dearer item has more of; fees it has not."""


def only(items: pd.DataFrame, money: Sequence[str]) -> pd.DataFrame:
    """The items with some columns of `MONEY`, the others 0."""
    return items.assign(**{name: 0.0 for name in MONEY if name not in money})


def _payments_per_euro(first: int, life_a: int, horizon: int) -> npt.NDArray[np.float64]:
    """Payments per euro of each of `MONEY`, shape (4, year of the horizon). [-]"""
    paid = np.zeros((len(MONEY), horizon))
    if first < horizon:
        bought_in = np.arange(first, horizon, life_a)
        paid[0, bought_in] += 1.0
        paid[0, -1] -= 1 - (horizon - bought_in[-1]) / life_a
        paid[1, first] -= 1.0
        paid[2:, first:] += 1.0
    return paid


def items_present_value(items: pd.DataFrame, parameters: Parameters, start: int) -> pd.Series:
    """Present value of all payments (`item_payments`) for each row of items; index as `items`. [€]"""
    horizon, rate = int(parameters.constant("horizon_a")), parameters.constant("interest_rate")
    discount = (1 + rate) ** -np.arange(horizon)
    value = pd.Series(0.0, index=items.index)
    dated, lives = items["year"].to_numpy(int), items["lifetime_a"].to_numpy(int)
    for year, life in sorted(set(zip(dated.tolist(), lives.tolist(), strict=True))):
        rows = (dated == year) & (lives == life)
        per_euro = _payments_per_euro(max(year - start, 0), life, horizon) @ discount
        value[rows] = items.loc[rows, list(MONEY)].to_numpy("float64") @ per_euro
    return value


def net_present_cost(items: pd.DataFrame, energy_eur: pd.Series, parameters: Parameters, start: int) -> float:
    """Present value of all payments for items and energy over the horizon. [€]

    energy_eur : cost of energy, less revenue, by year.
    """
    rate = parameters.constant("interest_rate")
    payments = item_payments(items, parameters, start)
    return present_value(payments + energy_eur.reindex(payments.index), rate, start)


def abatement_cost(cost_eur: float, co2_saved_kg: float) -> float:
    """Extra net present cost over CO2 saved in the same years, not discounted. [€/t]

    Negative where a scenario saves both. Without saving (none, or more CO2) there is no such cost: nan, since
    the ratio's sign would then praise what costs more and emits more.
    """
    return cost_eur / (co2_saved_kg / 1000) if co2_saved_kg > 0 else float("nan")


def rent_levy(items: pd.DataFrame, living_area_m2: pd.Series, parameters: Parameters) -> pd.Series:
    """What the landlord may raise the net rent by, per living area; index building_id. [€/(m² month)]

    BGB § 559: 8 % a year of the costs less subsidies (§ 559a) and what upkeep would have cost anyway, up to
    3 €/m² (2 €/m² where the rent is below 7 €/m²) within six years. BGB § 559e: for heating systems 10 % a
    year up to 0.50 €/m² of it. Hardship of tenants and other rises of the rent are not looked at.
    """
    get = parameters.constant
    paid = items["investment_eur"] * (1 - items["anyway_share"]) - items["subsidy_eur"]
    paid = paid.clip(lower=0.0)

    def monthly(kind: str, share: float) -> pd.Series:
        mine = items["levy"] == kind
        yearly = (paid[mine] * share).groupby(items.loc[mine, "building_id"]).sum()
        return (yearly.reindex(living_area_m2.index).fillna(0.0) / 12 / living_area_m2).fillna(0.0)

    heating = monthly("heating", get("levy_heating")).clip(upper=get("levy_heating_cap_eur_m2_month"))
    low = get("rent_eur_m2") < get("low_rent_eur_m2")
    cap = get("levy_cap_low_rent_eur_m2_month" if low else "levy_cap_eur_m2_month")
    return (monthly("modernisation", get("levy_modernisation")) + heating).clip(upper=cap)
