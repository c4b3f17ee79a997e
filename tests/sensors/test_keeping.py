"""Retention by itself: once a day by a clock, over restarts, with counts and a line."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sensors import ingest, keeping
from sensors.keeping import DAY_US, Keeper, keep
from sensors.repeating import Repeating
from sensors.steady import Steady
from sensors.store import Store
from sensors.store.retention import rules, set_rule
from sensors.things import NewObservation
from tests.sensors.things import at, station
from twin.errors import SourceError

NOW = at("2026-06-01T12:00")


def filled(store: Store) -> int:
    stream = store.ensure(station())["t"]
    store.append([NewObservation(stream, NOW - day * DAY_US, float(day)) for day in range(20)])
    return stream


def test_rules_are_applied_once_a_day(sqlite: Store) -> None:
    stream = filled(sqlite)
    assert keep(sqlite, now=NOW) is None  # no rules: nothing is noted, so that the first one holds at once
    set_rule(sqlite, 10, None)
    kept = keep(sqlite, now=NOW)
    assert kept is not None and kept.observations == 9  # those of the days before the tenth
    assert keep(sqlite, now=NOW + DAY_US - 1) is None
    assert len(sqlite.series(stream)) == 11
    kept = keep(sqlite, now=NOW + DAY_US)
    assert kept is not None and kept.observations == 1
    counts = sqlite.counters().set_index(["feed", "counter"])["value"]
    assert counts[("retention", "runs")] == 2 and counts[("retention", "observations")] == 10


def test_the_keeper_says_what_it_removed(sqlite: Store) -> None:
    filled(sqlite)
    set_rule(sqlite, 10, None)
    clock = iter([NOW, NOW + DAY_US])
    said: list[str] = []
    done = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            done.set()

    last = NOW + DAY_US
    # Sleeping beside it, nobody set the clock.
    steady = Steady(lambda: NOW, lambda: 0.0)
    with Keeper(sqlite, say=say, every_s=0.01, clock=lambda: next(clock, last), steady=steady):
        assert done.wait(30)
    assert said == [
        "retention: 9 observations, 0 hourly and daily figures and 0 deleted things removed",
        "retention: 1 observations, 0 hourly and daily figures and 0 deleted things removed",
    ]
    assert keeping.LOOK_S < 3600


def test_rules_from_the_config(tmp_path: Path, sqlite: Store) -> None:
    config = tmp_path / "feeds.toml"
    config.write_text(
        '[[retention]]\nkind = "indoor_climate"\nraw_days = 30\ndays = 730\n'
        '[[retention]]\nproperty = "battery voltage"\nraw_days = 90\n'
    )
    set_rule(sqlite, 5, None, kind="indoor_climate")
    ingest.set_rules(sqlite, ingest.read_retention(config))
    found = rules(sqlite).sort_values("kind")[["kind", "observed_property", "keep_raw_days", "keep_days"]]
    assert found.astype(object).where(found.notna(), None).to_numpy().tolist() == [
        ["", "battery voltage", 90, None], ["indoor_climate", "", 30, 730]
    ]  # fmt: skip
    with pytest.raises(SourceError, match=r"no table \[feeds.NAME\]"):
        ingest.read_config(config)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[retention]]\nkind = 'x'\n", "retention.0: a rule needs days"),
        ("[[retention]]\ndays = 0\n", "retention.0.days"),
        ("[[retention]]\nyears = 1\n", "retention.0.years"),
        ("retention = 3\n", "no list of tables"),
    ],
)
def test_wrong_rules_are_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "feeds.toml").write_text(text)
    with pytest.raises(SourceError, match=said):
        ingest.read_retention(tmp_path / "feeds.toml")


def test_a_long_turn_is_left_when_all_ends() -> None:
    """SIGTERM must not wait for the checks of all that came: a service manager kills after seconds."""
    begun = threading.Event()

    def work() -> None:
        begun.set()
        while True:
            turn.go_on("part", 0.0)

    turn = Repeating("turn", work, every_s=1.0, failed=lambda error: None)
    with turn:
        assert begun.wait(30)
