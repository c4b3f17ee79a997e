"""Times of measurements: inside, microseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(time: datetime) -> int:
    """Microseconds since 1970 in UTC of an aware time.

    Raises
    ------
    ValueError : the time has no zone.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    return (time - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def now_us() -> int:
    """Now, in microseconds since 1970 in UTC."""
    return to_us(datetime.now(UTC))
