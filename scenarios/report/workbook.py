"""The report as a workbook: numbers as numbers, units in the header, one sheet for each kind of figure."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from scenarios.compare import INDICATORS
from scenarios.report import grouping, tables
from scenarios.report.study import DRIVEN, Study
from scenarios.report.words import Words

PLACE = ("street", "house_number", "name", "block_id", "function", "year_of_construction")


def write(study: Study, words: Words, path: str | os.PathLike[str], groups: pd.Series | None = None) -> Path:
    """Write the workbook; the caller sees to that nothing half-written stays."""
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    book.properties.title = study.scenario.title.get(words.language, study.scenario.name)  # type: ignore[call-overload]
    book.properties.language = words.language
    for name, table in sheets(study, words, groups).items():
        fill(book.create_sheet(name), list(table.columns), table.itertuples(index=False, name=None))
    book.save(path)
    return Path(path)


def sheets(study: Study, words: Words, groups: pd.Series | None = None) -> dict[str, pd.DataFrame]:
    """The sheets by name, as tables whose columns are the headers; with `groups`, none of single ones."""
    each = _buildings(study, words) if groups is None else _groups(study, words, groups)
    found = {
        words("sheet.note"): _note(words, groups is not None),
        words("sheet.summary"): _summary(study, words),
        words("sheet.years"): _years(study, words),
        words("sheet.buildings" if groups is None else "sheet.groups"): each,
        words("sheet.measures"): _measures(study, words),
        words("sheet.bought"): _bought(study, words),
        words("sheet.assumptions"): _assumptions(study, words),
        words("sheet.provenance"): _provenance(study, words),
    }
    if study.after.network is not None and groups is None:  # a substation may be a single house's
        found[words("sheet.stations")] = _stations(study, words)
    if study.drivers is not None:
        found[words("sheet.drivers")] = _drivers(study.drivers, study, words)
    return found


def _note(words: Words, public: bool) -> pd.DataFrame:
    """Who may have the file: the first that is seen of it."""
    access, why = (
        ("title.public", "title.audience_public") if public else ("title.internal", "sheet.internal")
    )
    return pd.DataFrame({words(access): [words(why)]})


def _summary(study: Study, words: Words) -> pd.DataFrame:
    """All figures that `lobeda scenario compare` prints, by their names there, and those of the report."""
    horizon = int(study.base.case.parameters.constant("horizon_a"))
    rows = [
        (
            tables.label(name, words, horizon), name, one.unit, one.base, one.after, one.change, one.low,
            one.middle, one.high, one.probability,
        )
        for name, one in tables.key_figures(study).items()
    ]  # fmt: skip
    names = (
        "sheet.figure", "sheet.key", "table.unit", "table.today", "table.after", "table.change", "sheet.low",
        "sheet.middle", "sheet.high", "sheet.probability",
    )  # fmt: skip
    return pd.DataFrame(rows, columns=[words(name) for name in names])


_UNITS = {"kwh": "kWh", "kg": "kg", "eur": "€"}


def _years(study: Study, words: Words) -> pd.DataFrame:
    table = tables.years(study)
    out = {words("table.year"): table.index.to_numpy()}
    for which, state in (("base", words("table.today")), ("after", words("table.after"))):
        for name in table[which]:
            out[f"{name} ({state}) [{_UNITS[str(name).rsplit('_', 1)[-1]]}]"] = table[which, name].to_numpy()
    return pd.DataFrame(out)


def _buildings(study: Study, words: Words) -> pd.DataFrame:
    """One row per building; owners are left out."""
    known = study.base.case.district.buildings
    out: dict[str, Any] = {"building_id": known.index.to_numpy(object)}
    out |= {name: known[name].to_numpy() for name in PLACE}
    out[words("map.changed")] = study.affected.to_numpy(bool)
    return pd.DataFrame(out | _states(study.buildings(), words))


def _groups(study: Study, words: Words, groups: pd.Series) -> pd.DataFrame:
    """One row per group of buildings."""
    known = grouping.places(study, groups)
    out: dict[str, Any] = {"group_id": known.index.to_numpy(object)}
    out |= {name: known[name].to_numpy() for name in ("streets", "buildings", "dwellings")}
    out[words("map.changed")] = known["changed_by_a_measure"].to_numpy(bool)
    return pd.DataFrame(out | _states(grouping.sums(study, groups).reindex(known.index), words))


def _states(table: pd.DataFrame, words: Words) -> dict[str, Any]:
    states = {"base": "table.today", "after": "table.after", "change": "table.change"}
    return {
        f"{name} ({words(key)}) [{INDICATORS[str(name)].unit}]": table[state, name].to_numpy("float64")
        for name in table["base"]
        for state, key in states.items()
    }


def _measures(study: Study, words: Words) -> pd.DataFrame:
    names = ("year", "measure", "parameters", "buildings", "dwellings")
    table = tables.measures(study, words)
    return table.set_axis([words(f"table.{name}") for name in names], axis=1)


def _bought(study: Study, words: Words) -> pd.DataFrame:
    table = tables.bought(study).reset_index()
    titles = study.after.case.parameters.measure_costs[f"title_{words.language}"]
    return pd.DataFrame(
        {
            words("table.year"): table["year"],
            words("table.item"): table["item"].map(titles),
            words("table.quantity"): table["quantity"],
            words("table.unit"): table["unit"],
            f"{words('table.investment')} [€]": table["investment_eur"],
            f"{words('table.subsidy')} [€]": table["subsidy_eur"],
            f"{words('table.life')} [a]": table["lifetime_a"],
            words("table.source"): table["source"],
            words("sheet.estimate"): table["is_estimate"],
        }
    )


def _assumptions(study: Study, words: Words) -> pd.DataFrame:
    names = ("sheet.what", "table.value", "table.unit", "table.source", "sheet.estimate")
    return tables.assumptions(study, words).set_axis([words(name) for name in names], axis=1)


def _provenance(study: Study, words: Words) -> pd.DataFrame:
    rows = tables.provenance(study, words)
    for row in tables.sources(study).to_dict("records"):
        rows.append((str(row["table"]), f"{row['source']} · {row['licence']} · {row['date']}"))
    return pd.DataFrame(rows, columns=[words("sheet.what"), words("table.value")])


def _stations(study: Study, words: Words) -> pd.DataFrame:
    """Substations of the heat network, today and after the measures."""
    states = [one.network.stations for one in study.outcomes if one.network is not None]
    numbers = ["heat_kwh", "unserved_kwh", "short_h", "low_pressure_h", "cold_h", "coldest_supply_c"]
    out: dict[str, Any] = {
        name: states[-1].reset_index()[name] for name in ("substation_id", "address", "buildings")
    }
    for table, key in zip(states, ("table.today", "table.after"), strict=True):
        same = table.reindex(states[-1].index)
        for name in numbers:
            unit = {"kwh": "kWh", "h": "h", "c": "°C"}[name.rsplit("_", 1)[-1]]
            out[f"{name} ({words(key)}) [{unit}]"] = same[name].to_numpy("float64")
    return pd.DataFrame(out)


def _drivers(drivers: dict[str, pd.DataFrame], study: Study, words: Words) -> pd.DataFrame:
    titles = study.base.case.parameters.uncertainties[f"title_{words.language}"]
    out: dict[str, Any] = {words("table.input"): titles.reindex(drivers[DRIVEN[0]].index)}
    for name in DRIVEN:
        unit = _UNITS[name.rsplit("_", 1)[-1]]
        out |= {f"{name} {part} [{unit}]": drivers[name][part] for part in ("mu", "mu_star", "sigma")}
        out[f"{name} {words('table.share')}"] = drivers[name]["share"]
    return pd.DataFrame(out)


def fill(sheet: Worksheet, heads: Sequence[object], rows: Iterable[Sequence[Any]]) -> None:
    """Headings and cells into an empty sheet, which then can be filtered."""
    for column, name in enumerate(heads, start=1):
        _put(sheet, 1, column, str(name))
        head = sheet.cell(1, column)
        head.font = Font(bold=True)
        head.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(column)].width = min(max(12, len(str(name)) * 0.7), 45)
    for row, values in enumerate(rows, start=2):
        for column, value in enumerate(values, start=1):
            _put(sheet, row, column, value)
    sheet.freeze_panes = "A2"
    if sheet.max_row > 1:
        sheet.auto_filter.ref = sheet.dimensions


def _put(sheet: Worksheet, row: int, column: int, value: Any) -> None:
    """A number as a number, text as text: names that begin like a formula stay names."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)) or value is pd.NA:
        return
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
        cell.data_type = "s"
        return
    plain = value.item() if hasattr(value, "item") else value
    cell.value = plain
    if isinstance(plain, float):
        cell.number_format = "#,##0" if abs(plain) >= 100 else "#,##0.00"
