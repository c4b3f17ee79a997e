"""OGC API – Features, part 3 (19-079r2), with CQL2 (21-065r2): what a filter keeps and never reaches."""

from __future__ import annotations

import json
import math
import random
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import shapely
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.viewer.districts import small
from tests.viewer.test_server import serving
from twin.district import District
from viewer import privacy
from viewer.api.ogc import collections as offered
from viewer.api.ogc import cql, cql_text, features, query, routes
from viewer.api.ogc.collections import Collection
from viewer.api.ogc.crs import CRS84
from viewer.api.ogc.service import groups, service
from viewer.privacy import WITHHELD
from viewer.state import Twin

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
HOUSES = [f"house-{number:02}" for number in range(12)]
WEST, EAST = [f"west-{number}" for number in range(3)], [f"ost-{number}" for number in range(3)]
HOMES = [*WEST, *EAST, *HOUSES]
SILENT = ["school-1", "garage-1"]
"""Of these nobody knows street, year or dwellings."""


def collection(district: District, name: str = "buildings") -> Collection:
    table = privacy.released(district)[name]
    return Collection(table, offered._of_schema(name, table), (), offered._YEARS.get(name, ""))


@cache
def told() -> Collection:
    """The small district's buildings with names, one of them missing, and a height that is rounded."""
    buildings = small().buildings
    names = [None, "It's", "100 %", "a_b", "Größe", "GRÖSSE", "papá", "papa", "back\\slash", "tab\tbed"]
    buildings = buildings.assign(
        name=[*names, *(f"no {number}" for number in range(len(buildings) - len(names)))],
        ground_height_m=[150.123456, *np.linspace(-1.5, 8, len(buildings) - 1)],
        watertight=[None, True, False, *[True] * (len(buildings) - 3)],
    )
    return collection(small().replace(buildings=buildings))


def found(filter_: Any, one: Collection | None = None, **more: str) -> list[str]:
    """Ids of what a filter keeps; a tree is CQL2 JSON."""
    one = one or told()
    asked = {"filter": filter_, **more}
    if not isinstance(filter_, str):
        asked = {"filter": json.dumps(filter_), "filter-lang": "cql2-json", **more}
    return [str(name) for name in one.ids[query.rows(one, query.read(asked, one))]]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("year_of_construction = 1974", WEST),
        ("year_of_construction <> 1974", [*EAST, *HOUSES]),
        ("NOT year_of_construction = 1974", [*EAST, *HOUSES]),  # NOT null is null
        ("year_of_construction < 1974", HOUSES), ("year_of_construction <= 1974", [*WEST, *HOUSES]),
        ("year_of_construction > 1974", EAST), ("year_of_construction >= 1974", [*WEST, *EAST]),
        ("year_of_construction IS NULL", SILENT), ("year_of_construction is not null", HOMES),
        ("1974 = year_of_construction", WEST), ("dwellings = 2 * 5", WEST),
        ("year_of_construction IS NULL OR dwellings > 10", [*EAST, *SILENT]),
        ("year_of_construction = 1974 OR TRUE", [*HOMES, *SILENT]),  # null OR true is true
        ("NOT (year_of_construction = 1974 AND false)", [*HOMES, *SILENT]),  # null AND false is false
        ("true", [*HOMES, *SILENT]), ("false", []), ("NOT NOT true", [*HOMES, *SILENT]),
        # AND binds closer than OR, NOT closer than AND.
        ("function='school' OR street='Dorfstraße' AND house_number='3'", ["house-02", "school-1"]),
        ("(function='school' OR street='Dorfstraße') AND house_number='3'", ["house-02"]),
        ("NOT dwellings=1 AND dwellings<20", WEST),
        ("((dwellings) = ((22)))", EAST), ("dwellings\n=\t22", EAST), ("\"dwellings\" = 2.2E1", EAST),
        ("street LIKE 'Karl%'", WEST), ("street NOT LIKE 'Karl%'", [*EAST, *HOUSES]),
        ("street like '%straße'", HOUSES), ("street LIKE '_orf%a_e'", HOUSES), ("street LIKE 'dorf%'", []),
        ("name LIKE '100 \\%'", ["west-2"]), ("name LIKE '%\\_%'", ["ost-0"]), ("name LIKE ''", []),
        ("name = 'It''s'", ["west-1"]), ("name = 'It\\'s'", ["west-1"]), ("name = 'tab\\tbed'", ["house-03"]),
        ("name = 'back\\\\slash'", ["house-02"]),
        ("CASEI(name) = CASEI('größe')", ["ost-1", "ost-2"]),
        ("CASEI(name) IN (CASEI('GRÖẞE'), casei('PAPA'))", ["ost-1", "ost-2", "house-01"]),
        ("ACCENTI(name) = accenti('pápa')", ["house-00", "house-01"]),
        ("CASEI(ACCENTI(name)) LIKE CASEI(ACCENTI('GRÓS%'))", ["ost-1", "ost-2"]),
        ("dwellings BETWEEN 10 AND 22", [*WEST, *EAST]), ("dwellings NOT BETWEEN 10 and 22", HOUSES),
        ("dwellings between 22 and 10", []), ("NOT 0 BETWEEN 1 AND dwellings", HOMES),  # null with any null
        ("dwellings IN (10, 22)", [*WEST, *EAST]), ("dwellings NOT IN (10, 22)", HOUSES),
        ("house_number IN ('3')", ["west-1", "ost-1", "house-02"]), ("watertight IN (false)", ["west-2"]),
        ("watertight = false", ["west-2"]), ("watertight <> true", ["west-2"]),
        ("watertight IS NULL", ["west-0"]),
        ("volume_m3 = 90 * measured_height_m", HOUSES),
        ("dwellings / 0 = 1 OR dwellings % 0 = 1", []), ("dwellings / 0 IS NULL", [*HOMES, *SILENT]),
        ("dwellings % 10 = 2", EAST), ("dwellings div 10 = 2", EAST), ("2^3 + 2 = dwellings", WEST),
        ("-dwellings < -21", EAST), ("ground_height_m = -1.5", ["west-1"]),
        ("ground_height_m=-1.0-.5", ["west-1"]),
        ("measured_height_m * dwellings > 600", EAST), ("22-dwellings-12 = 0", WEST),
        ("year_source = series_source AND DATE('2024-02-29') < DATE('2024-03-01')", None),
        ("TIMESTAMP('2024-02-29T12:00:00Z') >= TIMESTAMP('2024-02-29T12:00:00.001Z')", []),
        ("geometry IS NOT NULL", [*HOMES, *SILENT]), ("geometry IS NULL", []),
        ("(dwellings = 1) IS NULL", SILENT), ("(dwellings = 1) = (street = 'Dorfstraße')", HOMES),
    ],
)  # fmt: skip
def test_a_filter_keeps_what_it_makes_true(text: str, ids: list[str] | None) -> None:
    """By hand: three blocks of 1974 and of 1979, twelve houses of 1930, a school and a garage."""
    if ids is None:
        table = told().table
        ids = [str(name) for name in table.index[table["year_source"] == table["series_source"]]]
    assert found(text) == ids


def op(name: str, *arguments: Any) -> dict[str, Any]:
    return {"op": name, "args": list(arguments)}


YEAR, STREET, SHAPE = {"property": "year_of_construction"}, {"property": "street"}, {"property": "geometry"}
SQUARE = [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("city='Toronto'", op("=", {"property": "city"}, "Toronto")),
        ("balance-150.0 > 0", op(">", op("-", {"property": "balance"}, 150.0), 0)),
        ("updated >= date('1970-01-01')", op(">=", {"property": "updated"}, {"date": "1970-01-01"})),
        ("geometry IS NOT NULL", op("not", op("isNull", SHAPE))),
        ("name LIKE 'Smith%'", op("like", {"property": "name"}, "Smith%")),
        ("depth BETWEEN 100.0 and 150.0", op("between", {"property": "depth"}, 100.0, 150.0)),
        ("category NOT IN (1,2,3,4)", op("not", op("in", {"property": "category"}, [1, 2, 3, 4]))),
        ("CASEI(road_class) IN (CASEI('Οδος'),CASEI('Straße'))",
         op("in", op("casei", {"property": "road_class"}), [op("casei", "Οδος"), op("casei", "Straße")])),
        ("ACCENTI(etat_vol) = ACCENTI('débárquér')",
         op("=", op("accenti", {"property": "etat_vol"}), op("accenti", "débárquér"))),
        ("S_INTERSECTS(geometry,POLYGON((0 0,4 0,4 4,0 4,0 0)))",
         op("s_intersects", SHAPE, {"type": "Polygon", "coordinates": SQUARE})),
        ("S_WITHIN(geometry,MULTIPOLYGON Z (((0 0 1,4 0 1,4 4 1,0 0 1))))",
         op("s_within", SHAPE, {"type": "MultiPolygon",
            "coordinates": [[[[0, 0, 1], [4, 0, 1], [4, 4, 1], [0, 0, 1]]]]})),
        ("S_CROSSES(LINESTRING(7 50, 10 51),BBOX(-180,-90,180,90))",
         op("s_crosses", {"type": "LineString", "coordinates": [[7, 50], [10, 51]]},
            {"bbox": [-180, -90, 180, 90]})),
        ("S_CONTAINS(geometry,MULTIPOINT(7 50,10 51))",
         op("s_contains", SHAPE, {"type": "MultiPoint", "coordinates": [[7, 50], [10, 51]]})),
        ("S_CONTAINS(geometry,MULTIPOINT((7 50),(+10 -51)))",
         op("s_contains", SHAPE, {"type": "MultiPoint", "coordinates": [[7, 50], [10, -51]]})),
        ("S_DISJOINT(GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(1 2, 3 4)), geometry)",
         op("s_disjoint", {"type": "GeometryCollection", "geometries": [
            {"type": "Point", "coordinates": [1, 2]},
            {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}]}, SHAPE)),
        ("event = TIMESTAMP('1969-07-20T20:17:40Z')",
         op("=", {"property": "event"}, {"timestamp": "1969-07-20T20:17:40Z"})),
        ("a or b=1 and not c='Via dell''Avvento'",
         op("or", {"property": "a"}, op("and", op("=", {"property": "b"}, 1),
            op("not", op("=", {"property": "c"}, "Via dell'Avvento"))))),
        ("1038290-2*2^0 = -1", op("=", op("-", 1038290, op("*", 2, op("^", 2, 0))), -1)),
        ("date = point", op("=", {"property": "date"}, {"property": "point"})),
    ],
)  # fmt: skip
def test_text_is_read_into_the_tree_of_the_standards_examples(text: str, tree: Any) -> None:
    assert cql_text.parse(text) == tree


def test_the_conditions_of_the_standards_suite_hold_over_every_column() -> None:
    """21-065r2, A.3 and A.4: what each comparison and its opposite keep has nothing in common."""
    one = told()
    literals = {"str": "'foo'", "float": "3.14", "count": "1", "bool": "true"}
    for known in one.properties:
        value = literals[known.kind]
        missing = set(found(f"{known.name} IS NULL", one))
        for sign, other in (("=", "<>"), (">", "<="), ("<", ">=")):
            first = set(found(f"{known.name} {sign} {value}", one))
            second = set(found(f"{known.name} {other} {value}", one))
            assert not first & second and len(first | second | missing) == 20, (known.name, sign)
        if known.kind == "str":
            assert set(found(f"{known.name} LIKE '%'", one)) == set(found(f"{known.name} like '%%'", one))
            assert not set(found(f"{known.name} LIKE '_%'", one)) & set(found(f"{known.name} LIKE ''", one))


def test_geometries_are_compared_in_the_order_of_axes_of_filter_crs() -> None:
    trees = collection(small(), "trees")
    x, y = shapely.get_coordinates(trees.shapes(CRS84)[:1])[0].tolist()
    point = f"S_EQUALS(geometry,POINT({x} {y}))"
    assert found(point, trees) == ["t1"] and found(f"NOT {point}", trees) == ["t2"]
    assert found(f"S_EQUALS(POINT({x} {y}),geometry)", trees) == ["t1"]
    swapped = {"filter-crs": f"{EPSG}4326"}
    assert found(f"S_EQUALS(geometry,POINT({y} {x}))", trees, **swapped) == ["t1"]
    assert found(f"S_EQUALS(geometry,POINT({x} {y}))", trees, **swapped) == []
    box = (y - 1e-5, x - 1e-5, y + 1e-5, x + 1e-5)
    assert found(f"S_INTERSECTS(geometry,BBOX{box})", trees, **swapped) == ["t1"]
    assert found(op("s_within", SHAPE, {"bbox": list(box)}), trees, **swapped) == ["t1"]
    at = small().trees.geometry.loc["t1"]
    metres = {"filter-crs": f"{EPSG}25832"}
    line = f"LINESTRING({at.x - 1} {at.y},{at.x + 1} {at.y})"
    assert found(f"S_WITHIN(geometry,BBOX({at.x},{at.y},{at.x},{at.y}))", trees, **metres) == ["t1"]
    for relation, ids in {"WITHIN": ["t1"], "TOUCHES": [], "DISJOINT": ["t2"], "CONTAINS": []}.items():
        assert found(f"S_{relation}(geometry,{line})", trees, **metres) == ids, relation
    assert found(f"S_CONTAINS({line},geometry)", trees, **metres) == ["t1"]
    assert found("S_EQUALS(geometry,geometry)", trees) == ["t1", "t2"]
    assert found("S_INTERSECTS(geometry,BBOX(170,-80,-170,80))", trees) == []  # across the date line


def test_buildings_touch_overlap_and_cross_what_they_should() -> None:
    """west-0 on its own: a box over its eastern half overlaps it, one beside it touches, a line crosses."""
    one = told()
    west, south, east, north = one.shapes(query.systems.UTM32)[0].bounds
    crs, middle = {"filter-crs": f"{EPSG}25832"}, (west + east) / 2

    def asked(relation: str, shape: str) -> bool:
        return "west-0" in found(f"S_{relation}(geometry,{shape})", one, **crs)

    half = f"BBOX({middle},{south},{east + 1},{north})"
    beside = f"BBOX({west - 5},{south},{west},{north})"
    line = f"LINESTRING({west - 1} {(south + north) / 2},{middle} {(south + north) / 2})"
    assert asked("OVERLAPS", half) and not asked("OVERLAPS", beside) and not asked("TOUCHES", half)
    assert asked("TOUCHES", beside) and asked("INTERSECTS", beside) and not asked("DISJOINT", beside)
    assert asked("CROSSES", line) and not asked("WITHIN", line)
    assert asked("CONTAINS", f"POINT({middle} {(south + north) / 2})")


def test_a_filter_reaches_nothing_that_is_not_published() -> None:
    """Neither a withheld column nor a digit that the answer has not; both answer as what does not exist."""
    district = small()
    one = told()
    hidden = set(district.buildings.columns) - set(one.known) - {"geometry"}
    assert {key.partition(".")[2] for key in WITHHELD if key.startswith("buildings.")} & hidden
    assert {"owner", "heating", "attributes"} <= hidden
    for name in (*hidden, "building_id", "index", "__class__", "geometry.x", "nothing"):
        said = set()
        for condition in (
            f'"{name}" IS NULL',
            f"{name} = 'x'",
            {"op": "isNull", "args": [{"property": name}]},
        ):
            with pytest.raises(query.BadRequestError, match=r"^filter: there is no property") as refused:
                found(condition, one)
            said.add(str(refused.value).replace(repr(name), "?"))
        assert len(said) == 1
    # 150.123456 is published as 150.123.
    assert features.values(one, np.array([0]))[0]["ground_height_m"] == 150.123
    assert found("ground_height_m = 150.123") == ["west-0"]
    assert found("ground_height_m > 150.123") == found("ground_height_m = 150.123456") == []
    assert found("ground_height_m * 1000000 > 150123000.1") == []
    equal = query.rows(one, query.read({"ground_height_m": "150.123"}, one))
    assert list(equal) == [0]
    assert not query.rows(one, query.read({"ground_height_m": "150.123456"}, one)).size
    # A corner is published to a centimetre; what is finer is not there to be asked for.
    x, y = shapely.get_coordinates(one.shapes(query.systems.UTM32)[0])[0]
    exact = shapely.get_coordinates(district.buildings.geometry.iloc[0])[0]
    moved = district.buildings.assign(
        geometry=shapely.transform(district.buildings.geometry.to_numpy(), lambda p: p + 0.0043)
    )
    shifted = collection(district.replace(buildings=moved))
    corner = shapely.get_coordinates(shifted.shapes(query.systems.UTM32)[0])[0]
    assert corner == pytest.approx(np.round(exact + 0.0043, 2), abs=1e-9)
    touched = f"S_TOUCHES(geometry,POINT({corner[0]} {corner[1]}))"
    finer = f"S_TOUCHES(geometry,POINT({exact[0] + 0.0043} {exact[1] + 0.0043}))"
    metres = {"filter-crs": f"{EPSG}25832"}
    assert "west-0" in found(touched, shifted, **metres)
    assert found(finer, shifted, **metres) == [] and (x, y) == pytest.approx(exact, abs=0.005)


def test_sums_of_groups_are_asked_for_as_they_are_published(twin: Twin) -> None:
    table = groups(twin)
    one = offered.modelled(twin.district, table)
    for row in features.values(one, np.arange(len(one.table))):
        kept = found(f"heating_need_kwh = {row['heating_need_kwh']}", one)
        assert len(kept) >= 1
        assert found(f"heating_need_kwh > {row['heating_need_kwh']} - 0.4 "
                     f"AND heating_need_kwh < {row['heating_need_kwh']} + 0.4", one) == kept  # fmt: skip
    with pytest.raises(query.BadRequestError, match="no property 'group_id'"):
        found("group_id = 'x'", one)


BAD = [
    "", " ", "THIS IS NOT A FILTER", "this_is_not_a_queryable IS NULL", "street", "5", "'x'", "street = 5",
    "dwellings = '5'", "street = null", "street =", "= 5", "(street = 'a'", "street = 'a')", "street = 'a",
    'street = "a', "street = 'a' AND", "AND street = 'a'", "street = 'a' street = 'b'", "street == 'a'",
    "street = 'a';", "dwellings = 1e999", "dwellings + 'a' = 1", "dwellings", "NOT dwellings",
    "street LIKE 5",
    "street LIKE name", "dwellings LIKE '1%'", "dwellings IN ()", "dwellings IN (1, 'a')", "street IS 5",
    "dwellings BETWEEN 1 OR 2", "dwellings BETWEEN 1 AND '2'", "geometry = geometry", "geometry = POINT(1 1)",
    "dwellings = DATE('2024-02-30')", "year_of_construction > DATE('1970-01-01')", "DATE('x') = DATE('x')",
    "TIMESTAMP('2024-02-30T00:00:00Z') IS NULL", "T_AFTER(year_of_construction,DATE('1970-01-01'))",
    "A_CONTAINS(name,('a','b'))", "avg(dwellings) < 4", "f()", "CASEI(dwellings) = CASEI(5)", "CASEI() = 'a'",
    "S_INTERSECTS(geometry)", "S_INTERSECTS(street,POINT(1 1))", "S_INTERSECTS(geometry,POINT(90 180))",
    "S_INTERSECTS(geometry,BBOX(1000000,1000000,2000000,2000000))", "S_INTERSECTS(geometry,POINT(1))",
    "S_INTERSECTS(geometry,BBOX(1,2,3))", "S_INTERSECTS(geometry,BBOX(1,4,3,2))",
    "S_INTERSECTS(geometry,POLYGON((0 0,1 1,0 1,1 0,0 0)))", "S_INTERSECTS(geometry,POLYGON((0 0,1 1)))",
    "S_INTERSECTS(geometry,LINESTRING(1 1))", "S_INTERSECTS(geometry,POINT(1e300 1))",
    "S_INTERSECTS(geometry,GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1))))", "\x00", "street = 'a' -- b",
    "(" * 41 + "true" + ")" * 41, "NOT " * 100 + "true", "true" + " AND true" * 3000,
    "dwellings=1" + " OR dwellings=1" * 300,
    "S_DISJOINT(geometry,geometry)" + " OR S_DISJOINT(geometry,geometry)" * 20,
    "S_INTERSECTS(geometry,LINESTRING(0 0" + ",1 1" * 1001 + "))",
]  # fmt: skip
BAD_JSON = [
    "{", "[]", "null", "5", "{}", '"a"', '{"op": "="}', '{"op": "=", "args": {}}',
    '{"op": ["="], "args": [1, 1]}',
    '{"op": "and", "args": [true]}', '{"op": "isnull", "args": [{"property": "street"}]}',
    '{"op": "=", "args": [{"property": ["street"]}, 1]}', '{"op": "=", "args": [NaN, 1]}',
    '{"op": "=", "args": [1e999, 1]}', f'{{"op": "=", "args": [{"9" * 400}, 1]}}',
    f'{{"op": "=", "args": [{"9" * 5000}, 1]}}', '{"op": "=", "args": [{"property": "street"}, null]}',
    "[" * 9000, '{"op": "in", "args": [{"property": "street"}, "a"]}',
    '{"op": "like", "args": ["a", {"op": "casei"}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point"}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point", "coordinates": [[1, 2]]}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point", "coordinates": [true, 2]}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Polygon", "coordinates": []}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": {}, "coordinates": []}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, '
    '{"type": "GeometryCollection", "geometries": []}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": ["a", 1, 2, 3]}]}',
    '{"property": "\\ud800"}', '{"op": "\\ud800", "args": []}', '{"op": "=", "args": [{"date": 5}, 1]}',
    '{"op": "=", "args": [{"property": "street", "more": 1}, "a"]}', "street = 'a'",
]  # fmt: skip


@pytest.fixture(scope="module")
def client(twin: Twin) -> Iterator[httpx.Client]:
    app = FastAPI(openapi_url=None)
    app.include_router(routes.router(service(twin, None)))
    with (
        serving(app) as root,
        httpx.Client(base_url=root + routes.PREFIX, timeout=30) as asking,
    ):
        yield asking


def items(client: httpx.Client, name: str = "buildings", **asked: str) -> httpx.Response:
    parameters = {one.replace("_", "-") if one.startswith("filter") else one: v for one, v in asked.items()}
    return client.get(f"/collections/{name}/items", params=parameters)


@pytest.mark.parametrize(
    ("language", "text"), [*(("cql2-text", one) for one in BAD), *(("cql2-json", one) for one in BAD_JSON)]
)
def test_a_bad_filter_is_told_what_is_wrong_with_it(client: httpx.Client, language: str, text: str) -> None:
    answer = items(client, filter=text, filter_lang=language)
    assert answer.status_code == 400, answer.text
    said = answer.json()
    assert said["code"] == "InvalidParameterValue" and said["description"].startswith("filter: ")
    assert len(said["description"]) < 500


def test_messages_name_the_place_and_the_remedy(client: httpx.Client) -> None:
    for text, place, remedy in (
        ("street = 'a", "character 10", "quote has no end"),
        ("dwellings = 1 street", "character 15, 'street'", "AND, OR or the end"),
        ('street = "Dorfstraße"', "'Dorfstraße' in buildings", "single quotes"),
        ("street = 5", "street, a text, with 5, a number", "write both as one kind"),
        ("T_AFTER(street, street)", "'t_after'", "there are and, or, not"),
    ):
        said = items(client, filter=text).json()["description"]
        assert place in said and remedy in said, said
    asked = {"filter-lang": "ecql", "filter": "true"}
    assert (
        "cql2-text nor cql2-json"
        in client.get("/collections/trees/items", params=asked).json()["description"]
    )
    for wrong in ({"filter-crs": "EPSG:25832"}, {"filter-lang": ""}, {"filter": "x" * (cql.LENGTH + 1)}):
        assert client.get("/collections/trees/items", params=wrong).status_code == 400, wrong


def test_pages_keep_the_filter_and_answers_may_be_kept(client: httpx.Client) -> None:
    text = "street LIKE 'Dorf%' AND house_number <> '3'"
    seen: list[str] = []
    page = items(client, filter=text, filter_lang="cql2-text", limit="4", street="Dorfstraße")
    first = page
    while True:
        document = page.json()
        assert document["numberMatched"] == 11
        seen += [one["id"] for one in document["features"]]
        following = [link["href"] for link in document["links"] if link["rel"] == "next"]
        if not following:
            break
        page = client.get(following[0])
    assert seen == [name for name in HOUSES if name != "house-02"]
    tag = first.headers["etag"]
    again = client.get(str(first.url), headers={"If-None-Match": tag})
    assert again.status_code == 304 and again.headers["cache-control"] == first.headers["cache-control"]
    other = str(first.url).replace("Dorf", "Berg")
    assert client.get(other, headers={"If-None-Match": tag}).json()["numberMatched"] == 0
    shown = client.get(str(first.url) + "&f=html").text
    assert "Features 1 to 4 of 11" in shown or "1 bis 4" in shown
    assert "house_number" in shown.partition("filter=")[2]  # the next page's address


def test_other_parameters_and_the_filter_must_all_hold(client: httpx.Client) -> None:
    """19-079r2, /req/filter/mixing-expressions: joined by AND."""
    asked = {"filter": "dwellings < 20", "datetime": "1950-01-01", "street": "Dorfstraße"}
    assert items(client, **asked).json()["numberMatched"] == 12
    assert items(client, **{**asked, "filter": "dwellings > 1"}).json()["numberMatched"] == 0
    assert items(client, **{**asked, "bbox": "0,0,1,1"}).json()["numberMatched"] == 0


def test_queryables_are_a_schema_that_the_collection_links_to(client: httpx.Client) -> None:
    """19-079r2, /req/queryables/get-queryables-response."""
    for one in client.get("/collections").json()["collections"]:
        (link,) = [
            link
            for link in one["links"]
            if link["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/queryables"
        ]
        answer = client.get(link["href"], headers={"Accept": "application/schema+json"})
        assert answer.headers["content-type"] == "application/schema+json"
        schema = answer.json()
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == link["href"] and schema["type"] == "object"
        assert schema["properties"]["geometry"]["format"] == "geometry-any"
        for name in schema["properties"]:
            assert items(client, one["id"], filter=f"{name} IS NULL OR true").status_code == 200
        page = client.get(link["href"] + "?f=html").text
        assert all(f"{name}</" in page for name in schema["properties"])
    classes = client.get("/conformance").json()["conformsTo"]
    assert {uri.rpartition("/")[2] for uri in classes if "ogcapi-features-3/1.0/conf/" in uri} == {
        "queryables", "queryables-query-parameters", "filter", "features-filter",
    }  # fmt: skip
    assert "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus" in classes


# Random filters, held against a reading of each published feature by itself.

TEXTS = st.sampled_from(["Dorfstraße", "dorfstrasse", "It's", "a_b", "Größe", "papá", "", "1", "\\", "x\ty"])
NUMBERS = st.sampled_from([0, 1, 2, 10, 22, 1974, -1.5, 0.5, 6.6, 150.123, 1e12])
PATTERNS = st.text("a%_\\Gö1 ", max_size=5)
_TEXT_COLUMNS = ("name", "street", "house_number", "function", "year_source")
_NUMBER_COLUMNS = ("dwellings", "year_of_construction", "ground_height_m", "volume_m3")
SHAPES = st.sampled_from([
    {"property": "geometry"}, {"bbox": [11.0, 50.0, 12.0, 51.0]}, {"bbox": [11.59, 50.88, 11.601, 50.89]},
    {"type": "Point", "coordinates": [11.6, 50.88]},
    {"type": "LineString", "coordinates": [[11.59, 50.87], [11.61, 50.89]]},
    {"type": "Polygon", "coordinates": [[[11.59, 50.87], [11.61, 50.87], [11.61, 50.89], [11.59, 50.87]]]},
])  # fmt: skip


def properties(names: tuple[str, ...]) -> st.SearchStrategy[Any]:
    return st.sampled_from(names).map(lambda name: {"property": name})


def operations(names: tuple[str, ...], *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda name, given: op(name, *given), st.sampled_from(names), st.tuples(*parts))


_SIGNS = ("=", "<>", "<", ">", "<=", ">=")
texts = TEXTS | properties(_TEXT_COLUMNS)
texts |= operations(("casei", "accenti"), texts)
numbers = st.recursive(
    NUMBERS | properties(_NUMBER_COLUMNS),
    lambda part: operations(("+", "-", "*", "/", "^", "%", "div"), part, part),
    max_leaves=4,
)
truths = properties(("watertight",))
predicates = (
    operations(_SIGNS, texts, texts) | operations(_SIGNS, numbers, numbers)
    | operations(_SIGNS, truths, st.booleans())
    | operations(("like",), texts, PATTERNS) | operations(("between",), numbers, numbers, numbers)
    | operations(("in",), texts, st.lists(texts, min_size=1, max_size=4))
    | operations(("in",), numbers, st.lists(numbers, min_size=1, max_size=4))
    | operations(("isNull",), texts | numbers | truths | SHAPES)
    | operations(tuple(cql._RELATIONS), SHAPES, SHAPES) | st.booleans()
)  # fmt: skip
conditions = st.recursive(
    predicates,
    lambda part: operations(("and", "or"), part, part) | operations(("not",), part)
    | operations(("and", "or"), part, part, part),
    max_leaves=8,
)  # fmt: skip


def plainly(node: Any, row: Mapping[str, Any]) -> Any:
    """A filter's value for one feature as it is published; None: null. By the text of 21-065r2 alone."""
    if not isinstance(node, dict):
        return node
    if "property" in node:
        return row[node["property"]]
    if "bbox" in node:
        return shapely.box(*node["bbox"])
    if "type" in node:
        return shapely.from_geojson(json.dumps(node))
    name = node["op"]
    if name == "in":
        one, others = plainly(node["args"][0], row), [plainly(each, row) for each in node["args"][1]]
        known = [None if one is None or each is None else one == each for each in others]
        return True if True in known else None if None in known else False
    values = [plainly(each, row) for each in node["args"]]
    if name == "isNull":
        return values[0] is None
    if name == "and":
        return False if False in values else None if None in values else True
    if name == "or":
        return True if True in values else None if None in values else False
    if None in values:
        return None
    if name == "not":
        return not values[0]
    if name == "between":
        return values[1] <= values[0] <= values[2]
    if name == "like":
        return alike(*values)
    if name == "casei":
        return values[0].casefold()
    if name == "accenti":
        apart = unicodedata.normalize("NFD", values[0])
        return "".join(one for one in apart if unicodedata.category(one) != "Mn")
    if name.startswith("s_"):
        return bool(getattr(values[0], name[2:])(values[1]))
    if name in _SIGNS:
        a, b = values
        return {"=": a == b, "<>": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[name]
    return calculated(name, float(values[0]), float(values[1]))


def calculated(name: str, a: float, b: float) -> float | None:
    try:
        value = {
            "+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b, "^": lambda: a**b,
            "%": lambda: math.fmod(a, b), "div": lambda: float(math.trunc(a / b)),
        }[name]()  # fmt: skip
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return None if isinstance(value, complex) or not math.isfinite(value) else value


def alike(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(alike(text[start:], pattern[1:]) for start in range(len(text) + 1))
    if pattern[0] == "\\" and len(pattern) > 1:
        return text[:1] == pattern[1] and alike(text[1:], pattern[2:])
    return bool(text) and pattern[0] in ("_", text[0]) and alike(text[1:], pattern[1:])


@cache
def rows() -> list[tuple[str, dict[str, Any]]]:
    """The published features: what GeoJSON says of each."""
    one = told()
    every = np.arange(len(one.table))
    document = json.loads(features.collection(one, every, CRS84, len(every), [], ""))
    return [
        (
            known["id"],
            {**known["properties"], "geometry": shapely.from_geojson(json.dumps(known["geometry"]))},
        )
        for known in document["features"]
    ]


@settings(max_examples=400, deadline=None)
@given(conditions)
def test_a_filter_tells_what_the_published_features_tell(tree: Any) -> None:
    expected = [name for name, row in rows() if plainly(tree, row) is True]
    assert found(tree) == expected
    assert cql_text.parse(written(tree)) == tree
    assert found(written(tree)) == expected


_WORDS = {"and": " AND ", "or": " OR ", "div": " div "}


def written(node: Any) -> str:
    """A tree as CQL2 Text, each operation in brackets."""
    if isinstance(node, bool):
        return str(node).upper()
    if isinstance(node, str):
        return "'" + node.replace("\\", "\\\\").replace("'", "''").replace("\t", "\\t") + "'"
    if not isinstance(node, dict):
        return repr(node)
    if "property" in node:
        return f'"{node["property"]}"'
    if "bbox" in node:
        return f"BBOX({','.join(map(str, node['bbox']))})"
    if "type" in node:
        return shapely.from_geojson(json.dumps(node)).wkt
    name, parts = node["op"], node["args"]
    if name == "in":
        return f"({written(parts[0])} IN ({','.join(map(written, parts[1]))}))"
    said = [written(one) for one in parts]
    if name in ("casei", "accenti") or name.startswith("s_"):
        return f"{name.upper()}({', '.join(said)})"
    if name == "not":
        return f"(NOT {said[0]})"
    if name == "isNull":
        return f"({said[0]} IS NULL)"
    if name == "like":
        return f"({said[0]} LIKE {said[1]})"
    if name == "between":
        return f"({said[0]} BETWEEN {said[1]} AND {said[2]})"
    return f"({_WORDS.get(name, name).join(said)})"


def answered(asked: Mapping[str, str]) -> None:
    """Whatever is asked is answered, or refused by the one error that becomes a 400."""
    try:
        found = query.rows(told(), query.read(asked, told()))
    except query.BadRequestError as error:
        assert str(error).startswith("filter: ") and str(error).encode()
    else:
        assert len(found) <= 20


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text("()'\"\\ANDORT=<>%_.,0159e+-*/^ \n", max_size=40), st.sampled_from(cql.LANGUAGES))
def test_any_text_is_answered_or_refused(text: str, language: str) -> None:
    answered({"filter": text, "filter-lang": language})


@settings(max_examples=300, deadline=None)
@given(conditions, st.sampled_from(cql.LANGUAGES), st.randoms(use_true_random=False), st.integers(1, 4))
def test_a_mangled_filter_is_answered_or_refused(
    tree: Any, language: str, chance: random.Random, many: int
) -> None:
    text = written(tree) if language == "cql2-text" else json.dumps(tree, ensure_ascii=False)
    for _ in range(many):
        at, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        piece = text[at : min(end, at + 12)]
        other = chance.choice(
            ["", piece * 2, "(", ")", "'", '"', "{", "]", "null", "-", "\\", "é", "1e309", "NOT "]
        )
        text = text[:at] + other + text[at + len(piece) :]
    answered({"filter": text, "filter-lang": language})


@settings(max_examples=200, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | texts | SHAPES,
    lambda part: st.lists(part, max_size=4)
    | st.dictionaries(st.sampled_from(["op", "args", "property", "type", "coordinates", "bbox"]), part)
    | st.builds(lambda name, given: op(name, *given), st.sampled_from(tuple(cql._OPERATIONS)),
                st.lists(part, max_size=3)),
    max_leaves=8,
))  # fmt: skip
def test_any_json_is_answered_or_refused(tree: Any) -> None:
    answered({"filter": json.dumps(tree), "filter-lang": "cql2-json"})


def test_nothing_a_filter_asks_takes_long() -> None:
    """As much as may be asked of 5,000 features that all differ; a pattern that backtracks would not end."""
    known = small().buildings
    buildings = pd.concat([known] * 250)
    buildings.index = pd.Index([*known.index, *map(str, range(len(known), 5_000))], name="building_id")
    buildings = buildings.assign(name=[f"{'a' * 40}{number}" for number in range(5_000)])
    one = collection(small().replace(buildings=buildings))
    pattern = "name LIKE '" + "%a" * 40 + "b'"
    assert found(pattern, one) == []
    many = " OR ".join([f"ACCENTI(CASEI(name)) LIKE '%a%{number}b'" for number in range(cql.OPERANDS // 5)])
    assert found(many, one) == []
