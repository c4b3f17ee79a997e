"""Layers follow the U-value; heat capacity by ISO 13786's effective thickness, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy import archetypes, constructions
from energy.parameters import Parameters
from tests.energy.districts import slabs
from twin.errors import CallError

PARAMETERS = Parameters.default()
OUTER = [
    (name, component)
    for component, columns in (
        ("wall", ["wall"]),
        ("roof", ["roof_pitched", "roof_flat"]),
        ("floor", ["floor"]),
    )
    for column in columns
    for name in sorted(set(PARAMETERS.fabrics[column]))
]


def u_value(layers, component):
    """ISO 6946:2017, 6.7.1: surfaces and layers in series."""
    return 1 / (constructions.R_INSIDE[component] + layers.resistance_m2k_w.sum() + constructions.R_OUTSIDE)


@pytest.mark.parametrize(("name", "component"), OUTER)
@settings(max_examples=20, deadline=None)
@given(wanted=st.floats(0.08, 4.0))
def test_any_u_value_is_met_and_masses_stay(name, component, wanted):
    built = constructions.layers(name, PARAMETERS)
    fitted = constructions.fit(built, wanted, component, PARAMETERS)
    assert u_value(fitted, component) == pytest.approx(wanted, rel=1e-9)
    own = len(built.thickness_m)
    np.testing.assert_array_equal(fitted.thickness_m[-own:], built.thickness_m)
    np.testing.assert_array_equal(fitted.density_kg_m3[-own:], built.density_kg_m3)
    assert (fitted.thickness_m > 0).all()
    assert (fitted.conductivity_w_mk > 0).all()


def test_wbs_70_wall_as_tabula_has_it():
    """U 0.9 (TABULA East AB 1979-83): 1/0.9 − 0.17 = 0.941 m²K/W, of it 0.21 m of concrete at 2.3 W/(mK)."""
    built = constructions.layers("slab_wall_70", PARAMETERS)
    fitted = constructions.fit(built, 0.9, "wall", PARAMETERS)
    core = 0.05 / (1 / 0.9 - 0.17 - 0.21 / 2.3)
    np.testing.assert_allclose(fitted.conductivity_w_mk, [2.3, core, 2.3])
    assert core > 0.04  # worse than plain insulation: ribs and ties


def test_refurbishment_adds_insulation_outside():
    """U 0.22: 4.375 m²K/W less the panel's 1.341 is 10.6 cm of insulation of class 035."""
    built = constructions.layers("slab_wall_70", PARAMETERS)
    fitted = constructions.fit(built, 0.22, "wall", PARAMETERS)
    panel = 0.06 / 2.3 + 0.05 / 0.04 + 0.15 / 2.3
    assert fitted.thickness_m[0] == pytest.approx((1 / 0.22 - 0.17 - panel) * 0.035)
    np.testing.assert_array_equal(fitted.conductivity_w_mk[1:], built.conductivity_w_mk)


def test_impossible_u_values_say_the_limit():
    built = constructions.layers("slab_wall_70", PARAMETERS)
    with pytest.raises(CallError, match=r"6 W/\(m²K\) leaves no resistance.*Use less than 5.9"):
        constructions.fit(built, 6.0, "wall", PARAMETERS)
    with pytest.raises(CallError, match="no construction 'straw'"):
        constructions.layers("straw", PARAMETERS)


@pytest.mark.parametrize(
    ("name", "partition", "mirror", "expected"),
    [
        ("slab_wall_70", False, False, 0.10 * 2300 / 3.6),  # 100 mm of the inner 150 mm
        ("slab_floor", False, False, 0.035 * 2000 / 3.6),  # the screed: insulation below ends it
        ("slab_ceiling", True, False, 0.035 * 2000 / 3.6),
        ("slab_ceiling", True, True, 0.0975 * 2300 / 3.6),  # half of 195 mm, from below
        ("wall_1983", False, False, (0.015 * 1600 + 0.085 * 800) / 3.6),
        ("slab_inner_wall", True, False, 0.075 * 2300 / 3.6),
        ("roof_insulated", False, False, 0.0125 * 900 / 3.6),
    ],
)
def test_heat_capacity_by_effective_thickness(name, partition, mirror, expected):
    """ISO 13786:2007, Annex A: up to 100 mm, the middle of a partition, or the first insulating layer."""
    built = constructions.layers(name, PARAMETERS)
    built = constructions.mirrored(built) if mirror else built
    capacity = constructions.areal_heat_capacity_wh_m2k(built, partition=partition)
    assert capacity == pytest.approx(expected, rel=1e-9)


def test_capacity_of_a_slab_building_is_the_sum_of_its_parts():
    """slabs(): 480 m² footprint, 6 storeys, 0.8 use area share; all parts by hand."""
    row = archetypes.fill(slabs(1), PARAMETERS).iloc[0]
    area = 0.8 * 6 * 480
    concrete, screed = 2300 / 3.6, 2000 / 3.6
    total = (
        0.10 * concrete * (row["wall_area_m2"] + row["roof_area_m2"])
        + 0.035 * screed * 480
        + (0.035 * screed + 0.0975 * concrete) * 480 * 5
        + 2 * 0.075 * concrete * 0.8 * area
    )
    assert row["heat_capacity_wh_m2k"] == pytest.approx(total / area)
    assert row["mass_area_ratio"] == 3.5  # ISO 13790:2008, Table 12, very heavy (above 103 Wh/(m²K))
    assert row["heat_capacity_source"].startswith("guessed:layers of WBS 70")


def test_mass_area_follows_iso_13790_table_12():
    """Medium 165 kJ/(m²K): 2.5; heavy 260: 3.0; very heavy 370: 3.5; light stays at 2.5."""
    capacity = np.array([80, 165, 260, 370, 800]) / 3.6
    np.testing.assert_allclose(constructions.mass_area_ratio(capacity), [2.5, 2.5, 3.0, 3.5, 3.5])


def test_towers_without_rooms_stay_plausible():
    tower = slabs(1, footprint_area_m2=9.0, storeys_above_ground=1.0, measured_height_m=60.0, a_use_m2=8.0)
    assert archetypes.fill(tower, PARAMETERS)["heat_capacity_wh_m2k"].iloc[0] == 500


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("WBS 70", "WBS 70"),
        ("WBS70", "WBS 70"),
        ("wbs-70/11", "WBS 70"),
        ("P2", "P2"),
        ("P 2.11", "P2"),
        ("M10", "M10"),
        ("M 10 (Magdeburg)", "M10"),
        ("M", "M"),
        ("IW 64 Brandenburg", "IW 64"),
        ("WBS 7000", None),
        ("villa", None),
        ("", None),
        (None, None),
    ],
)
def test_series_in_any_spelling(written, meant):
    found = constructions.known_series(pd.Series([written], dtype="object"), PARAMETERS).iloc[0]
    assert found == meant or (meant is None and pd.isna(found))


def test_fabric_by_series_then_by_years():
    series = pd.Series(["P2", "M10", "IW 64", np.nan, np.nan, np.nan, np.nan], dtype="object")
    year = np.array([1974, 1972, 1965, 1700, 1948, 1949, 2024])
    fabric, source = constructions.fabric(series, year, PARAMETERS)
    assert list(fabric) == [
        "P2",
        "M10",
        "IW 64",
        "masonry to 1918",
        "masonry 1919-1948",
        "masonry 1949-1968",
        "masonry from 2002",
    ]
    assert "series" in source[0]
    assert "years" in source[3]


def test_years_of_generic_fabrics_have_no_gap():
    generic = PARAMETERS.fabrics[PARAMETERS.fabrics["construction_series"].isna()].sort_values("year_from")
    np.testing.assert_array_equal(generic["year_from"][1:], generic["year_to"][:-1] + 1)
    assert set(PARAMETERS.fabrics["construction_series"].dropna()) == set(PARAMETERS.series.index)
