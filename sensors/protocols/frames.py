"""Frame counters of LoRaWAN devices: repeated frames, lost ones, ones that come late, and counter resets.

A device counts its frames (fCnt). A gap is lost frames; a smaller number at a later time is a reset (the
device was restarted or has joined again); at an earlier time it is a frame that comes late, or once more.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

from sensors.payload import SECOND
from sensors.protocols.lorawan import Uplink

# The same counter and payload within this time is the same frame: devices repeat what was not confirmed.
REPEATED = 10 * 60 * SECOND
_RECENT = 8
_GAPS = 32
# Some network servers count in 16 bits.
_WRAP, _NEAR_WRAP = 65_536, 65_000


@dataclass(frozen=True)
class Seen:
    """A frame of late: what it was, and the source key that its observations carry."""

    f_cnt: int
    time: int
    digest: int
    message_id: str


@dataclass(frozen=True)
class Frames:
    """What is known of a device's frames.

    Parameters
    ----------
    last, time : counter and time of the newest frame; -1 before the first.
    began : when the present counting began (the last reset).
    session : of the present counting.
    gaps : ranges of missing counters, both ends in it.
    lost, resets : in all.
    """

    last: int = -1
    time: int = 0
    began: int = 0
    session: str = ""
    gaps: tuple[tuple[int, int], ...] = ()
    recent: tuple[Seen, ...] = ()
    lost: int = 0
    resets: int = 0

    def to_json(self) -> dict[str, Any]:
        """As kept in the store."""
        recent = [[seen.f_cnt, seen.time, seen.digest, seen.message_id] for seen in self.recent]
        return {**self.__dict__, "gaps": [list(gap) for gap in self.gaps], "recent": recent}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Frames:
        """From what is kept in the store."""
        gaps = tuple((first, last) for first, last in value["gaps"])
        return cls(**{**value, "gaps": gaps, "recent": tuple(Seen(*seen) for seen in value["recent"])})


def follow(frames: Frames, uplink: Uplink) -> tuple[Frames, str]:
    """The device's frames after `uplink`, and its observations' id: of a repeated frame, that of the first.

    An uplink without a counter changes nothing.
    """
    if uplink.f_cnt is None:
        return frames, uplink.message_id
    digest = zlib.crc32(uplink.frame.encode())
    for seen in frames.recent:
        same_frame = (seen.f_cnt, seen.digest) == (uplink.f_cnt, digest)
        if seen.message_id == uplink.message_id or (same_frame and abs(uplink.time - seen.time) <= REPEATED):
            return frames, seen.message_id
    seen = Seen(uplink.f_cnt, uplink.time, digest, uplink.message_id)
    recent = (*frames.recent, seen)[-_RECENT:]
    return replace(frames, recent=recent, **_changes(frames, uplink)), uplink.message_id


def _changes(frames: Frames, uplink: Uplink) -> dict[str, Any]:
    """What the uplink changes in its device's counting."""
    f_cnt, time = uplink.f_cnt or 0, uplink.time
    newest = {"last": f_cnt, "time": max(time, frames.time), "session": uplink.session}
    if frames.last < 0:
        return {**newest, "began": time}
    if time < frames.began:
        return {}  # late, of before the reset
    joined_again = uplink.session != frames.session and time > frames.time
    if f_cnt > frames.last and not joined_again:
        missing = f_cnt - frames.last - 1
        gaps = (*frames.gaps, (frames.last + 1, f_cnt - 1))[-_GAPS:] if missing else frames.gaps
        return {**newest, "lost": frames.lost + missing, "gaps": gaps}
    if time <= frames.time:
        return _come_late(frames, f_cnt)
    if not joined_again and _NEAR_WRAP <= frames.last < _WRAP and f_cnt <= _WRAP - _NEAR_WRAP:
        return {**newest, "lost": frames.lost + _WRAP - frames.last - 1 + f_cnt, "gaps": ()}
    return {**newest, "began": time, "resets": frames.resets + 1, "gaps": ()}


def _come_late(frames: Frames, f_cnt: int) -> dict[str, Any]:
    """A frame that was taken for lost is found; any other was there before."""
    for number, (first, last) in enumerate(frames.gaps):
        if first <= f_cnt <= last:
            rest = tuple(part for part in ((first, f_cnt - 1), (f_cnt + 1, last)) if part[0] <= part[1])
            gaps = (*frames.gaps[:number], *rest, *frames.gaps[number + 1 :])
            return {"lost": frames.lost - 1, "gaps": gaps}
    return {}
