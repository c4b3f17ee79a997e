"""OpenStreetMap: XML, PBF and Overpass; a real extract, and small ones written by osmium itself."""

from __future__ import annotations

import bz2
import gzip
import json
import shutil
import zipfile
from pathlib import Path

import osmium
import pyproj
import pytest
from osmium.osm.mutable import Node, Relation, Way

from twin import schema
from twin.errors import SourceError
from twin.sources import osm

X, Y = 683_000.0, 5_640_000.0
_BACK = pyproj.Transformer.from_crs(25832, 4326, always_xy=True)


class Map:
    """A small map in metres from (X, Y), written in any format of OSM."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[float, float], int] = {}
        self.ways: list[tuple[int, list[int], dict[str, str]]] = []
        self.relations: list[tuple[int, list[tuple[str, int, str]], dict[str, str]]] = []

    def way(self, number: int, points: list[tuple[float, float]], close: bool = True, **tags: str) -> None:
        refs = [self.nodes.setdefault(point, len(self.nodes) + 1) for point in points]
        self.ways.append((number, refs + refs[:1] * close, named(tags)))

    def box(self, number: int, x: float, y: float, w: float, h: float, **tags: str) -> None:
        self.way(number, [(x, y), (x + w, y), (x + w, y + h), (x, y + h)], **tags)

    def relation(self, number: int, members: list[tuple[int, str]], **tags: str) -> None:
        parts = [("w", way, role) for way, role in members]
        self.relations.append((number, parts, {"type": "multipolygon", **named(tags)}))

    def lon_lat(self, point: tuple[float, float]) -> tuple[float, float]:
        return _BACK.transform(X + point[0], Y + point[1])

    def write(self, file: Path) -> Path:
        with osmium.SimpleWriter(str(file)) as writer:
            for point, number in self.nodes.items():
                writer.add_node(Node(id=number, location=self.lon_lat(point), version=1))
            for number, refs, tags in self.ways:
                writer.add_way(Way(id=number, nodes=refs, tags=tags, version=1))
            for number, members, tags in self.relations:
                writer.add_relation(Relation(id=number, members=members, tags=tags, version=1))
        return file

    def overpass(self, file: Path, geometry: bool = True) -> Path:
        places = {number: self.lon_lat(point) for point, number in self.nodes.items()}
        lines = {
            number: [{"lon": places[ref][0], "lat": places[ref][1]} for ref in refs]
            for number, refs, _ in self.ways
        }
        elements: list[dict[str, object]] = []
        for number, refs, tags in self.ways:
            line = {"geometry": lines[number]} if geometry else {"nodes": refs}
            elements.append({"type": "way", "id": number, "tags": tags, **line})
        for number, members, tags in self.relations:
            parts = [
                {"type": "way", "ref": ref, "role": role, **({"geometry": lines[ref]} if geometry else {})}
                for _, ref, role in members
            ]
            elements.append({"type": "relation", "id": number, "tags": tags, "members": parts})
        if not geometry:
            elements += [
                {"type": "node", "id": n, "lon": lon, "lat": lat} for n, (lon, lat) in places.items()
            ]
        file.write_text(json.dumps({"version": 0.6, "generator": "Overpass API", "elements": elements}))
        return file


def named(tags: dict[str, str]) -> dict[str, str]:
    """Keyword arguments as OSM keys: ``building__levels`` → ``building:levels``."""
    return {key.replace("__", ":"): value for key, value in tags.items()}


def town() -> Map:
    town = Map()
    town.box(
        1,
        0,
        0,
        60,
        12,
        building="apartments",
        building__levels="5",
        building__flats="30",
        start_date="1978",
        roof__shape="flat",
        addr__street="Emil-Wölk-Straße",
        addr__housenumber="5",
        addr__postcode="07747",
    )
    town.box(2, 100, 0, 10, 10, building="house", height="8,5 m", roof__shape="half-hipped")
    town.box(3, 200, 0, 40, 40)  # the outer and inner ring of a block around a yard
    town.box(4, 210, 10, 20, 20)
    town.relation(9, [(3, "outer"), (4, "inner")], building="school", building__levels="2", roof__levels="1")
    town.box(5, 300, 0, 20, 10, building="yes", amenity="kindergarten")
    town.box(6, 300, 0, 10, 10, building__part="yes", building__levels="4", roof__shape="gabled")
    town.box(7, 310, 0, 10, 10, building__part="yes", height="9", min_height="3")
    town.box(8, 400, 0, 10, 10, building__part="yes", height="9")  # without outline
    town.box(10, 500, 0, 10, 10, building="no")
    return town  # fmt: skip


@pytest.mark.parametrize(
    "form", ["osm", "osm.pbf", "osm.bz2", "osm.gz", "overpass geom", "overpass nodes", "zip"]
)
def test_every_form_gives_the_same_buildings(tmp_path, form) -> None:
    source = town()
    if form.startswith("overpass"):
        file = source.overpass(tmp_path / "answer.json", geometry=form.endswith("geom"))
    elif form == "zip":
        source.write(tmp_path / "t.osm.pbf")
        with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
            archive.write(tmp_path / "t.osm.pbf", "deep/t.osm.pbf")
        file = tmp_path / "t.zip"
    else:
        file = source.write(tmp_path / f"t.{form}")
    answer = osm.read(file)
    table = schema.conform("buildings", answer.tables["buildings"])
    parts = schema.conform("parts", answer.tables["parts"])
    areas = {"osm-way-1": 720, "osm-way-2": 100, "osm-relation-9": 1600 - 400, "osm-way-5": 200}
    assert table.area.to_dict() == pytest.approx(areas, rel=1e-3)  # OSM has 7 decimals
    assert table["measured_height_m"].to_dict() == pytest.approx(
        {"osm-way-1": 15, "osm-way-2": 8.5, "osm-relation-9": 9, "osm-way-5": 12}
    )
    assert table.loc["osm-way-5", "measured_height_source"] == "derived:highest part"
    assert table["storeys_above_ground"].fillna(0).to_dict() == {
        "osm-way-1": 5, "osm-way-2": 0, "osm-relation-9": 2, "osm-way-5": 0
    }  # fmt: skip
    assert table["function"].to_dict() == {
        "osm-way-1": "residential", "osm-way-2": "residential", "osm-relation-9": "school",
        "osm-way-5": "kindergarten",
    }  # fmt: skip
    facts = ["dwellings", "year_of_construction", "roof_type", "street", "house_number", "postcode"]
    assert table.loc["osm-way-1", facts].to_list() == [30, 1978, "flat", "Emil-Wölk-Straße", "5", "07747"]
    assert table.loc["osm-way-2", "roof_type"] == "half_hip"
    assert parts["building_id"].to_dict() == {"osm-way-6": "osm-way-5", "osm-way-7": "osm-way-5"}
    assert parts["measured_height_m"].to_dict() == {"osm-way-6": 12, "osm-way-7": 9}
    assert parts["base_height_m"].to_dict() == {"osm-way-6": 0, "osm-way-7": 3}
    assert [(f.kind, f.record) for f in answer.findings] == [("left_out", "osm-way-8")]
    assert answer.provenance[0].licence == "ODbL-1.0"


def test_content_counts_and_not_the_suffix(tmp_path) -> None:
    shutil.copy(town().write(tmp_path / "t.osm.pbf"), tmp_path / "t.xml")
    assert len(osm.read(tmp_path / "t.xml").tables["buildings"]) == 4
    (tmp_path / "t.dat").write_bytes(gzip.compress(town().write(tmp_path / "a.osm").read_bytes()))
    assert len(osm.read(tmp_path / "t.dat").tables["buildings"]) == 4
    (tmp_path / "t.bin").write_bytes(bz2.compress((tmp_path / "a.osm").read_bytes()))
    assert len(osm.read(tmp_path / "t.bin").tables["buildings"]) == 4


def test_real_extract(shared_data) -> None:
    """Aachen-Melaten: by grep 122 ways and 3 relations tagged building, 30 ways tagged building:part."""
    answer = osm.read(shared_data / "osm" / "campus_melaten.osm")
    table = schema.conform("buildings", answer.tables["buildings"])
    assert len(table) == 125
    assert len(schema.conform("parts", answer.tables["parts"])) == 30
    assert table.is_valid.all()
    assert table.index.str.startswith("osm-relation").sum() == 3
    assert table["measured_height_m"].notna().all()
    assert table["measured_height_source"].str.match(r"(given|derived|guessed):").all()


def test_heights_that_nobody_mapped_are_guessed_by_kind(tmp_path) -> None:
    plain = Map()
    plain.box(1, 0, 0, 10, 10, building="garage")
    plain.box(2, 50, 0, 10, 10, building="apartments")
    plain.box(3, 90, 0, 10, 10, building="yes")
    file = plain.write(tmp_path / "t.osm")
    answer = osm.read(file)
    assert answer.tables["buildings"]["measured_height_m"].to_list() == [3, 12, 6]
    assert answer.tables["buildings"]["measured_height_source"].iloc[0] == "guessed:building=garage 3 m"
    assert "3 of 3 buildings" in answer.findings[-1].message
    assert osm.read(file, default_height_m=10).tables["buildings"]["measured_height_m"].to_list() == [10] * 3


@pytest.mark.parametrize(
    ("tags", "height", "storeys"),
    [
        ({"height": "24'"}, 24 * 0.3048, 0),
        ({"building__levels": "3;5"}, 15, 5),
        ({"building__levels": "2.5"}, 6, 2),
        ({"building__levels": "4", "roof__height": "2"}, 14, 4),
        ({"building__levels": "0", "roof__levels": "1"}, 3, 0),
        ({"height": "hoch"}, 6, 0),
    ],
)
def test_heights_and_levels_as_people_write_them(tmp_path, tags, height, storeys) -> None:
    one = Map()
    one.box(1, 0, 0, 10, 10, building="yes", **tags)
    table = osm.read(one.write(tmp_path / "t.osm")).tables["buildings"].fillna({"storeys_above_ground": 0})
    assert table["measured_height_m"].to_list() == pytest.approx([height])
    assert table["storeys_above_ground"].to_list() == [storeys]


def test_outline_tagged_like_its_relation_is_taken_once(tmp_path) -> None:
    old = Map()
    old.box(1, 0, 0, 40, 40, building="yes")
    old.box(2, 10, 10, 20, 20, building="yes")  # a building in the yard stays one
    old.relation(3, [(1, "outer"), (2, "inner")], building="yes")
    for file in (old.write(tmp_path / "t.osm"), old.overpass(tmp_path / "t.json")):
        assert sorted(osm.read(file).tables["buildings"].index) == ["osm-relation-3", "osm-way-2"]


def test_what_crosses_itself_is_repaired_and_what_is_open_left_out(tmp_path) -> None:
    bad = Map()
    bad.way(1, [(0, 0), (10, 10), (10, 0), (0, 10)], building="yes")
    bad.way(2, [(50, 0), (60, 0), (60, 10)], close=False, building="yes")
    bad.way(3, [(90, 0), (99, 0), (99, 9)], close=False)
    bad.relation(4, [(3, "outer")], building="yes")
    bad.box(5, 200, 0, 10, 10, building="yes")
    for file in (bad.write(tmp_path / "t.osm"), bad.overpass(tmp_path / "t.json")):
        answer = osm.read(file)
        assert answer.tables["buildings"].area.to_dict() == pytest.approx(
            {"osm-way-1": 50, "osm-way-5": 100}, rel=1e-3
        )
        said = {(finding.kind, finding.record) for finding in answer.findings if finding.kind != "note"}
        assert said == {("repaired", "osm-way-1"), ("left_out", "osm-way-2"), ("left_out", "osm-relation-4")}


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<osm version="0.6"><node id="1" lat="50" lon="11"><tag k="name" v="&b;"/></node></osm>'
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.osm", b"", "empty"),
        ("a.osm", b"<html><body>no</body></html>", "no OpenStreetMap data"),
        (
            "a.osm",
            b'<?xml version="1.0"?><osm version="0.6"><node id="1" lat="50"',
            "cannot be read as OpenStreetMap",
        ),
        ("a.osm", b'<osm version="0.6"></osm>', "no buildings"),
        (
            "a.osm",
            b'<osm version="0.6"><node id="1" lat="50**9" lon="11"/></osm>',
            "cannot be read as OpenStreetMap",
        ),
        ("a.osm", BOMB, "cannot be read as OpenStreetMap"),
        ("a.pbf", b"\x00\x00\x00\x0d\x0a\x09OSMHeader" + b"x" * 50, "cannot be read as OpenStreetMap"),
        ("a.json", b'{"elements": [', "no answer of Overpass"),
        ("a.json", b'{"elements": [], "remark": "runtime error: Query timed out"}', "did not finish"),
        ("a.json", b'{"elements": []}', "no buildings"),
        ("a.json", b'{"elements": [{"type": "way"}]}', "no answer of Overpass"),
    ],
    ids=[
        "empty",
        "html",
        "cut off",
        "nothing",
        "no coordinate",
        "entities",
        "broken pbf",
        "cut json",
        "time-out",
        "none",
        "no id",
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, name, content, message) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        osm.read(tmp_path / name)
    assert "\n" not in str(caught.value)
