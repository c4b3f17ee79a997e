"""The CityGML reader on the forms that state offices deliver; figures by hand from the house in gml.py."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from tests.twin.sources import gml
from twin import schema
from twin.errors import SourceError
from twin.sources import citygml
from twin.sources.base import SourceData


def read(
    tmp_path: Path, *members: str, crs: str | None = None, srs: str | None = gml.SRS, version: str = "1.0"
) -> SourceData:
    """Write a city, read it, and hold its tables against the schema."""
    data = citygml.read(gml.write(tmp_path, gml.city(*members, srs=srs, version=version)), crs=crs)
    for table, frame in data.tables.items():
        schema.conform(table, frame)
    return data


def kinds(data: SourceData) -> dict[str, int]:
    return dict(data.tables["surfaces"]["surface_type"].value_counts())


def one(data: SourceData) -> dict[str, object]:
    assert len(data.tables["buildings"]) == 1
    return data.tables["buildings"].iloc[0].to_dict()


HOUSE = {"WallSurface": 4, "RoofSurface": 1, "GroundSurface": 1}


# ------------------------------------------------------------------------------------------- real files
@pytest.mark.parametrize(
    ("name", "buildings", "surfaces"),
    [("EssenExample.gml", 117, 1342), ("Berlin_3880_5819.gml", 3, 23), ("Building_LOD2-EPSG25832.gml", 1, 7)],
)
def test_real_files_give_every_building_and_polygon(
    shared_data: Path, name: str, buildings: int, surfaces: int
) -> None:
    """Expected: ``grep -c '<bldg:Building '`` and ``grep -c '<gml:Polygon'`` on the files."""
    data = citygml.read(shared_data / "citygml" / name)
    assert len(data.tables["buildings"]) == buildings
    assert len(data.tables["surfaces"]) == surfaces
    assert not [finding for finding in data.findings if finding.kind == "left_out"]


def test_fzk_house_is_read_in_full(shared_data: Path) -> None:
    data = citygml.read(shared_data / "citygml" / "Building_LOD2-EPSG25832.gml")
    house = one(data)
    assert house["name"] == "Example Building LOD2"
    assert (house["street"], house["house_number"]) == ("Hermann-von-Helmholtz-Platz", "1")
    assert (house["postcode"], house["city"]) == ("76344", "Eggenstein-Leopoldshafen")
    assert (house["year_of_construction"], house["storeys_above_ground"]) == (1985, 1)
    assert (house["measured_height_m"], house["measured_height_source"]) == (5.0, "given:citygml")
    assert (house["roof_type"], house["function"], house["lod"]) == ("gable", "residential", "2")
    assert house["ground_height_m"] == 112.0
    assert house["geometry"].area == pytest.approx(50.0)  # 10 m × 5 m
    assert kinds(data) == {"WallSurface": 4, "RoofSurface": 2, "GroundSurface": 1}


def test_essen_keeps_its_ids_and_attributes(shared_data: Path) -> None:
    data = citygml.read(shared_data / "citygml" / "EssenExample.gml")
    house = data.tables["buildings"].loc["DENW22AL500001kE"]
    assert (house["street"], house["house_number"], house["city"]) == ("Wildstr.", "49", "Essen")
    assert (house["function_code"], house["function"]) == ("31001_1010", "residential")
    assert (house["roof_type_code"], house["roof_type"], house["measured_height_m"]) == (
        "3100",
        "gable",
        10.456,
    )
    assert json.loads(house["attributes"])["Gemeindeschluessel"] == "05113000"
    assert data.tables["surfaces"].index[0] == "UUID_b7a1774b-d73a-4329-9e84-e305cc2e5801"


def test_berlin_is_moved_from_zone_33(shared_data: Path) -> None:
    data = citygml.read(shared_data / "citygml" / "Berlin_3880_5819.gml")
    to_32 = Transformer.from_crs(25833, 25832, always_xy=True)
    expected = to_32.transform(388978.929407075, 5819489.54504133)  # first corner of its first ground surface
    ground = data.tables["surfaces"].query("surface_type == 'GroundSurface'").geometry.iloc[0]
    assert ground.exterior.coords[0] == pytest.approx((*expected, 30.9599990844727), abs=1e-3)
    assert "EPSG:25833" in data.provenance[0].changes
    heights = data.tables["buildings"]["measured_height_m"]
    assert heights.iloc[0] == pytest.approx(44.5244191645524 - 30.9599990844727, abs=1e-3)
    assert set(data.tables["buildings"]["measured_height_source"]) == {"derived:geometry"}


# -------------------------------------------------------------------------------------------- geometry
@pytest.mark.parametrize("version", ["1.0", "2.0", "3.0"])
def test_semantic_surfaces_with_links_are_taken_once(tmp_path: Path, version: str) -> None:
    for content in (gml.links() + gml.boundaries(), gml.boundaries() + gml.links()):  # forward and backward
        data = read(tmp_path, gml.building(content), version=version)
        assert kinds(data) == HOUSE
        assert set(data.tables["surfaces"]["surface_type_source"]) == {"given:citygml"}
        house = one(data)
        assert house["geometry"].area == pytest.approx(80.0)  # 10 m × 8 m
        assert house["measured_height_m"] == pytest.approx(6.0)


def test_polygons_in_the_solid_and_links_in_the_boundaries(tmp_path: Path) -> None:
    walls = "".join(
        gml.boundary(gml.TYPES.get(name, "WallSurface"), gml.multi(gml.link(f"s-{name}")))
        for name in gml.NAMES
    )
    for content in (walls + gml.inline_solid(prefix="s"), gml.inline_solid(prefix="s") + walls):
        data = read(tmp_path, gml.building(content))
        assert kinds(data) == HOUSE
        assert set(data.tables["surfaces"]["surface_type_source"]) == {"given:citygml"}


def test_links_to_a_surface_of_polygons(tmp_path: Path) -> None:
    house = gml.faces()
    named = "".join(gml.member(gml.polygon(house[name])) for name in gml.NAMES[2:])
    walls = gml.boundary(
        "WallSurface", f'<gml:CompositeSurface gml:id="walls">{named}</gml:CompositeSurface>'
    )
    wrapped = gml.multi(gml.member(gml.oriented(gml.polygon(house["roof"]), "+")))
    solid = f"<bldg:lod2Solid>{gml.solid(gml.link('walls'))}</bldg:lod2Solid>"
    ground = gml.boundary("GroundSurface", gml.multi(gml.member(gml.polygon(house["ground"]))))
    assert (
        kinds(read(tmp_path, gml.building(solid + walls + gml.boundary("RoofSurface", wrapped) + ground)))
        == HOUSE
    )


@pytest.mark.parametrize("lod", [1, 2])
def test_plain_solids_are_told_by_tilt(tmp_path: Path, lod: int) -> None:
    data = read(tmp_path, gml.building(gml.inline_solid(lod=lod)))
    assert kinds(data) == HOUSE
    assert set(data.tables["surfaces"]["surface_type_source"]) == {"derived:tilt"}
    assert one(data)["lod"] == str(lod)


def test_an_inward_solid_is_still_told_right(tmp_path: Path) -> None:
    inward = {name: ring[::-1] for name, ring in gml.faces().items()}
    data = read(tmp_path, gml.building(gml.inline_solid(inward)))
    assert kinds(data) == HOUSE
    ground = data.tables["surfaces"].query("surface_type == 'GroundSurface'").geometry.iloc[0]
    assert list(ground.exterior.coords) == inward["ground"]  # turned by nobody


def test_plain_multi_surface(tmp_path: Path) -> None:
    inner = gml.multi(*(gml.member(gml.polygon(ring)) for ring in gml.faces().values()))
    data = read(tmp_path, gml.building(f"<bldg:lod2MultiSurface>{inner}</bldg:lod2MultiSurface>"))
    assert kinds(data) == HOUSE


def test_the_same_polygons_twice_without_links_are_taken_once(tmp_path: Path) -> None:
    assert kinds(read(tmp_path, gml.building(gml.boundaries() + gml.inline_solid()))) == HOUSE


def test_orientable_surfaces_turn(tmp_path: Path) -> None:
    house = gml.faces()
    turned = gml.polygon(house["roof"][::-1], "r")
    roof = gml.oriented(turned, "-")
    rest = {name: ring for name, ring in house.items() if name != "roof"}
    data = read(
        tmp_path,
        gml.building(gml.boundaries(rest) + gml.boundary("RoofSurface", gml.multi(gml.member(roof)))),
    )
    found = data.tables["surfaces"].query("surface_type == 'RoofSurface'").geometry.iloc[0]
    assert list(found.exterior.coords) == house["roof"]


def test_a_solid_may_turn_a_linked_surface(tmp_path: Path) -> None:
    house = gml.faces()
    wrong = house | {"roof": house["roof"][::-1]}
    turn = gml.oriented("", "-").replace("<gml:baseSurface>", '<gml:baseSurface xlink:href="#p-roof">')
    rest = [gml.link(f"p-{name}") for name in gml.NAMES if name != "roof"]
    solid = f"<bldg:lod2Solid>{gml.solid(gml.member(turn), *rest)}</bldg:lod2Solid>"
    data = read(tmp_path, gml.building(solid + gml.boundaries(wrong)))
    found = data.tables["surfaces"].query("surface_type == 'RoofSurface'").geometry.iloc[0]
    assert list(found.exterior.coords) == house["roof"]


def test_interior_rings_are_holes(tmp_path: Path) -> None:
    house = gml.faces()
    x, y = gml.WEST, gml.SOUTH
    corners = [(x + 2, y + 2), (x + 2, y + 4), (x + 5, y + 4), (x + 5, y + 2), (x + 2, y + 2)]
    ground = gml.polygon(house["ground"], holes=[[(*corner, gml.BASE) for corner in corners]])
    rest = {name: ring for name, ring in house.items() if name != "ground"}
    data = read(
        tmp_path,
        gml.building(gml.boundaries(rest) + gml.boundary("GroundSurface", gml.multi(gml.member(ground)))),
    )
    assert one(data)["geometry"].area == pytest.approx(80.0 - 6.0)


def test_pos_instead_of_pos_list(tmp_path: Path) -> None:
    inner = [gml.member(gml.polygon(ring, by="pos")) for ring in gml.faces().values()]
    data = read(tmp_path, gml.building(f"<bldg:lod2Solid>{gml.solid(*inner)}</bldg:lod2Solid>"))
    assert kinds(data) == HOUSE


def test_hollows_of_solids_are_no_envelope(tmp_path: Path) -> None:
    hollow = gml.solid(gml.member(gml.polygon(gml.faces(base=162.0, height=1.0)["roof"])))
    hollow = hollow.removeprefix("<gml:Solid><gml:exterior>").removesuffix("</gml:exterior></gml:Solid>")
    hollow = f"<gml:interior>{hollow}</gml:interior>"
    content = gml.inline_solid().replace("</gml:Solid>", hollow + "</gml:Solid>")
    assert kinds(read(tmp_path, gml.building(content))) == HOUSE


def test_best_level_of_detail_is_taken(tmp_path: Path) -> None:
    coarse = gml.inline_solid(gml.faces(height=9.0), lod=1)
    fine = gml.boundaries(gml.faces(height=7.0), prefix="fine", lod=3)
    data = read(tmp_path, gml.building(coarse + gml.boundaries() + fine))
    assert (one(data)["lod"], one(data)["measured_height_m"]) == ("2", pytest.approx(6.0))
    assert kinds(data) == HOUSE
    assert one(read(tmp_path, gml.building(coarse + fine)))["lod"] == "1"
    assert one(read(tmp_path, gml.building(fine)))["lod"] == "3"


def test_openings_close_the_walls_of_lod3(tmp_path: Path) -> None:
    house = gml.faces()
    x, y, z = gml.WEST, gml.SOUTH, gml.BASE
    hole = [(x + 1, y, z + 1), (x + 1, y, z + 2), (x + 2, y, z + 2), (x + 2, y, z + 1), (x + 1, y, z + 1)]
    pane = gml.multi(gml.member(gml.polygon(hole[::-1])))
    window = f"<bldg:Window><bldg:lod3MultiSurface>{pane}</bldg:lod3MultiSurface></bldg:Window>"
    window = f"<bldg:opening>{window}</bldg:opening>"
    south = gml.boundary(
        "WallSurface", gml.multi(gml.member(gml.polygon(house["south"], holes=[hole]))), lod=3
    )
    south = south.replace("</bldg:WallSurface>", window + "</bldg:WallSurface>")
    rest = {name: ring for name, ring in house.items() if name != "south"}
    data = read(tmp_path, gml.building(gml.boundaries(rest, lod=3) + south))
    assert kinds(data)["WallSurface"] == 5
    walls = data.tables["surfaces"].query("surface_type == 'WallSurface'")
    assert sum(_area(wall) for wall in walls.geometry) == pytest.approx(2 * (10 + 8) * 6)


def _area(face: shapely.Polygon) -> float:
    """Area of a plane polygon in space, holes taken off. [m²]"""
    rings = [np.array(ring.coords) for ring in (face.exterior, *face.interiors)]
    vectors = [0.5 * np.cross(ring[:-1] - ring[0], ring[1:] - ring[0]).sum(axis=0) for ring in rings]
    return float(np.linalg.norm(np.sum(vectors, axis=0)))


def test_parts_carry_heights_roofs_and_surfaces(tmp_path: Path) -> None:
    low = gml.faces(height=3.0)
    high = gml.faces(west=gml.WEST + gml.LENGTH, height=9.0)
    parts = gml.part(
        "<bldg:roofType>1000</bldg:roofType><bldg:measuredHeight>3.0</bldg:measuredHeight>"
        + gml.boundaries(low, "a"),
        "B1_a",
    ) + gml.part(
        "<bldg:roofType>3100</bldg:roofType><bldg:measuredHeight>9.0</bldg:measuredHeight>"
        "<bldg:storeysAboveGround>3</bldg:storeysAboveGround>" + gml.boundaries(high, "b"),
        "B1_b",
    )
    whole = gml.inline_solid(gml.faces(height=9.0), lod=1)  # repeats the parts, coarsely
    data = read(tmp_path, gml.building("<bldg:function>31001_2020</bldg:function>" + whole + parts))
    house = one(data)
    assert (house["measured_height_m"], house["storeys_above_ground"], house["roof_type"]) == (
        9.0,
        3,
        "mixed",
    )
    assert house["geometry"].area == pytest.approx(160.0)
    assert house["geometry"].geom_type == "Polygon"
    table = data.tables["parts"]
    assert list(table.index) == ["B1_a", "B1_b"]
    assert list(table["roof_type"]) == ["flat", "gable"]
    assert list(table["measured_height_m"]) == [3.0, 9.0]
    assert list(table.geometry.area) == pytest.approx([80.0, 80.0])
    assert data.tables["surfaces"]["part_id"].value_counts().to_dict() == {"B1_a": 6, "B1_b": 6}


def test_outlines_give_a_footprint(tmp_path: Path) -> None:
    ring = [point[:2] for point in gml.faces()["roof"]]  # 2D
    outline = f"<bldg:lod0FootPrint>{gml.multi(gml.member(gml.polygon(ring)))}</bldg:lod0FootPrint>"
    data = read(tmp_path, gml.building("<bldg:measuredHeight>12</bldg:measuredHeight>" + outline))
    house = one(data)
    assert "surfaces" not in data.tables
    assert house["geometry"].area == pytest.approx(80.0)
    assert (house["measured_height_m"], house["lod"]) == (12.0, "0")
    assert "ground_height_m" not in house or np.isnan(house["ground_height_m"])


def test_foot_print_and_roof_edge_give_a_height(tmp_path: Path) -> None:
    house = gml.faces()
    content = "".join(
        f"<bldg:lod0{kind}>{gml.multi(gml.member(gml.polygon(house[name])))}</bldg:lod0{kind}>"
        for kind, name in (("FootPrint", "ground"), ("RoofEdge", "roof"))
    )
    found = one(read(tmp_path, gml.building(content)))
    assert (found["measured_height_m"], found["measured_height_source"]) == (
        pytest.approx(6.0),
        "derived:geometry",
    )
    assert found["ground_height_m"] == gml.BASE


def test_outline_without_height_takes_storeys_or_the_default(tmp_path: Path) -> None:
    ring = gml.faces()["ground"]
    outline = f"<bldg:lod0FootPrint>{gml.multi(gml.member(gml.polygon(ring)))}</bldg:lod0FootPrint>"
    storeys = "<bldg:storeysAboveGround>4</bldg:storeysAboveGround>"
    assert one(read(tmp_path, gml.building(storeys + outline)))["measured_height_m"] == 12.0
    path = gml.write(tmp_path, gml.city(gml.building(outline)))
    with pytest.raises(SourceError, match="--default-height"):
        citygml.read(path)
    found = one(citygml.read(path, default_height_m=7.5))
    assert (found["measured_height_m"], found["measured_height_source"]) == (7.5, "guessed:default 7.5 m")


def test_footprint_without_ground_surface_comes_from_the_roof(tmp_path: Path) -> None:
    rest = {name: ring for name, ring in gml.faces().items() if name != "ground"}
    assert one(read(tmp_path, gml.building(gml.boundaries(rest))))["geometry"].area == pytest.approx(80.0)


# ------------------------------------------------------------------------------------------------- CRS
def test_crs_may_stand_on_the_geometry(tmp_path: Path) -> None:
    content = gml.boundaries().replace(
        "<gml:MultiSurface>", '<gml:MultiSurface srsName="EPSG:25832" srsDimension="3">'
    )
    data = read(tmp_path, gml.building(content), srs=None)
    assert one(data)["geometry"].bounds[:2] == (gml.WEST, gml.SOUTH)


def test_without_crs_the_user_is_asked(tmp_path: Path) -> None:
    path = gml.house_file(tmp_path, srs=None)
    with pytest.raises(SourceError, match="--crs") as error:
        citygml.read(path)
    assert "\n" not in str(error.value)
    assert one(citygml.read(path, crs="EPSG:25832"))["geometry"].area == pytest.approx(80.0)


def test_the_files_own_crs_wins(tmp_path: Path) -> None:
    assert one(citygml.read(gml.house_file(tmp_path), crs="EPSG:25833"))["geometry"].bounds[0] == gml.WEST


def test_zone_in_front_of_the_easting(tmp_path: Path) -> None:
    for srs in ("urn:ogc:def:crs:EPSG::4647", gml.SRS):
        house = gml.faces(west=32_000_000 + gml.WEST)
        data = read(tmp_path, gml.building(gml.boundaries(house)), srs=srs)
        assert one(data)["geometry"].bounds == pytest.approx(
            (gml.WEST, gml.SOUTH, gml.WEST + 10, gml.SOUTH + 8), abs=1e-6
        )


# ---------------------------------------------------------------------------------------------- facts
def test_generic_attributes_become_json(tmp_path: Path) -> None:
    content = (
        '<gen:stringAttribute name="Qualitaet"><gen:value>1000</gen:value></gen:stringAttribute>'
        '<gen:measureAttribute name="Fläche"><gen:value uom="m2">12.5</gen:value></gen:measureAttribute>'
        '<gen:genericAttributeSet name="Satz"><gen:intAttribute name="n"><gen:value>3</gen:value>'
        "</gen:intAttribute></gen:genericAttributeSet>"
        "<core:externalReference><core:externalObject><core:name>DETH123</core:name></core:externalObject>"
        "</core:externalReference>"
    )
    found = json.loads(str(one(read(tmp_path, gml.building(content + gml.boundaries())))["attributes"]))
    assert found == {
        "Qualitaet": "1000",
        "Fläche": "12.5",
        "Satz": {"n": "3"},
        "externalReference": "DETH123",
    }


def test_generic_attributes_of_citygml_3(tmp_path: Path) -> None:
    content = (
        "<core:genericAttribute><gen:StringAttribute><gen:name>a</gen:name><gen:value>b</gen:value>"
        "</gen:StringAttribute></core:genericAttribute>"
        "<con:height><con:Height><con:value>8.5</con:value></con:Height></con:height>"
    )
    house = one(read(tmp_path, gml.building(content + gml.boundaries()), version="3.0"))
    assert json.loads(str(house["attributes"])) == {"a": "b"}
    assert house["measured_height_m"] == 8.5


def address(street: str, number: str) -> str:
    return (
        "<bldg:address><core:Address><core:xalAddress><xAL:AddressDetails><xAL:Country><xAL:Locality>"
        f"<xAL:LocalityName>Jena</xAL:LocalityName><xAL:Thoroughfare>{number}"
        f"<xAL:ThoroughfareName>{street}</xAL:ThoroughfareName></xAL:Thoroughfare>"
        "<xAL:PostalCode><xAL:PostalCodeNumber>07747</xAL:PostalCodeNumber></xAL:PostalCode>"
        "</xAL:Locality></xAL:Country></xAL:AddressDetails></core:xalAddress></core:Address></bldg:address>"
    )


def numbered(text: str) -> str:
    return f"<xAL:ThoroughfareNumber>{text}</xAL:ThoroughfareNumber>"


def test_several_addresses(tmp_path: Path) -> None:
    content = (
        address("Ziegesarstraße", numbered("9"))
        + address("Ziegesarstraße", numbered("11"))
        + address("Nebenweg", numbered("1"))
    )
    house = one(read(tmp_path, gml.building(content + gml.boundaries())))
    assert (house["street"], house["house_number"]) == ("Ziegesarstraße", "9, 11")
    assert (house["postcode"], house["city"]) == ("07747", "Jena")
    assert [a["street"] for a in json.loads(str(house["attributes"]))["addresses"]] == [
        "Ziegesarstraße"
    ] * 2 + ["Nebenweg"]


def test_ranges_and_suffixes_of_house_numbers(tmp_path: Path) -> None:
    span = (
        "<xAL:ThoroughfareNumberRange><xAL:ThoroughfareNumberFrom>"
        "<xAL:ThoroughfareNumber>9</xAL:ThoroughfareNumber></xAL:ThoroughfareNumberFrom><xAL:ThoroughfareNumberTo>"
        "<xAL:ThoroughfareNumber>19</xAL:ThoroughfareNumber></xAL:ThoroughfareNumberTo></xAL:ThoroughfareNumberRange>"
    )
    assert one(read(tmp_path, gml.building(address("A", span) + gml.boundaries())))["house_number"] == "9-19"
    suffix = numbered("12") + "<xAL:ThoroughfareNumberSuffix>a</xAL:ThoroughfareNumberSuffix>"
    assert one(read(tmp_path, gml.building(address("A", suffix) + gml.boundaries())))["house_number"] == "12a"


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("1985", 1985),
        ("1985-07-01", 1985),
        ("1985+01:00", 1985),
        ("1985Z", 1985),
        ("0000", None),
        ("unbekannt", None),
    ],
)
def test_forms_of_the_year(tmp_path: Path, text: str, year: int | None) -> None:
    house = one(
        read(
            tmp_path,
            gml.building(f"<bldg:yearOfConstruction>{text}</bldg:yearOfConstruction>" + gml.boundaries()),
        )
    )
    assert (house["year_of_construction"] == year) if year else np.isnan(house["year_of_construction"])


def test_several_functions(tmp_path: Path) -> None:
    content = "<bldg:function>31001_1123</bldg:function><bldg:function>31001_2050</bldg:function>"
    house = one(read(tmp_path, gml.building(content + gml.boundaries())))
    assert (house["function_code"], house["function"], house["function_source"]) == (
        "31001_1123",
        "residential",
        "given:citygml",
    )
    assert json.loads(str(house["attributes"]))["functions"] == ["31001_1123", "31001_2050"]


@pytest.mark.parametrize("height", ["-9999", "0", "", "unbekannt"])
def test_a_height_that_is_none_comes_from_geometry(tmp_path: Path, height: str) -> None:
    house = one(
        read(
            tmp_path, gml.building(f"<bldg:measuredHeight>{height}</bldg:measuredHeight>" + gml.boundaries())
        )
    )
    assert (house["measured_height_m"], house["measured_height_source"]) == (
        pytest.approx(6.0),
        "derived:geometry",
    )


def test_extensions_are_passed_over(tmp_path: Path) -> None:
    extra = '<e:function xmlns:e="http://www.sig3d.org/citygml/2.0/energy/1.0">31001_2020</e:function>'
    assert one(read(tmp_path, gml.building(extra + gml.boundaries())))["function_code"] is None


# ------------------------------------------------------------------------------------------------ ids
def test_made_ids_are_stable(tmp_path: Path) -> None:
    other = gml.boundaries(gml.faces(west=gml.WEST + 50), "q")
    first = read(tmp_path, gml.building(gml.boundaries(), None), gml.building(other, None))
    second = read(tmp_path, gml.building(other, None), gml.building(gml.boundaries(), None))
    assert set(first.tables["buildings"].index) == set(second.tables["buildings"].index)
    assert len(first.tables["buildings"]) == 2


def test_surface_ids_are_unique(tmp_path: Path) -> None:
    far = gml.boundaries(gml.faces(west=gml.WEST + 50))  # the same polygon ids again
    bare = gml.inline_solid(gml.faces(west=gml.WEST + 100))  # no ids
    data = read(
        tmp_path, gml.building(gml.boundaries(), "A"), gml.building(far, "B"), gml.building(bare, "C")
    )
    ids = data.tables["surfaces"].index
    assert ids.is_unique
    assert {"p-roof", "B:2", "C:1"} <= set(ids)


def test_the_same_building_twice_in_a_file(tmp_path: Path) -> None:
    far = gml.boundaries(gml.faces(west=gml.WEST + 500), "q")
    data = read(tmp_path, *(gml.building(content) for content in (gml.boundaries(), gml.boundaries(), far)))
    assert list(data.tables["buildings"].index) == ["B1", "B1-2"]  # the third one is another building
    assert [finding.kind for finding in data.findings] == ["note", "repaired"]
    assert len(data.tables["surfaces"]) == 12


def test_links_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    data = read(tmp_path, gml.building(gml.boundaries() + gml.links("elsewhere")))
    assert kinds(data) == HOUSE
    assert "6 links" in data.findings[0].message


# ----------------------------------------------------------------------------------------------- files
def test_progress_runs_to_the_end(tmp_path: Path) -> None:
    path = gml.write(
        tmp_path, gml.city(*(gml.building(gml.boundaries(prefix=f"p{n}"), f"B{n}") for n in range(300)))
    )
    shares: list[float] = []
    citygml.read(path, progress=lambda _, share: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert len(shares) > 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    text = gml.city(gml.building("<gml:name>Straße</gml:name>" + gml.boundaries()))
    path = tmp_path / "tile.gml"
    path.write_bytes(text.replace("UTF-8", "UTF-16" if "16" in encoding else "UTF-8").encode(encoding))
    assert one(citygml.read(path))["name"] == "Straße"


def test_tables_are_in_the_districts_crs(tmp_path: Path) -> None:
    data = read(tmp_path, gml.building(gml.boundaries()))
    for frame in data.tables.values():
        assert isinstance(frame, gpd.GeoDataFrame)
        assert frame.crs.to_epsg() == 25832
    assert data.provenance[0].licence == "unknown: ask the data's owner"
    assert len(data.provenance[0].sha256) == 64


def test_a_licence_in_the_file_is_kept(tmp_path: Path) -> None:
    path = gml.write(
        tmp_path, gml.city(gml.building(gml.boundaries()), head="<!-- © GDI-Th, dl-de/by-2-0 -->")
    )
    assert citygml.read(path).provenance[0].licence == "dl-de/by-2-0"
