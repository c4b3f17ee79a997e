"""The chain from need to cost, its labels and its files."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energy
from energy import results, weather, weighting
from energy.zone import check_balance
from tests.energy.districts import slabs
from twin.errors import CallError

WEATHER = weather.sample()


def mixed() -> energy.Case:
    """Homes with several supplies, a school, a hospital with cooling, a garage, an unheated house."""
    return energy.Case(
        slabs(
            7,
            function=["residential"] * 3 + ["school", "hospital", "garage", "residential"],
            heating=["district_heating", "gas", "heat_pump", "district_heating", "gas", None, "none"],
        ),
        WEATHER,
    )


CASE = mixed()
YEAR = energy.annual(CASE)


def test_results_are_labelled_as_the_contract_says():
    data = energy.simulate(slabs(2), WEATHER, resolution="month")
    assert set(data.data_vars) == set(results.VARIABLES)
    for name, values in data.data_vars.items():
        dims = ("carrier", "building_id", "time") if name == "delivered_kwh" else ("building_id", "time")
        assert values.dims == dims
        assert values.attrs["units"]
        assert values.attrs["long_name"]
    for name in ("weather", "software", "input_digest", "method", "time_zone"):
        assert data.attrs[name]
    assert list(data["building_id"].to_numpy()) == ["b0", "b1"]
    assert data["time"].to_numpy()[1] == np.datetime64("2025-02-01T00")


def test_resolutions_agree():
    hours = energy.simulate(CASE, outputs=["heating_need_kwh", "electricity_use_kwh", "co2_kg"])
    assert hours.sizes["time"] == 8760
    months = energy.simulate(CASE, outputs=list(hours.data_vars), resolution="month")
    year = energy.simulate(CASE, outputs=list(hours.data_vars), resolution="year")
    assert (months.sizes["time"], year.sizes["time"]) == (12, 1)
    for name in hours.data_vars:
        by_hour = hours[name].astype("float64")
        close = 0.02 if name == "co2_kg" else 1e-4  # months and years go by mean ratios of the plants
        np.testing.assert_allclose(by_hour.sum("time"), months[name].sum("time"), rtol=close)
        np.testing.assert_allclose(by_hour.sum("time"), year[name].isel(time=0), rtol=close)
        np.testing.assert_allclose(YEAR[name], months[name].sum("time"), rtol=1e-4)


def test_delivered_energy_adds_up_by_hand():
    """Primary, CO2 and cost by the factors of each carrier; pumps need electricity too."""
    auxiliary = energy.simulate(CASE, outputs=["auxiliary_electricity_kwh"], resolution="month")
    pumps = auxiliary["auxiliary_electricity_kwh"].sum("time")
    parameters = CASE.parameters
    for building, heating in (("b0", "district_heating"), ("b1", "gas"), ("b2", "heat_pump")):
        row, system = YEAR.loc[building], parameters.systems.loc[heating]
        heat = row["heating_delivered_kwh"]
        other = row["electricity_use_kwh"] + float(pumps.sel(building_id=building))
        carriers = weighting.table(parameters)
        carrier, power = carriers.loc[system["carrier"]], carriers.loc["electricity"]
        for column, factor in (
            ("primary_energy_kwh", "primary_energy_factor"),
            ("co2_kg", "co2_kg_kwh"),
            ("energy_cost_eur", "price_eur_kwh"),
        ):
            expected = heat * carrier[factor] + other * power[factor]
            assert row[column] == pytest.approx(expected, rel=1e-5)


def test_carriers_add_up_to_all_delivered_energy():
    year = energy.simulate(CASE, resolution="year").isel(time=0)
    total = year["delivered_kwh"].sum("carrier")
    electricity = year["electricity_use_kwh"] + year["cooling_need_kwh"] / 3.0
    electricity += year["auxiliary_electricity_kwh"]
    np.testing.assert_allclose(total, year["heating_delivered_kwh"] + electricity, rtol=1e-5)
    gas = year["delivered_kwh"].sel(carrier="gas")
    assert gas.sel(building_id="b1") == year["heating_delivered_kwh"].sel(building_id="b1")
    assert gas.sel(building_id="b0") == 0


def test_use_follows_the_documented_figures():
    """TABULA: hot water 15 kWh/m²a; Stromspiegel by household size in dwellings of 96 m²."""
    assert YEAR.loc["b0", "hot_water_need_kwh"] == pytest.approx(15 * 2304, rel=1e-4)
    assert YEAR.loc["b0", "electricity_use_kwh"] == pytest.approx(24 * 1968.2, rel=1e-4)


def test_what_is_not_heated_needs_nothing_and_has_no_temperature():
    data = energy.simulate(CASE, resolution="year", buildings=["b5", "b6"])
    for name in ("heating_need_kwh", "cooling_need_kwh", "hot_water_need_kwh", "heating_delivered_kwh"):
        assert (data[name] == 0).all()
    assert data["air_temperature_c"].isnull().all()
    assert (data["electricity_use_kwh"] > 0).all()


def test_cooling_belongs_to_cooled_uses_only():
    assert YEAR.loc["b4", "cooling_need_kwh"] > 0
    assert (YEAR.drop("b4")["cooling_need_kwh"] == 0).all()


def test_set_points_hold_and_the_year_is_plausible():
    """A free-standing unrenovated WBS 70 section: TABULA's type needs 96 kWh/(m²a) in a row of sections."""
    data = energy.simulate(CASE, outputs=["heating_need_kwh", "air_temperature_c"], buildings=["b0"])
    assert float(data["air_temperature_c"].min()) == pytest.approx(20.0, abs=1e-3)
    need = YEAR.loc["b0", "heating_need_kwh"] / 2304
    assert 80 < need < 140
    months = data["heating_need_kwh"].groupby("time.month").sum().isel(building_id=0).to_numpy()
    assert months[0] == months.max()
    assert months[6] < 0.05 * months[0]


def test_selection_keeps_values_and_order():
    part = energy.annual(CASE, buildings=["b4", "b1"])
    assert list(part.index) == ["b4", "b1"]
    pd.testing.assert_frame_equal(part, YEAR.loc[["b4", "b1"]], rtol=1e-5)


def test_a_case_is_replaced_never_changed():
    better = CASE.envelope.assign(u_wall_w_m2k=0.2)
    changed = CASE.replace(envelope=better)
    saved = YEAR["heating_need_kwh"] - energy.annual(changed)["heating_need_kwh"]
    assert (saved.iloc[:5] > 0).all()
    assert CASE.envelope["u_wall_w_m2k"].iloc[0] == pytest.approx(0.9)
    assert changed.digest != CASE.digest
    assert mixed().digest == CASE.digest
    warmer = CASE.replace(parameters=CASE.parameters.with_constants(room_height_m=3.0))
    assert energy.annual(warmer)["heating_need_kwh"].iloc[0] > YEAR["heating_need_kwh"].iloc[0]
    refilled = changed.replace(district=slabs(2))
    assert list(refilled.envelope["u_wall_w_m2k"].round(6)) == [0.9, 0.9]


def test_a_cooler_set_point_by_building():
    cooler = CASE.replace(envelope=CASE.envelope.assign(setpoint_offset_k=-1.0))
    ratio = energy.annual(cooler)["heating_need_kwh"] / YEAR["heating_need_kwh"]
    assert ((ratio.iloc[:5] > 0.75) & (ratio.iloc[:5] < 0.96)).all()


def test_gains_and_hot_water_by_building():
    """The factors scale the use's figures: twice the hot water, and less heating with more gains."""
    other = energy.annual(CASE.replace(envelope=CASE.envelope.assign(gains_factor=1.5, hot_water_factor=2.0)))
    np.testing.assert_allclose(other["hot_water_need_kwh"], 2 * YEAR["hot_water_need_kwh"], rtol=1e-6)
    assert (other["heating_need_kwh"].iloc[:5] < YEAR["heating_need_kwh"].iloc[:5]).all()


def test_progress_is_told():
    told: list[float] = []
    energy.simulate(CASE, resolution="year", progress=lambda text, share: told.append(share))
    assert told[0] == 0
    assert told[-1] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": ["heat"]}, "no output 'heat'"),
        ({"resolution": "minute"}, "no resolution 'minute'"),
        ({"method": "magic"}, "no method 'magic'"),
        ({"buildings": ["zoo"]}, "no building 'zoo'"),
        ({"weather": WEATHER}, "has its weather already"),
    ],
)
def test_wrong_calls_are_named(options, message):
    with pytest.raises(CallError, match=message):
        energy.simulate(CASE, **options)


def test_a_district_needs_a_weather():
    with pytest.raises(CallError, match="needs a weather"):
        energy.simulate(slabs(1))


@pytest.mark.parametrize(
    ("column", "value"), [("u_wall_w_m2k", np.nan), ("window_area_m2", -1.0), ("a_use_m2", np.inf)]
)
def test_a_figure_that_cannot_be_is_named_with_its_building(column, value):
    envelope = CASE.envelope.copy()
    envelope.loc["b2", column] = value
    with pytest.raises(CallError, match=re.escape(f"building b2: {column} is {value:g}")):
        energy.annual(CASE.replace(envelope=envelope))


def test_absurd_forms_have_a_defined_result():
    """A chimney with one storey of floor; no windows; no walls: finite, and the leaky one needs most."""
    envelope = CASE.envelope.copy()
    envelope.loc["b0", ["a_use_m2", "u_wall_w_m2k"]] = [2.0, 5.0]
    envelope.loc["b1", ["window_area_m2", *energy.archetypes.WINDOW_COLUMNS]] = 0.0
    envelope.loc["b2", ["wall_area_m2", "door_area_m2"]] = 0.0
    year = energy.annual(CASE.replace(envelope=envelope))
    assert np.isfinite(year.to_numpy()).all()
    assert year["heating_need_kwh"].iloc[0] > year["heating_need_kwh"].iloc[1]


def test_an_envelope_of_other_buildings_is_refused():
    with pytest.raises(CallError, match="other buildings"):
        CASE.replace(envelope=CASE.envelope.iloc[:2])


def test_an_empty_district_gives_empty_results():
    data = energy.simulate(slabs(2).select([]), WEATHER, resolution="month")
    assert data.sizes["building_id"] == 0


def test_an_empty_district_gives_an_empty_file(tmp_path: Path):
    empty = energy.Case(slabs(2).select([]), WEATHER)
    path = energy.simulate_to_file(empty, tmp_path / "r.nc", outputs=["co2_kg", "delivered_kwh"])
    with xr.open_dataset(path) as data:
        assert data.sizes["building_id"] == 0


def test_several_threads_at_once_get_the_same():
    """As in a server: threads call the kernel, which uses threads itself."""
    with ThreadPoolExecutor(4) as pool:
        for year in pool.map(energy.annual, [CASE] * 8):
            pd.testing.assert_frame_equal(year, YEAR)


def test_file_streamed_in_parts_equals_the_results_in_memory(tmp_path: Path):
    told: list[float] = []
    path = energy.simulate_to_file(
        CASE, tmp_path / "r.nc", progress=lambda text, share: told.append(share), buildings_at_once=3
    )
    whole = energy.simulate(CASE)
    with xr.open_dataset(path) as data:
        assert set(data.data_vars) == set(whole.data_vars)
        for name in whole.data_vars:
            np.testing.assert_allclose(data[name], whole[name], rtol=1e-5, atol=1e-5)
            assert data[name].attrs["units"] == whole[name].attrs["units"]
        assert data.attrs == whole.attrs
        assert data["time"].to_numpy()[0] == np.datetime64("2025-01-01")
        assert list(data["carrier"].to_numpy()) == list(whole["carrier"].to_numpy())
    assert told[-1] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["r.nc"]


def test_written_results_come_back(tmp_path: Path):
    months = energy.simulate(CASE, resolution="month").assign_coords(scenario="now").expand_dims("scenario")
    path = energy.write(months, tmp_path / "months.nc")
    with xr.open_dataset(path) as data:
        xr.testing.assert_allclose(data, months.drop_vars([]))
        assert data["heating_need_kwh"].dims == ("scenario", "building_id", "time")


def test_an_interrupted_file_leaves_nothing_and_keeps_the_old(tmp_path: Path):
    target = tmp_path / "r.nc"
    target.write_bytes(b"old")

    def stop(text: str, share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        energy.simulate_to_file(CASE, target, progress=stop, buildings_at_once=2, outputs=["co2_kg"])
    assert [file.name for file in tmp_path.iterdir()] == ["r.nc"]
    assert target.read_bytes() == b"old"


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(CallError, match="no such folder"):
        energy.simulate_to_file(CASE, tmp_path / "no" / "r.nc", outputs=["co2_kg"])


def test_a_year_that_does_not_balance_is_refused():
    with pytest.raises(CallError, match=r"building b1: the heat balance of 1 building\(s\) does not close"):
        check_balance(np.array([1e-6, np.nan, -1e-5]), pd.Index(["b0", "b1", "b2"]))
