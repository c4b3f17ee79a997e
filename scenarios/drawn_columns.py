"""The uncertain figures of an envelope as arrays, as a draw takes them to the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import Case
from energy.columns import Columns
from energy.spreads import SOURCE_OF, spreads

Array = npt.NDArray[np.float64]
QUANTITIES = {
    "envelope": (
        "u_wall_w_m2k", "u_roof_w_m2k", "u_floor_w_m2k", "u_window_w_m2k", "u_door_w_m2k", "g_window",
        "delta_u_thermal_bridge_w_m2k", "b_roof", "b_floor", "heat_capacity_wh_m2k",
    ),
    "air_change": ("infiltration_1_h", "ventilation_1_h", "ventilation_off_1_h"),
    "areas": (
        "wall_area_m2", "roof_area_m2", "floor_area_m2", "window_area_m2", "door_area_m2", "a_use_m2",
    ),
    "people": ("setpoint_offset_k", "gains_factor", "hot_water_factor"),
}  # fmt: skip
INPUT_OF = {quantity: name for name, quantities in QUANTITIES.items() for quantity in quantities}
SIMULATED = (*sorted(QUANTITIES), "weather")  # inputs that the simulation feels; the others weigh its results
_QUANTITIES = tuple(SOURCE_OF)
_OFFSET = _QUANTITIES.index("setpoint_offset_k")  # the one that may be negative: it varies normally
_AT_MOST = {"b_roof": 1.0, "b_floor": 1.0, "g_window": 0.95}


@dataclass(frozen=True, eq=False)
class Spread:
    """How the envelope of a case varies; shape (quantity, building), quantities in the order of SOURCE_OF.

    value : as known.  sd : standard deviation, in the unit of each.
    sigma : of the logarithm. [-]
    """

    value: Array
    sd: Array
    sigma: Array


def spread_of(case: Case, before: tuple[Case, Spread] | None = None) -> Spread:
    """The spread of a case's envelope.

    before : a case with its spread: what a measure has left as it was is taken from there.
    """
    names = list(_QUANTITIES)
    if before is not None:
        there = before[0].envelope
        names = [name for name in names if not _same(case.envelope, there, name)]
    table = case.parameters.uncertainties["spread"].astype("float64").to_dict()
    wide = np.array([table[INPUT_OF[name]] for name in names])[:, None]
    value = np.stack([case.envelope[name].to_numpy("float64") for name in names]) if names else np.empty(0)
    found = spreads(case.envelope, case.parameters, names)
    sd = np.stack([found[f"{name}_sd"].to_numpy() for name in names]) * wide if names else np.empty(0)
    relative = np.divide(sd, value, out=np.zeros_like(value), where=value > 0)
    sigma = np.sqrt(np.log1p(relative**2))
    if before is None:
        return Spread(value, sd, sigma)
    rows = [_QUANTITIES.index(name) for name in names]
    known = before[1]
    merged = [np.array(part) for part in (known.value, known.sd, known.sigma)]
    for part, new in zip(merged, (value, sd, sigma), strict=True):
        part[rows] = new if rows else part[rows]
    return Spread(*merged)


def _same(one: pd.DataFrame, other: pd.DataFrame, quantity: str) -> bool:
    return all(one[name].equals(other[name]) for name in (quantity, SOURCE_OF[quantity]))


def draw_columns(case: Case, spread: Spread, z: Mapping[str, float], seed: int) -> Columns:
    """The figures of the case's buildings as one draw has them, as `uncertainty.perturbed`."""
    table = case.parameters.uncertainties
    shared = table["shared_share"].astype("float64").to_dict()
    common = np.array([np.sqrt(shared[INPUT_OF[name]]) * z[INPUT_OF[name]] for name in _QUANTITIES])
    own = np.array([np.sqrt(1 - shared[INPUT_OF[name]]) for name in _QUANTITIES])
    noise = np.random.default_rng(seed).standard_normal(spread.value.shape)
    drawn = common[:, None] + own[:, None] * noise
    values = spread.value * np.exp(spread.sigma * drawn - spread.sigma**2 / 2)  # the mean stays
    warmer = z["weather"] * table["spread"].astype("float64").to_dict()["weather"]
    values[_OFFSET] = spread.value[_OFFSET] + spread.sd[_OFFSET] * drawn[_OFFSET] - warmer
    figures = {
        name: np.minimum(row, _AT_MOST[name]) if name in _AT_MOST else row
        for name, row in zip(_QUANTITIES, values, strict=True)
        if name in case.columns.names
    }
    return case.columns.with_figures(**figures)
