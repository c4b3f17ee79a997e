"""3D Tiles 1.1 with explicit tiling: glTF tiles whose buildings carry attributes and results.

A tile holds the buildings of a part of the district, split in halves until few enough are left. Positions are
metres around the tile's centre in the earth-centred system (EPSG:4978), heights above the ellipsoid; DHHN2016
heights lie below those by the quasigeoid's height, which the caller gives where it is known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from twin import mesh
from twin.district import District
from twin.errors import CallError
from twin.exports import metadata, values
from twin.gltf import write_glb
from twin.mesh import Mesh

PER_TILE = 250
_MATERIAL = {"name": "building", "doubleSided": True, "pbrMetallicRoughness": {
    "baseColorFactor": [0.86, 0.84, 0.8, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.9}}  # fmt: skip
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class _Tile:
    """A node: rows of its buildings, ascending in a leaf, and either two children or none."""

    rows: Rows
    children: tuple[_Tile, ...] = ()


def write(district: District, folder: Path, attributes: pd.DataFrame, undulation_m: float = 0.0) -> None:
    """``tileset.json`` and its tiles into a new folder.

    Parameters
    ----------
    attributes : index building_id.
    undulation_m : height of the quasigeoid above the ellipsoid (GCG2016) at the place.

    Raises
    ------
    CallError : the district has no surfaces.
    """
    solid = _solid(district)
    table = attributes.reindex(district.buildings.index)
    earth = _Earth(solid.vertices, undulation_m)
    present, first = np.unique(solid.building, return_index=True)
    tree = _split(present.astype(np.intp), solid.vertices[first, :2])
    folder.mkdir(parents=True)
    (folder / "tiles").mkdir()
    root = _node(tree, solid, earth, table, folder, values.credit_of_solids(district), "0")
    document = {
        "asset": {"version": "1.1", "tilesetVersion": district.digest()[:12], "extras": {
            "name": district.name, "credit": values.credit_of_solids(district), "heights": "ellipsoid"
            if undulation_m else "DHHN2016, taken as heights above the ellipsoid"}},
        "geometricError": root["geometricError"] or 1.0,
        "root": {**root, "refine": "ADD"},
    }  # fmt: skip
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    (folder / "tileset.json").write_text(text, "utf-8")


def write_glb_file(district: District, file: Path, attributes: pd.DataFrame) -> None:
    """One glTF of all buildings, in metres around a centre that `asset.extras.origin` gives (EPSG:25832).

    Raises
    ------
    CallError : the district has no surfaces.
    """
    solid = _solid(district)
    lower, upper = solid.vertices.min(axis=0), solid.vertices.max(axis=0)
    origin = np.round([(lower[0] + upper[0]) / 2, (lower[1] + upper[1]) / 2, lower[2]])
    extras = {
        "name": district.name, "epsg": 25832, "origin": origin.tolist(),
        "building_ids": [str(name) for name in district.buildings.index],
    }  # fmt: skip
    table = attributes.reindex(district.buildings.index)
    at = mesh.to_y_up(solid.vertices - origin)
    content = _glb(at, mesh.to_y_up(solid.normals), solid.faces, solid.building, table,
                   {"extras": extras, "copyright": values.credit_of_solids(district)})  # fmt: skip
    file.write_bytes(content)


def _solid(district: District) -> Mesh:
    solid = mesh.of_district(district)
    if not len(solid.faces):
        raise CallError(
            "there are no surfaces to write", f"district {district.name}", "Import it with heights"
        )
    return solid


class _Earth:
    """The vertices in longitude, latitude [rad], height [m], and in the earth-centred system [m]."""

    def __init__(self, vertices: Floats, undulation_m: float) -> None:
        to_degrees = pyproj.Transformer.from_crs("EPSG:25832", "EPSG:4258", always_xy=True)
        longitude, latitude = to_degrees.transform(vertices[:, 0], vertices[:, 1])
        height = vertices[:, 2] + undulation_m
        self.geodetic = np.column_stack([np.radians(longitude), np.radians(latitude), height])
        to_centre = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
        self.centred = np.column_stack(to_centre.transform(longitude, latitude, height))

    def turned(self, normals: Floats) -> Floats:
        """Directions east, north, up in the earth-centred system; the grid's north is taken for true north,
        which is off by less than 3° within the zone and shows in the light alone."""
        longitude, latitude = self.geodetic[:, 0], self.geodetic[:, 1]
        sin_l, cos_l, sin_b, cos_b = np.sin(longitude), np.cos(longitude), np.sin(latitude), np.cos(latitude)
        east = np.column_stack([-sin_l, cos_l, np.zeros(len(sin_l))])
        north = np.column_stack([-sin_b * cos_l, -sin_b * sin_l, cos_b])
        up = np.column_stack([cos_b * cos_l, cos_b * sin_l, sin_b])
        found: Floats = normals[:, :1] * east + normals[:, 1:2] * north + normals[:, 2:] * up
        return found


def _split(rows: Rows, places: Floats) -> _Tile:
    """Halves along the longer side until at most `PER_TILE` buildings are left."""
    if len(rows) <= PER_TILE:
        return _Tile(np.sort(rows))
    along = int(np.ptp(places[:, 1]) > np.ptp(places[:, 0]))
    order = np.argsort(places[:, along], kind="stable")
    halves = np.array_split(order, 2)
    return _Tile(rows, tuple(_split(rows[half], places[half]) for half in halves))


def _node(
    tile: _Tile, solid: Mesh, earth: _Earth, table: pd.DataFrame, folder: Path, credit: str, name: str
) -> dict[str, Any]:
    inside = np.isin(solid.building, tile.rows)
    geodetic = earth.geodetic[inside]
    low, high = geodetic.min(axis=0), geodetic.max(axis=0)
    volume = {"region": [*low[:2].tolist(), *high[:2].tolist(), float(low[2]), float(high[2])]}
    if tile.children:
        children = [
            _node(child, solid, earth, table, folder, credit, f"{name}{number}")
            for number, child in enumerate(tile.children)
        ]
        error = float(np.linalg.norm(np.ptp(earth.centred[inside], axis=0)))
        return {"boundingVolume": volume, "geometricError": round(error, 1), "children": children}
    centre = earth.centred[inside].mean(axis=0).round(3)
    content = _leaf(tile, inside, centre, solid, earth, table, credit)
    (folder / "tiles" / f"{name}.glb").write_bytes(content)
    moved = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, *centre.tolist(), 1.0]
    return {
        "boundingVolume": volume, "geometricError": 0.0, "transform": moved,
        "content": {"uri": f"tiles/{name}.glb"},
    }  # fmt: skip


def _leaf(
    tile: _Tile, inside: NDArray[np.bool_], centre: Floats, solid: Mesh, earth: _Earth,
    table: pd.DataFrame, credit: str,
) -> bytes:  # fmt: skip
    number = np.cumsum(inside) - 1
    faces = number[solid.faces[inside[solid.faces[:, 0]]]]
    feature = np.searchsorted(tile.rows, solid.building[inside])
    at = mesh.to_y_up(earth.centred[inside] - centre)
    normals = mesh.to_y_up(earth.turned(solid.normals)[inside])
    return _glb(at, normals, faces, feature, table.iloc[tile.rows], {"copyright": credit})


def _glb(
    at: Floats, normals: Floats, faces: NDArray[Any], feature: NDArray[Any], table: pd.DataFrame,
    asset: dict[str, Any],
) -> bytes:  # fmt: skip
    return write_glb(
        {
            "POSITION": at.astype("float32"),
            "NORMAL": normals.astype("float32"),
            metadata.ATTRIBUTE: feature.astype("float32"),
        },
        {"TRIANGLES": faces},
        asset=asset,
        material=_MATERIAL,
        features=metadata.features(len(table)),
        table=metadata.property_table(table),
    )
