"""No public group is of fewer than five dwellings or meters, and the partition does not depend on order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
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
