"""Findings and alarms in words, on the command line and in the watching thread."""

from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path

import pandas as pd
import pytest

from sensors import alarms, quality, watching
from sensors.quality.check import CHECKS
from sensors.store import Store
from sensors.things import NewObservation
from sensors.times import now_us
from tests.sensors.things import station
from viewer import cli, findings, texts

MINUTE = 60_000_000


def run(*arguments: str) -> int:
    return cli.run(list(arguments))


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store whose station measured 90 °C, and fell silent an hour ago."""
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    monkeypatch.setenv("LOBEDA_DATABASE_URL", url)
    with Store.open(url) as store:
        (stream,) = store.ensure(station()).values()
        start = now_us() - 120 * MINUTE
        numbers = [5.0, 6, 5, 90, 5, 6, 5, 6]
        store.append([NewObservation(stream, start + n * 10 * MINUTE, v) for n, v in enumerate(numbers)])
    return url


def test_findings_and_alarms_on_the_command_line(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sensors", "check", "--json") == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["observations"], counts["alarms_raised"]) == (8, 1)
    assert run("sensors", "findings", "--lang", "de") == 0
    said = capsys.readouterr().out
    assert "Station a" in said
    assert "falsch: Werte bis 90\u00a0°C, möglich sind höchstens 60\u00a0°C." in said
    assert run("sensors", "findings", "--json") == 0
    assert {row["check"] for row in json.loads(capsys.readouterr().out)} >= {"range", "spike"}
    assert run("sensors", "alarms", "--json") == 0
    (alarm,) = json.loads(capsys.readouterr().out)
    assert alarm["kind"] == "silent"
    assert run("sensors", "acknowledge", str(alarm["alarm_id"]), "--by", "Ada") == 0
    capsys.readouterr()
    assert run("sensors", "alarms") == 0
    said = capsys.readouterr().out
    assert "else about every 10 minutes." in said
    assert "Acknowledged by Ada" in said


def test_acknowledging_what_is_not_there_is_the_callers_fault(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("sensors", "acknowledge", "99", "--by", "Ada") == 2
    assert "no such alarm" in capsys.readouterr().err


def test_nothing_the_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOBEDA_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.sqlite'}")
    assert run("sensors", "alarms", "--lang", "de") == 0
    assert run("sensors", "findings") == 0
    assert capsys.readouterr().out == "Kein Alarm.\nNothing was found in 30 days.\n"


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_check_and_alarm_has_its_words(language: str) -> None:
    figures = {"low": 1.0, "high": 2.0, "limit_high": 1.5, "hours": 3.0, "expected_h": 0.5, "limit": 1.0}
    for check in (*CHECKS, "missing"):
        for flag in (3, 4):
            assert "{" not in findings.reason(check, flag, 2, figures, "Cel", language)
    for kind in alarms.KINDS:
        assert "{" not in findings.alarm_reason(kind, {}, language)
    assert set("12349") == {key[5:] for key in texts.load(language) if key.startswith("flag.")}


def test_words_by_hand() -> None:
    low = {"low": -99.04, "high": 3.0, "limit_low": -80.0, "limit_high": 60.0}
    assert findings.reason("range", 4, 1, low, "Cel", "en") == (
        "Values down to \u221299.0\u00a0°C; no less than \u221280\u00a0°C is possible."
    )
    assert findings.duration(5400, "de") == "90 Minuten"
    assert findings.duration(2.5 * 86_400, "en") == "2.5 days"
    assert [findings.ago(s, "de") for s in (7.1, 90, 5_400, 172_800)] == [
        "vor 7 Sek.", "vor 2 Min.", "vor 2 Std.", "vor 2 Tagen"
    ]  # fmt: skip
    assert findings.amount(670, "{vehicles}/h", "de") == "670\u00a0Fahrzeuge/h"
    assert findings.amount(111, "{spaces}", "en") == "111\u00a0spaces"
    assert findings.shown_unit("{dogs}", "de") == "dogs"
    assert findings.clock(pd.Timestamp("2024-10-27T00:30Z"), "de") == "27.10.2024 02:30 MESZ"
    assert findings.clock(pd.Timestamp("2024-10-27T01:30Z"), "de") == "27.10.2024 02:30 MEZ"


def test_the_watcher_looks_until_told_to_stop(filled: str) -> None:
    with Store.open(filled) as store:
        begun, again = itertools.count(1), threading.Event()

        def clock() -> int:
            if next(begun) == 2:  # the first look has come to its end
                again.set()
            return now_us()

        with watching.Watcher(store, every_s=0.01, clock=clock):
            assert again.wait(120)
        assert not quality.findings(store).empty
        assert len(alarms.alarms(store)) == 1


def test_old_findings_are_not_called_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                          capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    monkeypatch.setenv("LOBEDA_DATABASE_URL", url)
    with Store.open(url) as store:
        (stream,) = store.ensure(station()).values()
        start = now_us() - 100 * 24 * 60 * MINUTE
        numbers = [5.0, 6, 5, 90, 5, 6]
        store.append([NewObservation(stream, start + n * 10 * MINUTE, v) for n, v in enumerate(numbers)])
        quality.check(store, now=now_us())
    assert run("sensors", "findings") == 0
    said = capsys.readouterr().out
    assert "Nothing was found in 30 days" in said and "raise --days" in said
    assert run("sensors", "findings", "--days", "200") == 0
    assert "90" in capsys.readouterr().out
