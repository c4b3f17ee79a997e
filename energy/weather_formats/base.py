"""What every weather format gives, and how stamps become hours named by their start."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.errors import SourceError

Array = npt.NDArray[np.float64]
HOUR = pd.Timedelta(hours=1)
TYPICAL_YEAR = 2025  # the calendar that a typical year is put into; without 29 February
QUANTITIES = {
    "temp_air": "°C",
    "temp_dew": "°C",
    "relative_humidity": "%",
    "wind_speed": "m/s at 10 m",
    "ghi": "W/m², mean over the hour, global on the horizontal",
    "dni": "W/m², direct on the plane normal to the sun",
    "dhi": "W/m², diffuse on the horizontal",
    "bhi": "W/m², direct on the horizontal",
    "ir_horizontal": "W/m², long-wave from the sky on the horizontal",
    "cloud_cover": "share of the sky, 0 to 1",
    "sunshine": "share of the hour, 0 to 1",
    "precipitation": "mm in the hour",
    "pressure": "hPa at the station's height",
}
RADIATION = ("ghi", "dni", "dhi", "bhi")
ASIDE = ("precipitation", "pressure")  # what the energy of buildings does not need
_MOST_BYTES = 1_000_000_000  # unpacked: no weather file is larger


@dataclass(frozen=True)
class Reading:
    """What a file says about the weather.

    table : index hours in UTC by their start, each once and in order; columns of `QUANTITIES`, as many as the
    file has; nan where it is silent.
    latitude, longitude : degrees.  altitude_m : m above sea level.
    source : format and file as one line.  licence, attribution : of the data.
    metadata : what was done while reading.
    """

    table: pd.DataFrame
    name: str
    latitude: float
    longitude: float
    altitude_m: float
    source: str
    licence: str
    attribution: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


def unpack(content: bytes, file: Path) -> list[tuple[str, bytes]]:
    """Name and content of each file in an archive.

    Raises
    ------
    SourceError : it is damaged or locked, or holds what is too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise SourceError("the archive holds more than 1 GB", file, "Unpack and check it")
            return [(entry, archive.read(entry)) for entry in archive.namelist()]
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError) as error:
        raise SourceError(f"the archive cannot be unpacked: {error}", file, "Fetch it again") from None


def hours(start: pd.Timestamp, count: int) -> pd.DatetimeIndex:
    """`count` hours from a start, in UTC."""
    start = start.tz_localize("UTC") if start.tzinfo is None else start.tz_convert("UTC")
    return pd.date_range(start, periods=count, freq="h", name="time", unit="ns")


def hours_between(stamps: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Whole hours from the first stamp to the last."""
    first = stamps.min().floor("h")
    return hours(first, int((stamps.max().ceil("h") - first) / HOUR))


def at_middles(stamps: pd.DatetimeIndex, values: Array, times: pd.DatetimeIndex) -> Array:
    """Instantaneous values at the hours' middles, by interpolation; shape of `times`.

    Stamps on the full hour give the mean of the hour's two ends. nan outside the stamps, and where a
    neighbouring stamp is missing or more than two hours away.
    """
    have = stamps.as_unit("ns").asi8
    wanted = (times + HOUR / 2).as_unit("ns").asi8
    result = np.interp(wanted, have, values, left=np.nan, right=np.nan)
    after = np.clip(np.searchsorted(have, wanted), 1, len(have) - 1)
    result[have[after] - have[after - 1] > 2 * HOUR.value] = np.nan
    return np.asarray(result)


def ended(stamps: pd.DatetimeIndex, values: Array, times: pd.DatetimeIndex) -> Array:
    """Values of the hours that end at the stamps; shape of `times`, nan where there is no stamp."""
    return np.asarray(pd.Series(values, index=stamps - HOUR).reindex(times), "float64")


def typical_start(offset_h: float) -> tuple[pd.Timestamp, int]:
    """Start of the first UTC hour in a typical year, and how many local hours before it stand at its end.

    offset_h : local standard time less UTC. [h] Local hour k starts at k − offset_h, so that the first hour
    not before 1 January is k = ⌈offset_h⌉; zones of half an hour start at half past.
    """
    moved = int(np.ceil(offset_h))
    start = pd.Timestamp(year=TYPICAL_YEAR, month=1, day=1, tz="UTC") + pd.Timedelta(hours=moved - offset_h)
    return start, moved
