"""What must hold of measures whatever their parameters."""

from __future__ import annotations

from itertools import pairwise, permutations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import energy
from energy import Case
from scenarios import costs
from scenarios.measures import (
    battery,
    climate,
    district_heating,
    envelope_retrofit,
    heat_pump,
    prices,
    roof_pv,
    set_points,
    supply_temperature,
)
from tests.energy.districts import slabs
from tests.scenarios.test_measures import WEATHER, roofed, year

CASE = Case(slabs(surfaces=True, heating=["district_heating", "gas", "oil"]), WEATHER, shading="tabula")
SUNNY = roofed()
FEW = settings(max_examples=5, deadline=None)
NEED = year(CASE)["heating_need_kwh"]
ABOVE = 1 + 1e-6  # the kernel counts in float32


@FEW
@given(
    st.lists(st.sampled_from(envelope_retrofit.COMPONENTS), min_size=1, unique=True),
    st.sampled_from(CASE.parameters.standards),
)
def test_better_insulation_never_raises_the_need(components: list[str], standard: str) -> None:
    after = envelope_retrofit.apply(CASE, components=components, standard=standard)
    assert (year(after)["heating_need_kwh"] <= NEED * ABOVE).all()


@FEW
@given(st.floats(15, 25), st.floats(15, 25), st.integers(0, 23), st.integers(0, 23))
def test_a_lower_set_point_never_raises_the_need(one: float, other: float, start: int, end: int) -> None:
    low, high = (
        set_points.apply(CASE, set_heating_c=c, set_back_c=c - 2, from_hour=start, to_hour=end)
        for c in sorted((one, other))
    )
    assert (year(low)["heating_need_kwh"] <= year(high)["heating_need_kwh"] * ABOVE).all()


@FEW
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 5))
def test_modules_and_batteries_never_raise_the_import(one: float, other: float, store: float) -> None:
    fewer, more = (roof_pv.apply(SUNNY, share=share) for share in sorted((one, other)))
    stored = battery.apply(more, kwh_per_kwp=store)
    names = ["grid_import_kwh"]
    imports = [
        energy.simulate(c, resolution="year", outputs=names)["grid_import_kwh"].to_numpy()
        for c in (SUNNY, fewer, more, stored)
    ]
    for before, after in pairwise(imports):
        assert (after <= before * ABOVE).all()


@pytest.mark.parametrize(
    "there_and_back",
    [
        lambda c: envelope_retrofit.apply(c, share=0.0),
        lambda c: roof_pv.apply(c, share=0.0),
        lambda c: climate.apply(c, winter_k=0.0, summer_k=0.0),
        lambda c: supply_temperature.apply(c, supply_c=90.0),
        lambda c: prices.apply(prices.apply(c, year=2040), year=c.parameters.year),
    ],
)
def test_measures_that_cancel_give_back_the_base(there_and_back) -> None:  # type: ignore[no-untyped-def]
    pd.testing.assert_frame_equal(year(there_and_back(CASE)), year(CASE), check_exact=True)


def test_back_to_the_district_heating_is_the_base() -> None:
    near = Case(slabs(surfaces=True, heating="district_heating"), WEATHER, shading="tabula")
    away = heat_pump.apply(near, buildings=["b1"])
    assert not year(away).equals(year(near))
    back = district_heating.apply(away, buildings=["b1"])
    pd.testing.assert_frame_equal(year(back), year(near), check_exact=True)


def test_order_does_not_matter_to_energy() -> None:
    steps = [
        lambda c: envelope_retrofit.apply(c, components=["wall", "roof"]),
        lambda c: set_points.apply(c, set_heating_c=19.0, set_back_c=16.0),
        lambda c: prices.apply(c, electricity_change=0.2),
        lambda c: roof_pv.apply(c, share=0.5),
    ]
    found = []
    for order in list(permutations(steps))[::5]:
        case = SUNNY
        for step in order:
            case = step(case)
        found.append(year(case))
    for other in found[1:]:
        pd.testing.assert_frame_equal(other, found[0], rtol=1e-9)


@FEW
@given(st.sampled_from(CASE.parameters.standards), st.sampled_from(["air", "ground"]))
def test_costs_add_up(standard: str, source: str) -> None:
    one = envelope_retrofit.apply(CASE, buildings=["b0"], standard=standard)
    both = heat_pump.apply(one, buildings=["b1"], heat_source=source)
    alone = heat_pump.apply(CASE, buildings=["b1"], heat_source=source)
    columns = ["investment_eur", "subsidy_eur", "maintenance_eur_a"]

    def total(before: Case, after: Case) -> pd.Series:
        return costs.investments(before, after)[columns].sum()

    together = total(CASE, both)
    pd.testing.assert_series_equal(together, total(CASE, one) + total(CASE, alone))
    pd.testing.assert_series_equal(together, total(CASE, one) + total(one, both))
