"""Power of systems where they lie: the surface's own sun, other planes, rows, and none to see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
import pytest

from energy import generation, pv_potential, solar
from energy.generation import Site
from energy.parameters import Parameters
from energy.weather import sample
from twin.visibility import unobstructed

YEAR = sample()
FIGURES = Parameters.default()


def systems(*planes: tuple[str, str, float, float]) -> pd.DataFrame:
    """One system of 10 kWp per (name, kind, tilt, azimuth)."""
    return pd.DataFrame(
        {
            "building_id": "b",
            "kind": [kind for _, kind, _, _ in planes],
            "usable_area_m2": 48.0,
            "surface_tilt": [tilt for _, _, tilt, _ in planes],
            "surface_azimuth": [azimuth for _, _, _, azimuth in planes],
            "peak_power_kwp": 10.0,
            "sets": 0,
        },
        index=pd.Index([name for name, _, _, _ in planes], name="surface_id"),
    )


def half(*surfaces: tuple[str, float, float]):
    """Surfaces that see the half of everything: sky, sun and ground."""
    seen = unobstructed([tilt for _, tilt, _ in surfaces], [azimuth for _, _, azimuth in surfaces])
    names = np.array([name for name, _, _ in surfaces], object)
    return type(seen)(**{
        **{field: getattr(seen, field) for field in seen.__dataclass_fields__},
        "surface_id": names,
        "sky_view": seen.sky_view / 2,
        "ground_view": seen.ground_view / 2,
        "beam": np.full_like(seen.beam, 128),
    })  # fmt: skip


def test_open_roof_yields_what_pvlibs_models_say():
    """30° south: Perez transposition, Faiman, PVWatts of pvlib, with the losses of the table."""
    ours = generation.annual_yield(Site(YEAR, None, FIGURES), systems(("s", "pitched", 30.0, 180.0)))["s"]
    poa = solar.surface_irradiance(YEAR, unobstructed([30.0], [180.0]))[:, 0].astype("float64")
    value = FIGURES.pv["value"]
    cell = pvlib.temperature.faiman(
        poa, YEAR.temp_air, YEAR.wind_speed, value["heat_loss_close_w_m2k"], value["heat_loss_close_wind"]
    )
    losses = 1 - np.prod(1 - value[value.index.str.startswith("loss_")])
    direct = pvlib.pvsystem.pvwatts_dc(poa, cell, 10_000.0, value["temperature_coefficient"]) * (1 - losses)
    rated = 10_000.0 / value["dc_ac_ratio"]
    expected = pvlib.inverter.pvwatts(direct, rated, value["inverter_efficiency"]).sum() / 1000
    assert ours == pytest.approx(expected, rel=1e-5)
    assert 850 < ours / 10 < 1150  # kWh/kWp: what roofs in Thuringia yield (PVGIS: about 1,000)


def test_a_system_in_its_surfaces_plane_gets_the_surfaces_sun():
    seen = half(("s", 30.0, 180.0))
    sun = generation.irradiance(Site(YEAR, seen, FIGURES), systems(("s", "pitched", 30.0, 180.0)))
    np.testing.assert_array_equal(sun, solar.surface_irradiance(YEAR, seen))


@pytest.mark.parametrize(("kind", "tilt"), [("balcony", 70.0), ("flat", 15.0)])
def test_other_planes_lose_the_share_that_their_surface_loses(kind, tilt):
    """A surface that gets half the open light leaves half to modules at another angle on it."""
    wall = 90.0 if kind == "balcony" else 0.0
    name = "w-balconies" if kind == "balcony" else "w"
    table = systems((name, kind, tilt, 180.0))
    shaded = generation.irradiance(Site(YEAR, half(("w", wall, 180.0)), FIGURES), table).sum()
    free = generation.irradiance(Site(YEAR, None, FIGURES), table).sum()
    assert shaded / free == pytest.approx(0.5, abs=0.06)  # obstacles reflect a little


def test_rows_on_an_open_roof_get_less_than_a_single_row():
    site = Site(YEAR, unobstructed([0.0], [0.0]), FIGURES)
    rows = generation.irradiance(site, systems(("0", "flat", 15.0, 180.0))).sum()
    single = generation.irradiance(Site(YEAR, None, FIGURES), systems(("x", "pitched", 15.0, 180.0))).sum()
    assert 0.85 * single < rows < single


def test_systems_are_summed_by_building_in_any_order_and_block(monkeypatch):
    table = systems(*((str(n), "pitched", 5.0 * n, 30.0 * n) for n in range(1, 8)))
    owner = np.array([0, 2, 0, 1, 2, 2, 0])
    site = Site(YEAR, None, FIGURES)
    whole = generation.power(site, table, owner, 4)
    yields = generation.annual_yield(site, table)
    assert np.all(whole[:, 3] == 0)
    np.testing.assert_allclose(
        whole.sum(axis=0, dtype="float64")[:3] / 1000,
        [yields.to_numpy()[owner == number].sum() for number in range(3)],
        rtol=1e-5,
    )
    monkeypatch.setattr(generation, "_AT_ONCE", 3)
    order = np.array([3, 1, 6, 0, 5, 2, 4])
    again = generation.power(site, table.iloc[order], owner[order], 4)
    np.testing.assert_allclose(again, whole, rtol=1e-4, atol=0.05)


def test_no_systems_give_no_power():
    site = Site(YEAR, None, FIGURES)
    assert not generation.power(site, pv_potential.nothing(), [], 2).any()
    assert generation.annual_yield(site, pv_potential.nothing()).empty
