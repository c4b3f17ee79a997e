"""Heat of connected buildings: what a measure leaves alone is taken over, and equals a full simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import energy
from energy import Case
from energy.network import ConnectedHeat, connected_heat
from scenarios.measures import district_heating, envelope_retrofit, set_points, supply_temperature
from tests.energy.districts import slabs

HEATING = ["district_heating"] * 6 + ["gas", "oil"]


@pytest.fixture(scope="module")
def before() -> ConnectedHeat:
    case = Case(slabs(8, heating=HEATING), energy.weather.sample(), shading="tabula")
    return connected_heat(case)


def test_is_what_the_chain_delivers(before: ConnectedHeat) -> None:
    assert list(before.building_ids) == [f"b{number}" for number in range(6)]
    whole = energy.simulate(before.case, outputs=["heating_delivered_kwh"]).heating_delivered_kwh
    np.testing.assert_array_equal(before.kwh, whole.to_numpy()[:6])


@pytest.mark.parametrize(
    ("apply", "touched"),
    [
        (lambda case: envelope_retrofit.apply(case, buildings=["b1", "b4", "b7"]), ["b1", "b4"]),
        (lambda case: district_heating.apply(case, buildings=["b6"]), ["b6"]),
        (lambda case: set_points.apply(case, buildings=["b2"], set_heating_c=19.0), ["b2"]),
        (lambda case: supply_temperature.apply(case, supply_c=80.0), []),
    ],
    ids=["retrofit", "connect", "set points", "supply temperature"],
)
def test_only_what_a_measure_touches_is_simulated_again(
    before: ConnectedHeat, apply: Callable[[Case], Case], touched: list[str]
) -> None:
    after = apply(before.case)
    fresh = connected_heat(after)
    again = connected_heat(after, before)
    assert list(again.building_ids) == list(fresh.building_ids)
    np.testing.assert_array_equal(again.kwh, fresh.kwh)
    marked = ConnectedHeat(before.case, before.building_ids, before.kwh + np.float32(1000))
    taken_over = (connected_heat(after, marked).kwh > 900).all(axis=1)
    assert list(fresh.building_ids[~taken_over]) == touched
