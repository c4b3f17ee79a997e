"""The figures of a report as tables of numbers; every format writes these, so that all say the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from energy.results import software_version
from scenarios import units
from scenarios.compare import INDICATORS
from scenarios.drawn_columns import QUANTITIES
from scenarios.heat_network import CARRIER
from scenarios.measures import MEASURES
from scenarios.measures.base import Parameter
from scenarios.report.study import Done, Study
from scenarios.report.words import Words
from scenarios.uncertainty import QUANTILES, of_scenario

LAST_YEAR = 2045
KEY_FIGURES = (
    "heating_need_kwh", "delivered_kwh", "primary_energy_kwh", "co2_kg", "running_cost_eur",
    "pv_generation_kwh", "self_consumption", "autarky", "peak_heat_kw", "peak_import_kw", "network_loss_kwh",
    "network_pump_kwh", "over_temperature_kh", "co2_horizon_kg", "net_present_cost_eur",
)  # fmt: skip


@dataclass(frozen=True)
class KeyFigure:
    """A figure of the district.

    low, middle, high : 5, 50 and 95 % of the change (of abatement_cost_eur_t: of itself); nan without bands.
    probability : share of the draws below the base; nan where there is none.
    """

    name: str
    unit: str
    base: float
    after: float
    low: float = math.nan
    middle: float = math.nan
    high: float = math.nan
    probability: float = math.nan

    @property
    def change(self) -> float:
        """Against the base."""
        return self.after - self.base


def key_figures(study: Study) -> dict[str, KeyFigure]:
    """The district's figures by name: all of `compare.INDICATORS` that there are."""
    before, after = (_figures(study, number) for number in (0, 1))
    spread = _spread(study)
    return {
        name: KeyFigure(name, INDICATORS[name].unit, before[name], after[name], *spread.get(name, ()))
        for name in before
    }


def label(name: str, words: Words, horizon: int) -> str:
    """A figure's name in the report's language."""
    text = words.get(f"figure.{name}")
    return INDICATORS[name].title(words.language) if text is None else text.format(horizon=horizon)


def _figures(study: Study, number: int) -> dict[str, float]:
    return {str(name): float(value) for name, value in study.table.iloc[number].items()}


def _spread(study: Study) -> dict[str, tuple[float, ...]]:
    """5, 50 and 95 % and the probability of each figure that has a band."""
    if study.bands is None:
        return {}
    name, other = study.after.name, study.base.name
    quantiles, still = of_scenario(study.bands.quantiles(changes=True), name), study.bands.unmoved(name)
    found = {}
    for figure in map(str, quantiles.columns):
        both = figure in study.bands.values and bool(study.bands.values[figure].notna().all())
        both = both and figure not in still
        share = study.bands.probability(name, other, figure) if both else math.nan
        found[figure] = (*(cell(quantiles, q, figure) for q in QUANTILES), share)
    return found


def cell(table: pd.DataFrame, row: Any, column: Any) -> float:
    """One number of a table."""
    found: Any = table.loc[row, column]
    return float(found)


def years(study: Study, last: int | None = None) -> pd.DataFrame:
    """The district by year, to `last`; columns (base or after, figure of `compare.years_of`)."""
    parts = [of_scenario(study.compared.years, one.name) for one in study.outcomes]
    return pd.concat(
        [part if last is None else part.loc[:last] for part in parts], axis=1, keys=["base", "after"]
    )


def bought(study: Study) -> pd.DataFrame:
    """What has to be bought, summed over buildings; index (year, item)."""
    items = study.after.items
    sums = items.groupby(["year", "item"])[["quantity", "investment_eur", "subsidy_eur"]].sum()
    firsts = items.groupby(["year", "item"])[["unit", "lifetime_a", "source", "is_estimate"]].first()
    return sums.join(firsts)


def measures(study: Study, words: Words) -> pd.DataFrame:
    """The steps in their order: year, measure, parameters, buildings, dwellings."""
    dwellings = study.base.case.envelope["dwellings"].fillna(0.0)
    rows = [
        {
            "year": one.year,
            "measure": title_of(one.name, words),
            "parameters": "; ".join(f"{title}: {value}" for _, title, value, _ in settings(one, words)),
            "buildings": len(one.buildings),
            "dwellings": float(dwellings.reindex(one.buildings).sum()),
        }
        for one in study.done
    ]
    return pd.DataFrame(rows, columns=["year", "measure", "parameters", "buildings", "dwellings"])


def title_of(measure: str, words: Words) -> str:
    """A measure's title; of somebody's own function, its name."""
    known = MEASURES.get(measure)
    return str(known.TITLE[words.language]) if known else measure


def settings(done: Done, words: Words) -> list[tuple[Parameter, str, str, bool]]:
    """A step's parameters, each with title, value and whether the scenario chose it."""
    if done.step is None or done.name not in MEASURES:
        return []
    module = MEASURES[done.name]
    chosen = units.in_units(done.name, module.PARAMETERS, done.step.parameters)
    found = []
    for parameter in module.PARAMETERS:
        value = chosen.get(parameter.name, parameter.default)
        found.append(
            (parameter, parameter.title[words.language], _value(value, parameter.unit, words),
             parameter.name in chosen)
        )  # fmt: skip
    return found


def _value(value: Any, unit: str, words: Words) -> str:
    if isinstance(value, bool):
        return words("option.yes" if value else "option.no")
    if isinstance(value, (int, float)):
        if unit == "1":
            return words.percent(value)
        if unit == "a" or not unit:
            return f"{value:g}"
        return f"{plain(float(value), words)}\u00a0{unit}"
    texts = [value] if isinstance(value, str) else list(value)
    return ", ".join(words.get(f"option.{text}") or text for text in texts)


def plain(value: float, words: Words) -> str:
    """A number with the digits that it has, at most four of them behind the mark."""
    digits = next((n for n in range(4) if round(value, n) == round(value, 6)), 4)
    return words.number(value, digits)


ASSUMPTION_COLUMNS = ("what", "value", "unit", "source", "is_estimate")


def assumptions(study: Study, words: Words) -> pd.DataFrame:
    """Figures that the results follow from: columns `ASSUMPTION_COLUMNS`; value is a number or a text."""
    rows = [*_of_measures(study, words), *_of_prices(study, words), *_of_carriers(study, words)]
    rows += [*_of_paths(study, words), *_of_economy(study, words), *_of_spreads(study, words)]
    return pd.DataFrame(rows, columns=list(ASSUMPTION_COLUMNS))


Row = tuple[str, object, str, str, bool]


def _of_measures(study: Study, words: Words) -> Iterator[Row]:
    for one in study.done:
        for parameter, title, value, chosen in settings(one, words):
            said = words("assumptions.chosen") if chosen else parameter.source
            what = words("assumptions.parameter", measure=title_of(one.name, words), parameter=title)
            yield what, value, "", said, parameter.is_estimate and not chosen


def _of_prices(study: Study, words: Words) -> Iterator[Row]:
    table = study.after.case.parameters.measure_costs
    for item in dict.fromkeys(study.after.items["item"]):
        row = table.loc[item]
        what = words("assumptions.unit_cost", item=row[f"title_{words.language}"])
        yield (
            what,
            float(row["unit_cost_eur"]),
            f"€/{row['unit']}",
            str(row["source"]),
            bool(row["is_estimate"]),
        )


def _of_carriers(study: Study, words: Words) -> Iterator[Row]:
    table = study.after.case.parameters.carriers
    piped = study.after.network is not None
    for carrier in _used(study):
        row, name = table.loc[carrier].to_dict(), words.get(f"carrier.{carrier}") or carrier
        said, guessed = str(row["factor_source"]), bool(row["is_estimate"])
        if piped and carrier == CARRIER:  # counted at the feed-in, with the simulated losses
            what = words("assumptions.co2_feed_in", carrier=name)
            yield what, float(row["co2_feed_in_kg_kwh"]), "kg/kWh", said, False
        else:
            what = words("assumptions.co2_factor", carrier=name)
            yield what, float(row["co2_kg_kwh"]), "kg/kWh", said, False
        factor = words("assumptions.primary_energy", carrier=name)
        yield factor, float(row["primary_energy_factor"]), "1", said, False
        price = words("assumptions.price", carrier=name)
        yield price, float(row["price_eur_kwh"]), "€/kWh", str(row["price_source"]), guessed


def _of_paths(study: Study, words: Words) -> Iterator[Row]:
    parameters = study.after.case.parameters
    first = int(parameters.constant("price_year"))
    table = parameters.paths.sort_index().reset_index()
    table = table[
        (table["quantity"] == "co2") & table["carrier"].isin(_used(study)) & (table["year"] > first)
    ]
    for row in table.to_dict("records"):
        name = words.get(f"carrier.{row['carrier']}") or str(row["carrier"])
        what = words("assumptions.co2_path", carrier=name, year=row["year"], first=first)
        yield what, float(row["ratio"]), "1", str(row["source"]), bool(row["is_estimate"])
    prices = parameters.co2_prices
    for year in (first, *(y for y in prices.index if y > first and y % 5 == 0)):
        if year in prices.index and {"gas", "oil"} & set(_used(study)):
            row = prices.loc[year]
            what = words("assumptions.co2_price", year=year)
            yield what, float(row["price_eur_t"]), "€/t", str(row["source"]), bool(row["is_estimate"])


def _of_economy(study: Study, words: Words) -> Iterator[Row]:
    for name, row in study.after.case.parameters.economy.iterrows():
        what = words.get(f"economy.{name}") or str(row["meaning"])
        unit = str(row["unit"]).replace("month", words("unit.month"))
        yield what, float(row["value"]), unit, str(row["source"]), bool(row["is_estimate"])


def _of_spreads(study: Study, words: Words) -> Iterator[Row]:
    if study.bands is None:
        return
    kinds = {**dict.fromkeys(QUANTITIES, "table"), "weather": "kelvin", "unit_costs": "costs"}
    for name, row in study.after.case.parameters.uncertainties.iterrows():
        what = words("assumptions.spread", input=row[f"title_{words.language}"])
        unit = words(f"assumptions.spread_{kinds.get(str(name), 'relative')}")
        yield what, float(row["spread"]), unit, str(row["source"]), bool(row["is_estimate"])


def _used(study: Study) -> list[str]:
    """Carriers that the district takes before or after."""
    names = study.base.case.parameters.carriers.index
    return [
        str(name)
        for name in names
        if any(float(one.annual[f"delivered_{name}_kwh"].abs().sum()) > 0 for one in study.outcomes)
    ]


def provenance(study: Study, words: Words) -> list[tuple[str, str]]:
    """What the figures were made of and with."""
    case, after = study.base.case, study.after.case
    return [
        (words("provenance.software"), f"lobeda {software_version()}"),
        (words("provenance.district"), f"{case.district.name} ({case.district.digest()[:16]})"),
        (words("provenance.weather"), f"{case.weather.name} ({case.weather.source})"),
        (words("provenance.method"), words("provenance.method_text")),
        (words("provenance.digest_base"), case.digest[:16]),
        (words("provenance.digest_after"), after.digest[:16]),
        (words("provenance.parameters"), case.parameters.digest[:16]),
        (words("provenance.draws"), f"{study.draws} (seed {study.seed})" if study.bands is not None else "0"),
    ]


def sources(study: Study) -> pd.DataFrame:
    """The district's data: what, source, licence and attribution, state; equal ones once.

    Who gave what is not for publication is not named: reports are passed on.
    """
    rows = [
        (
            one.table,
            one.source,
            " · ".join(filter(None, (one.licence, one.attribution if one.is_public else ""))),
            one.date,
        )
        for one in study.base.case.district.provenance
    ]
    table = pd.DataFrame(rows, columns=["table", "source", "licence", "date"])
    whole = table.groupby(["source", "licence", "date"], sort=False)["table"].agg(", ".join).reset_index()
    return whole[["table", "source", "licence", "date"]]
