"""EnergyPlus weather (EPW): hours end at their stamp, in local standard time without daylight saving.

Hour 1 of 1 January is 00:00–01:00, so that its start in UTC is ``stamp − 1 h − UTC offset``, and its
radiation is a mean over that hour. Some files (TMYx from ISD/ERA5) hold radiation centred on the stamp
instead; this shows in the position of the sun that makes global, direct and diffuse radiation agree, and is
brought to hourly means by averaging neighbours.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import radiation
from energy.weather_formats.base import TYPICAL_YEAR, Reading, hours, typical_start
from twin.errors import SourceError

Array = npt.NDArray[np.float64]
# Column in the data rows, and the value from which on it is missing.
COLUMNS = {
    "temp_air": (6, 99.9),
    "relative_humidity": (8, 999.0),
    "ir_horizontal": (12, 9999.0),
    "ghi": (13, 9999.0),
    "dni": (14, 9999.0),
    "dhi": (15, 9999.0),
    "wind_speed": (21, 999.0),
}
_NO_LONGER_MISSING = {"temp_air": 100.0}  # from here on in kelvin or degrees Fahrenheit
_HEAD_LINES = 8
_AS_STATED, _AVERAGED = "hourly means", "centred on the stamp, averaged to hours"


def matches(text: str) -> bool:
    """Whether the text is an EPW file."""
    return text.lstrip().upper().startswith("LOCATION,")


def parse(text: str, file: Path) -> Reading:
    """The year of an EPW file.

    A typical year is put into the calendar of 2025; the hours that fall before 1 January UTC stand at the
    year's end, as those of a real year do. 29 February of a typical year is left out.

    Raises
    ------
    SourceError : head or rows cannot be read, or the file is no whole year.
    """
    lines = text.splitlines()
    name, latitude, longitude, offset, altitude = _place(lines[0], file)
    table = _rows(lines[_HEAD_LINES:], file)
    typical = table["year"].nunique() > 1
    if typical:
        table = table[~((table["month"] == 2) & (table["day"] == 29))]
    if len(table) not in (8760, 8784):
        raise SourceError(
            f"the file holds {len(table)} hours: the year is not whole",
            file,
            "A year has 8760 (or 8784) hours",
        )
    start, moved = typical_start(offset)
    times = hours(start.replace(year=_calendar(table, typical)), len(table))
    columns = {key: np.roll(table[key].to_numpy("float64"), -moved) for key in COLUMNS}
    centred = _centred_on_stamp(columns, times, latitude, longitude)
    if centred:
        columns |= _hour_means(columns, times, latitude, longitude)
    return Reading(
        table=pd.DataFrame(columns, index=times),
        name=name or file.stem,
        latitude=latitude,
        longitude=longitude,
        altitude_m=altitude,
        source=f"EPW {file.name}",
        licence="as stated by the file's publisher",
        metadata={
            "hours_moved_to_the_year_end": str(moved),
            "radiation": _AVERAGED if centred else _AS_STATED,
        },
    )


def _calendar(table: pd.DataFrame, typical: bool) -> int:
    """The calendar year: the file's own where it has as many days, else one that has."""
    leap = len(table) == 8784
    year = TYPICAL_YEAR if typical else int(table["year"].iloc[0])
    return (
        year
        if pd.Timestamp(year=year, month=1, day=1).is_leap_year == leap
        else 2024
        if leap
        else TYPICAL_YEAR
    )


def _place(line: str, file: Path) -> tuple[str, float, float, float, float]:
    fields = line.split(",")
    try:
        latitude, longitude, offset, altitude = (float(value) for value in fields[6:10])
    except ValueError:
        raise SourceError(
            "the EPW cannot be read: its first line names no latitude, longitude, time zone and height",
            file,
            "Check the line LOCATION",
        ) from None
    return fields[1].strip(), latitude, longitude, offset, altitude


def _rows(lines: list[str], file: Path) -> pd.DataFrame:
    names = {0: "year", 1: "month", 2: "day"} | {number: name for name, (number, _) in COLUMNS.items()}
    try:
        rows = io.StringIO("\n".join(lines))
        table = pd.read_csv(rows, header=None, usecols=sorted(names), dtype="float64").rename(columns=names)
    except (ValueError, pd.errors.ParserError) as error:
        raise SourceError(f"the EPW cannot be read: {error}", file, "Check the data rows") from None
    for name, (_, none) in COLUMNS.items():
        table[name] = table[name].mask(
            (table[name] >= none) & (table[name] < _NO_LONGER_MISSING.get(name, np.inf))
        )
    table["ir_horizontal"] = table["ir_horizontal"].where(table["ir_horizontal"] > 0)  # 0: not filled in
    return table


def _centred_on_stamp(
    columns: dict[str, Array], times: pd.DatetimeIndex, latitude: float, longitude: float
) -> bool:
    """Whether the radiation belongs to the stamp, at the hour's end, and not to the hour's middle.

    Then global radiation closes with direct and diffuse for the sun at the stamp.
    """
    error = {}
    for minutes in (30, 60):
        sine = radiation.sine_of_sun(times + pd.Timedelta(minutes=minutes), latitude, longitude)
        closing = columns["dhi"] + columns["dni"] * np.maximum(sine, 0.0) - columns["ghi"]
        error[minutes] = float(np.nan_to_num(np.abs(closing)).mean())
    return error[60] < 0.5 * error[30]


def _hour_means(
    columns: dict[str, Array], times: pd.DatetimeIndex, latitude: float, longitude: float
) -> dict[str, Array]:
    """Radiation at the stamps as means over the hours before them; direct so that the parts add up."""
    ghi, dhi = (0.5 * (columns[name] + np.roll(columns[name], 1)) for name in ("ghi", "dhi"))
    sine = radiation.sine_of_sun(times + pd.Timedelta(minutes=30), latitude, longitude)
    high = sine > radiation.LOW_SUN_SINE
    limit = np.maximum(columns["dni"], np.roll(columns["dni"], 1))
    dni = np.clip(np.divide(ghi - dhi, sine, out=np.zeros_like(ghi), where=high), 0.0, limit)
    return {"ghi": ghi, "dhi": np.minimum(ghi - dni * np.where(high, sine, 0.0), ghi), "dni": dni}
