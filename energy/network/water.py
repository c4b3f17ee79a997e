"""Water in pipes: properties by temperature, and the scalar functions that the network's kernels share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from energy.parameters import Parameters
from twin import compute
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.intp]
Polynomial = tuple[float, ...]
LANES = 24  # hours side by side: a day, so that the day before is a good start
NO_FLOW = 1e-9  # a flow that counts as none [kg/s]
DEGREE = 6

compiled = partial(compute.compiled, finite=True)


@dataclass(frozen=True)
class Water:
    """Properties as polynomials of the temperature in °C, lowest degree first.

    heat_capacity [J/(kgK)], density [kg/m³], fluidity [1/(Pa s), the inverse of the dynamic viscosity],
    valid from `low_c` to `high_c`.
    """

    heat_capacity: Polynomial
    density: Polynomial
    fluidity: Polynomial
    low_c: float = 0.0
    high_c: float = 180.0

    @classmethod
    def of(cls, parameters: Parameters | None = None) -> Water:
        """Liquid water after the table water (IAPWS), fitted within 0.02 % from 5 to 160 °C."""
        table = (parameters or Parameters.default()).water
        t = table.index.to_numpy("float64")
        rows = (t >= 0) & (t <= 165)

        def fit(values: Array) -> Polynomial:
            found = np.polynomial.Polynomial.fit(t[rows], values[rows], DEGREE, w=1 / values[rows])
            return tuple(float(c) for c in found.convert().coef)

        return cls(
            fit(table["heat_capacity_j_kgk"].to_numpy("float64")),
            fit(table["density_kg_m3"].to_numpy("float64")),
            fit(1e6 / table["viscosity_upas"].to_numpy("float64")),
            float(t[rows].min()),
            float(t[rows].max()),
        )

    @classmethod
    def constant(cls, heat_capacity: float, density: float, viscosity: float) -> Water:
        """A fluid whose properties do not change with temperature; SI units."""
        if min(heat_capacity, density, viscosity) <= 0:
            raise CallError("a property of the fluid is not positive", "water", "Give SI units")
        rest = (0.0,) * DEGREE
        return cls((heat_capacity, *rest), (density, *rest), (1 / viscosity, *rest))

    def heat_capacity_at(self, t: Array) -> Array:
        """[J/(kgK)]"""
        return np.polynomial.polynomial.polyval(t, self.heat_capacity)

    def enthalpy_at(self, t: Array) -> Array:
        """Enthalpy above 0 °C. [J/kg]"""
        integral = np.polynomial.Polynomial(self.heat_capacity).integ()
        return np.asarray(integral(t))

    def density_at(self, t: Array) -> Array:
        """[kg/m³]"""
        return np.polynomial.polynomial.polyval(t, self.density)

    def viscosity_at(self, t: Array) -> Array:
        """Dynamic viscosity. [Pa s]"""
        return np.asarray(1 / np.polynomial.polynomial.polyval(t, self.fluidity))


@compiled
def value(p: Polynomial, t: float) -> float:
    """Polynomial of degree 6 at `t`."""
    return ((((((p[6] * t + p[5]) * t + p[4]) * t + p[3]) * t + p[2]) * t) + p[1]) * t + p[0]


@compiled
def enthalpy(p: Polynomial, t: float) -> float:
    """Integral of the heat capacity `p` from 0 °C. [J/kg]"""
    inner = (p[6] / 7.0 * t + p[5] / 6.0) * t + p[4] / 5.0
    return (((inner * t + p[3] / 4.0) * t + p[2] / 3.0) * t + p[1] / 2.0) * t * t + p[0] * t


@compiled
def decay(x: float) -> float:
    """exp(−x) for x ≥ 0, by Padé's approximant of x/64 and six squarings: no call, so lanes run together."""
    y = min(x, 192.0) * (1.0 / 64.0)
    square = y * y
    even, odd = 120.0 + 12.0 * square, y * (60.0 + square)
    e = (even - odd) / (even + odd)
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    return e * e


@compiled
def outlet(
    cp: Polynomial, inlet: float, ground: float, loss: float, flow: float
) -> tuple[float, float, float]:
    """Temperature at a pipe's end, its decay exponent x and exp(−x), c taken at the mean of both ends.

    loss : U·L. [W/K]  flow : positive. [kg/s]
    """
    c = value(cp, inlet)
    x = loss / (flow * c)
    share = decay(x)
    more = x * (2.0 * c / (c + value(cp, ground + (inlet - ground) * share)) - 1.0)
    share *= 1.0 - more + 0.5 * more * more
    return ground + (inlet - ground) * share, x, share


@compiled
def outflow(cp: Polynomial, t: float, heat: float, flow: float) -> float:
    """Temperature of `flow` after it gave off `heat` [W]."""
    aim = enthalpy(cp, t) - heat / max(flow, NO_FLOW)
    out: float = t - heat / (max(flow, NO_FLOW) * value(cp, t))
    out -= (enthalpy(cp, out) - aim) / value(cp, out)
    out -= (enthalpy(cp, out) - aim) / value(cp, out)
    return out
