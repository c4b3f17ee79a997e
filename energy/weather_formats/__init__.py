"""Weather files: one module per format, told apart by content.

Each module states its own hour convention and gives a `Reading`: what the file says, on hours in UTC named by
their start. `energy.weather_fill` makes a whole weather of it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from energy.weather_formats import dwd, epw, mosmix, open_meteo, pvgis, try_file
from energy.weather_formats.base import Reading, unpack
from twin.errors import SourceError

KNOWN = "EPW, DWD TRY (2010, 2015), DWD station files, MOSMIX_L, PVGIS (csv, json) and Open-Meteo (json)"
_TEXTS: tuple[tuple[Callable[[str], bool], Callable[[str, Path], Reading]], ...] = (
    (epw.matches, epw.parse),
    (mosmix.matches, mosmix.parse),
    (open_meteo.matches, open_meteo.parse),
    (pvgis.matches_json, pvgis.parse_json),
    (pvgis.matches_csv, pvgis.parse_csv),
    (try_file.matches, try_file.parse),
)


def parse(file: Path) -> Reading:
    """What a weather file says; the format is told by its content.

    Raises
    ------
    SourceError : no such file, an unknown format, or a file that breaks its format.
    """
    if not file.exists():
        raise SourceError("there is no such file", file, f"Name a weather file: {KNOWN}")
    if file.is_dir():
        return dwd.station(sorted(path for path in file.iterdir() if path.is_file()))
    for name, text in texts(file):
        if dwd.matches(name, text):
            return dwd.station([file])
        for matches, read in _TEXTS:
            if matches(text):
                return read(text, file)
    raise SourceError("the file is no weather file that can be read", file, f"Known are {KNOWN}")


def texts(file: Path) -> list[tuple[str, str]]:
    """Name and text of the file, or of each file in the archive."""
    content = file.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return [(file.name, decode(content))]
    return [(name, decode(unpacked)) for name, unpacked in unpack(content, file)]


def decode(content: bytes) -> str:
    """Text of a file: UTF-8 (with or without mark), else Latin-1, in which DWD writes."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
