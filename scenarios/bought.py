"""What a measure buys: quantities by building, read off the difference of two cases."""

from __future__ import annotations

import numpy as np
import pandas as pd

from energy import Case, heat_balance
from scenarios.measures import unsealing

COMPONENTS = ("wall", "roof", "floor", "window")
_SUPPLIES = ("district_heating", "heat_pump", "heat_pump_ground")
_ITEM_OF_PV = {"flat": "roof_pv", "pitched": "roof_pv", "balcony": "balcony_pv"}


def quantities(before: Case, after: Case) -> pd.DataFrame:
    """Quantities that lead from one case to the other, in the units of the table measure_costs.

    Index building_id, one column per item; trees belong to no building and stand under the empty id.
    """
    found = {
        **_components(before, after),
        **_supplies(before, after),
        **_smart(before, after),
        **_modules(before, after),
        **_trees(before, after),
        **_unsealed(before, after),
    }
    some = {name: amounts[amounts != 0] for name, amounts in found.items() if (amounts != 0).any()}
    return pd.DataFrame(some).fillna(0.0).rename_axis("building_id")


def _components(before: Case, after: Case) -> dict[str, pd.Series]:
    """Area of each component whose U-value has fallen. [m²]"""
    out = {}
    for component in COMPONENTS:
        name = f"u_{component}_w_m2k"
        better = after.envelope[name] < before.envelope[name] * (1 - 1e-9)
        out[component] = after.envelope[f"{component}_area_m2"].where(better, 0.0)
    return out


def _supplies(before: Case, after: Case) -> dict[str, pd.Series]:
    """Design heat load of the buildings with a new supply, after the measure. [kW]"""
    old, new = before.envelope["heating"], after.envelope["heating"]
    if old.equals(new):
        return {}
    changed = (old != new).to_numpy(bool)
    power = pd.Series(0.0, index=after.envelope.index)
    power[changed] = design_load_kw(after, np.flatnonzero(changed))
    return {name: power.where(changed & (new == name), 0.0) for name in _SUPPLIES}


def design_load_kw(case: Case, rows: np.ndarray) -> np.ndarray:
    """Heat loss at the design outdoor temperature, as DIN EN 12831-1 takes it; shape (row,). [kW]"""
    zones = heat_balance.zones(case.columns.take(rows), case.parameters)
    apart = case.parameters.constant("design_room_c") - case.parameters.constant("design_outdoor_c")
    return (zones.h_tr_op_w_k + zones.h_tr_w_w_k + zones.h_ve_on_w_k) * apart / 1000


def _smart(before: Case, after: Case) -> dict[str, pd.Series]:
    """Dwellings that get smart control."""
    old, new = before.envelope["function"], after.envelope["function"]
    if old.equals(new):
        return {}
    first = new.str.contains("~smart") & ~old.str.contains("~smart")
    return {"smart_heating": after.envelope["dwellings"].fillna(0.0).where(first, 0.0)}


def _modules(before: Case, after: Case) -> dict[str, pd.Series]:
    """Peak power on roofs [kWp], sets on balconies, and batteries [kWh], added."""
    if after.pv is before.pv:
        return {}
    out = {"battery": _sum(after.pv, "battery_kwh").sub(_sum(before.pv, "battery_kwh"), fill_value=0.0)}
    for item in ("roof_pv", "balcony_pv"):
        column = "sets" if item == "balcony_pv" else "peak_power_kwp"
        parts = [_sum(c.pv[c.pv["kind"].map(_ITEM_OF_PV) == item], column) for c in (after, before)]
        out[item] = parts[0].sub(parts[1], fill_value=0.0)
    return {name: values.clip(lower=0.0) for name, values in out.items()}


def _sum(systems: pd.DataFrame, column: str) -> pd.Series:
    return systems.groupby("building_id")[column].sum().astype("float64")


def _trees(before: Case, after: Case) -> dict[str, pd.Series]:
    if after.district is before.district:
        return {}
    count = len(after.district.trees.index.difference(before.district.trees.index))
    return {"tree": pd.Series({"": float(count)})}


def _unsealed(before: Case, after: Case) -> dict[str, pd.Series]:
    """Area of ground by its new surface. [m²]"""
    out = {}
    for surface in unsealing.SURFACES:
        name = unsealing.column(surface)
        if name in after.envelope:
            known = before.envelope.get(name, 0.0)
            out[f"unsealing_{surface}"] = (after.envelope[name] - known).clip(lower=0.0)
    return out
