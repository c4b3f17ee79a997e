"""Work that takes long or much memory waits for its turn outside the threads that all other work shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


class BusyError(Exception):
    """Too many wait already; whoever asks may come again in a moment."""


class Turns:
    """Lets a few at once work, each in a thread beside the common ones; the others wait without a thread.

    at_once : how many work.
    most : how many may be in, working or waiting.
    """

    def __init__(self, at_once: int, most: int) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._most = most
        self._in = 0

    @property
    def inside(self) -> int:
        """How many work or wait."""
        return self._in

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives, when it has had its turn.

        Raises
        ------
        BusyError : too many are in.
        """
        if self._in >= self._most:
            raise BusyError
        self._in += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._in -= 1
