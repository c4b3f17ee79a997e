"""PVGIS answers: hourly series (`seriescalc`) and typical years (`tmy`), as csv and as json.

Stamps are in UTC. Radiation is known at one instant an hour, when the satellite passes: in series at the
stamp's own minute (20160101:0810), in typical years at the stamp plus `irradiance_time_offset`; half an hour
(ERA5) means the hour's mean. Instants become hourly means along the clear sky's course. Temperature and wind
are instantaneous at the stamp.

Series on a tilted plane are brought back to the horizontal: direct by the angle of incidence, diffuse by
inverting Hay & Davies 1980. Series have no humidity (see `energy.weather_fill`).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

from energy import radiation
from energy.weather_formats.base import (
    TYPICAL_YEAR,
    Reading,
    at_middles,
    hours,
    hours_between,
)
from twin.errors import SourceError

Array = npt.NDArray[np.float64]
_PLAIN = {"temp_air": "T2m", "relative_humidity": "RH", "wind_speed": "WS10m", "ir_horizontal": "IR(h)"}
_MEAN_OFFSET_H = 0.5
_LEAST_FACING = 0.1  # cosine of the incidence from which on the plane's beam tells the sun's
_LICENCE = "free of charge, with the source named (© European Union)"


def matches_json(text: str) -> bool:
    """Whether the text is a PVGIS answer in JSON."""
    return text.lstrip().startswith("{") and ('"tmy_hourly"' in text or '"Gb(i)"' in text or '"G(i)"' in text)


def matches_csv(text: str) -> bool:
    """Whether the text is a PVGIS answer in csv."""
    return text.lstrip().startswith("Latitude (decimal degrees):")


def parse_json(text: str, file: Path) -> Reading:
    """A typical year or an hourly series in JSON."""
    try:
        answer = json.loads(text)
        location = answer["inputs"]["location"]
        place = (float(location["latitude"]), float(location["longitude"]), float(location["elevation"]))
        outputs = answer["outputs"]
        if "tmy_hourly" in outputs:
            rows = pd.DataFrame(outputs["tmy_hourly"]).rename(columns={"time(UTC)": "time"})
            return _typical(rows, place, float(location.get("irradiance_time_offset", 0.0)), file)
        fixed = answer["inputs"]["mounting_system"]["fixed"]
        tilt, azimuth = float(fixed["slope"]["value"]), float(fixed["azimuth"]["value"])
        return _series(pd.DataFrame(outputs["hourly"]), place, (tilt, azimuth), file)
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"the PVGIS answer cannot be read: {error!r}", file, "Fetch it again") from None


def parse_csv(text: str, file: Path) -> Reading:
    """A typical year or an hourly series in csv."""
    lines = text.splitlines()
    head = next((number for number, line in enumerate(lines) if line.startswith("time")), None)
    if head is None:
        raise SourceError("the PVGIS answer has no line of column names", file, "Fetch it again")
    facts = _facts(lines[:head])
    body = [line for line in lines[head + 1 :] if re.match(r"\d{8}:\d{4},", line)]
    try:
        table = list(csv.reader(io.StringIO("\n".join(body))))
        rows = pd.DataFrame(table, columns=lines[head].split(",")).rename(columns={"time(UTC)": "time"})
        rows = rows.astype({name: "float64" for name in rows.columns if name != "time"})
        place = (facts["latitude"], facts["longitude"], facts["elevation"])
        if "G(h)" in rows:
            return _typical(rows, place, facts.get("irradiance time offset", 0.0), file)
        return _series(rows, place, (facts.get("slope", 0.0), facts.get("azimuth", 0.0)), file)
    except (ValueError, KeyError) as error:
        raise SourceError(f"the PVGIS answer cannot be read: {error!r}", file, "Fetch it again") from None


def _facts(lines: list[str]) -> dict[str, float]:
    """Figures of the head by their names: "Latitude (decimal degrees): 45.000", "Slope: 30 deg."."""
    found = {}
    for line in lines:
        if match := re.match(r"([A-Za-z ]+?)\s*(?:\([^)]*\))?:\s*(-?\d+(?:\.\d+)?)", line):
            found[match.group(1).strip().lower()] = float(match.group(2))
    return found


def _stamps(values: pd.Series) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(values, format="%Y%m%d:%H%M", utc=True)).as_unit("ns")


def _typical(rows: pd.DataFrame, place: tuple[float, float, float], offset_h: float, file: Path) -> Reading:
    stamps = _stamps(rows["time"])
    rows = rows[~((stamps.month == 2) & (stamps.day == 29))]
    if len(rows) != 8760:
        raise SourceError(
            f"the typical year holds {len(rows)} hours: the year is not whole", file, "A year has 8760 hours"
        )
    times = hours(pd.Timestamp(year=TYPICAL_YEAR, month=1, day=1), 8760)
    ghi, dhi = rows["G(h)"].to_numpy("float64"), rows["Gd(h)"].to_numpy("float64")
    bhi = np.maximum(ghi - dhi, 0.0)
    if abs(offset_h - _MEAN_OFFSET_H) > 0.02:
        instants = times + pd.Timedelta(hours=offset_h)
        ghi, bhi = radiation.means_of_instants(instants, ghi, bhi, times, place)
    columns: dict[str, Array] = {"ghi": ghi, "bhi": bhi}
    for ours, theirs in _PLAIN.items():
        if theirs in rows:
            values = rows[theirs].to_numpy("float64")
            columns[ours] = 0.5 * (values + np.roll(values, -1))
    return _reading(columns, times, place, file, "typical year", {"radiation_time_offset_h": f"{offset_h:g}"})


def _series(
    rows: pd.DataFrame, place: tuple[float, float, float], plane: tuple[float, float], file: Path
) -> Reading:
    """plane : tilt, and azimuth from south, west positive (PVGIS). [°]"""
    stamps = _stamps(rows["time"])
    if stamps.has_duplicates or not stamps.is_monotonic_increasing:
        raise SourceError("the series' hours are not in order", file, "Fetch it again")
    ghi, bhi = _horizontal(rows, stamps, place, plane, file)
    times = hours_between(stamps)
    ghi, bhi = radiation.means_of_instants(stamps, ghi, bhi, times, place)
    columns: dict[str, Array] = {"ghi": ghi, "bhi": bhi}
    for ours, theirs in _PLAIN.items():
        if theirs in rows:
            columns[ours] = at_middles(stamps, rows[theirs].to_numpy("float64"), times)
    made = {"plane": "horizontal" if plane[0] == 0 else f"from tilt {plane[0]:g}° by Hay & Davies 1980"}
    return _reading(columns, times, place, file, "hourly series", made)


def _horizontal(
    rows: pd.DataFrame,
    stamps: pd.DatetimeIndex,
    place: tuple[float, float, float],
    plane: tuple[float, float],
    file: Path,
) -> tuple[Array, Array]:
    """Global and direct radiation on the horizontal at the stamps; nan while the sun is behind the plane."""
    if "Gb(i)" not in rows:
        if plane[0] != 0:
            raise SourceError(
                "the series gives only the sum on a tilted plane",
                file,
                "Ask PVGIS for components=1 or angle=0",
            )
        ghi = rows["G(i)"].to_numpy("float64")
        return ghi, np.maximum(
            ghi - radiation.diffuse_of(ghi, stamps - pd.Timedelta(minutes=30), *place[:2]), 0.0
        )
    direct, diffuse = rows["Gb(i)"].to_numpy("float64"), rows["Gd(i)"].to_numpy("float64")
    sun = pvlib.solarposition.get_solarposition(stamps, *place[:2], place[2])
    zenith, azimuth = sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()
    sine = np.maximum(np.cos(np.radians(zenith)), radiation.LOW_SUN_SINE)
    facing = pvlib.irradiance.aoi_projection(plane[0], plane[1] + 180.0, zenith, azimuth)
    lit = facing > _LEAST_FACING
    dni = np.divide(direct, facing, out=np.zeros_like(direct), where=lit)
    anisotropy = dni / pvlib.irradiance.get_extra_radiation(stamps.dayofyear.to_numpy())
    isotropic = (1 + np.cos(np.radians(plane[0]))) / 2
    share = (1 - anisotropy) * isotropic + anisotropy * np.where(lit, facing, 0.0) / sine
    behind = ~lit & (np.cos(np.radians(zenith)) > radiation.LOW_SUN_SINE)  # the plane cannot see the beam
    ghi, bhi = dni * sine + diffuse / share, dni * sine
    return np.where(behind, np.nan, ghi), np.where(behind, np.nan, bhi)


def _reading(
    columns: Mapping[str, Array],
    times: pd.DatetimeIndex,
    place: tuple[float, float, float],
    file: Path,
    kind: str,
    metadata: dict[str, Any],
) -> Reading:
    return Reading(
        table=pd.DataFrame(columns, index=times),
        name=f"PVGIS {place[0]:.2f}, {place[1]:.2f}",
        latitude=place[0],
        longitude=place[1],
        altitude_m=place[2],
        source=f"PVGIS {kind}, {file.name}",
        licence=_LICENCE,
        attribution="PVGIS © European Union",
        metadata={"radiation": "instants of the satellite, brought to hourly means", **metadata},
    )
