"""Pressure lost by friction along the pipes, for all hours at once."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from energy.network.water import (
    LANES,
    NO_FLOW,
    Array,
    Indices,
    Polynomial,
    Water,
    compiled,
    small,
    value,
)

Law = Literal["colebrook", "nikuradse"]
LAWS: dict[str, int] = {"nikuradse": 0, "colebrook": 1}
LAMINAR, TURBULENT = 2300.0, 4000.0  # Reynolds numbers, between which the two laws are blended
_STEPS = 3  # of Newton's method; it converges to 1e-9 from a start that is 30 % off


@small
def colebrook(reynolds: float, rough: float) -> float:
    """Friction factor of turbulent flow after Colebrook and White, by Newton's method for 1/√λ.

    rough : k / (3.71 d).
    """
    b = 2.51 / reynolds
    y = 7.0
    for _ in range(_STEPS):
        inner = rough + b * y
        y -= (y + 0.8685889638065037 * math.log(inner)) / (1.0 + 0.8685889638065037 * b / inner)
    return 1.0 / (y * y)


@small
def factor(law: int, reynolds: float, rough: float) -> float:
    """Friction factor: "colebrook" with 64/Re below 2,300 and a blend up to 4,000; or "nikuradse".

    The latter is what pandapipes takes by default: 64/Re plus the factor of a fully rough pipe.
    """
    laminar = 64.0 / reynolds
    if law == 0:
        y = 0.8685889638065037 * math.log(rough)
        return laminar + 1.0 / (y * y)
    if reynolds < LAMINAR:
        return laminar
    turbulent: float = colebrook(max(reynolds, TURBULENT), rough)
    if reynolds >= TURBULENT:
        return turbulent
    part = (reynolds - LAMINAR) / (TURBULENT - LAMINAR)
    return (1.0 - part) * 64.0 / LAMINAR + part * turbulent


@compiled
def drops(
    law: int,
    parent: Indices,
    length: Array,
    diameter: Array,
    rough: Array,
    density: Polynomial,
    fluidity: Polynomial,
    flow: Array,
    sign: float,
    temperature: Array,
    first: int,
    last: int,
    out: Array,
) -> None:
    """Pressure lost from the plant to each node, hours `first` to `last`; shapes (node, time). [Pa]

    length : with the equivalent length of fittings. [m]  diameter [m], rough = k/(3.71 d) : shape (node,).
    flow : from the plant in the supply. [kg/s]  sign : +1 supply, −1 return: which way the flow runs.
    temperature : of the nodes. [°C]  Properties are those of the mean of both ends (the density the mean of
    the densities), and the loss Δp = λ·L/d·ρ/2·v², as in pandapipes.
    """
    lost = np.empty(LANES)
    for begin in range(first, last, LANES):
        used = min(LANES, last - begin)
        for k in range(used):
            out[0, begin + k] = 0.0
        for i in range(1, len(parent)):
            p, d = parent[i], diameter[i]
            area = 0.25 * math.pi * d * d
            for k in range(used):
                h = begin + k
                m = flow[i, h]
                near, far = temperature[p, h], temperature[i, h]
                reynolds = max(abs(m), NO_FLOW) * d / area * value(fluidity, 0.5 * (near + far))
                rho = 0.5 * (value(density, near) + value(density, far))
                lam = factor(law, reynolds, rough[i])
                lost[k] = lam * length[i] / d * m * abs(m) / (2.0 * rho * area * area)
            for k in range(used):
                out[i, begin + k] = out[p, begin + k] + lost[k]


def gradient(flow: Array, diameter: Array, water: Water, celsius: float, roughness_m: float) -> Array:
    """Pressure gradient of straight pipes at one temperature, after Colebrook. [Pa/m]

    flow [kg/s], diameter [m] : arrays that broadcast.
    """
    flow, diameter = np.broadcast_arrays(np.asarray(flow, float), np.asarray(diameter, float))
    area, rho = 0.25 * np.pi * diameter**2, water.density_at(np.array(celsius))
    reynolds = np.maximum(np.abs(flow), NO_FLOW) * diameter / area / water.viscosity_at(np.array(celsius))
    rough = roughness_m / (3.71 * diameter)
    lam = np.array([factor(1, r, k) for r, k in zip(reynolds.flat, rough.flat, strict=True)])
    return np.asarray(lam.reshape(flow.shape) / diameter * flow**2 / (2 * rho * area**2))
