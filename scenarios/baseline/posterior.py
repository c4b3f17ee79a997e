"""The most probable factors of many units at once, and how sure they are: robust Gauss–Newton with Laplace.

For each unit apart, readings y with simulated values f(x):  y = f(x)·exp(t·z) + e, where x and z are standard
normal (z is a lasting error of the level, t its spread), and e is Student-t with a scale s·k: s is given for
each reading, k for the unit is estimated along. The t distribution is taken as a normal one whose variance
differs from reading to reading (Lange, Little and Taylor 1989): what lies far off counts little. Errors of
series follow each other, so their weight is that of as many independent ones (Bartlett; AR(1)). The spread is
the inverse of the curvature at the maximum (Laplace).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]
Forward = Callable[[Array], Array]
_FIRST = 0.35  # step of x to both sides for the first gradient
_STEP = 0.15  # least of x to both sides, for the gradient
_LONGEST = 1.5  # largest change of x at once
_CLOSE = 0.02  # of x: done
_ALL_COUNT, _NORMAL = 3, 1e9  # steps with errors as if normal
_DAMPING, _MORE, _LESS = 1e-3, 6.0, 0.3
_ROUNDS = 3  # of weights and covariance, which depend on each other
_PAIRS = 20  # fewer readings in a row do not tell how errors follow each other
_LONGEST_MEMORY = 0.95


@dataclass(frozen=True)
class Setting:
    """Figures of the table calibration."""

    level_error: float
    tail_freedom: float
    scatter_weight: float
    least_scatter: float
    steps: int = 16


@dataclass(frozen=True)
class Data:
    """Readings in order of their unit, those of a unit in order of time; shape (reading,) each.

    unit : number.  measured : kWh.  scale : expected error. [kWh]
    follows : whether a reading follows right on the one before, for the correlation of errors.
    units : how many there are.
    """

    unit: Rows
    measured: Array
    scale: Array
    follows: npt.NDArray[np.bool_]
    units: int

    def total(self, values: Array) -> Array:
        """Sums by unit, shape (unit,)."""
        return np.asarray(np.bincount(self.unit, values, self.units), "float64")

    @property
    def count(self) -> Array:
        """Readings by unit, shape (unit,)."""
        return self.total(np.ones(len(self.unit)))


@dataclass(frozen=True)
class Posterior:
    """What is known after the readings.

    x : of the factors, shape (unit, factor).  level : z, shape (unit,).
    covariance : of x and the level (last), shape (unit, factor + 1, factor + 1).
    scatter : k, shape (unit,).  repeats : readings that tell as much as one, shape (unit,).
    error : of each reading over its scale and k.  simulated : f(x).  gradient : of f by x, (reading, factor).
    steps : simulations that were needed.
    """

    x: Array
    level: Array
    covariance: Array
    scatter: Array
    repeats: Array
    error: Array
    simulated: Array
    gradient: Array
    steps: int


@dataclass
class _Fit:
    """The best so far: x with the level last, its simulated readings and their gradient; k and repeats."""

    x: Array
    simulated: Array
    gradient: Array
    scatter: Array
    repeats: Array


def fit(
    forward: Forward,
    data: Data,
    low: Array,
    high: Array,
    setting: Setting,
    told: Callable[[float], None] = lambda share: None,
) -> Posterior:
    """The posterior of all units; Levenberg–Marquardt, damped for each unit apart.

    forward : simulated readings, shape (variant, reading), of x, shape (variant, unit, factor).
    low, high : bounds of x, shape (unit, factor).
    """
    low, high = (
        np.pad(bound, ((0, 0), (0, 1)), constant_values=end) for bound, end in ((low, -9.0), (high, 9.0))
    )
    attempt = np.clip(np.zeros_like(low), low, high)
    one = np.ones(data.units)
    axes = np.repeat(_FIRST * np.eye(low.shape[1] - 1)[None], data.units, axis=0)
    best = _Fit(attempt, *_linearised(forward, data, attempt, axes, setting), one, one)
    damping = np.full(data.units, _DAMPING)
    steps = 1
    robust, setting = setting, replace(setting, tail_freedom=_NORMAL)
    while True:
        if steps > _ALL_COUNT:  # from there on, what lies far off may be left; before, all could be
            setting = robust
            _scatter(data, best, setting)
        covariance = _covariance(data, best, setting)[0]
        attempt = _next(data, best, low, high, damping, setting)
        told(steps / setting.steps)
        still = float(np.abs(attempt - best.x).max(initial=0.0)) < _CLOSE
        if steps >= setting.steps or (still and steps > _ALL_COUNT):
            break
        simulated, gradient = _linearised(forward, data, attempt, _axes(covariance), setting)
        steps += 1
        better = _cost(data, attempt, simulated, best, setting) <= _cost(
            data, best.x, best.simulated, best, setting
        )
        damping = np.where(better, _LESS * damping, _MORE * np.maximum(damping, _DAMPING))
        best.x = np.where(better[:, None], attempt, best.x)
        best.simulated = np.where(better[data.unit], simulated, best.simulated)
        best.gradient = np.where(better[data.unit, None], gradient, best.gradient)
    return Posterior(
        best.x[:, :-1], best.x[:, -1], covariance, best.scatter, best.repeats,
        _error(data, best.x, best.simulated, setting) / best.scatter[data.unit], best.simulated,
        best.gradient[:, :-1], steps,
    )  # fmt: skip


def _linearised(forward: Forward, data: Data, x: Array, axes: Array, setting: Setting) -> tuple[Array, Array]:
    """Simulated readings and their gradient by x and the level; one simulation of all variants.

    axes : steps to both sides, one in each column, shape (unit, factor, factor). They follow the spread that
        is known so far: the supply's pumps and stores switch by the hour, and short steps would take that
        for information on figures that only long ones tell apart.
    """
    count = axes.shape[1]
    variants = np.repeat(x[None, :, :count], 2 * count + 1, axis=0)
    for number in range(count):
        variants[2 * number + 1] += axes[:, :, number]
        variants[2 * number + 2] -= axes[:, :, number]
    f = forward(variants)
    along = 0.5 * (f[1::2] - f[2::2]).T
    slope = np.einsum("rk,rkf->rf", along, np.linalg.inv(axes)[data.unit])
    return f[0], np.concatenate([slope, setting.level_error * f[0][:, None]], axis=1)


def _axes(covariance: Array) -> Array:
    """Principal axes of what is not known of x, one spread long; shape (unit, factor, factor)."""
    square, axes = np.linalg.eigh(covariance[:, :-1, :-1])
    return np.asarray(axes * np.clip(np.sqrt(square), _STEP, 1.0)[:, None, :])


def _error(data: Data, x: Array, simulated: Array, setting: Setting) -> Array:
    """Measured less simulated over the scale of each reading, shape (reading,)."""
    level = 1 + setting.level_error * x[data.unit, -1]
    return np.asarray((data.measured - level * simulated) / data.scale)


def _weights(data: Data, square: Array, scatter: Array, setting: Setting) -> Array:
    """What each reading counts by the square of its error: near 1, and less the further it lies off."""
    nu = setting.tail_freedom
    return np.asarray((nu + 1) / (nu + square / scatter[data.unit] ** 2))


def _cost(data: Data, x: Array, simulated: Array, best: _Fit, setting: Setting) -> Array:
    """Negative logarithm of the posterior at x with the scatter of `best`, less a constant; (unit,)."""
    nu = setting.tail_freedom
    error = _error(data, x, simulated, setting) / best.scatter[data.unit]
    far = data.total(0.5 * (nu + 1) * np.log1p(error**2 / nu))
    return np.asarray(far / best.repeats + 0.5 * (x**2).sum(axis=1))


def _scatter(data: Data, best: _Fit, setting: Setting) -> None:
    """Estimate k and the repeats of each unit from the errors at its best x."""
    error = _error(data, best.x, best.simulated, setting)
    prior = setting.scatter_weight
    square = error**2 + _covariance(data, best, setting)[1]
    for _ in range(20):
        weight = _weights(data, square, best.scatter, setting)
        mean = (prior + data.total(weight * square) / best.repeats) / (prior + data.count / best.repeats)
        best.scatter = np.maximum(np.sqrt(mean), setting.least_scatter)
    best.repeats = _repeats(data, error * np.sqrt(weight))


def _covariance(data: Data, best: _Fit, setting: Setting) -> tuple[Array, Array]:
    """Covariance of x and level, (unit, …), and the variance of each simulated reading by it, (reading,).

    The best x follows the errors of few readings, which then look smaller than they are, and would count too
    much: the expected square of an error is that at the best x and this variance (Dempster, Laird and Rubin
    1977). The variance is in squares of each reading's scale.
    """
    unsure = np.zeros(len(data.unit))
    slope = best.gradient / data.scale[:, None]
    for _ in range(_ROUNDS):
        covariance = np.linalg.inv(_curvature(data, best, setting, unsure)[0])
        along = np.einsum("ri,rij->rj", slope, covariance[data.unit])
        unsure = np.einsum("rj,rj->r", along, slope)
    return covariance, unsure


def _repeats(data: Data, error: Array) -> Array:
    """How many readings tell as much as one independent: (1 + r)/(1 − r) of the errors' correlation r."""
    pair = data.follows[1:] & (data.unit[1:] == data.unit[:-1])
    second, first = np.flatnonzero(pair) + 1, np.flatnonzero(pair)

    def total(values: Array) -> Array:
        return np.asarray(np.bincount(data.unit[second], values, data.units), "float64")

    pairs = total(np.ones(len(second)))
    square = 0.5 * total(error[first] ** 2 + error[second] ** 2)
    r = total(error[first] * error[second]) / np.where(square > 0, square, 1.0)
    r = np.where(pairs >= _PAIRS, np.clip(r, 0.0, _LONGEST_MEMORY), 0.0)
    return np.asarray((1 + r) / (1 - r))


def _curvature(data: Data, best: _Fit, setting: Setting, unsure: Array | float = 0.0) -> tuple[Array, Array]:
    """Curvature and downhill gradient of the cost at the best x, shapes (unit, …).

    The curvature is the expected one of the t distribution, (ν + 1)/(ν + 3) of the normal one's.
    unsure : what the squares of the errors are expected to be greater; for the step nothing.
    """
    nu = setting.tail_freedom
    error = _error(data, best.x, best.simulated, setting)
    weight = _weights(data, error**2 + unsure, best.scatter, setting)
    weight /= (best.scatter**2 * best.repeats)[data.unit]
    slope = best.gradient / data.scale[:, None]
    size = slope.shape[1]
    down, curved = np.empty((data.units, size)), np.empty((data.units, size, size))
    for i in range(size):
        down[:, i] = data.total(weight * slope[:, i] * error)
        for j in range(i, size):
            curved[:, i, j] = curved[:, j, i] = data.total(weight * slope[:, i] * slope[:, j])
    curved = curved * (nu + 1) / (nu + 3) + np.eye(size)
    return curved, down - best.x


def _next(data: Data, best: _Fit, low: Array, high: Array, damping: Array, setting: Setting) -> Array:
    """The next x to try, within the bounds; what a bound holds stays out of the step."""
    curved, down = _curvature(data, best, setting)
    size = down.shape[1]
    curved = (
        curved + damping[:, None, None] * np.eye(size) * np.diagonal(curved, axis1=1, axis2=2)[:, None, :]
    )
    held = ((best.x <= low) & (down < 0)) | ((best.x >= high) & (down > 0))
    free = ~held
    curved = np.where(free[:, :, None] & free[:, None, :], curved, np.eye(size))
    step = np.linalg.solve(curved, np.where(free, down, 0.0)[:, :, None])[:, :, 0]
    longest = np.abs(step).max(axis=1, keepdims=True)
    step *= np.minimum(1.0, _LONGEST / np.maximum(longest, 1e-12))
    return np.asarray(np.clip(best.x + step, low, high))
