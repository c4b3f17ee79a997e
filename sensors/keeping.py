"""Applying the rules of retention once a day while feeds run, however many processes look after a store."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sensors.repeating import Repeating
from sensors.steady import Steady
from sensors.store import Store, retention, schema
from sensors.store.retention import Kept
from sensors.times import from_us, now_us

LOG = logging.getLogger(__name__)
FEED = "retention"
DAY_US = 86_400_000_000
LOOK_S = 600.0
"""Seconds between looks whether a day has passed: a server that sleeps at night catches up by day."""


def keep(store: Store, *, now: int | None = None) -> Kept | None:
    """Apply the rules where the last time is a day ago or more; None: it is not, or there are no rules.

    What was removed is added to the counters of the feed `retention`. Cut off in the middle, the next look
    goes on; two processes at once do the same work, which harms nothing.
    """
    now = now_us() if now is None else now
    last = store.state(FEED, "applied_at")
    if (last is not None and now - int(last) < DAY_US) or retention.rules(store).empty:
        return None
    kept = retention.apply(store, now=now)
    with store.transaction() as connection:
        store.put_state(FEED, "applied_at", now, connection=connection)
        counts = {
            "runs": 1,
            "observations": kept.observations,
            "figures": kept.rolled_up,
            "things": kept.things,
        }
        store.count(FEED, {name: number for name, number in counts.items() if number}, connection=connection)
    return kept


class Keeper(Repeating):
    """Keeps to the rules of retention, in a thread of its own so that the checks never wait for it.

    say : takes a line for the log. clock : gives the time in µs. steady : whether it is believed.
    """

    def __init__(
        self,
        store: Store,
        *,
        say: Callable[[str], object] = LOG.info,
        every_s: float = LOOK_S,
        clock: Callable[[], int] = now_us,
        steady: Steady | None = None,
    ) -> None:
        watched = steady or Steady(clock)

        def work() -> None:
            last = store.state(FEED, "applied_at")
            if not watched.believed(None if last is None else int(last), "retention"):
                return
            now = clock()
            for copy in schema.forget_copies(store.engine, from_us(now)):
                say(f"retention: the copy {copy} of before an update removed")
            kept = keep(store, now=now)
            if kept is not None:
                say(
                    f"retention: {kept.observations} observations, {kept.rolled_up} hourly and daily figures "
                    f"and {kept.things} deleted things removed"
                )

        super().__init__(
            "keeper", work, every_s=every_s, failed=lambda error: say(f"retention waits: {error}")
        )
