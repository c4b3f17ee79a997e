"""A clock that jumps is not believed for a day: by hand, in hours."""

from __future__ import annotations

import pytest

from sensors.steady import WAIT_S, Steady

HOUR_US = 3_600_000_000
NOW = 1_800_000_000_000_000


class Machine:
    """Its clock, and the seconds that nobody can set."""

    def __init__(self) -> None:
        self.clock, self.seconds = NOW, 0.0

    def sleep(self, hours: float) -> None:
        self.clock += round(hours * HOUR_US)
        self.seconds += hours * 3600


@pytest.mark.parametrize("hours", [24.0 * 365, -24.0 * 365, 2.0, -2.0])
def test_after_a_jump_it_waits_for_a_day(hours: float) -> None:
    machine = Machine()
    steady = Steady(lambda: machine.clock, lambda: machine.seconds)
    assert steady.waits_s(NOW) == 0
    machine.sleep(1)
    assert steady.waits_s(NOW) == 0
    machine.clock += round(hours * HOUR_US)
    assert steady.waits_s(NOW) == WAIT_S
    machine.sleep(10)
    assert steady.waits_s(NOW) == WAIT_S - 36_000
    machine.sleep(14)
    assert steady.waits_s(NOW) == 0


def test_a_night_asleep_and_summer_time_are_no_jumps() -> None:
    machine = Machine()
    steady = Steady(lambda: machine.clock, lambda: machine.seconds)
    for hours in (0.1, 9, 80, 0.0):
        machine.sleep(hours)
        assert steady.waits_s(None) == 0
    machine.clock += 1_000_000  # NTP
    assert steady.waits_s(None) == 0


@pytest.mark.parametrize(
    ("hours_ago", "believed"), [(0, True), (24, True), (24 * 29, True), (24 * 31, False), (-1, False)]
)
def test_at_the_start_what_was_kept_tells_whether_the_clock_is_far_off(
    hours_ago: int, believed: bool
) -> None:
    steady = Steady(lambda: NOW, lambda: 0.0)
    assert (steady.waits_s(NOW - hours_ago * HOUR_US) == 0) is believed
