"""Calibration recovers known figures, over 120 units each: errors and coverage of the intervals, printed.

LOBEDA_SEED chooses other units and errors, LOBEDA_UNITS how many.
"""

from __future__ import annotations

import os
from statistics import NormalDist

import numpy as np
import pytest

from scenarios.baseline import calibrate
from scenarios.baseline.calibration import INTERVAL
from scenarios.baseline.factors import NAMES, NEUTRAL
from tests.scenarios import metered

pytestmark = pytest.mark.long
UNITS, SEED = int(os.environ.get("LOBEDA_UNITS", "120")), int(os.environ.get("LOBEDA_SEED", "1"))
YEAR = [*(f"2023-{month:02d}-01" for month in range(1, 13)), "2024-01-01"]
BILLS = ["2021-05-01", "2022-04-15", "2023-05-03", "2024-04-20"]
RARE = 1e-3
"""A column of the table fails by chance once in a thousand."""


def readings(kind, case, known, units, rng):
    """Readings of a kind with the weather of their time; errors as the table calibration expects."""
    if kind == "hours":
        weather = metered.years(YEAR[0], YEAR[-1], SEED)
        heat = metered.hours(case, weather, units, known, rng)
        heat[rng.random(heat.shape) < 0.01] = np.nan
        return weather, metered.of_hours(case, weather, units, heat)
    edges, noise = (BILLS, 0.03) if kind == "three bills" else (YEAR, 0.06)
    weather = metered.years(edges[0], edges[-1], SEED)
    return weather, metered.bills(case, weather, units, known, edges, rng, noise=noise)


@pytest.mark.parametrize("kind", ["three bills", "months", "hours"])
def test_known_figures_are_recovered(kind):
    """Errors shrink against the prior's, and 90 % intervals hold about 90 % of the truths."""
    rng = np.random.default_rng(SEED)
    case, units = metered.case_of(UNITS), metered.alone(UNITS)
    known = metered.truth(case, units, rng)
    weather, measured = readings(kind, case, known, units, rng)
    found = calibrate(case, measured, date="2026-01-01", weather=weather).units

    def table(part):
        return np.array(
            [[getattr(u.estimates[n], part) for n in NAMES] + [getattr(u.heat_after, part)] for u in found]
        )

    truth = np.column_stack([known.values, known.heat_kwh_a])
    scale = np.array([*np.ones(len(NAMES)), known.heat_kwh_a.mean()])
    before = np.column_stack([np.repeat(NEUTRAL, UNITS, axis=0), [u.heat_before.value for u in found]])
    error = np.sqrt(np.mean((table("value") - truth) ** 2, axis=0)) / scale
    prior = np.sqrt(np.mean((before - truth) ** 2, axis=0)) / scale
    coverage = np.mean((table("low") <= truth) & (truth <= table("high")), axis=0)
    print(f"\n{kind}, {UNITS} units: error (prior's) and share of 90 % intervals that hold the truth")
    for name, *figures in zip([*NAMES, "heat of the year"], error, prior, coverage, strict=True):
        print(f"  {name:20s} {figures[0]:7.3f} ({figures[1]:.3f})   {figures[2]:5.1%}")
    # Binomial by its normal approximation; 3 % less for what Laplace's approximation leaves out.
    spread = np.sqrt(INTERVAL * (1 - INTERVAL) / UNITS)
    least = INTERVAL - 0.03 + NormalDist().inv_cdf(RARE) * spread
    assert (coverage >= least).all()
    assert error[-1] < 0.3 * prior[-1]
    assert (error < 1.05 * prior).all()
