"""The desk serves all pages in turn, lets quick work go first, and drops what a newer position replaces."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from viewer.desk import Desk

PATIENCE_S = 20


class Steps:
    """Jobs that note each chunk and tell when they are through."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.ended = threading.Semaphore(0)

    def job(self, name: str, count: int, gate: threading.Event | None = None) -> Iterator[None]:
        for number in range(count):
            if gate is not None:
                gate.wait(PATIENCE_S)
            self.done.append(f"{name}{number}")
            yield
        self.ended.release()

    def await_end(self, jobs: int) -> None:
        for _ in range(jobs):
            assert self.ended.acquire(timeout=PATIENCE_S)


def _never(error: Exception) -> None:
    raise AssertionError(error)


def test_two_pages_take_turns() -> None:
    desk, steps = Desk(), Steps()
    with desk.quick():
        desk.put("a", steps.job("a", 4), _never)
        desk.put("b", steps.job("b", 2), _never)
        assert steps.done == []
    steps.await_end(2)
    assert steps.done == ["a0", "b0", "a1", "b1", "a2", "a3"]


def test_a_newer_job_takes_the_place_of_the_older() -> None:
    desk, steps, gate = Desk(), Steps(), threading.Event()
    desk.put("a", steps.job("old", 1_000, gate), _never)
    desk.put("a", steps.job("new", 3), _never)
    gate.set()
    steps.await_end(1)
    assert steps.done[-3:] == ["new0", "new1", "new2"] and steps.done.count("old1") == 0
    desk.put("a", steps.job("gone", 5, gate), _never)
    desk.drop("a")
    desk.put("b", steps.job("b", 1), _never)
    steps.await_end(1)
    assert "gone1" not in steps.done


def test_quick_work_holds_back_the_chunks_of_others() -> None:
    desk, steps, gate = Desk(), Steps(), threading.Event()
    desk.put("a", steps.job("a", 3, gate), _never)
    with desk.quick():
        gate.set()
        desk.put("b", steps.job("b", 1), _never)
        before = len(steps.done)
    steps.await_end(2)
    assert before <= 1 and len(steps.done) == 4


def test_a_fault_reaches_its_owner_and_nobody_else() -> None:
    desk, steps, heard = Desk(), Steps(), threading.Event()

    def broken() -> Iterator[None]:
        yield
        raise ValueError("no such pipe")

    with desk.quick():
        desk.put("a", broken(), lambda error: heard.set() if str(error) == "no such pipe" else None)
        desk.put("b", steps.job("b", 3), _never)
    steps.await_end(1)
    assert heard.wait(PATIENCE_S) and steps.done == ["b0", "b1", "b2"]
