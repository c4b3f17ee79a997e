"""`lobeda report`: the figures of `lobeda scenario compare`, and its errors in one line."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from tests.energy.districts import slabs
from twin import picture
from twin.errors import CallError
from viewer import cli

SCENARIO = "library/retrofit-wbs70.yaml"


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(slabs().save(tmp_path_factory.mktemp("district") / "slabs"))


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_writes_what_compare_prints(
    district: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--district", district, "--draws", "2", "--no-network"]
    code, out, err = call(capsys, "scenario", "compare", SCENARIO, "--json", *options)
    assert code == 0, err
    compared = json.loads(out)
    files = [tmp_path / "r.xlsx", tmp_path / "r.pdf", tmp_path / "r.gpkg"]
    to = [word for file in files for word in ("--to", str(file))]
    code, out, err = call(capsys, "report", SCENARIO, *options, *to, "--no-maps", "--language", "en")
    assert code == 0, err
    assert all(str(file) in out for file in files)
    assert sorted(tmp_path.iterdir()) == sorted(files)  # nothing half-written beside them
    rows = list(openpyxl.load_workbook(files[0])["Summary"].iter_rows(values_only=True))
    found = {row[1]: row for row in rows[1:]}
    band = compared["change_bands"]["retrofit-wbs70"]
    for name in ("heating_need_kwh", "co2_kg", "running_cost_eur", "net_present_cost_eur"):
        pair = [compared["indicators"][one][name] for one in ("baseline", "retrofit-wbs70")]
        assert list(found[name][3:5]) == pytest.approx(pair, rel=1e-6), name
        assert list(found[name][6:9]) == pytest.approx([band[q][name] for q in ("0.05", "0.5", "0.95")])
    assert files[1].read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["library/none.yaml"], "there is no such scenario", 1),
        ([SCENARIO, "--to", "r.docx"], "Use .pdf, .xlsx, .gpkg", 2),
        ([SCENARIO, "--to", "nowhere/r.pdf"], "there is no such folder", 2),
        ([SCENARIO, "--language", "fr"], "fr", 2),
        ([SCENARIO, "--no-maps", "--district", "nowhere"], "there is no such folder", 1),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], said: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _, err = call(capsys, "report", *arguments)
    assert found == code and said in err and err.count("\n") == 1


def test_a_scenarios_fault_is_said_as_run_says_it(
    district: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("name: own\nmeasures:\n  - measure: roof_pv\n    parameters: {share: 2}\n", "utf-8")
    answers = [
        call(capsys, *command, str(file), "--district", district)
        for command in (("scenario", "run"), ("report", "--no-maps"))
    ]
    assert answers[0] == answers[1] and answers[0][0] == 1


def test_a_machine_that_cannot_draw_is_told_before_simulating(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise CallError("no EGL", "plot", "Install one (Debian: apt-get install libegl1), or leave it")

    monkeypatch.setattr(picture, "require_graphics", absent)
    code, _, err = call(capsys, "report", SCENARIO, "--to", str(tmp_path / "r.pdf"))
    assert code == 2 and "apt-get install libegl1" in err and "--no-maps" in err and err.count("\n") == 1
