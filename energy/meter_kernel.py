"""The hour loop of a building's meter: generation, load, battery and grid, buildings side by side (SIMD)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energy.battery import hour_of
from twin.compute import compiled, copied

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]

# Rows of the one array that an hour of a block works on, as in `energy.zone_kernel`: figures (electricity and
# hot water of a year, electricity per heat and per cold), battery (4 rows), level; the hour's generation,
# heating and cooling; sums of generation, bought, sold and load.
_STORE, _LEVEL, _MADE, _HEAT, _COOL, _SUMS, _ROWS = 4, 8, 9, 10, 11, 12, 16


@copied
def _flush(work: Array, wide: int, number: int, binned: Array) -> None:
    for row in range(4):
        for i in range(wide):
            binned[row, number, i] += work[(_SUMS + row) * wide + i]
    work[_SUMS * wide : _ROWS * wide] = 0


@copied
def _hours(
    work: Array, wide: int, courses: Array, made: Array, heating: Array, cooling: Array, bins: Rows,
    first: int, last: int, binned: Array,
) -> None:  # fmt: skip
    """The hours of `meter`; `wide` is a figure where it is put in."""
    zero = work[0] - work[0]
    milli = zero + work.dtype.type(0.001)
    bin_now = bins[first]
    for t in range(first, last):
        if bins[t] != bin_now:
            _flush(work, wide, bin_now, binned)
            bin_now = bins[t]
        for i in range(wide):
            work[_MADE * wide + i] = made[t, i]
        for i in range(wide):
            work[_HEAT * wide + i] = heating[t - first, i]
        for i in range(wide):
            work[_COOL * wide + i] = cooling[t - first, i]
        electricity, water = courses[t, 0], courses[t, 1]
        for i in range(wide):
            needs = work[_HEAT * wide + i] * work[2 * wide + i] + work[_COOL * wide + i] * work[3 * wide + i]
            load = needs * milli + work[i] * electricity + work[wide + i] * water
            s = _STORE * wide + i
            level, bought, sold = hour_of(
                work[_MADE * wide + i] - load, work[_LEVEL * wide + i],
                work[s], work[s + wide], work[s + 2 * wide], work[s + 3 * wide], zero,
            )  # fmt: skip
            work[_LEVEL * wide + i] = level
            work[_SUMS * wide + i] += work[_MADE * wide + i]
            work[(_SUMS + 1) * wide + i] += bought
            work[(_SUMS + 2) * wide + i] += sold
            work[(_SUMS + 3) * wide + i] += load
    _flush(work, wide, bin_now, binned)


@compiled
def meter(
    figures: Array, store: Array, courses: Array, made: Array, heating: Array, cooling: Array, bins: Rows,
    first: int, last: int, level: Array, binned: Array,
) -> None:  # fmt: skip
    """Load, battery and grid of one block in the hours `first` to `last`.

    figures : electricity and electricity for hot water of a year, electricity per heat and per cooling need,
        shape (4, lane).  store : `Battery.table`, shape (4, lane).
    courses : shares of the year's electricity and hot water in each hour, shape (time, 2).
    made : generation, shape (time, lane). [kWh]  heating, cooling : need, shape (last − first, lane). [W]
    level : stored at the start, shape (lane,), left as it is at the end. [kWh]
    binned : generation, bought, sold and load by bin, shape (4, bin, lane), added to. [kWh]
    """
    wide = level.shape[0]
    work = np.zeros(_ROWS * wide, level.dtype)
    for row in range(4):
        work[row * wide : (row + 1) * wide] = figures[row]
        work[(_STORE + row) * wide : (_STORE + row + 1) * wide] = store[row]
    work[_LEVEL * wide : _MADE * wide] = level
    if wide == 8:
        _hours(work, 8, courses, made, heating, cooling, bins, first, last, binned)
    elif wide == 16:
        _hours(work, 16, courses, made, heating, cooling, bins, first, last, binned)
    elif wide == 32:
        _hours(work, 32, courses, made, heating, cooling, bins, first, last, binned)
    else:
        _hours(work, 64, courses, made, heating, cooling, bins, first, last, binned)
    level[:] = work[_LEVEL * wide : _MADE * wide]
