"""One study of three slabs, and its report in both languages, for all tests of the report."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest

import scenarios
from scenarios import report
from scenarios.report import Study, maps
from tests.scenarios.test_measures import roofed
from twin.sources.base import NOT_PUBLISHED, Provenance

MADE = date(2026, 11, 26)
SCENARIO = scenarios.Scenario(
    name="better",
    title={"de": "Dämmen & Strom vom Dach", "en": "Insulation and solar roofs"},
    description={"de": "Zwei Blöcke werden gedämmt.", "en": "Two blocks are insulated."},
    measures=[
        scenarios.Step(measure="envelope_retrofit", targets=scenarios.Targets(buildings=["b1"])),
        scenarios.Step(measure="roof_pv", targets=scenarios.Targets(buildings=["b1", "b2"]), year=2030),
        scenarios.Step(measure="supply_temperature", parameters={"supply_c": 70}),
    ],
)


@pytest.fixture(scope="session")
def study() -> Study:
    case = roofed()
    names = case.district.buildings.assign(name=["=1+1", "@SUM(A1)", "-2"])
    origin = Provenance("buildings", "hand-made", "tests", "CC0-1.0", "© Testamt", "2026-01-01")
    owned = Provenance("buildings", "facts", "x.csv", f"owner's own data, {NOT_PUBLISHED}", "Erna Privat")
    district = dataclasses.replace(case.district, buildings=names, provenance=(origin, owned))
    return report.study(SCENARIO, dataclasses.replace(case, district=district), draws=2)


@pytest.fixture(scope="session", params=["de", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def pdf(study: Study, language: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with_maps = language == "de"  # maps take seconds: one language draws them
    options = report.Options(language, MADE, with_maps, again="lobeda report better.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps, "WIDE", 400)
        patch.setattr(maps, "DPI", 80)
        return report.write(study, tmp_path_factory.mktemp("report") / "better.pdf", options)
