"""Waiting for what other threads and programs do."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], object], seconds: float = 30.0, every: float = 0.02) -> None:
    """Wait until `condition` holds.

    Raises
    ------
    AssertionError : it does not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(every)
