"""What a weather file leaves out: the sky's long-wave radiation, cloud cover, dew point.

Sources: Clark & Allen 1978 with Walton's 1983 correction for clouds, as in EnergyPlus' Engineering Reference
(Sky Radiation Modeling); Kasten & Czeplak 1980, Solar Energy 24, 177–189; Magnus formula over water with the
coefficients of WMO No. 8.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.radiation import sine_of_sun

Array = npt.NDArray[np.float64]
STEFAN_BOLTZMANN = 5.670374419e-8  # W/(m²K⁴), CODATA 2018
ZERO_C = 273.15
IR_MODEL = "Clark & Allen 1978 with Walton's clouds; cloud cover from the clearness by Kasten & Czeplak 1980"
_HIGH_SUN_SINE = 0.17  # 10°: below, the clearness says little about clouds
_HALF_HOUR = pd.Timedelta(minutes=30)


def saturation_pressure_hpa(temp_air: Array) -> Array:
    """Saturation vapour pressure over water, Magnus formula. [hPa]"""
    return np.asarray(6.112 * np.exp(17.62 * temp_air / (243.12 + temp_air)))


def dew_point_c(temp_air: Array, relative_humidity: Array) -> Array:
    """Dew point from temperature [°C] and relative humidity [%], Magnus formula. [°C]"""
    share = np.log(np.clip(relative_humidity, 1.0, 100.0) / 100.0) + 17.62 * temp_air / (243.12 + temp_air)
    return np.asarray(243.12 * share / (17.62 - share))


def humidity_percent(temp_air: Array, temp_dew: Array) -> Array:
    """Relative humidity from temperature and dew point [°C], Magnus formula; at most 100. [%]"""
    return np.asarray(
        np.minimum(100.0 * saturation_pressure_hpa(temp_dew) / saturation_pressure_hpa(temp_air), 100.0)
    )


def long_wave(temp_air: Array, temp_dew: Array, cloud_cover: Array) -> Array:
    """Downward long-wave radiation on the horizontal, Clark & Allen 1978, clouds by Walton 1983. [W/m²]

    temp_air, temp_dew : °C.  cloud_cover : share of the sky, 0 to 1.
    """
    tenths = 10.0 * cloud_cover
    clear = 0.787 + 0.764 * np.log((temp_dew + ZERO_C) / 273.0)
    clouds = 1.0 + 0.0224 * tenths - 0.0035 * tenths**2 + 0.00028 * tenths**3
    return np.asarray(clear * clouds * STEFAN_BOLTZMANN * (temp_air + ZERO_C) ** 4)


def cloud_cover(ghi: Array, times: pd.DatetimeIndex, latitude: float, longitude: float) -> Array:
    """Share of the sky under clouds that explains the radiation, 0 to 1; shape (time,).

    Kasten & Czeplak 1980: G = (910 sin γ − 30) · (1 − 0.75 N^3.4), solved for N while the sun stands above
    10°, as running means of three hours; nights and low sun take what is interpolated between.
    `times` are the hours' starts; a span without high sun counts as half covered.
    """
    sine = sine_of_sun(times + _HALF_HOUR, latitude, longitude)
    high = np.flatnonzero(sine > _HIGH_SUN_SINE)
    if len(high) == 0:
        return np.full(len(times), 0.5)
    clearness = np.clip(ghi[high] / (910.0 * sine[high] - 30.0), 0.25, 1.0)
    cover = ((1.0 - clearness) / 0.75) ** (1 / 3.4)
    whole = np.interp(np.arange(len(times)), high, cover)
    return np.asarray(np.convolve(np.pad(whole, 1, "edge"), np.full(3, 1 / 3), "valid"))
