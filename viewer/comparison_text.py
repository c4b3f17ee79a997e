"""A comparison of scenarios as lines of text and as plain data: what the command prints, with its basis."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from scenarios.compare import INDICATORS, Indicator
from scenarios.comparison import Comparison
from scenarios.drawn_details import without_band
from scenarios.uncertainty import of_scenario
from viewer import format, texts

_SHOWN_STATIONS = 20
_SHOWN_DRIVERS = 3
_ANY_INPUT = "weather"
_REASONS = ("no_band_unmoved", "no_band_base", "no_band_sun", "no_band_network")
_OF_BASE = {"extra_cost_eur": "net_present_cost_eur", "co2_saved_kg": "co2_horizon_kg"}
Text = Callable[..., str]


def _said(language: str) -> Text:
    return lambda key, **values: texts.text(language, f"compare.{key}", **values)


def lines(found: Comparison, language: str, until: int) -> list[str]:
    """What the command prints.

    until : last year of the table by year.
    """
    said, missing = _said(language), found.network_missing
    out = [said("no_network", why=missing) if missing else said("network")]
    for outcome in found.outcomes[1:]:
        out += ["", outcome.name, *_indicators(found, outcome.name, language)]
        out += _stations(found, outcome.name, language)
        out += ["", said("years", end=until), *_years(found, outcome.name, language, until)]
    if found.bands is not None:
        out += ["", said("bands", draws=len(found.bands.z))]
    return out + _directly(found, language)


def _indicators(found: Comparison, name: str, language: str) -> list[str]:
    said = _said(language)
    heads = (said(key) for key in ("unit", "as_is", "after", "change"))
    driven = (said("driven"),) if found.drivers is not None else ()
    rows: list[tuple[str, ...]] = [("", *heads, "5 %", "50 %", "95 %", said("better"), *driven)]
    before, after = (found.table.loc[one].to_dict() for one in (found.base.name, name))
    for indicator in (INDICATORS[column] for column in found.table.columns):
        mark = " *" if indicator.network and found.network_missing else ""
        one, other = float(before[indicator.name]), float(after[indicator.name])
        label = indicator.title(language) + mark
        shown = (number(value, language) for value in (one, other, other - one))
        driven = (_driven(found, name, indicator, language),) if found.drivers is not None else ()
        band = _band(found, name, indicator, language)
        rows.append((label, indicator.unit_in(language), *shown, *band, *driven))
    notes = _without_band(found, name, language)
    if math.isnan(float(after["abatement_cost_eur_t"])):
        notes.append(said("none_saved"))
    elif found.bands is not None and (share := found.bands.saving_share(name)) < 1:
        notes.append(said("partly", share=f"{share:.0%}"))
    return [*_table(rows), *notes]


def _without_band(found: Comparison, name: str, language: str) -> list[str]:
    """Why some of the figures have no band."""
    if found.bands is None:
        return []
    said, groups = _said(language), without_band(found.bands, name, found.table.columns)
    return [
        said(reason, names=", ".join(INDICATORS[one].title(language) for one in groups[reason]))
        for reason in _REASONS
        if reason in groups
    ]


def _band(found: Comparison, name: str, indicator: Indicator, language: str) -> tuple[str, ...]:
    """5, 50 and 95 % of the change, and in how many draws the scenario is better; empty where not drawn."""
    bands, key = found.bands, indicator.name
    if bands is None:
        return ("", "", "", "")
    column, sign = _OF_BASE.get(key, key), -1.0 if key == "co2_saved_kg" else 1.0
    change = of_scenario(bands.quantiles(changes=True), name)
    if column not in change:
        return ("", "", "", "")
    values = (sign * change[column]).tolist()[:: int(sign)]
    shown = tuple(number(value, language) for value in values)
    if column in bands.unmoved(name):
        return (*shown, "")
    if column not in bands.values:  # the abatement cost is a figure of the change only
        return (*shown, "")
    base = bands.scenarios[0]
    lower, higher = bands.probability(name, base, column), bands.probability(base, name, column)
    best = higher if indicator.better == "higher" and sign > 0 else lower
    return (*shown, "" if lower == higher == 0 else f"{best:.0%}")


def _driven(found: Comparison, name: str, indicator: Indicator, language: str) -> str:
    """The inputs that make up most of a change's spread."""
    table, key = found.drivers, _OF_BASE.get(indicator.name, indicator.name)
    place = (name, found.base.name, key)
    if table is None or table.empty or (*place, _ANY_INPUT) not in table.index:
        return ""
    title = found.case.parameters.uncertainties[f"title_{language}"].to_dict()
    shares = table["share"].xs(place, level=("one", "other", "figure")).head(_SHOWN_DRIVERS)
    return ", ".join(f"{title[one]} {share:.0%}" for one, share in shares.items() if share >= 0.05)


def number(value: float, language: str) -> str:
    """A figure with as many digits as it deserves; a dash for what is not defined."""
    digits = 0 if abs(value) >= 1000 or value == 0 else 2
    return format.number(value, language, digits)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 or column > 8 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _stations(found: Comparison, name: str, language: str) -> list[str]:
    """The substations that get too little after the scenario's measures, by name."""
    said = _said(language)
    outcome = next(one for one in found.outcomes if one.name == name)
    if outcome.network is None or found.network_missing:
        return []
    stations, short = outcome.network.stations, outcome.network.short_stations
    out = ["", said("short", count=len(short), all=len(stations))]
    for row in short.head(_SHOWN_STATIONS).reset_index().to_dict("records"):
        figures = {
            "name": row["substation_id"], "address": row["address"], "buildings": int(row["buildings"]),
            "short": int(row["short_h"]), "low": int(row["low_pressure_h"]),
            "missing": number(round(row["unserved_kwh"]), language),
            "coldest": f"{row['coldest_supply_c']:.0f}",
        }  # fmt: skip
        out.append("  " + said("station", **figures))
    if len(short) > _SHOWN_STATIONS:
        out.append("  " + said("more", count=len(short) - _SHOWN_STATIONS))
    cold = stations[stations["cold_h"] > 0].sort_values("cold_h", ascending=False)
    for row in cold.head(1).reset_index().to_dict("records"):
        figures = {"name": row["substation_id"], "hours": int(row["cold_h"])}
        coldest = f"{row['coldest_supply_c']:.0f}"
        out.append(said("cold", count=len(cold), all=len(stations), coldest=coldest, **figures))
    return out


def _years(found: Comparison, name: str, language: str, until: int) -> list[str]:
    said = _said(language)
    table = of_scenario(found.years, name).loc[:until]
    heads = ("year_energy", "year_items", "year_network", "year_total", "year_co2", "year_primary")
    rows = [(said("year"), "", *(said(key) for key in heads))]
    for row in table.reset_index().to_dict("records"):
        figures = (
            row["energy_cost_eur"], row["items_eur"], row.get("network_surplus_eur", math.nan),
            row["total_eur"], row["co2_kg"] / 1000, row["primary_energy_kwh"] / 1000,
        )  # fmt: skip
        rows.append(
            (str(row["year"]), "", *("*" if math.isnan(v) else format.number(v, language) for v in figures))
        )
    return _table(rows)


def _directly(found: Comparison, language: str) -> list[str]:
    said, out, pair = _said(language), list[str](), ("", "")
    for row in found.directly().reset_index().to_dict("records"):
        if pair != (row["one"], row["other"]):
            pair = (row["one"], row["other"])
            out += ["", said("direct", one=pair[0], other=pair[1])]
        shown = INDICATORS[row["figure"]]
        if row["p_lower"] + row["p_higher"] > 0:
            ends = {key: number(row[q], language) for key, q in (("low", "q05"), ("high", "q95"))}
            share = f"{row['p_lower']:.0%}"
            line = said(
                "direct_line", name=shown.title(language), share=share, unit=shown.unit_in(language), **ends
            )
            out.append("  " + line)
    return out


def plain(found: Comparison) -> dict[str, Any]:
    """The comparison as JSON takes it; what is not defined is null."""
    bands, network = found.bands, found.outcomes[-1].network
    change: dict[str, Any] = {}
    better: dict[str, Any] = {}
    if bands is not None:
        quantiles, base = bands.quantiles(changes=True), bands.scenarios[0]
        for name in bands.scenarios[1:]:
            change[name] = _rows(of_scenario(quantiles, name))
            better[name] = {
                figure: {
                    "lower": bands.probability(name, base, figure),
                    "higher": bands.probability(base, name, figure),
                }
                for figure in bands.values.columns
            }
    simulated = network is not None and not found.network_missing
    direct = found.directly()
    return {
        "indicators": _rows(found.table),
        "units": {name: INDICATORS[name].unit for name in found.table.columns},
        "network": {
            "simulated": simulated,
            "why_not": found.network_missing,
            "lacking_it": [] if simulated else [n for n, i in INDICATORS.items() if i.network],
            "short_stations": {
                one.name: _rows(one.network.short_stations)
                for one in found.outcomes
                if one.network is not None
            },
            "notes": list(network.notes) if network is not None else [],
        },
        "years": {
            name: _rows(of_scenario(found.years, name))
            for name in found.years.index.get_level_values("scenario").unique()
        },
        "change_bands": change,
        "probabilities": better,
        "no_band": {}
        if bands is None
        else {name: without_band(bands, name, found.table.columns) for name in bands.scenarios[1:]},
        "drivers": []
        if found.drivers is None
        else json.loads(found.drivers.reset_index().to_json(orient="records")),
        "directly": [] if direct.empty else json.loads(direct.reset_index().to_json(orient="records")),
    }


def _rows(table: pd.DataFrame) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(table.to_json(orient="index"))
    return held
