"""Matched facts into the district: values with their source, and blocks out of entrances."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from twin.addresses import fold, format_numbers, parse_house_numbers, street
from twin.facts import SUMS, VALUES
from twin.sources.base import NOT_PUBLISHED, Finding, Provenance

if TYPE_CHECKING:
    from twin.district import District
    from twin.match import MatchResult

SOURCE_COLUMNS = {
    "construction_series": "series_source", "year_of_construction": "year_source",
    "storeys_above_ground": "storeys_source", "dwellings": "dwellings_source", "a_use_m2": "a_use_source",
    "refurbishment": "refurbishment_source", "heating": "heating_source",
}  # fmt: skip
GIVEN, SPLIT, SUMMED = "given:facts", "derived:facts split", "derived:facts sum"


def apply(district: District, result: MatchResult) -> District:
    """The district with the owner's facts in place of what was derived, guessed or given by geodata.

    Values that belong to a whole row ("9–19": dwellings, floor area) are split by floor area; a value that
    contradicts a given one replaces it and is listed. Entrances of a row, or of one block name of an owner,
    become one block.
    """
    buildings = district.buildings.copy()
    findings = list(result.findings)
    found = _values(buildings, result, findings)
    for building_values in found:
        _set(buildings, building_values, result.facts.file, findings)
    _set_addresses(buildings, result)
    groups = _groups(buildings, result)
    buildings, blocks = regroup(buildings, district.blocks, groups)
    touched = buildings.loc[result.assignments["building_id"].unique(), "block_id"].dropna().unique()
    blocks = summarise(buildings, blocks, touched)
    record = Provenance(
        table="buildings",
        source="facts",
        origin=result.facts.file or "owner's list",
        licence=f"owner's own data, {NOT_PUBLISHED}",
        changes=f"{result.assignments['row'].nunique()} rows matched to "
        f"{result.assignments['building_id'].nunique()} buildings",
        sha256=result.facts.sha256,
    )
    return district.replace(
        buildings=buildings,
        blocks=blocks,
        findings=(*district.findings, *findings),
        provenance=(*district.provenance, record),
    )


# --------------------------------------------------------------------------------------------- values
@dataclass(frozen=True)
class _ColumnValues:
    """Values of one column for some buildings."""

    column: str
    building_id: pd.Index
    values: list[object]
    source: list[str]


def _values(buildings: gpd.GeoDataFrame, result: MatchResult, findings: list[Finding]) -> list[_ColumnValues]:
    pairs = result.assignments.merge(result.facts.rows[list(VALUES)], left_on="row", right_index=True)
    found = []
    for column in VALUES:
        stated = pairs[pairs[column].notna()]
        if column in SUMS:
            found.append(_sums(buildings, stated, column, result, findings))
        else:
            found.append(_properties(stated, column, result.facts.file, findings))
    return found


def _properties(pairs: pd.DataFrame, column: str, file: str, findings: list[Finding]) -> _ColumnValues:
    """What holds for each house; rows that disagree about one building leave it as it was."""
    by_building = pairs.groupby("building_id", sort=False)
    distinct = by_building[column].nunique()
    for building_id in distinct.index[distinct > 1]:
        group = by_building.get_group(building_id)
        said = ", ".join(
            f"{_plain(value)} (row {row})" for row, value in zip(group["row"], group[column], strict=True)
        )
        findings.append(
            Finding("left_out", file, f"building {building_id}", f"{column}: rows disagree, {said}")
        )
    first = by_building[column].first()[distinct == 1]
    return _ColumnValues(column, first.index, list(first), [GIVEN] * len(first))


def _sums(
    buildings: gpd.GeoDataFrame,
    pairs: pd.DataFrame,
    column: str,
    result: MatchResult,
    findings: list[Finding],
) -> _ColumnValues:
    """What belongs to all houses of a row: split over them, and added up where rows share a building."""
    total: dict[str, float] = defaultdict(float)
    sources: dict[str, list[str]] = defaultdict(list)
    houses: dict[int, list[str]] = defaultdict(list)
    stated: dict[int, float] = {}
    for row, building_id, value in zip(*_columns(pairs, "row", "building_id", column), strict=True):
        houses[row].append(building_id)
        stated[row] = value
    for row, ids in houses.items():
        weights = floor_area_weights(buildings.loc[ids]) if len(ids) > 1 else [1.0]
        parts = split(stated[row], weights, whole=column == "dwellings")
        given = result.facts.area_source.get(row, GIVEN) if column == "a_use_m2" else GIVEN
        for building_id, part in zip(ids, parts, strict=True):
            total[building_id] += float(part)
            sources[building_id].append(given if len(ids) == 1 else SPLIT)
    for building_id in _partly_covered(buildings, pairs):
        total.pop(building_id)
        message = f"{column}: the list names only some of the building's house numbers; left as it was"
        findings.append(Finding("left_out", result.facts.file, f"building {building_id}", message))
    source = [sources[b][0] if len(sources[b]) == 1 else _joint(sources[b]) for b in total]
    return _ColumnValues(column, pd.Index(total), list(total.values()), source)


def _joint(sources: Sequence[str]) -> str:
    return SPLIT if SPLIT in sources else SUMMED


def _partly_covered(buildings: gpd.GeoDataFrame, pairs: pd.DataFrame) -> list[str]:
    """Buildings with several house numbers of which the rows name only some."""
    texts = buildings["house_number"].reindex(pairs["building_id"].unique())
    own = {building_id: set(parse_house_numbers(text).numbers()) for building_id, text in texts.items()}
    met: dict[str, set[object]] = defaultdict(set)
    for building_id, how, numbers in zip(*_columns(pairs, "building_id", "how", "numbers"), strict=True):
        met[building_id] |= set(numbers) if how == "address" else own[building_id]
    return [building_id for building_id, numbers in met.items() if own[building_id] - numbers]


def floor_area_weights(buildings: gpd.GeoDataFrame) -> pd.Series:
    """Weights of buildings when a sum is split over them: floor area, else footprint × storeys or × height,
    else footprint; the first that all of them have, so that shares compare.
    """
    footprint = pd.Series(shapely.area(buildings.geometry.to_numpy()), buildings.index)
    height = footprint * buildings["measured_height_m"]
    candidates = (buildings["gross_floor_area_m2"], footprint * buildings["storeys_above_ground"], height)
    known: list[pd.Series] = [weight for weight in candidates if bool((weight > 0).all())]
    return known[0] if known else footprint


def split(total: float, weights: ArrayLike, *, whole: bool) -> NDArray[np.float64]:
    """Parts of `total` in proportion to `weights`, shape (n,); equal parts where no weight is above 0.

    Whole numbers are shared out by largest remainder, so that they add up exactly.
    """
    share = np.asarray(weights, float)
    share = share / share.sum() if share.sum() > 0 else np.full(len(share), 1 / len(share))
    parts = total * share
    if not whole:
        return parts
    floor = np.floor(parts + 1e-9)
    short = round(total - floor.sum())
    order = np.argsort(-(parts - floor), kind="stable")
    floor[order[:short]] += 1
    return np.asarray(floor, float)


def _set(buildings: gpd.GeoDataFrame, found: _ColumnValues, file: str, findings: list[Finding]) -> None:
    """Set one column; a given value that is replaced by another one is listed."""
    ids = found.building_id
    if not len(ids):
        return
    if source_column := SOURCE_COLUMNS.get(found.column):
        before = buildings.loc[ids, found.column]
        source = buildings.loc[ids, source_column].fillna("")
        for building_id, old, new, kind in zip(ids, before, found.values, source, strict=True):
            if kind.startswith("given:") and not pd.isna(old) and not _equal(old, new):
                said = f"the list says {_plain(new)}, {kind[6:]} said {_plain(old)}"
                message = f"{found.column}: {said}; the list counts"
                findings.append(Finding("note", file, f"building {building_id}", message))
        buildings.loc[ids, source_column] = found.source
    buildings.loc[ids, found.column] = found.values


def _equal(old: object, new: object) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return bool(np.isclose(old, new, rtol=1e-6))
    return old == new


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _set_addresses(buildings: gpd.GeoDataFrame, result: MatchResult) -> None:
    """Buildings without an address that one row of one house number was matched to get its address."""
    records = result.facts.records()
    pairs = result.assignments
    alone = ~pairs["row"].duplicated(keep=False) & ~pairs["building_id"].duplicated(keep=False)
    nameless = pairs["building_id"].map(buildings["street"].isna())
    for row, building_id in zip(*_columns(pairs[alone & nameless], "row", "building_id"), strict=True):
        name, numbers = records[row]["street"], records[row]["numbers"].numbers()
        if name and numbers:
            buildings.loc[building_id, ["street", "house_number"]] = [name, format_numbers(numbers)]


def _columns(frame: pd.DataFrame, *names: str) -> list[list[Any]]:
    return [frame[name].tolist() for name in names]


# --------------------------------------------------------------------------------------------- blocks
@dataclass(frozen=True)
class Group:
    """Buildings that form one block; `name` and `block_id` where the list gives them."""

    building_ids: tuple[str, ...]
    name: str = ""
    block_id: str = ""


def _groups(buildings: gpd.GeoDataFrame, result: MatchResult) -> list[Group]:
    """Blocks by the list: one block name (or id) of one owner, else the houses of one row."""
    records = result.facts.records()
    members: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    naming: dict[tuple[str, str, str], tuple[str, str]] = {}
    for row, building_id in zip(*_columns(result.assignments, "row", "building_id"), strict=True):
        owner, name, block_id = (str(records[row][c] or "") for c in ("owner", "block_name", "block_id"))
        key = ("block", fold(owner), fold(block_id or name)) if name or block_id else ("row", str(row), "")
        members[key].append(building_id)
        before = naming.get(key, ("", ""))
        naming[key] = (before[0] or name, before[1] or block_id)
    taken: set[str] = set()
    groups = []
    for key, ids in members.items():
        own = [b for b in dict.fromkeys(ids) if b not in taken]
        name, block_id = naming[key]
        if len(own) > 1 or (own and (name or block_id)):
            taken.update(own)
            groups.append(Group(tuple(own), name, block_id))
    return groups


def regroup(
    buildings: gpd.GeoDataFrame, blocks: gpd.GeoDataFrame, groups: Sequence[Group]
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Both tables with the groups as blocks; old blocks lose these buildings and go when nothing is left."""
    if not groups:
        return buildings, blocks
    buildings, blocks = buildings.copy(), blocks.copy()
    shrunk = set(buildings.loc[[b for g in groups for b in g.building_ids], "block_id"].dropna())
    made: dict[str, str] = {}
    for group in groups:
        ids = list(group.building_ids)
        name = group.name or block_name(buildings.loc[ids])
        block_id = _unused(group.block_id or f"block-{_slug(name) or ids[0]}", made)
        made[block_id] = name
        buildings.loc[ids, "block_id"] = block_id
    left = blocks[blocks.index.isin(buildings["block_id"].dropna()) & ~blocks.index.isin(list(made))]
    shape = gpd.GeoDataFrame(
        {"name": list(made.values()), "source": "facts", "geometry": None},
        index=pd.Index(list(made), name="block_id"),
        geometry="geometry",
        crs=blocks.crs,
    )
    blocks = gpd.GeoDataFrame(
        pd.concat([left, shape.reindex(columns=left.columns)]), geometry="geometry", crs=blocks.crs
    )
    shrunk &= set(left.index)
    for block_id in shrunk - set(left.index[left["source"].isin(["facts", "sample"])]):
        if name := block_name(buildings[buildings["block_id"] == block_id]):
            blocks.loc[block_id, "name"] = name
    return buildings, summarise(buildings, blocks, [*shrunk, *made])


def _unused(block_id: str, taken: Iterable[str]) -> str:
    candidate, number = block_id, 2
    while candidate in taken:
        candidate, number = f"{block_id}-{number}", number + 1
    return candidate


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")


def block_name(members: pd.DataFrame) -> str:
    """ "Ziegesarstraße 9–19" from the members' addresses; empty where none has one."""
    parts = []
    known = members[members["street"].notna()]
    for _, group in known.groupby(known["street"].map(lambda name: street(name).key), sort=True):
        numbers = [n for text in group["house_number"] for n in parse_house_numbers(text).numbers()]
        parts.append(f"{group['street'].iloc[0]} {format_numbers(numbers)}".strip())
    return ", ".join(parts)


def summarise(
    buildings: gpd.GeoDataFrame, blocks: gpd.GeoDataFrame, block_ids: Iterable[str]
) -> gpd.GeoDataFrame:
    """The blocks table with geometry, counts and common values of these blocks taken from their buildings.

    Dwellings are summed where every member knows its own; series, quarter and year are the most frequent.
    """
    ids = list(dict.fromkeys(block_ids))
    members = buildings[buildings["block_id"].isin(ids)]
    if members.empty:
        return blocks
    blocks = blocks.copy()
    grouped = members.groupby("block_id", sort=False)
    order = list(grouped.groups)
    blocks.loc[order, "buildings"] = grouped.size().astype(float)
    complete = grouped["dwellings"].count() == grouped.size()
    blocks.loc[order, "dwellings"] = grouped["dwellings"].sum().where(complete)
    for column in ("quarter", "construction_series", "year_of_construction"):
        blocks.loc[order, column] = _most_frequent(members, column).reindex(order)
    shapes = grouped["geometry"].agg(lambda shapes: shapely.union_all(shapes.to_numpy()))
    blocks.loc[order, "geometry"] = gpd.GeoSeries(shapes, crs=blocks.crs)
    return blocks


def _most_frequent(members: gpd.GeoDataFrame, column: str) -> pd.Series:
    """The most frequent value of a column by block; of equally frequent ones the least."""
    counts = members.groupby(["block_id", column], sort=True).size().rename("count").reset_index()
    ranked = counts.sort_values("count", ascending=False, kind="stable").drop_duplicates("block_id")
    values: pd.Series = ranked.set_index("block_id")[column]
    return values
