"""Charts of a report as SVG: readable in grey and by colour-blind people (colours of Okabe and Ito)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from scenarios.compare import co2_by_year, duration_curve
from scenarios.outcome import Outcome
from scenarios.report import tables
from scenarios.report.study import DRIVEN, Study
from scenarios.report.words import Words
from twin import assets

FONT = "Source Sans Pro"
BASE, AFTER, SECOND, INK = "#8a8a8a", "#0072b2", "#e69f00", "#222222"
CARRIERS = {
    "district_heating": "#d55e00", "gas": "#e69f00", "oil": "#8a5a2b", "wood": "#009e73",
    "electricity": "#0072b2",
    "network_pumping": "#56b4e9",
}  # fmt: skip
HATCHES = {
    "district_heating": "",
    "gas": "//",
    "oil": "xx",
    "wood": "..",
    "electricity": "\\\\",
    "network_pumping": "--",
}
WIDTH_INCH = 6.5


def heat_months(study: Study, words: Words) -> bytes:
    """Heat delivered in each month, today and after."""
    return _months(study, words, "heating_delivered_kwh", words("chart.heat_axis"))


def import_months(study: Study, words: Words) -> bytes:
    """Electricity from the grid in each month, today and after."""
    return _months(study, words, "grid_import_kwh", words("chart.import_axis"))


def _months(study: Study, words: Words, figure: str, title: str) -> bytes:
    table = study.months() / 1000
    with _chart(words) as (drawing, axes):
        places = np.arange(12)
        for state, shift, colour, name in (
            ("base", -0.2, BASE, words("chart.today")), ("after", 0.2, AFTER, words("chart.after")),
        ):  # fmt: skip
            axes.bar(places + shift, table[state, figure].to_numpy(), 0.38, color=colour, label=name)
        axes.set_xticks(places, words("chart.months").split())
        axes.set_ylabel(title)
        _legend(axes)
        return _svg(drawing)


def duration(study: Study, words: Words) -> bytes:
    """Hourly heat load in falling order, today and after."""
    with _chart(words) as (drawing, axes):
        for hours, colour, style, name in zip(
            study.hours, (BASE, AFTER), ("--", "-"), (words("chart.today"), words("chart.after")), strict=True
        ):
            curve = duration_curve(hours["heating_delivered_kwh"]) / 1000
            axes.plot(np.arange(1, len(curve) + 1), curve, style, color=colour, linewidth=1.8, label=name)
        axes.set_xlim(0, 8760)
        axes.set_ylim(0)
        axes.set_xlabel(words("chart.duration_hours"))
        axes.set_ylabel(words("chart.duration_axis"))
        axes.xaxis.set_major_formatter(_plain(words))
        _legend(axes)
        return _svg(drawing)


def costs(study: Study, words: Words) -> bytes:
    """What is paid in each year: energy, and above it purchases and upkeep; today as a line."""
    table = tables.years(study, tables.LAST_YEAR) / 1e6
    after, base = table["after"], table["base"]
    with _chart(words, height=3.0) as (drawing, axes):
        years = table.index.to_numpy()
        running = after["total_eur"] - after["items_eur"]
        axes.bar(years, running, 0.75, color=AFTER, label=f"{words('chart.after')}: {words('chart.energy')}")
        axes.bar(
            years, after["items_eur"], 0.75, bottom=np.maximum(running, 0.0), color=SECOND, hatch="//",
            edgecolor="white", linewidth=0, label=f"{words('chart.after')}: {words('chart.bought')}",
        )  # fmt: skip
        axes.plot(years, base["total_eur"], "--", color=INK, linewidth=1.6, label=words("chart.as_is"))
        axes.set_ylabel(words("chart.costs_axis"))
        _years(axes, years)
        _legend(axes, 3)
        return _svg(drawing)


def co2(study: Study, words: Words) -> bytes:
    """CO2 of each carrier by year after the measures, stacked; the total of today's district as a line."""
    stacked, line = (by_carrier(outcome) / 1000 for outcome in (study.after, study.base))
    with _chart(words) as (drawing, axes):
        years = stacked.index.to_numpy()
        names = list(stacked.columns)
        drawn = axes.stackplot(
            years, stacked.T.to_numpy(), colors=[CARRIERS.get(name, BASE) for name in names],
            labels=[words.get(f"carrier.{name}") or name for name in names],
        )  # fmt: skip
        for area, name in zip(drawn, names, strict=True):
            area.set(hatch=HATCHES.get(name, ""), edgecolor="white", linewidth=0)
        axes.plot(years, line.sum(axis=1), "--", color=INK, linewidth=1.8, label=words("chart.as_is"))
        axes.set_xlim(years[0], years[-1])
        axes.set_ylim(0)
        axes.set_ylabel(words("chart.co2_axis"))
        _years(axes, years)
        _legend(axes, 4)
        return _svg(drawing)


def by_carrier(outcome: Outcome) -> pd.DataFrame:
    """The district's CO2 by year to `tables.LAST_YEAR` of carriers that have any, the largest first. [kg]"""
    table = co2_by_year(outcome).loc[: tables.LAST_YEAR]
    order = table.sum().sort_values(ascending=False)
    return table[[str(name) for name in order.index[order > 0]]]


def drivers(study: Study, words: Words) -> bytes:
    """How far the saved CO2 and the extra cost move with each input."""
    assert study.drivers is not None
    titles = study.base.case.parameters.uncertainties[f"title_{words.language}"]
    co2, cost = (study.drivers[name]["mu"].iloc[::-1] for name in DRIVEN)  # bars are drawn from below
    table = pd.DataFrame({"co2": -co2 / 1000, "cost": cost / 1e6})
    with _chart(words, height=0.33 * len(table) + 1.0, panels=2) as (drawing, pair):
        for axes, column, name, colour in zip(
            pair, ("co2", "cost"), ("drivers_co2", "drivers_cost"), (AFTER, SECOND), strict=True
        ):
            axes.barh(np.arange(len(table)), table[column].to_numpy(), 0.65, color=colour)
            axes.axvline(0, color=INK, linewidth=0.8)
            axes.set_xlabel(words(f"chart.{name}"))
            axes.xaxis.set_major_formatter(_signed(words))
            axes.locator_params(axis="x", nbins=5)
            axes.grid(axis="y", visible=False)
            axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        pair[0].set_yticks(np.arange(len(table)), titles.reindex(table.index).tolist())
        pair[1].set_yticks(np.arange(len(table)), [""] * len(table))
        return _svg(drawing)


@contextmanager
def _chart(words: Words, height: float = 2.75, panels: int = 1) -> Iterator[tuple[Figure, Any]]:
    """A figure in the report's type, size and number format."""
    fonts()
    style = {
        "font.family": FONT, "font.size": 9.5, "svg.hashsalt": "lobeda", "axes.edgecolor": "#666666",
        "axes.spines.top": False, "axes.spines.right": False, "text.color": INK, "axes.labelcolor": INK,
        "xtick.color": INK, "ytick.color": INK, "hatch.linewidth": 0.6, "hatch.color": "white",
    }  # fmt: skip
    with mpl.rc_context(style):
        drawing = Figure(figsize=(WIDTH_INCH, height), layout="constrained")
        axes = drawing.subplots(1, panels)
        for one in np.atleast_1d(axes):
            one.set_axisbelow(True)
            one.grid(axis="y", color="#dddddd", linewidth=0.6)
            if panels == 1:
                one.yaxis.set_major_formatter(_plain(words))
        yield drawing, axes


@cache
def fonts() -> None:
    """Tell matplotlib of the report's typeface."""
    for file in sorted(assets.path("fonts").glob("*.ttf")):
        font_manager.fontManager.addfont(str(file))


def _plain(words: Words) -> FuncFormatter:
    return FuncFormatter(
        lambda value, _: words.number(value, 0 if abs(value) >= 10 or value == int(value) else 2)
    )


def _signed(words: Words) -> FuncFormatter:
    return FuncFormatter(
        lambda value, _: words.signed(value, 0 if abs(value) >= 10 or value == int(value) else 2)
    )


def _years(axes: Axes, years: np.ndarray) -> None:
    axes.set_xticks([year for year in years if year % 5 == 0])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))


def _legend(axes: Axes, columns: int = 3) -> None:
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.01), ncols=columns, frameon=False, borderaxespad=0,
        handlelength=1.6, columnspacing=1.2,
    )  # fmt: skip


def _svg(drawing: Figure) -> bytes:
    held = io.BytesIO()
    FigureCanvasSVG(drawing).print_svg(held, metadata={"Date": None, "Creator": None})
    return held.getvalue()
