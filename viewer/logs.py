"""What the server says while it runs: lines for people, or one JSON object a line for machines.

No line holds a query, an address of a person or a header: login links, tokens and comments stay out of logs.
Of other people's loggers, messages come without the values that they were given: Bokeh's name sessions.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from typing import TextIO

_OWN = ("lobeda", "viewer", "sensors", "scenarios", "energy", "twin")
_PRINTED = "lobeda.printed"
_LONGEST = 500


class JsonLines(logging.Formatter):
    """``{"time", "level", "logger", "message", …}``, and what a record has in its ``fields``."""

    def format(self, record: logging.LogRecord) -> str:
        own = record.name.split(".")[0] in _OWN
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() if own else str(record.msg),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def as_json(stream: TextIO | None = None) -> logging.Handler:
    """From now on, all that is logged in this process is JSON lines on `stream` (None: stderr).

    Call it again when libraries are loaded that bring handlers of their own, as Panel does.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name, logger in list(root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger):
            logger.handlers, logger.propagate = [], True
            if name.split(".")[0] not in _OWN and logger.level < logging.WARNING:
                logger.setLevel(logging.NOTSET)  # below that, uvicorn tells queries and addresses of people
    logging.getLogger("lobeda").setLevel(logging.INFO)
    logging.captureWarnings(True)
    return handler


@contextmanager
def printed() -> Iterator[None]:
    """What is printed, and threads that end by an error, go to the log too while the block stands."""
    before = threading.excepthook, logging.raiseExceptions

    def ended(given: threading.ExceptHookArgs) -> None:
        error = given.exc_value or given.exc_type()
        logging.getLogger("lobeda").error(
            "a thread ended", exc_info=(type(error), error, given.exc_traceback)
        )

    threading.excepthook, logging.raiseExceptions = ended, False  # the log cannot say that it cannot log
    lines = _Lines()
    try:
        with redirect_stdout(lines), redirect_stderr(lines):
            yield
    finally:
        threading.excepthook, logging.raiseExceptions = before


class _Lines(io.TextIOBase):
    """A stream whose lines are logged."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = ""

    def write(self, text: str) -> int:
        with self._lock:
            *whole, self._begun = (self._begun + text).split("\n")
        for line in filter(str.strip, whole):
            logging.getLogger(_PRINTED).warning("%s", line[:_LONGEST])
        return len(text)

    def writable(self) -> bool:
        return True
