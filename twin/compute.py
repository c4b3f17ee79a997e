"""How the inner loops run: compiled by numba without the interpreter's lock, on the cores of the process."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from threading import Lock
from typing import Any, Generic, TypeVar

import numba

T = TypeVar("T")


def compiled(
    function: Callable[..., Any], *, finite: bool = False, alike: bool = False
) -> Callable[..., Any]:
    """`function` as machine code that runs beside other threads and trusts that no number is nan.

    Kept on disk where there is a folder for it. It is put into its compiled callers whatever its size: lanes
    run together there, and last bits do not depend on the process. A call would lead to the function's own
    code in the process that compiled it, and in those that load its caller from disk to the copy that lies
    there, which is optimised once more.

    finite : it trusts that no number is infinite either.
    alike : an element's last bit does not depend on which others are computed with it: else those at the end
        of a row, which fill no register, are added up in another order on some processors.
    """
    trusted = {"nsz", "nnan"} | (set() if alike else {"contract", "arcp", "reassoc"})
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": trusted | ({"ninf"} if finite else set()),
        "forceinline": True,
    }
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # no folder to keep the compiled code in
        return numba.njit(**options)(function)  # type: ignore[no-any-return]


def copied(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` written out in each `compiled` caller, so that a figure it is called with is known there."""
    return numba.njit(inline="always")(function)  # type: ignore[no-any-return]


@compiled
def put_row(to: Any, values: Any) -> None:
    """`to[:] = values` for rows of one length: numba's own assignment takes seconds to compile."""
    for i in range(len(to)):
        to[i] = values[i]


def run_all(work: Callable[[int], None], items: range, workers: int | None) -> None:
    """`work` on all items, in threads where there are several of both.

    The caller works too and the threads stay for the next time: starting some takes longer than a small
    district's year. A call out of one of them goes on alone where no other is free.
    """
    threads = min(workers or available_cores(), len(items))
    left, lock = iter(items), Lock()

    def draw() -> None:
        while True:
            with lock:
                item = next(left, None)
            if item is None:
                return
            work(item)

    helpers = [_helpers().submit(draw) for _ in range(threads - 1)]
    try:
        draw()
    finally:
        with lock:
            left = iter(())  # after a fault, what is not begun stays so
        begun = [helper for helper in helpers if not helper.cancel()]
        wait(begun)
    for helper in begun:
        helper.result()


@cache
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(os.cpu_count() or 1, 2), thread_name_prefix="lobeda")


def available_cores() -> int:
    """Cores that this process may use: those of the environment's LOBEDA_CORES, else of the system."""
    if (named := os.environ.get("LOBEDA_CORES", "")).isdigit():
        return max(int(named), 1)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Same(Generic[T]):
    """Stands for one object in the keys of a cache: equal only to itself, by identity."""

    def __init__(self, it: T) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.it is self.it


class Beside(Generic[T]):
    """Stands beside the key of a cache, for what makes the value, without counting in it."""

    def __init__(self, it: T) -> None:
        self.it = it

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Beside)
