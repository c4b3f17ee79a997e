"""The layers' water balance: conserves water, drains above field capacity, dries by the roots."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors import water_balance as balance
from sensors.figures import figure
from sensors.soil import Retention

WINTER = pd.date_range("2025-01-10", periods=5, freq="D", tz="UTC")
SUMMER = pd.date_range("2025-06-20", periods=60, freq="D", tz="UTC")


def area(**changes: object) -> balance.ReferenceArea:
    plain = {"key": "a", "name": "A", "crown_diameter_m": 8.0, "age_years": 40.0}
    return balance.ReferenceArea(**{**plain, **changes})  # type: ignore[arg-type]


def test_layers_reach_halfway_between_the_probes() -> None:
    assert balance.layer_edges_cm([30, 60, 90]) == pytest.approx([0, 45, 75, 105])
    assert balance.layer_edges_cm([20]) == pytest.approx([0, 40])


def test_roots_follow_jackson() -> None:
    """Jackson et al. 1996, temperate deciduous forest: 1 − 0.966^30 = 65 % of the roots in 30 cm."""
    shares = balance.root_shares(np.array([0.0, 30.0, 1000.0]), 1000.0)
    assert shares[0] == pytest.approx(0.65, abs=0.005)
    assert shares.sum() == pytest.approx(1.0)


def test_crop_coefficient_is_that_of_fao_56() -> None:
    assert balance.crop_coefficient(np.array([15.0, 180.0, 310.0, 350.0])) == pytest.approx(
        [0.45, 0.95, 0.70, 0.45]
    )


def test_rain_on_a_winter_day_by_hand() -> None:
    """Dry loam, one layer of 400 mm: 20 mm of rain raise it by 0.05; below field capacity nothing drains."""
    ground = balance.Ground.of([area(depths_cm=(20.0,))])
    found = balance.run(ground, np.array([[0.15]]), WINTER[:1], np.array([20.0]), np.array([0.0]))
    assert found.water_content[0, 0, 0] == pytest.approx(0.15 + 20 / 400)
    assert found.drained[0, 0] == found.ran_off[0, 0] == 0


def test_above_field_capacity_half_drains_in_a_day() -> None:
    ground = balance.Ground.of([area(depths_cm=(20.0,))])
    capacity = float(Retention.of("loam").water_content(1.8))
    found = balance.run(ground, np.array([[capacity]]), WINTER[:2], np.array([10.0, 0.0]), np.zeros(2))
    assert figure("drainage_per_day") == 0.5
    assert found.drained[0] == pytest.approx([5.0, 2.5])


def test_wet_soil_in_summer_loses_kc_times_et0() -> None:
    ground = balance.Ground.of([area()])
    start = np.full((1, 3), float(Retention.of("loam").water_content(1.8)))
    found = balance.run(ground, start, SUMMER[:1], np.zeros(1), np.array([4.0]))
    assert found.evapotranspiration[0, 0] == pytest.approx(0.95 * 4.0)


def test_without_rain_the_soil_dries_towards_the_wilting_point_and_no_further() -> None:
    ground = balance.Ground.of([area(), area(texture="sand"), area(depths_cm=(30.0,))])
    start = np.broadcast_to(ground.capacity, (3, 3))
    found = balance.run(ground, start, SUMMER, np.zeros(60), np.full(60, 5.0))
    there = ground.thickness_mm > 0
    assert (np.diff(found.water_content, axis=2)[there] <= 1e-12).all()
    assert (found.water_content[..., -1] >= ground.wilting - 1e-9)[there].all()
    top = ground.retention.pf(found.water_content[..., -1])[:, 0]
    assert (top > 3.0).all()


def test_sealed_ground_takes_less_rain() -> None:
    ground = balance.Ground.of([area(), area(sealed_share=0.4)])
    start = np.broadcast_to(ground.wilting, (2, 3)).copy()
    found = balance.run(ground, start, WINTER[:1], np.array([10.0]), np.zeros(1))
    gained = ((found.water_content[..., 0] - start) * ground.thickness_mm).sum(axis=1)
    assert gained == pytest.approx([10.0, 6.0])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0, 60), min_size=30, max_size=30),
    st.floats(0, 7),
    st.floats(0.12, 0.42),
    st.sampled_from(["sand", "loam", "clay_loam"]),
)
def test_no_water_is_made_or_lost(rain: list[float], et0: float, theta: float, texture: str) -> None:
    areas = [area(texture=texture), area(texture=texture, depths_cm=(20.0,), sealed_share=0.3)]
    ground = balance.Ground.of(areas)
    start = np.full((2, 3), theta)
    days = SUMMER[:30]
    found = balance.run(ground, start, days, np.array(rain), np.full(30, et0))
    kept = figure("interception_mm") * balance.leaves(days.dayofyear.to_numpy("float64"))
    net = np.maximum(np.array(rain) - kept, 0.0).sum() * ground.reached[:, 0]
    change = ((found.water_content[..., -1] - start) * ground.thickness_mm).sum(axis=1)
    out = (found.evapotranspiration + found.drained + found.ran_off).sum(axis=1)
    assert change == pytest.approx(net - out, abs=1e-6)
