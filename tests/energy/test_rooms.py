"""The critical room: its parts by hand, and summer in a plain hourly loop (ISO 13790:2008, Annex C)."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from energy import archetypes, comfort, heat_balance, occupancy, room_sun, rooms, solar, weather, zone
from energy.parameters import Parameters
from tests.energy.districts import slabs

PARAMETERS = Parameters.default()
S, W, SE, SW, N, E = (solar.SECTORS.index(name) for name in ("s", "w", "se", "sw", "n", "e"))


def envelope(**columns):
    return archetypes.fill(slabs(1), PARAMETERS).assign(**columns)


def faced(**areas):
    """The slab's envelope with outer walls in the given sectors only, a fifth of them windows."""
    frame = envelope()
    for sector in solar.SECTORS:
        area = areas.get(sector, 0.0)
        frame[f"wall_{sector}_m2"], frame[f"window_{sector}_m2"] = 0.8 * area, 0.2 * area
    total = sum(areas.values())
    return frame.assign(wall_area_m2=0.8 * total, window_area_m2=0.2 * total, door_area_m2=0.0)


def test_parts_of_the_room_by_hand():
    """5 m to the south, 4 m to the west, 2.5 m high, a fifth of both facades glass, the roof above."""
    room = rooms.critical_rooms(faced(s=600, n=600, e=200, w=200), PARAMETERS)
    zones = room.zones
    glass = 0.2 * (5 + 4) * 2.5
    assert room.floor_area_m2[0] == 20
    assert room.volume_m3[0] == 50
    assert zones.h_tr_w_w_k[0] == pytest.approx(2.7 * glass)
    roof = heat_balance.effective_u(np.array(0.5), np.array(0.3)) * 20
    assert zones.h_tr_op_w_k[0] == pytest.approx(0.9 * 0.8 * 22.5 + roof + 0.1 * (22.5 + 20))
    assert zones.h_ve_on_w_k[0] == pytest.approx(0.34 * 50 * 0.6)
    assert zones.h_ve_open_w_k[0] == pytest.approx(0.34 * 50 * 2.2)
    assert zones.open_above_c[0] == 23
    assert zones.gains_w[0] == pytest.approx(100 / 24 * 20)
    np.testing.assert_allclose(
        room.window_collecting_m2[0], 0.9 * 0.7 * 0.9 * 0.75 * 0.2 * np.array([12.5, 10])
    )
    np.testing.assert_allclose(room.opaque_collecting_m2[0, -1], 0.6 * 0.04 * roof)
    assert zones.cooling_limit_w[0] == 0


@pytest.mark.parametrize(
    ("areas", "facing"),
    [
        ({"n": 600, "e": 200, "s": 600, "w": 200}, (S, W)),
        ({"ne": 200, "se": 600, "sw": 200, "nw": 600}, (SW, solar.SECTORS.index("nw"))),
        ({"n": 600, "s": 600}, (S, -1)),
        ({"n": 600, "s": 600, "e": 200}, (E, S)),
        ({"n": 600, "s": 600, "w": 1}, (S, -1)),
        ({}, (-1, -1)),
    ],
)
def test_the_west_corner_is_taken_where_there_is_one(areas, facing):
    assert tuple(rooms.critical_rooms(faced(**areas), PARAMETERS).facing[0]) == facing


def test_a_room_without_outer_walls_still_has_a_roof():
    room = rooms.critical_rooms(faced(), PARAMETERS)
    assert room.zones.h_tr_w_w_k[0] == 0
    assert room.zones.h_tr_op_w_k[0] > 0
    assert np.isfinite(summer(room)).all()


@cache
def warm_months():
    year = weather.sample()
    hours = np.flatnonzero((year.times.month >= 5) & (year.times.month <= 9))
    return year.temp_air[hours], solar.plane_irradiance(year)[hours]


def summer(room, *, opened=True, gains=None):
    """Operative temperature of May to September by ISO 13790:2008, C.1 to C.11, hour by hour. [°C]"""
    outdoor, planes = warm_months()
    zones = room.zones
    closed = zone.coefficients(zones, zones.h_ve_on_w_k)
    airy = zone.coefficients(zones, zones.h_ve_open_w_k)
    row = {name: number for number, name in enumerate(zone.ROWS)}
    sun = gains_of(room, planes)
    mass, before = np.full(len(zones), 20.0), np.full(len(zones), 20.0)
    out = np.empty((len(outdoor), len(zones)))
    for hour, outside in enumerate(outdoor):
        open_now = opened & (before > zones.open_above_c) & (before > outside)
        c = np.where(open_now, airy, closed)
        cause = {
            "mass": mass,
            "outdoor": outside,
            "internal": 1.0 if gains is None else gains[hour],
            "solar": sun[hour],
        }
        free = sum(c[row[f"controlled_{name}"]] * value for name, value in cause.items())
        cause["power"] = np.maximum((20.0 - free) * c[row["power_per_kelvin"]], 0.0)
        air, surface, mass = (
            sum(c[row[f"{of}_{name}"]] * value for name, value in cause.items())
            for of in ("air", "surface", "next_mass")
        )
        before = air
        out[hour] = 0.3 * air + 0.7 * surface
    return out


def gains_of(room, planes):
    """By sectors, as if facades lay open. [W]"""
    sun = room_sun.OpenSun(planes)
    return rooms.solar_gains_w(room, sun.facades(room), sun.level())


def over_temperature(frame, **options):
    return comfort.over_temperature_kh(summer(rooms.critical_rooms(frame, PARAMETERS), **options), 24.0)[0]


def test_open_windows_blinds_and_small_panes_keep_it_cool():
    plain = envelope()
    base = over_temperature(plain)
    assert base > 0
    assert over_temperature(plain, opened=False) > base
    assert over_temperature(plain.assign(shading_device="outer_blind")) < base
    assert over_temperature(plain.assign(g_window=0.4)) < base


def test_light_rooms_get_hotter_than_heavy_ones():
    hot = [
        summer(rooms.critical_rooms(envelope(fabric=fabric), PARAMETERS)).max()
        for fabric in ("masonry to 1918", "WBS 70")
    ]
    assert hot[0] > hot[1]


def test_the_room_is_warmer_than_its_building():
    """In summer without open windows; the reason why it is simulated beside it."""
    frame = envelope()
    whole = heat_balance.zones(frame, PARAMETERS)
    shut = {"h_ve_open_w_k": whole.h_ve_on_w_k, "open_above_c": np.full(1, 99.0)}
    whole = dataclasses.replace(whole, cooling_limit_w=np.zeros(1), **shut)
    room = rooms.critical_rooms(frame, PARAMETERS)
    beside = dataclasses.replace(
        room,
        zones=whole,
        facing=np.array([[S, N]]),
        window_collecting_m2=whole.solar_area_m2[:, [S, N]],
        opaque_collecting_m2=np.zeros((1, 3)),
        sky_loss_w=np.zeros(1),
    )
    assert summer(room, opened=False).max() > summer(beside, opened=False).max()


def test_movable_shading_closes_above_its_threshold():
    """Outer blind: a quarter from 200 W/m² on; 100 W/m² passes whole."""
    room = rooms.critical_rooms(envelope(shading_device="outer_blind"), PARAMETERS)
    planes = np.zeros((2, 9))
    planes[0, S], planes[1, S] = 100.0, 400.0
    gains = gains_of(room, planes)[:, 0] + room.sky_loss_w[0]
    side = list(room.facing[0]).index(S)
    opaque = room.opaque_collecting_m2[0, side]
    window = room.window_collecting_m2[0, side]
    np.testing.assert_allclose(gains, [100 * (window + opaque), 400 * (0.25 * window + opaque)])


def test_rooms_of_all_uses_and_buildings_are_solvable():
    functions = list(PARAMETERS.use.index)
    filled = archetypes.fill(slabs(len(functions), function=functions), PARAMETERS)
    hours = summer(rooms.critical_rooms(filled, PARAMETERS))
    assert np.isfinite(hours).all()
    assert hours.max() < 60


def test_the_kernel_agrees_with_the_plain_loop():
    """float64, May to September after a warm-up of the same hours: the windows open in the same hours."""
    frame = archetypes.fill(slabs(3), PARAMETERS)
    frame["shading_device"] = ["none", "outer_blind", "roller_shutter"]
    room = rooms.critical_rooms(frame, PARAMETERS)
    year = weather.sample()
    hours = np.flatnonzero((year.times.month >= 5) & (year.times.month <= 9))
    sun = room_sun.OpenSun(solar.plane_irradiance(year))
    whole, _ = rooms.operative_temperature_c(room, frame["function"], year, sun, PARAMETERS, dtype=np.float64)
    later = hours[24 * 60 :] - hours[0]
    # The loop starts in May from 20 °C, the kernel in January: after two months both have forgotten it.
    gains = occupancy.schedule("residential", year, PARAMETERS).gains[hours]
    np.testing.assert_allclose(whole[hours][later], summer(room, gains=gains)[later], atol=1e-3)


def test_overheating_of_a_district_in_float32_is_that_of_float64():
    functions = list(PARAMETERS.use.index)
    frame = archetypes.fill(slabs(len(functions), function=functions), PARAMETERS)
    year = weather.sample()
    sun = room_sun.OpenSun(solar.plane_irradiance(year))
    table = rooms.overheating(frame, year, sun, PARAMETERS, region="A")
    room = rooms.critical_rooms(frame, PARAMETERS)
    exact, used = rooms.operative_temperature_c(
        room, frame["function"], year, sun, PARAMETERS, dtype=np.float64
    )
    reference = comfort.summer_comfort(exact, frame["function"], used, PARAMETERS, region="A")
    np.testing.assert_allclose(
        table["over_temperature_kh"], reference["over_temperature_kh"], rtol=0.01, atol=1.0
    )
    assert (table["reference_c"] == 25).all()
    home = table[frame["function"] == "residential"].iloc[0]
    assert 0 < home["over_temperature_kh"] < 1200
