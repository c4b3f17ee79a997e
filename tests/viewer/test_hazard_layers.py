"""The layers of flood and noise: there where the district holds areas, absent from the menu elsewhere."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from tests.viewer.districts import EAST, NORTH, small
from viewer import layers
from viewer.state import State, Twin


def _with_areas():
    """The west block in HQ 10 and HQ 100, the east one in HQ 100 alone; all of it at 65 dB(A)."""
    west = shapely.box(EAST - 5, NORTH + 95, EAST + 60, NORTH + 115)
    both = shapely.box(EAST - 5, NORTH + 95, EAST + 60, NORTH + 175)
    areas = gpd.GeoDataFrame(
        {
            "hazard_id": ["a", "b", "c"],
            "kind": ["flood", "flood", "noise"],
            "scenario": ["hq10", "hq100", "lden"],
            "value_min": [0.5, 0.5, 65.0],
        },
        geometry=[west, both, both],
        crs="EPSG:25832",
    )
    return small().replace(hazard_areas=areas)


def test_the_menu_offers_what_the_district_holds():
    assert not {"flood", "noise"} & set(layers.of(small()))
    assert {"flood", "noise"} <= set(layers.of(_with_areas()))
    assert {"flood", "noise"} <= set(layers.of(_with_areas(), public=True))


def test_most_frequent_flood_and_level_of_each_building():
    twin = Twin.of(_with_areas())
    view = State(twin).view()
    flood = layers.LAYERS["flood"](view)
    code = [None if np.isnan(v) else flood.categories[int(v)].code for v in flood.values]
    found = dict(zip(twin.district.buildings.index, code, strict=True))
    assert [found[f"west-{n}"] for n in range(3)] == ["hq10"] * 3
    assert [found[f"ost-{n}"] for n in range(3)] == ["hq100"] * 3
    assert found["garage-1"] is None
    assert flood.lines is not None and len(flood.lines.course) == 2
    assert layers.LAYERS["flood"](twin.view(twin.annual, "de", public=True)).lines is None
    noise = dict(zip(twin.district.buildings.index, layers.LAYERS["noise"](view).values, strict=True))
    assert noise["ost-1"] == 65.0 and np.isnan(noise["garage-1"])
