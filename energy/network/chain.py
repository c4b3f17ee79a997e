"""The heat network of a case: laid out once, fed with the chain's heat, its losses given back to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import heat_balance
from energy.case import Case
from energy.changes import changes
from energy.network import layout
from energy.network.model import Network
from energy.network.solver import FeedIn, NetworkYear, solve
from energy.network.water import Indices
from energy.simulate import bins_of, chain
from twin.errors import CallError
from twin.sources.base import no_progress

HEATING = "district_heating"
_HEAT = "heating_delivered_kwh"


def of_case(case: Case, *, plant: str | tuple[float, float] | None = None) -> Network:
    """The network of the case's district; see `energy.network.layout.of_district`.

    It is laid out for the buildings that the case connects. A measure that lessens the load does not make the
    pipes thinner: hand the network of the case before it to `simulate_network`.
    """
    return layout.of_district(case.district, design_power_kw(case), case.parameters, plant=plant)


def design_power_kw(case: Case) -> pd.Series:
    """Design heat load of the connected buildings, index building_id. [kW]

    Heat loss at the design outdoor temperature (as DIN EN 12831-1 takes it: transmission and ventilation,
    without gains), with a reserve for hot water.
    """
    rows = _connected(case)
    zones = heat_balance.zones(case.columns.take(rows), case.parameters)
    loss = zones.h_tr_op_w_k + zones.h_tr_w_w_k + zones.h_ve_on_w_k
    apart = case.parameters.constant("design_room_c") - case.parameters.constant("design_outdoor_c")
    reserve = case.parameters.constant("power_reserve")
    return pd.Series(loss * apart * reserve / 1000, index=case.envelope.index[rows])


def _connected(case: Case) -> Indices:
    """Rows of the envelope that the network heats."""
    return np.flatnonzero((case.envelope["heating"] == HEATING).to_numpy() & case.columns.conditioned)


@dataclass(frozen=True, eq=False)
class ConnectedHeat:
    """Heat that the connected buildings of a case take, hour by hour.

    building_ids : in the order of the envelope.  kwh : shape (building, time), float32.
    """

    case: Case
    building_ids: pd.Index
    kwh: npt.NDArray[np.float32]


def connected_heat(case: Case, since: ConnectedHeat | None = None) -> ConnectedHeat:
    """The heat of the case's connected buildings.

    since : of a case that differs in some buildings: only these are simulated again.
    """
    rows = _connected(case)
    ids = case.envelope.index[rows]
    differ = None if since is None else changes(since.case, case)
    if since is None or differ is None:
        return ConnectedHeat(case, ids, _heat(case, rows))
    known = since.building_ids.get_indexer(ids)
    fresh = (known < 0) | differ.buildings[rows]
    kwh = np.empty((len(ids), len(case.weather)), np.float32)
    kwh[~fresh] = since.kwh[known[~fresh]]
    if fresh.any():
        kwh[fresh] = _heat(case, rows[fresh])
    return ConnectedHeat(case, ids, kwh)


def _heat(case: Case, rows: Indices) -> npt.NDArray[np.float32]:
    return np.asarray(chain(case, rows, bins_of(case.weather, "hour"), [_HEAT])[_HEAT], np.float32)


def simulate_network(
    case: Case,
    network: Network | None = None,
    *,
    heat: ConnectedHeat | None = None,
    feed_in: FeedIn | None = None,
    workers: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> NetworkYear:
    """The network's year with the heat of the case's connected buildings, hour by hour.

    network : laid out before, as for the case before a measure; that of the case without it.
    heat : `connected_heat` of the case, where it is known already.

    Raises
    ------
    CallError : a connected building lies outside the network, or as `energy.network.solver.solve` says.
    """
    report = progress or no_progress
    net = of_case(case) if network is None else network
    connected = case.envelope.index[_connected(case)] if heat is None else heat.building_ids
    if len(lost := connected.difference(net.building_station.index)):
        raise CallError(
            f"{len(lost)} building(s) with district heating have no substation in the network",
            f"building {lost[0]}",
            "Lay the network out for this case: energy.network.of_case(case)",
        )
    report("simulate", 0.0)
    kwh = (heat or connected_heat(case)).kwh
    report("network", 0.0)
    found = solve(
        net,
        net.station_heat(kwh, connected),
        case.weather.temp_air,
        case.weather.times,
        case.parameters,
        feed_in=feed_in,
        workers=workers,
        progress=report,
    )
    report("network", 1.0)
    return found


def with_losses(case: Case, found: NetworkYear) -> Case:
    """The case whose district heat counts with the CO2 at the feed-in plus the network's simulated losses.

    Instead of the figure at the customer, which holds the real network's losses already: never both.
    """
    parameters = case.parameters.with_constants(network_simulated=1, network_loss_share=found.loss_share)
    return case.replace(parameters=parameters)
