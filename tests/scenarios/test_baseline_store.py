"""Readings of the store: the same as of a list of the same data, and what cannot be used by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scenarios import baseline
from sensors.store import Store
from sensors.things import NewObservation, ObservedProperty, StreamSpec, ThingSpec, Unit
from tests.scenarios import metered
from twin.errors import CallError, SourceError
from viewer import cli

COUNT = 3
EDGES = ["2021-05-01", "2022-04-15", "2023-05-03", "2024-04-20"]
_ENERGY = ObservedProperty("heat consumption", "x:energy")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOBEDA_DATABASE_URL", f"sqlite:///{tmp_path / 'sensors.db'}")
    with Store.open() as opened:
        yield opened


def put(store, name, building, times, values, ends=None, *, kind="heat_meter", unit="kW.h", **properties):
    """A meter with its values; times in µs."""
    stream = StreamSpec("s", name, _ENERGY, Unit(unit, unit), properties=properties)
    spec = ThingSpec("test", name, name, kind, building_id=building, streams=(stream,))
    number = store.ensure(spec)["s"]
    ends = [None] * len(times) if ends is None else ends
    store.append(
        [
            NewObservation(number, int(t), float(v), phenomenon_end=None if e is None else int(e))
            for t, v, e in zip(times, values, ends, strict=True)
            if np.isfinite(v)
        ]
    )
    return number


def micro(column):
    return pd.DatetimeIndex(column).as_unit("us").asi8


@pytest.fixture(scope="module")
def bills():
    """A case, and three bills of each of its buildings as an owner's list has them."""
    case, units = metered.case_of(COUNT), metered.alone(COUNT)
    rng = np.random.default_rng(3)
    known = metered.truth(case, units, rng)
    return case, metered.bills(case, metered.years(EDGES[0], EDGES[-1]), units, known, EDGES, rng)


def of_list(folder: Path, readings) -> str:
    rows = ["Zähler;Gebäude;von;bis;kWh"]
    for row in readings.values.itertuples():
        first, last = (t.tz_convert("Europe/Berlin") for t in (row.start, row.end - pd.Timedelta(hours=1)))
        building = readings.units.at[row.meter, "buildings"][0]
        rows.append(f"{row.meter};{building};{first:%d.%m.%Y};{last:%d.%m.%Y};{row.kwh!r}")
    (folder / "bills.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return str(folder / "bills.csv")


def test_the_store_gives_the_result_of_the_list(bills, store, tmp_path, capsys):
    """Bills as periods of one meter, a counter's readings in MWh of the next: the same fit."""
    case, readings = bills
    case.district.save(tmp_path / "district")
    for meter, rows in readings.values.groupby("meter"):
        building = readings.units.at[meter, "buildings"][0]
        start, end = micro(rows["start"]), micro(rows["end"])
        if meter == "m1":
            register = np.r_[0.0, rows["kwh"].cumsum()] / 1000
            put(store, meter, building, [*start, end[-1]], register, unit="MW.h", reading="cumulative")
        else:
            put(store, meter, building, start, rows["kwh"], end, reading="consumption")
    found = []
    for source in (["--meters", of_list(tmp_path, readings)], ["--from-store"]):
        assert cli.run(["calibrate", str(tmp_path / "district"), *source, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    for one, other in zip(found[0]["unit"], found[1]["unit"], strict=True):
        assert one["meter"] == other["meter"]
        assert one["heat_after"] == pytest.approx(other["heat_after"], rel=1e-6)
        for name, estimate in one["estimates"].items():
            assert estimate == pytest.approx(other["estimates"][name], abs=1e-4)


def test_hours_with_a_gap_power_and_days(bills, store):
    """Hourly energy, the power of a meter, daily consumption: each as the list of the same values."""
    case, _ = bills
    times = pd.date_range("2024-03-29", periods=96, freq="h", tz="Europe/Berlin")
    kwh = 5 + np.arange(96.0)
    kwh[10] = np.nan
    put(store, "hours", "b0", micro(times), kwh, interval="hour")
    put(store, "power", "b1", micro(times) + 7_000_000, 1000 * kwh, unit="W")
    days = pd.date_range("2024-03-29", periods=5, freq="D", tz="Europe/Berlin")
    put(store, "days", "b2", micro(days[:-1]), [24, 24, 23, 24], micro(days[1:]), reading="consumption")
    read = baseline.read_store(store, case)
    listed = baseline.from_series("hours", ["b0"], pd.Series(kwh, times), case.envelope.index)
    for name in ("hours", "power"):
        mine = read.values[read.values["meter"] == name].reset_index(drop=True)
        np.testing.assert_allclose(mine["kwh"], listed.values["kwh"])
        assert (mine["start"] == listed.values["start"]).all()
        assert (mine["end"] == listed.values["end"]).all()
    mine = read.values[read.values["meter"] == "days"]
    assert mine["kwh"].tolist() == pytest.approx([24, 24, 23, 24])  # the 31st has 23 hours
    assert ((mine["end"] - mine["start"]).dt.total_seconds() / 3600).tolist() == [24, 24, 23, 24]
    cut = baseline.read_store(store, case, since=times[24], until=times[48])
    assert len(cut.values[cut.values["meter"] == "hours"]) == 24


def test_what_cannot_be_used_is_named(bills, store):
    """No building, an unknown one, the building of another meter, electricity where heat is fed."""
    case, _ = bills
    day = np.arange(3) * 86_400_000_000
    for name, building in (("a", "b0"), ("b", None), ("c", "b9"), ("d", "b0")):
        put(store, name, building, day[:2], [1.0, 2.0], day[1:], reading="consumption")
    put(store, "e", "b1", day[:2], [1, 1], day[1:], kind="electricity_meter", reading="consumption")
    put(store, "states", "b2", day, [1.0, 2.0, 3.0])
    read = baseline.read_store(store, case)
    assert list(read.units.index) == ["a"]
    said = {finding.record: finding.message for finding in read.findings}
    assert said.keys() >= {"meter b", "meter c", "meter d", "meter states"}
    assert "no building 'b9'" in said["meter c"]
    assert "stands with a meter before it" in said["meter d"]
    with pytest.raises(SourceError, match="takes district_heating for its heat"):
        baseline.read_store(store, case, kind="electricity")
    with pytest.raises(SourceError, match="no readings in the span"):
        baseline.read_store(store, case, since=pd.Timestamp("2020-01-01", tz="UTC"))
    with pytest.raises(CallError):
        baseline.read_store(
            store,
            case,
            since=pd.Timestamp("2020-01-02", tz="UTC"),
            until=pd.Timestamp("2020-01-01", tz="UTC"),
        )


def test_one_source_of_readings(tmp_path, capsys):
    assert cli.run(["calibrate", "lobeda"]) == 2
    assert "--from-store" in capsys.readouterr().err
    assert cli.run(["calibrate", "lobeda", "--meters", "x.csv", "--since", "2024-01-01"]) == 2
    assert "--from-store" in capsys.readouterr().err
