"""Buildings by the element-node model beside the simple hourly method, and what must hold for both."""

from __future__ import annotations

import numpy as np
import pytest

import energy
from energy.weather import sample
from tests.energy.districts import slabs
from tests.energy.test_grid_exchange import with_modules

WEATHER = sample()
CASE = energy.Case(
    slabs(
        3,
        surfaces=True,
        construction_series=["WBS 70", "P2", None],
        year_of_construction=[1980.0, 1975.0, 1935.0],
    ),
    WEATHER,
)


def year(case: energy.Case, **options):
    return energy.simulate(case, resolution="year", method="nodes", **options)


NODES, SIMPLE = year(CASE), energy.simulate(CASE, resolution="year")


def test_both_methods_need_about_the_same_heat():
    """The simple method is known to lie within a quarter of detailed ones (EN 15265's class C is 15 %)."""
    ratio = (NODES["heating_need_kwh"] / SIMPLE["heating_need_kwh"]).to_numpy()
    assert ((ratio > 0.75) & (ratio < 1.25)).all(), ratio
    apart = NODES["air_temperature_c"].to_numpy() - SIMPLE["air_temperature_c"].to_numpy()
    assert np.abs(apart).max() < 2.0
    assert NODES.attrs["method"].endswith("EN ISO 52016-1:2017")


def test_more_insulation_less_need_and_a_higher_set_point_more():
    before = NODES["heating_need_kwh"].to_numpy()
    for column, factor in (("u_wall_w_m2k", 0.4), ("u_roof_w_m2k", 0.4), ("u_window_w_m2k", 0.5)):
        envelope = CASE.envelope.copy()
        envelope[column] *= factor
        assert (year(CASE.replace(envelope=envelope))["heating_need_kwh"].to_numpy() < before).all(), column
    warmer = CASE.envelope.assign(setpoint_offset_k=1.0)
    assert (year(CASE.replace(envelope=warmer))["heating_need_kwh"].to_numpy() > before * 1.02).all()


def test_order_and_company_do_not_matter():
    ids = list(CASE.envelope.index)
    turned = year(CASE, buildings=ids[::-1])["heating_need_kwh"].to_numpy()
    np.testing.assert_allclose(turned[::-1], NODES["heating_need_kwh"].to_numpy(), rtol=1e-4)
    alone = year(CASE, buildings=ids[1:2])["heating_need_kwh"].to_numpy()
    np.testing.assert_allclose(alone[0], NODES["heating_need_kwh"].to_numpy()[1], rtol=1e-4)


def test_hours_sum_to_the_year_and_the_sun_is_met():
    case = with_modules(CASE)
    hours = energy.simulate(case, method="nodes")
    np.testing.assert_allclose(
        hours["heating_need_kwh"].sum("time"), NODES["heating_need_kwh"].to_numpy()[:, 0], rtol=1e-4
    )
    load = energy.simulate(CASE, method="nodes")["delivered_kwh"].sel(carrier="electricity")
    balance = hours["pv_generation_kwh"] + hours["grid_import_kwh"] - hours["grid_export_kwh"]
    np.testing.assert_allclose(balance, load, rtol=1e-4, atol=1e-4)
    assert hours["air_temperature_c"].min() > 15 and hours["operative_temperature_c"].max() < 45


@pytest.mark.parametrize("method", ["rc5", "nodes"])
def test_heated_to_the_set_point(method):
    """Schedule of homes: the air never falls below the set-back."""
    air = energy.simulate(CASE, method=method, outputs=["air_temperature_c"])["air_temperature_c"]
    back = CASE.parameters.use["set_back_c"]["residential"]
    assert float(air.min()) > back - 0.05
