"""Hours of UTC and days of Europe/Berlin, named by their start in microseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sensors.times import from_us, to_us

HOUR = 3_600_000_000
ZONE = ZoneInfo("Europe/Berlin")
# What datetime can hold, with a day's room for the zone.
FIRST = to_us(datetime(1, 1, 3, tzinfo=UTC))
LAST = to_us(datetime(9999, 12, 29, tzinfo=UTC))


def hour_start(time: int) -> int:
    """Start of the hour of `time`."""
    return time - time % HOUR


@lru_cache(maxsize=65536)
def day_of_hour(hour: int) -> int:
    """Start of the Berlin day in which an hour begins; since 1893 days begin with an hour of UTC."""
    local = from_us(hour).astimezone(ZONE)
    return to_us(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC))


def day_start(time: int) -> int:
    """Start of the Berlin day of `time`."""
    return day_of_hour(hour_start(time))


def next_day(day: int) -> int:
    """Start of the Berlin day after the one that starts at `day`; 23, 24 or 25 hours later."""
    return day_start(to_us(from_us(day) + timedelta(hours=26)))
