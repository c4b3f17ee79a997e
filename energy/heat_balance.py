"""From the envelope's columns to thermal zones: transmission, ventilation, gains and collecting areas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.archetypes import WINDOW_COLUMNS
from energy.columns import Columns
from energy.parameters import Parameters
from energy.zone import H_MS, UNLIMITED_W, Zones
from twin.errors import CallError

Array = npt.NDArray[np.floating[Any]]
Envelope = pd.DataFrame | Columns
AIR_WH_M3K = 0.34  # volumetric heat capacity of air
NUMBERS = (
    "a_use_m2", "wall_area_m2", "roof_area_m2", "floor_area_m2", "door_area_m2", "window_area_m2",
    *WINDOW_COLUMNS, "u_wall_w_m2k", "u_roof_w_m2k", "u_floor_w_m2k", "u_window_w_m2k", "u_door_w_m2k",
    "r_unheated_roof_m2k_w", "r_unheated_floor_m2k_w", "b_roof", "b_floor", "g_window",
    "delta_u_thermal_bridge_w_m2k", "infiltration_1_h", "ventilation_1_h", "ventilation_off_1_h",
    "heat_capacity_wh_m2k", "mass_area_ratio", "party_unheated_area_m2", "u_party_w_m2k",
    "gains_factor", "hot_water_factor",
)  # fmt: skip
SHADING = {"rays": "shading_own", "tabula": "shading_vertical"}
SIGNED = ("setpoint_offset_k",)
COLUMNS = (*NUMBERS, *SIGNED, "dwellings")  # what the chain takes of an envelope


def effective_u(u_value: Array, r_unheated: Array) -> Array:
    """U-value of a component with the resistance of an unheated space behind it, as in TABULA. [W/(m²K)]"""
    return u_value / (1 + u_value * r_unheated)


def opaque_transmission(envelope: Envelope, parameters: Parameters) -> Array:
    """H_tr of walls, roof, lowest floor, walls to unheated neighbours and thermal bridges; shape (building,).

    ISO 13790:2008, 8.3. [W/K]

    Thermal bridges count on all envelope areas, windows and doors included, as in TABULA.
    """
    get = _getter(envelope)
    roof = (
        get("b_roof") * get("roof_area_m2") * effective_u(get("u_roof_w_m2k"), get("r_unheated_roof_m2k_w"))
    )
    floor = (
        get("b_floor")
        * get("floor_area_m2")
        * effective_u(get("u_floor_w_m2k"), get("r_unheated_floor_m2k_w"))
    )
    areas = np.sum([get(f"{name}_area_m2") for name in ("wall", "roof", "floor", "window", "door")], axis=0)
    walls = get("wall_area_m2") * get("u_wall_w_m2k")
    neighbours = get("party_unheated_area_m2") * get("u_party_w_m2k")
    walls = walls + parameters.constant("b_unheated_neighbour") * neighbours
    return np.asarray(walls + roof + floor + get("delta_u_thermal_bridge_w_m2k") * areas)


def window_transmission(envelope: Envelope) -> Array:
    """H_tr of windows and doors; shape (building,). [W/K]"""
    get = _getter(envelope)
    return get("window_area_m2") * get("u_window_w_m2k") + get("door_area_m2") * get("u_door_w_m2k")


def ventilation(envelope: Envelope, rate: str, parameters: Parameters) -> Array:
    """H_ve of infiltration and use (in column `rate`), ISO 13790:2008, 9.3; shape (building,). [W/K]"""
    get = _getter(envelope)
    volume = parameters.constant("room_height_m") * get("a_use_m2")
    return AIR_WH_M3K * volume * (get("infiltration_1_h") + get(rate))


def solar_area(envelope: Envelope, parameters: Parameters, *, shading: str = "tabula") -> Array:
    """Effective collecting areas of the windows, ISO 13790:2008, 11.3.3; shape (building, 9). [m²]

    shading : as `Case.shading`; where rays give the shade of the surroundings, only the window's own remains.
    """
    get = _getter(envelope)
    factor = (
        parameters.constant(SHADING[shading])
        * (1 - parameters.constant("frame_share"))
        * parameters.constant("non_normal_incidence")
    )
    facades = np.stack([get(column) for column in WINDOW_COLUMNS], axis=1)
    areas = np.zeros((len(envelope), len(WINDOW_COLUMNS) + 1))
    areas[:, :-1] = facades * (factor * get("g_window"))[:, None]
    return areas


def zones(envelope: Envelope, parameters: Parameters, *, shading: str = "tabula") -> Zones:
    """One zone per building of `envelope` (all conditioned).

    The mass area is at least twice what the opaque elements' conductance needs: only forms far from any
    building (a chimney with one storey of floor) feel it, and stay solvable.

    The figures are taken as they are: see `check`.
    """
    get = _getter(envelope)
    area = get("a_use_m2")
    opaque, window = opaque_transmission(envelope, parameters), window_transmission(envelope)
    mass_area = np.maximum(get("mass_area_ratio") * area, 2 * opaque / H_MS)
    inner = np.maximum(parameters.constant("total_area_ratio") * area, 1.5 * (mass_area + window / H_MS))
    gains = parameters.use["gains_w_m2"].to_numpy("float64")[_uses(envelope, parameters)]
    unlimited = np.full(len(envelope), UNLIMITED_W)
    return Zones(
        h_tr_op_w_k=opaque,
        h_tr_w_w_k=window,
        h_ve_on_w_k=ventilation(envelope, "ventilation_1_h", parameters),
        h_ve_off_w_k=ventilation(envelope, "ventilation_off_1_h", parameters),
        c_m_wh_k=get("heat_capacity_wh_m2k") * area,
        a_m_m2=mass_area,
        a_tot_m2=inner,
        gains_w=gains * area * get("gains_factor"),
        solar_area_m2=solar_area(envelope, parameters, shading=shading),
        set_offset_k=get("setpoint_offset_k"),
        heating_limit_w=unlimited,
        cooling_limit_w=unlimited,
        control_air_share=np.full(len(envelope), parameters.constant("control_air_share")),
    )


def _getter(envelope: Envelope) -> Callable[[str], Array]:
    return lambda column: np.asarray(envelope[column], "float64")


def _uses(envelope: Envelope, parameters: Parameters) -> npt.NDArray[np.intp]:
    """Row of each building's use in the parameter table."""
    if isinstance(envelope, Columns):
        return envelope.function
    return np.asarray(parameters.use.index.get_indexer(pd.Index(envelope["function"])), np.intp)


def check(envelope: Columns, ids: pd.Index[Any]) -> None:
    """Stop at figures of heated buildings that are missing or negative.

    envelope : with the columns `COLUMNS`, in their order.

    Raises
    ------
    CallError : names the building and the column.
    """
    values = envelope.figures[: len(NUMBERS) + len(SIGNED)]
    good = np.abs(values) < np.inf
    good[: len(NUMBERS)] &= values[: len(NUMBERS)] >= 0
    good |= ~envelope.conditioned
    if not good.all():
        number, row = np.argwhere(~good)[0]
        name = COLUMNS[number]
        raise CallError(
            f"{name} is {envelope[name][row]:g}",
            f"building {ids[row]}",
            "Correct the district or the measure that set it",
        )
