"""The scene's files: what they hold, how they are named, and what they must never hold."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
import trimesh
from PIL import Image

from tests.conftest import skip_or_fail
from tests.viewer.districts import EAST, NORTH, SECRET_CENTRE, SECRET_OWNER, small
from twin.district import District
from twin.errors import CallError, TwinError
from twin.mesh import triangulate
from twin.terrain import Orthophoto, Terrain
from viewer.scene import build_hook, component, ground
from viewer.scene.build import build
from viewer.scene.facades import STYLES, facades


@pytest.fixture(scope="module")
def district() -> District:
    return small()


@pytest.fixture(scope="module")
def scene(district: District, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    return folder / build(district, folder)


def manifest(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))


def test_files_are_named_after_their_content_and_lie_there_compressed(scene: Path) -> None:
    files = [name for name in manifest(scene)["files"].values() if name]
    assert len(files) >= 5
    for name in files:
        data = (scene.parent / name).read_bytes()
        assert hashlib.sha256(data).hexdigest()[:16] in name
        if name.endswith((".glb", ".bin")):
            assert gzip.decompress((scene.parent / f"{name}.gz").read_bytes()) == data
    assert gzip.decompress(Path(f"{scene}.gz").read_bytes()) == scene.read_bytes()
    assert re.fullmatch(r"scene-[0-9a-f]{16}\.json", scene.name)
    assert not list(scene.parent.glob(".*"))


def test_a_second_call_writes_nothing_and_another_folder_gets_the_same(
    district: District, scene: Path, tmp_path: Path
) -> None:
    before = {file: file.stat().st_mtime_ns for file in scene.parent.iterdir()}
    assert build(district, scene.parent) == scene.name
    assert {file: file.stat().st_mtime_ns for file in scene.parent.iterdir()} == before
    assert build(district, tmp_path) == scene.name
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in before}
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (scene.parent / file.name).read_bytes()


def test_a_lost_file_is_written_again(district: District, tmp_path: Path) -> None:
    name = build(district, tmp_path)
    lost = tmp_path / manifest(tmp_path / name)["files"]["terrain"]
    lost.unlink()
    build(district, tmp_path)
    assert lost.is_file()


def test_what_is_shown_decides_the_name(district: District, scene: Path, tmp_path: Path) -> None:
    assert build(district.replace(name="Anders"), tmp_path) != scene.name
    moved = Terrain(district.terrain.heights_m, EAST - 90, NORTH + 400, 10.0)
    assert build(district.replace(terrain=moved), tmp_path) != scene.name


def test_manifest_keeps_the_order_of_the_buildings(district: District, scene: Path) -> None:
    found = manifest(scene)
    buildings = found["buildings"]
    assert buildings["id"] == list(district.buildings.index)
    for column in ("label", "function", "block", "base", "height", "storey", "style"):
        assert len(buildings[column]) == len(district.buildings)
    names = [found["blocks"]["name"][b] if b >= 0 else None for b in buildings["block"]]
    assert names[:4] == ["Karl-Marx-Allee 1–5"] * 3 + ["Erlanger Allee 1–5"]
    assert buildings["label"][0] == "Karl-Marx-Allee 1"
    assert buildings["label"][-2] == "Schule am Park"
    assert buildings["height"][0] == pytest.approx(15.0, abs=0.01)  # 5 storeys of 2.8 m and 1 m


def test_notice_and_sources_are_told_in_both_languages(scene: Path) -> None:
    found = manifest(scene)
    assert found["attribution"] == ["© Testamt"]
    assert "keine Vermessungsdaten" in found["notice"]["de"]
    assert "not survey data" in found["notice"]["en"]


def test_survey_data_carry_no_notice(district: District, tmp_path: Path) -> None:
    assert manifest(tmp_path / build(district.replace(metadata={}), tmp_path))["notice"] is None


def test_owners_cost_centres_and_energy_are_in_no_file(scene: Path) -> None:
    secrets = (SECRET_OWNER, SECRET_CENTRE, "Familie Beispiel")
    for file in scene.parent.iterdir():
        data = file.read_bytes()
        data = gzip.decompress(data) if file.suffix == ".gz" else data
        for secret in secrets:
            assert secret.encode() not in data, file
    text = scene.read_text("utf-8").lower()
    assert not any(word in text for word in ("owner", "cost_centre", "kwh", "dwellings"))


def test_place_on_earth_and_direction_of_grid_north(scene: Path) -> None:
    """Convergence by hand: (longitude - 9°) sin(latitude), good to some thousandths of a degree here."""
    found = manifest(scene)
    assert found["lat"] == pytest.approx(50.883, abs=0.01)
    assert found["lon"] == pytest.approx(11.602, abs=0.01)
    by_hand = (found["lon"] - 9) * np.sin(np.radians(found["lat"]))
    assert found["convergence_deg"] == pytest.approx(by_hand, abs=0.005)


def test_buildings_open_in_trimesh_without_grounds_and_party_walls(district: District, scene: Path) -> None:
    found = manifest(scene)
    data = (scene.parent / found["files"]["buildings"]).read_bytes()
    (loaded,) = (
        g
        for g in trimesh.load_scene(io.BytesIO(data), file_type="glb").geometry.values()
        if hasattr(g, "faces")
    )
    owner = np.asarray(loaded.vertex_attributes["_BUILDING"]).ravel().astype(int)
    assert set(owner) == set(range(len(district.buildings)))
    middle = owner == 1  # the middle section of a row: roof and two walls of four points
    assert middle.sum() == 12
    faces_of = owner[np.asarray(loaded.faces)[:, 0]]
    assert (np.diff(faces_of) >= 0).all()


def test_heights_come_back_as_the_browser_reads_them(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:60, 0:60]
    hilly = Terrain(
        (160 + 4 * np.sin(rows / 9) + columns / 10).astype("float32"), EAST - 100, NORTH + 400, 10.0
    )
    district = small().replace(terrain=hilly)
    found = manifest(tmp_path / build(district, tmp_path))
    size = found["terrain"]["size"]
    folded = (
        np.frombuffer((tmp_path / found["files"]["terrain"]).read_bytes(), "<u2")
        .reshape(size, size)
        .astype(int)
    )
    delta = np.where(folded % 2, -(folded + 1) // 2, folded // 2)
    delta[:, 0] = np.cumsum(delta[:, 0])
    heights = np.cumsum(delta, axis=1) * found["terrain"]["step_m"] + found["terrain"]["lowest_m"]
    west, south, east, north = found["extent"]
    x, y = np.meshgrid(np.linspace(west, east, size), np.linspace(north, south, size))
    expected = hilly.sample(x + found["origin"][0], y + found["origin"][1]) - found["origin"][2]
    inside = np.isfinite(expected)
    assert inside.mean() > 0.5
    assert heights[inside] == pytest.approx(expected[inside], abs=0.03)


def test_without_terrain_the_ground_follows_the_buildings(district: District, tmp_path: Path) -> None:
    bare = District.from_tables("Ohne Gelände", {"buildings": district.buildings, "blocks": district.blocks})
    found = manifest(tmp_path / build(bare, tmp_path))
    area = ground.extent(bare)
    flat = ground.heights(bare, area, np.full(len(bare.buildings), 160.0))
    assert flat == pytest.approx(160.0)
    assert found["files"]["trees"] is None and found["files"]["image"] is None
    assert found["trees"]["count"] == 0


def test_trees_keep_place_size_and_kind(district: District, tmp_path: Path) -> None:
    trees = gpd.GeoDataFrame(
        {
            "tree_id": ["a", "b", "c", "far"],
            "species": ["Tilia cordata", "Picea abies", "Quercus robur 'Fastigiata'", "Acer"],
            "height_m": [12.0, np.nan, 20.0, 5.0],
            "crown_diameter_m": [6.0, np.nan, np.nan, 3.0],
        },
        geometry=[shapely.Point(EAST + x, NORTH + y) for x, y in ((20, 60), (40, 60), (60, 60), (90_000, 0))],
        crs=25832,
    )
    found = manifest(tmp_path / build(district.replace(trees=trees), tmp_path))
    rows = np.frombuffer((tmp_path / found["files"]["trees"]).read_bytes(), "<u2").reshape(-1, 5)
    assert found["trees"]["count"] == len(rows) == 3
    assert rows[:, 4].tolist() == [0, 1, 2]
    assert rows[:, 2].tolist() == [120, 90, 200]
    assert rows[0, 3] == 60
    west, _, east, _ = found["extent"]
    x = found["origin"][0] + west + rows[:, 0] / 65535 * (east - west)
    assert x == pytest.approx([EAST + 20, EAST + 40, EAST + 60], abs=0.02)


def test_photo_lies_where_it_was_taken_and_the_map_around_it(district: District) -> None:
    area = ground.extent(district)
    half = (area.west, area.south, (area.west + area.east) / 2, area.north)
    red = Orthophoto(np.full((50, 40, 3), (200, 10, 10), np.uint8), half)
    drawn = ground.drawn_map(district, area)
    image = ground.photo(district.replace(ortho=red), area, drawn)
    assert image is not None
    pixels = np.asarray(image)
    columns = pixels.shape[1]
    assert (pixels[:, : columns // 2 - 2] == (200, 10, 10)).all()
    assert not (pixels[:, columns // 2 + 2 :] == (200, 10, 10)).all(axis=2).any()
    away = Orthophoto(red.pixels, (0.0, 0.0, 10.0, 10.0))
    assert ground.photo(district.replace(ortho=away), area, drawn) is None
    assert ground.photo(district, area, drawn) is None


def test_masks_show_water_and_the_feet_of_buildings(district: District) -> None:
    lake = shapely.box(EAST - 60, NORTH - 60, EAST - 20, NORTH - 30)
    places = gpd.GeoDataFrame({"place_id": ["w"], "kind": ["water"]}, geometry=[lake], crs=25832)
    area = ground.extent(district)
    image = np.asarray(ground.masks(district.replace(places=places), area))

    def at(x: float, y: float) -> np.ndarray:
        row = int((area.north - y) / area.depth * image.shape[0])
        column = int((x - area.west) / area.width * image.shape[1])
        return image[row, column]

    assert at(EAST - 40, NORTH - 45)[0] > 240
    assert at(EAST + 27, NORTH + 106)[0] == 0
    assert at(EAST + 27, NORTH + 106)[1] > 150  # in the middle of a slab
    assert at(EAST + 200, NORTH + 180)[1] < 5


def test_walls_get_whole_bays_storeys_and_blank_gables() -> None:
    district = small()
    surfaces = district.surfaces[district.surfaces["surface_type"].isin(["WallSurface", "RoofSurface"])]
    rows = district.buildings.index.get_indexer(surfaces["building_id"])
    order = np.argsort(rows, kind="stable")
    solid = triangulate(surfaces.geometry.to_numpy()[order], rows[order])
    look = facades(solid, district.buildings)
    slab, house, school, garage = (
        district.buildings.index.get_loc(name) for name in ("west-0", "house-00", "school-1", "garage-1")
    )
    assert STYLES[look.style[slab]] == "slab" and STYLES[look.style[house]] == "house"
    assert STYLES[look.style[school]] == "bands" and STYLES[look.style[garage]] == "blank"
    assert look.base_m[slab] == pytest.approx(160)
    assert look.storey_m[slab] == pytest.approx(15 / 5)
    bays, eave = (look.wall_grid / 32).T
    front = (solid.building == slab) & (np.abs(solid.normals[:, 1]) > 0.9)
    assert bays[front].max() == 6  # 18 m in bays of 3.1 m
    assert eave[front].max() == pytest.approx(5, abs=0.05)
    gable = (solid.building == slab) & (np.abs(solid.normals[:, 0]) > 0.9)
    assert eave[gable].max() == 0
    assert eave[(solid.building == garage)].max() == 0
    assert eave[np.abs(solid.normals[:, 2]) > 0.5].max() == 0


def test_a_district_without_buildings_is_refused(district: District, tmp_path: Path) -> None:
    empty = District.from_tables("leer", {"buildings": district.buildings.iloc[:0]}, derive=False)
    with pytest.raises(CallError, match="no buildings"):
        build(empty, tmp_path)
    assert not any(tmp_path.iterdir())


def test_images_are_plain_pictures(scene: Path) -> None:
    files = manifest(scene)["files"]
    with Image.open(scene.parent / files["map"]) as image:
        assert image.format == "JPEG" and image.mode == "RGB"
    with Image.open(scene.parent / files["masks"]) as image:
        assert image.format == "PNG" and image.mode == "RGB"


def test_lock_file_names_no_registry_and_pins_all() -> None:
    text = (build_hook.HERE / "package-lock.json").read_text("utf-8")
    assert "http" not in re.sub(r'"(funding|url|license)":[^\n]*', "", text)
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert all(entry["version"] and entry["integrity"].startswith("sha512-") for entry in packages.values())


def test_bundle_is_left_alone_while_it_is_newer_than_its_sources(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source, bundle = tmp_path / "a.ts", tmp_path / "scene.js"
    source.write_text("1")
    bundle.write_text("1")
    calls: list[list[str]] = []
    monkeypatch.setattr(build_hook, "BUNDLE", bundle)
    monkeypatch.setattr(build_hook, "_sources", lambda: [source])
    monkeypatch.setattr(build_hook, "_run", calls.append)
    monkeypatch.setattr(build_hook, "_install", lambda options: None)
    build_hook.ensure_bundle()
    assert calls == []
    later = bundle.stat().st_mtime + 10
    os.utime(source, (later, later))
    build_hook.ensure_bundle()
    assert len(calls) == 1


def test_without_its_bundle_the_component_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(component, "BUNDLE", tmp_path / "scene.js")
    with pytest.raises(TwinError, match="build_hook"):
        component.Scene()


def test_values_travel_as_little_endian_floats() -> None:
    if not component.BUNDLE.is_file():
        skip_or_fail("the scene's script is not built; run `make build`")
    scene = component.Scene()
    scene.show(np.array([[1.0, np.nan], [2.0, 3.0]]), frames=2)
    assert scene.frames == 2
    assert np.frombuffer(scene.values, "<f4").tolist()[2:] == [2.0, 3.0]
    scene.show(None)
    assert scene.values is None
