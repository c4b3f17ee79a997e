"""Glazing: what passes, is absorbed and reflected by angle, and what conducts, from its panes.

Panes: index of refraction and extinction from the figures at normal incidence (EnergyPlus Engineering
Reference, "Angular properties of uncoated glass"), Fresnel and Snell at other angles. Stacks: net
radiation between all panes. Gaps: EN 673:2011, 5.3 and Table 1 (gases at 10 °C).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
STEFAN_BOLTZMANN = 5.670374e-8
_ANGLES_DEG = np.arange(0.0, 91.0)
_MEAN_K, _DIFFERENCE_K = 283.0, 15.0  # EN 673:2011, 6.1
# EN 673:2011, Table 1: density [kg/m³], viscosity [Pa s], conductivity [W/(mK)], heat capacity [J/(kgK)].
GASES = {
    "air": (1.232, 1.761e-5, 2.496e-2, 1008.0),
    "argon": (1.699, 2.164e-5, 1.684e-2, 519.0),
    "krypton": (3.560, 2.400e-5, 0.900e-2, 245.0),
}


@dataclass(frozen=True)
class Pane:
    """One pane, both sides alike but for the emissivity.

    transmittance, reflectance : solar, at normal incidence. [-]
    emissivity_out, emissivity_in : of the side towards the outside and the inside. [-]
    """

    thickness_m: float
    conductivity_w_mk: float
    transmittance: float
    reflectance: float
    emissivity_out: float
    emissivity_in: float

    def at(self, cosine: Array) -> tuple[Array, Array]:
        """Transmittance and reflectance by the cosine of the angle of incidence, unpolarised."""
        reflectivity, inner = surface_and_path(self.transmittance, self.reflectance)
        if reflectivity <= 0:
            return np.full_like(cosine, self.transmittance), np.full_like(cosine, self.reflectance)
        index = (1 + np.sqrt(reflectivity)) / (1 - np.sqrt(reflectivity))
        refracted = np.sqrt(1 - (1 - cosine**2) / index**2)
        path = inner ** (1 / refracted)
        across = ((cosine - index * refracted) / (cosine + index * refracted)) ** 2
        along = ((index * cosine - refracted) / (index * cosine + refracted)) ** 2
        passed, sent = np.zeros_like(cosine), np.zeros_like(cosine)
        for r in (across, along):
            through = path * (1 - r) ** 2 / (1 - (r * path) ** 2)
            passed += 0.5 * through
            sent += 0.5 * r * (1 + path * through)
        return passed, sent


def surface_and_path(transmittance: float, reflectance: float) -> tuple[float, float]:
    """Reflectivity of one surface and transmittance of the path within the pane, at normal incidence. [-]

    Raises
    ------
    CallError : figures that no pane has.
    """
    if not (0 < transmittance < 1 and 0 <= reflectance < 1 and transmittance + reflectance <= 1):
        raise CallError(
            f"a pane cannot pass {transmittance:g} and reflect {reflectance:g} of the sun",
            "glazing",
            "Both between 0 and 1, their sum at most 1",
        )
    if reflectance == 0:
        return 0.0, transmittance
    b = transmittance**2 - reflectance**2 + 2 * reflectance + 1
    r = (b - np.sqrt(b**2 - 4 * (2 - reflectance) * reflectance)) / (2 * (2 - reflectance))
    return float(r), float((reflectance - r) / (r * transmittance))


@dataclass(frozen=True, eq=False)
class Glazing:
    """Panes from outside to inside and the gaps between them.

    gap_m, gap_gas : one fewer than panes.
    """

    panes: tuple[Pane, ...]
    gap_m: tuple[float, ...]
    gap_gas: tuple[str, ...]

    @property
    def pane_resistance_m2k_w(self) -> Array:
        """Resistance of each pane, shape (pane,)."""
        return np.array([pane.thickness_m / pane.conductivity_w_mk for pane in self.panes])

    @cached_property
    def gap_conductance_w_m2k(self) -> Array:
        """Conductance of each gap, shape (gap,): radiation and gas, EN 673:2011 (4) to (8), upright."""
        values = []
        for number, (width, gas) in enumerate(zip(self.gap_m, self.gap_gas, strict=True)):
            if gas not in GASES:
                raise CallError(f"there is no gas {gas!r}", "glazing", f"Use {', '.join(GASES)}")
            density, viscosity, conductivity, capacity = GASES[gas]
            grashof = 9.81 * width**3 * _DIFFERENCE_K * density**2 / (_MEAN_K * viscosity**2)
            prandtl = viscosity * capacity / conductivity
            nusselt = max(1.0, 0.035 * (grashof * prandtl) ** 0.38)
            out, inside = self.panes[number].emissivity_in, self.panes[number + 1].emissivity_out
            radiation = 4 * STEFAN_BOLTZMANN * _MEAN_K**3 / (1 / out + 1 / inside - 1)
            values.append(radiation + nusselt * conductivity / width)
        return np.array(values)

    def resistance_m2k_w(self, before_m2k_w: float = 0.0) -> tuple[Array, float]:
        """Resistance up to the middle of each pane, shape (pane,), and of all, behind one before. [m²K/W]"""
        own, gaps = self.pane_resistance_m2k_w, 1 / self.gap_conductance_w_m2k
        middles = before_m2k_w + np.concatenate([[0.0], np.cumsum(own[:-1] + gaps)]) + own / 2
        return middles, float(before_m2k_w + own.sum() + gaps.sum())

    def at(self, cosine: Array) -> tuple[Array, Array]:
        """Transmittance, shape of `cosine`, and absorptance of each pane, shape (pane, …), from outside."""
        passed, sent = zip(*(pane.at(cosine) for pane in self.panes), strict=True)
        return _stack(passed, sent)

    def g_value(self, cosine: Array, outside_m2k_w: float, inside_m2k_w: float) -> tuple[Array, float]:
        """Total solar energy transmittance of the beam by its cosine, and of diffuse light. [-]

        outside_m2k_w, inside_m2k_w : resistances of the films.
        """
        before, whole = self.resistance_m2k_w(outside_m2k_w)
        inwards = before / (whole + inside_m2k_w)
        through, held = self.at(cosine)
        passed, taken, _ = self.diffuse
        return through + np.tensordot(inwards, held, 1), float(passed + (taken * inwards).sum())

    @cached_property
    def turned(self) -> Glazing:
        """The same seen from inside."""
        panes = tuple(
            replace(pane, emissivity_out=pane.emissivity_in, emissivity_in=pane.emissivity_out)
            for pane in self.panes[::-1]
        )
        return Glazing(panes, self.gap_m[::-1], self.gap_gas[::-1])

    @cached_property
    def diffuse(self) -> tuple[float, Array, float]:
        """Transmittance, absorptance of each pane, and reflectance, for light from all sides. [-]

        The reflectance is that of light from inside; the stack is turned for it.
        """
        angle = np.radians(_ANGLES_DEG)
        weight = np.sin(2 * angle)
        cosine = np.maximum(np.cos(angle), 1e-6)

        def mean(values: Array) -> Array:
            return np.asarray(np.trapezoid(values * weight, angle, axis=-1))

        passed, absorbed = self.at(cosine)
        back, taken = self.turned.at(cosine)
        return float(mean(passed)), mean(absorbed), float(1 - mean(back) - mean(taken).sum())


def _stack(passed: Sequence[Array], sent: Sequence[Array]) -> tuple[Array, Array]:
    """Net radiation of a stack: fluxes inwards and outwards in each gap, by one linear system per angle."""
    count, shape = len(passed), passed[0].shape
    flat = [(t.reshape(-1), r.reshape(-1)) for t, r in zip(passed, sent, strict=True)]
    size = flat[0][0].size
    # Unknowns: inward flux behind pane k (0 … count−1), then outward flux before pane k.
    system = np.zeros((size, 2 * count, 2 * count))
    known = np.zeros((size, 2 * count))
    for k, (t, r) in enumerate(flat):
        inward, outward = k, count + k
        system[:, inward, inward] = system[:, outward, outward] = 1.0
        if k == 0:
            known[:, inward], known[:, outward] = t, r
        else:
            system[:, inward, k - 1], system[:, outward, k - 1] = -t, -r
        if k + 1 < count:
            system[:, inward, count + k + 1], system[:, outward, count + k + 1] = -r, -t
    flux = np.linalg.solve(system, known[..., None])[..., 0]
    absorbed = np.empty((count, size))
    for k, (t, r) in enumerate(flat):
        before = np.ones(size) if k == 0 else flux[:, k - 1]
        behind = flux[:, count + k + 1] if k + 1 < count else 0.0
        absorbed[k] = (1 - t - r) * (before + behind)
    return flux[:, count - 1].reshape(shape), absorbed.reshape(count, *shape)
