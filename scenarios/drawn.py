"""A scenario made ready to be drawn from thousands of times: its figures as arrays.

The draws are those of `scenarios.uncertainty`: here they reach the kernel as arrays, prices and factors of
the years are lines in what is drawn, and payments are sums of those of one euro. A draw then costs little
more than the simulation itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case, weighting
from energy.columns import Columns
from energy.parameters import VALUE_TABLES, Parameters
from energy.simulate import bins_of, chain
from scenarios import costs
from scenarios.drawn_columns import Spread, draw_columns, spread_of
from scenarios.outcome import Stage
from twin.compute import Beside, Same

Array = npt.NDArray[np.float64]
_HIGH_Z = 1.6448536  # of the 95 % that low_eur and high_eur stand for
_OUTPUTS = ("heating_need_kwh", "delivered_kwh", "feed_in_revenue_eur")


@dataclass(frozen=True, eq=False)
class Year:
    """A year of buildings in one draw.

    heating_need_kwh : shape (building,).  delivered_kwh : shape (carrier, building).
    revenue_eur : of all electricity fed in.
    """

    heating_need_kwh: Array
    delivered_kwh: Array
    revenue_eur: float

    @property
    def by_carrier(self) -> Array:
        """The district's delivered energy, shape (carrier,). [kWh]"""
        return np.asarray(self.delivered_kwh.sum(axis=1))


@dataclass(frozen=True, eq=False)
class Drawn:
    """The district's figures of a scenario in one draw, as `uncertainty.one`, and those of its buildings.

    buildings : after all measures, shape (building,) each: heating_need_kwh, delivered_kwh, co2_kg.
    """

    figures: dict[str, float]
    buildings: dict[str, Array]


def year_of(case: Case, columns: Columns) -> Year:
    """The year of all buildings of a case with these figures in place of its own."""
    rows = np.arange(len(columns), dtype=np.intp)
    bins = bins_of(case.weather, "year")
    found = chain(case, rows, bins, _OUTPUTS, buildings=columns)
    need, delivered, revenue = (found[name].sum(axis=-1, dtype="float64") for name in _OUTPUTS)
    return Year(need, delivered, float(revenue.sum()))


@dataclass(frozen=True, eq=False)
class Weights:
    """Prices and CO2 factors of years as lines in what is drawn; shape (year, carrier) each.

    A price is `price_eur_kwh` times the drawn ratio, and `fixed_eur_kwh`, the CO2 price in it.
    """

    price_eur_kwh: Array
    fixed_eur_kwh: Array
    co2_kg_kwh: Array

    def of(self, price: Array, co2: Array) -> tuple[Array, Array]:
        """Price [€/kWh] and CO2 [kg/kWh] with drawn ratios, shape (carrier,) each."""
        return self.price_eur_kwh * price + self.fixed_eur_kwh, self.co2_kg_kwh * co2


def weights(parameters: Parameters, years: range) -> Weights:
    """The weights of years by `energy.weighting.factors`, kept while its tables are the same."""
    tables = ("carriers", "paths", "co2_prices", *VALUE_TABLES)
    return _weights(tuple(Same(getattr(parameters, name)) for name in tables), Beside(parameters), years)


@lru_cache(maxsize=64)
def _weights(_tables: tuple[Same[pd.DataFrame], ...], whole: Beside[Parameters], years: range) -> Weights:
    parameters = whole.it
    free = parameters.replace(carriers=parameters.carriers.assign(price_eur_kwh=0.0))
    rows = [
        (weighting.factors(parameters.with_constants(year=y)), weighting.factors(free.with_constants(year=y)))
        for y in years
    ]
    fixed = np.array([without.price_eur_kwh for _, without in rows])
    price = np.array([whole.price_eur_kwh for whole, _ in rows])
    return Weights(price - fixed, fixed, np.array([whole.co2_kg_kwh for whole, _ in rows]))


def weight_ratios(parameters: Parameters, z: Mapping[str, float]) -> tuple[Array, Array]:
    """Drawn over known price and CO2 of each carrier, shape (carrier,) each, the same along their paths."""
    spread = parameters.uncertainties["spread"].astype("float64").to_dict()
    power = (parameters.carriers.index == "electricity").astype(int)

    def ratios(kind: str) -> Array:
        both = []
        for of in ("heat", "electricity"):
            sigma = np.sqrt(np.log1p(spread[f"{kind}_{of}"] ** 2))
            both.append(np.exp(sigma * z[f"{kind}_{of}"] - sigma**2 / 2))
        return np.asarray(np.array(both)[power])

    return ratios("price"), ratios("co2")


def present_values(items: pd.DataFrame, parameters: Parameters, start: int) -> pd.DataFrame:
    """Of all payments for items (`costs.ITEM_COLUMNS`) over the horizon, index item. [€]

    Columns priced (purchase, subsidy, upkeep, at expected costs) and fees.
    """
    worth = {
        name: costs.items_present_value(costs.only(items, money), parameters, start)
        for name, money in (("priced", costs.PRICED), ("fees", ("fee_eur_a",)))
    }
    found: pd.DataFrame = pd.DataFrame(worth).groupby(items["item"]).sum()
    return found


def cost_ratio(items: pd.Index[Any], parameters: Parameters, z: float) -> Array:
    """Drawn over expected cost of items: low_eur at 5 %, high_eur at 95 %; shape (item,). [-]"""
    prices = parameters.measure_costs.loc[items]
    middle = prices["unit_cost_eur"].to_numpy("float64")
    end = prices["high_eur" if z > 0 else "low_eur"].to_numpy("float64")
    return np.asarray(np.maximum(1 + (end / middle - 1) * abs(z) / _HIGH_Z, 0.1))


@dataclass(frozen=True, eq=False)
class Ready:
    """A scenario on a case, ready to be drawn from.

    states, spread : of its pathway, each from its first year on.
    bought_eur : what it buys, as `present_values`.
    case : before the measures, whose year the horizon starts in.
    """

    case: Case
    states: tuple[Stage, ...]
    spread: tuple[Spread, ...]
    bought_eur: pd.DataFrame

    @classmethod
    def of(
        cls,
        case: Case,
        states: Sequence[Stage],
        items: pd.DataFrame,
        known: tuple[Case, Spread] | None = None,
    ) -> Ready:
        """Of the states and items of `outcome.stages` and `outcome.bought_items`.

        known : a case with its spread, from which the states differ little.
        """
        spread = []
        for state in states:
            known = state.case, spread_of(state.case, known)
            spread.append(known[1])
        bought = present_values(items, case.parameters, case.parameters.year)
        return cls(case, tuple(states), tuple(spread), bought)

    def draw(self, z: Mapping[str, float], seed: int) -> Drawn:
        """The figures of one draw.

        z : standard normal, by input.  seed : of the buildings' own noise.
        """
        years = [
            year_of(state.case, draw_columns(state.case, spread, z, seed))
            for state, spread in zip(self.states, self.spread, strict=True)
        ]
        last, parameters = years[-1], self.states[-1].case.parameters
        start = self.case.parameters.year
        this = range(start, start + 1)
        price, co2 = weights(parameters, this).of(*weight_ratios(parameters, z))
        cost, horizon_kg = self._horizon(years, z)
        figures = {
            "heating_need_kwh": float(last.heating_need_kwh.sum()),
            "delivered_kwh": float(last.by_carrier.sum()),
            "co2_kg": float(last.by_carrier @ co2[0]),
            "energy_cost_eur": float(last.by_carrier @ price[0]) - last.revenue_eur,
            "net_present_cost_eur": cost,
            "co2_horizon_kg": horizon_kg,
        }
        buildings = {
            "heating_need_kwh": last.heating_need_kwh,
            "delivered_kwh": last.delivered_kwh.sum(axis=0),
            "co2_kg": co2[0] @ last.delivered_kwh,
        }
        return Drawn(figures, buildings)

    def _horizon(self, years: Sequence[Year], z: Mapping[str, float]) -> tuple[float, float]:
        """Net present cost [€] and CO2 [kg] of the horizon, as `outcome.pathway` goes through the states."""
        start = self.case.parameters.year
        end = start + int(self.case.parameters.constant("horizon_a"))
        turns = [*(state.first_year for state in self.states), end]
        rate = self.case.parameters.constant("interest_rate")
        ratio = cost_ratio(self.bought_eur.index, self.case.parameters, z["unit_costs"])
        cost = float(self.bought_eur["priced"].to_numpy() @ ratio + self.bought_eur["fees"].sum())
        total_kg = 0.0
        for state, year, first, behind in zip(self.states, years, turns, turns[1:], strict=False):
            parameters = state.case.parameters
            ratios = weight_ratios(parameters, z)
            price, co2 = weights(parameters, range(first, behind)).of(*ratios)
            discount = (1 + rate) ** -(np.arange(first, behind) - start).astype("float64")
            cost += float(discount @ (price @ year.by_carrier - year.revenue_eur))
            total_kg += float((co2 @ year.by_carrier).sum())
        return cost, total_kg
