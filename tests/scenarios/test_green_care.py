"""When reference areas turn dry, and how much water their trees want."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import green_care
from scenarios.green_care import State
from sensors.store import Store
from sensors.things import NewObservation, ObservedProperty, StreamSpec, ThingSpec, Unit
from sensors.times import to_us
from sensors.water_balance import ReferenceArea

NOW = pd.Timestamp("2026-07-01T00:00Z")
DAYS = pd.date_range(NOW, periods=30, freq="D")
ONE = ReferenceArea(
    "a", "A", depths_cm=(20.0,), crown_diameter_m=8.0, age_years=40.0, trees=("t1", "t2")
)  # fmt: skip


def test_day_of_yellow_by_hand() -> None:
    """Loam, one layer of 400 mm, no rain, Kc · ET0 = 0.95 · 4 = 3.8 mm a day.

    θ is 0.2798 at pF 1.8, 0.1247 at pF 3.0, 0.0880 at pF 4.2; stress from 0.088 + 0.5 · 0.1918 = 0.1839 on.
    Down to there (0.2798 − 0.1839) · 400 / 3.8 = 10.1 days, then e-folding with 0.0959 · 400 / 3.8 = 10.1:
    ln(0.0959 / 0.0367) · 10.1 = 9.7 days. Together 19.8, in steps of a day 19 or 20.
    """
    (found,) = green_care.outlooks([State(ONE, {20.0: 1.8})], DAYS, np.zeros(30), np.full(30, 4.0), NOW)
    assert found.colour == "green"
    assert found.yellow.expected is not None
    assert (found.yellow.expected - NOW.date()).days in (18, 19, 20)
    assert found.yellow.earliest is not None and found.yellow.earliest < found.yellow.expected
    assert found.yellow.latest is not None and found.yellow.latest > found.yellow.expected


@settings(max_examples=20, deadline=None)
@given(
    st.floats(1.0, 4.0),
    st.lists(st.floats(0, 15), min_size=30, max_size=30),
    st.floats(0, 7),
    st.sampled_from(["sand", "loam", "silt_loam"]),
)
def test_band_holds_the_expected_day_and_red_comes_after_yellow(
    start: float, rain: list[float], et0: float, texture: str
) -> None:
    area = ReferenceArea("a", "A", texture=texture, crown_diameter_m=3.0)
    known = [State(area, {30.0: start, 60.0: start, 90.0: start})]
    (found,) = green_care.outlooks(known, DAYS, np.array(rain), np.full(30, et0), NOW)
    late = pd.Timestamp("2999-01-01").date()
    for turn in (found.yellow, found.red):
        assert (turn.earliest or late) <= (turn.expected or late) <= (turn.latest or late)
    assert (found.yellow.expected or late) <= (found.red.expected or late)


def test_litres_are_the_deficit_up_to_a_usual_amount() -> None:
    """Loam at pF 3.2 in a pit of 4 m²: θ(2.2) − θ(3.2) by the curve, times 400 mm · 4 m²; more than 60 l."""
    young = ReferenceArea(
        "y", "Y", depths_cm=(20.0,), crown_diameter_m=2.0, age_years=3.0, trees=("t9", "t8")
    )
    (found,) = green_care.outlooks([State(young, {20.0: 3.2})], DAYS, np.zeros(30), np.full(30, 4.0), NOW)
    # h = 161.6 cm: 5.82^1.56 = 15.6, 16.6^-0.359 = 0.3647, θ = 0.2064; h = 1616 cm: 0.078 + 0.352 · 0.1026.
    assert found.deficit_l == pytest.approx((0.2064 - 0.1141) * 400 * 4, rel=0.01)
    listed = green_care.waterings([found])
    assert [(tree.tree_id, tree.litres, tree.young) for tree in listed] == [
        ("t8", 60, True),
        ("t9", 60, True),
    ]
    assert listed[0].by == NOW.date()
    assert listed[0].colour == "yellow"


def test_wet_areas_are_not_watered() -> None:
    (found,) = green_care.outlooks([State(ONE, {20.0: 1.5})], DAYS, np.full(30, 5.0), np.full(30, 3.0), NOW)
    assert found.colour == "blue"
    assert green_care.waterings([found]) == []


def test_no_areas_no_outlook() -> None:
    assert green_care.outlooks([], DAYS, np.zeros(30), np.zeros(30), NOW) == []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'a.db'}") as opened:
        yield opened


def probes(key: str, trees: list[str]) -> ThingSpec:
    unit, prop = Unit("kilopascal", "kPa"), ObservedProperty("matric potential", "urn:x")
    return ThingSpec(
        "test", key, f"Fläche {key}", "soil_moisture",
        properties={"reference_area": key, "texture": "loam", "trees": trees, "crown_diameter_m": 8.0,
                    "age_years": 50},
        streams=tuple(
            StreamSpec(f"{key}/{depth}", f"{depth} cm", prop, unit, properties={"depth_cm": depth})
            for depth in (30, 60, 90)
        ),
    )  # fmt: skip


def test_measured_moisture_is_the_start(store: Store) -> None:
    """−100 kPa are 1,000 hPa: pF 3. What is bad, or older than three days, is no start."""
    ids = store.ensure(probes("a", ["t1"]))
    now = to_us(NOW.to_pydatetime())
    store.append(
        [
            NewObservation(ids["a/30"], now - 3_600_000_000, -100.0),
            NewObservation(ids["a/60"], now - 3_600_000_000, -9000.0, flag=4),
            NewObservation(ids["a/90"], now - 4 * 86_400_000_000, -10.0),
        ]
    )
    (state,) = green_care.states(store, NOW)
    assert state.pf == {30.0: pytest.approx(3.0)}
    assert state.measured_at == NOW - pd.Timedelta(hours=1)
    assert state.area.depths_cm == (30.0, 60.0, 90.0)
    (found,) = green_care.of_store(store, NOW)
    assert found.pf == pytest.approx(3.0, abs=0.01)  # the silent layers take the nearest that speaks
    assert len(found.days) == green_care.HORIZON_DAYS + 1


def test_an_area_without_values_starts_from_the_model(store: Store) -> None:
    store.ensure(probes("a", ["t1"]))
    (found,) = green_care.of_store(store, NOW)
    assert found.state.measured_at is None
    assert 1.5 < found.pf < 4.3


def test_a_shorter_course_of_rain_makes_it_later() -> None:
    dry = green_care.outlooks([State(ONE, {20.0: 2.5})], DAYS, np.zeros(30), np.full(30, 4.0), NOW)[0]
    wet = green_care.outlooks([State(ONE, {20.0: 2.5})], DAYS, np.full(30, 2.5), np.full(30, 4.0), NOW)[0]
    assert dry.yellow.expected is not None
    assert wet.yellow.expected is None or wet.yellow.expected > dry.yellow.expected
