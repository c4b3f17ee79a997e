"""The shipped typology against TABULA's own table, column by column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from energy import transmittances
from energy.heat_balance import effective_u
from energy.parameters import Parameters

TYPES = Parameters.default().typology
PARTS = ("Roof_1", "Roof_2", "Wall_1", "Wall_2", "Floor_1", "Floor_2")
ORIENTATIONS = ("Horizontal", "East", "South", "West", "North")
# FACTS of the project, from TABULA: U of roof, wall, floor and window; the flat roof is roof 2.
SLABS = {
    "DE.East.MFH.05.Gen": (0.6, 1.1, 1.6, 2.7),
    "DE.East.AB.06.Gen": (0.6, 1.1, 1.0, 2.7),
    "DE.East.AB.06.HR": (0.6, 1.1, 1.0, 2.7),
    "DE.East.AB.07.Gen": (0.5, 0.9, 0.8, 2.7),
    "DE.East.AB.07.HR": (0.5, 0.9, 0.8, 3.0),
    "DE.East.AB.08.Gen": (0.4, 0.6, 0.6, 3.0),
}


@pytest.fixture(scope="module")
def source(shared_data):
    table = pd.read_csv(shared_data / "tabula/tabula_DE_wPersons.csv").set_index("Code_BuildingVariant")
    table.index = table.index.str.replace(".ReEx.001.001", "")
    return table


def pairs():
    areas = {f"a_{part.lower()}_m2": f"A_Calc_{part}" for part in PARTS}
    windows = {f"a_window_{side.lower()}_m2": f"A_Calc_Window_{side}" for side in ORIENTATIONS}
    values = {f"u_{part.lower()}_w_m2k": f"U_Actual_{part}" for part in PARTS}
    behind = {f"r_unheated_{part.lower()}_m2k_w": f"R_Add_UnheatedSpace_{part}" for part in PARTS}
    factors = {f"b_{part.lower()}": f"b_Transmission_{part}" for part in PARTS}
    single = {
        "a_ref_m2": "A_C_Ref",
        "a_door_m2": "A_Calc_Door_1",
        "u_window_w_m2k": "U_Actual_Window_1",
        "u_door_w_m2k": "U_Actual_Door_1",
        "year_from": "Year1_Building",
        "year_to": "Year2_Building",
        "storeys": "n_Storey",
        "dwellings": "n_Apartment",
        "g_window": "g_gl_n",
        "delta_u_thermal_bridge_w_m2k": "delta_U_ThermalBridging",
        "infiltration_1_h": "n_air_infiltration",
        "f_red_htr1": "F_red_htr1",
        "f_red_htr4": "F_red_htr4",
        "q_w_nd_kwh_m2a": "q_w_nd",
        "q_h_nd_kwh_m2a": "q_h_nd",
    }
    return areas | windows | values | behind | factors | single


@pytest.mark.parametrize(("ours", "theirs"), [pair for pair in pairs().items() if pair[0] in TYPES])
def test_column_is_tabulas(source, ours, theirs):
    """U-values where the component has an area; TABULA's actual one holds the unheated space behind it."""
    mine, other = TYPES[ours].to_numpy("float64"), source[theirs].to_numpy("float64")
    part = ours.removesuffix("_w_m2k").removeprefix("u_")
    there = TYPES[f"a_{part}_m2"].to_numpy() > 0 if f"a_{part}_m2" in TYPES else np.ones(len(TYPES), bool)
    if ours.startswith("u_") and f"r_unheated_{part}_m2k_w" in TYPES:
        mine = effective_u(mine, TYPES[f"r_unheated_{part}_m2k_w"].to_numpy("float64"))
    np.testing.assert_allclose(mine[there], other[there], atol=1e-4)


@pytest.mark.parametrize(("code", "values"), SLABS.items())
def test_slabs_have_the_documented_u_values(code, values):
    figures = transmittances.existing(TYPES.loc[[code]])
    ours = [float(figures[f"u_{name}_w_m2k"][0]) for name in ("roof", "wall", "floor", "window")]
    assert ours == list(values)
    assert float(figures["r_unheated_roof_m2k_w"][0]) == 0.3  # cold roof: ventilated loft above the top slab
    assert float(figures["b_floor"][0]) == 0.5  # cellar
    assert TYPES.loc[code, "g_window"] == 0.75
