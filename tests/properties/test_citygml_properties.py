"""Any house written in any form of CityGML is read the same, and no damage to a file gives a traceback."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.sources import gml
from twin import schema
from twin.errors import SourceError
from twin.sources import detect
from twin.sources.base import SourceData

Faces = dict[str, list[gml.Point]]


@contextmanager
def file(content: bytes | str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tile.gml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        yield path


def read(content: str) -> SourceData:
    with file(content) as path:
        return detect.read_buildings([path])


@st.composite
def prisms(draw: st.DrawFn) -> Faces:
    """A convex prism: a ring of corners around a centre, lifted; outward by the right-hand rule."""
    corners = draw(st.integers(3, 9))
    turn, radius = draw(st.floats(0, 6)), draw(st.floats(2, 60))
    x = gml.WEST + draw(st.floats(-2000, 2000))
    y = gml.SOUTH + draw(st.floats(-2000, 2000))
    base, height = draw(st.floats(-50, 900)), draw(st.floats(1.5, 90))
    angle = turn + np.arange(corners) * 2 * np.pi / corners
    ring = np.round(np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)]), 3)
    low, high = round(base, 3), round(base + height, 3)
    points = [(float(p), float(q)) for p, q in ring]
    faces = {"roof": [(*p, high) for p in points], "ground": [(*p, low) for p in reversed(points)]}
    for number, (p, q) in enumerate(zip(points, [*points[1:], points[0]], strict=True)):
        faces[f"wall{number}"] = [(*p, low), (*q, low), (*q, high), (*p, high)]
    return {name: [*face, face[0]] for name, face in faces.items()}


def written(faces: Faces, form: str) -> str:
    """The same house in the forms that offices use."""
    names = list(faces)
    solid = f"<bldg:lod2Solid>{gml.solid(*(gml.link(f'p-{name}') for name in names))}</bldg:lod2Solid>"
    if form == "semantic":
        return gml.boundaries(faces)
    if form == "links forward":
        return solid + gml.boundaries(faces)
    if form == "links backward":
        return gml.boundaries(faces) + solid
    if form == "twice":
        return gml.boundaries(faces) + gml.inline_solid(faces)
    if form == "part":
        return gml.part(gml.boundaries(faces) + solid, "part")
    return gml.inline_solid(faces)


FORMS = ("semantic", "links forward", "links backward", "twice", "part", "plain")


@settings(max_examples=20, deadline=None)
@given(faces=prisms(), form=st.sampled_from(FORMS), version=st.sampled_from(["1.0", "2.0", "3.0"]))
def test_every_form_gives_the_same_house(faces: Faces, form: str, version: str) -> None:
    data = read(gml.city(gml.building(written(faces, form)), version=version))
    table = data.tables["surfaces"]
    assert dict(table["surface_type"].value_counts()) == {
        "WallSurface": len(faces) - 2,
        "RoofSurface": 1,
        "GroundSurface": 1,
    }
    rings = sorted(tuple(shape.exterior.coords) for shape in table.geometry)
    assert rings == sorted(tuple(ring) for ring in faces.values())
    ring = np.array(faces["roof"])[:, :2] - [gml.WEST, gml.SOUTH]
    area = 0.5 * abs(np.sum(ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1]))  # Gauss's formula
    house = data.tables["buildings"].iloc[0]
    assert house["geometry"].area == pytest.approx(area, abs=0.05)
    assert house["measured_height_m"] == pytest.approx(faces["roof"][0][2] - faces["ground"][0][2], abs=2e-3)


CITY = gml.city(
    gml.building("<bldg:measuredHeight>6</bldg:measuredHeight>" + gml.links() + gml.boundaries(), "A"),
    gml.building(gml.part(gml.inline_solid(gml.faces(west=gml.WEST + 20), lod=1, prefix="q"), "P"), "B"),
).encode()


@settings(max_examples=80, deadline=None)
@given(
    place=st.floats(0, 1),
    length=st.integers(0, 60),
    patch=st.one_of(
        st.binary(max_size=30),
        st.sampled_from(
            [b"<", b">", b"&x;", b"NaN", b"1e400", b"]]>", b"<!--", b"</gml:posList>", b'"', b"#", b"-"]
        ),
    ),
)
def test_damage_gives_one_line_or_a_sound_table(place: float, length: int, patch: bytes) -> None:
    start = int(place * len(CITY))
    check_damaged(CITY[:start] + patch + CITY[start + length :])


@settings(max_examples=20, deadline=None)
@given(end=st.integers(0, len(CITY)))
def test_any_cut_gives_one_line(end: int) -> None:
    check_damaged(CITY[:end])


def check_damaged(content: bytes) -> None:
    with file(content) as path:
        try:
            data = detect.read_buildings([path])
        except SourceError as error:
            assert "\n" not in str(error)
            assert str(path) in str(error)
            return
    tables = {name: schema.conform(name, frame) for name, frame in data.tables.items()}
    known = tables["buildings"].index
    for name in set(tables) - {"buildings"}:
        assert tables[name]["building_id"].isin(known).all()
    assert tables["buildings"].geometry.is_valid.all()
    assert np.isfinite(tables["buildings"].geometry.total_bounds).all()
