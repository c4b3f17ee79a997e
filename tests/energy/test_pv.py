"""Photovoltaic power against pvlib's functions and by hand; rows on flat roofs; where modules fit."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pvlib
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from energy import pv, pv_potential, pv_rows, weather
from energy.parameters import Parameters
from tests.energy.districts import slabs
from twin import District
from twin.errors import CallError

P = Parameters.default()


def systems(*kinds: str, peak_power_kwp: float = 10.0, sets: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"kind": kinds, "peak_power_kwp": peak_power_kwp, "sets": sets})


def pvlibs_power(
    sun: np.ndarray, air: np.ndarray, wind: np.ndarray, plant: pv.Modules, lane: int
) -> np.ndarray:
    """The same chain by pvlib's functions."""
    cell = pvlib.temperature.faiman(sun, air, wind, plant.u0[lane], plant.u1[lane])
    direct = pvlib.pvsystem.pvwatts_dc(
        sun, cell, plant.peak_power_w[lane], plant.temperature_coefficient[lane]
    )
    direct = direct * (1 - plant.losses[lane])
    out = pvlib.inverter.pvwatts(direct, plant.inverter_w[lane], plant.inverter_efficiency[lane])
    return np.minimum(out, plant.limit_w[lane])


def test_power_is_pvlibs():
    random = np.random.default_rng(5)
    sun = random.uniform(0, 1300, (500, 3)) * (random.random((500, 3)) > 0.3)
    sun[:20] = random.uniform(0, 20, (20, 3))
    air, wind = random.uniform(-20, 38, 500), random.uniform(0, 15, 500)
    plant = pv.modules(systems("flat", "pitched", "balcony", sets=2), P)
    ours = pv.power(sun, air, wind, plant)
    for lane in range(3):
        np.testing.assert_allclose(
            ours[:, lane], pvlibs_power(sun[:, lane], air, wind, plant, lane), rtol=1e-9, atol=1e-6
        )


def test_losses_are_pvwatts():
    """pvlib's product in percent, our reflection in the place of its shading."""
    percent = pvlib.pvsystem.pvwatts_losses(
        soiling=2,
        shading=3,
        snow=0,
        mismatch=2,
        wiring=2,
        connections=0.5,
        lid=1.5,
        nameplate_rating=1,
        age=0,
    )
    assert pv.total_losses(P) == pytest.approx(percent / 100)


def test_power_by_hand():
    """800 W/m² at 20 °C and 1 m/s on 10 kWp of free rows: cell 20 + 800/31.84 = 45.13 °C; 8 kW · (1 − 0.0037
    · 20.13) · 0.85924 = 6362 W before the inverter, 0.6998 of its 9091 W; efficiency 0.96/0.9637 · (0.9858 −
    0.0162 · 0.6998 − 0.0059/0.6998) = 0.9623; 6122 W."""
    plant = pv.modules(systems("flat"), P)
    out = pv.power(np.array([[800.0]]), np.array([20.0]), np.array([1.0]), plant)
    assert out[0, 0] == pytest.approx(6122, abs=3)


def test_float32_year_agrees():
    year = weather.sample()
    sun = np.stack([year.ghi, 0.5 * year.ghi], axis=1)
    plant = pv.modules(systems("flat", "facade"), P)
    exact = pv.power(sun, year.temp_air, year.wind_speed, plant).sum(axis=0)
    fast = pv.power(sun.astype("float32"), year.temp_air, year.wind_speed, plant)
    assert fast.dtype == np.float32
    np.testing.assert_allclose(fast.sum(axis=0, dtype="float64"), exact, rtol=1e-5)


def test_a_plug_in_set_feeds_in_no_more_than_it_may():
    """Solarpaket I: 800 W a set; three sets of 0.89 kWp in full sun would give 2.2 kW and more."""
    plant = pv.modules(systems("balcony", peak_power_kwp=3 * 0.89, sets=3), P)
    out = pv.power(np.full((1, 1), 1300.0), np.array([-10.0]), np.array([9.0]), plant)
    assert out[0, 0] == pytest.approx(2304, abs=100)
    assert out[0, 0] <= 2400
    older = P.pv["value"].where(P.pv.index != "balcony_limit_w", 600.0)
    before = pv.modules(
        systems("balcony", peak_power_kwp=3 * 0.89, sets=3), P.replace(pv=P.pv.assign(value=older))
    )
    assert pv.power(np.full((1, 1), 1300.0), np.array([-10.0]), np.array([9.0]), before)[0, 0] == 1800


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1200), st.floats(-20, 40), st.floats(0, 15))
def test_warmer_is_less_and_darkness_is_nothing(sun, air, wind):
    plant = pv.modules(systems("pitched"), P)
    out = pv.power(np.array([[sun], [sun], [0.0]]), np.array([air, air + 5, air]), np.full(3, wind), plant)
    assert out[1, 0] <= out[0, 0] + 1e-9
    assert out[2, 0] == 0.0


def test_wrong_shapes_and_names_are_refused():
    with pytest.raises(CallError, match=r"shape \(4, 2\), not \(4, 1\)"):
        pv.power(np.zeros((4, 2)), np.zeros(4), np.zeros(4), pv.modules(systems("flat"), P))
    with pytest.raises(CallError, match="no figure 'nothing'"):
        pv.value(P, "nothing")


# --- rows


def test_shade_of_rows_is_pvlibs():
    random = np.random.default_rng(2)
    zenith, azimuth = random.uniform(0, 89, 400), random.uniform(0, 360, 400)
    for tilt, facing, cover in ((15, 180, 0.6), (30, 150, 0.5), (10, 90, 0.9), (35, 0, 0.4)):
        ours = pv_rows.shaded_fraction(zenith, azimuth, tilt, facing, cover)
        theirs = pvlib.shading.shaded_fraction1d(
            zenith,
            azimuth,
            axis_azimuth=facing - 90,
            shaded_row_rotation=tilt,
            collector_width=1.0,
            pitch=1 / cover,
        )
        front = pvlib.irradiance.aoi_projection(tilt, facing, zenith, azimuth) > 0
        np.testing.assert_allclose(ours[front], np.asarray(theirs)[front], atol=1e-9)


def test_shade_by_hand():
    """Tilt 30°, pitch 2: the front row's top stands 2 − cos 30° off and sin 30° high, 23.79° above the foot.
    There the shade begins; at half that slope the ray meets the slope where its height is (2 − cos 30° + s
    cos 30°) · tan α = 0.5 − s · 0.5 …, s the lit part from the top."""
    limit = np.degrees(np.arctan2(0.5, 2 - np.cos(np.radians(30))))
    south = np.array([180.0, 180.0, 180.0])
    height = np.array([limit + 0.01, limit - 0.01, 10.0])
    shaded = pv_rows.shaded_fraction(90 - height, south, 30, 180, 0.5)
    assert shaded[0] == 0
    assert 0 < shaded[1] < 0.002
    slope, tangent = np.radians(30), np.tan(np.radians(10))
    # from the front top (2 − cos, sin) down along the ray to a point u up our slope (−u cos, u sin)
    u = (np.sin(slope) - 2 * tangent + np.cos(slope) * tangent) / (np.sin(slope) + np.cos(slope) * tangent)
    assert shaded[2] == pytest.approx(u)


def test_beam_left_is_martinezs():
    shaded = np.array([0.0, 0.1, 1 / 3, 0.5, 0.9, 1.0])
    loss = pvlib.shading.direct_martinez(800.0, 800.0, shaded, np.ceil(np.round(shaded * 3, 9)), 3)
    np.testing.assert_allclose(pv_rows.beam_left(shaded, 3), 1 - loss)


@settings(max_examples=30)
@given(st.floats(0, 80), st.floats(0.05, 0.95))
def test_what_the_slope_sees_adds_up(tilt, cover):
    """Sky, roof and the back of the front row (crossed less uncrossed strings) are all there is."""
    pitch, turn = 1 / cover, np.radians(tilt)
    crossed = np.hypot(pitch - np.cos(turn), np.sin(turn)) + np.hypot(pitch + np.cos(turn), np.sin(turn))
    back = (crossed - 2 * pitch) / 2
    assert pv_rows.sky_view(tilt, cover) + pv_rows.roof_view(tilt, cover) + back == pytest.approx(1)
    assert pv_rows.sky_view(tilt, cover) <= (1 + np.cos(turn)) / 2 + 1e-12


def test_lonely_rows_get_what_pvlib_gives_a_plane():
    year = weather.sample()
    ours = pv_rows.irradiance(year, 30, 180, 1e-4, 3, 0.2)
    middle = year.times + pd.Timedelta(minutes=30)
    sun = pvlib.solarposition.get_solarposition(middle, year.latitude, year.longitude, year.altitude_m)
    theirs = pvlib.irradiance.get_total_irradiance(
        30, 180, sun["apparent_zenith"], sun["azimuth"], year.dni, year.ghi, year.dhi,
        dni_extra=pvlib.irradiance.get_extra_radiation(middle), albedo=0.2, model="perez",
    )["poa_global"]  # fmt: skip
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.005)


def test_neighbours_shade_the_rows_as_they_shade_the_roof():
    """A roof that gets 60 % of the open sky's light leaves its rows 60 %; reflection from above adds none."""
    rows, open_sky = np.array([500.0, 400.0, 0.0]), np.array([400.0, 400.0, 0.0])
    roofs = np.array([[240.0, 420.0], [400.0, 0.0], [0.0, 0.0]])
    expected = [[300.0, 500.0], [400.0, 0.0], [0.0, 0.0]]
    np.testing.assert_allclose(pv_rows.on_roofs(rows, roofs, open_sky), expected)
    assert pv_rows.on_roofs(rows, roofs.astype("float32"), open_sky).dtype == np.float32


def test_closer_rows_get_less():
    year = weather.sample()
    sums = [pv_rows.irradiance(year, 20, 180, cover, 3, 0.2).sum() for cover in (0.2, 0.4, 0.6, 0.8)]
    assert sums == sorted(sums, reverse=True)
    assert sums[2] > 0.9 * sums[0]
    with pytest.raises(CallError, match="cannot stand"):
        pv_rows.irradiance(year, 20, 180, 1.2, 3, 0.2)


# --- where modules fit


def roof_district(pv_rows_of_district: dict | None = None, **dwellings: float) -> District:
    """One building with a flat roof of 20 × 10 m, a south and a north slope of 45°, and a small roof."""

    def plane(x: float, south: float, depth: float, rise: float) -> shapely.Polygon:
        return shapely.Polygon(
            [
                (x, south, 10),
                (x + 20, south, 10),
                (x + 20, south + depth, 10 + rise),
                (x, south + depth, 10 + rise),
            ]
        )

    surfaces = gpd.GeoDataFrame(
        {
            "surface_id": ["flat", "south", "north", "small", "wall", "wall-n"],
            "building_id": ["b0"] * 6,
            "surface_type": ["RoofSurface"] * 4 + ["WallSurface"] * 2,
            "area_m2": [200.0, 20 * 50**0.5, 20 * 50**0.5, 8.0, 300.0, 300.0],
            "tilt_deg": [0.0, 45.0, 45.0, 0.0, 90.0, 90.0],
            "azimuth_deg": [np.nan, 180.0, 0.0, np.nan, 180.0, 0.0],
            "party_area_m2": [0.0, 0.0, 0.0, 0.0, 100.0, 0.0],
        },
        geometry=[plane(0, 0, 10, 0), plane(0, 10, 5, 5), plane(0, 15, 5, -5), shapely.Polygon(
            [(0, 30, 3), (4, 30, 3), (4, 32, 3), (0, 32, 3)]), plane(0, 0, 1e-3, 10), plane(0, 0, 1e-3, 10)],
        crs=25832,
    )  # fmt: skip
    buildings = slabs(1).buildings.reset_index()
    tables = {"buildings": buildings, "surfaces": surfaces}
    if pv_rows_of_district:
        tables["pv"] = gpd.GeoDataFrame(pv_rows_of_district, geometry=[None], crs=25832)
    return District.from_tables("roofs", tables, derive=False)


def test_usable_area_and_peak_power_by_hand():
    """Flat: (20 − 2)(10 − 2) · 0.7 = 100.8 m², rows on 0.6 of it, 21 % of 1 kW/m²; the slope is 7.07 m."""
    table = pv_potential.potential(roof_district(), P)
    assert set(table.index) == {"flat", "south"}
    flat, south = table.loc["flat"], table.loc["south"]
    assert flat["usable_area_m2"] == pytest.approx(100.8)
    assert flat["peak_power_kwp"] == pytest.approx(100.8 * 0.6 * 0.21)
    assert (flat["surface_tilt"], flat["surface_azimuth"], flat["orientation_source"]) == (
        15,
        180,
        "estimate",
    )
    assert south["usable_area_m2"] == pytest.approx(19.4 * (50**0.5 - 0.6) * 0.8)
    assert (south["surface_tilt"], south["kind"], south["orientation_source"]) == (45, "pitched", "geometry")


def test_facades_and_balconies():
    """200 m² of the south wall are exposed; 24 dwellings hang their sets there; the north wall stays bare."""
    table = pv_potential.potential(roof_district(), P, facades=True, balconies=True)
    assert table.loc["wall", "usable_area_m2"] == pytest.approx(60.0)
    assert "wall-n" not in table.index
    sets = table[table["kind"] == "balcony"].iloc[0]
    assert (sets["sets"], sets["surface_azimuth"]) == (24, 180)
    assert sets["peak_power_kwp"] == pytest.approx(24 * 0.89)


def test_on_the_southern_half_rows_face_north():
    table = pv_potential.potential(roof_district(), P, latitude=-33.9)
    assert table.loc["flat", "surface_azimuth"] == 0
    assert "south" not in table.index
    assert "north" in table.index


def test_borders_follow_the_surface_not_its_shadow():
    steep = shapely.Polygon([(0, 0, 0), (10, 0, 0), (10, 3, 4), (0, 3, 4)])  # 10 by 5 m
    holed = shapely.Polygon(
        [(0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0)], [[(4, 4, 0), (6, 4, 0), (6, 6, 0), (4, 6, 0)]]
    )
    assert pv_potential.usable_area(steep, 0.5) == pytest.approx(9 * 4)
    assert pv_potential.usable_area(steep, 3.0) == 0.0
    assert pv_potential.usable_area(holed, 1.0) == pytest.approx(8 * 8 - 4 * 4)


@pytest.mark.parametrize(
    ("surface", "index", "left"), [("south", "south", {"flat", "south"}), (None, "pv1", {"pv1"})]
)
def test_given_systems_win(surface, index, left):
    system = {
        "pv_id": ["pv1"],
        "building_id": ["b0"],
        "surface_id": [surface],
        "peak_power_kwp": [5.5],
        "tilt_deg": [np.nan],
        "azimuth_deg": [np.nan],
        "source": ["register"],
    }
    table = pv_potential.potential(roof_district(system), P)
    assert set(table.index) == left
    row = table.loc[index]
    assert (row["peak_power_kwp"], row["peak_power_source"]) == (5.5, "given")
    assert row["surface_tilt"] == (45 if surface else 30)


def test_the_sample_district_has_room():
    district = twin.open("lobeda")
    table = pv_potential.potential(district, P, facades=True, balconies=True)
    roofs = table[table["kind"].isin(["flat", "pitched"])]
    assert (roofs["usable_area_m2"] <= district.surfaces.loc[roofs.index, "area_m2"] + 1e-6).all()
    assert np.isfinite(table[["usable_area_m2", "surface_tilt", "surface_azimuth", "peak_power_kwp"]]).all(
        axis=None
    )
    assert table["kind"].value_counts().index.isin(["flat", "pitched", "facade", "balcony"]).all()
    assert len(pv.modules(table, P)) == len(table)
    assert tuple(table.columns) == pv_potential.COLUMNS


def test_a_district_without_surfaces_has_none():
    assert pv_potential.potential(slabs(2), P, facades=True, balconies=True).empty
