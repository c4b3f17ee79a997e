"""From flat polygons to the tables buildings, surfaces and parts: all buildings of a file at once.

Done here: transformation to EPSG:25832, broken buildings left out, surface types told from the tilt, footprints,
heights, unique ids. Areas, volumes and party walls are left to `twin.geometry.derive`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin.errors import SourceError
from twin.schema import CRS
from twin.sources import crs as crs_names
from twin.sources.base import Finding
from twin.sources.store import FOOTPRINT, PLAIN, SURFACE_TYPES, TYPE_NUMBER, Arrays, Record, Store

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FAR_M = 1_000_000.0
"""A building farther than this from the file's middle is broken. [m]"""
LOW_M = 0.5
"""Faces looking down within this of the building's lowest point are ground, the others ceilings. [m]"""
WALL_SINE = np.sin(np.radians(10))
"""Plain surfaces within 10° of the vertical are walls."""
GRID_M = 0.001
"""Footprints made of several polygons are joined on this grid, which closes seams of rounding. [m]"""
_SMALL_M2 = 0.01
_OUTER = frozenset({"InteriorWallSurface", "FloorSurface", "CeilingSurface"})
_HEIGHT_LIMITS_M = (0.1, 1000.0)


@dataclass
class Assembled:
    """Tables of one file."""

    buildings: gpd.GeoDataFrame
    surfaces: gpd.GeoDataFrame
    parts: gpd.GeoDataFrame
    findings: list[Finding] = field(default_factory=list)
    crs: set[str] = field(default_factory=set)


def assemble(
    store: Store, *, source: str, file: str, where: str, stated: str | None = None, crs: str | None = None
) -> Assembled:
    """Tables of all buildings in `store`.

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
    findings: list[Finding] = []
    records = store.buildings
    polygons = store.arrays()
    alive = _finite(polygons, records, file, findings)
    used = _move(polygons, records, alive, stated, crs, file, where, findings)
    _leave_out_far(polygons, records, alive, file, findings)
    polygons = polygons.keep(alive[polygons.building])
    normal = _normals(polygons)
    by_tilt = polygons.type == PLAIN
    _tell_types(polygons, normal)
    shapes = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, polygons.xyz, (polygons.ring_starts, polygons.polygon_starts)
    )
    footprints = _footprints(shapes, polygons, normal, records, file, findings, alive)
    _derive_heights(polygons, records, source)
    ids = _unique_buildings(records, footprints, alive, file, findings)
    if not alive.any():
        reason = findings[0].message if findings else "none has a geometry"
        raise SourceError(f"no buildings that can be used: {reason}", where, "Check the file")
    buildings = _building_table(records, ids, footprints, alive, source)
    surfaces = _surface_table(shapes, polygons, by_tilt, ids, alive, source, store.parts)
    parts = _part_table(store.parts, shapes, polygons, normal, ids, alive)
    return Assembled(buildings, surfaces, parts, findings, used)


def _finite(polygons: Arrays, records: list[Record], file: str, findings: list[Finding]) -> Bools:
    """Which buildings have finite coordinates, and any."""
    alive = np.zeros(len(records), bool)
    alive[polygons.building] = True
    bad = ~np.isfinite(polygons.xyz).all(axis=1)
    broken = np.unique(polygons.building[polygons.point_polygon[bad]])
    for row in np.flatnonzero(~alive):
        findings.append(Finding("left_out", file, records[row]["building_id"], "the building has no geometry"))
    for row in broken:
        findings.append(
            Finding("left_out", file, records[row]["building_id"], "a coordinate is no finite number (NaN or infinite)")
        )
    alive[broken] = False
    return alive


def _move(
    polygons: Arrays,
    records: list[Record],
    alive: Bools,
    stated: str | None,
    given: str | None,
    file: str,
    where: str,
    findings: list[Finding],
) -> set[str]:
    """Transform the coordinates in place, by each building's CRS; the CRSs met."""
    names = np.array([record.pop("crs", None) or stated or "" for record in records], dtype=object)
    used: set[str] = set()
    point_building = polygons.building[polygons.point_polygon]
    for name in dict.fromkeys(names[alive]):
        system = crs_names.choose(name or None, given, where)
        used.add(crs_names.label(system))
        mine = alive[point_building] & (names == name)[point_building]
        moved, notes = crs_names.to_district(polygons.xyz[mine, :2], system, where)
        polygons.xyz[mine, :2] = moved
        findings += [Finding("note", file, crs_names.label(system), note) for note in notes]
    return used


def _leave_out_far(
    polygons: Arrays, records: list[Record], alive: Bools, file: str, findings: list[Finding]
) -> None:
    """Leave out buildings whose coordinates cannot be meant: infinitely far or far from all others."""
    building = polygons.building[polygons.point_polygon]
    mine = alive[building]
    if not mine.any():
        return
    middle = np.median(polygons.xyz[mine, :2], axis=0)
    off = ~(np.abs(polygons.xyz[:, :2] - middle).max(axis=1) < FAR_M) | (np.abs(polygons.xyz[:, 2]) > 10_000)
    for row in np.unique(building[mine & off]):
        alive[row] = False
        findings.append(
            Finding("left_out", file, records[row]["building_id"], "its coordinates lie far from all other buildings")
        )


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
    return np.bincount(polygons.building, piece, minlength=count)


def _footprints(
    shapes: NDArray[np.object_],
    polygons: Arrays,
    normal: Floats,
    records: list[Record],
    file: str,
    findings: list[Finding],
    alive: Bools,
) -> NDArray[np.object_]:
    """Footprint of each building; buildings without one are left out."""
    result, repaired = outlines(shapes, polygons, normal, polygons.building, len(records))
    for row in np.flatnonzero(repaired & alive):
        findings.append(
            Finding("repaired", file, records[row]["building_id"], "its footprint crossed itself or had no area")
        )
    empty = alive & (shapely.is_missing(result) | ~(shapely.area(result) > _SMALL_M2))
    for row in np.flatnonzero(empty):
        alive[row] = False
        findings.append(Finding("left_out", file, records[row]["building_id"], "its footprint has no area"))
    return result


def outlines(
    shapes: NDArray[np.object_], polygons: Arrays, normal: Floats, owner: Ints, count: int
) -> tuple[NDArray[np.object_], Bools]:
    """Footprint of each owner (building or part) and whether a repair was needed.

    The union of the ground surfaces; where there are none, of outlines (LoD0); else of all that is no wall.

    Parameters
    ----------
    shapes, owner : of each polygon; owner -1 for none.
    """
    size = np.linalg.norm(normal, axis=1)
    lying = np.abs(normal[:, 2]) > WALL_SINE * size
    result = np.full(count, None, object)
    repaired = np.zeros(count, bool)
    open_ = np.ones(count, bool)
    ground = polygons.type == TYPE_NUMBER["GroundSurface"]
    for mask in (ground, polygons.type == FOOTPRINT, lying & ~ground):
        chosen = np.flatnonzero(mask & (owner >= 0) & open_[owner])
        if not len(chosen):
            continue
        flat = shapely.force_2d(shapes[chosen])
        bad = ~shapely.is_valid(flat)
        flat[bad] = shapely.make_valid(flat[bad], method="structure", keep_collapsed=False)
        repaired[owner[chosen[bad]]] |= mask is not lying
        joined = _joined(flat, owner[chosen], count)
        found = shapely.area(joined) > _SMALL_M2
        result[found] = joined[found]
        repaired |= open_ & ~found & (np.bincount(owner[chosen], minlength=count) > 0)
        open_ &= ~found
    return result, repaired & ~shapely.is_missing(result)


def _joined(flat: NDArray[np.object_], owner: Ints, count: int) -> NDArray[np.object_]:
    """Union of the polygons of each owner; None where it has none."""
    result = np.full(count, None, object)
    parts, index = shapely.get_parts(flat, return_index=True)
    owner = owner[index]
    keep = shapely.area(parts) > 0
    parts, owner = parts[keep], owner[keep]
    number = np.bincount(owner, minlength=count)
    single = number[owner] == 1
    result[owner[single]] = parts[single]
    if not single.all():
        several, where = parts[~single], owner[~single]
        order = np.argsort(where, kind="stable")
        rows, index = np.unique(where[order], return_inverse=True)
        groups = shapely.multipolygons(several[order], indices=index)
        result[rows] = shapely.union_all(groups[:, np.newaxis], grid_size=GRID_M, axis=1)
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


def _unique_buildings(
    records: list[Record], footprints: NDArray[np.object_], alive: Bools, file: str, findings: list[Finding]
) -> NDArray[np.object_]:
    """Ids of all buildings; a building that stands twice is left out, another one with the same id renamed."""
    ids = np.array([record["building_id"] for record in records], object)
    taken: dict[str, int] = {}
    for row in np.flatnonzero(alive):
        name = str(ids[row])
        if name not in taken:
            taken[name] = int(row)
            continue
        if shapely.distance(footprints[row].centroid, footprints[taken[name]].centroid) < 1.0:
            alive[row] = False
            findings.append(Finding("note", file, name, "the building stands twice: it was taken once"))
            continue
        number = 2
        while f"{name}-{number}" in taken:
            number += 1
        ids[row] = f"{name}-{number}"
        taken[ids[row]] = int(row)
        findings.append(
            Finding("repaired", file, name, f"another building has this id too: it was renamed {ids[row]}")
        )
    return ids


def _building_table(
    records: list[Record], ids: NDArray[np.object_], footprints: NDArray[np.object_], alive: Bools, source: str
) -> gpd.GeoDataFrame:
    rows = np.flatnonzero(alive)
    frame = pd.DataFrame.from_records([records[row] for row in rows])
    frame["building_id"] = ids[rows]
    frame["source"] = source
    geometry = gpd.GeoSeries(footprints[rows], crs=CRS)
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
    inner = np.array([name in _OUTER and name != "InteriorWallSurface" for name in SURFACE_TYPES] + [False] * 2)
    rows = np.flatnonzero(alive[polygons.building] & (polygons.type != FOOTPRINT) & ~inner[polygons.type])
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
