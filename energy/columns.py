"""The envelope's figures as plain arrays, for what runs while a slider moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from energy.parameters import Parameters
from twin.compute import Same
from twin.errors import CallError

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Columns:
    """Some columns of an envelope, shape (building,) each.

    names : of the figures.  figures : their values, shape (figure, building).
    function, heating : number of the row in the parameter tables use and systems.
    conditioned : whether the building is heated.
    """

    names: tuple[str, ...]
    figures: Array
    function: Rows
    heating: Rows
    conditioned: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.function)

    def __getitem__(self, name: str) -> Array:
        return np.asarray(self.figures[_rows(self.names)[name]])

    def take(self, rows: Rows) -> Columns:
        """The buildings at `rows`."""
        figures = self.figures.take(rows, axis=1)
        return Columns(self.names, figures, self.function[rows], self.heating[rows], self.conditioned[rows])

    def with_figures(self, **figures: npt.NDArray[np.floating[Any]]) -> Columns:
        """The same with other values of some figures."""
        values, rows = self.figures.copy(), _rows(self.names)
        for name, one in figures.items():
            values[rows[name]] = one
        return replace(self, figures=values)

    def changed(self, other: Columns) -> npt.NDArray[np.bool_]:
        """Buildings with any figure or label that differs, shape (building,)."""
        differs = (
            (self.function != other.function)
            | (self.heating != other.heating)
            | (self.conditioned != other.conditioned)
        )
        unlike = self.figures != other.figures
        unlike &= (self.figures == self.figures) | (other.figures == other.figures)  # two nan are alike
        return np.asarray(differs | unlike.any(axis=0))


@lru_cache(maxsize=16)
def _rows(names: tuple[str, ...]) -> dict[str, int]:
    return {name: row for row, name in enumerate(names)}


@lru_cache(maxsize=16)
def _places(columns: tuple[str, ...], names: tuple[str, ...]) -> Rows:
    """Number of each of `names` among the columns of an envelope.

    Raises
    ------
    CallError : one is not there.
    """
    places = {name: number for number, name in enumerate(columns)}
    if lost := [name for name in names if name not in places]:
        raise CallError(f"the envelope has no column {lost[0]}", "energy", "See energy.archetypes.fill")
    return np.array([places[name] for name in names], np.intp)


def columns(envelope: pd.DataFrame, names: Iterable[str], parameters: Parameters) -> Columns:
    """Columns `names` of an envelope with its labels.

    Raises
    ------
    CallError : a column is not there.
    """
    names = tuple(names)
    # By numbers, not by names: pandas takes several times as long to look for names.
    places = _places(tuple(envelope.columns), (*names, "function", "heating", "conditioned"))
    function, heating, conditioned = (envelope.iloc[:, place] for place in places[len(names) :])
    taken = envelope.take(places[: len(names)], axis=1)
    return Columns(
        names,
        np.ascontiguousarray(taken.to_numpy("float64").T),
        numbers(function, parameters.use.index),
        numbers(heating, parameters.systems.index),
        conditioned.to_numpy(bool),
    )


def numbers(labels: pd.Series, table: pd.Index[Any]) -> Rows:
    """Row of each label in a table, not to be changed; -1 where it has none."""
    kept = getattr(labels.array, "__arrow_array__", None)  # the same object while nobody writes to it
    if kept is None:
        return _found(pa.array(labels.array, from_pandas=True), table)
    return _kept(Same(kept()), Same(table))


@lru_cache(maxsize=16)
def _kept(labels: Same[Any], table: Same[pd.Index[Any]]) -> Rows:
    found = _found(labels.it, table.it)
    found.flags.writeable = False
    return found


def _found(labels: Any, table: pd.Index[Any]) -> Rows:
    if not (pa.types.is_string(labels.type) or pa.types.is_large_string(labels.type)):
        labels = labels.cast(pa.string())
    found = pc.index_in(labels, value_set=_labels(Same(table), labels.type))
    return np.array(found.fill_null(-1).to_numpy(zero_copy_only=False), np.intp)


def relabelled(labels: pd.Series, rows: npt.NDArray[np.bool_], text: str) -> Any:
    """Labels with `text` at `rows`, as an array for the frame they are of: pandas' own way takes 2 ms."""
    kept = getattr(labels.array, "__arrow_array__", None)
    if kept is None:
        return labels.mask(rows, text).array
    chosen = pc.if_else(pa.array(rows), pa.scalar(text, kept().type), kept())
    return type(labels.array)(chosen, dtype=labels.dtype)


@lru_cache(maxsize=64)
def _labels(table: Same[pd.Index[Any]], kind: pa.DataType) -> pa.Array:
    return pa.array(table.it, kind)
