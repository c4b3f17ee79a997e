"""Irradiance on facades and horizontal surfaces (pvlib; sun at the middle of the hour)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

from energy.weather import Weather

Array = npt.NDArray[np.float64]
SECTORS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
SECTOR_WIDTH_DEG = 45.0
PLANES = (*SECTORS, "horizontal")
_LOW_SUN = 0.02  # cosine of the zenith below which the beam is counted as diffuse


@lru_cache(maxsize=16)
def plane_irradiance(weather: Weather, albedo: float = 0.2) -> Array:
    """Global irradiance on eight facades and the horizontal, shape (time, 9). [W/m²]

    Perez sky (pvlib, coefficients "allsitescomposite1990"), isotropic ground; unshaded. Columns as in
    `PLANES`. While the sun is down at the middle of the hour, its beam counts as diffuse.
    """
    middle = weather.times + pd.Timedelta(minutes=30)
    sun = pvlib.solarposition.get_solarposition(
        middle, weather.latitude, weather.longitude, weather.altitude_m
    )
    zenith, azimuth = sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()
    up = np.cos(np.radians(zenith)) > _LOW_SUN
    dni, dhi = np.where(up, weather.dni, 0.0), np.where(up, weather.dhi, weather.ghi)
    extra = pvlib.irradiance.get_extra_radiation(middle.dayofyear.to_numpy())
    airmass = pvlib.atmosphere.get_relative_airmass(np.where(up, zenith, 90.0))
    planes = np.empty((len(weather), len(PLANES)))
    for number, _ in enumerate(SECTORS):
        facing = number * SECTOR_WIDTH_DEG
        with np.errstate(invalid="ignore", divide="ignore"):
            sky = pvlib.irradiance.perez(90.0, facing, dhi, dni, extra, zenith, azimuth, airmass)
        beam = dni * np.maximum(pvlib.irradiance.aoi_projection(90.0, facing, zenith, azimuth), 0.0)
        diffuse = np.where(np.isfinite(sky) & up, sky, dhi * 0.5)
        planes[:, number] = beam + diffuse + weather.ghi * albedo * 0.5
    planes[:, -1] = weather.ghi
    return planes


def sector_weights(azimuth_deg: npt.ArrayLike) -> Array:
    """Shares of the eight facade sectors that a wall counts to, shape (wall, 8). [-]

    A wall between two sectors belongs to both in proportion, so that turning a building never makes a jump.
    A missing azimuth counts evenly to all.
    """
    azimuth = np.asarray(azimuth_deg, "float64")
    position = np.mod(azimuth, 360.0) / SECTOR_WIDTH_DEG
    lower = np.floor(position)
    upper_share = position - lower
    weights = np.zeros((azimuth.size, len(SECTORS)))
    rows = np.flatnonzero(np.isfinite(azimuth))
    first = lower[rows].astype(int) % len(SECTORS)
    weights[rows, first] = 1 - upper_share[rows]
    weights[rows, (first + 1) % len(SECTORS)] += upper_share[rows]
    weights[~np.isfinite(azimuth)] = 1 / len(SECTORS)
    return weights
