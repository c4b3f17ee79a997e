"""Pipes: diameters by design flow, and heat losses of pairs buried side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd

from energy.network.friction import gradient
from energy.network.model import Network
from energy.network.operation import radiators
from energy.network.water import Array, Water
from energy.parameters import Parameters
from twin.errors import CallError


def u_value_w_mk(outer_mm: Array, casing_mm: Array, parameters: Parameters) -> Array:
    """Heat loss coefficient of each of two equal pipes side by side in the ground. [W/(mK)]

    U = 1/(R_insulation + R_ground + R_neighbour) refers to the pipe's own temperature over the ground's. The
    loss of the pair is that of EN 13941-1 (Annex on heat losses; thermal resistances after Wallentén, Lund
    1991); the exchange between the two pipes is shared out evenly.

    Parameters
    ----------
    outer_mm, casing_mm : outer diameters of steel pipe and casing. [mm]
    """
    foam, soil = (parameters.constant(f"{name}_conductivity_w_mk") for name in ("insulation", "soil"))
    casing = casing_mm / 1000
    # the ground's surface itself resists a little: as 0.0685 m² K/W of it (EN 13941-1)
    depth = parameters.constant("pipe_depth_m") + 0.0685 * soil
    apart = casing + parameters.constant("casing_gap_m")
    insulation = np.log(casing_mm / outer_mm) / (2 * np.pi * foam)
    ground = np.log(4 * depth / casing) / (2 * np.pi * soil)
    neighbour = np.log(1 + (2 * depth / apart) ** 2) / (4 * np.pi * soil)
    return np.asarray(1 / (insulation + ground + neighbour))


def choose(flow_kg_s: Array, parameters: Parameters, water: Water | None = None) -> pd.DataFrame:
    """The least pipe that carries each design flow within the limits of gradient and velocity.

    Returns
    -------
    Rows as `flow_kg_s`; columns dn, inner_diameter_mm, u_value_w_mk.

    Raises
    ------
    CallError : a flow is no number, or larger than the largest pipe carries.
    """
    flow = np.asarray(flow_kg_s, float)
    if not (np.isfinite(flow) & (flow >= 0)).all():
        raise CallError("a design flow is no number or negative", "pipes", "Check the substations' power")
    table, fluid = parameters.pipes, water or Water.of(parameters)
    inner = table["inner_diameter_mm"].to_numpy("float64")
    celsius = 0.5 * (parameters.constant("supply_max_c") + design_return_c(parameters))
    largest = np.array([_capacity(d / 1000, celsius, fluid, parameters) for d in inner])
    rows = np.searchsorted(largest, flow * (1 - 1e-9))
    if (rows == len(inner)).any():
        raise CallError(
            f"a design flow of {flow.max():.0f} kg/s is more than DN {table.index[-1]} carries",
            "pipes",
            "Split the network, or change the limits of gradient and velocity in network.csv",
        )
    u_values = u_value_w_mk(
        table["outer_diameter_mm"].to_numpy("float64"), table["casing_mm"].to_numpy("float64"), parameters
    )
    return pd.DataFrame(
        {
            "dn": table.index.to_numpy()[rows],
            "inner_diameter_mm": inner[rows],
            "u_value_w_mk": u_values[rows],
        }
    )


def u_value_of(inner_diameter_mm: Array, parameters: Parameters) -> Array:
    """U-values of given diameters, interpolated in the table of pipes. [W/(mK)]"""
    table = parameters.pipes
    known = u_value_w_mk(
        table["outer_diameter_mm"].to_numpy("float64"), table["casing_mm"].to_numpy("float64"), parameters
    )
    return np.interp(inner_diameter_mm, table["inner_diameter_mm"].to_numpy("float64"), known)


def design_return_c(parameters: Parameters) -> float:
    """Return temperature of the substations at the design outdoor temperature. [°C]"""
    return max(
        radiators(parameters)[1] + parameters.constant("approach_k"),
        parameters.constant("station_return_min_c"),
    )


def design_flow_kg_s(power_kw: Array, parameters: Parameters, water: Water | None = None) -> Array:
    """Flow of a load at design temperatures. [kg/s]"""
    fluid = water or Water.of(parameters)
    high, low = parameters.constant("supply_max_c"), design_return_c(parameters)
    return np.asarray(
        1000 * power_kw / (fluid.enthalpy_at(np.array(high)) - fluid.enthalpy_at(np.array(low)))
    )


def design_head_pa(network: Network, parameters: Parameters, water: Water | None = None) -> float:
    """Difference of pressure that the pump needs when all substations draw their design flow. [Pa]"""
    fluid = water or Water.of(parameters)
    flow = network.below(design_flow_kg_s(network.power_kw, parameters, fluid))
    celsius = 0.5 * (parameters.constant("supply_max_c") + design_return_c(parameters))
    steep = gradient(flow, network.inner_diameter_mm / 1000, fluid, celsius, network.roughness_m)
    each = 2 * steep * network.length_m * (1 + network.fittings_share)
    lost = np.zeros(len(network))
    for i in range(1, len(network)):
        lost[i] = lost[network.parent[i]] + each[i - 1]
    return float(lost[network.station_node].max(initial=0.0)) + parameters.constant("station_drop_pa")


def _capacity(diameter_m: float, celsius: float, water: Water, parameters: Parameters) -> float:
    """Largest flow within the design limits, by bisection. [kg/s]"""
    area = 0.25 * np.pi * diameter_m**2
    rho = float(water.density_at(np.array(celsius)))
    low, high = 0.0, parameters.constant("design_velocity_m_s") * rho * area
    limit, rough = parameters.constant("design_gradient_pa_m"), parameters.constant("roughness_mm") / 1000

    def steep(flow: float) -> bool:
        return float(gradient(np.array(flow), np.array(diameter_m), water, celsius, rough)) > limit

    if not steep(high):
        return high
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if steep(middle) else (middle, high)
    return low
