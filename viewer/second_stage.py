"""What takes longer than a slider's step: the heat network's year and the rooms' summer, in a few figures.

The network is laid out once, for the buildings as they are; a measure lessens its load, not its pipes. Hours
would fill memory for each person who looks, so that only sums, means and extremes are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

import energy.network
from energy import Case, rooms, weighting
from energy.changes import changed_buildings
from scenarios.heat_network import HeatNetwork

ROOMS_AT_ONCE = 64  # a block of the kernel: one core's, and a slider's step may wait for so many


@dataclass(frozen=True, eq=False)
class NetworkFigures:
    """A network's year.

    course : of each pipe in EPSG:25832, its points' x and y after each other, shape (pipe,).
    pipes : one row per pipe: length_m, inner_diameter_mm, flow_max_kg_s, supply_mean_c, overloaded_h,
        loss_kwh.
    stations : one row per substation: heat_kwh, peak_kw, power_kw, flow_max_kg_s, supply_mean_c,
        coldest_supply_c, short_h (hours with less heat or pressure than needed), low_pressure_h,
        unserved_kwh.
    station_of : the substation of each connected building, index building_id.
    fed_kwh, loss_kwh, pump_kwh : heat of the plant, what of it is lost, electricity of the pump.
    pump_co2_kg : of that electricity by the grid mix; it belongs to no building.
    counted : the case with district heat counting with these losses, not with the figure at the customer.
    co2_kg : of all energy per building in that case; index building_id.
    notes : what was estimated or left out.
    """

    course: tuple[npt.NDArray[np.float64], ...]
    pipes: pd.DataFrame
    stations: pd.DataFrame
    station_of: pd.Series
    fed_kwh: float
    loss_kwh: float
    pump_kwh: float
    pump_co2_kg: float
    counted: Case
    co2_kg: pd.Series
    notes: tuple[str, ...]

    @property
    def loss_share(self) -> float:
        """Heat lost of the heat fed in; 0 where nothing is. [-]"""
        return self.loss_kwh / self.fed_kwh if self.fed_kwh > 0 else 0.0

    @property
    def year(self) -> HeatNetwork:
        """The same year as `scenarios` counts with."""
        heat_kwh = float(self.stations["heat_kwh"].sum())
        return HeatNetwork(heat_kwh, self.fed_kwh, self.loss_kwh, self.pump_kwh, self.stations)

    def per_building(self, column: str) -> pd.Series:
        """A figure of its substation for each connected building, index building_id."""
        return self.station_of.map(self.stations[column])


@dataclass(frozen=True, eq=False)
class SecondStage:
    """What follows later from one state of the district.

    network : None where the district has no network, then `problem` says why.
    overheating : columns of `energy.comfort.summer_comfort` per heated building; None while it is computed.
    """

    network: NetworkFigures | None
    overheating: pd.DataFrame | None = None
    problem: str = ""


def network_figures(
    case: Case,
    network: energy.network.Network,
    annual: pd.DataFrame,
    heat: energy.network.ConnectedHeat | None = None,
) -> NetworkFigures:
    """Solve the year of `network` under the case's heat and keep what the app shows.

    annual : of the case's buildings, with district heat as the certificate counts it (`energy.annual`).
    heat : of the case, where it is known already.

    Raises
    ------
    CallError : as `energy.network.simulate_network` says.
    """
    year = energy.network.simulate_network(case, network, heat=heat)
    found = year.substations()
    names = ["heat_kwh", "peak_kw", "power_kw", "coldest_supply_c", "low_pressure_h", "unserved_kwh"]
    stations = found[names].copy()
    stations["short_h"] = found[["short_h", "low_pressure_h"]].max(axis=1)
    stations["flow_max_kg_s"] = year.station_flow_kg_s.max(axis=1)
    stations["supply_mean_c"] = year.supply_c[network.station_node].mean(axis=1)
    pipes = year.pipes(case.parameters)[
        ["length_m", "inner_diameter_mm", "flow_max_kg_s", "supply_mean_c", "overloaded_h", "loss_kwh"]
    ]
    counted = energy.network.with_losses(case, year)
    pumped_kwh = float(year.pump_kwh.sum())
    served = network.building_station.dropna().astype(int)
    return NetworkFigures(
        course=tuple(np.round(shapely.get_coordinates(line), 1).ravel() for line in network.geometry),
        pipes=pipes,
        stations=stations,
        station_of=pd.Series(network.substation_id[served.to_numpy()], index=served.index),
        fed_kwh=float(year.plant_kwh.sum() + year.feed_kwh.sum()),
        loss_kwh=float(year.supply_loss_kwh.sum() + year.return_loss_kwh.sum()),
        pump_kwh=pumped_kwh,
        pump_co2_kg=pumped_kwh * grid_co2_kg_kwh(case),
        counted=counted,
        co2_kg=counted_co2_kg(case, counted, annual),
        notes=network.notes,
    )


def grid_co2_kg_kwh(case: Case) -> float:
    """CO2 of a kWh from the grid in the case's year."""
    factors = weighting.factors(case.parameters)
    return float(factors.co2_kg_kwh[list(factors.carriers).index("electricity")])


def counted_co2_kg(case: Case, counted: Case, annual: pd.DataFrame) -> pd.Series:
    """CO2 of each building where its district heat counts by other factors, all else being equal. [kg]"""
    before, after = (weighting.factors(c.parameters) for c in (case, counted))
    more = pd.Series(after.co2_kg_kwh - before.co2_kg_kwh, index=list(before.carriers))
    carrier = case.parameters.systems["carrier"].to_dict()
    of_heat = case.envelope["heating"].map(carrier).map(more).fillna(0.0)
    co2: pd.Series = annual["co2_kg"] + annual["heating_delivered_kwh"] * of_heat
    return co2


def overheating(case: Case, since: tuple[Case, pd.DataFrame] | None = None) -> pd.DataFrame:
    """Over-temperature of the critical room of each heated building, DIN 4108-2:2013, 8.4.

    since : a case and its table: only the buildings that differ from it are simulated.
    """
    *_, table = overheating_steps(case, since)
    return table


def overheating_steps(case: Case, since: tuple[Case, pd.DataFrame] | None = None) -> Iterator[pd.DataFrame]:
    """`overheating` some rooms at a time; the table of the last step has all."""
    heated = case.envelope["conditioned"].to_numpy(bool)
    changed = None if since is None else changed_buildings(since[0], case)
    rows = heated if changed is None else heated & changed
    fresh = case.envelope[rows]
    if since is not None and not len(fresh):
        yield since[1]
        return
    parts: list[pd.DataFrame] = []
    for first in range(0, max(len(fresh), 1), ROOMS_AT_ONCE):
        some = fresh.iloc[first : first + ROOMS_AT_ONCE]
        parts.append(rooms.overheating(some, case.weather, case.room_sun, case.parameters))
        yield parts[-1]
    found = pd.concat(parts)
    if since is None or changed is None:
        yield found
        return
    table = since[1].copy()
    table.loc[found.index] = found
    yield table
