"""Formats told by content, and mixtures of files read into one; the names of the files say nothing."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from tests.twin.sources import gml
from tests.twin.sources.test_cityjson import building as json_building
from tests.twin.sources.test_cityjson import document, solid
from twin.errors import SourceError
from twin.sources import SOURCES, detect

OSM = '<?xml version="1.0"?><osm version="0.6"><node id="1" lat="50.88" lon="11.6"/></osm>'


def kinds(path: Path) -> list[str]:
    return [found.kind for found in detect.detect(path)]


@pytest.mark.parametrize("name", SOURCES)
def test_source_keeps_the_contract(name: str) -> None:
    source = SOURCES[name]
    assert source.LICENCE
    assert source.TABLES
    assert source.read.__doc__


def test_every_source_is_listed() -> None:
    assert list(SOURCES) == [
        "citygml",
        "cityjson",
        "footprints",
        "osm",
        "terrain",
        "ortho",
        "trees",
        "hazards",
    ]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("citygml", gml.city(gml.building(gml.boundaries()))),
        ("citygml", gml.city(head="<!-- " + "long " * 1000 + "-->")),
        ("cityjson", json.dumps(document({"B1": json_building(solid())}))),
        ("cityjson", json.dumps(document({}, vertices=[])) + '\n{"type": "CityJSONFeature"}'),
        ("cityjson", json.dumps(dict(reversed(document({"B1": json_building(solid())}).items())), indent=1)),
        ("geojson", '{"type": "FeatureCollection", "features": []}'),
        ("geojson", '{"features": [], "type": "FeatureCollection"}'),
        ("kml", '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>'),
        ("osm_xml", OSM),
        ("osm_json", '{"version": 0.6, "generator": "Overpass API", "elements": []}'),
        ("xyz", "683000.5 5640000.5 160.25\n683001.5 5640000.5 160.31\n683002.5 5640000.5 160.4\n"),
        ("xyz", "683000.5,5640000.5,160.25\n683001.5,5640000.5,160.31\n683002.5,5640000.5,160.4\n"),
        ("csv", "id;art;hoehe\n1;Linde;12,5\n2;Ahorn;9\n"),
        ("unknown", "Guten Tag"),
        ("unknown", '<?xml version="1.0"?><svg/>'),
        ("empty", " \n"),
    ],
)
@pytest.mark.parametrize("name", ["data.bin", "data.gml", "data.json"])
def test_texts(tmp_path: Path, kind: str, text: str, name: str) -> None:
    assert kinds(gml.write(tmp_path, text, name)) == [kind]


def footprints() -> gpd.GeoDataFrame:
    box = shapely.box(gml.WEST, gml.SOUTH, gml.WEST + 10, gml.SOUTH + 8)
    return gpd.GeoDataFrame({"height": [9.0]}, geometry=[box], crs=25832)


@pytest.mark.parametrize(
    ("kind", "driver", "suffix"),
    [("gpkg", "GPKG", ".gpkg"), ("geojson", "GeoJSON", ".geojson"), ("flatgeobuf", "FlatGeobuf", ".fgb")],
)
def test_vector_files(tmp_path: Path, kind: str, driver: str, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    footprints().to_file(path, driver=driver)
    assert kinds(path) == [kind]
    assert len(detect.read_buildings([path]).tables["buildings"]) == 1


def test_shapefiles_are_one_even_in_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "shape"
    folder.mkdir()
    footprints().to_file(folder / "x.shp")
    assert kinds(folder) == ["shapefile"]
    packed = tmp_path / "shape.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"sub/{file.name}")
    assert kinds(packed) == ["shapefile"]
    table = detect.read_buildings([packed]).tables["buildings"]
    assert table["measured_height_m"].tolist() == [9.0]


def test_rasters(tmp_path: Path) -> None:
    path = tmp_path / "x.dat"
    profile = {
        "driver": "GTiff",
        "width": 2,
        "height": 2,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:25832",
    }
    with rasterio.open(path, "w", **profile, transform=from_origin(gml.WEST, gml.SOUTH, 1, 1)) as raster:
        raster.write(np.zeros((1, 2, 2), "float32"))
    assert kinds(path) == ["geotiff"]
    with pytest.raises(SourceError, match="--terrain"):
        detect.read_buildings([path])


def test_a_table_is_no_building(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--trees"):
        detect.read_buildings([gml.write(tmp_path, "id;art\n1;Linde\n", "trees.gml")])


# ---------------------------------------------------------------------------------------------- tiles
def tiles(folder: Path) -> list[Path]:
    """Two tiles; the building B1 is in both."""
    house = gml.building(gml.boundaries())
    other = gml.building(gml.boundaries(gml.faces(west=gml.WEST + 50), "q"), "B2")
    return [gml.write(folder, gml.city(house), "a.gml"), gml.write(folder, gml.city(house, other), "b.xml")]


def packed(folder: Path) -> Path:
    path = folder / "tiles.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "Liesmich")
        for tile in tiles(folder):
            archive.write(tile, f"LoD2/{tile.name}")
            tile.unlink()
    return path


@pytest.mark.parametrize("how", ["files", "folder", "zip", "gzip"])
def test_the_same_building_in_two_tiles_is_taken_once(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    paths = {
        "files": tiles,
        "folder": lambda f: [f] if tiles(f) else [],
        "zip": lambda f: [packed(f)],
        "gzip": tiles,
    }[how](folder)
    if how == "gzip":
        for path in paths:
            path.write_bytes(gzip.compress(path.read_bytes()))
    shares: list[float] = []
    data = detect.read_buildings(paths, progress=lambda _, share: shares.append(share))
    assert list(data.tables["buildings"].index) == ["B1", "B2"]
    assert len(data.tables["surfaces"]) == 12
    assert data.tables["surfaces"].index.is_unique
    assert [(finding.kind, finding.record) for finding in data.findings] == [("note", "B1")]
    assert {record.origin for record in data.provenance} == {"a.gml", "b.xml"}
    if how != "gzip":
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1.0)


def test_another_building_with_the_same_id_is_renamed(tmp_path: Path) -> None:
    one = gml.house_file(tmp_path, "a.gml")
    far = gml.building(gml.boundaries(gml.faces(west=gml.WEST + 500)))
    data = detect.read_buildings([one, gml.write(tmp_path, gml.city(far), "b.gml")])
    assert list(data.tables["buildings"].index) == ["B1", "B1-2"]
    assert data.tables["surfaces"]["building_id"].value_counts().to_dict() == {"B1": 6, "B1-2": 6}
    assert [finding.kind for finding in data.findings] == ["repaired"]


def test_tiles_of_different_zones_and_formats(tmp_path: Path) -> None:
    data = detect.read_buildings(
        [
            gml.house_file(tmp_path, "a.gml"),
            gml.write(tmp_path, json.dumps(document({"J": json_building(solid())}, transform={
                "scale": [0.001] * 3, "translate": [gml.WEST + 30, gml.SOUTH, 0]})), "b.json"),
        ]
    )  # fmt: skip
    assert list(data.tables["buildings"]["source"]) == ["citygml", "cityjson"]
    assert len(data.tables["surfaces"]) == 12


def test_read_of_a_source_takes_folders_and_archives(tmp_path: Path) -> None:
    for path in (packed(tmp_path),):
        assert len(SOURCES["citygml"].read(path).tables["buildings"]) == 2
    with pytest.raises(SourceError, match="no CityGML"):
        SOURCES["citygml"].read(gml.write(tmp_path, "{}", "x.gml"))
    with pytest.raises(SourceError, match="no CityJSON"):
        SOURCES["cityjson"].read(gml.write(tmp_path, "<a/>", "x.json"))


def test_every_real_building_file_is_told(shared_data: Path) -> None:
    told = {
        path.name: kinds(path)
        for name in ("citygml", "cityjson", "osm")
        for path in (shared_data / name).iterdir()
    }
    assert set(map(tuple, told.values())) == {("citygml",), ("cityjson",), ("osm_xml",)}
    assert told["campus_melaten.osm"] == ["osm_xml"]
