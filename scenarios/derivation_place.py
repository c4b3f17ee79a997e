"""Where a figure is looked at: the district, a block or a building of an outcome; what derivations share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from energy import weighting
from energy.derivation_sheet import Sheet
from energy.parameters import Parameters
from scenarios import costs
from scenarios.compare import DISTRICT, INDICATORS, Level, same_basis, units
from scenarios.comparison import Comparison
from scenarios.details import details_of
from scenarios.heat_network import CARRIER, POWER, HeatNetwork
from scenarios.outcome import Outcome
from scenarios.uncertainty import of_scenario
from twin.errors import CallError

CARRIERS = {
    "district_heating": ("district heat", "Fernwärme"), "gas": ("gas", "Gas"), "oil": ("oil", "Öl"),
    "wood": ("wood", "Holz"), "electricity": ("electricity", "Strom"),
}  # fmt: skip
SHORT = {"district_heating": "dh", "electricity": "el"}


@dataclass(frozen=True, eq=False)
class Place:
    """An outcome, the base on the same basis, and the buildings whose figures are summed.

    ids : of the buildings; "" for what belongs to none, in the district.
    """

    outcome: Outcome
    base: Outcome
    where: str
    level: Level
    ids: pd.Index

    @property
    def is_district(self) -> bool:
        return self.level == "district"

    @property
    def parameters(self) -> Parameters:
        return self.outcome.case.parameters

    @property
    def network(self) -> HeatNetwork | None:
        return self.outcome.network

    @property
    def of_base(self) -> Place:
        """The same place before any measure."""
        return Place(self.base, self.base, self.where, self.level, self.ids)

    def shown(self, comparison: Comparison, indicator: str) -> float:
        """The figure as the comparison has it, with a detail that it was not asked for."""
        table = of_scenario(comparison.indicators(self.level), self.outcome.name)
        if indicator not in table:
            table = details_of(self.outcome, self.level, [INDICATORS[indicator].detail])
        missing = float("nan") if INDICATORS[indicator].detail else 0.0
        return float(table[indicator].to_dict().get(self.where, missing))

    @cached_property
    def annual(self) -> pd.DataFrame:
        return self.outcome.annual.loc[self.outcome.annual.index.isin(self.ids)]

    @cached_property
    def items(self) -> pd.DataFrame:
        return self.outcome.items[self.outcome.items["building_id"].isin(self.ids)]

    def delivered(self, annual: pd.DataFrame | None = None) -> dict[str, float]:
        """Delivered energy by carrier, without carriers that are not used. [kWh]"""
        table = self.annual if annual is None else annual.loc[annual.index.isin(self.ids)]
        sums = {name: float(table[f"delivered_{name}_kwh"].sum()) for name in self.parameters.carriers.index}
        return {name: value for name, value in sums.items() if value}

    def payments(self) -> pd.Series:
        """Payments for what is bought in each year of the horizon. [€]"""
        start = self.base.case.parameters.year
        return costs.item_payments(self.items, self.base.case.parameters, start)

    @property
    def simulated(self) -> str:
        """Source of what the simulation gives."""
        count = int(self.annual.shape[0])
        return (
            f"hourly simulation of {count} building(s), {self.outcome.case.weather.name}"
            if self.level != "building"
            else f"hourly simulation, {self.outcome.case.weather.name}; see the chain"
        )


def place_of(comparison: Comparison, where: str, scenario: str | None) -> Place:
    """The place of a comparison.

    Raises
    ------
    CallError : there is no such scenario, building or block.
    """
    outcomes = {one.name: one for one in same_basis(comparison.outcomes)}
    name = scenario or comparison.outcomes[-1].name
    if name not in outcomes:
        raise CallError(f"there is no scenario {name!r}", "derivation", f"Use {', '.join(outcomes)}")
    outcome, base = outcomes[name], outcomes[comparison.base.name]
    if where == DISTRICT:
        return Place(outcome, base, where, "district", pd.Index([*outcome.annual.index, ""]))
    if where in outcome.annual.index:
        return Place(outcome, base, where, "building", pd.Index([where]))
    blocks = units(outcome, "block")
    if (ids := blocks.index[(blocks == where).to_numpy(bool)]).size:
        return Place(outcome, base, where, "block", ids)
    raise CallError(
        f"there is no building or block {where!r}", outcome.case.district.name, "See district.buildings.index"
    )


def factor(sheet: Sheet, place: Place, symbol: str, carrier: str, quantity: str, year: int) -> None:
    """A factor or price of a carrier in a year, with its source.

    quantity : a key of `weighting.FACTORS`.  Where the network is simulated, the CO2 of district heat is
    worked out from that at the feed-in and the losses.
    """
    name, name_de = CARRIERS.get(carrier, (carrier, carrier))
    of_year = weighting.factors_in(place.parameters, year)
    column = weighting.FACTORS[quantity]
    value = float(getattr(of_year, column)[of_year.carriers.index(carrier)])
    row = place.parameters.carriers.loc[[carrier]].iloc[0].to_dict()
    unit = {"primary_energy_kwh": "-", "co2_kg": "kg/kWh", "energy_cost_eur": "€/kWh"}[quantity]
    if quantity == "co2_kg" and carrier == CARRIER and place.network is not None:
        _network_factor(sheet, place, symbol, year)
        return
    source = str(row["price_source" if quantity == "energy_cost_eur" else "factor_source"])
    path = {"co2_kg": "; table paths", "energy_cost_eur": "; tables paths, co2_prices"}.get(quantity, "")
    texts = {
        "primary_energy_kwh": ("Primary energy factor", "Primärenergiefaktor"),
        "co2_kg": ("CO2 factor", "CO2-Faktor"),
        "energy_cost_eur": ("Price", "Preis"),
    }[quantity]
    sheet.given(
        symbol, f"{texts[0]}, {name}, {year}", f"{texts[1]}, {name_de}, {year}", value, unit,
        f"{source}{path if year != int(place.parameters.constant('price_year')) else ''}",
    )  # fmt: skip


def _network_factor(sheet: Sheet, place: Place, symbol: str, year: int) -> None:
    assert place.network is not None
    network, parameters = place.network, place.parameters
    if "f_feed" not in sheet.known:
        row = parameters.carriers.loc[[CARRIER]]
        sheet.given(
            "f_feed", "CO2 per kWh fed into the network", "CO2 je eingespeister kWh",
            float(row["co2_feed_in_kg_kwh"].iloc[0]), "kg/kWh", str(row["factor_source"].iloc[0]),
        )  # fmt: skip
    tag = symbol.removeprefix("f_")
    solved = "heat network, solved hour by hour"
    lost, arrives = f"Q_lost_{tag}", f"Q_arr_{tag}"
    sheet.given(lost, "Heat lost in the ground", "Wärmeverlust im Boden", network.loss_kwh, "kWh", solved)
    sheet.given(
        arrives, "Heat that arrives at the substations", "Wärme an den Stationen", network.heat_kwh, "kWh",
        solved,
    )  # fmt: skip
    ratio = weighting.path("co2", CARRIER, year, parameters)
    sheet.given(
        f"r_{tag}", f"CO2 of {year} over today's", f"CO2 von {year} zu heute", ratio, "-", "table paths",
        is_estimate=year != int(parameters.constant("price_year")),
    )  # fmt: skip
    sheet.worked(
        symbol, f"CO2 factor at the substation, with losses, {year}",
        f"CO2-Faktor an der Station, mit Verlusten, {year}",
        f"f_feed * (1 + {lost} / max({arrives}, 1e-9)) * r_{tag}", "kg/kWh",
        "feed-in and simulated losses instead of the certificate's figure at the customer",
    )  # fmt: skip


def grid(sheet: Sheet, place: Place, symbol: str, year: int) -> None:
    """CO2 of the grid mix in a year."""
    factor(sheet, place, symbol, POWER, "co2_kg", year)
