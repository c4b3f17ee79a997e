"""Flood areas and noise maps that the district holds: which buildings they reach, and their outlines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import shapely

from twin import hazards
from twin.district import District
from viewer.layers.base import Layer, Lines, View, classes, continuous

FLOOD, NOISE = "flood", "noise"
_OUTLINE_M = 3.0


def held(district: District) -> list[str]:
    """Of the two layers those that the district has areas for."""
    return [name for name in (FLOOD, NOISE) if hazards.cases(district, name)]


def flood(view: View) -> Layer:
    """The most frequent flood that reaches each building."""
    codes = pd.Series(dtype=object)
    cases = hazards.cases(view.district, FLOOD)
    for case in reversed(cases):
        reached = hazards.affected(view.district, case).index
        codes = pd.concat([codes[~codes.index.isin(reached)], pd.Series(case, index=reached, dtype=object)])
    found = classes(view, FLOOD, codes.reindex(view.district.buildings.index), section="hazard")
    number = {category.code: index for index, category in enumerate(found.categories)}
    return _outlined(found, view, {case: number[case] for case in cases if case in number})


def noise(view: View) -> Layer:
    """Noise at the walls of each building: Lden, else Lnight. [dB(A)]"""
    cases = hazards.cases(view.district, NOISE)
    levels = pd.Series(dtype="float64")
    if cases:
        levels = hazards.affected(view.district, cases[0])["value_min"]
    return continuous(view, NOISE, levels, limits_of=levels, scale="heat", zero=False, energy=False)


def _outlined(layer: Layer, view: View, number: dict[str, int]) -> Layer:
    if view.public or not number:
        return layer
    course: list[np.ndarray] = []
    values: list[float] = []
    for case, value in number.items():
        areas = view.district.hazard_areas
        shapes = areas.geometry.to_numpy()[(areas["scenario"] == case).to_numpy(bool)]
        for ring in shapely.get_rings(shapely.get_parts(shapely.union_all(shapes))):
            course.append(shapely.get_coordinates(ring))
            values.append(float(value))
    width = np.full(len(values), _OUTLINE_M, np.float32)
    return replace(layer, lines=Lines(tuple(course), np.array(values, np.float32), width))
