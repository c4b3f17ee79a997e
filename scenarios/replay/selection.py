"""What the simulated feed measures in a district: blocks, roofs, rooms, trees and the main road."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from scenarios.replay import noise
from sensors.figures import figure
from sensors.water_balance import ReferenceArea
from twin import schema
from twin.district import District

MAIN_ROAD = "Stadtrodaer Straße"
_ROOMS = ("school", "kindergarten", "retail", "office", "hospital")
_TEXTURES = ("loam", "sandy_loam", "silt_loam", "loam")
_NEAR_M = 25.0  # of a street's axis: trees that belong to it
_LEAST_TREES, _MOST_TREES = 5, 40
_LEAST_DWELLINGS = 20


@dataclass(frozen=True)
class Metered:
    """A block with a heat meter in its substation."""

    block_id: str
    name: str
    buildings: tuple[str, ...]
    station: str
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Selected:
    """A building with a sensor: its room or its roof."""

    building_id: str
    name: str
    function: str
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Selection:
    """All that is measured. `centre` and `road`: longitude and latitude; None: no such place."""

    meters: tuple[Metered, ...]
    roofs: tuple[Selected, ...]
    rooms: tuple[Selected, ...]
    areas: tuple[ReferenceArea, ...]
    centre: tuple[float, float]
    road: tuple[float, float] | None

    @property
    def buildings(self) -> list[str]:
        """Ids of the buildings that have to be simulated."""
        ids = [building for meter in self.meters for building in meter.buildings]
        ids += [one.building_id for one in (*self.roofs, *self.rooms)]
        return list(dict.fromkeys(ids))


def select(district: District, seed: int = 1) -> Selection:
    """What the feed measures in `district`; the same for the same seed."""
    meters = _meters(district, seed)
    roofs = [
        Selected(meter.station, meter.name, "roof", meter.longitude, meter.latitude)
        for meter in meters[: int(figure("pv_meters", "replay"))]
    ]
    middle = district.buildings.geometry.centroid
    road = district.streets[district.streets["name"] == MAIN_ROAD] if len(district.streets) else None
    return Selection(
        meters=tuple(meters),
        roofs=tuple(roofs),
        rooms=tuple(_rooms(district, seed)),
        areas=tuple(reference_areas(district, int(figure("reference_areas", "replay")))),
        centre=_degrees(float(middle.x.median()), float(middle.y.median())),
        road=None if road is None or road.empty else _degrees(*_halfway(road.geometry.iloc[0])),
    )


def _halfway(line: shapely.LineString) -> tuple[float, float]:
    point = line.interpolate(0.5, normalized=True)
    return point.x, point.y


def _meters(district: District, seed: int) -> list[Metered]:
    """Blocks of dwellings with district heating, drawn at random, largest first."""
    table = district.buildings
    wanted = table[
        (table["function"] == "residential")
        & (table["heating"] == "district_heating")
        & table["block_id"].notna()
    ]
    dwellings = wanted.groupby("block_id")["dwellings"].sum()
    blocks = sorted(str(name) for name in dwellings.index[dwellings >= _LEAST_DWELLINGS])
    chosen = _drawn(blocks, int(figure("heat_meters", "replay")), "meters", seed)
    chosen.sort(key=lambda block: (-float(dwellings[block]), block))
    names = district.blocks["name"] if "name" in district.blocks else pd.Series(dtype=object)
    found = []
    for block in chosen:
        members = wanted.index[wanted["block_id"] == block]
        station = str(members[len(members) // 2])
        point = table.geometry.loc[station].representative_point()
        name = names.get(block)
        place = _degrees(point.x, point.y)
        found.append(
            Metered(
                block, name if isinstance(name, str) else block, tuple(map(str, members)), station, *place
            )
        )
    return found


def _rooms(district: District, seed: int) -> list[Selected]:
    """Public buildings, one use after the other."""
    table = district.buildings
    count = int(figure("rooms", "replay"))
    found: list[Selected] = []
    by_use = [sorted(map(str, table.index[table["function"] == use])) for use in _ROOMS]
    for number in range(max(map(len, by_use), default=0)):
        for ids in by_use:
            if number < len(ids) and len(found) < count:
                building = ids[number]
                point = table.geometry.loc[building].representative_point()
                row = table.loc[building]
                name = row["name"] if isinstance(row["name"], str) else _address(row, building)
                found.append(Selected(building, name, str(row["function"]), *_degrees(point.x, point.y)))
    return found


def _address(row: pd.Series, building_id: str) -> str:
    street, number = row.get("street"), row.get("house_number")
    if not isinstance(street, str):
        return building_id
    return f"{street} {number}" if isinstance(number, str) else street


def reference_areas(district: District, count: int) -> list[ReferenceArea]:
    """Simulated reference areas: the trees along streets, young and grown ones apart; all of it estimated."""
    trees = district.trees
    if trees.empty:
        return []
    groups = _tree_groups(district)
    young = sorted((g for g in groups if g[1]), key=lambda g: (-len(g[2]), g[0]))
    grown = sorted((g for g in groups if not g[1]), key=lambda g: (-len(g[2]), g[0]))
    share = min(len(young), count // 2)
    chosen = young[:share] + grown[: count - share]
    return [
        _area(trees, street, is_young, rows[:_MOST_TREES], number)
        for number, (street, is_young, rows) in enumerate(chosen)
    ]


def _tree_groups(district: District) -> list[tuple[str, bool, npt.NDArray[np.intp]]]:
    """Street, whether young, and rows of the trees near its axis; or all trees, where there is no street."""
    trees = district.trees
    crown = _crowns(trees)
    young = crown <= figure("young_crown_m")
    streets = district.streets
    named = streets[streets["name"].notna() & streets["kind"].isin(["main", "residential"])]
    if named.empty:
        return [("", False, np.arange(len(trees), dtype=np.intp))]
    tree = shapely.STRtree(named.geometry.to_numpy())
    rows, nearest = tree.query_nearest(trees.geometry.to_numpy(), max_distance=_NEAR_M, all_matches=False)
    names = named["name"].to_numpy(object)[nearest]
    found = []
    for name in sorted(set(names)):
        mine = rows[names == name]
        for flag in (False, True):
            part = mine[young[mine] == flag]
            if len(part) >= _LEAST_TREES:
                found.append((str(name), flag, part))
    return found


def _crowns(trees: pd.DataFrame) -> npt.NDArray[np.float64]:
    if "crown_diameter_m" not in trees:
        return np.full(len(trees), np.nan)
    return trees["crown_diameter_m"].to_numpy("float64")


def _area(
    trees: pd.DataFrame, street: str, young: bool, rows: npt.NDArray[np.intp], number: int
) -> ReferenceArea:
    points = shapely.get_coordinates(trees.geometry.to_numpy()[rows])
    place = _degrees(*np.median(points, axis=0))
    kind = "Jungbäume" if young else "Altbäume"
    crown = _crowns(trees)[rows]
    return ReferenceArea(
        key=f"area-{number + 1}",
        name=f"{street or 'Bäume'}, {kind}",
        texture=_TEXTURES[number % len(_TEXTURES)],
        crown_diameter_m=float(np.nanmedian(crown)) if np.isfinite(crown).any() else float("nan"),
        sealed_share=figure("sealed_share"),
        trees=tuple(map(str, trees.index[rows])),
        longitude=place[0],
        latitude=place[1],
        street=street or None,
        estimates=("texture", "crown_diameter_m", "sealed_share", "trees"),
    )


def _drawn(names: Sequence[str], count: int, purpose: str, seed: int) -> list[str]:
    order = np.argsort(noise.uniform(seed, purpose, np.arange(len(names))))
    return [names[number] for number in order[:count]]


_TO_DEGREES = pyproj.Transformer.from_crs(schema.CRS, "EPSG:4326", always_xy=True)


def _degrees(x: float, y: float) -> tuple[float, float]:
    longitude, latitude = _TO_DEGREES.transform(x, y)
    return round(float(longitude), 6), round(float(latitude), 6)
