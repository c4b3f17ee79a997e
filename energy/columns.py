"""The envelope's figures as plain arrays, for what runs while a slider moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from energy.parameters import Parameters

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Columns:
    """Some columns of an envelope, shape (building,) each.

    figures : by name.
    function, heating : number of the row in the parameter tables use and systems.
    conditioned : whether the building is heated.
    """

    figures: dict[str, Array]
    function: Rows
    heating: Rows
    conditioned: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.function)

    def __getitem__(self, name: str) -> Array:
        return self.figures[name]

    def take(self, rows: Rows) -> Columns:
        """The buildings at `rows`."""
        figures = {name: values[rows] for name, values in self.figures.items()}
        return Columns(figures, self.function[rows], self.heating[rows], self.conditioned[rows])

    def changed(self, other: Columns) -> npt.NDArray[np.bool_]:
        """Buildings with any figure or label that differs, shape (building,)."""
        differs = (
            (self.function != other.function)
            | (self.heating != other.heating)
            | (self.conditioned != other.conditioned)
        )
        for name, values in self.figures.items():
            if values is not other.figures[name]:
                there = other.figures[name]
                differs |= (values != there) & ~(np.isnan(values) & np.isnan(there))
        return np.asarray(differs)


def columns(envelope: pd.DataFrame, names: Iterable[str], parameters: Parameters) -> Columns:
    """Columns `names` of an envelope with its labels."""
    names = list(names)
    figures = np.ascontiguousarray(envelope[names].to_numpy("float64").T)
    return Columns(
        dict(zip(names, figures, strict=True)),
        _numbers(envelope["function"], parameters.use.index),
        _numbers(envelope["heating"], parameters.systems.index),
        envelope["conditioned"].to_numpy(bool),
    )


def _numbers(labels: pd.Series, table: pd.Index[Any]) -> Rows:
    """Row of each label in a table; -1 where it has none."""
    values = pa.array(labels.array, pa.string(), from_pandas=True)
    found = pc.index_in(values, value_set=pa.array(table, pa.string()))
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.intp)
