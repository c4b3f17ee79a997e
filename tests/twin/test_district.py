"""The district: built from tables, cut out, saved and opened; what is wrong is said in one line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely.geometry import LineString, Point, box

import twin
from twin import District, DistrictError, SchemaError, schema
from twin.sources.base import Finding, Provenance
from twin.terrain import Orthophoto, Terrain

EAST, NORTH = 684_000, 5_640_000


def frame(count: int = 4) -> gpd.GeoDataFrame:
    shapes = [box(EAST + 15 * i, NORTH, EAST + 15 * i + 15, NORTH + 12) for i in range(count)]
    return gpd.GeoDataFrame(
        {
            "building_id": [f"b{i}" for i in range(count)],
            "measured_height_m": 16.0,
            "street": "Ziegesarstraße",
            "house_number": [str(9 + 2 * i) for i in range(count)],
            "attributes": '{"Gemeindeschlüssel": "16053000"}',
        },
        geometry=shapes,
        crs=25832,
    )


@pytest.fixture
def district() -> District:
    trees = gpd.GeoDataFrame(
        {"tree_id": ["t0", "t1"]}, geometry=[Point(EAST + 3, NORTH - 5), Point(EAST + 500, NORTH)], crs=25832
    )
    streets = gpd.GeoDataFrame(
        {"street_id": ["s"]}, geometry=[LineString([(EAST, NORTH - 9), (EAST + 90, NORTH - 9)])], crs=25832
    )
    systems = pd.DataFrame({"system_id": ["x", "y"], "building_id": ["b0", "b3"], "kind": "district_heating"})
    return District.from_tables(
        "Lobeda test",
        {"buildings": frame(), "trees": trees, "streets": streets, "systems": systems},
        terrain=Terrain(np.full((20, 30), 160, np.float32), EAST - 50, NORTH + 60, 5.0),
        ortho=Orthophoto(np.full((40, 60, 3), 90, np.uint8), (EAST - 50, NORTH - 40, EAST + 100, NORTH + 60)),
        provenance=[Provenance("buildings", "test", "here", "CC0", date="2026-01-01")],
        findings=[Finding("note", "f.gml", "b0", "übrigens")],
        metadata={"is_model": True, "note": "erfunden"},
    )


def test_footprints_with_heights_are_enough() -> None:
    small = District.from_tables("x", {"buildings": frame(1)})
    assert len(small.surfaces) == 6
    assert small.buildings.volume_m3.iloc[0] == pytest.approx(15 * 12 * 16)
    assert len(small.blocks) == 1


def test_nothing_is_derived_unless_asked() -> None:
    plain = District.from_tables("x", {"buildings": frame(1)}, derive=False)
    assert plain.surfaces.empty
    assert np.isnan(plain.buildings.volume_m3.iloc[0])


def test_save_and_open_give_the_same(district: District, tmp_path: Path) -> None:
    again = twin.open(district.save(tmp_path / "out"))
    assert again.digest() == district.digest()
    assert again.name == "Lobeda test"
    for table, frame_ in district.tables().items():
        pd.testing.assert_frame_equal(pd.DataFrame(getattr(again, table)), pd.DataFrame(frame_))
    np.testing.assert_array_equal(again.terrain.heights_m, district.terrain.heights_m)
    assert again.ortho.pixels.shape == (40, 60, 3)
    assert again.provenance == district.provenance
    assert again.findings == district.findings
    assert again.is_model


def test_the_folder_is_open_formats(district: District, tmp_path: Path) -> None:
    folder = district.save(tmp_path / "out")
    names = {file.name for file in folder.iterdir()}
    assert names == {"district.json", "terrain.tif", "ortho.tif"} | {
        f"{table}.parquet" for table in schema.TABLES
    }
    head = json.loads((folder / "district.json").read_text("utf-8"))
    assert (head["epsg"], head["version"], head["counts"]["buildings"]) == (25832, 1, 4)
    assert gpd.read_parquet(folder / "surfaces.parquet").crs.to_epsg() == 25832
    with rasterio.open(folder / "terrain.tif") as raster:
        assert raster.crs.to_epsg() == 25832


def test_saving_replaces_a_district_but_nothing_else(district: District, tmp_path: Path) -> None:
    district.save(tmp_path / "out")
    district.select(["b0"]).save(tmp_path / "out")
    assert len(twin.open(tmp_path / "out").buildings) == 1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    with pytest.raises(DistrictError, match="is no district"):
        district.save(tmp_path / "mine")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine", "out"]


def test_a_failed_save_leaves_the_old_one(
    district: District, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = district.save(tmp_path / "out")
    before = district.digest()
    broken = dataclasses.replace(district, metadata={"a": object()})
    with pytest.raises(TypeError):
        broken.save(folder)
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if Path(target) == folder and self.name != "old":
            raise OSError("No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(DistrictError, match=r"cannot be written: No space left"):
        district.save(folder)
    monkeypatch.undo()
    assert twin.open(folder).digest() == before
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_a_place_that_cannot_be_written_is_said(district: District, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DistrictError, match="cannot be written"):
        district.save(tmp_path / "file" / "out")


def test_select_by_ids(district: District) -> None:
    some = district.select(["b3", "b0", "unknown"])
    assert some.buildings.index.to_list() == ["b0", "b3"]
    assert set(some.surfaces.building_id) == {"b0", "b3"}
    assert len(some.systems) == 2
    assert len(some.blocks) == 1
    assert len(district.buildings) == 4


def test_select_by_area(district: District) -> None:
    some = district.select(box(EAST - 5, NORTH - 20, EAST + 20, NORTH + 20))
    assert some.buildings.index.to_list() == ["b0"]
    assert some.trees.index.to_list() == ["t0"]
    assert some.streets.index.to_list() == ["s"]
    assert some.systems.index.to_list() == ["x"]


def test_replace_checks_and_changes_nothing_in_place(district: District) -> None:
    taller = district.replace(buildings=district.buildings.assign(measured_height_m=20.0))
    assert taller.buildings.measured_height_m.iloc[0] == 20
    assert district.buildings.measured_height_m.iloc[0] == 16
    with pytest.raises(SchemaError, match="no number"):
        district.replace(buildings=district.buildings.assign(measured_height_m="high"))
    with pytest.raises(SchemaError, match="'b9' is not in the table buildings"):
        district.replace(surfaces=district.surfaces.assign(building_id="b9"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        district.name = "y"  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.replace(buildings=d.buildings.assign(street="B")),
        lambda d: d.replace(buildings=d.buildings.assign(dwellings=1.0)),
        lambda d: d.replace(surfaces=d.surfaces.iloc[::-1]),
        lambda d: d.replace(trees=d.trees.iloc[:1]),
        lambda d: d.replace(terrain=dataclasses.replace(d.terrain, west_m=0.0)),
        lambda d: d.replace(terrain=None),
    ],
)
def test_the_digest_tells_contents_apart(district: District, change: object) -> None:
    assert change(district).digest() != district.digest()  # type: ignore[operator]


def test_the_digest_is_that_of_the_content(district: District) -> None:
    same = district.replace(name="other", metadata={}, ortho=None)
    assert same.digest() == district.digest()


def test_unknown_tables_and_blocks_are_said() -> None:
    with pytest.raises(SchemaError, match="no table cars"):
        District.from_tables("x", {"cars": frame()})
    with pytest.raises(SchemaError, match="block_id 'q' is not in the table blocks"):
        District.from_tables("x", {"buildings": frame().assign(block_id="q")}, derive=False)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("no json", "cannot be read"),
        ("[" * 5000, "cannot be read"),
        ("[]", "another program"),
        ('{"version": "1"}', "another program"),
        ('{"version": 99}', "reads up to 1.*Update"),
        ('{"version": 1, "provenance": [{"x": 1}]}', "damaged"),
    ],
)
def test_a_wrong_district_json_is_said(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "district.json").write_text(text)
    with pytest.raises(DistrictError, match=what) as caught:
        twin.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_wrong_folders_are_said(tmp_path: Path, district: District) -> None:
    with pytest.raises(DistrictError, match="no such folder"):
        twin.open(tmp_path / "none")
    with pytest.raises(DistrictError, match=r"no district\.json"):
        twin.open(tmp_path)
    folder = district.save(tmp_path / "out")
    (folder / "surfaces.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DistrictError, match=r"surfaces\.parquet: the table cannot be read"):
        twin.open(folder)


def test_tables_that_an_older_version_did_not_have_are_empty(district: District, tmp_path: Path) -> None:
    folder = district.save(tmp_path / "out")
    (folder / "places.parquet").unlink()
    assert twin.open(folder).places.empty
