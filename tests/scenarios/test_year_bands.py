"""Bands while somebody looks are those of `scenarios.uncertainty`, whatever is left out of the simulation."""

from __future__ import annotations

import numpy as np
import pytest

import energy
import scenarios
from energy import Case
from scenarios import uncertainty
from scenarios.scenario import Scenario, Step
from scenarios.year_bands import FIGURES, BaseDraws
from tests.viewer.districts import small


@pytest.fixture(scope="module")
def draws() -> BaseDraws:
    return BaseDraws(Case(small(), energy.weather.sample()), count=4)


def _scenario(*steps: Step) -> Scenario:
    return Scenario(name="variant", measures=list(steps))


RETROFIT = Step(measure="envelope_retrofit", targets=scenarios.Targets(blocks=["west"]))


@pytest.mark.parametrize(
    "steps",
    [
        (RETROFIT,),
        (Step(measure="smart_heating"),),
        (RETROFIT, Step(measure="roof_pv"), Step(measure="prices", parameters={"gas_change": 0.5})),
    ],
    ids=["some buildings", "another schedule", "photovoltaics and prices"],
)
def test_draws_equal_those_of_the_full_simulation(draws: BaseDraws, steps: tuple[Step, ...]) -> None:
    variant = _scenario(*steps).apply(draws.case)
    found = list(draws.compare(variant))[-1]
    full = uncertainty.bands([scenarios.BASELINE, _scenario(*steps)], draws.case, count=4)
    assert found is not None and full is not None
    for side, name in ((found.before, "baseline"), (found.after, "variant")):
        wanted = full.values.loc[name]
        np.testing.assert_allclose(side[:, 0], wanted["heating_need_kwh"], rtol=1e-5)
        # These take a boiler's and a heat pump's ratios by the month, `uncertainty` by the year.
        np.testing.assert_allclose(side[:, 2], wanted["co2_kg"], rtol=2e-3)
        if not any(step.measure == "roof_pv" for step in steps):  # it takes the feed-in revenue off the cost
            np.testing.assert_allclose(side[:, 3], wanted["energy_cost_eur"], rtol=2e-3)
    for number in (0, 3):
        drawn = uncertainty.perturbed(variant, draws.drawn.of(number), draws.drawn.seed * 100_003 + number)
        year = energy.annual(drawn)[["heating_need_kwh", "heating_delivered_kwh"]].sum()
        np.testing.assert_allclose(found.after[number, :2], year, rtol=1e-6)


def test_what_nothing_touches_has_no_band(draws: BaseDraws) -> None:
    bands = list(draws.compare(draws.case))[-1]
    assert bands is not None
    for figure in FIGURES:
        assert bands.change(figure) == (0.0, 0.0) and bands.probability_lower(figure) == 0.0
    dearer = _scenario(Step(measure="prices", parameters={"electricity_change": 0.2})).apply(draws.case)
    bands = list(draws.compare(dearer))[-1]
    assert bands is not None and bands.change("heating_need_kwh") == (0.0, 0.0)
    assert bands.change("energy_cost_eur")[0] > 0 and bands.probability_lower("energy_cost_eur") == 0.0


def test_it_goes_draw_by_draw_and_can_stop_in_between(draws: BaseDraws) -> None:
    steps = draws.compare(_scenario(RETROFIT).apply(draws.case))
    assert [next(steps) is None for _ in range(3)] == [True, True, True]
    assert next(steps) is not None and next(steps, "end") == "end"
    assert list(draws.prepare()) == []  # all of the base's are known by now
