"""Processes of our own that the server starts for work at its side."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

_LOOK_S = 1.0
_PROGRESS = "progress.json"


def environment() -> dict[str, str]:
    """Ours, and where to import from: what we can, they can."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def end_with_server() -> None:
    """Called by such a process: it ends once its server has gone, however that went."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(server: int) -> None:
    while os.getppid() == server:
        time.sleep(_LOOK_S)
    os._exit(1)


def tell(folder: Path, told: dict[str, Any]) -> None:
    """Say in the process's folder how far it is, or what went wrong."""
    write(folder / _PROGRESS, told)


def told(folder: Path) -> dict[str, Any]:
    """What a process said last in its folder; nothing where it has only begun, or its files are gone."""
    try:
        found: dict[str, Any] = json.loads((folder / _PROGRESS).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found


def write(file: Path, told: Any) -> None:
    """Write JSON beside, then rename: the server never reads half a file."""
    beside = file.with_name(f".{file.name}")
    beside.write_text(json.dumps(told, ensure_ascii=False, allow_nan=False), "utf-8")
    beside.replace(file)
