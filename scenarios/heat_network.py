"""The second stage of a scenario: the heat network's year in a few figures, its CO2 and what it costs.

The network is laid out once, for the district before any measure: a measure lessens its load, not its pipes.
Only a measure that connects further buildings has it laid out anew.

What counts where: heat at the customer counts with the CO2 at the feed-in and the simulated losses, never
with the certificate's figure, which holds the losses already. The price of heat holds what losses and pumping
cost today; a scenario's network costs more or less than that (`surplus`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

import energy.network
from energy import Case, weighting
from energy.network.chain import HEATING
from energy.network.solver import NetworkYear
from energy.parameters import Parameters

CARRIER = "district_heating"
POWER = "electricity"
YEAR_COLUMNS = (
    "network_heat_kwh", "network_fed_kwh", "network_loss_kwh", "network_pump_kwh",
    "network_loss_co2_kg", "network_pump_co2_kg", "network_cost_eur",
)  # fmt: skip
Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class HeatNetwork:
    """A network's year.

    heat_kwh : arrives at the substations.  fed_kwh : of the plant and other feed-ins.
    loss_kwh : lost in the ground.  pump_kwh : electricity of the pump.
    stations : one row per substation: heat_kwh, unserved_kwh, short_h (less heat than asked), low_pressure_h,
        cold_h (supply below what the unrefurbished house needs), coldest_supply_c, buildings (how many),
        address (of the first).
    notes : what was estimated or left out.
    """

    heat_kwh: float
    fed_kwh: float
    loss_kwh: float
    pump_kwh: float
    stations: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def loss_share(self) -> float:
        """Heat lost over heat that arrives; 0 where none does. [-]"""
        return self.loss_kwh / self.heat_kwh if self.heat_kwh > 0 else 0.0

    @property
    def short_stations(self) -> pd.DataFrame:
        """Substations that get less heat or pressure than they ask for, the worst first."""
        lacking = self.stations[(self.stations["short_h"] > 0) | (self.stations["low_pressure_h"] > 0)]
        return lacking.sort_values(["unserved_kwh", "low_pressure_h"], ascending=False)


def laid_out(case: Case) -> energy.network.Network:
    """The network of the case before any measure.

    Raises
    ------
    TwinError : there is none, or its pipes do not hang together.
    """
    return energy.network.of_case(case)


def solved(case: Case, network: energy.network.Network, progress: Progress | None = None) -> HeatNetwork:
    """The year of `network` under the case's heat; laid out anew where the case connects further buildings.

    Raises
    ------
    CallError : as `energy.network.simulate_network` says.
    """
    connected = case.envelope.index[
        (case.envelope["heating"] == HEATING).to_numpy() & case.envelope["conditioned"].to_numpy(bool)
    ]
    added = connected.difference(network.building_station.index)
    mine = energy.network.of_case(case) if len(added) else network
    found = energy.network.simulate_network(case, mine, progress=progress)
    notes = (f"laid out anew for {len(added)} more building(s)",) if len(added) else ()
    return figures(found, case, notes)


def figures(found: NetworkYear, case: Case, notes: Sequence[str] = ()) -> HeatNetwork:
    """What is kept of a network's year."""
    net, table = found.network, found.substations()
    names = ["heat_kwh", "unserved_kwh", "short_h", "low_pressure_h", "cold_h", "coldest_supply_c"]
    stations = table.loc[:, names].copy()
    served = net.building_station.dropna().astype(int)
    counts = np.bincount(served.to_numpy(), minlength=len(net.substation_id))
    first = served[~served.duplicated()]
    address = pd.Series(_addresses(case, first.index), index=first.to_numpy())
    stations["buildings"] = counts
    stations["address"] = address.reindex(range(len(stations))).fillna("").to_numpy()
    return HeatNetwork(
        heat_kwh=float(found.served_kwh.sum()),
        fed_kwh=float(found.plant_kwh.sum() + found.feed_kwh.sum()),
        loss_kwh=float(found.supply_loss_kwh.sum() + found.return_loss_kwh.sum()),
        pump_kwh=float(found.pump_kwh.sum()),
        stations=stations.rename_axis("substation_id"),
        notes=(*net.notes, *notes),
    )


def _addresses(case: Case, ids: pd.Index) -> list[str]:
    """Street and number of buildings, the id where they are not known."""
    rows = case.district.buildings.reindex(ids)
    columns = (rows[name].fillna("").astype(str) for name in ("street", "house_number"))
    said = (f"{street} {number}".strip() for street, number in zip(*columns, strict=True))
    return [text or str(name) for text, name in zip(said, ids, strict=True)]


def counted(case: Case, network: HeatNetwork) -> Case:
    """The case whose district heat counts with the CO2 at the feed-in plus the simulated losses."""
    shares = {"network_simulated": 1, "network_loss_share": network.loss_share}
    return case.replace(parameters=case.parameters.with_constants(**shares))


def over_years(network: HeatNetwork, parameters: Parameters, years: range) -> pd.DataFrame:
    """The same network's year in each year, index year, columns `YEAR_COLUMNS`.

    CO2 of losses at the feed-in and of pumping by the grid mix [kg]; what both cost the operator: heat at the
    plant and electricity for the pump [€], along the paths of their prices.
    """
    fed = float(parameters.carriers["co2_feed_in_kg_kwh"].to_dict()[CARRIER])
    grid = float(parameters.carriers["co2_kg_kwh"].to_dict()[POWER])
    heat_eur, power_eur = (
        parameters.constant(name) for name in ("heat_at_plant_eur_kwh", "pump_power_eur_kwh")
    )

    def along(quantity: str, carrier: str, year: int) -> float:
        return weighting.path(quantity, carrier, year, parameters)

    rows = {
        year: (
            network.heat_kwh, network.fed_kwh, network.loss_kwh, network.pump_kwh,
            network.loss_kwh * fed * along("co2", CARRIER, year),
            network.pump_kwh * grid * along("co2", POWER, year),
            network.loss_kwh * heat_eur * along("price", CARRIER, year)
            + network.pump_kwh * power_eur * along("price", POWER, year),
        )
        for year in years
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(YEAR_COLUMNS)).rename_axis("year")


def surplus(years: pd.DataFrame, base: pd.DataFrame) -> pd.Series:
    """What losses and pumping cost beyond what the price of heat holds for them, by year. [€]

    The price holds what they cost in the base per kWh that arrives. A colder network saves against that;
    where less heat is sold, the losses that stay are borne by fewer kWh.

    years, base : with the columns `YEAR_COLUMNS`.
    """
    heat = base["network_heat_kwh"]
    held = (base["network_cost_eur"] / heat.where(heat > 0)).fillna(0.0)
    surplus: pd.Series = years["network_cost_eur"] - held * years["network_heat_kwh"]
    return surplus
