"""Weather: one typed table from EPW files, and the shipped sample year.

Inside, hours are UTC and named by their start; the sun belongs to the middle of the hour. Each format's own
convention stands in its module (`energy.epw`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import epw, sky
from twin import assets
from twin.errors import SourceError
from twin.sources.base import Provenance

Array = npt.NDArray[np.float64]
SAMPLE_LATITUDE, SAMPLE_LONGITUDE, SAMPLE_ALTITUDE_M = 50.884, 11.618, 170.0
# What the physics can use at all; outside, a file is broken or in other units.
LIMITS = {
    "temp_air": (-60.0, 60.0),
    "ghi": (0.0, 1400.0),
    "dni": (0.0, 1400.0),
    "dhi": (0.0, 1000.0),
    "wind_speed": (0.0, 80.0),
    "relative_humidity": (0.0, 110.0),
    "ir_horizontal": (20.0, 700.0),
}


@dataclass(frozen=True, eq=False)
class Weather:
    """Hourly weather of a place.

    times : starts of the hours, UTC, without gaps; shape (time,).
    temp_air [°C], ghi, dni, dhi [W/m², mean over the hour], wind_speed [m/s, at 10 m],
    relative_humidity [%], ir_horizontal [W/m², long-wave radiation of the sky on the horizontal] :
    shape (time,). Without ir_horizontal it is modelled from the others (`energy.sky.long_wave`), and the
    metadata say so.
    latitude, longitude : degrees.  altitude_m : m above sea level.
    name : what the user calls it.  source : where it comes from, as one line.
    """

    times: pd.DatetimeIndex
    temp_air: Array
    ghi: Array
    dni: Array
    dhi: Array
    wind_speed: Array
    relative_humidity: Array
    latitude: float
    longitude: float
    altitude_m: float
    name: str
    source: str
    provenance: tuple[Provenance, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    ir_horizontal: Array = None  # type: ignore[assignment]  # filled below, never None afterwards

    def __post_init__(self) -> None:
        given: object = self.ir_horizontal
        _check(self, [name for name in LIMITS if name != "ir_horizontal"])
        if given is None:
            object.__setattr__(self, "ir_horizontal", _long_wave(self))
            object.__setattr__(self, "metadata", {**self.metadata, "ir_horizontal": sky.IR_MODEL})
        _check(self, ["ir_horizontal"])

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def digest(self) -> str:
        """Content digest of times and values."""
        total = hashlib.sha256(self.times.asi8.tobytes())
        for name in LIMITS:
            total.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        total.update(f"{self.latitude} {self.longitude} {self.altitude_m}".encode())
        return total.hexdigest()

    def frame(self) -> pd.DataFrame:
        """The values as a table, index time."""
        return pd.DataFrame({name: getattr(self, name) for name in LIMITS}, index=self.times)


@cache
def sample() -> Weather:
    """The shipped sample year of Jena: generated from documented monthly figures, not measured.

    8,760 hours of a year without leap day; see `energy.sample_weather` for the method.
    """
    file = assets.path("weather", "jena-sample-year.csv.gz")
    if not file.is_file():
        raise SourceError("the sample weather is missing", file, "Install the software again")
    table = pd.read_csv(file, comment="#")
    return Weather(
        times=_hours(pd.Timestamp(table["time"].iloc[0]), len(table)),
        **{name: table[name].to_numpy("float64") for name in LIMITS if name in table},
        latitude=SAMPLE_LATITUDE,
        longitude=SAMPLE_LONGITUDE,
        altitude_m=SAMPLE_ALTITUDE_M,
        name="Jena, sample year",
        source="generated from documented monthly figures (seeded); not measured",
        provenance=(
            Provenance(
                table="weather",
                source="sample weather",
                origin="energy.sample_weather, seeded",
                licence="Apache-2.0",
                attribution="Generated to monthly figures of an Erfurt test year (2007-2021)",
            ),
        ),
        metadata={"is_model": "yes"},
    )


def read(path: str | os.PathLike[str]) -> Weather:
    """Weather from a file, told by content: EnergyPlus weather (EPW).

    See `energy.epw` for the hours' convention and what becomes of typical years.

    Raises
    ------
    SourceError : no such file, another format, missing or impossible values.
    """
    file = Path(path)
    if not file.is_file():
        raise SourceError("there is no such file", file, "Name an EPW file")
    text = file.read_bytes().decode("latin-1")
    if not text.lstrip("\ufeff\xef\xbb\xbf").upper().startswith("LOCATION,"):
        raise SourceError(
            "the file is no EnergyPlus weather: its first line is not LOCATION,…", file, "Use an .epw file"
        )
    year = epw.parse(text, file)
    try:
        return Weather(
            times=_hours(year.start, len(year.columns["ghi"])),
            **year.columns,
            latitude=year.latitude,
            longitude=year.longitude,
            altitude_m=year.altitude_m,
            name=year.name,
            source=f"EPW {file.name}",
            provenance=(Provenance("weather", "EPW", file.name, "as stated by the file's publisher"),),
            metadata=year.metadata,
        )
    except SourceError as error:
        raise SourceError(error.what, f"{file} {error.where}", error.remedy) from None


def _hours(start: pd.Timestamp, count: int) -> pd.DatetimeIndex:
    start = start.tz_localize("UTC") if start.tzinfo is None else start.tz_convert("UTC")
    return pd.date_range(start, periods=count, freq="h", name="time", unit="ns")


def _long_wave(weather: Weather) -> Array:
    place = weather.times, weather.latitude, weather.longitude
    dew = sky.dew_point_c(weather.temp_air, weather.relative_humidity)
    return sky.long_wave(weather.temp_air, dew, sky.cloud_cover(weather.ghi, *place))


def _check(weather: Weather, names: Iterable[str]) -> None:
    times = weather.times
    where = f"weather {weather.name}"
    if times.tz is None or str(times.tz) != "UTC":
        raise SourceError("the times are not in UTC", where, "Use tz_convert('UTC')")
    if len(times) < 24 or not (np.diff(times.as_unit("ns").asi8) == 3_600_000_000_000).all():
        raise SourceError("the hours have gaps or are fewer than 24", where, "Give every hour once, in order")
    if not (-90 <= weather.latitude <= 90 and -180 <= weather.longitude <= 180):
        raise SourceError(f"latitude {weather.latitude}, longitude {weather.longitude} is nowhere", where)
    for name in names:
        low, high = LIMITS[name]
        values = getattr(weather, name)
        if values.shape != (len(times),):
            raise SourceError(f"{name} has shape {values.shape}, not ({len(times)},)", where)
        bad = ~((values >= low) & (values <= high))
        if bad.any():
            at = times[int(np.argmax(bad))]
            raise SourceError(
                f"{name} is {values[bad][0]:g} at {at:%Y-%m-%d %H:%M} UTC",
                where,
                f"Expected {low:g} to {high:g}",
            )
