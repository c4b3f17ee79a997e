"""Processes of our own that the server starts for work at its side."""

from __future__ import annotations

import os
import sys


def environment() -> dict[str, str]:
    """Ours, and where to import from: what we can, they can."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
