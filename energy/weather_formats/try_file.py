"""DWD test reference years (TRY) of 2010 and 2015: hours 1 to 24 end at their stamp, in CET all year (MEZ).

Radiation is the mean over the hour before the stamp, direct and diffuse on the horizontal. Hour 1 of
1 January is 23:00–24:00 UTC of the day before; it stands at the year's end. The two formats differ in their
columns, which the line above ``***`` names, and in the place: 2010 gives the station in degrees and minutes,
2015 a grid cell in Lambert's conformal conic projection (ETRS89-LCC Europe, EPSG:3034).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Transformer

from energy.weather_formats.base import Reading, hours, typical_start
from twin.errors import SourceError

_UTC_OFFSET_H = 1.0
_NEEDED = ("MM", "DD", "HH", "t", "RF", "WG", "B", "D")
_LATITUDE_LONGITUDE = re.compile(
    r"Lage\D*(\d+)\D+(\d+)\D*?N.*?(\d+)\D+(\d+)\D*?[OE].*?(-?\d+)\s*Meter", re.IGNORECASE
)
_STATION = re.compile(r"Station\s*:?\s*(\S.*?)(?:\s{2,}|$)", re.MULTILINE)


def matches(text: str) -> bool:
    """Whether the text is a test reference year."""
    head = text[:8000]
    return (
        re.search(r"^\*\*\*", head, re.MULTILINE) is not None
        and re.search(r"\bMM +DD +HH\b", head) is not None
    )


def parse(text: str, file: Path) -> Reading:
    """The year of a TRY file, in the calendar of 2025.

    Raises
    ------
    SourceError : no place, columns or rows that cannot be read, or no whole year.
    """
    lines = text.splitlines()
    end = next(number for number, line in enumerate(lines) if line.startswith("***"))
    head = "\n".join(lines[:end])
    table = _rows(lines[end - 1].split(), lines[end + 1 :], file)
    latitude, longitude, altitude = _place(head, file)
    start, moved = typical_start(_UTC_OFFSET_H)
    rolled = {name: np.roll(table[name].to_numpy("float64"), -moved) for name in table}
    bhi, dhi = rolled["B"], rolled["D"]
    columns = {
        "temp_air": rolled["t"],
        "relative_humidity": rolled["RF"],
        "wind_speed": rolled["WG"],
        "ghi": bhi + dhi,
        "bhi": bhi,
        "dhi": dhi,
    }
    if "A" in rolled:
        columns["ir_horizontal"] = np.where(rolled["A"] > 0, rolled["A"], np.nan)
    if "N" in rolled:
        columns["cloud_cover"] = np.where(rolled["N"] <= 8, rolled["N"] / 8, np.nan)
    named = _STATION.search(head)
    kind = "2010" if named else "2015"
    return Reading(
        table=pd.DataFrame(columns, index=hours(start, len(table))),
        name=f"TRY {kind} {named.group(1) if named else file.stem}",
        latitude=latitude,
        longitude=longitude,
        altitude_m=altitude,
        source=f"DWD TRY {kind}, {file.name}",
        licence="as stated by Deutscher Wetterdienst and BBSR",
        attribution="Deutscher Wetterdienst / BBSR",
        metadata={
            "hours_moved_to_the_year_end": str(moved),
            "radiation": "hourly means, direct on the horizontal",
        },
    )


def _rows(names: list[str], lines: list[str], file: Path) -> pd.DataFrame:
    if missing := [name for name in _NEEDED if name not in names]:
        raise SourceError(f"the TRY has no column {missing[0]}", file, "Check the line above ***")
    rows = [line.split() for line in lines if line.strip()]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise SourceError(
                f"data row {number} has {len(row)} values, not {len(names)}", file, "Check the row"
            )
    try:
        table = pd.DataFrame(rows, columns=names).astype("float64")
    except ValueError as error:
        raise SourceError(f"the TRY cannot be read: {error}", file, "Check the data rows") from None
    table = table[~((table["MM"] == 2) & (table["DD"] == 29))]
    if len(table) != 8760:
        raise SourceError(
            f"the file holds {len(table)} hours: the year is not whole", file, "A test year has 8760 hours"
        )
    return table.where(table > -99)


def _place(head: str, file: Path) -> tuple[float, float, float]:
    if station := _LATITUDE_LONGITUDE.search(head):
        north, north_min, east, east_min, altitude = (float(value) for value in station.groups())
        return north + north_min / 60, east + east_min / 60, altitude
    numbers = [
        re.search(rf"^{word}\D*(-?\d+)", head, re.MULTILINE)
        for word in ("Rechtswert", "Hochwert", "Hoehenlage")
    ]
    if not all(numbers):
        raise SourceError(
            "the TRY names no place",
            file,
            "Expected Rechtswert, Hochwert and Hoehenlage, or Lage in its head",
        )
    easting, northing, altitude = (float(match.group(1)) for match in numbers if match)
    longitude, latitude = Transformer.from_crs(3034, 4326, always_xy=True).transform(easting, northing)
    return float(latitude), float(longitude), altitude
