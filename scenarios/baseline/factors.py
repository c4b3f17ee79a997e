"""What is fitted for each metered unit: factors on its buildings' figures, with prior spread and bounds.

A factor of a unit is 1 + s·x and an offset s·x, where x is standard normal, cut at the bounds, before
anything is measured: s follows from the spreads of the figures that it scales (`energy.spreads`). Heat is
nearly linear in these, so that the posterior is nearly normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.columns import Columns
from energy.parameters import Parameters
from energy.spreads import SOURCE_OF, spreads

Array = npt.NDArray[np.floating[Any]]
_PARTS = ("wall", "roof", "floor", "window", "door")
_LEAST_SD = 1e-3
_LEAST = 0.02  # of a factor: the fit looks a little beyond the bounds


@dataclass(frozen=True)
class Factor:
    """One fitted figure: the columns of the envelope that it scales, or (as an offset, in K) shifts."""

    name: str
    figures: tuple[str, ...]
    shifts: bool = False

    @property
    def neutral(self) -> float:
        """The value that changes nothing."""
        return 0.0 if self.shifts else 1.0


FACTORS = (
    Factor("u_value_factor", (*(f"u_{part}_w_m2k" for part in _PARTS), "delta_u_thermal_bridge_w_m2k")),
    Factor("air_change_factor", ("infiltration_1_h", "ventilation_1_h", "ventilation_off_1_h")),
    Factor("setpoint_offset_k", ("setpoint_offset_k",), shifts=True),
    Factor("gains_factor", ("gains_factor",)),
    Factor("hot_water_factor", ("hot_water_factor",)),
)
NAMES = tuple(factor.name for factor in FACTORS)
_SHIFTS = np.array([factor.shifts for factor in FACTORS])
NEUTRAL = np.array([[factor.neutral for factor in FACTORS]])


@dataclass(frozen=True)
class Priors:
    """Spread and bounds of the factors; shape (unit, factor) each.

    sd : of a factor [-] or of the offset [K].  low, high : bounds, in x.
    """

    sd: Array
    low: Array
    high: Array

    def values(self, x: Array) -> Array:
        """Factors and offsets of x, shape (…, unit, factor)."""
        return np.asarray(np.where(_SHIFTS, 0.0, np.maximum(1 + self.sd * x, _LEAST)) + _SHIFTS * self.sd * x)

    def take(self, units: npt.NDArray[Any]) -> Priors:
        """Those of some units."""
        return Priors(self.sd[units], self.low[units], self.high[units])


def priors(envelope: pd.DataFrame, unit: npt.NDArray[np.intp], parameters: Parameters) -> Priors:
    """Priors of units from the spreads of their buildings.

    envelope : of the metered buildings.  unit : number of the unit of each of its rows.

    A unit's figures are taken as wrong together, as its buildings come from one drawer: the spreads of
    components add up by what they conduct.
    """
    count = int(unit.max()) + 1
    spread = spreads(envelope, parameters)

    def mean(of_building: Array, weight: Array) -> Array:
        total = np.bincount(unit, weight, count)
        return np.bincount(unit, of_building * weight, count) / np.where(total > 0, total, 1.0)

    def figure(name: str) -> tuple[Array, Array]:
        return envelope[name].to_numpy("float64"), spread[f"{name}_sd"].to_numpy("float64")

    area = envelope["a_use_m2"].to_numpy("float64")
    conducts = np.zeros(len(envelope))
    unsure = np.zeros(len(envelope))
    for part in _PARTS:
        u_value, sd = figure(f"u_{part}_w_m2k")
        of_part = envelope[f"{part}_area_m2"].to_numpy("float64")
        b = envelope[f"b_{part}"].to_numpy("float64") if part in ("roof", "floor") else 1.0
        conducts += of_part * (b * u_value + figure("delta_u_thermal_bridge_w_m2k")[0])
        unsure += of_part * (b * sd + figure("delta_u_thermal_bridge_w_m2k")[1])
    air = sum(figure(name)[0] for name in ("infiltration_1_h", "ventilation_1_h"))
    air_sd = sum(figure(name)[1] for name in ("infiltration_1_h", "ventilation_1_h"))
    sd = np.stack(
        [
            mean(unsure / np.maximum(conducts, 1e-9), conducts),
            mean(np.asarray(air_sd) / np.maximum(air, 1e-9), area * air),
            *(
                mean(figure(name)[1], area)
                for name in ("setpoint_offset_k", "gains_factor", "hot_water_factor")
            ),
        ],
        axis=1,
    )
    sd = np.maximum(sd, _LEAST_SD)
    bound = _bounds(parameters)
    return Priors(sd, bound[0] / sd, bound[1] / sd)


def _bounds(parameters: Parameters) -> Array:
    """Bounds of the factors less 1 and of the offset, shape (2, factor)."""
    out = np.zeros((2, len(FACTORS)))
    for number, factor in enumerate(FACTORS):
        for row, side in enumerate(("low", "high")):
            name = f"setpoint_offset_{side}_k" if factor.shifts else f"{factor.name}_{side}"
            value = parameters.constant(name)
            out[row, number] = value - factor.neutral
    return out


def scaled(columns: Columns, values: Array) -> Columns:
    """The figures of buildings with the factors of each, shape (building, factor)."""
    figures: dict[str, Array] = {}
    for number, factor in enumerate(FACTORS):
        for name in factor.figures:
            old = figures.get(name, columns[name])
            figures[name] = old + values[:, number] if factor.shifts else old * values[:, number]
    return columns.with_figures(**figures)


def apply(envelope: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """The envelope with the factors of some buildings.

    values : index building_id, columns `NAMES` and source: what the `…_source` columns then say.
    """
    envelope = envelope.copy()
    rows = envelope.index.get_indexer(values.index)
    for factor in FACTORS:
        by = values[factor.name].to_numpy("float64")
        changed = by != factor.neutral
        for name in factor.figures:
            figures = envelope[name].to_numpy("float64", copy=True)
            figures[rows] = figures[rows] + by if factor.shifts else figures[rows] * by
            envelope[name] = figures
            source = envelope[SOURCE_OF[name]].to_numpy("object", copy=True)
            source[rows[changed]] = values["source"].to_numpy("object")[changed]
            envelope[SOURCE_OF[name]] = source
    return envelope
