"""How zones and buildings lie side by side in the hour loops: lanes of a block, rows of one array.

What an hour of a block works on lies in one array, in rows of `PITCH` numbers. With one array and known
distances the compiler needs no checks for overlap, which took longer than the hour itself, and
one loop serves all widths.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twin.compute import compiled

Array = npt.NDArray[np.floating[Any]]
LANES = 64
_WIDTHS = 8, 16, 32, LANES  # of blocks: whole instructions of 8 lanes
PITCH = LANES + 16  # rows of 64 numbers would all fall on the same lines of the processor's first cache


def width(first: int, count: int) -> int:
    """Lanes of the block of `count` zones that starts at `first`: `LANES`, fewer at the end."""
    return next(wide for wide in _WIDTHS if wide >= min(LANES, count - first))


@compiled
def put(work: Array, row: int, values: Array) -> None:
    """`values`, one per lane, into a row of `work`."""
    for i in range(len(values)):
        work[row * PITCH + i] = values[i]


@compiled
def move(work: Array, row: int, to: Array) -> None:
    """Add a row of `work` to `to`, one figure per lane, and empty it."""
    for i in range(len(to)):
        to[i] += work[row * PITCH + i]
        work[row * PITCH + i] = 0
