"""Draws: even, repeatable, shared by all scenarios; bands that contain what they should."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energy
import scenarios
from energy import Case
from energy.parameters import Parameters
from energy.spreads import SOURCE_OF, spreads
from scenarios.compare import compare
from scenarios.measures import climate
from scenarios.outcome import evaluate
from scenarios.uncertainty import INPUT_OF, Bands, bands, draws, perturbed
from tests.energy.districts import slabs
from twin import CallError

PARAMETERS = Parameters.default()
ZERO = dict.fromkeys(PARAMETERS.uncertainties.index, 0.0)
RETROFIT = scenarios.Scenario(name="retrofit", measures=[scenarios.Step(measure="envelope_retrofit")])
HALF = scenarios.Scenario(
    name="half", measures=[scenarios.Step(measure="envelope_retrofit", parameters={"components": ["wall"]})]
)


@pytest.fixture(scope="module")
def case() -> Case:
    return Case(slabs(surfaces=True), energy.weather.sample(), shading="tabula")


@pytest.fixture(scope="module")
def found(case: Case) -> Bands:
    result = bands([scenarios.BASELINE, HALF, RETROFIT], case, count=12, seed=3)
    assert result is not None
    return result


def test_draws_are_even_and_repeatable() -> None:
    some = draws(PARAMETERS, 20, seed=5)
    assert some.inputs == tuple(PARAMETERS.uncertainties.index)
    from scipy.special import ndtr

    strata = np.sort((ndtr(some.z) * 20).astype(int), axis=0)  # one in each twentieth of every input
    assert (strata == np.arange(20)[:, None]).all()
    assert np.array_equal(some.z, draws(PARAMETERS, 20, seed=5).z)
    with pytest.raises(CallError, match="2 or more"):
        draws(PARAMETERS, 1)


def test_every_figure_of_the_spreads_has_an_input() -> None:
    assert set(INPUT_OF) == set(SOURCE_OF)
    assert set(INPUT_OF.values()) < set(PARAMETERS.uncertainties.index)


def test_a_draw_spreads_as_the_table_says(case: Case) -> None:
    many = Case(slabs(400), case.weather, shading="tabula")
    after = perturbed(many, ZERO, seed=1).envelope
    sd = spreads(many.envelope, PARAMETERS)["u_wall_w_m2k_sd"].iloc[0]
    value = many.envelope["u_wall_w_m2k"].iloc[0]
    ratio = np.log(after["u_wall_w_m2k"] / value)
    # Half the variance is the buildings' own (uncertainties.csv); 400 samples: ± 7 % (two sd).
    assert ratio.std() == pytest.approx(np.sqrt(0.5 * np.log1p((sd / value) ** 2)), rel=0.12)
    assert (after["u_wall_w_m2k"] > 0).all() and (after["b_floor"] <= 1).all()


def test_shared_inputs_move_all_buildings_and_weather(case: Case) -> None:
    plain = perturbed(case, ZERO, seed=1)
    leaky = perturbed(case, {**ZERO, "air_change": 1.0}, seed=1)
    assert (leaky.envelope["infiltration_1_h"] > plain.envelope["infiltration_1_h"]).all()
    assert leaky.envelope["u_wall_w_m2k"].equals(plain.envelope["u_wall_w_m2k"])
    warm = perturbed(case, {**ZERO, "weather": 1.0}, seed=1)
    assert (
        warm.envelope["setpoint_offset_k"] - plain.envelope["setpoint_offset_k"]
    ).to_numpy() == pytest.approx(-0.7)


def test_a_warmer_year_counts_as_a_lower_set_point(case: Case) -> None:
    # The equations are linear in the difference to outdoors (ISO 13790, Annex C); sky radiation is not.
    warmer = energy.annual(climate.apply(case, winter_k=0.7, summer_k=0.7))["heating_need_kwh"]
    envelope = case.envelope.assign(setpoint_offset_k=case.envelope["setpoint_offset_k"] - 0.7)
    lower = energy.annual(case.replace(envelope=envelope))["heating_need_kwh"]
    assert lower.to_numpy() == pytest.approx(warmer.to_numpy(), rel=0.01)


def test_the_expected_figures_lie_in_their_band(case: Case, found: Bands) -> None:
    table = compare([evaluate(s, case) for s in (scenarios.BASELINE, HALF, RETROFIT)])
    low, high = (found.quantiles().xs(q, level="quantile") for q in (0.05, 0.95))
    for name in ("heating_need_kwh", "delivered_kwh", "co2_kg", "net_present_cost_eur", "co2_horizon_kg"):
        assert ((low[name] < table[name]) & (table[name] < high[name])).all(), name


def test_differences_are_surer_than_their_parts(found: Bands) -> None:
    apart = found.changes.loc["half"]["heating_need_kwh"].std()
    each = found.values.groupby(level="scenario")["heating_need_kwh"].std()
    # Independent draws would add: sqrt(a² + b²).
    assert apart < 0.5 * np.hypot(each["half"], each["baseline"])


def test_better_insulation_is_better_in_every_draw(found: Bands) -> None:
    assert found.probability("retrofit", "baseline", "heating_need_kwh") == 1
    assert found.probability("retrofit", "half", "heating_need_kwh") == 1
    assert found.probability("baseline", "retrofit", "heating_need_kwh") == 0
    assert (found.changes["abatement_cost_eur_t"].notna()).all()


def test_the_same_seed_gives_the_same_band_and_another_order_too(case: Case, found: Bands) -> None:
    again = bands([scenarios.BASELINE, RETROFIT], case, count=12, seed=3)
    assert again is not None
    pd.testing.assert_frame_equal(again.values.loc["retrofit"], found.values.loc["retrofit"])


def test_it_can_be_cancelled_and_says_how_far_it_is(case: Case) -> None:
    seen: list[float] = []
    assert (
        bands(
            [scenarios.BASELINE],
            case,
            count=4,
            progress=lambda _, s: seen.append(s),
            cancelled=lambda: len(seen) > 1,
        )
        is None
    )
    assert seen == [0.0, 0.25]
    with pytest.raises(CallError, match="no scenario"):
        bands([], case)


def test_weather_alone_moves_heat_and_no_price(case: Case) -> None:
    table = PARAMETERS.uncertainties.copy()
    table.loc[table.index != "weather", "spread"] = 0.0
    quiet = case.replace(parameters=PARAMETERS.replace(uncertainties=table))
    only = bands([scenarios.BASELINE], quiet, count=8)
    assert only is not None
    heat = only.values.loc["baseline"]["heating_need_kwh"]
    order = only.z["weather"].to_numpy().argsort()
    assert (np.diff(heat.to_numpy()[order]) < 0).all()  # the warmer, the less
