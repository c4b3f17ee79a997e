"""Soil moisture: matric potential, pF, Jena's colours, and the retention curve of van Genuchten (1980).

pF is the decimal logarithm of the matric potential in hPa, as Jena's platform and KA5 use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sensors import figures
from twin.errors import CallError

Array = npt.NDArray[np.float64]
Values = Array | float
Colour = Literal["", "blue", "green", "yellow", "red"]
# Of pF, the rule of Jena's platform on the water potential; above them all it is red.
BLUE_BELOW, GREEN_UP_TO, YELLOW_UP_TO = 1.8, 3.0, 3.6
_CM_PER_HPA = 1.01972  # of water at 4 °C
_PF_LIMITS = (-1.0, 7.0)  # saturated to oven-dry


def pf(potential_hpa: Values) -> Array:
    """pF of a matric potential (tension), whatever its sign; nan where it is nan. [log10 hPa]"""
    tension = np.abs(np.asarray(potential_hpa, "float64"))
    return np.asarray(np.clip(np.log10(np.maximum(tension, 1e-6)), *_PF_LIMITS))


def tension_hpa(pf_value: Values) -> Array:
    """Matric tension of a pF. [hPa]"""
    return np.asarray(10.0 ** np.asarray(pf_value, "float64"))


def colour(pf_value: float) -> Colour:
    """Jena's colour of a pF; empty where there is none."""
    if not np.isfinite(pf_value):
        return ""
    if pf_value < BLUE_BELOW:
        return "blue"
    return "green" if pf_value <= GREEN_UP_TO else "yellow" if pf_value <= YELLOW_UP_TO else "red"


@dataclass(frozen=True, eq=False)
class Retention:
    """Retention curves of soils; each figure a number or of shape (area, 1).

    theta_r, theta_s : residual and saturated water content. [m³/m³]  alpha_per_cm [1/cm], n [-].
    """

    theta_r: Values
    theta_s: Values
    alpha_per_cm: Values
    n: Values

    @classmethod
    def of(cls, textures: Sequence[str] | str) -> Retention:
        """Class averages of textures (assets/sensors/soils.csv), one row an area.

        Raises
        ------
        CallError : a texture that is not in the table.
        """
        table = figures.table("soils", "texture")
        names = [textures] if isinstance(textures, str) else list(textures)
        if unknown := [name for name in names if name not in table.index]:
            raise CallError(
                f"there is no soil texture {unknown[0]!r}", "soils", f"Use {', '.join(table.index)}"
            )
        rows = table.loc[names]
        columns = (
            rows[name].to_numpy("float64")[:, None] for name in ("theta_r", "theta_s", "alpha_per_cm", "n")
        )
        return cls(*((float(v[0, 0]) for v in columns) if isinstance(textures, str) else columns))

    def water_content(self, pf_value: Values) -> Array:
        """Volumetric water content at a pF. [m³/m³]"""
        head = tension_hpa(pf_value) * _CM_PER_HPA
        filled = (1 + (self.alpha_per_cm * head) ** self.n) ** (1 / np.asarray(self.n) - 1)
        return np.asarray(self.theta_r + (self.theta_s - self.theta_r) * filled)

    def pf(self, water_content: Values) -> Array:
        """pF at a volumetric water content; contents outside the curve count as its ends. [log10 hPa]"""
        exponent = 1 - 1 / np.asarray(self.n)
        filled = (np.asarray(water_content) - self.theta_r) / (np.asarray(self.theta_s) - self.theta_r)
        filled = np.clip(filled, 1e-9, 1 - 1e-9)
        head = (filled ** (-1 / exponent) - 1) ** (1 / np.asarray(self.n)) / self.alpha_per_cm
        return pf(head / _CM_PER_HPA)
