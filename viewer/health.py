"""Whether the server can do its work: databases, feeds, disk. For those who run it."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sensors.store.database import Opened, data_folder
from viewer.feeds import Feeds

DISK_FREE_BYTES = 256 * 2**20
"""Less free space than this, and the server asks for no more work."""
KEEP_S = 2.0
"""An answer is good for so long, so that asking costs nothing."""


@dataclass
class Health:
    """Looks at what the server needs.

    stores : databases by name.
    feeds : what fills the sensors' store.
    folder : where files are written.
    """

    stores: Mapping[str, Opened]
    feeds: Feeds | None = None
    folder: Path = field(default_factory=data_folder)
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _known: tuple[float, dict[str, str]] | None = field(default=None, repr=False)

    def checks(self) -> dict[str, str]:
        """``ok``, or in a few words what is wrong, by part; nothing that an attacker could use."""
        with self._lock:
            now = self.clock()
            if self._known is None or now - self._known[0] > KEEP_S:
                self._known = now, self._look()
            return self._known[1]

    def _look(self) -> dict[str, str]:
        found = {
            f"database {name}": "ok" if store.answers() else "does not answer"
            for name, store in self.stores.items()
        }
        if self.feeds is not None:
            ill = [name for name, runs in self.feeds.states().items() if not runs]
            found["feeds"] = f"{len(ill)} not running" if ill else "ok"
        found["disk"] = "ok" if self.free_bytes() >= DISK_FREE_BYTES else "nearly full"
        return found

    def free_bytes(self) -> int:
        """Free space where files are written: what is kept, and what goes with the server. [bytes]"""
        return min(_free_bytes(folder) for folder in (self.folder, Path(tempfile.gettempdir())))


def _free_bytes(folder: Path) -> int:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
