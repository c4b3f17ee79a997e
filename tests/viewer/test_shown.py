"""Pages, tables and files share one memory of what the public has seen: subtraction tells of nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.viewer.districts import small
from tests.viewer.test_server import TOKEN, serving
from twin.district import District
from twin.errors import SourceError
from viewer import backup, privacy, publish, server, shown
from viewer.publish import Options

GROUPS = "/api/ogc/collections/modelled_values/items?limit=100"


def street(houses: int) -> District:
    """A street of houses of one dwelling each, which somebody lives in."""
    town = small()
    ids = [f"house-{number:02}" for number in range(houses)]
    of_houses = {
        name: table[table["building_id"].isin(ids)]
        for name, table in town.tables().items()
        if "building_id" in table.columns
    }
    houses = town.buildings.loc[ids]
    blocks = town.blocks.loc[town.blocks.index.isin(houses["block_id"])]
    tables = {**of_houses, "buildings": houses, "blocks": blocks}
    return replace(town.replace(**tables), metadata={**town.metadata, "is_model": False})


def seen_of(town: District, memory: Path | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a server that has just started tells of groups: as a table for programs, and on its page."""
    app = server.create_app(town, token=TOKEN, public_only=True, seen=memory)
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        features = client.get(GROUPS).json()["features"]
        site = client.get("/lobeda-site.json").json()["groups"]
    return {one["id"]: one["properties"]["heating_need_kwh"] for one in features}, site


def test_a_new_house_is_no_difference_of_page_table_and_yesterday(bundle: Path, tmp_path: Path) -> None:
    """The server starts again with a house more, as after an update of the district."""
    memory = tmp_path / "shown" / "street.json"
    before, _ = seen_of(street(6), memory)
    assert len(before) == 1
    fresh, _ = seen_of(street(7), None)
    assert fresh.keys() != before.keys()  # without a memory, the difference of the two is the new house
    after, site = seen_of(street(7), memory)
    assert after.keys() == before.keys()  # the very group, without the new house
    assert not any("house-06" in members for members in site.values())
    folder = publish.publish(street(7), tmp_path / "site", options=Options(memory=memory))
    told = json.loads((folder / "lobeda-site.json").read_text())["groups"]
    assert told == site


def test_five_new_houses_are_shown_by_themselves(bundle: Path, tmp_path: Path) -> None:
    memory = tmp_path / "street.json"
    before, _ = seen_of(street(6), memory)
    after, site = seen_of(street(11), memory)
    assert before.keys() < after.keys() and len(after) == 2
    (fresh,) = (members for name, members in site.items() if name not in before)
    assert set(fresh) == {f"house-{number:02}" for number in range(6, 11)}


def test_a_folder_that_lost_the_memory_still_has_its_own(bundle: Path, tmp_path: Path) -> None:
    """A site says which groups it shows: the next one into its folder follows it."""
    memory = tmp_path / "street.json"
    first = publish.publish(street(6), tmp_path / "site", options=Options(memory=memory))
    known = json.loads((first / "lobeda-site.json").read_text())["groups"]
    memory.unlink()
    publish.publish(street(7), tmp_path / "site", options=Options(memory=memory))
    assert shown.read(memory).items() >= known.items()
    assert not any("house-06" in members for members in shown.read(memory).values())


def test_a_damaged_memory_is_no_empty_one(bundle: Path, tmp_path: Path) -> None:
    memory = tmp_path / "street.json"
    for content in ("", "[1]", '{"g": 3}', '{"g": {"a": "x"}}'):
        memory.write_text(content)
        with pytest.raises(SourceError, match="backup"):
            server.create_app(street(6), token=TOKEN, public_only=True, seen=memory)


def test_the_memory_is_kept_with_the_data_and_in_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "data"))
    assert shown.memory(small()) is None  # a model's houses are nobody's
    file = shown.memory(street(6))
    assert file is not None and file.is_relative_to(tmp_path / "data")
    groups: privacy.Earlier = {"g1": {"house-00": 1.0, "house-01": 8.0}}
    shown.write(file, groups)
    assert shown.read(file) == groups and not list(file.parent.glob(".*"))
    (tmp_path / "data" / "sensors.sqlite").touch()
    manifest = backup.backup(tmp_path / "all.lobeda")
    assert f"shown/{file.name}" in manifest["files"]
