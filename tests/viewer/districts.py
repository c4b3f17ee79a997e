"""A small district for the viewer's tests: two slabs of three sections, school, garages, row of houses."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from twin.district import District
from twin.sources.base import NOT_PUBLISHED, Provenance
from twin.terrain import Terrain

EAST, NORTH = 683_000.0, 5_640_000.0
SECRET_OWNER, SECRET_CENTRE = "Wohnungsgesellschaft Geheim", "KST-4711"
SECRET_NAMES = "Erna Privat, Familie Beispiel 3"
"""Owners, as older versions wrote them into the origin of their list."""


def small() -> District:
    """Six sections of 10 to 22 dwellings in two blocks, twelve houses of one dwelling, and others."""
    rows = [_section(block, number) for block in ("west", "ost") for number in range(3)]
    rows += [_house(number) for number in range(12)]
    rows += [_other("school", "Schule am Park", 60, 20), _other("garage", None, 120, 24)]
    buildings = gpd.GeoDataFrame(pd.DataFrame(rows).set_index("building_id"), crs="EPSG:25832")
    blocks = gpd.GeoDataFrame(
        {
            "block_id": ["west", "ost"],
            "name": ["Karl-Marx-Allee 1–5", "Erlanger Allee 1–5"],
            "quarter": ["Lobeda-West", "Lobeda-Ost"],
        },
        geometry=[buildings[buildings["block_id"] == b].union_all() for b in ("west", "ost")],
        crs="EPSG:25832",
    ).set_index("block_id")
    terrain = Terrain(np.full((60, 60), 160.0, np.float32), EAST - 100, NORTH + 400, 10.0)
    trees = gpd.GeoDataFrame(
        {"tree_id": ["t1", "t2"], "species": ["Tilia cordata", "Acer"], "height_m": [12.0, 9.0]},
        geometry=[shapely.Point(EAST + 20, NORTH + 60), shapely.Point(EAST + 40, NORTH + 60)],
        crs="EPSG:25832",
    )
    return District.from_tables(
        "Kleinquartier",
        {"buildings": buildings, "blocks": blocks, "trees": trees},
        terrain=terrain,
        provenance=[
            Provenance("buildings", "hand-made", "tests", "CC0-1.0", "© Testamt"),
            Provenance(
                "buildings",
                "facts",
                f"{SECRET_NAMES}.csv",
                f"owner's own data, {NOT_PUBLISHED}",
                SECRET_NAMES,
            ),
        ],
        metadata={"is_model": True},
    )


def _section(block: str, number: int) -> dict[str, object]:
    x = EAST + 18.0 * number
    y = NORTH + (100.0 if block == "west" else 160.0)
    storeys = 5 if block == "west" else 11
    return _building(
        f"{block}-{number}", shapely.box(x, y, x + 18, y + 12), storeys, "residential",
        block_id=block, street="Karl-Marx-Allee" if block == "west" else "Erlanger Allee",
        house_number=str(1 + 2 * number), quarter="Lobeda-West" if block == "west" else "Lobeda-Ost",
        dwellings=2.0 * storeys, dwellings_source="given:facts",
        year_of_construction=1974.0 + 5 * (block == "ost"),
        year_source="given:facts", construction_series="P2" if block == "west" else "WBS 70",
        series_source="guessed:year", owner=SECRET_OWNER, cost_centre=SECRET_CENTRE,
        heating="district_heating", heating_source="given:facts",
    )  # fmt: skip


def _house(number: int) -> dict[str, object]:
    x = EAST + 20.0 * number
    return _building(
        f"house-{number:02}", shapely.box(x, NORTH, x + 9, NORTH + 10), 2, "residential",
        street="Dorfstraße", house_number=str(number + 1), quarter="Drackendorf", dwellings=1.0,
        dwellings_source="derived:one per house", year_of_construction=1930.0, year_source="guessed:default",
        owner=f"Familie Beispiel {number}", heating="gas", heating_source="guessed:default",
    )  # fmt: skip


def _other(function: str, name: str | None, x: float, size: float) -> dict[str, object]:
    ground = shapely.box(EAST + x, NORTH + 240, EAST + x + size, NORTH + 240 + size)
    return _building(f"{function}-1", ground, 2 if function == "school" else 1, function, name=name,
                     quarter="Lobeda-Ost")  # fmt: skip


def _building(
    building_id: str, ground: shapely.Polygon, storeys: int, function: str, **facts: object
) -> dict[str, object]:
    return {
        "building_id": building_id,
        "geometry": ground,
        "function": function,
        "function_source": "given:facts",
        "storeys_above_ground": float(storeys),
        "storeys_source": "given:facts",
        "measured_height_m": 2.8 * storeys + 1,
        "measured_height_source": "derived:storeys",
        "ground_height_m": 160.0,
        "ground_height_source": "derived:terrain",
        "roof_type": "flat",
        "roof_type_source": "guessed:default",
        **facts,
    }
