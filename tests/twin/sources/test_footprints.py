"""Footprints from vector files of every make; expected values by hand."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from twin import schema
from twin.errors import SourceError
from twin.sources import footprints, vectors

X, Y = 683_000.0, 5_640_000.0
SQUARE = shapely.box(X, Y, X + 10, Y + 20)
BOW_TIE = shapely.Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])


def frame(geometry, crs=25832, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(geometry), crs=crs)


def write(data: gpd.GeoDataFrame, file: Path, **options) -> Path:
    data.to_file(file, engine="pyogrio", **options)
    return file


def buildings(file: Path, **options):
    return schema.conform("buildings", footprints.read(file, **options).tables["buildings"])


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp", "fgb", "kml", "gml", "sqlite"])
def test_every_format_gives_the_same_footprint(tmp_path, suffix) -> None:
    data = frame([SQUARE], height=[12.5], name=["Haus"])
    if suffix in ("geojson", "kml"):
        data = data.to_crs(4326)
    table = buildings(write(data, tmp_path / f"a.{suffix}"), default_height_m=12.5)
    assert table.area.to_list() == pytest.approx([200], rel=1e-6)
    assert table.total_bounds == pytest.approx([X, Y, X + 10, Y + 20], abs=1e-4)
    assert table["measured_height_m"].to_list() == [12.5]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"measuredHeight": [12.5]},
            {"measured_height_m": 12.5, "measured_height_source": "given:footprints"},
        ),
        ({"Höhe [m]": ["12,5"]}, {"measured_height_m": 12.5}),
        ({"HOEHE": [12]}, {"measured_height_m": 12.0}),
        ({"gebaeudehoehe_m": ["12.5 m"]}, {"measured_height_m": 12.5}),
        ({"AOG": [5]}, {"storeys_above_ground": 5.0, "measured_height_m": 15.0}),
        ({"anzahlgs": ["5"]}, {"measured_height_source": "derived:storeys × 3 m"}),
        ({"geschosse": [4.0], "height": [None]}, {"measured_height_m": 12.0}),
        ({"height": [0], "storeys": [2]}, {"measured_height_m": 6.0}),  # nothing is 0 m high
        ({"height": [9], "Baujahr": ["um 1978"]}, {"year_of_construction": 1978.0}),
        (
            {"height": [9], "year_built": ["1978-05-01"]},
            {"year_of_construction": 1978.0, "year_source": "given:footprints"},
        ),
        ({"height": [9], "Wohneinheiten": [30]}, {"dwellings": 30.0}),
        ({"height": [9], "GFK": ["31001_1010"]}, {"function": "residential", "function_code": "31001_1010"}),
        ({"height": [9], "GFK": [3021]}, {"function": "school", "function_code": "3021"}),
        ({"height": [9], "nutzung": ["Kindertagesstätte"]}, {"function": "kindergarten"}),
        ({"height": [9], "building": ["greenhouse"]}, {"function": "other"}),
        ({"height": [9], "Dachform": ["Walmdach"]}, {"roof_type": "hip"}),
        ({"height": [9], "dachform": ["3100"]}, {"roof_type": "gable", "roof_type_code": "3100"}),
        (
            {"height": [9], "adresse": ["Emil-Wölk-Str. 12 a, 07747 Jena"]},
            {"street": "Emil-Wölk-Str.", "house_number": "12 a"},
        ),
        (
            {"height": [9], "strasse": ["Saaleweg"], "hausnr": [7], "zusatz": ["b"]},
            {"street": "Saaleweg", "house_number": "7b"},
        ),
        ({"height": [9], "Farbe": ["rot"]}, {"attributes": '{"Farbe": "rot"}'}),
        ({"height": [9], "gml_id": ["DETH1"]}, {"building_id": "DETH1"}),
    ],
    ids=lambda value: next(iter(value)) if "height" not in value or len(value) == 1 else list(value)[-1],
)  # fmt: skip
def test_columns_are_told_by_their_usual_names(tmp_path, columns, expected) -> None:
    table = buildings(write(frame([SQUARE], **columns), tmp_path / "a.gpkg")).reset_index()
    assert table.loc[0, list(expected)].to_dict() == expected


def test_names_cut_by_shapefiles_are_told(tmp_path) -> None:
    data = frame([SQUARE], measuredHe=[12.5], storeysAbo=[4], yearOfCons=[1978])
    table = buildings(write(data, tmp_path / "a.shp"))
    assert table["measured_height_m"].to_list() == [12.5]
    assert table["storeys_above_ground"].to_list() == [4.0]


def test_zipped_shapefile_and_several_layers(tmp_path) -> None:
    write(frame([SQUARE], height=[5]), tmp_path / "haus.shp")
    with zipfile.ZipFile(tmp_path / "haus.zip", "w") as archive:
        for file in tmp_path.glob("haus.*"):
            if file.suffix != ".zip":
                archive.write(file, f"Ordner mit Ümlaut/{file.name}")
    assert len(buildings(tmp_path / "haus.zip")) == 1
    write(frame([SQUARE], height=[5]), tmp_path / "two.gpkg", layer="west")
    write(frame([shapely.transform(SQUARE, lambda p: p + 50)], hoehe=[7]), tmp_path / "two.gpkg", layer="ost")
    assert sorted(buildings(tmp_path / "two.gpkg")["measured_height_m"]) == [5, 7]


def test_broken_footprints_are_repaired_or_left_out_and_listed(tmp_path) -> None:
    shapes = [
        SQUARE,
        BOW_TIE,
        shapely.Polygon([(X, Y), (X + 5, Y), (X, Y)]),
        shapely.Point(X, Y),
        None,
        shapely.Polygon(),
    ]
    data = frame(shapes, height=[9.0] * 6, id=list("abcdef"))
    answer = footprints.read(write(data, tmp_path / "a.gpkg"))
    table = schema.conform("buildings", answer.tables["buildings"])
    assert table.is_valid.all()
    assert table.area.to_dict() == pytest.approx({"a": 200, "b": 50})  # two triangles of 10 × 5 / 2 each
    said = {(finding.kind, finding.record): finding.message for finding in answer.findings}
    assert set(said) == {
        ("repaired", "b"),
        ("left_out", "c"),
        ("left_out", "d"),
        ("left_out", "e"),
        ("left_out", "f"),
    }
    assert "crossed itself" in said["repaired", "b"]
    assert "no area" in said["left_out", "c"]


def test_same_building_twice_is_taken_once_and_same_id_is_renamed(tmp_path) -> None:
    other = shapely.transform(SQUARE, lambda p: p + 100)
    data = frame([SQUARE, SQUARE, other], height=[9.0] * 3, id=["a", "a", "a"])
    answer = footprints.read(write(data, tmp_path / "a.gpkg"))
    assert list(answer.tables["buildings"].index) == ["a", "a-2"]
    assert {finding.kind for finding in answer.findings} == {"left_out", "repaired"}


def test_heights_that_are_missing(tmp_path) -> None:
    shapes = [shapely.transform(SQUARE, lambda p, by=by: p + by) for by in (0, 50, 100, 150)]
    file = write(frame(shapes, height=[9.0, 12.0, 30.0, None]), tmp_path / "a.gpkg")
    answer = footprints.read(file)
    assert answer.tables["buildings"]["measured_height_m"].to_list() == [9, 12, 30, 12]
    assert answer.tables["buildings"]["measured_height_source"].iloc[-1] == "guessed:median of the file 12 m"
    assert "1 buildings without height" in answer.findings[-1].message
    told = buildings(file, default_height_m=6)
    assert told["measured_height_m"].to_list() == [9, 12, 30, 6]
    assert told["measured_height_source"].iloc[-1] == "guessed:default 6 m"
    bare = write(frame(shapes), tmp_path / "bare.gpkg")
    with pytest.raises(
        SourceError, match=r"neither heights nor storeys\. Name a height with --default-height"
    ):
        footprints.read(bare)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_missing_crs_names_the_flag(tmp_path) -> None:
    file = write(frame([SQUARE], crs=None, height=[9]), tmp_path / "a.shp")
    with pytest.raises(SourceError, match=r"no CRS.*--crs"):
        footprints.read(file)
    assert buildings(file, crs="EPSG:25832").total_bounds[0] == X


def test_degrees_where_metres_are_said_and_the_reverse(tmp_path) -> None:
    degrees = shapely.box(11.61, 50.88, 11.611, 50.881)
    with pytest.raises(SourceError, match="are degrees, but EPSG:25832 is in metres"):
        footprints.read(write(frame([degrees], height=[9]), tmp_path / "a.gpkg"))
    metres = write(frame([SQUARE], crs=4326, height=[9]), tmp_path / "b.geojson")
    with pytest.raises(SourceError, match="are no degrees"):
        footprints.read(metres)
    assert buildings(metres, crs="EPSG:25832").total_bounds[0] == X  # what many GeoJSON files really hold


def test_other_zone_is_transformed(tmp_path) -> None:
    data = frame([SQUARE], height=[9]).to_crs(25833)
    assert buildings(write(data, tmp_path / "a.gpkg")).total_bounds == pytest.approx(
        [X, Y, X + 10, Y + 20], abs=0.01
    )


def test_data_of_another_continent_are_refused(tmp_path) -> None:
    data = frame([shapely.box(-74.0, 40.7, -73.99, 40.71)], crs=4326, height=[9])
    with pytest.raises(SourceError, match="outside central Europe"):
        footprints.read(write(data, tmp_path / "a.geojson"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gpkg", b"", "empty"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "no buildings"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [', "cannot be read"),
        ("a.gpkg", b"SQLite format 3\x00" + b"x" * 200, "cannot be read"),
        ("a.shp", b"\x00\x00\x27\x0a" + b"\x00" * 200, "cannot be read|no buildings"),
        ("a.xml", b'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource>'
         b"</OGRVRTLayer></OGRVRTDataSource>", "points to other files"),
        ("a.txt", b"nothing of the kind", "cannot be read"),
    ],
    ids=["empty", "no features", "cut off", "broken gpkg", "broken shp", "vrt", "text"],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, name, content, message) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        footprints.read(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_no_such_file_and_archive_without_vectors(tmp_path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        footprints.read(tmp_path / "nowhere.gpkg")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(SourceError, match="no vector data"):
        footprints.read(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("../evil.geojson", "{}")
    with pytest.raises(SourceError, match="outside itself"):
        footprints.read(tmp_path / "b.zip")


def test_points_and_lines_only_are_no_buildings(tmp_path) -> None:
    line = shapely.LineString([(X, Y), (X + 5, Y)])
    with pytest.raises(SourceError, match="no buildings"):
        footprints.read(write(frame([shapely.Point(X, Y), line]), tmp_path / "a.gpkg"))


def test_coordinates_that_are_no_numbers_are_left_out(tmp_path) -> None:
    bad = shapely.Polygon([(X, Y), (X + 5, np.inf), (X + 5, Y + 5)])
    answer = footprints.read(
        write(frame([bad, SQUARE], height=[9, 9], id=["bad", "good"]), tmp_path / "a.fgb")
    )
    assert list(answer.tables["buildings"].index) == ["good"]
    assert [finding.record for finding in answer.findings] == ["bad"]


def test_only_the_area_asked_for_is_read(tmp_path) -> None:
    shapes = [SQUARE, shapely.transform(SQUARE, lambda p: p + 5000)]
    data = frame(shapes, height=[9, 9], id=["near", "far"]).to_crs(4326)
    file = write(data, tmp_path / "a.gpkg")
    assert list(buildings(file, bounds=(X - 100, Y - 100, X + 100, Y + 100)).index) == ["near"]
    assert footprints.clip(file, (X - 100, Y - 100, X + 100, Y + 100), tmp_path / "clip.gpkg") == 1
    assert list(buildings(tmp_path / "clip.gpkg").index) == ["near"]
    assert footprints.clip(file, (X + 1000, Y, X + 1100, Y + 100), tmp_path / "none.gpkg") == 0
    assert not (tmp_path / "none.gpkg").exists()


def test_large_findings_are_counted(tmp_path) -> None:
    shapes = [SQUARE] + [shapely.Point(X + i, Y) for i in range(150)]
    answer = footprints.read(write(frame(shapes, height=[9.0] * 151), tmp_path / "a.gpkg"))
    assert len(answer.findings) == 101
    assert answer.findings[-1].record == "50 more"


def test_collections_keep_their_areas() -> None:
    mixed = shapely.GeometryCollection([SQUARE, shapely.Point(X, Y)])
    out = vectors.only_areas(np.array([mixed, BOW_TIE, shapely.Point(0, 0)], object))
    assert shapely.area(out).tolist() == pytest.approx([200, 50, 0])


def test_licence_and_provenance(tmp_path) -> None:
    answer = footprints.read(write(frame([SQUARE], height=[9]), tmp_path / "a.gpkg"))
    assert footprints.LICENCE
    assert footprints.TABLES == ("buildings",)
    assert [(record.table, record.origin) for record in answer.provenance] == [("buildings", "a.gpkg")]
