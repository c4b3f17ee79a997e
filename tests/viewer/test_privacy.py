"""No public group is of fewer than five dwellings or meters, and the partition does not depend on order."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer import privacy

PLACES = st.integers(0, 400)
BUILDINGS = st.lists(
    st.tuples(PLACES, PLACES, st.sampled_from([float("nan"), 0.0, 1.0, 1.0, 2.0, 4.0, 5.0, 12.0, 40.0])),
    max_size=80,
)


def _columns(rows: list[tuple[int, int, float]]) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    table = np.array(rows, float).reshape(-1, 3)
    return [f"b{i:03}" for i in range(len(rows))], table[:, 0], table[:, 1], table[:, 2]


@settings(max_examples=150, deadline=None)
@given(BUILDINGS)
def test_every_group_has_at_least_five_units(rows: list[tuple[int, int, float]]) -> None:
    ids, x, y, dwellings = _columns(rows)
    groups = privacy.partition(ids, x, y, dwellings)
    units = pd.Series(np.where(dwellings >= 1, dwellings, 1.0)).groupby(groups).sum()
    assert (units.drop(privacy.HIDDEN, errors="ignore") >= 5).all()
    if privacy.HIDDEN in units:
        assert len(units) == 1 and units[privacy.HIDDEN] < 5


@settings(max_examples=80, deadline=None)
@given(BUILDINGS, st.randoms(use_true_random=False))
def test_partition_is_the_same_in_any_order(rows: list[tuple[int, int, float]], random: object) -> None:
    ids, x, y, dwellings = _columns(rows)
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    first = dict(zip(ids, privacy.partition(ids, x, y, dwellings), strict=True))
    shuffled = [ids[i] for i in order]
    second = privacy.partition(shuffled, x[order], y[order], dwellings[order])
    assert first == dict(zip(shuffled, second, strict=True))


@settings(max_examples=60, deadline=None)
@given(BUILDINGS)
def test_homes_and_meters_stay_apart_where_each_makes_five(rows: list[tuple[int, int, float]]) -> None:
    ids, x, y, dwellings = _columns(rows)
    homes = np.nan_to_num(dwellings) >= 1
    if dwellings[homes & (dwellings < 5)].sum() < 5 or (~homes).sum() < 5:
        return
    groups = privacy.partition(ids, x, y, dwellings)
    assert not set(groups[homes]) & set(groups[~homes])


def test_building_with_five_dwellings_is_its_own_group() -> None:
    groups = privacy.partition(["a", "b", "c"], [0, 1, 2], [0, 0, 0], [5, 5, 40])
    assert len(set(groups)) == 3


def test_row_of_houses_is_cut_into_neighbours() -> None:
    groups = privacy.partition([f"h{i:02}" for i in range(20)], np.arange(20), np.zeros(20), np.ones(20))
    runs = 1 + int((groups[1:] != groups[:-1]).sum())
    assert runs == len(set(groups)) == 4  # five each, without a gap


def test_single_house_joins_the_nearest_group() -> None:
    groups = privacy.partition(["house", "near", "far"], [0, 10, 100], [0, 0, 0], [1, 8, 8])
    assert groups[0] == groups[1] != groups[2]


def test_four_houses_alone_show_nothing() -> None:
    assert set(privacy.partition(list("abcd"), range(4), range(4), [1] * 4)) == {privacy.HIDDEN}


def test_no_subtraction_of_public_sums_tells_of_fewer_than_five() -> None:
    """Sums of whole groups of one partition differ by whole groups, which are of five or more."""
    rng = np.random.default_rng(7)
    dwellings = rng.choice([1.0, 2.0, 3.0, 10.0], 60)
    groups = privacy.partition([f"b{i}" for i in range(60)], rng.random(60), rng.random(60), dwellings)
    sizes = pd.Series(dwellings).groupby(groups).sum()
    for _ in range(200):
        one = rng.random(len(sizes)) < 0.5
        other = rng.random(len(sizes)) < 0.5
        difference = sizes[one & ~other].sum()
        assert difference == 0 or difference >= 5


def test_sums_leave_hidden_buildings_out() -> None:
    values = pd.DataFrame({"need": [1.0, 2.0, 4.0]}, index=["a", "b", "c"])
    group = pd.Series(["g1", "g1", privacy.HIDDEN], index=["a", "b", "c"])
    assert privacy.sums(values, group)["need"].to_dict() == pytest.approx({"g1": 3.0})


def _town(houses: dict[str, tuple[float, float]]) -> gpd.GeoDataFrame:
    """Houses by id: where along a street, and their dwellings."""
    place = [shapely.box(x, 0, x + 8, 8) for x, _ in houses.values()]
    return gpd.GeoDataFrame(
        {"function": "residential", "dwellings": [homes for _, homes in houses.values()]},
        index=pd.Index(list(houses), name="building_id"), geometry=place, crs="EPSG:25832",
    )  # fmt: skip


def _record(group: pd.Series, buildings: gpd.GeoDataFrame, before: privacy.Earlier) -> privacy.Earlier:
    now = {
        name: {one: float(buildings["dwellings"][one]) for one in ids}
        for name, ids in group[group != privacy.HIDDEN].groupby(group).groups.items()
    }
    return {**now, **{name: units for name, units in before.items() if name not in now}}


def test_a_house_that_is_new_is_not_the_difference_of_two_sites() -> None:
    street = {f"h{i}": (10.0 * i, 1.0) for i in range(6)}
    first = privacy.groups(_town(street))
    grown = _town(street | {"new": (60.0, 1.0)})
    alone = privacy.groups(grown)
    assert set(alone.index[alone == alone["new"]]) - set(first.index) == {
        "new"
    }  # without the older site: found
    after = privacy.groups(grown, earlier=_record(first, _town(street), {}))
    assert after["new"] == privacy.HIDDEN and (after[list(street)] == first).all()
    five = _town(street | {f"new{i}": (60.0 + 10 * i, 1.0) for i in range(5)})
    together = privacy.groups(five, earlier=_record(first, _town(street), {}))
    assert together["new0"] == together["new4"] not in (privacy.HIDDEN, together["h0"])


def test_a_house_that_is_gone_takes_its_group_along() -> None:
    street = {f"h{i}": (10.0 * i, 1.0) for i in range(7)}
    first = privacy.groups(_town(street))
    left = _town({name: place for name, place in street.items() if name != "h6"})
    after = privacy.groups(left, earlier=_record(first, _town(street), {}))
    assert set(after) == {privacy.HIDDEN}
    back = privacy.groups(_town(street), earlier=_record(after, left, _record(first, _town(street), {})))
    assert (back == first).all()


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_combination_of_sites_tells_of_fewer_than_five(seed: int) -> None:
    """Four sites of a street that grows and shrinks.

    Buildings that are in the same groups of all of them, which is the smallest that sums and differences can
    tell, have five dwellings or more together.
    """
    rng = np.random.default_rng(seed)
    street = {f"h{i}": (10.0 * i, float(rng.choice([1, 2, 3, 8]))) for i in range(14)}
    earlier: privacy.Earlier = {}
    sites: list[pd.Series] = []
    for year in range(4):
        town = _town(street)
        group = privacy.groups(town, earlier=earlier)
        sites.append(group)
        earlier = _record(group, town, earlier)
        street = {name: place for name, place in street.items() if rng.random() > 0.12}
        street |= {f"n{year}-{i}": (rng.uniform(0, 140), float(rng.choice([1, 6]))) for i in range(3)}
    homes = pd.Series({one: size for members in earlier.values() for one, size in members.items()})
    signature = pd.DataFrame({i: site.reindex(homes.index).fillna("") for i, site in enumerate(sites)})
    shown = signature[(signature != "").any(axis=1)]
    assert (homes[shown.index].groupby([shown[i] for i in shown]).sum() >= privacy.MINIMUM).all()
