"""A report for the public tells of whole privacy groups alone; any other says that it is internal."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pypdf
import pytest

import energy
import scenarios
from scenarios import report
from scenarios.report import Study, content, maps, words
from scenarios.report.blocks import Figure
from tests.viewer.districts import small
from tests.viewer.test_shown import street
from twin.district import District
from twin.errors import CallError
from viewer import cli, privacy, public_report, shown
from viewer.state import Twin

MADE = date(2026, 11, 26)
INTERNAL = {
    "de": "Nur intern: Werte einzelner Gebäude",
    "en": "Internal: figures of single buildings",
}


def insulated(*ids: str) -> scenarios.Scenario:
    targets = scenarios.Targets(buildings=list(ids))
    return scenarios.Scenario(
        name="walls", measures=[scenarios.Step(measure="envelope_retrofit", targets=targets)]
    )


def case_of(district: District) -> energy.Case:
    return energy.Case(district, energy.weather.sample())


@pytest.fixture(scope="module")
def study() -> Study:
    """Two sections and eleven of twelve houses are insulated."""
    scenario = insulated("west-0", "ost-1", *(f"house-{number:02}" for number in range(11)))
    return report.study(scenario, case_of(small()), network=False, draws=0)


@pytest.fixture(scope="module")
def group(study: Study) -> pd.Series:
    return public_report.groups(study.scenario, study.base.case, None)


@pytest.fixture(scope="module")
def singles(study: Study, group: pd.Series) -> set[float]:
    """Figures of each house, as rounded numbers."""
    table = study.buildings().filter(like="house", axis=0)
    values = table.loc[:, [c for c in table if re.search("_kwh$|_kg$|_eur$", str(c[1]))]].to_numpy().ravel()
    return {round(float(v), 4) for v in values if np.isfinite(v) and abs(v) > 1}


def test_the_groups_are_those_of_the_site(study: Study, group: pd.Series) -> None:
    case = study.base.case
    pd.testing.assert_series_equal(group, Twin(case.district, case, study.base.annual).group)
    homes = case.district.buildings["dwellings"].fillna(0)
    units = homes.where(homes >= 1, 1.0)[group != privacy.HIDDEN].groupby(group).sum()
    assert (units >= 5).all() and len(units) >= 8  # the six sections, and two of twelve houses


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_public_workbook_has_one_row_per_group(
    study: Study, group: pd.Series, singles: set[float], language: str, tmp_path: Path
) -> None:
    file = report.write(study, tmp_path / "r.xlsx", report.Options(language, MADE, groups=group))
    book, said = openpyxl.load_workbook(file), words.of(language)
    assert said("sheet.buildings") not in book.sheetnames and said("sheet.stations") not in book.sheetnames
    cells = [cell.value for page in book for row in page.iter_rows() for cell in row]
    assert singles and not singles & {round(float(v), 4) for v in cells if isinstance(v, (int, float))}
    assert not set(study.base.case.district.buildings.index) & {v for v in cells if isinstance(v, str)}
    rows = list(book[said("sheet.groups")].values)
    table = pd.DataFrame(rows[1:], columns=list(rows[0])).set_index("group_id")
    assert set(table.index) == set(group) - {privacy.HIDDEN}
    expected = study.after.annual["co2_kg"][group != privacy.HIDDEN].groupby(group).sum()
    found = table[f"co2_kg ({said('table.after')}) [kg/a]"]
    assert found.to_numpy() == pytest.approx(expected.loc[found.index].to_numpy())
    assert INTERNAL[language] not in cells and book.sheetnames[0] == said("sheet.note")


def test_a_public_geopackage_has_one_row_per_group(
    study: Study, group: pd.Series, singles: set[float], tmp_path: Path
) -> None:
    file = report.write(study, tmp_path / "r.gpkg", report.Options("de", MADE, groups=group))
    assert {name for name, _ in pyogrio.list_layers(file)} == {"groups", "district"}
    found = pyogrio.read_dataframe(file, layer="groups", fid_as_index=False)
    assert set(found["group_id"]) == set(group) - {privacy.HIDDEN}
    numbers = found.select_dtypes("number").to_numpy(float).ravel()
    assert not singles & {round(float(v), 4) for v in numbers if np.isfinite(v)}
    buildings = study.base.case.district.buildings
    joined = buildings.set_geometry(buildings.representative_point()).sjoin(
        found[["group_id", "dwellings", "geometry"]], predicate="within"
    )
    homes = joined.groupby("group_id")["dwellings_left"].sum()
    of_homes = homes[homes > 0]
    assert (of_homes >= 5).all() and not any("garage" in str(one) for one in joined.index)
    content_of = file.read_bytes()
    assert INTERNAL["de"].encode() not in content_of
    assert not [one for one in buildings.index if re.search(rb"\b" + one.encode() + rb"\b", content_of)]


def test_public_maps_colour_whole_groups(study: Study, group: pd.Series) -> None:
    table = maps.per_area(study, group).assign(changed=maps.affected(study, group).astype(float))
    spread = table.groupby(group).agg(lambda one: one.max() - one.min())
    assert (spread.fillna(0) == 0).to_numpy().all()
    assert table.loc[group == privacy.HIDDEN, ["base", "after", "change"]].isna().to_numpy().all()
    area = study.base.case.envelope["a_use_m2"]
    mine = group == group["house-00"]
    expected = study.base.annual["co2_kg"][mine].sum() / area[mine].sum()
    assert table.loc["house-00", "base"] == pytest.approx(expected)
    own = maps.per_area(study)  # the extremes of single houses are in no alternative text either
    assert own["base"].max() > table["base"].max() or own["base"].min() < table["base"].min()
    document = content.document(study, words.of("en"), report.Options("en", MADE, groups=group))
    alt = next(
        block.alt for block in document.blocks if isinstance(block, Figure) and block.name == "base.jpg"
    )
    assert words.of("en").number(float(table["base"].max()), 1) in alt


@pytest.mark.parametrize("language", ["de", "en"])
def test_an_internal_report_says_so(study: Study, language: str, tmp_path: Path) -> None:
    options = report.Options(language, MADE)
    book = openpyxl.load_workbook(report.write(study, tmp_path / "r.xlsx", options))
    assert book[book.sheetnames[0]]["A1"].value == INTERNAL[language]
    assert book.active is not None and book.active.title == book.sheetnames[0]
    layer = pyogrio.read_info(report.write(study, tmp_path / "r.gpkg", options), layer="buildings")
    assert layer["layer_metadata"]["DESCRIPTION"].startswith(INTERNAL[language])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps, "WIDE", 200)
        patch.setattr(maps, "DPI", 40)
        cover = pypdf.PdfReader(report.write(study, tmp_path / "r.pdf", options)).pages[0].extract_text()
    assert INTERNAL[language] in " ".join(cover.split())


def test_the_command_makes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A municipality's town: the report joins the memory that the site and its tables share."""
    town = street(6)
    folder, file = town.save(tmp_path / "street"), tmp_path / "r.gpkg"
    said = ["report", "library/roof-pv.yaml", "--district", str(folder), "--to", str(file), "--draws", "0"]
    assert cli.run([*said, "--public", "--no-network"]) == 0, capsys.readouterr().err
    found = pyogrio.read_dataframe(file, layer="groups")
    assert found["buildings"].tolist() == [6]
    assert set(shown.read(shown.memory(town))) == set(found["group_id"])


def test_totals_that_tell_of_few_are_refused(tmp_path: Path) -> None:
    """A house more than at the last report: the new totals less the old group are that house."""
    memory = tmp_path / "shown.json"
    houses = [f"house-{number:02}" for number in range(6)]
    first = public_report.groups(insulated(*houses), case_of(street(6)), memory)
    assert first.nunique() == 1
    with pytest.raises(CallError, match="1 heated building"):
        public_report.groups(insulated(*houses), case_of(street(7)), memory)
    with pytest.raises(CallError, match="fewer than 5 dwellings"):
        public_report.groups(insulated("house-00", "house-01"), case_of(street(6)), memory)


def test_a_group_of_which_few_are_changed_is_left_out(group: pd.Series) -> None:
    """Its change would be that of those few; of two such groups, the totals leave over the sum of both."""
    ends = group["house-00"], group["house-11"]
    assert ends[0] != ends[1]
    few = [f"house-{number:02}" for number in (0, 1, 2, 9, 10, 11)]
    found = public_report.groups(insulated("west-0", *few), case_of(small()), None)
    assert not set(ends) & set(found) and found["west-0"] == group["west-0"]
    with pytest.raises(CallError, match="fewer than 5 dwellings"):
        public_report.groups(insulated("west-0", *few[:2], *few[4:]), case_of(small()), None)
