"""CityJSON and CityGML of the same houses are read the same, and no damage to a file gives a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.test_citygml_properties import Faces, check_damaged, file, prisms
from tests.properties.test_citygml_properties import read as read_text
from tests.twin.sources import gml
from tests.twin.sources.test_cityjson import building, document, solid
from twin.sources import detect

Json = dict[str, Any]


def as_cityjson(faces: Faces, version: str) -> Json:
    """The faces with shared vertices in millimetres."""
    points = sorted({point for ring in faces.values() for point in ring})
    number = {point: index for index, point in enumerate(points)}
    boundaries = [[[number[point] for point in ring[:-1]]] for ring in faces.values()]
    origin = (gml.WEST, gml.SOUTH, 0.0)
    vertices = [[round((value - zero) * 1000) for value, zero in zip(p, origin, strict=True)] for p in points]
    geometry = {"type": "Solid", "lod": "2", "boundaries": [boundaries]}
    return document({"B1": building(geometry)}, version, vertices=vertices)


@settings(max_examples=12, deadline=None)
@given(faces=prisms(), version=st.sampled_from(["1.0", "1.1", "2.0"]), indent=st.sampled_from([None, 1]))
def test_the_same_house_in_both_formats(faces: Faces, version: str, indent: int | None) -> None:
    one = read_text(json.dumps(as_cityjson(faces, version), indent=indent))
    other = read_text(gml.city(gml.building(gml.inline_solid(faces))))
    assert list(one.tables["surfaces"]["surface_type"]) == list(other.tables["surfaces"]["surface_type"])
    for mine, theirs in zip(one.tables["surfaces"].geometry, other.tables["surfaces"].geometry, strict=True):
        assert list(mine.exterior.coords) == [
            pytest.approx(point, abs=1e-6) for point in theirs.exterior.coords
        ]
    for column in ("measured_height_m", "ground_height_m"):
        assert one.tables["buildings"][column].iloc[0] == pytest.approx(
            other.tables["buildings"][column].iloc[0]
        )


CITY = json.dumps(
    document({"B1": building(solid(), attributes={"measuredHeight": 6, "function": ["31001_1010"]})})
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1), length=st.integers(0, 30), patch=st.binary(max_size=12))
def test_damage_gives_one_line_or_a_sound_table(place: float, length: int, patch: bytes) -> None:
    start = int(place * len(CITY))
    check_damaged(CITY.encode()[:start] + patch + CITY.encode()[start + length :])


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(st.integers(0, 12), min_size=1, max_size=7), value=VALUES)
def test_any_value_anywhere(steps: list[int], value: object) -> None:
    """Some node of the document is replaced by something that has no business there."""
    city = json.loads(CITY)
    node: Any = city
    path: list[Any] = []
    for step in steps:
        keys = (
            list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        )
        if not keys:
            break
        path.append(keys[step % len(keys)])
        node = node[path[-1]]
    holder = city
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    check_damaged(json.dumps(city).encode())


def test_the_undamaged_city_is_read() -> None:
    with file(CITY) as path:
        assert len(detect.read_buildings([path]).tables["buildings"]) == 1
