"""What the public may see of proposals: no difference of two states stands for fewer than five."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from scenarios import costs, outcome
from tests.viewer.test_proposals import HEAD, write
from viewer import impact, privacy, proposals, publish
from viewer.state import Twin

FIVE_HOUSES = "{buildings: [house-00, house-01, house-02, house-03, house-04]}"
SIX_HOUSES = "{buildings: [house-00, house-01, house-02, house-03, house-04, house-05]}"
CASES = {
    "all-houses": "{where: {street: Dorfstraße}}",
    "east": "{where: {street: Erlanger Allee}}",
    "five-houses": FIVE_HOUSES,
    "one-house": "{buildings: [house-07]}",
    "six-houses": SIX_HOUSES,
    "west": "{where: {street: Karl-Marx-Allee}}",
}
RETROFIT = "version: 1\nname: usual\nmeasures:\n  - measure: envelope_retrofit\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Proposals with the same measure for overlapping sets of buildings, an attacker's dream."""
    place = tmp_path_factory.mktemp("content")
    for name, targets in CASES.items():
        write(place, HEAD + f"scenario: usual.yaml\ntargets: {targets}\n", name=f"{name}.md")
    (place / "proposals" / "usual.yaml").write_text(RETROFIT, "utf-8")
    write(place, HEAD, name="talk.md")
    return place


@pytest.fixture(scope="module")
def states(
    folder: Path, twin: Twin
) -> tuple[dict[str, pd.DataFrame], list[impact.Impact], list[proposals.Proposal]]:
    planned = proposals.read(folder)
    first = {publish.RETROFIT: twin.run(publish.whatif.retrofit()).annual}
    return *impact.of_proposals(twin, planned, first, draws=2), planned


def test_no_two_states_differ_by_fewer_than_five(states, twin: Twin) -> None:  # type: ignore[no-untyped-def]
    """In every pair of states, the buildings of a group that differ are none or five dwellings or meters."""
    years, _, _ = states
    assert len(years) == 2 + len(CASES)
    units = pd.Series(impact.units_of(twin), index=twin.annual.index)
    shown = twin.group != privacy.HIDDEN
    for one, other in itertools.combinations(years, 2):
        differ = impact.changed_rows(years[one], years[other])
        sizes = units[differ & shown].groupby(twin.group[differ & shown]).sum()
        assert (sizes >= 5).all(), (one, other, sizes[sizes < 5])


def test_what_concerns_a_single_house_is_shown_as_today(states, twin: Twin) -> None:  # type: ignore[no-untyped-def]
    years, impacts, _ = states
    of = {found.proposal.name: found for found in impacts}
    pd.testing.assert_frame_equal(years["proposal-one-house"], twin.annual)
    assert of["one-house"].withheld == 1 and not of["one-house"].shown.any() and of["one-house"].home.empty
    assert of["west"].withheld == 0 and of["west"].shown.sum() == 3
    assert "talk" not in of


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=14, max_size=14), min_size=1, max_size=5))
def test_states_of_any_buildings_keep_apart(masks: list[list[bool]]) -> None:
    """Every set of buildings that combinations of states can be told apart by keeps the minimum."""
    group = pd.Series(["a"] * 8 + ["b"] * 5 + [privacy.HIDDEN])
    units = np.array([1.0] * 8 + [1, 1, 1, 7, 2] + [1])
    changed = {str(n): np.array(mask) for n, mask in enumerate(masks)}
    quiet = impact.quiet_groups(changed, group, units)
    marks = [
        tuple(bool(changed[s][row]) and group[row] not in quiet[s] for s in changed)
        for row in range(len(group))
    ]
    table = pd.DataFrame({"group": group, "mark": marks, "units": units})
    table = table[table["mark"].map(any) & (table["group"] != privacy.HIDDEN)]
    assert (table.groupby(["group", "mark"])["units"].sum() >= 5).all()


def test_home_is_the_mean_of_compare(states, twin: Twin) -> None:  # type: ignore[no-untyped-def]
    """Heat cost and levy of a section that is its own group are those that `scenarios.compare` gives."""
    _, impacts, planned = states
    found = next(i for i in impacts if i.proposal.name == "west")
    scenario = next(p for p in planned if p.name == "west").applied(twin.case)
    assert scenario is not None
    base = outcome.evaluate(scenarios.BASELINE, twin.case)
    after = outcome.evaluate(scenario, twin.case)
    table = scenarios.compare.indicators_of(after, base, "building")
    row = found.home.loc[twin.group["west-0"]]
    warm = table.loc["west-0", "warm_rent_change_eur_m2_month"]
    assert row["levy"] + row["heat_change"] == pytest.approx(warm, rel=2e-3)
    area = outcome.living_area_m2(twin.case)
    levy = costs.rent_levy(after.items, area, twin.case.parameters)
    assert row["levy"] == pytest.approx(levy["west-0"])
    assert row["heat_before"] + row["heat_change"] == pytest.approx(row["heat_after"])


def test_bands_enclose_and_follow_the_draws(states) -> None:  # type: ignore[no-untyped-def]
    _, impacts, _ = states
    home = next(i for i in impacts if i.proposal.name == "east").home
    assert (home["heat_before_low"] < home["heat_before_high"]).all()
    assert (home["heat_change_high"] < 0).all()  # a retrofit saves heat in every draw
    assert (home["levy_low"] <= home["levy_high"]).all()


def test_mixed_groups_tell_nothing_of_homes(states, twin: Twin) -> None:  # type: ignore[no-untyped-def]
    """The school alone joins a group of homes: that group's sum less its homes' would be the school's."""
    _, impacts, _ = states
    mixed = twin.group["school-1"]
    assert (twin.group == mixed).sum() > 1
    assert all(mixed not in found.home.index for found in impacts)


def test_trees_change_the_sun_and_a_retrofit_does_not(twin: Twin) -> None:
    trees = scenarios.Scenario(name="trees", measures=[scenarios.scenario.Step(measure="trees")])
    hours = impact.sun_hours(twin.case, trees.apply(twin.case))
    assert hours is not None and (hours["after"] <= hours["today"] + 1e-6).all()
    assert (hours["after"] < hours["today"] - 10).any()
    usual = scenarios.load("library/retrofit-wbs70.yaml").apply(twin.case)
    assert impact.sun_hours(twin.case, usual) is None


def test_files_tell_of_fewer_than_five_in_no_difference(
    folder: Path, twin: Twin, bundle: Path, tmp_path: Path
) -> None:
    """Subtract any two published tables, layers and states: what is left stands for five or more."""
    site = publish.publish(
        twin.district, tmp_path / "site", results=twin, options=publish.Options(content=folder, draws=2)
    )
    data = json.loads(next((site / "data").glob("district-*.json")).read_text("utf-8"))
    group = np.array([-1 if g is None else g for g in data["buildings"]["group"]])
    units = impact.units_of(twin)
    planned = {p.name: p for p in proposals.read(folder)}
    touched = {"today": np.zeros(len(group), bool), "retrofit": group >= 0}
    for entry in data["proposals"]:
        if entry["frame"]:
            scenario = planned[entry["id"]].applied(twin.case)
            assert scenario is not None
            touched[entry["frame"]] = impact.changed_rows(
                twin.annual, impact._year(twin, scenario.apply(twin.case))
            )
    assert set(touched) == set(data["frames"])
    tables = {"mwh": data["groups"]["heating_need_mwh"], "co2": data["groups"]["co2_t"]}
    for layer in data["layers"]:
        if layer["by"] == "group" and layer["id"] != "saving":
            tables[layer["id"]] = {
                s: layer["values"].get(s, layer["values"]["today"]) for s in data["frames"]
            }
    for state in data["frames"]:  # a group that looks as today in all tables is as today
        same = [
            all(table[state][g] == table["today"][g] for table in tables.values())
            for g in range(group.max() + 1)
        ]
        touched[state] = touched[state] & ~np.isin(group, np.flatnonzero(same))
    found = 0
    for one, other in itertools.combinations(data["frames"], 2):
        for name, table in tables.items():
            for g, (a, b) in enumerate(zip(table[one], table[other], strict=True)):
                if a is None or a == b:
                    continue
                rows = (group == g) & (touched[one] ^ touched[other])
                assert units[rows].sum() >= 5, (name, one, other, g)
                found += 1
    assert found > 50
    for entry in data["proposals"]:
        for g in entry.get("home", {}):
            assert data["groups"]["dwellings"][int(g)] >= 5
        # What is marked in the picture is whole groups, so that it tells nothing of a single house either.
        rows = set(entry.get("rows", []))
        assert all(set(np.flatnonzero(group == group[row])) <= rows for row in rows)
