"""How well simulated values meet measured ones: CV(RMSE) and NMBE by ASHRAE Guideline 14-2014."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from energy.parameters import Parameters

Array = npt.NDArray[np.floating[Any]]
Step = Literal["hour", "day", "month", "period"]
FITTED = 1
"""p of the Guideline's formulas; 1 for a calibrated simulation (Ruiz and Bandera 2017, Energies 10, 1587)."""


@dataclass(frozen=True)
class Agreement:
    """CV(RMSE) and NMBE of some values, and whether they keep the limits for their step.

    step : length of the values; the Guideline has limits for hours and months only.
    within : None where there are none, or too few values to tell.
    """

    step: Step
    count: int
    cv_rmse: float
    nmbe: float
    within: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data; what cannot be told is None."""
        figures = {name: None if math.isnan(v := getattr(self, name)) else v for name in ("cv_rmse", "nmbe")}
        return {"step": self.step, "count": self.count, **figures, "within": self.within}


def nmbe(measured: Array, simulated: Array, fitted: int = FITTED) -> float:
    """Normalised mean bias error: Σ(m − s) / ((n − p) · mean(m)); below 0 where too much is simulated. [-]

    nan for fewer than p + 1 values, or where nothing was measured.
    """
    free, mean = len(measured) - fitted, _mean(measured)
    return float((measured - simulated).sum() / (free * mean)) if free > 0 and mean > 0 else math.nan


def cv_rmse(measured: Array, simulated: Array, fitted: int = FITTED) -> float:
    """Coefficient of variation of the root mean square error: √(Σ(m − s)² / (n − p)) / mean(m). [-]

    nan as `nmbe`.
    """
    free, mean = len(measured) - fitted, _mean(measured)
    return float(np.sqrt(((measured - simulated) ** 2).sum() / free) / mean) if free > 0 < mean else math.nan


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else 0.0


def agreement(measured: Array, simulated: Array, step: Step, parameters: Parameters) -> Agreement:
    """Both figures over the values that are there (not nan), against the limits of the table calibration."""
    known = np.isfinite(measured) & np.isfinite(simulated)
    m, s = (np.asarray(values, "float64")[known] for values in (measured, simulated))
    scatter, bias = cv_rmse(m, s), nmbe(m, s)
    within = None
    if step in ("hour", "month") and math.isfinite(scatter):
        within = scatter <= parameters.constant(f"cv_rmse_limit_{step}") and abs(bias) <= parameters.constant(
            f"nmbe_limit_{step}"
        )
    return Agreement(step, len(m), scatter, bias, within)
