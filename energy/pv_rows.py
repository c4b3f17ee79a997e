"""Tilted rows of modules on a flat roof, that shade each other.

Geometry in the plane across the rows, without ends: slope length 1, pitch 1/GCR, tilt β. Beam: the shaded
part of the slope follows from the sun's angle projected into that plane (as
`pvlib.shading.shaded_fraction1d`), and its electrical effect from Martínez-Moreno et al. 2010 (as
`pvlib.shading.direct_martinez`: cells in blocks behind bypass diodes). Sky and roof: view factors by Hottel's
strings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

from energy.weather import Weather
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
_LOW_SUN = 0.02  # cosine of the zenith below which the beam is counted as diffuse, as in `energy.solar`


def shaded_fraction(
    zenith: Array, azimuth: Array, surface_tilt: float, surface_azimuth: float, ground_cover: float
) -> Array:
    """Share of the slope that the row in front shades, 0 to 1; shape of `zenith`. [-]

    zenith, azimuth : of the sun.  surface_tilt, surface_azimuth : of the modules. [°]
    ground_cover : slope length over pitch. [-]
    """
    tilt = np.radians(surface_tilt)
    across = np.sin(np.radians(zenith)) * np.cos(np.radians(azimuth - surface_azimuth))
    up = np.cos(np.radians(zenith))
    # The shadow of the front row's top edge meets the slope at this share of its length, from below:
    # both stand for lengths seen along the ray, of the pitch and of the slope.
    seen_slope = up * np.cos(tilt) + across * np.sin(tilt)
    seen_pitch = up / ground_cover
    lit = np.divide(seen_pitch, seen_slope, out=np.ones_like(up), where=seen_slope > 1e-9)
    return np.where(up > 0.0, np.clip(1.0 - lit, 0.0, 1.0), 1.0)


def beam_left(shaded: Array, blocks: int) -> Array:
    """Share of the beam's power that is left with a part of the slope shaded (Martínez-Moreno 2010). [-]"""
    shaded_blocks = np.ceil(np.round(shaded * blocks, 9))
    return np.asarray((1.0 - shaded) * (1.0 - shaded_blocks / (blocks + 1.0)))


def sky_view(surface_tilt: float, ground_cover: float) -> float:
    """View factor from the slope, on average, to the sky between the rows (Hottel's strings). [-]"""
    tilt, pitch = np.radians(surface_tilt), 1.0 / ground_cover
    to_front_top = np.hypot(pitch - np.cos(tilt), np.sin(tilt))
    return float((1.0 + pitch - to_front_top) / 2.0)


def roof_view(surface_tilt: float, ground_cover: float) -> float:
    """View factor from the slope, on average, to the roof in front of it (Hottel's strings). [-]"""
    tilt, pitch = np.radians(surface_tilt), 1.0 / ground_cover
    from_top = np.hypot(pitch + np.cos(tilt), np.sin(tilt))
    return float((1.0 + pitch - from_top) / 2.0)


def irradiance(
    weather: Weather,
    surface_tilt: float,
    surface_azimuth: float,
    ground_cover: float,
    blocks: int,
    albedo: float,
) -> Array:
    """Irradiance that the rows can use on an open roof, shape (time,). [W/m²]

    Perez sky (pvlib), sun at the hour's middle. The part of the sky's light around the sun is shaded with the
    beam; the rest comes through the opening between the rows.

    Raises
    ------
    CallError : rows that overlap, or a tilt that is none.
    """
    if not (0.0 < ground_cover < 1.0 and 0.0 <= surface_tilt < 90.0):
        raise CallError(
            f"rows of tilt {surface_tilt:g}° and ground cover {ground_cover:g} cannot stand",
            "pv_rows",
            "Tilt 0 to below 90°, ground cover above 0 and below 1",
        )
    middle = weather.times + pd.Timedelta(minutes=30)
    sun = pvlib.solarposition.get_solarposition(
        middle, weather.latitude, weather.longitude, weather.altitude_m
    )
    zenith, azimuth = sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()
    up = np.cos(np.radians(zenith)) > _LOW_SUN
    dni, dhi = np.where(up, weather.dni, 0.0), np.where(up, weather.dhi, weather.ghi)
    extra = pvlib.irradiance.get_extra_radiation(middle.dayofyear.to_numpy())
    airmass = pvlib.atmosphere.get_relative_airmass(np.where(up, zenith, 90.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        sky = pvlib.irradiance.perez(
            surface_tilt, surface_azimuth, dhi, dni, extra, zenith, azimuth, airmass, return_components=True
        )
    known = np.isfinite(sky["poa_sky_diffuse"]) & up
    around_sun = np.where(known, sky["poa_circumsolar"], 0.0)
    open_view = (1.0 + np.cos(np.radians(surface_tilt))) / 2.0
    rest = np.where(known, sky["poa_isotropic"] + sky["poa_horizon"], dhi * open_view)
    beam = dni * np.maximum(
        pvlib.irradiance.aoi_projection(surface_tilt, surface_azimuth, zenith, azimuth), 0
    )
    left = beam_left(shaded_fraction(zenith, azimuth, surface_tilt, surface_azimuth, ground_cover), blocks)
    seen = sky_view(surface_tilt, ground_cover) / open_view
    reflected = weather.ghi * albedo * roof_view(surface_tilt, ground_cover)
    return np.asarray((beam + around_sun) * left + np.maximum(rest, 0.0) * seen + reflected)


def on_roofs(rows: Array, roof_global: Array, ghi: Array) -> Array:
    """Irradiance on the rows of each roof, shape (time, roof), dtype of `roof_global`. [W/m²]

    What neighbours take from the roof they take from its rows: the same share of the open sky's light.
    rows : `irradiance` of rows on an open roof, shape (time,).  roof_global : irradiance on the roofs
    themselves, shaded, shape (time, roof).  ghi : of the open sky, shape (time,).
    """
    dtype = roof_global.dtype
    lit = ghi > 0.0
    per_light = np.divide(rows, ghi, out=np.zeros(len(ghi)), where=lit).astype(dtype)
    return np.asarray(np.minimum(roof_global, ghi[:, None].astype(dtype)) * per_light[:, None])
