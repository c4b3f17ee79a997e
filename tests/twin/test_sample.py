"""The sample district: documented facts hold, nothing overlaps, the shipped files are what a build gives."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import twin
from twin import assets, schema
from twin.sample import build
from twin.sample.inputs import QUARTERS


@pytest.fixture(scope="module")
def fresh() -> twin.District:
    return build()


@pytest.fixture(scope="module")
def shipped() -> twin.District:
    return twin.open("lobeda")


def residential(district: twin.District) -> gpd.GeoDataFrame:
    return district.buildings[district.buildings["construction_series"].notna()]


# machmaplazda.com: 5,654 dwellings in Lobeda-West, about 7,700 in Lobeda-Ost; 3 % as the issue asks
@pytest.mark.parametrize(("quarter", "documented"), [("Lobeda-West", 5654), ("Lobeda-Ost", 7700)])
def test_dwellings_are_as_documented(shipped, quarter, documented):
    buildings = shipped.buildings
    assert buildings.loc[buildings["quarter"] == quarter, "dwellings"].sum() == pytest.approx(
        documented, rel=0.03
    )


def test_estates_have_the_documented_series_years_and_storeys(shipped):
    slabs = residential(shipped)
    west, ost = slabs[slabs["quarter"] == "Lobeda-West"], slabs[slabs["quarter"] == "Lobeda-Ost"]
    assert set(west["construction_series"]) == {"M10", "P2"}
    assert set(ost["construction_series"]) == {"P2", "WBS 70"}
    assert west["year_of_construction"].between(1964, 1978).all()
    assert ost["year_of_construction"].between(1971, 1986).all()
    assert set(west["storeys_above_ground"]) == {5, 9, 11}
    assert set(ost["storeys_above_ground"]) == {5, 11}


def test_sections_are_entrances_of_10_to_42_dwellings(shipped):
    slabs = residential(shipped)
    assert slabs["dwellings"].between(10, 42).all()  # 42: a sixth of the 250 of Ziegesarstraße 9–19
    assert slabs["footprint_area_m2"].between(150, 450).all()
    assert 600 <= len(slabs) <= 1100
    assert 1000 <= len(shipped.buildings) <= 1500


# wohnen-am-sap.de and otz.de; tlz.de 2023; smartcity.jena.de
@pytest.mark.parametrize(
    ("block", "numbers", "dwellings", "years"),
    [
        ("salvador-allende-platz-9-23", range(9, 24, 2), 320, {1982, 1983}),
        ("ziegesarstrasse-1-7", range(1, 8, 2), 89, {1983}),
        ("ziegesarstrasse-9-19", range(9, 20, 2), 250, None),
    ],
)
def test_named_blocks(shipped, block, numbers, dwellings, years):
    sections = shipped.buildings[shipped.buildings["block_id"] == block]
    assert sorted(sections["house_number"].astype(int)) == list(numbers)
    assert (sections["storeys_above_ground"] == 11).all()
    assert sections["dwellings"].sum() == dwellings
    assert shipped.blocks.loc[block, "dwellings"] == dwellings
    assert sections["storeys_source"].str.startswith("given:documented").all()
    assert sections["dwellings_source"].str.startswith("given:documented").all()
    if years:
        assert set(sections["year_of_construction"]) == years
        assert sections["year_source"].str.startswith("given:documented").all()


def test_what_is_not_documented_says_that_it_is_guessed(shipped):
    documented = ["salvador-allende-platz-9-23", "ziegesarstrasse-1-7", "ziegesarstrasse-9-19"]
    others = shipped.buildings[~shipped.buildings["block_id"].isin(documented)]
    for column in ("storeys", "year", "dwellings", "heating", "function"):
        assert others[f"{column}_source"].str.startswith("guessed:sample").all(), column
    done = others["refurbishment"].notna()
    assert others.loc[done, "refurbishment_source"].str.startswith("guessed:sample").all()
    year = shipped.buildings.loc["ziegesarstrasse-9", "year_source"]
    assert year.startswith("guessed:sample")


def test_every_dwelling_has_an_address_and_a_quarter(shipped):
    buildings = shipped.buildings
    assert set(buildings["quarter"]) == set(QUARTERS)
    homes = buildings[buildings["dwellings"] > 0]
    assert homes["street"].notna().all() and homes["house_number"].notna().all()
    assert not homes.duplicated(["street", "house_number"]).any()
    assert (residential(shipped)["heating"] == "district_heating").all()


def test_sections_of_a_row_stand_in_order_of_their_numbers(shipped):
    slabs = residential(shipped)
    for _, block in slabs.groupby("block_id"):
        order = block.assign(n=block["house_number"].astype(int)).sort_values("n")
        steps = shapely.distance(order.geometry.to_numpy()[1:], order.geometry.to_numpy()[:-1])
        assert (steps < 0.05).all(), block["block_id"].iloc[0]


def test_buildings_do_not_overlap(shipped):
    shapes = shipped.buildings.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, "intersects")
    pairs = first < second
    overlap = shapely.area(shapely.intersection(shapes[first[pairs]], shapes[second[pairs]]))
    assert overlap.max() < 1e-3


def test_neighbours_in_a_row_share_their_party_wall(shipped):
    slabs = residential(shipped)
    rows = slabs.groupby("block_id").filter(lambda block: len(block) > 2)
    inner = rows["party_wall_area_m2"] > 0
    assert inner.all()
    # a section in the middle of a row 12 m deep and 14 m high: two walls of 168 m²
    five = rows[rows["storeys_above_ground"] == 5]
    assert five["party_wall_area_m2"].max() == pytest.approx(2 * 12 * 14, rel=0.05)


def test_nothing_stands_in_roads_tracks_or_the_river(shipped):
    streets = shipped.streets
    ways = shapely.buffer(streets.geometry.to_numpy(), streets["width_m"].to_numpy() / 2)
    for way, kind in zip(ways, streets["kind"], strict=True):
        hit = shipped.buildings.index[shapely.intersects(shipped.buildings.geometry.to_numpy(), way)]
        assert not len(hit), f"{kind}: {list(hit)}"


def test_trees_stand_in_the_open(shipped):
    assert 4000 < len(shipped.trees) <= 9000
    trees = shapely.STRtree(shipped.trees.geometry.to_numpy())
    inside, _ = trees.query(shipped.buildings.geometry.to_numpy(), "intersects")
    assert not len(inside)
    river = shipped.streets[shipped.streets["kind"] == "river"]
    water = shapely.buffer(river.geometry.to_numpy(), river["width_m"].to_numpy() / 2)
    assert not len(trees.query(water, "intersects")[0])
    assert shipped.trees["height_source"].str.startswith("guessed:sample").all()


def test_every_building_stands_on_the_terrain(shipped):
    corners, owner = shapely.get_coordinates(shipped.buildings.geometry.to_numpy(), return_index=True)
    ground = (
        pd.Series(shipped.terrain.sample(corners[:, 0], corners[:, 1])).groupby(owner).agg(["min", "max"])
    )
    assert np.isfinite(ground.to_numpy()).all()
    height = shipped.buildings["ground_height_m"].to_numpy()
    assert np.allclose(height, ground["min"], atol=0.02)
    slabs = shipped.buildings["construction_series"].notna().to_numpy()
    assert (ground["max"] - ground["min"])[slabs].max() < 2.5


@pytest.mark.parametrize(
    ("east", "north", "low", "high"),
    [
        (682700, 5639300, 149, 156),  # Saale
        (683050, 5639850, 155, 160),  # Lobeda-West
        (683700, 5640100, 158, 165),
        (684000, 5640030, 163, 169),  # Stadtrodaer Straße
        (684950, 5640520, 190, 200),  # Drackendorf
        (684352, 5641500, 300, 370),  # Lobdeburg
        (684150, 5641720, 300, 370),  # Johannisberg
    ],
)
def test_relief_has_the_estimated_heights(shipped, east, north, low, high):
    """The heights that the facts estimate: Saale 150–155, West 155–165, Ost from 165, Drackendorf 190–200."""
    assert low <= float(shipped.terrain.sample(east, north)) <= high


def test_it_says_that_it_is_a_model(shipped):
    assert shipped.is_model
    assert shipped.metadata["notice"] == {
        "de": "Modell aus dokumentierten Fakten und Schätzungen, keine Vermessungsdaten",
        "en": "Model from documented facts and estimates, not survey data",
    }
    recorded = {record.table for record in shipped.provenance}
    assert {"buildings", "blocks", "streets", "places", "trees", "terrain", "sensors", "ortho"} <= recorded
    assert all(record.licence == "Apache-2.0" for record in shipped.provenance)


def test_it_is_small_and_has_a_ground_image(shipped):
    folder = assets.path("lobeda")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 8 * 2**20
    rows, columns, bands = shipped.ortho.pixels.shape
    assert (rows, columns, bands) == (2400, 3040, 3)
    assert shipped.ortho.bounds == shipped.terrain.bounds


def test_places_and_streets_that_a_citizen_would_look_for(shipped):
    kinds = set(shipped.places["kind"])
    assert {"quarter", "stop", "hospital", "school", "shopping", "landmark", "land_use"} <= kinds
    assert {"motorway", "tunnel", "main", "residential", "path", "tram", "rail", "river"} == set(
        shipped.streets["kind"]
    )
    for name in ("Karl-Marx-Allee", "Erlanger Allee", "Stadtrodaer Straße", "Ziegesarstraße", "Saale"):
        assert (shipped.streets["name"] == name).any()
    for function in ("hospital", "school", "kindergarten", "retail", "garage", "church"):
        assert (shipped.buildings["function"] == function).any()
    village = shipped.buildings[shipped.buildings["quarter"].isin(["Lobeda-Altstadt", "Drackendorf"])]
    assert village["roof_type"].isin(["gable", "hip"]).mean() > 0.95


def test_the_same_seed_gives_the_same_district(fresh):
    assert build().digest() == fresh.digest()


@pytest.mark.parametrize("table", schema.TABLES)
def test_the_shipped_files_are_what_a_build_gives(fresh, shipped, table):
    """Equal but for the last digits, in which linear algebra may differ between machines."""
    built, stored = getattr(fresh, table), getattr(shipped, table)
    assert list(built.index) == list(stored.index)
    for name, column in schema.columns(table).items():
        if name == stored.index.name:
            continue
        if column.is_geometry:
            same = shapely.equals_exact(built[name].to_numpy(), stored[name].to_numpy(), tolerance=0.2)
            assert same.all() if len(same) else True
        elif column.dtype in ("float", "count"):
            np.testing.assert_allclose(built[name], stored[name], rtol=0.01, atol=0.2, err_msg=name)
        else:
            assert built[name].fillna("").tolist() == stored[name].fillna("").tolist(), name


def test_the_shipped_terrain_is_what_a_build_gives(fresh, shipped):
    np.testing.assert_allclose(fresh.terrain.heights_m, shipped.terrain.heights_m, atol=0.11)
