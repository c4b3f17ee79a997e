"""Heat meters against the simulation: what is plausible passes, what is far off is suspect and says why."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energy
from scenarios.baseline.comparison import compare
from scenarios.model_check import HeatModel
from sensors import quality
from sensors.store import Store
from sensors.things import NewObservation, ObservedProperty, StreamSpec, ThingSpec, Unit
from sensors.times import now_us
from tests.energy.districts import slabs
from viewer import cli, findings

HOURS = 72


@pytest.fixture(scope="module")
def case() -> energy.Case:
    return energy.Case(slabs(3), energy.weather.sample())


def meter(
    store: Store, key: str, building: str | None, times, values, unit: str = "kW.h", **properties
) -> int:
    heat = ObservedProperty("heat consumption", "x:heat")
    stream = StreamSpec("s", "Heat of the hour", heat, Unit(unit, unit), properties={"interval": "hour"})
    spec = ThingSpec("test", key, key, "heat_meter", building_id=building, streams=(stream,), **properties)
    number = store.ensure(spec)["s"]
    store.append([NewObservation(number, int(t), float(v)) for t, v in zip(times, values, strict=True)])
    return number


def test_what_is_far_off_is_suspect_and_says_why(
    case: energy.Case, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("LOBEDA_DATABASE_URL", f"sqlite:///{tmp_path / 's.db'}")
    times = pd.date_range("2025-01-14", periods=HOURS, freq="h", tz="UTC")
    zeros = pd.Series(0.0, times)
    expected = {
        b: compare(case, [b], zeros, step="hour").values["simulated_kwh"].to_numpy()
        for b in ("b0", "b1", "b2")
    }
    at = times.as_unit("us").asi8
    good = expected["b0"] * (1 + 0.3 * np.sin(np.arange(HOURS)))
    broken = np.where(np.arange(HOURS) < 24, expected["b1"], 4 * expected["b1"])
    # Far below what is expected, yet above zero: a valve that closed.
    both = 0.02 * (expected["b1"] + expected["b2"])
    with Store.open() as store:
        ids = [
            meter(store, "good", "b0", at, good / 1000, unit="MW.h"),
            meter(store, "broken", "b1", at, broken),
            meter(store, "closed", None, at, both, properties={"building_ids": ["b1", "b2"]}),
            meter(store, "elsewhere", "b9", at, broken),
        ]
        quality.check(store, now=now_us(), model=HeatModel(store, case))
        found = quality.findings(store)
        found = found[found["check"] == "model"].set_index("datastream_id")
        assert set(found.index) == {ids[1], ids[2]}
        assert (found["flag"] == 3).all()  # a model is no proof that a meter is at fault
        row = found.loc[ids[1]]
        assert row["start"] == times[24] and row["count"] == HOURS - 24
        said = findings.reason("model", 3, int(row["count"]), row["figures"], "kW.h", "en")
        assert said.startswith("Far from the simulation: measured ")
        low, high = expected["b1"][24:].min(), expected["b1"][24:].max()
        assert row["figures"]["model_low"] == pytest.approx(low, rel=1e-3)
        assert row["figures"]["model_high"] == pytest.approx(high, rel=1e-3)
    case.district.save(tmp_path / "district")
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as store:
        meter(store, "broken", "b1", at, broken)
    monkeypatch.setenv("LOBEDA_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert cli.run(["sensors", "check", "--district", str(tmp_path / "district"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["flags_changed"] >= HOURS - 24
    assert cli.run(["sensors", "check", "--weather", "x.epw"]) == 2


def test_a_simulation_serves_the_hours_to_come(case: energy.Case, tmp_path: Path, monkeypatch) -> None:
    """New values of the same days ask for no further simulation."""
    with Store.open(f"sqlite:///{tmp_path / 's.db'}") as store:
        at = pd.date_range("2025-01-14", periods=30, freq="h", tz="UTC").as_unit("us").asi8
        stream = meter(store, "m", "b0", at, np.ones(30))
        model = HeatModel(store, case)
        first = model(stream, at[:10])
        monkeypatch.setattr(HeatModel, "_simulated", lambda *_: pytest.fail("simulated again"))
        again = model(stream, at)
        assert first is not None and again is not None
        np.testing.assert_array_equal(again.values[:10], first.values)
        assert model(stream + 1, at) is None
