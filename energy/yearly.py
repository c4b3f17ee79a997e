"""Annual sums per building: the fast path of the live app, of pathways and ensembles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energy import results, supply, weighting
from energy.case import Case
from energy.changes import Changes, changes
from energy.simulate import bins_of, chain, selected
from energy.supply import Supply

Array = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]
_ENERGY = tuple(name for name in results.ANNUAL if name not in weighting.FACTORS)
_WEIGHED = tuple(name for name in results.ANNUAL if name in weighting.FACTORS)
_COLUMNS = pd.Index([*_ENERGY, *_WEIGHED])


def annual(
    case: Case, *, buildings: Iterable[str] | None = None, since: tuple[Case, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Annual sums per building, index building_id.

    since : a case and its annual sums: only what differs from it is computed again (`energy.changes`): the
        buildings that a measure touches, or factors and prices alone.

    Columns as `energy.results.ANNUAL`; equal to `simulate` by months, summed, but for float32's rounding.
    Needs are those of the hours; what is delivered follows from monthly ratios (`energy.heat_year`).

    Examples
    --------
    >>> case = energy.Case(twin.open("lobeda"), energy.weather.sample())
    >>> bool((energy.annual(case)["co2_kg"] > 0).all())
    True
    """
    if since is not None and buildings is None and (differ := changes(since[0], case)) is not None:
        return _after(case, since[1], differ)
    rows = selected(case, buildings)
    index = case.envelope.index if buildings is None else case.envelope.index[rows]
    return _table(_sums(case, rows), index)


def _table(sums: Array, index: pd.Index[Any]) -> pd.DataFrame:
    return pd.DataFrame(sums.T, index=index, columns=_COLUMNS)


def _after(case: Case, before: pd.DataFrame, differ: Changes) -> pd.DataFrame:
    """The sums of a case that differs from the one of `before` by `differ`."""
    rows = np.flatnonzero(differ.buildings)
    known = np.array(before.to_numpy("float64").T)
    if rows.size:
        known[:, rows] = _sums(case, rows)
    if differ.weighting:
        supplied = supply.supply_of(case.columns, case.parameters)
        known[len(_ENERGY) :] = _weigh(case, supplied, known[: len(_ENERGY)])
    return _table(known, before.index)


def _sums(case: Case, rows: Rows) -> Array:
    """Sums of `_COLUMNS` of the buildings `rows`, shape (quantity, building)."""
    columns = case.columns.take(rows)
    supplied = supply.supply_of(columns, case.parameters)
    arrays = chain(case, rows, bins_of(case.weather, "month"), _ENERGY, buildings=columns, supplied=supplied)
    energy = np.array([arrays[name].sum(axis=1, dtype="float64") for name in _ENERGY])
    return np.concatenate([energy, _weigh(case, supplied, energy)])


def _weigh(case: Case, supplied: Supply, energy: Array) -> Array:
    """Primary energy, CO2 and cost of sums of `_ENERGY`, shape (quantity, building)."""
    figure = dict(zip(_ENERGY, energy[..., None], strict=True))
    electric = (supplied.carrier == supplied.electricity)[:, None]
    heat = np.where(electric, 0.0, figure["heating_delivered_kwh"])  # of electricity it is in the import
    bought, sold = figure["grid_import_kwh"], figure["grid_export_kwh"]
    weighed = [
        weighting.weighted(name, supplied, heat, bought, case.parameters, sold)[:, 0] for name in _WEIGHED
    ]
    return np.array(weighed)
