"""The supply by months against the sum of its hours, and the hourly electricity of buildings."""

from __future__ import annotations

import numpy as np
import pytest

import energy
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
