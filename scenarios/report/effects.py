"""The sections of a report on effects: maps, energy over the year, costs, CO2 by year."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from scenarios.compare import duration_curve
from scenarios.heat_network import HeatNetwork
from scenarios.report import maps, tables
from scenarios.report.blocks import Block, Figure, Heading, Table, Text
from scenarios.report.shown import Shown
from scenarios.report.study import Study
from scenarios.report.tables import cell
from scenarios.report.words import Words


def horizon(study: Study) -> int:
    """Years of the net present cost."""
    return int(study.base.case.parameters.constant("horizon_a"))


def in_maps(study: Study, words: Words, with_maps: bool, groups: pd.Series | None = None) -> Iterator[Block]:
    """Where measures act, CO2 per area before and after, and its change; of `groups` where given."""
    yield Heading(words("section.maps"))
    if not with_maps:
        yield Text(words("map.left_out"))
        return
    if groups is not None:
        yield Text(words("map.groups"))
    marks, table = maps.affected(study, groups), maps.per_area(study, groups)
    counts = {"count": words.number(int(marks.sum())), "all": words.number(len(marks))}
    yield Figure("where.jpg", words("map.where"), words("map.where_alt", **counts))
    yield Text(f"{words('map.heading')} {words('map.where_note')}")
    for state in ("base", "after"):
        column = table[state].dropna()
        figures = {"mean": column.mean(), "low": column.min(), "high": column.max()}
        shown = {name: words.number(float(value), 1) for name, value in figures.items()}
        alt = words("map.level_alt", state=words(f"map.state_{state}"), **shown)
        yield Figure(f"{state}.jpg", words(f"map.{state}"), alt)
    column = table["change"].dropna()
    said = {
        "down": words.number(int((column < -0.005).sum())),
        "up": words.number(int((column > 0.005).sum())),
        "best": words.number(max(-float(column.min()), 0.0) if len(column) else math.nan, 1),
    }
    yield Figure("change.jpg", words("map.change"), words("map.change_alt", **said))
    yield Text(words("map.grey"))


def energy(study: Study, words: Words, *, public: bool = False) -> Iterator[Block]:
    """Months and duration curve."""
    yield Heading(words("section.energy"))
    key = tables.key_figures(study)
    peak, made = key["peak_heat_kw"], key["pv_generation_kwh"].after
    shown = Shown.of(peak, words)
    falls = "energy.peaks" if peak.after < peak.base else "energy.peaks_rise"
    said = [words(falls, before=shown.base, after=shown.after)]
    if made > 0:
        own = words.percent(key["self_consumption"].after)
        said.append(words("energy.pv", made=words.number(made / 1000), own=own))
    yield Text(" ".join(said))
    yield _months(study, words, "heat", "heating_delivered_kwh")
    curves = [duration_curve(hours["heating_delivered_kwh"]) / 1000 for hours in study.hours]
    tops, later = ([words.number(float(curve[at]), 1) for curve in curves] for at in (0, 999))
    alt = words(
        "chart.duration_alt", before=tops[0], after=tops[1], before_1000=later[0], after_1000=later[1]
    )
    yield Figure("duration.svg", words("chart.duration"), alt)
    yield _months(study, words, "import", "grid_import_kwh")
    yield from _network(study, words, public)


def _network(study: Study, words: Words, public: bool) -> Iterator[Block]:
    """The heat network's year today and after the measures."""
    before, after = (outcome.network for outcome in study.outcomes)
    if before is None or after is None:
        return
    yield Heading(words("section.network"), level=2)
    shown = {}
    for state, one in (("before", before), ("after", after)):
        shown[f"loss_{state}"] = words.number(one.loss_kwh / 1000)
        shown[f"share_{state}"] = words.percent(one.loss_share)
        shown[f"pump_{state}"] = words.number(one.pump_kwh / 1000)
    yield Text(words("network.losses", **shown))
    yield Text(words("network.short", **undersupply(before, after, words)), note=lacks(before, after))
    yield Text(words("network.note_public" if public else "network.note"))


def lacks(before: HeatNetwork, after: HeatNetwork) -> bool:
    """Whether more substations get too little than today."""
    return len(after.short_stations) > len(before.short_stations)


def undersupply(before: HeatNetwork, after: HeatNetwork, words: Words) -> dict[str, str]:
    """How many substations get too little, and how much is missing, as texts."""
    return {
        "before": words.number(len(before.short_stations)),
        "after": words.number(len(after.short_stations)),
        "all": words.number(len(after.stations)),
        "missing": words.number(float(after.stations["unserved_kwh"].sum()) / 1000),
    }


def _months(study: Study, words: Words, chart: str, figure: str) -> Figure:
    table = study.months() / 1000
    base, after = table["base", figure], table["after", figure]
    top = int(base.to_numpy().argmax())
    alt = words(
        "chart.months_alt", figure=words(f"chart.{chart}"), month=words("chart.months").split()[top],
        before=words.number(float(base.iloc[top])), after=words.number(float(after.iloc[top])),
        year_before=words.number(float(base.sum())), year_after=words.number(float(after.sum())),
    )  # fmt: skip
    return Figure(f"{chart}_months.svg", words(f"chart.{chart}"), alt)


def costs(study: Study, words: Words) -> Iterator[Block]:
    """Investment, running cost, net present and abatement cost, rent; and each year's cost."""
    get = study.base.case.parameters.constant
    yield Heading(words("section.costs"))
    yield Text(words("costs.intro", horizon=horizon(study), rate=words.percent(get("interest_rate"), 1)))
    yield _cost_table(study, words)
    low = get("rent_eur_m2") < get("low_rent_eur_m2")
    cap = get("levy_cap_low_rent_eur_m2_month" if low else "levy_cap_eur_m2_month")
    heating_cap = words.number(get("levy_heating_cap_eur_m2_month"), 2)
    share, heating = (words.percent(get(f"levy_{name}")) for name in ("modernisation", "heating"))
    yield Text(
        words(
            "rent.rule", share=share, cap=words.number(cap, 2), heating=heating, heating_cap=heating_cap
        )
    )  # fmt: skip
    yield Text(words("costs.years_note"), note=True)
    table = tables.years(study, tables.LAST_YEAR) / 1e6
    first, last = int(table.index[0]), int(table.index[-1])
    after, base = (
        table["after", "total_eur"].to_numpy("float64"),
        table["base", "total_eur"].to_numpy("float64"),
    )
    alt = words(
        "chart.costs_alt", first=first, last=last, peak=first + int(after.argmax()),
        most=words.number(float(after.max()), 2), after_last=words.number(float(after[-1]), 2),
        base_last=words.number(float(base[-1]), 2),
    )  # fmt: skip
    yield Figure("costs.svg", words("chart.costs", last=last), alt)


_COSTS = (
    "investment_eur", "subsidy_eur", "running_cost_eur", "net_present_cost_eur", "abatement_cost_eur_t",
    "warm_rent_change_eur_m2_month",
)  # fmt: skip


def _cost_table(study: Study, words: Words) -> Table:
    key, rows = tables.key_figures(study), []
    for name in _COSTS:
        shown = Shown.of(key[name], words)
        value = f"{shown.change}\u00a0{shown.unit}"
        if name == "abatement_cost_eur_t":  # there is none of the base
            value = f"{shown.after}\u00a0{shown.unit}"
            if not math.isfinite(shown.figure.after):
                value = words("figure.no_saving")
        label = words(f"cost.{name}", horizon=horizon(study))
        rows.append([label, value, shown.band])
    header = [words("table.figure"), words("table.value"), words("table.band_short")]
    return Table(words("table.caption_costs"), header, rows, right=(1, 2), widths=(4, 2, 2.4))


def co2(study: Study, words: Words) -> Iterator[Block]:
    """CO2 of each carrier by year, and the years as a table."""
    yield Heading(words("section.co2"))
    yield Text(words("co2.intro"))
    table = tables.years(study, tables.LAST_YEAR)
    first, last = int(table.index[0]), int(table.index[-1])

    def tonnes(year: int, state: str) -> str:
        return words.number(cell(table, year, (state, "co2_kg")) / 1000)

    alt = words(
        "chart.co2_alt", first=first, last=last, first_total=tonnes(first, "after"),
        last_total=tonnes(last, "after"), base_last=tonnes(last, "base"),
    )  # fmt: skip
    yield Figure("co2.svg", words("chart.co2", last=last), alt)
    largest = float(table.xs("total_eur", axis=1, level=1).to_numpy().max())
    rows = [
        [
            str(year), tonnes(year, "base"), tonnes(year, "after"),
            *(words.euros(cell(table, year, (state, "total_eur")), largest) for state in ("base", "after")),
        ]
        for year in range(first, last + 1)
    ]  # fmt: skip
    names = ("year", "co2_today", "co2_after", "cost_today", "cost_after")
    header = [words(f"table.{name}") for name in names]
    widths = (1, 2, 2, 2, 2)
    yield Table(
        words("table.caption_years"), header, rows, right=(1, 2, 3, 4), widths=widths, small=True
    )  # fmt: skip
