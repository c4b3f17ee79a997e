"""EnergyPlus weather (EPW): hours end at their stamp, in local standard time without daylight saving.

Hour 1 of 1 January is 00:00–01:00, so that its start in UTC is ``stamp − 1 h − UTC offset``, and its
radiation is a mean over that hour. Some files (TMYx from ISD/ERA5) hold radiation centred on the stamp
instead; this shows in the position of the sun that makes global, direct and diffuse radiation agree, and is
brought to hourly means by averaging neighbours.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

from twin.errors import SourceError

Array = npt.NDArray[np.float64]
TYPICAL_YEAR = 2025  # the calendar that a typical year is put into
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
_HEAD_LINES = 8
_HOUR_CENTRE_MIN, _STAMP_MIN = 30, 60
_AS_STATED, _AVERAGED = "hourly means", "centred on the stamp, averaged to hours"


@dataclass(frozen=True)
class EpwYear:
    """A year of an EPW file: start of its first hour in UTC, columns, place and what was done to it."""

    start: pd.Timestamp
    columns: dict[str, Array]
    name: str
    latitude: float
    longitude: float
    altitude_m: float
    metadata: dict[str, str]


def parse(text: str, file: Path) -> EpwYear:
    """The year of an EPW file.

    A typical year is put into the calendar of 2025; the hours that fall before 1 January UTC stand at the
    year's end. 29 February of a typical year is left out.

    Raises
    ------
    SourceError : head or rows cannot be read, values are missing, or the file is no whole year.
    """
    lines = text.splitlines()
    name, latitude, longitude, offset, altitude = _place(lines[0], file)
    table = _rows(lines[_HEAD_LINES:], file)
    none = COLUMNS["ir_horizontal"][1]
    if (~table["ir_horizontal"].between(1.0, none, inclusive="left")).any():  # Weather models it then
        table = table.drop(columns="ir_horizontal")
    _check_missing(table, file)
    typical = table["year"].nunique() > 1
    if typical:
        table = table[~((table["month"] == 2) & (table["day"] == 29))]
    if len(table) not in (8760, 8784):
        raise SourceError(f"the file holds {len(table)} hours", file, "A year has 8760 (or 8784) hours")
    year = TYPICAL_YEAR if typical else int(table["year"].iloc[0])
    start = pd.Timestamp(year=year, month=1, day=1, tz="UTC")
    if (len(table) == 8784) != start.is_leap_year:
        start = pd.Timestamp(year=2024 if len(table) == 8784 else TYPICAL_YEAR, month=1, day=1, tz="UTC")
    moved = round(offset)
    columns = {key: np.roll(table[key].to_numpy("float64"), -moved) for key in COLUMNS if key in table}
    centre = _radiation_centre(columns, start, latitude, longitude)
    if centre == _STAMP_MIN:
        columns |= _hour_means(columns, start, latitude, longitude)
    metadata = {
        "hours_moved_to_the_year_end": str(moved),
        "radiation": _AS_STATED if centre == _HOUR_CENTRE_MIN else _AVERAGED,
    }
    return EpwYear(start, columns, name or file.stem, latitude, longitude, altitude, metadata)


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
        table = pd.read_csv(io.StringIO("\n".join(lines)), header=None, usecols=sorted(names))
        return table.rename(columns=names).astype("float64")
    except (ValueError, pd.errors.ParserError) as error:
        raise SourceError(f"the EPW cannot be read: {error}", file, "Check the data rows") from None


def _check_missing(table: pd.DataFrame, file: Path) -> None:
    for name in table.columns.intersection(list(COLUMNS)):
        none = COLUMNS[name][1]
        missing = (table[name] >= none) | table[name].isna()
        if missing.any():
            first = int(missing.argmax()) + 1
            raise SourceError(
                f"{name} is missing in {int(missing.sum())} hours, first in data row {first}",
                file,
                "Fill the gaps",
            )


def _cos_zenith(start: pd.Timestamp, count: int, minutes: int, latitude: float, longitude: float) -> Array:
    times = pd.date_range(start + pd.Timedelta(minutes=minutes), periods=count, freq="h")
    zenith = pvlib.solarposition.get_solarposition(times, latitude, longitude)["zenith"].to_numpy()
    return np.asarray(np.maximum(np.cos(np.radians(zenith)), 0.0))


def _radiation_centre(
    columns: dict[str, Array], start: pd.Timestamp, latitude: float, longitude: float
) -> int:
    """Minutes after the hour's start that the radiation belongs to: 30 (a mean) or 60 (the stamp)."""
    count = len(columns["ghi"])
    error = {
        minutes: np.abs(
            columns["dhi"]
            + columns["dni"] * _cos_zenith(start, count, minutes, latitude, longitude)
            - columns["ghi"]
        ).mean()
        for minutes in (_HOUR_CENTRE_MIN, _STAMP_MIN)
    }
    return _STAMP_MIN if error[_STAMP_MIN] < 0.5 * error[_HOUR_CENTRE_MIN] else _HOUR_CENTRE_MIN


def _hour_means(
    columns: dict[str, Array], start: pd.Timestamp, latitude: float, longitude: float
) -> dict[str, Array]:
    """Radiation at the stamps as means over the hours before them; direct so that the parts add up."""
    ghi, dhi = (0.5 * (columns[name] + np.roll(columns[name], 1)) for name in ("ghi", "dhi"))
    cosine = _cos_zenith(start, len(ghi), _HOUR_CENTRE_MIN, latitude, longitude)
    high = cosine > 0.03
    dni = np.divide(ghi - dhi, cosine, out=np.zeros_like(ghi), where=high)
    limit = np.maximum(columns["dni"], np.roll(columns["dni"], 1))
    dni = np.clip(dni, 0.0, limit)
    return {"ghi": ghi, "dhi": np.minimum(ghi - dni * np.where(high, cosine, 0.0), ghi), "dni": dni}
