"""A large CityGML tile out of a small one: its buildings repeated, moved, with ids of their own."""

from __future__ import annotations

import re
from pathlib import Path

_ID = re.compile(rb'(gml:id="|xlink:href="#)([^"]+)')
_POSITIONS = re.compile(rb"(<gml:posList[^>]*>)([^<]*)")


def repeat(source: Path, target: Path, size_bytes: int, *, step_m: float = 1000.0, columns: int = 16) -> int:
    """Write `target` with copies of all members of `source` until it has `size_bytes`; the number of copies.

    Parameters
    ----------
    source : CityGML whose members are ``core:cityObjectMember``.
    step_m : distance of neighbouring copies, east and north. [m]
    """
    text = source.read_bytes()
    head, rest = text.split(b"<core:cityObjectMember>", 1)
    members = b"<core:cityObjectMember>" + rest.rsplit(b"</core:CityModel>", 1)[0]
    copies = 0
    with target.open("wb") as file:
        written = file.write(head)
        while written < size_bytes:
            east, north = step_m * (copies % columns), step_m * (copies // columns)
            written += file.write(_moved(members, copies, east, north))
            copies += 1
        file.write(b"</core:CityModel>")
    return copies


def _moved(members: bytes, number: int, east: float, north: float) -> bytes:
    def shifted(match: re.Match[bytes]) -> bytes:
        values = [float(value) for value in match[2].split()]
        values[0::3] = [value + east for value in values[0::3]]
        values[1::3] = [value + north for value in values[1::3]]
        return match[1] + " ".join(f"{value:.3f}" for value in values).encode()

    named = _ID.sub(rb"\1\2-%d" % number, members)
    return _POSITIONS.sub(shifted, named) if number else named
