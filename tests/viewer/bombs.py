"""Readers that go wrong on purpose, for the process that reads uploads."""

from __future__ import annotations

import json
import os
from typing import Any

from twin.errors import SourceError


def read(content: bytes) -> dict[str, Any]:
    """Do what the file says."""
    asked = json.loads(content)["do"]
    if asked == "swell":
        return {"size": len(bytearray(2**31))}
    if asked == "spin":
        while True:
            pass
    if asked == "sleep":
        os.read(os.pipe()[0], 1)  # for ever, without using the processor
    if asked == "babble":
        return {"text": "x" * 5_000_000}
    if asked == "recurse":
        return read(content) | {}
    if asked == "die":
        os.abort()
    if asked == "raise":
        raise ZeroDivisionError
    if asked == "print":
        print("not an answer", flush=True)
        os.write(1, b"\0\0\0\2{}")
    if asked == "refuse":
        raise SourceError("this is nothing", "upload, line 3", "Mend it")
    return {"did": asked, "process": os.getpid()}
