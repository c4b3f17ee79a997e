"""What the scene's walls show: window bays along each wall, storeys up to its eave, a style by building."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twin.mesh import Mesh

if TYPE_CHECKING:
    import pandas as pd

STYLES = ("blank", "house", "slab", "bands", "hall", "church")
_BAY_M = np.array([np.inf, 2.7, 3.1, 3.0, 5.0, 4.0])
_STOREY_M = np.array([3.0, 2.8, 2.8, 3.5, 4.5, 6.0])
_STYLE_OF_USE = {
    "residential": "house", "office": "bands", "school": "bands", "kindergarten": "bands",
    "hospital": "bands", "retail": "hall", "industrial": "hall", "garage": "blank", "church": "church",
}  # fmt: skip
_FIXED = 32  # bays and storeys are written in 32nds


@dataclass(frozen=True)
class Facades:
    """What the shader needs to draw windows.

    wall_grid : shape (V, 2), uint16: bays from the wall's left end, and storeys of its eave, in 32nds; eave 0
        is a blank wall.
    base_m, storey_m, style : shape (building,): ground, height of a storey, index into STYLES.
    """

    wall_grid: NDArray[np.uint16]
    base_m: NDArray[np.float64]
    storey_m: NDArray[np.float64]
    style: NDArray[np.int64]


def facades(mesh: Mesh, buildings: pd.DataFrame) -> Facades:
    """Bays and storeys of a mesh sorted by polygon, whose `building` are rows of `buildings`."""
    count = len(buildings)
    base, top = _vertical_extent(mesh, count)
    known = buildings["ground_height_m"].to_numpy(float)
    base = np.where(np.isfinite(base), base, np.nan_to_num(known))
    style = _styles(buildings, top - base)
    storeys = buildings["storeys_above_ground"].to_numpy(float)
    eave = _eaves(mesh, count) - base
    eave = np.where(np.isfinite(eave) & (eave > 2), eave, top - base)
    guess = np.maximum(np.round(eave / _STOREY_M[style]), 1)
    storeys = np.where(storeys >= 1, storeys, guess)
    with np.errstate(invalid="ignore"):
        storey = np.clip(eave / storeys, 2.4, 6.0)
    storey = np.where(np.isfinite(storey), storey, 3.0)
    return Facades(_wall_grid(mesh, base, storey, style), base, storey, style)


def _vertical_extent(mesh: Mesh, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    base, top = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(base, mesh.building, mesh.vertices[:, 2])
    np.maximum.at(top, mesh.building, mesh.vertices[:, 2])
    return base, top


def _eaves(mesh: Mesh, count: int) -> NDArray[np.float64]:
    """Lowest roof point of each building; inf without roof. [m]"""
    roof = mesh.normals[:, 2] > 0.2
    lowest = np.full(count, np.inf)
    np.minimum.at(lowest, mesh.building[roof], mesh.vertices[roof, 2])
    return lowest


def _styles(buildings: pd.DataFrame, height: NDArray[np.float64]) -> NDArray[np.int64]:
    number = {name: i for i, name in enumerate(STYLES)}
    of_use = {use: number[style] for use, style in _STYLE_OF_USE.items()}
    style = buildings["function"].map(of_use).fillna(number["house"]).to_numpy(np.int64)
    series = buildings["construction_series"].notna().to_numpy()
    flat = (buildings["roof_type"] == "flat").to_numpy(bool, na_value=False)
    tall = np.nan_to_num(height, nan=0.0, neginf=0.0, posinf=0.0) > 11
    slab = (style == number["house"]) & (series | (flat & tall))
    low = np.nan_to_num(height, nan=0.0, neginf=0.0, posinf=0.0) < 3.2
    return np.where(slab, number["slab"], np.where((style == number["house"]) & low, number["blank"], style))


def _wall_grid(
    mesh: Mesh, base: NDArray[np.float64], storey: NDArray[np.float64], style: NDArray[np.int64]
) -> NDArray[np.uint16]:
    if not len(mesh.vertices):
        return np.zeros((0, 2), np.uint16)
    first = np.flatnonzero(np.append(True, np.diff(mesh.polygon) != 0))
    of_vertex = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(mesh.polygon))))
    along = mesh.vertices[:, 1] * mesh.normals[:, 0] - mesh.vertices[:, 0] * mesh.normals[:, 1]
    along = along - np.minimum.reduceat(along, first)[of_vertex]
    width = np.maximum.reduceat(along, first)
    z = mesh.vertices[:, 2]
    edge = 0.05 * width[of_vertex] + 0.05
    left = np.maximum.reduceat(np.where(along <= edge, z, -np.inf), first)
    right = np.maximum.reduceat(np.where(along >= width[of_vertex] - edge, z, -np.inf), first)
    owner = mesh.building[first]
    is_wall = np.abs(mesh.normals[first, 2]) < 0.2
    bays = np.round(width / _BAY_M[style[owner]])
    eave = (np.minimum(left, right) - base[owner]) / storey[owner]
    blank = ~is_wall | (bays < 1) | _is_gable(width, owner, is_wall, style)
    eave = np.where(blank, 0, np.clip(eave, 0, 2000))
    share = along / np.maximum(width, 1e-6)[of_vertex]
    grid = np.column_stack([share * np.minimum(bays, 2000)[of_vertex], eave[of_vertex]])
    return np.round(grid * _FIXED).astype(np.uint16)


def _is_gable(
    width: NDArray[np.float64], owner: NDArray[np.int64], is_wall: NDArray[np.bool_], style: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Ends of slabs have no windows: walls clearly narrower than the building's widest."""
    widest = np.zeros(len(style))
    np.maximum.at(widest, owner[is_wall], width[is_wall])
    gable: NDArray[np.bool_] = (style[owner] == STYLES.index("slab")) & (width < 0.82 * widest[owner])
    return gable
