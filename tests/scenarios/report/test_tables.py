"""Workbook and GeoPackage hold the figures of compare as numbers; names stay names; files are whole."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pyogrio
import pytest

from scenarios import report
from scenarios.compare import INDICATORS, indicators_of
from scenarios.report import Study, tables, words
from tests.scenarios.report.conftest import MADE, SCENARIO
from twin.errors import CallError


@pytest.fixture(scope="module")
def book(study: Study, language: str, tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    file = tmp_path_factory.mktemp("book") / "better.xlsx"
    report.write(study, file, report.Options(language, MADE))
    return openpyxl.load_workbook(file)


def sheet(book: openpyxl.Workbook, name: str) -> pd.DataFrame:
    rows = list(book[name].values)
    return pd.DataFrame(rows[1:], columns=list(rows[0]))


def test_the_summary_is_that_of_compare(book: openpyxl.Workbook, study: Study, language: str) -> None:
    said = words.of(language)
    table = sheet(book, said("sheet.summary")).set_index(said("sheet.key"))
    for name in study.table.columns:
        for number, column in enumerate((said("table.today"), said("table.after"))):
            expected = float(study.table[name].iloc[number])
            found = table.loc[name, column]
            assert found == pytest.approx(expected, rel=1e-12, nan_ok=True), name
    assert study.bands is not None
    bands = study.bands.quantiles(changes=True).loc["better"]
    shown = table.loc["heating_need_kwh", [said(f"sheet.{name}") for name in ("low", "middle", "high")]]
    assert shown.to_list() == pytest.approx(bands["heating_need_kwh"].to_list(), rel=1e-12)


def test_buildings_and_years_add_up(book: openpyxl.Workbook, study: Study, language: str) -> None:
    said = words.of(language)
    each = sheet(book, said("sheet.buildings"))
    column = f"co2_kg ({said('table.after')}) [kg/a]"
    pumping = study.table["network_pump_co2_kg"].iloc[1]  # the district's, no building's
    assert each[column].sum() + pumping == pytest.approx(study.table["co2_kg"].iloc[1], rel=1e-9)
    years = sheet(book, said("sheet.years"))
    column = f"co2_kg ({said('table.after')}) [kg]"
    assert years[column].sum() == pytest.approx(study.table["co2_horizon_kg"].iloc[1], rel=1e-9)


def test_names_are_never_formulas(book: openpyxl.Workbook) -> None:
    cells = [cell for page in book for row in page.iter_rows() for cell in row]
    assert {cell.value for cell in cells} >= {"=1+1", "@SUM(A1)", "-2"}
    assert not [cell for cell in cells if cell.data_type == "f"]


def test_assumptions_have_their_sources(study: Study, language: str) -> None:
    table = tables.assumptions(study, words.of(language))
    assert (table["source"].str.len() > 3).all() and table["is_estimate"].any()
    assert not table["what"].duplicated().any()


def test_steps_name_the_buildings_that_they_change(study: Study) -> None:
    changed = [list(one.buildings) for one in study.done]
    assert changed == [["b1"], ["b1", "b2"], []]
    assert [one.year for one in study.done] == [2025, 2030, 2025]
    assert study.affected.to_list() == [False, True, True]


def test_drivers_have_the_signs_that_physics_gives(study: Study) -> None:
    """And they are those of `lobeda scenario compare --drivers`."""
    assert study.drivers is not None and study.compared.drivers is not None
    kg, eur = (study.drivers[name]["mu"] for name in ("co2_horizon_kg", "net_present_cost_eur"))
    assert kg["envelope"] < 0  # worse walls: more is saved
    assert eur["unit_costs"] > 0 and kg["unit_costs"] == 0
    assert eur["price_heat"] < 0  # dearer heat: more is saved
    co2 = study.compared.drivers.sort_index().loc[(study.after.name, study.base.name, "co2_horizon_kg")]
    shown = study.drivers["co2_horizon_kg"].sort_index()
    pd.testing.assert_frame_equal(shown, co2, check_names=False)


def test_the_geopackage_opens_in_gdal(study: Study, tmp_path: Path) -> None:
    file = report.write(study, tmp_path / "better.gpkg", report.Options("de", MADE))
    found = pyogrio.read_dataframe(file, layer="buildings", fid_as_index=False).set_index("building_id")
    assert found.crs.to_epsg() == 25832
    for number, state in enumerate(("base", "after")):
        expected = indicators_of(study.outcomes[number], study.base, "building")["heating_need_kwh"]
        values = found[f"heating_need_kwh_{state}"].to_numpy()
        assert values == pytest.approx(expected.loc[found.index].to_numpy())
    difference = found["co2_kg_after"] - found["co2_kg_base"]
    assert found["co2_kg_change"].to_numpy() == pytest.approx(difference.to_numpy(), abs=1e-6)
    of_buildings = [name for name, one in INDICATORS.items() if one.stage == 1]
    assert {f"{name}_change" for name in of_buildings} < set(found.columns) and "owner" not in found.columns
    district = pyogrio.read_dataframe(file, layer="district").set_index("name")
    assert district.loc["co2_kg", "after"] == pytest.approx(study.table["co2_kg"].iloc[1])


def test_what_cannot_be_written_leaves_nothing(study: Study, tmp_path: Path) -> None:
    with pytest.raises(CallError, match=r"Use \.pdf, \.xlsx or \.gpkg"):
        report.write(study, tmp_path / "better.docx", report.Options("de", MADE))
    with pytest.raises(CallError, match="no report in language"):
        report.write(study, tmp_path / "better.xlsx", report.Options("fr", MADE))
    assert list(tmp_path.iterdir()) == []


def test_a_scenario_of_the_bases_name_is_refused(study: Study) -> None:
    with pytest.raises(CallError, match="baseline"):
        report.study(SCENARIO.model_copy(update={"name": "baseline"}), study.base.case, draws=0)
