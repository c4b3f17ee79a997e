"""The sample district, put together from the plan: same seed, same district."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from twin import schema
from twin.district import District
from twin.sample import (
    attributes,
    ground_image,
    infill,
    inputs,
    numbering,
    relief,
    slabs,
    streets,
    trees,
    villages,
)
from twin.sample.records import METADATA, PROVENANCE
from twin.terrain import Terrain

SEED = 2026
DWELLINGS = {"Lobeda-West": 5654, "Lobeda-Ost": 7700}
"""Dwellings of the two estates (FACTS.md § 3; machmaplazda.com)."""
_ROOM_M = 11.0


def build(seed: int = SEED) -> District:
    """The sample district; EPSG:25832, heights DHHN2016. A model from documented facts and estimates.

    Parameters
    ----------
    seed : of everything that is chosen by lot (states of refurbishment, years, trees, small houses).
    """
    axes = streets.read()
    estates = inputs.read("estates")
    places = _places()
    terrain = relief.build(axes)
    buildings = _buildings(axes, estates, places, seed)
    buildings["ground_height_m"] = _stand(buildings, terrain)
    ground = shapely.union_all(buildings.geometry.to_numpy())
    roads = streets.corridors(axes[axes["kind"] != "tunnel"], -2.0)
    planted = trees.plant(axes, places, shapely.union_all(estates.geometry.to_numpy()), ground, roads, seed)
    image = ground_image.draw(axes, estates, places, buildings, planted, seed)
    return District.from_tables(
        "Jena-Lobeda",
        {
            "buildings": buildings,
            "blocks": attributes.blocks(buildings),
            "streets": axes,
            "places": places,
            "trees": planted,
        },
        terrain=terrain,
        ortho=image,
        provenance=PROVENANCE,
        metadata=METADATA,
    )


def _buildings(
    axes: gpd.GeoDataFrame, estates: gpd.GeoDataFrame, places: gpd.GeoDataFrame, seed: int
) -> gpd.GeoDataFrame:
    """Table `buildings`: hand-set rows, special buildings, garages, generated rows, small houses."""
    corridor = streets.corridors(axes)
    hand = slabs.hand_set()
    special = attributes.special_buildings()
    kept_free = [corridor, _area(places, ("sports", "plaza", "cemetery", "water", "solar", "hospital"))]
    taken = [*hand.geometry, *special.geometry]
    garages = villages.garages(shapely.union_all([corridor, *taken]))
    taken += list(garages.geometry)
    room = shapely.buffer(shapely.union_all(taken), _ROOM_M, join_style="mitre")
    filled = infill.fill(estates, shapely.union_all([*kept_free, room]), seed)
    target = {quarter: most - _dwellings(hand, quarter) for quarter, most in DWELLINGS.items()}
    lines = shapely.union_all(streets.addressable(axes).geometry.to_numpy())
    slab_sections = gpd.GeoDataFrame(
        pd.concat([hand, infill.trim(filled, target, lines, seed)], ignore_index=True), crs=schema.CRS
    )
    known = _addresses(special)
    slab_sections = numbering.number(slab_sections, streets.addressable(axes), known)
    blocked = [*kept_free[1:], streets.carriageways(axes), *taken, *slab_sections.geometry]
    small = villages.houses(shapely.buffer(shapely.union_all(blocked), 1.0), seed)
    small["row"], small["house_number"] = [f"house-{n:04d}" for n in range(len(small))], None
    small = numbering.number(small, streets.addressable(axes), known | _addresses(slab_sections))
    return attributes.table(slab_sections, special, garages, small, seed)


def _addresses(buildings: gpd.GeoDataFrame) -> set[tuple[str, str]]:
    return set(zip(buildings["street"], buildings["house_number"].astype(str), strict=True))


def _dwellings(sections: gpd.GeoDataFrame, quarter: str) -> float:
    return float(sections.loc[sections["quarter"] == quarter, "dwellings"].sum())


def _area(places: gpd.GeoDataFrame, uses: tuple[str, ...]) -> BaseGeometry:
    return shapely.union_all(places.geometry[places["land_use"].isin(uses)].to_numpy())


def _stand(buildings: gpd.GeoDataFrame, terrain: Terrain) -> np.ndarray:
    """Height of the lowest corner's ground, so that nothing floats. [m]"""
    corners, owner = shapely.get_coordinates(buildings.geometry.to_numpy(), return_index=True)
    heights = pd.Series(terrain.sample(corners[:, 0], corners[:, 1]))
    return np.round(heights.groupby(owner).min().to_numpy(), 2)


def _places() -> gpd.GeoDataFrame:
    """Table `places`: quarters, stops, landmarks and land use."""
    plan = inputs.read("places")
    kind = plan["kind"].str.split(":", n=1, expand=True)
    label = plan["name"] + " " + kind[0]
    ids = label.map(inputs.slug) + "-" + (label.groupby(label).cumcount() + 1).astype(str)
    return gpd.GeoDataFrame(
        {
            "place_id": ids,
            "name": plan["name"],
            "kind": kind[0],
            "land_use": kind[1],
            "source": "guessed:sample " + plan["source"],
        },
        geometry=plan.geometry,
        crs=schema.CRS,
    ).set_index("place_id")
