"""The supply by months against the sum of its hours, and the hourly electricity of buildings."""

from __future__ import annotations

import numpy as np
import pytest

import energy
from energy.electricity import electricity_blocks
from energy.weather import sample
from tests.energy.districts import slabs

HEATING = ["district_heating", "gas", "oil", "wood", "heat_pump", "heat_pump_ground", "electric", "none"]
NAMES = ("heating_delivered_kwh", "auxiliary_electricity_kwh", "supply_temperature_c")


def _case(**columns: object) -> energy.Case:
    return energy.Case(slabs(len(HEATING), heating=HEATING, **columns), sample())


@pytest.mark.parametrize(
    "columns", [{}, {"year_of_construction": 2020.0}, {"function": "office"}, {"function": "school"}]
)
def test_months_add_up_to_the_hours(columns):
    """The yearly sums by months against those of the hourly kernel: 2 % for homes, 4 % with set-back."""
    case = _case(**columns)
    hours = energy.simulate(case, outputs=NAMES[:2])
    months = energy.simulate(case, outputs=NAMES[:2], resolution="month")
    for name in NAMES[:2]:
        exact = hours[name].astype("float64").sum("time")
        np.testing.assert_allclose(
            months[name].sum("time"), exact, rtol=0.04 if "function" in columns else 0.02
        )


def test_supply_temperature_by_hour_and_month():
    case = _case()
    hours = energy.simulate(case, outputs=[NAMES[2]])[NAMES[2]]
    months = energy.simulate(case, outputs=[NAMES[2]], resolution="month")[NAMES[2]]
    assert np.isnan(hours.sel(building_id="b7")).all()
    assert np.isnan(months.sel(building_id="b7")).all()
    assert float(hours.sel(building_id="b0").min()) >= 20
    assert float(months.sel(building_id="b0")[0]) > float(months.sel(building_id="b4")[0])


def test_electricity_by_hour_is_the_delivered_one():
    case = _case()
    whole = energy.simulate(case, outputs=["delivered_kwh", "heating_delivered_kwh"])
    blocks = list(electricity_blocks(case, buildings_at_once=3))
    assert [len(block.building_id) for block in blocks] == [3, 3, 2]
    total, heat = (np.concatenate([getattr(b, n) for b in blocks]) for n in ("total_kwh", "heat_kwh"))
    np.testing.assert_allclose(total, whole["delivered_kwh"].sel(carrier="electricity"), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(heat[4:7], whole["heating_delivered_kwh"][4:7], rtol=1e-5, atol=1e-6)
    assert not heat[:4].any()
