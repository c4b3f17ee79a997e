"""Whether the clock may be believed where what is old is deleted.

A machine that starts without a clock of its own, or whose clock somebody sets, would else delete by a date
that is none. What is deleted by age therefore waits for a day after a jump.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sensors.times import now_us

LOG = logging.getLogger(__name__)
JUMP_S = 3600.0
AWAY_S = 30 * 86_400.0
"""A server that was away for longer looks like one whose clock is wrong."""
WAIT_S = 86_400.0


def running() -> float:
    """Seconds that nobody can set, those asleep too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Steady:
    """Watches the clock from one look to the next.

    clock : microseconds since 1970, as the machine's clock says.  seconds : that only grow.
    """

    def __init__(self, clock: Callable[[], int] = now_us, seconds: Callable[[], float] = running) -> None:
        self._clock, self._seconds = clock, seconds
        self._seen: tuple[int, float] | None = None
        self._from = float("-inf")

    def waits_s(self, last: int | None) -> float:
        """How long to wait until the clock is believed; 0: it is.

        last : a time of the same clock that was kept before this process began; looked at in the first turn.
        """
        now, seconds = self._clock(), self._seconds()
        if self._seen is not None:
            then, began = self._seen
            jumped = abs((now - then) / 1e6 - (seconds - began)) > JUMP_S
        else:
            jumped = last is not None and not 0 <= (now - last) / 1e6 <= AWAY_S
        self._seen = now, seconds
        if jumped:
            self._from = seconds + WAIT_S
        return max(0.0, self._from - seconds)

    def believed(self, last: int | None, what: str) -> bool:
        """Whether the clock is; else the log says that `what` waits. last : as in `waits_s`."""
        waits_s = self.waits_s(last)
        if waits_s:
            LOG.warning("the clock has jumped; %s waits for %.0f h", what, waits_s / 3600)
        return not waits_s
