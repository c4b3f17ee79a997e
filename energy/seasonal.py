"""Net heat by the seasonal method, ISO 13790:2008 in TABULA's simplified form: the check of the hourly model.

TABULA calculation method (Loga, Diefenbach 2013): one season, one climate, reductions for partly heated
rooms and night set-back by the building's own transmission.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.heat_balance import AIR_WH_M3K, effective_u

Array = npt.NDArray[np.floating[Any]]
ELEMENTS = ("roof_1", "roof_2", "wall_1", "wall_2", "floor_1", "floor_2")
ORIENTATIONS = ("horizontal", "east", "south", "west", "north")


@dataclass(frozen=True)
class Season:
    """TABULA's boundary conditions of Germany (climate DE.N, Potsdam; use EU.MUH and EU.SUH).

    days : heating days. [d]  theta_e_c, theta_i_c : mean outdoor and set indoor temperature. [°C]
    sun_kwh_m2 : radiation in the season on the horizontal, east, south, west and north. [kWh/m²]
    gains_w_m2, use_1_h, room_height_m, heat_capacity_wh_m2k : as the names say.
    """

    days: float = 216
    theta_e_c: float = 4.6
    theta_i_c: float = 20.0
    sun_kwh_m2: tuple[float, ...] = (368, 260, 394, 222, 123)
    gains_w_m2: float = 3.0
    use_1_h: float = 0.4
    room_height_m: float = 2.5
    heat_capacity_wh_m2k: float = 45.0
    shading: tuple[float, ...] = (0.8, 0.6, 0.6, 0.6, 0.6)
    frame_share: float = 0.3
    non_normal_incidence: float = 0.9


def opaque_w_k(types: pd.DataFrame) -> Array:
    """H_tr of the opaque elements with thermal bridges; shape (type,). [W/K]"""
    total = np.zeros(len(types))
    area = types["a_window_m2"].to_numpy() + types["a_door_m2"].to_numpy()
    for name in ELEMENTS:
        size = types[f"a_{name}_m2"].to_numpy()
        r_unheated = 0.0 if name == "wall_1" else types[f"r_unheated_{name}_m2k_w"].to_numpy("float64")
        u_value = effective_u(types[f"u_{name}_w_m2k"].to_numpy(), np.asarray(r_unheated))
        total += np.where(size > 0, types[f"b_{name}"].to_numpy() * size * u_value, 0.0)
        area = area + size
    return np.asarray(total + types["delta_u_thermal_bridge_w_m2k"].to_numpy() * area)


def window_w_k(types: pd.DataFrame) -> Array:
    """H_tr of windows and doors; shape (type,). [W/K]"""
    return np.asarray(
        types["a_window_m2"] * types["u_window_w_m2k"] + types["a_door_m2"] * types["u_door_w_m2k"]
    )


def ventilation_w_k(types: pd.DataFrame, season: Season) -> Array:
    """H_ve; shape (type,). [W/K]"""
    rate = season.use_1_h + types["infiltration_1_h"].to_numpy()
    return np.asarray(AIR_WH_M3K * rate * season.room_height_m * types["a_ref_m2"].to_numpy())


def temperature_reduction(types: pd.DataFrame, h_tr_w_m2k: Array) -> Array:
    """F_red: mean over set temperature difference, by the transmission per floor area h_tr. [-]

    Linear from its value at 1 W/(m²K) to that at 4, constant above, and towards 1 at 0.5 W/(m²K) below.
    """
    at_1, at_4 = types["f_red_htr1"].to_numpy(), types["f_red_htr4"].to_numpy()
    leaky = at_1 + (at_4 - at_1) * np.clip((h_tr_w_m2k - 1) / 3, 0.0, 1.0)
    return np.asarray(np.where(h_tr_w_m2k < 1, at_1 + (1 - at_1) * (1 - h_tr_w_m2k) / 0.5, leaky))


def collecting_area_m2(types: pd.DataFrame, season: Season) -> Array:
    """Effective collecting areas, shape (type, 5) as in `ORIENTATIONS`. [m²]"""
    windows = types[[f"a_window_{name}_m2" for name in ORIENTATIONS]].to_numpy()
    factor = np.array(season.shading) * (1 - season.frame_share) * season.non_normal_incidence
    return np.asarray(windows * factor * types["g_window"].to_numpy()[:, None])


def net_heat_kwh_m2a(types: pd.DataFrame, season: Season | None = None) -> Array:
    """q_h,nd of TABULA types (rows of the table typology); shape (type,). [kWh/(m²a)]"""
    season = season or Season()
    area = types["a_ref_m2"].to_numpy()
    h_tr = (opaque_w_k(types) + window_w_k(types)) / area
    h_ve = ventilation_w_k(types, season) / area
    reduction = temperature_reduction(types, h_tr)
    kelvin_hours = 0.024 * season.days * (season.theta_i_c - season.theta_e_c)
    losses = (h_tr + h_ve) * kelvin_hours * reduction
    gains = 0.024 * season.days * season.gains_w_m2
    gains = gains + collecting_area_m2(types, season) @ np.array(season.sun_kwh_m2) / area
    tau = season.heat_capacity_wh_m2k / (h_tr + h_ve)
    exponent = 0.8 + tau / 30
    ratio = gains / losses
    used = np.where(
        np.isclose(ratio, 1), exponent / (exponent + 1), (1 - ratio**exponent) / (1 - ratio ** (exponent + 1))
    )
    return np.asarray(losses - used * gains)
