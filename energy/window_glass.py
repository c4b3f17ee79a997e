"""Windows of buildings by the sun's angle: panes that have their g-value, and what they let in beside it.

An archetype knows a window by U and g at normal incidence. Its panes follow: their number and coating by U
(estimates, `SINGLE_U` and its like), their absorption so that the stack has that g (films of 23 and 8 W/(m²K)
as in EN 410:2011). By angle they behave as `energy.glazing` says: Fresnel and Snell in each pane, radiation
between them. Coatings count as absorption.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from energy import nodes
from energy.glazing import Glazing, Pane
from energy.weather import Weather

Array = npt.NDArray[np.floating[Any]]
COSINES = 64  # steps between the tabled cosines of incidence
SINGLE_U, TRIPLE_U, COATED_U = 4.0, 1.2, 2.0  # W/(m²K): one pane above, three below, coated below
OUTER_M2K_W, INNER_M2K_W = 1 / 23, 1 / 8  # EN 410:2011
_INDEX = 1.526  # of refraction, of soda-lime glass
_PATH = (0.02, 1.0)  # transmittance of the way through a pane: from black glass to clear
_BISECTIONS = 40


@dataclass(frozen=True, eq=False)
class Glass:
    """Curves of glass, and which one each building has.

    curve : over the g-value at normal incidence: of the beam by its cosine of incidence, from 0 to 1 in
        `COSINES` steps, then of diffuse light; shape (glass, COSINES + 2). [-]
    kind : row of the curve, shape (building,).
    """

    curve: Array
    kind: npt.NDArray[np.intp]

    def of(self, rows: slice) -> Glass:
        """That of some of the buildings."""
        return Glass(self.curve, self.kind[rows])


def of_windows(u_value: Array, g_value: Array) -> Glass:
    """Glass of windows by U [W/(m²K)] and g [-], shape (building,) each; g counts to the hundredth."""
    panes = np.where(u_value > SINGLE_U, 1, np.where(u_value < TRIPLE_U, 3, 2))
    keys = np.stack([panes, u_value < COATED_U, np.round(100 * g_value)], axis=1).astype(np.intp)
    each, kind = np.unique(keys, axis=0, return_inverse=True)
    curves = [_curve(int(count), bool(coated), g / 100) for count, coated, g in each]
    return Glass(np.array(curves), kind.reshape(-1).astype(np.intp))


@lru_cache(maxsize=256)
def _curve(panes: int, coated: bool, g_value: float) -> Array:
    glass = stack(panes, coated, g_value)
    cosine = np.linspace(0, 1, COSINES + 1)
    beam, diffuse = glass.g_value(np.maximum(cosine, 1e-6), OUTER_M2K_W, INNER_M2K_W)
    return np.asarray(np.append(beam, diffuse) / beam[-1])


def stack(panes: int, coated: bool, g_value: float) -> Glazing:
    """Panes of 4 mm whose stack has this g at normal incidence, or the nearest that such panes can have."""
    low, high = _PATH
    for _ in range(_BISECTIONS):
        path = (low + high) / 2
        g, _ = _of_path(panes, coated, path).g_value(np.ones(1), OUTER_M2K_W, INNER_M2K_W)
        low, high = (path, high) if g[0] < g_value else (low, path)
    return _of_path(panes, coated, high)


def _of_path(panes: int, coated: bool, path: float) -> Glazing:
    """Equal panes by the transmittance of the way through each; coatings face the gaps."""
    r = ((_INDEX - 1) / (_INDEX + 1)) ** 2
    through = path * (1 - r) ** 2 / (1 - (r * path) ** 2)
    bare, low = 0.84, 0.05
    coats = {1: {}, 2: {1: (low, bare)}, 3: {0: (bare, low), 2: (low, bare)}}[panes] if coated else {}
    made = tuple(
        Pane(0.004, 1.0, through, r * (1 + path * through), *coats.get(number, (bare, bare)))
        for number in range(panes)
    )
    gas = "argon" if coated else "air"
    return Glazing(made, (0.016 if panes == 2 else 0.012,) * (panes - 1), (gas,) * (panes - 1))


def planes(weather: Weather, albedo: float, glass: Glass) -> Array:
    """Irradiance on eight open facades as the glass lets it in, over g; shape (glass, time, 8). [W/m²]"""
    out = np.empty((len(glass.curve), len(weather), 8))
    place = np.linspace(0, 1, COSINES + 1)
    for side in range(8):
        beam, diffuse = nodes.irradiance(weather, 90.0, side * 45.0, albedo)
        cosine = nodes.incidence(weather, 90.0, side * 45.0)
        for number, curve in enumerate(glass.curve):
            out[number, :, side] = beam * np.interp(cosine, place, curve[:-1])
            out[number, :, side] += diffuse.sum(axis=0) * curve[-1]
    return out
