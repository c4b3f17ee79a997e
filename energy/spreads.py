"""How sure each figure of the envelope is: standard deviations by where it comes from (for ensembles)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.parameters import Parameters

# Column of the envelope that says where each figure comes from.
SOURCE_OF = {
    "u_wall_w_m2k": "u_wall_source",
    "u_roof_w_m2k": "u_roof_source",
    "u_floor_w_m2k": "u_floor_source",
    "u_window_w_m2k": "u_window_source",
    "u_door_w_m2k": "u_door_source",
    "g_window": "g_window_source",
    "delta_u_thermal_bridge_w_m2k": "delta_u_thermal_bridge_source",
    "b_roof": "unheated_source",
    "b_floor": "unheated_source",
    "infiltration_1_h": "infiltration_source",
    "ventilation_1_h": "ventilation_source",
    "ventilation_off_1_h": "ventilation_source",
    "heat_capacity_wh_m2k": "heat_capacity_source",
    "wall_area_m2": "wall_area_source",
    "roof_area_m2": "roof_area_source",
    "floor_area_m2": "floor_area_source",
    "window_area_m2": "window_area_source",
    "door_area_m2": "door_area_source",
    "a_use_m2": "a_use_source",
    "setpoint_offset_k": "setpoint_offset_source",
    "gains_factor": "gains_source",
    "hot_water_factor": "hot_water_source",
}
KINDS = ("given", "derived", "guessed")
_OTHER = "derived"  # what a measure sets is planned and known, not measured


def kinds(sources: pd.Series) -> tuple[npt.NDArray[np.intp], list[str]]:
    """Number of each source's kind, shape (building,), in a list of "given", "derived" or "guessed"."""
    number, texts = pd.factorize(sources)
    kind = [str(text).partition(":")[0] for text in texts]
    return number, [name if name in KINDS else _OTHER for name in kind]


def spreads(
    envelope: pd.DataFrame, parameters: Parameters, quantities: Iterable[str] = tuple(SOURCE_OF)
) -> pd.DataFrame:
    """Standard deviation of figures of `SOURCE_OF`, columns `<quantity>_sd`, index as the envelope.

    In the figure's own unit; by the table spreads (own estimates), relative ones times the figure.
    """
    table = parameters.spreads
    out = {}
    for quantity in quantities:
        column = SOURCE_OF[quantity]
        rows = table.loc[quantity]
        number, kind = kinds(envelope[column])
        index = np.asarray(rows.index.get_indexer(pd.Index(kind, dtype=rows.index.dtype)))[number]
        sd = rows["sd"].to_numpy("float64")[index]
        relative = (rows["scale"] == "relative").to_numpy()[index]
        value = np.abs(envelope[quantity].to_numpy("float64"))
        out[f"{quantity}_sd"] = np.where(relative, sd * value, sd)
    return pd.DataFrame(out, index=envelope.index)
