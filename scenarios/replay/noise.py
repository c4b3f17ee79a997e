"""Noise that depends on a seed, a name and a time alone: the same whenever and in whatever order asked."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Array = npt.NDArray[np.float64]
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def uniform(seed: int, name: str, numbers: npt.ArrayLike) -> Array:
    """Numbers between 0 and 1 (both excluded) for whole numbers such as hours; shape of `numbers`.

    SplitMix64 (Steele, Lea, Flood 2014) of the seed, the name's CRC-32 and the number.
    """
    start = np.uint64((seed * _GOLDEN + zlib.crc32(name.encode()) * _SECOND) % 2**64)
    with np.errstate(over="ignore"):
        state = start + np.asarray(numbers, "int64").astype("uint64") * np.uint64(_GOLDEN)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(_FIRST)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(_SECOND)
        state = state ^ (state >> np.uint64(31))
    return np.asarray((state >> np.uint64(11)).astype("float64") + 0.5) / 2.0**53


def normal(seed: int, name: str, numbers: npt.ArrayLike) -> Array:
    """Standard normal numbers, as `uniform`."""
    return np.asarray(ndtri(uniform(seed, name, numbers)))
