"""Battery dispatch: a day by hand, its energy balance, and who uses the sun."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy import battery
from energy.parameters import Parameters
from twin.errors import CallError

P = Parameters.default()


def one(capacity: float, power: float, efficiency: float = 0.81) -> battery.Battery:
    """A single battery; the efficiency of a full cycle lies in equal parts on both ways."""
    way = np.array([efficiency**0.5])
    return battery.Battery(np.array([capacity]), np.array([power]), way, way)


def column(*values: float) -> np.ndarray:
    return np.array(values, "float64")[:, None]


def test_a_day_by_hand():
    """4 kWh, 3 kW, 0.9 each way.

    Hour 1: 5 left over, 3 taken (power), 2.7 stored, 2 sold. Hour 2: 3 left over, room for 1.3 / 0.9 = 1.444,
    1.556 sold, 4 stored. Hour 3: 2 missing, given, 4 − 2/0.9 = 1.778 left. Hour 4: 4 missing, 1.778 · 0.9
    = 1.6 given, 2.4 bought, empty. Hour 5: 1 missing, bought.
    """
    made, used = column(6, 4, 0, 0, 0), column(1, 1, 2, 4, 1)
    flows = battery.dispatch(made, used, one(4, 3))
    np.testing.assert_allclose(flows.stored[:, 0], [2.7, 4.0, 4 - 2 / 0.9, 0, 0], atol=1e-12)
    np.testing.assert_allclose(flows.grid_export[:, 0], [2, 3 - 1.3 / 0.9, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(flows.grid_import[:, 0], [0, 0, 0, 4 - (4 - 2 / 0.9) * 0.9, 1], atol=1e-12)
    shares = battery.use(made, used, flows)
    assert shares.self_consumption[0] == pytest.approx(1 - (2 + 3 - 1.3 / 0.9) / 10)
    assert shares.autarky[0] == pytest.approx(1 - 3.4 / 9)


def random_year(seed: int, hours: int = 500, buildings: int = 70) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    sun = np.maximum(np.sin(2 * np.pi * np.arange(hours) / 24), 0)[:, None]
    return sun * random.uniform(0, 8, (hours, buildings)), random.uniform(0, 3, (hours, buildings))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 20), st.floats(0.1, 10), st.floats(0.5, 1))
def test_energy_is_conserved(seed, capacity, power, efficiency):
    """generation + bought = load + sold + change of store + losses; no loss where the efficiency is 1."""
    made, used = random_year(seed, buildings=3)
    way = np.full(3, efficiency**0.5)
    flows = battery.dispatch(made, used, battery.Battery(np.full(3, capacity), np.full(3, power), way, way))
    through = made + flows.grid_import - used - flows.grid_export  # into the battery, less out of it
    before = np.vstack([np.zeros(3), flows.stored[:-1]])
    change = np.where(through > 0, through * way[0], through / way[0])
    np.testing.assert_allclose(flows.stored - before, change, atol=1e-9)
    assert (flows.stored >= 0).all()
    assert (flows.stored <= capacity + 1e-9).all()
    assert (np.abs(through) <= power + 1e-9).all()
    assert (flows.grid_import * flows.grid_export == 0).all()
    losses = np.where(through > 0, through * (1 - way[0]), -through * (1 / way[0] - 1)).sum()
    total = made.sum() + flows.grid_import.sum()
    left = used.sum() + flows.grid_export.sum() + flows.stored[-1].sum() + losses
    assert left == pytest.approx(total, rel=1e-9)


def test_without_battery_the_grid_balances():
    made, used = random_year(1)
    flows = battery.dispatch(made, used, battery.sized(np.zeros(70), P))
    np.testing.assert_allclose(flows.grid_import - flows.grid_export, used - made, atol=1e-12)
    assert (flows.stored == 0).all()


def test_a_larger_battery_never_makes_less_autarkic():
    made, used = random_year(2)
    shares = [
        battery.use(
            made, used, battery.dispatch(made, used, battery.sized(np.full(70, 5.0), P, ratio))
        ).autarky
        for ratio in (0.0, 0.5, 1.0, 3.0)
    ]
    for less, more in pairwise(shares):
        assert (more >= less - 1e-12).all()


def test_hours_in_chunks_and_buildings_in_any_order_give_the_same():
    made, used = random_year(3)
    sizes = battery.sized(np.linspace(0, 9, 70), P)
    whole = battery.dispatch(made, used, sizes)
    first = battery.dispatch(made[:200], used[:200], sizes)
    second = battery.dispatch(made[200:], used[200:], sizes, first.stored[-1])
    np.testing.assert_allclose(
        np.vstack([first.grid_import, second.grid_import]), whole.grid_import, atol=1e-12
    )
    back = battery.dispatch(made[:, ::-1], used[:, ::-1], battery.sized(np.linspace(9, 0, 70), P))
    np.testing.assert_allclose(back.grid_export[:, ::-1], whole.grid_export, atol=1e-12)


def test_float32_agrees():
    made, used = random_year(4)
    sizes = battery.sized(np.full(70, 6.0), P)
    exact = battery.use(made, used, battery.dispatch(made, used, sizes))
    made32, used32 = made.astype("float32"), used.astype("float32")
    flows = battery.dispatch(made32, used32, sizes)
    assert flows.stored.dtype == np.float32
    fast = battery.use(made32, used32, flows)
    np.testing.assert_allclose(fast.autarky, exact.autarky, rtol=1e-4)
    np.testing.assert_allclose(fast.self_consumption, exact.self_consumption, rtol=1e-4)


def test_neighbours_share_the_sun():
    """One makes 4 and uses nothing, the other the reverse: apart all is sold and bought, together nothing."""
    made, used = np.array([[4.0, 0.0]]), np.array([[0.0, 4.0]])
    flows = battery.dispatch(made, used, battery.sized(np.zeros(2), P))
    apart, together = battery.use(made, used, flows), battery.use_of_district(made, used, flows)
    assert (apart.self_consumption[0], apart.autarky[1]) == (0, 0)
    assert np.isnan(apart.autarky[0])
    assert np.isnan(apart.self_consumption[1])
    assert (float(together.self_consumption), float(together.autarky)) == (1, 1)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_together_is_never_worse_than_apart(seed):
    made, used = random_year(seed, hours=100, buildings=5)
    flows = battery.dispatch(made, used, battery.sized(np.full(5, 3.0), P))
    together = battery.use_of_district(made, used, flows)
    assert together.autarky >= 1 - flows.grid_import.sum() / used.sum() - 1e-12
    assert together.self_consumption >= 1 - flows.grid_export.sum() / made.sum() - 1e-12


def test_wrong_series_are_refused():
    with pytest.raises(CallError, match="do not fit"):
        battery.dispatch(np.zeros((5, 2)), np.zeros((5, 3)), battery.sized(np.zeros(2), P))
    with pytest.raises(CallError, match="negative or missing"):
        battery.dispatch(np.full((5, 1), np.nan), np.zeros((5, 1)), battery.sized(np.zeros(1), P))
