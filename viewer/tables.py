"""All that the manager's app knows as tables: blocks, buildings, measures with costs, latest sensor values.

A table is plain data: the page filters and sorts it, and what it shows of it leaves as CSV or as a workbook.
Each row says which buildings it is about, by their rows in the scene, so that a table is a way to pick them.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
from openpyxl import Workbook

from scenarios import costs
from scenarios.measures import MEASURES
from scenarios.report import workbook
from twin.errors import CallError
from viewer import facts, findings, format, panel, texts, whatif
from viewer.board import Device
from viewer.spreadsheets import cell
from viewer.state import State, Twin
from viewer.whatif import Choice, Plan

Kind = Literal["blocks", "buildings", "measures", "sensors"]
KINDS: tuple[Kind, ...] = ("blocks", "buildings", "measures", "sensors")
FORMATS = ("xlsx", "csv", "csv_german")
# Name, column of the annual results, factor, unit and digits.
ENERGY = (
    ("heating_need", "heating_need_kwh", 1e-3, "MWh/a", 0),
    ("delivered", "heating_delivered_kwh", 1e-3, "MWh/a", 0),
    ("co2", "co2_kg", 1e-3, "t/a", 1),
    ("cost", "energy_cost_eur", 1.0, "€/a", 0),
)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    plain : a number without thousands separators, such as a year.
    wide : left out on narrow screens.
    """

    id: str
    title: str
    unit: str = ""
    number: bool = False
    digits: int = 0
    plain: bool = False
    wide: bool = True

    @property
    def heading(self) -> str:
        """Title with unit, for a file."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


@dataclass(frozen=True, eq=False)
class Table:
    """Rows as columns of plain values, None where nothing is known.

    keys : what a row is: a building's id (of a block its first), a device's number, or empty.
    members : rows in the scene of the buildings that each row is about.
    """

    kind: Kind
    columns: tuple[Column, ...]
    values: Mapping[str, Sequence[Any]]
    keys: Sequence[Any]
    members: Sequence[Sequence[int]]

    def __len__(self) -> int:
        return len(self.keys)

    def plain(self) -> dict[str, Any]:
        """For the page."""
        columns = [
            {
                "id": c.id, "title": c.title, "unit": c.unit, "number": c.number, "digits": c.digits,
                "plain": c.plain, "wide": c.wide,
            }
            for c in self.columns
        ]  # fmt: skip
        values = {name: list(column) for name, column in self.values.items()}
        members = [list(rows) for rows in self.members]
        return {"kind": self.kind, "columns": columns, "values": values, "keys": list(self.keys),
                "members": members}  # fmt: skip

    def chosen(self, rows: Iterable[int], columns: Iterable[str]) -> tuple[list[str], list[list[Any]]]:
        """Headings, and the cells of some rows and columns in the order asked for.

        Raises
        ------
        CallError : a row or a column that the table does not have.
        """
        known = {column.id: column for column in self.columns}
        names, order = list(columns), list(rows)
        if odd := [name for name in names if name not in known]:
            raise CallError(f"there is no column {odd[0]!r}", f"table {self.kind}")
        if order and not 0 <= min(order) <= max(order) < len(self):
            raise CallError(f"the table has no row {max(order)}", f"table {self.kind}", "Open it again")
        heads = [known[name].heading for name in names]
        return heads, [[self.values[name][row] for name in names] for row in order]


def blocks(state: State) -> Table:
    """One row per block or single building: what the 3D view shows, in figures."""
    said = _texts(state.language)
    frame, ids = facts.units(state), state.twin.annual.index
    place = pd.Series(np.arange(len(ids)), index=state.twin.units.to_numpy()).groupby(level=0, sort=False)
    members = place.agg(list).reindex(frame.index)
    columns = [
        Column("name", said("column.name"), wide=False),
        Column("quarter", said("column.quarter")),
        Column("function", said("column.function")),
        Column("construction_series", said("column.construction_series")),
        Column("year_of_construction", said("column.year_of_construction"), number=True, plain=True),
        Column("buildings", said("column.buildings"), number=True),
        Column("dwellings", said("column.dwellings"), number=True),
        Column("a_use_m2", said("column.a_use_m2"), "m²", number=True),
    ]
    values: dict[str, Sequence[Any]] = {
        "name": frame["name"].tolist(),
        "quarter": _words(frame["quarter"]),
        "function": _words(frame["function"], "function", state.language),
        "construction_series": _words(frame["construction_series"]),
        "buildings": [len(rows) for rows in members],
        **{n: _numbers(frame[n]) for n in ("year_of_construction", "dwellings", "a_use_m2")},
    }
    energy, figures = _energy(state, state.twin.units)
    values |= {name: _numbers(column.reindex(frame.index)) for name, column in figures.items()}
    return Table("blocks", (*columns, *energy), values, frame["first"].tolist(), members.tolist())


def buildings(state: State) -> Table:
    """One row per building."""
    said, language = _texts(state.language), state.language
    table, twin = state.twin.district.buildings, state.twin
    columns = [
        Column("name", said("column.address"), wide=False),
        Column("block", said("facts.block")),
        *(
            Column(name, said(f"column.{name}"))
            for name in ("quarter", "function", "construction_series", "heating", "refurbishment")
        ),
        Column("year_of_construction", said("column.year_of_construction"), number=True, plain=True),
        Column("storeys_above_ground", said("column.storeys_above_ground"), number=True),
        Column("measured_height_m", said("column.measured_height_m"), "m", number=True, digits=1),
        Column("dwellings", said("column.dwellings"), number=True),
        Column("a_use_m2", said("column.a_use_m2"), "m²", number=True),
    ]
    block_names = table["block_id"].map(twin.district.blocks["name"].to_dict())
    values: dict[str, Sequence[Any]] = {
        "name": [str(name) for name in facts.names(table)],
        "block": _words(block_names),
        "quarter": _words(table["quarter"]),
        "construction_series": _words(table["construction_series"]),
        "function": _words(table["function"], "function", language),
        "heating": _words(table["heating"], "heating", language),
        "refurbishment": _words(table["refurbishment"], "state", language),
        "a_use_m2": _numbers(twin.area_m2),
        **{
            n: _numbers(table[n])
            for n in ("year_of_construction", "storeys_above_ground", "measured_height_m", "dwellings")
        },
    }
    energy, figures = _energy(state, table.index.to_series())
    values |= {name: _numbers(column.reindex(table.index)) for name, column in figures.items()}
    ids = [str(i) for i in table.index]
    return Table("buildings", (*columns, *energy), values, ids, [[row] for row in range(len(ids))])


def measures(state: State) -> Table:
    """One row per measure that counts: whom it reaches, how it is set and what it costs.

    Costs are those of the measure after the ones above it, so that they add up to the plan's.
    """
    said, twin = _texts(state.language), state.twin
    active = state.plan.effective().active
    columns = (
        Column("name", said("table.measure"), wide=False),
        Column("settings", said("table.settings")),
        Column("targets", said("what_if.scope")),
        Column("buildings", said("column.buildings"), number=True),
        Column("dwellings", said("column.dwellings"), number=True),
        Column("investment", said("economy.investment"), "€", number=True, wide=False),
        Column("subsidy", said("economy.subsidy"), "€", number=True),
        Column("upkeep", said("table.upkeep"), "€/a", number=True),
        Column("basis", said("table.basis")),
    )
    items = items_of(twin, state.plan)
    reached = [np.flatnonzero(_reached(twin, choice, state.plan)) for choice in active]
    dwellings = twin.district.buildings["dwellings"].to_numpy("float64")
    described = {row["id"]: row for row in whatif.described(state.language, twin.case)}
    rows = panel.rows(twin, state.plan, state.language, {})
    words = {(row["measure"], row["nth"]): row["targets_text"] for row in rows}
    nth = [sum(c.measure == choice.measure for c in active[:i]) for i, choice in enumerate(active)]
    everyone = said("what_if.scope_all")
    values: dict[str, Sequence[Any]] = {
        "name": [whatif.title(choice.measure, state.language) for choice in active],
        "settings": [_settings(c, described[c.measure]["parameters"], state.language) for c in active],
        "targets": [
            (words.get((c.measure, n), "") or everyone) if hasattr(MEASURES[c.measure], "applicable") else ""
            for c, n in zip(active, nth, strict=True)
        ],
        "buildings": [len(found) or None for found in reached],
        "dwellings": [_rounded(np.nansum(dwellings[found])) if len(found) else None for found in reached],
        "investment": [_rounded(float(part["investment_eur"].sum())) for part in items],
        "subsidy": [_rounded(float(part["subsidy_eur"].sum())) for part in items],
        "upkeep": [_rounded(float(part[list(costs.YEARLY)].to_numpy().sum())) for part in items],
        "basis": [_basis(part, said) for part in items],
    }  # fmt: skip
    return Table("measures", columns, values, [""] * len(active), [rows.tolist() for rows in reached])


def items_of(twin: Twin, plan: Plan) -> list[pd.DataFrame]:
    """What each measure of a plan that counts buys, in their order; columns `costs.ITEM_COLUMNS`."""
    before, parts = twin.case, []
    for _, after in plan.scenario().trail(twin.case):
        parts.append(costs.investments(before, after, twin.case.parameters.year))
        before = after
    return parts


def sensors(devices: Mapping[int, Device], twin: Twin, language: str) -> Table:
    """One row per datastream with its latest value."""
    said = _texts(language)
    named = facts.names(twin.district.buildings)
    place = {str(building): row for row, building in enumerate(named.index)}
    pairs = [(device, reading) for device in devices.values() for reading in device.readings]
    columns = (
        Column("name", said("table.device"), wide=False),
        Column("kind", said("table.kind_of")),
        Column("building", said("table.building")),
        Column("property", said("table.property"), wide=False),
        Column("value", said("table.value"), number=True, digits=2, wide=False),
        Column("unit", said("table.unit"), wide=False),
        Column("time", said("table.time"), "Europe/Berlin"),
        Column("flag", said("table.quality")),
        Column("state", said("table.state")),
        Column("simulated", said("table.origin")),
    )
    rows = [place.get(device.building_id or "") for device, _ in pairs]
    values: dict[str, Sequence[Any]] = {
        "name": [device.called(language) for device, _ in pairs],
        "kind": [texts.label(language, "kind", device.kind or "other") for device, _ in pairs],
        "building": [
            str(named.iloc[row]) if row is not None else device.street or ""
            for row, (device, _) in zip(rows, pairs, strict=True)
        ],
        "property": [r.name if language == "de" else r.observed.capitalize() for _, r in pairs],
        "value": [_rounded(r.value) for _, r in pairs],
        "unit": [findings.shown_unit(r.unit, language) for _, r in pairs],
        "time": [_local(r.time_ms) for _, r in pairs],
        "flag": [said(f"flag.{r.flag}") if r.time_ms is not None else "" for _, r in pairs],
        "state": [said(f"sensor.state_{device.state}") for device, _ in pairs],
        "simulated": [said("sensor.simulated_short") if device.simulated else "" for device, _ in pairs],
    }  # fmt: skip
    members: list[list[int]] = [[row] if row is not None else [] for row in rows]
    return Table("sensors", columns, values, [device.thing_id for device, _ in pairs], members)


def as_csv(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, german: bool = False) -> bytes:
    """Cells as CSV (RFC 4180) in UTF-8: decimal points and commas between cells.

    german : decimal commas, semicolons between cells and a byte order mark, as a German Excel opens it.

    Text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";" if german else ",", lineterminator="\r\n")
    writer.writerow([cell(head) for head in heads])
    for row in rows:
        writer.writerow([_cell(value, german) for value in row])
    return stream.getvalue().encode("utf-8-sig" if german else "utf-8")


def as_workbook(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Cells as a workbook of one sheet: numbers as numbers, text never as a formula."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title[:31]
    workbook.fill(sheet, heads, rows)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _energy(state: State, unit_of: pd.Series) -> tuple[list[Column], dict[str, pd.Series]]:
    """Columns of the year's figures before and after, and their sums by unit.

    unit_of : what each building counts to; index building_id.
    """
    said, area = _texts(state.language), state.twin.area_m2
    columns: list[Column] = []
    figures: dict[str, pd.Series] = {}
    units = unit_of.to_numpy()
    per_m2 = area.groupby(units, sort=False).sum(min_count=1)
    for name, column, factor, unit, digits in ENERGY:
        for side, annual in (("before", state.before), ("after", state.after)):
            title = f"{said(f'kpi.{name}')} {said(f'column.{side}')}"
            shown_on_phones = name == "heating_need"
            columns.append(Column(f"{name}_{side}", title, unit, True, digits, wide=not shown_on_phones))
            sums = annual[column].groupby(units, sort=False).sum(min_count=1)
            figures[f"{name}_{side}"] = factor * sums
            if name == "heating_need":
                figures[f"per_area_{side}"] = sums / per_m2.where(per_m2 > 0)
    for side in ("before", "after"):
        title = f"{said('column.heating_need_per_area')} {said(f'column.{side}')}"
        columns.append(Column(f"per_area_{side}", title, "kWh/(m²a)", True))
    return columns, figures


def _reached(twin: Twin, choice: Choice, plan: Plan) -> np.ndarray:
    if not hasattr(MEASURES[choice.measure], "applicable"):
        return np.zeros(len(twin.annual), bool)  # prices, climate: of the district, of no building
    return twin.reached_rows(choice, plan)


def _settings(choice: Choice, parameters: Sequence[Mapping[str, Any]], language: str) -> str:
    """Values of a measure in words."""
    said = []
    for parameter in parameters:
        value = choice.value(parameter["name"])
        titles = {one["id"]: one["title"] for one in parameter["choices"]}
        if parameter["kind"] == "number":
            number, unit = value * parameter["factor"], parameter["unit"]
            text = format.quantity(number, unit, language, parameter["digits"])
            text = str(round(number)) if parameter["plain"] else text
        else:
            listed = value if isinstance(value, tuple) else (value,)
            text = ", ".join(str(titles.get(one, one)) for one in listed)
        said.append(f"{parameter['title']}: {text}")
    return "; ".join(said)


def _basis(items: pd.DataFrame, said: Any) -> str:
    """Where the prices come from, and whether they are estimates."""
    if not len(items):
        return ""
    guess = said("source.guessed") if items["is_estimate"].astype(bool).any() else said("source.given")
    return f"{guess}: {', '.join(dict.fromkeys(items['source'].astype(str)))}"


def _texts(language: str) -> Any:
    return lambda key: texts.text(language, key)


def _words(values: pd.Series, section: str = "", language: str = texts.DEFAULT) -> list[str]:
    return [
        "" if pd.isna(v) else texts.label(language, section, str(v)) if section else str(v) for v in values
    ]


def _numbers(values: pd.Series) -> list[float | None]:
    return [_rounded(v) for v in values.to_numpy("float64", na_value=np.nan).tolist()]


def _rounded(value: Any) -> float | None:
    """Seven significant digits: what float32 inputs carry; whole numbers as such."""
    if value is None or not math.isfinite(value):
        return None
    short = float(f"{value:.7g}")
    return int(short) if short.is_integer() else short


def _local(time_ms: int | None) -> str:
    if time_ms is None:
        return ""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(findings.BERLIN)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _cell(value: Any, german: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return cell(value)
    return str(value).replace(".", ",") if german else str(value)
