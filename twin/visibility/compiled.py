"""Compilation of the inner loops by numba: without the interpreter's lock, kept on disk where that works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as machine code that runs beside other threads and trusts that no number is nan."""
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "nsz", "arcp", "reassoc", "nnan"},
    }
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # no folder to keep the compiled code in
        return numba.njit(**options)(function)  # type: ignore[no-any-return]
