"""The report on a district: what it counts, whose values it holds, and what has to be shown."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import twin
from twin import info as module
from twin import schema
from twin.district import District
from twin.info import Info, info
from twin.sources.base import Finding, Provenance


def small_district(**metadata: object) -> District:
    """Four houses of 10 m × 20 m in two quarters; the year is known of one, derived and guessed of others."""
    buildings = gpd.GeoDataFrame(
        {
            "building_id": ["a", "b", "c", "d"],
            "function": ["residential", "residential", "residential", "school"],
            "quarter": ["West", "West", "Ost", None],
            "year_of_construction": [1970.0, 1975.0, 1980.0, np.nan],
            "year_source": ["given:facts", "derived:rule", "guessed:grid", "guessed:grid"],
            "storeys_above_ground": [5.0, 5.0, np.nan, np.nan],
            "storeys_source": [None, "given:citygml", None, None],
            "dwellings": [10.0, 20.0, np.nan, np.nan],
            "watertight": [True, True, False, None],
        },
        geometry=[shapely.box(683000 + 30 * i, 5639000, 683010 + 30 * i, 5639020) for i in range(4)],
        crs="EPSG:25832",
    )
    findings = [
        Finding("repaired", "a.gml", "id1", "ring crosses itself at 12.5"),
        Finding("repaired", "a.gml", "id2", "ring crosses itself at 7"),
        Finding("left_out", "a.gml", "id3", "no geometry"),
        Finding("note", "b.csv", "row 3", "year: 'x' is no year"),
        Finding("note", "b.csv", "row 4", "year: 'y' is no year"),
    ]
    official = {"licence": "dl-de/by-2-0", "attribution": "© GDI-Th (2025), dl-de/by-2-0"}
    provenance = [
        Provenance("buildings", "citygml", "a.gml", **official),
        Provenance("terrain", "dgm1", "dgm.zip", **official),
        Provenance("buildings", "facts", "b.csv", "owner's own data, not for publication"),
    ]
    return District.from_tables(
        "small",
        {"buildings": buildings},
        findings=findings,
        provenance=provenance,
        metadata=metadata,
        derive=False,
    )


@pytest.fixture(scope="module")
def report() -> Info:
    return info(small_district())


def test_counts_name_every_table(report: Info) -> None:
    assert set(report.counts) == set(schema.TABLES)
    assert report.counts["buildings"] == 4
    assert report.counts["trees"] == 0


def test_extent(report: Info) -> None:
    assert report.bounds_m == (683000, 5639000, 683100, 5639020)
    assert report.area_km2 == pytest.approx(100 * 20 / 1e6)
    assert report.footprint_area_m2 == pytest.approx(4 * 200)
    assert report.bounds_deg is not None
    west, south, east, north = report.bounds_deg
    assert (west, south) == pytest.approx((11.600, 50.872), abs=0.01)  # Lobeda-West (FACTS: 50.88, 11.60)
    assert west < east and south < north


def test_dwellings_by_quarter_and_what_is_unknown(report: Info) -> None:
    assert report.dwellings == 30
    assert report.dwellings_by_quarter == {"West": 30}
    assert report.dwellings_unknown == 1  # c; the school needs none


def test_coverage_by_kind_of_source(report: Info) -> None:
    rows = {row.column: row for row in report.coverage}
    year = rows["year_of_construction"]
    assert (year.given, year.derived, year.guessed, year.missing) == (0.25, 0.25, 0.25, 0.25)
    storeys = rows["storeys_above_ground"]
    assert (storeys.given, storeys.unstated, storeys.missing) == (0.25, 0.25, 0.5)
    for row in report.coverage:
        assert row.given + row.derived + row.guessed + row.unstated + row.missing == pytest.approx(1)
    assert {row.table for row in report.coverage} == {"buildings"}  # empty tables have no shares


@pytest.mark.parametrize("table", schema.TABLES)
def test_every_source_column_belongs_to_a_column(table: str) -> None:
    pairs = module.source_pairs(table)
    sources = [name for name in schema.columns(table) if name.endswith("_source")]
    assert [source for _, source in pairs] == sources
    for column, source in pairs:
        assert (
            column.startswith(source.removesuffix("_source").split("_")[0])
            or source == "series_source"
            or (column == "year_of_construction")
        )


def test_watertight_share_leaves_out_unchecked_solids(report: Info) -> None:
    assert report.watertight_checked == 3
    assert report.watertight_share == pytest.approx(2 / 3)


def test_findings_are_grouped_whatever_their_figures(report: Info) -> None:
    assert [(g.kind, g.count) for g in report.findings] == [("left_out", 1), ("repaired", 2), ("note", 2)]
    assert [f.record for f in report.findings[1].examples] == ["id1", "id2"]


def test_licences_with_attribution(report: Info) -> None:
    official, own = report.licences
    assert official.licence == "dl-de/by-2-0"
    assert official.tables == ("buildings", "terrain")
    assert official.attributions == ("© GDI-Th (2025), dl-de/by-2-0",)
    assert own.tables == ("buildings",)


def test_json_holds_everything(report: Info) -> None:
    again = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert again["is_model"] is False
    assert again["notice"] is None
    assert again["coverage"][0]["table"] == "buildings"
    assert again["provenance"][0]["attribution"].startswith("© GDI-Th")
    assert again["digest"] == small_district().digest()
    assert again["format_version"] == 1


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["Records", "given", "missing", "2 × repaired: ring crosses itself at 12.5 (such as"]),
        ("de", ["Datensätze", "gegeben", "fehlt", "2 × repariert: ring crosses itself at 12.5 (etwa"]),
    ],
)  # fmt: skip
def test_text_in_both_languages(report: Info, language: module.Language, expected: list[str]) -> None:
    text = "\n".join(report.lines(language))
    for words in expected:
        assert words in text
    assert "© GDI-Th (2025), dl-de/by-2-0" in text
    assert all(line == line.rstrip() and "\n" not in line for line in report.lines(language))


def test_both_languages_have_the_same_texts() -> None:
    assert set(module._TEXT["de"]) == set(module._TEXT["en"])
    assert set(schema.TABLES) <= set(module._TABLES_DE)


@pytest.mark.parametrize(
    ("share", "shown"), [(0, "0 %"), (0.001, "<1 %"), (0.5, "50 %"), (0.999, ">99 %"), (1, "100 %")]
)
def test_a_few_are_not_none_and_most_are_not_all(share: float, shown: str) -> None:
    assert module._share(share, "en") == shown


def test_numbers_in_both_languages() -> None:
    assert module.number(1234567.5, "en", 1) == "1,234,567.5"
    assert module.number(1234567.5, "de", 1) == "1.234.567,5"


def test_model_is_marked_even_without_own_notice() -> None:
    report = info(small_district(is_model=True))
    assert report.to_dict()["is_model"] is True
    assert (
        "MODEL, NOT SURVEY: Model from documented facts and estimates, not survey data"
        in report.lines("en")[1]
    )
    assert "keine Vermessungsdaten" in report.lines("de")[1]


def test_district_without_buildings() -> None:
    report = info(District.from_tables("empty", {}, derive=False))
    assert report.bounds_m is None
    assert report.dwellings == 0
    assert report.lines("de")[0] == "empty"


def test_sample_says_that_it_is_a_model() -> None:
    report = info(twin.open("lobeda"))
    assert report.notice is not None
    assert "not survey" in report.notice["en"]
    # FACTS § 3: West 5,654, Ost about 7,700 dwellings; the sample keeps them within 3 %
    assert report.dwellings_by_quarter["Lobeda-West"] == pytest.approx(5654, rel=0.03)
    assert report.dwellings_by_quarter["Lobeda-Ost"] == pytest.approx(7700, rel=0.03)
    year = next(row for row in report.coverage if row.column == "year_of_construction")
    assert year.given > 0 and year.guessed > 0.9
    assert pd.Series([row.missing for row in report.coverage]).between(0, 1).all()
