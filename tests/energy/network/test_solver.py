"""The network's hours: closed-form pipes, pandapipes, balance, limits, feed-ins and bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.network import FeedIn
from energy.network.operation import Operation
from energy.network.water import Water
from tests.conftest import skip_or_fail
from tests.energy.network.trees import (
    CONSTANT,
    PARAMETERS,
    PEER,
    loads,
    network,
    operation,
    pandapipes,
    random_tree,
    run,
)
from twin.errors import CallError

ZERO_C = 273.15


def steady(supply_k: float, **changes: float) -> Operation:
    """A supply that does not follow the weather and returns at 290.0 K."""
    fixed = {"station_return_min_c": 290.0 - ZERO_C, "design_room_c": 5.0, "approach_k": 0.0}
    return operation(supply_min_c=supply_k - ZERO_C, supply_max_c=supply_k - ZERO_C, **(fixed | changes))


def analytic(folder: Path, name: str) -> np.ndarray:
    """One of pandapipes' analytic tables: α, d, ṁ, c, outside, start, L, T. [SI, K]"""
    return np.genfromtxt(folder / "validation" / "pandapipes" / name, delimiter=";", skip_header=1)


def test_one_pipe_in_closed_form(shared_data: Path) -> None:
    """T = T_ext + (T_0 − T_ext)·exp(−α·π·d·L/(ṁ·c)): pandapipes' analytic table, 1 to 6 km."""
    table = analytic(shared_data, "Temperature_one_pipe_an.csv")
    alpha, d, flow, cp, outside, start = table[0, :6]
    water = Water.constant(cp, 998.0, 1e-3)
    for length, end in table[1:, 6:8]:
        net = network([-1, 0], [length], [d * 1000], [alpha * np.pi * d], {1: 100.0})
        asked = flow * cp * (end - 290.0) / 1000
        year = run(
            net, np.full((1, 1), asked), np.full(1, outside - ZERO_C), water=water, operation=steady(start)
        )
        assert year.supply_c[1, 0] + ZERO_C == pytest.approx(end, abs=1e-4)
        assert year.flow_kg_s[1, 0] == pytest.approx(flow, rel=1e-5)


def test_a_tee_in_closed_form(shared_data: Path) -> None:
    """2 kg/s divide into twice 1 kg/s (pandapipes' analytic table)."""
    table = analytic(shared_data, "Temperature_tee_2ab_1zu_an.csv")
    alpha, d, _, cp, outside, start = table[0, :6]
    lengths = [table[1, 6], table[2, 6], table[3, 6]]
    net = network([-1, 0, 1, 1], lengths, [d * 1000] * 3, [alpha * np.pi * d] * 3, {2: 100.0, 3: 100.0})
    asked = np.full((2, 1), cp * (table[2, 7] - 290.0) / 1000)
    year = run(
        net,
        asked,
        np.full(1, outside - ZERO_C),
        water=Water.constant(cp, 998.0, 1e-3),
        operation=steady(start),
    )
    np.testing.assert_allclose(year.supply_c[1:, 0] + ZERO_C, table[1:4, 7], atol=1e-4)


@pytest.mark.parametrize("law", ["nikuradse", "colebrook"])
@pytest.mark.parametrize("seed", [3, 4])
def test_pandapipes_with_a_constant_fluid(law: str, seed: int) -> None:
    """Random trees at part loads from 15 to 100 %: 0.05 K, 0.1 % of flow, 0.1 % of pressure lost."""
    if not PEER.exists():
        skip_or_fail("pandapipes is not installed: make test does it")
    net = random_tree(seed, 60)
    year = run(
        net,
        loads(net, seed, 6, (0.15, 1.0)),
        np.linspace(-14, 14, 6),
        law=law,
        water=Water.constant(*CONSTANT),
    )
    peer = pandapipes(net, year, law, CONSTANT)
    np.testing.assert_allclose(year.supply_c, peer.supply_c, atol=0.05)
    np.testing.assert_allclose(year.return_c, peer.return_c, atol=0.05)
    np.testing.assert_allclose(year.flow_kg_s[1:], peer.flow_kg_s[1:], rtol=1e-3)
    np.testing.assert_allclose(year.lost_pa[1:], peer.lost_pa[1:], rtol=1e-3, atol=1.0)


def test_pandapipes_with_its_own_water() -> None:
    """Properties that change with temperature: 0.05 K, 0.1 % of flow; pressure within 1 %, where pandapipes
    takes the density at other temperatures."""
    if not PEER.exists():
        skip_or_fail("pandapipes is not installed: make test does it")
    net = random_tree(5, 60)
    heat, outdoor = loads(net, 5, 6, (0.15, 1.0)), np.linspace(-14, 14, 6)
    peer = pandapipes(net, run(net, heat, outdoor), "colebrook")
    year = run(net, heat, outdoor, water=peer.water)
    np.testing.assert_allclose(year.supply_c, peer.supply_c, atol=0.05)
    np.testing.assert_allclose(year.return_c, peer.return_c, atol=0.05)
    np.testing.assert_allclose(year.flow_kg_s[1:], peer.flow_kg_s[1:], rtol=1e-3)
    np.testing.assert_allclose(year.lost_pa[1:], peer.lost_pa[1:], rtol=1e-2, atol=1.0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), nodes=st.integers(4, 60), low=st.floats(0.0, 0.2))
def test_heat_closes_in_any_tree(seed: int, nodes: int, low: float) -> None:
    """What the plant gives arrives or is lost, hour by hour; every substation gets what it asks."""
    net = random_tree(seed, nodes)
    heat = loads(net, seed, 30, (low, 1.0))
    year = run(net, heat, np.linspace(-14, 25, 30), operation=operation(minimum_flow_share=0.01))
    arriving = year.served_kwh.sum(axis=0) + year.supply_loss_kwh + year.return_loss_kwh
    np.testing.assert_allclose(arriving, year.plant_kwh, rtol=1e-6)
    np.testing.assert_allclose(year.served_kwh, heat, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(
        year.pipe_loss_kwh.sum(axis=1), [year.supply_loss_kwh.sum(), year.return_loss_kwh.sum()], rtol=1e-9
    )
    assert (year.supply_c[1:] <= year.plant_supply_c + 1e-9).all()
    assert year.residual.max() <= 1e-7


def test_hours_do_not_depend_on_the_cores() -> None:
    net = random_tree(1, 30)
    heat, outdoor = loads(net, 1, 2500), np.linspace(-14, 25, 2500)
    one, two = (run(net, heat, outdoor, workers=n) for n in (1, 2))
    np.testing.assert_array_equal(one.supply_c, two.supply_c)
    np.testing.assert_array_equal(one.plant_kwh, two.plant_kwh)


def test_a_lower_supply_temperature_saves_losses_and_costs_pumping() -> None:
    net = random_tree(2, 60)
    heat, outdoor = loads(net, 2, 48), np.linspace(-14, 15, 48)
    usual = run(net, heat, outdoor)
    lower = run(net, heat, outdoor, operation=operation(lowered_k=15.0))
    assert lower.loss_share < usual.loss_share
    assert lower.pump_kwh.sum() > usual.pump_kwh.sum()
    assert lower.served_kwh.sum() == pytest.approx(usual.served_kwh.sum(), rel=1e-6)


def test_pump_by_hand() -> None:
    """P = V̇·Δp/η; the pressure of a laid-out pipe after Darcy and Weisbach with the fully rough factor."""
    cp, rho = 4180.0, 980.0
    net = network([-1, 0], [500.0], [100.0], [0.0], {1: 400.0})
    year = run(
        net, np.full((1, 1), 400.0), np.array([19.85]), law="nikuradse", water=Water.constant(cp, rho, 4e-4),
        operation=steady(350.0, station_drop_pa=5e4, pump_efficiency=0.7, pump_reserve=9.0),
    )  # fmt: skip
    flow = 400e3 / (cp * 60)
    speed = flow / (rho * np.pi / 4 * 0.1**2)
    factor = 64 * 4e-4 / (rho * speed * 0.1) + (2 * np.log10(3.71 * 0.1 / 1e-4)) ** -2
    lost = 2 * factor * 500 / 0.1 * rho / 2 * speed**2
    assert year.lost_pa[1, 0] == pytest.approx(lost, rel=1e-4)
    assert year.head_pa[0] == pytest.approx(lost + 5e4, rel=1e-4)
    assert year.pump_kwh[0] == pytest.approx(flow / rho * (lost + 5e4) / 0.7 / 1000, rel=1e-4)


def test_under_supply_is_reported_by_substation() -> None:
    """A valve that lets 1.0 of the design flow through leaves a house short that asks for twice its power."""
    net = network([-1, 0, 1, 1], [100.0] * 3, [80.0] * 3, [0.2] * 3, {2: 100.0, 3: 100.0})
    heat = np.array([[100.0, 50.0], [200.0, 50.0]])
    limits = Operation.of(PARAMETERS).replace(valve_reserve=1.0)
    table = run(net, heat, np.array([-14.0, 0.0]), operation=limits).substations()
    assert table.loc["s3", "short_h"] == 1
    assert table.loc["s3", "overload"] and not table.loc["s2", "overload"]
    assert 80 < table.loc["s3", "unserved_kwh"] < 110
    assert table.loc["s2", "unserved_kwh"] < 5  # only what the cooler water lacks


def test_a_weak_pump_is_reported() -> None:
    net = network([-1, 0, 1], [100.0, 1000.0], [80.0, 28.5], [0.2] * 2, {1: 50.0, 2: 100.0})
    year = run(net, np.full((2, 1), 150.0), np.array([-14.0]), operation=operation(pump_reserve=1.0))
    table = year.substations()
    assert table.loc["s2", "low_pressure_h"] == 1 and table.loc["s1", "low_pressure_h"] == 0
    assert year.worst_substation == "s2"
    assert year.pipes(PARAMETERS).loc["p2", "overloaded_h"] == 1


def test_no_load_all_summer_and_a_substation_without_a_load() -> None:
    """Defined results: the least flow keeps pipes warm; without any flow they are as cold as the ground."""
    net = network([-1, 0, 1, 1], [50.0] * 3, [50.0] * 3, [0.2] * 3, {2: 80.0, 3: 0.0})
    year = run(net, np.zeros((2, 24)), np.full(24, 20.0), operation=Operation.of(PARAMETERS))
    for values in (year.supply_c, year.return_c, year.lost_pa, year.head_pa, year.pump_kwh, year.plant_kwh):
        assert np.isfinite(values).all()
    assert (year.served_kwh == 0).all()
    assert (year.plant_kwh > 0).all()  # losses of the warm pipe
    np.testing.assert_allclose(year.supply_c[3], 20.0, atol=1e-6)
    assert np.isfinite(year.substations()["heat_kwh"]).all()
    assert year.loss_share == 0.0 and year.pump_share == 0.0


def test_a_feed_in_takes_from_the_plant() -> None:
    """A heat pump at an end gives 100 kW; the plant gives so much less, but for the losses that change."""
    net = random_tree(7, 40)
    heat, outdoor = loads(net, 7, 24, (0.4, 1.0)), np.full(24, 0.0)
    alone = run(net, heat, outdoor)
    end = tuple(net.xy[-1])
    feeding = net.with_feed_ins({"heat pump": (float(end[0]), float(end[1]))}, within_m=1.0)
    source = FeedIn(np.full((1, 24), 100.0), np.full((1, 24), 90.0))
    helped = run(feeding, heat, outdoor, feed_in=source)
    np.testing.assert_allclose(helped.feed_kwh, 100.0, rtol=1e-6)
    closes = helped.plant_kwh + helped.feed_kwh.sum(axis=0) - helped.served_kwh.sum(axis=0)
    np.testing.assert_allclose(closes, helped.supply_loss_kwh + helped.return_loss_kwh, rtol=1e-6)
    np.testing.assert_allclose(alone.plant_kwh - helped.plant_kwh, 100.0, rtol=0.1)


def test_a_feed_in_gives_no_more_than_is_drawn() -> None:
    net = network([-1, 0, 1], [100.0, 100.0], [80.0] * 2, [0.2] * 2, {2: 100.0})
    feeding = net.with_feed_ins({"sun": (float(net.xy[1][0]), float(net.xy[1][1]))}, within_m=1.0)
    source = FeedIn(np.full((1, 3), 500.0), np.full((1, 3), 90.0))
    year = run(feeding, np.full((1, 3), 20.0), np.full(3, 10.0), feed_in=source)
    assert (year.feed_kwh < 40).all() and (year.plant_kwh > -1e-6).all()
    np.testing.assert_allclose(year.served_kwh, 20.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("heat", "changes", "said"),
    [
        (np.array([[-1.0], [1.0]]), {}, "substation s2"),
        (np.array([[1.0], [np.nan]]), {}, "substation s3"),
        (np.ones((1, 1)), {}, "shape"),
        (np.ones((2, 1)), {"supply_min_c": 40.0, "supply_max_c": 40.0}, "supply falls"),
        (np.ones((2, 1)), {"supply_min_c": 190.0, "supply_max_c": 190.0}, "supply reaches"),
    ],
)
def test_bad_input_is_named(heat: np.ndarray, changes: dict[str, float], said: str) -> None:
    net = network([-1, 0, 1, 1], [100.0] * 3, [80.0] * 3, [0.2] * 3, {2: 100.0, 3: 100.0})
    with pytest.raises(CallError, match=said):
        run(net, heat, np.array([0.0]), operation=operation(**changes))


def test_pipes_without_length_or_diameter_are_refused() -> None:
    with pytest.raises(CallError, match="inner_diameter_mm"):
        network([-1, 0], [100.0], [0.0], [0.2], {1: 10.0})
    with pytest.raises(CallError, match="length_m"):
        network([-1, 0], [50.0], [50.0], [0.2], {1: 10.0}).replace(length_m=np.array([np.nan]))
