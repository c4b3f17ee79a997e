"""What the server says while it runs: lines for people, or one JSON object a line for machines.

No line holds a query, an address of a person or a header: login links, tokens and comments stay out of logs.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

_LOGGERS = ("lobeda", "uvicorn.error")


class JsonLines(logging.Formatter):
    """``{"time", "level", "logger", "message", …}``, and what a record has in its ``fields``."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def as_json(stream: TextIO | None = None) -> logging.Handler:
    """From now on, the server's log is JSON lines on `stream` (None: stderr)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        # uvicorn tells queries and addresses of people below that
        logger.setLevel(logging.WARNING if name == "uvicorn.error" else logging.INFO)
    return handler
