"""A heat network's year: flow, temperature and pressure by hour, losses, pump, who gets too little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from energy.network import friction, kernel, pipes
from energy.network.model import Network
from energy.network.operation import Operation
from energy.network.water import LANES, Array, Water
from energy.parameters import Parameters
from twin.compute import run_all
from twin.errors import CallError

TOLERANCE = 1e-7  # of each substation's flow, relative
_MOST_SWEEPS = 80
_CHUNK_H = 46 * LANES  # hours solved in one go; a fixed number, so that results don't depend on the cores
_SHORT = 1e-3  # a substation lacks heat when this share of it is missing
_CLOSES = 1e-6


@dataclass(frozen=True, eq=False)
class FeedIn:
    """Heat fed in beside the plant (large heat pump, solar field), per feed-in point of the network.

    heat_kw : offered, shape (feed, time).  supply_c : temperature of it, shape (feed, time). [°C]
    """

    heat_kw: Array
    supply_c: Array


@dataclass(frozen=True, eq=False)
class NetworkYear:
    """Results by hour; nodes, pipes, substations as in `network`. Heat in kWh per hour, i.e. kW.

    times : starts of the hours, UTC.  plant_supply_c, outdoor_c : shape (time,).
    asked_kwh, served_kwh, station_flow_kg_s : shape (substation, time).
    flow_kg_s : in the pipe that leads to the node, away from the plant in the supply; supply_c, return_c :
        shape (node, time).
    lost_pa : pressure lost from the plant to the node and back; shape (node, time).
    head_pa : of the plant's pump; pump_kwh : its electricity; shape (time,).
    plant_kwh : heat of the plant; supply_loss_kwh, return_loss_kwh : of all pipes; shape (time,).
    feed_kwh : taken from the feed-ins, shape (feed, time).
    pipe_loss_kwh : of supply and return over the year, shape (2, pipe).
    residual, sweeps : of the solver, shape (time,).
    """

    network: Network
    operation: Operation
    times: pd.DatetimeIndex
    outdoor_c: Array
    plant_supply_c: Array
    asked_kwh: Array
    served_kwh: Array
    station_flow_kg_s: Array
    flow_kg_s: Array
    supply_c: Array
    return_c: Array
    lost_pa: Array
    head_pa: Array
    pump_kwh: Array
    plant_kwh: Array
    supply_loss_kwh: Array
    return_loss_kwh: Array
    feed_kwh: Array
    pipe_loss_kwh: Array
    residual: Array
    sweeps: Array

    @property
    def loss_share(self) -> float:
        """Heat lost in the ground over heat that arrives; 0 where none does. [-]"""
        served = float(self.served_kwh.sum())
        return float(self.supply_loss_kwh.sum() + self.return_loss_kwh.sum()) / served if served > 0 else 0.0

    @property
    def pump_share(self) -> float:
        """Electricity of the pump over heat that arrives; 0 where none does. [-]"""
        served = float(self.served_kwh.sum())
        return float(self.pump_kwh.sum()) / served if served > 0 else 0.0

    @cached_property
    def station_drop_pa(self) -> Array:
        """Difference of pressure that is left for each substation, shape (substation, time)."""
        return np.asarray(self.head_pa - self.lost_pa[self.network.station_node])

    def substations(self) -> pd.DataFrame:
        """One row per substation: what it asked and got, and in how many hours it lacked what.

        Columns heat_kwh, unserved_kwh, peak_kw, power_kw, short_h (less heat than asked, by flow or
        temperature), cold_h (supply below what the house needs), low_pressure_h, coldest_supply_c (while it
        draws heat), least_drop_pa, overload (peak over power).
        """
        net, at = self.network, self.network.station_node
        missing = np.maximum(self.asked_kwh - self.served_kwh, 0.0)
        drawing = self.asked_kwh > 0
        needed = self.operation.required_c(self.outdoor_c)
        arriving = np.where(drawing, self.supply_c[at], np.inf)
        coldest = arriving.min(axis=1)
        low = (self.station_drop_pa < self.operation.station_drop_pa * (1 - 1e-6)) & drawing
        peak = self.asked_kwh.max(axis=1)
        return pd.DataFrame(
            {
                "heat_kwh": self.served_kwh.sum(axis=1),
                "unserved_kwh": missing.sum(axis=1),
                "peak_kw": peak,
                "power_kw": net.power_kw,
                "short_h": (missing > _SHORT * self.asked_kwh).sum(axis=1),
                "cold_h": ((arriving < needed - 1e-6) & drawing).sum(axis=1),
                "low_pressure_h": low.sum(axis=1),
                "coldest_supply_c": np.where(np.isfinite(coldest), coldest, np.nan),
                "least_drop_pa": np.where(drawing, self.station_drop_pa, np.inf).min(axis=1),
                "overload": peak > net.power_kw * (1 + 1e-9),
            },
            index=net.substation_id,
        ).replace(np.inf, np.nan)

    def pipes(self, parameters: Parameters) -> pd.DataFrame:
        """One row per pipe: greatest flow, velocity and gradient, hours over the limits, heat lost.

        Columns length_m, inner_diameter_mm, flow_max_kg_s, velocity_max_m_s, gradient_max_pa_m,
        overloaded_h, supply_mean_c, loss_kwh.
        """
        net = self.network
        flow = np.abs(self.flow_kg_s[1:])
        density = float(Water.of(parameters).density_at(np.array(self.plant_supply_c.mean())))
        diameter = net.inner_diameter_mm / 1000
        velocity = flow.max(axis=1) / (density * np.pi / 4 * diameter**2)
        steep = self.lost_pa[1:] - self.lost_pa[net.parent[1:]]
        gradient = np.abs(steep) / np.maximum(2 * net.length_m, 1e-9)[:, None]
        fast = flow > parameters.constant("limit_velocity_m_s") * (density * np.pi / 4 * diameter**2)[:, None]
        over = fast | (gradient > parameters.constant("limit_gradient_pa_m") * (1 + net.fittings_share))
        return pd.DataFrame(
            {
                "length_m": net.length_m,
                "inner_diameter_mm": net.inner_diameter_mm,
                "flow_max_kg_s": flow.max(axis=1),
                "velocity_max_m_s": velocity,
                "gradient_max_pa_m": gradient.max(axis=1),
                "overloaded_h": over.sum(axis=1),
                "supply_mean_c": self.supply_c[1:].mean(axis=1),
                "loss_kwh": self.pipe_loss_kwh.sum(axis=0),
            },
            index=net.pipe_id,
        )

    @property
    def worst_substation(self) -> str:
        """The substation that is farthest by pressure in the hour of the greatest head."""
        hour = int(np.argmax(self.head_pa))
        return str(self.network.substation_id[int(np.argmax(self.lost_pa[self.network.station_node, hour]))])


def solve(
    network: Network,
    heat_kw: Array,
    outdoor_c: Array,
    times: pd.DatetimeIndex,
    parameters: Parameters,
    *,
    operation: Operation | None = None,
    feed_in: FeedIn | None = None,
    water: Water | None = None,
    law: friction.Law = "colebrook",
    workers: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> NetworkYear:
    """Flow, temperature and pressure in a supply-and-return tree, hour by hour (quasi-steady).

    Each substation takes the flow that brings its heat between the temperature that arrives and the return of
    its house, within what its valve lets through; flows, heat losses and mixed returns are solved together
    (`energy.network.kernel`) until every flow is right to 1e-7. The pump holds the needed difference of
    pressure at the worst substation, up to its largest head.

    Parameters
    ----------
    heat_kw : asked by each substation, shape (substation, time). [kW]
    outdoor_c : shape (time,); leads supply temperature, returns and ground. [°C]
    water : other properties than the table's.
    law : of friction.
    workers : threads; the cores of the process without it.

    Raises
    ------
    CallError : heat that is no number or negative, other shapes, an hour that does not converge or close.
    """
    run = operation or Operation.of(parameters)
    fluid = water or Water.of(parameters)
    hours = len(outdoor_c)
    _check_heat(network, heat_kw, hours)
    supply = np.atleast_2d(run.supply_c(outdoor_c))
    ground = np.atleast_2d(run.ground_c(outdoor_c))
    back = np.atleast_2d(run.return_c(outdoor_c))
    _check_temperatures(supply, back, fluid)
    design = pipes.design_flow_kg_s(network.power_kw, parameters, fluid)
    least, most = design * run.minimum_flow_share, design * run.valve_reserve
    nodes, stations, feeds = len(network), len(network.substation_id), len(network.feed_id)
    offered, warm = _feeds(feed_in, feeds, hours)
    length = np.concatenate([[0.0], network.length_m])
    diameter = np.concatenate([[1.0], network.inner_diameter_mm / 1000])
    loss = np.concatenate([[0.0], network.u_value_w_mk]) * length
    rough = network.roughness_m / (3.71 * diameter)
    flow, hot, cold, lost, lost_back = (np.zeros((nodes, hours)) for _ in range(5))
    drawn, served = np.zeros((stations, hours)), np.zeros((stations, hours))
    fed, fed_flow = np.zeros((feeds, hours)), np.zeros((feeds, hours))
    totals = np.zeros((5, hours))
    watts = np.ascontiguousarray(heat_kw, dtype="float64") * 1000
    starts = range(0, hours, _CHUNK_H)
    by_chunk = np.zeros((len(starts), 2, nodes))

    def work(number: int) -> None:
        first, last = starts[number], min(starts[number] + _CHUNK_H, hours)
        kernel.hours(
            network.parent, loss, fluid.heat_capacity, network.station_node, watts, back, least, most, supply,
            ground, network.feed_node, offered, warm, TOLERANCE, _MOST_SWEEPS, first, last, flow, hot, cold,
            drawn, served, fed, fed_flow, totals, by_chunk[number],
        )  # fmt: skip
        for sign, temperature, out in ((1.0, hot, lost), (-1.0, cold, lost_back)):
            friction.drops(
                friction.LAWS[law], network.parent, length * (1 + network.fittings_share), diameter, rough,
                fluid.density, fluid.fluidity, flow, sign, temperature, first, last, out,
            )  # fmt: skip
        if progress is not None:
            progress("network", last / hours)

    run_all(work, range(len(starts)), workers)
    _check_solution(totals, served, fed, times)
    lost += lost_back
    largest = run.pump_reserve * pipes.design_head_pa(network, parameters, fluid)
    head, pump = _pump(network, lost, drawn, hot[0], largest, run, fluid)
    return NetworkYear(
        network=network,
        operation=run,
        times=times,
        outdoor_c=np.asarray(outdoor_c, "float64"),
        plant_supply_c=supply[0],
        asked_kwh=watts / 1000,
        served_kwh=served / 1000,
        station_flow_kg_s=drawn,
        flow_kg_s=flow,
        supply_c=hot,
        return_c=cold,
        lost_pa=lost,
        head_pa=head,
        pump_kwh=pump,
        plant_kwh=totals[0] / 1000,
        supply_loss_kwh=totals[1] / 1000,
        return_loss_kwh=totals[2] / 1000,
        feed_kwh=fed / 1000,
        pipe_loss_kwh=by_chunk.sum(axis=0)[:, 1:] / 1000,
        residual=totals[3],
        sweeps=totals[4],
    )


def _pump(
    network: Network,
    lost: Array,
    drawn: Array,
    plant_c: Array,
    largest_pa: float,
    run: Operation,
    fluid: Water,
) -> tuple[Array, Array]:
    """Head [Pa] and electricity [kWh] of each hour: the worst substation keeps its difference of pressure."""
    if not len(network.substation_id):
        return np.zeros(lost.shape[1]), np.zeros(lost.shape[1])
    wanted = np.where(drawn > 0, lost[network.station_node], 0.0).max(axis=0) + run.station_drop_pa
    wanted = np.where(drawn.sum(axis=0) > 0, wanted, 0.0)
    head = np.minimum(wanted, largest_pa)
    volume = drawn.sum(axis=0) / fluid.density_at(plant_c)
    return head, volume * head / run.pump_efficiency / 1000


def _feeds(feed_in: FeedIn | None, feeds: int, hours: int) -> tuple[Array, Array]:
    if feed_in is None:
        if feeds:
            raise CallError("the network has feed-in points without heat", "network", "Give feed_in")
        return np.zeros((0, hours)), np.zeros((0, hours))
    heat = np.ascontiguousarray(np.atleast_2d(feed_in.heat_kw), "float64") * 1000
    warm = np.ascontiguousarray(np.atleast_2d(feed_in.supply_c), "float64")
    if heat.shape != (feeds, hours) or warm.shape != (feeds, hours) or not (heat >= 0).all():
        raise CallError(
            f"the feed-in's heat has shape {heat.shape} or is negative", "network",
            f"Give heat and temperature of {feeds} points by {hours} hours",
        )  # fmt: skip
    return heat, warm


def _check_heat(network: Network, heat_kw: Array, hours: int) -> None:
    wanted = (len(network.substation_id), hours)
    if heat_kw.shape != wanted:
        raise CallError(f"heat has shape {heat_kw.shape}", "network", f"Give (substation, time) = {wanted}")
    if not (good := np.isfinite(heat_kw).all(axis=1) & (heat_kw >= 0).all(axis=1)).all():
        name = network.substation_id[int(np.flatnonzero(~good)[0])]
        raise CallError("heat is no number or negative", f"substation {name}", "Give kW, 0 or more")


def _check_temperatures(supply: Array, back: Array, fluid: Water) -> None:
    if not supply.min() > back.max():
        raise CallError(
            f"the supply falls to {supply.min():.0f} °C, and the substations return {back.max():.0f} °C",
            "network",
            "Raise the supply temperature, or lower the returns in network.csv",
        )
    if supply.max() > fluid.high_c:
        raise CallError(
            f"the supply reaches {supply.max():.0f} °C", "network", f"Stay below {fluid.high_c:.0f} °C"
        )


def _check_solution(totals: Array, served: Array, fed: Array, stamps: pd.DatetimeIndex) -> None:
    """Refuse hours whose flows did not converge or whose heat does not balance, naming the worst."""
    if not (good := totals[3] <= TOLERANCE).all():
        worst = int(np.argmax(np.where(np.isfinite(totals[3]), totals[3], np.inf)))
        raise CallError(
            f"{int((~good).sum())} hours of the network do not converge; the worst is off by "
            f"{totals[3, worst]:.1e}",
            f"network, {stamps[worst]:%Y-%m-%d %H:%M} UTC",
            "Check the pipes' lengths, diameters and the substations' loads",
        )
    given = totals[0] + fed.sum(axis=0)
    open_w = given - totals[1] - totals[2] - served.sum(axis=0)
    share = np.abs(open_w) / np.maximum(given, 1.0)
    if not (share < _CLOSES).all():
        worst = int(np.argmax(np.where(np.isfinite(share), share, np.inf)))
        raise CallError(
            f"the network's heat does not balance: off by {share[worst]:.1e}",
            f"network, {stamps[worst]:%Y-%m-%d %H:%M} UTC",
            "Check the substations' loads",
        )
