"""Delivered energy → primary energy, CO2 and cost, by the factors and prices of the year of evaluation.

Factors of the table carriers stand for the table accounting's price_year; the table paths leads them through
the years, the table co2_prices what the CO2 in fuels costs. Electricity that a building feeds into the grid
is not credited unless export_credit says so (GEG § 23 counts only what is used in the building); what it uses
itself lessens its import.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.parameters import Parameters
from twin.compute import Same
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
FACTORS = {
    "primary_energy_kwh": "primary_energy_factor",
    "co2_kg": "co2_kg_kwh",
    "energy_cost_eur": "price_eur_kwh",
}
_EXPORT = {"primary_energy_kwh": "export_primary_energy_factor", "co2_kg": "export_co2_kg_kwh"}


LARGEST_PAID_KWP = 1000.0  # larger plants of a building are paid as this one: their rates come from tenders


class Supplied(Protocol):
    """What has a heat carrier for each building: `energy.supply.Supply`, `energy.heat_supply.Plants`."""

    @property
    def carrier(self) -> npt.NDArray[np.intp]: ...
    @property
    def electricity(self) -> int: ...


@dataclass(frozen=True)
class Factors:
    """Factors of a year; shape (carrier,) each, per kWh delivered (fuels: lower heating value).

    primary_energy_factor : non-renewable. [-]  co2_kg_kwh : equivalents. [kg/kWh]
    price_eur_kwh : with the CO2 price. [€/kWh]  co2_price_eur_kwh : the share of the CO2 price in it. [€/kWh]
    """

    year: int
    carriers: tuple[str, ...]
    primary_energy_factor: Array
    co2_kg_kwh: Array
    price_eur_kwh: Array
    co2_price_eur_kwh: Array


def over_years(years: Array, values: Array, year: int) -> float:
    """Figure of a year: linear between given years, steady before and after."""
    order = np.argsort(years)
    return float(np.interp(year, np.asarray(years, "float64")[order], np.asarray(values, "float64")[order]))


def path(quantity: str, carrier: str, year: int, parameters: Parameters) -> float:
    """Ratio of a carrier's `quantity` (co2, price) in a year to its figure in the table carriers. [-]"""
    years, ratios = _courses(Same(parameters.paths)).get((quantity, carrier), ([year], [1.0]))
    return float(np.interp(year, years, ratios))


@lru_cache(maxsize=8)
def _courses(paths: Same[pd.DataFrame]) -> dict[tuple[str, str], tuple[list[int], list[float]]]:
    """Years in order and ratios of each quantity and carrier of the table paths."""
    courses: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
    table = paths.it["ratio"].sort_index().reset_index()
    columns = (table[name].tolist() for name in ("quantity", "carrier", "year", "ratio"))
    for quantity, carrier, year, ratio in zip(*columns, strict=True):
        years, ratios = courses.setdefault((quantity, carrier), ([], []))
        years.append(int(year))
        ratios.append(float(ratio))
    return courses


def co2_price(year: int, parameters: Parameters) -> float:
    """Price of CO2 in fuels (BEHG, later EU ETS 2), without value-added tax. [€/t]"""
    table = parameters.co2_prices
    return over_years(table.index.to_numpy(), table["price_eur_t"].to_numpy(), year)


@lru_cache(maxsize=32)
def factors(parameters: Parameters) -> Factors:
    """Factors and prices of the year of evaluation (`parameters.year`)."""
    return factors_in(parameters, parameters.year)


def factors_in(parameters: Parameters, year: int) -> Factors:
    """Factors and prices of a year.

    Heat of the network counts with the CO2 at the customer, or, where network_simulated is 1, with that at
    the feed-in and the losses that were simulated (network_loss_share).
    """
    table = parameters.carriers
    carriers = tuple(str(name) for name in table.index)
    column = {name: table[name].to_numpy("float64") for name in table if not str(name).endswith("source")}
    co2 = column["co2_kg_kwh"]
    if parameters.constant("network_simulated"):
        fed = column["co2_feed_in_kg_kwh"]
        co2 = np.where(fed != co2, fed * (1 + parameters.constant("network_loss_share")), co2)
    per_kwh = (1 + parameters.constant("vat")) / 1000 * column["priced_co2_kg_kwh"]
    taxed, taxed_then = (
        per_kwh * co2_price(y, parameters) for y in (year, int(parameters.constant("price_year")))
    )
    billed = column["price_eur_kwh"] * column["billed_per_delivered"]
    prices = np.array([path("price", name, year, parameters) for name in carriers])
    return Factors(
        year,
        carriers,
        column["primary_energy_factor"],
        co2 * np.array([path("co2", name, year, parameters) for name in carriers]),
        (billed - taxed_then) * prices + taxed,
        taxed,
    )


def table(parameters: Parameters) -> pd.DataFrame:
    """The table carriers with the factors and prices of the year of evaluation."""
    of_year = factors(parameters)
    return parameters.carriers.assign(**{name: getattr(of_year, name) for name in FACTORS.values()})


def weighted(
    quantity: str,
    supplied: Supplied,
    heat: Array,
    electricity: Array,
    parameters: Parameters,
    exported: Array | None = None,
) -> Array:
    """Primary energy [kWh], CO2 [kg] or cost [€] of the delivered energy; shape (building, time).

    Parameters
    ----------
    quantity : a key of `FACTORS`.
    heat, electricity : delivered for heat by each building's carrier, and electricity for all else; with
        photovoltaics, heat by other carriers and all that is bought (`energy.grid_exchange`). [kWh]
    exported : electricity fed into the grid, [kWh]; credited by export_credit. Its revenue is no part of the
        cost (`feed_in_revenue`).
    """
    by_carrier = getattr(factors(parameters), FACTORS[quantity])
    of_heat = np.where(supplied.carrier >= 0, by_carrier[supplied.carrier], 0.0).astype(heat.dtype)
    total = heat * of_heat[:, None] + electricity * heat.dtype.type(by_carrier[supplied.electricity])
    if exported is not None and quantity in _EXPORT:
        credit = parameters.constant("export_credit") * parameters.constant(_EXPORT[quantity])
        total = total - exported * heat.dtype.type(credit)
    return np.asarray(total)


def feed_in_rate(power_kwp: Array, parameters: Parameters, full: bool = False) -> Array:
    """Revenue per kWh fed in by the modules' power, EEG 2023 § 48; shape as `power_kwp`. [€/kWh]

    Each class's rate holds for the power within it, so that a plant gets their mean.

    full : all electricity is fed in.

    Raises
    ------
    CallError : a plant larger than the last class, or negative power.
    """
    power = np.asarray(power_kwp, "float64")
    table = parameters.feed_in
    upper = table.index.to_numpy("float64")
    if not (np.all(power >= 0) and np.all(power <= upper[-1])):
        raise CallError(
            f"power between {power.min():g} and {power.max():g} kWp",
            "feed-in",
            f"Rates are known from 0 to {upper[-1]:g} kWp: split the plant or add a row to feed_in.csv",
        )
    lower = np.concatenate([[0.0], upper[:-1]])
    within = np.clip(power[..., None] - lower, 0.0, upper - lower)
    rates = table["full_eur_kwh" if full else "part_eur_kwh"].to_numpy("float64")
    return np.asarray(np.where(power > 0, within @ rates / np.where(power > 0, power, 1.0), rates[0]))


def feed_in_revenue(
    exported_kwh: Array, power_kwp: Array, parameters: Parameters, full: bool = False
) -> Array:
    """Revenue of the electricity fed in; shape as `exported_kwh`, (building, …). [€]"""
    rate = feed_in_rate(power_kwp, parameters, full)
    return np.asarray(exported_kwh * rate.reshape(rate.shape + (1,) * (np.ndim(exported_kwh) - rate.ndim)))
