"""What follows from geometry, against hand calculations, trimesh and real tiles."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import trimesh
from numpy.typing import ArrayLike
from shapely.geometry import MultiPolygon, Polygon, box

from twin import District, geometry, mesh, polygons, schema, solids
from twin.sources import citygml
from twin.terrain import Terrain

EAST, NORTH = 684_000.0, 5_640_000.0


def buildings(shapes: list[object], **columns: list[object]) -> dict[str, pd.DataFrame]:
    frame = gpd.GeoDataFrame(
        {"building_id": [f"b{row}" for row in range(len(shapes))], **columns}, geometry=shapes, crs=25832
    )
    return {"buildings": schema.conform("buildings", frame)}


def place(shape: shapely.Geometry, east: float = 0.0, north: float = 0.0) -> shapely.Geometry:
    return shapely.affinity.translate(shape, EAST + east, NORTH + north)


def house(
    width: float = 10, depth: float = 5, eaves: float = 3, ridge: float = 5, base: float = 112
) -> dict[str, list]:
    """A gabled house, as FZK-Haus is described: 10 × 5 m, walls 3 m, ridge 5 m over the ground."""
    w, d, e, r = width, depth, base + eaves, base + ridge
    b, m = base, depth / 2
    return {
        "GroundSurface": [[(0, 0, b), (0, d, b), (w, d, b), (w, 0, b)]],
        "WallSurface": [
            [(0, 0, b), (w, 0, b), (w, 0, e), (0, 0, e)],
            [(w, d, b), (0, d, b), (0, d, e), (w, d, e)],
            [(w, 0, b), (w, d, b), (w, d, e), (w, m, r), (w, 0, e)],
            [(0, d, b), (0, 0, b), (0, 0, e), (0, m, r), (0, d, e)],
        ],
        "RoofSurface": [
            [(0, 0, e), (w, 0, e), (w, m, r), (0, m, r)],
            [(w, d, e), (0, d, e), (0, m, r), (w, m, r)],
        ],
    }


def surfaces(faces: dict[str, list], building: str = "b0", part: str | None = None) -> gpd.GeoDataFrame:
    rows = [(kind, np.add(ring, (EAST, NORTH, 0))) for kind, rings in faces.items() for ring in rings]
    frame = gpd.GeoDataFrame(
        {
            "surface_id": [f"{building}-{part}-{row}" for row in range(len(rows))],
            "building_id": building,
            "part_id": part,
            "surface_type": [kind for kind, _ in rows],
        },
        geometry=[Polygon(ring) for _, ring in rows],
        crs=25832,
    )
    return schema.conform("surfaces", frame)


def solid_house(**change: float) -> dict[str, pd.DataFrame]:
    return {**buildings([place(box(0, 0, 10, 5))]), "surfaces": surfaces(house(**change))}


def one(tables: dict[str, pd.DataFrame], terrain: Terrain | None = None) -> pd.Series:
    return geometry.derive(tables, terrain)[0]["buildings"].iloc[0]


def level(height: float = 150.0, cells: int = 40) -> Terrain:
    return Terrain(np.full((cells, cells), height, np.float32), EAST - 100, NORTH + 100, 5.0)


def test_measures_of_a_gabled_house() -> None:
    """By hand: V = 10·5·3 + ½·10·5·2 = 200; roof 2·10·√(2.5²+2²); walls 2·30 + 2·(15+5)."""
    row = one(solid_house())
    slope = np.hypot(2.5, 2.0)
    assert row.volume_m3 == pytest.approx(200)
    assert (row.volume_source, row.watertight) == ("derived:solid", True)
    assert row.roof_area_m2 == pytest.approx(2 * 10 * slope)
    assert row.wall_area_m2 == pytest.approx(100)
    assert row.party_wall_area_m2 == 0
    assert row.envelope_area_m2 == pytest.approx(150 + 20 * slope)
    assert (row.ground_height_m, row.ground_height_source) == (112.0, "given:geometry")
    assert (row.measured_height_m, row.measured_height_source) == (5.0, "derived:geometry")
    assert (row.storeys_above_ground, row.storeys_source) == (1.0, "derived:height")


def test_tilt_and_azimuth_of_a_gabled_house() -> None:
    """The pitch is atan(2/2.5) = 38.66°; outward normals by the compass."""
    table = geometry.derive(solid_house())[0]["surfaces"]
    roofs = table[table.surface_type == "RoofSurface"]
    walls = table[table.surface_type == "WallSurface"]
    assert roofs.tilt_deg.to_numpy() == pytest.approx(np.degrees(np.arctan2(2, 2.5)))
    assert roofs.azimuth_deg.to_list() == pytest.approx([180, 0])
    assert walls.tilt_deg.to_numpy() == pytest.approx(90)
    assert walls.azimuth_deg.to_list() == pytest.approx([180, 0, 90, 270])
    assert table[table.surface_type == "GroundSurface"].tilt_deg.item() == pytest.approx(180)


def test_holes_subtract_however_they_run() -> None:
    """A 4 × 4 m square with a hole of 1 × 2 m has 14 m², whichever way the hole runs."""
    outer = [(0, 0, 7), (4, 0, 7), (4, 4, 7), (0, 4, 7)]
    hole = [(1, 1, 7), (2, 1, 7), (2, 3, 7), (1, 3, 7)]
    shapes = np.array([Polygon(outer, [hole]), Polygon(outer, [hole[::-1]])], object)
    faces = polygons.flatten(shapes)
    assert polygons.area_vectors(faces)[:, 2] == pytest.approx([14, 14])
    turned = polygons.turn_wrong_holes(shapes, faces)
    assert not polygons.wrong_holes(
        polygons.flatten(turned), polygons.ring_vectors(polygons.flatten(turned))
    ).any()


@pytest.mark.parametrize("turned", ["all", "some", "open"])
def test_inside_out_solids_are_turned(turned: str) -> None:
    tables = solid_house()
    table = tables["surfaces"]
    if turned == "open":
        table = table.iloc[[0, 1, 2, 3, 5, 6]]
    rows = np.arange(len(table)) if turned == "all" else np.array([0, 2, 4])
    shapes = table.geometry.to_numpy().astype(object)
    shapes[rows] = shapely.reverse(shapes[rows])
    tables["surfaces"] = table.set_geometry(gpd.GeoSeries(shapes, table.index, crs=25832))
    out = geometry.derive(tables)[0]["surfaces"]
    right = geometry.derive(solid_house())[0]["surfaces"].loc[out.index]
    assert out.tilt_deg.to_numpy() == pytest.approx(right.tilt_deg.to_numpy())
    assert out.azimuth_deg.to_numpy() == pytest.approx(right.azimuth_deg.to_numpy())


def test_an_open_solid_gets_its_volume_from_footprint_and_mean_roof() -> None:
    """Without one gable wall: 50 m² × (3 + 5)/2 m = 200 m³."""
    tables = solid_house()
    tables["surfaces"] = tables["surfaces"].drop("b0-None-4")
    row = one(tables)
    assert (row.volume_m3, row.watertight) == (pytest.approx(200), False)
    assert row.volume_source == "derived:footprint × mean height"


def test_vertices_within_a_centimetre_are_one() -> None:
    faces = house()
    faces["GroundSurface"][0][0] = (0.006, 0.004, 112.0)
    row = one({**buildings([place(box(0, 0, 10, 5))]), "surfaces": surfaces(faces)})
    assert row.watertight
    assert row.volume_m3 == pytest.approx(200, rel=1e-3)


def test_parts_are_solids_of_their_own_and_their_common_wall_is_inside() -> None:
    """Two boxes of 10 × 10 m side by side, 12 and 6 m high, as parts of one building."""
    low, high = _box(0, 10, 6), _box(10, 20, 12)
    table = pd.concat([surfaces(low, part="p"), surfaces(high, part="q")])
    parts = schema.conform(
        "parts", gpd.GeoDataFrame({"part_id": ["p", "q"], "building_id": "b0", "geometry": None})
    )
    out, _ = geometry.derive({**buildings([place(box(0, 0, 20, 10))]), "surfaces": table, "parts": parts})
    row = out["buildings"].iloc[0]
    assert row.volume_m3 == pytest.approx(600 + 1200)
    assert row.watertight
    assert row.party_wall_area_m2 == 0
    assert row.wall_area_m2 == pytest.approx(4 * 60 + 4 * 120 - 2 * 60)
    assert out["surfaces"].inner_area_m2.sum() == pytest.approx(120)
    assert out["parts"].measured_height_m.to_list() == pytest.approx([6, 12])
    assert shapely.area(out["parts"].geometry.to_numpy()) == pytest.approx([100, 100])


def _box(west: float, east: float, height: float) -> dict[str, list]:
    ring = [(west, 0), (east, 0), (east, 10), (west, 10)]
    sides = [(*ring[i], *ring[(i + 1) % 4]) for i in range(4)]
    return {
        "GroundSurface": [[(x, y, 0) for x, y in ring[::-1]]],
        "WallSurface": [[(a, b, 0), (c, d, 0), (c, d, height), (a, b, height)] for a, b, c, d in sides],
        "RoofSurface": [[(x, y, height) for x, y in ring]],
    }


def test_solids_without_a_base_height_are_set_on_the_terrain() -> None:
    tables = {**buildings([place(box(0, 0, 10, 10))]), "surfaces": surfaces(_box(0, 10, 6))}
    out, findings = geometry.derive(tables, level(150))
    row = out["buildings"].iloc[0]
    assert (row.ground_height_m, row.ground_height_source) == (150.0, "derived:terrain")
    assert row.measured_height_m == pytest.approx(6)
    assert shapely.get_coordinates(out["surfaces"].geometry, include_z=True)[:, 2].min() == 150
    assert [(found.kind, found.record) for found in findings] == [("repaired", "b0")]


def test_buildings_stand_on_the_lowest_terrain_along_their_footprint() -> None:
    """A slope of 1:10 to the east: a house 10 to 20 m east of the edge stands at 101 m."""
    columns = (np.arange(40) + 0.5) * 5
    slope = Terrain(np.tile(100 + columns / 10, (40, 1)).astype(np.float32), EAST, NORTH + 100, 5.0)
    tables = buildings([place(box(10, 0, 20, 10)), place(box(1000, 0, 1010, 10))], measured_height_m=[6, 6])
    out = geometry.derive(tables, slope)[0]["buildings"]
    assert out.ground_height_m.to_list() == pytest.approx([101, 101], abs=1e-3)
    assert out.ground_height_source.to_list() == ["derived:terrain", "guessed:nearest building"]


@pytest.mark.parametrize(
    ("given", "height", "source"),
    [
        ({"measured_height_m": [9.5]}, 9.5, "given:input"),
        ({"storeys_above_ground": [5]}, 15.0, "derived:storeys"),
        ({}, 6.6, "guessed:default 2 storeys"),
        ({"measured_height_m": [np.inf], "storeys_above_ground": [1]}, 3.8, "derived:storeys"),
        ({"measured_height_m": [-3.0], "storeys_above_ground": [1]}, 3.8, "derived:storeys"),
    ],
)
def test_height_is_given_or_from_storeys_or_a_default(given: dict, height: float, source: str) -> None:
    """2.8 m a storey and 1 m for plinth and roof build-up."""
    row = one(buildings([place(box(0, 0, 12, 15))], function=["residential"], **given))
    assert row.measured_height_m == pytest.approx(height)
    assert row.measured_height_source == source


@pytest.mark.parametrize(("height", "storeys"), [(16.0, 5), (33.0, 11), (6.5, 2), (3.5, 1), (18.3, 6)])
def test_storeys_from_height(height: float, storeys: int) -> None:
    """Slabs of 5, 6 and 11 storeys of 2.8 m with plinth and parapet, a house of two, a bungalow."""
    tables = buildings([place(box(0, 0, 15, 12))], measured_height_m=[height], function=["residential"])
    assert one(tables).storeys_above_ground == storeys


def test_floor_areas_and_dwellings_of_a_slab_section() -> None:
    """15 × 12 m, 11 storeys: 1,980 m² gross, 1,584 m² net, 24 dwellings of about 65 m²."""
    tables = buildings([place(box(0, 0, 15, 12))], storeys_above_ground=[11], function=["residential"])
    row = one(tables)
    assert row.gross_floor_area_m2 == pytest.approx(1980)
    assert row.a_use_m2 == pytest.approx(1584)
    assert row.dwellings == 24
    assert row.dwellings_source.startswith("guessed:")


def test_dwellings_only_in_housing_and_garages_by_size() -> None:
    shapes = [place(box(0, 0, 30, 20)), place(box(50, 0, 56, 3)), place(box(80, 0, 90, 9))]
    out = geometry.derive(buildings(shapes, function=["school", None, None], measured_height_m=[9, 2.5, 8]))[
        0
    ]
    table = out["buildings"]
    assert table.function.to_list() == ["school", "garage", "residential"]
    assert table.function_source.to_list() == ["given:input", "guessed:size", "guessed:size"]
    assert table.dwellings.isna().to_list() == [True, True, False]


def test_given_values_are_never_overwritten() -> None:
    given = {
        "storeys_above_ground": 7.0, "volume_m3": 999.0, "a_use_m2": 123.0, "dwellings": 9.0,
        "wall_area_m2": 5.0, "function": "office", "ground_height_m": 42.0, "block_id": "mine",
        "gross_floor_area_m2": 77.0,
    }  # fmt: skip
    row = one({**buildings([place(box(0, 0, 10, 5))], **{k: [v] for k, v in given.items()})})
    assert {name: row[name] for name in given} == given
    assert row.volume_source == row.a_use_source == row.ground_height_source == "given:input"


def test_bad_footprints_are_repaired_or_left_out_with_all_their_rows() -> None:
    bow = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    line = place(Polygon([(0, 0), (5, 0), (9, 0)]))
    with np.errstate(invalid="ignore"):
        shapes = [place(bow), Polygon(), line, Polygon([(0, 0), (np.nan, 1), (1, 1)]), None]
    tables = buildings([*shapes, place(box(30, 0, 40, 10))])
    tables["systems"] = schema.conform(
        "systems", pd.DataFrame({"system_id": ["s", "t"], "building_id": ["b1", "b5"], "kind": "gas"})
    )
    out, findings = geometry.derive(tables)
    assert out["buildings"].index.to_list() == ["b0", "b5"]
    assert out["systems"].index.to_list() == ["t"]
    assert {(found.kind, found.record) for found in findings} == {
        ("repaired", "b0"), ("left_out", "b1"), ("left_out", "b2"), ("left_out", "b3"), ("left_out", "b4"),
    }  # fmt: skip
    assert out["buildings"].footprint_area_m2.iloc[0] == pytest.approx(50)  # two triangles of 25 m²
    assert out["buildings"].watertight.all()


def test_a_missing_footprint_is_what_the_ground_surfaces_cover() -> None:
    tables = {**buildings([None]), "surfaces": surfaces(house())}
    out, findings = geometry.derive(tables)
    assert findings == []
    assert out["buildings"].geometry.iloc[0].equals(place(box(0, 0, 10, 5)))


def test_broken_surfaces_are_left_out_and_said() -> None:
    tables = solid_house()
    bad = surfaces(
        {"WallSurface": [[(0, 0, 1), (1, 0, 1), (2, 0, 1)], [(0, 0, np.nan), (1, 0, 1), (1, 1, 2)]]}, part="x"
    )
    tables["surfaces"] = pd.concat([tables["surfaces"], bad])
    out, findings = geometry.derive(tables)
    assert len(out["surfaces"]) == 7
    assert [found.kind for found in findings] == ["left_out", "left_out"]
    assert out["buildings"].watertight.all()


def test_untyped_surfaces_are_told_by_their_tilt() -> None:
    tables = solid_house()
    tables["surfaces"] = tables["surfaces"].assign(surface_type=pd.array([None] * 7, dtype="str"))
    out = geometry.derive(tables)[0]["surfaces"]
    assert out.surface_type.to_list() == ["GroundSurface"] + ["WallSurface"] * 4 + ["RoofSurface"] * 2
    assert set(out.surface_type_source) == {"derived:tilt"}


def test_no_buildings_at_all() -> None:
    out, findings = geometry.derive({})
    assert findings == []
    assert all(frame.empty for frame in out.values())


def test_progress_ends_at_one() -> None:
    said: list[float] = []
    geometry.derive(solid_house(), progress=lambda _, share: said.append(share))
    assert said == sorted(said)
    assert said[-1] == 1.0


def _trimesh(shapes: ArrayLike) -> trimesh.Trimesh:
    drawn = mesh.triangulate(shapes)
    vertices = drawn.vertices - drawn.vertices.min(axis=0)
    return trimesh.Trimesh(vertices, drawn.faces, process=True, merge_norm=True)


def test_volumes_and_areas_agree_with_trimesh() -> None:
    """Random extrusions of all roof forms, measured by trimesh after triangulation."""
    rng = np.random.default_rng(7)
    shapes, forms = [], []
    for row, form in enumerate(["flat", "gable", "hip", "pyramid", "pent", "flat"] * 3):
        size = rng.uniform(8, 25, 2)
        shape = box(0, 0, *size) if row % 6 < 5 else shapely.buffer(shapely.Point(0, 0), size[0] / 2)
        shapes.append(place(shapely.affinity.rotate(shape, rng.uniform(0, 90)), 60 * row, 0))
        forms.append(form)
    out, _ = geometry.derive(
        buildings(shapes, roof_type=forms, measured_height_m=rng.uniform(5, 30, 18).tolist())
    )
    for building, row in out["buildings"].iterrows():
        own = out["surfaces"][out["surfaces"].building_id == building]
        peer = _trimesh(own.geometry.to_numpy())
        assert peer.is_watertight
        assert peer.is_winding_consistent
        assert row.volume_m3 == pytest.approx(peer.volume, rel=1e-6)
        assert row.envelope_area_m2 == pytest.approx(peer.area, rel=1e-6)


def test_multipolygons_with_holes_stay_closed() -> None:
    ring = box(0, 0, 30, 30).difference(box(10, 10, 20, 20))
    row = one(buildings([place(MultiPolygon([ring, box(40, 0, 50, 10)]))], measured_height_m=[10]))
    assert row.volume_m3 == pytest.approx((900 - 100 + 100) * 10)
    assert row.wall_area_m2 == pytest.approx((120 + 40 + 40) * 10)
    assert row.watertight


def test_closed_solids_need_every_edge_twice() -> None:
    faces = polygons.flatten(surfaces(house()).geometry.to_numpy())
    solid = np.zeros(7, np.int64)
    assert solids.closed_solids(solids.edges(faces, solid), solid).all()
    fewer = polygons.flatten(surfaces(house()).geometry.to_numpy()[1:])
    assert not solids.closed_solids(solids.edges(fewer, solid[1:]), solid[1:]).any()


def test_fzk_haus(shared_data: Path) -> None:
    """KIT's FZK-Haus: 10 × 5 m, ridge 5 m, eaves 3 m, on 112 m: 200 m³, roof 2·10·√(2.5² + 2²) = 64.03 m²."""
    data = citygml.read(shared_data / "citygml" / "Building_LOD2-EPSG25832.gml")
    row = one(dict(data.tables))
    assert row.volume_m3 == pytest.approx(200, rel=1e-3)
    assert row.roof_area_m2 == pytest.approx(64.03, rel=1e-3)
    assert row.footprint_area_m2 == pytest.approx(50, rel=1e-3)
    assert row.watertight


def test_essen_tile(shared_data: Path) -> None:
    """117 official LoD2 houses: closed, as high as stated, volumes as trimesh has them."""
    data = citygml.read(shared_data / "citygml" / "EssenExample.gml")
    district = District.from_tables("essen", data.tables)
    table = district.buildings
    assert len(table) == 117
    assert table.watertight.mean() > 0.95
    assert (table.roof_area_m2 >= table.footprint_area_m2 * 0.95).all()
    mean_height = table.volume_m3 / table.footprint_area_m2
    assert mean_height.between(0.5 * table.measured_height_m, 1.01 * table.measured_height_m).all()
    assert table.party_wall_area_m2.sum() > 0
    for building in table.index[:10]:
        own = district.surfaces[district.surfaces.building_id == building]
        assert table.volume_m3[building] == pytest.approx(_trimesh(own.geometry.to_numpy()).volume, rel=1e-3)


def test_party_walls_of_the_essen_tile_are_mutual(shared_data: Path) -> None:
    """What one building gives to its neighbours, they give back: the sum over a row is even in pairs."""
    data = citygml.read(shared_data / "citygml" / "EssenExample.gml")
    table = geometry.derive(dict(data.tables))[0]["buildings"]
    row = table[(table.street == "Vogelheimer Str.") & table.house_number.isin(["252", "254", "256"])]
    ends = row.loc[row.house_number != "254", "party_wall_area_m2"].sum()
    middle = row.loc[row.house_number == "254", "party_wall_area_m2"].sum()
    assert middle == pytest.approx(ends, rel=0.02)
