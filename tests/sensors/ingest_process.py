"""The feeds of a config file in a process of its own, without the command's start-up: ``FILE DATABASE``."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from sensors import ingest
from sensors.store import Store


def main() -> None:
    """Run until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Store.open(sys.argv[2]) as store:
        ingest.run(ingest.read_config(Path(sys.argv[1])), store, stop, backoff=ingest.Backoff(0.1, 0.5))


if __name__ == "__main__":
    main()
