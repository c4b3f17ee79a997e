"""Weather: one typed table from files of many formats, and the shipped sample year.

Inside, hours are UTC and named by their start; the sun belongs to the middle of the hour. Each format's own
convention stands in its module (`energy.weather_formats`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import sky, weather_fill, weather_formats
from energy.weather_formats import dwd
from energy.weather_formats.base import Reading
from twin import assets
from twin.errors import SourceError
from twin.sources.base import Provenance

Array = npt.NDArray[np.float64]
SAMPLE_LATITUDE, SAMPLE_LONGITUDE, SAMPLE_ALTITUDE_M = 50.884, 11.618, 170.0
FAR_KM, OTHER_WORLD_KM = 150.0, 1500.0  # from a district to its weather (our choice)
_EARTH_RADIUS_KM = 6371.0
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

    Examples
    --------
    >>> weather = energy.weather.sample()
    >>> len(weather.times), round(float(weather.temp_air.mean()), 1)
    (8760, 9.6)
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


def read(
    path: str | os.PathLike[str],
    year: int | None = None,
    between: tuple[pd.Timestamp, pd.Timestamp] | None = None,
) -> Weather:
    """Weather from a file, or from a folder of DWD station files; the format is told by content.

    EPW, DWD TRY (2010, 2015), DWD station files, MOSMIX_L, PVGIS and Open-Meteo: each module of
    `energy.weather_formats` states its hours' convention, `energy.weather_fill` what becomes of gaps and of
    what a file leaves out. A file may hold less or more than a year (see `require_year`).

    year : only this calendar year (UTC) of a longer series.
    between : only the hours from one moment to another, as far as the file has them; gaps elsewhere are none.

    Raises
    ------
    SourceError : no such file, another format, long gaps, impossible values or other units.
    """
    reading = weather_formats.parse(Path(path))
    if between is not None:
        times = pd.DatetimeIndex(reading.table.index)
        reading = _part(
            reading, (times >= between[0]) & (times < between[1]), f"{between[0]:%Y-%m-%d} and later"
        )
    return _weather(reading, str(path), year)


def read_station(
    files: Iterable[str | os.PathLike[str]],
    year: int | None = None,
    place: tuple[float, float, float] | None = None,
) -> Weather:
    """One weather from several files of a DWD station (see `energy.weather_formats.dwd`).

    year : only this calendar year (UTC).  place : latitude, longitude, altitude, where no file names them.
    """
    paths = [Path(file) for file in files]
    return _weather(dwd.station(paths, place), ", ".join(path.name for path in paths), year)


def require_year(weather: Weather) -> None:
    """Refuse a weather that is not one whole year of 8,760 or 8,784 hours."""
    if len(weather) not in (8760, 8784):
        raise SourceError(
            f"the weather holds {len(weather)} hours, from {weather.times[0]:%Y-%m-%d} "
            f"to {weather.times[-1]:%Y-%m-%d}, not a year",
            f"weather {weather.name}",
            "Use a file of a whole year, or name one of its years",
        )


def check_place(weather: Weather, latitude: float, longitude: float) -> str:
    """How far the weather is from a place: "" where near, a note from 150 km on.

    Raises
    ------
    SourceError : the weather is of another part of the world, more than 1,500 km away.
    """
    north, south = np.radians([weather.latitude, latitude])
    turn = np.radians(weather.longitude - longitude)
    half = np.sin((north - south) / 2) ** 2 + np.cos(north) * np.cos(south) * np.sin(turn / 2) ** 2
    distance = float(2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(half)))
    if distance > OTHER_WORLD_KM:
        raise SourceError(
            f"it stands for a place {distance:,.0f} km from the district "
            f"({weather.latitude:.2f}, {weather.longitude:.2f})",
            f"weather {weather.name}",
            "Use a weather of the region",
        )
    return f"the weather is of a place {distance:.0f} km away" if distance > FAR_KM else ""


def _weather(reading: Reading, file: str, year: int | None) -> Weather:
    if year is not None:
        reading = _one_year(reading, year)
    try:
        table, metadata = weather_fill.fill(reading)
        return Weather(
            times=_hours(pd.Timestamp(table.index[0]), len(table)),
            **{name: table[name].to_numpy("float64") for name in LIMITS},
            latitude=reading.latitude,
            longitude=reading.longitude,
            altitude_m=reading.altitude_m,
            name=reading.name,
            source=reading.source,
            provenance=(
                Provenance(
                    table="weather",
                    source=reading.source.split(",")[0],
                    origin=Path(file).name,
                    licence=reading.licence,
                    attribution=reading.attribution,
                    changes="; ".join(f"{key}: {value}" for key, value in metadata.items()),
                ),
            ),
            metadata=metadata,
        )
    except SourceError as error:
        raise error.at(f"{file} {error.where}") from None


def _one_year(reading: Reading, year: int) -> Reading:
    return _part(reading, pd.DatetimeIndex(reading.table.index).year == year, str(year))


def _part(reading: Reading, inside: npt.NDArray[np.bool_], of: str) -> Reading:
    """The hours `inside`; `of` names them where there are none."""
    if not inside.any():
        raise SourceError(
            f"the file has nothing of {of}",
            reading.source,
            f"It reaches from {reading.table.index[0]:%Y-%m-%d} to {reading.table.index[-1]:%Y-%m-%d}",
        )
    return replace(reading, table=reading.table[inside])


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
