"""Reading messages that others wrote: strict JSON, finite numbers, believable times, harmless text.

Whatever a message holds, the answer is a value or `RefusedError` with a reason; nothing else is raised.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from sensors import times

SECOND = 1_000_000
# What a LoRaWAN uplink needs is a few kilobytes; ours is the limit for any message.
MAX_BYTES = 256 * 1024
# Clocks run ahead by seconds; a quarter of an hour is an error.
MAX_AHEAD = 15 * 60 * SECOND
# Before it there was no LoRaWAN, and clocks that were never set say 1970 or 1980.
EARLIEST = times.to_us(datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
KEPT_HEAD_BYTES = 4096
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NANOSECONDS = re.compile(r"(\.\d{6})\d+")


class RefusedError(Exception):
    """A message that cannot be used; `str()` is the reason, `device` whose it is where that is known."""

    def __init__(self, reason: str, device: str = "") -> None:
        self.device = device
        super().__init__(reason)


def document(payload: bytes) -> dict[str, Any]:
    """The JSON object of a message.

    Raises
    ------
    RefusedError : too large, no UTF-8, no JSON (NaN and Infinity are none), nested too deeply, or no object.
    """
    if len(payload) > MAX_BYTES:
        raise RefusedError(f"too large: {len(payload)} bytes, at most {MAX_BYTES} are read")
    try:
        value = _JSON.decode(payload.decode("utf-8"))
    except UnicodeDecodeError:
        raise RefusedError("not UTF-8") from None
    except RecursionError:
        raise RefusedError("nested too deeply") from None
    except ValueError as error:
        raise RefusedError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise RefusedError("not a JSON object")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_JSON = json.JSONDecoder(parse_constant=_no_number)


def number(value: object) -> float:
    """A finite number, also one in decimal text as some decoders write it.

    Raises
    ------
    RefusedError : it is none.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(f"not a number: {short(value)}")
    try:
        result = float(value)
    except OverflowError:
        raise RefusedError("not a finite number") from None
    if not math.isfinite(result):
        raise RefusedError("not a finite number")
    return result


def whole(value: object, most: int = 2**32 - 1) -> int:
    """A whole number from 0 to `most`.

    Raises
    ------
    RefusedError : it is none.
    """
    result = number(value)
    if result != int(result) or not 0 <= result <= most:
        raise RefusedError(f"not a whole number up to {most}: {short(value)}")
    return int(result)


def section(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object below `key`; empty where it is left out.

    Raises
    ------
    RefusedError : something else stands there.
    """
    found = value.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RefusedError(f"{key} is not an object")
    return found


def text(value: object, limit: int = 200) -> str:
    """Text that every database takes, shortened to `limit`; empty for what is no text."""
    return storable(value)[:limit].strip() if isinstance(value, str) else ""


def storable(value: str) -> str:
    """Without NUL (PostgreSQL takes none) and halves of surrogate pairs (UTF-8 has none)."""
    if value.isascii() and "\0" not in value:
        return value
    return _UNSTORABLE.sub("\ufffd", value)


def kept(payload: bytes) -> str:
    """A message as it is kept aside."""
    return storable(payload.decode("utf-8", "replace"))


def short(value: object) -> str:
    """A value for a reason, in a few characters."""
    shown = storable(value if isinstance(value, str) else type(value).__name__)
    return shown if len(shown) <= 40 else f"{shown[:40]}…"


def digest(topic: str, payload: bytes) -> str:
    """Of a message, to know it again."""
    return hashlib.blake2b(
        topic.encode("utf-8", "surrogatepass") + b"\0" + payload, digest_size=16
    ).hexdigest()


def moment(value: object, zone: str = "") -> int:
    """A time as RFC 3339 writes it, in microseconds since 1970 in UTC.

    zone : of times that name none; empty: they must.

    Raises
    ------
    RefusedError : it is none.
    """
    if not isinstance(value, str):
        raise RefusedError(f"not a time: {short(value)}")
    try:
        # The network servers write nanoseconds; Python reads six digits.
        time = datetime.fromisoformat(_NANOSECONDS.sub(r"\1", value))
        return times.to_us(time.replace(tzinfo=ZoneInfo(zone)) if zone and time.tzinfo is None else time)
    except (ValueError, OverflowError):
        raise RefusedError(f"not a time with zone: {short(value)}") from None


def believable(time: int, now: int) -> int:
    """`time`, where a measurement can be of that time.

    Parameters
    ----------
    time, now : microseconds since 1970 in UTC.

    Raises
    ------
    RefusedError : it is in the future or too long ago.
    """
    if time > now + MAX_AHEAD:
        raise RefusedError(f"its time is in the future: {times.from_us(min(time, _LAST)).isoformat()}")
    if time < EARLIEST:
        raise RefusedError(f"its time is before 2000: {times.from_us(max(time, _FIRST)).isoformat()}")
    return time


# What datetime can hold.
_FIRST = times.to_us(datetime.fromisoformat("0001-01-01T00:00:00+00:00"))
_LAST = times.to_us(datetime.fromisoformat("9999-12-31T23:59:59+00:00"))
