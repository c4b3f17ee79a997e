"""A study in the words and order of a report for a town council."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date

import pandas as pd

from scenarios.drawn_details import without_band
from scenarios.measures import MEASURES
from scenarios.report import charts, effects, maps, tables
from scenarios.report.blocks import Block, Boxes, Document, Figure, Heading, Table, Text
from scenarios.report.effects import horizon
from scenarios.report.output import Options
from scenarios.report.shown import Shown
from scenarios.report.study import Study
from scenarios.report.tables import cell
from scenarios.report.words import Words

Key = dict[str, tables.KeyFigure]
_NOTICES = {"maps": "internal", "public": "public"}
_BOXES = {"co2_kg": "box_co2", "heating_need_kwh": "box_heat", "net_present_cost_eur": "box_cost"}


def document(study: Study, words: Words, options: Options) -> Document:
    """The report as blocks."""
    scenario, district = study.scenario, study.base.case.district
    title = next((text for code, text in scenario.title.items() if code == words.language), scenario.name)
    told = next((text for code, text in scenario.description.items() if code == words.language), "")
    front = [
        (words("title.district"), district.name),
        (words("title.made"), _day(options.made, words)),
        (words("title.year"), str(study.base.case.parameters.year)),
        (words("title.audience"), words(f"title.audience_{_audience(options)}")),
    ]
    parts = (
        _summary(study, words),
        _done(study, words),
        effects.in_maps(study, words, options.with_maps, options.groups),
        effects.energy(study, words, public=options.groups is not None),
        effects.costs(study, words),
        effects.co2(study, words),
        _uncertainty(study, words),
        _assumptions(study, words),
        _provenance(study, words, options.again),
    )
    return Document(
        language=words.language,
        title=words("title.report", scenario=title, district=district.name),
        heading=title,
        kind_of=words("title.kind"),
        subject=words("title.subject"),
        author=words("title.author"),
        notice=words.get(f"title.{_NOTICES.get(_audience(options))}") or "",
        page=words("provenance.page", page="{page}", pages="{pages}"),
        front=front,
        plain=(words("title.plain"), " ".join(told.split()) or _measures_in_words(study, words)),
        blocks=[block for part in parts for block in part],
    )


def _audience(options: Options) -> str:
    if options.groups is not None:
        return "public"
    return "maps" if options.with_maps else "no_maps"


def _measures_in_words(study: Study, words: Words) -> str:
    names = dict.fromkeys(tables.title_of(one.name, words) for one in study.done)
    return words("title.own", measures=", ".join(names) or "–")


def _day(day: date, words: Words) -> str:
    if words.language == "de":
        return f"{day.day}.{day.month}.{day.year}"
    return f"{day.day} {words('chart.months').split()[day.month - 1]} {day.year}"


def _summary(study: Study, words: Words) -> Iterator[Block]:
    key = tables.key_figures(study)
    yield Heading(words("section.summary"))
    yield Boxes([_box(Shown.of(key[name], words), text, study, words) for name, text in _BOXES.items()])
    yield Text(_verdict(key, study, words))
    before, after = (outcome.network for outcome in study.outcomes)
    if before is not None and after is not None and effects.lacks(before, after):
        yield Text(words("summary.undersupplied", **effects.undersupply(before, after, words)), note=True)
    if missing := study.compared.network_missing:
        second = [name for name in dict.fromkeys(one.name for one in study.done) if _stage(name) == 2]
        named = ", ".join(tables.title_of(name, words) for name in second)
        if second:
            yield Text(words("summary.stage_two", measures=named), note=True)
        yield Text(words("summary.no_network", why=missing))
    yield _key_table(key, study, words)
    yield Text(words("summary.bands" if study.bands is not None else "summary.no_bands"))
    if study.bands is not None:
        for reason, figures in without_band(study.bands, study.after.name, _shown_figures(key)).items():
            names = ", ".join(tables.label(name, words, horizon(study)) for name in figures)
            yield Text(words(f"summary.{reason}", names=names))
    if study.base.case.district.is_model:
        yield Text(words("title.model"), note=True)


def _stage(measure: str) -> int:
    return int(MEASURES[measure].STAGE) if measure in MEASURES else 1


def _box(shown: Shown, text: str, study: Study, words: Words) -> tuple[str, str, str]:
    below = words("summary.box_band", band=shown.band) if math.isfinite(shown.figure.low) else ""
    return words(f"summary.{text}", horizon=horizon(study)), f"{shown.change}\u00a0{shown.unit}", below


def _verdict(key: Key, study: Study, words: Words) -> str:
    years = horizon(study)
    co2, cost = key["co2_kg"], key["net_present_cost_eur"]
    share = co2.change / co2.base if co2.base else math.nan
    said = [
        words(
            "summary.co2_rises" if co2.change > 0 else "summary.co2_falls", horizon=years,
            saved=words.number(abs(co2.change) / 1000), share=words.change(share),
            sum=words.number(abs(key["co2_horizon_kg"].change) / 1000),
        ),
        words(
            "summary.cost_more" if cost.change > 0 else "summary.cost_less", horizon=years,
            cost=words.euros(abs(cost.change)),
        ),
    ]  # fmt: skip
    if study.bands is not None:
        counts = [round(one.probability * study.draws) for one in (key["co2_horizon_kg"], cost)]
        said.append(words("summary.draws", co2=counts[0], cost=counts[1], draws=study.draws, horizon=years))
    return " ".join(said)


def _shown_figures(key: Key) -> list[str]:
    """The key figures that are not nothing before and after."""
    return [
        name
        for name in tables.KEY_FIGURES
        if name in key
        and any(math.isfinite(value) and value != 0 for value in (key[name].base, key[name].after))
    ]


def _key_table(key: Key, study: Study, words: Words) -> Table:
    rows = []
    for name in _shown_figures(key):
        shown, label = Shown.of(key[name], words), tables.label(name, words, horizon(study))
        rows.append([label, shown.unit, shown.base, shown.after, shown.change, shown.band, shown.probability])
    names = ("figure", "unit", "today", "after", "change", "band", "lower")
    header = [words(f"table.{name}") for name in names]
    widths = (3.1, 1.3, 1.45, 1.45, 1.4, 2.3, 1.2)
    right = (2, 3, 4, 5, 6)
    return Table(words("table.caption_key"), header, rows, right=right, widths=widths, small=True)


def _done(study: Study, words: Words) -> Iterator[Block]:
    yield Heading(words("section.done"))
    rows = []
    for number, row in enumerate(tables.measures(study, words).to_dict("records"), start=1):
        counts = [words.number(row[name]) for name in ("buildings", "dwellings")]
        if not row["buildings"]:
            counts = [words("table.whole"), "–"]
        rows.append([str(number), str(row["year"]), row["measure"], row["parameters"] or "–", *counts])
    names = ("number", "year", "measure", "parameters", "buildings", "dwellings")
    header = [words(f"table.{name}") for name in names]
    widths = (0.6, 0.8, 2.6, 4.2, 1.4, 1.6)
    yield Table(words("table.caption_measures"), header, rows, right=(4, 5), widths=widths)
    items = tables.bought(study)
    if len(items):
        yield _bought(study, items, words)


def _bought(study: Study, items: pd.DataFrame, words: Words) -> Table:
    titles = study.after.case.parameters.measure_costs[f"title_{words.language}"].to_dict()
    largest = float(items["investment_eur"].max())
    rows = []
    for row in items.reset_index().to_dict("records"):
        unit = words.get(f"item.{row['unit']}") or str(row["unit"])
        paid = [words.euros(row[name], largest) for name in ("investment_eur", "subsidy_eur")]
        life = words("table.years", value=int(row["lifetime_a"]))
        amount = f"{words.number(row['quantity'])}\u00a0{unit}"
        rows.append([str(row["year"]), str(titles[row["item"]]), amount, *paid, life])
    whole = [words.euros(float(items[name].sum()), largest) for name in ("investment_eur", "subsidy_eur")]
    rows.append(["", words("table.sum"), "", *whole, ""])
    names = ("year", "item", "quantity", "investment", "subsidy", "life")
    header = [words(f"table.{name}") for name in names]
    widths = (0.8, 3, 2, 2, 2, 1.7)
    return Table(words("table.caption_bought"), header, rows, right=(2, 3, 4, 5), widths=widths)


def _uncertainty(study: Study, words: Words) -> Iterator[Block]:
    yield Heading(words("section.uncertainty"))
    if study.bands is None or study.drivers is None:
        yield Text(words("summary.no_bands"))
        return
    yield Text(words("uncertainty.intro", draws=study.draws, seed=study.seed))
    yield Text(words("uncertainty.drivers"))
    titles = study.base.case.parameters.uncertainties[f"title_{words.language}"].to_dict()
    saved, cost = study.drivers["co2_horizon_kg"], study.drivers["net_present_cost_eur"]
    tops = [str(titles[part["share"].idxmax()]) for part in (saved, cost)]
    yield Figure("drivers.svg", words("chart.drivers"), words("chart.drivers_alt", co2=tops[0], cost=tops[1]))
    largest = float(cost["mu"].abs().max())
    rows = [
        [
            str(titles[name]), words.signed(-cell(saved, name, "mu") / 1000),
            words.percent(cell(saved, name, "share")), words.signed_euros(cell(cost, name, "mu"), largest),
            words.percent(cell(cost, name, "share")),
        ]
        for name in saved.index
    ]  # fmt: skip
    share = words("table.share")
    on_co2 = words("table.on_co2", horizon=horizon(study))
    header = [words("table.input"), on_co2, share, words("table.on_cost"), share]
    widths = (3, 3, 1, 2, 1)
    yield Table(words("table.caption_drivers"), header, rows, right=(1, 2, 3, 4), widths=widths)


def _assumptions(study: Study, words: Words) -> Iterator[Block]:
    yield Heading(words("section.assumptions"))
    yield Text(words("assumptions.intro"))
    rows = []
    for row in tables.assumptions(study, words).to_dict("records"):
        value = row["value"]
        text = value if isinstance(value, str) else tables.plain(float(value), words)
        unit = "" if row["unit"] in ("", "1") else f"\u00a0{row['unit']}"
        mark = words("table.yes") if row["is_estimate"] else ""
        rows.append([row["what"], f"{text}{unit}", row["source"], mark])
    header = [words("sheet.what"), words("table.value"), words("table.source"), words("table.estimate")]
    widths = (3, 2.1, 5, 0.4)
    yield Table(words("table.caption_assumptions"), header, rows, widths=widths, foreign=2, small=True)


def _provenance(study: Study, words: Words, again: str) -> Iterator[Block]:
    yield Heading(words("section.provenance"))
    known = tables.provenance(study, words)
    yield Text(words("provenance.intro", software=known[0][1]))
    rows = [list(pair) for pair in known]
    if again:
        rows.append([words("provenance.again"), again])
    header = [words("table.what"), words("table.value")]
    yield Table(words("table.caption_made"), header, rows, widths=(2, 5), small=True)
    data = [
        [row["source"], row["table"], row["licence"] or words("provenance.none"), row["date"] or "–"]
        for row in tables.sources(study).to_dict("records")
    ]
    if data:
        names = ("source", "what", "licence", "date")
        header = [words(f"table.{name}") for name in names]
        widths = (4, 3, 3, 1.2)
        yield Table(words("table.caption_sources"), header, data, widths=widths, foreign=0, small=True)


def pictures(study: Study, words: Words, options: Options) -> Iterator[tuple[str, bytes]]:
    """Every picture of the report as name and content."""
    drawn = (charts.heat_months, charts.duration, charts.import_months, charts.costs, charts.co2)
    for draw in drawn:
        yield f"{draw.__name__}.svg", draw(study, words)
    if study.drivers is not None:
        yield "drivers.svg", charts.drivers(study, words)
    if options.with_maps:
        groups = options.groups
        yield "where.jpg", maps.where(study, words, groups)
        for state in ("base", "after"):
            yield f"{state}.jpg", maps.level(study, words, state, groups)
        yield "change.jpg", maps.change(study, words, groups)
