"""The commands of the store."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from sensors.store import Store
from tests.sensors.things import station, value
from viewer.cli import run


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("LOBEDA_DATABASE_URL", raising=False)


def fill() -> int:
    with Store.open() as store:
        stream = store.ensure(station(simulated=True))["t"]
        store.append([value(stream, "2026-05-01T12:00", 20.5), value(stream, "2026-05-01T13:00", 21.5)])
        store.count("lora", {"received": 2})
        store.set_aside("lora", "0102", "unknown device", "{}")
        return stream


def test_status_tells_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert run(["sensors", "status", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["things"], facts["datastreams"], facts["observations"]) == (1, 1, 2)
    assert facts["feeds"] == {"lora": {"received": 2}} and facts["set_aside"][0]["device"] == "0102"
    assert facts["streams"][0]["latest_result"] == 21.5 and facts["streams"][0]["age_s"] > 0
    for language, words in (("de", ("Messwerte", "beiseitegelegt")), ("en", ("observations", "set aside"))):
        assert run(["sensors", "status", "--lang", language]) == 0
        said = capsys.readouterr().out
        assert all(word in said for word in (*words, "Station a", "21.5 °C"))


def test_backup_restore_export_purge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    file = str(tmp_path / "backup.sqlite")
    assert run(["sensors", "backup", file]) == 0
    assert run(["sensors", "restore", file]) == 2
    assert "--force" in capsys.readouterr().err
    assert run(["sensors", "purge", "1", "--yes"]) == 0
    with Store.open() as store:
        assert store.streams().empty
    assert run(["sensors", "restore", file, "--force"]) == 0
    out = str(tmp_path / "out.parquet")
    assert (
        run(["sensors", "export", out, "--start", "2026-05-01", "--end", "2026-05-02", "--step", "hour"]) == 0
    )
    assert "(2)" in capsys.readouterr().out
    assert run(["sensors", "purge", "99", "--yes"]) == 1


def test_purge_looks_before_it_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four rows: three values, one of them in two versions. One message is this device's, another is not."""
    stream = fill()
    with Store.open() as store:
        (third,) = store.append([value(stream, "2026-05-01T14:00", 22.5)])
        store.correct(third.id, {"result": 20.0})
        store.set_aside("lora", "a", "too large", "{}")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run(["sensors", "purge", "99"]) == 1
    said = capsys.readouterr().err
    assert "there is no such Thing" in said and "?" not in said
    assert run(["sensors", "purge", "1"]) != 0
    said = capsys.readouterr().err
    assert "Station a" in said and "4 rows" in said and "1 datastreams" in said and "1 messages" in said
    with Store.open() as store:
        assert len(store.streams()) == 1


@pytest.mark.parametrize(
    ("words", "maker"),
    [
        ("sensors token list", "lobeda sensors token create"),
        ("accounts tokens list", "lobeda accounts tokens create"),
    ],
)
def test_a_list_without_tokens_says_how_one_is_made(
    capsys: pytest.CaptureFixture[str], words: str, maker: str
) -> None:
    assert run(words.split()) == 0
    assert maker in capsys.readouterr().out
    assert run([*words.split(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_retention_rules(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert run(["sensors", "retention", "set"]) == 2
    assert run(["sensors", "retention", "set", "--kind", "weather", "--raw-days", "1"]) == 0
    capsys.readouterr()
    assert run(["sensors", "retention", "--json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)
    assert (rule["kind"], rule["keep_raw_days"], rule["keep_days"]) == ("weather", 1, None)
    assert run(["sensors", "retention", "apply", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["observations"] == 2
    assert run(["sensors", "retention", "drop", str(rule["id"])]) == 0
    assert run(["sensors", "retention"]) == 0


def test_a_database_that_is_none_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for url, code in (("mysql://x/y", 2), ("nonsense", 2), ("postgresql://nobody@127.0.0.1:1/x", 1)):
        monkeypatch.setenv("LOBEDA_DATABASE_URL", url)
        assert run(["sensors", "status"]) == code
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "Traceback" not in said
