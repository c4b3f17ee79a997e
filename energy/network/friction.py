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
    value,
)

Law = Literal["colebrook", "nikuradse"]
LAWS: dict[str, int] = {"nikuradse": 0, "colebrook": 1}
LAMINAR, TURBULENT = 2300.0, 4000.0  # Reynolds numbers, between which the two laws are blended
_STEPS = 3  # of Newton's method; it converges to 1e-10 from a start that is 30 % off
_PER_LOG = 0.8685889638065037  # 2 / ln 10
_ROOT_HALF = 0x3FE6A09E667F3BCD  # the bits of √½
_LN_2 = 0.6931471805599453


@compiled
def _log_from(mantissa: float, exponent: float) -> float:
    """ln(m · 2^exponent), m from √½ to √2, to 1e-14: 2 artanh((m − 1) / (m + 1)) as a series."""
    s = (mantissa - 1.0) / (mantissa + 1.0)
    q = s * s
    series = 1 / 9 + q * (1 / 11 + q * (1 / 13 + q * (1 / 15 + q * (1 / 17))))
    return exponent * _LN_2 + 2.0 * s * (1.0 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * series))))


@compiled
def _logarithms(x: Array, out: Array) -> None:
    """ln of positive numbers, shape (lane,), by their bits: a call for each would keep lanes apart.

    x : holds the mantissas afterwards.
    """
    bits = x.view(np.int64)
    for k in range(len(x)):
        power = (bits[k] - _ROOT_HALF) >> 52
        out[k] = power
        bits[k] -= power << 52
    for k in range(len(x)):
        out[k] = _log_from(x[k], out[k])


@compiled
def colebrook(reynolds: Array, rough: Array, rooms: Array, out: Array) -> None:
    """Friction factors of turbulent flow after Colebrook and White, by Newton's method for y = 1/√λ.

    y + 2 log₁₀(rough + b y) = 0 with b = 2.51/Re and rough = k / (3.71 d).
    reynolds, rough, out : shape (lane,).  rooms : for figures between, shape (3, lane).
    """
    b, inner, y = rooms[0], rooms[1], rooms[2]
    for k in range(len(out)):
        b[k] = 2.51 / reynolds[k]
        y[k] = 7.0
    for _ in range(_STEPS):
        for k in range(len(out)):
            inner[k] = rough[k] + b[k] * y[k]
        _logarithms(inner, out)
        for k in range(len(out)):
            again = rough[k] + b[k] * y[k]
            y[k] -= (y[k] + _PER_LOG * out[k]) * again / (again + _PER_LOG * b[k])
    for k in range(len(out)):
        out[k] = 1.0 / (y[k] * y[k])


@compiled
def factors(law: int, reynolds: Array, rough: Array, rooms: Array, out: Array) -> None:
    """Friction factors: "colebrook" with 64/Re below 2,300 and a blend up to 4,000; or "nikuradse".

    The latter is what pandapipes takes by default: 64/Re plus the factor of a fully rough pipe.

    reynolds, rough, out : shape (lane,).  rooms : for figures between, shape (4, lane).
    """
    if law == 0:
        for k in range(len(out)):
            y = _PER_LOG * math.log(rough[k])
            out[k] = 64.0 / reynolds[k] + 1.0 / (y * y)
        return
    for k in range(len(out)):
        rooms[3, k] = max(reynolds[k], TURBULENT)
    colebrook(rooms[3], rough, rooms, out)
    for k in range(len(out)):
        laminar = 64.0 / min(reynolds[k], LAMINAR)
        part = min(max((reynolds[k] - LAMINAR) / (TURBULENT - LAMINAR), 0.0), 1.0)
        out[k] = (1.0 - part) * laminar + part * out[k]


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
    reynolds, mass, weight, lam = np.empty(LANES), np.empty(LANES), np.empty(LANES), np.empty(LANES)
    rooms, roughness = np.empty((4, LANES)), np.empty(LANES)
    for begin in range(first, last, LANES):
        used = min(LANES, last - begin)
        for k in range(used):
            out[0, begin + k] = 0.0
        for k in range(LANES):
            reynolds[k] = TURBULENT
        for i in range(1, len(parent)):
            p, d = parent[i], diameter[i]
            area = 0.25 * math.pi * d * d
            for k in range(used):
                mass[k] = flow[i, begin + k]
            for k in range(used):
                near, far = temperature[p, begin + k], temperature[i, begin + k]
                reynolds[k] = max(abs(mass[k]), NO_FLOW) * d / area * value(fluidity, 0.5 * (near + far))
                rho = 0.5 * (value(density, near) + value(density, far))
                weight[k] = length[i] / d * mass[k] * abs(mass[k]) / (2.0 * rho * area * area)
            for k in range(LANES):
                roughness[k] = rough[i]
            factors(law, reynolds, roughness, rooms, lam)
            for k in range(used):
                out[i, begin + k] = out[p, begin + k] + lam[k] * weight[k]


def gradient(flow: Array, diameter: Array, water: Water, celsius: float, roughness_m: float) -> Array:
    """Pressure gradient of straight pipes at one temperature, after Colebrook. [Pa/m]

    flow [kg/s], diameter [m] : arrays that broadcast.
    """
    flow, diameter = np.broadcast_arrays(np.asarray(flow, float), np.asarray(diameter, float))
    area, rho = 0.25 * np.pi * diameter**2, water.density_at(np.array(celsius))
    reynolds = np.maximum(np.abs(flow), NO_FLOW) * diameter / area / water.viscosity_at(np.array(celsius))
    rough = roughness_m / (3.71 * diameter)
    lam = np.empty(flow.size)
    factors(1, reynolds.ravel(), rough.ravel(), np.empty((4, flow.size)), lam)
    return np.asarray(lam.reshape(flow.shape) / diameter * flow**2 / (2 * rho * area**2))
