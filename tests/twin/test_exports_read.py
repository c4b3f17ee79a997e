"""What we write, as other people's programs read it: loaders.gl, cityjson-lib, cjio, ogrinfo."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.twin.readers import (
    cityjson_says,
    cjio_reads_sequence,
    hold_tiles,
    ogrinfo_counts,
    tiles_say,
)
from tests.viewer.districts import small
from twin import exports
from twin.district import District
from twin.exports import tiles


@pytest.fixture(scope="module")
def district() -> District:
    return small()


@pytest.fixture(scope="module")
def facts(district: District) -> pd.DataFrame:
    return pd.DataFrame(district.buildings[["name", "street", "dwellings", "measured_height_m"]])


@pytest.fixture(scope="module")
def written(district: District, facts: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("read")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "PER_TILE", 6)
        for name in ("a.city.json", "a.city.jsonl", "a.gpkg", "a.glb", "tiles"):
            exports.write(district, folder / name, facts)
    return folder


@pytest.mark.parametrize(("name", "count"), [("a.glb", 1), ("tiles/tileset.json", 4)])
def test_loaders_gl_decodes_every_fact(
    written: Path, district: District, facts: pd.DataFrame, tmp_path: Path, name: str, count: int
) -> None:
    told = tiles_say(written / name, tmp_path / "read.cjs")
    assert len(told) == count
    hold_tiles(told, district, facts)
    streets = {s for tile in told for s in tile["columns"]["street"]}
    assert streets == {"Karl-Marx-Allee", "Erlanger Allee", "Dorfstraße", ""}


@pytest.mark.parametrize("name", ["a.city.json", "a.city.jsonl"])
def test_cityjson_lib_takes_both_forms(written: Path, name: str) -> None:
    """20 buildings of one shell each, with walls, a roof and a ground."""
    assert cityjson_says((written / name).read_bytes()) == (20, 20, 60)


def _first(document: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = document["CityObjects"]["west-0"]
    return one


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("version"),
        lambda d: _first(d).update(type="Bilding"),
        lambda d: _first(d).update(parents=["nobody"]),
        lambda d: _first(d).update(address={"street": "x"}),
        lambda d: _first(d)["geometry"][0].update(lod=2),
        lambda d: _first(d)["geometry"][0]["semantics"]["surfaces"][0].update(type="Roof"),
        lambda d: _first(d)["geometry"][0]["boundaries"][0][0][0].insert(0, 10**6),
    ],
)  # fmt: skip
def test_cityjson_lib_would_say_so(written: Path, spoil: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((written / "a.city.json").read_text("utf-8"))
    spoil(document)
    with pytest.raises(ValueError):  # whatever it says
        cityjson_says(json.dumps(document, ensure_ascii=False).encode())


def test_cjio_reads_the_sequence_as_the_document(written: Path, tmp_path: Path) -> None:
    read = cjio_reads_sequence(written / "a.city.jsonl", tmp_path / "b.city.json")
    document = json.loads((written / "a.city.json").read_text("utf-8"))
    assert read["metadata"]["referenceSystem"] == document["metadata"]["referenceSystem"]
    for name, one in document["CityObjects"].items():
        assert read["CityObjects"][name]["attributes"] == one["attributes"]
        assert corners(read, name) == corners(document, name)


def corners(document: dict[str, Any], name: str) -> set[tuple[float, ...]]:
    """Where a building's vertices are, to the millimetre."""
    scale, moved = document["transform"]["scale"], document["transform"]["translate"]
    (geometry,) = document["CityObjects"][name]["geometry"]
    numbers = {n for shell in geometry["boundaries"] for face in shell for ring in face for n in ring}
    return {
        tuple(
            round(value * s + m, 3) for value, s, m in zip(document["vertices"][n], scale, moved, strict=True)
        )
        for n in numbers
    }


def test_ogrinfo_finds_every_row(written: Path, district: District) -> None:
    names = ("buildings", "surfaces", "blocks", "trees")
    assert ogrinfo_counts(written / "a.gpkg") == {name: len(district.tables()[name]) for name in names}
