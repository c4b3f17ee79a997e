"""The simulated feed: labelled, the same by seed and time, from the model, and moving."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import energy
from energy import Case
from scenarios import calendar_weather
from scenarios.replay import Replay, noise
from scenarios.replay import model as replay_model
from scenarios.replay.feed import DAY_US
from scenarios.replay.model import HOUR_US
from sensors import alarms
from sensors.figures import figure
from sensors.store import Store
from sensors.times import from_us, now_us, to_us
from tests.viewer.districts import EAST, NORTH, small
from twin.errors import CallError

# A Wednesday, in the middle of an hour.
NOW = to_us(pd.Timestamp("2026-07-15T12:30:10Z").to_pydatetime())


@pytest.fixture(scope="module")
def case() -> Case:
    """The small district with the main road and trees beside it."""
    district = small()
    road = gpd.GeoDataFrame(
        {"street_id": ["s"], "name": ["Stadtrodaer Straße"], "kind": ["main"]},
        geometry=[shapely.LineString([(EAST, NORTH), (EAST + 200, NORTH)])], crs="EPSG:25832",
    ).set_index("street_id")  # fmt: skip
    trees = gpd.GeoDataFrame(
        {"tree_id": [f"t{i}" for i in range(20)], "crown_diameter_m": [3.0] * 10 + [8.0] * 10},
        geometry=[shapely.Point(EAST + 8 * i, NORTH + 5) for i in range(20)], crs="EPSG:25832",
    ).set_index("tree_id")  # fmt: skip
    tables = {name: getattr(district, name) for name in ("buildings", "blocks", "surfaces")}
    whole = type(district).from_tables(
        district.name, {**tables, "streets": road, "trees": trees}, terrain=district.terrain,
        provenance=district.provenance, metadata={"is_model": True},
    )  # fmt: skip
    return Case(whole, energy.weather.sample(), shading="tabula")


@pytest.fixture(scope="module")
def replay(case: Case) -> Replay:
    return Replay(case, days=40, recent_days=5, clock=lambda: NOW)


@pytest.fixture(scope="module")
def filled(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('replay') / 'a.db'}")
    replay.run(store, threading.Event(), once=True)
    return store


def test_noise_is_uniform_and_does_not_depend_on_the_order() -> None:
    numbers = np.arange(100_000)
    found = noise.uniform(3, "a", numbers)
    # Uniform: mean 1/2, variance 1/12; standard error of the mean 0.0009.
    assert found.mean() == pytest.approx(0.5, abs=0.004)
    assert found.var() == pytest.approx(1 / 12, rel=0.02)
    assert np.array_equal(noise.uniform(3, "a", numbers[::-1]), found[::-1])
    assert abs(np.corrcoef(found, noise.uniform(3, "b", numbers))[0, 1]) < 0.02
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.02
    assert noise.normal(3, "a", numbers).std() == pytest.approx(1.0, rel=0.02)


def test_calendar_weather_repeats_the_sample_year() -> None:
    found = calendar_weather.between(pd.Timestamp("2024-02-28T00:00Z"), 72)  # a leap year
    sample = energy.weather.sample().frame()
    day = sample.loc["2025-02-28", "temp_air"].to_numpy()
    assert np.array_equal(found.temp_air[:24], day)
    assert np.array_equal(found.temp_air[24:48], day)
    assert np.array_equal(found.temp_air[48:], sample.loc["2025-03-01", "temp_air"].to_numpy())


def test_rain_has_the_monthly_sums_of_the_table() -> None:
    times = pd.date_range("2025-01-01", periods=8760, freq="h", tz="UTC")
    sums = pd.Series(calendar_weather.rain(times), index=times).groupby(times.month).sum()
    wanted = [figure(f"rain_{month:02d}", "replay") for month in range(1, 13)]
    assert sums.to_numpy() == pytest.approx(wanted, rel=0.03)


def test_every_thing_says_that_it_is_simulated(replay: Replay) -> None:
    things = replay.things()
    assert {thing.kind for thing in things} >= {
        "heat_meter", "pv_meter", "weather", "soil_moisture", "indoor_climate", "parking", "traffic"
    }  # fmt: skip
    for thing in things:
        assert thing.simulated
        for text in (thing.name, *(stream.name for stream in thing.streams)):
            assert "simulated feed" in text and "simulierte Messreihe" in text
        assert "Simulated feed" in thing.description
    keys = [stream.key for thing in things for stream in thing.streams]
    assert len(set(keys)) == len(keys)


def test_values_follow_from_seed_and_time_alone(case: Case, replay: Replay) -> None:
    """Another window that holds the same hours gives the same values, but for how the model began."""
    first = replay.model(NOW)
    again = Replay(case, days=40).model(NOW)
    for key, values in first.hours.items():
        assert np.array_equal(values, again.hours[key], equal_nan=True), key
    later = Replay(case, days=20).model(NOW)
    shift = int((later.times[0] - first.times[0]) / pd.Timedelta(hours=1))
    for key in ("weather/temp_air", "traffic/inbound", "parking-a/free"):
        assert np.array_equal(first.hours[key][shift:], later.hours[key], equal_nan=True)
    other = Replay(case, seed=2, days=20).model(NOW)
    assert not np.array_equal(later.hours["weather/wind"], other.hours["weather/wind"], equal_nan=True)


def test_heat_is_that_of_the_model(case: Case, replay: Replay) -> None:
    """Summer: hot water. The hours' noise is 4 %, so that of the sum of 900 is below 0.5 %, but for gaps."""
    model = replay.model(NOW)
    meter = next(thing for thing in replay.things() if thing.kind == "heat_meter")
    shown = model.hours[f"{meter.key}/heat"]
    weather = calendar_weather.between(model.times[0], len(model.times))
    ids = list(meter.properties["building_ids"])
    results = energy.simulate(case.replace(weather=weather), outputs=["heating_delivered_kwh"], buildings=ids)
    expected = results["heating_delivered_kwh"].sum("building_id").to_numpy()
    there = np.isfinite(shown)
    assert there.mean() > 0.9
    assert shown[there].sum() == pytest.approx(expected[there].sum(), rel=0.01)


def test_history_stands_as_observations_and_older_as_hours(replay: Replay, filled: Store) -> None:
    table = filled.streams()
    heat = table.index[table["name"].str.startswith("Wärme der Stunde")][0]
    raw = filled.series(heat)
    hours = filled.series(heat, step="hour")
    days = filled.series(heat, step="day")
    assert 5 * 24 * 0.9 < len(raw) <= 6 * 24
    assert raw.index[-1] == pd.Timestamp("2026-07-15T11:00Z")
    assert 38 * 24 * 0.95 < len(hours) <= 40 * 24
    assert hours.index.is_unique and days.index.is_unique
    assert len(days) >= 38
    assert days["sum"].sum() == pytest.approx(hours["sum"].sum())
    one = days.index[3]
    inside = hours[(hours.index >= one) & (hours.index < days.index[4])]
    assert days["max"].iloc[3] == pytest.approx(inside["max"].max())


def test_starting_again_continues_and_repeats_nothing(replay: Replay, filled: Store) -> None:
    before = filled.streams()["count"]
    replay.run(filled, threading.Event(), once=True)
    assert filled.streams()["count"].equals(before)


def test_gaps_are_as_many_as_the_table_says(replay: Replay) -> None:
    hours = np.array(list(replay.model(NOW).hours.values()))
    # 1 % of about 30 · 160 stretches of six hours; standard error 0.15 %.
    assert np.isnan(hours).mean() == pytest.approx(figure("gap_share", "replay"), abs=0.005)


def test_failing_probe_is_stuck_and_spikes(replay: Replay) -> None:
    model = replay.model(NOW)
    late = model.hours[model.failing][model.times.asi8 // 1000 >= model.failing_from]
    late = late[np.isfinite(late)]
    usual = np.median(late)
    assert (late == usual).mean() > 0.9
    assert late.min() == -9000.0


def test_within_a_minute_everything_moves_and_silence_raises_an_alarm(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps two seconds at each look; after three minutes the feed is stopped.

    Without the feed's gaps, of which one begins every few days at the hour of whoever runs this.
    """
    monkeypatch.setattr(replay_model, "_silent", lambda key, numbers, seed: np.zeros(len(numbers), bool))
    began, stop = now_us(), threading.Event()
    clock = iter(range(began, began + 10**9, 2_000_000))
    feed = Replay(case, days=10, recent_days=3, tick_s=0.0)
    store = Store.open(f"sqlite:///{tmp_path / 'a.db'}")
    seen: list[int] = []

    def now() -> int:
        seen.append(next(clock))
        if seen[-1] - began > 180_000_000:
            stop.set()
        return seen[-1]

    feed.clock = now
    feed.run(store, stop)
    table = store.streams()
    live = table[table["latest_time"] > from_us(began)]
    assert set(live["thing_id"]) == set(table["thing_id"])
    last = table.groupby("thing_id")["latest_time"].max()
    assert (last > from_us(seen[-1] - 75_000_000)).mean() > 0.9
    alarms.watch(store, now=seen[-1] + 5 * 60_000_000)
    silent = alarms.alarms(store)
    assert (silent["kind"] == "silent").sum() >= len(last) - 2
    store.close()


def test_fast_clock_never_runs_into_the_future(case: Case, tmp_path: Path) -> None:
    ticks, stop = iter(range(NOW, NOW + 10**10, 60_000_000)), threading.Event()

    def now() -> int:
        time = next(ticks)
        if time - NOW > 40 * 60_000_000:
            stop.set()
        return time

    feed = dataclasses.replace(Replay(case, days=10, recent_days=2), speed=3600.0, clock=now, tick_s=0.0)
    with Store.open(f"sqlite:///{tmp_path / 'a.db'}") as store:
        feed.run(store, stop)
        latest = store.streams()["latest_time"].max()
    # 40 minutes at 3,600 hours an hour are more than the week that the clock began ago.
    assert from_us(NOW - DAY_US) < latest < from_us(NOW + 41 * 60_000_000)


def test_a_speed_that_is_none_is_refused(case: Case) -> None:
    with pytest.raises(CallError, match="speed"):
        Replay(case, speed=0.0)


def test_moments_lie_between_the_hours(replay: Replay) -> None:
    model = replay.model(NOW)
    hour = 500
    middle = model.start_us + hour * HOUR_US + HOUR_US // 2
    assert model.at("weather/temp_air", middle) == pytest.approx(
        model.hours["weather/temp_air"][hour], abs=1.0
    )
