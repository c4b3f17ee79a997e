"""Types by use, year, size and series; facts win; what is filled is marked."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from energy import archetypes, envelope_check, spreads, transmittances
from energy.parameters import Parameters
from energy.solar import SECTORS
from tests.energy.districts import slabs
from twin import District
from twin.errors import CallError, SourceError

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


def test_series_decide_whatever_their_spelling():
    filled = envelope(construction_series=["WBS70", "wbs-70/11", "P 2.11", "M10", "IW 64"])
    assert list(filled["fabric"]) == ["WBS 70", "WBS 70", "P2", "M10", "IW 64"]
    assert filled["archetype"].str.startswith("DE.East").all()


def test_thermal_bridges_shrink_with_the_refurbished_share():
    """TABULA: from the type's 0.10 to the standard's class, by area; all of it, a part, none."""
    filled = envelope(
        refurbishment=["none", "usual", "advanced", "none"], refurbishment_wall=[None, None, None, "usual"]
    )
    bridges = filled["delta_u_thermal_bridge_w_m2k"]
    np.testing.assert_allclose(bridges[:3], [0.10, 0.05, 0.02])
    areas = filled[[f"{name}_area_m2" for name in ("wall", "roof", "floor", "window")]].iloc[3]
    share = areas["wall_area_m2"] / areas.sum()
    assert bridges.iloc[3] == pytest.approx(0.10 - 0.05 * share)
    sources = filled["delta_u_thermal_bridge_source"]
    assert sources.iloc[0] == "guessed:TABULA DE.East.AB.07.Gen"
    assert "refurbished share" in sources.iloc[3]


def test_unheated_neighbours_take_a_part_of_the_party_walls():
    """A garage, 3 m high, along 6 m of the south side; the next slab stands free."""
    district = slabs(3, function=["residential", "garage", "residential"], party_wall_area_m2=100.0)
    shapes = [shapely.box(0, 0, 40, 12), shapely.box(2, -6, 8, 0), shapely.box(200, 0, 240, 12)]
    buildings = district.buildings.set_geometry(shapes, crs=25832)
    buildings["measured_height_m"] = [17.0, 3.0, 17.0]
    filled = archetypes.fill(district.replace(buildings=buildings), PARAMETERS)
    np.testing.assert_allclose(filled["party_unheated_area_m2"], [18.0, 0.0, 0.0], atol=1e-6)


def test_facades_of_wall_and_window_add_up():
    row = archetypes.fill(slabs(1, surfaces=True), PARAMETERS).iloc[0]
    walls = [row[f"wall_{sector}_m2"] for sector in SECTORS]
    assert sum(walls) == pytest.approx(row["wall_area_m2"])
    assert walls[SECTORS.index("e")] / walls[SECTORS.index("s")] == pytest.approx(102 / 680)


def test_all_types_have_original_and_refurbished_states():
    table = transmittances.states(PARAMETERS)
    assert len(table) == (1 + len(PARAMETERS.standards)) * len(PARAMETERS.typology)
    slab = table.loc["DE.East.AB.07.Gen"]
    np.testing.assert_allclose(slab.loc["none"][["u_wall_w_m2k", "g_window"]], [0.9, 0.75])
    np.testing.assert_allclose(slab.loc["usual"][["u_wall_w_m2k", "g_window"]], [0.22, 0.6])
    for better, worse in (("usual", "none"), ("advanced", "usual")):
        assert (table.xs(better, level="state") <= table.xs(worse, level="state") + 1e-12).all(axis=None)


def test_every_figure_has_a_spread_by_its_source():
    """Given beats guessed: 5 % against 20 % of the wall's U-value, in its unit (table spreads)."""
    filled = envelope(u_wall_w_m2k=[0.31, np.nan])
    table = spreads.spreads(filled, PARAMETERS)
    assert list(table.columns) == [f"{name}_sd" for name in spreads.SOURCE_OF]
    np.testing.assert_allclose(table["u_wall_w_m2k_sd"], [0.05 * 0.31, 0.20 * 0.9])
    np.testing.assert_allclose(table["setpoint_offset_k_sd"], 1.0)
    assert np.isfinite(table.to_numpy()).all()
    assert table.index.equals(filled.index)
    planned = filled.assign(u_wall_source="measure:envelope_retrofit usual")
    np.testing.assert_allclose(spreads.spreads(planned, PARAMETERS)["u_wall_w_m2k_sd"], [0.031, 0.09])


def test_spreads_stand_for_every_quantity_and_kind():
    wanted = {(name, kind) for name in spreads.SOURCE_OF for kind in spreads.KINDS}
    assert wanted == set(PARAMETERS.spreads.index)
    for name in spreads.SOURCE_OF:
        sd = PARAMETERS.spreads.loc[name]["sd"]
        assert sd["given"] <= sd["derived"] <= sd["guessed"]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("a_use_m2", -5.0, "a_use_m2 is -5"),
        ("wall_area_m2", -1.0, "wall_area_m2 is -1"),
        ("roof_area_m2", np.inf, "roof_area_m2 is inf"),
        ("u_roof_w_m2k", -0.3, "u_roof_w_m2k is -0.3"),
        ("u_wall_w_m2k", 90.0, "u_wall_w_m2k is 90, outside 0.05 to 5.5"),
        ("u_window_w_m2k", 0.01, "u_window_w_m2k is 0.01, outside 0.3 to 7"),
        ("measured_height_m", -3.0, "measured_height_m is -3"),
    ],
)
def test_impossible_figures_name_building_column_and_remedy(column, value, words):
    district = slabs(3)
    buildings = district.buildings.copy()
    buildings.loc["b1", column] = value
    with pytest.raises(SourceError) as caught:
        archetypes.fill(district.replace(buildings=buildings), PARAMETERS)
    text = str(caught.value)
    assert "building b1" in text
    assert words in text
    assert "leave it empty" in text


def test_a_negative_surface_is_named():
    district = slabs(1, surfaces=True)
    surfaces = district.surfaces.copy()
    surfaces["area_m2"] = [680.0, -680.0, 204.0]
    with pytest.raises(SourceError, match=r"surface s0-180.*area_m2 is -680"):
        archetypes.fill(district.replace(surfaces=surfaces), PARAMETERS)


def test_measures_that_set_absurd_figures_are_called_so():
    filled = envelope().assign(u_wall_w_m2k=60.0)
    with pytest.raises(CallError, match=r"building b0: u_wall_w_m2k is 60"):
        envelope_check.check_envelope(filled, PARAMETERS)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"volume_m3": 0.0}, "derived:no volume"),
        ({"measured_height_m": 0.0}, "derived:no volume"),
        ({"a_use_m2": 0.5}, "derived:no floor area"),
        ({"heating": "none"}, "derived:no heating"),
    ],
)
def test_buildings_that_cannot_be_heated_are_not(columns, reason):
    row = envelope(**columns).iloc[0]
    assert not row["conditioned"]
    assert row["conditioned_source"] == reason


def test_no_roof_takes_the_footprint_and_no_walls_have_no_windows():
    row = envelope(roof_area_m2=0.0, measured_height_m=0.0).iloc[0]
    assert row["roof_area_m2"] == 480
    assert row["roof_area_source"] == "derived:footprint"
    assert (row["wall_area_m2"], row["window_area_m2"], row["door_area_m2"]) == (0, 0, 0)
    assert np.isfinite(row[[f"window_{sector}_m2" for sector in SECTORS]].to_numpy(float)).all()
