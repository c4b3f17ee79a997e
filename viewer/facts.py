"""What the panel and the table say about blocks and buildings: plain data with each fact's kind of source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from viewer import charts, format, texts
from viewer.state import State

KINDS = ("guessed", "derived", "given")
# Result by month, its factor and unit, by the layer that colours the map; None: what the roofs could make.
CHARTS: dict[str, tuple[str | None, float, str]] = {
    "heating_need": ("heating_need_kwh", 1e-3, "MWh"),
    "electricity": ("electricity_use_kwh", 1e-3, "MWh"),
    "co2": ("co2_kg", 1e-3, "t"),
    "pv_yield": (None, 1e-3, "MWh"),
    "pv_potential": (None, 1e-3, "MWh"),
}
PER_AREA = "heating_need_per_area"
# A selection's figures: column of the results, factor (per area, the area's instead), unit, decimals.
ENERGY = {
    "heating_need": ("heating_need_kwh", 1e-3, "MWh/a", 0),
    PER_AREA: ("heating_need_kwh", 1.0, "kWh/(m²a)", 0),
    "electricity": ("electricity_use_kwh", 1e-3, "MWh/a", 0),
    "co2": ("co2_kg", 1e-3, "t/a", 1),
    "cost": ("energy_cost_eur", 1.0, "€/a", 0),
}


@dataclass(frozen=True)
class Attribute:
    """A column of the table buildings that people get to read.

    combine : how a block's value follows from its buildings: sum, the one value they share, or a range.
    section : of the texts that name its codes.
    """

    column: str
    source: str = ""
    unit: str = ""
    digits: int = 0
    combine: str = "same"
    section: str = ""


ATTRIBUTES = (
    Attribute("function", "function_source", section="function"),
    Attribute("construction_series", "series_source"),
    Attribute("year_of_construction", "year_source", combine="range"),
    Attribute("storeys_above_ground", "storeys_source", combine="range"),
    Attribute("measured_height_m", "measured_height_source", unit="m", digits=1, combine="range"),
    Attribute("roof_type", "roof_type_source", section="roof"),
    Attribute("dwellings", "dwellings_source", combine="sum"),
    Attribute("a_use_m2", "a_use_source", unit="m²", combine="sum"),
    Attribute("refurbishment", "refurbishment_source", section="state"),
    Attribute("heating", "heating_source", section="heating"),
    Attribute("owner"),
    Attribute("cost_centre"),
)


def title(buildings: pd.DataFrame, blocks: pd.DataFrame, building_id: str, block: bool, language: str) -> str:
    """Name of a building or of its block: the block's name, the address, the name, or the id."""
    row = buildings.loc[building_id]
    in_block = pd.notna(row["block_id"]) and row["block_id"] in blocks.index
    block_name = blocks["name"].loc[row["block_id"]] if in_block else None
    address = " ".join(str(row[c]) for c in ("street", "house_number") if pd.notna(row[c]))
    own = row["name"] if pd.notna(row["name"]) else None
    candidates = (block_name, own, address) if block else (address, own, block_name)
    return next((str(c) for c in candidates if c is not None and pd.notna(c) and str(c)), str(building_id))


def selected_title(state: State) -> str:
    """Name of what is selected, of the district where nothing is."""
    chosen, district, language = state.selection, state.twin.district, state.language
    if chosen is None:
        return texts.text(language, "derivation.district")
    if chosen.level == "set":
        return texts.text(language, "pick.title", count=format.number(len(chosen.ids), language))
    block = chosen.level == "block" and len(state.selected_ids) > 1
    return title(district.buildings, district.blocks, chosen.building_id, block, language)


def facts(state: State) -> dict[str, Any] | None:
    """The panel's content for the selection; None where nothing is selected."""
    if state.selection is None:
        return None
    twin, ids, language = state.twin, state.selected_ids, state.language
    table = twin.district.buildings.loc[ids]
    several = state.selection.level == "set"
    block = several or (state.selection.level == "block" and len(ids) > 1)
    in_block = int((twin.units == state.unit).sum())
    kind = "set" if several else "block" if block else "building"
    before, after = (run["heating_need_kwh"].loc[ids].sum(min_count=1) for run in (state.before, state.after))
    quarter = table["quarter"].dropna().unique()
    return {
        "kind": texts.text(language, f"facts.{kind}"),
        "title": selected_title(state),
        "subtitle": ", ".join(str(q) for q in quarter),
        "level": state.selection.level,
        "in_block": in_block,
        "energy": energy_rows(state, ids) if pd.notna(before) and before > 0 else [],
        "note": "" if pd.notna(before) and before > 0 else texts.text(language, "facts.unheated"),
        "chart": monthly_chart(state, ids) if pd.notna(before) and before > 0 else None,
        "network": network_rows(state, ids),
        "rows": attribute_rows(table, language, block),
        "changed": bool(before != after),
    }


def energy_rows(state: State, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Energy figures of the buildings `ids` before and after, as numbers with unit and decimals."""
    before, after = state.before.loc[list(ids)], state.after.loc[list(ids)]
    area = float(state.twin.area_m2.loc[list(ids)].sum())
    rows = []
    for name, (column, factor, unit, digits) in ENERGY.items():
        scale = factor if name != PER_AREA else 1 / area if area else np.nan
        rows.append(
            {
                "name": name,
                "label": texts.text(state.language, f"column.{name}"),
                "before": _finite(before[column].sum() * scale),
                "after": _finite(after[column].sum() * scale),
                "unit": unit,
                "digits": digits,
            }
        )
    return rows


def network_rows(state: State, ids: Sequence[str]) -> dict[str, Any] | None:
    """Figures of the substations that serve the buildings `ids`, and of their critical rooms' summer.

    None where they have neither; ``updating`` while they are computed.
    """
    heated = bool(state.twin.conditioned[state.twin.annual.index.get_indexer(pd.Index(ids))].any())
    if state.second is None:
        return {"updating": True, "rows": []} if heated else None
    rows, network = [], state.second.network
    stations = [] if network is None else list(network.station_of.reindex(list(ids)).dropna().unique())
    if network is not None and stations:
        rows += _station_rows(network.stations.loc[stations], state.language)
    rooms = state.second.overheating
    hot = pd.Series(dtype=float)
    if rooms is not None:
        hot = rooms.reindex(list(ids))["over_temperature_kh"].dropna()
    if rooms is not None and len(hot):
        allowed = float(rooms["allowed_kh"].loc[str(hot.idxmax())])
        value = format.quantity(float(hot.max()), "Kh/a", state.language)
        rows.append(
            {
                "label": texts.text(state.language, "facts.overheating"),
                "value": value,
                "detail": texts.text(
                    state.language, "facts.allowed", value=format.quantity(allowed, "Kh/a", state.language)
                ),
            }
        )
    if rooms is None and heated:
        return {"updating": True, "rows": rows}
    return {"updating": False, "rows": rows} if rows else None


def network_notes(state: State) -> str:
    """What of the heat network is estimated; empty where its pipes and substations are given."""
    district = state.twin.district
    guessed = (
        ("network.guessed_pipes", district.network_pipes), ("network.guessed_stations", district.substations),
    )  # fmt: skip
    return " ".join(texts.text(state.language, key) for key, table in guessed if not len(table))


def _station_rows(stations: pd.DataFrame, language: str) -> list[dict[str, str]]:
    def write(value: float, unit: str, digits: int = 0) -> str:
        return format.quantity(value, unit, language, digits)

    heat, peak, power = (float(stations[c].sum()) for c in ("heat_kwh", "peak_kw", "power_kw"))
    coldest = write(float(stations["coldest_supply_c"].min()), "°C", 1)
    figures = [
        ("station_heat", write(heat / 1000, "MWh/a"), ""),
        ("station_peak", write(peak, "kW"), texts.text(language, "facts.design", value=write(power, "kW"))),
        ("station_flow", write(float(stations["flow_max_kg_s"].sum()), "kg/s", 2), ""),
        ("station_supply", write(float(stations["supply_mean_c"].mean()), "°C", 1),
         texts.text(language, "facts.coldest", value=coldest)),
        ("station_short", write(float(stations["short_h"].max()), "h/a"), ""),
    ]  # fmt: skip
    return [
        {"label": texts.text(language, f"facts.{name}"), "value": value, "detail": detail}
        for name, value, detail in figures
    ]


def pipe(state: State, row: int) -> dict[str, str] | None:
    """Tooltip of the pipe `row`: its diameter, flow, temperature and losses; None before they are known."""
    network = state.second.network if state.second is not None else None
    if network is None or not 0 <= row < len(network.pipes):
        return None
    values, language = network.pipes.iloc[row], state.language

    def write(column: str, unit: str, digits: int, factor: float = 1.0) -> str:
        return format.quantity(float(values[column]) * factor, unit, language, digits)

    lines = [
        texts.text(
            language, "pipe.size", length=write("length_m", "m", 0), inner=write("inner_diameter_mm", "mm", 0)
        ),
        texts.text(language, "pipe.flow", value=write("flow_max_kg_s", "kg/s", 2)),
        texts.text(language, "pipe.supply", value=write("supply_mean_c", "°C", 1)),
        texts.text(language, "pipe.loss", value=write("loss_kwh", "MWh/a", 1, 1e-3)),
    ]
    if values["overloaded_h"] > 0:
        lines.append(texts.text(language, "pipe.overloaded", value=write("overloaded_h", "h/a", 0)))
    return {"title": texts.text(language, "pipe.title"), "line": "\n".join(lines)}


def monthly_chart(state: State, ids: Sequence[str]) -> dict[str, str]:
    """Bars by month of what the map is coloured by (else of the heating need), as title and SVG."""
    name = state.colour if state.colour in CHARTS else "heating_need"
    quantity, factor, unit = CHARTS[name]
    months = texts.text(state.language, "months.list").split()
    if quantity is None:
        before = after = state.twin.monthly_sun(ids) * factor
    else:
        before, after = state.monthly(ids, quantity) * factor
    title = texts.text(state.language, f"chart.{name}")
    bars = charts.monthly_bars(before, after, months=months, unit=unit, language=state.language, title=title)
    return {"title": title, "svg": bars}


def attribute_rows(table: pd.DataFrame, language: str, block: bool) -> list[dict[str, str]]:
    """Facts of one building or of a block's buildings, each with the kind of its source."""
    rows = []
    if block:
        rows.append(
            {"label": texts.text(language, "facts.buildings"), "value": format.number(len(table), language)}
        )
    for attribute in ATTRIBUTES:
        value = _combined(table[attribute.column], attribute, language)
        if value is None:
            continue
        row = {"label": texts.text(language, f"column.{attribute.column}"), "value": value}
        sources = table[attribute.source].dropna() if attribute.source else pd.Series([], dtype=object)
        if len(sources):
            kinds = sources.str.partition(":")[0]
            kind = next((k for k in KINDS if (kinds == k).any()), "")
            if kind:
                row["source"] = kind
                row["detail"] = str(sources[kinds == kind].iloc[0]).partition(":")[2]
        rows.append(row)
    return rows


def _combined(values: pd.Series, attribute: Attribute, language: str) -> str | None:
    known = values.dropna()
    if known.empty:
        return None
    if attribute.combine == "sum":
        return format.quantity(float(known.sum()), attribute.unit, language, attribute.digits)
    if attribute.combine == "range":
        low, high = float(known.min()), float(known.max())
        # A year is no quantity: 1983, never 1.983.
        write: Callable[[float], str] = (
            (lambda v: str(round(v)))
            if attribute.column == "year_of_construction"
            else (lambda v: format.number(v, language, attribute.digits))
        )
        text = write(low) if write(low) == write(high) else f"{write(low)}–{write(high)}"
        return f"{text}\u00a0{attribute.unit}" if attribute.unit else text
    kinds = known.unique()
    if len(kinds) > 1:
        return texts.text(language, "facts.mixed")
    return texts.label(language, attribute.section, str(kinds[0])) if attribute.section else str(kinds[0])


def units(state: State) -> pd.DataFrame:
    """Blocks and single buildings with their facts and needs, index the id of block or building. [kWh]"""
    twin = state.twin
    buildings = twin.district.buildings
    frame = pd.DataFrame(
        {
            "unit": twin.units.to_numpy(),
            "first": buildings.index,
            "quarter": buildings["quarter"].to_numpy(),
            "function": buildings["function"].to_numpy(),
            "construction_series": buildings["construction_series"].to_numpy(),
            "year_of_construction": buildings["year_of_construction"].to_numpy(),
            "dwellings": buildings["dwellings"].to_numpy(),
            "a_use_m2": twin.area_m2.to_numpy(),
            "before": state.before["heating_need_kwh"].to_numpy(),
            "after": state.after["heating_need_kwh"].to_numpy(),
            "own": names(buildings).to_numpy(),
        }
    )
    groups = frame.groupby("unit", sort=False)
    result = groups.agg(
        {
            "first": "first", "quarter": "first", "function": "first", "construction_series": "first",
            "year_of_construction": "min", "own": "first",
        }
    )  # fmt: skip
    result[["dwellings", "a_use_m2", "before", "after"]] = groups[
        ["dwellings", "a_use_m2", "before", "after"]
    ].sum(min_count=1)
    block_names = twin.district.blocks["name"].reindex(result.index)
    result["name"] = block_names.where(block_names.notna(), result["own"])
    return result


def names(buildings: pd.DataFrame) -> pd.Series:
    """Address of each building, else its name, else its id; index building_id."""
    street = buildings["street"].astype("object")
    number = buildings["house_number"].astype("object")
    address = (street.fillna("") + " " + number.fillna("")).str.strip()
    address = address.where(street.notna(), None)
    own = buildings["name"].astype("object")
    return address.where(
        address.notna(), own.where(own.notna(), buildings.index.to_series().astype("object"))
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
