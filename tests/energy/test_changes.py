"""What a change touches is computed again, nothing else, and the result is that of a full run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energy
from energy import pv_potential
from energy.changes import changes
from energy.parameters import VALUE_TABLES, Parameters
from tests.energy.districts import slabs, with_flat_roofs

WEATHER = energy.weather.sample()
CASE = energy.Case(slabs(70), WEATHER, shading="tabula")
BEFORE = energy.annual(CASE)
MARK = 1e6  # added to what should be left as it is: it stays


def check(
    after: energy.Case, touched: list[str], weighting: bool = False, before: energy.Case = CASE
) -> None:
    """`after` has touched these buildings only, and its sums are those of a full run."""
    found = changes(before, after)
    assert found is not None
    assert list(before.envelope.index[found.buildings]) == touched
    assert found.weighting == weighting
    known = energy.annual(before)
    again = energy.annual(after, since=(before, known))
    pd.testing.assert_frame_equal(again, energy.annual(after), rtol=1e-9, atol=0)
    marked = known.assign(heating_need_kwh=known["heating_need_kwh"] + MARK)
    left = ~found.buildings
    kept = energy.annual(after, since=(before, marked))["heating_need_kwh"] - known["heating_need_kwh"]
    np.testing.assert_allclose(kept[left], MARK, rtol=1e-12)


def test_only_the_buildings_of_a_measure_are_simulated_again():
    envelope = CASE.envelope.copy()
    envelope.loc[["b7", "b60"], "u_wall_w_m2k"] = 0.2
    envelope.loc["b11", "heating"] = "gas"
    check(CASE.replace(envelope=envelope), ["b7", "b11", "b60"])


def test_with_modules_on_the_roofs_too():
    roofed = energy.Case(with_flat_roofs(slabs(70, surfaces=True)), WEATHER, shading="tabula")
    sunny = roofed.replace(pv=pv_potential.potential(roofed.district, roofed.parameters))
    assert len(sunny.pv) >= 70
    envelope = roofed.envelope.copy()
    envelope.loc["b3", ["u_wall_w_m2k", "heating"]] = [0.3, "heat_pump"]
    check(sunny.replace(envelope=envelope), ["b3"], before=sunny)


@pytest.mark.parametrize(
    "figures",
    [
        {"year": 2040},
        {"export_credit": 1.0},
        {"network_simulated": 1, "network_loss_share": 0.2},
        {"vat": 0.0},
    ],
    ids=str,
)
def test_factors_and_prices_alone_simulate_nothing(figures: dict[str, float]):
    check(CASE.replace(parameters=CASE.parameters.with_constants(**figures)), [], weighting=True)


@pytest.mark.parametrize("column", ["primary_energy_factor", "co2_kg_kwh", "price_eur_kwh"])
def test_a_certificate_of_district_heat_simulates_nothing(column: str):
    """Another certificate, CO2 figure or price of a carrier is a row of the table carriers."""
    row = pd.DataFrame({column: [0.5]}, index=pd.Index(["district_heating"], name="carrier"))
    check(CASE.replace(parameters=CASE.parameters.with_table("carriers", row)), [], weighting=True)


def test_a_lower_supply_temperature_is_left_to_the_network():
    """Stage 1 does not see it: `scenarios.measures.supply_temperature` says so too."""
    check(CASE.replace(parameters=CASE.parameters.with_constants(lowered_k=10.0)), [])


def test_set_points_of_some_buildings_touch_only_these():
    """A use of its own, as `scenarios.measures.set_points` makes it."""
    parameters, envelope = CASE.parameters, CASE.envelope.copy()
    row = parameters.use.loc[["residential"]].assign(set_heating_c=18.0).set_axis(["residential~cool"])
    week = parameters.schedules.xs("residential", level="function", drop_level=False).reset_index()
    week["function"] = "residential~cool"
    changed = parameters.replace(
        use=pd.concat([row, parameters.use]).rename_axis("function"),  # the other uses' rows move
        schedules=pd.concat([parameters.schedules, week.set_index(list(parameters.schedules.index.names))]),
    )
    envelope.loc[["b2", "b5"], "function"] = "residential~cool"
    check(CASE.replace(envelope=envelope, parameters=changed), ["b2", "b5"])


def test_another_row_of_a_use_touches_its_buildings():
    function = CASE.envelope["function"]
    use = CASE.parameters.use.copy()
    use.loc[function.iloc[0], "set_heating_c"] = 22.0
    expected = list(function.index[(function == function.iloc[0]).to_numpy()])
    check(CASE.replace(parameters=CASE.parameters.replace(use=use)), expected)


@pytest.mark.parametrize("name", ["albedo", "room_height_m", "emission_share", "persons_per_dwelling"])
def test_figures_of_all_buildings_touch_everything(name: str):
    value = CASE.parameters.constant(name)
    assert (
        changes(CASE, CASE.replace(parameters=CASE.parameters.with_constants(**{name: value + 0.1}))) is None
    )


def test_tables_that_do_not_count_change_nothing():
    """All that `changes` lets pass is off at once: a full run gives the same."""
    base = CASE.parameters
    tables: dict[str, pd.DataFrame] = {}
    for name in Parameters.__dataclass_fields__:
        table: pd.DataFrame = getattr(base, name)
        numbers = table.select_dtypes("number").columns
        other = table.assign(**{column: table[column] * 1.3 + 1 for column in numbers})
        if (
            changes(CASE, CASE.replace(parameters=base.replace(**{name: other}))) is None
            or name in VALUE_TABLES[:3]
        ):
            continue
        if name not in ("carriers", "paths", "co2_prices", "use", "schedules"):
            tables[name] = other
    assert {"typology", "network", "economy", "pipes", "rooms"} <= set(tables)
    after = CASE.replace(parameters=base.replace(**tables))
    pd.testing.assert_frame_equal(energy.annual(after), BEFORE, rtol=0, atol=0)
    check(after, [])


def test_modules_touch_the_buildings_that_get_or_lose_them():
    roofed = energy.Case(with_flat_roofs(slabs(70, surfaces=True)), WEATHER, shading="tabula")
    every = pv_potential.potential(roofed.district, roofed.parameters)
    owner = every["building_id"]
    some = roofed.replace(pv=every[owner.isin(["b3", "b9", "b20"])])
    fewer = every[owner.isin(["b3", "b20", "b41"])].copy()
    fewer.loc[fewer["building_id"] == "b20", "battery_kwh"] += 10.0
    shuffled = fewer.iloc[::-1]
    check(roofed.replace(pv=shuffled), ["b9", "b20", "b41"], before=some)
    check(some, ["b3", "b9", "b20"], before=roofed)
