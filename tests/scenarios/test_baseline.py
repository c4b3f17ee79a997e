"""Calibration recovers figures that are known: three annual bills, months, hourly meters with faults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energy
from energy.weather import sample
from scenarios import baseline
from scenarios.baseline import calibrate, factors
from scenarios.baseline.factors import NAMES
from scenarios.baseline.forward import Model, Units
from tests.scenarios import metered
from twin.errors import CallError, SourceError

DATE = "2026-11-26"
BILLS = ["2021-05-01", "2022-04-15", "2023-05-03", "2024-04-20"]
COUNT = 24
# Of 24 intervals of 90 % at least 17 hold the truth: P(fewer) = 0.3 % for Binomial(24, 0.9).
LEAST_COVERED = 17


def covered(found, known):
    """How many intervals of each factor, and of the reference year's heat, hold the truth."""
    inside = [
        [
            u.estimates[name].low <= known.values[i, k] <= u.estimates[name].high
            for k, name in enumerate(NAMES)
        ]
        + [u.heat_after.low <= known.heat_kwh_a[i] <= u.heat_after.high]
        for i, u in enumerate(found.units)
    ]
    return np.sum(inside, axis=0)


@pytest.fixture(scope="module")
def annual():
    """24 buildings with three bills each, years of other weather than the reference."""
    rng = np.random.default_rng(11)
    case, units = metered.case_of(COUNT), metered.alone(COUNT)
    known = metered.truth(case, units, rng)
    weather = metered.years(BILLS[0], BILLS[-1])
    readings = metered.bills(case, weather, units, known, BILLS, rng)
    return case, known, weather, readings, calibrate(case, readings, date=DATE, weather=weather)


def test_three_bills_tell_the_heat_of_a_year(annual):
    """Truth from the model with other factors and years, errors of 3 % a bill and 3 % a meter.

    The heat of the reference year then comes out within 4 % (1σ: 3 % of the meter, 3 %/√3 of the bills give
    3.5 %), where the prior is off by about 20 %.
    """
    _, known, _, _, found = annual
    after = np.array([u.heat_after.value for u in found.units]) / known.heat_kwh_a - 1
    before = np.array([u.heat_before.value for u in found.units]) / known.heat_kwh_a - 1
    assert np.sqrt(np.mean(after**2)) < 0.05
    assert np.sqrt(np.mean(before**2)) > 0.12
    by_degree_days = np.array([u.normalised_kwh_a for u in found.units]) / known.heat_kwh_a - 1
    assert np.sqrt(np.mean(by_degree_days**2)) < 0.06
    nmbe = np.array([u.after[0].nmbe for u in found.units])
    assert np.abs(nmbe).max() < 0.08


def test_three_bills_do_not_tell_single_factors(annual):
    """One combination is known: its spread falls below a third, but set-point, gains, hot water stay open."""
    _, known, _, _, found = annual
    assert (covered(found, known) >= LEAST_COVERED).all()
    told = {name: np.mean([u.estimates[name].told for u in found.units]) for name in NAMES}
    assert told["gains_factor"] < 0.2
    assert told["hot_water_factor"] < 0.2
    assert told["setpoint_offset_k"] < 0.5
    width = [
        (u.heat_after.high - u.heat_after.low) / (u.heat_before.high - u.heat_before.low) for u in found.units
    ]
    assert np.mean(width) < 1 / 3


def test_the_calibrated_case_meets_the_bills_and_says_where_its_figures_come_from(annual):
    case, _, weather, readings, found = annual
    after = found(case)
    assert after.envelope["u_wall_source"].str.match(r"calibrated: meter m\d+, 2026-11-26").all()
    assert after.envelope["g_window_source"].equals(case.envelope["g_window_source"])
    ratio = after.envelope["u_wall_w_m2k"] / case.envelope["u_wall_w_m2k"]
    np.testing.assert_allclose(ratio, [u.estimates["u_value_factor"].value for u in found.units])
    start, end = (pd.DatetimeIndex(readings.values[name]).as_unit("ns").asi8 for name in ("start", "end"))
    model = Model(after.replace(weather=weather), metered.alone(COUNT))
    neutral = np.repeat(factors.NEUTRAL, COUNT, axis=0)[None]
    simulated = model.energies(neutral, readings.unit_number, start, end)[0].reshape(COUNT, 3)
    measured = readings.values["kwh"].to_numpy().reshape(COUNT, 3)
    bias = [baseline.nmbe(m, s) for m, s in zip(measured, simulated, strict=True)]
    assert bias == pytest.approx([u.after[0].nmbe for u in found.units], abs=1e-5)
    year = energy.annual(after)["heating_delivered_kwh"]
    np.testing.assert_allclose(
        year, [u.heat_after.value for u in found.units], rtol=0.02
    )  # months against hours


def test_a_calibration_on_disk_is_the_same(annual, tmp_path):
    case, _, _, _, found = annual
    found.save(tmp_path / "c.toml")
    again = baseline.load(tmp_path / "c.toml")
    assert again.to_dict() == found.to_dict()
    pd.testing.assert_frame_equal(again(case).envelope, found(case).envelope)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 1\n[[unit]]\nmeter = 3", "an entry is missing"),
        ("version = 9", "no calibration of version 1"),
        ("a = [", "no TOML"),
        ("a = " + "[" * 5000, "no TOML"),
    ],
)
def test_what_is_no_calibration_is_refused(tmp_path, text, said):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(SourceError, match=said):
        baseline.load(tmp_path / "c.toml")


def test_another_district_is_refused(annual):
    with pytest.raises(CallError, match="no building 'b"):
        annual[4](metered.case_of(3))


def test_a_typical_year_stands_in_with_wider_intervals(annual):
    case, known, _, readings, exact = annual
    names = list(readings.units.index[:12])
    part = baseline.Readings(readings.units.loc[names], readings.values[readings.values["meter"].isin(names)])
    found = calibrate(case, part, date=DATE)
    assert found.typical_weather
    assert "typical year" in found.discrepancy
    assert (covered(found, known) >= 8).all()  # P(fewer of 12) = 0.4 %

    def width(calibration):
        return np.mean([u.heat_after.high - u.heat_after.low for u in calibration.units[:12]])

    assert width(found) > 1.2 * width(exact)


@pytest.fixture(scope="module")
def hourly():
    """Twelve hourly meters of a year: m0 with gaps, m1 broken from February on, m2 in MWh, m3 with spikes."""
    rng = np.random.default_rng(5)
    case, units = metered.case_of(12), metered.alone(12)
    known = metered.truth(case, units, rng)
    weather = metered.years("2023-01-01", "2024-01-01")
    heat = metered.hours(case, weather, units, known, rng)
    heat[0, rng.random(len(weather)) < 0.02] = np.nan
    heat[0, 2000:3000] = np.nan
    heat[1, 800:] = heat[1, 800]
    heat[2] /= 1000
    heat[3, rng.integers(0, len(weather), 25)] *= 40
    return (
        case,
        known,
        calibrate(case, metered.of_hours(case, weather, units, heat), date=DATE, weather=weather),
    )


def test_hourly_meters_tell_most_factors(hourly):
    """Errors of 15 % an hour, 6 % a day, 3 % a meter. Sound meters: 8 of 11 intervals hold.

    P(fewer) = 2 % for Binomial(11, 0.9).
    """
    _, known, found = hourly
    sound = [i for i in range(12) if i != 2]
    inside = [
        [u.estimates[n].low <= known.values[i, k] <= u.estimates[n].high for k, n in enumerate(NAMES)]
        for i, u in enumerate(found.units)
        if i in sound
    ]
    assert (np.sum(inside, axis=0) >= 8).all()
    whole = [i for i in sound if i != 1]
    for name, least in (("u_value_factor", 0.75), ("hot_water_factor", 0.9), ("setpoint_offset_k", 0.4)):
        assert np.mean([found.units[i].estimates[name].told for i in whole]) > least
    error = [found.units[i].heat_after.value / known.heat_kwh_a[i] - 1 for i in whole]
    assert np.abs(error).max() < 0.08


def test_agreement_by_hour_and_month(hourly):
    for unit in (u for i, u in enumerate(hourly[2].units) if i not in (1, 2, 3)):
        assert [a.step for a in unit.after] == ["hour", "month"]
        assert unit.after[0].within
        assert unit.after[0].cv_rmse <= unit.before[0].cv_rmse + 0.02
        assert unit.after[1].within or abs(unit.after[1].nmbe) < 0.08


def test_faults_are_named(hourly):
    found = hourly[2]
    said = {f.record: f.message for f in found.findings}
    assert "hours have no reading" in said["meter m0"]
    assert "stands still" in said["meter m1"]
    assert found.units[1].fitted
    assert found.units[1].used < 900
    wide = [u.estimates["u_value_factor"] for u in found.units[:2]]
    assert wide[1].high - wide[1].low > wide[0].high - wide[0].low
    assert not found.units[2].fitted
    assert "MWh" in found.units[2].reason
    assert len(found.units[3].outliers) > 5
    assert not found.units[5].outliers


def test_one_meter_for_several_buildings_without_hot_water():
    """A block of three buildings, heating only: one set of factors; hot water is not told of."""
    rng = np.random.default_rng(7)
    case = metered.case_of(4)
    units = Units(np.arange(4), np.array([0, 0, 0, 1]), np.array([False, True]))
    known = metered.truth(case, units, rng)
    weather = metered.years("2022-12-31", "2024-01-02")
    months = [*(f"2023-{month:02d}-01" for month in range(1, 13)), "2024-01-01"]
    readings = metered.bills(case, weather, units, known, months, rng, noise=0.04)
    found = calibrate(case, readings, date=DATE, weather=weather)
    block, single = found.units
    assert block.buildings == ("b0", "b1", "b2")
    assert "hot_water_factor" not in block.estimates
    assert "hot_water_factor" in single.estimates
    assert block.step == "month"
    assert block.after[0].within
    envelope = found(case).envelope
    assert envelope["u_wall_source"].iloc[:3].nunique() == 1
    assert (envelope["hot_water_factor"].iloc[:3] == 1.0).all()


def test_a_figure_at_its_bound_is_named():
    """Half of the least that the bounds allow: factors end at their bounds, and the unit says which."""
    rng = np.random.default_rng(9)
    case = metered.case_of(2).replace()
    units = metered.alone(2)
    known = metered.truth(case, units, rng)
    values = np.repeat(factors.NEUTRAL, 2, axis=0)
    values[0] = [0.25, 0.1, -6.0, 2.6, 0.3]
    weather = metered.years("2022-12-31", "2024-01-02")
    months = [*(f"2023-{month:02d}-01" for month in range(1, 13)), "2024-01-01"]
    made = metered.Truth(known.x, values, known.heat_kwh_a)
    readings = metered.bills(case, weather, units, made, months, rng, noise=0.01)
    tight = case.parameters.with_constants(
        setpoint_offset_low_k=-0.5, u_value_factor_low=0.9, unlike_factor=100.0
    )
    found = calibrate(case.replace(parameters=tight), readings, date=DATE, weather=weather)
    assert set(found.units[0].at_bounds) >= {"u_value_factor", "setpoint_offset_k"}
    assert found.units[1].at_bounds == ()
    estimate = found.units[0].estimates["u_value_factor"]
    assert estimate.low == pytest.approx(0.9)
    assert estimate.value == pytest.approx(0.9)


def test_cases_that_cannot_be_calibrated():
    rng = np.random.default_rng(1)
    case, units = metered.case_of(2), metered.alone(2)
    known = metered.truth(case, units, rng)
    weather = metered.years(BILLS[0], BILLS[-1])
    readings = metered.bills(case, weather, units, known, BILLS, rng)
    with pytest.raises(SourceError, match="weather Jena, sample year"):
        calibrate(case, readings, date=DATE, weather=sample())
    cold = case.replace(envelope=case.envelope.assign(conditioned=[False, True]))
    with pytest.raises(SourceError, match="building b0 is not heated"):
        calibrate(cold, readings, date=DATE, weather=weather)
    gas = case.replace(envelope=case.envelope.assign(heating=["district_heating", "gas"]))
    with pytest.raises(SourceError, match="measures district_heating, but building b1 takes gas"):
        calibrate(gas, readings, date=DATE, weather=weather)
