"""Hourly values of zones in the kernel's layout, the last ones kept in memory.

A measure on walls, glass or heating leaves sun on windows and modules as it was: the live loop finds it here.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from energy.lanes import LANES

Array = npt.NDArray[np.floating[Any]]
KEPT_BYTES = 384 << 20  # the year of 10,000 buildings; larger districts' is computed as it is needed


class Blocks:
    """Hourly values of zones, shape (time, zone), given out in the kernel's blocks.

    compute : the values of the zones of a block, shape (time, lane), float32.
    """

    def __init__(self, hours: int, zones: int, compute: Callable[[int], Array]) -> None:
        self._compute = compute
        blocks = -(-zones // LANES)
        self.bytes = blocks * hours * LANES * 4
        self._blocks: dict[int, Array] = {}

    def block(self, first: int) -> Array:
        """Values of the block of zones that starts at `first`, shape (time, lane)."""
        if (known := self._blocks.get(first)) is not None:
            return known
        values = self._compute(first)
        if self.bytes <= KEPT_BYTES:
            self._blocks[first] = values
        return values


_known: OrderedDict[Hashable, tuple[object, Blocks]] = OrderedDict()
_lock = Lock()


def kept(key: Hashable, source: object, make: Callable[[], Blocks]) -> Blocks:
    """The one of `key`, made if it is not known; `source` is held so that its id stays its own."""
    with _lock:
        if key not in _known:
            _known[key] = (source, make())
            while len(_known) > 1 and sum(sun.bytes for _, sun in _known.values()) > KEPT_BYTES:
                _known.popitem(last=False)
        _known.move_to_end(key)
        return _known[key][1]


def digest(values: npt.NDArray[Any]) -> str:
    """A short name of an array's content."""
    return hashlib.sha1(np.ascontiguousarray(values).tobytes(), usedforsecurity=False).hexdigest()
