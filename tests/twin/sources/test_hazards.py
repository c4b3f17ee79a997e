"""Flood areas and noise maps as states deliver them, made up around one place; areas and classes by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.scenes import ORIGIN, town
from tests.twin.sources.test_terrain import tiff
from twin import hazards, importer, schema
from twin import open as open_district
from twin.errors import CallError, SourceError
from twin.info import info
from twin.sources.hazards import CASES, limits, read

X, Y = ORIGIN[:2]


def vectors(file, boxes, crs="EPSG:25832", **columns):
    shapes = [shapely.box(X + west, Y + south, X + east, Y + north) for west, south, east, north in boxes]
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:25832").to_crs(crs)
    frame.to_file(file)
    return file


def table(file, **options):
    return schema.conform("hazard_areas", read(file, **options).tables["hazard_areas"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0,5 - 1,0 m", (0.5, 1.0)), ("> 4 m", (4.0, np.nan)), ("< 0,5 m", (0.0, 0.5)),
        ("0-50 cm", (0.0, 0.5)),
        ("über 2 m", (2.0, np.nan)), ("bis 0,5 m", (0.0, 0.5)), ("1.25", (1.25, 1.25)),
        ("trocken", (np.nan, np.nan)),
    ],
)  # fmt: skip
def test_depth_classes_in_words(text, expected):
    np.testing.assert_array_equal([value[0] for value in limits(pd.Series([text]), "hq100")], expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lden6569", (65.0, 70.0)), ("LdenGreaterThan75", (75.0, np.nan)), ("55-59", (55.0, 60.0)),
        ("> 70 dB(A)", (70.0, np.nan)), ("65 - 70", (65.0, 70.0)), ("Lnight4549", (45.0, 50.0)),
    ],
)  # fmt: skip
def test_noise_bands_in_words(text, expected):
    np.testing.assert_array_equal([value[0] for value in limits(pd.Series([text]), "lden")], expected)


@given(st.lists(st.none() | st.text(max_size=12), max_size=20), st.sampled_from(list(CASES)))
def test_any_words_are_a_class_or_none(words, case):
    low, high = limits(pd.Series(words, dtype=object), case)
    assert len(low) == len(high) == len(words)
    both = np.isfinite(low) & np.isfinite(high)
    assert (low[both] <= high[both]).all()


def test_polygons_with_depth_classes(tmp_path):
    boxes = [(0, 0, 50, 50), (50, 0, 100, 50)]
    file = vectors(tmp_path / "hq100.gpkg", boxes, crs="EPSG:25833", Tiefenklasse=["0 - 0,5 m", "> 4 m"])
    found = table(file, case="hq100")
    assert found["value_min"].tolist() == [0.0, 4.0] and np.isnan(found["value_max"].iloc[1])
    assert set(found["kind"]) == {"flood"} and set(found["scenario"]) == {"hq100"}
    assert shapely.area(found.geometry.to_numpy()) == pytest.approx([2500, 2500], rel=1e-3)


def test_extent_alone_says_so(tmp_path):
    found = read(vectors(tmp_path / "a.gpkg", [(0, 0, 9, 9)], name=["Saale"]), case="hq10")
    assert found.tables["hazard_areas"]["value_min"].isna().all()
    assert any("only the extent" in finding.message for finding in found.findings)


def test_noise_in_two_columns(tmp_path):
    file = vectors(tmp_path / "lden.gpkg", [(0, 0, 9, 9)], DB_LO=[60], DB_HI=[65])
    found = table(file, case="lden")
    assert (found["value_min"].item(), found["value_max"].item()) == (60.0, 65.0)


def test_depth_raster_becomes_classes(tmp_path):
    """10 x 10 cells of 1 m: 20 cells dry, 30 with 0.3 m, 40 with 1.5 m, 10 with 6 m."""
    values = np.repeat([0.0, 0.3, 1.5, 6.0], [20, 30, 40, 10]).reshape(10, 10).astype("float32")
    found = table(tiff(tmp_path / "d.tif", west=X, north=Y + 10, size=10, values=values), case="hq_extreme")
    areas = dict(zip(found["value_min"], shapely.area(found.geometry.to_numpy()), strict=True))
    assert areas == {0.0: 30.0, 1.0: 40.0, 4.0: 10.0}
    assert found["value_max"].tolist()[:2] == [0.5, 2.0] and np.isnan(found["value_max"].iloc[2])


def test_noise_raster_in_another_zone(tmp_path):
    import pyproj

    east, north = pyproj.Transformer.from_crs(25832, 25833, always_xy=True).transform(X, Y)
    values = np.full((20, 20), 67.0, "float32")
    values[:10] = 52.0
    found = table(
        tiff(tmp_path / "n.tif", west=east, north=north, cell=2.0, size=20, crs="EPSG:25833", values=values),
        case="lden",
    )
    assert found["value_min"].tolist() == [65.0]
    assert found.geometry.area.item() == pytest.approx(40 * 20, rel=0.03)


def test_bad_input_is_refused_in_one_line(tmp_path):
    with pytest.raises(CallError, match="no hazard case 'hq7'"):
        read(tmp_path, case="hq7")
    with pytest.raises(SourceError, match="no such file"):
        read(tmp_path / "none.gpkg", case="hq10")
    loud = vectors(tmp_path / "loud.gpkg", [(0, 0, 9, 9)], Tiefe=[350.0])
    with pytest.raises(SourceError, match="Tiefe holds 350, which is no depth in m"):
        read(loud, case="hq10")
    soft = vectors(tmp_path / "soft.gpkg", [(0, 0, 9, 9)], DB_LO=[3.0])
    with pytest.raises(SourceError, match="no level in dB"):
        read(soft, case="lden")
    points = tmp_path / "points.gpkg"
    gpd.GeoDataFrame(geometry=[shapely.Point(X, Y)], crs="EPSG:25832").to_file(points)
    with pytest.raises(SourceError, match="no areas of hq10"):
        read(points, case="hq10")
    dry = tiff(tmp_path / "dry.tif", west=X, north=Y, size=4, values=np.zeros((4, 4), "float32"))
    with pytest.raises(SourceError, match="no areas of hq10"):
        read(dry, case="hq10")


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    """Three houses of 10 x 10 m at x = 0, 30 and 60, with 8 dwellings each."""
    folder = tmp_path_factory.mktemp("hazards")
    houses = town([(x, 0, x + 10, 10, 9) for x in (0, 30, 60)])
    houses = houses.replace(buildings=houses.buildings.assign(dwellings=8.0, dwellings_source="given:test"))
    deep = vectors(folder / "q.gpkg", [(-5, -5, 5, 15), (4, -5, 35, 15)], Tiefe=["0,5-1 m", "1-2 m"])
    loud = vectors(folder / "n.gpkg", [(-20, -20, 29.5, 20)], DB_LO=[65], DB_HI=[69])
    return importer.build("t", hazards=[("hq100", deep), ("lnight", loud)], base=houses)


def test_buildings_affected(district):
    """House 0 inside, 6 m of it in the deeper area; house 1 half; house 2 dry. Noise 0.5 m off counts."""
    found = hazards.affected(district, "hq100")
    assert found.index.tolist() == ["b0", "b1"]
    assert found["share"].tolist() == pytest.approx([1.0, 0.5])
    assert found["value_min"].tolist() == [1.0, 1.0] and found["value_max"].tolist() == [2.0, 2.0]
    assert hazards.affected(district, "lnight").index.tolist() == ["b0", "b1"]
    table = hazards.summary(district)
    assert table.loc["hq100", ["buildings", "dwellings", "worst"]].tolist() == [2, 16, 1.0]
    assert table.loc["lnight", "worst"] == 65.0
    report = info(district)
    assert "  hq100: 2 buildings, 16 dwellings, up to 1.0 m and more" in report.lines("en")
    assert "  lnight: 2 Gebäude, 16 Wohnungen, bis 65,0 dB(A) und mehr" in report.lines("de")
    assert report.to_dict()["hazards"]["hq100"]["buildings"] == 2


def test_two_files_of_a_case_add_up(district, tmp_path):
    """A map in tiles: the middle house in one, the last in the other."""
    tiles = [vectors(tmp_path / f"t{x}.gpkg", [(x, 0, x + 10, 10)], Tiefe=["0,5-1 m"]) for x in (30, 60)]
    both = importer.build("t", hazards=[("hq100", tile) for tile in tiles], base=district)
    assert hazards.affected(both, "hq100").index.tolist() == ["b1", "b2"]


def test_a_case_is_replaced_others_and_files_stay(district, tmp_path):
    less = vectors(tmp_path / "less.gpkg", [(60, 0, 70, 10)], Tiefe=["> 4 m"])
    again = importer.build("t", hazards=[("hq100", less)], base=district)
    assert hazards.cases(again) == ["hq100", "lnight"]
    assert hazards.affected(again, "hq100").index.tolist() == ["b2"]
    opened = open_district(again.save(tmp_path / "saved"))
    pd.testing.assert_frame_equal(hazards.summary(opened), hazards.summary(again))
    near = opened.select(shapely.box(X + 55, Y - 5, X + 75, Y + 15))
    assert hazards.cases(near) == ["hq100"]
