"""From flat polygons to the tables buildings, surfaces and parts: all buildings of a file at once.

Done here: transformation to EPSG:25832, broken buildings left out, surface types told from the
tilt, footprints, heights, unique ids. Areas, volumes and party walls are left to `twin.geometry.derive`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin.errors import SourceError
from twin.schema import CRS
from twin.sources import crs as crs_names
from twin.sources.base import Finding
from twin.sources.outlines import SMALL_M2, WALL_SINE, outlines
from twin.sources.store import FOOTPRINT, PLAIN, SURFACE_TYPES, TYPE_NUMBER, Arrays, Record, Store

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FAR_M = 1_000_000.0
"""A building farther than this from the file's middle is broken. [m]"""
FARTHEST_M = 1e8
"""No coordinate on Earth is larger. [m]"""
HIGHEST_M = 10_000.0
"""A height beyond this is broken. [m]"""
SAME_M = 1.0
"""Buildings of one id whose footprints' centres are nearer than this are the same building. [m]"""
LOW_M = 0.5
"""Faces looking down within this of the building's lowest point are ground, the others ceilings. [m]"""
_INSIDE = frozenset({"FloorSurface", "CeilingSurface"})
_HEIGHT_LIMITS_M = (0.1, 1000.0)


@dataclass
class Assembled:
    """Tables of one file."""

    buildings: gpd.GeoDataFrame
    surfaces: gpd.GeoDataFrame
    parts: gpd.GeoDataFrame
    findings: list[Finding] = field(default_factory=list)
    crs: set[str] = field(default_factory=set)


@dataclass
class _Rows:
    """The buildings of a file: their records, which are still in, and what was noticed."""

    records: list[Record]
    alive: Bools
    file: str
    findings: list[Finding] = field(default_factory=list)

    def note(self, kind: Literal["repaired", "note"], rows: Ints, message: str) -> None:
        self.findings += [Finding(kind, self.file, self.records[row]["building_id"], message) for row in rows]

    def leave_out(self, rows: Ints, message: str) -> None:
        self.alive[rows] = False
        self.findings += [
            Finding("left_out", self.file, self.records[row]["building_id"], message) for row in rows
        ]


def assemble(
    store: Store, *, source: str, file: str, where: str, stated: str | None = None, crs: str | None = None
) -> Assembled:
    """Tables of all buildings in `store`, which is empty of polygons afterwards.

    Parameters
    ----------
    source : name of the source, for the ``*_source`` columns.
    file : name for findings. where : path for messages.
    stated : CRS that the file states for all, where a building's record has no ``crs`` of its own.
    crs : CRS that the user gives, where the file states none.

    Raises
    ------
    SourceError : no CRS, coordinates that contradict it, or no usable building.
    """
    rows = _Rows(store.buildings, np.ones(len(store.buildings), bool), file)
    polygons = store.arrays()
    _leave_out_broken(polygons, rows)
    used = _move(polygons, rows, stated, crs, where)
    _leave_out_far(polygons, rows)
    polygons = polygons.keep(rows.alive[polygons.building])
    if not len(polygons):
        raise _nothing(rows, where)
    for row, count in store.dropped.items():
        rows.note("repaired", np.array([row]), f"{count} faces with under three corners were left out")
    normal = _normals(polygons)
    by_tilt = polygons.type == PLAIN
    _tell_types(polygons, normal)
    shapes = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, polygons.xyz, (polygons.ring_starts, polygons.polygon_starts)
    )
    footprints = _footprints(shapes, polygons, normal, rows)
    _derive_heights(polygons, rows.records, source)
    ids = _unique_buildings(rows, footprints)
    if not rows.alive.any():
        raise _nothing(rows, where)
    buildings = _building_table(rows, ids, footprints, source)
    surfaces = _surface_table(shapes, polygons, by_tilt, ids, rows.alive, source, store.parts)
    parts = _part_table(store.parts, shapes, polygons, normal, ids, rows.alive)
    return Assembled(buildings, surfaces, parts, rows.findings, used)


def _nothing(rows: _Rows, where: str) -> SourceError:
    reason = rows.findings[0].message if rows.findings else "none has a geometry"
    return SourceError(f"no buildings that can be used: {reason}", where, "Check the file")


def _leave_out_broken(polygons: Arrays, rows: _Rows) -> None:
    """Leave out buildings without polygons or with coordinates that are no finite numbers."""
    without = np.ones(len(rows.records), bool)
    without[polygons.building] = False
    rows.leave_out(np.flatnonzero(without), "the building has no geometry")
    bad = ~np.isfinite(polygons.xyz).all(axis=1)
    broken = np.unique(polygons.building[polygons.point_polygon[bad]])
    rows.leave_out(broken, "a coordinate is no finite number (NaN or infinite)")


def _move(polygons: Arrays, rows: _Rows, stated: str | None, given: str | None, where: str) -> set[str]:
    """Transform the coordinates in place, by each building's CRS; the CRSs met."""
    names = np.array([record.pop("crs", None) or stated or "" for record in rows.records], dtype=object)
    used: set[str] = set()
    point_building = polygons.building[polygons.point_polygon]
    for name in dict.fromkeys(names[rows.alive]):
        system = crs_names.choose(name or None, given, where)
        used.add(crs_names.label(system))
        mine = (rows.alive & (names == name))[point_building]
        moved, notes = crs_names.to_district(polygons.xyz[mine, :2], system, where)
        polygons.xyz[mine, :2] = moved
        rows.findings += [Finding("note", rows.file, crs_names.label(system), note) for note in notes]
    return used


def _leave_out_far(polygons: Arrays, rows: _Rows) -> None:
    """Leave out buildings whose coordinates cannot be meant: infinitely far or far from all others."""
    building = polygons.building[polygons.point_polygon]
    mine = rows.alive[building]
    if not mine.any():
        return
    middle = np.median(polygons.xyz[mine, :2], axis=0)
    off = ~(np.abs(polygons.xyz[:, :2] - middle).max(axis=1) < FAR_M)
    off |= (np.abs(polygons.xyz[:, :2]).max(axis=1) > FARTHEST_M) | (np.abs(polygons.xyz[:, 2]) > HIGHEST_M)
    rows.leave_out(np.unique(building[mine & off]), "its coordinates lie far from all other buildings")


def _normals(polygons: Arrays) -> Floats:
    """Area vector of each polygon's exterior ring (Newell), shape (polygon, 3). [m²]"""
    if not len(polygons):
        return np.zeros((0, 3))
    first = polygons.xyz[np.repeat(polygons.ring_starts[:-1], polygons.ring_points)]
    local = polygons.xyz - first
    cross = np.cross(local[:-1], local[1:])
    cross = np.vstack([cross, np.zeros((1, 3))])
    cross[polygons.ring_starts[1:] - 1] = 0.0
    rings = 0.5 * np.add.reduceat(cross, polygons.ring_starts[:-1])
    return np.asarray(rings[polygons.polygon_starts[:-1]])


def _exterior_bounds(polygons: Arrays) -> tuple[Floats, Floats]:
    """Lowest and highest point of each polygon. [m]"""
    starts = polygons.ring_starts[:-1][polygons.polygon_starts[:-1]]
    z = polygons.xyz[:, 2]
    return np.minimum.reduceat(z, starts), np.maximum.reduceat(z, starts)


def _tell_types(polygons: Arrays, normal: Floats) -> None:
    """Types of plain surfaces by their tilt, in place."""
    plain = polygons.type == PLAIN
    if not plain.any():
        return
    low, high = _exterior_bounds(polygons)
    count = int(polygons.building.max()) + 1
    base, top = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(base, polygons.building, low)
    np.maximum.at(top, polygons.building, high)
    size = np.linalg.norm(normal, axis=1)
    up = np.divide(normal[:, 2], size, out=np.zeros(len(size)), where=size > 0)
    up *= np.where(_volumes(polygons, normal, count) < 0, -1.0, 1.0)[polygons.building]
    base, top = base[polygons.building], top[polygons.building]
    at_base = (high - base < LOW_M) & (top - base > 2 * LOW_M)
    kind = np.where(up > 0, TYPE_NUMBER["RoofSurface"], TYPE_NUMBER["OuterCeilingSurface"])
    kind[(up < 0) & (low - base < LOW_M)] = TYPE_NUMBER["GroundSurface"]
    kind[at_base] = TYPE_NUMBER["GroundSurface"]
    kind[(up < 0) & (high >= top) & ~at_base & (low - base >= LOW_M)] = TYPE_NUMBER["RoofSurface"]
    kind[np.abs(up) < WALL_SINE] = TYPE_NUMBER["WallSurface"]
    polygons.type[plain] = kind[plain]


def _volumes(polygons: Arrays, normal: Floats, count: int) -> Floats:
    """Signed volume of each building, negative where its surfaces look inward. [m³]"""
    starts = polygons.ring_starts[:-1][polygons.polygon_starts[:-1]]
    corner = polygons.xyz[starts]
    origin = np.zeros((count, 3))
    origin[polygons.building] = corner
    piece = ((corner - origin[polygons.building]) * normal).sum(axis=1) / 3
    return np.bincount(polygons.building, piece, minlength=count).astype(float)


def _footprints(
    shapes: NDArray[np.object_], polygons: Arrays, normal: Floats, rows: _Rows
) -> NDArray[np.object_]:
    """Footprint of each building; buildings without one are left out."""
    result, repaired = outlines(shapes, polygons, normal, polygons.building, len(rows.records))
    rows.note(
        "repaired", np.flatnonzero(repaired & rows.alive), "its footprint crossed itself or had no area"
    )
    empty = shapely.is_missing(result) | ~(shapely.area(result) > SMALL_M2)
    rows.leave_out(np.flatnonzero(rows.alive & empty), "its footprint has no area")
    return result


def _derive_heights(polygons: Arrays, records: list[Record], source: str) -> None:
    """Heights from geometry where the source states none; height of the ground. [m]"""
    if not len(polygons):
        return
    count = len(records)
    solid = polygons.type != FOOTPRINT
    low, high = _exterior_bounds(polygons)
    bottom, top = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(bottom, polygons.building, low)
    np.maximum.at(top, polygons.building, high)
    ground = polygons.type == TYPE_NUMBER["GroundSurface"]
    base = np.full(count, np.inf)
    np.minimum.at(base, polygons.building[ground], low[ground])
    base = np.where(np.isfinite(base), base, bottom)
    has_solid = np.bincount(polygons.building[solid], minlength=count) > 0
    for row in np.unique(polygons.building):
        record = records[row]
        flat = record.pop("flat", False)
        if not flat:
            record["ground_height_m"] = float(base[row])
            record["ground_height_source"] = "derived:geometry"
        stated = record.get("measured_height_m")
        if stated is not None and _HEIGHT_LIMITS_M[0] < stated < _HEIGHT_LIMITS_M[1]:
            record["measured_height_source"] = record.get("measured_height_source", f"given:{source}")
            continue
        record["measured_height_m"], record["measured_height_source"] = np.nan, None
        height = float(top[row] - base[row])
        if (has_solid[row] or not flat) and height > _HEIGHT_LIMITS_M[0]:
            record["measured_height_m"] = round(height, 3)
            record["measured_height_source"] = "derived:geometry"


def _unique_buildings(rows: _Rows, footprints: NDArray[np.object_]) -> NDArray[np.object_]:
    """Ids of all buildings; a building that stands twice is left out, another one of the same id renamed."""
    ids = np.array([record["building_id"] for record in rows.records], object)
    taken: dict[str, int] = {}
    for row in np.flatnonzero(rows.alive):
        name = str(ids[row])
        if name not in taken:
            taken[name] = int(row)
            continue
        if shapely.distance(footprints[row].centroid, footprints[taken[name]].centroid) < SAME_M:
            rows.alive[row] = False
            rows.note("note", np.array([row]), "the building stands twice: it was taken once")
            continue
        ids[row] = free_name(name, taken)
        taken[ids[row]] = int(row)
        message = f"another building has this id too: it was renamed {ids[row]}"
        rows.note("repaired", np.array([row]), message)
    return ids


def free_name(name: str, taken: Mapping[str, object]) -> str:
    """The first of ``name-2``, ``name-3``, … that is not taken."""
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def _building_table(
    rows: _Rows, ids: NDArray[np.object_], footprints: NDArray[np.object_], source: str
) -> gpd.GeoDataFrame:
    kept = np.flatnonzero(rows.alive)
    frame = pd.DataFrame.from_records([rows.records[row] for row in kept])
    frame["building_id"] = ids[kept]
    frame["source"] = source
    geometry = gpd.GeoSeries(footprints[kept], crs=CRS)
    return gpd.GeoDataFrame(frame, geometry=geometry).set_index("building_id")


def _surface_table(
    shapes: NDArray[np.object_],
    polygons: Arrays,
    by_tilt: Bools,
    ids: NDArray[np.object_],
    alive: Bools,
    source: str,
    parts: list[Record],
) -> gpd.GeoDataFrame:
    inside = np.array([name in _INSIDE for name in SURFACE_TYPES] + [False] * 2)
    rows = np.flatnonzero(alive[polygons.building] & (polygons.type != FOOTPRINT) & ~inside[polygons.type])
    building = ids[polygons.building[rows]]
    part_ids = np.array([*(record["part_id"] for record in parts), None], object)
    frame = pd.DataFrame(
        {
            "surface_id": unique_surface_ids(polygons.surface_id[rows], building),
            "building_id": building,
            "part_id": part_ids[polygons.part[rows]],
            "surface_type": np.array([*SURFACE_TYPES, "", ""], object)[polygons.type[rows]],
            "surface_type_source": np.where(by_tilt[rows], "derived:tilt", f"given:{source}"),
        }
    )
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes[rows], crs=CRS)).set_index("surface_id")


def unique_surface_ids(ids: NDArray[np.object_], building: NDArray[np.object_]) -> NDArray[np.object_]:
    """Ids of surfaces: the source's, or ``building:n`` where it has none or one that was met before."""
    frame = pd.DataFrame({"id": ids, "building": building})
    lost = frame["id"].isna() | frame["id"].duplicated()
    number = (frame.groupby("building", sort=False).cumcount() + 1).astype("str")
    made = frame["building"].astype("object") + ":" + number.astype("object")
    result = frame["id"].astype("object").where(~lost, made)
    again = result.duplicated()
    while again.any():
        result[again] = result[again] + "~"
        again = result.duplicated()
    return np.asarray(result.to_numpy(), object)


def _part_table(
    parts: list[Record],
    shapes: NDArray[np.object_],
    polygons: Arrays,
    normal: Floats,
    ids: NDArray[np.object_],
    alive: Bools,
) -> gpd.GeoDataFrame:
    rows = [row for row, record in enumerate(parts) if alive[record["building"]]]
    frame = pd.DataFrame.from_records([parts[row] for row in rows])
    geometry = np.full(len(rows), None, object)
    if rows:
        geometry = outlines(shapes, polygons, normal, polygons.part, len(parts))[0][rows]
        frame["building_id"] = ids[frame.pop("building").to_numpy(int)]
    else:
        frame = pd.DataFrame({"part_id": [], "building_id": []}, dtype="object")
    table = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(geometry, crs=CRS))
    return table[~table["part_id"].duplicated()].set_index("part_id")
