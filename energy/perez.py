"""The sky hour by hour: beam, a glow around the sun, a uniform dome and a bright band at the horizon.

R. Perez et al., Modeling daylight availability and irradiance components from direct and global irradiance,
Solar Energy 44 (1990), with pvlib's coefficients "allsitescomposite1990". Split into its parts, so that each
can be shaded by its own view: without any obstacle the parts give `pvlib.irradiance.perez` again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

from energy.weather import Weather
from twin.visibility.directions import vectors

Array = npt.NDArray[np.float64]
LOW_SUN = 0.02  # cosine of the zenith below which the beam is counted as diffuse
_LOWEST_GLOW = np.cos(np.radians(85.0))  # Perez: the glow's cosine is not taken below that of 85°
_TILT_DEG = 30.0  # of the plane that the horizon's part is read from


@dataclass(frozen=True, eq=False)
class Sky:
    """Parts of the sky's light, shape (time,) each. [W/m²]

    beam : from the sun's disc, on a plane facing it.  glow : from around the sun, on a plane facing it.
    dome : of a uniform sky, on a level plane.  band : of the horizon, on an upright plane; may be negative.
    ghi : on the level ground.
    sun : unit vector to the sun (east, true north, up) at the middle of the hour, shape (time, 3).
    """

    beam: Array
    glow: Array
    dome: Array
    band: Array
    ghi: Array
    sun: Array

    @property
    def lit(self) -> npt.NDArray[np.intp]:
        """Hours with any light."""
        return np.flatnonzero((self.ghi > 0) | (self.beam > 0) | (self.dome > 0))


@lru_cache(maxsize=16)
def sky(weather: Weather) -> Sky:
    """The Perez sky of each hour; while the sun is down at the hour's middle, all light is of the dome."""
    middle = weather.times + pd.Timedelta(minutes=30)
    zenith, azimuth = sun_angles(middle, weather.latitude, weather.longitude, weather.altitude_m)
    cosine = np.cos(np.radians(zenith))
    up = cosine > LOW_SUN
    dni, dhi = np.where(up, weather.dni, 0.0), np.where(up, weather.dhi, weather.ghi)
    extra = pvlib.irradiance.get_extra_radiation(middle.day_of_year.to_numpy())
    airmass = pvlib.atmosphere.get_relative_airmass(np.where(up, zenith, 90.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = [
            pvlib.irradiance.perez(
                tilt, azimuth, dhi, dni, extra, zenith, azimuth, airmass, return_components=True
            )
            for tilt in (0.0, _TILT_DEG)
        ]
    level, tilted = ({name.removeprefix("poa_"): np.asarray(v) for name, v in p.items()} for p in parts)
    known = up & np.isfinite(level["isotropic"]) & np.isfinite(tilted["horizon"])
    dome = np.where(known, level["isotropic"], dhi)
    band = np.where(known, tilted["horizon"] / np.sin(np.radians(_TILT_DEG)), 0.0)
    glow = np.where(known, (dhi - dome) / np.maximum(cosine, _LOWEST_GLOW), 0.0)
    return Sky(dni, glow, dome, band, weather.ghi, vectors(azimuth, 90.0 - zenith))


def sun_angles(
    times: pd.DatetimeIndex, latitude: float, longitude: float, altitude_m: float
) -> tuple[Array, Array]:
    """Apparent zenith and azimuth (from true north) of the sun, shape (time,) each (pvlib). [°]"""
    sun = pvlib.solarposition.get_solarposition(times, latitude, longitude, altitude_m)
    return sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()
