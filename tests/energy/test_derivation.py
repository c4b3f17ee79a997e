"""The explanation of one building's year: every formula worked out again, and its end the simulation's."""

from __future__ import annotations

import pytest

import energy
from energy import derivation as trace
from energy.weather import sample
from tests.energy.districts import slabs
from twin.errors import CallError

CASE = energy.Case(
    slabs(
        3,
        surfaces=True,
        function=["residential", "hospital", "garage"],
        heating=["district_heating", "heat_pump", None],
    ),
    sample(),
)
CASE = CASE.replace(
    envelope=CASE.envelope.assign(gains_factor=[1.2, 1.0, 1.0], hot_water_factor=[0.8, 1.0, 1.0])
)
ENDS = {
    "Q_H": "heating_need_kwh", "Q_C": "cooling_need_kwh", "Q_W": "hot_water_need_kwh",
    "E_use": "electricity_use_kwh", "E_heat": "heating_delivered_kwh", "E_p": "primary_energy_kwh",
    "m_CO2": "co2_kg", "K": "energy_cost_eur",
}  # fmt: skip


@pytest.mark.parametrize("building_id", ["b0", "b1", "b2"])
def test_every_formula_gives_its_value_and_the_end_is_the_simulation(building_id):
    """Values are worked out from the inputs shown; the ends equal `annual` (float32) to 1e-4."""
    steps = trace.trace(CASE, building_id)
    year = energy.annual(CASE).loc[building_id]
    for step in steps:
        assert step.source
        assert step.name != ""
        assert step.name_de != ""
        if step.formula:
            again = eval(step.formula, {"__builtins__": {}, "max": max}, dict(step.inputs))
            assert again == pytest.approx(step.value, rel=1e-12)
    by_symbol = {step.symbol: step.value for step in steps}
    for symbol, column in ENDS.items():
        assert by_symbol[symbol] == pytest.approx(year[column], rel=1e-4, abs=0.5), symbol


def test_lines_in_both_languages():
    steps = trace.trace(CASE, "b0")
    english, german = ("\n".join(trace.lines(steps, language)) for language in ("en", "de"))
    assert "Heating need" in english
    assert "Heizwärmebedarf" in german


def test_unknown_building():
    with pytest.raises(CallError, match="no building 'nowhere'"):
        trace.trace(CASE, "nowhere")
