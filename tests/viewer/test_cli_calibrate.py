"""`lobeda calibrate` as a user calls it: text, JSON, files that fit together, one line on errors."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import energy
from energy.weather import sample
from tests.energy.districts import slabs
from viewer import cli

HEAD = "Zähler;Gebäude;von;bis;kWh;Energieträger;Warmwasser\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A district of three sections on disk, and bills of two meters."""
    folder = tmp_path_factory.mktemp("calibrate")
    district = slabs(3)
    district.save(folder / "district")
    year = energy.annual(energy.Case(district, sample()))["heating_delivered_kwh"]
    rows = [
        f"Süd;{building};01.01.{a};31.12.{a};{factor * year[name]:.1f};Fernwärme;ja"
        for building, name, factor in (("b0", "b0", 0.8),)
        for a in (2023, 2024)
    ]
    rows += [
        f"Nord;b1, b2;01.01.{a};31.12.{a};{1.25 * (year['b1'] + year['b2']):.1f};;" for a in (2023, 2024)
    ]
    (folder / "bills.csv").write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    return folder


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.run([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_calibrate_and_simulate(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The calibrated simulation comes nearer to the bills; files are whole and fit together."""
    out, csv = place / "c.toml", place / "c.csv"
    command = ["calibrate", place / "district", "--meters", place / "bills.csv", "--out", out, "--csv", csv]
    code, said, err = call(capsys, *command, "--lang", "de")
    assert (code, err) == (0, "")
    for words in (
        "Süd (b0): 2 von 2 Ablesungen",
        "Faktor Luftwechsel",
        "ein typisches Jahr",
        "ASHRAE Guideline 14",
    ):
        assert words.casefold() in said.casefold()
    table = pd.read_csv(csv, index_col="meter")
    assert list(table.index) == ["Süd", "Nord"]
    assert (table["nmbe_after"].abs() < table["nmbe_before"].abs()).all()
    assert table["u_value_factor"]["Süd"] < 1 < table["u_value_factor"]["Nord"]
    years = []
    for more in ([], ["--calibration", out]):
        code, _, err = call(capsys, "simulate", place / "district", "--csv", place / "y.csv", *more)
        assert (code, err) == (0, "")
        years.append(pd.read_csv(place / "y.csv", index_col=0)["heating_delivered_kwh"])
    ratio = years[1] / years[0]
    assert 0.75 < ratio["b0"] < 0.95
    assert ratio["b1"] > 1.1
    assert not list(place.glob(".*part"))


def test_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = call(capsys, "calibrate", place / "district", "--meters", place / "bills.csv", "--json")
    found = json.loads(said)
    assert code == 0
    assert [unit["meter"] for unit in found["unit"]] == ["Süd", "Nord"]
    assert found["unit"][0]["estimates"]["u_value_factor"].keys() == {
        "value",
        "low",
        "high",
        "told",
        "at_bound",
    }
    assert "hot water is taken as included" in found["finding"][0]["message"]


def test_errors_in_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = place / "bad.csv"
    bad.write_text(HEAD + "m;b9;01.01.2022;31.12.2022;5;;\n", "utf-8")
    code, _, err = call(capsys, "calibrate", place / "district", "--meters", bad)
    assert code == 1
    assert "bad.csv, row 2: there is no building 'b9'" in err
    assert err.count("\n") == 1
    code, _, err = call(capsys, "calibrate", place / "district", "--meters", place / "none.csv")
    assert (code, err.count("\n")) == (1, 1)
    code, _, err = call(
        capsys,
        "calibrate",
        place / "district",
        "--meters",
        place / "bills.csv",
        "--out",
        place / "no" / "c.toml",
    )
    assert code == 2
    assert "no such folder" in err
    code, _, err = call(
        capsys, "simulate", place / "district", "--csv", place / "y.csv", "--calibration", bad
    )
    assert code == 1
    assert "it is no TOML" in err
