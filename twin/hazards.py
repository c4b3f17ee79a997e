"""Which buildings flood and noise reach, how deep or how loud, and how many dwellings that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from twin.sources.hazards import CASES

if TYPE_CHECKING:
    from twin.district import District

# Noise maps leave buildings out: what counts is the level at the wall, a step outside it.
_NOISE_REACH_M = 1.0


def cases(district: District, kind: str | None = None) -> list[str]:
    """The cases that the district holds areas of, in the order of `CASES`; of one kind where named."""
    held = set(district.hazard_areas["scenario"].dropna())
    return [case for case, of in CASES.items() if case in held and kind in (None, of)]


def affected(district: District, case: str) -> pd.DataFrame:
    """The buildings that an area of a case touches, index building_id.

    Columns: share, of the footprint inside (nan for noise, which is taken at the walls); value_min and
    value_max of the worst area that touches it: water depth [m] or level [dB(A)], nan where unknown or open.
    """
    areas = district.hazard_areas[(district.hazard_areas["scenario"] == case).to_numpy(bool)]
    footprint = district.buildings.geometry.to_numpy()
    noise = CASES[case] == "noise"
    outline = shapely.buffer(footprint, _NOISE_REACH_M) if noise else footprint
    area, house = shapely.STRtree(outline).query(areas.geometry.to_numpy(), predicate="intersects")
    inside = shapely.area(shapely.intersection(areas.geometry.to_numpy()[area], outline[house]))
    touched = inside > 0
    found = pd.DataFrame({
        "house": house[touched],
        "inside": inside[touched],
        "value_min": areas["value_min"].to_numpy()[area[touched]],
        "value_max": areas["value_max"].to_numpy()[area[touched]],
    })  # fmt: skip
    order = found.sort_values("value_min", na_position="first", kind="stable")
    worst = order.drop_duplicates("house", keep="last").set_index("house").sort_index()
    share = found.groupby("house")["inside"].sum() / shapely.area(footprint)[worst.index]
    result = pd.DataFrame({
        "share": np.nan if noise else np.minimum(share, 1.0),
        "value_min": worst["value_min"],
        "value_max": worst["value_max"],
    })  # fmt: skip
    result.index = pd.Index(district.buildings.index[worst.index], name="building_id")
    return result


def summary(district: District) -> pd.DataFrame:
    """Per case: buildings, dwellings and floor area affected; columns also kind and worst.

    worst : the greatest value_min that touches a building: water depth [m] or level [dB(A)].
    dwellings : of the buildings touched, where their number is known.
    """
    rows = []
    for case in cases(district):
        found = affected(district, case)
        houses = district.buildings.loc[found.index]
        rows.append({
            "case": case,
            "kind": CASES[case],
            "buildings": len(found),
            "dwellings": int(houses["dwellings"].sum()),
            "worst": found["value_min"].max(),
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["case", "kind", "buildings", "dwellings", "worst"]).set_index("case")
