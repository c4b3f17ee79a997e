"""Who has to go first when memory runs out, and how much somebody may take at all."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

_FIRST = "900"  # of 1000; the server itself stays at what it was given


def go_first() -> None:
    """Let the kernel end this process before others, and give way to them; Linux alone knows the former."""
    if hasattr(os, "nice"):
        os.nice(5)  # pages that people look at come first
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST)


def limit(size: int) -> None:
    """Let this process take `size` bytes more of memory of its own; elsewhere than on Linux, nothing.

    What it asks for beyond is refused (MemoryError). Files that it maps do not count.
    """
    if sys.platform == "linux":
        import resource

        status = Path("/proc/self/status").read_text().split()
        most = 1024 * int(status[status.index("VmData:") + 1]) + size
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
