"""U-values, thermal bridges and unheated spaces: TABULA's types in their existing and refurbished states."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.columns import numbers, relabelled
from energy.parameters import COMPONENTS, Parameters

Array = npt.NDArray[np.float64]
EXISTING = "none"


def existing(types: pd.DataFrame) -> dict[str, Array]:
    """Of rows of the table typology: U-values by component, `r_unheated_…` and `b_…`; shape (type,) each.

    The larger of TABULA's two roofs (1 pitched, 2 flat or attic floor) and floors (1 over a cellar, 2 on the
    ground) stands for the whole.
    """
    pitched = (types["a_roof_1_m2"] > types["a_roof_2_m2"]).to_numpy()
    ground = (types["a_floor_2_m2"] > types["a_floor_1_m2"]).to_numpy()

    def pick(pattern: str, component: str) -> Array:
        first = pitched if component == "roof" else ~ground
        one, two = (types[pattern.format(f"{component}_{number}")].to_numpy("float64") for number in (1, 2))
        return np.where(first, one, two)

    figures = {f"u_{name}_w_m2k": pick("u_{}_w_m2k", name) for name in ("roof", "floor")}
    figures["u_wall_w_m2k"] = types["u_wall_1_w_m2k"].to_numpy("float64")
    figures["u_window_w_m2k"] = types["u_window_w_m2k"].to_numpy("float64")
    for name in ("roof", "floor"):
        figures[f"r_unheated_{name}_m2k_w"] = pick("r_unheated_{}_m2k_w", name)
        figures[f"b_{name}"] = pick("b_{}", name)
    return figures


def states(parameters: Parameters) -> pd.DataFrame:
    """All types in all states: index (code, state), state "none" (existing) or a refurbishment standard.

    Columns u_{wall,roof,floor,window}_w_m2k, g_window, delta_u_thermal_bridge_w_m2k. A standard never makes
    a component worse.
    """
    types = parameters.typology
    figures = existing(types)
    frames = {}
    for state in (EXISTING, *parameters.standards):
        frame = pd.DataFrame({f"u_{name}_w_m2k": figures[f"u_{name}_w_m2k"] for name in COMPONENTS})
        frame["g_window"] = types["g_window"].to_numpy()
        bridges = types["delta_u_thermal_bridge_w_m2k"].to_numpy()
        if state != EXISTING:
            for name in COMPONENTS:
                target = parameters.refurbishment_standard(state, name)
                better = frame[f"u_{name}_w_m2k"] > target.u_value_w_m2k
                frame.loc[better, f"u_{name}_w_m2k"] = target.u_value_w_m2k
                if name == "window":
                    frame.loc[better, "g_window"] = np.minimum(frame["g_window"][better], target.g_value)
            bridges = np.minimum(bridges, _bridges_of(state, parameters))
        frame["delta_u_thermal_bridge_w_m2k"] = bridges
        frames[state] = frame.set_index(types.index)
    table: pd.DataFrame = pd.concat(frames, names=["state"]).swaplevel().sort_index()
    return table


def add_transmittances(
    envelope: pd.DataFrame, buildings: pd.DataFrame, types: pd.DataFrame, parameters: Parameters
) -> None:
    """Add U-values, g, unheated spaces and thermal bridges with their sources to the envelope.

    Known U-values of the district win; else the type's, at the standard that the component's or the
    building's refurbishment names.
    """
    figures = existing(types)
    state = buildings["refurbishment"].astype("object").to_numpy()
    state_source = buildings["refurbishment_source"].astype("object").to_numpy()
    envelope["refurbishment"] = np.where(pd.isna(state), EXISTING, state)
    envelope["refurbishment_source"] = np.where(
        pd.isna(state),
        "guessed:existing state",
        np.where(pd.isna(state_source), "given:district", state_source),
    )
    envelope["g_window"] = types["g_window"].to_numpy()
    of_type = ("guessed:TABULA " + envelope["archetype"]).to_numpy("object")
    envelope["g_window_source"] = of_type
    for component in COMPONENTS:
        _add_component(envelope, buildings, component, figures[f"u_{component}_w_m2k"], parameters)
    envelope["u_door_w_m2k"] = types["u_door_w_m2k"].to_numpy()
    envelope["u_door_source"] = of_type
    for name in ("r_unheated_roof_m2k_w", "r_unheated_floor_m2k_w", "b_roof", "b_floor"):
        envelope[name] = figures[name]
    # TABULA leaves b of the part that a type does not have at zero: no area, no figure.
    empty = envelope["b_floor"].to_numpy() <= 0
    envelope["b_floor"] = np.where(empty, parameters.constant("b_floor"), envelope["b_floor"])
    envelope["b_roof"] = np.where(envelope["b_roof"].to_numpy() <= 0, 1.0, envelope["b_roof"])
    envelope["unheated_source"] = of_type
    envelope["delta_u_thermal_bridge_w_m2k"] = types["delta_u_thermal_bridge_w_m2k"].to_numpy()
    envelope["delta_u_thermal_bridge_source"] = of_type
    follow_refurbishment(envelope, np.ones(len(envelope), bool), parameters)


def _add_component(
    envelope: pd.DataFrame, buildings: pd.DataFrame, component: str, value: Array, parameters: Parameters
) -> None:
    source = ("guessed:TABULA " + envelope["archetype"]).to_numpy("object")
    own_state = buildings[f"refurbishment_{component}"].astype("object").to_numpy()
    state = np.where(pd.isna(own_state), envelope["refurbishment"].to_numpy("object"), own_state)
    for standard in parameters.standards:
        target = parameters.refurbishment_standard(standard, component)
        better = (state == standard) & (value > target.u_value_w_m2k)
        value = np.where(better, target.u_value_w_m2k, value)
        source = np.where(better, f"guessed:refurbishment standard {standard} (own calculation)", source)
        if component == "window":
            g = envelope["g_window"].to_numpy()
            envelope["g_window"] = np.where(better, np.minimum(g, target.g_value), g)
            envelope["g_window_source"] = np.where(better, source, envelope["g_window_source"])
    known = buildings[f"u_{component}_w_m2k"].to_numpy("float64")
    own = np.isfinite(known) & (known > 0)
    envelope[f"u_{component}_w_m2k"] = np.where(own, known, value)
    envelope[f"u_{component}_source"] = np.where(own, "given:district", source)


def refurbished_share(
    envelope: pd.DataFrame | dict[str, Array], standard: str, parameters: Parameters
) -> Array:
    """Share of the envelope's area that is at least as good as `standard`; shape (building,). [-]"""
    total = np.zeros(len(envelope["wall_area_m2"]))
    good = np.zeros(len(total))
    for component in COMPONENTS:
        area, u_value = (np.asarray(envelope[n]) for n in (f"{component}_area_m2", f"u_{component}_w_m2k"))
        target = parameters.refurbishment_standard(standard, component).u_value_w_m2k
        total += area
        good += np.where(u_value <= target * (1 + 1e-9), area, 0.0)
    return good / np.where(total > 0, total, 1.0)


def follow_refurbishment(
    envelope: pd.DataFrame, chosen: npt.NDArray[np.bool_], parameters: Parameters
) -> None:
    """Lower the thermal bridges of the `chosen` buildings (shape (building,)) as their U-values are now.

    As in TABULA, the supplement goes with the refurbished share of the envelope from the type's own class to
    the standard's. It is never raised.
    """
    types = numbers(envelope["archetype"], parameters.typology.index)
    names = [f"{component}_area_m2" for component in COMPONENTS] + [f"u_{c}_w_m2k" for c in COMPONENTS]
    figures = {name: envelope[name].to_numpy("float64") for name in names}
    own = parameters.typology["delta_u_thermal_bridge_w_m2k"].to_numpy("float64")[types]
    lowest = envelope["delta_u_thermal_bridge_w_m2k"].to_numpy("float64").copy()
    before = lowest.copy()
    for standard in parameters.standards:
        share = refurbished_share(figures, standard, parameters)
        lowest = np.minimum(lowest, own + share * (_bridges_of(standard, parameters) - own))
    changed = chosen & (lowest < before)
    if not changed.any():
        return
    envelope["delta_u_thermal_bridge_w_m2k"] = np.where(changed, lowest, before)
    source = "guessed:TABULA's method, by the refurbished share of the envelope"
    labels = envelope["delta_u_thermal_bridge_source"]
    envelope["delta_u_thermal_bridge_source"] = relabelled(labels, changed, source)


def _bridges_of(standard: str, parameters: Parameters) -> float:
    return float(parameters.refurbishment_effects["delta_u_thermal_bridge_w_m2k"].to_dict()[standard])
