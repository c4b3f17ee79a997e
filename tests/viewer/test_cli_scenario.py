"""`lobeda scenario`: the same figures as from Python, on a small district on disk."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema
import pandas as pd
import pytest

import energy
import scenarios
from tests.energy.districts import slabs
from viewer import cli

SCENARIO = "library/retrofit-wbs70.yaml"


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("district") / "slabs"
    slabs().save(folder)
    return folder


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_compare_gives_pythons_figures_and_bands(
    district: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import twin

    table = tmp_path / "table.csv"
    options = ["--district", str(district), "--draws", "4", "--level", "building", "--csv", str(table)]
    options += ["--details", "hours"]
    code, out, err = call(capsys, "scenario", "compare", SCENARIO, "--json", *options)
    assert code == 0, err
    found = json.loads(out)
    case = energy.Case(twin.open(district), energy.weather.sample())
    by_python = scenarios.comparison([scenarios.load(SCENARIO)], case, draws=4, details=["hours"])
    assert found["network"]["simulated"] and "network_loss_kwh" in found["indicators"]["baseline"]
    for scenario, row in found["indicators"].items():
        for name, value in row.items():
            expected = by_python.table.loc[scenario, name]
            assert (value is None and pd.isna(expected)) or value == pytest.approx(expected, rel=1e-6), name
    for year, row in found["years"]["retrofit-wbs70"].items():
        expected = by_python.years.loc[("retrofit-wbs70", int(year))]
        assert row["total_eur"] == pytest.approx(expected["total_eur"], rel=1e-6)
    band = found["change_bands"]["retrofit-wbs70"]
    assert set(band) == {"0.05", "0.5", "0.95"}
    assert band["0.05"]["heating_need_kwh"] <= band["0.95"]["heating_need_kwh"] < 0
    assert found["probabilities"]["retrofit-wbs70"]["co2_kg"]["lower"] == 1
    assert set(pd.read_csv(table)["building"].dropna()) == {"b0", "b1", "b2"}
    assert set(pd.read_csv(tmp_path / "table-years.csv")["year"]) == set(range(2025, 2050))


def test_without_the_network_each_figure_says_so(district: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--district", str(district), "--draws", "0", "--no-network", "--details", "none"]
    code, out, err = call(capsys, "scenario", "compare", "library/cooler-network.yaml", *options)
    assert code == 0, err
    assert "Heat network not simulated" in out and "CO2 *" in out and "Network heat losses" not in out
    assert "Heating need *" not in out and "2045" in out and "2046" not in out
    code, out, err = call(
        capsys, "scenario", "compare", "library/cooler-network.yaml", *options, "--lang", "de"
    )
    assert code == 0 and "Wärmenetz nicht gerechnet" in out and "Laufende Kosten *" in out, err


def test_a_figure_is_explained(district: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--district", str(district), "--building", "b1"]
    code, out, err = call(capsys, "scenario", "explain", SCENARIO, "energy_cost_eur", *options)
    assert code == 0, err
    assert "E_dh * p_dh" in out and "U_wall" in out and "estimates among them" in out
    code, out, err = call(capsys, "scenario", "explain", SCENARIO, "energy_cost_eur", *options, "--json")
    found = json.loads(out)
    last = found["steps"][-1]
    assert eval(last["formula"], {}, last["inputs"]) == pytest.approx(found["value"], rel=1e-5)
    code, _, err = call(capsys, "scenario", "explain", SCENARIO, "joy", *options)
    assert code == 2 and "no indicator 'joy'" in err and err.count("\n") == 1


def test_measures_and_schema_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "scenario", "measures", "--lang", "de")
    assert code == 0 and "roof_pv: Photovoltaik auf Dächern" in out and "supply_c [°C] 55 to 90" in out
    code, out, _ = call(capsys, "scenario", "measures", "--json")
    assert code == 0 and "envelope_retrofit" in json.loads(out) and "Infinity" not in out
    code, out, _ = call(capsys, "scenario", "schema")
    jsonschema.Draft202012Validator.check_schema(json.loads(out))


def test_code_in_a_file_needs_leave(
    district: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("name: own\nmeasures:\n  - measure: scenarios.measures.roof_pv:apply\n")
    code, _, err = call(capsys, "scenario", "run", str(file), "--district", str(district))
    assert code == 1 and "--allow-code" in err and "line 3" in err and err.count("\n") == 1
    code, _, err = call(capsys, "scenario", "run", str(file), "--district", str(district), "--allow-code")
    assert code == 0, err


def test_an_unknown_level_is_the_calls_fault(district: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--district", str(district), "--level", "street", "--draws", "0"]
    code, _, err = call(capsys, "scenario", "compare", SCENARIO, *options)
    assert code == 2 and "building, block or district" in err


def test_an_ensemble_goes_on_where_it_stopped(
    district: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--n", "2", "--out", str(tmp_path), "--district", str(district), "--workers", "1", "--json"]
    found = []
    for _ in range(2):
        code, out, err = call(capsys, "scenario", "ensemble", SCENARIO, *options)
        assert code == 0, err
        found.append(json.loads(out))
    assert found[0]["quantiles"] == found[1]["quantiles"] and found[0]["variants"] == 2
    assert found[0]["peak_memory_mb"]["largest_worker"] > 1 and not err
    code, _, err = call(capsys, "scenario", "ensemble", SCENARIO, *options, "--seed", "2")
    assert code == 2 and "another ensemble" in err


FORMULAS = ['=HYPERLINK("http://evil.example";"x")', "@SUM(A1)", "-2+3"]


def test_no_cell_of_a_written_table_is_a_formula(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids are a file's text."""
    place = str(slabs(building_id=FORMULAS).save(tmp_path / "slabs"))
    table = tmp_path / "t.csv"
    compare = ["scenario", "compare", SCENARIO, "--draws", "2", "--level", "building", "--district", place]
    for arguments in (["simulate", place], compare, ["scenario", "run", SCENARIO, "--district", place]):
        code, _, err = call(capsys, *arguments, "--csv", str(table))
        assert code == 0, err
        rows = list(csv.reader(table.read_text("utf-8").splitlines()))
        texts = [cell for row in rows for cell in row if cell and not _is_number(cell)]
        assert texts and not [text for text in texts if text[0] in "=+-@"]
        if arguments[1] != "run":  # which sums over the district
            assert {f"'{formula}" for formula in FORMULAS} <= set(texts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
