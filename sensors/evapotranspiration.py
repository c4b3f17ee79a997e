"""Reference evapotranspiration of grass by Penman and Monteith, as in FAO-56.

Allen, R. G.; Pereira, L. S.; Raes, D.; Smith, M. (1998): Crop evapotranspiration, FAO Irrigation and Drainage
Paper 56; equation numbers are its. Energy is in MJ/m² per day or hour, vapour pressure in kPa.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Values = Array | float
ALBEDO = 0.23  # of the reference grass, equation 38
SOLAR_CONSTANT = 0.0820  # MJ/(m² min)
_BOLTZMANN_DAY = 4.903e-9  # MJ/(K⁴ m² day), equation 39
_ZERO_C = 273.16  # as FAO-56 has it
_LOW_SUN = 0.3  # rad; below it cloudiness is taken over from before (ASCE-EWRI 2005)
_RATIO_UNKNOWN = 0.6  # Rs/Rso of a first night: between 0.4 to 0.6 (humid) and 0.7 to 0.8 (arid) of FAO-56


def saturation_vapour_pressure(temp_air: Values) -> Values:
    """e°(T), equation 11. [kPa]"""
    return np.asarray(0.6108 * np.exp(17.27 * temp_air / (temp_air + 237.3)))


def slope(temp_air: Values) -> Values:
    """Slope of the saturation vapour pressure curve, equation 13. [kPa/K]"""
    return 4098 * np.asarray(saturation_vapour_pressure(temp_air)) / (temp_air + 237.3) ** 2


def psychrometric(altitude_m: float) -> float:
    """Psychrometric constant at a height, equations 7 and 8. [kPa/K]"""
    return float(0.665e-3 * 101.3 * ((293 - 0.0065 * altitude_m) / 293) ** 5.26)


def wind_at_2_m(wind_speed: Values, height_m: float = 10.0) -> Values:
    """Wind two metres above grass from that at another height, equation 47. [m/s]"""
    return np.asarray(wind_speed * 4.87 / np.log(67.8 * height_m - 5.42))


def extraterrestrial_day(latitude: float, day_of_year: Values) -> Values:
    """Daily radiation outside the atmosphere, equation 21. [MJ/m²]"""
    phi = np.radians(latitude)
    near, declination = _sun(day_of_year)
    set_at = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    inside = set_at * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.sin(set_at)
    return np.asarray(24 * 60 / np.pi * SOLAR_CONSTANT * near * inside)


def daylight_hours(latitude: float, day_of_year: Values) -> Values:
    """Longest possible sunshine, equation 34. [h]"""
    _, declination = _sun(day_of_year)
    set_at = np.arccos(np.clip(-np.tan(np.radians(latitude)) * np.tan(declination), -1, 1))
    return np.asarray(24 / np.pi * set_at)


def solar_from_sunshine(sunshine_h: Values, latitude: float, day_of_year: Values) -> Values:
    """Solar radiation by Ångström's formula with a = 0.25, b = 0.50, equation 35. [MJ/m²]"""
    share = sunshine_h / daylight_hours(latitude, day_of_year)
    return (0.25 + 0.50 * share) * extraterrestrial_day(latitude, day_of_year)


def extraterrestrial_hour(latitude: float, longitude: float, times: pd.DatetimeIndex) -> tuple[Array, Array]:
    """Radiation outside the atmosphere in the hours that begin at `times`, equations 28 to 33. [MJ/m²]

    The second is the sun's height in the middle of the hour. [rad]
    """
    middle = times + pd.Timedelta(minutes=30)
    day = middle.dayofyear.to_numpy("float64")
    near, declination = _sun(day)
    phi, b = np.radians(latitude), 2 * np.pi * (day - 81) / 364
    correction = 0.1645 * np.sin(2 * b) - 0.1255 * np.cos(b) - 0.025 * np.sin(b)
    clock = middle.hour.to_numpy() + middle.minute.to_numpy() / 60
    angle = np.pi / 12 * ((clock + longitude / 15 + correction) - 12)
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    set_at = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    first = np.clip(angle - np.pi / 24, -set_at, set_at)
    last = np.clip(angle + np.pi / 24, -set_at, set_at)
    radiation = (
        12 * 60 / np.pi * SOLAR_CONSTANT * near
        * ((last - first) * np.sin(phi) * np.sin(declination)
           + np.cos(phi) * np.cos(declination) * (np.sin(last) - np.sin(first)))
    )  # fmt: skip
    height = np.arcsin(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle))
    return np.maximum(radiation, 0.0), height


def daily(
    temp_max: Values,
    temp_min: Values,
    vapour_pressure: Values,
    wind_2m: Values,
    solar: Values,
    latitude: float,
    altitude_m: float,
    day_of_year: Values,
    soil_heat: Values = 0.0,
) -> Values:
    """Reference evapotranspiration of days, equation 6. [mm]

    Parameters
    ----------
    temp_max, temp_min : of the day. [°C]  vapour_pressure : actual. [kPa]  wind_2m : at 2 m. [m/s]
    solar : global radiation. [MJ/m²]  soil_heat : into the ground, 0 for single days. [MJ/m²]
    """
    clear = (0.75 + 2e-5 * altitude_m) * extraterrestrial_day(latitude, day_of_year)
    warm = ((temp_max + _ZERO_C) ** 4 + (temp_min + _ZERO_C) ** 4) / 2
    net = (1 - ALBEDO) * solar - _net_long_wave(
        _BOLTZMANN_DAY * warm, vapour_pressure, np.minimum(solar / clear, 1.0)
    )
    saturated = (saturation_vapour_pressure(temp_max) + saturation_vapour_pressure(temp_min)) / 2
    mean = (temp_max + temp_min) / 2
    return _penman_monteith(
        900.0, mean, net - soil_heat, saturated - vapour_pressure, wind_2m, psychrometric(altitude_m)
    )


def hourly(
    temp_air: Array,
    relative_humidity: Array,
    wind_2m: Array,
    solar: Array,
    times: pd.DatetimeIndex,
    latitude: float,
    longitude: float,
    altitude_m: float,
    clearness: Array | None = None,
) -> Array:
    """Reference evapotranspiration of the hours that begin at `times` (UTC), equation 53. [mm]

    Parameters
    ----------
    temp_air [°C], relative_humidity [%], wind_2m [m/s], solar [MJ/m²] : shape (time,).
    clearness : Rs/Rso, shape (time,); without it, that of the hour where the sun stands higher than 0.3 rad,
        else that of the hour before.
    """
    outside, height = extraterrestrial_hour(latitude, longitude, times)
    clear = (0.75 + 2e-5 * altitude_m) * outside
    if clearness is None:
        high = height > _LOW_SUN
        ratio = pd.Series(np.divide(solar, clear, out=np.full(len(times), np.nan), where=high))
        clearness = ratio.ffill().fillna(_RATIO_UNKNOWN).clip(0.3, 1.0).to_numpy()
    saturated = np.asarray(saturation_vapour_pressure(temp_air))
    actual = saturated * relative_humidity / 100
    net = (1 - ALBEDO) * solar - np.asarray(
        _net_long_wave(_BOLTZMANN_DAY / 24 * (temp_air + _ZERO_C) ** 4, actual, clearness)
    )
    ground = np.where(outside > 0, 0.1, 0.5) * net  # equations 45 and 46
    found = _penman_monteith(
        37.0, temp_air, net - ground, saturated - actual, wind_2m, psychrometric(altitude_m)
    )
    return np.maximum(found, 0.0)


def _sun(day_of_year: Values) -> tuple[Values, Values]:
    """Inverse relative distance to the sun, and its declination [rad]; equations 23 and 24."""
    turn = 2 * np.pi / 365 * day_of_year
    return 1 + 0.033 * np.cos(turn), 0.409 * np.sin(turn - 1.39)


def _net_long_wave(emitted: Values, vapour_pressure: Values, clearness: Values) -> Values:
    """Equation 39. [MJ/m²]"""
    return emitted * (0.34 - 0.14 * np.sqrt(vapour_pressure)) * (1.35 * clearness - 0.35)


def _penman_monteith(
    factor: float, temp_air: Values, energy: Values, deficit: Values, wind_2m: Values, gamma: float
) -> Values:
    delta = slope(temp_air)
    aerodynamic = gamma * factor / (temp_air + 273) * wind_2m * deficit
    return (0.408 * delta * energy + aerodynamic) / (delta + gamma * (1 + 0.34 * wind_2m))
