"""Overhangs and fins at a window: the lit share of the beam, and what they leave of sky and ground.

An overhang is as long as the shadow needs, fins as high; both stand at right angles to the wall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
_POINTS, _HEIGHTS, _TURNS = 8, 30, 60  # samples of the window and of the directions


@dataclass(frozen=True)
class Devices:
    """A window with its devices; a depth of 0 is none. [m]"""

    width_m: float
    height_m: float
    overhang_m: float
    above_m: float
    fins_m: float
    beside_m: float

    @classmethod
    def of(cls, window: Mapping[str, Any], case: Mapping[str, Any]) -> Devices | None:
        """Those of the window, else of the case; None where there are none."""
        overhang = window.get("overhang") or case.get("overhang") or {}
        fins = window.get("fins") or case.get("fins") or {}
        if not overhang and not fins:
            return None
        return cls(
            window["width_m"], window["height_m"],
            float(overhang.get("depth_m", 0.0)), float(overhang.get("above_window_m", 0.0)),
            float(fins.get("depth_m", 0.0)), float(fins.get("beside_window_m", 0.0)),
        )  # fmt: skip


def lit_share(devices: Devices, sun: Array, azimuth_deg: float) -> Array:
    """Share of the window that the beam reaches, shape (time,).

    sun : unit vectors to the sun (east, north, up), shape (time, 3).
    """
    azimuth = np.radians(azimuth_deg)
    towards = sun @ np.array([np.sin(azimuth), np.cos(azimuth), 0.0])
    sideways = sun @ np.array([np.cos(azimuth), -np.sin(azimuth), 0.0])
    front = np.maximum(towards, 1e-9)
    down = devices.overhang_m * sun[:, 2] / front - devices.above_m
    across = devices.fins_m * np.abs(sideways) / front - devices.beside_m
    lit_high = 1 - np.clip(down / devices.height_m, 0, 1)
    lit_wide = 1 - np.clip(across / devices.width_m, 0, 1)
    return np.where(towards > 0, lit_high * lit_wide, 0.0)


def diffuse_left(devices: Devices) -> tuple[float, float]:
    """Share that arrives of a uniform sky's and of the ground's light."""
    elevation = np.radians((np.arange(_HEIGHTS) + 0.5) * 90 / _HEIGHTS)
    turn = np.radians((np.arange(_TURNS) + 0.5) * 180 / _TURNS - 90)
    high, side = (values.ravel() for values in np.meshgrid(elevation, turn, indexing="ij"))
    front = np.cos(high) * np.cos(side)
    weight = front * np.cos(high)
    place = (np.arange(_POINTS) + 0.5) / _POINTS
    below_top = place * devices.height_m + devices.above_m
    from_left = place * devices.width_m + devices.beside_m
    from_right = (1 - place) * devices.width_m + devices.beside_m
    rise = np.tan(high) / np.cos(side)
    shift = np.tan(side)
    under = devices.overhang_m * rise[None] < below_top[:, None]
    between = (devices.fins_m * shift[None] < from_left[:, None]) & (
        devices.fins_m * -shift[None] < from_right[:, None]
    )
    sky = (under.mean(axis=0) * between.mean(axis=0) * weight).sum() / weight.sum()
    ground = (between.mean(axis=0) * weight).sum() / weight.sum()
    return float(sky), float(ground)
