"""Pages, tables and files share one memory of what the public has seen: subtraction tells of nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

import energy
import scenarios
from tests.viewer.districts import small
from tests.viewer.test_server import TOKEN, serving
from twin.district import District, open_district
from twin.errors import CallError, SourceError
from viewer import backup, cli, privacy, public_report, publish, server, shown
from viewer.publish import Options
from viewer.state import Twin

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
    figures = ("a_use_m2", "heating_need_kwh", "co2_kg")
    return {one["id"]: [one["properties"][name] for name in figures] for one in features}, site


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


def changed(town: District, numbers: range) -> District:
    """Some houses heat with a heat pump from now on."""
    buildings = town.buildings.copy()
    buildings.loc[[f"house-{number:02}" for number in numbers], "heating"] = "heat_pump"
    return town.replace(buildings=buildings)


def told(folder: Path) -> dict[str, Any]:
    """All figures that a site's pages work with."""
    (file,) = folder.glob("data/district-*.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def test_a_house_that_changes_is_no_difference_over_time(bundle: Path, tmp_path: Path) -> None:
    """Page and table show its group as before, today's year as any scenario, until five have changed."""
    memory = tmp_path / "street.json"
    before, _ = seen_of(street(12), memory)
    first = publish.publish(street(12), tmp_path / "first", options=Options(memory=memory))
    plain, _ = seen_of(changed(street(12), range(7, 8)), None)
    assert plain != before  # without a memory: the difference is the house's
    after, _ = seen_of(changed(street(12), range(7, 8)), memory)
    assert after == before
    town = changed(street(12), range(7, 8))
    second = publish.publish(town, tmp_path / "second", options=Options(memory=memory))
    was, now = told(first), told(second)
    assert now["groups"]["name"] == was["groups"]["name"]
    for figure in ("heating_need_mwh", "co2_t", "heating_need_kwh_m2"):
        today, retrofit = (now["groups"][figure][state] for state in ("today", "retrofit"))
        assert today == was["groups"][figure]["today"], figure
        # A scenario of the group would be that of its houses as they are: it shows as today instead.
        assert retrofit == [was["groups"][figure]["retrofit"][0], today[1]], figure
    for mine, theirs in zip(now["layers"], was["layers"], strict=True):
        assert mine["values"].get("today") == theirs["values"].get("today"), mine
    with pytest.raises(CallError, match="fewer than five"):
        case = energy.Case(town, energy.weather.sample())
        public_report.groups(scenarios.load("library/roof-pv.yaml"), case, memory)
    four, _ = seen_of(changed(street(12), range(6, 10)), memory)
    assert four == before
    many, _ = seen_of(changed(street(12), range(6, 11)), memory)  # with the first, five have
    assert many != before
    assert many == seen_of(changed(street(12), range(6, 11)), None)[0]
    again, _ = seen_of(changed(street(12), range(6, 12)), memory)  # one more: it waits for four others
    assert again == many


def refurbished(town: District, numbers: range) -> District:
    """Some houses are insulated: figures change that another weather changes too."""
    buildings = town.buildings.copy()
    buildings.loc[[f"house-{number:02}" for number in numbers], "refurbishment"] = "advanced"
    return town.replace(buildings=buildings)


def co2_of(town: District, memory: Path, colder_k: float) -> tuple[dict[str, float], Twin]:
    """What the groups of a server show that has just started, in a year so much colder than the sample's."""
    sample = energy.weather.sample()
    twin = Twin.of(town, replace(sample, temp_air=sample.temp_air - colder_k))
    app = server.create_app(town, token=TOKEN, public_only=True, seen=memory, shown=twin)
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        features = client.get(GROUPS).json()["features"]
    return {one["id"]: one["properties"]["co2_kg"] for one in features}, twin


def test_a_house_does_not_hide_behind_another_weather(bundle: Path, tmp_path: Path) -> None:
    """What the weather does can be told from the other group: what is left would be the house's."""
    memory = tmp_path / "street.json"
    before, twin = co2_of(street(12), memory, 0.0)
    mine = twin.group["house-07"]
    (other,) = set(before) - {mine}
    after, _ = co2_of(refurbished(street(12), range(7, 8)), memory, 1.0)
    assert after[mine] == before[mine]
    assert after[other] > 1.02 * before[other]  # a new weather is not held back by itself
    again, _ = co2_of(refurbished(street(12), range(7, 8)), memory, 2.0)
    assert again[mine] == before[mine] and again[other] > after[other]  # nor after a further restart
    many, _ = co2_of(refurbished(street(12), range(6, 11)), memory, 2.0)  # with the first, five have
    assert many[mine] < again[mine]


def test_who_has_changed_is_told_by_facts_where_all_change() -> None:
    """By hand: all fall by a tenth, one by half more; 0.55 less 0.1 is the one's own."""
    group = pd.Series("g", index=list("abcdef"))
    units = pd.Series(1.0, index=group.index)
    before = pd.DataFrame({"co2_kg": 1000.0, "facts": "same"}, index=group.index)

    def held(*now: float, other: str) -> bool:
        table = before.assign(co2_kg=now, facts=["new" if one in other else "same" for one in group.index])
        return privacy.held_back(group, units, before, table) == {"g"}

    year = [900.0] * 5
    assert held(450, *year, other="a")
    assert not held(450, *year, other="")  # 0.1 is more than a tenth of 0.55: by figures alone, all change
    assert not held(900, *year, other="")
    assert not held(900, *year, other="a")  # another fact that does nothing
    assert held(450, *year, other="abcde")  # four more facts that do nothing do not hide the one
    assert held(450, 500, 500, 500, 900, 900, other="abcd")
    assert not held(450, 500, 500, 500, 500, 900, other="abcde")
    assert not held(450, 500, 500, 500, 500, 500, other="abcdef")  # nobody's facts are the same


def test_facts_are_what_decides(tmp_path: Path) -> None:
    town = street(6)
    known = privacy.facts_of(town)
    assert list(known.index) == list(town.buildings.index)
    one = town.buildings.copy()
    one.loc["house-02", ["name", "street", "owner", "heating_source"]] = "x"
    assert privacy.facts_of(town.replace(buildings=one.iloc[::-1])).sort_index().equals(known.sort_index())
    for column, value in (("heating", "oil"), ("refurbishment", "advanced"), ("dwellings", 3)):
        one = town.buildings.copy()
        one.loc["house-02", column] = value
        told = privacy.facts_of(town.replace(buildings=one))
        assert list(told.index[told != known]) == ["house-02"], column
    assert privacy.facts_of(open_district(town.save(tmp_path / "town"))).equals(known)


def test_who_changes_most_is_counted_not_who_changes_a_little() -> None:
    """By hand: shares of change of 0.5 beside 0.001 tell of one; 0.5 beside 0.06 of the units of both."""
    group = pd.Series("g", index=list("abcdef"))
    units = pd.Series(1.0, index=group.index)
    before = pd.DataFrame({"co2_kg": 1000.0}, index=group.index)

    def held(*now: float, dwellings: float = 1.0) -> bool:
        table = pd.DataFrame({"co2_kg": now}, index=group.index)
        return privacy.held_back(group, units * dwellings, before, table) == {"g"}

    assert not held(*[1000.0] * 6)  # nothing has changed
    assert held(500, *[1000] * 5) and held(500, *[999] * 5)
    assert not held(500, 940, 940, 940, 940, 1000)
    assert held(500, 960, 960, 960, 960, 1000)  # 0.04 is less than a tenth of 0.5
    assert not held(*[900.0] * 6)  # another weather is everybody's
    assert not held(500, *[1000] * 5, dwellings=8.0)  # a block of eight dwellings
    assert not held(1000.0000001, *[1000.0] * 5)  # another processor's rounding
    hidden = pd.Series(privacy.HIDDEN, index=group.index)
    one = before.assign(co2_kg=[500.0, *[1000.0] * 5])
    assert privacy.held_back(hidden, units, before, one) == frozenset()


def test_the_command_says_which_figures_are_old(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where it cannot know: the folder's site tells its groups, but not what lay behind them."""
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "data"))
    content, site = tmp_path / "content", tmp_path / "site"
    content.mkdir()

    def said(town: District, *more: str) -> str:
        town.save(tmp_path / "town")
        line = ["publish", str(site), "--district", str(tmp_path / "town"), "--content", str(content), *more]
        assert cli.run(line) == 0
        return capsys.readouterr().out

    assert "old figures" not in said(street(12))
    one = changed(street(12), range(7, 8))
    assert "1 group(s) go on showing their old figures" in said(one)
    assert json.loads(said(one, "--json"))["held_back"] == 1
    memory = shown.memory(one)
    assert memory is not None
    for file in memory.parent.glob(f"{memory.stem}.*"):
        file.unlink()
    told = said(one)
    assert "is not known here" in told and "old figures" not in told
    assert "is not known here" not in said(one)


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
