"""The heat network in 3D: its pipes, and the buildings by what reaches their substations, on one scale."""

from __future__ import annotations

import numpy as np
import pandas as pd

from viewer.layers.base import Layer, Lines, View, continuous
from viewer.second_stage import NetworkFigures

# Wider than they are, so that one sees them from above: pipes of 300 mm would be a tenth of a pixel.
_NARROWEST_M, _WIDEST_M = 2.0, 8.0
_BUILDING_WEIGHT_M = 10.0


def supply(view: View) -> Layer:
    """Supply temperature in the pipes and at the substations, mean of the year. [°C]"""
    return _layer(view, "network_supply", "supply_mean_c", "supply_mean_c", "heat", 1, zero=False)


def flow(view: View) -> Layer:
    """Greatest flow of the year in the pipes and to the substations. [kg/s]"""
    return _layer(view, "network_flow", "flow_max_kg_s", "flow_max_kg_s", "viridis", 2, log=True)


def short(view: View) -> Layer:
    """Hours of the year in which a pipe is overloaded, or a substation gets too little. [h]"""
    return _layer(view, "network_short", "overloaded_h", "short_h", "heat", 0)


def lines(found: NetworkFigures, column: str) -> Lines:
    """The pipes coloured by one of their figures, the wider the pipe the wider the line."""
    size = np.sqrt(found.pipes["inner_diameter_mm"].to_numpy())
    share = size / max(float(size.max(initial=0)), 1e-9)
    width = _NARROWEST_M + (_WIDEST_M - _NARROWEST_M) * share**2
    return Lines(found.course, found.pipes[column].to_numpy("float32"), width.astype("float32"))


def _layer(
    view: View,
    name: str,
    of_pipe: str,
    of_building: str,
    scale: str,
    digits: int,
    *,
    zero: bool = True,
    log: bool = False,
) -> Layer:
    found = None if view.second is None else view.second.network
    reference = None if view.second_before is None else view.second_before.network
    if found is None or reference is None:
        return continuous(
            view, name, pd.Series(dtype=float), limits_of=pd.Series(dtype=float), scale=scale, digits=digits,
            energy=False, audience="manager",
        )  # fmt: skip
    pipes, houses = reference.pipes[of_pipe], reference.per_building(of_building)
    everything = pd.concat([pipes, houses])
    weights = pd.concat([reference.pipes["length_m"], pd.Series(_BUILDING_WEIGHT_M, houses.index)])
    if zero:  # what is idle would press the scale together
        weights = weights.where(everything.to_numpy() > 0, 0.0)
    return continuous(
        view,
        name,
        found.per_building(of_building),
        limits_of=everything,
        scale=scale,
        digits=digits,
        zero=zero,
        log=log,
        energy=False,
        weights=weights,
        lines=lines(found, of_pipe),
        audience="manager",
    )
