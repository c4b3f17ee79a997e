"""Open-Meteo answers (JSON): stamps in the time that the answer names (`utc_offset_seconds`, fixed).

Radiation is the mean over the hour that ends at the stamp; temperature, humidity, wind and clouds are
instantaneous at the stamp. Units stand in `hourly_units` and are brought to ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.weather_formats.base import Reading, at_middles, ended, hours_between
from twin.errors import SourceError

Array = npt.NDArray[np.float64]
_NAMES = {
    "temp_air": ("temperature_2m",),
    "temp_dew": ("dew_point_2m", "dewpoint_2m"),
    "relative_humidity": ("relative_humidity_2m", "relativehumidity_2m"),
    "wind_speed": ("wind_speed_10m", "windspeed_10m"),
    "cloud_cover": ("cloud_cover", "cloudcover"),
    "ghi": ("shortwave_radiation",),
    "dni": ("direct_normal_irradiance",),
    "dhi": ("diffuse_radiation",),
    "bhi": ("direct_radiation",),
    "sunshine": ("sunshine_duration",),
}
_OF_THE_HOUR_BEFORE = ("ghi", "dni", "dhi", "bhi", "sunshine")
_UNITS: dict[str, Callable[[Array], Array]] = {
    "°C": lambda value: value,
    "°F": lambda value: (value - 32.0) / 1.8,
    "%": lambda value: value,
    "W/m²": lambda value: value,
    "m/s": lambda value: value,
    "km/h": lambda value: value / 3.6,
    "mp/h": lambda value: value * 0.44704,
    "mph": lambda value: value * 0.44704,
    "kn": lambda value: value * 1852 / 3600,
    "s": lambda value: value / 3600,
}


def matches(text: str) -> bool:
    """Whether the text is an Open-Meteo answer."""
    return text.lstrip().startswith("{") and '"hourly_units"' in text


def parse(text: str, file: Path) -> Reading:
    """The hours of an answer.

    Raises
    ------
    SourceError : broken JSON, an unknown unit, or no hours.
    """
    try:
        answer = json.loads(text)
        hourly, units = answer["hourly"], answer["hourly_units"]
        place = (float(answer["latitude"]), float(answer["longitude"]), float(answer.get("elevation") or 0.0))
        stamps = _stamps(hourly["time"], units, int(answer.get("utc_offset_seconds", 0)))
        columns, times = _columns(hourly, units, stamps, file)
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(
            f"the Open-Meteo answer cannot be read: {error!r}", file, "Ask for hourly values as JSON"
        ) from None
    return Reading(
        table=pd.DataFrame(columns, index=times),
        name=f"Open-Meteo {place[0]:.2f}, {place[1]:.2f}",
        latitude=place[0],
        longitude=place[1],
        altitude_m=place[2],
        source=f"Open-Meteo, {file.name}",
        licence="CC BY 4.0",
        attribution="Weather data by Open-Meteo.com",
        metadata={"radiation": "the hour before the stamp"},
    )


def _columns(
    hourly: Mapping[str, Any], units: Mapping[str, str], stamps: pd.DatetimeIndex, file: Path
) -> tuple[dict[str, Array], pd.DatetimeIndex]:
    """Our columns, and the hours that they stand at."""
    columns = {}
    times = hours_between(stamps)
    for ours, theirs in _NAMES.items():
        name = next((name for name in theirs if name in hourly), None)
        if name is not None:
            values = _values(hourly[name], str(units.get(name, "")), name, len(stamps), file)
            moved = ended if ours in _OF_THE_HOUR_BEFORE else at_middles
            columns[ours] = moved(stamps, values, times)
    if "cloud_cover" in columns:
        columns["cloud_cover"] = columns["cloud_cover"] / 100
    return columns, times


def _stamps(values: list[Any], units: Mapping[str, str], offset_s: int) -> pd.DatetimeIndex:
    if units.get("time") == "unixtime":
        return pd.DatetimeIndex(pd.to_datetime(values, unit="s", utc=True)).as_unit("ns")
    local = pd.DatetimeIndex(values) - pd.Timedelta(seconds=offset_s)
    return local.tz_localize("UTC").as_unit("ns")


def _values(values: list[Any], unit: str, name: str, count: int, file: Path) -> Array:
    if unit not in _UNITS:
        raise SourceError(f"{name} has the unit {unit!r}", file, f"Known units are {', '.join(_UNITS)}")
    if len(values) != count:
        raise SourceError(f"{name} has {len(values)} values for {count} hours", file, "Fetch it again")
    return _UNITS[unit](np.array([np.nan if value is None else value for value in values], "float64"))
