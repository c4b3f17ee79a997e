"""The hour loop of a building's meter: generation, load, battery and grid, buildings side by side (SIMD)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energy.battery import hour_of
from energy.lanes import PITCH, move, put
from twin.compute import compiled, put_row

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]

# Rows of the one array that an hour of a block works on, as in `energy.lanes`: figures (electricity and
# hot water of a year, electricity per heat and per cold), battery (4 rows), level; the hour's generation,
# heating and cooling; sums of generation, bought, sold and load.
_STORE, _LEVEL, _MADE, _HEAT, _COOL, _SUMS, _ROWS = 4, 8, 9, 10, 11, 12, 16


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
    lanes = level.shape[0]
    work = np.zeros(_ROWS * PITCH, level.dtype)
    zero = work[0] - work[0]
    milli = zero + work.dtype.type(0.001)
    put(work, _LEVEL, level)
    for row in range(4):
        put(work, row, figures[row])
        put(work, _STORE + row, store[row])
    for t in range(first, last):
        for i in range(lanes):
            work[_MADE * PITCH + i] = made[t, i]
        for i in range(lanes):
            work[_HEAT * PITCH + i] = heating[t - first, i]
        for i in range(lanes):
            work[_COOL * PITCH + i] = cooling[t - first, i]
        electricity, water = courses[t, 0], courses[t, 1]
        for i in range(lanes):
            needs = (
                work[_HEAT * PITCH + i] * work[2 * PITCH + i] + work[_COOL * PITCH + i] * work[3 * PITCH + i]
            )
            load = needs * milli + work[i] * electricity + work[PITCH + i] * water
            s = _STORE * PITCH + i
            stored, bought, sold = hour_of(
                work[_MADE * PITCH + i] - load, work[_LEVEL * PITCH + i],
                work[s], work[s + PITCH], work[s + 2 * PITCH], work[s + 3 * PITCH], zero,
            )  # fmt: skip
            work[_LEVEL * PITCH + i] = stored
            work[_SUMS * PITCH + i] += work[_MADE * PITCH + i]
            work[(_SUMS + 1) * PITCH + i] += bought
            work[(_SUMS + 2) * PITCH + i] += sold
            work[(_SUMS + 3) * PITCH + i] += load
        if t + 1 == last or bins[t + 1] != bins[t]:
            for row in range(4):
                move(work, _SUMS + row, binned[row, bins[t]])
    put_row(level, work[_LEVEL * PITCH :])
