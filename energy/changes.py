"""What a change of a case touches: which buildings, and which part of the chain.

Measures hand on what they leave as it is, so tables that are the same object need no look.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy.case import Case
from energy.parameters import VALUE_TABLES, Parameters
from twin.compute import Same

Mask = npt.NDArray[np.bool_]
# Tables that the chain's yearly sums do not follow from, once the envelope is filled.
_IDLE = frozenset({
    "typology", "refurbishment", "refurbishment_effects", "series", "regions", "materials", "constructions",
    "fabrics", "spreads", "limits", "rooms", "shading_devices", "summer_regions", "pipes", "water",
    "measure_costs", "uncertainties", "feed_in", "network", "calibration", "economy",
})  # fmt: skip
_WEIGHTS = frozenset({"carriers", "paths", "co2_prices"})
_WEIGHING_FIGURES = frozenset({
    "year", "price_year", "vat", "network_simulated", "network_loss_share", "export_credit",
    "export_primary_energy_factor", "export_co2_kg_kwh",
})  # fmt: skip
_BY_FUNCTION = ("use", "schedules")


@dataclass(frozen=True)
class Changes:
    """What a case has that another has not.

    buildings : whose energy differs, shape (building,).
    weighting : whether factors and prices differ, of all buildings.
    """

    buildings: Mask
    weighting: bool


def changes(before: Case, after: Case) -> Changes | None:
    """What differs between two cases in their yearly sums (method rc5); None where everything may.

    The weather must be the same object: a measure that leaves it hands it on. Parameters may differ in
    factors and prices, in tables that the chain does not read, and in the uses of buildings.
    """
    same = (
        before.weather is after.weather
        and before.shading == after.shading
        and (before.shading == "tabula" or before.district is after.district)
    )
    if not same or not before.envelope.index.equals(after.envelope.index):
        return None
    modules = _modules(before, after)
    if before.parameters is after.parameters:
        return Changes(before.columns.changed(after.columns) | modules, False)
    differ = _tables(before.parameters, after.parameters)
    if differ - _WEIGHTS - set(_BY_FUNCTION):
        return None
    return Changes(_buildings(before, after) | modules, bool(differ & _WEIGHTS))


def _modules(before: Case, after: Case) -> Mask:
    """Buildings whose photovoltaic systems differ."""
    index = after.envelope.index
    if before.pv is after.pv:
        return np.zeros(len(index), bool)
    one, other = (_prints(Same(case.pv), Same(index)) for case in (before, after))
    return np.asarray(one != other)


@lru_cache(maxsize=16)
def _prints(systems: Same[pd.DataFrame], index: Same[pd.Index[Any]]) -> npt.NDArray[np.uint64]:
    """A fingerprint of each building's systems, in whatever order they stand; 0 without any."""
    table = systems.it
    prints = np.zeros(len(index.it), np.uint64)
    if len(table):
        counted = table[[name for name in table.columns if not name.endswith("_source")]]
        rows = pd.util.hash_pandas_object(counted, index=False).to_numpy()
        owner = index.it.get_indexer(pd.Index(table["building_id"]))
        np.add.at(prints, owner[owner >= 0], rows[owner >= 0])
    return prints


def _tables(before: Parameters, after: Parameters) -> set[str]:
    """Names of the tables whose differences count; single figures of the weighting count as its tables."""
    differ: set[str] = set()
    for name in before.__dataclass_fields__:
        one, other = getattr(before, name), getattr(after, name)
        if one is other or name in _IDLE:
            continue
        if name in VALUE_TABLES:
            figures = set(one.index.symmetric_difference(other.index))
            figures |= set(other.index[(one["value"].reindex(other.index) != other["value"]).to_numpy()])
            if figures:
                differ.add("carriers" if figures <= _WEIGHING_FIGURES else name)
        elif name == "carriers" and not one.index.equals(other.index):
            differ.add("systems")  # the heat's carriers are others
        else:
            differ.add(name)
    return differ


def _buildings(before: Case, after: Case) -> Mask:
    """Buildings whose figures differ, or whose use has another name or other rows in the tables."""
    one, other = before.parameters, after.parameters
    mine = other.use.index.get_indexer(one.use.index)  # number of each use in the later table
    columns = before.columns
    renumbered = np.append(mine, -1)[columns.function]
    same_names = type(columns)(
        columns.names, columns.figures, renumbered, columns.heating, columns.conditioned
    )
    touched = same_names.changed(after.columns)
    other_rows = np.zeros(len(other.use), bool)
    for name in _BY_FUNCTION:
        table, later = getattr(one, name), getattr(other, name)
        if table is not later:
            other_rows |= other.use.index.isin(_differing(table, later))
    return np.asarray(touched | other_rows[after.columns.function])


def _differing(one: pd.DataFrame, other: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Functions with a row that differs, or that only the later table has."""
    place = {key: row for row, key in enumerate(one.index)}
    rows = np.array([place.get(key, -1) for key in other.index], np.intp)
    if len(one) and one.columns.equals(other.columns):
        before, after = (table.to_numpy(object, na_value=np.nan) for table in (one, other))
        before = before[rows]
        alike = (before == after) | ((before != before) & (after != after))  # two nan are alike
        same = alike.all(axis=1) & (rows >= 0)
    else:
        same = np.zeros(len(other), bool)
    return np.asarray(other.index.get_level_values("function").to_numpy(object)[~same])


def changed_buildings(before: Case, after: Case) -> Mask | None:
    """Buildings whose figures differ, shape (building,); None where the parameters or more may differ."""
    if before.parameters is not after.parameters:
        return None
    found = changes(before, after)
    return None if found is None else found.buildings
