"""Triangles of surfaces: areas, volumes and closedness against shapely, trimesh and hand calculation."""

from __future__ import annotations

import json
import struct

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import Polygon

from twin import mesh
from twin.district import District
from twin.gltf import write_glb


def box(x: float, y: float, z: float, width: float, depth: float, height: float) -> list[Polygon]:
    """The six faces of a box, outward by the right-hand rule."""
    corner = np.array(
        [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]
    )
    points = corner * [width, depth, height] + [x, y, z]
    faces = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    return [Polygon(points[list(face)]) for face in faces]


def district(solids: dict[str, list[Polygon]]) -> District:
    buildings = gpd.GeoDataFrame(
        {"building_id": list(solids)},
        geometry=[shapely.force_2d(faces[0]) for faces in solids.values()],
        crs=25832,
    )
    rows = [(f"{name}-{i}", name, face) for name, faces in solids.items() for i, face in enumerate(faces)]
    surfaces = gpd.GeoDataFrame(
        {
            "surface_id": [row[0] for row in rows],
            "building_id": [row[1] for row in rows],
            "surface_type": ["GroundSurface" if row[0].endswith("-0") else "WallSurface" for row in rows],
        },
        geometry=[row[2] for row in rows],
        crs=25832,
    )
    return District.from_tables("boxes", {"buildings": buildings, "surfaces": surfaces}, derive=False)


def area(found: mesh.Mesh) -> float:
    a, b, c = (found.vertices[found.faces[:, corner]] for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def volume(found: mesh.Mesh) -> float:
    """Divergence theorem. [m³]"""
    origin = found.vertices.mean(axis=0)
    a, b, c = (found.vertices[found.faces[:, corner]] - origin for corner in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_box_has_its_volume_and_area_and_normals_point_out() -> None:
    found = mesh.triangulate(box(683_000, 5_640_000, 150, 10, 12, 15))
    assert len(found.faces) == 12
    assert volume(found) == pytest.approx(10 * 12 * 15)
    assert area(found) == pytest.approx(2 * (120 + 150 + 180))
    outward = found.vertices - found.vertices.mean(axis=0)
    assert (np.einsum("ij,ij->i", outward, found.normals) > 0).all()


@pytest.mark.parametrize("turn", ["flat", "steep", "wall", "upside down"])
def test_hole_is_left_out_in_every_plane(turn: str) -> None:
    outer = np.array([(0, 0), (10, 0), (10, 8), (0, 8)], float)
    inner = np.array([(2, 2), (2, 5), (6, 5), (6, 2)], float)
    lift = {
        "flat": lambda p: np.column_stack([p, np.zeros(len(p))]),
        "steep": lambda p: np.column_stack([p[:, 0], p[:, 1] * 0.6, p[:, 1] * 0.8]),
        "wall": lambda p: np.column_stack([p[:, 0], np.zeros(len(p)), p[:, 1]]),
        "upside down": lambda p: np.column_stack([p, np.zeros(len(p))])[::-1],
    }[turn]
    found = mesh.triangulate([Polygon(lift(outer), [lift(inner)])])
    assert area(found) == pytest.approx(80 - 12)
    assert len(found.faces) == 8  # a polygon of n points with h holes has n + 2h - 2 triangles


def test_concave_polygon_keeps_its_direction_and_area() -> None:
    corner = Polygon([(0, 0, 3), (6, 0, 3), (6, 2, 3), (2, 2, 3), (2, 6, 3), (0, 6, 3)])
    for polygon, up in ((corner, 1), (corner.reverse(), -1)):
        found = mesh.triangulate([polygon])
        assert area(found) == pytest.approx(20)
        a, b, c = (found.vertices[found.faces[:, k]] for k in range(3))
        assert (np.cross(b - a, c - a)[:, 2] * up > 0).all()
        assert found.normals[:, 2] == pytest.approx(up)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(1, 20), min_size=4, max_size=12),
    st.floats(0, 3.1),
    st.floats(0, 6.2),
    st.sampled_from([0.0, 5_640_000.0]),
)
def test_triangles_fill_any_star_in_any_plane(
    radii: list[float], tilt: float, azimuth: float, away: float
) -> None:
    angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    flat = np.column_stack([np.cos(angle), np.sin(angle)]) * np.array(radii)[:, np.newaxis]
    axis_u = np.array([np.cos(azimuth), np.sin(azimuth), 0])
    axis_v = np.array([-np.sin(azimuth) * np.cos(tilt), np.cos(azimuth) * np.cos(tilt), np.sin(tilt)])
    points = flat[:, :1] * axis_u + flat[:, 1:] * axis_v + [away / 8, away, 200]
    found = mesh.triangulate([Polygon(points)])
    assert area(found) == pytest.approx(Polygon(flat).area, rel=1e-6)
    normal = np.cross(axis_u, axis_v)
    assert found.normals @ normal == pytest.approx(1, abs=1e-6)


def test_what_has_no_area_or_no_height_gives_no_triangles() -> None:
    line = Polygon([(0, 0, 0), (5, 0, 0), (10, 0, 0)])
    flat = Polygon([(0, 0), (1, 0), (1, 1)])
    good = Polygon([(0, 0, 1), (2, 0, 1), (0, 2, 1)])
    found = mesh.triangulate([line, flat, good], [0, 1, 7])
    assert found.building.tolist() == [7, 7, 7]
    assert found.polygon.tolist() == [2, 2, 2]
    assert found.faces.tolist() == [[0, 1, 2]]
    assert len(mesh.triangulate([]).faces) == 0


def test_closed_buildings_are_told_from_open_ones() -> None:
    whole, neighbour = box(0, 0, 0, 10, 10, 5), box(10, 0, 0, 10, 10, 5)
    roofless = box(30, 0, 0, 10, 10, 5)[:1] + box(30, 0, 0, 10, 10, 5)[2:]
    faces = np.array([*whole, *neighbour, *roofless], dtype=object)
    owner = [0] * 6 + [1] * 6 + [2] * 5
    assert mesh.watertight(faces, owner, 4).tolist() == [True, True, False, False]
    assert mesh.watertight_share(
        district({"a": whole, "b": neighbour, "c": roofless, "d": box(60, 0, 0, 1, 1, 1)})
    ) == pytest.approx(0.75)


def test_closedness_forgives_a_millimetre_and_not_a_decimetre() -> None:
    def shifted(by: float) -> NDArray[np.object_]:
        faces = box(683_000, 5_640_000, 150, 10, 10, 5)
        faces[1] = shapely.transform(faces[1], lambda p: p + np.array([0, 0, by]), include_z=True)
        return np.array(faces, dtype=object)

    assert mesh.watertight(shifted(0.0003), [0] * 6, 1).tolist() == [True]
    assert mesh.watertight(shifted(0.1), [0] * 6, 1).tolist() == [False]


def test_creases_are_the_twelve_edges_of_a_box_even_where_a_wall_is_cut_in_two() -> None:
    faces = box(0, 0, 0, 10, 8, 6)
    assert len(mesh.crease_edges(mesh.triangulate(faces, [0] * 6))) == 12
    lower = Polygon([(0, 0, 0), (10, 0, 0), (10, 0, 3), (0, 0, 3)])
    upper = Polygon([(0, 0, 3), (10, 0, 3), (10, 0, 6), (0, 0, 6)])
    cut = [*faces[:2], lower, upper, *faces[3:]]
    solid = mesh.triangulate(cut, [0] * 7)
    edges = solid.vertices[mesh.crease_edges(solid)]
    seam = (edges[:, :, 2] == 3).all(axis=1)
    assert not seam.any()


def test_mesh_of_a_district_follows_the_order_of_its_buildings() -> None:
    boxes = district({"b": box(0, 0, 0, 1, 1, 1), "a": box(5, 0, 0, 1, 1, 1)})
    shuffled = boxes.replace(surfaces=boxes.surfaces.iloc[::-1])
    found = mesh.of_district(shuffled, ["WallSurface"])
    assert (np.diff(found.building) >= 0).all()
    assert set(np.unique(found.building)) == {0, 1}
    ids = shuffled.surfaces["building_id"].to_numpy()[found.polygon]
    assert (ids == np.array(["b", "a"])[found.building]).all()
    assert area(found) == pytest.approx(10)


def test_glb_keeps_the_rules_of_gltf() -> None:
    positions = np.arange(12, dtype=np.uint16).reshape(4, 3)
    data = write_glb(
        {"POSITION": positions, "NORMAL": np.full((4, 3), 127, np.int8)},
        {"TRIANGLES": np.array([[0, 1, 2]]), "LINES": np.array([[0, 3]])},
        node={"scale": [2, 2, 2]},
        extensions=("KHR_mesh_quantization",),
    )
    magic, version, length = struct.unpack("<4sII", data[:12])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    assert length % 4 == 0
    head = json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])
    assert all(view["byteOffset"] % 4 == 0 for view in head["bufferViews"])
    assert [view.get("byteStride") for view in head["bufferViews"]] == [8, 4, None, None]
    assert [p["mode"] for p in head["meshes"][0]["primitives"]] == [4, 1]
    assert head["accessors"][0]["min"] == [0, 1, 2]
    assert head["accessors"][1]["normalized"] is True
    assert head["extensionsRequired"] == ["KHR_mesh_quantization"]
