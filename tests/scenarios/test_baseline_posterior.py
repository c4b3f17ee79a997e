"""The fit against closed forms: Bayesian linear regression, a bound, an outlier, errors that follow."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.baseline import posterior
from scenarios.baseline.posterior import Data, Setting

NORMAL = Setting(level_error=1e-9, tail_freedom=1e9, scatter_weight=1e12, least_scatter=0.1)
ROBUST = Setting(level_error=1e-9, tail_freedom=4.0, scatter_weight=6.0, least_scatter=0.1)
UNITS, EACH = 7, 30


def linear(rng, factors=3):
    """Readings of f = 100 + Σ a x with errors of 2: data, matrix, x that made them."""
    unit = np.repeat(np.arange(UNITS), EACH)
    matrix = rng.normal(0, 3, (UNITS * EACH, factors))
    x = rng.normal(0, 1, (UNITS, factors))
    measured = 100 + (matrix * x[unit]).sum(axis=1) + rng.normal(0, 2, len(unit))
    return Data(unit, measured, np.full(len(unit), 2.0), np.zeros(len(unit), bool), UNITS), matrix, x


def model(data, matrix):
    return lambda x: 100 + np.einsum("rf,vrf->vr", matrix, x[:, data.unit])


def wide(factors=3):
    return np.full((UNITS, factors), -9.0), np.full((UNITS, factors), 9.0)


def test_bayesian_linear_regression():
    """Posterior of a linear normal model: covariance (AᵀA/s² + 1)⁻¹, mean its product with Aᵀ(y − 100)/s²."""
    data, matrix, _ = linear(np.random.default_rng(1))
    found = posterior.fit(model(data, matrix), data, *wide(), NORMAL)
    for number in range(UNITS):
        a = matrix[data.unit == number]
        covariance = np.linalg.inv(a.T @ a / 4 + np.eye(3))
        mean = covariance @ a.T @ (data.measured[data.unit == number] - 100) / 4
        np.testing.assert_allclose(found.x[number], mean, atol=0.01 * np.sqrt(np.diag(covariance)).max())
        np.testing.assert_allclose(found.covariance[number, :3, :3], covariance, rtol=1e-3, atol=1e-6)


def test_nothing_measured_leaves_the_prior():
    data, matrix, _ = linear(np.random.default_rng(2))
    found = posterior.fit(model(data, 0 * matrix), data, *wide(), NORMAL)
    np.testing.assert_allclose(found.x, 0, atol=1e-6)
    np.testing.assert_allclose(
        found.covariance[:, :3, :3], np.broadcast_to(np.eye(3), (UNITS, 3, 3)), atol=1e-6
    )


def test_a_bound_holds_and_the_others_follow():
    """With x₀ held at 0.2 the others take what the regression with x₀ = 0.2 gives."""
    data, matrix, x = linear(np.random.default_rng(3))
    x[:, 0] = 2.0
    data = Data(data.unit, 100 + (matrix * x[data.unit]).sum(axis=1), data.scale, data.follows, UNITS)
    low, high = wide()
    high[:, 0] = 0.2
    found = posterior.fit(model(data, matrix), data, low, high, NORMAL)
    np.testing.assert_allclose(found.x[:, 0], 0.2)
    for number in range(UNITS):
        a = matrix[data.unit == number]
        rest = data.measured[data.unit == number] - 100 - 0.2 * a[:, 0]
        mean = np.linalg.solve(a[:, 1:].T @ a[:, 1:] / 4 + np.eye(2), a[:, 1:].T @ rest / 4)
        np.testing.assert_allclose(found.x[number, 1:], mean, atol=0.02)


def test_a_broken_reading_counts_little():
    """One reading off by a thousand errors moves a normal fit by whole spreads, a robust one hardly."""
    data, matrix, _ = linear(np.random.default_rng(4))
    broken = data.measured.copy()
    broken[::EACH] += 2000.0
    bad = Data(data.unit, broken, data.scale, data.follows, UNITS)
    clean = posterior.fit(model(data, matrix), data, *wide(), ROBUST)
    robust = posterior.fit(model(data, matrix), bad, *wide(), ROBUST)
    normal = posterior.fit(model(data, matrix), bad, *wide(), NORMAL)
    spread = np.sqrt(np.diagonal(clean.covariance, axis1=1, axis2=2))[:, :3]
    assert np.abs((robust.x - clean.x) / spread).max() < 1.0
    assert np.abs((normal.x - clean.x) / spread).max() > 5.0
    assert np.abs(robust.error[::EACH]).min() > 50


def test_what_all_readings_say_is_believed():
    """Readings that agree far from the prior (15 of their errors) move it: none of them is an outlier."""
    data, matrix, _ = linear(np.random.default_rng(6))
    matrix[:] = np.abs(matrix)
    far = Data(data.unit, 100 + 3.0 * matrix.sum(axis=1), data.scale, data.follows, UNITS)
    found = posterior.fit(model(data, matrix), far, *wide(), ROBUST)
    assert np.abs(found.x - 3.0).max() < 0.3
    assert np.abs(found.error).max() < 2


def test_errors_that_follow_each_other_tell_less():
    """AR(1) with r = 0.8: (1 + r)/(1 − r) = 9 readings tell as much as one (Bartlett)."""
    rng = np.random.default_rng(5)
    count = 2000
    error = np.zeros(count)
    for n in range(1, count):
        error[n] = 0.8 * error[n - 1] + rng.normal(0, 0.6)
    follows = np.r_[False, np.ones(count - 1, bool)]
    data = Data(np.zeros(count, np.intp), 100 + error, np.ones(count), follows, 1)
    found = posterior.fit(
        lambda x: 100 + np.repeat(x[:, :1, 0], count, axis=1), data, *(a[:1, :1] for a in wide()), ROBUST
    )
    assert found.repeats[0] == pytest.approx(9, rel=0.35)
