"""Types by use, year, size and series; facts win; what is filled is marked."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from energy import archetypes
from energy.parameters import Parameters
from tests.energy.districts import slabs
from twin import District

PARAMETERS = Parameters.default()


def envelope(**columns):
    count = max([len(v) for v in columns.values() if isinstance(v, list)], default=1)
    return archetypes.fill(slabs(count, **columns), PARAMETERS)


@pytest.mark.parametrize(
    ("series", "year", "storeys", "code"),
    [
        ("WBS 70", 1982, 6, "DE.East.AB.07.Gen"),
        ("WBS 70", 1982, 11, "DE.East.AB.07.HR"),
        ("P2", 1974, 5, "DE.East.AB.06.Gen"),
        ("M10", 1972, 11, "DE.East.AB.06.HR"),
        ("WBS 70", 1986, 6, "DE.East.AB.08.Gen"),
        ("IW 64", 1966, 4, "DE.East.MFH.05.Gen"),
        ("WBS 70", np.nan, 6, "DE.East.AB.07.Gen"),
        ("P2", np.nan, 6, "DE.East.AB.06.Gen"),
        (None, np.nan, 6, "DE.East.AB.06.Gen"),
    ],
)
def test_industrial_series_are_east_german_types(series, year, storeys, code):
    """In Jena: E 682,000, N 5,640,000."""
    district = slabs(1, construction_series=series, year_of_construction=year, storeys_above_ground=storeys)
    moved = district.buildings.set_geometry(district.buildings.translate(682_000, 5_640_000))
    filled = archetypes.fill(district.replace(buildings=moved), PARAMETERS)
    assert filled["archetype"].iloc[0] == code


@pytest.mark.parametrize(
    ("year", "dwellings", "storeys", "code"),
    [
        (1955, 1, 2, "DE.N.SFH.04.Gen"),
        (1900, 2, 2, "DE.N.SFH.02.Gen"),
        (1700, 1, 1, "DE.N.SFH.01.Gen"),
        (2020, 1, 2, "DE.N.SFH.12.Gen"),
        (1930, 6, 3, "DE.N.MFH.03.Gen"),
        (1965, 40, 8, "DE.N.AB.05.Gen"),
        (2005, 30, 6, "DE.N.MFH.10.Gen"),
    ],
)
def test_other_houses_are_national_types(year, dwellings, storeys, code):
    """In Essen: E 360,000, N 5,702,000, outside the former GDR."""
    district = slabs(
        1, construction_series=None, year_of_construction=float(year), dwellings=float(dwellings),
        storeys_above_ground=float(storeys),
    )  # fmt: skip
    moved = district.buildings.set_geometry(district.buildings.translate(360_000, 5_702_000))
    filled = archetypes.fill(district.replace(buildings=moved), PARAMETERS)
    assert filled["archetype"].iloc[0] == code


def test_party_walls_make_a_terraced_house():
    filled = envelope(
        construction_series=None, year_of_construction=1965.0, dwellings=1.0, storeys_above_ground=2.0,
        wall_area_m2=100.0, party_wall_area_m2=60.0,
    )  # fmt: skip
    assert filled["archetype"].iloc[0] == "DE.N.TH.05.Gen"


def test_filled_values_are_tabulas_and_say_so():
    row = envelope().iloc[0]
    assert row["u_wall_w_m2k"] == pytest.approx(0.9)
    assert row["u_roof_w_m2k"] == pytest.approx(0.5)
    assert row["u_floor_w_m2k"] == pytest.approx(0.8)
    assert row["u_window_w_m2k"] == pytest.approx(2.7)
    assert row["g_window"] == pytest.approx(0.75)
    assert row["u_wall_source"] == "guessed:TABULA DE.East.AB.07.Gen"
    assert (row["b_floor"], row["infiltration_1_h"], row["ventilation_1_h"]) == (0.5, 0.2, 0.4)


def test_known_u_values_win():
    row = envelope(u_wall_w_m2k=0.31).iloc[0]
    assert row["u_wall_w_m2k"] == 0.31
    assert row["u_wall_source"] == "given:district"
    assert row["u_roof_source"].startswith("guessed:TABULA")


def test_refurbishment_is_respected_and_never_worsens():
    filled = envelope(refurbishment=["none", "usual", "advanced"], u_wall_w_m2k=[np.nan, np.nan, 0.1])
    np.testing.assert_allclose(filled["u_wall_w_m2k"], [0.9, 0.22, 0.1])
    np.testing.assert_allclose(filled["u_window_w_m2k"], [2.7, 1.3, 0.8])
    np.testing.assert_allclose(filled["g_window"], [0.75, 0.6, 0.5])
    assert "refurbishment standard usual" in filled["u_roof_source"].iloc[1]


def test_a_component_may_be_refurbished_alone():
    filled = envelope(refurbishment=["none", "usual", "none"], refurbishment_window=["usual", "none", None])
    assert filled["u_window_w_m2k"].iloc[0] == pytest.approx(1.3)  # FACTS: usual window
    assert filled["u_wall_w_m2k"].iloc[0] == filled["u_wall_w_m2k"].iloc[2]
    assert filled["u_window_w_m2k"].iloc[1] == filled["u_window_w_m2k"].iloc[2]
    assert filled["u_wall_w_m2k"].iloc[1] == pytest.approx(0.22)


def test_refurbishing_a_new_house_keeps_its_better_parts():
    filled = envelope(
        construction_series=None, year_of_construction=2020.0, dwellings=1.0, storeys_above_ground=2.0,
        refurbishment="usual",
    )  # fmt: skip
    new = PARAMETERS.typology.loc["DE.N.SFH.12.Gen"]
    assert filled["u_window_w_m2k"].iloc[0] == pytest.approx(min(1.3, new["u_window_w_m2k"]))


def test_every_source_names_its_kind():
    filled = envelope(
        function=["residential", None, "school", "zoo"],
        heating=[None, "gas", "tea lights", "none"],
        year_of_construction=[1980.0, np.nan, 1950.0, 2001.0],
    )
    for column in [name for name in filled.columns if name.endswith("_source")]:
        assert filled[column].str.match("(given|derived|guessed):").all(), column
    assert list(filled["function"]) == ["residential", "residential", "school", "other"]
    assert list(filled["heating"]) == ["district_heating", "gas", "district_heating", "none"]


def test_what_is_heated():
    filled = envelope(
        function=["residential", "garage", "residential", "residential"],
        a_use_m2=[100.0, 100.0, 0.5, 100.0],
        heating=["gas", "gas", "gas", "none"],
    )
    assert list(filled["conditioned"]) == [True, False, False, False]


def test_wall_areas_come_from_the_surfaces_without_party_walls():
    """North and south 680 m², east 204 m² of which 102 touch: windows by TABULA's share of each."""
    row = archetypes.fill(slabs(1, surfaces=True), PARAMETERS).iloc[0]
    share = row["window_n_m2"] / 680
    assert row["window_s_m2"] == pytest.approx(680 * share)
    assert row["window_e_m2"] == pytest.approx(102 * share)
    assert row["window_w_m2"] == 0
    assert row["wall_area_m2"] + row["window_area_m2"] + row["door_area_m2"] == pytest.approx(1462)
    tabula = PARAMETERS.typology.loc["DE.East.AB.07.Gen"]
    assert share == pytest.approx(387 / (387 + 1673.73 + 2), rel=1e-6)
    assert tabula["a_window_m2"] == 387


def test_without_surfaces_the_footprint_gives_the_walls():
    """40 m by 12 m, 17 m high: 2 × 680 m² north and south, 2 × 204 m² east and west, whatever the winding."""
    for clockwise in (True, False):
        district = slabs(1)
        ring = shapely.box(0, 0, 40, 12, ccw=not clockwise)
        district = district.replace(buildings=district.buildings.set_geometry([ring], crs=25832))
        row = archetypes.fill(district, PARAMETERS).iloc[0]
        for sector, area in (("n", 680), ("s", 680), ("e", 204), ("w", 204), ("ne", 0)):
            assert row[f"window_{sector}_m2"] == pytest.approx(area * 387 / (387 + 1673.73 + 2))


def test_orientation_of_footprint_edges():
    """A triangle with its long side to the south and a vertex in the north: nothing faces north."""
    district = slabs(1)
    ring = shapely.Polygon([(0, 0), (40, 0), (20, 20)])
    district = district.replace(buildings=district.buildings.set_geometry([ring], crs=25832))
    row = archetypes.fill(district, PARAMETERS).iloc[0]
    assert row["window_s_m2"] > row["window_ne_m2"] == pytest.approx(row["window_nw_m2"])
    assert row["window_n_m2"] == 0


def test_a_bare_footprint_with_a_height_is_enough():
    buildings = gpd.GeoDataFrame(
        {"building_id": ["x"], "measured_height_m": [9.0]}, geometry=[shapely.box(0, 0, 10, 10)], crs=25832
    )
    district = District.from_tables("bare", {"buildings": buildings}, derive=False)
    row = archetypes.fill(district, PARAMETERS).iloc[0]
    assert row["a_use_m2"] == pytest.approx(100 * 3 * 0.8)
    assert row["conditioned"]
    assert row["a_use_source"].startswith("guessed:")


def test_an_empty_district_has_an_empty_envelope():
    district = slabs(2).select([])
    assert len(archetypes.fill(district, PARAMETERS)) == 0


def test_other_uses_say_that_they_are_estimates():
    row = envelope(function="school", year_of_construction=1975.0).iloc[0]
    assert row["archetype"].split(".")[2] == "AB"
    assert "estimate" in row["archetype_source"]
    assert row["window_area_m2"] / (row["window_area_m2"] + row["wall_area_m2"] + row["door_area_m2"]) == (
        pytest.approx(0.35)
    )
