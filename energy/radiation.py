"""Radiation that a weather file leaves out: direct and diffuse part, clear sky, clouds and sunshine.

Sources, all named in the weather's metadata where they were used: Erbs, Klein & Duffie 1982 (diffuse part, as
in pvlib); Ineichen & Perez 2002 (clear sky, as in pvlib); Kasten & Czeplak 1980 (clouds); FAO Irrigation and
Drainage Paper 56, equation 35 (Ångström–Prescott, sunshine).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

Array = npt.NDArray[np.float64]
LOW_SUN_SINE = 0.03  # below, the sun's beam in the hour cannot be told from the sky
MOST_DNI = 1100.0  # W/m²; direct radiation at the ground hardly passes it (estimate)
LINKE_TURBIDITY = 3.0  # estimate for a clean continental sky; only the clear sky's shape is used
SPLIT_MODEL = "Erbs, Klein & Duffie 1982"
CLOUD_MODEL = "from cloud cover: Kasten & Czeplak 1980"
SUNSHINE_MODEL = "from sunshine: Ångström–Prescott with a 0.25, b 0.50 (FAO-56, equation 35), by the hour"
_HALF = pd.Timedelta(minutes=30)


def sine_of_sun(times: pd.DatetimeIndex, latitude: float, longitude: float) -> Array:
    """Sine of the sun's apparent height at instants, shape (time,); negative below the horizon. [-]"""
    sun = pvlib.solarposition.get_solarposition(times, latitude, longitude, method="nrel_numpy")
    return np.asarray(np.sin(np.radians(sun["apparent_elevation"].to_numpy())))


def extraterrestrial_horizontal(times: pd.DatetimeIndex, latitude: float, longitude: float) -> Array:
    """Mean radiation outside the atmosphere on the horizontal in each hour, shape (time,). [W/m²]"""
    sine = np.maximum(sine_of_sun(_fine(times, 6), latitude, longitude), 0.0).reshape(-1, 6).mean(axis=1)
    return np.asarray(sine * pvlib.irradiance.get_extra_radiation(times.dayofyear.to_numpy()))


def clear_sky(
    instants: pd.DatetimeIndex, latitude: float, longitude: float, altitude_m: float
) -> tuple[Array, Array]:
    """Global and direct radiation on the horizontal at instants of a clear sky (Ineichen & Perez). [W/m²]"""
    sun = pvlib.solarposition.get_solarposition(
        instants, latitude, longitude, altitude_m, method="nrel_numpy"
    )
    zenith = sun["apparent_zenith"].to_numpy()
    up = zenith < 90.0
    low = np.minimum(zenith, 89.9)
    pressure = pvlib.atmosphere.alt2pres(altitude_m)
    airmass = pvlib.atmosphere.get_absolute_airmass(pvlib.atmosphere.get_relative_airmass(low), pressure)
    sky = pvlib.clearsky.ineichen(low, airmass, LINKE_TURBIDITY, altitude=altitude_m)
    ghi = np.where(up, np.asarray(sky["ghi"]), 0.0)
    return ghi, np.where(up, np.asarray(sky["dni"]) * np.cos(np.radians(low)), 0.0)


def clear_sky_hours(times: pd.DatetimeIndex, latitude: float, longitude: float, altitude_m: float) -> Array:
    """Hourly means of the clear sky's global radiation; `times` are the hours' starts. [W/m²]"""
    ghi, _ = clear_sky(_fine(times, 6), latitude, longitude, altitude_m)
    return np.asarray(ghi.reshape(-1, 6).mean(axis=1))


def from_clouds(cloud_cover: Array, times: pd.DatetimeIndex, latitude: float, longitude: float) -> Array:
    """Global radiation from the share of sky under clouds, 0 to 1 (Kasten & Czeplak 1980). [W/m²]"""
    sine = sine_of_sun(_fine(times, 6), latitude, longitude)
    clear = np.maximum(910.0 * sine - 30.0, 0.0).reshape(-1, 6).mean(axis=1)
    return np.asarray(clear * (1.0 - 0.75 * cloud_cover**3.4))


def from_sunshine(sunshine: Array, times: pd.DatetimeIndex, latitude: float, longitude: float) -> Array:
    """Global radiation from the share of the hour in sunshine (Ångström–Prescott, FAO-56). [W/m²]"""
    return np.asarray(extraterrestrial_horizontal(times, latitude, longitude) * (0.25 + 0.50 * sunshine))


def diffuse_of(ghi: Array, times: pd.DatetimeIndex, latitude: float, longitude: float) -> Array:
    """Diffuse part of the global radiation (Erbs, Klein & Duffie 1982), sun at the hour's middle. [W/m²]"""
    sine = sine_of_sun(times + _HALF, latitude, longitude)
    zenith = np.degrees(np.arccos(np.clip(sine, -1.0, 1.0)))
    parts = pvlib.irradiance.erbs(ghi, zenith, times.dayofyear.to_numpy())
    return np.asarray(np.minimum(np.asarray(parts["dhi"]), ghi))


def split(
    ghi: Array, bhi: Array, times: pd.DatetimeIndex, latitude: float, longitude: float
) -> tuple[Array, Array]:
    """Direct normal and diffuse radiation from global and direct on the horizontal, that add up. [W/m²]

    The sun stands at the hour's middle. Below a sine of 0.03, and beyond 1,100 W/m² of direct radiation, the
    rest counts as diffuse.
    """
    sine = sine_of_sun(times + _HALF, latitude, longitude)
    high = sine > LOW_SUN_SINE
    dni = np.divide(bhi, sine, out=np.zeros_like(bhi), where=high)
    dni = np.clip(dni, 0.0, MOST_DNI)
    return dni, np.maximum(ghi - dni * np.where(high, sine, 0.0), 0.0)


def means_of_instants(
    instants: pd.DatetimeIndex,
    ghi: Array,
    bhi: Array,
    times: pd.DatetimeIndex,
    place: tuple[float, float, float],
) -> tuple[Array, Array]:
    """Hourly means of global and direct radiation on the horizontal, known at one instant an hour. [W/m²]

    Between the instants the shares of the clear sky are interpolated and multiplied by it at 12 instants an
    hour, so that the sun's course is kept; nan at an instant leaves it to its neighbours.
    place : latitude, longitude, altitude [m].
    """
    fine = _fine(times, 12)
    have, wanted = instants.as_unit("ns").asi8, fine.as_unit("ns").asi8
    means = []
    for values, at_instants, at_fine in zip(
        (ghi, bhi), clear_sky(instants, *place), clear_sky(fine, *place), strict=True
    ):
        lit = (at_instants > 5.0) & np.isfinite(values)
        share = np.clip(values[lit] / at_instants[lit], 0.0, 2.0)
        course = np.interp(wanted, have[lit], share) if lit.any() else np.zeros(len(fine))
        means.append((course * at_fine).reshape(-1, 12).mean(axis=1))
    return means[0], np.minimum(means[1], means[0])


def _fine(times: pd.DatetimeIndex, steps: int) -> pd.DatetimeIndex:
    """Middles of equal parts of the hours, shape (time · steps,)."""
    width = 3_600_000_000_000 // steps
    parts = times.as_unit("ns").asi8[:, None] + width // 2 + width * np.arange(steps)
    return pd.DatetimeIndex(parts.reshape(-1), tz="UTC")
