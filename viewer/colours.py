"""Colour scales that colour-blind people can tell apart, and round limits for legends.

viridis and cividis are by Smith, van der Walt, Nuñez, Anderton and Renslow (CC0); YlOrRd and PuOr by
Cynthia Brewer (Apache-2.0); the categories are Okabe and Ito's, with further hues for longer lists.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SCALES: dict[str, tuple[str, ...]] = {
    "viridis": (
        "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58",
        "#b5de2b", "#fde725",
    ),
    "cividis": (
        "#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369",
        "#e1cc55", "#fee838",
    ),
    "heat": (
        "#ffffcc", "#ffeda0", "#fed976", "#feb24c", "#fd8d3c", "#fc4e2a", "#e31a1c", "#bd0026",
        "#800026",
    ),
    "difference": (
        "#542788", "#8073ac", "#b2abd2", "#d8daeb", "#f7f7f7", "#fee0b6", "#fdb863", "#e08214", "#b35806",
    ),
    "saving": (
        "#f1eef6", "#d0d1e6", "#a6bddb", "#74a9cf", "#3690c0", "#0570b0", "#045a8d", "#023858",
    ),
}  # fmt: skip
CATEGORIES = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7a5195", "#8c6d31",
    "#4d4d4d", "#9ecae1", "#a1d99b",
)  # fmt: skip
MISSING = "#c3c7cb"


def category_colours(count: int) -> tuple[str, ...]:
    """`count` colours for categories; the last one is repeated behind the twelfth."""
    return tuple(CATEGORIES[min(i, len(CATEGORIES) - 1)] for i in range(count))


def ramp(scale: str, steps: int = 256) -> NDArray[np.uint8]:
    """The scale as RGBA, uint8, shape (steps, 4), linear between its stops."""
    stops = np.array([_rgb(colour) for colour in SCALES[scale]], float)
    place = np.linspace(0, len(stops) - 1, steps)
    rgb = np.stack(
        [np.interp(place, np.arange(len(stops)), stops[:, channel]) for channel in range(3)], axis=1
    )
    return np.concatenate([rgb.round(), np.full((steps, 1), 255.0)], axis=1).astype(np.uint8)


def limits(
    values: NDArray[np.floating], weights: NDArray[np.floating] | None = None, *, zero: bool = True
) -> tuple[float, float]:
    """Round limits around the 5th to the 95th percentile, from 0 where `zero`; (0, 1) without values.

    weights : of each value, such as floor area, so that many small buildings do not stretch the scale of the
        large ones.
    """
    weight = np.ones(values.shape) if weights is None else np.nan_to_num(weights.astype(float))
    known = np.isfinite(values) & (weight > 0)
    if not known.any():
        return 0.0, 1.0
    order = np.argsort(values[known])
    ranked, share = values[known][order], np.cumsum(weight[known][order])
    at = np.searchsorted(share, np.array([0.05, 0.95]) * share[-1] * (1 - 1e-12))
    low, high = (float(v) for v in ranked[at])
    low = 0.0 if zero and low >= 0 else low
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):
        high = low + max(abs(low), 1.0)
    step = _step((high - low) / 5)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def log_limits(
    values: NDArray[np.floating], weights: NDArray[np.floating] | None = None, *, zero: bool = True
) -> tuple[float, float]:
    """Limits as `limits`, of the positive values, at 1, 2 or 5 times a power of ten; (1, 10) without any."""
    positive = np.where(values > 0, values, np.nan)
    if not np.isfinite(positive).any():
        return 1.0, 10.0
    known = np.isfinite(positive)
    weight = np.ones(values.shape) if weights is None else np.nan_to_num(weights.astype(float))
    order = np.argsort(positive[known])
    ranked, share = positive[known][order], np.cumsum(weight[known][order])
    low, high = ranked[np.searchsorted(share, np.array([0.05, 0.95]) * share[-1] * (1 - 1e-12))]
    steps = [m * 10.0**power for power in range(-9, 10) for m in (1, 2, 5)]
    floor = max(s for s in steps if s <= low * (1 + 1e-9))
    return floor, min(s for s in steps if s >= max(high, 2 * floor) * (1 - 1e-9))


def log_ticks(low: float, high: float) -> list[float]:
    """The ends and the powers of ten between them, and 2 and 5 times these where there are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if high / low < 50 else (1,)
    inner = {round(m * 10.0**p, 10) for p in powers for m in factors}
    return sorted({low, high} | {t for t in inner if 1.9 * low <= t <= high / (high / low) ** 0.15})


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers from `low` to `high`."""
    step = _step((high - low) / max(count, 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(f for f in (1, 2, 2.5, 5, 10) if f * power >= rough * 0.999) * power


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
