"""Files at fault: each gives one line that says which file and what to do; nothing of this machine leaks."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.twin.sources import gml
from twin import schema
from twin.errors import SourceError
from twin.sources import archive, detect
from twin.sources.base import SourceData

HOUSE = gml.building(gml.boundaries())


def refusal(path: Path, crs: str | None = None) -> str:
    """The one line that a refused file gives."""
    with pytest.raises(SourceError) as error:
        detect.read_buildings([path], crs=crs)
    text = str(error.value)
    assert "\n" not in text
    assert str(path) in text
    assert error.value.remedy
    return text


def accepted(path: Path) -> SourceData:
    data = detect.read_buildings([path])
    for table, frame in data.tables.items():
        schema.conform(table, frame)
    return data


# -------------------------------------------------------------------------------------------------- XML
@pytest.mark.parametrize("name", ["tile.gml", "tile.xml", "tile.zip", "tile.json"])
def test_not_xml(tmp_path: Path, name: str) -> None:
    assert "no buildings" in refusal(gml.write(tmp_path, "This is a letter, not a city.", name))


def test_broken_xml(tmp_path: Path) -> None:
    text = gml.city(HOUSE).replace("</bldg:Building>", "</bldg:Bauwerk>")
    assert "no well-formed XML" in refusal(gml.write(tmp_path, text))


def test_html_in_place_of_data(tmp_path: Path) -> None:
    text = "<!DOCTYPE html><html><body>404 Not Found</body></html>"
    assert "none of the formats" in refusal(gml.write(tmp_path, text))


BOMB = "<!DOCTYPE bomb [" + '<!ENTITY a0 "lol">' + "".join(
    f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9)
) + "]>"  # fmt: skip


@pytest.mark.parametrize("place", ["text", "attribute", "root attribute"])
def test_entity_bomb(tmp_path: Path, place: str) -> None:
    text = gml.city(HOUSE, head=BOMB)
    if place == "text":
        text = text.replace("<bldg:boundedBy>", "<gml:name>&a9;</gml:name><bldg:boundedBy>", 1)
    elif place == "attribute":
        text = text.replace('gml:id="B1"', 'gml:id="&a9;"', 1)
    else:
        text = text.replace("<core:CityModel ", '<core:CityModel lang="&a9;" ', 1)
    assert "entities" in refusal(gml.write(tmp_path, text))


def test_a_document_type_behind_a_long_comment(tmp_path: Path) -> None:
    text = gml.city(HOUSE, head="<!--" + "x" * 200_000 + "-->" + BOMB)
    text = text.replace("<bldg:boundedBy>", "<gml:name>&a9;</gml:name><bldg:boundedBy>", 1)
    path = gml.write(tmp_path, text)
    with pytest.raises(SourceError) as error:
        detect.read_buildings([path])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["general", "parameter", "dtd", "xinclude"])
def test_external_entities_leak_nothing(tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret", "utf-8")
    heads = {
        "general": f'<!DOCTYPE c [<!ENTITY leak SYSTEM "{secret.as_uri()}">]>',
        "parameter": f'<!DOCTYPE c [<!ENTITY % leak SYSTEM "{secret.as_uri()}"> %leak;]>',
        "dtd": f'<!DOCTYPE c SYSTEM "{secret.as_uri()}">',
        "xinclude": "",
    }
    name = "<gml:name>&leak;</gml:name>" if kind == "general" else ""
    if kind == "xinclude":
        name = (
            '<gml:name><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" '
            f'href="{secret.as_uri()}"/></gml:name>'
        )
    text = gml.city(HOUSE, head=heads[kind]).replace("<bldg:boundedBy>", name + "<bldg:boundedBy>", 1)
    path = gml.write(tmp_path, text)
    if kind == "xinclude":
        assert "top secret" not in accepted(path).tables["buildings"].to_json()
    else:
        assert "top secret" not in refusal(path)


@pytest.mark.parametrize("length", [10_000_000, 10_000_001, 30_000_000])
@pytest.mark.parametrize("place", ["element", "id"])
def test_attributes_of_ten_million_characters(tmp_path: Path, length: int, place: str) -> None:
    """Up to libxml2's limit the text is cut and told, beyond it the file is refused."""
    if place == "element":
        value = f'<gen:stringAttribute name="n"><gen:value>{"x" * length}</gen:value></gen:stringAttribute>'
        path = gml.write(tmp_path, gml.city(gml.building(value + gml.boundaries())))
    else:
        path = gml.write(tmp_path, gml.city(gml.building(gml.boundaries(), "x" * length)))
    try:
        data = detect.read_buildings([path])
    except SourceError as error:
        assert "10 million characters" in str(error)
        assert len(str(error)) < 1000
    else:
        assert len(data.tables["buildings"].iloc[0]["attributes"]) < 20_000
        assert any(finding.kind == "repaired" for finding in data.findings)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file(tmp_path: Path, share: float) -> None:
    whole = gml.city(*(gml.building(gml.boundaries(prefix=f"p{n}"), f"B{n}") for n in range(20)))
    assert "ends in the middle" in refusal(gml.write(tmp_path, whole[: int(len(whole) * share)]))


def test_an_empty_file(tmp_path: Path) -> None:
    for content in ("", " \n\t "):
        assert "empty" in refusal(gml.write(tmp_path, content))


@pytest.mark.parametrize(
    "text",
    [gml.city(), gml.city("<core:cityObjectMember/>"), gml.city(gml.building("<gml:name>x</gml:name>"))],
)
def test_no_buildings(tmp_path: Path, text: str) -> None:
    assert "no buildings" in refusal(gml.write(tmp_path, text))


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "no buildings" in refusal(tmp_path)


def test_no_such_file(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.gml")


# -------------------------------------------------------------------------------------------------- CRS
def test_missing_crs(tmp_path: Path) -> None:
    assert "--crs" in refusal(gml.house_file(tmp_path, srs=None))


def test_unknown_crs(tmp_path: Path) -> None:
    assert "'urn:nothing'" in refusal(gml.house_file(tmp_path, srs="urn:nothing"))


def test_degrees_where_metres_are_said(tmp_path: Path) -> None:
    house = {
        name: [(11.6 + (x - gml.WEST) * 1e-5, 50.88 + (y - gml.SOUTH) * 1e-5, z) for x, y, z in ring]
        for name, ring in gml.faces().items()
    }
    assert "degrees" in refusal(gml.write(tmp_path, gml.city(gml.building(gml.boundaries(house)))))


# ------------------------------------------------------------------------------------- single buildings
@pytest.mark.parametrize("value", ["NaN", "inf", "-INF", "1e999", "abc", "1_000", "0x10", ""])
def test_a_broken_number_costs_one_building(tmp_path: Path, value: str) -> None:
    house = gml.faces(west=gml.WEST + 50)
    broken = gml.boundaries(house, "q").replace(f"{gml.WEST + 50:.3f}", value, 1)
    data = accepted(gml.write(tmp_path, gml.city(HOUSE, gml.building(broken, "broken"))))
    assert list(data.tables["buildings"].index) == ["B1"]
    assert len(data.tables["surfaces"]) == 6
    left_out = [finding for finding in data.findings if finding.kind == "left_out"]
    assert [finding.record for finding in left_out] == ["broken"]
    assert left_out[0].message


def test_only_broken_buildings(tmp_path: Path) -> None:
    broken = gml.boundaries().replace(f"{gml.WEST:.3f}", "NaN", 1)
    assert "no buildings" in refusal(gml.write(tmp_path, gml.city(gml.building(broken))))


def test_a_building_at_the_other_end_of_the_world(tmp_path: Path) -> None:
    away = gml.boundaries(gml.faces(west=0.0, south=0.0), "q")
    data = accepted(
        gml.write(
            tmp_path,
            gml.city(HOUSE, HOUSE.replace("B1", "B2").replace("p-", "r-"), gml.building(away, "away")),
        )
    )
    assert "away" not in data.tables["buildings"].index
    assert any(finding.record == "away" and finding.kind == "left_out" for finding in data.findings)


def test_a_building_without_geometry(tmp_path: Path) -> None:
    data = accepted(gml.write(tmp_path, gml.city(HOUSE, gml.building("<gml:name>bare</gml:name>", "bare"))))
    assert [finding.record for finding in data.findings] == ["bare"]


def test_a_footprint_that_crosses_itself_is_repaired(tmp_path: Path) -> None:
    a, b, c, d, _ = gml.faces()["ground"]
    bow = gml.faces() | {"ground": [a, c, b, d, a]}
    data = accepted(gml.write(tmp_path, gml.city(gml.building(gml.boundaries(bow)))))
    assert data.tables["buildings"].geometry.is_valid.all()
    assert data.tables["buildings"].geometry.area.iloc[0] == pytest.approx(
        40.0
    )  # two triangles of a quarter each
    assert [finding.kind for finding in data.findings] == ["repaired"]


def test_a_ground_without_area_is_replaced_by_the_roof(tmp_path: Path) -> None:
    a, b, *_ = gml.faces()["ground"]
    flat = gml.faces() | {"ground": [a, b, a, b, a]}
    data = accepted(gml.write(tmp_path, gml.city(gml.building(gml.boundaries(flat)))))
    assert data.tables["buildings"].geometry.area.iloc[0] == pytest.approx(80.0)
    assert [finding.kind for finding in data.findings] == ["repaired"]


def test_a_building_without_any_area_is_left_out(tmp_path: Path) -> None:
    line = {"south": gml.faces(west=gml.WEST + 50)["south"]}
    data = accepted(gml.write(tmp_path, gml.city(HOUSE, gml.building(gml.boundaries(line, "q"), "line"))))
    assert list(data.tables["buildings"].index) == ["B1"]
    assert "no area" in data.findings[0].message


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    circle = (
        '<gml:CompositeSurface gml:id="a"><gml:surfaceMember xlink:href="#b"/></gml:CompositeSurface>'
        '<gml:CompositeSurface gml:id="b"><gml:surfaceMember xlink:href="#a"/></gml:CompositeSurface>'
    )
    content = f"<bldg:lod2MultiSurface>{gml.multi(gml.member(circle))}</bldg:lod2MultiSurface>"
    assert (
        len(
            accepted(gml.write(tmp_path, gml.city(gml.building(gml.boundaries() + content)))).tables[
                "surfaces"
            ]
        )
        == 6
    )


def test_deep_nesting(tmp_path: Path) -> None:
    deep = "<gml:surfaceMember>" * 5000
    path = gml.write(tmp_path, gml.city(gml.building(f"<bldg:lod2MultiSurface>{deep}")))
    refusal(path)


# ------------------------------------------------------------------------------------------------- ZIP
def zipped(path: Path, members: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_a_zip_bomb_that_says_so(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"tile.gml": b"\0" * (archive.MAX_RATIO_FREE_BYTES + 1)})
    assert "zip bomb" in refusal(path)


def test_a_zip_bomb_that_hides_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stated size is small; what comes out is counted all the same."""
    monkeypatch.setattr(archive, "MAX_RATIO_FREE_BYTES", 1 << 20)
    text = gml.city(HOUSE, head="<!--" + " " * (8 << 20) + "-->")
    path = zipped(tmp_path / "bomb.zip", {"tile.gml": text})
    data = bytearray(path.read_bytes())
    size = struct.pack("<I", len(text.encode()))
    while size in data:  # both in the local header and in the directory
        data[data.index(size) : data.index(size) + 4] = struct.pack("<I", 1000)
    path.write_bytes(data)
    refusal(path)


def test_a_gzip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_RATIO_FREE_BYTES", 1 << 20)
    path = tmp_path / "tile.gml.gz"
    path.write_bytes(gzip.compress(gml.city(HOUSE, "<!--" + " " * (16 << 20) + "-->").encode()))
    assert "zip bomb" in refusal(path)


@pytest.mark.parametrize(
    "name", ["../../evil.gml", "/etc/evil.gml", "C:\\evil.gml", "a/..\\..\\evil.gml", "\\evil.gml"]
)
def test_members_outside_the_archive(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "tile.zip", {name: gml.city(HOUSE)})
    assert "outside itself" in refusal(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["tile.zip"]


def test_links_in_archives(tmp_path: Path) -> None:
    path = tmp_path / "tile.zip"
    info = zipfile.ZipInfo("tile.gml")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(info, "/etc/passwd")
    assert "outside itself" in refusal(path)


@pytest.mark.parametrize("cut", [10, 200, -30])
def test_a_truncated_zip(tmp_path: Path, cut: int) -> None:
    path = zipped(tmp_path / "tile.zip", {"tile.gml": gml.city(HOUSE)})
    path.write_bytes(path.read_bytes()[:cut])
    assert "damaged or cut off" in refusal(path)


def test_a_zip_whose_beginning_is_lost(tmp_path: Path) -> None:
    """Python's zipfile then looks before the file."""
    path = zipped(tmp_path / "tile.zip", {"tile.gml": gml.city(HOUSE)})
    path.write_bytes(b"PK\x03\x04" + path.read_bytes()[9:])
    assert "damaged or cut off" in refusal(path)


def test_a_zip_with_damaged_content(tmp_path: Path) -> None:
    text = gml.city(*(gml.building(gml.boundaries(prefix=f"p{n}"), f"B{n}") for n in range(200)))
    path = zipped(tmp_path / "tile.zip", {"tile.gml": text})
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20] = b"\xff" * 20
    path.write_bytes(data)
    refusal(path)


def test_a_truncated_gzip(tmp_path: Path) -> None:
    path = tmp_path / "tile.gml.gz"
    path.write_bytes(gzip.compress(gml.city(HOUSE).encode())[:-40])
    assert "damaged or cut off" in refusal(path)


def test_a_zip_with_a_password(tmp_path: Path) -> None:
    path = zipped(tmp_path / "tile.zip", {"tile.gml": gml.city(HOUSE)})
    data = bytearray(path.read_bytes())
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + offset] |= 1  # general purpose flag, bit 0: encrypted
    path.write_bytes(data)
    assert "password" in refusal(path)


def test_a_zip_in_a_zip(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("tile.gml", gml.city(HOUSE))
    assert "another archive" in refusal(zipped(tmp_path / "outer.zip", {"inner.zip": inner.getvalue()}))
    data = accepted(
        zipped(tmp_path / "both.zip", {"inner.zip": inner.getvalue(), "tile.gml": gml.city(HOUSE)})
    )
    assert [finding.record for finding in data.findings if finding.kind == "left_out"] == ["inner.zip"]


def test_an_empty_zip(tmp_path: Path) -> None:
    assert "no buildings" in refusal(zipped(tmp_path / "tile.zip", {}))


def test_an_unknown_archive(tmp_path: Path) -> None:
    path = tmp_path / "tile.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c" + b"\0" * 100)
    assert "Unpack it" in refusal(path)


# ------------------------------------------------------------------------------------------------ JSON
def cityjson(**changes: object) -> dict[str, object]:
    points = [(x, y, z) for z in (160.0, 166.0) for x, y in ((0, 0), (10, 0), (10, 8), (0, 8))]
    faces = [[[3, 2, 1, 0]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [1.0, 1.0, 1.0], "translate": [gml.WEST, gml.SOUTH, 0.0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "CityObjects": {
            "B1": {"type": "Building", "geometry": [{"type": "Solid", "lod": "2", "boundaries": [faces]}]}
        },
        "vertices": points,
    } | changes


def test_the_house_itself_is_fine(tmp_path: Path) -> None:
    assert len(accepted(gml.write(tmp_path, json.dumps(cityjson()))).tables["surfaces"]) == 6


@pytest.mark.parametrize(
    "text", ['{"type": "CityJSON", "version": "2.0", oops}', '{"type": "CityJSON" "version"}']
)
def test_broken_json(tmp_path: Path, text: str) -> None:
    assert "JSON" in refusal(gml.write(tmp_path, text, "city.json"))


@pytest.mark.parametrize("indent", [None, 1])
def test_truncated_json(tmp_path: Path, indent: int | None) -> None:
    text = json.dumps(cityjson(), indent=indent)
    for cut in (len(text) // 2, len(text) - 1):
        assert "ends in the middle" in refusal(gml.write(tmp_path, text[:cut], "city.json"))


def test_nested_json(tmp_path: Path) -> None:
    text = '{"type": "CityJSON", "version": "2.0", "CityObjects": ' + '{"a":' * 100_000
    assert "JSON" in refusal(gml.write(tmp_path, text, "city.json"))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "0.9"}, {"version": 2}, {"transform": {"scale": "x"}}, {"CityObjects": {}},
        {"CityObjects": []},
        {"metadata": {}}, {"metadata": None}, {"metadata": {"referenceSystem": "local"}}, {"vertices": []},
        {"vertices": None},
        {"CityObjects": {"B1": {"type": "Building", "geometry": [{"type": "Solid", "lod": "2"}]}}},
        {"CityObjects": {"B1": {"type": "Building"}}},
        {"CityObjects": {"T": {"type": "SolitaryVegetationObject"}}},
        {"CityObjects": {"B1": None}},
    ],
)  # fmt: skip
def test_cityjson_at_fault(tmp_path: Path, changes: dict[str, object]) -> None:
    refusal(gml.write(tmp_path, json.dumps(cityjson(**changes)), "city.json"))


def test_minimal_cityjson_has_no_buildings(shared_data: Path) -> None:
    assert "no buildings" in refusal(shared_data / "cityjson" / "minimal.json")


def test_cityjson_without_crs(tmp_path: Path, shared_data: Path) -> None:
    assert "--crs" in refusal(shared_data / "cityjson" / "multi_lod.json")


def test_cityjson_in_degrees(tmp_path: Path) -> None:
    transform = {"scale": [1e-5, 1e-5, 1.0], "translate": [11.6, 50.88, 0.0]}
    assert "degrees" in refusal(gml.write(tmp_path, json.dumps(cityjson(transform=transform)), "city.json"))


BROKEN: dict[str, Callable[[dict[str, list[object]]], object]] = {
    "vertex number too large": lambda g: g["boundaries"][0][0][0].__setitem__(0, 10**6),  # type: ignore[index]
    "negative vertex number": lambda g: g["boundaries"][0][0][0].__setitem__(0, -1),  # type: ignore[index]
    "vertex number is a text": lambda g: g["boundaries"][0][0][0].__setitem__(0, "0"),  # type: ignore[index]
    "vertex number is a fraction": lambda g: g["boundaries"][0][0][0].__setitem__(0, 0.5),  # type: ignore[index]
    "boundaries are null": lambda g: g.__setitem__("boundaries", None),  # type: ignore[arg-type]
    "ring is a number": lambda g: g["boundaries"][0][0].__setitem__(0, 3),  # type: ignore[index]
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_object_costs_one_building(tmp_path: Path, name: str) -> None:
    document = json.loads(json.dumps(cityjson()))
    document["CityObjects"]["broken"] = json.loads(json.dumps(document["CityObjects"]["B1"]))
    BROKEN[name](document["CityObjects"]["broken"]["geometry"][0])
    data = accepted(gml.write(tmp_path, json.dumps(document), "city.json"))
    assert list(data.tables["buildings"].index) == ["B1"]
    assert [finding.record for finding in data.findings] == ["broken"]


@pytest.mark.parametrize("vertex", ["NaN", "Infinity", "null", '"x"', "1e999", "1" * 400, "[1]"])
def test_a_broken_vertex_costs_the_buildings_on_it(tmp_path: Path, vertex: str) -> None:
    document = json.loads(json.dumps(cityjson()))
    solid = json.loads(json.dumps(document["CityObjects"]["B1"]))
    solid["geometry"][0]["boundaries"][0][0] = [[8, 2, 1, 0]]
    document["CityObjects"]["broken"] = solid
    document["vertices"].append(["HERE", 0, 160])
    text = json.dumps(document).replace('"HERE"', vertex)
    data = accepted(gml.write(tmp_path, text, "city.json"))
    assert list(data.tables["buildings"].index) == ["B1"]


def test_long_attributes_of_cityjson_are_cut(tmp_path: Path) -> None:
    document = json.loads(json.dumps(cityjson()))
    document["CityObjects"]["B1"]["attributes"] = {"long": "x" * 10_000_000, "name": "y" * 10_000_000}
    data = accepted(gml.write(tmp_path, json.dumps(document), "city.json"))
    building = data.tables["buildings"].iloc[0]
    assert len(building["attributes"]) < 20_000
    assert len(building["name"]) <= 10_000
    assert {finding.kind for finding in data.findings} == {"repaired"}


def test_crc_of_members_is_checked(tmp_path: Path) -> None:
    """A stored (not packed) member with one letter changed."""
    path = tmp_path / "tile.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tile.gml", gml.city(HOUSE))
    data = path.read_bytes().replace(b"160.0", b"161.0", 1)
    assert zlib.crc32(data) != zlib.crc32(path.read_bytes())
    path.write_bytes(data)
    assert "damaged" in refusal(path)


def test_numbers_stay_finite(tmp_path: Path) -> None:
    data = accepted(gml.write(tmp_path, gml.city(HOUSE)))
    assert np.isfinite(data.tables["buildings"].geometry.total_bounds).all()
