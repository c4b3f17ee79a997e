"""TABULA's German types: its own seasonal result exactly, and the hourly model within 15 % of it.

The hourly model is put under TABULA's boundary conditions: a season of 216 days (1 October on) whose hours
come from the sample year, shifted to TABULA's mean of 4.6 °C and scaled, facade by facade, to TABULA's
radiation sums; the same areas, U-values, air change, gains, shading and heat capacity. TABULA has one inner
temperature, 20 °C less its reduction for partly heated rooms and night set-back; the hourly model holds that
temperature as operative temperature all the time (an air set-point would leave the surfaces colder).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from energy import seasonal, solar, weather, zone
from energy.parameters import Parameters
from tests.energy.zones import drive

TYPES = Parameters.default().typology
SEASON = seasonal.Season()
PLANES = [solar.PLANES.index(name) for name in ("horizontal", "e", "s", "w", "n")]
# Net heat as TABULA publishes it (kWh/(m²a)), six East German types.
PUBLISHED = {
    "DE.East.MFH.05.Gen": 127.9,
    "DE.East.AB.06.Gen": 106.1,
    "DE.East.AB.06.HR": 105.3,
    "DE.East.AB.07.Gen": 96.0,
    "DE.East.AB.07.HR": 100.3,
    "DE.East.AB.08.Gen": 85.6,
}


@cache
def hourly_net_heat() -> pd.Series:
    """Net heat of all types by the hourly model under TABULA's boundary conditions. [kWh/(m²a)]"""
    year = weather.sample()
    first = int(np.flatnonzero(year.times == pd.Timestamp("2025-10-01", tz="UTC"))[0])
    hours = (first + np.arange(int(SEASON.days) * 24)) % len(year)
    outdoor = year.temp_air[hours]
    outdoor = outdoor - outdoor.mean() + SEASON.theta_e_c
    sun = solar.plane_irradiance(year)[hours]
    planes = np.zeros_like(sun)
    planes[:, PLANES] = sun[:, PLANES] * 1000 * np.array(SEASON.sun_kwh_m2) / sun[:, PLANES].sum(axis=0)
    area = TYPES["a_ref_m2"].to_numpy()
    opaque, window = seasonal.opaque_w_k(TYPES), seasonal.window_w_k(TYPES)
    ventilation = seasonal.ventilation_w_k(TYPES, SEASON)
    reduction = seasonal.temperature_reduction(TYPES, (opaque + window) / area)
    inside = SEASON.theta_e_c + reduction * (SEASON.theta_i_c - SEASON.theta_e_c)
    collecting = np.zeros((len(TYPES), len(solar.PLANES)))
    collecting[:, PLANES] = seasonal.collecting_area_m2(TYPES, SEASON)
    unlimited = np.full(len(TYPES), zone.UNLIMITED_W)
    zones = zone.Zones(
        opaque, window, ventilation, ventilation, SEASON.heat_capacity_wh_m2k * area, 2.5 * area, 4.5 * area,
        SEASON.gains_w_m2 * area, collecting, inside - 20.0, unlimited, unlimited, np.full(len(TYPES), 0.3),
    )  # fmt: skip
    season = drive(outdoor, planes, np.zeros(len(hours), np.intp))
    loads = zone.simulate_zones(zones, season, temperatures=False, dtype=np.float64)
    return pd.Series(loads.heating[:, 0] / 1000 / area, index=TYPES.index)


@pytest.mark.parametrize(("code", "published"), PUBLISHED.items())
def test_shipped_net_heat_is_the_published_one(code, published):
    assert TYPES["q_h_nd_kwh_m2a"][code] == pytest.approx(published, abs=0.06)


def test_seasonal_method_gives_tabulas_figures_exactly():
    ours = seasonal.net_heat_kwh_m2a(TYPES)
    np.testing.assert_allclose(ours, TYPES["q_h_nd_kwh_m2a"], atol=0.001)


def test_table_is_the_source(shared_data):
    """The shipped table against the source, column by column where the names meet."""
    source = pd.read_csv(shared_data / "tabula/tabula_DE_wPersons.csv").set_index("Code_BuildingVariant")
    source.index = source.index.str.replace(".ReEx.001.001", "")
    assert list(source.index) == list(TYPES.index)
    pairs = {
        "a_ref_m2": "A_C_Ref",
        "a_wall_1_m2": "A_Calc_Wall_1",
        "a_window_south_m2": "A_Calc_Window_South",
        "g_window": "g_gl_n",
        "infiltration_1_h": "n_air_infiltration",
        "delta_u_thermal_bridge_w_m2k": "delta_U_ThermalBridging",
        "q_h_nd_kwh_m2a": "q_h_nd",
    }
    for ours, theirs in pairs.items():
        np.testing.assert_allclose(TYPES[ours], source[theirs], atol=1e-4)
    transmission = (seasonal.opaque_w_k(TYPES) + seasonal.window_w_k(TYPES)) / TYPES["a_ref_m2"].to_numpy()
    np.testing.assert_allclose(transmission, source["h_Transmission"], atol=1e-5)


@pytest.mark.parametrize("code", TYPES.index)
def test_hourly_net_heat_is_within_15_percent_of_tabula(code):
    assert hourly_net_heat()[code] == pytest.approx(TYPES["q_h_nd_kwh_m2a"][code], rel=0.15)


def test_hourly_net_heat_of_east_german_slabs_is_within_3_percent():
    """Lobeda's types are met far closer than the promised 15 %; this keeps it so."""
    slabs = [code for code in TYPES.index if code.startswith("DE.East.AB")]
    np.testing.assert_allclose(hourly_net_heat()[slabs], TYPES["q_h_nd_kwh_m2a"][slabs], rtol=0.03)
