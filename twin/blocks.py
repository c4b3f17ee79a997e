"""Blocks: the units that managers click and report, usually one row of houses with several entrances.

A stated `block_id` wins. Else touching residential buildings that look alike form one block, and each other
building is a block of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin import schema
from twin.polygons import Bools, Ints

GAP_M = 0.25
SHARED_WALL_M = 3.0
"""Buildings of one block share at least this length of wall."""
SAME_HEIGHT_M = 3.0
SAME_YEARS = 5.0
_NUMBER = re.compile(r"(\d+)\s*([a-zA-Z]?)")


def group(
    buildings: gpd.GeoDataFrame, blocks: gpd.GeoDataFrame | None = None
) -> tuple[pd.Series, gpd.GeoDataFrame]:
    """The block of each building, and the table of blocks.

    Buildings without `block_id` are joined where both are residential, share `SHARED_WALL_M` of wall, and
    differ neither in street nor series nor by more than `SAME_HEIGHT_M` and `SAME_YEARS`, where known.
    The id of such a block follows from its members' ids alone.

    Parameters
    ----------
    buildings : table buildings, with footprints.
    blocks : blocks that are known; kept, and completed where something is missing.

    Returns
    -------
    Series of block ids (index building_id) and the table blocks, as the schema has it.
    """
    known = schema.conform("blocks", blocks)
    block_id = buildings["block_id"].astype(object).where(buildings["block_id"].notna(), None)
    loose = np.flatnonzero(block_id.isna())
    source = dict.fromkeys(block_id.dropna(), "facts")
    if len(loose):
        made, kinds = _ids(buildings.iloc[loose])
        block_id.iloc[loose] = made
        source |= dict(zip(made, kinds, strict=True))
    block_id = block_id.astype("str")
    return block_id, _completed(known, buildings, block_id, source)


def house_number_range(numbers: Iterable[object]) -> str:
    """House numbers as people say them: "9–19", "12a", "3–7b"; "" without any.

    Numbers may be ranges themselves ("9-11"); only the least and the greatest are named.
    """
    found: set[tuple[int, str]] = set()
    for number in numbers:
        if isinstance(number, str):
            found |= {(int(digits), letter.lower()) for digits, letter in _NUMBER.findall(number)}
    if not found:
        return ""
    first, last = min(found), max(found)
    return _said(first) if first == last else f"{_said(first)}–{_said(last)}"


def _said(number: tuple[int, str]) -> str:
    return f"{number[0]}{number[1]}"


def _ids(buildings: gpd.GeoDataFrame) -> tuple[NDArray[np.object_], list[str]]:
    """Block id of each building, and whether it stands alone ("single") or touches others ("touching")."""
    a, b = _joined(buildings)
    n = len(buildings)
    graph = coo_array((np.ones(len(a), bool), (a, b)), shape=(n, n))
    component = connected_components(graph, directed=False)[1]
    members = pd.Series(buildings.index.to_numpy(object)).groupby(component)
    names = members.agg(
        lambda ids: "block-" + hashlib.sha1(_key(ids), usedforsecurity=False).hexdigest()[:12]
    )
    kinds = np.where(np.bincount(component)[component] > 1, "touching", "single")
    return names.to_numpy(object)[component], kinds.tolist()


def _key(ids: pd.Series) -> bytes:
    return "\x1f".join(sorted(ids)).encode()


def _joined(buildings: gpd.GeoDataFrame) -> tuple[Ints, Ints]:
    """Pairs of buildings that belong to one block."""
    housing = np.flatnonzero((buildings["function"] == "residential").to_numpy(bool))
    footprint = buildings.geometry.to_numpy()[housing]
    a, b = shapely.STRtree(footprint).query(footprint, predicate="dwithin", distance=GAP_M)
    a, b = a[a < b], b[a < b]
    alike = _alike(buildings.iloc[housing], a, b)
    a, b = a[alike], b[alike]
    near = shapely.buffer(footprint[a], GAP_M + 0.05, quad_segs=2)
    shared = shapely.length(shapely.intersection(near, shapely.boundary(footprint[b])))
    touching = shared >= SHARED_WALL_M
    return housing[a[touching]], housing[b[touching]]


def _alike(buildings: gpd.GeoDataFrame, a: Ints, b: Ints) -> Bools:
    alike = np.ones(len(a), bool)
    for column in ("street", "construction_series"):
        values = buildings[column].to_numpy(object)
        first, second = values[a], values[b]
        alike &= (first == second) | pd.isna(first) | pd.isna(second)
    for column, most in (("measured_height_m", SAME_HEIGHT_M), ("year_of_construction", SAME_YEARS)):
        numbers = buildings[column].to_numpy("float64")
        alike &= ~(np.abs(numbers[a] - numbers[b]) > most)
    return alike


def _completed(
    known: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, block_id: pd.Series, source: dict[str, str]
) -> gpd.GeoDataFrame:
    """Known blocks and those of `block_id`, missing columns filled from their buildings."""
    rows = buildings.assign(block_id=block_id)
    by_block = rows.groupby("block_id", sort=True)
    made = pd.DataFrame(index=by_block.size().index)
    made["geometry"] = _unions(rows)
    made["name"] = _names(rows, made.index)
    for column in ("quarter", "construction_series", "year_of_construction"):
        made[column] = by_block[column].first().where(by_block[column].nunique() == 1)
    made["dwellings"] = by_block["dwellings"].sum(min_count=1)
    made["buildings"] = by_block.size().astype(float)
    made["source"] = [source[block] for block in made.index]
    every = known.index.append(made.index.difference(known.index)).rename("block_id")
    made = made.reindex(every)
    out = pd.DataFrame(known).reindex(every)
    out["name"] = out["name"].mask(out["name"] == "")
    for column in made.columns:
        out[column] = out[column].where(out[column].notna(), made[column])
    return schema.conform("blocks", gpd.GeoDataFrame(out, geometry="geometry", crs=schema.CRS))


def _unions(rows: gpd.GeoDataFrame) -> pd.Series:
    """Union of the footprints of each block, small gaps between neighbours kept."""
    footprint = pd.Series(rows.geometry.to_numpy(), dtype=object)
    return footprint.groupby(rows["block_id"].to_numpy(object)).agg(
        lambda own: own.iloc[0] if len(own) == 1 else shapely.union_all(own.to_numpy())
    )


def _names(rows: gpd.GeoDataFrame, index: pd.Index) -> pd.Series:
    """Streets with house numbers, the street with most buildings first; else the buildings' one name."""
    numbers: dict[str, dict[str, list[object]]] = {}
    columns = (rows[name].to_numpy(object) for name in ("block_id", "street", "house_number"))
    for block, street, number in zip(*columns, strict=True):
        if isinstance(street, str):
            numbers.setdefault(block, {}).setdefault(street, []).append(number)
    names = {
        block: ", ".join(
            f"{street} {house_number_range(streets[street])}".strip()
            for street in sorted(streets, key=lambda street: (-len(streets[street]), street))
        )
        for block, streets in numbers.items()
    }
    own_name = rows["name"].where(rows["name"] != rows.index)  # some sources repeat the id as the name
    by_block = own_name.groupby(rows["block_id"])
    only = by_block.first().where(by_block.nunique() == 1).reindex(index)
    return pd.Series(names, dtype=object).reindex(index).fillna(only).fillna("")
