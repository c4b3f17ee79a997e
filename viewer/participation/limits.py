"""How often one address may write. Addresses are never kept: only keyed digests, in memory, for one window.

Each window has a random key of its own; when it ends, key and counts are gone, and nothing links an address
to what it did before. `expiring` sees to it on idle days too.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sensors.repeating import Repeating

MINUTE_S, DAY_S = 60.0, 86_400.0
_ADDRESSES_MAX = 100_000


@dataclass(frozen=True)
class Limit:
    """At most `each` times by one address and `all` (None: any) together in a window of `seconds`."""

    seconds: float
    each: int
    all: int | None


# Generous, since a school or a block may share one address; what floods is stopped by `all`.
LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "comment": (Limit(10 * MINUTE_S, 5, 300), Limit(DAY_S, 30, 2_000)),
    "vote": (Limit(10 * MINUTE_S, 120, 20_000),),
    "code": (Limit(10 * MINUTE_S, 20, 2_000),),  # deleting, and asking what became of one's comment
}


LONGEST_S = max(limit.seconds for limits in LIMITS.values() for limit in limits)
"""For how long an address counts at most. [s]"""


class Limiter:
    """Counts what addresses do; safe from any thread.

    clock : seconds that only grow.
    """

    def __init__(
        self,
        limits: Mapping[str, tuple[Limit, ...]] = LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows = {kind: [_Window(limit) for limit in wanted] for kind, wanted in limits.items()}
        self._said = _Window(Limit(LONGEST_S, 1, 50_000))

    def wait_s(self, kind: str, address: str) -> int:
        """Counts one act of `address`; 0: it may, else in how many seconds it may again. [s]"""
        now = self._clock()
        with self._lock:
            windows = self._windows[kind]
            waits = [window.wait_s(address, now) for window in windows]
            if any(waits):
                return math.ceil(max(waits))
            for window in windows:
                window.count(address)
        return 0

    def said_before(self, address: str, text: str) -> bool:
        """Whether the address sent the same text within a day; notes it. Nobody learns of others' texts."""
        with self._lock:
            key = f"{address}\n{text}"
            if self._said.wait_s(key, self._clock(), whole=True):
                return True
            self._said.count(key, whole=True)
            return False

    def expire(self) -> None:
        """Throw away what windows hold that have ended, though nobody comes any more."""
        now = self._clock()
        with self._lock:
            for window in (self._said, *(one for windows in self._windows.values() for one in windows)):
                window.expire(now)

    def forget(self, address: str, text: str) -> None:
        """Let the address send the text again: it was not stored."""
        with self._lock:
            self._said.forget(f"{address}\n{text}")


class _Window:
    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._ends = -math.inf
        self._key = b""
        self._counts: Counter[bytes] = Counter()

    def wait_s(self, address: str, now: float, *, whole: bool = False) -> float:
        self.expire(now)
        if not self._key:
            self._ends = now + self._limit.seconds
            self._key = secrets.token_bytes(32)
        most = self._limit.all
        full = (most is not None and self._counts.total() >= most) or (
            self._counts[self._digest(address, whole)] >= self._limit.each
        )
        return max(1.0, self._ends - now) if full else 0.0

    def expire(self, now: float) -> None:
        if now >= self._ends:
            self._key = b""
            self._counts.clear()

    def count(self, address: str, *, whole: bool = False) -> None:
        if len(self._counts) >= _ADDRESSES_MAX:
            self._counts.clear()  # who has that many addresses is not held by them
        self._counts[self._digest(address, whole)] += 1

    def forget(self, address: str) -> None:
        self._counts.pop(self._digest(address, True), None)

    def _digest(self, address: str, whole: bool) -> bytes:
        text = address if whole else network(address)
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()


def expiring(limiter: Limiter, every_s: float = MINUTE_S) -> Repeating:
    """Lets a limiter's windows end in time while the context stands."""
    return Repeating("limits", limiter.expire, every_s=every_s, failed=lambda _error: None)


def network(address: str) -> str:
    """The address itself; of IPv6 the /64 that one connection has to itself."""
    try:
        known = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    mapped = known.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((known, 64), strict=False).network_address)
