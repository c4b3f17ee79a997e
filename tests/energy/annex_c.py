"""ISO 13790:2008, Annex C written down hour by hour, as the norm reads: the reference of the fast kernel.

One zone, scalars, no rearranging; heating and cooling by the norm's steps C.4.2: free floating, then with
10 W/m², then linear interpolation, then limitation.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Zone:
    """The five resistances and one capacity of a zone."""

    def __init__(
        self, *, h_op: float, h_w: float, c_m: float, a_m: float, a_tot: float, floor: float
    ) -> None:
        self.h_ms = 9.1 * a_m  # (64)
        self.h_is = 3.45 * a_tot  # (9)
        self.h_em = 1 / (1 / h_op - 1 / self.h_ms)  # (63)
        self.h_w, self.c_m, self.a_m, self.a_tot, self.floor = h_w, c_m * 3600, a_m, a_tot, floor

    def temperatures(
        self, mass: float, out: float, gains: float, sun: float, h_ve: float, power: float
    ) -> tuple[float, float, float]:
        """Next mass, air and surface temperature with a given power."""
        phi_ia = 0.5 * gains  # (C.1)
        phi_m = self.a_m / self.a_tot * (0.5 * gains + sun)  # (C.2)
        phi_st = (1 - self.a_m / self.a_tot - self.h_w / (9.1 * self.a_tot)) * (0.5 * gains + sun)  # (C.3)
        h_1 = 1 / (1 / h_ve + 1 / self.h_is)  # (C.6)
        h_2 = h_1 + self.h_w  # (C.7)
        h_3 = 1 / (1 / h_2 + 1 / self.h_ms)  # (C.8)
        phi_mtot = (  # (C.5)
            phi_m
            + self.h_em * out
            + h_3 * (phi_st + self.h_w * out + h_1 * ((phi_ia + power) / h_ve + out)) / h_2
        )
        half = 0.5 * (h_3 + self.h_em)
        following = (mass * (self.c_m / 3600 - half) + phi_mtot) / (self.c_m / 3600 + half)  # (C.4)
        mean = (following + mass) / 2  # (C.9)
        surface = (  # (C.10)
            self.h_ms * mean + phi_st + self.h_w * out + h_1 * (out + (phi_ia + power) / h_ve)
        ) / (self.h_ms + self.h_w + h_1)
        air = (self.h_is * surface + h_ve * out + phi_ia + power) / (self.h_is + h_ve)  # (C.11)
        return following, air, surface

    def hour(
        self, mass: float, out: float, gains: float, sun: float, h_ve: float,
        low: float, high: float, limit: float,
    ) -> tuple[float, float, float, float]:  # fmt: skip
        """Power, next mass, air and operative temperature of one hour, by the steps of C.4.2."""
        _, free, _ = self.temperatures(mass, out, gains, sun, h_ve, 0.0)
        target = low if free < low else high if free > high else None
        power = 0.0
        if target is not None:
            trial = 10 * self.floor
            _, warmed, _ = self.temperatures(mass, out, gains, sun, h_ve, trial)
            power = trial * (target - free) / (warmed - free)  # (C.13)
            power = float(np.clip(power, -limit, limit))
        following, air, surface = self.temperatures(mass, out, gains, sun, h_ve, power)
        return power, following, air, 0.3 * air + 0.7 * surface  # (C.12)


def year(zone: Zone, courses: dict[str, Any], *, start: float, warm_up: int, limit: float) -> np.ndarray:
    """Power, air and operative temperature of all hours, shape (time, 3); `warm_up` last hours come first."""
    hours, mass, rows = len(courses["out"]), start, []
    for step in range(-warm_up, hours):
        at = {name: float(values[step]) for name, values in courses.items()}
        power, mass, air, operative = zone.hour(mass, **at, limit=limit)
        if step >= 0:
            rows.append((power, air, operative))
    return np.array(rows)
