"""The CityJSON reader; figures by hand from a house of 10 m × 8 m × 6 m."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer

from tests.twin.sources import gml
from twin import schema
from twin.sources import cityjson
from twin.sources.base import SourceData

Json = dict[str, Any]
FACES = [[[3, 2, 1, 0]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
KINDS = ["GroundSurface", "RoofSurface", "WallSurface"]
VALUES = [0, 1, 2, 2, 2, 2]
HOUSE = {"WallSurface": 4, "RoofSurface": 1, "GroundSurface": 1}


def vertices(west: float = 0.0, base: float = 160.0, height: float = 6.0) -> list[list[float]]:
    return [[west + x, y, z] for z in (base, base + height) for x, y in ((0, 0), (10, 0), (10, 8), (0, 8))]


def shifted(faces: Any, by: int) -> Any:
    return [shifted(item, by) for item in faces] if isinstance(faces, list) else faces + by


def solid(lod: object = "2", start: int = 0, semantic: bool = True) -> Json:
    geometry: Json = {"type": "Solid", "lod": lod, "boundaries": [shifted(FACES, start)]}
    if semantic:
        geometry["semantics"] = {"surfaces": [{"type": kind} for kind in KINDS], "values": [VALUES]}
    return geometry


def building(*geometries: Json, **more: Any) -> Json:
    return {"type": "Building", "geometry": list(geometries)} | more


def document(objects: Json, version: str = "2.0", **changes: Any) -> Json:
    return {
        "type": "CityJSON",
        "version": version,
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [gml.WEST, gml.SOUTH, 0.0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "CityObjects": objects,
        "vertices": [[round(value * 1000) for value in point] for point in vertices()],
    } | changes


def read(tmp_path: Path, text: str | Json, crs: str | None = None) -> SourceData:
    data = cityjson.read(
        gml.write(tmp_path, text if isinstance(text, str) else json.dumps(text), "x.json"), crs=crs
    )
    for table, frame in data.tables.items():
        schema.conform(table, frame)
    return data


def kinds(data: SourceData) -> dict[str, int]:
    return dict(data.tables["surfaces"]["surface_type"].value_counts())


# ------------------------------------------------------------------------------------------- real files
@pytest.mark.parametrize(
    ("name", "crs", "buildings", "surfaces", "lod"),
    [
        ("delft_1b.json", None, 1, 229, "1"),
        ("multi_lod.json", "EPSG:28992", 10, 348, "2.2"),
        ("twobuildings.city.json", "EPSG:25832", 2, 462, "2"),
    ],
)
def test_real_files(
    shared_data: Path, name: str, crs: str | None, buildings: int, surfaces: int, lod: str
) -> None:
    """Expected: surfaces of three corners at the best level of detail, counted in the JSON itself."""
    path = shared_data / "cityjson" / name
    counted = 0
    for value in json.loads(path.read_text("utf-8"))["CityObjects"].values():
        best = max(value["geometry"], key=lambda geometry: float(geometry["lod"]))
        every = best["boundaries"][0] if best["type"] == "Solid" else best["boundaries"]
        counted += sum(len(set(surface[0])) > 2 for surface in every)
    assert counted == surfaces
    data = cityjson.read(path, crs=crs)
    assert len(data.tables["buildings"]) == buildings
    assert len(data.tables["surfaces"]) == surfaces
    assert set(data.tables["buildings"]["lod"]) == {lod}


def test_delft_is_moved_from_the_dutch_grid(shared_data: Path) -> None:
    data = cityjson.read(shared_data / "cityjson" / "delft_1b.json")
    west, south = Transformer.from_crs(28992, 25832, always_xy=True).transform(84983.297, 447463.655)
    bounds = data.tables["surfaces"].total_bounds
    assert bounds[0] == pytest.approx(west, abs=5)  # the grids are turned against each other
    assert bounds[1] == pytest.approx(south, abs=5)


# -------------------------------------------------------------------------------------------- versions
@pytest.mark.parametrize("version", ["1.0", "1.1", "2.0"])
@pytest.mark.parametrize("lod", ["2", "2.2", 2])
def test_versions(tmp_path: Path, version: str, lod: object) -> None:
    data = read(tmp_path, document({"B1": building(solid(lod))}, version))
    house = data.tables["buildings"].loc["B1"]
    assert kinds(data) == HOUSE
    assert house["geometry"].area == pytest.approx(80.0)
    assert house["geometry"].bounds[0] == gml.WEST
    assert (house["measured_height_m"], house["ground_height_m"]) == (
        pytest.approx(6.0),
        pytest.approx(160.0),
    )
    assert (house["source"], house["lod"]) == ("cityjson", f"{float(lod):g}")  # type: ignore[arg-type]


def test_version_1_without_transform(tmp_path: Path) -> None:
    points = [[gml.WEST + x, gml.SOUTH + y, z] for x, y, z in vertices()]
    plain = document({"B1": building(solid())}, "1.0", vertices=points)
    del plain["transform"]
    assert read(tmp_path, plain).tables["buildings"].geometry.iloc[0].bounds[:2] == (gml.WEST, gml.SOUTH)


@pytest.mark.parametrize(
    "reference",
    [
        "https://www.opengis.net/def/crs/EPSG/0/25833",
        "http://www.opengis.net/def/crs/EPSG/0/25833",
        "urn:ogc:def:crs:EPSG::25833",
        "EPSG:25833",
        25833,
        {"epsg": 25833},
    ],
)
def test_forms_of_the_reference_system(tmp_path: Path, reference: object) -> None:
    west, south = Transformer.from_crs(25832, 25833, always_xy=True).transform(gml.WEST, gml.SOUTH)
    transform = {"scale": [0.001] * 3, "translate": [west, south, 0]}
    data = read(
        tmp_path,
        document({"B1": building(solid())}, metadata={"referenceSystem": reference}, transform=transform),
    )
    xy = np.array(data.tables["buildings"].geometry.iloc[0].exterior.coords)
    assert np.abs(xy - [gml.WEST, gml.SOUTH]).sum(axis=1).min() < 0.01


def test_sequence(tmp_path: Path) -> None:
    head = document({}, vertices=[])
    lines = [head]
    for number in range(3):
        points = [[round(value * 1000) for value in point] for point in vertices(west=20.0 * number)]
        feature = {
            "type": "CityJSONFeature",
            "id": f"B{number}",
            "CityObjects": {f"B{number}": building(solid())},
        }
        lines.append(feature | {"vertices": points})
    for end in ("\n", "\n\n", ""):
        data = read(tmp_path, "\n".join(json.dumps(line) for line in lines) + end)
        assert list(data.tables["buildings"].index) == ["B0", "B1", "B2"]
        assert data.tables["buildings"].geometry.iloc[2].bounds[0] == gml.WEST + 40
    assert len(data.tables["surfaces"]) == 18


def test_byte_order_mark_and_indent(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps(document({"B1": building(solid())}), indent=2)
    assert kinds(read(tmp_path, text)) == HOUSE


# -------------------------------------------------------------------------------------------- geometry
def test_best_level_of_detail(tmp_path: Path) -> None:
    points = [[round(v * 1000) for v in p] for h in (6.0, 7.0, 8.0, 9.0) for p in vertices(height=h)]
    levels = [solid("1.2", 0), solid("2.2", 8), solid("3", 16), solid("1", 24)]
    data = read(tmp_path, document({"B1": building(*levels)}, vertices=points))
    assert data.tables["buildings"].loc["B1", "lod"] == "2.2"
    assert data.tables["buildings"].loc["B1", "measured_height_m"] == pytest.approx(7.0)
    only_fine = read(tmp_path, document({"B1": building(solid("3", 16))}, vertices=points))
    assert only_fine.tables["buildings"].loc["B1", "lod"] == "3"


def test_plain_surfaces_are_told_by_tilt(tmp_path: Path) -> None:
    data = read(tmp_path, document({"B1": building(solid(semantic=False))}))
    assert kinds(data) == HOUSE
    assert set(data.tables["surfaces"]["surface_type_source"]) == {"derived:tilt"}


def test_surfaces_without_a_value_are_told_by_tilt(tmp_path: Path) -> None:
    geometry = solid()
    geometry["semantics"]["values"] = [[0, None, 2, 2, 2, 99]]
    data = read(tmp_path, document({"B1": building(geometry)}))
    assert kinds(data) == HOUSE
    assert data.tables["surfaces"]["surface_type_source"].value_counts().to_dict() == {
        "given:cityjson": 4,
        "derived:tilt": 2,
    }


@pytest.mark.parametrize("kind", ["MultiSurface", "CompositeSurface", "MultiSolid", "CompositeSolid"])
def test_kinds_of_geometry(tmp_path: Path, kind: str) -> None:
    surfaces = [{"type": name} for name in KINDS]
    nested = kind.endswith("Solid")
    geometry = {
        "type": kind,
        "lod": "2",
        "boundaries": [[FACES]] if nested else FACES,
        "semantics": {"surfaces": surfaces, "values": [[VALUES]] if nested else VALUES},
    }
    data = read(tmp_path, document({"B1": building(geometry)}))
    assert kinds(data) == HOUSE
    assert set(data.tables["surfaces"]["surface_type_source"]) == {"given:cityjson"}


def test_hollows_of_solids_are_no_envelope(tmp_path: Path) -> None:
    geometry = solid()
    geometry["boundaries"].append([FACES[0]])
    assert kinds(read(tmp_path, document({"B1": building(geometry)}))) == HOUSE


def test_interior_rings(tmp_path: Path) -> None:
    points = [*vertices(), [2, 2, 160], [5, 2, 160], [5, 4, 160], [2, 4, 160]]
    geometry = solid()
    geometry["boundaries"][0][0] = [[3, 2, 1, 0], [8, 9, 10, 11]]
    doc = document({"B1": building(geometry)}, vertices=[[round(v * 1000) for v in p] for p in points])
    assert read(tmp_path, doc).tables["buildings"].geometry.iloc[0].area == pytest.approx(80 - 6)


def test_geometry_templates(tmp_path: Path) -> None:
    """The template is turned by 90° and moved: x' = −y, y' = x."""
    matrix = [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    instance = {"type": "GeometryInstance", "template": 0, "boundaries": [0], "transformationMatrix": matrix}
    templates = {"templates": [solid()], "vertices-templates": vertices(base=0.0)}
    doc = document({"B1": building(instance)}, vertices=[[20_000, 30_000, 160_000]])
    data = read(tmp_path, doc | {"geometry-templates": templates})
    expected = (gml.WEST + 20 - 8, gml.SOUTH + 30, gml.WEST + 20, gml.SOUTH + 30 + 10)
    assert data.tables["buildings"].geometry.iloc[0].bounds == pytest.approx(expected)
    assert kinds(data) == HOUSE


def test_outlines_with_height(tmp_path: Path) -> None:
    outline = {"type": "MultiSurface", "lod": "0", "boundaries": [FACES[0]]}
    data = read(tmp_path, document({"B1": building(outline, attributes={"measuredHeight": 9.5})}))
    assert "surfaces" not in data.tables
    assert data.tables["buildings"].loc["B1", "measured_height_m"] == 9.5


# ----------------------------------------------------------------------------------------------- facts
def test_attributes(tmp_path: Path) -> None:
    facts = {
        "measuredHeight": 22.3, "storeysAboveGround": 5, "yearOfConstruction": "1975", "roofType": "1000",
        "function": ["31001_1010", "31001_2050"], "name": "Block 7", "Gemeinde": "Jena", "n": 3,
    }  # fmt: skip
    house = (
        read(tmp_path, document({"B1": building(solid(), attributes=facts)})).tables["buildings"].loc["B1"]
    )
    assert (house["measured_height_m"], house["measured_height_source"]) == (22.3, "given:cityjson")
    assert (house["storeys_above_ground"], house["year_of_construction"]) == (5, 1975)
    assert (house["roof_type"], house["function"], house["name"]) == ("flat", "residential", "Block 7")
    assert json.loads(house["attributes"]) == {
        "Gemeinde": "Jena",
        "n": 3,
        "functions": ["31001_1010", "31001_2050"],
    }


@pytest.mark.parametrize(
    "address",
    [
        {"CountryName": "Deutschland", "LocalityName": "Jena", "ThoroughfareName": "Ziegesarstraße",
         "ThoroughfareNumber": "9", "PostalCode": "07747"},
        [{"City": "Jena", "Street": "Ziegesarstraße", "HouseNumber": 9, "Postcode": "07747"}],
        [{"Country": {"Locality": {"LocalityName": "Jena", "PostalCode": {"PostalCodeNumber": "07747"},
          "Thoroughfare": {"ThoroughfareName": "Ziegesarstraße", "ThoroughfareNumber": "9"}}}}],
    ],
)  # fmt: skip
def test_addresses(tmp_path: Path, address: object) -> None:
    house = read(tmp_path, document({"B1": building(solid(), address=address)})).tables["buildings"].loc["B1"]
    found = tuple(house[name] for name in ("street", "house_number", "postcode", "city"))
    assert found == ("Ziegesarstraße", "9", "07747", "Jena")


def test_parts(tmp_path: Path) -> None:
    points = [[round(v * 1000) for v in p] for w, h in ((0, 3.0), (10, 9.0)) for p in vertices(w, height=h)]
    objects = {
        "B1": {"type": "Building", "children": ["a", "b", "i"], "attributes": {"function": "31001_2020"}},
        "a": {"type": "BuildingPart", "parents": ["B1"], "geometry": [solid()],
              "attributes": {"roofType": "1000"}},
        "b": {"type": "BuildingPart", "parents": ["B1"], "geometry": [solid(start=8)],
              "attributes": {"roofType": "3100", "measuredHeight": 9.0}},
        "i": {"type": "BuildingInstallation", "parents": ["B1"], "geometry": [solid()]},
    }  # fmt: skip
    for children in (["a", "b", "i"], None):
        objects["B1"]["children"] = children
        data = read(tmp_path, document(objects, vertices=points))
        house = data.tables["buildings"].loc["B1"]
        assert (house["roof_type"], house["measured_height_m"], house["function"]) == ("mixed", 9.0, "office")
        assert house["geometry"].area == pytest.approx(160.0)
        assert list(data.tables["parts"].index) == ["a", "b"]
        assert data.tables["surfaces"]["part_id"].value_counts().to_dict() == {"a": 6, "b": 6}


def test_a_part_without_its_building_is_a_building(tmp_path: Path) -> None:
    objects = {"p": {"type": "BuildingPart", "geometry": [solid()], "parents": ["gone"]}}
    assert list(read(tmp_path, document(objects)).tables["buildings"].index) == ["p"]


def test_other_objects_are_passed_over(tmp_path: Path) -> None:
    objects = {"T": {"type": "TINRelief", "geometry": [solid()]}, "B1": building(solid())}
    data = read(tmp_path, document(objects))
    assert list(data.tables["buildings"].index) == ["B1"]
    assert not data.findings
