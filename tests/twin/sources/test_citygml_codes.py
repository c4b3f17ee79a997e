"""Codes and CRS names; expected values from the AdV and ALKIS code lists and from pyproj."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Transformer

from twin.errors import SourceError
from twin.sources import codes, crs


@pytest.mark.parametrize(
    ("code", "roof"),
    [
        ("1000", "flat"), ("2100", "pent"), ("2200", "pent"), ("3100", "gable"), ("3200", "hip"),
        ("3300", "half_hip"),
        ("3400", "mansard"), ("3500", "pyramid"), ("3600", "cone"), ("3700", "dome"), ("3800", "shed"),
        ("3900", "arch"),
        ("4000", "tower"), ("5000", "mixed"), ("9999", "other"), ("1030", "gable"), ("1040", "hip"),
        ("7777", "other"),
        ("Satteldach", "gable"), ("gabled", "gable"), (" ", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_roof_codes(code: str | None, roof: str | None) -> None:
    assert codes.roof_type(code) == roof


@pytest.mark.parametrize(
    ("code", "use"),
    [
        ("31001_1000", "residential"), ("31001_1010", "residential"), ("31001_1123", "residential"),
        ("31001_1313", "other"), ("31001_2020", "office"), ("31001_2050", "retail"), ("31001_2051", "retail"),
        ("31001_2111", "industrial"), ("31001_2143", "industrial"), ("31001_2463", "garage"),
        ("31001_2465", "garage"),
        ("31001_3021", "school"), ("31001_3023", "school"), ("31001_3041", "church"),
        ("31001_3051", "hospital"),
        ("31001_3065", "kindergarten"), ("31001_3012", "office"), ("31001_3211", "other"),
        ("31001_2723", "other"),
        ("31001_9998", None), ("1010", "residential"), ("51002_1001", "other"), ("", None), (None, None),
        ("http://example.org/codes#31001_3021", "school"),
    ],
)  # fmt: skip
def test_function_codes(code: str | None, use: str | None) -> None:
    assert codes.function(code) == use


def test_function_codes_of_sig_3d_are_told_by_their_list() -> None:
    space = "http://www.sig3d.org/codelists/standard/building/2.0/_AbstractBuilding_function.xml"
    assert codes.function("1120", space) == "office"
    assert codes.function("1120") == "residential"  # ALKIS: housing with trade and services


def test_every_class_is_known() -> None:
    assert {codes.function(f"31001_{n}") for n in range(1000, 4000)} <= {*codes.FUNCTIONS, None}
    assert {codes.roof_type(str(n)) for n in range(1000, 10000)} <= set(codes.ROOF_TYPES)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016", 25832),
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH", 25832),
        ("urn:adv:crs:ETRS89_UTM33*DE_DHHN92_NH", 25833), ("urn:adv:crs:DE_DHDN_3GK4*DE_DHHN92_NH", 31468),
        ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783", 25832), ("urn:ogc:def:crs:EPSG::25833", 25833),
        ("urn:ogc:def:crs,crs:EPSG:6.12:25833,crs:EPSG:6.12:5783", 25833),
        ("urn:ogc:def:crs:EPSG:6.9:25832", 25832),
        ("http://www.opengis.net/def/crs/EPSG/0/25832", 25832),
        ("https://www.opengis.net/def/crs/EPSG/0/7415", 28992),
        ("http://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/EPSG/0/25832&"
         "2=http://www.opengis.net/def/crs/EPSG/0/7837", 25832),
        ("http://www.opengis.net/gml/srs/epsg.xml#25832", 25832), ("EPSG:25833", 25833), ("epsg:4647", 4647),
        ("EPSG:5650", 5650), ("25832", 25832), ("EPSG:5555", 25832), ("EPSG:4326", 4326),
        ("EPSG:31468", 31468),
    ],
)  # fmt: skip
def test_names_of_crs(name: str, code: int) -> None:
    found = crs.parse(name)
    assert found is not None
    assert found.to_epsg() == code


@pytest.mark.parametrize(
    "name", ["", "local", "EPSG:999999", "urn:adv:crs:XYZ", "EPSG:5783", "urn:ogc:def:nothing"]
)
def test_names_that_are_no_crs(name: str) -> None:
    assert crs.parse(name) is None
    with pytest.raises(SourceError, match="--crs"):
        crs.choose(name, None, "tile.gml")


def test_a_user_who_names_no_crs_is_told() -> None:
    with pytest.raises(SourceError, match="'utm' is no CRS"):
        crs.choose(None, "utm", "tile.gml")


LON_LAT = np.array([[11.6136, 50.8829], [11.6137, 50.8829], [11.6137, 50.8830]])


def in_crs(code: int) -> np.ndarray:
    return np.column_stack(Transformer.from_crs(4326, code, always_xy=True).transform(*LON_LAT.T))


@pytest.mark.parametrize("code", [25832, 25833, 4647, 5650, 31468, 31467, 3857, 4326, 4258])
@pytest.mark.parametrize("swapped", [False, True])
def test_every_usual_crs_leads_to_the_same_place(code: int, swapped: bool) -> None:
    points = in_crs(code)
    found = crs.parse(f"EPSG:{code}")
    assert found is not None
    if code == 3857 and swapped:
        return  # valid in both orders: the one that the CRS says is taken
    moved, _ = crs.to_district(points[:, ::-1] if swapped else points, found, "tile.gml")
    assert moved == pytest.approx(in_crs(25832), abs=3.0)  # the old datums (31467, 31468) to a few metres


def test_zone_in_front_of_the_easting_is_taken_off() -> None:
    found = crs.parse("EPSG:25832")
    assert found is not None
    moved, notes = crs.to_district(in_crs(25832) + np.array([32e6, 0]), found, "tile.gml")
    assert moved == pytest.approx(in_crs(25832))
    assert "zone 32" in notes[0]


def test_degrees_where_metres_are_said_are_refused() -> None:
    found = crs.parse("EPSG:25832")
    assert found is not None
    for points in (LON_LAT, LON_LAT[:, ::-1]):
        with pytest.raises(SourceError, match="degrees"):
            crs.to_district(points, found, "tile.gml")


def test_metres_where_degrees_are_said_are_refused() -> None:
    found = crs.parse("EPSG:4326")
    assert found is not None
    with pytest.raises(SourceError, match="no degrees"):
        crs.to_district(in_crs(25832), found, "tile.gml")
