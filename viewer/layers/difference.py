"""What changes with the measures: less in one colour, more in the other, nothing in the middle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from viewer import colours, texts
from viewer.layers.base import Layer, View, continuous, per_area

# Layer, and the column of the annual results whose change it shows.
COLUMNS = {"diff_heat": "heating_need_kwh", "diff_co2": "co2_kg", "diff_cost": "energy_cost_eur"}


def _spec(name: str, view: View) -> Layer:
    """Change per reference floor area of each building; the scale has 0 in the middle."""
    column = COLUMNS[name]
    before = per_area(view, view.baseline[column])
    change = per_area(view, view.results[column]) - before
    layer = continuous(
        view, name, change, limits_of=before, scale="difference", digits=1, weights=view.area_m2,
        audience="manager",
    )  # fmt: skip
    # Half of what the district has today: few measures take away more.
    end = colours.limits((before / 2).to_numpy("float64"), view.area_m2.to_numpy("float64"))[1]
    largest = float(np.nanmax(np.abs(layer.values), initial=0.0))
    note = layer.note if largest else texts.text(view.language, "layer.diff_none")
    ticks = tuple(colours.ticks(-end, end, 4))
    over = largest > end * (1 + 1e-6)
    return replace(layer, value_min=-end, value_max=end, ticks=ticks, over=over, note=note)


def _of(name: str) -> Callable[[View], Layer]:
    return lambda view: _spec(name, view)


DIFFERENCE: dict[str, Callable[[View], Layer]] = {name: _of(name) for name in COLUMNS}
