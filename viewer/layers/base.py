"""What a map layer is: plain data that the scene draws and the legend explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from energy import Case
from twin.district import District
from viewer import colours, privacy, texts
from viewer.second_stage import SecondStage

Kind = Literal["building_values", "points", "lines", "polygons", "raster"]
MOST_CATEGORIES = 10


@dataclass(frozen=True)
class View:
    """What a layer may look at.

    district : the district shown.
    results : annual values per building of what is shown, index building_id; see `energy.annual`.
    baseline : the same of the state before any measure.
    area_m2 : reference floor area per heated building, index building_id. [m²]
    group : privacy group of each building (`viewer.privacy.groups`), for a public audience.
    case : what is shown, for what follows from more than its annual results.
    language : of labels.
    second, second_before : what follows later from what is shown, and from the state before any measure; None
        while it is computed.
    """

    district: District
    results: pd.DataFrame
    baseline: pd.DataFrame
    area_m2: pd.Series
    case: Case
    language: str = texts.DEFAULT
    group: pd.Series | None = None
    second: SecondStage | None = None
    second_before: SecondStage | None = None

    @property
    def public(self) -> bool:
        return self.group is not None


@dataclass(frozen=True)
class Category:
    """One colour of a legend of classes; `code` None: what is left."""

    label: str
    colour: str
    count: int
    code: str | None = None


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines that a layer draws on the ground, coloured on the layer's scale.

    course : x and y after each other in EPSG:25832, one array per line.
    values, width_m : float32, shape (line,).
    """

    course: tuple[NDArray[np.float64], ...]
    values: NDArray[np.float32]
    width_m: NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """A layer as plain data.

    values : float32, one per row of the district's buildings; nan: nothing known. For classes: the number
        of the category.
    unit : as in the legend; empty for classes and years.
    value_min, value_max : limits of the colour scale.
    palette : colours from low to high, or one per category.
    categories : of a layer of classes.
    digits : decimals worth showing.
    note : one sentence under the legend: what it is and how sure.
    audience : whether residents may see it.
    ticks : round numbers to write at the scale.
    section : of the texts that name the categories' codes; empty: the codes speak for themselves.
    over : whether some values lie above the scale.
    log : whether the scale is logarithmic.
    lines : drawn beside the buildings.
    energy : whether the values follow from the simulation, so that the public sees them per group.
    """

    kind: Kind
    title: str
    unit: str
    values: NDArray[np.float32]
    value_min: float
    value_max: float
    palette: tuple[str, ...]
    categories: tuple[Category, ...] = ()
    digits: int = 0
    note: str = ""
    audience: Literal["public", "manager"] = "public"
    ticks: tuple[float, ...] = ()
    section: str = ""
    energy: bool = False
    over: bool = False
    log: bool = False
    lines: Lines | None = None


def continuous(
    view: View,
    name: str,
    values: pd.Series,
    *,
    limits_of: pd.Series,
    scale: str,
    digits: int = 0,
    zero: bool = True,
    energy: bool = True,
    weights: pd.Series | None = None,
    log: bool = False,
    lines: Lines | None = None,
    audience: Literal["public", "manager"] = "public",
) -> Layer:
    """A layer of numbers; the limits follow from `limits_of`, so that they stay while a slider moves.

    weights : of each value of `limits_of`; without them all weigh the same.
    log : logarithmic scale, for values over orders of magnitude.
    """
    weight = None if weights is None else weights.to_numpy("float64")
    drawn = _rows(view, values).to_numpy("float32")
    limits = colours.log_limits if log else colours.limits
    low, high = limits(limits_of.to_numpy("float64"), weight, zero=zero)
    return Layer(
        kind="building_values",
        title=texts.text(view.language, f"layer.{name}.title"),
        unit=texts.text(view.language, f"layer.{name}.unit"),
        note=texts.text(view.language, f"layer.{name}.note"),
        values=drawn,
        value_min=low,
        value_max=high,
        palette=colours.SCALES[scale],
        digits=digits,
        ticks=tuple(colours.log_ticks(low, high) if log else colours.ticks(low, high)),
        energy=energy,
        over=bool(np.nanmax(drawn, initial=low) > high * (1 + 1e-6)),
        log=log,
        lines=lines,
        audience=audience,
    )


def classes(view: View, name: str, codes: pd.Series, section: str = "") -> Layer:
    """A layer of classes, the most frequent first; what is behind the tenth becomes "other"."""
    counts = codes.dropna().value_counts()
    order = sorted(counts.index, key=lambda code: (-counts[code], str(code)))
    kept = order if len(order) <= MOST_CATEGORIES else order[: MOST_CATEGORIES - 1]
    number = {code: index for index, code in enumerate(kept)}
    labels = [texts.label(view.language, section, str(code)) if section else str(code) for code in kept]
    sizes = [int(counts[code]) for code in kept]
    names: list[str | None] = [str(code) for code in kept]
    if len(kept) < len(order):
        number |= {code: len(kept) for code in order[len(kept) :]}
        labels.append(texts.text(view.language, "legend.other"))
        names.append(None)
        sizes.append(int(counts[order[len(kept) :]].sum()))
    palette = colours.category_colours(max(len(labels), 1))
    return Layer(
        kind="building_values",
        title=texts.text(view.language, f"layer.{name}.title"),
        unit="",
        note=texts.text(view.language, f"layer.{name}.note"),
        values=_rows(view, codes.map(number)).to_numpy("float32"),
        value_min=-0.5,
        value_max=len(palette) - 0.5,
        palette=palette,
        categories=tuple(Category(*item) for item in zip(labels, palette, sizes, names, strict=False)),
        section=section,
    )


def per_building(view: View, values: pd.Series) -> pd.Series:
    """`values` per building, for the public the sum over its group on each building of the group."""
    if view.group is None:
        return values
    total = privacy.sums(values.to_frame("value"), view.group)["value"]
    return view.group.map(total)


def per_area(view: View, values: pd.Series) -> pd.Series:
    """`values` per reference floor area of the building, for the public of its group. [1/m²]"""
    if view.group is None and values.index.equals(view.area_m2.index):  # in arrays, as sliders wait for it
        figure, area_m2 = values.to_numpy("float64"), view.area_m2.to_numpy("float64")
        return pd.Series(figure / np.where(area_m2 > 0, area_m2, np.nan), values.index)
    area = view.area_m2.where(values.notna())
    return per_building(view, values) / per_building(view, area).where(lambda a: a > 0)


def _rows(view: View, values: pd.Series) -> pd.Series:
    index = view.district.buildings.index
    return (values if values.index.equals(index) else values.reindex(index)).astype("float64")
