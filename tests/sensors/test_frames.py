"""Frame counters: gaps, late and repeated frames, resets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.payload import SECOND
from sensors.protocols.frames import Frames, follow
from sensors.protocols.lorawan import Uplink

MINUTE = 60 * SECOND


def frame(f_cnt: int, minute: float, session: str = "a", data: str = "") -> Uplink:
    time = int(minute * MINUTE)
    return Uplink(
        "0" * 16, "x", time, f"{f_cnt}@{minute}", f_cnt=f_cnt, frame=f"{f_cnt}:{data}", session=session
    )


def after(*frames: Uplink) -> Frames:
    state = Frames()
    for one in frames:
        state, _ = follow(state, one)
        state = Frames.from_json(json.loads(json.dumps(state.to_json())))
    return state


@pytest.mark.parametrize(
    ("frames", "lost", "resets"),
    [
        ([(5, 0), (6, 10), (7, 20)], 0, 0),
        ([(5, 0), (9, 40)], 3, 0),
        ([(5, 0), (9, 40), (7, 20)], 2, 0),  # 7 was not lost, it came late
        ([(5, 0), (9, 40), (7, 20), (7, 20), (8, 30)], 1, 0),
        ([(500, 0), (0, 10), (1, 20)], 0, 1),
        ([(500, 0), (0, 10), (499, -10), (1, 20)], 0, 1),  # 499 is of before the reset
        ([(0, 0), (0, 60), (0, 120)], 0, 2),  # a device that is restarted for each frame
        ([(65_534, 0), (1, 20)], 2, 0),  # 16 bits: 65535 and 0 are lost
    ],
)  # fmt: skip
def test_lost_frames_and_resets(frames: list[tuple[int, float]], lost: int, resets: int) -> None:
    state = after(*(frame(*one) for one in frames))
    assert (state.lost, state.resets) == (lost, resets)


def test_joining_again_is_a_reset_whatever_the_counter() -> None:
    state = after(frame(5, 0), frame(9, 10, session="b"))
    assert (state.lost, state.resets) == (0, 1)


def test_the_same_frame_with_another_message_id_carries_the_first_id() -> None:
    state = after(frame(5, 0, data="AQ=="))
    again, key = follow(state, frame(5, 1, data="AQ=="))
    assert key == "5@0" and again is state
    _, key = follow(state, frame(5, 1, data="other"))
    assert key == "5@1"


@given(st.permutations(list(range(12))))
def test_nothing_is_lost_when_all_frames_come_in_any_order(order: list[int]) -> None:
    state = after(frame(0, 0), *(frame(number + 1, number + 1) for number in order))
    assert (state.lost, state.resets, state.last) == (0, 0, 12)


@given(st.sets(st.integers(1, 30), min_size=1))
def test_lost_are_the_frames_that_did_not_come(there: set[int]) -> None:
    state = after(frame(0, 0), *(frame(number, number) for number in sorted(there)))
    assert state.lost == max(there) - len(there)
