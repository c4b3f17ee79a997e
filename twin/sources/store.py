"""Buildings and their polygons as flat numbers while a 3D source is read.

One array of coordinates for a whole file instead of an object per polygon keeps a tile of 500 MB in bounded
memory; `twin.sources.assembly` turns it into tables.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SURFACE_TYPES = (
    "WallSurface", "RoofSurface", "GroundSurface", "ClosureSurface", "OuterFloorSurface",
    "OuterCeilingSurface", "InteriorWallSurface", "FloorSurface", "CeilingSurface",
)  # fmt: skip
PLAIN = len(SURFACE_TYPES)
"""Type of a surface whose source does not say one: told from its tilt."""
FOOTPRINT = PLAIN + 1
"""Type of an outline (LoD0), which gives a footprint but no surface."""
TYPE_NUMBER = {name: number for number, name in enumerate(SURFACE_TYPES)}

Record = dict[str, Any]
Ring = Sequence[float]
"""x, y, z, x, y, z, … of a closed ring, in the source's CRS."""


class Store:
    """Buildings, parts and polygons in the order of reading; the polygons of a building stand together."""

    def __init__(self) -> None:
        self.buildings: list[Record] = []
        self.parts: list[Record] = []
        self.surface_ids: list[str | None] = []
        self.dropped: dict[int, int] = {}
        """Number of faces that were none, by building."""
        self._coordinates = array("d")
        self._ring_points = array("q")
        self._polygon_rings = array("q")
        self._building = array("q")
        self._part = array("q")
        self._type = array("b")

    def __len__(self) -> int:
        """Number of polygons."""
        return len(self._building)

    def add_building(self, record: Record) -> int:
        """Begin a building; the following polygons and parts belong to it."""
        self.buildings.append(record)
        return len(self.buildings) - 1

    def add_part(self, record: Record) -> int:
        """Add a part of the last building."""
        self.parts.append(record | {"building": len(self.buildings) - 1})
        return len(self.parts) - 1

    def add_polygon(
        self, rings: Sequence[Ring], type_number: int, surface_id: str | None, part: int = -1
    ) -> bool:
        """Add a polygon of the last building, exterior ring first; False where it has under 3 corners."""
        exterior = _closed(rings[0]) if rings else None
        if exterior is None:
            row = len(self.buildings) - 1
            self.dropped[row] = self.dropped.get(row, 0) + 1
            return False
        holes = [closed for ring in rings[1:] if (closed := _closed(ring)) is not None]
        for ring in (exterior, *holes):
            self._coordinates.extend(ring)
            self._ring_points.append(len(ring) // 3)
        self._polygon_rings.append(1 + len(holes))
        self._building.append(len(self.buildings) - 1)
        self._part.append(part)
        self._type.append(type_number)
        self.surface_ids.append(surface_id)
        return True

    def mark(self) -> tuple[int, ...]:
        """Where the store stands, for `rollback`."""
        columns = (self.buildings, self.parts, self._building, self._ring_points, self._coordinates)
        return tuple(len(column) for column in columns)

    def rollback(self, mark: tuple[int, ...]) -> None:
        """Forget everything since `mark`: the building turned out broken."""
        buildings, parts, polygons, rings, numbers = mark
        self.dropped = {row: count for row, count in self.dropped.items() if row < buildings}
        del self.buildings[buildings:], self.parts[parts:], self.surface_ids[polygons:]
        for column in (self._polygon_rings, self._building, self._part, self._type):
            del column[polygons:]
        del self._ring_points[rings:], self._coordinates[numbers:]

    def numbers(self, mark: tuple[int, ...]) -> NDArray[np.float64]:
        """Coordinates since `mark`, shape (point, 3)."""
        return np.array(self._coordinates[mark[4] :], dtype=float).reshape(-1, 3)

    def arrays(self) -> Arrays:
        """All polygons as arrays. The store is empty of polygons afterwards, to free its memory."""
        result = Arrays(
            np.array(self._coordinates, dtype=float).reshape(-1, 3),
            np.array(self._ring_points, dtype=np.int64),
            np.array(self._polygon_rings, dtype=np.int64),
            np.array(self._building, dtype=np.int64),
            np.array(self._part, dtype=np.int64),
            np.array(self._type, dtype=np.int8),
            np.array(self.surface_ids, dtype=object),
        )
        self.rollback((len(self.buildings), len(self.parts), 0, 0, 0))
        return result


class Arrays:
    """Polygons as arrays.

    xyz : shape (point, 3). ring_points : points of each ring. polygon_rings : rings of each polygon, exterior
    first. building, part, type, surface_id : of each polygon; part is -1 where there is none.
    """

    def __init__(
        self,
        xyz: NDArray[np.float64],
        ring_points: NDArray[np.int64],
        polygon_rings: NDArray[np.int64],
        building: NDArray[np.int64],
        part: NDArray[np.int64],
        type_number: NDArray[np.int8],
        surface_id: NDArray[np.object_],
    ) -> None:
        self.xyz = xyz
        self.ring_points = ring_points
        self.polygon_rings = polygon_rings
        self.building = building
        self.part = part
        self.type = type_number
        self.surface_id = surface_id

    def __len__(self) -> int:
        return len(self.building)

    @property
    def ring_starts(self) -> NDArray[np.int64]:
        """First point of each ring, and the number of points behind the last."""
        return np.concatenate([[0], np.cumsum(self.ring_points)])

    @property
    def polygon_starts(self) -> NDArray[np.int64]:
        """First ring of each polygon, and the number of rings behind the last."""
        return np.concatenate([[0], np.cumsum(self.polygon_rings)])

    @property
    def point_polygon(self) -> NDArray[np.int64]:
        """Polygon of each point."""
        return np.repeat(np.repeat(np.arange(len(self)), self.polygon_rings), self.ring_points)

    def keep(self, polygons: NDArray[np.bool_]) -> Arrays:
        """The polygons of a mask."""
        if polygons.all():
            return self
        rings = np.repeat(polygons, self.polygon_rings)
        return Arrays(
            self.xyz[np.repeat(rings, self.ring_points)],
            self.ring_points[rings],
            self.polygon_rings[polygons],
            self.building[polygons],
            self.part[polygons],
            self.type[polygons],
            self.surface_id[polygons],
        )


def _closed(ring: Ring) -> Ring | None:
    """The ring with its first point at its end, or None under three corners."""
    if ring[:3] != ring[-3:]:
        ring = [*ring, *ring[:3]]
    if len(ring) > 12:
        return ring
    corners = {tuple(ring[i : i + 3]) for i in range(0, len(ring), 3)}
    return ring if len(corners) > 2 else None
