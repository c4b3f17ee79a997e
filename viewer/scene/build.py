"""The scene's files: what the browser loads to draw a district, with content hashes in the names."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from PIL import Image

from twin import mesh
from twin.errors import CallError
from twin.gltf import write_glb
from viewer import privacy
from viewer.scene import ground
from viewer.scene.facades import Facades, facades

if TYPE_CHECKING:
    import pandas as pd

    from twin.district import District

FORMAT = 1
NOTICE = {
    "de": "Modell aus belegten Angaben und Schätzungen – keine Vermessungsdaten",
    "en": "A model from documented facts and estimates – not survey data",
}
_VISIBLE = ("RoofSurface", "WallSurface", "ClosureSurface", "OuterFloorSurface", "OuterCeilingSurface")
_SKIRT_M = 2.5
_FINEST_QUANTUM_M = 0.1
_CONIFERS = ("Abies", "Cedrus", "Chamaecyparis", "Cupressus", "Juniperus", "Larix", "Metasequoia", "Picea",
             "Pinus", "Pseudotsuga", "Sequoiadendron", "Taxus", "Thuja", "Tsuga")  # fmt: skip
_POPLARS = ("Populus nigra", "Carpinus betulus 'Fastigiata'", "Quercus robur 'Fastigiata'")


def build(district: District, folder: str | os.PathLike[str]) -> str:
    """Write the scene of `district` into `folder`, unless it is there already; the manifest's file name.

    Files are named after their content, so that they may be cached for ever; text and meshes also lie there
    as ``.gz``. Values by building that the scene is given later are in the order of
    ``district.buildings.index``, which the manifest repeats. Owners and cost centres are left out.

    Raises
    ------
    CallError : the district has no buildings.
    """
    if not len(district.buildings):
        raise CallError("there are no buildings to draw", district.name, "Open a district with buildings")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    name = f"scene-{_key(district)}.json"
    if _is_complete(target, name):
        return name
    return _Writer(target).manifest(name, _manifest(district, _Writer(target)))


def _key(district: District) -> str:
    """Digest of all that the scene shows."""
    total = hashlib.sha256(f"{FORMAT}:{district.name}:{district.digest()}".encode())
    if district.terrain is not None:
        total.update(repr((district.terrain.bounds, district.terrain.cell_m)).encode())
    if district.ortho is not None:
        total.update(repr(district.ortho.bounds).encode())
        total.update(np.ascontiguousarray(district.ortho.pixels).tobytes())
    total.update(repr((district.is_model, privacy.credit(district))).encode())
    return total.hexdigest()[:16]


def _is_complete(folder: Path, name: str) -> bool:
    if not (folder / name).is_file():
        return False
    files = json.loads((folder / name).read_text("utf-8"))["files"]
    return all((folder / file).is_file() for file in files.values() if file)


class _Writer:
    """Writes files whose names carry their content's hash, each complete or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, stem: str, suffix: str, data: bytes, *, compress: bool = True) -> str:
        name = f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
        self._put(name, data, compress)
        return name

    def manifest(self, name: str, document: dict[str, Any]) -> str:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        self._put(name, text.encode(), compress=True)
        return name

    def _put(self, name: str, data: bytes, compress: bool) -> None:
        if compress:
            self._write(f"{name}.gz", gzip.compress(data, 6, mtime=0))
        self._write(name, data)

    def _write(self, name: str, data: bytes) -> None:
        handle, beside = tempfile.mkstemp(prefix=".scene-", dir=self.folder)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(beside).chmod(0o644)
        Path(beside).replace(self.folder / name)


def _manifest(district: District, writer: _Writer) -> dict[str, Any]:
    area = ground.extent(district)
    solid = _scene_mesh(district)
    look = facades(solid, district.buildings)
    heights = ground.heights(district, area, look.base_m)
    lowest = float(np.floor(heights.min()))
    origin = np.round([(area.west + area.east) / 2, (area.south + area.north) / 2, lowest])
    drawn = ground.drawn_map(district, area)
    photo = ground.photo(district, area, drawn)
    steps = np.round((heights - lowest) / 0.05).astype(np.uint32)
    trees = _trees(district, area)
    files = {
        "buildings": writer.add("buildings", ".glb", _buildings_glb(solid, look, origin)),
        "terrain": writer.add("terrain", ".bin", _delta_rows(steps)),
        "map": writer.add("map", ".jpg", _jpeg(drawn, 88), compress=False),
        "image": writer.add("image", ".jpg", _jpeg(photo, 84), compress=False) if photo else None,
        "image_small": _small(writer, photo),
        "masks": writer.add("masks", ".png", _png(ground.masks(district, area)), compress=False),
        "trees": writer.add("trees", ".bin", trees.tobytes()) if len(trees) else None,
    }
    return {
        "format": "lobeda scene",
        "version": FORMAT,
        "name": district.name,
        "notice": NOTICE if district.is_model else None,
        "attribution": privacy.credit(district),
        "origin": origin.tolist(),
        **_geographic(origin),
        "files": files,
        "extent": [
            area.west - origin[0],
            area.south - origin[1],
            area.east - origin[0],
            area.north - origin[1],
        ],
        "terrain": {"size": len(heights), "step_m": 0.05, "lowest_m": lowest - origin[2]},
        "trees": {"count": len(trees)},
        "beyond": {"map": _edge_colour(drawn), "image": _edge_colour(photo or drawn)},
        "lines": _lines(district, origin),
        "buildings": _buildings(district, solid, look, origin),
        "blocks": _blocks(district),
        "places": _places(district, origin),
    }


def _scene_mesh(district: District) -> mesh.Mesh:
    """What can be seen: no grounds, no inner walls, no walls between touching buildings."""
    surfaces = district.surfaces
    hidden = surfaces["party_area_m2"].to_numpy(float) > 0.98 * surfaces["area_m2"].to_numpy(float)
    shown = surfaces["surface_type"].isin(_VISIBLE).to_numpy() & ~hidden
    rows = district.buildings.index.get_indexer(surfaces["building_id"])
    order = np.flatnonzero(shown)
    order = order[np.argsort(rows[order], kind="stable")]
    return mesh.triangulate(surfaces.geometry.to_numpy()[order], rows[order])


def _buildings_glb(solid: mesh.Mesh, look: Facades, origin: NDArray[np.float64]) -> bytes:
    """Triangles and visible edges over the same vertices; positions in 16 bits where that is fine enough."""
    at = solid.vertices - origin
    foot = (np.abs(solid.normals[:, 2]) < 0.2) & (solid.vertices[:, 2] < look.base_m[solid.building] + 0.05)
    at[foot, 2] -= _SKIRT_M
    at = mesh.to_y_up(at)
    corner = at.min(axis=0) if len(at) else np.zeros(3)
    quantum = float((at - corner).max()) / 65535 if len(at) else 1.0
    fine = quantum <= _FINEST_QUANTUM_M
    position = np.round((at - corner) / quantum).astype(np.uint16) if fine else at.astype(np.float32)
    node = {"translation": corner.tolist(), "scale": [quantum] * 3} if fine else {}
    return write_glb(
        {
            "POSITION": position,
            "NORMAL": np.round(mesh.to_y_up(solid.normals) * 127).astype(np.int8),
            "TEXCOORD_0": look.wall_grid,
            "_BUILDING": solid.building.astype(np.float32),
        },
        {
            "TRIANGLES": _by_building(solid, solid.faces),
            "LINES": _by_building(solid, mesh.crease_edges(solid)),
        },
        node=node,
        extensions=("KHR_mesh_quantization",),
    )


def _by_building(solid: mesh.Mesh, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows in the order of the buildings, so that each has one range."""
    return indices[np.argsort(solid.building[indices[:, 0]], kind="stable")]


def _delta_rows(steps: NDArray[np.uint32]) -> bytes:
    """Differences along each row (of the first column: down it), folded to be positive, in 16 bits.

    So gzip halves them.
    """
    signed = steps.astype(np.int64)
    first = np.diff(signed[:, :1], axis=0, prepend=0)
    delta = np.hstack([first, np.diff(signed, axis=1)])
    folded = np.where(delta >= 0, 2 * delta, -2 * delta - 1)
    return folded.astype("<u2").tobytes()


def _trees(district: District, area: ground.Extent) -> NDArray[np.uint16]:
    """East, south (65535ths of the extent), height, crown [dm], kind, shape (N, 5).

    Kinds are 0 broad, 1 conifer, 2 column.
    """
    table = district.trees
    points = table.geometry.to_numpy()
    x = (shapely.get_x(points) - area.west) / area.width
    y = (area.north - shapely.get_y(points)) / area.depth
    inside = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
    height = table["height_m"].to_numpy(float)
    height = np.where(height > 0, np.clip(height, 1, 60), 9.0)
    crown = table["crown_diameter_m"].to_numpy(float)
    crown = np.where(crown > 0, np.clip(crown, 0.5, 40), 0.55 * height)
    species = table["species"].fillna("").astype(str)
    genus = table["genus"].fillna(species.str.split().str[0].fillna(""))
    kind = np.where(genus.isin(_CONIFERS), 1, np.where(species.str.startswith(_POPLARS), 2, 0))
    rows = np.column_stack([x * 65535, y * 65535, height * 10, crown * 10, kind])[inside]
    table_of_trees: NDArray[np.uint16] = np.round(rows).astype("<u2")
    return table_of_trees


def _lines(district: District, origin: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Tram and railway tracks as lines of (east, south) from the origin."""
    streets = district.streets[district.streets["kind"].isin(["tram", "rail"])]
    parts, of = shapely.get_parts(streets.geometry.to_numpy(), return_index=True)
    found = []
    for line, row in zip(parts, of, strict=True):
        points = (shapely.get_coordinates(line) - origin[:2]) * [1, -1]
        found.append({"kind": str(streets["kind"].iloc[row]), "points": np.round(points, 1).ravel().tolist()})
    return found


def _buildings(
    district: District, solid: mesh.Mesh, look: Facades, origin: NDArray[np.float64]
) -> dict[str, Any]:
    table = district.buildings
    top = look.base_m.copy()
    np.maximum.at(top, solid.building, solid.vertices[:, 2])
    centre = shapely.centroid(table.geometry.to_numpy())
    place = np.column_stack([shapely.get_x(centre) - origin[0], origin[1] - shapely.get_y(centre)])
    block = district.blocks.index.get_indexer(table["block_id"].fillna(""))
    return {
        "id": [str(name) for name in table.index],
        "label": _labels(table),
        "function": [str(use) for use in table["function"].fillna("other")],
        "block": block.tolist(),
        "centre": np.round(place, 1).ravel().tolist(),
        "base": np.round(look.base_m - origin[2], 2).tolist(),
        "height": np.round(top - look.base_m, 2).tolist(),
        "storey": np.round(look.storey_m, 2).tolist(),
        "style": look.style.tolist(),
    }


def _labels(table: pd.DataFrame) -> list[str]:
    street, number = table["street"].fillna(""), table["house_number"].fillna("")
    address = (street + " " + number).str.strip().where(street != "", "")
    return [str(text) for text in table["name"].fillna("").where(lambda name: name != "", address)]


def _blocks(district: District) -> dict[str, Any]:
    return {
        "id": [str(name) for name in district.blocks.index],
        "name": [str(name) for name in district.blocks["name"].fillna("")],
    }


def _places(district: District, origin: NDArray[np.float64]) -> list[dict[str, Any]]:
    named = district.places[district.places["name"].fillna("") != ""]
    points = shapely.point_on_surface(named.geometry.to_numpy())
    return [
        {"name": str(name), "kind": str(kind), "at": [round(float(x), 1), round(float(y), 1)]}
        for name, kind, x, y in zip(
            named["name"],
            named["kind"].fillna("landmark"),
            shapely.get_x(points) - origin[0],
            origin[1] - shapely.get_y(points),
            strict=True,
        )
    ]


def _geographic(origin: NDArray[np.float64]) -> dict[str, float]:
    """Latitude, longitude, and by how much grid north lies east of true north there. [deg]"""
    projection = pyproj.Proj("EPSG:25832")
    longitude, latitude = projection(origin[0], origin[1], inverse=True)
    convergence = projection.get_factors(longitude, latitude).meridian_convergence
    return {
        "lat": round(latitude, 6),
        "lon": round(longitude, 6),
        "convergence_deg": round(float(convergence), 4),
    }


def _edge_colour(image: Image.Image) -> str:
    """Mean colour along the edges, as #rrggbb."""
    small = np.asarray(image.resize((24, 24), Image.Resampling.BOX), float)
    edge = np.concatenate([small[0], small[-1], small[1:-1, 0], small[1:-1, -1]])
    return "#" + "".join(f"{round(value):02x}" for value in edge.mean(axis=0))


def _small(writer: _Writer, photo: Image.Image | None) -> str | None:
    if photo is None:
        return None
    small = photo.copy()
    small.thumbnail((2048, 2048), Image.Resampling.LANCZOS)
    return writer.add("image", ".jpg", _jpeg(small, 82), compress=False)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality, optimize=True, progressive=True)
    return stream.getvalue()


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()
