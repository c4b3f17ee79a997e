"""CityJSON 2.0 and CityJSONSeq: buildings with their parts, surfaces with semantics, attributes.

Closed shells become solids, others MultiSurfaces; LoD 2, or 1.2 where the source says so. Vertices are whole
millimetres.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin import mesh
from twin.district import District
from twin.errors import CallError
from twin.exports import values

SCALE_M = 0.001
CRS = "https://www.opengis.net/def/crs/EPSG/0/25832"
_NAMES = {
    "measured_height_m": "measuredHeight", "storeys_above_ground": "storeysAboveGround",
    "year_of_construction": "yearOfConstruction", "roof_type_code": "roofType", "function_code": "function",
}  # fmt: skip
Json = dict[str, Any]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Shells:
    """All surfaces, sorted by building and part.

    rings : polygon → rings, each its vertices' numbers.  points : shape (V, 3), whole scale steps from the
    corner; equal points of a building are one.
    """

    building: NDArray[np.object_]
    part: NDArray[np.object_]
    kind: NDArray[np.object_]
    rings: list[list[list[int]]]
    points: Ints
    corner: NDArray[np.float64]
    closed: dict[str, bool]


def write(district: District, file: Path, attributes: pd.DataFrame) -> None:
    """One document.

    Raises
    ------
    CallError : the district has no surfaces.
    """
    shells = _shells(district)
    document = _head(district, shells)
    objects: Json = {}
    for _, found in _objects(district, shells, attributes):
        objects |= found
    points, number = np.unique(shells.points, axis=0, return_inverse=True)
    flat = number.reshape(-1).tolist()
    for one in objects.values():
        for geometry in one.get("geometry", ()):
            geometry["boundaries"] = _renumbered(geometry["boundaries"], flat)
    document["CityObjects"] = objects
    document["vertices"] = points.tolist()
    with file.open("w", encoding="utf-8") as stream:
        json.dump(document, stream, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def write_sequence(district: District, file: Path, attributes: pd.DataFrame) -> None:
    """A line for the head and one for each building.

    Raises
    ------
    CallError : the district has no surfaces.
    """
    shells = _shells(district)
    with file.open("w", encoding="utf-8") as stream:
        head = {**_head(district, shells), "CityObjects": {}, "vertices": []}
        stream.write(json.dumps(head, ensure_ascii=False, separators=(",", ":")) + "\n")
        for name, objects in _objects(district, shells, attributes):
            used = sorted({n for one in objects.values() for g in one.get("geometry", ()) for n in _flat(g)})
            own = {old: new for new, old in enumerate(used)}
            for one in objects.values():
                for geometry in one.get("geometry", ()):
                    geometry["boundaries"] = _renumbered(geometry["boundaries"], own)
            line = {"type": "CityJSONFeature", "id": name, "CityObjects": objects,
                    "vertices": shells.points[used].tolist()}  # fmt: skip
            stream.write(json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n")


def _head(district: District, shells: _Shells) -> Json:
    lowest = shells.points.min(axis=0) * SCALE_M + shells.corner
    highest = shells.points.max(axis=0) * SCALE_M + shells.corner
    extent = [round(float(value), 3) for value in (*lowest, *highest)]
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [SCALE_M] * 3, "translate": shells.corner.tolist()},
        "metadata": {
            "title": f"{district.name} ({values.credit_of_solids(district)}; heights DHHN2016)",
            "referenceSystem": CRS,
            "geographicalExtent": extent,
        },
    }


def _shells(district: District) -> _Shells:
    surfaces = district.surfaces
    if not len(surfaces):
        raise CallError(
            "there are no surfaces to write", f"district {district.name}", "Import it with heights"
        )
    row = district.buildings.index.get_indexer(surfaces["building_id"])
    part = surfaces["part_id"].fillna("").to_numpy(object)
    order = np.lexsort((np.arange(len(row)), part.astype(str), row))
    shapes = surfaces.geometry.to_numpy()[order]
    rings, polygon = shapely.get_rings(shapes, return_index=True)
    points, ring = shapely.get_coordinates(rings, include_z=True, return_index=True)
    corner = np.floor(np.nanmin(points, axis=0))
    steps = np.round((points - corner) / SCALE_M).astype(np.int64)
    found: list[list[list[int]]] = [[] for _ in range(len(shapes))]
    starts = np.searchsorted(ring, np.arange(len(rings) + 1))
    of_building = row[order][polygon][ring]
    known, number = np.unique(np.column_stack([of_building, steps]), axis=0, return_inverse=True)
    number = number.reshape(-1)
    for one, owner in enumerate(polygon.tolist()):
        numbers = number[starts[one] : starts[one + 1] - 1].tolist()  # without the closing point
        kept = [n for n, before in zip(numbers, [numbers[-1], *numbers[:-1]], strict=True) if n != before]
        found[owner].append(kept)
    return _Shells(
        surfaces["building_id"].to_numpy(object)[order], part[order],
        surfaces["surface_type"].to_numpy(object)[order], found, known[:, 1:], corner,
        _closed(shapes, surfaces["building_id"].to_numpy(object)[order], part[order]),
    )  # fmt: skip


def _closed(
    shapes: NDArray[Any], building: NDArray[np.object_], part: NDArray[np.object_]
) -> dict[str, bool]:
    """Whether the surfaces of each building's or part's own shell close, by ``building|part``."""
    names = np.array([f"{b}|{p}" for b, p in zip(building, part, strict=True)], object)
    known, owner = np.unique(names.astype(str), return_inverse=True)
    closed = mesh.watertight(shapes, owner, len(known))
    return {str(name): bool(one) for name, one in zip(known, closed, strict=True)}


def _objects(district: District, shells: _Shells, attributes: pd.DataFrame) -> Iterator[tuple[str, Json]]:
    """Each building with its parts, as city objects by id."""
    table = attributes.reindex(district.buildings.index)
    columns = {_NAMES.get(str(name), str(name)): values.plain(table[name]) for name in table.columns}
    lod = district.buildings["lod"].fillna("2")
    part_rows = dict(tuple(district.parts.groupby("building_id"))) if len(district.parts) else {}
    own: dict[str, dict[str, list[int]]] = {}
    for number, (building, part) in enumerate(zip(shells.building, shells.part, strict=True)):
        own.setdefault(building, {}).setdefault(part, []).append(number)
    for row, name in enumerate(district.buildings.index):
        facts = {key: column[row] for key, column in columns.items() if column[row] is not None}
        whole: Json = {"type": "Building", "attributes": facts}
        if address := _address(table.iloc[row]):
            whole["address"] = [address]
        objects: Json = {str(name): whole}
        level = "1.2" if str(lod.iloc[row]).startswith("1") else "2"
        for part, rows in own.get(name, {}).items():
            geometry = _geometry(shells, rows, shells.closed[f"{name}|{part}"], level)
            if not part:
                whole["geometry"] = [geometry]
                continue
            objects[part] = {"type": "BuildingPart", "parents": [str(name)], "geometry": [geometry]}
            if name in part_rows and part in part_rows[name].index:
                objects[part]["attributes"] = _part(part_rows[name].loc[part])
            whole.setdefault("children", []).append(part)
        yield str(name), objects


def _part(row: pd.Series[Any]) -> Json:
    kept = ("roof_type_code", "measured_height_m", "storeys_above_ground", "function_code")
    found = {_NAMES[name]: row[name] for name in kept if pd.notna(row[name])}
    if "storeysAboveGround" in found:
        found["storeysAboveGround"] = int(found["storeysAboveGround"])
    return {key: value if isinstance(value, int) else _number_or_text(value) for key, value in found.items()}


def _number_or_text(value: Any) -> float | str:
    return str(value) if isinstance(value, str) else float(value)


def _address(row: pd.Series[Any]) -> Json:
    names = {"street": "ThoroughfareName", "house_number": "ThoroughfareNumber", "postcode": "PostalCode",
             "city": "LocalityName"}  # fmt: skip
    return {shown: str(row[name]) for name, shown in names.items() if name in row and pd.notna(row[name])}


def _geometry(shells: _Shells, rows: list[int], closed: bool, lod: str) -> Json:
    kept = [row for row in rows if shells.rings[row] and all(len(ring) > 2 for ring in shells.rings[row])]
    kinds = list(dict.fromkeys(str(shells.kind[row]) for row in kept))
    boundaries: list[Any] = [shells.rings[row] for row in kept]
    of: list[Any] = [kinds.index(str(shells.kind[row])) for row in kept]
    solid = closed and len(kept) == len(rows)
    return {
        "type": "Solid" if solid else "MultiSurface",
        "lod": lod,
        "boundaries": [boundaries] if solid else boundaries,
        "semantics": {"surfaces": [{"type": kind} for kind in kinds], "values": [of] if solid else of},
    }


def _renumbered(boundaries: Any, numbers: Any) -> Any:
    if isinstance(boundaries, list):
        return [_renumbered(one, numbers) for one in boundaries]
    return numbers[boundaries]


def _flat(geometry: Json) -> Iterator[int]:
    open_ = [geometry["boundaries"]]
    while open_:
        for one in open_.pop():
            if isinstance(one, list):
                open_.append(one)
            else:
                yield one
