"""The formats of a real tile and of the sample, held by other people's validators and readers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyogrio
import pytest

import twin
from tests.twin import readers
from tests.twin.test_exports import cjio_says, validated
from twin import exports
from twin.district import District
from twin.exports import tables

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def tile(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> District:
    """117 buildings of Essen, as `lobeda import` reads them."""
    folder = tmp_path_factory.mktemp("tile") / "essen"
    source = shared_data / "citygml" / "EssenExample.gml"
    subprocess.run(
        [sys.executable, "-m", "viewer.cli", "import", str(folder), "--buildings", str(source)], check=True
    )
    return twin.open(folder)


@pytest.fixture(scope="module")
def sample() -> District:
    return twin.open("lobeda")


@pytest.fixture(scope="module")
def facts(tile: District) -> pd.DataFrame:
    return pd.DataFrame(tile.buildings[["function_code", "measured_height_m", "watertight"]])


def test_khronos_finds_no_fault_in_any_tile(tile: District, facts: pd.DataFrame, tmp_path: Path) -> None:
    exports.writer(tmp_path / "a.glb")(tile, tmp_path / "a.glb", facts)
    exports.writer(tmp_path / "tiles")(tile, tmp_path / "tiles", facts)
    files = [tmp_path / "a.glb", *sorted((tmp_path / "tiles").rglob("*.glb"))]
    assert len(files) > 1
    for file in files:
        issues = validated(file, tmp_path / "validate.js")
        assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), (file.name, issues["messages"][:3])


def test_cjio_and_gdal_read_every_building(tile: District, facts: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("a.city.json", "a.gpkg"):
        exports.writer(tmp_path / name)(tile, tmp_path / name, facts)
    assert cjio_says(tmp_path / "a.city.json")[:4] == ["2.0", 25832, 0, 0]
    objects = json.loads((tmp_path / "a.city.json").read_text())["CityObjects"]
    assert set(tile.buildings.index) <= set(objects)
    assert len(pyogrio.read_dataframe(tmp_path / "a.gpkg", layer="buildings")) == len(tile.buildings)


@pytest.mark.parametrize("name", ["tile", "sample"])
def test_other_readers_find_all(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    district: District = request.getfixturevalue(name)
    facts = pd.DataFrame(district.buildings[["function_code", "measured_height_m", "watertight"]])
    for target in ("a.city.json", "a.city.jsonl", "a.gpkg", "a.glb", "tiles"):
        exports.write(district, tmp_path / target, facts)
    for target in ("a.glb", "tiles/tileset.json"):
        readers.hold_tiles(readers.tiles_say(tmp_path / target, tmp_path / "read.cjs"), district, facts)
    document = json.loads((tmp_path / "a.city.json").read_text("utf-8"))
    geometries = sum(len(one.get("geometry", ())) for one in document["CityObjects"].values())
    for target in ("a.city.json", "a.city.jsonl"):
        told = readers.cityjson_says((tmp_path / target).read_bytes())
        assert told[:2] == (len(document["CityObjects"]), geometries)
    read = readers.cjio_reads_sequence(tmp_path / "a.city.jsonl", tmp_path / "b.city.json")
    assert set(read["CityObjects"]) == set(document["CityObjects"])
    counts = {layer: len(district.tables()[layer]) for layer in tables.drawn(district)}
    assert readers.ogrinfo_counts(tmp_path / "a.gpkg") == counts
