"""`lobeda participation` on a database of its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from sensors.times import now_us
from tests.viewer.participation import ROOFS, TREES
from viewer import cli
from viewer.participation import moderation
from viewer.participation.store import Comments, Topic

MONTH_US = round(30.44 * 86_400_000_000)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A waiting comment on an open proposal, a shown one on another that ended seven months ago."""
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path))
    ended = Topic(ROOFS, {"de": "Dächer"}, closes_at=now_us() - 7 * MONTH_US)
    with Comments.open() as comments:
        comments.sync([Topic(TREES, {"de": "Bäume"}), ended])
        comments.add(TREES, "=1+1 Linden", None, shown=False, fingerprint="a")
        comments.add(ROOFS, "Alte Ziegel", None, shown=True, fingerprint="b")
        comments.vote("proposal", TREES, "v" * 22, 1)
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = cli.run(["participation", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_list_counts_by_proposal(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "list", "--json")
    rows = {row["proposal"]: row for row in json.loads(out)}
    assert (code, err) == (0, "")
    assert (rows[TREES]["open"], rows[TREES]["agree"], rows[TREES]["waiting"]) == (True, 1, 1)
    assert (rows[ROOFS]["open"], rows[ROOFS]["shown"]) == (False, 1)
    _, out, _ = call(capsys, "list")
    assert "1 agree, 0 disagree; 1 waiting" in out and "ended" in out
    assert "No proposals yet" in call(capsys, "list", "--sample")[1]


def test_export_is_what_the_desk_gives(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = store / "comments.csv"
    code, out, _ = call(capsys, "export", str(file), "--json")
    assert (code, json.loads(out)) == (0, {"file": str(file), "comments": 2})
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    assert [(row["proposal"], row["state"]) for row in rows] == [(TREES, "waiting"), (ROOFS, "shown")]
    assert not rows[0]["text"].startswith("=")  # no spreadsheet computes what residents wrote
    code, _, err = call(capsys, "export", str(store))
    assert code == 2 and "cannot be written" in err and err.count("\n") == 1


def test_purge_deletes_what_ended_so_long_ago(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(call(capsys, "purge", "--months", "8", "--json")[1]) == {"deleted": 0, "final": True}
    code, out, err = call(capsys, "purge", "--months", "6")
    assert (code, out, err) == (0, "1 comments deleted for good.\n", "")
    assert b"Ziegel" not in b"".join(file.read_bytes() for file in store.glob("participation.sqlite*"))
    with Comments.open() as comments:
        assert moderation.totals(comments)["waiting"] == 1
